"""The points of the original's shapefiles, one a class, as samples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import fiona

from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import crs_name
from alcd_otb.raster.vector import READING_ERRORS
from alcd_otb.samples.layers import unreadable
from alcd_otb.samples.sample import Sample
from otb_pipelines.process import osr

_KINDS = ("Point", "Polygon")
_DIGITS = 3
"""Of a coordinate in metres: points closer than this are the same point in another iteration."""


def spatial_reference(shapefiles: Sequence[Path]) -> osr.SpatialReference:
    """The CRS of the first shapefile that has points, else of the first that has a CRS.

    Raises SampleError where a file cannot be read, or there is none.
    """
    first = None
    for path in shapefiles:
        features, crs = _read(path)
        if crs and (first is None or (features and not first[1])):
            first = crs, len(features)
    if first is None:
        folder = shapefiles[0].parent
        raise SampleError(
            f"{folder}: no shapefile has a CRS; add the .prj files, which lie beside every shapefile of ALCD"
        )
    return _reference(first[0])


def read_points(shapefiles: Mapping[int, Path], target: osr.SpatialReference) -> tuple[list[Sample], list[str]]:
    """(samples, what was left out): points and polygons by class code, in the CRS wanted.

    The file tells the class, as in the original; fields are not looked at. Each part of a multipart feature is a
    sample. Raises SampleError where a file cannot be read, has features but no CRS, or a feature lies beyond the CRS
    wanted.
    """
    samples: list[Sample] = []
    notes: list[str] = []
    for code, path in sorted(shapefiles.items()):
        features, crs = _read(path)
        if features and not crs:
            raise SampleError(f"{path}: has no CRS; add its .prj file, which lies beside every shapefile of ALCD")
        moved = _transformation(crs, target)
        parts = [(feature.id, list(_parts(feature.geometry))) for feature in features]
        try:
            samples += [one for name, those in parts for one in _samples_of(f"{path.name}:{name}", code, those, moved)]
        except RuntimeError as error:
            raise SampleError(f"{path}: a feature has no place in {crs_name(target)} ({error}); delete it") from error
        empty = [name for name, those in parts if not those]
        if empty:
            notes.append(f"{path}: {len(empty)} features are neither points nor polygons, or have no place; left out")
    return samples, notes


def count(shapefile: Path) -> int:
    """How many features it has. Raises SampleError where it cannot be read."""
    return len(_read(shapefile)[0])


def with_iterations(samples: Sequence[Sample], previous: Sequence[Sequence[Sample]]) -> list[Sample]:
    """The samples with the number of the iteration in which each is found first; 1 is the first one saved."""
    if not previous:
        return list(samples)
    first: dict[Any, int] = {}
    for number, earlier in enumerate(previous, start=1):
        for one in earlier:
            first.setdefault(_identity(one), number)
    return [replace(one, iteration=first.get(_identity(one), len(previous) + 1)) for one in samples]


def _samples_of(feature: str, code: int, parts: list[tuple[str, Any]], moved: Any) -> Iterator[Sample]:
    for number, (kind, rings) in enumerate(parts, start=1):
        placed = tuple(moved(ring) for ring in rings)
        name = f"{feature}/{number}" if len(parts) > 1 else feature
        yield Sample(name, code, {"type": kind, "coordinates": placed[0][0] if kind == "Point" else placed})


def _identity(sample: Sample) -> tuple[int, tuple[float, ...]]:
    return sample.code, tuple(round(value, _DIGITS) for value in sample.extent)


def _read(path: Path) -> tuple[list[Any], str]:
    """(features, CRS as WKT, which may be empty)."""
    try:
        with fiona.open(path) as layer:
            return list(layer), layer.crs_wkt
    except READING_ERRORS as error:
        raise unreadable(path, error) from error


def _reference(wkt: str) -> osr.SpatialReference:
    reference = osr.SpatialReference()
    reference.ImportFromWkt(wkt)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def _transformation(crs: str, target: osr.SpatialReference) -> Any:
    source = _reference(crs) if crs else target
    if source.IsSame(target):
        return lambda places: tuple((float(place[0]), float(place[1])) for place in places)
    change = osr.CoordinateTransformation(source, target)
    return lambda places: tuple((x, y) for x, y, _ in change.TransformPoints([list(place[:2]) for place in places]))


def _parts(geometry: Any) -> Iterator[tuple[str, Any]]:
    """("Point" or "Polygon", rings) of each part; the one ring of a point is the point."""
    kind = geometry.type.removeprefix("Multi") if geometry is not None else None
    if kind not in _KINDS or not geometry.coordinates:
        return
    for part in geometry.coordinates if geometry.type.startswith("Multi") else [geometry.coordinates]:
        yield kind, [[part]] if kind == "Point" else part
