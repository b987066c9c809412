"""Make and run one small synthetic scene for all tests. A test that changes it works on a copy."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from scenes import KEPT_OUT, FinishedScene, write_scene

from alcd_otb.scene import Scene
from alcd_otb.synthetic.scene import SyntheticScene, make_scene

# How long a machine takes is not a property of the code.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Undo what a test changes of the logging, as the command line does when it is run in the process of the tests."""
    root, libraries = logging.getLogger(), [logging.getLogger(name) for name in ("otb_pipelines", "fiona")]
    level, handlers, levels = root.level, root.handlers[:], [library.level for library in libraries]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers
    for library, former in zip(libraries, levels, strict=True):
        library.setLevel(former)


@pytest.fixture(scope="session")
def small_scene(tmp_path_factory: pytest.TempPathFactory) -> SyntheticScene:
    """Make a scene of 720 x 720 pixels of 10 m, which must not be changed."""
    return make_scene(tmp_path_factory.mktemp("scene"), size=720, seed=3)


@pytest.fixture(scope="session")
def finished(small_scene: SyntheticScene, tmp_path_factory: pytest.TempPathFactory) -> FinishedScene:
    """Run the small scene once; it must not be changed."""
    scene = Scene.open(write_scene(tmp_path_factory.mktemp("finished") / "scene.json", small_scene))
    return FinishedScene(small_scene, scene, scene.run())


@pytest.fixture(scope="session")
def kept_out(small_scene: SyntheticScene, tmp_path_factory: pytest.TempPathFactory) -> FinishedScene:
    """Run the small scene once with a tenth of its samples kept out of training; it must not be changed."""
    file = tmp_path_factory.mktemp("kept_out") / "scene.json"
    scene = Scene.open(write_scene(file, small_scene, set=KEPT_OUT))
    return FinishedScene(small_scene, scene, scene.run())


@pytest.fixture
def prepared(finished: FinishedScene, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a prepared scene without iterations; its keywords are changes to scene.json."""

    def copied(**changes: object) -> Path:
        for name in ("features.tif", "view.tif", "valid.tif", "preparation.json"):
            (tmp_path / "work").mkdir(exist_ok=True)
            shutil.copy2(finished.result.workspace / name, tmp_path / "work" / name)
        return write_scene(tmp_path / "scene.json", finished.synthetic, **changes)

    return copied


@pytest.fixture
def dated(finished: FinishedScene, tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a workspace like the finished one, with a name and of a day."""

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
