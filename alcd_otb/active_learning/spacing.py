"""Compute the spacing of places to label: less in a small scene, so that all of them fit."""

import math
from pathlib import Path

from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import strips
from alcd_otb.settings.legend import NO_DATA

_OF_THE_ROOM = 0.5
"""Spacing as a share of the side of the square that is left for each candidate and sample."""

_LEAST = 2
"""Least spacing in pixels, unless the template gives less."""


def used_spacing(wanted: float, pixels: int, resolution: float, points: int) -> float:
    """Compute the spacing in metres.

    It is half the side of the square around each point, at most the distance of the template, and at least 2
    pixels.

    Parameters
    ----------
    wanted
        Spacing of the template, in metres.
    pixels
        Pixels of the map with data.
    resolution
        Side of a pixel, in metres.
    points
        Samples and candidates that share the map.
    """
    side = math.sqrt(pixels / max(points, 1)) * resolution
    return min(wanted, max(_LEAST * resolution, _OF_THE_ROOM * side))


def enough_pixels(wanted: float, resolution: float, points: int) -> int:
    """Compute the number of pixels above which `used_spacing` is always the template's.

    Parameters
    ----------
    wanted, resolution, points
        As for `used_spacing`.
    """
    return math.ceil(points * (wanted / (_OF_THE_ROOM * resolution)) ** 2)


def pixels_with_data(labels: Path, most: int) -> int:
    """Count the pixels of a map with data from the top, up to a limit.

    Parameters
    ----------
    labels
        Raster of class codes.
    most
        Number above which more pixels make no difference.
    """
    count = 0
    for _, codes in strips(labels):
        count += int((codes != NO_DATA).sum())
        if count >= most:
            break
    return count


def spacing_on(labels: Path, wanted: float, points: int) -> float:
    """Compute the spacing in metres that places on a map keep from each other and from samples.

    Parameters
    ----------
    labels
        Raster of class codes.
    wanted, points
        As for `used_spacing`.
    """
    resolution = Grid.of(str(labels)).resolution
    pixels = pixels_with_data(labels, enough_pixels(wanted, resolution, points))
    return used_spacing(wanted, pixels, resolution, points)
