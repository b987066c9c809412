"""Find the files and layers that hold the operator's samples and corrections."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from alcd_otb.errors import AlcdError, ProcessingError, SampleError
from alcd_otb.raster.descriptions import UnreadableError
from alcd_otb.raster.opening import layer_names, open_vector
from alcd_otb.raster.vector import READING_ERRORS
from alcd_otb.settings.legend import Legend
from alcd_otb.text import did_you_mean

LAYER = "samples"
"""Layer of samples in a file of several layers."""

CORRECTIONS = "corrections"
"""Layer of corrections in a file of several layers; in a folder, the name of the file of corrections."""

HISTORY = "label_history"
"""Table of a file in which the page to label in remembers its actions."""

# A new file of these has empty sheets.
_SPREADSHEETS = (".xlsx", ".xlsm", ".ods")
# Tables of a GeoPackage in which QGIS keeps styles and projects.
_TABLES_OF_QGIS = ("layer_styles", "qgis_projects")
_BESIDE_VECTORS = re.compile(
    r"\.(cpg|csvt|dat|dbf|gfs|id|idx|ind|map|md|mid|prj|qgs|qgz|qix|qml|qmd|qpj|sbn|sbx|shx|sld|txt|xml|xsd"
    r"|gpkg-journal|gpkg-shm|gpkg-wal)"
)


@dataclass(frozen=True)
class SampleLayer:
    """A layer of samples or of corrections.

    Attributes
    ----------
    path
        The vector file.
    name
        Name of the layer in the file. None for the only layer.
    code
        Class code where the file is named after a class, else None.
    corrects
        Whether the layer holds corrections instead of samples.
    """

    path: Path
    name: str | None = None
    code: int | None = None
    corrects: bool = False


def sample_layers(source: Path, legend: Legend) -> tuple[SampleLayer, ...]:
    """List the layers that hold samples or corrections.

    Parameters
    ----------
    source
        A vector file, or a folder with one vector file for each class.
    legend
        The classes, after which the files of a folder are named.

    Raises
    ------
    SampleError
        If a file of a folder is not named after a class, a file cannot be read, or it is unclear which of its layers
        holds the samples.
    """
    # A file geodatabase is a folder that counts as one file.
    if source.is_dir() and source.suffix.lower() != ".gdb":
        return tuple(_of_folder(source, legend))
    return tuple(_of_file(source))


def holds_samples(path: Path) -> bool:
    """Check whether a vector file holds any feature besides corrections.

    A file that cannot be read counts as holding samples, so that reading it reports the error.
    """
    try:
        dataset = open_vector(path)
        layers = [dataset.GetLayer(index) for index in range(dataset.GetLayerCount())]
        others = (CORRECTIONS, HISTORY)
        return any(layer.GetNextFeature() is not None for layer in layers if layer.GetName() not in others)
    except RuntimeError:
        return True


def known_classes(name: str, legend: Legend) -> str:
    """Complete a message about an unknown class: the most similar class, if any, and all classes.

    Parameters
    ----------
    name
        The unknown name.
    legend
        The classes.
    """
    classes = ", ".join(f"{known.name} ({known.code})" for known in legend.classes)
    return did_you_mean(name, legend.names, f"the classes are {classes}")


def unreadable(path: Path, error: Exception) -> AlcdError:
    """Make the error to raise where Fiona cannot read a file.

    Parameters
    ----------
    path
        The vector file.
    error
        The exception of Fiona or GDAL.
    """
    if re.search(r"I/O error|out of memory|locking protocol|permission denied|unable to open", str(error)):
        return ProcessingError(f"{path}: cannot be read ({error}); check the disk and its locks, and run again")
    if "locked" in str(error):
        return SampleError(
            f"{path}: another program holds it ({error}); save or cancel the edits in QGIS, then run again"
        )
    if isinstance(error, UnreadableError):
        return SampleError(str(error) if str(path) in str(error) else f"{path}: {error}")
    reason = " ".join(str(error).split())
    if not reason:
        return ProcessingError(f"{path}: cannot be read (the disk gives no reason); check the disk, and run again")
    # Messages of libraries about their own variables do not help a user.
    if "not recognized" in reason or "Pointer '" in reason:
        return SampleError(
            f"{path}: cannot be read as a vector file (damaged, or of another format); "
            "give a GeoPackage, shapefile or GeoJSON"
        )
    return SampleError(f"{path}: cannot be read as a vector file ({reason}); put a copy of it in its place")


def _has_rows(path: Path, layer: str) -> bool:
    dataset = open_vector(path)
    return bool(dataset.GetLayerByName(layer).GetFeatureCount())


def _of_folder(folder: Path, legend: Legend) -> Iterator[SampleLayer]:
    corrected: list[str] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or _BESIDE_VECTORS.fullmatch(path.suffix.lower()):
            continue
        if path.stem == CORRECTIONS:
            corrected.append(path.name)
            yield SampleLayer(path, corrects=True)
            continue
        named_class = legend.find(path.stem)
        if named_class is None:
            raise SampleError(f"{path}: is not named after a class{known_classes(path.stem, legend)}")
        yield SampleLayer(path, code=named_class.code)
    if len(corrected) > 1:
        raise SampleError(f"{folder}: has the corrections {', '.join(corrected)}; keep one of them")


def _of_file(path: Path) -> Iterator[SampleLayer]:
    try:
        names = layer_names(path)
    except READING_ERRORS as error:
        raise unreadable(path, error) from error
    names = [name for name in names if name != HISTORY]
    if len(names) == 1 and names[0] != CORRECTIONS:
        yield SampleLayer(path)
        return
    layers = [name for name in names if name not in (CORRECTIONS, *_TABLES_OF_QGIS)]
    if LAYER not in layers and path.suffix.lower() in _SPREADSHEETS:
        layers = [name for name in layers if _has_rows(path, name)] or layers
    if LAYER not in layers and len(layers) != 1:
        raise SampleError(f"{path}: has the layers {', '.join(names)}; name that of the samples {LAYER!r}")
    yield SampleLayer(path, LAYER if LAYER in layers else layers[0])
    if CORRECTIONS in names:
        yield SampleLayer(path, CORRECTIONS, corrects=True)
