"""Read MAJA's masks in MUSCATE's format (Theia) and in the native one (Earth Explorer).

The bits of the two formats differ. Sources: the order in which MAJA 4 packs the bits (CNES/MAJA, Apache-2.0:
CLDDataBandsSelected of both Sentinel-2 plugins, and their writers), and the format's description,
https://www.cesbio.cnrs.fr/maja.
"""

import re
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.masks.acquisition import acquisition_of
from alcd_otb.masks.mask import (
    CIRRUS,
    CLOUD,
    INVALID,
    NO_DATA,
    SHADOW,
    SNOW,
    WATER,
    Bits,
    Mask,
    common_grid,
    nonzero,
    raster_layer,
)

PROCESSOR = "MAJA"

_CLM = Bits(
    {
        0: (INVALID,),
        1: (CLOUD,),
        2: ("cloud_by_reflectance",),
        3: ("cloud_by_variation",),
        4: ("thinnest_cloud",),
        5: (SHADOW, "shadow_of_cloud_inside"),
        6: (SHADOW, "shadow_of_cloud_outside"),
        7: (CIRRUS,),
    }
)
_CLD = Bits(
    {
        0: (INVALID,),
        1: (CLOUD,),
        2: (SHADOW, "shadow_of_cloud_inside"),
        3: (SHADOW, "shadow_of_cloud_outside"),
        4: ("cloud_by_reflectance",),
        5: ("cloud_by_variation",),
        6: ("thinnest_cloud",),
        7: (CIRRUS,),
    }
)
# Bits 4 and 5 of MG2, relief, are left out: MAJA's writer and the format's description disagree on their order.
_MG2 = Bits({0: (WATER,), 2: (SNOW,), 3: (SHADOW,)})
_MSK = Bits({0: (WATER,), 5: (SNOW,)})
# Bit 0 of the third band of QLT is the edge, 1 and 2 are interpolated aerosols and water vapour.
_QLT_OTHER = Bits({0: (NO_DATA,)})

_MUSCATE = re.compile(r"(?P<id>(?P<satellite>[A-Z0-9-]+)_.+)_CLM_(?P<level>R[12])\.tif", re.ASCII)
_NATIVE = re.compile(r"(?P<id>(?P<satellite>[A-Z0-9]+)_.+)_CLD_(?P<level>R[12])\.DBL\.TIF", re.ASCII)
_SENTINEL = re.compile(r"SENTINEL-?2[A-D]|S2[A-D]", re.ASCII)


def is_maja(path: Path) -> bool:
    """Decide whether a path is a folder with cloud masks of MAJA, or by its name such a mask."""
    if path.is_dir():
        return _cloud_mask_in(path) is not None
    return bool(_MUSCATE.fullmatch(path.name) or _NATIVE.fullmatch(path.name))


def read_maja(path: Path) -> Mask:
    """Read the mask of a product, of 10 m if there is one, otherwise of 20 m.

    Parameters
    ----------
    path
        The product's folder, or the cloud mask with the other files beside it.

    Raises
    ------
    ProductError
        If the product is of another satellite, if the file of the edge (EDG, QLT) is missing, without which no data
        cannot be told from clear ground, or if no name contains tile and time.
    """
    file = _cloud_mask_in(path) if path.is_dir() else path
    if file is None:
        raise ProductError(f"{path}: has no cloud mask of MAJA (*_CLM_R1.tif or *_CLD_R1.DBL.TIF)")
    muscate, native = _MUSCATE.fullmatch(file.name), _NATIVE.fullmatch(file.name)
    match = muscate or native
    if match is None:
        raise ProductError(
            f"{file}: its name does not show MAJA's format, and the bits of both differ; restore its own name, "
            "*_CLM_R1.tif or *_CLD_R1.DBL.TIF"
        )
    if not _SENTINEL.fullmatch(match["satellite"]):
        raise ProductError(f"{file}: is a product of {match['satellite']}, not of Sentinel-2, and its bits may differ")
    if muscate:
        edge, other = (_beside(file, match, kind, ".tif") for kind in ("EDG", "MG2"))
        layers = [raster_layer(file, _CLM.table), raster_layer(edge, nonzero(NO_DATA))]
    else:
        edge, other = (_beside(file, match, kind, ".DBL.TIF") for kind in ("QLT", "MSK"))
        layers = [raster_layer(file, _CLD.table), raster_layer(edge, _QLT_OTHER.table, band=3)]
    files = [file, edge]
    if not edge.is_file():
        raise ProductError(
            f"{edge}: is missing, and without it pixels without data cannot be told from clear ground; "
            "put the product's files together"
        )
    if other.is_file():
        layers.append(raster_layer(other, (_MG2 if muscate else _MSK).table))
        files.append(other)
    acquisition, grid = acquisition_of(file), common_grid(files)
    return Mask(PROCESSOR, path, acquisition, grid, tuple(layers), tuple(files), picture=_picture(file))


def _cloud_mask_in(folder: Path) -> Path | None:
    """Find the finest cloud mask in the folder itself or in MUSCATE's MASKS."""
    files = [*folder.glob("*_CLM_R?.tif"), *folder.glob("MASKS/*_CLM_R?.tif"), *folder.glob("*_CLD_R?.DBL.TIF")]
    files = [file for file in files if is_maja(file)]
    return min(files, key=lambda file: (file.name.partition("_R2.")[1], file.name), default=None)


def _beside(file: Path, match: re.Match[str], kind: str, suffix: str) -> Path:
    return file.with_name(f"{match['id']}_{kind}_{match['level']}{suffix}")


def _picture(mask: Path) -> str | None:
    pictures = [*mask.parent.glob("*_QKL_ALL.jpg"), *mask.parent.parent.glob("*_QKL_ALL.jpg")]
    return str(pictures[0]) if len(pictures) == 1 else None
