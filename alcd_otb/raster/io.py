"""What GDAL's Python bindings leave to do by hand: closing, overviews, histograms, scattered pixels."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.raster.grid import Grid, Window
from otb_pipelines.process import gdal

SMALLEST_OVERVIEW = 128
"""Pixels of the longer side below which no overview is made."""

MOST_VALUES = 32 * 2**20
"""Pixels that `read_part` gives at most: a tile of 20 m whole, of 10 m at level 1."""

_SHOWN = 2048
"""Pixels of the longer side of what `read_part` gives where no level is asked for."""

_TILE = 64
"""Pixels of the side of a window that scattered pixels are read by: a tile of the features."""


@contextmanager
def updating(path: Path) -> Iterator[gdal.Dataset]:
    """A raster open for changes, which are on the disk when the block ends.

    Raises ProcessingError where they cannot be written.
    """
    with _closing(path, lambda: gdal.Open(str(path), gdal.GA_Update)) as dataset:
        yield dataset


@contextmanager
def copying(source: gdal.Dataset, path: Path, options: Mapping[str, str]) -> Iterator[gdal.Dataset]:
    """A new GeoTIFF with a raster's pixels and description, open for changes as in `updating`."""
    listed = [f"{key}={value}" for key, value in options.items()]
    driver = gdal.GetDriverByName("GTiff")
    with _closing(path, lambda: driver.CreateCopy(str(path), source, options=listed)) as dataset:
        yield dataset


@contextmanager
def creating(
    path: Path, grid: Grid, pixel_type: int, options: Mapping[str, str], bands: int = 1
) -> Iterator[gdal.Dataset]:
    """A new GeoTIFF on a grid, to be filled; as in `updating`."""
    listed = [f"{key}={value}" for key, value in options.items()]
    with _creating("GTiff", path, grid, pixel_type, bands, listed) as dataset:
        yield dataset


@contextmanager
def describing(path: Path, grid: Grid, pixel_type: int, bands: int) -> Iterator[gdal.Dataset]:
    """A new virtual raster without pixels, to be described; as in `updating`."""
    with _creating("VRT", path, grid, pixel_type, bands, []) as dataset:
        yield dataset


@contextmanager
def _creating(
    driver: str, path: Path, grid: Grid, pixel_type: int, bands: int, options: list[str]
) -> Iterator[gdal.Dataset]:
    made = gdal.GetDriverByName(driver)
    with _closing(path, lambda: made.Create(str(path), grid.width, grid.height, bands, pixel_type, options)) as dataset:
        dataset.SetGeoTransform(grid.transform)
        dataset.SetSpatialRef(grid.spatial_reference)
        yield dataset


@contextmanager
def _closing(path: Path, opened: Callable[[], gdal.Dataset]) -> Iterator[gdal.Dataset]:
    try:
        dataset = opened()
        try:
            yield dataset
        finally:
            # Overviews are written when the dataset is closed, and not when it is flushed. Left to the garbage
            # collector, an error on closing is printed and forgotten.
            gdal.Dataset.__swig_destroy__(dataset)
            dataset.this = None
    except RuntimeError as error:
        raise ProcessingError(f"{path}: cannot be written ({error}); check the folder and the space left") from error


def build_overviews(dataset: gdal.Dataset, resampling: str) -> None:
    """Overviews by powers of two, as far as they are of any use."""
    side = max(dataset.RasterXSize, dataset.RasterYSize)
    factors = [2**level for level in range(1, 8) if side >> level >= SMALLEST_OVERVIEW]
    if factors:
        dataset.BuildOverviews(resampling, factors)


def histogram(path: Path) -> list[int]:
    """Pixels of each value of an 8-bit raster's first band.

    Not by GDAL's own histogram, which it keeps in a file beside the raster.
    """
    counts = np.zeros(256, np.int64)
    for _, values in strips(path):
        counts += np.bincount(values.ravel(), minlength=counts.size)
    return [int(count) for count in counts]


def strips(path: Path, rows: int = 256) -> Iterator[tuple[int, NDArray[Any]]]:
    """(first row, values) of a raster's first band, so many rows at a time."""
    dataset = gdal.Open(str(path))
    band = dataset.GetRasterBand(1)
    for first in range(0, dataset.RasterYSize, rows):
        yield first, band.ReadAsArray(0, first, dataset.RasterXSize, min(rows, dataset.RasterYSize - first))


def read_part(
    path: Path,
    window: Window | tuple[int, int, int, int] | None,
    level: int | None,
    resampling: Literal["mode", "average"],
) -> NDArray[Any]:
    """A raster's first band, (rows, columns) in its own type: a window of it, or all of it.

    level: halvings of each side; 0 is every pixel, None the first at which the longer side has at most 2048 pixels.
    What is left over of a row or column counts as one. Values without data take no part.

    Raises ConfigurationError where the window is not within the raster or there are more than MOST_VALUES pixels,
    ProcessingError where the raster cannot be read.
    """
    try:
        dataset = gdal.Open(str(path))
    except RuntimeError as error:
        raise ProcessingError(f"{path}: cannot be read ({error})") from error
    height, width = dataset.RasterYSize, dataset.RasterXSize
    top, left, rows, columns = window or (0, 0, height, width)
    if min(top, left) < 0 or min(rows, columns) < 1 or top + rows > height or left + columns > width:
        raise ConfigurationError(
            f"window {window}: is not within the {height} rows and {width} columns of {path}; "
            "give (first row, first column, rows, columns)"
        )
    if level is None:
        level = max(0, math.ceil(math.log2(max(rows, columns) / _SHOWN)))
    if level < 0:
        raise ConfigurationError(f"level {level}: give 0 for every pixel, or more")
    shrunk_rows, shrunk_columns = -(-rows // 2**level), -(-columns // 2**level)
    if shrunk_rows * shrunk_columns > MOST_VALUES:
        raise ConfigurationError(
            f"{path}: {shrunk_rows} x {shrunk_columns} pixels are more than {MOST_VALUES} at once; "
            "give a window, or a higher level"
        )
    try:
        values: NDArray[Any] = dataset.GetRasterBand(1).ReadAsArray(
            left,
            top,
            columns,
            rows,
            shrunk_columns,
            shrunk_rows,
            resample_alg={"mode": gdal.GRIORA_Mode, "average": gdal.GRIORA_Average}[resampling],
        )
    except RuntimeError as error:
        raise ProcessingError(f"{path}: cannot be read ({error})") from error
    return values


def values_at(path: Path, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
    """The values of scattered pixels, (pixels, bands) in the raster's own type, read by small windows around them.

    Raises ProcessingError where the raster cannot be read.
    """
    try:
        dataset = gdal.Open(str(path))
        tiles = rows // _TILE * (dataset.RasterXSize // _TILE + 1) + columns // _TILE
        order = np.argsort(tiles, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(tiles[order])) + 1)
        parts = [_values_in_window(dataset, rows[members], columns[members]) for members in groups]
    except RuntimeError as error:
        raise ProcessingError(f"{path}: cannot be read ({error}); delete it and run again") from error
    result = np.empty((rows.size, dataset.RasterCount), dtype=parts[0].dtype)
    result[order] = np.concatenate(parts)
    return result


def _values_in_window(dataset: gdal.Dataset, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
    if not rows.size:
        return np.empty((0, dataset.RasterCount), dataset.ReadAsArray(0, 0, 1, 1).dtype)
    top, left = int(rows.min()), int(columns.min())
    window = dataset.ReadAsArray(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
    # A raster of one band comes without the axis of bands.
    window = window.reshape(dataset.RasterCount, *window.shape[-2:])
    values: NDArray[Any] = window[:, rows - top, columns - left].T
    return values
