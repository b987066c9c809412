"""What changed from one map to the next, and how sure the classifier is of a map: counted block by block."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import histogram, strips
from alcd_otb.settings.legend import NO_DATA, Legend
from otb_pipelines.process import gdal

AXES = "rows: before, columns: after"


@dataclass(frozen=True)
class Changes:
    """Pixels by class in two maps of one scene; matrix[i][j] is of classes[i] before and classes[j] after.

    before: number of the iteration compared with. Where both maps have no data a pixel is not counted.
    """

    before: int
    classes: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]

    @classmethod
    def from_pairs(cls, before: int, pairs: Mapping[tuple[int, int], int], legend: Legend) -> Self:
        """From counts by (code before, code after)."""
        names = {one.code: one.name for one in legend.classes} | {NO_DATA: "no data"}
        counted = {pair: count for pair, count in pairs.items() if count and pair != (NO_DATA, NO_DATA)}
        codes = sorted({code for pair in counted for code in pair})
        return cls(
            before,
            tuple(names[code] for code in codes),
            tuple(tuple(counted.get((row, column), 0) for column in codes) for row in codes),
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """From what `as_json` gives. Raises KeyError or TypeError where it is something else."""
        return cls(content["before"], tuple(content["classes"]), tuple(tuple(row) for row in content["matrix"]))

    @property
    def pixels(self) -> int:
        """Pixels with data in one of the maps at least."""
        return sum(map(sum, self.matrix))

    @property
    def changed(self) -> int:
        """Those of them that have another class than before."""
        return self.pixels - sum(row[index] for index, row in enumerate(self.matrix))

    def as_json(self) -> dict[str, Any]:
        """What ``changes`` in metrics.json holds."""
        return {
            "before": self.before,
            "axes": AXES,
            "pixels": self.pixels,
            "changed": self.changed,
            "classes": list(self.classes),
            "matrix": [list(row) for row in self.matrix],
        }


def map_metrics(folder: Path, finished: Sequence[Path], start: Path | None, legend: Legend) -> dict[str, object]:
    """What metrics.json tells of an iteration's place among the others: time, start, map, confidence, changes.

    finished: the iterations before it. start: that of them which it started from, if not from the last one's state.
    """
    before = start or (finished[-1] if finished else None)
    changes = changes_between(before, folder, legend) if before is not None else None
    pixels = histogram(folder / "labels.tif")
    names = {one.code: one.name for one in legend.classes}
    return {
        # UTC, whole seconds.
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "started_from": int(start.name) if start else None,
        "map_pixels": {names[code]: count for code, count in enumerate(pixels) if count and code != NO_DATA},
        "mean_confidence": mean_confidence(folder / "confidence.tif"),
        "changes": changes.as_json() if changes is not None else None,
    }


def changes_between(before: Path, after: Path, legend: Legend) -> Changes | None:
    """What changed from the map in one iteration's folder to that in another's.

    None where the two cannot be compared: one has no map, they lie on different grids, or a code means another class.
    """
    maps = [folder / "labels.tif" for folder in (before, after)]
    if not all(one.is_file() for one in maps):
        return None
    if Grid.of(str(maps[0])) != Grid.of(str(maps[1])) or _class_names(maps[0]) != _class_names(maps[1]):
        return None
    return Changes.from_pairs(int(before.name), count_pairs(*maps), legend)


def count_pairs(before: Path, after: Path) -> dict[tuple[int, int], int]:
    """Pixels by (code before, code after) of two label rasters of one size."""
    counts = np.zeros(256 * 256, np.int64)
    for (_, one), (_, other) in zip(strips(before), strips(after), strict=True):
        counts += np.bincount((one.astype(np.uint16) * 256 + other).ravel(), minlength=counts.size)
    return {divmod(int(joint), 256): int(counts[joint]) for joint in np.flatnonzero(counts)}


def _class_names(labels: Path) -> tuple[str, ...]:
    """The names that a label raster gives its codes, from 0 up."""
    dataset = gdal.Open(str(labels))
    # The file beside the GeoTIFF, which holds the names, is not read before something else of it is asked for.
    dataset.GetMetadata()
    return tuple(dataset.GetRasterBand(1).GetCategoryNames() or ())


def mean_confidence(confidence: Path) -> float | None:
    """Mean of a confidence raster where it has data (above 0); None where it has none or is not there."""
    if not confidence.is_file():
        return None
    total, pixels = 0.0, 0
    for _, block in strips(confidence):
        # No data is 0 and adds nothing to the sum.
        total += float(block.sum(dtype=np.float64))
        pixels += int(np.count_nonzero(block))
    return total / pixels if pixels else None
