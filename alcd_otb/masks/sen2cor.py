"""Read Sen2Cor's scene classification (SCL) of ESA's Level-2A products."""

import re
from pathlib import Path

from alcd_otb.masks.acquisition import acquisition_of, acquisition_of_granule
from alcd_otb.masks.mask import (
    CIRRUS,
    CLOUD,
    INVALID,
    NO_DATA,
    SHADOW,
    SNOW,
    WATER,
    Mask,
    PixelClass,
    raster_layer,
    table_of,
)
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS

PROCESSOR = "Sen2Cor"

# Which classes count as invalid is table 4 of Baetens et al. (2019).
_CLASSES = (
    PixelClass(0, NO_DATA, frozenset()),
    PixelClass(1, "saturated_or_defective", frozenset({NO_DATA})),
    PixelClass(2, "dark_area", frozenset(), "#2f2f2f"),
    PixelClass(3, "cloud_shadows", frozenset({SHADOW, INVALID}), "#643200"),
    PixelClass(4, "vegetation", frozenset(), "#00a000"),
    PixelClass(5, "not_vegetated", frozenset(), "#ffe65a"),
    PixelClass(6, "water", frozenset({WATER}), "#0000ff"),
    PixelClass(7, "unclassified", frozenset(), "#808080"),
    PixelClass(8, "cloud_medium_probability", frozenset({CLOUD, INVALID}), "#c0c0c0"),
    PixelClass(9, "cloud_high_probability", frozenset({CLOUD, INVALID}), "#ffffff"),
    PixelClass(10, "thin_cirrus", frozenset({CLOUD, CIRRUS, INVALID}), "#64c8ff"),
    PixelClass(11, "snow_or_ice", frozenset({SNOW}), "#ff96ff"),
)
_FILE = re.compile(r"(?:.*_)?SCL(?:_\w+)?\.(?:jp2|tif|tiff)", re.ASCII | re.IGNORECASE)


def is_classification(path: Path) -> bool:
    """Decide whether a path is a granule of a Level-2A product, or by its name an SCL file."""
    if path.is_dir():
        return (path / "IMG_DATA").is_dir() and bool(_files(path))
    return _FILE.fullmatch(path.name) is not None


def read_classification(path: Path) -> Mask:
    """Read a scene classification.

    Parameters
    ----------
    path
        A granule's folder, of which the SCL of 20 m is read, or of 60 m if there is none; or an SCL file.

    Raises
    ------
    ProductError
        If the file cannot be read, or neither metadata nor names contain tile and time.
    """
    if path.is_dir():
        file, acquisition = _files(path)[0], acquisition_of_granule(path)
    else:
        file, acquisition = path, acquisition_of(path)
    layer = raster_layer(file, table_of(_CLASSES))
    return Mask(PROCESSOR, path, acquisition, Grid.of(file, GIVEN_RASTERS), (layer,), (file,), _CLASSES)


def _files(granule: Path) -> list[Path]:
    """List the SCL files of a granule, finest first, wherever this version of Sen2Cor has put them."""
    files = [file for file in (granule / "IMG_DATA").rglob("*SCL*.jp2") if _FILE.fullmatch(file.name)]
    return sorted(files, key=lambda file: (_resolution(file), file))


def _resolution(file: Path) -> int:
    match = re.search(r"_(\d+)m\.jp2$", file.name)
    return int(match[1]) if match else 1000
