"""Labelled points that a program adds to a file of samples."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from alcd_otb.errors import ProcessingError, SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.layers import LAYER, sample_layers
from alcd_otb.samples.reading import as_samples, class_field_of
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.writing import create_empty_samples
from alcd_otb.settings.legend import Legend
from alcd_otb.workspace import writing_to
from otb_pipelines.process import gdal, ogr, osr

Point = tuple[str | int, float, float]
"""Class (name or code), x, y."""


def add_points(
    path: Path,
    points: Iterable[Point],
    crs: str | None,
    legend: Legend,
    grid: Grid,
    iteration: int,
    author: str,
    comment: str,
) -> None:
    """Append points to the layer of samples of a GeoPackage in one transaction; without the file, it is made.

    crs: of the points, x first; None: the scene's. They are stored in the layer's own CRS. iteration, author, comment:
    of the fields of these names, where the layer has them, beside the time in ``created``.

    Raises SampleError where a point is refused (`sample_files.as_samples`), the file is no GeoPackage or another
    program is writing to it, ProcessingError where it cannot be written. The file then is as it was.
    """
    samples = as_samples(points, crs, legend, grid)
    if path.suffix.lower() != ".gpkg" or path.is_dir():
        raise SampleError(f"{path}: points are added to a GeoPackage only; name one as 'samples' in scene.json")
    if not path.exists():
        with writing_to(path.parent):
            create_empty_samples(path, grid)
    name = next(one.name for one in sample_layers(path, legend) if not one.corrects)
    values: dict[str, str | int] = {
        "iteration": iteration,
        "author": author,
        "comment": comment,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR | gdal.OF_UPDATE, allowed_drivers=["GPKG"])
        dataset.StartTransaction()
        try:
            _append(dataset.GetLayerByName(name) if name else dataset.GetLayer(0), samples, values, path, legend, grid)
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


def _append(
    layer: ogr.Layer, samples: Iterable[Sample], values: dict[str, str | int], path: Path, legend: Legend, grid: Grid
) -> None:
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
