"""Vector files of samples written: the layers to label in, and the pixels given to OTB."""

import json
from collections.abc import Iterable
from pathlib import Path

from alcd_otb.raster.grid import Grid
from alcd_otb.raster.vector import new_geopackage
from alcd_otb.samples.layers import CORRECTIONS, LAYER
from alcd_otb.samples.pixels import PixelSet
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import ogr, osr

# Name, type and width (0: any) of each.
_FIELDS = (
    ("class", ogr.OFTString, 40),
    ("iteration", ogr.OFTInteger, 0),
    ("author", ogr.OFTString, 0),
    ("comment", ogr.OFTString, 0),
    ("created", ogr.OFTDateTime, 0),
)


def write_samples(
    path: Path, samples: Iterable[Sample], legend: Legend, grid: Grid, corrections: Iterable[Sample] = ()
) -> None:
    """Write a GeoPackage in the scene's CRS to label in with QGIS: layers ``samples`` and ``corrections``.

    Fields of both: class (name), iteration, author, comment, created. The file appears when it is whole.
    Raises ProcessingError where the file exists (labels are never overwritten) or cannot be written.
    """
    write_sample_layers(path, samples, legend, grid.spatial_reference, corrections)


def write_sample_layers(
    path: Path,
    samples: Iterable[Sample],
    legend: Legend,
    reference: osr.SpatialReference,
    corrections: Iterable[Sample] = (),
) -> None:
    """As write_samples, in any CRS that the samples are in."""
    every = list(samples)
    with new_geopackage(path) as source:
        kind = ogr.wkbPoint if all(one.is_point for one in every) else ogr.wkbUnknown
        _fill_layer(source.CreateLayer(LAYER, reference, kind), source, every, legend)
        drawn = source.CreateLayer(CORRECTIONS, reference, ogr.wkbPolygon)
        _fill_layer(drawn, source, corrections, legend)


def create_empty_samples(path: Path, grid: Grid) -> None:
    """Write the layers that the operator begins to label in. Raises ProcessingError as write_samples does."""
    write_samples(path, (), Legend(()), grid)


def write_pixels(path: Path, pixels: PixelSet, grid: Grid, field: str = "class") -> None:
    """Write one point at each pixel's centre, for OTB's sampling and confusion matrix, as a GeoPackage.

    Integer fields: ``field``, the class code, and ``sample``, the index of the sample. Equal pixels give
    equal bytes. The file appears when it is whole.
    Raises ProcessingError where the file exists or cannot be written.
    """
    with new_geopackage(path) as source:
        _fill_pixels(source, pixels, grid, field)


def _fill_layer(layer: ogr.Layer, source: ogr.DataSource, samples: Iterable[Sample], legend: Legend) -> None:
    for name, field_type, width in _FIELDS:
        field = ogr.FieldDefn(name, field_type)
        field.SetWidth(width)
        layer.CreateField(field)
    source.StartTransaction()
    for one in samples:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromJson(json.dumps(one.geometry)))
        values = (legend.with_code(one.code).name, one.iteration, one.author, one.comment, one.created)
        for index, value in enumerate(values):
            if value not in (None, ""):
                feature.SetField(index, value)
        layer.CreateFeature(feature)
    source.CommitTransaction()


def _fill_pixels(source: ogr.DataSource, pixels: PixelSet, grid: Grid, field: str) -> None:
    # One feature filled again and again is three times as fast as Fiona's records.
    xs = grid.left + (pixels.columns + 0.5) * grid.resolution
    ys = grid.top - (pixels.rows + 0.5) * grid.resolution
    layer = source.CreateLayer("pixels", grid.spatial_reference, ogr.wkbPoint, ["SPATIAL_INDEX=NO"])
    for name in (field, "sample"):
        layer.CreateField(ogr.FieldDefn(name, ogr.OFTInteger))
    feature, point = ogr.Feature(layer.GetLayerDefn()), ogr.Geometry(ogr.wkbPoint)
    source.StartTransaction()
    rows = zip(xs.tolist(), ys.tolist(), pixels.codes.tolist(), pixels.samples.tolist(), strict=True)
    for number, (x, y, code, sample) in enumerate(rows, start=1):
        point.SetPoint_2D(0, x, y)
        feature.SetFID(number)
        feature.SetGeometry(point)
        feature.SetField(0, code)
        feature.SetField(1, sample)
        layer.CreateFeature(feature)
    source.CommitTransaction()
