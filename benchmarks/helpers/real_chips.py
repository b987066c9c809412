"""Prepare chips of real pixels that people labelled by hand, to be labelled again by a simulated operator.

A chip is ``NAME.npz`` with ``img`` (rows, columns, 6), reflectance of blue, green, red, NIR, SWIR1 and SWIR2 at 30 m,
and ``msk`` (rows, columns, 1): 0 cloud shadow, 1 water, 3 land, 4 cloud.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from helpers.label_strategies import Prepared
from numpy.typing import NDArray
from osgeo import gdal, osr

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import prepare
from alcd_otb.scene import Scene
from otb_pipelines.settings import Settings

CHIPS = ("landsat5", "landsat7")
BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
TEMPLATE = Path(__file__).parents[2] / "examples" / "clouds_surface_reflectance.json"
RESOLUTION = 30
LEFT, TOP = 600_000, 4_900_020
CODES = {0: 2, 1: 4, 3: 3, 4: 1}
"""The template's codes by those of the masks."""


def prepared_chip(folder: Path, chip: Path, changes: Mapping[str, Any], settings: Settings) -> Prepared:
    """Write a chip as a stack, and prepare it as a scene.

    Parameters
    ----------
    folder
        An empty folder.
    chip
        The file of the chip.
    changes
        Changes to the template of surface reflectance, as ``set`` in scene.json.
    settings
        Memory and threads.
    """
    if not chip.is_file():
        raise SystemExit(f"{chip}: does not exist; give the folder of the chips, which are not part of the repository")
    content = np.load(chip)
    mask = content["msk"][..., 0]
    truth = np.zeros(mask.shape, dtype=np.uint8)
    for theirs, ours in CODES.items():
        truth[mask == theirs] = ours
    write(folder / "stack.tif", np.moveaxis(content["img"], 2, 0), gdal.GDT_Float32)
    write(folder / "truth.tif", truth[None], gdal.GDT_Byte)
    shutil.copyfile(TEMPLATE, folder / "template.json")
    description = {
        "stack": "stack.tif",
        "bands": BANDS,
        "workspace": "work",
        "template": "template.json",
        "set": changes,
    }
    (folder / "scene.json").write_text(json.dumps(description))
    scene = Scene.open(folder / "scene.json", settings)
    inputs, workspace = Inputs.read(scene.config), scene.workspace
    with workspace.locked():
        prepare(inputs, workspace, inputs.fingerprint(), settings)
    valid = (gdal.Open(str(workspace.valid)).ReadAsArray() == 1) & (truth > 0)
    return Prepared(scene.config, inputs.grid, workspace, folder / "truth.tif", truth, valid, valid & inside(truth))


def inside(truth: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Find the pixels whose eight neighbours are of their class."""
    padded = np.pad(truth, 1, mode="edge")
    rows, columns = truth.shape
    alike = np.ones(truth.shape, dtype=np.bool_)
    for down in range(3):
        for right in range(3):
            alike &= padded[down : down + rows, right : right + columns] == truth
    return alike


def write(path: Path, bands: NDArray[Any], kind: int) -> None:
    """Write bands, (bands, rows, columns), on a made-up grid of 30 m."""
    count, rows, columns = bands.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, count, kind, ["TILED=YES"])
    dataset.SetGeoTransform((LEFT, RESOLUTION, 0, TOP, 0, -RESOLUTION))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetSpatialRef(reference)
    for number, pixels in enumerate(bands, start=1):
        dataset.GetRasterBand(number).WriteArray(pixels)
    dataset.FlushCache()
