"""Dilate a mask by a ball, by way of distances, so that a large radius costs hardly more than a small one."""

from pathlib import Path

import numpy as np

from alcd_otb.arrays import BoolArray
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import creating, reading
from alcd_otb.raster.opening import open_raster
from otb_pipelines.process import gdal

_ROWS = 256
"""Rows that are dilated at a time, besides the rows around them within the radius."""

_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE", "ZLEVEL": "1"}


def write_dilated(mask: Path, radius: int, grid: Grid, target: Path) -> None:
    """Write a mask that is 1 within a radius of the pixels of another mask that are not 0, and 0 elsewhere.

    Parameters
    ----------
    mask
        Raster, uint8. It is read strip by strip.
    radius
        Radius of the ball in pixels, as in `dilated`.
    grid
        The grid of both rasters.
    target
        The file to write.

    Raises
    ------
    ProcessingError
        A file cannot be read or written.
    """
    with reading(mask):
        band = (dataset := open_raster(mask)).GetRasterBand(1)
    with creating(target, grid, gdal.GDT_Byte, _OPTIONS) as written:
        for first in range(0, dataset.RasterYSize, _ROWS):
            rows = min(_ROWS, grid.height - first)
            top, bottom = max(first - radius, 0), min(first + rows + radius, grid.height)
            with reading(mask):
                inside: BoolArray = band.ReadAsArray(0, top, grid.width, bottom - top) != 0
            if inside.any():
                part = slice(first - top, first - top + rows)
                written.GetRasterBand(1).WriteArray(dilated(inside, radius, part).astype(np.uint8), 0, first)


def dilated(inside: BoolArray, radius: int, rows: slice = slice(None)) -> BoolArray:
    """Dilate a set by a ball: the offsets with x^2 + y^2 <= (radius + 0.5)^2, which is OTB's ball.

    The distance down each column is found first. A pixel then reaches along its row as far as the ball is wide there.

    Parameters
    ----------
    inside
        The set, (rows, columns). What lies outside the array is not inside.
    radius
        Radius of the ball in pixels.
    rows
        The rows to return.
    """
    distances = _vertical_distances(inside, radius)[rows]
    height, width = distances.shape
    row, column = np.nonzero(distances <= radius)
    reach = np.sqrt((radius + 0.5) ** 2 - np.arange(radius + 1) ** 2).astype(np.int64)[distances[row, column]]
    line = row * (width + 1)
    size = height * (width + 1)
    begins = np.bincount(line + np.maximum(column - reach, 0), minlength=size)
    ends = np.bincount(line + np.minimum(column + reach + 1, width), minlength=size)
    reached: BoolArray = np.cumsum((begins - ends).reshape(height, width + 1), axis=1)[:, :width] > 0
    return reached


def _vertical_distances(inside: BoolArray, radius: int) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Compute the distance in pixels to the nearest pixel of the set in a column; beyond the radius, any more."""
    distances = np.where(inside, np.int32(0), np.int32(radius + 1))
    for row in range(1, len(distances)):
        np.minimum(distances[row], distances[row - 1] + 1, out=distances[row])
    for row in range(len(distances) - 2, -1, -1):
        np.minimum(distances[row], distances[row + 1] + 1, out=distances[row])
    return distances
