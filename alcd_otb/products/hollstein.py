"""The labelled pixels of Hollstein et al. (2016), https://doi.org/10.3390/rs8080666: one HDF5 file of many scenes."""

from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import osr

from alcd_otb.errors import EnvironmentNotReadyError, ProductError
from alcd_otb.grid import Grid
from alcd_otb.products.acquisition import acquisition_in
from alcd_otb.products.mask import CIRRUS, CLOUD, INVALID, SHADOW, SNOW, WATER, Meaning, PixelClass
from alcd_otb.products.references import LabelledReference, Pixels
from alcd_otb.products.safe_archive import damaged
from alcd_otb.products.sentinel2_metadata import tile_in

osr.UseExceptions()

PROCESSOR = "Hollstein"

# A shadow may be that of relief as well: the file does not tell.
_MEANS: dict[str, Meaning] = {
    "clear": frozenset(),
    "water": frozenset({WATER}),
    "shadow": frozenset({SHADOW, INVALID}),
    "cirrus": frozenset({CIRRUS, CLOUD, INVALID}),
    "cloud": frozenset({CLOUD, INVALID}),
    "snow": frozenset({SNOW}),
}
_DATASETS = ("classes", "class_ids", "class_names", "product_id", "granule_id", "latitude", "longitude")


def is_hollstein(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in (".h5", ".hdf5")


def read_hollstein(path: Path) -> tuple[LabelledReference, ...]:
    """The scenes of the file, by name; each product and tile is one.

    Raises EnvironmentNotReadyError where h5py is not installed, ProductError where the file is damaged, or a scene's
    names do not tell tile and time.
    """
    content = _datasets(path)
    classes = _classes(path, content)
    names = [f"{_text(product)} {_text(granule)}" for product, granule in zip(*_identifiers(content), strict=True)]
    scenes, scene_of_row = np.unique(np.array(names), return_inverse=True)
    codes = np.asarray(content["classes"]).astype(np.int64)
    strange = sorted(set(codes.tolist()) - {one.code for one in classes})
    if strange:
        raise damaged(path, f"has pixels of class {', '.join(map(str, strange))}, which class_ids lacks")
    references = []
    for index, name in enumerate(scenes.tolist()):
        product, granule = name.split(" ")
        acquisition = acquisition_in(product, tile_in(granule))
        if acquisition is None:
            raise damaged(path, f"product {product}, granule {granule}: the names do not tell tile and time")
        rows = scene_of_row == index
        places = np.stack([np.asarray(content[one])[rows] for one in ("longitude", "latitude")], axis=1)
        locate = partial(_located, places.astype(np.float64), codes[rows].astype(np.uint8))
        references.append(LabelledReference(PROCESSOR, path, acquisition, classes, (path,), locate))
    return tuple(references)


def _datasets(path: Path) -> dict[str, Any]:
    try:
        h5py = import_module("h5py")
    except ImportError as error:
        raise EnvironmentNotReadyError(
            f"{path}: reading HDF5 needs h5py; install Debian's python3-h5py (apt-get install python3-h5py)"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            missing = [name for name in _DATASETS if name not in file]
            if missing:
                raise ProductError(
                    f"{path}: lacks {', '.join(missing)}, so is no file of Hollstein et al.; give "
                    "*_s2_manual_classification_data.h5"
                )
            return {name: file[name][()] for name in _DATASETS}
    except OSError as error:
        raise damaged(path, f"cannot be read as HDF5 ({error})") from error


def _identifiers(content: dict[str, Any]) -> tuple[Any, Any]:
    return np.asarray(content["product_id"]).ravel(), np.asarray(content["granule_id"]).ravel()


def _classes(path: Path, content: dict[str, Any]) -> tuple[PixelClass, ...]:
    classes = []
    for code, raw in zip(content["class_ids"], content["class_names"], strict=True):
        name = _text(raw).strip().lower()
        if name not in _MEANS:
            raise damaged(path, f"class {name!r} is none of {', '.join(_MEANS)}")
        classes.append(PixelClass(int(code), name, _MEANS[name]))
    return tuple(classes)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _located(places: NDArray[np.float64], codes: NDArray[np.uint8], grid: Grid) -> Pixels:
    """places: longitude and latitude in degrees, pixels x 2."""
    geographic = osr.SpatialReference()
    geographic.ImportFromEPSG(4326)
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    transformation = osr.CoordinateTransformation(geographic, grid.spatial_reference)
    points = np.array(transformation.TransformPoints(places.tolist()))
    columns = np.floor((points[:, 0] - grid.left) / grid.resolution).astype(np.int64)
    rows = np.floor((grid.top - points[:, 1]) / grid.resolution).astype(np.int64)
    inside = (rows >= 0) & (rows < grid.height) & (columns >= 0) & (columns < grid.width)
    return rows[inside], columns[inside], codes[inside]
