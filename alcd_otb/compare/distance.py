"""Compute exact distances to the nearest pixel of a set, and from them dilations by discs of many radii at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LARGEST_RADIUS = 180
"""Pixels. The sum of the squares of two of them fits into 16 bits."""


def reach(radii: Sequence[float], resolution: float) -> int:
    """Return how many rows around a block its levels depend on.

    Parameters
    ----------
    radii
        Radii in metres.
    resolution
        Side of a pixel in metres.

    Returns
    -------
    int
        Pixels.

    Raises
    ------
    ValueError
        If a radius is longer than LARGEST_RADIUS pixels.
    """
    pixels = int(max(radii, default=0) / resolution + 1e-9)
    if pixels > LARGEST_RADIUS:
        raise ValueError(
            f"{max(radii):g} m are {pixels} pixels of {resolution:g} m; at most {LARGEST_RADIUS} are possible"
        )
    return pixels


def levels(inside: NDArray[np.bool_], radii: Sequence[float], resolution: float) -> NDArray[np.uint8]:
    """Count for each pixel the radii that do not reach it.

    A pixel lies in the dilation by ``radii[i]`` where its level is at most i. Dilation by r holds the pixels whose
    centres are at most r from the centre of a pixel inside; dilation by 0 holds the pixels inside alone.

    The squared distance is separable: down the columns first, then along the rows (Felzenszwalb and Huttenlocher,
    2012). Both passes stop at the largest radius, so that their cost depends on its size, and run without a branch.

    Parameters
    ----------
    inside
        The set, (rows, columns). What lies outside the array is not inside.
    radii
        Radii in metres, ascending.
    resolution
        Side of a pixel in metres.

    Returns
    -------
    array
        Levels, (rows, columns), 0 to the number of radii.

    Raises
    ------
    ValueError
        If a radius is longer than LARGEST_RADIUS pixels.
    """
    limit = reach(radii, resolution)
    result = np.zeros(inside.shape, np.uint8)
    if limit == 0:
        result[~inside] = len(radii)
        return result
    squared = _squared_distances(inside, limit)
    for radius in radii:
        result += squared > int((radius / resolution) ** 2 + 1e-6)
    return result


def _squared_distances(inside: NDArray[np.bool_], limit: int) -> NDArray[np.uint16]:
    """Compute squared distances in pixels; where they exceed limit squared, some greater number."""
    rows, columns = inside.shape
    vertical = np.full((rows, columns), limit + 1, np.uint16)
    vertical[inside] = 0
    for row in range(1, rows):
        np.minimum(vertical[row], vertical[row - 1] + 1, out=vertical[row])
    for row in range(rows - 2, -1, -1):
        np.minimum(vertical[row], vertical[row + 1] + 1, out=vertical[row])
    np.minimum(vertical, limit + 1, out=vertical)
    vertical *= vertical
    nearest = vertical.copy()
    for offset in range(1, min(limit, columns - 1) + 1):
        beside = vertical + np.uint16(offset * offset)
        np.minimum(nearest[:, offset:], beside[:, :-offset], out=nearest[:, offset:])
        np.minimum(nearest[:, :-offset], beside[:, offset:], out=nearest[:, :-offset])
    return nearest
