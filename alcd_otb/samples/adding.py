"""Add labelled points that a program provides to a file of samples."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import fiona

from alcd_otb.errors import ProcessingError, SampleError
from alcd_otb.files.writing import writing_to
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GEOPACKAGE, open_vector
from alcd_otb.samples.layers import LAYER, sample_layers
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.vector_features import (
    POINTS,
    FeatureSource,
    class_field_of,
    reprojection_of,
    samples_of_features,
)
from alcd_otb.samples.writing import create_empty_samples
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import ogr, osr

Point = tuple[str | int, float, float]
"""Class (name or code), x, y."""


@dataclass(frozen=True)
class Attribution:
    """Fields of added points with the origin of their labels.

    Attributes
    ----------
    iteration
        Number of the first iteration that can use the points.
    author
        Person or program that labelled them; may be empty.
    comment
        Any text; may be empty.
    """

    iteration: int
    author: str = ""
    comment: str = ""


def add_points(
    path: Path, points: Iterable[Point], crs: str | None, legend: Legend, grid: Grid, attribution: Attribution
) -> None:
    """Append points to the layer of samples of a GeoPackage in one transaction.

    A missing file is created. The points are stored in the layer's own CRS. The fields of the attribution, and the time
    in ``created``, are filled where the layer has these fields.

    Parameters
    ----------
    path
        The GeoPackage.
    points
        Class (name or code), x and y of each point.
    crs
        CRS of x and y, as GDAL names it, x first. None for the scene's CRS.
    legend
        The classes.
    grid
        The scene's grid; all points must lie on it.
    attribution
        Values of the other fields of the points.

    Raises
    ------
    SampleError
        If a point is refused (see `as_samples`), the file is not a GeoPackage, or another
        program is writing to it. The file then is as it was.
    ProcessingError
        If the file cannot be written. The file then is as it was.
    """
    samples = as_samples(points, crs, legend, grid)
    if path.suffix.lower() != ".gpkg" or path.is_dir():
        raise SampleError(f"{path}: points are added to a GeoPackage only; name one as 'samples' in scene.json")
    if not path.exists():
        with writing_to(path.parent):
            create_empty_samples(path, grid)
    name = next(layer.name for layer in sample_layers(path, legend) if not layer.corrects)
    try:
        dataset = open_vector(path, GEOPACKAGE, update=True)
        dataset.StartTransaction()
        try:
            layer = dataset.GetLayerByName(name) if name else dataset.GetLayer(0)
            _append(layer, samples, attribution, path, legend, grid)
            dataset.CommitTransaction()
        except (RuntimeError, SampleError):
            dataset.RollbackTransaction()
            raise
    except RuntimeError as error:
        if "locked" in str(error):
            raise SampleError(
                f"{path}: another program is writing to it ({error}); save the layer there, then add them again"
            ) from error
        raise ProcessingError(f"{path}: cannot be written ({error}); check the folder and the space left") from error


def as_samples(points: Iterable[Point], crs: str | None, legend: Legend, grid: Grid) -> tuple[Sample, ...]:
    """Make samples of points that a program provides; they are checked like those of a file.

    Parameters
    ----------
    points
        Class (name or code), x and y of each point.
    crs
        CRS of x and y, as GDAL names it, x first. None for the scene's CRS.
    legend
        The classes.
    grid
        The scene's grid.

    Returns
    -------
    tuple
        The samples in the scene's CRS.

    Raises
    ------
    SampleError
        If the CRS is unknown, or a point cannot be used. The message names points by their number, from 1.
    """
    subject = "samples to add:"
    features = [
        fiona.Feature(
            geometry=fiona.Geometry(coordinates=(float(x), float(y)), type="Point"),
            id=str(number),
            properties=fiona.Properties(**{"class": name}),
        )
        for number, (name, x, y) in enumerate(points, start=1)
    ]
    reference = osr.SpatialReference()
    try:
        reference.SetFromUserInput(crs or grid.crs)
    except RuntimeError as error:
        raise SampleError(f"{subject} CRS {crs!r} is not known ({error}); name it as in EPSG:4326") from error
    reproject = reprojection_of(subject, reference.ExportToWkt(), grid)
    source = FeatureSource(subject, "added", POINTS, None, "class", reproject, legend, grid)
    return tuple(samples_of_features(features, source))


def _append(
    layer: ogr.Layer, samples: Iterable[Sample], attribution: Attribution, path: Path, legend: Legend, grid: Grid
) -> None:
    values: dict[str, str | int] = {
        "iteration": attribution.iteration,
        "author": attribution.author,
        "comment": attribution.comment,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    definition = layer.GetLayerDefn()
    fields = [definition.GetFieldDefn(index).GetName() for index in range(definition.GetFieldCount())]
    class_field = class_field_of(f"{path}: layer {layer.GetName() or LAYER!r}", fields)
    by_name = definition.GetFieldDefn(fields.index(class_field)).GetType() == ogr.OFTString
    to_layer = osr.CoordinateTransformation(grid.spatial_reference, _reference(layer, path))
    for sample in samples:
        feature = ogr.Feature(definition)
        x, y, _ = to_layer.TransformPoint(*sample.location)
        point = ogr.Geometry(ogr.wkbPoint)
        point.SetPoint_2D(0, x, y)
        feature.SetGeometry(point)
        feature.SetField(class_field, legend.with_code(sample.code).name if by_name else sample.code)
        for field, value in values.items():
            if field in fields and value != "":
                feature.SetField(field, value)
        layer.CreateFeature(feature)


def _reference(layer: ogr.Layer, path: Path) -> osr.SpatialReference:
    reference = layer.GetSpatialRef()
    if reference is None:
        raise SampleError(f"{path}: has no CRS; save it with the one it was drawn in")
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference
