"""Write the places to label next as a layer of points to visit in QGIS."""

import json
import logging
import os
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple, TypedDict

from alcd_otb.active_learning.answers import Location
from alcd_otb.active_learning.places import Place
from alcd_otb.files.json_file import parse_json
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GEOPACKAGE, open_vector
from alcd_otb.raster.vector import new_geopackage
from alcd_otb.settings.legend import NO_DATA, Legend
from otb_pipelines.process import ogr

log = logging.getLogger(__name__)

LAYER = "to_visit"
"""Name of the layer of places."""
PROPOSED = "alcd_otb_proposed"
"""Metadata item of the layer with the places as they were written, as JSON: differences were made by people."""

_ASKED = "alcd_otb_asked"
"""Metadata item of the layer with the content of `Asked`, as JSON."""

_PATIENCE = 5.0
"""Seconds to wait for another program, such as QGIS, to end its writing."""

FIELDS = {
    "rank": ogr.OFTInteger,
    "class": ogr.OFTString,
    "second_class": ogr.OFTString,
    "margin": ogr.OFTReal,
    "zone_area": ogr.OFTReal,
    "reason": ogr.OFTString,
}
"""Types of the fields of a place."""

PlaceRecord = TypedDict(
    "PlaceRecord",
    {
        "x": float,
        "y": float,
        "rank": int,
        "class": str | None,
        "second_class": str | None,
        "margin": float | None,
        "zone_area": float | None,
        "reason": str,
    },
)
"""A place as a dictionary.

x and y are the pixel's centre in the grid's CRS. The rank begins at 1. The classes are names; second_class is None
where it is not known. The margin is 0 to 1. zone_area is in hectares. Before there is a map, class, margin and
zone_area are None, too.
"""


class Asked(NamedTuple):
    """What the operator was asked.

    Attributes
    ----------
    proposed
        The places that were proposed last, in the order of their use, without those so near to a sample that
        it would be unclear later whether they are answered.
    left_out
        Places of earlier proposals that were left out.
    """

    proposed: tuple[Location, ...] = ()
    left_out: tuple[Location, ...] = ()


NOTHING_ASKED = Asked()
"""The value for a file without such a record."""


def as_records(places: Sequence[Place], legend: Legend, grid: Grid) -> list[PlaceRecord]:
    """Turn places, in the order of their use, into records with map coordinates and names of classes.

    Parameters
    ----------
    places
        The places.
    legend
        The classes.
    grid
        The scene's grid.
    """
    records: list[PlaceRecord] = []
    for rank, place in enumerate(places, start=1):
        x, y = grid.centre_of(place.row, place.column)
        first, second = (
            None if code == NO_DATA else legend.with_code(code).name for code in (place.code, place.second_code)
        )
        records.append(
            {
                "x": x,
                "y": y,
                "rank": rank,
                "class": first,
                "second_class": second,
                "margin": None if place.margin is None else round(place.margin, 4),
                "zone_area": None if place.zone_area is None else round(place.zone_area, 4),
                "reason": place.reason,
            }
        )
    return records


def write_places(
    path: Path, records: Sequence[PlaceRecord], grid: Grid, scratch: Path, asked: Asked = NOTHING_ASKED
) -> None:
    """Write places as points of a GeoPackage, layer ``to_visit``; an existing file is replaced.

    If another program has the existing file open for writing, its content is replaced instead, in one transaction of
    SQLite: what that program saves later would be lost with the file. If it is writing just now, a warning is logged
    and the file is left as it is.

    Parameters
    ----------
    path
        The GeoPackage.
    records
        The places.
    grid
        Gives the CRS of the points.
    scratch
        A folder for temporary files, on the same disk.
    asked
        What `read_asked` is to return.

    Raises
    ------
    ProcessingError
        If the file cannot be written.
    """
    new_file = scratch / path.name
    is_open = path.with_name(f"{path.name}-wal").exists()
    # A change of an earlier place must not be stored with a new place. So new places have other numbers.
    first = _last_number(path) + 1 if is_open else 1
    with new_geopackage(new_file) as source:
        layer = source.CreateLayer(LAYER, grid.spatial_reference, ogr.wkbPoint)
        for name, kind in FIELDS.items():
            layer.CreateField(ogr.FieldDefn(name, kind))
        layer.SetMetadataItem(PROPOSED, json.dumps(list(records)))
        layer.SetMetadataItem(_ASKED, json.dumps(asked._asdict()))
        source.StartTransaction()
        for number, record in enumerate(records, start=first):
            layer.CreateFeature(_feature(layer, number, record))
        source.CommitTransaction()
    if is_open and _has_replaced_content(new_file, path):
        return
    # The journal of an open QGIS belongs to the earlier file: SQLite would apply it to the new file.
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    os.replace(new_file, path)


def read_asked(path: Path) -> Asked:
    """Read the last proposals and the places left out before. Both are empty if the file does not record them."""
    if not path.is_file() or not path.stat().st_size:
        return NOTHING_ASKED
    try:
        dataset = open_vector(path, GEOPACKAGE)
        layer = dataset.GetLayerByName(LAYER)
        recorded = None if layer is None else layer.GetMetadataItem(_ASKED)
        content = {} if recorded is None else parse_json(str(recorded).encode())
        return Asked(*(tuple((x, y) for x, y in content.get(name, ())) for name in Asked._fields))
    except (RuntimeError, ValueError):
        # People or other programs have made the file, so that nothing is known.
        return NOTHING_ASKED


def place_count(path: Path) -> int | None:
    """Count the places of a file; None if there is no file, or it cannot be read."""
    if not path.is_file():
        return None
    try:
        dataset = open_vector(path, GEOPACKAGE)
        layer = dataset.GetLayerByName(LAYER)
        return None if layer is None else int(layer.GetFeatureCount())
    except RuntimeError:
        return None


def _feature(layer: ogr.Layer, number: int, record: PlaceRecord) -> ogr.Feature:
    values: Mapping[str, object] = record
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetFID(number)
    point = ogr.Geometry(ogr.wkbPoint)
    point.SetPoint_2D(0, record["x"], record["y"])
    feature.SetGeometry(point)
    for name in FIELDS:
        if values[name] is not None:
            feature.SetField(name, values[name])
    return feature


def _last_number(path: Path) -> int:
    """Return the largest number that a place ever had in a file; 0 if the file cannot be read."""
    try:
        with closing(sqlite3.connect(path, timeout=_PATIENCE)) as present:
            row = present.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (LAYER,)).fetchone()
    except sqlite3.DatabaseError:
        return 0
    return int(row[0]) if row else 0


def _has_replaced_content(new_file: Path, path: Path) -> bool:
    """Replace the content of a GeoPackage, or leave it if it is locked. False if the file is not one."""
    try:
        with (
            closing(sqlite3.connect(new_file)) as source,
            closing(sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)) as present,
        ):
            present.execute("BEGIN IMMEDIATE")
            present.execute("ROLLBACK")
            source.backup(present, progress=give_up)
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            return False
        log.warning(
            "%s: another program is writing to it (%s), so it keeps the earlier places; save there, then run 'next'",
            path,
            error,
        )
    except sqlite3.DatabaseError:
        return False
    return True


def give_up(status: int, _remaining: int, _total: int) -> None:
    """End a backup of SQLite where the file is locked; without this, Python tries for ever."""
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("database is locked")
