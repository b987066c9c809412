"""Write the samples of an iteration as the published data set has them: a folder with a vector file for each class."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path

from alcd_otb.errors import ProcessingError
from alcd_otb.export.mapped import plain_name
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.vector import new_geopackage, new_vector_file
from alcd_otb.samples.layers import CORRECTIONS
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import gdal, ogr

_WIDEST = 254
"""Bytes that a text of a shapefile may have."""

_FIELDS = (
    ("class", ogr.OFTInteger, 0),
    ("iteration", ogr.OFTInteger, 0),
    ("author", ogr.OFTString, _WIDEST),
    ("comment", ogr.OFTString, _WIDEST),
    ("created", ogr.OFTString, 40),
)
# The table of a shapefile holds the date of the last change. A fixed date keeps equal contents byte-identical.
_SHAPEFILE_OPTIONS = ["ENCODING=UTF-8", "DBF_DATE_LAST_UPDATE=2000-01-01"]


def write_sample_folder(source: Path, folder: Path, legend: Legend, grid: Grid) -> None:
    """Write a vector file for each class, also for a class without samples, and ``corrections.gpkg`` if there are any.

    A file has the name of the class, or its code if the name cannot be a file's. The files are shapefiles of points;
    a class that also has polygons, or texts too long for a shapefile, gets a GeoPackage.

    Parameters
    ----------
    source
        An iteration's samples.gpkg.
    folder
        The folder to write to.
    legend
        The classes.
    grid
        The grid of the map.

    Raises
    ------
    SampleError
        As `read_samples` raises it.
    ProcessingError
        If a file cannot be written.
    """
    samples = read_samples(source, legend, grid)
    for legend_class in legend.classes:
        of_class = [sample for sample in samples if sample.code == legend_class.code]
        name = legend_class.name
        if plain_name(name) != name or name == CORRECTIONS:
            name = str(legend_class.code)
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
    # GDAL makes the files in memory: on a full disk it misses errors of small files, or crashes.
    folder = Path("/vsimem") / uuid.uuid4().hex
    try:
        with new_vector_file("ESRI Shapefile", folder / path.name) as source:
            _fill(source, path.stem, ogr.wkbPoint, _SHAPEFILE_OPTIONS, samples, grid)
        for name in gdal.ReadDir(str(folder)):
            (path.parent / name).write_bytes(_bytes_in_memory(folder / name))
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ProcessingError(f"{path}: cannot be written ({reason}); check the folder and the space left") from error
    finally:
        for name in gdal.ReadDir(str(folder)) or ():
            gdal.Unlink(str(folder / name))


def _bytes_in_memory(path: Path) -> bytes:
    stream = gdal.VSIFOpenL(str(path), "rb")
    try:
        return bytes(gdal.VSIFReadL(1, gdal.VSIStatL(str(path)).size, stream) or b"")
    finally:
        gdal.VSIFCloseL(stream)


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
