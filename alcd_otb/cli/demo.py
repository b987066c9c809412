"""The main job on a synthetic scene, measured against its known truth."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.accuracy.confusion import BinaryMetrics, ConfusionMatrix
from alcd_otb.errors import ConfigurationError
from alcd_otb.result import Result
from alcd_otb.scene import Scene
from alcd_otb.settings.legend import Positive
from alcd_otb.synthetic.scene import SyntheticScene, make_scene
from otb_pipelines.process import gdal
from otb_pipelines.settings import Settings

_ROWS = 256


@dataclass(frozen=True)
class DemoResult:
    """A run on a synthetic scene. pairs: pixels by (true code, map code) where neither is no data."""

    scene: SyntheticScene
    run: Result
    matrix: ConfusionMatrix
    binary: BinaryMetrics
    sides: Positive

    def as_json(self) -> dict[str, Any]:
        """What ``demo --json`` prints."""
        truth = {
            "pixels": self.matrix.total,
            "overall_accuracy": self.matrix.overall_accuracy,
            self.sides.key: self.binary.overall_accuracy,
        }
        return {**self.run.as_json(), "scene": str(self.scene.scene_json), "synthetic": True, "truth": truth}

    def summary(self) -> str:
        """What ``demo`` prints."""
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
        return "\n".join(lines)


def run_demo(
    folder: Path,
    size: int,
    seed: int,
    offset: str,
    settings: Settings,
    use: str = "clouds",
    resolution: float | None = None,
) -> DemoResult:
    """Make a synthetic scene in the folder for a template, run it, compare its map with the truth.

    resolution: of the map, in metres; None: as the template says.

    Raises ConfigurationError where the size or the resolution does not fit, or there is no truth for the template.
    """
    try:
        synthetic = make_scene(folder, size=size, seed=seed, offset=offset, use=use, resolution=resolution)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
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


def compare_with_truth(labels: Path, truth: Path) -> dict[tuple[int, int], int]:
    """Pixels by (true code, map code), on the map's grid, where neither is no data.

    The truth is finer than the map: the commonest true class of a map pixel counts.
    """
    produced = gdal.Open(str(labels))
    left, width, _, top, _, height = produced.GetGeoTransform()
    extent = (left, top + height * produced.RasterYSize, left + width * produced.RasterXSize, top)
    reference = gdal.Warp(
        "",
        str(truth),
        format="VRT",
        outputBounds=extent,
        width=produced.RasterXSize,
        height=produced.RasterYSize,
        resampleAlg="mode",
    )
    pairs: dict[tuple[int, int], int] = {}
    for row in range(0, produced.RasterYSize, _ROWS):
        rows = min(_ROWS, produced.RasterYSize - row)
        window = (0, row, produced.RasterXSize, rows)
        joint = reference.ReadAsArray(*window).astype("uint16") * 256 + produced.ReadAsArray(*window)
        counts = _counts(joint)
        for code, count in counts.items():
            true, mapped = divmod(code, 256)
            if true and mapped:
                pairs[true, mapped] = pairs.get((true, mapped), 0) + count
    return pairs


def _counts(joint: Any) -> dict[int, int]:
    import numpy as np

    codes, counts = np.unique(joint, return_counts=True)
    return dict(zip(codes.tolist(), counts.tolist(), strict=True))


def _shown(ratio: float | None) -> str:
    return "  -  " if ratio is None else f"{ratio:.3f}"
