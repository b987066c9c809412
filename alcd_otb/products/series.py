"""Find the acquisitions of a tile in a folder, and propose a clear date for one of them."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.products.acquisitions import is_same_datatake, join_parts
from alcd_otb.products.dates import SAME_SKY, check_pair
from alcd_otb.products.finding import find_products
from alcd_otb.products.names import compact_name
from alcd_otb.products.sentinel2_l1c import L1CProduct, read_product, tiles_of

log = logging.getLogger(__name__)

MOST_CLOUD = 50.0
"""Cloud cover in percent above which a date is not proposed as a clear one: a scene of one date is better."""

_UNKNOWN_CLOUD = 30.0
_DAYS_A_PERCENT = 3.0
_BEFORE, _OTHER_ORBIT = 5.0, 5.0
_DATE_LEVELS = 4
"""Folders from a tile's folder down to a product in the layout of Amazon: year, month, day, number."""


@dataclass(frozen=True)
class Acquisition:
    """One acquisition of a tile.

    Attributes
    ----------
    products
        The products that each hold a part of it; mostly one.
    """

    products: tuple[L1CProduct, ...]

    @property
    def first(self) -> L1CProduct:
        """The product with precedence."""
        return self.products[0]

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of the products."""
        return tuple(product.path for product in self.products)

    @property
    def acquired(self) -> datetime:
        """Start of the datatake, UTC."""
        return self.first.acquired

    @property
    def cloud_cover(self) -> float | None:
        """Cloud cover in percent; the largest of several parts. None if no metadata state it."""
        return max((each.cloud_cover for each in self.products if each.cloud_cover is not None), default=None)

    def joined(self) -> L1CProduct:
        """Return the acquisition as one product. It raises what `join_parts` does."""
        return join_parts(self.products)


def group_products(products: Iterable[L1CProduct]) -> list[Acquisition]:
    """Group products of one tile by acquisition, in the order in which each is met first.

    A product of another processing baseline than the first one of its acquisition, and a second copy of a product, hold
    the same pixels. They are left out, and this is logged.

    Parameters
    ----------
    products
        Products of one tile.
    """
    groups: list[list[L1CProduct]] = []
    for product in products:
        group = next((group for group in groups if is_same_datatake(group[0], product)), None)
        if group is None:
            groups.append([product])
        elif any(product.name == known.name for known in group):
            log.info("left out: %s: is a copy of %s", product.path, group[0].path)
        elif product.baseline != group[0].baseline:
            log.info(
                "left out: %s: is the acquisition of %s in baseline %s", product.path, group[0].path, product.baseline
            )
        else:
            group.append(product)
    return [Acquisition(tuple(group)) for group in groups]


def series_folder(product: L1CProduct) -> Path:
    """Return the folder in which the other dates of a product's tile are looked for.

    It is the folder around the product. In the layout of Amazon, with a folder each for year, month, day and number,
    it is the folder of the tile.
    """
    path = product.path
    levels = [path, *path.parents][:_DATE_LEVELS]
    if len(levels) == _DATE_LEVELS and path.is_dir() and all(level.name.isdecimal() for level in levels):
        return path.parents[_DATE_LEVELS - 1]
    return path.parent


def products_of_tile(folder: Path, tile: str) -> list[L1CProduct]:
    """Read the products of a tile in a folder, at any depth and in any layout, sorted by time and path.

    A product that cannot be read is logged as a warning, what is not a Level-1C product is logged with the reason.

    Parameters
    ----------
    folder
        The folder.
    tile
        Such as ``31TFJ``.
    """
    products = []
    for found in find_products(folder):
        if found.left_out is not None:
            log.info("left out: %s: %s", found.path, found.left_out)
            continue
        named = compact_name(found.path.name)
        if named is not None and named.tile != tile:
            continue
        try:
            if tile in tiles_of(found.path):
                products.append(read_product(found.path, tile))
        except ProductError as error:
            log.warning("left out: %s", error)
    return sorted(products, key=lambda product: (product.acquired, str(product.path)))


def choose_clear_date(cloudy: Acquisition, others: Sequence[Acquisition]) -> Acquisition | None:
    """Propose a clear date: few clouds, few days away, best after the date to classify and of the same orbit.

    Three days more weigh as much as one percent more of cloud; a date before, and another orbit, as much as five
    percent. Dates with more than `MOST_CLOUD` are not proposed.

    Parameters
    ----------
    cloudy
        The date to classify.
    others
        The other acquisitions of the tile.

    Returns
    -------
    Acquisition or None
        None if no date can serve. Why one cannot is logged.
    """
    able = [other for other in others if _can_serve(cloudy, other)]
    return min(able, key=lambda other: (_cost(cloudy, other), other.acquired), default=None)


def _can_serve(cloudy: Acquisition, other: Acquisition) -> bool:
    if abs(other.acquired - cloudy.acquired) < SAME_SKY:
        return False
    if other.cloud_cover is not None and other.cloud_cover > MOST_CLOUD:
        log.info("no clear date: %s: has %.0f %% of cloud", other.first.path, other.cloud_cover)
        return False
    try:
        check_pair(cloudy.joined(), other.joined())
    except ProductError as error:
        log.info("no clear date: %s", error)
        return False
    return True


def _cost(cloudy: Acquisition, other: Acquisition) -> float:
    """Compute the cost of a clear date, in percent of cloud."""
    gap = other.acquired - cloudy.acquired
    cloud = _UNKNOWN_CLOUD if other.cloud_cover is None else other.cloud_cover
    days = abs(gap) / timedelta(days=1)
    before = _BEFORE if gap < timedelta(0) else 0.0
    orbit = _OTHER_ORBIT if other.first.relative_orbit != cloudy.first.relative_orbit else 0.0
    return cloud + days / _DAYS_A_PERCENT + before + orbit
