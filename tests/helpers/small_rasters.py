"""Write small rasters by hand, on a made-up grid."""

from pathlib import Path

import numpy as np
from osgeo import gdal, osr

RESOLUTION = 20.0
"""Side of a pixel in metres."""


def write_raster(path: Path, values: np.ndarray) -> Path:
    """Write (rows, columns) or (bands, rows, columns): bytes for uint8, else floats."""
    values = values if values.ndim == 3 else values[None]
    kind = gdal.GDT_Byte if values.dtype == np.uint8 else gdal.GDT_Float32
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[2], values.shape[1], values.shape[0], kind)
    dataset.SetGeoTransform((600000.0, RESOLUTION, 0.0, 4900000.0, 0.0, -RESOLUTION))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetSpatialRef(reference)
    dataset.WriteArray(values)
    dataset.FlushCache()
    return path
