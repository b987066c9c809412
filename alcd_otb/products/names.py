"""Read the names of Sentinel-2 products, and refuse other names where files are named after them."""

import re
from datetime import datetime
from typing import NamedTuple

from alcd_otb.files.names import is_file_name
from alcd_otb.products.times import time_in_name

_COMPACT = re.compile(r"S2([A-Z])_MSIL1C_(\d{8}T\d{6})_N(\d{2})(\d{2})_R(\d{3})_T(\d{2}[A-Z]{3})_\d{8}T\d{6}", re.ASCII)
_LONG = re.compile(r"S2([A-Z])_[A-Z]{4}_PRD_MSIL1C_\w{4}_\d{8}T\d{6}_R(\d{3})_V(\d{8}T\d{6})_\d{8}T\d{6}", re.ASCII)
_L1C = re.compile(r"S2[A-Z]_(?:MSIL1C|[A-Z0-9]{4}_PRD_MSIL1C)_[A-Za-z0-9_]{1,120}", re.ASCII)
_SENSED = re.compile(r"(?:MSIL1C|_V)_?(\d{8}T\d{6})", re.ASCII)
_TILE = re.compile(r"\d{2}[A-Z]{3}", re.ASCII)
_MOST_BYTES = 200
"""Longest name in bytes of a product's folder, after which files are named: a file system takes 255."""


class CompactName(NamedTuple):
    """The parts of a name in the compact format.

    Attributes
    ----------
    spacecraft
        Such as ``Sentinel-2A``.
    sensed
        The start of the datatake as it is written, such as ``20171002T103009``.
    time
        The same, UTC; None if there is no such day or hour.
    tile
        Such as ``31TFJ``.
    """

    spacecraft: str
    sensed: str
    time: datetime | None
    tile: str


class NamedProduct(NamedTuple):
    """The parts of a product's name, in either format.

    Attributes
    ----------
    spacecraft
        Such as ``Sentinel-2A``.
    time
        The start of the datatake, UTC; None if there is no such day or hour.
    relative_orbit
        From 0 to 999.
    baseline
        Processing baseline, such as ``05.10``; None in the format before December 2016.
    """

    spacecraft: str
    time: datetime | None
    relative_orbit: int
    baseline: str | None


def compact_name(name: str) -> CompactName | None:
    """Read a name that begins like that of an L1C product since December 2016; None for any other."""
    match = _COMPACT.match(name)
    if match is None:
        return None
    return CompactName(f"Sentinel-2{match[1]}", match[2], time_in_name(match[2]), match[6])


def named_product(name: str) -> NamedProduct | None:
    """Read the whole name of an L1C product, of either format, without ``.SAFE``; None for any other."""
    match = _COMPACT.fullmatch(name)
    if match is not None:
        baseline = f"{match[3]}.{match[4]}"
        return NamedProduct(f"Sentinel-2{match[1]}", time_in_name(match[2]), int(match[5]), baseline)
    match = _LONG.fullmatch(name)
    if match is not None:
        return NamedProduct(f"Sentinel-2{match[1]}", time_in_name(match[3]), int(match[2]), None)
    return None


def is_l1c_name(name: str) -> bool:
    """Return whether this is the name of an L1C product, of either format, without ``.SAFE``."""
    return _L1C.fullmatch(name) is not None


def is_tile(text: str) -> bool:
    """Return whether this is a tile such as ``31TFJ``."""
    return _TILE.fullmatch(text) is not None


def can_name_files(name: str) -> bool:
    """Return whether files can be named after a folder that a user has named freely."""
    return is_file_name(name) and len(name.encode()) <= _MOST_BYTES


def sensed_in(name: str) -> datetime | None:
    """Read the time of the acquisition in a product's name, of either format; None if there is no valid time."""
    match = _SENSED.search(name)
    return time_in_name(match[1]) if match else None
