"""Find the pixels that samples claim: those of a square around a point, and those in a polygon."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from alcd_otb.arrays import BoolArray, Float64Array, Int64Array
from alcd_otb.errors import SampleError
from alcd_otb.raster.drivers import driver, vector_driver
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from otb_pipelines.process import gdal, ogr

MOST_POLYGON_PIXELS = 2**22
"""Most pixels of one polygon: a larger one would be a map, not a sample, and would fill the memory."""

_STRIP_PIXELS = 2**20


@dataclass(frozen=True, eq=False)
class Claims:
    """Pixels that samples claim; a pixel may occur many times. All arrays are (claims,).

    Attributes
    ----------
    rows, columns
        Pixels on the scene's grid.
    samples
        Index of the sample that makes the claim.
    distances
        Squared distance, in pixels, from the pixel's centre to the point; 0 for a polygon.
    held
        Whether the pixel contains the point, or its centre lies in the polygon.
    """

    rows: Int64Array
    columns: Int64Array
    samples: Int64Array
    distances: Float64Array
    held: BoolArray


class _PixelRange(NamedTuple):
    """First and end index of the pixels between two places along one axis, one of each for each sample."""

    first: Int64Array
    end: Int64Array


def claims_of(samples: Sequence[Sample], growth: float | Mapping[int, float], grid: Grid) -> Claims:
    """Find the pixels that samples claim.

    The pixels whose centres lie in the square around a point are claimed, its left and top edges excluded, so that the
    count does not depend on where in its pixel a point lies when the side is a whole number of pixels. The pixel that
    contains the point is always claimed. Polygons are not grown: they claim the pixels whose centres lie in them.
    Pixels outside the grid are left out.

    Parameters
    ----------
    samples
        Samples in the scene's CRS.
    growth
        Half side, in metres, of the axis-aligned square around a point: for all classes, or by class code.
    grid
        The scene's grid.

    Raises
    ------
    SampleError
        If a polygon is too large.
    ValueError
        If growth is negative or lacks a class.
    """
    points = [index for index, sample in enumerate(samples) if sample.is_point]
    polygons = [index for index, sample in enumerate(samples) if not sample.is_point]
    half_sides = np.array([_growth_of(samples[index].code, growth) for index in points], dtype=np.float64)
    locations = np.array([samples[index].location for index in points], dtype=np.float64).reshape(-1, 2)
    parts = [
        _point_claims(np.array(points, dtype=np.int64), locations, half_sides, grid),
        *(_polygon_claims(index, samples[index], grid) for index in polygons),
    ]
    return Claims(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.samples for part in parts]),
        np.concatenate([part.distances for part in parts]),
        np.concatenate([part.held for part in parts]),
    )


def _growth_of(code: int, growth: float | Mapping[int, float]) -> float:
    if isinstance(growth, Mapping):
        if code not in growth:
            raise ValueError(f"class {code} has no growth")
        growth = growth[code]
    if not 0 <= growth < float("inf"):
        raise ValueError(f"growth {growth} is not a distance in metres")
    return float(growth)


def _point_claims(indices: Int64Array, locations: Float64Array, half_sides: Float64Array, grid: Grid) -> Claims:
    across = locations[:, 0] - grid.left
    down = grid.top - locations[:, 1]
    column_range = _centres_within(across, half_sides, grid.resolution, grid.width)
    row_range = _centres_within(down, half_sides, grid.resolution, grid.height)
    widths = np.maximum(column_range.end - column_range.first, 0)
    sizes = widths * np.maximum(row_range.end - row_range.first, 0)
    points = np.repeat(np.arange(sizes.size, dtype=np.int64), sizes)
    ranks = np.arange(points.size, dtype=np.int64) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = row_range.first[points] + ranks // widths[points]
    columns = column_range.first[points] + ranks % widths[points]
    distances = (rows + 0.5 - down[points] / grid.resolution) ** 2
    distances += (columns + 0.5 - across[points] / grid.resolution) ** 2
    held = rows == _pixel_of(down, grid.resolution)[points]
    held &= columns == _pixel_of(across, grid.resolution)[points]
    return Claims(rows, columns, indices[points], distances, held)


def _centres_within(offsets: Float64Array, half_sides: Float64Array, resolution: float, size: int) -> _PixelRange:
    """Find, along one axis, the pixels whose centres lie in ]offset - half side, offset + half side].

    The edge rule is the same as that of the pixel that contains a point, which is always among them.
    """
    holding = _pixel_of(offsets, resolution)
    first = _pixel_of(offsets - half_sides - resolution / 2, resolution) + 1
    last = _pixel_of(offsets + half_sides - resolution / 2, resolution)
    first = np.clip(np.minimum(first, holding), 0, size)
    end = np.clip(np.maximum(last, holding) + 1, 0, size)
    return _PixelRange(first, end)


def _pixel_of(offsets: Float64Array, resolution: float) -> Int64Array:
    return np.floor_divide(offsets, resolution).astype(np.int64)


def _polygon_claims(index: int, polygon: Sample, grid: Grid) -> Claims:
    left, bottom, right, top = polygon.extent
    first_column = max(int((left - grid.left) // grid.resolution), 0)
    end_column = min(int((right - grid.left) // grid.resolution) + 1, grid.width)
    first_row = max(int((grid.top - top) // grid.resolution), 0)
    end_row = min(int((grid.top - bottom) // grid.resolution) + 1, grid.height)
    width = end_column - first_column
    strips: list[tuple[Int64Array, Int64Array]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    step = max(_STRIP_PIXELS // max(width, 1), 1)
    count = 0
    for row in range(first_row, end_row if width > 0 else first_row, step):
        mask = _rasterise(polygon.geometry, grid, row, first_column, min(step, end_row - row), width)
        rows, columns = np.nonzero(mask)
        strips.append((rows + row, columns + first_column))
        count += rows.size
        if count > MOST_POLYGON_PIXELS:
            raise SampleError(
                f"{polygon.feature}: covers more than {MOST_POLYGON_PIXELS} pixels; draw smaller polygons"
            )
    rows, columns = (np.concatenate(axis) for axis in zip(*strips, strict=True))
    size = rows.size
    return Claims(rows, columns, np.full(size, index), np.zeros(size), np.ones(size, np.bool_))


def _rasterise(geometry: Mapping[str, Any], grid: Grid, row: int, column: int, height: int, width: int) -> BoolArray:
    window = driver("MEM").Create("", width, height, 1, gdal.GDT_Byte)
    left, top = grid.left + column * grid.resolution, grid.top - row * grid.resolution
    window.SetGeoTransform((left, grid.resolution, 0.0, top, 0.0, -grid.resolution))
    window.SetProjection(grid.spatial_reference.ExportToWkt())
    shape = ogr.Geometry(ogr.wkbPolygon)
    for coordinates in geometry["coordinates"]:
        ring = ogr.Geometry(ogr.wkbLinearRing)
        for x, y in coordinates:
            ring.AddPoint_2D(x, y)
        shape.AddGeometry(ring)
    source = vector_driver("Memory").CreateDataSource("")
    layer = source.CreateLayer("polygon", grid.spatial_reference, ogr.wkbPolygon)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(shape)
    layer.CreateFeature(feature)
    gdal.RasterizeLayer(window, [1], layer, burn_values=[1])
    inside: BoolArray = window.ReadAsArray() == 1
    return inside
