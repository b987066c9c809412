"""Fmask's masks: GERSL's Fmask 4 and 5, and python-fmask. Their codes look alike, and mean different things.

Sources: the constants of GERSL/Fmask and of ubarsc/python-fmask, and the description of both.
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
    """Whether a file is a mask of either by its name."""
    return path.is_file() and bool(_GERSL_NAME.fullmatch(path.name) or _ANY_NAME.fullmatch(path.name))


def read_fmask(path: Path, said: Kind | None = None) -> Mask:
    """Read a mask. said: who wrote it, for names that do not tell.

    The name tells (``*_Fmask4.tif``, ``*_UPL.tif``, ``*_LPL.tif``), or the band's no-data value: 255 of GERSL's, 0 of
    python-fmask's. A pixel that what was told or said does not have is refused when the mask is read.

    Raises ProductError where nothing tells, ConfigurationError where the file contradicts what was said.
    """
    told = _told(path)
    if told is None and said is None:
        raise ProductError(
            f"{path}: neither its name nor a no-data value tells whether GERSL's Fmask or python-fmask wrote it, and "
            "their codes differ; say it with --fmask gersl or --fmask python-fmask"
        )
    if told is not None and said is not None and told != said:
        raise ConfigurationError(f"{path}: was written by {told}, as its name or no-data value tells, not by {said}")
    kind = told or said
    processor, classes = (PROCESSOR, _GERSL) if kind == "gersl" else (PYTHON_PROCESSOR, _PYTHON)
    layer = raster_layer(path, table_of(classes))
    return Mask(processor, path, acquisition_of(path), Grid.of(str(path)), (layer,), (path,), classes)


def _told(path: Path) -> Kind | None:
    dataset = open_raster(path)
    no_data = dataset.GetRasterBand(1).GetNoDataValue()
    by_value: Kind | None = {255: "gersl", 0: "python-fmask"}.get(no_data)  # type: ignore[assignment]
    by_name: Kind | None = "gersl" if _GERSL_NAME.fullmatch(path.name) else None
    if by_name == "gersl" and by_value == "python-fmask":
        raise ProductError(
            f"{path}: is named as GERSL's Fmask names its masks, but its no-data value 0 is clear land there; "
            "give it a name that tells who wrote it"
        )
    return by_name or by_value
