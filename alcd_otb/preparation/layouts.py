"""Lay out the rasters of a preparation: their bands, no-data values, tiles, compression and overviews."""

import math
from collections.abc import Sequence
from pathlib import Path

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.products.stack import Stack
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import SMALLEST_OVERVIEW, describing
from otb_pipelines.process import gdal

# Rows of a tile. A row of whole tiles is written at a time.
TILE_ROWS = 64

# Small tiles, because training reads only those that hold its pixels. It would have to read nearly all strips.
_FEATURE_TILES = {
    "TILED": "YES",
    "BLOCKXSIZE": f"{TILE_ROWS}",
    "BLOCKYSIZE": f"{TILE_ROWS}",
    "BIGTIFF": "IF_SAFER",
}
FEATURE_OPTIONS = {**_FEATURE_TILES, "COMPRESS": "ZSTD", "ZSTD_LEVEL": "1", "PREDICTOR": "3"}

# Most bytes of features that are stored without compression, so that each iteration reads them faster.
_MOST_PLAIN = 10**9
_FLOAT_BYTES = 4

# Band by band, so that a viewer reads only the three bands that it shows; in tiles, so that it reads only what it shows
# of them. Larger ones make fewer requests, and hold at least a screen's part.
VIEW_OPTIONS = {
    "INTERLEAVE": "BAND",
    "TILED": "YES",
    "BLOCKXSIZE": "512",
    "BLOCKYSIZE": "512",
    "COMPRESS": "ZSTD",
    "ZSTD_LEVEL": "1",
    "PREDICTOR": "2",
    "BIGTIFF": "IF_SAFER",
}

# Reflectance, and features made from it, keep 17 of the 24 significant bits of a 32-bit float. This keeps a reflectance
# of 0.5 to 4e-6, a twenty-fifth of a DN. The other bits are noise of averaging, which no compression makes smaller.
DISCARDED_BITS = "7"

# Thirds and not halves, because about a third as many pixels are made and stored, and 20 m becomes 60 m.
VIEW_OVERVIEWS = (3, 9, 27)

VIEW_NO_DATA = -32768

MASK_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE", "NUM_THREADS": "1"}

# Rows of the mask of valid pixels that are written at a time, which is GDAL's default height of a tile.
MASK_ROWS = 256

# Values of the state of a pixel; 0 means that a feature has no value.
VALID, SATURATED = 1, 2


def describe_features(grid: Grid, names: Sequence[str], path: Path) -> Path:
    """Write a virtual raster without pixels that describes a feature stack.

    Parameters
    ----------
    grid
        The grid of the stack.
    names
        The names of its bands, in order.
    path
        The file to write, which is returned.
    """
    with describing(path, grid, gdal.GDT_Float32, len(names)) as dataset:
        for number, name in enumerate(names, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(float("nan"))
    return path


def describe_state(inputs: Inputs, folder: Path) -> Path:
    """Write a virtual raster without pixels that describes the state of the pixels, and return its path.

    Parameters
    ----------
    inputs
        The grid of the features.
    folder
        The folder to write to.
    """
    path = folder / "state.vrt"
    with describing(path, inputs.grid, gdal.GDT_Byte, 1):
        return path


def describe_view(inputs: Inputs, folder: Path) -> Path:
    """Write a virtual raster without pixels that describes the view, and return its path.

    Parameters
    ----------
    inputs
        The layers of the view and their grid.
    folder
        The folder to write to.
    """
    path = folder / "view.vrt"
    whole = inputs.is_view_whole
    with describing(path, inputs.view_grid, gdal.GDT_Int16 if whole else gdal.GDT_Float32, len(inputs.view)) as dataset:
        for number, layer in enumerate(inputs.view, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(layer.name)
            if whole:
                band.SetScale(layer.step)
            if (no_data := view_no_data(inputs)) is not None:
                band.SetNoDataValue(no_data)
    return path


def is_compressed(inputs: Inputs) -> bool:
    """Whether the feature stack is stored compressed, by the template or by its size."""
    size = inputs.grid.width * inputs.grid.height * len(inputs.features) * _FLOAT_BYTES
    wished = inputs.template.compression
    return size > _MOST_PLAIN if wished == "auto" else wished == "zstd"


def feature_options(inputs: Inputs) -> dict[str, str]:
    """Return GDAL's creation options of the feature stack."""
    options = FEATURE_OPTIONS if is_compressed(inputs) else _FEATURE_TILES
    # Values are the same with and without compression.
    return {**options, "DISCARD_LSB": DISCARDED_BITS} if inputs.template.radiometry == "reflectance" else options


def view_options(inputs: Inputs) -> dict[str, str]:
    """Return GDAL's creation options of the view."""
    if inputs.is_view_whole:
        return VIEW_OPTIONS
    return {**VIEW_OPTIONS, "PREDICTOR": "3", "DISCARD_LSB": DISCARDED_BITS}


def view_no_data(inputs: Inputs) -> float | None:
    """Return the number that means no data in the view, or None.

    The values of a stack may be above and below 0, so that no data needs a number of its own. For a product, the view
    shows no data as if the DN were 0.
    """
    if not isinstance(inputs.cloudy, Stack):
        return None
    return VIEW_NO_DATA if inputs.is_view_whole else math.nan


def view_overviews(inputs: Inputs) -> list[int]:
    """List the factors of the view's overviews that are not too small."""
    side = max(inputs.view_grid.width, inputs.view_grid.height)
    return [factor for factor in VIEW_OVERVIEWS if side >= factor * SMALLEST_OVERVIEW]
