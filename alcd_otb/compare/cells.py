"""Bring a mask onto the grid of comparison, some rows at a time."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import BoolArray, UInt8Array
from alcd_otb.compare.mask_pixels import POSITIVE, WITHOUT_DATA, MaskPixels
from alcd_otb.errors import ProductError
from alcd_otb.masks.mask import Mask
from alcd_otb.raster.drivers import driver
from alcd_otb.raster.grid import Grid, Window
from otb_pipelines.process import gdal, osr

UNCLASSED = 255
"""Code of a cell without data, and of all cells of a mask without classes."""


@dataclass(frozen=True, eq=False)
class CellRows:
    """Rows of cells of the grid of comparison; all arrays are (rows, columns).

    Attributes
    ----------
    data
        Whether a cell has data.
    positive
        Whether a cell is positive; only where it has data.
    codes
        The commonest class of the cell's pixels, or UNCLASSED.
    """

    data: BoolArray
    positive: BoolArray
    codes: UInt8Array


class Cells:
    """A mask on the grid of comparison.

    Pixels that lie wholly in one cell are counted, which is exact. Masks on another grid than a multiple or a whole
    part of the cells are warped, by averages weighted with the areas.

    Parameters
    ----------
    mask
        The mask to read.
    grid
        The grid of comparison.
    positive
        Meanings of positive pixels.
    excluded
        Meanings of pixels that count as without data.
    share
        A cell is positive if at least this fraction of its area with data is, 0 to 1.
    data_share
        A cell has data if at least this fraction of its area has, 0 to 1.

    Raises
    ------
    ProductError
        If a file of the mask cannot be read, or its files differ in size.
    """

    def __init__(
        self,
        mask: Mask,
        grid: Grid,
        positive: frozenset[str],
        excluded: frozenset[str] = frozenset(),
        share: float = 0.5,
        data_share: float = 0.5,
    ) -> None:
        self.mask, self.grid = mask, grid
        self._share, self._data_share = share, data_share
        self._pixels = MaskPixels(mask, positive, excluded)
        self._shrinking, self._enlarging, self._offset = _alignment(mask.grid, grid)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks on the mask for the user, as `MaskPixels` has them."""
        return self._pixels.remarks

    def rows(self, start: int, stop: int) -> CellRows:
        """Read rows of cells.

        Parameters
        ----------
        start, stop
            First row, and the row after the last. Rows beyond the grid have no data.

        Raises
        ------
        ProductError
            If a pixel has a value that the encoding does not have, or the mask cannot be read or warped.
        """
        shape = (stop - start, self.grid.width)
        whole = CellRows(np.zeros(shape, bool), np.zeros(shape, bool), np.full(shape, UNCLASSED, np.uint8))
        first, last = max(start, 0), min(stop, self.grid.height)
        if first >= last:
            return whole
        if self._offset is None:
            try:
                part = self._warped(first, last)
            except RuntimeError as error:
                raise ProductError(
                    f"{self.mask.path}: cannot be warped to {self.grid.crs} ({' '.join(str(error).split())}); give it "
                    "in the tile's own projection"
                ) from error
        elif self._enlarging > 1:
            part = self._repeated(first, last)
        else:
            part = self._counted(first, last)
        inner = slice(first - start, last - start)
        whole.data[inner], whole.positive[inner], whole.codes[inner] = part.data, part.positive, part.codes
        return whole

    def _counted(self, first: int, last: int) -> CellRows:
        factor = self._shrinking
        assert self._offset is not None
        row, column = self._offset
        window = Window(row + first * factor, column, (last - first) * factor, self.grid.width * factor)
        flags, codes = self._pixels.read(window)
        if factor == 1:
            return _as_cells(flags, codes)
        seen = (flags & WITHOUT_DATA) == 0
        with_data = _block_sums(seen, factor)
        positives = _block_sums(flags == POSITIVE, factor)
        return self._decided(
            with_data, positives, factor * factor, self._commonest(codes, seen, factor, with_data.shape)
        )

    def _commonest(self, codes: UInt8Array, seen: BoolArray, factor: int, shape: tuple[int, ...]) -> UInt8Array:
        result = np.full(shape, UNCLASSED, np.uint8)
        most = np.zeros(shape, np.uint32)
        for pixel_class in self.mask.classes:
            counts = _block_sums((codes == pixel_class.code) & seen, factor)
            result[counts > most] = pixel_class.code
            np.maximum(most, counts, out=most)
        return result

    def _repeated(self, first: int, last: int) -> CellRows:
        factor = self._enlarging
        assert self._offset is not None
        row, column = first + self._offset[0], self._offset[1]
        top, left = row // factor, column // factor
        height = (row + last - first - 1) // factor - top + 1
        width = (column + self.grid.width - 1) // factor - left + 1
        pixels = self._pixels.read(Window(top, left, height, width))
        inner = (
            slice(row - top * factor, row - top * factor + last - first),
            slice(column - left * factor, column - left * factor + self.grid.width),
        )
        flags, codes = (values.repeat(factor, axis=0).repeat(factor, axis=1)[inner] for values in pixels)
        return _as_cells(flags, codes)

    def _warped(self, first: int, last: int) -> CellRows:
        target = Grid(
            self.grid.crs,
            self.grid.left,
            self.grid.top - first * self.grid.resolution,
            self.grid.resolution,
            self.grid.width,
            last - first,
        )
        own = self.mask.grid
        left, bottom, right, top = _bounds_in(target, own)
        # Two pixels are added: a cell's edge cuts pixels, and the border of the warp is not exact.
        column = math.floor((left - own.left) / own.resolution) - 2
        row = math.floor((own.top - top) / own.resolution) - 2
        width = math.ceil((right - own.left) / own.resolution) + 2 - column
        height = math.ceil((own.top - bottom) / own.resolution) + 2 - row
        flags, codes = self._pixels.read(Window(row, column, height, width))
        source = Grid(
            own.crs, own.left + column * own.resolution, own.top - row * own.resolution, own.resolution, width, height
        )
        seen = (flags & WITHOUT_DATA) == 0
        shares = _warp(np.stack([seen, flags == POSITIVE]).astype(np.float32), source, target, "average")
        commonest = np.full((target.height, target.width), UNCLASSED, np.uint8)
        if self.mask.classes:
            shown = np.where(seen, codes, np.uint8(UNCLASSED))
            commonest = _warp(shown[np.newaxis], source, target, "mode")[0].astype(np.uint8)
        return self._decided(shares[0], shares[1], 1, commonest)

    def _decided(self, with_data: NDArray[Any], positives: NDArray[Any], area: float, codes: UInt8Array) -> CellRows:
        data = (with_data >= self._data_share * area - 1e-6) & (with_data > 0)
        positive = data & (positives >= self._share * with_data - 1e-6) & (positives > 0)
        return CellRows(data, positive, np.where(data, codes, np.uint8(UNCLASSED)))


class _Alignment(NamedTuple):
    """How the pixels of a mask lie in the cells.

    Attributes
    ----------
    shrinking
        Pixels along the side of a cell, 1 where pixels are larger.
    enlarging
        Cells along the side of a pixel, 1 where cells are larger.
    offset
        (row, column) of the first cell's corner, in pixels, or in cells where these are finer. None if the grids
        do not fit.
    """

    shrinking: int
    enlarging: int
    offset: tuple[int, int] | None


def _alignment(own: Grid, cells: Grid) -> _Alignment:
    """Work out how the pixels of a mask lie in the cells."""
    shrinking, enlarging = cells.resolution / own.resolution, own.resolution / cells.resolution
    unit = min(own.resolution, cells.resolution)
    row, column = (own.top - cells.top) / unit, (cells.left - own.left) / unit
    fits = own.crs == cells.crs and all(
        abs(value - round(value)) < 1e-6 for value in (max(shrinking, enlarging), row, column)
    )
    offset = (round(row), round(column)) if fits else None
    return _Alignment(max(1, round(shrinking)), max(1, round(enlarging)), offset)


def _as_cells(flags: UInt8Array, codes: UInt8Array) -> CellRows:
    data = (flags & WITHOUT_DATA) == 0
    return CellRows(data, (flags & POSITIVE != 0) & data, np.where(data, codes, np.uint8(UNCLASSED)))


def _block_sums(inside: BoolArray, factor: int) -> NDArray[Any]:
    """Count the pixels inside in each block of factor x factor pixels."""
    rows, columns = inside.shape[0] // factor, inside.shape[1] // factor
    # Adding whole rows, then columns with a stride, is several times as fast as numpy's sum over two short axes.
    pixels = inside.view(np.uint8).reshape(rows, factor, columns * factor)
    # 16 bits hold the count of a block of fewer than 256 x 256 pixels, and are added faster.
    kind = np.uint16 if factor * factor < 2**16 else np.uint32
    down: NDArray[Any] = pixels[:, 0].astype(kind)
    for row in range(1, factor):
        down += pixels[:, row]
    across: NDArray[Any] = down[:, 0::factor].copy()
    for column in range(1, factor):
        across += down[:, column::factor]
    return across


def _bounds_in(grid: Grid, other: Grid) -> tuple[float, float, float, float]:
    """Return (left, bottom, right, top) of a grid in the CRS of another one.

    Straight edges are bent there: 21 points of each side are transformed.
    """
    if grid.crs == other.crs:
        return grid.extent
    transformation = osr.CoordinateTransformation(grid.spatial_reference, other.spatial_reference)
    bounds: tuple[float, float, float, float] = transformation.TransformBounds(*grid.extent, 21)
    return bounds


def _warp(layers: NDArray[np.generic], source: Grid, target: Grid, resampling: str) -> NDArray[np.float32]:
    """Warp layers from one grid to another.

    Parameters
    ----------
    layers
        (bands, rows, columns) on the source grid.
    source, target
        The grids.
    resampling
        GDAL's name of the method.

    Returns
    -------
    array
        (bands, rows, columns) on the target grid.
    """
    count = layers.shape[0]
    kind = gdal.GDT_Byte if layers.dtype == np.uint8 else gdal.GDT_Float32
    datasets = []
    for grid in (source, target):
        dataset = driver("MEM").Create("", grid.width, grid.height, count, kind)
        dataset.SetGeoTransform(grid.transform)
        dataset.SetSpatialRef(grid.spatial_reference)
        datasets.append(dataset)
    for band in range(count):
        datasets[0].GetRasterBand(band + 1).WriteArray(layers[band])
        if kind == gdal.GDT_Byte:
            datasets[0].GetRasterBand(band + 1).SetNoDataValue(UNCLASSED)
            datasets[1].GetRasterBand(band + 1).Fill(UNCLASSED)
    gdal.Warp(datasets[1], datasets[0], resampleAlg=resampling, errorThreshold=0)
    warped: NDArray[np.float32] = datasets[1].ReadAsArray().reshape(count, target.height, target.width)
    return warped
