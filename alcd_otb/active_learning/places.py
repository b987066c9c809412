"""The layer of places to visit, which the operator walks through in QGIS."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osgeo import ogr

from alcd_otb.active_learning.selection import Place
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.reading import new_geopackage
from alcd_otb.settings.legend import NO_DATA, Legend

LAYER = "to_visit"

_FIELDS = {
    "rank": ogr.OFTInteger,
    "class": ogr.OFTString,
    "second_class": ogr.OFTString,
    "margin": ogr.OFTReal,
    "zone_area": ogr.OFTReal,
    "reason": ogr.OFTString,
}


def as_records(places: Sequence[Place], legend: Legend, grid: Grid) -> list[dict[str, Any]]:
    """The places in rank order: x and y of the pixel's centre in the grid's CRS, and the fields of the layer.

    rank: from 1. class, second_class: names; the second is None where it is not known. margin: 0 to 1. zone_area:
    hectares. reason: text.
    """
    records = []
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


def write_places(path: Path, records: Sequence[dict[str, Any]], grid: Grid, scratch: Path) -> None:
    """Write records as points of a GeoPackage, layer ``to_visit``, in place of the one that is there.

    scratch: a folder on the same disk, in which it is made. Raises ProcessingError where it cannot be written.
    """
    made = scratch / path.name
    with new_geopackage(made) as source:
        layer = source.CreateLayer(LAYER, grid.spatial_reference, ogr.wkbPoint)
        for name, kind in _FIELDS.items():
            layer.CreateField(ogr.FieldDefn(name, kind))
        source.StartTransaction()
        for record in records:
            feature = ogr.Feature(layer.GetLayerDefn())
            point = ogr.Geometry(ogr.wkbPoint)
            point.SetPoint_2D(0, record["x"], record["y"])
            feature.SetGeometry(point)
            for name in _FIELDS:
                if record[name] is not None:
                    feature.SetField(name, record[name])
            layer.CreateFeature(feature)
        source.CommitTransaction()
    os.replace(made, path)
    # The journal of an open QGIS belongs to the file that was there: SQLite would apply it to the new one.
    for ending in ("-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
