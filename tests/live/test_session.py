"""A live session gives in every pixel what a run writes, whatever the operator did before."""

import json
import re
import shutil
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from osgeo import gdal
from places import ROOT
from scenes import FinishedScene, write_scene
from stacks import write_backscatter, write_points

from alcd_otb.classification.iteration import IterationInput, run_iteration
from alcd_otb.errors import ConfigurationError, SampleError
from alcd_otb.iterations.record import Stopwatch
from alcd_otb.live import by_arrays, features
from alcd_otb.live.maps import Cancellation, Maps
from alcd_otb.live.session import LiveSession
from alcd_otb.run import all_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene
from alcd_otb.synthetic.scene import make_scene

API_PAGE = ROOT / "docs" / "reference" / "api.md"
NAMES = ("labels", "confidence", "margin", "second")


def written(folder: Path) -> dict[str, Any]:
    """The maps that an iteration wrote, by name."""
    files = {name: folder / f"{name}.tif" for name in NAMES}
    return {name: gdal.Open(str(file)).ReadAsArray() for name, file in files.items() if file.is_file()}


def made_by_run(scene: Scene, samples: Sequence[Sample], corrections: Sequence[Sample], folder: Path) -> dict[str, Any]:
    """What an iteration of these samples writes, by the function that a run calls."""
    folder.mkdir()
    template = scene.config.template
    given = IterationInput(template, scene.workspace, scene.grid, tuple(samples), tuple(corrections))
    run_iteration(given, folder, Stopwatch(), scene.settings)
    return written(folder)


def assert_equal(maps: Maps | None, expected: dict[str, Any]) -> None:
    assert maps is not None
    row, column, rows, columns = maps.window
    for name in NAMES:
        found = getattr(maps, name)
        if name not in expected:
            assert found is None
            continue
        part = expected[name][row : row + rows, column : column + columns]
        assert found.dtype == part.dtype
        assert found.shape == part.shape
        assert np.array_equal(found, part), f"{name}: {np.count_nonzero(found != part)} pixels differ"


def prepared_scene(folder: Path, **changes: Any) -> Scene:
    """Open the scene of a folder, with other keys, and prepare it."""
    file = folder / "scene.json"
    content = json.loads(file.read_text("utf-8"))
    content["set"] = {**content.get("set", {}), **changes}
    file.write_text(json.dumps(content), "utf-8")
    scene = Scene.open(file)
    scene.run()
    return scene


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("water")
    make_scene(folder, size=720, seed=4, use="water", points_per_class=10)
    return prepared_scene(folder, margin=60)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("stack")
    truth = write_backscatter(folder / "s1.tif", 200)
    template = ROOT / "examples" / "water_sentinel1.json"
    names = {one["code"]: one["name"] for one in json.loads(template.read_text("utf-8"))["classes"]}
    samples = write_points(folder / "points.geojson", truth, names, 10, 8, 4)
    content = {"samples": samples.name, "workspace": "work", "template": str(template), "stack": "s1.tif"}
    (folder / "scene.json").write_text(json.dumps(content), "utf-8")
    return prepared_scene(folder, samples={"growth": 20, "block": 300})


@pytest.fixture
def scene(request: pytest.FixtureRequest, finished: FinishedScene) -> Scene:
    return finished.scene if request.param == "clouds" else request.getfixturevalue(request.param)


def square(scene: Scene, row: int, column: int, half: int) -> dict[str, Any]:
    """A diamond around a pixel, whose edges go through pixels."""
    x, y = scene.grid.centre_of(row, column)
    far = (half + 0.3) * scene.grid.resolution
    ring = [(x - far, y), (x, y + far), (x + far, y), (x, y - far), (x - far, y)]
    return {"type": "Polygon", "coordinates": [ring]}


def acted(scene: Scene, actions: Sequence[tuple[str, int, float, float]]) -> tuple[list[Sample], list[Sample]]:
    """The samples and corrections after the actions of an operator, who begins with the scene's samples."""
    samples, corrections = list(all_samples(scene.config, scene.grid)), list[Sample]()
    codes = scene.config.template.legend.codes
    for number, (kind, choice, down, across) in enumerate(actions):
        row, column = int(down * scene.grid.height), int(across * scene.grid.width)
        code, place = codes[choice % len(codes)], choice % len(samples)
        if kind == "add":
            point = {"type": "Point", "coordinates": scene.grid.centre_of(row, column)}
            samples.append(Sample(f"samples.gpkg:{1000 + number}", code, point))
        elif kind == "class":
            samples[place] = replace(samples[place], code=code)
        elif kind == "delete" and len(samples) > 20:
            del samples[place]
        elif kind == "polygon":
            samples.append(Sample(f"samples.gpkg:{1000 + number}", code, square(scene, row, column, 2)))
        elif kind == "correct":
            half = 2 + choice % 9
            corrections.append(Sample(f"corrections:{number}", code, square(scene, row, column, half)))
    return samples, corrections


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["add", "class", "delete", "polygon", "correct"]),
        st.integers(0, 10**6),
        st.floats(0, 1, exclude_max=True),
        st.floats(0, 1, exclude_max=True),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.parametrize("scene", ["clouds", "water", "stack"], indirect=True)
def test_after_any_actions_the_maps_are_those_of_a_run(scene: Scene, tmp_path: Path) -> None:
    turns = iter(range(1000))
    height, width = scene.grid.height, scene.grid.width
    with scene.live() as live:

        @settings(max_examples=5)
        @given(ACTIONS, st.floats(0, 1), st.floats(0, 1))
        def check(actions: list[tuple[str, int, float, float]], down: float, across: float) -> None:
            samples, corrections = acted(scene, actions)
            live.update(samples, corrections)
            if live.problem is not None:
                with pytest.raises(SampleError) as refused:
                    made_by_run(scene, samples, corrections, tmp_path / f"{next(turns):03d}")
                assert live.problem == str(refused.value)
                return
            expected = made_by_run(scene, samples, corrections, tmp_path / f"{next(turns):03d}")
            row, column = int(down * (height - 1)), int(across * (width - 1))
            assert_equal(live.maps((row, column, min(height - row, 31), min(width - column, 47))), expected)
            assert_equal(live.maps(), expected)

        check()


def test_the_code_of_the_page_runs(finished: FinishedScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"^## Live maps\n.*?^```python\n(.*?)^```", API_PAGE.read_text("utf-8"), flags=re.M | re.S)
    assert code is not None
    shutil.copytree(finished.result.workspace, tmp_path / "work", symlinks=True)
    write_scene(tmp_path / "scene.json", finished.synthetic)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code[1], names)
    assert names["maps"].labels.shape == (100, 100)
    assert names["live"].revision == 2


def test_a_session_begins_with_the_samples_of_the_scene(finished: FinishedScene) -> None:
    with finished.scene.live() as live:
        assert live.samples == finished.scene.samples
        assert live.corrections == ()
        assert live.problem is None
        assert list(live.warnings) == finished.scene.metrics["warnings"]
        assert_equal(live.maps(), written(finished.iteration))


def test_places_are_chosen_by_the_written_map_as_by_that_of_a_run(
    prepared: Callable[..., Path], tmp_path: Path
) -> None:
    scene = Scene.open(prepared())
    with scene.live() as live:
        (tmp_path / "maps").mkdir()
        assert live.write_maps(tmp_path / "maps")
        by_live_map = scene.next_places(maps=tmp_path / "maps")
    scene.run()
    iteration = scene.workspace.last_iteration()
    found, expected = written(tmp_path / "maps"), written(iteration)
    assert set(found) == set(expected) == set(NAMES)
    for name in NAMES:
        assert np.array_equal(found[name], expected[name]), name
    assert len(by_live_map) == 12
    assert by_live_map == scene.next_places()


def test_a_cancelled_map_is_not_written_whole(finished: FinishedScene, tmp_path: Path) -> None:
    cancelled = Cancellation()
    cancelled.cancel()
    with finished.scene.live() as live:
        assert not live.write_maps(tmp_path, cancelled)


@pytest.mark.parametrize(
    "window", [(0, 0, 1, 1), (119, 119, 1, 1), (0, 0, 7, 120), (13, 0, 107, 3), (40, 41, 24, 33), (8, 8, 8, 8)]
)
def test_a_window_is_that_part_of_the_whole(window: tuple[int, int, int, int], finished: FinishedScene) -> None:
    with finished.scene.live() as live:
        assert_equal(live.maps(window), written(finished.iteration))


@pytest.mark.parametrize(
    "changes",
    [
        {"regularisation": {"smoothing": 0, "radius": 1}},
        {"regularisation": {"smoothing": 0, "radius": 3}},
        {"regularisation": {"smoothing": 0, "radius": 0}},
        {"regularisation": {"smoothing": 1.5}},
        {"classifier": {"classifier": "logistic", "classifier.logistic.c": 3}},
        {"classifier": {"classifier": "libsvm"}},
        {"classifier": {"classifier": "rf", "classifier.rf.nbtrees": 30}},
        {"classifier": {"classifier": "rf", "classifier.rf.nbtrees": 300, "classifier.rf.acc": 0}},
        {"classifier": {"classifier": "sklearn", "sklearn": "RandomForestClassifier", "sklearn.n_estimators": 10}},
        {"classifier": {"classifier": "sklearn", "sklearn": "LinearSVC"}},
    ],
    ids=json.dumps,
)
def test_every_classifier_gives_the_maps_of_a_run(
    changes: dict[str, Any], prepared: Callable[..., Path], tmp_path: Path
) -> None:
    if "sklearn" in changes.get("classifier", {}):
        pytest.importorskip("sklearn")
    scene = Scene.open(prepared(set={"margin": 120, **changes}))
    with scene.live() as live:
        found = live.maps((30, 20, 50, 61))
        whole = live.maps()
    expected = made_by_run(scene, scene.samples, (), tmp_path / "run")
    assert_equal(found, expected)
    assert_equal(whole, expected)


class TestWithoutAMap:
    def test_there_is_no_data_and_a_reason(self, finished: FinishedScene) -> None:
        scene = finished.scene
        correction = Sample("corrections:1", 5, square(scene, 60, 60, 9))
        with LiveSession.open(scene.config, scene.settings) as live:
            assert live.revision == 0
            assert live.problem == "there is no sample; label points of at least two classes"
            assert live.update(scene.samples[:1], [correction]) == 1
            assert live.problem == "all samples are of one class; label points of at least two classes"
            maps = live.maps((0, 0, 5, 6))
            assert maps is not None
            assert (maps.labels.shape, maps.labels.any()) == ((5, 6), False)
            assert live.update(scene.samples, [correction]) == 2
            assert live.problem is None
            corrected = live.maps()
            assert corrected is not None
            assert (corrected.labels[55:65, 60] == 5).all()

    def test_a_scene_that_is_not_prepared_is_refused(self, prepared: Callable[..., Path]) -> None:
        scene = Scene.open(prepared())
        scene.workspace.features.unlink()
        with pytest.raises(ConfigurationError, match="is not prepared; run the scene first"):
            scene.live()

    @pytest.mark.parametrize("window", [(0, 0, 121, 5), (-1, 0, 5, 5), (0, 0, 0, 1), (3, 119, 1, 2)])
    def test_a_window_beyond_the_grid_is_refused(
        self, window: tuple[int, int, int, int], finished: FinishedScene
    ) -> None:
        with finished.scene.live() as live, pytest.raises(ConfigurationError, match="not within the 120 rows and 120"):
            live.maps(window)


class TestRevisions:
    def test_the_same_samples_again_change_nothing(self, finished: FinishedScene) -> None:
        with finished.scene.live() as live:
            assert live.revision == 1
            assert live.update(finished.scene.samples) == 1
            assert live.update(finished.scene.samples[1:]) == 2
            maps = live.maps((0, 0, 3, 3))
            assert maps is not None
            assert maps.revision == 2

    def test_a_cancelled_computation_gives_nothing(self, finished: FinishedScene) -> None:
        cancellation = Cancellation()
        cancellation.cancel()
        with finished.scene.live() as live:
            assert live.maps(cancelled=cancellation) is None
            assert live.maps((0, 0, 3, 3), cancelled=Cancellation()) is not None

    def test_threads_that_change_and_ask_at_once_get_maps_of_a_revision(self, finished: FinishedScene) -> None:
        samples = finished.scene.samples
        answers: list[Maps | None] = []
        with finished.scene.live() as live:
            threads = [threading.Thread(target=lambda: answers.append(live.maps((10, 10, 60, 60)))) for _ in range(4)]
            for number, thread in enumerate(threads):
                thread.start()
                live.update(samples[number:])
            for thread in threads:
                thread.join()
            assert len(answers) == 4
            for maps in answers:
                assert maps is not None
                live.update(samples[maps.revision - 1 :])
                again = live.maps((10, 10, 60, 60))
                assert again is not None
                assert np.array_equal(again.labels, maps.labels)


class TestDrafts:
    def test_a_draft_is_the_map_of_the_first_trees_and_the_rest_follows(
        self, prepared: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(by_arrays, "DRAFT_SECONDS", 0)
        scene = Scene.open(prepared())
        first_trees = {"classifier.rf.nbtrees": by_arrays.FEWEST_TREES}
        small = Scene.open(prepared(set={"margin": 120, "classifier": first_trees}))
        with scene.live() as live:
            draft = live.maps((10, 20, 90, 80), draft=True)
            assert draft is not None
            assert draft.is_draft
            assert_equal(draft, made_by_run(small, scene.samples, (), tmp_path / "small"))
            whole = live.maps((10, 20, 90, 80))
            assert whole is not None
            assert not whole.is_draft
            assert_equal(whole, made_by_run(scene, scene.samples, (), tmp_path / "whole"))
            again = live.maps((10, 20, 90, 80), draft=True)
            assert again is not None
            assert not again.is_draft

    def test_where_all_trees_are_quick_there_is_none(self, finished: FinishedScene) -> None:
        with finished.scene.live() as live:
            maps = live.maps((0, 0, 8, 8), draft=True)
            assert maps is not None
            assert not maps.is_draft
            assert_equal(maps, written(finished.iteration))


def test_features_that_are_mapped_from_a_file_give_the_same_maps_and_leave_nothing(
    finished: FinishedScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "_LARGEST_SHARE", 2**40)
    folder = finished.result.workspace
    before = sorted(folder.iterdir())
    with finished.scene.live() as live:
        assert_equal(live.maps(), written(finished.iteration))
        assert sorted(folder.iterdir()) == before


def test_windows_of_many_pixels_are_computed_in_strips(
    finished: FinishedScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_arrays, "MOST_PIXELS", 1000)
    with finished.scene.live() as live:
        assert_equal(live.maps(), written(finished.iteration))


def test_without_the_native_module_the_maps_are_the_same(
    finished: FinishedScene, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "otb_pipelines._live", None)
    with finished.scene.live() as live:
        assert "live maps are slow: the native module" in caplog.text
        assert_equal(live.maps((0, 0, 50, 40)), written(finished.iteration))


class TestCancellation:
    def test_a_call_is_made_once_and_only_within_its_block(self) -> None:
        calls: list[str] = []
        cancellation = Cancellation()
        with cancellation.calling(lambda: calls.append("before")):
            pass
        with cancellation.calling(lambda: calls.append("within")):
            cancellation.cancel()
            cancellation.cancel()
        assert calls == ["within"]
        with cancellation.calling(lambda: calls.append("after")):
            assert calls == ["within", "after"]
        assert cancellation.is_cancelled
