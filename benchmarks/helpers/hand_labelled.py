"""Read chips of real pixels that people labelled by hand. The chips are not part of the repository."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

ROOT = Path(__file__).parents[2]
CLOUDS = ROOT / "examples" / "clouds_surface_reflectance.json"
SENTINEL1_WATER = ROOT / "examples" / "water_sentinel1.json"
SENTINEL2_WATER = ROOT / "param_templates" / "water.json"
LANDSAT_BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
SENTINEL2_BANDS = tuple(
    f"B{name}" for name in ["01", "02", "03", "04", "05", "06", "07", "08", "8A", "09", "10", "11", "12"]
)

CLOUD, SHADOW, LAND, WATER = 1, 2, 3, 4
"""Class codes of the template `CLOUDS`."""


@dataclass(frozen=True)
class Chip:
    """An image and the classes that people gave its pixels.

    Attributes
    ----------
    name
        Name of the chip.
    bands
        Names of the image's bands.
    image
        (bands, rows, columns) in the units of the template.
    truth
        (rows, columns) class codes of the template, 0 where the class is unknown.
    resolution
        Side of a pixel in metres.
    template
        File of the template.
    measures
        The score of the benchmark: the accuracy of the two sides, or the F1 score of the positive side.
    changes
        Changes to the template.
    scored
        (rows, columns) where maps are scored. None means everywhere.
    """

    name: str
    bands: tuple[str, ...]
    image: NDArray[np.float32]
    truth: NDArray[np.uint8]
    resolution: int
    template: Path
    measures: str = "accuracy"
    changes: Mapping[str, Any] = field(default_factory=dict)
    scored: NDArray[np.bool_] | None = None


def read_chips(folder: Path) -> dict[str, Callable[[], Chip]]:
    """List the chips of a folder, each with the function that reads it.

    Raises
    ------
    SystemExit
        The folder does not hold the chips.
    """
    if not (folder / "landsat5.npz").is_file():
        raise SystemExit(
            f"{folder}: holds no landsat5.npz; give the folder of the chips, which are not in this repository"
        )
    chips: dict[str, Callable[[], Chip]] = {
        name: lambda name=name: _landsat(folder / f"{name}.npz", {0: SHADOW, 1: WATER, 3: LAND, 4: CLOUD})
        for name in ("landsat5", "landsat7")
    }
    # Thin cloud (5) is scored nowhere, as its labels are the least sure.
    for name in ("Forest_05_0415", "GrassCrops_01_0413"):
        chips[f"l8biome_{name}"] = lambda name=name: _landsat(
            folder / f"l8biome_{name}.npz", {0: SHADOW, 3: LAND, 4: CLOUD}
        )
    chips["l8biome_Urban_03_0619"] = lambda: _landsat(folder / "l8biome_Urban_03_0619.npz", {3: LAND, 4: CLOUD})
    chips["l8biome_Wetlands_01_0416"] = lambda: _wetlands(folder)
    chips["s2cloudcover_3"] = lambda: _sentinel2_clouds(folder / "s2cloudcover_3.tif")
    for file in sorted((folder / "sentinel1_water").glob("*_S1Hand.tif")):
        chips[file.stem.removesuffix("_S1Hand")] = lambda file=file: _sentinel1_water(file)
    for file in sorted((folder / "sentinel2_water").glob("*_S2Hand.tif")):
        chips[file.stem.removesuffix("_S2Hand")] = lambda file=file: _sentinel2_water(file)
    return chips


def _recoded(mask: NDArray[Any], codes: Mapping[int, int]) -> NDArray[np.uint8]:
    truth = np.zeros(mask.shape, np.uint8)
    for theirs, ours in codes.items():
        truth[mask == theirs] = ours
    return truth


def _landsat(file: Path, codes: Mapping[int, int]) -> Chip:
    content = np.load(file)
    mask = content["msk"]
    truth = _recoded(mask[..., 0] if mask.ndim == 3 else mask, codes)
    return Chip(file.stem, LANDSAT_BANDS, np.moveaxis(content["img"], 2, 0), truth, 30, CLOUDS)


def _wetlands(folder: Path) -> Chip:
    """Put a chip without any cloud beside one with clouds and shadows, and score only the chip without clouds."""
    clear = _landsat(folder / "l8biome_Wetlands_01_0416.npz", {3: LAND})
    cloudy = _landsat(folder / "l8biome_Forest_05_0415.npz", {0: SHADOW, 3: LAND, 4: CLOUD})
    scored = np.hstack([np.ones(clear.truth.shape, bool), np.zeros(cloudy.truth.shape, bool)])
    image = np.concatenate([clear.image, cloudy.image], axis=2)
    truth = np.hstack([clear.truth, cloudy.truth])
    return Chip(clear.name, clear.bands, image, truth, 30, CLOUDS, scored=scored)


def _sentinel2_clouds(file: Path) -> Chip:
    image = gdal.Open(str(file)).ReadAsArray().astype(np.float32) / 10000
    label = gdal.Open(str(file.with_name(f"{file.stem}_label.tif"))).ReadAsArray()
    layers = [{"name": name, "expr": name} for name in ("red", "green", "blue")]
    changes = {
        "bands": LANDSAT_BANDS[:4],
        "features": [
            *LANDSAT_BANDS[:4],
            {"name": "NDVI", "expr": "(nir - red) / max(nir + red, 0.01)"},
            {"name": "NDWI", "expr": "(green - nir) / max(green + nir, 0.01)"},
            {"name": "haze", "expr": "blue - 0.5 * red"},
        ],
        "view": {"layers": layers},
    }
    truth = _recoded(label, {0: LAND, 1: CLOUD})
    return Chip(file.stem, LANDSAT_BANDS[:4], image, truth, 10, CLOUDS, changes=changes)


def _sentinel1_water(file: Path) -> Chip:
    image = gdal.Open(str(file)).ReadAsArray()[:2]
    label = gdal.Open(str(file.with_name(file.name.replace("S1Hand", "LabelHand")))).ReadAsArray()
    truth = _recoded(label, {1: 1, 0: 2})
    truth[~np.isfinite(image).all(axis=0)] = 0
    return Chip(file.stem.removesuffix("_S1Hand"), ("VV", "VH"), image, truth, 10, SENTINEL1_WATER, "F1 score")


def _sentinel2_water(file: Path) -> Chip:
    image = gdal.Open(str(file)).ReadAsArray().astype(np.float32) / 10000
    label = gdal.Open(str(file.with_name(file.name.replace("S2Hand", "LabelHand")))).ReadAsArray()
    truth = _recoded(label, {1: 1, 0: 4})
    changes = {"resolution": 10, "margin": 0}
    name = file.stem.removesuffix("_S2Hand")
    return Chip(name, SENTINEL2_BANDS, image, truth, 10, SENTINEL2_WATER, "F1 score", changes)
