"""Rasters block by block, for what is computed in Python: the block is all that such code sees."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import Float32Array
from alcd_otb.errors import ProcessingError
from alcd_otb.raster.grid import Grid, Window
from otb_pipelines.process import gdal

SIDE = 512
"""Pixels of a block's side. Whatever memory and threads there are, it is the same: so is what code makes of blocks."""


@dataclass(frozen=True)
class Source:
    """A raster on the grid, and the names of its bands in order."""

    path: Path
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Block:
    """A part of a scene with some pixels around it.

    values: (bands, rows + 2 halo, columns + 2 halo) Float32, NaN where there is no data. Beyond the image's edge its
    outermost pixels are repeated, as in the textures.
    names: of the bands. resolution: in metres. window: of the block without its halo.
    """

    values: Float32Array
    names: tuple[str, ...]
    halo: int
    resolution: float
    window: Window

    def __getitem__(self, name: str) -> Float32Array:
        """A band with its halo, (rows + 2 halo, columns + 2 halo)."""
        if name not in self.names:
            raise KeyError(f"{name} is not read; there are {', '.join(self.names)}")
        band: Float32Array = self.values[self.names.index(name)]
        return band

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) without the halo: of what a function of the block returns."""
        return self.window.rows, self.window.columns

    def without_halo(self, values: NDArray[Any]) -> NDArray[Any]:
        """The middle of an array whose last two axes have the halo."""
        rows, columns = self.shape
        return values[..., self.halo : self.halo + rows, self.halo : self.halo + columns]

    def narrowed(self, names: Sequence[str], halo: int) -> "Block":
        """The block with these of its bands and a halo no larger than its own."""
        excess = self.halo - halo
        rows, columns = (side - excess for side in self.values.shape[1:])
        bands = [self.names.index(name) for name in names]
        return Block(self.values[bands, excess:rows, excess:columns], tuple(names), halo, self.resolution, self.window)


def windows(height: int, width: int, side: int = SIDE) -> Iterator[Window]:
    """The blocks of a raster, row by row; those at its right and lower edge may be smaller."""
    for row in range(0, height, side):
        for column in range(0, width, side):
            yield Window(row, column, min(side, height - row), min(side, width - column))


def read_blocks(sources: Sequence[Source], grid: Grid, halo: int = 0, side: int = SIDE) -> Iterator[Block]:
    """The scene block by block, each with all bands of all sources. Raises ProcessingError where one cannot be read."""
    datasets = [(source, _opened(source.path)) for source in sources]
    names = tuple(name for source in sources for name in source.names)
    for window in windows(grid.height, grid.width, side):
        parts = [_read(dataset, source.path, grid, window, halo) for source, dataset in datasets]
        yield Block(np.concatenate(parts), names, halo, grid.resolution, window)


def write_block(dataset: gdal.Dataset, values: NDArray[Any], window: Window) -> None:
    """Put (rows, columns) values into a raster on the grid, or (bands, rows, columns) of all its bands."""
    dataset.WriteArray(values, window.column, window.row)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """GDAL's errors as a ProcessingError that names the raster."""
    try:
        yield
    except RuntimeError as error:
        raise ProcessingError(f"{path}: cannot be read ({error}); delete it and run again") from error


def _opened(path: Path) -> gdal.Dataset:
    with _reading(path):
        return gdal.Open(str(path))


def _read(dataset: gdal.Dataset, path: Path, grid: Grid, window: Window, halo: int) -> Float32Array:
    """(bands, rows + 2 halo, columns + 2 halo)."""
    top, bottom = max(window.row - halo, 0), min(window.row + window.rows + halo, grid.height)
    left, right = max(window.column - halo, 0), min(window.column + window.columns + halo, grid.width)
    with _reading(path):
        values = dataset.ReadAsArray(left, top, right - left, bottom - top, buf_type=gdal.GDT_Float32)
    values = values.reshape(dataset.RasterCount, bottom - top, right - left)
    for number in range(dataset.RasterCount):
        no_data = dataset.GetRasterBand(number + 1).GetNoDataValue()
        if no_data is not None:
            values[number][values[number] == no_data] = np.nan
    above, before = top - (window.row - halo), left - (window.column - halo)
    below, after = 2 * halo + window.rows - above, 2 * halo + window.columns - before
    lacking = ((0, 0), (above, below - (bottom - top)), (before, after - (right - left)))
    return np.pad(values, lacking, mode="edge")
