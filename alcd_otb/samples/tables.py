"""Find the places of samples in tables without geometry: CSV files and spreadsheets with columns of coordinates."""

import logging
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from fiona.model import Feature, Geometry

from alcd_otb.errors import SampleError
from alcd_otb.files.json_file import parse_json
from alcd_otb.raster.grid import Grid, crs_name
from alcd_otb.text import quoted
from otb_pipelines.process import ogr, osr

log = logging.getLogger(__name__)

_DEGREES = (("lon", "lat"), ("longitude", "latitude"), ("long", "lat"), ("lng", "lat"))
_METRES = (("x", "y"), ("easting", "northing"), ("east", "north"), ("xcoord", "ycoord"), ("coord_x", "coord_y"))
_TEXTS = ("wkt", "wkt_geom", "geom", "geometry", "the_geom")
X_NAMES, Y_NAMES = ([pair[axis] for pair in (*_DEGREES, *_METRES)] for axis in (0, 1))
"""Names of columns of coordinates, in lower case."""

_REMEDY = "name the columns of coordinates lon and lat, x and y, easting and northing, or WKT"
_WGS84 = "EPSG:4326"
_FARTHEST_EAST, _FARTHEST_NORTH = 360, 90
# Digits in groups of three, as spreadsheets show them, with a decimal comma or point behind.
_GROUPED = (re.compile(r"[+-]?\d{1,3}(\.\d{3})+,\d+"), re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+"))
_LONGEST = 60


class PlacedFeatures(NamedTuple):
    """Features of a table with geometries, and their CRS as WKT."""

    features: list[Any]
    crs: str


class _Columns(NamedTuple):
    """The columns with the place: one of WKT, or two of coordinates, which may be degrees by their names."""

    names: tuple[str, ...]
    are_degrees: bool

    def __str__(self) -> str:
        listed = " and ".join(map(repr, self.names))
        return f"columns {listed}" if len(self.names) > 1 else f"column {listed}"


def placed_features(
    features: Iterable[Any], fields: Sequence[str], crs: str, subject: str, grid: Grid
) -> PlacedFeatures | None:
    """Give the features of a table the places in its columns, and log which columns these are.

    Parameters
    ----------
    features
        Features as Fiona reads them, with or without a geometry. Rows in which all is empty are left out.
    fields
        Names of the fields of the table.
    crs
        CRS of the table as WKT. Empty if it has none: then columns named as longitude and latitude are in EPSG:4326,
        and others in the scene's CRS if they lie in the scene.
    subject
        Beginning of a message about the table.
    grid
        The scene's grid.

    Returns
    -------
    PlacedFeatures or None
        The features. None if no columns have the places, and the features themselves have geometries.

    Raises
    ------
    SampleError
        There are neither columns nor geometries, a coordinate is not a number, or the CRS is not known.
    """
    rows = [feature for feature in features if any(_text(value) for value in feature.properties.values())]
    columns = _columns_of(fields)
    if columns is None:
        if any(feature.geometry is not None for feature in rows) or not rows:
            return None
        raise SampleError(f"{subject} has no geometry (its columns: {', '.join(fields)}); {_REMEDY}")
    places = [_place(feature, columns, subject) for feature in rows]
    reference = _reference(list(_coordinates(places)), columns, crs, subject, grid)
    log.info("%s %s are taken as coordinates in %s", subject, columns, crs_name(reference))
    placed = [
        Feature(geometry=place and Geometry.from_dict(place), id=feature.id, properties=feature.properties)
        for feature, place in zip(rows, places, strict=True)
    ]
    return PlacedFeatures(placed, reference.ExportToWkt())


def decimal(text: str) -> float | None:
    """Read a number as people and spreadsheets write it: with a decimal comma or point, and groups of digits.

    None if it is not a finite number.
    """
    plain = re.sub(r"[\s'\u2019]", "", text)
    if _GROUPED[0].fullmatch(plain):
        plain = plain.replace(".", "")
    elif _GROUPED[1].fullmatch(plain):
        plain = plain.replace(",", "")
    try:
        number = float(plain.replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _columns_of(fields: Sequence[str]) -> _Columns | None:
    by_name = {field.strip().lower(): field for field in reversed(fields)}
    for text in _TEXTS:
        if text in by_name:
            return _Columns((by_name[text],), are_degrees=False)
    for pairs, are_degrees in ((_DEGREES, True), (_METRES, False)):
        for pair in pairs:
            if all(name in by_name for name in pair):
                return _Columns(tuple(by_name[name] for name in pair), are_degrees)
    return None


def _place(feature: Any, columns: _Columns, subject: str) -> dict[str, Any] | None:
    """Make the geometry of a row, as GeoJSON has it. None if its columns are empty."""
    texts = [_text(feature.properties[name]) for name in columns.names]
    if not all(texts):
        return None
    if len(texts) == 1:
        try:
            place: dict[str, Any] = parse_json(ogr.CreateGeometryFromWkt(texts[0]).ExportToJson().encode())
        except (RuntimeError, AttributeError, TypeError) as error:
            raise _wrong(feature, columns.names[0], texts[0], "geometry as WKT", subject) from error
        return place
    numbers = [decimal(text) for text in texts]
    for name, text, number in zip(columns.names, texts, numbers, strict=True):
        if number is None:
            raise _wrong(feature, name, text, "number", subject)
    return {"type": "Point", "coordinates": tuple(numbers)}


def _wrong(feature: Any, column: str, text: str, wanted: str, subject: str) -> SampleError:
    shown = quoted(text[:_LONGEST])
    return SampleError(
        f"{subject} feature {feature.id}: column {column!r} has {shown}, which is not a {wanted}; correct it"
    )


def _coordinates(places: Iterable[dict[str, Any] | None]) -> Iterator[tuple[float, float]]:
    """Yield the coordinates of all corners of geometries."""
    waiting: list[Any] = [place["coordinates"] for place in places if place and place.get("coordinates")][::-1]
    while waiting:
        one = waiting.pop()
        if isinstance(one[0], int | float):
            yield float(one[0]), float(one[1])
        else:
            waiting += [inner for inner in one if inner]


def _reference(
    places: Sequence[tuple[float, float]], columns: _Columns, crs: str, subject: str, grid: Grid
) -> osr.SpatialReference:
    """Choose the CRS of a table: its own, that of the column names, or the scene's."""
    reference = osr.SpatialReference()
    if crs:
        reference.ImportFromWkt(crs)
        return reference
    if columns.are_degrees:
        for x, y in places:
            if abs(x) > _FARTHEST_EAST or abs(y) > _FARTHEST_NORTH:
                raise SampleError(
                    f"{subject} {columns} have ({x:.10g}, {y:.10g}), which is not a longitude and latitude; "
                    "call them x and y if they are in the scene's CRS"
                )
        reference.SetFromUserInput(_WGS84)
        return reference
    if places and not any(grid.pixel_at(x, y) is not None for x, y in places):
        left, bottom, right, top = grid.extent
        x, y = places[0]
        raise SampleError(
            f"{subject} has no CRS, and no place in its {columns} lies in the scene (x {left:.0f} to {right:.0f}, "
            f"y {bottom:.0f} to {top:.0f} in {grid.crs}), such as ({x:.10g}, {y:.10g}); "
            "call columns of degrees lon and lat, or put the CRS beside it as a .prj file"
        )
    return grid.spatial_reference


def _text(value: Any) -> str:
    """Write the value of a cell as text; a number with all its digits."""
    if value is None:
        return ""
    return repr(value) if isinstance(value, float) else str(value).strip()
