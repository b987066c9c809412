"""Read and write rasters by GDAL: whole files, windows, strips, scattered pixels, overviews and histograms.

Every file that is written is closed at the end of a block, and a failure of GDAL becomes a ProcessingError.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.raster.drivers import driver
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.opening import open_raster
from otb_pipelines.process import gdal

SMALLEST_OVERVIEW = 128
"""No overview has fewer pixels than this along its longer side."""

MOST_VALUES = 32 * 2**20
"""Most pixels that `read_part` returns: a whole tile of 20 m, or a tile of 10 m at level 1."""

_SHOWN = 2048
"""Most pixels of the longer side of the array that `read_part` returns if no level is given."""

_TILE = 64
"""Side in pixels of the windows in which scattered pixels are read, which is that of the tiles of the features."""


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn GDAL's errors into a ProcessingError that names the raster, which a run has made and can make again."""
    try:
        yield
    except RuntimeError as error:
        raise ProcessingError(f"{path}: cannot be read ({error}); delete it and run again") from error


@contextmanager
def updating(path: Path) -> Iterator[gdal.Dataset]:
    """Open a raster for changes, which are on the disk when the block ends.

    Raises
    ------
    ProcessingError
        The changes cannot be written.
    """
    with _closing(path, lambda: open_raster(path, update=True)) as dataset:
        yield dataset


@contextmanager
def copying(source: gdal.Dataset, path: Path, options: Mapping[str, str]) -> Iterator[gdal.Dataset]:
    """Make a GeoTIFF with the pixels and the description of a raster, and open it for changes as `updating` does.

    Parameters
    ----------
    source
        The raster to copy.
    path
        The new file.
    options
        GDAL's creation options.

    Raises
    ------
    ProcessingError
        The file cannot be written.
    """
    listed = [f"{key}={value}" for key, value in options.items()]
    geotiff = driver("GTiff")
    with _closing(path, lambda: geotiff.CreateCopy(str(path), source, options=listed)) as dataset:
        yield dataset


@contextmanager
def creating(
    path: Path, grid: Grid, pixel_type: int, options: Mapping[str, str], bands: int = 1
) -> Iterator[gdal.Dataset]:
    """Make an empty GeoTIFF on a grid, and open it for changes as `updating` does.

    Parameters
    ----------
    path
        The new file.
    grid
        Its grid.
    pixel_type
        GDAL's number of the type of its pixels, such as ``gdal.GDT_Byte``.
    options
        GDAL's creation options.
    bands
        Number of its bands.

    Raises
    ------
    ProcessingError
        The file cannot be written.
    """
    listed = [f"{key}={value}" for key, value in options.items()]
    with _creating("GTiff", path, grid, pixel_type, bands, listed) as dataset:
        yield dataset


@contextmanager
def describing(path: Path, grid: Grid, pixel_type: int, bands: int) -> Iterator[gdal.Dataset]:
    """Make a virtual raster without pixels, and open it for changes as `updating` does.

    Parameters
    ----------
    path, grid
        The new file and its grid. A file that lies there is removed.
    pixel_type
        GDAL's number of the type of its pixels, such as ``gdal.GDT_Byte``.
    bands
        Number of its bands.

    Raises
    ------
    ProcessingError, OSError
        The file cannot be written, or the one that lies there not removed.
    """
    # GDAL would not report why it cannot be removed.
    path.unlink(missing_ok=True)
    with _creating("VRT", path, grid, pixel_type, bands, []) as dataset:
        yield dataset


@contextmanager
def _creating(
    format_name: str, path: Path, grid: Grid, pixel_type: int, bands: int, options: list[str]
) -> Iterator[gdal.Dataset]:
    def create() -> gdal.Dataset:
        return driver(format_name).Create(str(path), grid.width, grid.height, bands, pixel_type, options)

    with _closing(path, create) as dataset:
        dataset.SetGeoTransform(grid.transform)
        dataset.SetSpatialRef(grid.spatial_reference)
        yield dataset


@contextmanager
def _closing(path: Path, open_dataset: Callable[[], gdal.Dataset]) -> Iterator[gdal.Dataset]:
    try:
        dataset = open_dataset()
        try:
            yield dataset
        finally:
            close(dataset)
    except RuntimeError as error:
        raise ProcessingError(f"{path}: cannot be written ({error}); check the folder and the space left") from error


def close(dataset: gdal.Dataset) -> None:
    """Close a raster, which writes its overviews. A RuntimeError names what cannot be written."""
    # The garbage collector would only print the errors. Of an .aux.xml that it cannot write, GDAL only warns.
    messages: list[str] = []
    gdal.PushErrorHandler(lambda _severity, _number, message: messages.append(message))
    try:
        gdal.Dataset.__swig_destroy__(dataset)
    except RuntimeError as error:
        raise RuntimeError(str(error) or "; ".join(messages) or "GDAL gives no reason") from error
    finally:
        dataset.this = None
        gdal.PopErrorHandler()
    unsaved = next((message for message in messages if "auxiliary information" in message), None)
    if unsaved is not None:
        raise RuntimeError(unsaved)


def build_overviews(dataset: gdal.Dataset, resampling: str) -> None:
    """Add overviews by powers of two to a raster, down to SMALLEST_OVERVIEW.

    Parameters
    ----------
    dataset
        The raster, open for changes.
    resampling
        GDAL's name of the method, such as ``MODE``.
    """
    side = max(dataset.RasterXSize, dataset.RasterYSize)
    factors = [2**level for level in range(1, 8) if side >> level >= SMALLEST_OVERVIEW]
    if factors:
        dataset.BuildOverviews(resampling, factors)


def histogram(path: Path) -> list[int]:
    """Count the pixels of each of the 256 values of an 8-bit raster's first band."""
    # GDAL's own histogram leaves a file beside the raster.
    counts = np.zeros(256, np.int64)
    for _, values in strips(path):
        counts += np.bincount(values.ravel(), minlength=counts.size)
    return [int(count) for count in counts]


class Strip(NamedTuple):
    """Some rows of a raster's band.

    Attributes
    ----------
    first_row
        Counted from 0.
    values
        (rows, columns) in the raster's own type.
    """

    first_row: int
    values: NDArray[Any]


def strips(raster: Path | gdal.Dataset, rows: int = 256) -> Iterator[Strip]:
    """Read a raster's first band from top to bottom.

    Parameters
    ----------
    raster
        The file of the raster, or the open raster.
    rows
        Rows of a strip. The last one may have fewer.
    """
    dataset = open_raster(raster) if isinstance(raster, Path) else raster
    band = dataset.GetRasterBand(1)
    for first in range(0, dataset.RasterYSize, rows):
        yield Strip(first, band.ReadAsArray(0, first, dataset.RasterXSize, min(rows, dataset.RasterYSize - first)))


def read_part(
    path: Path,
    window: Window | tuple[int, int, int, int] | None,
    level: int | None,
    resampling: Literal["mode", "average"],
) -> NDArray[Any]:
    """Read a raster's first band, or a window of it.

    Parameters
    ----------
    path
        The file of the raster.
    window
        (first row, first column, rows, columns), or None for the whole band.
    level
        Number of times that each side is halved. 0 reads every pixel. None takes the first level at which the longer
        side has at most 2048 pixels. Rows and columns that are left over make one more.
    resampling
        Whether a pixel of a higher level is the most frequent value or the average. Pixels without data do not count.

    Returns
    -------
    numpy.ndarray
        (rows, columns) in the raster's own type.

    Raises
    ------
    ConfigurationError
        The window is not within the raster, or has more than MOST_VALUES pixels.
    ProcessingError
        The raster cannot be read.
    """
    try:
        dataset = open_raster(path)
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
    """Read the values of scattered pixels, by small windows around them.

    Parameters
    ----------
    path
        The file of the raster.
    rows, columns
        The pixels, counted from 0. Both have the shape (pixels).

    Returns
    -------
    numpy.ndarray
        (pixels, bands) in the raster's own type.

    Raises
    ------
    ProcessingError
        The raster cannot be read.
    """
    with reading(path):
        dataset = open_raster(path)
        tiles = rows // _TILE * (dataset.RasterXSize // _TILE + 1) + columns // _TILE
        order = np.argsort(tiles, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(tiles[order])) + 1)
        parts = [_values_in_window(dataset, rows[members], columns[members]) for members in groups]
    result: NDArray[Any] = np.concatenate(parts)[np.argsort(order)]
    return result


def _values_in_window(dataset: gdal.Dataset, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[Any]:
    if not rows.size:
        return np.empty((0, dataset.RasterCount), dataset.ReadAsArray(0, 0, 1, 1).dtype)
    top, left = int(rows.min()), int(columns.min())
    window = dataset.ReadAsArray(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)
    # A raster of one band comes without the axis of bands.
    bands: NDArray[Any] = window.reshape(dataset.RasterCount, *window.shape[-2:])
    return bands[:, rows - top, columns - left].T


def count_pairs(before: Path | gdal.Dataset, after: Path | gdal.Dataset) -> dict[tuple[int, int], int]:
    """Count the pixels of two label rasters of one size by (code before, code after).

    Parameters
    ----------
    before, after
        The rasters, uint8: files, or open rasters.
    """
    counts = np.zeros(256 * 256, np.int64)
    for (_, former), (_, later) in zip(strips(before), strips(after), strict=True):
        counts += np.bincount((former.astype(np.uint16) * 256 + later).ravel(), minlength=counts.size)
    return {divmod(int(joint), 256): int(counts[joint]) for joint in np.flatnonzero(counts)}
