"""Read the operator's samples and corrections from vector files."""

from pathlib import Path
from typing import Any, NamedTuple

from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import features_of, open_features
from alcd_otb.raster.vector import READING_ERRORS
from alcd_otb.samples.journal import warn_of_lost_journal
from alcd_otb.samples.layers import SampleLayer, sample_layers, unreadable
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.tables import X_NAMES, Y_NAMES, placed_features
from alcd_otb.samples.vector_features import (
    POINTS_AND_POLYGONS,
    POLYGONS,
    FeatureSource,
    class_field_of,
    reprojection_of,
    samples_of_features,
)
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import gdal

# Suffixes of tables, whose columns may be coordinates.
_TABLES = (".csv", ".tsv", ".xlsx", ".xlsm", ".ods")


class _LayerContent(NamedTuple):
    """Features of a layer, its CRS as WKT (empty if it has none), and the names of its fields."""

    features: list[Any]
    crs: str
    fields: list[str]


def read_samples(source: Path, legend: Legend, grid: Grid) -> tuple[Sample, ...]:
    """Read the operator's samples, reprojected to the scene's CRS.

    Each part of a multipart feature is a separate sample.

    Parameters
    ----------
    source
        A vector file, whose points or polygons have a field ``class`` (name or code of the legend). Of
        several layers, besides ``corrections``, it is the layer ``samples``. Or a folder with one vector file for each
        class, named after the class. An empty file there is a class that is not labelled yet.
    legend
        The classes.
    grid
        The scene's grid.

    Raises
    ------
    SampleError
        If a file cannot be read, has no CRS or no class field. Where a feature has no known class, no geometry, is
        neither point nor polygon, or lies outside the grid. Where there is no sample, or only one class. The message
        names file, features and remedy.
    """
    samples = present_samples(source, legend, grid)
    if not samples:
        raise SampleError(f"{source}: holds no sample; label points of at least two classes")
    codes = {sample.code for sample in samples}
    if len(codes) == 1:
        name = legend.with_code(codes.pop()).name
        raise SampleError(f"{source}: every sample is of class {name!r}; label at least one more class")
    return samples


def present_samples(source: Path, legend: Legend, grid: Grid) -> tuple[Sample, ...]:
    """Read the operator's samples as `read_samples` does, also where there are too few to classify from.

    Parameters
    ----------
    source, legend, grid
        As for `read_samples`.

    Raises
    ------
    SampleError
        As `read_samples` does, but for samples that are missing or of one class.
    """
    if not source.exists():
        raise SampleError(f"{source}: does not exist; create it, or correct 'samples' in scene.json")
    samples: list[Sample] = []
    for layer in sample_layers(source, legend):
        if not layer.corrects:
            warn_of_lost_journal(layer.path)
            samples.extend(_read_layer(layer, legend, grid, POINTS_AND_POLYGONS))
    return tuple(samples)


def read_corrections(source: Path, legend: Legend, grid: Grid) -> tuple[Sample, ...]:
    """Read the polygons that the operator has drawn over the map, in the order they were drawn.

    Each part of a multipart polygon is a separate correction.

    Parameters
    ----------
    source
        The file or folder of the samples. The corrections are in the layer ``corrections`` of the file, beside another
        layer, or in the file of that name in the folder. Without either there are no corrections.
    legend
        The classes.
    grid
        The scene's grid.

    Raises
    ------
    SampleError
        If a file cannot be read, or a feature cannot be used, as in `read_samples`.
    """
    if not source.exists():
        return ()
    layers = [layer for layer in sample_layers(source, legend) if layer.corrects]
    return tuple(correction for layer in layers for correction in _read_layer(layer, legend, grid, POLYGONS))


def _read_layer(layer: SampleLayer, legend: Legend, grid: Grid, kinds: tuple[str, ...]) -> list[Sample]:
    path = layer.path
    content = _read_content(layer, grid)
    if not content.features:
        return []
    layer_name = layer.name if layer.corrects else None
    subject = f"{path}: layer {layer_name!r}" if layer_name else f"{path}:"
    source = FeatureSource(
        subject=subject,
        name=f"{path.name}:{layer_name}" if layer_name else path.name,
        kinds=kinds,
        code=layer.code,
        # Evaluated in this order: a missing CRS is reported before a missing field.
        reproject=reprojection_of(subject, content.crs, grid),
        class_field=class_field_of(subject, content.fields) if layer.code is None else None,
        legend=legend,
        grid=grid,
    )
    return samples_of_features(content.features, source)


def _read_content(layer: SampleLayer, grid: Grid) -> _LayerContent:
    options = {"layer": layer.name} if layer.name else {}
    is_table = layer.path.suffix.lower() in _TABLES
    try:
        with open_features(layer.path, **options) as collection:
            crs, fields = collection.crs_wkt or _crs_beside(layer.path), list(collection.schema["properties"])
            is_table = is_table or collection.schema["geometry"] == "None"
            gdal.ErrorReset()
            content = _LayerContent(list(features_of(collection)), crs, fields)
            # Fiona takes a failure for the end of the layer: the other samples would be left out silently. Of a feature
            # without geometry it asks for the type of none.
            failure = gdal.GetLastErrorMsg()
            if gdal.GetLastErrorType() >= gdal.CE_Failure and "Pointer '" not in failure:
                raise OSError(failure)
    except READING_ERRORS as error:
        raise unreadable(layer.path, error) from error
    placed = placed_features(content.features, fields, crs, f"{layer.path}:", grid) if is_table else None
    return content if placed is None else _LayerContent(placed.features, placed.crs, fields)


def _crs_beside(path: Path) -> str:
    """Return the CRS that a .prj file beside a CSV file gives, as WKT. Empty if there is none."""
    if path.suffix.lower() != ".csv" or not path.with_suffix(".prj").is_file():
        return ""
    # GDAL reads it only if it recognises columns as coordinates. It misreads a number with a decimal comma, so that
    # these places are not used.
    options = {"X_POSSIBLE_NAMES": ",".join(X_NAMES), "Y_POSSIBLE_NAMES": ",".join(Y_NAMES)}
    with open_features(path, **options) as collection:
        return str(collection.crs_wkt)
