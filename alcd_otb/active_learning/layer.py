"""Write the places to label next as a layer of points to visit in QGIS."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypedDict

from alcd_otb.active_learning.places import Place
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.vector import new_geopackage
from alcd_otb.settings.legend import NO_DATA, Legend
from otb_pipelines.process import ogr

LAYER = "to_visit"
"""Name of the layer of places."""

_FIELDS = {
    "rank": ogr.OFTInteger,
    "class": ogr.OFTString,
    "second_class": ogr.OFTString,
    "margin": ogr.OFTReal,
    "zone_area": ogr.OFTReal,
    "reason": ogr.OFTString,
}

PlaceRecord = TypedDict(
    "PlaceRecord",
    {
        "x": float,
        "y": float,
        "rank": int,
        "class": str,
        "second_class": str | None,
        "margin": float,
        "zone_area": float,
        "reason": str,
    },
)
"""A place as a dictionary.

x and y are the pixel's centre in the grid's CRS. The rank begins at 1. The classes are names; second_class is None
where it is not known. The margin is 0 to 1. zone_area is in hectares.
"""


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
        second = None if place.second_code == NO_DATA else legend.with_code(place.second_code).name
        records.append(
            {
                "x": x,
                "y": y,
                "rank": rank,
                "class": legend.with_code(place.code).name,
                "second_class": second,
                "margin": round(place.margin, 4),
                "zone_area": round(place.zone_area, 4),
                "reason": place.reason,
            }
        )
    return records


def write_places(path: Path, records: Sequence[PlaceRecord], grid: Grid, scratch: Path) -> None:
    """Write places as points of a GeoPackage, layer ``to_visit``; an existing file is replaced.

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

    Raises
    ------
    ProcessingError
        Where the file cannot be written.
    """
    new_file = scratch / path.name
    with new_geopackage(new_file) as source:
        layer = source.CreateLayer(LAYER, grid.spatial_reference, ogr.wkbPoint)
        for name, kind in _FIELDS.items():
            layer.CreateField(ogr.FieldDefn(name, kind))
        source.StartTransaction()
        for record in records:
            values: Mapping[str, object] = record
            feature = ogr.Feature(layer.GetLayerDefn())
            point = ogr.Geometry(ogr.wkbPoint)
            point.SetPoint_2D(0, record["x"], record["y"])
            feature.SetGeometry(point)
            for name in _FIELDS:
                if values[name] is not None:
                    feature.SetField(name, values[name])
            layer.CreateFeature(feature)
        source.CommitTransaction()
    os.replace(new_file, path)
    # The journal of an open QGIS belongs to the replaced file: SQLite would apply it to the new one.
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
