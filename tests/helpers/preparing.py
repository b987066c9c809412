"""Write products of a test's own pixels, and prepare them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from osgeo import gdal
from sentinel2_files import BANDS, LEFT, METRES, NATIVE, TOP, write_compact

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import prepare
from alcd_otb.settings.scene_file import SceneConfig, load_scene
from alcd_otb.workspace import Workspace
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=128, threads=2)
CLOUDY, CLEAR = "20240305T104819", "20240320T104819"
RESOLUTION = dict(zip(BANDS, NATIVE, strict=True))

Pixels = npt.NDArray[Any]


def side_of(band: str, metres: int = METRES) -> int:
    """Return the side of a band in its own pixels."""
    return metres // RESOLUTION[band]


def write_product(
    parent: Path,
    pixels: Mapping[str, Pixels],
    *,
    sensed: str = CLOUDY,
    offset: int = -1000,
    metres: int = METRES,
    lossless: bool = True,
) -> Path:
    """Write a .SAFE folder with bands, each an array of DN (rows, columns) on the band's own grid."""
    baseline, offsets = ("05.10", (offset,) * 13) if offset else ("02.06", None)
    safe = write_compact(parent, sensed=sensed, bands=pixels, baseline=baseline, offsets=offsets, metres=metres)
    for band, array in pixels.items():
        (file,) = safe.glob(f"GRANULE/*/IMG_DATA/*_{band}.jp2")
        write_jp2(file, array, RESOLUTION[band], lossless=lossless)
    return safe


def write_jp2(
    file: Path, array: Pixels, resolution: int, *, lossless: bool = True, levels: int | None = None, quality: int = 20
) -> None:
    """Write an array (rows, columns) as JPEG 2000.

    levels are those of the wavelet, with the full resolution. quality is the percentage that the lossy transform keeps.
    """
    rows, columns = array.shape
    image = gdal.GetDriverByName("MEM").Create("", columns, rows, 1, gdal.GDT_UInt16)
    image.SetGeoTransform((LEFT, resolution, 0, TOP, 0, -resolution))
    image.SetProjection("EPSG:32631")
    image.GetRasterBand(1).WriteArray(array.astype(np.uint16))
    options = ["REVERSIBLE=YES", "QUALITY=100"] if lossless else ["REVERSIBLE=NO", f"QUALITY={quality}"]
    options += [f"RESOLUTIONS={levels}"] if levels else []
    gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(file), image, options=options)


def write_scene(
    folder: Path, cloudy: Path, clear: Path | list[Path] | None = None, dem: Path | None = None, **settings: Any
) -> Path:
    """Write scene.json with a workspace ``work`` beside it.

    settings are what the scene sets, and ``template``.
    """
    paths = [str(path) for path in clear] if isinstance(clear, list) else clear and str(clear)
    scene = {
        "cloudy": str(cloudy),
        "workspace": "work",
        "template": settings.pop("template", "clouds"),
        "set": settings,
    }
    scene |= {key: path for key, path in (("clear", paths), ("dem", dem and str(dem))) if path}
    file = folder / "scene.json"
    file.write_text(json.dumps(scene), encoding="utf-8")
    return file


def prepared(scene: Path, settings: Settings = SETTINGS) -> Workspace:
    """Prepare a scene, and return its workspace."""
    return prepared_from(load_scene(scene), settings)


def prepared_from(config: SceneConfig, settings: Settings = SETTINGS) -> Workspace:
    """Prepare a scene that has been read, and return its workspace."""
    inputs, workspace = Inputs.read(config), Workspace(config.workspace)
    with workspace.locked():
        prepare(inputs, workspace, inputs.fingerprint(), settings)
    return workspace


def layers(raster: Path) -> dict[str, Pixels]:
    """Read the bands of a raster by their descriptions."""
    dataset = gdal.Open(str(raster))
    bands = [dataset.GetRasterBand(number) for number in range(1, dataset.RasterCount + 1)]
    return {band.GetDescription(): band.ReadAsArray() for band in bands}
