"""Define the seasons of the synthetic scenes: their two dates, the sun, and the state of the ground."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Season:
    """Two dates of a season and the state of the ground then.

    Attributes
    ----------
    sensing
        Time of acquisition of the cloudy date and of the clear date.
    orbits
        Absolute orbit of the cloudy date and of the clear date.
    sun
        Zenith and azimuth in degrees, for the cloudy date and for the clear date.
    relief
        Height of the land, relative to that in spring.
    snow
        Fraction of the scene under snow.
    casts_shadows
        Whether slopes shade the ground behind them. Under a high sun no slope is steep enough.
    """

    sensing: tuple[datetime, datetime]
    orbits: tuple[int, int]
    sun: tuple[tuple[float, float], tuple[float, float]]
    relief: float
    snow: float
    casts_shadows: bool


SEASONS = {
    "spring": Season(
        sensing=(datetime(2018, 3, 31, 10, 30, 21, 24000), datetime(2018, 4, 5, 10, 30, 19, 27000)),
        orbits=(14477, 5640),
        sun=((43.2, 155.6), (41.1, 155.0)),
        relief=1.0,
        snow=0.085,
        casts_shadows=False,
    ),
    "winter": Season(
        sensing=(datetime(2018, 1, 10, 10, 34, 11, 24000), datetime(2018, 1, 15, 10, 33, 59, 27000)),
        orbits=(13333, 4496),
        sun=((68.0, 164.2), (67.2, 163.4)),
        relief=1.6,
        snow=0.16,
        casts_shadows=True,
    ),
}
"""The seasons by name. Dates and sun are those over the tile 31TFJ, in relative orbit 108."""
