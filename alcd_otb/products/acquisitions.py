"""Join products that each hold a part of one acquisition of a tile.

A tile is cut in two where a datastrip ends, or where the satellite sent its images to two stations.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.products.dates import SAME_SKY, check_same_grids
from alcd_otb.products.names import compact_name
from alcd_otb.products.sentinel2_l1c import L1CBand, L1CProduct
from alcd_otb.products.sentinel2_metadata import BANDS
from otb_pipelines.reading import BandFile

log = logging.getLogger(__name__)

_SAME_START = timedelta(seconds=1)
"""Starts of datatakes that differ by less are one: names have whole seconds, and metadata fractions of them."""


def join_parts(parts: Sequence[L1CProduct]) -> L1CProduct:
    """Make one product of those that each hold a part of an acquisition.

    A pixel is of the first product that has data there, band by band. Each product has its own offset: the joined bands
    have the lowest one, and what the others' lie above it is added to their numbers.

    Parameters
    ----------
    parts
        The products, in the order in which they have precedence. One is returned as it is.

    Returns
    -------
    L1CProduct
        With name, time, and metadata of the first product.

    Raises
    ------
    ProductError
        The products are of different tiles, acquisitions or grids, one is given twice, or their numbers mean different
        things.
    """
    first, *others = parts
    if not others:
        return first
    for number, part in enumerate(others, start=1):
        _check_part(first, part)
        if any(part.path.resolve() == earlier.path.resolve() for earlier in parts[:number]):
            raise ProductError(f"{part.path}: is given twice; give each part of an acquisition once")
    grids = {resolution: grid for part in parts for resolution, grid in part.grids.items()}
    bands = tuple(_join_band(name, parts) for name in BANDS if any(_has(part, name) for part in parts))
    return replace(first, bands=bands, grids=dict(sorted(grids.items())), parts=tuple(parts))


def join_clear_parts(dates: Sequence[L1CProduct]) -> list[L1CProduct]:
    """Join the products of a list of clear dates that are of one datatake.

    Parameters
    ----------
    dates
        The clear dates. Clear dates that are joined already stay as they are.

    Returns
    -------
    list of L1CProduct
        In the order in which each acquisition is named first.

    Raises
    ------
    ProductError
        Two products of one acquisition do not fit together.
    """
    groups: list[list[L1CProduct]] = []
    for date in dates:
        group = next((group for group in groups if is_same_datatake(group[0], date)), None)
        if group is None or date.parts or group[0].parts:
            groups.append([date])
        else:
            group.append(date)
    for first, *others in groups:
        for other in others:
            log.info("%s and %s show one acquisition, and are read as one date", first.path, other.path)
    return [join_parts(group) for group in groups]


def is_same_datatake(one: L1CProduct, other: L1CProduct) -> bool:
    """Return whether two products are of one tile in one datatake, which begins at one time for both."""
    return (one.tile, one.spacecraft, one.relative_orbit) == (
        other.tile,
        other.spacecraft,
        other.relative_orbit,
    ) and abs(one.acquired - other.acquired) < _SAME_START


def unlisted_neighbours(product: L1CProduct) -> list[Path]:
    """Find products beside those of a date that are named after the same acquisition of the tile, and are not listed.

    Each may hold the rest of the tile, or be the same in another processing.
    """
    parts = product.parts or (product,)
    listed = {part.path for part in parts}
    known = {compact_name(part.name) for part in parts} - {None}
    names = {part.name for part in parts}
    try:
        beside = sorted({path for part in parts for path in part.path.parent.iterdir()} - listed)
    except OSError:
        # The folder may be closed though what lies in it is open.
        return []
    return [path for path in beside if compact_name(path.name) in known and path.name.split(".")[0] not in names]


def lacking_bands(product: L1CProduct, names: Sequence[str]) -> list[str]:
    """Describe the bands of these names that a part has no file of, each in a line, with what follows.

    Parameters
    ----------
    product
        A product, which has no such bands unless it is joined of parts.
    names
        Names of bands.
    """
    return [
        f"{part.path}: has no file of {name}; where this product alone has data, {name} has none, "
        "so that the pixels are not valid"
        for part in product.parts
        for name in names
        if not _has(part, name)
    ]


def _check_part(first: L1CProduct, part: L1CProduct) -> None:
    remedy = "give the products that each hold a part of one acquisition of a tile; other dates have their own entry"
    facts = (
        ("tile", first.tile, part.tile),
        ("spacecraft", first.spacecraft, part.spacecraft),
        ("relative orbit", str(first.relative_orbit), str(part.relative_orbit)),
    )
    for fact, expected, actual in facts:
        if expected != actual:
            raise ProductError(
                f"{part.path}: is listed with {first.path} as one acquisition, and its {fact} is {actual}, not "
                f"{expected}; {remedy}"
            )
    if abs(first.acquired - part.acquired) >= SAME_SKY:
        raise ProductError(
            f"{part.path}: is listed with {first.path} as one acquisition, and is of "
            f"{part.acquired:%Y-%m-%d %H:%M:%S}, not of {first.acquired:%Y-%m-%d %H:%M:%S}; {remedy}"
        )
    check_same_grids(first, part, "another part of the acquisition", "this part")
    numbers = ("quantification", "no_data", "saturated")
    for name in numbers:
        if getattr(first, name) != getattr(part, name):
            raise ProductError(
                f"{part.path}: its {name.replace('_', '-')} value is {getattr(part, name):g}, that of {first.path} "
                f"{getattr(first, name):g}, so that they cannot be joined; download both in one processing baseline"
            )
    if first.no_data != 0:
        raise ProductError(f"{first.path}: its no-data value is {first.no_data}; only products with 0 can be joined")


def _join_band(name: str, parts: Sequence[L1CProduct]) -> L1CBand:
    bands = [part.band(name) for part in parts if _has(part, name)]
    offset = min(band.offset for band in bands)
    files = tuple(BandFile(file.path, band.offset - offset) for band in bands for file in band.files)
    return L1CBand(name, files, bands[0].resolution, offset)


def _has(product: L1CProduct, name: str) -> bool:
    return any(band.name == name for band in product.bands)
