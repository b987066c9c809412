"""Counts of pixels by what the reference and the product say of them, for all dilations in one pass."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.accuracy.confusion import BinaryMetrics
from alcd_otb.arrays import Int64Array, UInt8Array
from alcd_otb.compare.cells import UNCLASSED, Cells
from alcd_otb.compare.distance import levels, reach
from alcd_otb.raster.grid import Grid

TRUE_POSITIVE, TRUE_NEGATIVE, FALSE_NEGATIVE, FALSE_POSITIVE = 1, 2, 3, 4
"""Codes of difference maps; 0 is not compared."""

_STRIP_PIXELS = 2**23
"""The masks' own pixels that are held at a time: some 150 MB with all that is made of them."""

Joint = NDArray[Any]
"""Unsigned integers."""

Draw = Callable[[int, UInt8Array], None]
"""Is given the first row and the difference map of some rows."""


@dataclass(frozen=True, eq=False)
class LabelledPixels:
    """Cells of known class on a grid: points, or what polygons hold. Three arrays of one length.

    names: of the classes by code. positive: codes. A cell that holds two points counts twice.
    """

    rows: Int64Array
    columns: Int64Array
    codes: UInt8Array
    names: Mapping[int, str]
    positive: frozenset[int]


@dataclass(frozen=True, eq=False)
class Dilations:
    """Radii in metres, ascending, to which each side is dilated; border: kept off the edge of either side's data."""

    reference: tuple[float, ...]
    product: tuple[float, ...]
    border: float = 0.0


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Pixels by reference class, and by the radii from which on each side is positive.

    names: of the reference's classes; the last index of counts is for pixels without one.
    counts: classes + 1 x radii of the reference + 1 x radii of the product + 1.
    """

    names: tuple[str, ...]
    dilations: Dilations
    counts: NDArray[np.int64]

    def metrics(self, reference: float, product: float) -> BinaryMetrics:
        """With each side dilated by one of its radii."""
        return _metrics(self._tables(reference, product).sum(axis=0))

    def by_class(self, reference: float, product: float) -> dict[str, BinaryMetrics]:
        """The same for the pixels of each class that occurs; pixels without one are left out."""
        tables = self._tables(reference, product)[:-1]
        return {name: _metrics(table) for name, table in zip(self.names, tables, strict=True) if table.any()}

    def _tables(self, reference: float, product: float) -> NDArray[np.int64]:
        """Classes x (reference positive, negative) x (product positive, negative)."""
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

    Cells without data on either side are not counted. A cloud that lies in no data reaches no farther.
    draw: is given the map of differences at the first radius of both sides; not called for labelled pixels, which are
    not dilated either: a point stands for itself.
    """
    names, index = _class_index(reference)
    shape = (len(names) + 1, len(dilations.reference) + 1, len(dilations.product) + 1)
    counts = np.zeros(shape, np.int64)
    for start, stop in _strips(reference, product, dilations):
        if isinstance(reference, LabelledPixels):
            joint = _labelled(reference, product, dilations, index, start, stop)
        else:
            joint = _compared(reference, product, dilations, index, start, stop, draw)
        # The last number is of what is not compared.
        counts += _histogram(joint, counts.size + 1)[:-1].reshape(shape)
        if progress is not None:
            progress(stop / product.grid.height)
    return PairCounts(names, dilations, counts)


def _compared(
    reference: Cells,
    product: Cells,
    dilations: Dilations,
    index: UInt8Array,
    start: int,
    stop: int,
    draw: Draw | None,
) -> Joint:
    """One number a cell of the rows: of its class, and of the levels of both sides."""
    resolution = product.grid.resolution
    sides = (dilations.reference, dilations.product)
    halo = max(reach((*radii, dilations.border), resolution) for radii in sides)
    inner = slice(halo, halo + stop - start)
    rows = [side.rows(start - halo, stop + halo) for side in (reference, product)]
    compared = rows[0].data & rows[1].data
    if dilations.border:
        compared &= levels(_beyond(~compared), (dilations.border,), resolution)[1:-1, 1:-1] > 0
    compared = compared[inner]
    found = [levels(one.positive, radii, resolution)[inner] for one, radii in zip(rows, sides, strict=True)]
    if draw is not None:
        draw(start, _differences(compared, found[0] == 0, found[1] == 0))
    joint = _joint(rows[0].codes[inner], found[0], found[1], index, dilations)
    joint[~compared] = _bins(index, dilations)
    return joint


def _beyond(without_data: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """With what lies left and right of the grid, and a row above and below that levels do not ask for."""
    return np.pad(without_data, 1, constant_values=True)


def _labelled(
    reference: LabelledPixels, product: Cells, dilations: Dilations, index: UInt8Array, start: int, stop: int
) -> Joint:
    here = (reference.rows >= start) & (reference.rows < stop)
    if not here.any():
        return np.empty(0, np.uint8)
    resolution = product.grid.resolution
    halo = reach((*dilations.product, dilations.border), resolution)
    rows = product.rows(start - halo, stop + halo)
    found = levels(rows.positive, dilations.product, resolution)
    data = rows.data
    if dilations.border:
        data = data & (levels(_beyond(~data), (dilations.border,), resolution)[1:-1, 1:-1] > 0)
    at = (reference.rows[here] - start + halo, reference.columns[here])
    codes, seen = reference.codes[here], data[at]
    of_reference = np.where(np.isin(codes, list(reference.positive)), 0, len(dilations.reference)).astype(np.uint8)
    return _joint(codes[seen], of_reference[seen], found[at][seen], index, dilations)


def _joint(
    codes: UInt8Array, reference: UInt8Array, product: UInt8Array, index: UInt8Array, dilations: Dilations
) -> Joint:
    """One number for each combination of class and levels, in the smallest type that also holds their count."""
    of_product = len(dilations.product) + 1
    of_both = (len(dilations.reference) + 1) * of_product
    kind = np.min_scalar_type(_bins(index, dilations))
    joint: Joint = np.multiply(index, of_both, dtype=kind, casting="unsafe")[codes]
    joint += np.multiply(reference, of_product, dtype=kind, casting="unsafe")
    joint += product
    return joint


def _bins(index: UInt8Array, dilations: Dilations) -> int:
    return (int(index.max()) + 1) * (len(dilations.reference) + 1) * (len(dilations.product) + 1)


def _histogram(joint: Joint, bins: int) -> NDArray[np.int64]:
    values = joint.ravel()
    if joint.dtype == np.uint8 and values.size % 2 == 0:
        # NumPy counts 64-bit numbers, and making these of pixels takes most of the time: half as many pairs are made.
        pairs = np.bincount(values.view(np.uint16), minlength=2**16).reshape(256, 256)
        counts: NDArray[np.int64] = pairs.sum(0) + pairs.sum(1)
        return counts[:bins]
    return np.bincount(values, minlength=bins)


def _differences(compared: NDArray[np.bool_], reference: NDArray[np.bool_], product: NDArray[np.bool_]) -> UInt8Array:
    # A true negative is 2, a false negative one more and a false positive two more; both sides positive are 1.
    both = reference & product
    codes = np.full(compared.shape, TRUE_NEGATIVE, np.uint8)
    codes += reference.view(np.uint8)
    codes += product.view(np.uint8) * np.uint8(2)
    codes -= both.view(np.uint8) * np.uint8(4)
    codes *= compared.view(np.uint8)
    return codes


def _class_index(reference: Cells | LabelledPixels) -> tuple[tuple[str, ...], UInt8Array]:
    """(names, index into them by code); what has no class has the index after the last."""
    if isinstance(reference, LabelledPixels):
        named = dict(reference.names)
    else:
        named = {one.code: one.name for one in reference.mask.classes}
    named.pop(UNCLASSED, None)
    index = np.full(256, len(named), np.uint8)
    index[list(named)] = range(len(named))
    return tuple(named.values()), index


def _strips(reference: Cells | LabelledPixels, product: Cells, dilations: Dilations) -> Iterator[tuple[int, int]]:
    """Rows of cells, as many as hold so many pixels of the finest mask, and not few against the rows around them."""
    grid = product.grid
    sides = (product,) if isinstance(reference, LabelledPixels) else (reference, product)
    finest = min(grid.resolution, *(side.mask.grid.resolution for side in sides))
    along = grid.width * grid.resolution / finest
    rows = int(_STRIP_PIXELS / (along * grid.resolution / finest))
    rows = max(rows, 1, reach((*dilations.reference, *dilations.product, dilations.border), grid.resolution))
    for start in range(0, grid.height, rows):
        yield start, min(start + rows, grid.height)


def comparison_grid(of: Grid, resolution: float | None) -> Grid:
    """The grid to compare on: that of a mask, or its tile at another resolution in metres.

    The last cells of a width that is no multiple reach beyond the mask's edge; they count if half of them has data.
    """
    if resolution is None or resolution == of.resolution:
        return of
    width, height = (max(1, math.ceil(side * of.resolution / resolution - 1e-9)) for side in (of.width, of.height))
    return Grid(of.crs, of.left, of.top, resolution, width, height)


def _metrics(table: NDArray[np.int64]) -> BinaryMetrics:
    """From (reference positive, negative) x (product positive, negative)."""
    (true_positives, false_negatives), (false_positives, true_negatives) = table.tolist()
    return BinaryMetrics(
        true_positives=true_positives,
        false_positives=false_positives,
        false_negatives=false_negatives,
        true_negatives=true_negatives,
    )
