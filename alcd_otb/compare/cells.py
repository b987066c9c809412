"""A mask on the grid of comparison, some rows at a time: which cells have data, and which of them are positive."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import BoolArray, UInt8Array
from alcd_otb.errors import ProductError
from alcd_otb.masks.mask import NO_DATA, Mask, MaskLayer
from alcd_otb.raster.grid import Grid
from otb_pipelines.process import gdal, osr

UNCLASSED = 255
"""Code of a cell without data, or of a mask that has no classes."""

_POSITIVE, _NO_DATA, _IMPOSSIBLE = 1, 2, 4


@dataclass(frozen=True, eq=False)
class CellRows:
    """Rows x columns of cells. positive: only where data. codes: the commonest class of the cell's pixels."""

    data: BoolArray
    positive: BoolArray
    codes: UInt8Array


class Cells:
    """Reads a mask on the grid of comparison.

    A cell has data where at least data_share of its area has; it is positive where at least share of the area with
    data is. Pixels that lie wholly in one cell are counted, which is exact; masks on another grid than a multiple or a
    whole part of the cells are warped, by averages weighted with the areas.
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
        """positive, excluded: meanings; a pixel that means one excluded counts as without data.

        Raises ProductError where a file of the mask cannot be read.
        """
        self.mask, self.grid = mask, grid
        self._share, self._data_share = share, data_share
        self._layers = list(_open_layers(mask, positive, excluded))
        for one in self._layers:
            if (one.dataset.RasterXSize, one.dataset.RasterYSize) != (mask.grid.width, mask.grid.height):
                raise ProductError(f"{mask.path}: its files differ in size; give the files of one product")
        self._shrinking, self._enlarging, self._offset = _alignment(mask.grid, grid)

    def rows(self, start: int, stop: int) -> CellRows:
        """Cells of rows start to stop, which may reach beyond the grid: there is no data there.

        Raises ProductError where a pixel has a value that the encoding does not have, or cannot be read.
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
        flags, codes = self._pixels(row + first * factor, column, (last - first) * factor, self.grid.width * factor)
        if factor == 1:
            data = (flags & _NO_DATA) == 0
            return CellRows(data, (flags & _POSITIVE != 0) & data, np.where(data, codes, np.uint8(UNCLASSED)))
        seen = (flags & _NO_DATA) == 0
        with_data = _block_sums(seen, factor)
        positives = _block_sums((flags == _POSITIVE), factor)
        return self._decided(
            with_data, positives, factor * factor, self._commonest(codes, seen, factor, with_data.shape)
        )

    def _commonest(self, codes: UInt8Array, seen: BoolArray, factor: int, shape: tuple[int, ...]) -> UInt8Array:
        result = np.full(shape, UNCLASSED, np.uint8)
        most = np.zeros(shape, np.uint16)
        for one in self.mask.classes:
            counts = _block_sums((codes == one.code) & seen, factor)
            result[counts > most] = one.code
            np.maximum(most, counts, out=most)
        return result

    def _repeated(self, first: int, last: int) -> CellRows:
        factor = self._enlarging
        assert self._offset is not None
        row, column = first + self._offset[0], self._offset[1]
        top, left = row // factor, column // factor
        height = (row + last - first - 1) // factor - top + 1
        width = (column + self.grid.width - 1) // factor - left + 1
        flags, codes = self._pixels(top, left, height, width)
        window = (
            slice(row - top * factor, row - top * factor + last - first),
            slice(column - left * factor, column - left * factor + self.grid.width),
        )
        flags, codes = (one.repeat(factor, axis=0).repeat(factor, axis=1)[window] for one in (flags, codes))
        data = (flags & _NO_DATA) == 0
        return CellRows(data, (flags & _POSITIVE != 0) & data, np.where(data, codes, np.uint8(UNCLASSED)))

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
        # Two pixels more: a cell's edge cuts pixels, and the border of the warp is not exact.
        column = math.floor((left - own.left) / own.resolution) - 2
        row = math.floor((own.top - top) / own.resolution) - 2
        width = math.ceil((right - own.left) / own.resolution) + 2 - column
        height = math.ceil((own.top - bottom) / own.resolution) + 2 - row
        flags, codes = self._pixels(row, column, height, width)
        source = Grid(
            own.crs, own.left + column * own.resolution, own.top - row * own.resolution, own.resolution, width, height
        )
        seen = (flags & _NO_DATA) == 0
        shares = _warp(np.stack([seen, flags == _POSITIVE]).astype(np.float32), source, target, "average")
        commonest = np.full((target.height, target.width), UNCLASSED, np.uint8)
        if self.mask.classes:
            shown = np.where(seen, codes, np.uint8(UNCLASSED))
            commonest = _warp(shown[np.newaxis], source, target, "mode")[0].astype(np.uint8)
        return self._decided(shares[0], shares[1], 1, commonest)

    def _decided(self, with_data: NDArray[Any], positives: NDArray[Any], area: float, codes: UInt8Array) -> CellRows:
        data = (with_data >= self._data_share * area - 1e-6) & (with_data > 0)
        positive = data & (positives >= self._share * with_data - 1e-6) & (positives > 0)
        return CellRows(data, positive, np.where(data, codes, np.uint8(UNCLASSED)))

    def _pixels(self, row: int, column: int, height: int, width: int) -> tuple[UInt8Array, UInt8Array]:
        """(flags, codes) of a window of the mask's own pixels; beyond its edge there is no data."""
        top, left = max(row, 0), max(column, 0)
        bottom, right = min(row + height, self.mask.grid.height), min(column + width, self.mask.grid.width)
        if top >= bottom or left >= right:
            return np.full((height, width), _NO_DATA, np.uint8), np.zeros((height, width), np.uint8)
        flags, codes = self._own_pixels(left, top, right - left, bottom - top)
        if flags.shape == (height, width):
            return flags, codes
        around = ((top - row, row + height - bottom), (left - column, column + width - right))
        return np.pad(flags, around, constant_values=_NO_DATA), np.pad(codes, around)

    def _own_pixels(self, left: int, top: int, width: int, height: int) -> tuple[UInt8Array, UInt8Array]:
        flags = codes = np.zeros((height, width), np.uint8)
        for number, one in enumerate(self._layers):
            values = self._read(one, left, top, width, height)
            found = one.flags[values]
            if one.may_refuse and (found & _IMPOSSIBLE).any():
                strange = sorted(set(np.unique(values[found & _IMPOSSIBLE != 0]).tolist()))
                raise ProductError(
                    f"{self.mask.path}: has pixels of value {', '.join(map(str, strange[:5]))}, which "
                    f"{self.mask.processor} does not have; check which processor wrote it"
                )
            flags = found if number == 0 else flags | found
            if one.gives_codes:
                codes = values
        return flags, codes

    def _read(self, one: "_OpenLayer", left: int, top: int, width: int, height: int) -> UInt8Array:
        try:
            values = one.dataset.GetRasterBand(one.layer.band).ReadAsArray(left, top, width, height)
        except RuntimeError as error:
            raise ProductError(
                f"{self.mask.path}: cannot be read ({' '.join(str(error).split())}); get the product again"
            ) from error
        if values.dtype == np.uint8:
            return np.asarray(values)
        if not one.layer.clipped and (values.min() < 0 or values.max() > 255):
            raise ProductError(
                f"{self.mask.path}: has pixels from {values.min()} to {values.max()}, where a mask has 0 to 255"
            )
        return np.asarray(np.clip(values, 0, 255), np.uint8)


@dataclass(frozen=True, eq=False)
class _OpenLayer:
    """flags: by value. may_refuse: there are values that the encoding does not have."""

    layer: MaskLayer
    dataset: gdal.Dataset
    flags: UInt8Array
    may_refuse: bool
    gives_codes: bool


def _open_layers(mask: Mask, positive: frozenset[str], excluded: frozenset[str]) -> Iterator[_OpenLayer]:
    """The layers that tell something: of MAJA's, that of water does not if only clouds are asked for."""
    for number, layer in enumerate(mask.layers):
        flags = _flags(layer, positive, excluded | {NO_DATA})
        gives_codes = number == 0 and bool(mask.classes)
        if gives_codes or flags.any():
            yield _OpenLayer(layer, layer.open(), flags, bool((flags == _IMPOSSIBLE).any()), gives_codes)


def _flags(layer: MaskLayer, positive: frozenset[str], without_data: frozenset[str]) -> UInt8Array:
    """By value."""
    flags = np.zeros(256, np.uint8)
    for value, meaning in enumerate(layer.table):
        if meaning is None:
            flags[value] = _IMPOSSIBLE
        elif meaning & without_data:
            flags[value] = _NO_DATA
        elif meaning & positive:
            flags[value] = _POSITIVE
    return flags


def _alignment(own: Grid, cells: Grid) -> tuple[int, int, tuple[int, int] | None]:
    """(pixels along a cell, cells along a pixel, (row, column) of the first cell's corner).

    The corner is in whole pixels, or in cells where these are the finer; None where the grids do not fit.
    """
    shrinking, enlarging = cells.resolution / own.resolution, own.resolution / cells.resolution
    unit = min(own.resolution, cells.resolution)
    row, column = (own.top - cells.top) / unit, (cells.left - own.left) / unit
    fits = own.crs == cells.crs and all(
        abs(value - round(value)) < 1e-6 for value in (max(shrinking, enlarging), row, column)
    )
    offset = (round(row), round(column)) if fits else None
    return max(1, round(shrinking)), max(1, round(enlarging)), offset


def _block_sums(inside: BoolArray, factor: int) -> NDArray[np.uint16]:
    """Pixels inside in each block of factor x factor."""
    rows, columns = inside.shape[0] // factor, inside.shape[1] // factor
    # Adding whole rows, then columns with a stride, is several times as fast as numpy's sum over two short axes.
    pixels = inside.view(np.uint8).reshape(rows, factor, columns * factor)
    down = pixels[:, 0].astype(np.uint16)
    for row in range(1, factor):
        down += pixels[:, row]
    across = down[:, 0::factor].copy()
    for column in range(1, factor):
        across += down[:, column::factor]
    return across


def _bounds_in(grid: Grid, other: Grid) -> tuple[float, float, float, float]:
    """(left, bottom, right, top) of a grid in another one's CRS, with its bent edges."""
    if grid.crs == other.crs:
        return grid.extent
    transformation = osr.CoordinateTransformation(grid.spatial_reference, other.spatial_reference)
    bounds: tuple[float, float, float, float] = transformation.TransformBounds(*grid.extent, 21)
    return bounds


def _warp(layers: NDArray[np.generic], source: Grid, target: Grid, resampling: str) -> NDArray[np.float32]:
    """Layers (bands x rows x columns) of one grid on another."""
    count = layers.shape[0]
    kind = gdal.GDT_Byte if layers.dtype == np.uint8 else gdal.GDT_Float32
    datasets = []
    for grid in (source, target):
        dataset = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, count, kind)
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
