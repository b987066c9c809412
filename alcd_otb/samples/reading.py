"""Vector files of samples: what the operator hands in, the layer to label in, the pixels given to OTB."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import fiona

from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.vector import READING_ERRORS
from alcd_otb.samples.layers import SampleLayer, known_classes, sample_layers, unreadable
from alcd_otb.samples.sample import Sample, named_features
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import osr

_POINTS, _POLYGONS, _POINTS_AND_POLYGONS = ("Point",), ("Polygon",), ("Point", "Polygon")

MapPoint = tuple[float, float]
Reprojection = Callable[[Sequence[Sequence[float]]], tuple[MapPoint, ...]]


class _FeatureRefusedError(Exception):
    """Why one feature cannot be a sample, and what to do: a message that lacks file and feature."""


def read_samples(source: Path, legend: Legend, grid: Grid) -> tuple[Sample, ...]:
    """Read the operator's samples, reprojected to the scene's CRS.

    source: a vector file that OGR reads, whose points or polygons carry a field ``class`` (name or code of
    the legend); its layer ``samples`` where there are several, but for ``corrections``. Or a folder with one
    vector file a class, named after the class; an empty file there is a class not labelled yet. Each part of a
    multipart feature is a sample of its own.

    Raises SampleError, naming file, features and remedy, where a file cannot be read, has no CRS or no class
    field, a feature has no known class, no geometry, is neither point nor polygon or lies outside the grid,
    and where there is no sample or only one class.
    """
    if not source.exists():
        raise SampleError(f"{source}: does not exist; create it, or correct 'samples' in scene.json")
    samples: list[Sample] = []
    for layer in sample_layers(source, legend):
        if not layer.corrects:
            samples.extend(_read_layer(layer, legend, grid, _POINTS_AND_POLYGONS))
    if not samples:
        raise SampleError(f"{source}: holds no sample; label points of at least two classes")
    codes = {sample.code for sample in samples}
    if len(codes) == 1:
        name = legend.with_code(codes.pop()).name
        raise SampleError(f"{source}: every sample is of class {name!r}; label at least one more class")
    return tuple(samples)


def read_corrections(source: Path, legend: Legend, grid: Grid) -> tuple[Sample, ...]:
    """Read the polygons that the operator has drawn over the map, in the order they were drawn.

    source: that of the samples, whose layer ``corrections``, beside another one, holds them, or in a folder the file
    of that name. There are none where there is neither. Each part of a multipart polygon is a correction of its own.

    Raises SampleError as read_samples does for what is wrong with a file or a feature.
    """
    if not source.exists():
        return ()
    layers = [layer for layer in sample_layers(source, legend) if layer.corrects]
    return tuple(one for layer in layers for one in _read_layer(layer, legend, grid, _POLYGONS))


def as_samples(
    points: Iterable[tuple[str | int, float, float]], crs: str | None, legend: Legend, grid: Grid
) -> tuple[Sample, ...]:
    """Points that a program gives, (class, x, y), checked as those of a file, in the scene's CRS.

    crs: of x and y, as GDAL names it, x first; None: the scene's. Raises SampleError, naming the points by their number
    from 1 on.
    """
    subject = "samples to add:"
    features = [
        fiona.Feature(
            geometry=fiona.Geometry(coordinates=(float(x), float(y)), type="Point"),
            id=str(number),
            properties=fiona.Properties(**{"class": name}),
        )
        for number, (name, x, y) in enumerate(points, start=1)
    ]
    reference = osr.SpatialReference()
    try:
        reference.SetFromUserInput(crs or grid.crs)
    except RuntimeError as error:
        raise SampleError(f"{subject} CRS {crs!r} is not known ({error}); name it as in EPSG:4326") from error
    reproject = _reprojection(subject, reference.ExportToWkt(), grid)
    return tuple(_checked(features, subject, "added", None, "class", _POINTS, reproject, legend, grid))


def _read_layer(layer: SampleLayer, legend: Legend, grid: Grid, kinds: tuple[str, ...]) -> list[Sample]:
    path, code = layer.path, layer.code
    features, crs, fields = _read_features(layer)
    if not features:
        return []
    named = layer.name if layer.corrects else None
    subject = f"{path}: layer {named!r}" if named else f"{path}:"
    reproject = _reprojection(subject, crs, grid)
    class_field = class_field_of(subject, fields) if code is None else None
    file = f"{path.name}:{named}" if named else path.name
    return _checked(features, subject, file, code, class_field, kinds, reproject, legend, grid)


def _checked(
    features: Iterable[Any],
    subject: str,
    file: str,
    code: int | None,
    class_field: str | None,
    kinds: tuple[str, ...],
    reproject: Reprojection,
    legend: Legend,
    grid: Grid,
) -> list[Sample]:
    samples: list[Sample] = []
    refused: dict[str, list[str]] = {}
    for feature in features:
        try:
            known = _class_code(feature.properties[class_field], legend) if code is None else code
            samples.extend(_samples_of(feature, file, known, kinds, reproject, grid))
        except _FeatureRefusedError as error:
            refused.setdefault(str(error), []).append(feature.id)
    for problem, identifiers in refused.items():
        word = "feature" if len(identifiers) == 1 else "features"
        raise SampleError(f"{subject} {word} {named_features(identifiers)}: {problem}")
    return samples


def _read_features(layer: SampleLayer) -> tuple[list[Any], str, list[str]]:
    """(features, CRS as WKT, field names) of a layer."""
    options = {"layer": layer.name} if layer.name else {}
    if layer.path.suffix.lower() == ".csv":
        options |= {"X_POSSIBLE_NAMES": "x,lon*,easting", "Y_POSSIBLE_NAMES": "y,lat*,northing"}
    try:
        with fiona.open(layer.path, allow_unsupported_drivers=True, **options) as collection:
            features = list(collection)
            return features, collection.crs_wkt, list(collection.schema["properties"])
    except READING_ERRORS as error:
        raise unreadable(layer.path, error) from error


def _reprojection(subject: str, crs: str, grid: Grid) -> Reprojection:
    source, target = osr.SpatialReference(), grid.spatial_reference
    if crs:
        source.ImportFromWkt(crs)
    # A GeoPackage without a CRS is read as an "Undefined geographic SRS" or "Undefined Cartesian SRS".
    undefined = not crs or source.GetName().startswith("Undefined")
    if undefined or not (source.IsProjected() or source.IsGeographic()):
        raise SampleError(f"{subject} has no CRS; save it with the one it was drawn in, such as {grid.crs}")
    source.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    if source.IsSame(target):
        return lambda places: tuple((float(place[0]), float(place[1])) for place in places)
    transformation = osr.CoordinateTransformation(source, target)

    def reproject(places: Sequence[Sequence[float]]) -> tuple[MapPoint, ...]:
        try:
            moved = transformation.TransformPoints([list(place[:2]) for place in places])
        except RuntimeError as error:
            raise _FeatureRefusedError(_outside(grid)) from error
        return tuple((x, y) for x, y, _ in moved)

    return reproject


def _outside(grid: Grid) -> str:
    left, bottom, right, top = grid.extent
    return (
        f"lies outside the scene (x {left:.0f} to {right:.0f}, y {bottom:.0f} to {top:.0f} in {grid.crs}); "
        "move or delete it, or check the file's CRS"
    )


def class_field_of(subject: str, fields: Sequence[str]) -> str:
    """The field that holds the class, by any case. Raises SampleError, naming the subject, where there is none."""
    # Shapefile writers often put names in capitals.
    alike = [name for name in fields if name.lower() == "class"]
    if "class" in alike:
        return "class"
    if len(alike) == 1:
        return alike[0]
    raise SampleError(
        f"{subject} has no field 'class' (its fields: {', '.join(fields) or 'none'}); add it, with a class name or code"
    )


def _class_code(value: Any, legend: Legend) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or not str(value).strip():
        raise _FeatureRefusedError("has no class; fill in its field 'class', or delete it")
    found = legend.find(str(value).strip())
    if found is None:
        raise _FeatureRefusedError(f"unknown class {value!r}{known_classes(str(value), legend)}")
    return found.code


def _samples_of(
    feature: Any, file: str, code: int, kinds: tuple[str, ...], reproject: Reprojection, grid: Grid
) -> Iterator[Sample]:
    properties = feature.properties
    iteration = properties.get("iteration")
    parts = list(_parts(feature.geometry, kinds))
    for number, (kind, rings) in enumerate(parts, start=1):
        placed = tuple(reproject(ring) for ring in rings)
        sample = Sample(
            feature=f"{file}:{feature.id}" + (f"/{number}" if len(parts) > 1 else ""),
            code=code,
            geometry={"type": kind, "coordinates": placed[0][0] if kind == "Point" else placed},
            iteration=iteration if isinstance(iteration, int) else None,
            author=str(properties.get("author") or ""),
            comment=str(properties.get("comment") or ""),
            created=str(properties.get("created") or ""),
        )
        if not _is_inside(sample, grid):
            raise _FeatureRefusedError(_outside(grid))
        yield sample


def _parts(geometry: Any, kinds: tuple[str, ...]) -> Iterator[tuple[str, Sequence[Sequence[Sequence[float]]]]]:
    """("Point" or "Polygon", rings) of each part of a geometry; the one ring of a point is the point."""
    if geometry is None or (geometry.type != "GeometryCollection" and not geometry.coordinates):
        raise _FeatureRefusedError("has no geometry; place it anew, or delete it")
    several = geometry.coordinates if geometry.type.startswith("Multi") else [geometry.coordinates]
    kind = geometry.type.removeprefix("Multi")
    if kind not in kinds:
        wanted = "not a polygon" if kinds == _POLYGONS else "neither point nor polygon"
        raise _FeatureRefusedError(f"{geometry.type}, {wanted}; replace it, or delete it")
    for part in several:
        rings = [[part]] if kind == "Point" else part
        if not all(math.isfinite(value) for ring in rings for place in ring for value in place[:2]):
            raise _FeatureRefusedError("has no geometry; place it anew, or delete it")
        yield kind, rings


def _is_inside(sample: Sample, grid: Grid) -> bool:
    """Whether a point lies on the grid, or a polygon's extent meets it; never with infinite coordinates."""
    if not all(math.isfinite(value) for value in sample.extent):
        return False
    if sample.is_point:
        return grid.pixel_at(*sample.location) is not None
    left, bottom, right, top = sample.extent
    return left < grid.right and right > grid.left and bottom < grid.top and top > grid.bottom
