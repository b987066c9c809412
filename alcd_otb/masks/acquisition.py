"""Identify the acquisition that a mask shows: one tile at one time.

Tile and time come from metadata, or from the names that processors give their products.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import UnreadableError, read_limited
from alcd_otb.files.xml_file import MOST_METADATA, parse_xml
from alcd_otb.products.dates import SAME_SKY
from alcd_otb.products.names import compact_name
from alcd_otb.products.refusals import damaged, unreadable
from alcd_otb.products.sentinel2_metadata import tile_in
from alcd_otb.products.times import day_in_name, time_in_name, utc_time

# The letters I and O do not occur in columns and rows of the grid reference system.
_TILE = re.compile(r"(?<![A-Za-z0-9])T?(\d{2}[C-HJ-NP-X][A-HJ-NP-Z][A-HJ-NP-V])(?![A-Za-z0-9])", re.ASCII)
_TIME = re.compile(r"(?<!\d)(20\d{6})[T-](\d{6})(?!\d)", re.ASCII)
_DAY = re.compile(r"(?<!\d)(20\d{6})(?!\d)", re.ASCII)
# Landsat's names of its scenes: path and row, then a day, or a year and the number of a day in it.
_LANDSAT = re.compile(r"(?<![A-Za-z0-9])L[CETMO]\d{2}_L[12]\w{2}_(\d{6})_(\d{8})(?!\d)", re.ASCII)
_OLD_LANDSAT = re.compile(r"(?<![A-Za-z0-9])L[CETMO]\d(\d{6})(\d{7})[A-Z]{3}\d{2}(?!\d)", re.ASCII)
# Names from before December 2016 begin with the time of production; the time of the acquisition follows a V.
_OLD_NAME = re.compile(r"S2\w_(?:OPER|USER)_(?!SSC_)", re.ASCII)
_OLD_TIME = re.compile(r"_V(20\d{6})T(\d{6})", re.ASCII)


@dataclass(frozen=True)
class Acquisition:
    """One passage of the satellite over one tile.

    Attributes
    ----------
    tile
        Tile of Sentinel-2's grid, such as ``31TFJ``, or path and row of Landsat, such as ``198030``.
    day
        Day in UTC.
    time
        Time in UTC, or None if only the day is known.
    """

    tile: str
    day: date
    time: datetime | None = None

    @property
    def name(self) -> str:
        """Tile and day, such as ``31TFJ_20171002``."""
        return f"{self.tile}_{self.day:%Y%m%d}"

    def shows_same_sky_as(self, other: "Acquisition") -> bool:
        """Decide whether two masks are of one acquisition.

        Processors name the start of the datatake or the passage over the tile, some minutes later. The next orbit
        passes 100 minutes later. Where one of the times is unknown, the days are compared.
        """
        if self.tile != other.tile:
            return False
        if self.time is None or other.time is None:
            return self.day == other.day
        return abs(self.time - other.time) < SAME_SKY


def acquisition_at(tile: str, time: datetime) -> Acquisition:
    """Make an acquisition of a tile and a time.

    Parameters
    ----------
    tile
        Tile such as ``31TFJ`` or ``T31TFJ``.
    time
        Time of the acquisition; UTC if it has no time zone.
    """
    utc = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return Acquisition(tile.removeprefix("T"), utc.date(), utc)


def acquisition_in(name: str, tile: str | None = None) -> Acquisition | None:
    """Read tile and time from the name of a file or folder.

    The function reads the names of SAFE products and granules, of MAJA's products in both formats, of Fmask's
    results, of the published reference data set, of Landsat's scenes, and any other name with a tile such as T31TFJ
    and a time such as 20171002T103009. Where there is no time, a day such as 20171002 is enough.

    Parameters
    ----------
    name
        The name, without its folder.
    tile
        The tile, for names that do not contain it.

    Returns
    -------
    Acquisition or None
        None if the name lacks tile or time, or contains several tiles.
    """
    of_landsat = _landsat_in(name)
    if of_landsat is not None:
        return of_landsat
    tiles = {match[1] for match in _TILE.finditer(name)} if tile is None else {tile.removeprefix("T")}
    compact = compact_name(name)
    if compact is not None and compact.time is None:
        # The time of production follows in the name, and is different.
        return None
    match = (_OLD_TIME if _OLD_NAME.match(name) else _TIME).search(name)
    if len(tiles) != 1:
        return None
    if match:
        time = time_in_name(f"{match[1]}T{match[2]}")
        return acquisition_at(tiles.pop(), time) if time else None
    day = None if _OLD_NAME.match(name) else _DAY.search(name)
    time = time_in_name(f"{day[1]}T000000") if day else None
    return Acquisition(tiles.pop(), time.date()) if time else None


def _landsat_in(name: str) -> Acquisition | None:
    """Read path, row and day from the name of a scene of Landsat; None for any other name."""
    match = _LANDSAT.search(name) or _OLD_LANDSAT.search(name)
    day = day_in_name(match[2]) if match else None
    return Acquisition(match[1], day) if match and day else None


def acquisition_of(path: Path, names: Iterable[str] = ()) -> Acquisition:
    """Read tile and time from names.

    Parameters
    ----------
    path
        A file or folder. Its own name is tried, then the names of the folders around it, the nearest first.
    names
        Further names, which are tried before.

    Returns
    -------
    Acquisition
        From the first name that contains both.

    Raises
    ------
    ProductError
        If no name contains tile and time.
    """
    absolute = path.absolute()
    for name in (*names, absolute.name, *(folder.name for folder in absolute.parents)):
        acquisition = acquisition_in(name)
        if acquisition is not None:
            return acquisition
    raise ProductError(
        f"{path}: no name contains its tile and time; give the file or its folder a name with both, "
        "such as T31TFJ_20171002T103009"
    )


def acquisition_of_granule(granule: Path) -> Acquisition:
    """Read tile and time of a granule folder of a SAFE product.

    Parameters
    ----------
    granule
        The granule's folder. Its metadata are read if it has any, otherwise the names around it.

    Raises
    ------
    ProductError
        If the metadata are damaged, or neither they nor the names contain tile and time.
    """
    for file in sorted(granule.glob("*.xml")):
        if file.name == "MTD_TL.xml" or re.fullmatch(r"S2\w_\w{4}_MTD_L\w{2}_TL_\w+\.xml", file.name):
            try:
                return acquisition_of_tile(read_limited(file, MOST_METADATA), file)
            except UnreadableError as error:
                raise unreadable(file, error) from error
    return acquisition_around(granule)


def acquisition_around(granule: Path) -> Acquisition:
    """Read tile and time of a granule without metadata from its name and those around it.

    Raises
    ------
    ProductError
        They do not contain both.
    """
    return _of_names(granule, tile_in(granule.name))


def acquisition_of_tile(xml: bytes, file: Path) -> Acquisition:
    """Read tile and time from the metadata of a tile.

    Parameters
    ----------
    xml
        The content of the file.
    file
        Its path, which may lead into an archive. The names of its folders are read if the metadata have no time.

    Raises
    ------
    ProductError
        The metadata are damaged, or neither they nor the names contain tile and time.
    """
    try:
        root = parse_xml(xml)
    except UnreadableError as error:
        raise unreadable(file, error) from error
    tile = _TILE.search(root.findtext(".//{*}TILE_ID") or "")
    time = root.findtext(".//{*}SENSING_TIME") or ""
    if tile is None:
        raise damaged(file, "TILE_ID is missing or has no tile")
    try:
        return acquisition_at(tile[1], utc_time(time))
    except ValueError:
        # A granule cut from a product may lack the time; the names around it contain it all the same.
        return _of_names(file.parent, tile[1])


def _of_names(granule: Path, tile: str | None) -> Acquisition:
    """Read the time from the names around a granule: it may stand in the product's name alone."""
    for folder in (granule.absolute(), *granule.absolute().parents):
        acquisition = acquisition_in(folder.name, tile)
        if acquisition is not None:
            return acquisition
    raise damaged(granule, "neither its metadata nor the names around it contain its tile and time")
