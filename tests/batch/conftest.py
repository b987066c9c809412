"""Make scenes for batches that run in a few seconds, and a SLURM to run them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from scenes import MARGIN, write_scene
from slurm_cluster import Cluster, started_cluster, why_not

from alcd_otb.synthetic.scene import SyntheticScene

QUICK = {
    "margin": MARGIN,
    "features": ["B02", "B11"],
    "view": {"resolution": 60, "layers": [{"name": "blue", "expr": "B02", "step": 0.001}]},
    "classifier": {"classifier": "rf", "classifier.rf.nbtrees": 10},
}
"""Changes to the template with which a run takes seconds."""


@pytest.fixture
def scenes(small_scene: SyntheticScene, tmp_path: Path) -> Callable[..., list[Path]]:
    """Return a function that writes scene files, each with a separate workspace, and their list ``list.txt``.

    Its keywords are changes to ``set``.
    """

    def written(count: int, **changes: Any) -> list[Path]:
        files = [
            write_scene(tmp_path / f"s{number}" / "scene.json", small_scene, clear=None, dem=None, set=QUICK | changes)
            for number in range(1, count + 1)
        ]
        (tmp_path / "list.txt").write_text("".join(f"{file.relative_to(tmp_path)}\n" for file in files))
        return files

    return written


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Start a SLURM, once for all tests. Nothing of it is left at the end."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    with started_cluster() as started:
        yield started
    assert started.processes() == []
