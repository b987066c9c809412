"""Georeferenced stacks of a test's own pixels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from osgeo import gdal

Pixels = npt.NDArray[Any]

LEFT, TOP = 500000, 4800000


def write_stack(
    file: Path,
    bands: Mapping[str, Pixels],
    *,
    resolution: float = 10,
    crs: str = "EPSG:32631",
    corner: tuple[float, float] = (LEFT, TOP),
    no_data: float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    mask: Pixels | None = None,
    options: tuple[str, ...] = (),
) -> Path:
    """A GeoTIFF of the arrays' own type, a described band each. mask: 255 where there is data, of all bands."""
    file.parent.mkdir(parents=True, exist_ok=True)
    first = next(iter(bands.values()))
    kind = {
        np.dtype(np.uint8): gdal.GDT_Byte,
        np.dtype(np.int16): gdal.GDT_Int16,
        np.dtype(np.uint16): gdal.GDT_UInt16,
        np.dtype(np.float32): gdal.GDT_Float32,
        np.dtype(np.complex64): gdal.GDT_CFloat32,
    }[first.dtype]
    rows, columns = first.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(file), columns, rows, len(bands), kind, list(options))
    dataset.SetGeoTransform((corner[0], resolution, 0, corner[1], 0, -resolution))
    dataset.SetProjection(crs)
    for number, (name, pixels) in enumerate(bands.items(), start=1):
        band = dataset.GetRasterBand(number)
        band.SetDescription(name)
        band.WriteArray(pixels)
        if no_data is not None:
            band.SetNoDataValue(no_data)
        if scale is not None:
            band.SetScale(scale)
        if offset is not None:
            band.SetOffset(offset)
    if mask is not None:
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    dataset.FlushCache()
    return file
