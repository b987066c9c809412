"""Count, block by block, what changed from one map to the next, and how confident the classifier is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import count_pairs, histogram, strips
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.legend import NO_DATA, Legend

UNMAPPED = "no data"
"""Name of pixels without a class in a matrix of changes."""

AXES = "rows: before, columns: after"
"""Axes of the matrix of changes, as metrics.json describes them."""


@dataclass(frozen=True)
class Changes:
    """Pixels by class in two maps of one scene. A pixel is not counted where both maps have no data.

    Attributes
    ----------
    before
        Number of the earlier iteration.
    classes
        Names of the classes that occur, "no data" among them.
    matrix
        matrix[i][j] is the number of pixels of classes[i] before and of classes[j] after.
    """

    before: int
    classes: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]

    @classmethod
    def from_pairs(cls, before: int, pairs: Mapping[tuple[int, int], int], legend: Legend) -> Self:
        """Make the matrix of changes from counts of pixels.

        Parameters
        ----------
        before
            Number of the earlier iteration.
        pairs
            Pixels by (code before, code after).
        legend
            The classes.
        """
        names = _names_by_code(legend) | {NO_DATA: UNMAPPED}
        counted = {pair: count for pair, count in pairs.items() if count and pair != (NO_DATA, NO_DATA)}
        codes = sorted({code for pair in counted for code in pair})
        return cls(
            before,
            tuple(names[code] for code in codes),
            tuple(tuple(counted.get((row, column), 0) for column in codes) for row in codes),
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """Read the object that `as_json` gives. Raises KeyError or TypeError where it is something else."""
        return cls(content["before"], tuple(content["classes"]), tuple(tuple(row) for row in content["matrix"]))

    @property
    def pixels(self) -> int:
        """Number of pixels with data in at least one of the maps."""
        return sum(map(sum, self.matrix))

    @property
    def changed(self) -> int:
        """Number of these pixels that have another class than before."""
        return self.pixels - sum(row[index] for index, row in enumerate(self.matrix))

    def as_json(self) -> dict[str, Any]:
        """Return the content of ``changes`` in metrics.json."""
        return {
            "before": self.before,
            "axes": AXES,
            "pixels": self.pixels,
            "changed": self.changed,
            "classes": list(self.classes),
            "matrix": [list(row) for row in self.matrix],
        }


def map_metrics(folder: Path, finished: Sequence[Path], start: Path | None, legend: Legend) -> dict[str, object]:
    """Compute the part of metrics.json that compares an iteration's map with an earlier one.

    Parameters
    ----------
    folder
        Folder of the iteration.
    finished
        Folders of the iterations before it, oldest first.
    start
        Folder of the iteration whose samples it started from. None if it started from the scene's samples.
    legend
        The classes.

    Returns
    -------
    dict
        Time (UTC, whole seconds), start, pixels of each class, mean confidence, and changes since ``start`` or the last
        iteration.
    """
    before = start or (finished[-1] if finished else None)
    changes = changes_between(before, folder, legend) if before is not None else None
    pixels = histogram(folder / "labels.tif")
    names = _names_by_code(legend)
    return {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "started_from": int(start.name) if start else None,
        "map_pixels": {names[code]: count for code, count in enumerate(pixels) if count and code != NO_DATA},
        "mean_confidence": mean_confidence(folder / "confidence.tif"),
        "changes": changes.as_json() if changes is not None else None,
    }


def changes_between(before: Path, after: Path, legend: Legend) -> Changes | None:
    """Count what changed from the map of one iteration to that of another.

    Parameters
    ----------
    before, after
        Folders of the iterations.
    legend
        The classes.

    Returns
    -------
    Changes or None
        None if the two cannot be compared: a map is missing, their grids differ, or a code means another class.
    """
    maps = [folder / "labels.tif" for folder in (before, after)]
    if not all(labels.is_file() for labels in maps):
        return None
    if Grid.of(str(maps[0])) != Grid.of(str(maps[1])) or _class_names(maps[0]) != _class_names(maps[1]):
        return None
    return Changes.from_pairs(int(before.name), count_pairs(*maps), legend)


def _names_by_code(legend: Legend) -> dict[int, str]:
    return {legend_class.code: legend_class.name for legend_class in legend.classes}


def _class_names(labels: Path) -> tuple[str, ...]:
    """Read the names that a label raster gives its codes, from 0 up."""
    dataset = open_raster(labels)
    # The names are in a file beside the GeoTIFF, which GDAL reads only after another part of it was asked for.
    dataset.GetMetadata()
    return tuple(dataset.GetRasterBand(1).GetCategoryNames() or ())


def mean_confidence(confidence: Path) -> float | None:
    """Compute the mean of a confidence raster where it has data (above 0), 0 to 1.

    None if it has no data or is missing.
    """
    if not confidence.is_file():
        return None
    total, pixels = 0.0, 0
    for _, block in strips(confidence):
        # No data is 0 and adds nothing to the sum.
        total += float(block.sum(dtype=np.float64))
        pixels += int(np.count_nonzero(block))
    return total / pixels if pixels else None
