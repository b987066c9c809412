"""Check that the Sentinel-2 products of a scene's dates can be used together."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations

from alcd_otb.errors import ProductError
from alcd_otb.products.sentinel2_l1c import L1CProduct
from alcd_otb.raster.grid import Grid

SAME_SKY = timedelta(hours=1)
"""Two acquisitions closer than this show the same clouds. The next orbit passes 100 minutes later."""

LONG_GAP = timedelta(days=92)
"""The dates of a pair further apart than a season show changes of the ground itself."""


def check_pair(cloudy: L1CProduct, clear: L1CProduct) -> tuple[str, ...]:
    """Check that the date to classify and a clear date can be used together.

    Parameters
    ----------
    cloudy
        The product of the date to classify.
    clear
        The product of the clear date.

    Returns
    -------
    tuple of str
        Warnings, each one line.

    Raises
    ------
    ProductError
        The products are of different tiles or grids, or show the same acquisition.
    """
    if cloudy.tile != clear.tile:
        raise ProductError(
            f"{clear.path}: the clear date is of tile {clear.tile}, the cloudy one of {cloudy.tile}; "
            "give two products of one tile"
        )
    check_same_grids(cloudy, clear)
    gap = clear.acquired - cloudy.acquired
    if abs(gap) < SAME_SKY:
        raise ProductError(
            f"{clear.path}: the clear date shows the same acquisition as the cloudy one "
            f"({cloudy.acquired:%Y-%m-%d %H:%M:%S}); give another date, or, if each holds a part of it, list both "
            'under "cloudy"'
        )
    warnings = []
    if gap < timedelta(0):
        warnings.append(
            f"the clear date {clear.acquired:%Y-%m-%d} precedes the cloudy one {cloudy.acquired:%Y-%m-%d}: "
            "MAJA detects clouds by comparing with past dates, so a reference made with one favours MAJA in "
            "a comparison; a clear date after the cloudy one does not"
        )
    if abs(gap) > LONG_GAP:
        warnings.append(
            f"the two dates are {abs(gap).days} days apart: vegetation, snow and the sun's height change "
            "over that time and can be mistaken for clouds or shadows; a nearer clear date is better"
        )
    return tuple(warnings)


def check_dates(cloudy: L1CProduct, clear: Sequence[L1CProduct]) -> tuple[str, ...]:
    """Check that the date to classify and all clear dates can be used together.

    Parameters
    ----------
    cloudy
        The product of the date to classify.
    clear
        The products of the clear dates.

    Returns
    -------
    tuple of str
        Warnings, each one line.

    Raises
    ------
    ProductError
        A clear date does not fit the date to classify, as in `check_pair`, or two clear dates show the same
        acquisition.
    """
    warnings = [warning for product in clear for warning in check_pair(cloudy, product)]
    for first, second in combinations(clear, 2):
        if abs(second.acquired - first.acquired) < SAME_SKY:
            raise ProductError(
                f"{second.path}: shows the same acquisition as the clear date {first.path} "
                f"({first.acquired:%Y-%m-%d %H:%M:%S}); give another date, leave it out, or, if each holds a part of "
                "it, list both as one date"
            )
    return tuple(warnings)


def check_same_grids(
    cloudy: L1CProduct, clear: L1CProduct, expected: str = "the cloudy one", actual: str = "the clear date"
) -> None:
    """Check that the bands of two products lie on the same grids.

    Parameters
    ----------
    cloudy, clear
        The products.
    expected, actual
        What the first and the second are called in messages.

    Raises
    ------
    ProductError
        Grids of one resolution differ, or the products have no resolution in common.
    """
    common = sorted(set(cloudy.grids) & set(clear.grids))
    if not common:
        raise ProductError(
            f"{clear.path}: {actual} has pixels of {_metres(clear)}, "
            f"{expected} of {_metres(cloudy)}; give two products with the same bands"
        )
    for resolution in common:
        cloudy_grid, clear_grid = cloudy.grids[resolution], clear.grids[resolution]
        if cloudy_grid != clear_grid:
            raise ProductError(
                f"{clear.path}: {actual}'s grid at {resolution} m is {_described(clear_grid)}, "
                f"{expected}'s is {_described(cloudy_grid)}; give two products of the same extent"
            )


def _metres(product: L1CProduct) -> str:
    return ", ".join(f"{resolution} m" for resolution in sorted(product.grids))


def _described(grid: Grid) -> str:
    return f"{grid.width} x {grid.height} px from ({grid.left:.10g}, {grid.top:.10g}) in {grid.crs}"
