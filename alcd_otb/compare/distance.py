"""Exact distances to the nearest pixel of a set, as far as they matter: dilation by true discs, many at once."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LARGEST_RADIUS = 180
"""Pixels; the squares of two of them add up in 16 bits."""


def reach(radii: Sequence[float], resolution: float) -> int:
    """Rows of pixels around a block on which its levels depend. radii, resolution: metres.

    Raises ValueError for a radius beyond LARGEST_RADIUS pixels.
    """
    pixels = int(max(radii, default=0) / resolution + 1e-9)
    if pixels > LARGEST_RADIUS:
        raise ValueError(
            f"{max(radii):g} m are {pixels} pixels of {resolution:g} m; at most {LARGEST_RADIUS} are possible"
        )
    return pixels


def levels(inside: NDArray[np.bool_], radii: Sequence[float], resolution: float) -> NDArray[np.uint8]:
    """For each pixel the number of radii that do not reach it: level <= i where dilation by radii[i] holds it.

    inside: rows x columns. radii: ascending, in metres; dilation by r holds the pixels whose centres are at most r
    from the centre of a pixel inside, so that by 0 it holds these alone. What lies outside the array is not inside.

    The squared distance is separable: down the columns first, then along the rows (Felzenszwalb and Huttenlocher,
    2012). Both passes stop at the largest radius, so that they cost its size, and run without a branch.
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
    """Squared distances in pixels; where they exceed limit squared, some greater number."""
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
