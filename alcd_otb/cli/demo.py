"""The demonstration: a synthetic scene is run, and its map is compared with the known truth."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics, ConfusionMatrix
from alcd_otb.result import Result
from alcd_otb.scene import Scene
from alcd_otb.settings.legend import Positive
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import SyntheticScene
from otb_pipelines.settings import Settings


@dataclass(frozen=True)
class DemoResult:
    """A run on a synthetic scene, and the agreement of its map with the truth.

    Attributes
    ----------
    scene
        The scene.
    run
        What the run made.
    matrix, binary
        The pixels of the map, all classes and two sides, with the truth as reference.
    sides
        The two sides.
    """

    scene: SyntheticScene
    run: Result
    matrix: ConfusionMatrix
    binary: BinaryMetrics
    sides: Positive

    def as_json(self) -> dict[str, Any]:
        """Return what ``demo --json`` prints."""
        truth = {
            "pixels": self.matrix.total,
            "overall_accuracy": self.matrix.overall_accuracy,
            self.sides.key: self.binary.overall_accuracy,
        }
        return {**self.run.as_json(), "scene": str(self.scene.scene_json), "synthetic": True, "truth": truth}

    def summary(self) -> str:
        """Return what ``demo`` prints."""
        width = max(map(len, self.matrix.labels))
        lines = [
            f"This scene is SYNTHETIC: computed, never seen by a satellite ({self.scene.folder}).",
            f"iteration {self.run.iteration}: {self.run.labels}",
            f"against the known truth, {self.matrix.total} pixels: overall accuracy "
            f"{self.matrix.overall_accuracy:.3f}, {self.sides.title} {self.binary.overall_accuracy:.3f}",
        ]
        for label in self.matrix.labels:
            producers, users = self.matrix.producers_accuracy(label), self.matrix.users_accuracy(label)
            lines.append(f"  {label:<{width}}  producer's {_shown(producers)}  user's {_shown(users)}")
        lines += [f"look at {file}" for file in (self.run.report, *self.run.pictures)]
        python, here = Path(sys.executable), Path.cwd()
        command = f"{python.relative_to(here) if python.is_relative_to(here) else python} -m alcd_otb"
        lines.append(f"label it in a browser, with a live map: {command} label {self.scene.scene_json}")
        return "\n".join(lines)


def run_demo(synthetic: SyntheticScene, settings: Settings) -> DemoResult:
    """Run a synthetic scene and compare its map with the truth.

    Parameters
    ----------
    synthetic
        The scene, with samples.
    settings
        Memory, threads and progress.
    """
    scene = Scene.open(synthetic.scene_json, settings)
    result = scene.run()
    assert result.labels is not None
    legend = scene.config.template.legend
    pairs = compare_with_truth(result.labels, synthetic.truth)
    return DemoResult(
        synthetic,
        result,
        ConfusionMatrix.from_pairs(pairs, legend),
        BinaryMetrics.from_pairs(pairs, legend),
        legend.positive,
    )


def _shown(ratio: float | None) -> str:
    return "  -  " if ratio is None else f"{ratio:.3f}"
