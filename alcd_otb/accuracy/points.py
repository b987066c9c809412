"""Write the points to label blindly, ``accuracy.gpkg``, and read their labels."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fiona._err import CPLE_BaseError
from fiona.errors import FionaError

from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GEOPACKAGE, features_of, open_features
from alcd_otb.raster.vector import new_geopackage
from alcd_otb.samples.sample import named_features
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import ogr

LAYER = "accuracy"
"""Layer of the points; the operator fills in the field `class`."""

PIXELS_LAYER = "pixels"
"""Layer of the squares of the points' pixels; its field `point` is the id of the point."""

_FIELDS = (("class", ogr.OFTString), ("author", ogr.OFTString), ("comment", ogr.OFTString))

Pixel = tuple[int, int]
"""(row, column) on the map's grid."""


def write_points(path: Path, plan: AccuracyPlan) -> None:
    """Write the points in their order, without class, and the outlines of their pixels.

    Parameters
    ----------
    path
        The GeoPackage to write.
    plan
        The points.

    Raises
    ------
    ProcessingError
        If the file exists or cannot be written.
    """
    with new_geopackage(path) as source:
        points = source.CreateLayer(LAYER, plan.grid.spatial_reference, ogr.wkbPoint)
        for name, kind in _FIELDS:
            points.CreateField(ogr.FieldDefn(name, kind))
        squares = source.CreateLayer(PIXELS_LAYER, plan.grid.spatial_reference, ogr.wkbPolygon)
        squares.CreateField(ogr.FieldDefn("point", ogr.OFTInteger))
        source.StartTransaction()
        for number, planned in enumerate(plan.points, start=1):
            x, y = plan.grid.centre_of(planned.row, planned.column)
            point = ogr.Geometry(ogr.wkbPoint)
            point.AddPoint_2D(x, y)
            _add(points, number, point)
            _add(squares, number, _square(x, y, plan.grid.resolution / 2), point=number)
        source.CommitTransaction()


def read_labels(path: Path, plan: AccuracyPlan, legend: Legend) -> dict[Pixel, int]:
    """Read the labels of the points.

    Parameters
    ----------
    path
        The GeoPackage of the points.
    plan
        The points as they were drawn.
    legend
        The classes.

    Returns
    -------
    dict
        Class code by (row, column), for the points that have a class.

    Raises
    ------
    SampleError
        If the file cannot be read, a class is unknown, a point lies in no pixel of the plan, or two points lie in
        one. The message names file, points and remedy.
    """
    planned = {(point.row, point.column) for point in plan.points}
    classes_by_pixel: dict[Pixel, int] = {}
    seen: set[Pixel] = set()
    refused: dict[str, list[str]] = {}
    for identifier, properties, geometry in _features(path):
        pixel = _pixel(geometry, plan.grid)
        text = "" if properties["class"] is None else str(properties["class"]).strip()
        label = legend.find(text)
        if pixel not in planned:
            problem = "lies in no pixel that was drawn; move it back, or delete it"
        elif pixel in seen:
            problem = "lies in the pixel of another point; delete one of them"
        elif text and label is None:
            problem = f"unknown class {text!r}; the classes are {', '.join(legend.names)}"
        else:
            seen.add(pixel)
            if label is not None:
                classes_by_pixel[pixel] = label.code
            continue
        refused.setdefault(problem, []).append(identifier)
    if refused:
        problem, identifiers = next(iter(refused.items()))
        raise SampleError(f"{path}: point {named_features(identifiers)}: {problem}")
    return classes_by_pixel


class _LabelledFeature(NamedTuple):
    """A feature of the layer of points: its id, its fields, and its geometry."""

    identifier: str
    properties: Mapping[str, Any]
    geometry: Any


def _features(path: Path) -> list[_LabelledFeature]:
    if not path.is_file():
        raise SampleError(f"{path}: does not exist; restore it, or draw new points")
    try:
        with open_features(path, GEOPACKAGE, layer=LAYER) as layer:
            if "class" not in layer.schema["properties"]:
                raise SampleError(f"{path}: the layer {LAYER!r} no longer has the field 'class'; restore the file")
            return [
                _LabelledFeature(feature.id, feature.properties, feature.geometry) for feature in features_of(layer)
            ]
    except (FionaError, CPLE_BaseError, ValueError, OSError) as error:
        raise SampleError(f"{path}: cannot be read ({error}); restore it, or draw new points") from error


def _pixel(geometry: Any, grid: Grid) -> Pixel | None:
    if geometry is None or geometry.type != "Point":
        return None
    x, y = geometry.coordinates[:2]
    return grid.pixel_at(x, y)


def _add(layer: ogr.Layer, number: int, geometry: ogr.Geometry, **values: int) -> None:
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetFID(number)
    feature.SetGeometry(geometry)
    for name, value in values.items():
        feature.SetField(name, value)
    layer.CreateFeature(feature)


def _square(x: float, y: float, half: float) -> ogr.Geometry:
    ring = ogr.Geometry(ogr.wkbLinearRing)
    for right, up in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)):
        ring.AddPoint_2D(x + right * half, y + up * half)
    square = ogr.Geometry(ogr.wkbPolygon)
    square.AddGeometry(ring)
    return square
