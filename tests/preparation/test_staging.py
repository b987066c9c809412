"""Products are copied to a fast disk while a scene is prepared, and nothing of them is left there."""

import logging
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from scenes import FinishedScene, write_scene

from alcd_otb.errors import ProcessingError
from alcd_otb.preparation.cost import cost_of
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.staging import staged
from alcd_otb.settings.scene_file import SceneConfig, load_scene
from alcd_otb.synthetic.scene import SyntheticScene
from otb_pipelines.settings import Settings

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def config(small_scene: SyntheticScene, tmp_path: Path) -> SceneConfig:
    return load_scene(write_scene(tmp_path / "scene.json", small_scene))


def test_the_copies_are_whole_and_go_with_the_block(config: SceneConfig, tmp_path: Path) -> None:
    assert isinstance(config.cloudy, Path)
    fast = tmp_path / "fast"
    fast.mkdir()
    with staged(config, fast) as copied:
        assert isinstance(copied.cloudy, Path)
        assert copied.cloudy.is_relative_to(fast)
        assert copied.cloudy.name == config.cloudy.name
        names = sorted(path.relative_to(config.cloudy) for path in config.cloudy.rglob("*") if path.is_file())
        assert names
        for name in names:
            assert (copied.cloudy / name).read_bytes() == (config.cloudy / name).read_bytes()
        assert len(Inputs.read(copied).dates) == 2
        assert copied.model_copy(update={"cloudy": config.cloudy, "clear": config.clear}) == config
    assert list(fast.iterdir()) == []


def test_without_a_folder_nothing_is_copied(config: SceneConfig) -> None:
    with staged(config, None) as same:
        assert same is config


def test_a_small_disk_is_said_and_left_alone(
    config: SceneConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 0, 10**6))
    with caplog.at_level(logging.WARNING), staged(config, tmp_path) as same:
        assert same is config
    assert "they are read in place" in caplog.text


def test_a_folder_that_is_not_there_is_an_error(config: SceneConfig, tmp_path: Path) -> None:
    with pytest.raises(ProcessingError, match="nowhere"), staged(config, tmp_path / "nowhere"):
        pass


def test_what_a_run_takes_is_told_by_the_size_of_its_scene(config: SceneConfig, finished: FinishedScene) -> None:
    inputs = Inputs.read(config)
    settings = Settings(ram=256, threads=2)
    whole = cost_of(inputs, settings, prepares=True, iterates=True)
    written = sum(path.stat().st_size for path in finished.result.workspace.rglob("*") if path.is_file()) / 1e6
    assert written / 2 < whole.disk < written * 2
    later = cost_of(inputs, settings, prepares=False, iterates=True)
    assert 0 < later.disk < whole.disk
    assert 0 < later.seconds < whole.seconds or later.seconds == 2
    assert cost_of(inputs, Settings(256, 1), prepares=True, iterates=True).seconds >= whole.seconds
