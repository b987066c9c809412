"""Find which proposed places the operator has answered, and which the operator left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alcd_otb.arrays import BoolArray, Float64Array, Int64Array
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.pixels import held_pixels
from alcd_otb.samples.sample import Sample

ANSWERED = 3.0
"""Distance in pixels within which a sample answers a place: the operator may move the point off an edge."""

AnyArray = Float64Array | Int64Array

Location = tuple[float, float]
"""x and y in the grid's CRS."""


@dataclass(frozen=True)
class Answers:
    """What the operator did with the places so far.

    Attributes
    ----------
    samples
        All present samples, whether trained on or not.
    left_out
        Places that the operator skipped because their class cannot be seen.
    """

    samples: Sequence[Sample]
    left_out: Sequence[Location] = ()


def answers_to(
    proposed: Sequence[Location], left_out_before: Sequence[Location], samples: Sequence[Sample], grid: Grid
) -> Answers:
    """Find which of the proposed places are left out.

    The operator goes through the places in their order. So a place without a sample is left out if one after it has a
    sample. Places that were left out before stay so until they have a sample.

    Parameters
    ----------
    proposed
        The last proposed places, in the order of their use.
    left_out_before
        Places that were left out of earlier proposals.
    samples
        All present samples.
    grid
        The scene's grid.

    Raises
    ------
    SampleError
        If a polygon is too large.
    """
    answered = are_answered(proposed, samples, grid)
    last = int(np.flatnonzero(answered)[-1]) if answered.any() else 0
    passed = [place for place, has_sample in zip(proposed[:last], answered[:last], strict=True) if not has_sample]
    before = are_answered(left_out_before, samples, grid)
    former = [place for place, has_sample in zip(left_out_before, before, strict=True) if not has_sample]
    return Answers(samples, tuple(dict.fromkeys([*former, *passed])))


def are_answered(places: Sequence[Location], samples: Sequence[Sample], grid: Grid) -> BoolArray:
    """Return for each place whether a sample lies within `ANSWERED` pixels, (places,).

    Raises
    ------
    SampleError
        If a polygon is too large.
    """
    if not places:
        return np.zeros(0, dtype=np.bool_)
    held = held_pixels(samples, grid)
    rows, columns = pixels_of(places, grid)
    return are_near(rows, columns, held.rows, held.columns)


def are_near(rows: AnyArray, columns: AnyArray, held_rows: Int64Array, held_columns: Int64Array) -> BoolArray:
    """Return for each pixel whether a held one lies within `ANSWERED` pixels, (pixels,)."""
    distances = np.hypot(rows[:, None] - held_rows, columns[:, None] - held_columns)
    return np.asarray((distances <= ANSWERED).any(axis=1))


def pixels_of(places: Sequence[Location], grid: Grid) -> tuple[Float64Array, Float64Array]:
    """Compute the rows and columns of places, (places,). The centre of a pixel has whole numbers."""
    x, y = np.array(places, dtype=np.float64).reshape(-1, 2).T
    return (grid.top - y) / grid.resolution - 0.5, (x - grid.left) / grid.resolution - 0.5
