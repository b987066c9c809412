"""Count pixels by class, reference and product, for all dilations in one pass."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics
from alcd_otb.arrays import BoolArray, Int64Array, UInt8Array
from alcd_otb.compare.cells import UNCLASSED, Cells
from alcd_otb.compare.distance import levels, reach
from alcd_otb.raster.grid import Grid

TRUE_POSITIVE, TRUE_NEGATIVE, FALSE_NEGATIVE, FALSE_POSITIVE = 1, 2, 3, 4
"""Codes of difference maps; 0 means not compared."""

_STRIP_PIXELS = 2**23
"""Pixels of the finest mask that are held at a time: some 150 MB with all derived arrays."""

Numbers = NDArray[Any]
"""Unsigned integers, in the smallest type that holds all combinations."""

Draw = Callable[[int, UInt8Array], None]
"""Receives the first row of some rows and their difference map."""


@dataclass(frozen=True, eq=False)
class LabelledPixels:
    """Cells of known class on a grid: points, or the cells that polygons hold.

    The three arrays have one length. A cell that holds two points counts twice.

    Attributes
    ----------
    rows, columns
        Places on the grid of comparison.
    codes
        Class codes.
    names
        Names of the classes by code.
    positive
        Codes of the positive classes.
    """

    rows: Int64Array
    columns: Int64Array
    codes: UInt8Array
    names: Mapping[int, str]
    positive: frozenset[int]


@dataclass(frozen=True, eq=False)
class Dilations:
    """Radii to which each side is dilated.

    Attributes
    ----------
    reference, product
        Radii in metres, ascending.
    border
        Width in metres of the border along the edge of either side's data that is not compared.
    """

    reference: tuple[float, ...]
    product: tuple[float, ...]
    border: float = 0.0


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Pixels by class of the reference, and by the radii from which on each side is positive.

    Attributes
    ----------
    names
        Names of the reference's classes.
    dilations
        The radii.
    counts
        (classes + 1, radii of the reference + 1, radii of the product + 1); the last index of the first axis is for
        pixels without class, of the others for pixels that no radius reaches.
    """

    names: tuple[str, ...]
    dilations: Dilations
    counts: NDArray[np.int64]

    def metrics(self, reference: float, product: float) -> BinaryMetrics:
        """Compute the metrics of all pixels.

        Parameters
        ----------
        reference, product
            Dilation of each side in metres; each is one of its radii.
        """
        return _metrics(self._tables(reference, product).sum(axis=0))

    def by_class(self, reference: float, product: float) -> dict[str, BinaryMetrics]:
        """Compute the metrics of the pixels of each class that occurs; pixels without class are left out.

        Parameters
        ----------
        reference, product
            Dilation of each side in metres; each is one of its radii.
        """
        tables = self._tables(reference, product)[:-1]
        return {name: _metrics(table) for name, table in zip(self.names, tables, strict=True) if table.any()}

    def _tables(self, reference: float, product: float) -> NDArray[np.int64]:
        """Return counts as (classes + 1, reference positive or negative, product positive or negative)."""
        row = self.dilations.reference.index(reference) + 1
        column = self.dilations.product.index(product) + 1
        by_reference = np.stack([self.counts[:, :row].sum(1), self.counts[:, row:].sum(1)], axis=1)
        return np.stack([by_reference[..., :column].sum(2), by_reference[..., column:].sum(2)], axis=2)


def count_pair(
    reference: Cells | LabelledPixels,
    product: Cells,
    dilations: Dilations,
    draw: Draw | None = None,
    progress: Callable[[float], None] | None = None,
) -> PairCounts:
    """Compare a reference with a product on the product's grid of comparison.

    Cells without data on either side are not counted. A cloud in an area without data is not dilated.

    Parameters
    ----------
    reference
        A mask on the grid of comparison, or labelled pixels. Labelled pixels are points and are not
        dilated.
    product
        A mask on the grid of comparison.
    dilations
        The radii of both sides.
    draw
        Receives the map of differences at the first radius of both sides. It is not called for labelled pixels.
    progress
        Receives the fraction that is done, 0 to 1.
    """
    combinations = _combinations(reference, dilations)
    counts = np.zeros(combinations.shape, np.int64)
    for start, stop in _strips(reference, product, dilations):
        if isinstance(reference, LabelledPixels):
            numbers = _number_labelled(reference, product, combinations, start, stop)
        else:
            numbers = _number_cells(reference, product, combinations, start, stop, draw)
        # The last number stands for what is not compared.
        counts += _histogram(numbers, counts.size + 1)[:-1].reshape(combinations.shape)
        if progress is not None:
            progress(stop / product.grid.height)
    return PairCounts(combinations.names, dilations, counts)


@dataclass(frozen=True, eq=False)
class _Combinations:
    """Numbers of the combinations of a class, a level of the reference and a level of the product.

    Attributes
    ----------
    names
        Names of the reference's classes.
    index
        Index into the names by class code, (256,); a code without class has the index after the last.
    dilations
        The radii, of which levels are numbers.
    """

    names: tuple[str, ...]
    index: UInt8Array
    dilations: Dilations

    @property
    def shape(self) -> tuple[int, int, int]:
        """(classes + 1, levels of the reference, levels of the product)."""
        return len(self.names) + 1, len(self.dilations.reference) + 1, len(self.dilations.product) + 1

    @property
    def not_compared(self) -> int:
        """Number of what is not compared: the one after the last combination."""
        return math.prod(self.shape)

    def number(self, codes: UInt8Array, reference: UInt8Array, product: UInt8Array) -> Numbers:
        """Return the numbers of pixels by class code and by the levels of both sides.

        The three arrays have one shape.
        """
        _, of_reference, of_product = self.shape
        kind = np.min_scalar_type(self.not_compared)
        numbers: Numbers = np.multiply(self.index, of_reference * of_product, dtype=kind, casting="unsafe")[codes]
        numbers += np.multiply(reference, of_product, dtype=kind, casting="unsafe")
        numbers += product
        return numbers


def _combinations(reference: Cells | LabelledPixels, dilations: Dilations) -> _Combinations:
    if isinstance(reference, LabelledPixels):
        names = dict(reference.names)
    else:
        names = {pixel_class.code: pixel_class.name for pixel_class in reference.mask.classes}
    names.pop(UNCLASSED, None)
    index = np.full(256, len(names), np.uint8)
    index[list(names)] = range(len(names))
    return _Combinations(tuple(names.values()), index, dilations)


def _number_cells(
    reference: Cells, product: Cells, combinations: _Combinations, start: int, stop: int, draw: Draw | None
) -> Numbers:
    """Return the numbers of the cells of the rows from start to stop, (rows, columns)."""
    resolution, dilations = product.grid.resolution, combinations.dilations
    sides = (dilations.reference, dilations.product)
    halo = max(reach((*radii, dilations.border), resolution) for radii in sides)
    inner = slice(halo, halo + stop - start)
    rows = [side.rows(start - halo, stop + halo) for side in (reference, product)]
    compared = _within_border(rows[0].data & rows[1].data, dilations.border, resolution)[inner]
    levels_of_sides = [levels(side.positive, radii, resolution)[inner] for side, radii in zip(rows, sides, strict=True)]
    if draw is not None:
        draw(start, _differences(compared, levels_of_sides[0] == 0, levels_of_sides[1] == 0))
    numbers = combinations.number(rows[0].codes[inner], *levels_of_sides)
    numbers[~compared] = combinations.not_compared
    return numbers


def _number_labelled(
    reference: LabelledPixels, product: Cells, combinations: _Combinations, start: int, stop: int
) -> Numbers:
    """Return the numbers of the labelled pixels that have data and lie in the rows from start to stop."""
    here = (reference.rows >= start) & (reference.rows < stop)
    if not here.any():
        return np.empty(0, np.uint8)
    resolution, dilations = product.grid.resolution, combinations.dilations
    halo = reach((*dilations.product, dilations.border), resolution)
    rows = product.rows(start - halo, stop + halo)
    of_product = levels(rows.positive, dilations.product, resolution)
    data = _within_border(rows.data, dilations.border, resolution)
    at = (reference.rows[here] - start + halo, reference.columns[here])
    codes, seen = reference.codes[here], data[at]
    of_reference = np.where(np.isin(codes, list(reference.positive)), 0, len(dilations.reference)).astype(np.uint8)
    return combinations.number(codes[seen], of_reference[seen], of_product[at][seen])


def _within_border(data: BoolArray, border: float, resolution: float) -> BoolArray:
    """Drop the cells with data that lie within the border, in metres, of cells without.

    Left and right of the grid there is no data. A row is added above and below, too, so that all edges are treated
    alike.
    """
    if not border:
        return data
    without_data = np.pad(~data, 1, constant_values=True)
    return data & (levels(without_data, (border,), resolution)[1:-1, 1:-1] > 0)


def _histogram(numbers: Numbers, bins: int) -> NDArray[np.int64]:
    values = numbers.ravel()
    if numbers.dtype == np.uint8 and values.size % 2 == 0:
        # NumPy counts 64-bit numbers, and converting pixels to these takes most of the time: pairs of pixels halve it.
        pairs = np.bincount(values.view(np.uint16), minlength=2**16).reshape(256, 256)
        counts: NDArray[np.int64] = pairs.sum(0) + pairs.sum(1)
        return counts[:bins]
    return np.bincount(values, minlength=bins)


def _differences(compared: BoolArray, reference: BoolArray, product: BoolArray) -> UInt8Array:
    # A true negative is 2, a false negative one more and a false positive two more; both sides positive are 1.
    both = reference & product
    codes = np.full(compared.shape, TRUE_NEGATIVE, np.uint8)
    codes += reference.view(np.uint8)
    codes += product.view(np.uint8) * np.uint8(2)
    codes -= both.view(np.uint8) * np.uint8(4)
    codes *= compared.view(np.uint8)
    return codes


def _strips(reference: Cells | LabelledPixels, product: Cells, dilations: Dilations) -> Iterator[tuple[int, int]]:
    """Yield (first row, row after the last) of strips.

    A strip holds _STRIP_PIXELS pixels of the finest mask, and is not low in comparison with the rows that are read
    above and below it.
    """
    grid = product.grid
    sides = (product,) if isinstance(reference, LabelledPixels) else (reference, product)
    finest = min(grid.resolution, *(side.mask.grid.resolution for side in sides))
    along = grid.width * grid.resolution / finest
    rows = int(_STRIP_PIXELS / (along * grid.resolution / finest))
    rows = max(rows, 1, reach((*dilations.reference, *dilations.product, dilations.border), grid.resolution))
    for start in range(0, grid.height, rows):
        yield start, min(start + rows, grid.height)


def comparison_grid(grid: Grid, resolution: float | None) -> Grid:
    """Make the grid to compare on.

    The last cells of a width that is not a multiple of the resolution reach beyond the edge of the mask. They count if
    half of their area has data.

    Parameters
    ----------
    grid
        The grid of a mask.
    resolution
        Side of a cell in metres; None to compare on the grid of the mask.
    """
    if resolution is None or resolution == grid.resolution:
        return grid
    width, height = (
        max(1, math.ceil(side * grid.resolution / resolution - 1e-9)) for side in (grid.width, grid.height)
    )
    return Grid(grid.crs, grid.left, grid.top, resolution, width, height)


def _metrics(table: NDArray[np.int64]) -> BinaryMetrics:
    """Make metrics of a table (reference positive or negative, product positive or negative)."""
    (true_positives, false_negatives), (false_positives, true_negatives) = table.tolist()
    return BinaryMetrics(
        true_positives=true_positives,
        false_positives=false_positives,
        false_negatives=false_negatives,
        true_negatives=true_negatives,
    )
