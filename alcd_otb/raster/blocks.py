"""Read and write rasters block by block, for code in Python that computes pixels.

Such code sees only the block.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import Float32Array
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import reading
from alcd_otb.raster.opening import open_raster
from otb_pipelines.process import gdal

SIDE = 512
"""Pixels of a block's side. It does not depend on memory or threads, so that the results of code on blocks do not."""


@dataclass(frozen=True)
class Source:
    """A raster on the grid.

    Attributes
    ----------
    path
        The file of the raster.
    names
        The names of its bands, in order.
    """

    path: Path
    names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Block:
    """A part of a scene with some pixels around it.

    Attributes
    ----------
    values
        Float32, (bands, rows + 2 halo, columns + 2 halo), NaN where a band has no data. Beyond the image's edge, its
        outermost pixels are repeated, as in the textures.
    names
        The names of the bands, in order.
    halo
        Pixels around the block on each side.
    resolution
        Side of a pixel in metres.
    window
        The pixels of the block in the scene, without the halo.
    """

    values: Float32Array
    names: tuple[str, ...]
    halo: int
    resolution: float
    window: Window

    def __getitem__(self, name: str) -> Float32Array:
        """Return a band with its halo, (rows + 2 halo, columns + 2 halo).

        Raises
        ------
        KeyError
            The block has no band of this name.
        """
        if name not in self.names:
            raise KeyError(f"{name} is not read; there are {', '.join(self.names)}")
        band: Float32Array = self.values[self.names.index(name)]
        return band

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) without the halo, which is the shape that a function of the block returns."""
        return self.window.rows, self.window.columns

    def without_halo(self, values: NDArray[Any]) -> NDArray[Any]:
        """Cut the halo off the last two axes of an array."""
        rows, columns = self.shape
        return values[..., self.halo : self.halo + rows, self.halo : self.halo + columns]

    def narrowed(self, names: Sequence[str], halo: int) -> "Block":
        """Make a block of some of the bands, with a smaller halo.

        Parameters
        ----------
        names
            The bands of the new block, in order.
        halo
            Its halo in pixels, at most that of this block.
        """
        excess = self.halo - halo
        rows, columns = (side - excess for side in self.values.shape[1:])
        bands = [self.names.index(name) for name in names]
        return Block(self.values[bands, excess:rows, excess:columns], tuple(names), halo, self.resolution, self.window)


def windows(height: int, width: int, side: int = SIDE) -> Iterator[Window]:
    """List the windows of the blocks of a raster, row by row.

    Parameters
    ----------
    height, width
        Rows and columns of the raster.
    side
        Rows and columns of a block. Blocks at the right and the lower edge may be smaller.
    """
    for row in range(0, height, side):
        for column in range(0, width, side):
            yield Window(row, column, min(side, height - row), min(side, width - column))


def read_blocks(sources: Sequence[Source], grid: Grid, halo: int = 0, side: int = SIDE) -> Iterator[Block]:
    """Read the scene block by block.

    Parameters
    ----------
    sources
        Rasters on the grid.
    grid
        The grid of the scene.
    halo
        Pixels around a block on each side.
    side
        Rows and columns of a block without its halo.

    Yields
    ------
    Block
        With all bands of all sources, in order.

    Raises
    ------
    ProcessingError
        A raster cannot be read.
    """
    datasets = [(source, _opened(source.path)) for source in sources]
    names = tuple(name for source in sources for name in source.names)
    for window in windows(grid.height, grid.width, side):
        parts = [_read(dataset, source.path, grid, window, halo) for source, dataset in datasets]
        yield Block(np.concatenate(parts), names, halo, grid.resolution, window)


def write_block(dataset: gdal.Dataset, values: NDArray[Any], window: Window) -> None:
    """Write the values of a block into a raster.

    Parameters
    ----------
    dataset
        A raster on the grid.
    values
        (rows, columns), or (bands, rows, columns) for all bands of the raster.
    window
        The pixels of the block.
    """
    dataset.WriteArray(values, window.column, window.row)


def _opened(path: Path) -> gdal.Dataset:
    with reading(path):
        return open_raster(path)


def _read(dataset: gdal.Dataset, path: Path, grid: Grid, window: Window, halo: int) -> Float32Array:
    """Read the values of a block, (bands, rows + 2 halo, columns + 2 halo)."""
    top, bottom = max(window.row - halo, 0), min(window.row + window.rows + halo, grid.height)
    left, right = max(window.column - halo, 0), min(window.column + window.columns + halo, grid.width)
    with reading(path):
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
