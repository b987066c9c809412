"""Write vector files: samples to label in QGIS, and labelled pixels for OTB."""

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

# Name, type and width (0: any) of each field.
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
    """Write a GeoPackage in the scene's CRS, with the layers ``samples`` and ``corrections``, to label in QGIS.

    Both layers have the fields class (name), iteration, author, comment, created. The file appears when it is complete.

    Parameters
    ----------
    path
        The GeoPackage to write.
    samples
        Samples in the scene's CRS.
    legend
        The classes.
    grid
        The scene's grid.
    corrections
        Polygons in the scene's CRS.

    Raises
    ------
    ProcessingError
        If the file exists (labels are never overwritten) or cannot be written.
    """
    write_sample_layers(path, samples, legend, grid.spatial_reference, corrections)


def write_sample_layers(
    path: Path,
    samples: Iterable[Sample],
    legend: Legend,
    reference: osr.SpatialReference,
    corrections: Iterable[Sample] = (),
) -> None:
    """Write samples and corrections as `write_samples` does, in any CRS.

    Parameters
    ----------
    path
        The GeoPackage to write.
    samples, corrections
        Points and polygons in that CRS.
    legend
        The classes.
    reference
        The CRS.

    Raises
    ------
    ProcessingError
        If the file exists or cannot be written.
    """
    listed = list(samples)
    with new_geopackage(path) as source:
        kind = ogr.wkbPoint if all(sample.is_point for sample in listed) else ogr.wkbUnknown
        _fill_layer(source.CreateLayer(LAYER, reference, kind), source, listed, legend)
        drawn = source.CreateLayer(CORRECTIONS, reference, ogr.wkbPolygon)
        _fill_layer(drawn, source, corrections, legend)


def create_empty_samples(path: Path, grid: Grid) -> None:
    """Write the empty layers in which the operator begins to label.

    Parameters
    ----------
    path
        The GeoPackage to write.
    grid
        The scene's grid.

    Raises
    ------
    ProcessingError
        If the file exists or cannot be written.
    """
    write_samples(path, (), Legend(()), grid)


def write_pixels(path: Path, pixels: PixelSet, grid: Grid, field: str = "class") -> None:
    """Write a GeoPackage with one point at each pixel's centre, for OTB's sampling and confusion matrix.

    The points have two integer fields: the class code, and ``sample``, the index of the sample. Equal pixels give equal
    bytes. The file appears when it is complete.

    Parameters
    ----------
    path
        The GeoPackage to write.
    pixels
        The labelled pixels.
    grid
        The grid of the pixels.
    field
        Name of the field of the class code.

    Raises
    ------
    ProcessingError
        If the file exists or cannot be written.
    """
    with new_geopackage(path) as source:
        _fill_pixels(source, pixels, grid, field)


def _fill_layer(layer: ogr.Layer, source: ogr.DataSource, samples: Iterable[Sample], legend: Legend) -> None:
    for name, field_type, width in _FIELDS:
        field = ogr.FieldDefn(name, field_type)
        field.SetWidth(width)
        layer.CreateField(field)
    source.StartTransaction()
    for sample in samples:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromJson(json.dumps(sample.geometry)))
        class_name = legend.with_code(sample.code).name
        values = (class_name, sample.iteration, sample.author, sample.comment, sample.created)
        for index, value in enumerate(values):
            if value not in (None, ""):
                feature.SetField(index, value)
        layer.CreateFeature(feature)
    source.CommitTransaction()


def _fill_pixels(source: ogr.DataSource, pixels: PixelSet, grid: Grid, field: str) -> None:
    # Filling one feature again and again is three times as fast as writing records with Fiona.
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
