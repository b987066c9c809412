"""Cut a product into parts that each hold some of its pixels, as two downlinks of one acquisition do."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from osgeo import gdal

Kept = Callable[[npt.NDArray[Any], npt.NDArray[Any]], npt.NDArray[np.bool_]]
"""Decides which pixels of a part are kept, by their columns and rows from 0 to 1."""


def west(columns: npt.NDArray[Any], rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Keep what lies west of a cut at a slant."""
    return columns + rows / 3 < 0.65


def east(columns: npt.NDArray[Any], rows: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Keep what `west` does not."""
    return ~west(columns, rows)


def write_part(product: Path, parent: Path, number: int, kept: Kept, *, lower: int = 0) -> Path:
    """Copy a product with some of its pixels, and 0 elsewhere, losslessly.

    The name of the copy has another time of production. Its offset lies `lower` DN above that of the product, and its
    DN as much below.
    """
    name = re.sub(r"T\d{6}\.SAFE$", f"T00000{number}.SAFE", product.name)
    part = Path(shutil.copytree(product, parent / name))
    metadata = part / "MTD_MSIL1C.xml"
    text = metadata.read_text("utf-8").replace(product.name.removesuffix(".SAFE"), name.removesuffix(".SAFE"))
    text = re.sub(r"(<RADIO_ADD_OFFSET[^>]*>)(-?\d+)", lambda match: f"{match[1]}{int(match[2]) + lower}", text)
    metadata.write_text(text, "utf-8")
    for file in sorted(part.glob("GRANULE/*/IMG_DATA/*.jp2")):
        source = gdal.Open(str(file))
        pixels = source.ReadAsArray()
        rows, columns = (np.indices(pixels.shape) + 0.5) / pixels.shape[0]
        pixels = np.where(kept(columns, rows) & (pixels > 0), pixels - lower, 0)
        image = gdal.GetDriverByName("MEM").CreateCopy("", source)
        image.GetRasterBand(1).WriteArray(pixels.astype(np.uint16))
        width, height = source.GetRasterBand(1).GetBlockSize()
        del source
        file.unlink()
        options = ["REVERSIBLE=YES", "QUALITY=100", f"BLOCKXSIZE={width}", f"BLOCKYSIZE={height}"]
        gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(file), image, options=options)
    return part
