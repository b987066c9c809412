"""A raster for the tests of the native modules."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    """Make a GeoTIFF of 2 bands, 4 rows and 5 columns of 10 m in UTM 31N.

    Its upper left corner is at (600000, 4900000), and 7 is no data.
    """
    path = tmp_path / "raster.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 5, 4, 2, gdal.GDT_UInt16)
    dataset.SetGeoTransform((600000, 10, 0, 4900000, 0, -10))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetProjection(reference.ExportToWkt())
    for band in (1, 2):
        dataset.GetRasterBand(band).WriteArray(np.arange(20, dtype=np.uint16).reshape(4, 5) * band)
        dataset.GetRasterBand(band).SetNoDataValue(7)
    return path
