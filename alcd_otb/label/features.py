"""Read and write single features of a GeoPackage, whole, so that a change can be undone."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

import fiona

from alcd_otb.files.json_file import parse_json
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.vector_features import FeatureSource, samples_of_features
from otb_pipelines.process import ogr

_TYPED = {
    ogr.OFTInteger: ogr.Feature.GetFieldAsInteger,
    ogr.OFTInteger64: ogr.Feature.GetFieldAsInteger64,
    ogr.OFTReal: ogr.Feature.GetFieldAsDouble,
}
"""How to read values that are not text."""


def stored_feature(layer: ogr.Layer, number: int) -> str | None:
    """Return all that a feature holds as text, from which `restore_feature` makes it again.

    Parameters
    ----------
    layer
        The layer.
    number
        The feature's number.

    Returns
    -------
    str or None
        JSON of its geometry, as hexadecimal well-known binary, and of its fields. None if there is no such feature.
    """
    feature = feature_at(layer, number)
    if feature is None:
        return None
    fields: dict[str, Any] = {}
    for index in range(feature.GetFieldCount()):
        if feature.IsFieldSetAndNotNull(index):
            definition = feature.GetFieldDefnRef(index)
            read = _TYPED.get(definition.GetType(), ogr.Feature.GetFieldAsString)
            fields[definition.GetName()] = read(feature, index)
    geometry = feature.GetGeometryRef()
    content = {"geometry": None if geometry is None else bytes(geometry.ExportToIsoWkb()).hex(), "fields": fields}
    return json.dumps(content, ensure_ascii=False, sort_keys=True)


def restore_feature(layer: ogr.Layer, number: int, content: str | None) -> None:
    """Make a feature what `stored_feature` returned of it: changed, made again, or deleted.

    Parameters
    ----------
    layer
        The layer.
    number
        The feature's number.
    content
        What it is to hold. None deletes it.
    """
    present = feature_at(layer, number)
    if content is None:
        if present is not None:
            layer.DeleteFeature(number)
        return
    described = parse_json(content.encode())
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetFID(number)
    if described["geometry"] is not None:
        feature.SetGeometry(ogr.CreateGeometryFromWkb(bytes.fromhex(described["geometry"])))
    for name, value in described["fields"].items():
        if feature.GetFieldIndex(name) >= 0:
            feature.SetField(name, value)
    if present is None:
        layer.CreateFeature(feature)
    else:
        layer.SetFeature(feature)


def samples_at(layer: ogr.Layer, number: int, source: FeatureSource) -> list[Sample]:
    """Read the samples of one feature, as a run reads them from the whole file.

    Parameters
    ----------
    layer
        The layer.
    number
        The feature's number.
    source
        What is known of the layer.

    Returns
    -------
    list of Sample
        One for each part of the feature's geometry. None if there is no such feature.

    Raises
    ------
    SampleError
        The feature cannot be used.
    """
    feature = feature_at(layer, number)
    if feature is None:
        return []
    described = parse_json(feature.ExportToJson(options=["COORDINATE_PRECISION=17"]).encode())
    properties = described["properties"]
    created = feature.GetFieldIndex("created")
    if created >= 0 and feature.IsFieldSetAndNotNull(created):
        properties["created"] = _iso_time(feature.GetFieldAsDateTime(created))
    geometry = described["geometry"] and fiona.Geometry.from_dict(described["geometry"])
    read = fiona.Feature(geometry=geometry, id=str(number), properties=fiona.Properties.from_dict(properties))
    return samples_of_features([read], source)


def _iso_time(parts: Sequence[float]) -> str:
    """Write a time as Fiona does; OGR gives year, month, day, hour, minute, second and zone, of which 100 is UTC."""
    year, month, day, hour, minute = (int(part) for part in parts[:5])
    zone = timezone(timedelta(minutes=15 * (int(parts[6]) - 100))) if int(parts[6]) > 1 else None
    second, fraction = divmod(round(parts[5] * 1000), 1000)
    return datetime(year, month, day, hour, minute, second, fraction * 1000, zone).isoformat()


def feature_at(layer: ogr.Layer, number: int) -> ogr.Feature | None:
    """Return the feature of a number, or None if there is none."""
    layer.SetAttributeFilter(f"{layer.GetFIDColumn()} = {number:d}")
    try:
        return layer.GetNextFeature()
    finally:
        layer.SetAttributeFilter(None)
        layer.ResetReading()
