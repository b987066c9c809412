"""Read the labelled pixels of Hollstein et al. (2016), https://doi.org/10.3390/rs8080666.

One HDF5 file holds the pixels of many scenes.
"""

from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alcd_otb.errors import EnvironmentNotReadyError, ProductError
from alcd_otb.masks.acquisition import acquisition_in
from alcd_otb.masks.labelled_reference import LabelledReference, located_in_degrees
from alcd_otb.masks.mask import CIRRUS, CLOUD, INVALID, SHADOW, SNOW, WATER, Meaning, PixelClass
from alcd_otb.products.refusals import damaged
from alcd_otb.products.sentinel2_metadata import tile_in

PROCESSOR = "Hollstein"

# A shadow may also be that of relief: the file does not distinguish them.
_MEANS: dict[str, Meaning] = {
    "clear": frozenset(),
    "water": frozenset({WATER}),
    "shadow": frozenset({SHADOW, INVALID}),
    "cirrus": frozenset({CIRRUS, CLOUD, INVALID}),
    "cloud": frozenset({CLOUD, INVALID}),
    "snow": frozenset({SNOW}),
}
_ROWS_AT_ONCE = 2**19

_DATASETS = ("classes", "class_ids", "class_names", "product_id", "granule_id", "latitude", "longitude")


def is_hollstein(path: Path) -> bool:
    """Decide by its suffix whether a file is HDF5, the format of the labelled pixels."""
    return path.is_file() and path.suffix.lower() in (".h5", ".hdf5")


def read_hollstein(path: Path) -> tuple[LabelledReference, ...]:
    """Read the scenes of the file.

    Parameters
    ----------
    path
        The HDF5 file.

    Returns
    -------
    tuple of LabelledReference
        One reference for each product and tile, sorted by their names.

    Raises
    ------
    EnvironmentNotReadyError
        If h5py is not installed.
    ProductError
        If the file is damaged, or the names of a scene do not contain tile and time.
    """
    content = _read(path)
    codes = content.classes.astype(np.int64)
    strange = sorted(set(np.unique(codes).tolist()) - {pixel_class.code for pixel_class in content.legend})
    if strange:
        raise damaged(path, f"has pixels of class {', '.join(map(str, strange))}, which class_ids lacks")
    references = []
    for (product, granule), index in sorted(content.scenes.numbers.items()):
        acquisition = acquisition_in(product, tile_in(granule))
        if acquisition is None:
            raise damaged(path, f"product {product}, granule {granule}: the names do not contain tile and time")
        rows = content.scenes.of_row == index
        locate = partial(located_in_degrees, content.places[rows], codes[rows].astype(np.uint8))
        references.append(LabelledReference(PROCESSOR, path, acquisition, content.legend, (path,), locate))
    return tuple(references)


class _Scenes(NamedTuple):
    """The scenes of a file with N labelled pixels.

    Attributes
    ----------
    of_row
        Number of each pixel's scene, (N,).
    numbers
        Number of each scene by product and granule.
    """

    of_row: NDArray[np.int32]
    numbers: dict[tuple[str, str], int]


@dataclass(frozen=True, eq=False)
class _Content:
    """The content of a file with N labelled pixels.

    Attributes
    ----------
    legend
        The classes of the file.
    classes
        Class codes, (N,).
    places
        Longitude and latitude in degrees, (N, 2).
    scenes
        The scene of each pixel.
    """

    legend: tuple[PixelClass, ...]
    classes: NDArray[Any]
    places: NDArray[np.float64]
    scenes: _Scenes


def _read(path: Path) -> _Content:
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
                    f"{path}: lacks {', '.join(missing)}, so it is not a file of Hollstein et al.; give "
                    "*_s2_manual_classification_data.h5"
                )
            return _Content(
                _classes(path, file["class_ids"][()], file["class_names"][()]),
                file["classes"][()].ravel(),
                np.stack([file[name][()].ravel().astype(np.float64) for name in ("longitude", "latitude")], axis=1),
                _scenes(file["product_id"], file["granule_id"]),
            )
    except OSError as error:
        raise damaged(path, f"cannot be read as HDF5 ({error})") from error


def _scenes(products: Any, granules: Any) -> _Scenes:
    """Assign a number to each scene.

    The names are read in parts, since millions of them would fill the memory.
    """
    scenes: dict[tuple[str, str], int] = {}
    scene_of_row = np.empty(products.shape[0], np.int32)
    for start in range(0, len(scene_of_row), _ROWS_AT_ONCE):
        part = slice(start, start + _ROWS_AT_ONCE)
        names = [np.unique(column[part].ravel().astype("S"), return_inverse=True) for column in (products, granules)]
        (first, product_of_row), (second, granule_of_row) = names
        pairs, pair_of_row = np.unique(product_of_row * len(second) + granule_of_row, return_inverse=True)
        numbers = [
            scenes.setdefault((_text(first[pair // len(second)]), _text(second[pair % len(second)])), len(scenes))
            for pair in pairs.tolist()
        ]
        scene_of_row[part] = np.array(numbers, np.int32)[pair_of_row]
    return _Scenes(scene_of_row, scenes)


def _classes(path: Path, codes: Any, names: Any) -> tuple[PixelClass, ...]:
    classes = []
    for code, raw in zip(codes.ravel(), names.ravel(), strict=True):
        name = _text(raw).strip().lower()
        if name not in _MEANS:
            raise damaged(path, f"class {name!r} is not one of {', '.join(_MEANS)}")
        if not 0 <= int(code) <= 255:
            raise damaged(path, f"class {name!r} has the code {code}, where 0 to 255 are possible")
        classes.append(PixelClass(int(code), name, _MEANS[name]))
    return tuple(classes)


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)
