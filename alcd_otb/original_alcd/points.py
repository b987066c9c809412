"""Read the original's shapefiles, one for each class, as samples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from alcd_otb.errors import SampleError
from alcd_otb.original_alcd.translation import Translated
from alcd_otb.raster.grid import crs_name
from alcd_otb.raster.opening import features_of, open_features
from alcd_otb.raster.vector import READING_ERRORS
from alcd_otb.samples.layers import unreadable
from alcd_otb.samples.sample import Sample
from otb_pipelines.process import osr

_KINDS = ("Point", "Polygon")
_DIGITS = 3
"""Decimal digits of a coordinate in metres. Points with the same digits are one point of several iterations."""


def spatial_reference(shapefiles: Sequence[Path]) -> osr.SpatialReference:
    """Return the CRS of the first shapefile that has points, else of the first that has a CRS.

    Parameters
    ----------
    shapefiles
        At least one shapefile.

    Raises
    ------
    SampleError
        If a file cannot be read, or no file has a CRS.
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


def read_points(shapefiles: Mapping[int, Path], target: osr.SpatialReference) -> Translated[list[Sample]]:
    """Read points and polygons.

    The file determines the class, as in the original; fields are ignored. Each part of a multipart feature is a sample.

    Parameters
    ----------
    shapefiles
        Shapefile by class code.
    target
        CRS of the samples.

    Returns
    -------
    Translated
        The samples, and notes about the features that are left out.

    Raises
    ------
    SampleError
        If a file cannot be read, has features but no CRS, or has a feature that has no place in the target CRS.
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
            for identifier, members in parts:
                samples += _samples_of(f"{path.name}:{identifier}", code, members, moved)
        except RuntimeError as error:
            raise SampleError(
                f"{path}: a feature cannot be transformed to {crs_name(target)} ({error}); delete it"
            ) from error
        empty = [identifier for identifier, members in parts if not members]
        if empty:
            notes.append(f"{path}: {len(empty)} features are neither points nor polygons, or have no place; left out")
    return Translated(samples, notes)


def count(shapefile: Path) -> int:
    """Count the features of a shapefile. Raises SampleError if it cannot be read."""
    return len(_read(shapefile)[0])


def with_iterations(samples: Sequence[Sample], previous: Sequence[Sequence[Sample]]) -> list[Sample]:
    """Give each sample the number of the iteration in which it occurs first.

    Parameters
    ----------
    samples
        Samples of the last iteration.
    previous
        Samples of the saved iterations, the oldest first; the oldest is iteration 1.
    """
    if not previous:
        return list(samples)
    first: dict[Any, int] = {}
    for number, earlier in enumerate(previous, start=1):
        for sample in earlier:
            first.setdefault(_identity(sample), number)
    return [replace(sample, iteration=first.get(_identity(sample), len(previous) + 1)) for sample in samples]


class _Part(NamedTuple):
    """A part of a geometry: "Point" or "Polygon", and its rings. A point has one ring, which is the point."""

    kind: str
    rings: Any


def _samples_of(feature: str, code: int, parts: list[_Part], moved: Any) -> Iterator[Sample]:
    """Yield a sample for each part of a feature."""
    for number, (kind, rings) in enumerate(parts, start=1):
        placed = tuple(moved(ring) for ring in rings)
        name = f"{feature}/{number}" if len(parts) > 1 else feature
        yield Sample(name, code, {"type": kind, "coordinates": placed[0][0] if kind == "Point" else placed})


def _identity(sample: Sample) -> tuple[int, tuple[float, ...]]:
    """Return the identity of a sample across iterations: class and place."""
    return sample.code, tuple(round(value, _DIGITS) for value in sample.extent)


class _Layer(NamedTuple):
    """Features of a file, and its CRS as WKT, which may be empty."""

    features: list[Any]
    crs: str


def _read(path: Path) -> _Layer:
    """Read a shapefile."""
    try:
        with open_features(path) as layer:
            return _Layer(list(features_of(layer)), layer.crs_wkt)
    except READING_ERRORS as error:
        raise unreadable(path, error) from error


def _reference(wkt: str) -> osr.SpatialReference:
    """Return a CRS whose coordinates are in the order x, y."""
    reference = osr.SpatialReference()
    reference.ImportFromWkt(wkt)
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def _transformation(crs: str, target: osr.SpatialReference) -> Any:
    """Return a function that moves a sequence of places into the target CRS."""
    source = _reference(crs) if crs else target
    if source.IsSame(target):
        return lambda places: tuple((float(place[0]), float(place[1])) for place in places)
    change = osr.CoordinateTransformation(source, target)
    return lambda places: tuple((x, y) for x, y, _ in change.TransformPoints([list(place[:2]) for place in places]))


def _parts(geometry: Any) -> Iterator[_Part]:
    """Yield the parts of a geometry; none if it is neither points nor polygons."""
    kind = geometry.type.removeprefix("Multi") if geometry is not None else None
    if kind not in _KINDS or not geometry.coordinates:
        return
    for part in geometry.coordinates if geometry.type.startswith("Multi") else [geometry.coordinates]:
        yield _Part(kind, [[part]] if kind == "Point" else part)
