"""The samples of an iteration as a folder with one vector file a class, as the published data set has them."""

import json
from collections.abc import Sequence
from pathlib import Path

from alcd_otb.errors import ProcessingError
from alcd_otb.export.mapped import plain_name
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.vector import new_geopackage
from alcd_otb.samples.layers import CORRECTIONS
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import ogr

# What a text of a shapefile may hold, in bytes.
_WIDEST = 254
_FIELDS = (
    ("class", ogr.OFTInteger, 0),
    ("iteration", ogr.OFTInteger, 0),
    ("author", ogr.OFTString, _WIDEST),
    ("comment", ogr.OFTString, _WIDEST),
    ("created", ogr.OFTString, 40),
)
# The date of the last change, which a shapefile's table holds; a fixed one keeps equal contents byte-identical.
_SHAPEFILE_OPTIONS = ["ENCODING=UTF-8", "DBF_DATE_LAST_UPDATE=2000-01-01"]


def write_sample_folder(source: Path, folder: Path, legend: Legend, grid: Grid) -> None:
    """Write a file a class, an empty one for a class without samples, and ``corrections.gpkg`` where there are any.

    A file has the class's name, or its code where the name is none for files. They are shapefiles of points; a
    GeoPackage for a class that also has polygons, or texts too long for a shapefile.
    source: an iteration's samples.gpkg. Raises SampleError as read_samples does, ProcessingError where a file cannot be
    written.
    """
    samples = read_samples(source, legend, grid)
    for one in legend.classes:
        of_class = [sample for sample in samples if sample.code == one.code]
        name = one.name if plain_name(one.name) == one.name != CORRECTIONS else str(one.code)
        if all(map(_fits_shapefile, of_class)):
            _write_shapefile(folder / f"{name}.shp", of_class, grid)
        else:
            with new_geopackage(folder / f"{name}.gpkg") as geopackage:
                _fill(geopackage, name, ogr.wkbUnknown, [], of_class, grid)
    corrections = read_corrections(source, legend, grid)
    if corrections:
        with new_geopackage(folder / f"{CORRECTIONS}.gpkg") as geopackage:
            _fill(geopackage, CORRECTIONS, ogr.wkbPolygon, [], corrections, grid)


def _fits_shapefile(sample: Sample) -> bool:
    return sample.is_point and all(len(text.encode()) <= _WIDEST for text in (sample.author, sample.comment))


def _write_shapefile(path: Path, samples: Sequence[Sample], grid: Grid) -> None:
    try:
        source = ogr.GetDriverByName("ESRI Shapefile").CreateDataSource(str(path))
        _fill(source, path.stem, ogr.wkbPoint, _SHAPEFILE_OPTIONS, samples, grid)
        source.Destroy()
    except RuntimeError as error:
        raise ProcessingError(f"{path}: cannot be written ({error}); check the folder and the space left") from error


def _fill(
    source: ogr.DataSource, name: str, kind: int, options: list[str], samples: Sequence[Sample], grid: Grid
) -> None:
    layer = source.CreateLayer(name, grid.spatial_reference, kind, options)
    for field_name, field_type, width in _FIELDS:
        field = ogr.FieldDefn(field_name, field_type)
        field.SetWidth(width)
        layer.CreateField(field)
    for sample in samples:
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromJson(json.dumps(sample.geometry)))
        values = (sample.code, sample.iteration, sample.author, sample.comment, sample.created)
        for index, value in enumerate(values):
            if value not in (None, ""):
                feature.SetField(index, value)
        layer.CreateFeature(feature)
