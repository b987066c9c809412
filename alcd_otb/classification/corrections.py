"""Burn the operator's corrections over the cleaned map, and count the pixels that they change."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alcd_otb.raster.drivers import driver, vector_driver
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import updating
from alcd_otb.samples.sample import Sample, named_features
from alcd_otb.settings.legend import NO_DATA, Legend
from otb_pipelines.process import gdal, ogr

STRIP_ROWS = 256
"""Rows of the map that are read, burnt and written at a time."""


@dataclass(frozen=True)
class Corrections:
    """Numbers of corrections and of corrected pixels, by class code.

    Attributes
    ----------
    polygons
        Polygons that were drawn.
    pixels
        Pixels that the polygons hold; each pixel counts once.
    changed
        Those of the pixels that were of another class.
    warnings
        Messages for the operator, one line each.
    """

    polygons: Mapping[int, int]
    pixels: Mapping[int, int]
    changed: Mapping[int, int]
    warnings: tuple[str, ...]

    def as_json(self, legend: Legend, grid: Grid) -> dict[str, object]:
        """Return the content of ``corrections`` in metrics.json: the sums, and the same by class.

        Parameters
        ----------
        legend
            The classes.
        grid
            The grid of the map.
        """

        def figures(codes: Sequence[int]) -> dict[str, object]:
            pixels = sum(self.pixels.get(code, 0) for code in codes)
            return {
                "polygons": sum(self.polygons[code] for code in codes),
                "pixels": pixels,
                "hectares": round(pixels * grid.pixel_hectares, 4),
                "changed_pixels": sum(self.changed.get(code, 0) for code in codes),
            }

        codes = sorted(self.polygons)
        return {
            **figures(codes),
            "by_class": {legend.with_code(code).name: figures([code]) for code in codes},
        }


def burn(corrections: Sequence[Sample], labels: Path, grid: Grid) -> Corrections:
    """Burn polygons into a map, which is changed in place; where two overlap, the later one wins.

    A pixel is corrected if its centre lies in a polygon. Pixels without data stay as they are: nobody can see
    their class. Only strips that a polygon reaches are read and written.

    Parameters
    ----------
    corrections
        Polygons in the order they were drawn.
    labels
        Raster of class codes on the grid, uint8.
    grid
        The grid of the map.

    Raises
    ------
    ProcessingError
        If the map cannot be written.
    """
    polygons = Counter(polygon.code for polygon in corrections)
    if not corrections:
        return Corrections(polygons, {}, {}, ())
    layer_of_all = numbered(corrections, grid)
    codes = np.array([NO_DATA, *(polygon.code for polygon in corrections)], np.uint8)
    held = np.zeros(codes.size, np.int64)
    changed = np.zeros(codes.size, np.int64)
    with updating(labels) as dataset:
        band = dataset.GetRasterBand(1)
        for row in range(0, grid.height, STRIP_ROWS):
            rows = min(STRIP_ROWS, grid.height - row)
            numbers = rasterised(layer_of_all.layer, grid, row, rows)
            if not numbers.any():
                continue
            before = band.ReadAsArray(0, row, grid.width, rows)
            numbers[before == NO_DATA] = 0
            after = np.where(numbers > 0, codes[numbers], before)
            held += np.bincount(numbers.ravel(), minlength=codes.size)
            changed += np.bincount(numbers[after != before], minlength=codes.size)
            band.WriteArray(after, 0, row)
    return Corrections(
        polygons,
        _by_code(held[1:], codes[1:]),
        _by_code(changed[1:], codes[1:]),
        tuple(_warnings(corrections, held[1:])),
    )


class NumberedPolygons(NamedTuple):
    """A layer in memory, and the data source that it needs as long as it is used."""

    layer: ogr.Layer
    source: ogr.DataSource


def numbered(corrections: Sequence[Sample], grid: Grid) -> NumberedPolygons:
    """Make a layer of polygons, each with its number from 1.

    Parameters
    ----------
    corrections
        Polygons in the order they were drawn.
    grid
        The grid of the map.
    """
    source = vector_driver("Memory").CreateDataSource("")
    layer = source.CreateLayer("corrections", grid.spatial_reference, ogr.wkbPolygon)
    layer.CreateField(ogr.FieldDefn("number", ogr.OFTInteger))
    for number, polygon in enumerate(corrections, start=1):
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(_geometry(polygon))
        feature.SetField(0, number)
        layer.CreateFeature(feature)
    return NumberedPolygons(layer, source)


def rasterised(layer: ogr.Layer, grid: Grid, row: int, rows: int) -> NDArray[np.int32]:
    """Find the number of the last polygon that holds each pixel of a strip of the map.

    Parameters
    ----------
    layer
        The layer that `numbered` makes.
    grid
        The grid of the map.
    row
        First row of the strip.
    rows
        Number of its rows.

    Returns
    -------
    numpy.ndarray
        (rows, columns), 0 outside all polygons.
    """
    strip = driver("MEM").Create("", grid.width, rows, 1, gdal.GDT_Int32)
    top = grid.top - row * grid.resolution
    strip.SetGeoTransform((grid.left, grid.resolution, 0, top, 0, -grid.resolution))
    strip.SetSpatialRef(grid.spatial_reference)
    gdal.RasterizeLayer(strip, [1], layer, options=["ATTRIBUTE=number"])
    numbers: NDArray[np.int32] = strip.ReadAsArray()
    return numbers


def _by_code(counts: NDArray[np.int64], codes: NDArray[np.uint8]) -> dict[int, int]:
    sums = np.bincount(codes, weights=counts, minlength=256)
    return {code: int(sums[code]) for code in sorted(set(codes.tolist()))}


def _warnings(corrections: Sequence[Sample], held: NDArray[np.int64]) -> list[str]:
    warnings = []
    unused = [polygon.feature for polygon, pixels in zip(corrections, held.tolist(), strict=True) if not pixels]
    if unused:
        warnings.append(
            f"corrections without effect ({named_features(unused)}): they lie on no data, are smaller "
            "than a pixel, or lie under a later one: delete or enlarge them"
        )
    crossing = [polygon.feature for polygon in corrections if not _is_simple(polygon)]
    if crossing:
        warnings.append(
            f"corrections whose outlines cross themselves ({named_features(crossing)}): "
            "parts that they enclose twice are not corrected; repair them with the vertex tool"
        )
    return warnings


def _is_simple(correction: Sample) -> bool:
    # GEOS writes to standard error why a polygon is not valid.
    with _quiet():
        return bool(_geometry(correction).IsValid())


def _geometry(correction: Sample) -> ogr.Geometry:
    return ogr.CreateGeometryFromJson(json.dumps(correction.geometry))


@contextmanager
def _quiet() -> Iterator[None]:
    gdal.PushErrorHandler("CPLQuietErrorHandler")
    try:
        yield
    finally:
        gdal.PopErrorHandler()
