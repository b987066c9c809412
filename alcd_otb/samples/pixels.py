"""The pixels that samples stand for: grown points, rasterised polygons, and whose a pixel is."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import BoolArray, Int64Array
from alcd_otb.errors import ProductError, SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.template import Template
from otb_pipelines.process import gdal, ogr

logger = logging.getLogger(__name__)

MOST_POLYGON_PIXELS = 2**22
"""Most pixels of one polygon: a larger one would be a map, not a sample, and would fill the memory."""

_STRIP_PIXELS = 2**20
_VALIDATION = 256
_NEVER = 2**30


@dataclass(frozen=True, eq=False)
class PixelSet:
    """Labelled pixels, each once, sorted by row and column. Four arrays of one length.

    rows, columns: int64, on the scene's grid.
    codes: uint8, class code of the legend.
    samples: int64, index of the sample that the pixel comes from, in the tuple that was grown.
    """

    rows: Int64Array
    columns: Int64Array
    codes: NDArray[np.uint8]
    samples: Int64Array

    def __len__(self) -> int:
        return int(self.rows.size)

    @property
    def counts(self) -> dict[int, int]:
        """Pixels of each class code that occurs."""
        codes, counts = np.unique(self.codes, return_counts=True)
        return dict(zip(codes.tolist(), counts.tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class _Claims:
    """Pixels that samples lay claim to; a pixel may occur many times.

    distances: squared, in pixels, from the pixel's centre to the point; 0 for a polygon.
    held: the pixel contains the point, or its centre lies in the polygon.
    """

    rows: Int64Array
    columns: Int64Array
    samples: Int64Array
    distances: NDArray[np.float64]
    held: BoolArray


def grow(
    training: Sequence[Sample],
    validation: Sequence[Sample],
    growth: float | Mapping[int, float],
    grid: Grid,
    valid: Path,
) -> tuple[PixelSet, PixelSet]:
    """The pixels of the (training, validation) samples; no pixel is in both, and none has two classes.

    growth: half side in metres of the axis-aligned square around a point, for all classes or by class code;
    the pixels whose centres lie in the square are claimed, its left and top edges excluded, so that the count
    does not depend on where in its pixel a point lies when the side is a whole number of pixels. The pixel
    that contains the point is always claimed. Polygons are not grown: they claim the pixels whose centres lie
    in them.
    valid: raster on the grid, 1 where a pixel may be used.

    A sample *holds* the pixel that contains it, or those whose centres lie in it: there the operator has said
    what the class is, while the rest of a square is only likely to be of it. So:

    1. a pixel claimed by one set and one class belongs to them;
    2. a pixel claimed by several belongs to those that hold it, if these are of one set and one class;
    3. any other pixel is ambiguous, or would be trained on and validated with at once: it belongs to nobody;
    4. a validation pixel that only growth has won, and that touches a training pixel (8 neighbours), is left
       out: neighbours are alike, and would flatter the map.

    A pixel within reach of several samples of its class and set comes from one that holds it, else from the
    nearest, else from the first.

    Raises SampleError where fewer than two classes keep training pixels or a polygon is too large,
    ProductError where valid does not fit the grid, ValueError where growth is negative or lacks a class. Logs
    a warning for each class that loses all its training pixels, or all its validation pixels.
    """
    samples = (*training, *validation)
    claims = _claims(samples, growth, grid)
    codes = np.array([sample.code for sample in samples], dtype=np.int64)
    owners = codes[claims.samples] + _VALIDATION * (claims.samples >= len(training))

    keys = claims.rows * grid.width + claims.columns
    order = np.lexsort((claims.samples, claims.distances, ~claims.held, keys))
    pixels, pixel_of_sorted = np.unique(keys[order], return_inverse=True)
    usable = valid_at(valid, grid, pixels // grid.width, pixels % grid.width)
    winners = np.where(usable, _winners(pixel_of_sorted, owners[order], claims.held[order]), -1)

    won = order[owners[order] == winners[pixel_of_sorted]]
    won = won[np.unique(keys[won], return_index=True)[1]]
    in_training = owners[won] < _VALIDATION
    trained, tested = won[in_training], won[~in_training]
    tested = tested[claims.held[tested] | ~_touching(keys[tested], keys[trained], grid)]

    training_pixels = _pixels_of(claims, trained, codes)
    validation_pixels = _pixels_of(claims, tested, codes, first=len(training))
    _check_classes_left(training, validation, training_pixels, validation_pixels)
    return training_pixels, validation_pixels


def drawn_pixels(
    training: Sequence[Sample], validation: Sequence[Sample], template: Template, grid: Grid, valid: Path
) -> tuple[PixelSet, PixelSet]:
    """The pixels of the (training, validation) samples by a template's settings: as `grow`, the former thinned."""
    trained, validated = grow(training, validation, template.growth, grid, valid)
    return thinned(trained, template.samples.most_pixels_per_class, template.samples.seed), validated


def thinned(pixels: PixelSet, most: int, seed: int) -> PixelSet:
    """At most so many pixels of each class, drawn at random by the seed."""
    order = np.random.default_rng(seed).permutation(len(pixels))
    drawn = [order[pixels.codes[order] == code][:most] for code in np.unique(pixels.codes)]
    chosen = np.sort(np.concatenate(drawn)) if drawn else order
    return PixelSet(pixels.rows[chosen], pixels.columns[chosen], pixels.codes[chosen], pixels.samples[chosen])


def held_pixels(samples: Sequence[Sample], grid: Grid) -> tuple[Int64Array, Int64Array, Int64Array]:
    """(rows, columns, sample indices) of the pixels that contain a point or whose centres lie in a polygon.

    Pixels outside the grid are left out; a pixel held by several samples occurs several times.
    Raises SampleError where a polygon is too large.
    """
    claims = _claims(samples, 0.0, grid)
    return claims.rows, claims.columns, claims.samples


def valid_at(valid: Path, grid: Grid, rows: Int64Array, columns: Int64Array) -> BoolArray:
    """Whether each pixel of the grid is 1 in the raster ``valid``.

    Raises ProcessingError where the raster cannot be read, ProductError where it lies on another grid.
    """
    if Grid.of(str(valid)) != grid:
        raise ProductError(f"{valid}: is not on the scene's grid; delete it and run again")
    usable: BoolArray = values_at(valid, rows, columns)[:, 0] == 1
    return usable


def _claims(samples: Sequence[Sample], growth: float | Mapping[int, float], grid: Grid) -> _Claims:
    points = [index for index, sample in enumerate(samples) if sample.is_point]
    polygons = [index for index, sample in enumerate(samples) if not sample.is_point]
    half_sides = np.array([_growth_of(samples[index].code, growth) for index in points], dtype=np.float64)
    locations = np.array([samples[index].location for index in points], dtype=np.float64).reshape(-1, 2)
    parts = [
        _point_claims(np.array(points, dtype=np.int64), locations, half_sides, grid),
        *(_polygon_claims(index, samples[index], grid) for index in polygons),
    ]
    return _Claims(
        np.concatenate([part.rows for part in parts]),
        np.concatenate([part.columns for part in parts]),
        np.concatenate([part.samples for part in parts]),
        np.concatenate([part.distances for part in parts]),
        np.concatenate([part.held for part in parts]),
    )


def _growth_of(code: int, growth: float | Mapping[int, float]) -> float:
    if isinstance(growth, Mapping):
        if code not in growth:
            raise ValueError(f"no growth is given for class {code}")
        growth = growth[code]
    if not 0 <= growth < float("inf"):
        raise ValueError(f"growth {growth} is not a distance in metres")
    return float(growth)


def _point_claims(
    indices: Int64Array, locations: NDArray[np.float64], half_sides: NDArray[np.float64], grid: Grid
) -> _Claims:
    across = locations[:, 0] - grid.left
    down = grid.top - locations[:, 1]
    first_column, end_column = _centres_within(across, half_sides, grid.resolution, grid.width)
    first_row, end_row = _centres_within(down, half_sides, grid.resolution, grid.height)
    widths = np.maximum(end_column - first_column, 0)
    sizes = widths * np.maximum(end_row - first_row, 0)
    points = np.repeat(np.arange(sizes.size, dtype=np.int64), sizes)
    ranks = np.arange(points.size, dtype=np.int64) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    rows = first_row[points] + ranks // widths[points]
    columns = first_column[points] + ranks % widths[points]
    distances = (rows + 0.5 - down[points] / grid.resolution) ** 2
    distances += (columns + 0.5 - across[points] / grid.resolution) ** 2
    held = rows == _pixel_of(down, grid.resolution)[points]
    held &= columns == _pixel_of(across, grid.resolution)[points]
    return _Claims(rows, columns, indices[points], distances, held)


def _centres_within(
    offsets: NDArray[np.float64], half_sides: NDArray[np.float64], resolution: float, size: int
) -> tuple[Int64Array, Int64Array]:
    """First and end index, along one axis, of the pixels whose centres lie in ]offset - half, offset + half].

    The same edge rule as that of the pixel that contains a point, which is always among them.
    """
    holding = _pixel_of(offsets, resolution)
    first = _pixel_of(offsets - half_sides - resolution / 2, resolution) + 1
    last = _pixel_of(offsets + half_sides - resolution / 2, resolution)
    first = np.clip(np.minimum(first, holding), 0, size)
    end = np.clip(np.maximum(last, holding) + 1, 0, size)
    return first, end


def _pixel_of(offsets: NDArray[np.float64], resolution: float) -> Int64Array:
    return np.floor_divide(offsets, resolution).astype(np.int64)


def _polygon_claims(index: int, polygon: Sample, grid: Grid) -> _Claims:
    left, bottom, right, top = polygon.extent
    first_column = max(int((left - grid.left) // grid.resolution), 0)
    end_column = min(int((right - grid.left) // grid.resolution) + 1, grid.width)
    first_row = max(int((grid.top - top) // grid.resolution), 0)
    end_row = min(int((grid.top - bottom) // grid.resolution) + 1, grid.height)
    width = end_column - first_column
    found: list[tuple[Int64Array, Int64Array]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    step = max(_STRIP_PIXELS // max(width, 1), 1)
    count = 0
    for row in range(first_row, end_row if width > 0 else first_row, step):
        mask = _rasterise(polygon.geometry, grid, row, first_column, min(step, end_row - row), width)
        rows, columns = np.nonzero(mask)
        found.append((rows + row, columns + first_column))
        count += rows.size
        if count > MOST_POLYGON_PIXELS:
            raise SampleError(
                f"{polygon.feature}: covers more than {MOST_POLYGON_PIXELS} pixels; draw smaller polygons"
            )
    rows, columns = (np.concatenate(axis) for axis in zip(*found, strict=True))
    size = rows.size
    return _Claims(rows, columns, np.full(size, index), np.zeros(size), np.ones(size, np.bool_))


def _rasterise(geometry: Mapping[str, Any], grid: Grid, row: int, column: int, height: int, width: int) -> BoolArray:
    window = gdal.GetDriverByName("MEM").Create("", width, height, 1, gdal.GDT_Byte)
    left, top = grid.left + column * grid.resolution, grid.top - row * grid.resolution
    window.SetGeoTransform((left, grid.resolution, 0.0, top, 0.0, -grid.resolution))
    window.SetProjection(grid.spatial_reference.ExportToWkt())
    shape = ogr.Geometry(ogr.wkbPolygon)
    for coordinates in geometry["coordinates"]:
        ring = ogr.Geometry(ogr.wkbLinearRing)
        for x, y in coordinates:
            ring.AddPoint_2D(x, y)
        shape.AddGeometry(ring)
    source = ogr.GetDriverByName("Memory").CreateDataSource("")
    layer = source.CreateLayer("polygon", grid.spatial_reference, ogr.wkbPolygon)
    feature = ogr.Feature(layer.GetLayerDefn())
    feature.SetGeometry(shape)
    layer.CreateFeature(feature)
    gdal.RasterizeLayer(window, [1], layer, burn_values=[1])
    inside: BoolArray = window.ReadAsArray() == 1
    return inside


def _winners(pixels: Int64Array, owners: Int64Array, held: BoolArray) -> Int64Array:
    """The owner of each pixel, or -1. pixels: ascending numbers from 0 without a gap, one for each claim."""
    if not pixels.size:
        return np.empty(0, dtype=np.int64)
    starts = np.flatnonzero(np.diff(pixels, prepend=-1))
    lowest, highest = np.minimum.reduceat(owners, starts), np.maximum.reduceat(owners, starts)
    lowest_held = np.minimum.reduceat(np.where(held, owners, _NEVER), starts)
    highest_held = np.maximum.reduceat(np.where(held, owners, -1), starts)
    by_holding = np.where(lowest_held == highest_held, lowest_held, -1)
    return np.where(lowest == highest, lowest, by_holding)


def _pixels_of(claims: _Claims, chosen: Int64Array, codes: Int64Array, first: int = 0) -> PixelSet:
    samples = claims.samples[chosen]
    return PixelSet(claims.rows[chosen], claims.columns[chosen], codes[samples].astype(np.uint8), samples - first)


def _touching(pixels: Int64Array, others: Int64Array, grid: Grid) -> BoolArray:
    """Which pixels have one of the others among their 8 neighbours. Both as row * width + column."""
    rows, columns = others // grid.width, others % grid.width
    result = np.zeros(pixels.size, dtype=np.bool_)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            inside = (columns + right >= 0) & (columns + right < grid.width)
            neighbours = (rows[inside] + down) * grid.width + columns[inside] + right
            result |= np.isin(pixels, neighbours, assume_unique=True)
    return result


def _check_classes_left(
    training: Sequence[Sample], validation: Sequence[Sample], trained: PixelSet, tested: PixelSet
) -> None:
    for purpose, samples, pixels in (("training", training, trained), ("validation", validation, tested)):
        for code in sorted({sample.code for sample in samples} - set(pixels.counts)):
            logger.warning(
                "class %d keeps no %s pixel: all are no data or claimed by other samples; add some elsewhere",
                code,
                purpose,
            )
    if len(trained.counts) < 2:
        raise SampleError(
            f"{len(trained.counts)} of at least 2 classes can be trained on: all other pixels are no data or "
            "claimed by several samples; add samples on valid data, away from those of other classes"
        )
