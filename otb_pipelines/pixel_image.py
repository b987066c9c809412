"""Make an image of scattered pixels, for OTB's applications to read."""

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
    """Make an image of one row in GDAL's memory, which lasts until the block ends.

    Parameters
    ----------
    values
        (pixels, bands), integers or floats of 32 bits.

    Yields
    ------
    Path
        GDAL's path of the image.
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
