"""Check and split the names that features and expressions may use.

These are the bands of the date to classify, the bands of the clear dates, and the terrain.
"""

import re
from collections.abc import Iterable
from keyword import iskeyword
from typing import NamedTuple

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""The bands of Sentinel-2's MSI in the order of the product specification."""

CLEAR = "clear."
"""Prefix of a band of the first clear date. Further dates have ``clear2.``, ``clear3.`` and so on."""

TERRAIN = ("dem", "slope")
"""Features made from the elevation model: elevation in metres, slope in degrees from the horizontal."""

_FURTHER_DATE = re.compile(r"clear(?:[2-9]|[1-9]\d+)\.")


def known_names(bands: Iterable[str]) -> frozenset[str]:
    """Return every name that may be used with these bands.

    The names of further clear dates are left out, since `any_clear_date` brings them back to the first.
    """
    return frozenset((*(name for band in bands for name in (band, CLEAR + band)), *TERRAIN))


KNOWN_NAMES = known_names(BANDS)
"""Every name that may be used if the template declares no bands of its own."""


class DateAndBand(NamedTuple):
    """The date and the band that a name stands for.

    Attributes
    ----------
    date
        0 is the date to classify, 1 the first clear date, 2 the second.
    band
        The name without its prefix.
    """

    date: int
    band: str


def any_clear_date(name: str) -> str:
    """Return ``clear.B02`` for ``clear2.B02`` and the like, and any other name as it is."""
    return _FURTHER_DATE.sub(CLEAR, name)


def clear_date(number: int) -> str:
    """Return the name of a clear date, such as ``clear`` for number 1 and ``clear2`` for number 2."""
    return "clear" if number == 1 else f"clear{number}"


def date_and_band(name: str) -> DateAndBand:
    """Split a known name into its date and its band."""
    prefix, dot, band = name.rpartition(".")
    return DateAndBand(int(prefix.removeprefix("clear") or 1) if dot else 0, band)


def checked_bands(bands: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of bands if expressions can use them.

    Raises
    ------
    ValueError
        A name cannot be used in an expression, or occurs twice.
    """
    for band in bands:
        if not band.isidentifier() or iskeyword(band) or band in TERRAIN:
            raise ValueError(f"{band!r} cannot be a band's name: letters, digits and _ make one, such as VV or B02")
        if bands.count(band) > 1:
            raise ValueError(f"{band} occurs more than once")
    return bands
