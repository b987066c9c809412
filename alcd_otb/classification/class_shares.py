"""The share of every class in every pixel, as a classifier tells it: for those who want more than the map."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from osgeo import gdal

from alcd_otb.raster.blocks import Source, read_blocks, write_block
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import creating

# One thread, so that the same pixels make the same bytes.
_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE", "ZLEVEL": "1", "INTERLEAVE": "BAND", "NUM_THREADS": "1"}


def write_class_shares(raw: Path, valid: Path, classes: Sequence[str], grid: Grid, target: Path) -> None:
    """Write a raster of shares where valid is 1, elsewhere NaN: Float32, a band a class, described by its name."""
    with creating(target, grid, gdal.GDT_Float32, _OPTIONS, len(classes)) as dataset:
        for number, name in enumerate(classes, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(float("nan"))
        for block in read_blocks([Source(raw, tuple(classes)), Source(valid, ("valid",))], grid):
            shares = np.where(block.values[-1] == 1, block.values[:-1], np.float32(np.nan))
            write_block(dataset, shares, block.window)
