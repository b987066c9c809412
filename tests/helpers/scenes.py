"""Write scene files for tests, and run the command line as a user does."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.result import Result
from alcd_otb.scene import Scene
from alcd_otb.synthetic.scene import SyntheticScene
from otb_pipelines.machine import given_environment

MARGIN = 120
"""Margin in metres. The 600 m of ALCD would leave little of a small scene."""


SQUARES = {"growth": 100, "training_proportion": 0.9}
"""Samples of squares of pixels, a tenth of which are kept out of training."""

KEPT_OUT = {"margin": MARGIN, "samples": SQUARES}
"""Changes to the template with which samples are kept out."""


@dataclass(frozen=True)
class FinishedScene:
    """A scene after one run."""

    synthetic: SyntheticScene
    scene: Scene
    result: Result

    @property
    def iteration(self) -> Path:
        """Folder of the iteration."""
        return self.result.workspace / "iterations" / "001"


def write_scene(file: Path, scene: SyntheticScene, **changes: Any) -> Path:
    """Write scene.json for the products of a synthetic scene, with a workspace ``work`` beside it.

    changes are values of its keys; None leaves a key out.
    """
    content: dict[str, Any] = {
        "cloudy": str(scene.cloudy),
        "clear": str(scene.clear),
        "dem": str(scene.dem),
        "samples": str(scene.samples),
        "workspace": "work",
        "set": {"margin": MARGIN},
        **{key: str(value) if isinstance(value, Path) else value for key, value in changes.items()},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {key: value for key, value in content.items() if value is not None}
    file.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return file


def command_line(*arguments: str | Path) -> list[str]:
    """Return a command of this package."""
    return [sys.executable, "-m", "alcd_otb", *map(str, arguments)]


def alcd(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in the environment that the tests were given."""
    variables = {**given_environment(), **environment}
    return subprocess.run(command_line(*arguments), capture_output=True, text=True, timeout=120, env=variables)


def refused(code: int, *arguments: str | Path, **environment: str) -> str:
    """Run a command that ends with an exit code and a single line of error, and return that line.

    Warnings and notes may precede the error.
    """
    ended = alcd(*arguments, **environment)
    assert ended.returncode == code, ended.stderr
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
    *notes, last = ended.stderr.splitlines()
    assert last.startswith("ERROR: ")
    assert all(note.startswith(("INFO: ", "WARNING: ")) for note in notes), ended.stderr
    return last.removeprefix("ERROR: ")


def leftovers(folder: Path) -> list[str]:
    """Return what a run that failed or was killed must not leave: anything unfinished, at any depth."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if "unfinished" in path.name)
