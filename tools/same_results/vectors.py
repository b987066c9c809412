"""Differences between two vector files."""

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

from osgeo import gdal, ogr
from rasters import Difference, Runs

ogr.UseExceptions()


def vector_differences(before: Path, after: Path, runs: Runs) -> Iterator[Difference]:
    """Return the differences in layers, their schemas and all features, in their order."""
    one, other = (gdal.OpenEx(str(path), gdal.OF_VECTOR) for path in (before, after))
    if _names(one) != _names(other):
        yield "layers", _names(one), _names(other)
        return
    for name in _names(one):
        yield from _layer_differences(name, one.GetLayerByName(name), other.GetLayerByName(name), runs)


def _layer_differences(name: str, one: Any, other: Any, runs: Runs) -> Iterator[Difference]:
    if _schema(one) != _schema(other):
        yield f"layer {name}, schema", _schema(one), _schema(other)
        return
    features = ([run.normalised(_text(each)) for each in layer] for layer, run in zip((one, other), runs, strict=True))
    pairs = list(zip_longest(*features))
    unlike = [number for number, (left, right) in enumerate(pairs) if left != right]
    if unlike:
        where = f"layer {name}, {len(unlike)} of {len(pairs)} features, first number {unlike[0] + 1}"
        left, right = pairs[unlike[0]]
        yield where, left, right


def _names(source: Any) -> list[str]:
    return [source.GetLayer(index).GetName() for index in range(source.GetLayerCount())]


def _schema(layer: Any) -> str:
    definition = layer.GetLayerDefn()
    fields = [definition.GetFieldDefn(index) for index in range(definition.GetFieldCount())]
    told = [(one.GetName(), one.GetFieldTypeName(one.GetType()), one.GetWidth(), one.GetPrecision()) for one in fields]
    reference = layer.GetSpatialRef()
    kind = ogr.GeometryTypeToName(layer.GetGeomType())
    return f"{kind} {told} {reference.ExportToWkt() if reference else None}"


def _text(feature: Any) -> str:
    """Write number, fields and geometry of a feature with all digits."""
    geometry = feature.geometry()
    return f"{feature.GetFID()} {feature.items()!r} {bytes(geometry.ExportToWkb()).hex() if geometry else None}"
