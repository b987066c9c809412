"""How the rasters of a preparation are laid out: their bands, no-data values, tiles, compression and overviews."""

from collections.abc import Sequence
from pathlib import Path

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.products.stack import Stack
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import SMALLEST_OVERVIEW, describing
from otb_pipelines.process import gdal

# Written at a time, a row of whole tiles.
TILE_ROWS = 64

# In small tiles: training reads those that hold its pixels, of strips it would read nearly all.
FEATURE_OPTIONS = {
    "TILED": "YES",
    "BLOCKXSIZE": f"{TILE_ROWS}",
    "BLOCKYSIZE": f"{TILE_ROWS}",
    "COMPRESS": "ZSTD",
    "ZSTD_LEVEL": "1",
    "PREDICTOR": "3",
    "NUM_THREADS": "ALL_CPUS",
    "BIGTIFF": "IF_SAFER",
}

# Band by band, a viewer reads the three that it shows, and not all.
VIEW_OPTIONS = {
    "INTERLEAVE": "BAND",
    "BLOCKYSIZE": "64",
    "COMPRESS": "ZSTD",
    "ZSTD_LEVEL": "1",
    "PREDICTOR": "2",
    "NUM_THREADS": "ALL_CPUS",
    "BIGTIFF": "IF_SAFER",
}

# Of the 24 significant bits of a 32-bit float, 17 are kept of reflectance and of what is made from it: a reflectance of
# 0.5 to 4e-6, a twenty-fifth of a DN. The others are the noise of averaging, which no compression makes smaller.
DISCARDED_BITS = "7"

# Thirds, not halves: a third of the pixels to make and to store, and 20 m becomes 60 m.
VIEW_OVERVIEWS = (3, 9, 27)

VIEW_NO_DATA = -32768

MASK_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE"}

VALID, SATURATED = 1, 2


def describe_features(grid: Grid, names: Sequence[str], path: Path) -> Path:
    with describing(path, grid, gdal.GDT_Float32, len(names)) as dataset:
        for number, name in enumerate(names, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(float("nan"))
    return path


def describe_state(inputs: Inputs, folder: Path) -> Path:
    path = folder / "state.vrt"
    with describing(path, inputs.grid, gdal.GDT_Byte, 1):
        return path


def describe_view(inputs: Inputs, folder: Path) -> Path:
    path = folder / "view.vrt"
    with describing(path, inputs.view_grid, gdal.GDT_Int16, len(inputs.view)) as dataset:
        for number, layer in enumerate(inputs.view, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(layer.name)
            band.SetScale(layer.step)
            if (no_data := view_no_data(inputs)) is not None:
                band.SetNoDataValue(no_data)
    return path


def view_no_data(inputs: Inputs) -> int | None:
    """Of a stack, whose values may lie on either side of 0, a number of its own; of a product, as if DN were 0."""
    return VIEW_NO_DATA if isinstance(inputs.cloudy, Stack) else None


def view_overviews(inputs: Inputs) -> list[int]:
    side = max(inputs.view_grid.width, inputs.view_grid.height)
    return [one for one in VIEW_OVERVIEWS if side >= one * SMALLEST_OVERVIEW]
