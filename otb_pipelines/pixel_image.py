"""Scattered pixels as an image that OTB's applications read."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.process import gdal


@contextmanager
def pixel_image(values: NDArray[Any]) -> Iterator[Path]:
    """An image of one row in GDAL's memory, as long as the block lasts.

    values: (pixels, bands), integers or floats of 32 bits.
    """
    pixels, bands = values.shape
    path = f"/vsimem/{uuid.uuid4()}.tif"
    kind = gdal.GDT_Int32 if values.dtype == np.int32 else gdal.GDT_Float32
    try:
        image = gdal.GetDriverByName("GTiff").Create(path, pixels, 1, bands, kind, ["INTERLEAVE=PIXEL"])
        image.WriteArray(np.ascontiguousarray(values.T[:, None, :]))
        del image
        yield Path(path)
    finally:
        gdal.Unlink(path)
