"""Make the input files of both checkouts: once, with the command line of one of them, and with GDAL."""

import importlib
import json
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from checkout import Checkout, Job
from labelling import Truth, add_correction, add_points, write_points
from masks import write_masks
from osgeo import gdal

EPSG = 32631
SIZE = 1098
EXAMPLE = "clouds_surface_reflectance.json"
"""The template for the stacks."""
_SEED = 4
_OPTICAL = {"blue": "B02", "green": "B03", "red": "B04", "nir": "B8A", "swir1": "B11", "swir2": "B12"}
_RESOLUTION = 60
_NOTHING = -10000
_TIME = 1577836800
_FUNCTION = '''"""A feature by a function."""

import numpy as np


def local_range(block, radius):
    """Largest less smallest value in the square around each pixel."""
    side = 2 * radius + 1
    squares = np.lib.stride_tricks.sliding_window_view(block["B08"], (side, side))
    return squares.max(axis=(2, 3)) - squares.min(axis=(2, 3))
'''


@dataclass(frozen=True)
class Inputs:
    """Files that no case changes. original: the work folder of the original ALCD, None if it could not be made."""

    folder: Path
    original: Path | None

    @property
    def demo(self) -> Path:
        return self.folder / "demo" / "demo"

    @property
    def scene(self) -> dict[str, Any]:
        """Return the demo's scene.json, with absolute paths."""
        content: dict[str, Any] = json.loads((self.demo / "scene.json").read_text("utf-8"))
        for key in ("cloudy", "clear", "dem", "samples", "workspace"):
            content[key] = str(self.demo / content[key])
        return content

    @property
    def workspace(self) -> Path:
        """With two iterations."""
        return Path(self.scene["workspace"])

    @property
    def truth(self) -> Truth:
        return Truth.read(self.demo / "truth.tif", self.workspace)

    def finished_scene(self, folder: Path) -> Path:
        """Return scene.json of a copy of the demo's workspace, which is prepared and has iterations."""
        shutil.copytree(self.workspace, folder / "work", symlinks=True)
        return self.write_scene(folder, workspace="work")

    def write_scene(self, folder: Path, **changes: Any) -> Path:
        """Write scene.json of the demo with other values of some keys; None leaves a key out."""
        content = {key: value for key, value in (self.scene | changes).items() if value is not None}
        (folder / "scene.json").write_text(json.dumps(content), "utf-8")
        return folder / "scene.json"


def make_inputs(checkout: Checkout, folder: Path) -> Inputs:
    """Make the inputs. Raises CommandError if the checkout cannot make a demo."""
    job = Job(checkout, folder / "demo")
    job.folder.mkdir(parents=True)
    job.alcd("demo", "demo", "--size", str(SIZE), "--seed", str(_SEED), "--json")
    inputs = Inputs(folder, None)
    label_again(inputs.demo, inputs.workspace, with_correction=True)
    job.alcd("run", "demo/scene.json", "--json")
    _write_stacks(inputs, folder / "stacks")
    shutil.copyfile(checkout.folder / "examples" / EXAMPLE, folder / "stacks" / EXAMPLE)
    write_masks(inputs.demo / "truth.tif", Path(inputs.scene["cloudy"]), folder / "masks")
    _write_other_date(inputs.workspace, folder / "other_date")
    (folder / "functions.py").write_text(_FUNCTION, "utf-8")
    write_points(folder / "points.geojson", inputs.truth.places(12, seed=3), EPSG)
    return Inputs(folder, _write_original(checkout, inputs))


def label_again(demo: Path, workspace: Path, with_correction: bool) -> None:
    """Add samples and a correction to a demo. Its products get one time, which is part of the digest."""
    truth = Truth.read(demo / "truth.tif", workspace)
    places = truth.places(6, seed=1)
    add_points(demo / "samples.gpkg", places)
    if with_correction:
        name, (place, *_) = next(iter(places.items()))
        add_correction(demo / "samples.gpkg", name, place, 300)
    for file in (demo / "dem.tif", *(demo / "L1C").rglob("*")):
        os.utime(file, (_TIME, _TIME))


def _write_stacks(inputs: Inputs, folder: Path) -> None:
    """Write cloudy.tif and clear.tif: six bands of each date as Int16 in steps of 0.0001, with a no-data value."""
    folder.mkdir()
    for date in ("cloudy", "clear"):
        images = {name: next(Path(inputs.scene[date]).rglob(f"*_{band}.jp2")) for name, band in _OPTICAL.items()}
        scaled = [
            gdal.Warp("", str(image), format="MEM", xRes=_RESOLUTION, yRes=_RESOLUTION, resampleAlg="average")
            for image in images.values()
        ]
        first = scaled[0]
        stack = gdal.GetDriverByName("GTiff").Create(
            str(folder / f"{date}.tif"), first.RasterXSize, first.RasterYSize, len(scaled), gdal.GDT_Int16
        )
        stack.SetGeoTransform(first.GetGeoTransform())
        stack.SetProjection(first.GetProjection())
        # That of the baseline since 04.00, which only the cloudy date of a demo is of.
        offset = 1000 if date == "cloudy" else 0
        for number, (name, image) in enumerate(zip(images, scaled, strict=True), start=1):
            stored = image.ReadAsArray().astype(np.int16)
            band = stack.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(_NOTHING)
            band.SetScale(0.0001)
            band.WriteArray(np.where(stored == 0, _NOTHING, stored - offset))
        stack.FlushCache()


def _write_other_date(workspace: Path, target: Path) -> None:
    """Write the workspace with another day and name, so that there are two scenes to export together."""
    shutil.copytree(workspace, target, symlinks=True)
    for file in (target / "config.json", *target.glob("iterations/*/config.json")):
        text = file.read_text("utf-8")
        for before, after in (("2018-03-31", "2018-04-10"), ("20180331", "20180410"), ("synthetic 4", "another day")):
            text = text.replace(before, after)
        file.write_text(text, "utf-8")


def _write_original(checkout: Checkout, inputs: Inputs) -> Path | None:
    """Write a work folder of the original ALCD with a helper of the checkout's tests; None if it has none."""
    helper = checkout.folder / "tests" / "original_alcd_files.py"
    if not helper.is_file():
        return None
    sys.path.append(str(helper.parent))
    written: Path = (
        importlib.import_module(helper.stem)
        .write_alcd(inputs.folder / "original", inputs.truth.places(10, seed=2), l1c=inputs.demo / "L1C")
        .path
    )
    return written
