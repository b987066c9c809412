"""What features and expressions may name: bands of the date to classify and of the clear ones, and the terrain."""

import re
from collections.abc import Iterable
from keyword import iskeyword

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""The bands of Sentinel-2's MSI in the order of the product specification."""

CLEAR = "clear."
"""Prefix of a band of the clear date; of a further one, ``clear2.``, ``clear3.``, ..."""

TERRAIN = ("dem", "slope")
"""Features made from the elevation model: metres, and degrees from the horizontal."""

_FURTHER_DATE = re.compile(r"clear(?:[2-9]|[1-9]\d+)\.")


def known_names(bands: Iterable[str]) -> frozenset[str]:
    """Every name that may be used, with these bands; those of further clear dates go without saying."""
    return frozenset((*(name for band in bands for name in (band, CLEAR + band)), *TERRAIN))


KNOWN_NAMES = known_names(BANDS)
"""Every name that may be used unless the template declares bands of its own."""


def any_clear_date(name: str) -> str:
    """``clear.B02`` for ``clear2.B02`` and the like; any other name as it is."""
    return _FURTHER_DATE.sub(CLEAR, name)


def clear_date(number: int) -> str:
    """``clear``, ``clear2``, ``clear3``, ...: what the clear dates are called, the first being number 1."""
    return "clear" if number == 1 else f"clear{number}"


def date_and_band(name: str) -> tuple[int, str]:
    """(date, band) of a known name: date 0 is the one to classify, 1 the first clear one, 2 the next."""
    prefix, dot, band = name.rpartition(".")
    return (int(prefix.removeprefix("clear") or 1) if dot else 0), band


def checked_bands(bands: tuple[str, ...]) -> tuple[str, ...]:
    """Names of bands that expressions can use. Raises ValueError where one cannot, or occurs twice."""
    for band in bands:
        if not band.isidentifier() or iskeyword(band) or band in TERRAIN:
            raise ValueError(f"{band!r} cannot be a band's name: letters, digits and _ make one, such as VV or B02")
        if bands.count(band) > 1:
            raise ValueError(f"{band} occurs more than once")
    return bands
