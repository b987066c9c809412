"""When the two dates of a synthetic scene are, and what the ground is like then."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Season:
    """sensing, orbits (absolute) and sun (zenith and azimuth in degrees): of the cloudy date and of the clear one.

    relief: height of the land, relative to that in spring. snow: share of the scene. casts_shadows: whether slopes
    shade the ground behind them; under a high sun none is steep enough.
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
"""Both as seen over 31TFJ, in relative orbit 108."""
