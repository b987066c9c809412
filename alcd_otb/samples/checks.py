"""Check samples: drop those that cannot be used, and warn of those that are doubtful."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import Int64Array
from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.pixels import ValidPixels, held_pixels, valid_at
from alcd_otb.samples.sample import Sample, named_features
from alcd_otb.settings.legend import Legend

FEWEST = 3
"""A class with fewer samples gets a warning."""

HIGHEST_IMBALANCE = 10
"""A larger ratio of samples between the most and the least labelled class gives a warning."""

SMALLEST_SPREAD = 2000.0
"""A class whose samples all lie within this extent, in metres, gets a warning."""


class Margin(NamedTuple):
    """Data that distinguish samples in the margin from samples without data.

    Attributes
    ----------
    metres
        Width of the margin along the edge of the data.
    features
        Raster of the features on the scene's grid, NaN where there is no data.
    """

    metres: float
    features: Path


@dataclass(frozen=True)
class SampleReport:
    """The samples that can be used, and the result of the checks.

    Attributes
    ----------
    kept
        Usable samples, in the order of the input.
    on_no_data
        By class code: number of samples dropped because none of their pixels is valid.
    repeated
        By class code: number of points dropped because another sample of their class holds the same pixel.
    warnings
        Messages for the operator, one line each.
    """

    kept: tuple[Sample, ...]
    on_no_data: Mapping[int, int]
    repeated: Mapping[int, int]
    warnings: tuple[str, ...]


def check_samples(
    samples: Sequence[Sample], legend: Legend, grid: Grid, valid: Path | ValidPixels, margin: Margin | None = None
) -> SampleReport:
    """Drop the samples that cannot be used, and warn of doubtful samples and classes.

    Parameters
    ----------
    samples
        Samples in the scene's CRS.
    legend
        The classes.
    grid
        The scene's grid.
    valid
        Raster on the grid, 1 where a pixel may be used. It is read around the samples only.
    margin
        The margin along the edge of the data, where pixels are not valid either. None if there is none.

    Raises
    ------
    SampleError
        If fewer than two classes are kept.
    ProductError
        If valid is not on the grid.
    """
    rows, columns, holders = held_pixels(samples, grid)
    usable = valid_at(valid, grid, rows, columns)
    pixels, all_holders, holders = (rows * grid.width + columns)[usable], holders, holders[usable]
    on_data = set(holders.tolist())
    repeated = _repeated(samples, pixels, holders)
    kept = [index for index in range(len(samples)) if index in on_data and index not in repeated]
    lost = [index for index in range(len(samples)) if index not in on_data]
    in_margin = _in_margin(rows, columns, all_holders, set(lost), margin)
    dropped = [samples[index] for index in lost]

    warnings = _lost(dropped, [samples[index] for index in lost if index in in_margin], legend, margin)
    if repeated:
        again = [samples[index] for index in sorted(repeated)]
        warnings.append(
            f"{_by_class(again, legend)} in a pixel that already has a sample of the same class: dropped "
            f"({named_features([sample.feature for sample in again])})"
        )
    warnings += _conflicts(samples, pixels, holders)
    remaining = tuple(samples[index] for index in kept)
    warnings += _weak_classes(remaining, legend, grid)

    if len({sample.code for sample in remaining}) < 2:
        files = named_features(sorted({sample.feature.rpartition(":")[0] for sample in samples}))
        smaller = (
            f"set a smaller 'margin' than {margin.metres:g}, which leaves {len(remaining)} of {len(samples)} samples, "
            "or "
            if margin is not None and in_margin
            else ""
        )
        raise SampleError(
            f"{files}: fewer than two classes lie on valid data ({'; '.join(warnings)}); "
            f"{smaller}label points where {valid} is 1"
        )
    return SampleReport(
        remaining,
        dict(Counter(sample.code for sample in dropped)),
        dict(Counter(samples[index].code for index in repeated)),
        tuple(warnings),
    )


def _in_margin(
    rows: Int64Array, columns: Int64Array, holders: Int64Array, lost: set[int], margin: Margin | None
) -> set[int]:
    """Find those of the lost samples of which the first pixel has data, so that the margin alone has taken them.

    Parameters
    ----------
    rows, columns, holders
        (pixels,) pixels, and the index of the sample that holds each.
    lost
        Indices of samples of which no pixel is valid.
    margin
        The margin. With None, it has taken none.
    """
    if margin is None or not lost:
        return set()
    indices, first = np.unique(holders, return_index=True)
    asked = np.isin(indices, sorted(lost))
    indices, first = indices[asked], first[asked]
    if not indices.size:
        return set()
    there = np.isfinite(values_at(margin.features, rows[first], columns[first])).all(axis=1)
    return set(indices[there].tolist())


def _lost(dropped: Sequence[Sample], in_margin: Sequence[Sample], legend: Legend, margin: Margin | None) -> list[str]:
    """Find the samples that are dropped because of the margin, and those without data."""
    warnings = []
    if in_margin and margin is not None:
        warnings.append(
            f"{_by_class(in_margin, legend)} in the margin of {margin.metres:g} m along the edge of the data: dropped "
            f"({named_features([sample.feature for sample in in_margin])}); a smaller 'margin' keeps them"
        )
    elsewhere = [sample for sample in dropped if sample not in in_margin]
    if elsewhere:
        warnings.append(
            f"{_by_class(elsewhere, legend)} on no data or between pixel centres: dropped "
            f"({named_features([sample.feature for sample in elsewhere])})"
        )
    return warnings


def _repeated(samples: Sequence[Sample], pixels: Int64Array, holders: Int64Array) -> set[int]:
    """Find the points whose pixel is also held by a polygon, or by an earlier point, of their class."""
    repeated: set[int] = set()
    first: dict[tuple[int, int], int] = {}
    point_first = np.array([sample.is_point for sample in samples], dtype=np.bool_)[holders]
    for index in np.lexsort((holders, point_first)).tolist():
        holder = int(holders[index])
        taken = first.setdefault((int(pixels[index]), samples[holder].code), holder)
        if taken != holder and samples[holder].is_point:
            repeated.add(holder)
    return repeated


def _conflicts(samples: Sequence[Sample], pixels: Int64Array, holders: Int64Array) -> list[str]:
    """Warn of samples of two classes that hold the same pixel."""
    codes = np.array([sample.code for sample in samples], dtype=np.int64)[holders]
    claims = np.unique(np.stack([pixels, codes], axis=1), axis=0)
    shared, counts = np.unique(claims[:, 0], return_counts=True)
    contested = shared[counts > 1]
    if not contested.size:
        return []
    involved = np.unique(holders[np.isin(pixels, contested)])
    number = f"{contested.size} pixels hold" if contested.size > 1 else "1 pixel holds"
    features = named_features([samples[index].feature for index in involved])
    return [f"{number} samples of two classes and will not be used ({features}): move or delete one of them"]


def _weak_classes(samples: Sequence[Sample], legend: Legend, grid: Grid) -> list[str]:
    warnings = []
    counts = Counter(sample.code for sample in samples)
    diagonal = math.hypot(grid.right - grid.left, grid.top - grid.bottom)
    for code, count in sorted(counts.items()):
        name = legend.with_code(code).name
        if count < FEWEST:
            warnings.append(f"class {name} has {count} of the {FEWEST} samples it needs at least: add some")
        elif _spread(samples, code) <= SMALLEST_SPREAD < diagonal:
            warnings.append(
                f"all {count} samples of class {name} lie within {SMALLEST_SPREAD / 1000:g} km: "
                "spread them over the scene"
            )
    if counts:
        (most, highest), (least, lowest) = max(counts.items(), key=_count), min(counts.items(), key=_count)
        if highest > HIGHEST_IMBALANCE * lowest:
            names = legend.with_code(most).name, legend.with_code(least).name
            warnings.append(
                f"class {names[0]} has {highest} samples and class {names[1]} {lowest}, "
                f"more than {HIGHEST_IMBALANCE} to 1: balance them"
            )
    return warnings


def _count(item: tuple[int, int]) -> int:
    return item[1]


def _spread(samples: Sequence[Sample], code: int) -> float:
    """Measure the diagonal, in metres, of the extent of a class's samples: no two of them are further apart."""
    left, bottom, right, top = zip(*(sample.extent for sample in samples if sample.code == code), strict=True)
    return math.hypot(max(right) - min(left), max(top) - min(bottom))


def _by_class(samples: Sequence[Sample], legend: Legend) -> str:
    counts = Counter(sorted(sample.code for sample in samples))
    listed = ", ".join(f"{count} of class {legend.with_code(code).name}" for code, count in counts.items())
    return f"{listed} lie" if len(samples) > 1 else f"{listed} lies"
