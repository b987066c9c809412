"""An iteration shows its map before the rest of the iteration is made, and takes it back if it fails."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from osgeo import gdal
from scenes import FinishedScene, write_scene

from alcd_otb import next_iteration
from alcd_otb.errors import ProcessingError
from alcd_otb.qgis.map_folder import show_unfinished_iteration
from alcd_otb.scene import Scene
from alcd_otb.settings.wishes import Wishes
from alcd_otb.workspace import UnfinishedIteration, Workspace

MAPS = ("labels.tif", "confidence.tif", "margin.tif")
FULL = "the disk is full"


def shown_number(workspace: Workspace) -> int:
    number: int = json.loads((workspace.map_folder / "iteration.json").read_text("utf-8"))["iteration"]
    return number


def layer_keys(project: Path) -> str:
    with ZipFile(project) as packed:
        return packed.read("project.qgs").decode()


def checksums(folder: Path) -> dict[str, int]:
    rasters = {path.name: gdal.Open(str(path)) for path in sorted(folder.glob("*.tif"))}
    return {name: raster.GetRasterBand(1).Checksum() for name, raster in rasters.items()}


@pytest.fixture
def once(finished: FinishedScene, tmp_path: Path) -> Scene:
    """A scene with one iteration."""
    shutil.copytree(finished.result.workspace, tmp_path / "work", symlinks=True)
    return Scene.open(write_scene(tmp_path / "scene.json", finished.synthetic))


class Report:
    """The writing of the report, which notes what is shown before it, and can fail."""

    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.seen: dict[str, Any] = {}
        self._write = next_iteration.write_report

    def __call__(self, workspace: Workspace, folder: Path, number: int, legend: Any) -> None:
        self.seen = {
            "number": shown_number(workspace),
            "iterations": len(workspace.iterations()),
            "maps": [(workspace.map_folder / name).samefile(folder / name) for name in ("labels.tif", "margin.tif")],
            "project": layer_keys(workspace.project),
        }
        if self.fails:
            raise ProcessingError(FULL)
        self._write(workspace, folder, number, legend)


def test_the_map_and_the_project_are_in_place_before_the_report(
    prepared: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Report(fails=False)
    monkeypatch.setattr(next_iteration, "write_report", report)
    scene = Scene.open(prepared())
    scene.run()
    assert report.seen["number"] == 1
    assert report.seen["iterations"] == 0
    assert report.seen["maps"] == [True, True]
    assert "./map/labels.tif" in report.seen["project"]
    assert "./map/contours.fgb" not in report.seen["project"]
    assert "./map/contours.fgb" in layer_keys(scene.workspace.project)


def test_an_iteration_that_fails_takes_its_map_back(once: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = once.workspace
    before = checksums(workspace.map_folder)
    report = Report(fails=True)
    monkeypatch.setattr(next_iteration, "write_report", report)
    with pytest.raises(ProcessingError, match=FULL):
        once.run()
    assert report.seen["number"] == 2
    assert shown_number(workspace) == 1
    assert [(workspace.map_folder / name).is_file() for name in MAPS] == [True] * 3
    assert checksums(workspace.map_folder) == before
    assert (workspace.map_folder / "labels.tif").samefile(workspace.iteration(1) / "labels.tif")


def test_a_first_iteration_that_fails_leaves_a_project_without_a_map(
    prepared: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(next_iteration, "write_report", Report(fails=True))
    scene = Scene.open(prepared())
    with pytest.raises(ProcessingError, match=FULL):
        scene.run()
    assert shown_number(scene.workspace) == 0
    assert not list(scene.workspace.map_folder.glob("*.tif"))
    assert "./map/labels.tif" not in layer_keys(scene.workspace.project)


def test_the_run_after_a_kill_shows_the_last_iteration_again(once: Scene) -> None:
    """A killed iteration takes nothing back, so that the next run does, also where it makes no iteration."""
    workspace = once.workspace
    once.run()
    shown = checksums(workspace.map_folder)
    unfinished = workspace.folder.parent / "003"
    shutil.copytree(workspace.iteration(1), unfinished)
    labels = gdal.Open(str(unfinished / "labels.tif"), gdal.GA_Update)
    labels.GetRasterBand(1).Fill(5)
    labels = None
    show_unfinished_iteration(UnfinishedIteration(3, unfinished), workspace, once.grid)
    assert shown_number(workspace) == 3
    assert checksums(workspace.map_folder) != shown
    assert not once.run(wishes=Wishes(if_needed=True)).made
    assert shown_number(workspace) == 2
    assert checksums(workspace.map_folder) == shown


def test_one_thread_makes_the_same_iteration(finished: FinishedScene, prepared: Callable[..., Path]) -> None:
    scene = Scene.open(prepared())
    alone = Scene(scene.config, scene.settings.__class__(scene.settings.ram, 1))
    alone.run()
    assert checksums(alone.workspace.latest) == checksums(finished.iteration)
    same = ("contours.fgb", "classes.png", "contours.png", "confusion_matrix.csv")
    for name in same:
        assert (alone.workspace.latest / name).read_bytes() == (finished.iteration / name).read_bytes()
