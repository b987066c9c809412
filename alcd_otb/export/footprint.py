"""Outline where a map has data, as a polygon in longitude and latitude (RFC 7946)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.raster.drivers import driver, vector_driver
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import strips
from alcd_otb.settings.legend import NO_DATA
from otb_pipelines.process import gdal, ogr, osr

_CELLS = 256
"""Cells along the longer side; the outline is exact to one cell."""

_SEGMENTS = 8
"""Pieces of a side: a straight edge of a tile is curved in longitude and latitude, by 300 m at 45 degrees."""

_DIGITS = 6


@dataclass(frozen=True)
class Footprint:
    """The outline of the pixels with data.

    Attributes
    ----------
    geometry
        A GeoJSON Polygon or MultiPolygon, cut where it crosses the antimeridian.
    bbox
        West, south, east and north in degrees. West is larger than east where the box crosses the antimeridian.
    """

    geometry: dict[str, Any] = field(hash=False)
    bbox: tuple[float, float, float, float]


def footprint(labels: Path) -> Footprint | None:
    """Outline the pixels with data of a label raster, with holes filled.

    Parameters
    ----------
    labels
        The label raster.

    Returns
    -------
    Footprint or None
        Exact to a 256th of the raster's longer side; None if no pixel has data.
    """
    grid = Grid.of(str(labels))
    factor = -(-max(grid.width, grid.height) // _CELLS)
    cells = _cells_with_data(labels, grid, factor)
    if not cells.any():
        return None
    outline = _outline(cells, grid, factor)
    outline.Segmentize(max(grid.width, grid.height) * grid.resolution / _SEGMENTS)
    outline.Transform(_to_longitude_latitude(grid))
    return _wrapped(outline)


def united(boxes: list[tuple[float, float, float, float]]) -> tuple[float, float, float, float]:
    """Return the box around boxes of (west, south, east, north) in degrees.

    It crosses the antimeridian if one of the boxes does; west is then larger than east.
    """
    crosses = any(west > east for west, _, east, _ in boxes)
    shifted = [[_eastward(value) if crosses else value for value in (west, east)] for west, _, east, _ in boxes]
    west, east = min(west for west, _ in shifted), max(east for _, east in shifted)
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    return west, south, east - 360 if east > 180 else east, north


def _eastward(longitude: float) -> float:
    return longitude + 360 if longitude < 0 else longitude


def _cells_with_data(labels: Path, grid: Grid, factor: int) -> NDArray[np.uint8]:
    """Return (rows, columns) of square cells: 1 where one of a cell's pixels has data."""
    columns = -(-grid.width // factor)
    rows = []
    for _, codes in strips(labels, factor):
        seen = (codes != NO_DATA).any(axis=0)
        padded = np.pad(seen, (0, columns * factor - grid.width))
        rows.append(padded.reshape(columns, factor).any(axis=1))
    return np.array(rows, np.uint8)


def _outline(cells: NDArray[np.uint8], grid: Grid, factor: int) -> ogr.Geometry:
    side = grid.resolution * factor
    image = driver("MEM").Create("", cells.shape[1], cells.shape[0], 1, gdal.GDT_Byte)
    image.SetGeoTransform((grid.left, side, 0, grid.top, 0, -side))
    band = image.GetRasterBand(1)
    band.WriteArray(cells)
    source = vector_driver("Memory").CreateDataSource("")
    layer = source.CreateLayer("cells", grid.spatial_reference, ogr.wkbPolygon)
    gdal.Polygonize(band, band, layer, -1)
    filled = ogr.Geometry(ogr.wkbMultiPolygon)
    for feature in layer:
        polygon = ogr.Geometry(ogr.wkbPolygon)
        polygon.AddGeometry(feature.GetGeometryRef().GetGeometryRef(0))
        filled.AddGeometry(polygon)
    # The last cells may reach beyond the grid. An island in a hole is within the polygon around the hole.
    inside = filled.UnionCascaded().Intersection(_box(*grid.extent))
    simple: ogr.Geometry = inside.SimplifyPreserveTopology(side)
    return simple


def _to_longitude_latitude(grid: Grid) -> osr.CoordinateTransformation:
    target = osr.SpatialReference()
    target.ImportFromEPSG(4326)
    target.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return osr.CoordinateTransformation(grid.spatial_reference, target)


def _wrapped(outline: ogr.Geometry) -> Footprint:
    rings = [_points(part.GetGeometryRef(0)) for part in _polygons(outline)]
    longitudes = [x for ring in rings for x, _ in ring]
    latitudes = [y for ring in rings for _, y in ring]
    # No tile is that wide: its longitudes jump at the antimeridian.
    crosses = max(longitudes) - min(longitudes) > 180
    if crosses:
        rings = [[(_eastward(x), y) for x, y in ring] for ring in rings]
        longitudes = [x for ring in rings for x, _ in ring]
        rings = [*_clipped(rings, 0, 180, 0), *_clipped(rings, 180, 360, -360)]
    polygons = [[_counterclockwise(ring)] for ring in rings]
    geometry = (
        {"type": "Polygon", "coordinates": polygons[0]}
        if len(polygons) == 1
        else {"type": "MultiPolygon", "coordinates": polygons}
    )
    west, south, east, north = min(longitudes), min(latitudes), max(longitudes), max(latitudes)
    if crosses:
        east -= 360
    return Footprint(
        geometry,
        (round(west, _DIGITS), round(south, _DIGITS), round(east, _DIGITS), round(north, _DIGITS)),
    )


Ring = list[tuple[float, float]]


def _clipped(rings: list[Ring], west: float, east: float, shift: float) -> Iterator[Ring]:
    """Yield the parts of polygons without holes between two meridians, shifted in longitude."""
    for ring in rings:
        line = ogr.Geometry(ogr.wkbLinearRing)
        for x, y in ring:
            line.AddPoint_2D(x, y)
        polygon = ogr.Geometry(ogr.wkbPolygon)
        polygon.AddGeometry(line)
        for part in _polygons(polygon.Intersection(_box(west, -90, east, 90))):
            yield [(x + shift, y) for x, y in _points(part.GetGeometryRef(0))]


def _counterclockwise(ring: Ring) -> list[list[float]]:
    doubled = sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in pairwise(ring))
    ordered = ring if doubled > 0 else ring[::-1]
    return [[round(x, _DIGITS), round(y, _DIGITS)] for x, y in ordered]


def _points(ring: ogr.Geometry) -> Ring:
    return [(point[0], point[1]) for point in ring.GetPoints()]


def _polygons(geometry: ogr.Geometry) -> Iterator[ogr.Geometry]:
    if geometry.GetGeometryName() == "POLYGON":
        yield geometry
    else:
        for index in range(geometry.GetGeometryCount()):
            yield from _polygons(geometry.GetGeometryRef(index))


def _box(left: float, bottom: float, right: float, top: float) -> ogr.Geometry:
    wkt = f"POLYGON (({left} {bottom}, {right} {bottom}, {right} {top}, {left} {top}, {left} {bottom}))"
    return ogr.CreateGeometryFromWkt(wkt)
