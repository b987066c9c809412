"""Keep the GeoPackage of the samples open for writing, and notice when other programs change it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alcd_otb.errors import ProcessingError, SampleError
from alcd_otb.files.writing import writing_to
from alcd_otb.label.actions import CORRECTIONS, SAMPLES
from alcd_otb.label.history import History
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GEOPACKAGE, open_vector
from alcd_otb.samples.layers import sample_layers
from alcd_otb.samples.vector_features import (
    POINTS_AND_POLYGONS,
    POLYGONS,
    FeatureSource,
    class_field_of,
    reprojection_of,
)
from alcd_otb.samples.writing import create_empty_samples
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import gdal, ogr, osr

PATIENCE = 1000
"""Milliseconds to wait for another program, such as QGIS, to end its writing."""


class FileBusyError(SampleError):
    """Another program is writing to the file of samples. The action may be sent again."""


@dataclass
class OpenFile:
    """The open GeoPackage.

    Attributes
    ----------
    dataset
        The GeoPackage.
    layers
        The layers ``samples`` and ``corrections``, by these names, whatever they are called in the file.
    sources
        What is known of them, by the same names.
    history
        The table of the actions.
    identity
        Which file it is, whatever its name.
    version
        The version that was read last. Another one means that another program has written to the file.
    """

    dataset: gdal.Dataset
    layers: dict[str, ogr.Layer]
    sources: dict[str, FeatureSource]
    history: History
    identity: tuple[int, int] | None
    version: str = ""

    def is_changed(self) -> bool:
        """Whether another program has written to the file since the last call, or this is the first one."""
        before, self.version = self.version, _version(self.dataset)
        return before != self.version


class SampleFile:
    """The GeoPackage of the samples, opened when it is used, and again when another file has taken its place.

    Parameters
    ----------
    path
        The GeoPackage. An absent one is made, with empty layers.
    legend
        The classes.
    grid
        The scene's grid.

    Raises
    ------
    SampleError
        The file is not a GeoPackage.
    """

    def __init__(self, path: Path, legend: Legend, grid: Grid) -> None:
        if path.suffix.lower() != ".gpkg" or path.is_dir():
            raise SampleError(f"{path}: the page labels in a GeoPackage only; name one as 'samples' in scene.json")
        self.path, self._legend, self._grid = path, legend, grid
        self._handle: OpenFile | None = None

    def close(self) -> None:
        """Close the file, until it is used again."""
        self._handle = None

    @contextmanager
    def opened(self) -> Iterator[OpenFile]:
        """Return the open file, and turn what OGR raises until the block ends into own errors.

        Raises
        ------
        FileBusyError
            Another program is writing to the file.
        SampleError
            The file cannot be used.
        ProcessingError
            The file cannot be written.
        """
        try:
            if self._handle is None or self._handle.identity != _identity(self.path):
                self._handle = None
                self._handle = self._open()
            yield self._handle
        except SampleError as error:
            if "locked" in str(error):
                raise FileBusyError(str(error)) from error
            raise
        except RuntimeError as error:
            self._handle = None
            if "locked" in str(error) or "busy" in str(error):
                raise FileBusyError(f"{self.path}: another program is writing to it ({error})") from error
            reason = " ".join(str(error).split())
            raise ProcessingError(f"{self.path}: cannot be written ({reason}); check the disk") from error

    def _open(self) -> OpenFile:
        if not self.path.exists():
            with writing_to(self.path.parent):
                create_empty_samples(self.path, self._grid)
        names = {layer.corrects: layer.name for layer in sample_layers(self.path, self._legend)}
        identity = _identity(self.path)
        dataset = open_vector(self.path, GEOPACKAGE, update=True)
        dataset.ReleaseResultSet(dataset.ExecuteSQL(f"PRAGMA busy_timeout = {PATIENCE:d}"))
        history = History(dataset)
        samples = dataset.GetLayerByName(names[False]) if names[False] else dataset.GetLayer(0)
        corrections = dataset.GetLayerByName(names[True] or CORRECTIONS) if True in names else None
        if corrections is None:
            corrections = dataset.CreateLayer(CORRECTIONS, self._grid.spatial_reference, ogr.wkbPolygon)
            for name, kind in (("class", ogr.OFTString), ("iteration", ogr.OFTInteger), ("author", ogr.OFTString)):
                corrections.CreateField(ogr.FieldDefn(name, kind))
            corrections.CreateField(ogr.FieldDefn("created", ogr.OFTDateTime))
        layers: dict[str, ogr.Layer] = {SAMPLES: samples, CORRECTIONS: corrections}
        sources: dict[str, FeatureSource] = {name: self._source(name, layer) for name, layer in layers.items()}
        return OpenFile(dataset, layers, sources, history, identity)

    def _source(self, name: str, layer: ogr.Layer) -> FeatureSource:
        subject = f"{self.path}: layer {layer.GetName()!r}"
        fields = [
            layer.GetLayerDefn().GetFieldDefn(index).GetName() for index in range(layer.GetLayerDefn().GetFieldCount())
        ]
        return FeatureSource(
            subject=subject,
            name=f"{self.path.name}:{name}" if name == CORRECTIONS else self.path.name,
            kinds=POLYGONS if name == CORRECTIONS else POINTS_AND_POLYGONS,
            code=None,
            class_field=class_field_of(subject, fields),
            reproject=reprojection_of(subject, spatial_reference_of(layer, self.path).ExportToWkt(), self._grid),
            legend=self._legend,
            grid=self._grid,
        )


def _version(dataset: gdal.Dataset) -> str:
    """Return a value that changes when another connection commits to the file."""
    layer = dataset.ExecuteSQL("PRAGMA data_version")
    try:
        return str(next(iter(layer)).GetField(0))
    finally:
        dataset.ReleaseResultSet(layer)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return which file has a name, or None if there is none."""
    try:
        state = os.stat(path)
    except FileNotFoundError:
        return None
    return state.st_dev, state.st_ino


def spatial_reference_of(layer: ogr.Layer, path: Path) -> osr.SpatialReference:
    """Return the CRS of a layer, x first. Raises SampleError where it has none."""
    reference = layer.GetSpatialRef()
    if reference is None:
        raise SampleError(f"{path}: has no CRS; save it with the one it was drawn in")
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference
