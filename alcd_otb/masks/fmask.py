"""Read the masks of GERSL's Fmask 4 and 5, and of python-fmask.

The codes of both look alike and have different meanings. Sources: the constants of GERSL/Fmask and of
ubarsc/python-fmask, and the description of both.
"""

import re
from pathlib import Path
from typing import Literal

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.masks.acquisition import acquisition_of
from alcd_otb.masks.mask import (
    CLOUD,
    INVALID,
    NO_DATA,
    SHADOW,
    SNOW,
    WATER,
    Mask,
    PixelClass,
    open_raster,
    raster_layer,
    table_of,
)
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS

PROCESSOR, PYTHON_PROCESSOR = "FMask", "python-fmask"

Kind = Literal["gersl", "python-fmask"]

_CLOUD, _SHADOW = frozenset({CLOUD, INVALID}), frozenset({SHADOW, INVALID})
_GERSL = (
    PixelClass(0, "clear_land", frozenset(), "#00a000"),
    PixelClass(1, "clear_water", frozenset({WATER}), "#0000ff"),
    PixelClass(2, "cloud_shadow", _SHADOW, "#643200"),
    PixelClass(3, "snow", frozenset({SNOW}), "#64c8ff"),
    PixelClass(4, "cloud", _CLOUD, "#ffffff"),
    PixelClass(255, NO_DATA, frozenset()),
)
_PYTHON = (
    PixelClass(0, NO_DATA, frozenset()),
    PixelClass(1, "clear", frozenset(), "#00a000"),
    PixelClass(2, "cloud", _CLOUD, "#ffffff"),
    PixelClass(3, "cloud_shadow", _SHADOW, "#643200"),
    PixelClass(4, "snow", frozenset({SNOW}), "#64c8ff"),
    PixelClass(5, "clear_water", frozenset({WATER}), "#0000ff"),
)
# GERSL's Fmask 5 names its results after its models: unsupervised or learned, with physical rules.
_GERSL_NAME = re.compile(r".*(_Fmask4\w*|_[UL]PL)\.(tif|img)", re.ASCII | re.IGNORECASE)
_ANY_NAME = re.compile(r".*[._-]?fmask\w*\.(tif|tiff|img)", re.ASCII | re.IGNORECASE)


def is_fmask(path: Path) -> bool:
    """Decide by its name whether a file is a mask of either program."""
    return path.is_file() and bool(_GERSL_NAME.fullmatch(path.name) or _ANY_NAME.fullmatch(path.name))


def read_fmask(path: Path, stated: Kind | None = None) -> Mask:
    """Read a mask of either program.

    The name shows which program wrote it (``*_Fmask4.tif``, ``*_UPL.tif`` and ``*_LPL.tif`` are GERSL's), or the
    no-data value of the band: 255 of GERSL's Fmask, 0 of python-fmask. A pixel whose value the program does not have
    is refused when the mask is read.

    Parameters
    ----------
    path
        The raster.
    stated
        The program that wrote it according to the user, for files that do not show it.

    Raises
    ------
    ProductError
        If the program is unknown, or name and no-data value contradict each other.
    ConfigurationError
        If the file contradicts the user.
    """
    recognised = _recognised(path)
    if recognised is None and stated is None:
        raise ProductError(
            f"{path}: neither its name nor a no-data value shows whether GERSL's Fmask or python-fmask wrote it, and "
            "their codes differ; state it with --fmask gersl or --fmask python-fmask"
        )
    if recognised is not None and stated is not None and recognised != stated:
        raise ConfigurationError(
            f"{path}: was written by {recognised} according to its name or no-data value, not by {stated}"
        )
    kind = recognised or stated
    processor, classes = (PROCESSOR, _GERSL) if kind == "gersl" else (PYTHON_PROCESSOR, _PYTHON)
    layer = raster_layer(path, table_of(classes))
    return Mask(processor, path, acquisition_of(path), Grid.of(path, GIVEN_RASTERS), (layer,), (path,), classes)


def _recognised(path: Path) -> Kind | None:
    """Recognise the program by the name and the no-data value of a raster; None if neither shows it."""
    dataset = open_raster(path)
    no_data = dataset.GetRasterBand(1).GetNoDataValue()
    by_value: Kind | None = {255: "gersl", 0: "python-fmask"}.get(no_data)  # type: ignore[assignment]
    by_name: Kind | None = "gersl" if _GERSL_NAME.fullmatch(path.name) else None
    if by_name == "gersl" and by_value == "python-fmask":
        raise ProductError(
            f"{path}: is named as GERSL's Fmask names its masks, but its no-data value 0 is clear land there; "
            "give it a name that shows who wrote it"
        )
    return by_name or by_value
