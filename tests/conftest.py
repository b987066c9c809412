"""One small synthetic scene, made and run once for all tests; a test that changes it works on a copy."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from scenes import FinishedScene, write_scene

from alcd_otb.scene import Scene
from alcd_otb.synthetic.scene import SyntheticScene, make_scene


@pytest.fixture(scope="session")
def small_scene(tmp_path_factory: pytest.TempPathFactory) -> SyntheticScene:
    """720 x 720 pixels of 10 m; not to be changed."""
    return make_scene(tmp_path_factory.mktemp("scene"), size=720, seed=3)


@pytest.fixture(scope="session")
def finished(small_scene: SyntheticScene, tmp_path_factory: pytest.TempPathFactory) -> FinishedScene:
    """The small scene, prepared and classified once; not to be changed."""
    scene = Scene.open(write_scene(tmp_path_factory.mktemp("finished") / "scene.json", small_scene))
    return FinishedScene(small_scene, scene, scene.run())


@pytest.fixture
def prepared(finished: FinishedScene, tmp_path: Path) -> Callable[..., Path]:
    """Called with changes to scene.json: a scene of its own that is prepared and has no iteration."""

    def copied(**changes: object) -> Path:
        for name in ("features.tif", "view.tif", "valid.tif", "preparation.json"):
            (tmp_path / "work").mkdir(exist_ok=True)
            shutil.copy2(finished.result.workspace / name, tmp_path / "work" / name)
        return write_scene(tmp_path / "scene.json", finished.synthetic, **changes)

    return copied


@pytest.fixture
def dated(finished: FinishedScene, tmp_path: Path) -> Callable[..., Path]:
    """Called with a name and a day: a workspace like the finished one, of that day."""

    def copied(name: str, day: str, /, **changes: object) -> Path:
        workspace = tmp_path / "workspaces" / name
        shutil.copytree(finished.result.workspace, workspace, symlinks=True)
        file = workspace / "iterations" / "001" / "config.json"
        config = json.loads(file.read_text("utf-8"))
        cloudy = config["products"]["cloudy"]
        before = cloudy["acquired"][:10]
        cloudy["name"] = cloudy["name"].replace(before.replace("-", ""), day)
        cloudy["acquired"] = f"{day[:4]}-{day[4:6]}-{day[6:]}{cloudy['acquired'][10:]}"
        cloudy |= changes
        config["scene"]["name"] = name
        file.write_text(json.dumps(config), "utf-8")
        return workspace

    return copied
