"""Choose the places to label first, before there is any map: one of each kind of pixel that the scene contains."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alcd_otb.active_learning.answers import are_near
from alcd_otb.active_learning.kinds import Kinds, divided, doubled_ranks
from alcd_otb.active_learning.places import Place
from alcd_otb.active_learning.uncertainty import Pixels
from alcd_otb.arrays import BoolArray, Float64Array, Int64Array
from alcd_otb.errors import ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import reading, strips, values_at
from alcd_otb.raster.opening import open_raster
from alcd_otb.samples.pixels import held_pixels
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import NO_DATA

DRAWN = 2500
"""Most pixels that are drawn from a scene. A kind that covers 1 % of it has 25 of them."""

_NEAREST = 20
"""Pixels of a kind, those nearest to its centre, among which the place is chosen."""

_VALID = 1
"""Value of a valid pixel in ``valid.tif``."""


class _Drawn(NamedTuple):
    """Pixels drawn from a scene, in ascending order of row and column.

    Attributes
    ----------
    pixels
        Rows and columns.
    features
        (pixels, features) values, all finite.
    """

    pixels: Pixels
    features: Float64Array


def propose_start_places(
    features: Path, valid: Path, samples: Sequence[Sample], number: int, seed: int
) -> tuple[Place, ...]:
    """Propose places that cover what a scene contains, without any map.

    Pixels are drawn from the valid ones, and divided into kinds by the ranks of their features. The place of a kind is
    one of the drawn pixels nearest to its centre: the one whose eight neighbours are most like each other, because a
    person tells its class best, and few labels are wrong. A kind which has a sample is left out. The largest kind comes
    first. The same input and seed give the same places. Memory is bounded by blocks of rows.

    Parameters
    ----------
    features
        Raster of the features.
    valid
        Raster on the same grid, 1 where a pixel is valid.
    samples
        All present samples.
    number
        Number of kinds, and most places.
    seed
        Seed of the random numbers.

    Returns
    -------
    tuple
        The places. There are fewer than wanted where kinds have samples, or fewer pixels than that are valid.

    Raises
    ------
    ProcessingError
        If a raster cannot be read, or the two are on different grids.
    SampleError
        If a polygon is too large.
    """
    grid = Grid.of(str(features))
    if Grid.of(str(valid)) != grid:
        raise ProcessingError(f"{valid}: is on another grid than {features}; delete it and run again")
    drawn = _drawn_from(features, valid, seed)
    if not drawn.pixels.rows.size:
        return ()
    ranks = doubled_ranks(drawn.features, drawn.features)
    kinds = divided(ranks, number, seed)
    nearest = _calmest_near_centres(kinds, ranks, drawn, features)
    held = _held(samples, grid, seed)
    answered = _have_samples(kinds, drawn, features, held) | are_near(
        drawn.pixels.rows[nearest], drawn.pixels.columns[nearest], held.rows, held.columns
    )
    order = [kind for kind in np.argsort(-kinds.counts, kind="stable").tolist() if not answered[kind]]
    return tuple(
        Place(
            row=int(drawn.pixels.rows[nearest[kind]]),
            column=int(drawn.pixels.columns[nearest[kind]]),
            code=NO_DATA,
            second_code=NO_DATA,
            margin=None,
            zone_area=None,
            reason=explained_kind(kinds.counts.size, float(kinds.counts[kind] / ranks.shape[0])),
        )
        for kind in order
    )


def explained_kind(kinds: int, share: float) -> str:
    """Describe in plain words which pixels a place represents.

    Parameters
    ----------
    kinds
        Number of kinds into which the pixels of the scene are divided.
    share
        Share of the pixels that are of the place's kind, 0 to 1.
    """
    percent = f"about {100 * share:.0f} %" if share >= 0.01 else "less than 1 %"
    return f"one of {kinds} kinds of pixel in the scene; {percent} of it is like this"


def drawn_pixels(valid: Path, most: int, seed: int) -> Pixels:
    """Draw valid pixels, all with the same probability, in ascending order of row and column.

    The mask is read twice, by strips: once to count the valid pixels, once to find those drawn.

    Parameters
    ----------
    valid
        Raster, 1 where a pixel is valid.
    most
        Most pixels to draw.
    seed
        Seed of the random numbers.

    Raises
    ------
    ProcessingError
        If the raster cannot be read.
    """
    with reading(valid):
        count = sum(int((values == _VALID).sum()) for _, values in strips(valid))
        wanted = np.sort(np.random.default_rng(seed).choice(count, min(most, count), replace=False))
        rows, columns, before = [], [], 0
        for first, values in strips(valid):
            here = np.flatnonzero(values == _VALID)
            low, high = np.searchsorted(wanted, [before, before + here.size])
            row, column = np.divmod(here[wanted[low:high] - before], values.shape[1])
            rows.append(first + row)
            columns.append(column)
            before += here.size
    return Pixels(np.concatenate(rows), np.concatenate(columns))


def _drawn_from(features: Path, valid: Path, seed: int) -> _Drawn:
    pixels = drawn_pixels(valid, DRAWN, seed)
    values = _features_at(features, pixels)
    finite = np.isfinite(values).all(axis=1)
    return _Drawn(Pixels(pixels.rows[finite], pixels.columns[finite]), values[finite])


def _features_at(features: Path, pixels: Pixels) -> Float64Array:
    """Read the features of pixels, (pixels, features)."""
    if not pixels.rows.size:
        return np.empty((0, open_raster(features).RasterCount))
    return values_at(features, pixels.rows, pixels.columns).astype(np.float64)


def _calmest_near_centres(kinds: Kinds, ranks: Int64Array, drawn: _Drawn, features: Path) -> Int64Array:
    """Find for each kind the calmest of its drawn pixels that are nearest to its centre, (kinds,)."""
    distances = kinds.distances(ranks)
    near = []
    for kind in range(kinds.counts.size):
        members = np.flatnonzero(kinds.members == kind)
        near.append(members[np.argsort(distances[members, kind], kind="stable")[:_NEAREST]])
    chosen = np.concatenate(near)
    roughness = np.zeros(len(ranks), dtype=np.int64)
    roughness[chosen] = _roughness(chosen, drawn, features)
    # Of equally calm ones, the nearest to the centre.
    return np.array([each[roughness[each].argmin()] for each in near])


def _roughness(chosen: Int64Array, drawn: _Drawn, features: Path) -> Int64Array:
    """Compute how the ranks of features vary in the 3 x 3 pixels around drawn ones: 81 times their variance, (chosen,).

    Where a neighbour has no features, it is larger than anywhere else.
    """
    grid = Grid.of(str(features))
    around = np.arange(9)
    rows = drawn.pixels.rows[chosen][:, None] + around // 3 - 1
    columns = drawn.pixels.columns[chosen][:, None] + around % 3 - 1
    inside = (rows >= 0) & (rows < grid.height) & (columns >= 0) & (columns < grid.width)
    pixels = Pixels(rows.clip(0, grid.height - 1).ravel(), columns.clip(0, grid.width - 1).ravel())
    values = _features_at(features, pixels)
    whole = (inside.ravel() & np.isfinite(values).all(axis=1)).reshape(-1, 9).all(axis=1)
    # Ranks are whole numbers, so that no processor sums them to another value.
    ranks = doubled_ranks(np.nan_to_num(values), drawn.features).reshape(chosen.size, 9, -1)
    varied = 9 * np.square(ranks).sum(axis=1) - np.square(ranks.sum(axis=1))
    return np.where(whole, varied.sum(axis=1), np.iinfo(np.int64).max)


def _held(samples: Sequence[Sample], grid: Grid, seed: int) -> Pixels:
    """List pixels of samples, at most as many as are drawn from the scene."""
    held = held_pixels(samples, grid)
    some = np.sort(np.random.default_rng(seed).permutation(held.rows.size)[:DRAWN])
    return Pixels(held.rows[some], held.columns[some])


def _have_samples(kinds: Kinds, drawn: _Drawn, features: Path, held: Pixels) -> BoolArray:
    """Return for each kind whether a sample's pixel is of it, (kinds,)."""
    values = _features_at(features, held)
    # A sample may lie where there is no data.
    known = values[np.isfinite(values).all(axis=1)]
    of_samples = kinds.distances(doubled_ranks(known, drawn.features)).argmin(axis=1)
    return np.isin(np.arange(kinds.counts.size), of_samples)
