"""Write small rasters of a test's own pixels, on a grid of 60 m."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

from alcd_otb.raster.grid import Grid

Values = NDArray[np.float32]


def write(path: Path, values: Values, no_data: float | None = None) -> Path:
    """Write values (bands, rows, columns) as a GeoTIFF."""
    bands, rows, columns = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, gdal.GDT_Float32)
    dataset.WriteArray(values)
    if no_data is not None:
        dataset.GetRasterBand(1).SetNoDataValue(no_data)
    return path


def grid_of(values: Values) -> Grid:
    """Return a grid of 60 m for values (bands, rows, columns)."""
    return Grid("EPSG:32631", 600000, 4900020, 60, values.shape[-1], values.shape[-2])


def pixels(rows: int, columns: int, bands: int = 1) -> Values:
    """Return random values (bands, rows, columns) from 0 to 1."""
    return np.random.default_rng(5).random((bands, rows, columns), np.float32)
