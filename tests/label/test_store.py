"""The store of the page: what it acknowledges is in the file, once, and can be undone; others may write, too."""

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import fiona
import pytest

from alcd_otb.label.actions import ACTION
from alcd_otb.label.sample_file import FileBusyError
from alcd_otb.label.store import ActionRefusedError, LabelStore
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.layers import holds_samples
from alcd_otb.samples.reading import read_samples
from alcd_otb.settings.legend import Legend, LegendClass

GRID = Grid("EPSG:32631", 600000.0, 4900000.0, 60.0, 100, 80)
LEGEND = Legend.from_classes(
    [LegendClass(name="land", code=5, colour="#00ff00"), LegendClass(name="low_clouds", code=2, colour="#ffffff")]
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "samples.gpkg"


def store_of(path: Path) -> LabelStore:
    return LabelStore(path, LEGEND, GRID, lambda: 3)


def act(store: LabelStore, number: int, **content: Any) -> bool:
    return store.apply(ACTION.validate_python({"id": f"action-{number:04d}", "author": "Ada", **content}))


def add(store: LabelStore, number: int, code: int = 5, x: float = 600090.0, y: float = 4899910.0) -> bool:
    return act(store, number, do="add", code=code, x=x, y=y)


def rows(path: Path, layer: str = "samples") -> list[tuple[Any, ...]]:
    """What Fiona reads of a layer: class, iteration, author, geometry."""
    with fiona.open(path, layer=layer) as features:
        return [
            (
                each.properties["class"],
                each.properties["iteration"],
                each.properties["author"],
                each.geometry.coordinates,
            )
            for each in features.filter(where="1 = 1")
        ]


def test_a_point_is_in_the_file_with_its_author_and_time(path: Path) -> None:
    store = store_of(path)
    assert add(store, 1)
    assert rows(path) == [("land", 3, "Ada", (600090.0, 4899910.0))]
    [sample] = store.samples
    assert (sample.code, sample.location, sample.author, sample.iteration) == (5, (600090.0, 4899910.0), "Ada", 3)
    assert sample.created.startswith("20")


def test_an_action_that_is_sent_again_changes_nothing(path: Path) -> None:
    store = store_of(path)
    assert add(store, 1)
    assert not add(store, 1)
    # Also to a server that was started since.
    assert not add(store_of(path), 1)
    assert len(rows(path)) == 1


def test_a_late_repetition_does_not_bring_back_what_was_deleted(path: Path) -> None:
    store = store_of(path)
    add(store, 1)
    assert act(store, 2, do="delete", target={"action": "action-0001"})
    assert not add(store, 1)
    assert rows(path) == []


def test_undo_and_redo_go_through_all_changes_and_outlive_the_server(path: Path) -> None:
    store = store_of(path)
    states = [rows(path)]
    add(store, 1)
    states.append(rows(path))
    add(store, 2, 2, 600150.0)
    states.append(rows(path))
    act(store, 3, do="class", code=2, target={"feature": 1})
    states.append(rows(path))
    act(store, 4, do="delete", target={"feature": 2})
    states.append(rows(path))
    assert [len(state) for state in states] == [0, 1, 2, 2, 1]
    for number, state in enumerate(reversed(states[:-1])):
        store = store_of(path)
        assert act(store, 10 + number, do="undo")
        assert rows(path) == state
    assert not act(store, 19, do="undo")
    for number, state in enumerate(states[1:]):
        store = store_of(path)
        assert act(store, 20 + number, do="redo")
        assert rows(path) == state
    assert not act(store, 29, do="redo")


def test_after_a_new_change_nothing_can_be_done_again(path: Path) -> None:
    store = store_of(path)
    add(store, 1)
    act(store, 2, do="undo")
    add(store, 3, 2)
    assert not act(store, 4, do="redo")
    assert [row[0] for row in rows(path)] == ["low_clouds"]


def test_an_undo_that_is_sent_again_undoes_once(path: Path) -> None:
    store = store_of(path)
    add(store, 1)
    add(store, 2, 2)
    assert act(store, 3, do="undo")
    assert not act(store, 3, do="undo")
    assert [row[0] for row in rows(path)] == ["land"]


def test_what_the_store_holds_is_what_is_read_anew(path: Path) -> None:
    store = store_of(path)
    for number in range(1, 5):
        add(store, number, 5 if number % 2 else 2, 600090.0 + 71.37 * number)
    act(store, 5, do="draw", code=2, ring=[[600060.1, 4899880.2], [600240.3, 4899880.4], [600240.5, 4899700.6]])
    act(store, 6, do="delete", target={"feature": 2})
    act(store, 7, do="class", code=2, target={"feature": 1})
    act(store, 8, do="delete", target={"feature": 3})
    act(store, 9, do="undo")
    again = store_of(path)
    assert store.samples == again.samples
    assert [sample.feature for sample in store.samples] == ["samples.gpkg:1", "samples.gpkg:3", "samples.gpkg:4"]
    assert store.corrections == again.corrections


def test_a_polygon_is_a_correction(path: Path) -> None:
    store = store_of(path)
    ring = [[600060.0, 4899880.0], [600240.0, 4899880.0], [600240.0, 4899700.0]]
    assert act(store, 1, do="draw", code=2, ring=ring)
    [(name, iteration, author, coordinates)] = rows(path, "corrections")
    assert (name, iteration, author) == ("low_clouds", 3, "Ada")
    assert coordinates == [[tuple(corner) for corner in [*ring, ring[0]]]]
    [correction] = store.corrections
    assert correction.code == 2
    assert act(store, 2, do="delete", target={"layer": "corrections", "action": "action-0001"})
    assert store.corrections == ()


@pytest.mark.parametrize(
    "content",
    [
        {"do": "add", "code": 9, "x": 600090.0, "y": 4899910.0},
        {"do": "add", "code": 5, "x": 599999.0, "y": 4899910.0},
        {"do": "draw", "code": 5, "ring": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]},
        {"do": "draw", "code": 5, "ring": [[600090.0, 4899910.0]] * 3},
        {"do": "delete", "target": {"feature": 77}},
        {"do": "delete", "target": {"action": "action-9999"}},
        {"do": "class", "code": 5, "target": {"layer": "corrections", "feature": 1}},
    ],
)
def test_what_no_run_could_use_is_refused(path: Path, content: dict[str, Any]) -> None:
    store = store_of(path)
    with pytest.raises(ActionRefusedError):
        act(store, 1, **content)
    assert rows(path) == []
    assert rows(path, "corrections") == []
    # The next action goes as if nothing had been.
    assert add(store, 2)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"do": "add", "code": 5, "x": float("nan"), "y": 4899910.0},
        {"do": "add", "code": "5", "x": 600090.0, "y": 4899910.0},
        {"do": "add", "code": 5, "x": 600090.0, "y": 4899910.0, "more": 1},
        {"do": "add", "code": 5, "x": 600090.0, "y": 4899910.0, "id": "x'; DROP TABLE samples; --"},
        {"do": "add", "code": 5, "x": 600090.0, "y": 4899910.0, "author": "A" * 100},
        {"do": "draw", "code": 5, "ring": [[0.0, 0.0], [1.0, 0.0]]},
        {"do": "delete", "target": {"layer": "gpkg_contents", "feature": 1}},
        {"do": "drop"},
    ],
)
def test_what_is_no_action_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        ACTION.validate_python({"id": "action-0001", "author": "", **content})


def test_text_of_others_is_no_sql(path: Path) -> None:
    store = store_of(path)
    store.apply(
        ACTION.validate_python(
            {"id": "action-0001", "author": "O'Hara '); DROP", "do": "add", "code": 5, "x": 600090.0, "y": 4899910.0}
        )
    )
    assert act(store, 2, do="delete", target={"feature": 1})
    assert act(store, 3, do="undo")
    assert rows(path)[0][2] == "O'Hara '); DROP"


def test_edits_of_another_program_are_noticed(path: Path) -> None:
    store = store_of(path)
    add(store, 1)
    before = store.revision
    assert not store.refresh()
    code = (
        "import sys, fiona\n"
        "with fiona.open(sys.argv[1], 'a', layer='samples') as layer:\n"
        "    layer.write({'geometry': {'type': 'Point', 'coordinates': (600210.0, 4899790.0)},"
        " 'properties': {'class': 'low_clouds', 'author': 'QGIS',"
        " **dict.fromkeys(('iteration', 'comment', 'created'))}})\n"
    )
    subprocess.run([sys.executable, "-c", code, path], check=True)
    assert store.refresh()
    assert store.revision > before
    assert [sample.code for sample in store.samples] == [5, 2]
    assert add(store, 2, 2, 600270.0)
    assert len(rows(path)) == 3


def test_a_file_that_took_the_place_of_the_first_is_noticed(path: Path, tmp_path: Path) -> None:
    store = store_of(path)
    add(store, 1)
    other = store_of(tmp_path / "other.gpkg")
    add(other, 7, 2, 600330.0)
    other.close()
    (tmp_path / "other.gpkg").replace(path)
    assert store.refresh()
    assert [sample.code for sample in store.samples] == [2]
    assert add(store, 8)
    assert [row[0] for row in rows(path)] == ["low_clouds", "land"]


def test_what_another_program_changed_is_not_undone(path: Path) -> None:
    store = store_of(path)
    add(store, 1)
    store.close()
    subprocess.run(
        [sys.executable, "-c", "import sys\nfrom osgeo import ogr\nd = ogr.Open(sys.argv[1], 1)\n"
         "l = d.GetLayerByName('samples')\nf = l.GetFeature(1)\nf['class'] = 'low_clouds'\nl.SetFeature(f)\n", path],
        check=True,
    )  # fmt: skip
    assert not act(store, 2, do="undo")
    assert [row[0] for row in rows(path)] == ["low_clouds"]


def test_while_another_program_writes_the_action_can_be_sent_again(path: Path, monkeypatch: Any) -> None:
    store = store_of(path)
    add(store, 1)
    store.close()
    monkeypatch.setattr("alcd_otb.label.sample_file.PATIENCE", 100)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(FileBusyError):
        add(store, 2, 2)
    holder.execute("ROLLBACK")
    holder.close()
    assert add(store, 2, 2)
    assert len(rows(path)) == 2


def test_wrong_labels_of_another_program_are_told_and_the_last_good_ones_stay(path: Path) -> None:
    store = store_of(path)
    add(store, 1)
    with fiona.open(path, "a", layer="samples") as layer:
        fields = {"class": "sky", "iteration": None, "author": None, "comment": None, "created": None}
        layer.write({"geometry": {"type": "Point", "coordinates": (600210.0, 4899790.0)}, "properties": fields})
    assert store.refresh()
    assert "unknown class 'sky'" in store.problem
    assert [sample.code for sample in store.samples] == [5]


def test_the_history_is_no_layer_of_samples(path: Path) -> None:
    store = store_of(path)
    add(store, 1)
    act(store, 2, do="undo")
    store.close()
    assert not holds_samples(path)
    add(store, 3)
    add(store, 4, 2)
    assert len(read_samples(path, LEGEND, GRID)) == 2
