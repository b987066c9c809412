"""Sessions with QGIS itself, without a screen."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from places import ROOT


def in_qgis(project: Path, *steps: list[Any]) -> list[Any]:
    """Return the answers of steps, functions of qgis_session.py with their arguments, in a session with the project."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        ["/usr/bin/python3", ROOT / "tools" / "qgis_session.py"],
        input=json.dumps({"project": str(project), "steps": steps}),
        capture_output=True,
        text=True,
        timeout=100,
        env=environment,
    )
    assert ended.returncode == 0, ended.stderr
    answers: list[Any] = json.loads(ended.stdout)
    return answers


def keys(description: dict[str, Any]) -> list[str]:
    return [layer["key"] for layer in description["layers"]]


def pixels(path: Path) -> npt.NDArray[np.int16]:
    return np.asarray(Image.open(path).convert("RGB")).astype(np.int16)
