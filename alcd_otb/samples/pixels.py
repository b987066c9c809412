"""Assign pixels to training and validation samples, so that no pixel is used twice or for two classes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import BoolArray, Int64Array, UInt8Array
from alcd_otb.errors import ProductError, SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.claims import Claims, claims_of
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.template import Template

log = logging.getLogger(__name__)

# Added to the class codes of validation samples, so that an owner is a class and a set in one number.
_VALIDATION = 256
# Above all owners.
_NEVER = 2**30


@dataclass(frozen=True, eq=False)
class PixelSet:
    """Labelled pixels, each once, sorted by row and column. All arrays are (pixels,).

    Attributes
    ----------
    rows, columns
        Pixels on the scene's grid.
    codes
        Class codes of the legend.
    samples
        Index of the sample that the pixel comes from, in the samples given to `grow`.
    """

    rows: Int64Array
    columns: Int64Array
    codes: UInt8Array
    samples: Int64Array

    def __len__(self) -> int:
        return int(self.rows.size)

    @property
    def counts(self) -> dict[int, int]:
        """Number of pixels of each class code that occurs."""
        codes, counts = np.unique(self.codes, return_counts=True)
        return dict(zip(codes.tolist(), counts.tolist(), strict=True))


class PixelSplit(NamedTuple):
    """Pixels to train on and pixels to validate with."""

    training: PixelSet
    validation: PixelSet


@dataclass(frozen=True, eq=False)
class ValidPixels:
    """A raster of valid pixels that has been read.

    Attributes
    ----------
    path
        The raster.
    values
        (rows, columns) its values, 1 where a pixel may be used.
    """

    path: Path
    values: UInt8Array

    def __str__(self) -> str:
        return str(self.path)


class HeldPixels(NamedTuple):
    """Pixels that contain a point, or whose centres lie in a polygon. All arrays are (pixels,).

    Attributes
    ----------
    rows, columns
        Pixels on the scene's grid.
    samples
        Index of the sample that holds the pixel.
    """

    rows: Int64Array
    columns: Int64Array
    samples: Int64Array


def grow(
    training: Sequence[Sample],
    validation: Sequence[Sample],
    growth: float | Mapping[int, float],
    grid: Grid,
    valid: Path | ValidPixels,
) -> PixelSplit:
    """Find the pixels of training and validation samples; no pixel is in both sets, and none has two classes.

    A sample *claims* the pixels of a square around a point, or those of a polygon (`alcd_otb.samples.claims`). It
    *holds* the pixel that contains the point, or those whose centres lie in the polygon. For these the operator has
    stated the class, while the rest of a square is only likely to be of it. So:

    1. A pixel claimed by one set and one class belongs to them.
    2. A pixel claimed by several belongs to those that hold it, if these are of one set and one class.
    3. Any other pixel is ambiguous, or would be used for training and for validation: it belongs to no sample.
    4. A validation pixel that is claimed but not held, and that touches a training pixel (8 neighbours), is left out:
       neighbours are similar, and the map would look better than it is.

    A pixel that several samples of its class and set claim comes from one that holds it, else from the nearest, else
    from the first. A warning is logged for each class that loses all its training pixels, or all its validation pixels.

    Parameters
    ----------
    training, validation
        Samples in the scene's CRS.
    growth
        Half side, in metres, of the axis-aligned square around a point: for all classes, or by class code. Polygons are
        not grown.
    grid
        The scene's grid.
    valid
        Raster on the grid, 1 where a pixel may be used.

    Raises
    ------
    SampleError
        If fewer than two classes keep training pixels, or a polygon is too large.
    ProductError
        If valid is not on the grid.
    ValueError
        If growth is negative or lacks a class.
    """
    samples = (*training, *validation)
    claims = claims_of(samples, growth, grid)
    codes = np.array([sample.code for sample in samples], dtype=np.int64)
    owners = codes[claims.samples] + _VALIDATION * (claims.samples >= len(training))

    keys = claims.rows * grid.width + claims.columns
    order = np.lexsort((claims.samples, claims.distances, ~claims.held, keys))
    pixels, pixel_of_sorted = np.unique(keys[order], return_inverse=True)
    usable = valid_at(valid, grid, pixels // grid.width, pixels % grid.width)
    winners = np.where(usable, _winners(pixel_of_sorted, owners[order], claims.held[order]), -1)

    won = order[owners[order] == winners[pixel_of_sorted]]
    won = won[np.unique(keys[won], return_index=True)[1]]
    in_training = owners[won] < _VALIDATION
    trained, tested = won[in_training], won[~in_training]
    tested = tested[claims.held[tested] | ~touching(keys[tested], keys[trained], grid)]

    pixels_of_samples = PixelSplit(
        _pixels_of(claims, trained, codes), _pixels_of(claims, tested, codes, first=len(training))
    )
    _check_classes_left(training, validation, pixels_of_samples)
    return pixels_of_samples


def drawn_pixels(
    training: Sequence[Sample], validation: Sequence[Sample], template: Template, grid: Grid, valid: Path | ValidPixels
) -> PixelSplit:
    """Find the pixels of samples by a template's settings: those of `grow`, the training pixels thinned.

    Parameters
    ----------
    training, validation
        Samples in the scene's CRS.
    template
        Gives the growth, the most pixels of a class, and the seed.
    grid
        The scene's grid.
    valid
        Raster on the grid, 1 where a pixel may be used.

    Raises
    ------
    SampleError
        If fewer than two classes keep training pixels, or a polygon is too large.
    ProductError
        If valid is not on the grid.
    """
    grown = grow(training, validation, template.growth, grid, valid)
    trained = thinned(grown.training, template.samples.most_pixels_per_class, template.samples.seed)
    return PixelSplit(trained, grown.validation)


def thinned(pixels: PixelSet, most: int, seed: int) -> PixelSet:
    """Draw a limited number of pixels of each class at random.

    Parameters
    ----------
    pixels
        Labelled pixels.
    most
        Most pixels of a class to keep.
    seed
        Seed of the random numbers.
    """
    order = np.random.default_rng(seed).permutation(len(pixels))
    drawn = [order[pixels.codes[order] == code][:most] for code in np.unique(pixels.codes)]
    chosen = np.sort(np.concatenate(drawn)) if drawn else order
    return PixelSet(pixels.rows[chosen], pixels.columns[chosen], pixels.codes[chosen], pixels.samples[chosen])


def held_pixels(samples: Sequence[Sample], grid: Grid) -> HeldPixels:
    """Find the pixels that contain a point or whose centres lie in a polygon.

    Pixels outside the grid are left out. A pixel held by several samples occurs several times.

    Parameters
    ----------
    samples
        Samples in the scene's CRS.
    grid
        The scene's grid.

    Raises
    ------
    SampleError
        If a polygon is too large.
    """
    claims = claims_of(samples, 0.0, grid)
    return HeldPixels(claims.rows, claims.columns, claims.samples)


def valid_at(valid: Path | ValidPixels, grid: Grid, rows: Int64Array, columns: Int64Array) -> BoolArray:
    """Check which pixels are 1 in a raster of valid pixels.

    Parameters
    ----------
    valid
        The raster.
    grid
        The scene's grid.
    rows, columns
        (pixels,) pixels on the grid.

    Returns
    -------
    BoolArray
        (pixels,) True where the raster is 1.

    Raises
    ------
    ProcessingError
        If the raster cannot be read.
    ProductError
        If the raster is on another grid.
    """
    if isinstance(valid, ValidPixels):
        return np.equal(valid.values[rows, columns], 1)
    if Grid.of(str(valid)) != grid:
        raise ProductError(f"{valid}: is not on the scene's grid; delete it and run again")
    usable: BoolArray = values_at(valid, rows, columns)[:, 0] == 1
    return usable


def touching(pixels: Int64Array, others: Int64Array, grid: Grid) -> BoolArray:
    """Check which pixels have one of the others among their 8 neighbours.

    Parameters
    ----------
    pixels, others
        (pixels,) row * width + column of each pixel. No number occurs twice in one of them.
    grid
        Gives the width.
    """
    rows, columns = others // grid.width, others % grid.width
    result = np.zeros(pixels.size, dtype=np.bool_)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            inside = (columns + right >= 0) & (columns + right < grid.width)
            neighbours = (rows[inside] + down) * grid.width + columns[inside] + right
            result |= np.isin(pixels, neighbours, assume_unique=True)
    return result


def _winners(pixels: Int64Array, owners: Int64Array, held: BoolArray) -> Int64Array:
    """Find the owner of each pixel, -1 where it belongs to no sample.

    Parameters
    ----------
    pixels
        (claims,) pixel of each claim: ascending numbers from 0 without a gap.
    owners
        (claims,) class code of each claim, with `_VALIDATION` added in validation samples.
    held
        (claims,) whether the sample holds the pixel.
    """
    if not pixels.size:
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(pixels, prepend=-1))
    lowest, highest = np.minimum.reduceat(owners, starts), np.maximum.reduceat(owners, starts)
    lowest_held = np.minimum.reduceat(np.where(held, owners, _NEVER), starts)
    highest_held = np.maximum.reduceat(np.where(held, owners, -1), starts)
    by_holding = np.where(lowest_held == highest_held, lowest_held, -1)
    return np.where(lowest == highest, lowest, by_holding)


def _pixels_of(claims: Claims, chosen: Int64Array, codes: Int64Array, first: int = 0) -> PixelSet:
    samples = claims.samples[chosen]
    return PixelSet(claims.rows[chosen], claims.columns[chosen], codes[samples].astype(np.uint8), samples - first)


def _check_classes_left(training: Sequence[Sample], validation: Sequence[Sample], pixels: PixelSplit) -> None:
    sets = (("training", training, pixels.training), ("validation", validation, pixels.validation))
    for purpose, samples, remaining in sets:
        for code in sorted({sample.code for sample in samples} - set(remaining.counts)):
            log.warning(
                "class %d keeps no %s pixel: all are no data or claimed by other samples; add some elsewhere",
                code,
                purpose,
            )
    trainable = len(pixels.training.counts)
    if trainable < 2:
        raise SampleError(
            f"{trainable} of at least 2 classes can be trained on: all other pixels are no data or "
            "claimed by several samples; add samples on valid data, away from those of other classes"
        )
