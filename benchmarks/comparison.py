"""Measure seconds and peak memory of comparisons: a full-tile pair at 10 m, and scenes of three processors.

Usage: python benchmarks/comparison.py [--scenes 32] [--folder FOLDER] [--result RESULT.json]

The masks are made first, in a temporary folder or in FOLDER, which is kept: reference masks of 60 m in the layout of
the published data set, masks of MAJA of 10 m, and masks of Sen2Cor and Fmask of 20 m. The machine should have nothing
else to do.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from osgeo import gdal
from PIL import Image

from alcd_otb.compare.distance import levels
from alcd_otb.synthetic.noise import fractal, generator, upsample
from alcd_otb.synthetic.safe import tile_grid

gdal.UseExceptions()

Codes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

TILE, SIDE = "31TFJ", 1830
"""Tile of the masks, and its side in pixels of 60 m."""
DISTINCT = 4
"""Number of distinct scenes; further scenes are copies of these under other names."""

_STRIP = 610
"""Rows of 10 m that are made at a time."""


class Fields(NamedTuple):
    """Low clouds, high clouds and water of a scene, in pixels of 60 m (rows, columns)."""

    low: Floats
    high: Floats
    water: npt.NDArray[np.bool_]


def main() -> None:
    """Make the masks, measure the comparisons, and print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Seconds and peak memory of comparisons.")
    parser.add_argument("--scenes", type=int, default=32, help="number of scenes in the folder")
    parser.add_argument("--folder", type=Path, help="where the masks are made and kept")
    parser.add_argument("--result", type=Path, help="JSON file to write the figures to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        if not (folder / "references").is_dir():
            make_masks(folder, options.scenes)
        figures = {
            "full_tile_pair_at_10_m": measured(pair_arguments(folder)),
            "full_tile_pair_at_10_m_with_5_dilations": measured([*pair_arguments(folder), "--dilate", "0:240:60"]),
            f"{options.scenes}_scenes_by_3_processors": measured(
                [str(folder / "references"), str(folder / "products"), "-o", str(folder / "results")]
            ),
        }
    text = json.dumps(figures, indent=2)
    print(text)
    if options.result:
        options.result.write_text(text + "\n", encoding="utf-8")


def measured(arguments: list[str]) -> dict[str, float]:
    """Run a comparison in a separate process, and return its wall and processor seconds and its peak memory."""
    start = time.perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "alcd_otb", "compare", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"compare {' '.join(arguments)} failed")
    return {
        "seconds": round(time.perf_counter() - start, 1),
        "processor_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "peak_megabytes": usage.ru_maxrss >> 10,
    }


def pair_arguments(folder: Path) -> list[str]:
    """Return the arguments that compare two masks of MAJA of 10 m on their own grid."""
    protocol = folder / "at_10_m.json"
    positive = {"reference": ["invalid"], "product": ["invalid"]}
    protocol.write_text(json.dumps({"name": "at_10_m", "grid": 10, "positive": positive}), "utf-8")
    first, second = sorted((folder / "products").glob("SENTINEL2A_*"))[0], folder / "other"
    output = folder / "pair"
    return [f"MAJA_1={first}", f"MAJA_2={second}", "--protocol", str(protocol), "-o", str(output)]


def make_masks(folder: Path, scenes: int) -> None:
    """Make the masks of all scenes, and a second mask of MAJA for the first one."""
    for number in range(scenes):
        print(f"making scene {number + 1} of {scenes}", file=sys.stderr)
        make_scene(folder, number)
    first = sorted((folder / "products").glob("SENTINEL2A_*"))[0]
    second = folder / "other" / first.name.replace("V1-0", "V2-0")
    write_maja(second, second.name, fields(0).low, 1.1)


def make_scene(folder: Path, number: int) -> None:
    """Make the masks of a scene. Beyond the distinct scenes only the names are new: links need no time and no space."""
    day = day_of(number)
    if number < DISTINCT:
        make_distinct_scene(folder, number, day)
    else:
        original = day_of(number % DISTINCT)
        for file in sorted(path for path in folder.rglob(f"*{original}*") if path.is_file()):
            link(folder, file, original, day)
        for file in sorted(path for path in folder.rglob(f"*{original}*/**/*") if path.is_file()):
            link(folder, file, original, day)
    parameters = {"tile": TILE, "cloudy_date": day, "cloudy_product_name": f"{stem_of(day)}.SAFE"}
    classification = folder / "references" / "Reference_dataset" / stem_of(day) / "Classification"
    (classification / "used_parameters.json").write_text(json.dumps(parameters), "utf-8")


def link(folder: Path, file: Path, original: str, day: str) -> None:
    """Link a file under the name of another day."""
    target = folder / str(file.relative_to(folder)).replace(original, day)
    if file.name != "used_parameters.json" and not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.link(file, target)


def make_distinct_scene(folder: Path, number: int, day: str) -> None:
    """Make the masks of a scene from fields of its own."""
    clouds, cirrus, water = fields(number)
    shadows = np.roll(clouds, (12, -9), (0, 1)) > 1.0
    codes = np.where(water, 6, 5).astype(np.uint8)
    for inside, code in ((cirrus > 1.7, 3), (shadows, 4), (clouds > 1.0, 2)):
        codes[inside] = code
    codes[:, :20] = 0
    stem = stem_of(day)
    classification = folder / "references" / "Reference_dataset" / stem / "Classification"
    write(classification / "classification_map.tif", codes, 60)
    grey = np.clip(80 + 60 * np.maximum(clouds - 0.6, 0) - 40 * shadows + 20 * water, 0, 255).astype(np.uint8)
    Image.fromarray(np.dstack([grey] * 3)).save(classification / "quicklook.jpg")

    products = folder / "products"
    maja = f"SENTINEL2A_{day}-103209-461_L2A_T{TILE}_C_V1-0"
    write_maja(products / maja, maja, clouds, 0.9)
    # Here Sen2Cor sees bright clouds, few shadows and no edges; Fmask dilates.
    scl = np.where(water, 6, 4).astype(np.uint8)
    scl[shadows & (clouds < 1.0) & (cirrus < 0)] = 3
    scl[clouds > 1.25] = 9
    granule = products / f"{stem.replace('MSIL1C', 'MSIL2A')}.SAFE" / "GRANULE" / f"L2A_T{TILE}_A011901_{day}T103209"
    write(granule / "IMG_DATA" / "R20m" / f"T{TILE}_{day}T103009_SCL_20m.jp2", scl.repeat(3, 0).repeat(3, 1), 20)
    fmask = water.astype(np.uint8)
    fmask[levels(shadows, [180], 60) == 0] = 2
    fmask[levels(clouds > 1.05, [180], 60) == 0] = 4
    write(products / f"{stem}_Fmask4.tif", fmask.repeat(3, 0).repeat(3, 1), 20)


def stem_of(day: str) -> str:
    """Return the name of the L1C product of a day, without its suffix."""
    return f"S2A_MSIL1C_{day}T103009_N0205_R108_T{TILE}_{day}T103209"


def day_of(number: int) -> str:
    """Return the day of a scene as YYYYMMDD."""
    return f"2017{1 + number % 12:02}{2 + number // 12:02}"


def fields(number: int) -> Fields:
    """Draw the fields of a distinct scene."""
    low, high, ground = (
        fractal((SIDE, SIDE), generator(7, number, layer), slope=slope, outer=outer)
        for layer, (slope, outer) in enumerate(((3.0, 120.0), (3.6, 400.0), (3.2, 300.0)))
    )
    return Fields(low, high, ground > 1.6)


def write_maja(folder: Path, name: str, clouds: Floats, threshold: float) -> None:
    """Write MAJA's masks CLM and EDG of 10 m with smooth outlines, a strip of rows at a time.

    Parameters
    ----------
    folder
        Folder of the product.
    name
        Name of the product.
    clouds
        Field of low clouds, in pixels of 60 m.
    threshold
        Value of the field above which there are clouds.
    """
    masks = folder / "MASKS"
    masks.mkdir(parents=True)
    size = SIDE * 6
    made = [create(masks / f"{name}_{kind}_R1.tif", size, 10) for kind in ("CLM", "EDG")]
    shadows = np.roll(clouds, (12, -9), (0, 1))
    for row in range(0, size, _STRIP):
        window = (row, 0, min(_STRIP, size - row), size)
        cloudy = upsample(clouds, 6, window) > threshold
        shaded = upsample(shadows, 6, window) > threshold
        clm = np.where(cloudy, 1 | 2 | 4, 0).astype(np.uint8) | np.where(shaded, 1 | 32, 0).astype(np.uint8)
        made[0].GetRasterBand(1).WriteArray(clm, 0, row)
        edge = np.zeros(clm.shape, np.uint8)
        edge[:, :60] = 1
        made[1].GetRasterBand(1).WriteArray(edge, 0, row)


def create(path: Path, size: int, resolution: float) -> gdal.Dataset:
    """Create a GeoTIFF of one band on the grid of the tile."""
    grid = tile_grid(TILE, 10980)
    options = ["COMPRESS=DEFLATE", "TILED=YES"]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), size, size, 1, gdal.GDT_Byte, options)
    dataset.SetGeoTransform((grid.left, resolution, 0, grid.top, 0, -resolution))
    dataset.SetSpatialRef(grid.spatial_reference)
    return dataset


def write(path: Path, codes: Codes, resolution: float) -> None:
    """Write codes (rows, columns) as a GeoTIFF, or as JPEG 2000 by the suffix of the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tif")
    dataset = create(temporary, codes.shape[0], resolution)
    dataset.GetRasterBand(1).WriteArray(codes)
    del dataset
    if path.suffix != ".jp2":
        return
    options = ["QUALITY=100", "REVERSIBLE=YES", "BLOCKXSIZE=640", "BLOCKYSIZE=640"]
    gdal.Translate(str(path), str(temporary), format="JP2OpenJPEG", creationOptions=options)
    temporary.unlink()
    path.with_name(path.name + ".aux.xml").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
