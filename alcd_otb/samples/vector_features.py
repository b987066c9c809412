"""Turn features of a vector layer into samples, and refuse those that cannot be samples."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.layers import known_classes
from alcd_otb.samples.sample import Sample, named_features
from alcd_otb.settings.legend import Legend
from alcd_otb.text import quoted
from otb_pipelines.process import osr

POINTS, POLYGONS, POINTS_AND_POLYGONS = ("Point",), ("Polygon",), ("Point", "Polygon")
"""Types of geometry that a layer may hold."""

_NO_GEOMETRY = "has no geometry; place it again, or delete it"
_FEWEST_CORNERS = 3
_LONGEST_VALUE = 100
_FARTHEST = 1e9
"""In metres. No map has coordinates so large, and sums of larger ones may be infinite."""

MapPoint = tuple[float, float]
"""(x, y) in map units."""

Reprojection = Callable[[Sequence[Sequence[float]]], tuple[MapPoint, ...]]
"""Function from coordinates in the CRS of a layer to places in the scene's CRS."""


class _FeatureRefusedError(Exception):
    """The reason why a feature cannot be a sample, and the remedy; the message names neither file nor feature."""


@dataclass(frozen=True)
class FeatureSource:
    """What is known of a layer before its features are read.

    Attributes
    ----------
    subject
        Beginning of a message about the layer.
    name
        Beginning of the names of its samples.
    kinds
        Types of geometry that are allowed.
    code
        Class code of all features. None if the field class_field holds the class of each.
    class_field
        Name of the field of the class. None if code is known.
    reproject
        Moves coordinates into the scene's CRS.
    legend
        The classes.
    grid
        The scene's grid.
    """

    subject: str
    name: str
    kinds: tuple[str, ...]
    code: int | None
    class_field: str | None
    reproject: Reprojection
    legend: Legend
    grid: Grid


class _Part(NamedTuple):
    """A part of a geometry.

    Attributes
    ----------
    kind
        Type of geometry, ``Point`` or ``Polygon``.
    rings
        Coordinates ring by ring. The only ring of a point is the point.
    """

    kind: str
    rings: Sequence[Sequence[Sequence[float]]]


def class_field_of(subject: str, fields: Sequence[str]) -> str:
    """Find the field that holds the class, in upper or lower case.

    Parameters
    ----------
    subject
        Beginning of a message about the layer.
    fields
        Names of the fields of the layer.

    Raises
    ------
    SampleError
        If there is no such field.
    """
    # Shapefile writers often put names in capitals.
    alike = [name for name in fields if name.strip().lower() == "class"]
    if "class" in alike:
        return "class"
    if len(alike) == 1:
        return alike[0]
    raise SampleError(
        f"{subject} has no field 'class' (its fields: {', '.join(fields) or 'none'}); add it, with a class name or code"
    )


def reprojection_of(subject: str, crs: str, grid: Grid) -> Reprojection:
    """Make the function that moves coordinates of a layer into the scene's CRS.

    Parameters
    ----------
    subject
        Beginning of a message about the layer.
    crs
        CRS of the layer as WKT, empty if it has none.
    grid
        The scene's grid.

    Raises
    ------
    SampleError
        If the layer has no CRS.
    """
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


def samples_of_features(features: Iterable[Any], source: FeatureSource) -> list[Sample]:
    """Make samples of the features of a layer.

    Parameters
    ----------
    features
        Features as Fiona reads them. Each part of a multipart feature is a separate sample.
    source
        The layer that they come from.

    Raises
    ------
    SampleError
        If features cannot be samples. The message names all that are refused for the first reason.
    """
    samples: list[Sample] = []
    refused: dict[str, list[str]] = {}
    for feature in features:
        try:
            samples.extend(_samples_of(feature, source))
        except _FeatureRefusedError as error:
            refused.setdefault(str(error), []).append(feature.id)
    if refused:
        problem, identifiers = next(iter(refused.items()))
        word = "feature" if len(identifiers) == 1 else "features"
        raise SampleError(f"{source.subject} {word} {named_features(identifiers)}: {problem}")
    return samples


def _class_code(value: Any, legend: Legend) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or not str(value).strip():
        raise _FeatureRefusedError("has no class; fill in its field 'class', or delete it")
    named_class = legend.find(str(value).strip())
    if named_class is None:
        named = quoted(value) if isinstance(value, str) else str(value)[:_LONGEST_VALUE]
        raise _FeatureRefusedError(f"unknown class {named}{known_classes(str(value), legend)}")
    return named_class.code


def _samples_of(feature: Any, source: FeatureSource) -> Iterator[Sample]:
    """Make a sample of each part of a feature. Raises _FeatureRefusedError."""
    properties = feature.properties
    code = _class_code(properties[source.class_field], source.legend) if source.code is None else source.code
    iteration = properties.get("iteration")
    parts = list(_parts(feature.geometry, source.kinds))
    for number, part in enumerate(parts, start=1):
        placed = tuple(source.reproject(ring) for ring in part.rings)
        sample = Sample(
            feature=f"{source.name}:{feature.id}" + (f"/{number}" if len(parts) > 1 else ""),
            code=code,
            geometry={"type": part.kind, "coordinates": placed[0][0] if part.kind == "Point" else placed},
            iteration=iteration if isinstance(iteration, int) else None,
            author=str(properties.get("author") or ""),
            comment=str(properties.get("comment") or ""),
            created=str(properties.get("created") or ""),
        )
        if not _is_inside(sample, source.grid):
            raise _FeatureRefusedError(_outside(source.grid))
        yield sample


def _parts(geometry: Any, kinds: tuple[str, ...]) -> Iterator[_Part]:
    """Divide a geometry into its parts, without those that are empty. Raises _FeatureRefusedError."""
    if geometry is None or not (geometry.geometries if geometry.type == "GeometryCollection" else geometry.coordinates):
        raise _FeatureRefusedError(_NO_GEOMETRY)
    kind = geometry.type.removeprefix("Multi")
    if kind not in kinds:
        wanted = "not a polygon" if kinds == POLYGONS else "neither point nor polygon"
        raise _FeatureRefusedError(f"{geometry.type}, {wanted}; replace it, or delete it")
    all_coordinates = geometry.coordinates if geometry.type.startswith("Multi") else [geometry.coordinates]
    parts = [[[coordinates]] if kind == "Point" else coordinates for coordinates in all_coordinates if coordinates]
    # A polygon without an outline is empty, whatever holes it has.
    parts = [[ring for ring in rings if ring] for rings in parts if rings[0]]
    places = [place for rings in parts for ring in rings for place in ring]
    if not places or not all(math.isfinite(value) for place in places for value in place[:2]):
        raise _FeatureRefusedError(_NO_GEOMETRY)
    if kind == "Polygon" and any(len({tuple(place[:2]) for place in rings[0]}) < _FEWEST_CORNERS for rings in parts):
        raise _FeatureRefusedError(f"has fewer than {_FEWEST_CORNERS} corners; draw it again, or delete it")
    yield from (_Part(kind, rings) for rings in parts)


def _is_inside(sample: Sample, grid: Grid) -> bool:
    """Check whether a point lies on the grid, or a polygon's extent meets it and ends on the Earth."""
    if not all(abs(value) < _FARTHEST for value in sample.extent):
        return False
    if sample.is_point:
        return grid.pixel_at(*sample.location) is not None
    left, bottom, right, top = sample.extent
    return left < grid.right and right > grid.left and bottom < grid.top and top > grid.bottom


def _outside(grid: Grid) -> str:
    left, bottom, right, top = grid.extent
    return (
        f"lies outside the scene (x {left:.0f} to {right:.0f}, y {bottom:.0f} to {top:.0f} in {grid.crs}); "
        "move or delete it, or check the file's CRS"
    )
