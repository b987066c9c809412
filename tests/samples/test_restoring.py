"""Earlier samples replace the present samples: nothing is lost, even if another program has the file open."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from osgeo import ogr, osr

from alcd_otb.errors import SampleError
from alcd_otb.samples import restoring as sample_restore
from alcd_otb.samples.restoring import can_restore, restore_samples


def write(path: Path, **layers: Sequence[str]) -> Path:
    """A GeoPackage whose layers have a point of each class named."""
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32631)
    source = ogr.GetDriverByName("GPKG").CreateDataSource(str(path))
    for name, classes in layers.items():
        layer = source.CreateLayer(name, crs, ogr.wkbPoint)
        layer.CreateField(ogr.FieldDefn("class", ogr.OFTString))
        for number, one in enumerate(classes):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature.SetGeometry(ogr.CreateGeometryFromWkt(f"POINT ({number} 1)"))
            feature["class"] = one
            layer.CreateFeature(feature)
    source.Destroy()
    return path


def connect(path: Path) -> sqlite3.Connection:
    """As another program has a GeoPackage open, with the functions that its triggers call, and a journal beside it."""
    connection = sqlite3.connect(path, isolation_level=None)
    for name in ("IsEmpty", "MinX", "MaxX", "MinY", "MaxY"):
        connection.create_function(f"ST_{name}", 1, lambda _: 0)
    connection.execute("PRAGMA journal_mode = WAL")
    return connection


def read(path: Path, layer: str = "samples") -> list[str]:
    source = ogr.Open(str(path))
    return [feature["class"] for feature in source.GetLayerByName(layer)]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    return write(tmp_path / "earlier.gpkg", samples=["land", "snow"], corrections=["old"])


def test_the_layer_of_samples_alone_is_replaced(tmp_path: Path, scratch: Path, earlier: Path) -> None:
    present = write(tmp_path / "samples.gpkg", samples=["water"] * 5, corrections=["low_clouds"])
    kept = restore_samples(earlier, present, 12, scratch)
    assert kept == tmp_path / "samples_before_iteration_012.gpkg"
    assert read(kept) == ["water"] * 5
    assert read(kept, "corrections") == ["low_clouds"]
    assert read(present) == ["land", "snow"]
    assert read(present, "corrections") == ["low_clouds"]


def test_a_copy_kept_is_never_overwritten(tmp_path: Path, scratch: Path, earlier: Path) -> None:
    present = write(tmp_path / "samples.gpkg", samples=["water"])
    first, *others = (restore_samples(earlier, present, 3, scratch) for _ in range(3))
    assert [one.name for one in others if one] == [
        "samples_before_iteration_003_2.gpkg",
        "samples_before_iteration_003_3.gpkg",
    ]
    assert first is not None
    assert read(first) == ["water"]


def test_a_program_that_has_it_open_goes_on_with_the_new_ones(tmp_path: Path, scratch: Path, earlier: Path) -> None:
    present = write(tmp_path / "samples.gpkg", samples=["water"])
    with closing(connect(present)) as viewer:
        # What is saved lies in the journal beside the file.
        viewer.execute("UPDATE samples SET class = 'saved'")
        kept = restore_samples(earlier, present, 2, scratch)
        assert kept is not None
        assert read(kept) == ["saved"]
        assert viewer.execute("SELECT class FROM samples").fetchall() == [("land",), ("snow",)]
        viewer.execute("UPDATE samples SET class = 'ice' WHERE class = 'snow'")
    assert read(present) == ["land", "ice"]


def test_a_program_that_is_writing_is_not_disturbed(
    tmp_path: Path, scratch: Path, earlier: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample_restore, "_PATIENCE", 0.1)
    present = write(tmp_path / "samples.gpkg", samples=["water"])
    with closing(connect(present)) as editor:
        editor.execute("BEGIN IMMEDIATE")
        editor.execute("UPDATE samples SET class = 'edited'")
        with pytest.raises(SampleError, match=r"samples\.gpkg: another program is writing to it"):
            restore_samples(earlier, present, 2, scratch)
        editor.execute("COMMIT")
    assert read(present) == ["edited"]
    assert not list(tmp_path.glob("samples_before*"))


def test_a_file_that_holds_another_layer_keeps_it(tmp_path: Path, scratch: Path, earlier: Path) -> None:
    present = write(tmp_path / "points.gpkg", points=["water"])
    restore_samples(earlier, present, 2, scratch)
    assert (read(present), read(present, "points")) == (["land", "snow"], ["water"])


def test_a_damaged_file_is_kept_byte_by_byte(tmp_path: Path, scratch: Path, earlier: Path) -> None:
    present = tmp_path / "samples.gpkg"
    present.write_bytes(b"no database" * 100)
    kept = restore_samples(earlier, present, 2, scratch)
    assert kept is not None
    assert kept.read_bytes() == b"no database" * 100
    assert read(present) == ["land", "snow"]


def test_where_there_is_none_nothing_is_kept(tmp_path: Path, scratch: Path, earlier: Path) -> None:
    assert restore_samples(earlier, tmp_path / "samples.gpkg", 2, scratch) is None
    assert read(tmp_path / "samples.gpkg") == ["land", "snow"]


def test_only_a_geopackage_in_the_workspace_is_replaced(tmp_path: Path) -> None:
    assert can_restore(tmp_path / "samples.gpkg", tmp_path)
    assert can_restore(tmp_path / "other" / ".." / "points.GPKG", tmp_path)
    assert not can_restore(tmp_path / "samples.shp", tmp_path)
    assert not can_restore(tmp_path.parent / "samples.gpkg", tmp_path)
    assert not can_restore(tmp_path / "points" / "samples.gpkg", tmp_path)


@pytest.mark.parametrize("link", ["symbolic", "hard", "dangling"])
def test_samples_that_are_a_link_are_the_user_s_own(tmp_path: Path, link: str) -> None:
    elsewhere, linked = write(tmp_path / "thesis.gpkg", samples=["water"]), tmp_path / "work" / "samples.gpkg"
    linked.parent.mkdir()
    if link == "hard":
        linked.hardlink_to(elsewhere)
    else:
        linked.symlink_to(elsewhere if link == "symbolic" else tmp_path / "nowhere.gpkg")
    assert not can_restore(linked, linked.parent)
    linked.unlink()
    assert can_restore(linked, linked.parent)
