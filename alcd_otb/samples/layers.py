"""Which files and layers hold the operator's samples and corrections."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import fiona

from alcd_otb.errors import SampleError
from alcd_otb.raster.vector import READING_ERRORS
from alcd_otb.settings.legend import Legend
from alcd_otb.text import did_you_mean
from otb_pipelines.process import gdal

LAYER = "samples"
"""Layer of samples in a file of several layers."""

CORRECTIONS = "corrections"
"""Layer of corrections in a file of several layers; in a folder, the file of this name."""


# Tables of a GeoPackage in which QGIS keeps styles and projects.
_TABLES_OF_QGIS = ("layer_styles", "qgis_projects")
_BESIDE_VECTORS = re.compile(
    r"\.(cpg|csvt|dat|dbf|gfs|id|idx|ind|map|md|mid|prj|qgs|qgz|qix|qml|qmd|qpj|sbn|sbx|shx|sld|txt|xml|xsd"
    r"|gpkg-journal|gpkg-shm|gpkg-wal)"
)


@dataclass(frozen=True)
class SampleLayer:
    """name: of the layer in the file, None for its only one. code: of the class where the file is named after it, else
    None. corrects: holds corrections, not samples."""

    path: Path
    name: str | None = None
    code: int | None = None
    corrects: bool = False


def sample_layers(source: Path, legend: Legend) -> tuple[SampleLayer, ...]:
    """The layers of a vector file, or of a folder with a file a class, that hold samples or corrections.

    Raises SampleError where a file is not named after a class, cannot be read, or does not tell which of its layers
    holds the samples.
    """
    # A file geodatabase is a folder that OGR reads as one file.
    if source.is_dir() and source.suffix.lower() != ".gdb":
        return tuple(_of_folder(source, legend))
    return tuple(_of_file(source))


def holds_samples(path: Path) -> bool:
    """Whether a vector file holds any but corrections; one that cannot be read may, and who reads it will tell."""
    try:
        dataset = gdal.OpenEx(str(path), gdal.OF_VECTOR)
    except RuntimeError:
        return True
    layers = [dataset.GetLayer(index) for index in range(dataset.GetLayerCount())]
    return any(layer.GetFeatureCount() for layer in layers if layer.GetName() != CORRECTIONS)


def known_classes(name: str, legend: Legend) -> str:
    """End a message about a name that is no class: with the most similar class, if any, and all classes."""
    classes = ", ".join(f"{known.name} ({known.code})" for known in legend.classes)
    return did_you_mean(name, legend.names, f"the classes are {classes}")


def unreadable(path: Path, error: Exception) -> SampleError:
    """The error to raise for what Fiona says of a file."""
    if "locked" in str(error):
        return SampleError(
            f"{path}: another program holds it ({error}); save or cancel the edits in QGIS, then run again"
        )
    return SampleError(f"{path}: cannot be read as a vector file ({error}); save it anew from QGIS")


def _of_folder(folder: Path, legend: Legend) -> Iterator[SampleLayer]:
    corrected: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or _BESIDE_VECTORS.fullmatch(path.suffix.lower()):
            continue
        if path.stem == CORRECTIONS:
            corrected.append(path.name)
            yield SampleLayer(path, corrects=True)
            continue
        found = legend.find(path.stem)
        if found is None:
            raise SampleError(f"{path}: is not named after a class{known_classes(path.stem, legend)}")
        yield SampleLayer(path, code=found.code)
    if len(corrected) > 1:
        raise SampleError(f"{folder}: has the corrections {', '.join(corrected)}; keep one of them")


def _of_file(path: Path) -> Iterator[SampleLayer]:
    try:
        every = list(fiona.listlayers(path))
    except READING_ERRORS as error:
        raise unreadable(path, error) from error
    if len(every) == 1 and every[0] != CORRECTIONS:
        yield SampleLayer(path)
        return
    layers = [name for name in every if name not in (CORRECTIONS, *_TABLES_OF_QGIS)]
    if LAYER not in layers and len(layers) != 1:
        raise SampleError(f"{path}: has the layers {', '.join(every)}; name that of the samples {LAYER!r}")
    yield SampleLayer(path, LAYER if LAYER in layers else layers[0])
    if CORRECTIONS in every:
        yield SampleLayer(path, CORRECTIONS, corrects=True)
