"""Make a table of training pixels, for OTB's applications that read vector files."""

import io
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.process import gdal


class PixelTable(NamedTuple):
    """A table of training pixels, and the names of its columns of features."""

    path: str
    features: list[str]


@contextmanager
def pixel_table(values: NDArray[Any], codes: NDArray[Any], class_field: str) -> Iterator[PixelTable]:
    """Make a CSV file in GDAL's memory, which OTB's vector reader can open, and which lasts until the block ends.

    Parameters
    ----------
    values
        Features, (pixels, features).
    codes
        Class codes, (pixels).
    class_field
        The name of the column of the codes.

    Yields
    ------
    PixelTable
        The path of the file, and the names of its columns.
    """
    features = [f"feature_{number}" for number in range(values.shape[1])]
    text = io.BytesIO()
    np.savetxt(
        text,
        np.column_stack([codes, values]),
        # Nine digits are enough to read a 32-bit float back unchanged.
        fmt=["%d"] + ["%.9g"] * len(features),
        delimiter=",",
        header=",".join([class_field, *features]),
        comments="",
    )
    stem = f"/vsimem/{uuid.uuid4()}"
    # OGR reads the types of the columns from a second file. Without it, all columns are text.
    types = ",".join(["Integer"] + ["Real"] * len(features))
    try:
        gdal.FileFromMemBuffer(f"{stem}.csv", text.getvalue())
        gdal.FileFromMemBuffer(f"{stem}.csvt", types.encode())
        yield PixelTable(f"{stem}.csv", features)
    finally:
        gdal.Unlink(f"{stem}.csv")
        gdal.Unlink(f"{stem}.csvt")
