"""A large scene is prepared in stages, and the last one leaves what one pass makes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from osgeo import gdal
from preparing import CLEAR, SETTINGS, layers, prepared, side_of, write_product, write_scene
from scenes import leftovers
from scenes import write_scene as write_synthetic

from alcd_otb.errors import ConfigurationError
from alcd_otb.preparation import job, stages
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.stages import Stage, stages_of
from alcd_otb.scene import Scene
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.synthetic.scene import SyntheticScene
from alcd_otb.workspace import Workspace

METRES = 6000
COLOURS = [{"name": name, "expr": band} for name, band in (("red", "B04"), ("green", "B03"), ("blue", "B02"))]
VIEW = {"resolution": 20, "layers": [*COLOURS, {"name": "difference", "expr": "B03 - clear.B03"}]}
COARSE = {**VIEW, "resolution": 60}
FEATURES = ["B02", "B03", {"name": "difference", "expr": "B04 - clear.B03"}]
RASTERS = ("features.tif", "view.tif", "valid.tif")
ALL = (Stage.PICTURE, Stage.FEATURES, Stage.VIEW)


class Killed(BaseException):
    """What ends a run at once."""


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every scene for a large one."""
    monkeypatch.setattr(stages, "SMALL", 0)


def random(band: str, seed: int) -> np.ndarray:
    side = side_of(band, METRES)
    pixels = np.random.default_rng(seed).integers(1100, 9000, (side, side), dtype=np.uint16)
    pixels[:, : side // 5] = 0
    return pixels


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    cloudy = write_product(
        tmp_path, {band: random(band, int(band[1:])) for band in ("B02", "B03", "B04")}, metres=METRES
    )
    clear = write_product(tmp_path, {"B03": random("B03", 9)}, sensed=CLEAR, metres=METRES)
    return write_scene(tmp_path, cloudy, clear, features=FEATURES, view=VIEW)


def stages_for(scene: Path, **changes: Any) -> tuple[Stage, ...]:
    content = json.loads(scene.read_text("utf-8"))
    content["set"] |= changes
    scene.write_text(json.dumps(content), "utf-8")
    return stages_of(Inputs.read(load_scene(scene)))


def prepare(scene: Path, when_whole: Callable[[Stage], None]) -> Workspace:
    config = load_scene(scene)
    inputs, workspace = Inputs.read(config), Workspace(config.workspace)
    with workspace.locked():
        job.prepare(inputs, workspace, inputs.fingerprint(), SETTINGS, when_whole)
    return workspace


def contents(workspace: Workspace) -> dict[str, bytes]:
    return {name: (workspace.folder / name).read_bytes() for name in (*RASTERS, "preparation.json")}


def size_of(path: Path) -> tuple[int, int, int]:
    dataset = gdal.Open(str(path))
    return dataset.RasterXSize, dataset.RasterYSize, dataset.RasterCount


class TestStages:
    @pytest.mark.usefixtures("large")
    def test_of_a_large_scene(self, scene: Path) -> None:
        assert stages_for(scene) == ALL

    def test_of_a_small_scene_are_one(self, scene: Path) -> None:
        assert stages_for(scene) == (Stage.VIEW,)

    @pytest.mark.usefixtures("large")
    def test_without_a_look_in_colour_begin_with_the_features(self, scene: Path) -> None:
        view = {"resolution": 20, "layers": [{"name": "blue", "expr": "B02"}]}
        assert stages_for(scene, view=view) == (Stage.FEATURES, Stage.VIEW)

    @pytest.mark.usefixtures("large")
    @pytest.mark.parametrize(
        "changes",
        [{"decoding": "full"}, {"resampling": "nearest"}, {"resolution": 20}, {"view": COARSE}],
    )
    def test_are_one_where_the_view_needs_no_finer_level(self, scene: Path, changes: dict[str, Any]) -> None:
        assert stages_for(scene, **changes) == (Stage.VIEW,)


@pytest.mark.usefixtures("large")
class TestPreparation:
    def test_leaves_what_one_pass_makes(self, scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        told: list[Stage] = []
        staged = contents(prepare(scene, told.append))
        assert told == list(ALL)
        for name in staged:
            (scene.parent / "work" / name).unlink()
        monkeypatch.setattr(stages, "SMALL", 10**9)
        assert contents(prepared(scene)) == staged

    def test_shows_a_picture_first_and_then_all_layers_on_the_grid_of_the_features(self, scene: Path) -> None:
        seen: dict[Stage, Any] = {}

        def look(stage: Stage) -> None:
            work = scene.parent / "work"
            found = {name: size_of(work / name) for name in RASTERS if (work / name).is_file()}
            record = json.loads((work / "preparation.json").read_text("utf-8"))
            seen[stage] = found, record["stage"], layers(work / "view.tif")

        work = prepare(scene, look)
        pixels = {stage: found for stage, (found, _, _) in seen.items()}
        assert pixels == {
            Stage.PICTURE: {"view.tif": (150, 150, 3)},
            Stage.FEATURES: {"features.tif": (100, 100, 3), "valid.tif": (100, 100, 1), "view.tif": (100, 100, 4)},
            Stage.VIEW: {"features.tif": (100, 100, 3), "valid.tif": (100, 100, 1), "view.tif": (300, 300, 4)},
        }
        assert {stage: name for stage, (_, name, _) in seen.items()} == {stage: str(stage) for stage in ALL}
        whole = layers(work.view)
        for stage, factor in ((Stage.PICTURE, 2), (Stage.FEATURES, 3)):
            for name, shown in seen[stage][2].items():
                side = shown.shape[0]
                mean = whole[name].reshape(side, factor, side, factor).mean(axis=(1, 3))
                inside = np.s_[2:-2, side // 5 + 3 : -2]
                # The levels of the wavelet are other averages of noise than that of squares.
                assert np.corrcoef(shown[inside].ravel(), mean[inside].ravel())[0, 1] > 0.5, (stage, name)

    def test_the_first_picture_has_the_contrast_of_the_pixels_with_data(self, scene: Path) -> None:
        """A fifth of the scene has no data, which would be black."""
        limits: dict[Stage, Any] = {}

        def look(stage: Stage) -> None:
            record = json.loads((scene.parent / "work" / "preparation.json").read_text("utf-8"))
            limits[stage] = record["looks"][0]["limits"]

        prepare(scene, look)
        for (low, high), (final_low, final_high) in zip(limits[Stage.PICTURE], limits[Stage.VIEW], strict=True):
            assert low > 0.05
            assert abs(low - final_low) < 0.15
            assert abs(high - final_high) < 0.15

    @pytest.mark.parametrize("killed_at", [Stage.PICTURE, Stage.FEATURES])
    def test_goes_on_where_a_killed_one_ended(self, scene: Path, killed_at: Stage) -> None:
        undisturbed = contents(prepare(scene, lambda _: None))
        for name in undisturbed:
            (scene.parent / "work" / name).unlink()

        def kill(stage: Stage) -> None:
            if stage == killed_at:
                raise Killed

        with pytest.raises(Killed):
            prepare(scene, kill)
        work, told = scene.parent / "work", []
        before = {name: (work / name).stat().st_ino for name in RASTERS if (work / name).is_file()}
        assert contents(prepare(scene, told.append)) == undisturbed
        assert told == list(ALL[ALL.index(killed_at) + 1 :])
        if killed_at == Stage.FEATURES:
            assert [(work / name).stat().st_ino == before[name] for name in ("features.tif", "valid.tif")] == [
                True,
                True,
            ]
        assert leftovers(work) == []

    @pytest.mark.parametrize("step", range(8))
    def test_loses_nothing_where_it_is_killed_while_files_are_replaced(
        self, scene: Path, step: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        undisturbed = contents(prepare(scene, lambda _: None))
        for name in undisturbed:
            (scene.parent / "work" / name).unlink()
        calls = []

        def counted(real: Callable[..., Any]) -> Callable[..., Any]:
            def call(*arguments: Any) -> Any:
                calls.append(real)
                if len(calls) == step + 1:
                    raise Killed
                return real(*arguments)

            return call

        with monkeypatch.context() as patch:
            patch.setattr(job.os, "replace", counted(job.os.replace))
            with pytest.raises(Killed):
                prepare(scene, lambda _: None)
        assert contents(prepare(scene, lambda _: None)) == undisturbed
        assert leftovers(scene.parent / "work") == []

    def test_of_other_settings_keeps_the_view_until_the_features_are_whole(self, scene: Path) -> None:
        prepare(scene, lambda _: None)
        assert stages_for(scene, features=FEATURES[:2]) == ALL
        told: list[Stage] = []
        prepare(scene, told.append)
        assert told == [Stage.FEATURES, Stage.VIEW]


@pytest.mark.usefixtures("large")
class TestARunWithoutSamples:
    def test_can_be_labelled_from_the_first_picture_on(
        self, small_scene: SyntheticScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        scene = Scene.open(write_synthetic(tmp_path / "scene.json", small_scene, samples=None))
        work, seen = scene.workspace.folder, {}
        original = job.write_scene_stacks

        def after_the_picture(*arguments: Any) -> Any:
            with ZipFile(work / "project.qgz") as packed:
                seen["picture"] = packed.read("project.qgs").decode(), sorted(path.name for path in work.iterdir())
            with pytest.raises(ConfigurationError, match="not prepared"):
                scene.next_places()
            assert scene.status() == ()
            return original(*arguments)

        def after_the_features(*arguments: Any) -> Any:
            seen["features"] = "", sorted(path.name for path in work.iterdir())
            assert scene.grid.resolution == 60
            return view(*arguments)

        view = job.write_view
        monkeypatch.setattr(job, "write_scene_stacks", after_the_picture)
        monkeypatch.setattr(job, "write_view", after_the_features)
        result = scene.run()
        project, files = seen["picture"]
        assert {"samples.gpkg", "view.tif", "quicklook.png", "project.qgz"} <= set(files)
        assert not {"features.tif", "valid.tif", "to_visit.gpkg", "config.json"} & set(files)
        assert "./view.tif" in project
        assert "./valid.tif" not in project
        assert {"features.tif", "valid.tif", "to_visit.gpkg", "config.json"} <= set(seen["features"][1])
        assert result.places > 0
        with ZipFile(work / "project.qgz") as packed:
            assert "./valid.tif" in packed.read("project.qgs").decode()
        assert leftovers(work) == []
