"""Write masks as processors could have made of a synthetic scene: its truth, moved and simplified."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal

gdal.UseExceptions()

# Codes of Sen2Cor's scene classification by those of the truth: low and high clouds, shadows, land, water, snow.
_SCENE_CLASSES = {2: 9, 3: 10, 4: 3, 5: 4, 6: 6, 7: 11}
# Bands of Level-1C's classification: codes of opaque clouds, of cirrus, of snow.
_BANDS = ((2,), (3,), (7,))


def write_masks(truth: Path, product: Path, folder: Path) -> None:
    """Write the masks of Sen2Cor, of Level-1C, and a raster of clouds with its table, in L2A, L1C and classified."""
    source = gdal.Open(str(truth))
    codes = source.ReadAsArray()
    _write_scene_classes(np.roll(codes, (3, -2), (0, 1)), source, folder / "L2A" / _named(product, "MSIL2A"))
    _write_level_1c(source, product, folder / "L1C" / product.name)
    clouds = np.isin(np.roll(codes, (-2, 4), (0, 1)), (2, 3)).astype(np.uint8)
    _write_mask(folder / "classified" / f"{product.stem}_clouds.tif", clouds, source)
    table = {
        "processor": "clouds alone",
        "files": "*_clouds.tif",
        "classes": [{"code": 0, "name": "clear"}, {"code": 1, "name": "cloud", "means": ["cloud", "invalid"]}],
    }
    (folder / "classified" / "table.json").write_text(json.dumps(table), "utf-8")


def _named(product: Path, level: str) -> str:
    return product.name.replace("MSIL1C", level)


def _write_scene_classes(codes: Any, like: gdal.Dataset, safe: Path) -> None:
    values = np.zeros_like(codes)
    for code, value in _SCENE_CLASSES.items():
        values[codes == code] = value
    _, _, time, _, _, tile, _ = safe.name.split("_")
    granule = safe / "GRANULE" / f"L2A_{tile}_A014477_{time}"
    _write_mask(granule / "IMG_DATA" / "R20m" / f"{tile}_{time}_SCL_20m.tif", values, like)


def _write_level_1c(truth: gdal.Dataset, product: Path, safe: Path) -> None:
    """Write the metadata and the band B01 of the product, and its mask of 60 m as it is since baseline 04.00."""
    shutil.copytree(product, safe, ignore=lambda _, names: {name for name in names if name.endswith(".jp2")})
    band = next(product.rglob("*_B01.jp2"))
    shutil.copy2(band, safe / band.relative_to(product))
    coarse = gdal.Warp("", truth, format="MEM", xRes=60, yRes=60, resampleAlg="mode")
    codes = coarse.ReadAsArray()
    classes = gdal.GetDriverByName("MEM").Create("", coarse.RasterXSize, coarse.RasterYSize, len(_BANDS))
    classes.SetGeoTransform(coarse.GetGeoTransform())
    classes.SetProjection(coarse.GetProjection())
    for number, those in enumerate(_BANDS, start=1):
        classes.GetRasterBand(number).WriteArray(np.isin(codes, those).astype(np.uint8))
    file = safe / band.relative_to(product).parent.parent / "QI_DATA" / "MSK_CLASSI_B00.jp2"
    file.parent.mkdir()
    gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(file), classes, options=["REVERSIBLE=YES", "QUALITY=100"])


def _write_mask(file: Path, codes: Any, like: gdal.Dataset) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    mask = gdal.GetDriverByName("GTiff").Create(str(file), like.RasterXSize, like.RasterYSize)
    mask.SetGeoTransform(like.GetGeoTransform())
    mask.SetProjection(like.GetProjection())
    mask.WriteArray(codes)
    mask.FlushCache()
