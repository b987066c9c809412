"""A small synthetic Sentinel-2 pair with its truth, for demonstrations, tests and benchmarks.

Nothing in it was ever seen by a satellite. See ``README.txt`` in the scene's folder for what it holds.
"""

import json
import os
import tempfile
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from alcd_otb.raster.grid import Grid, Window
from alcd_otb.settings.legend import Legend
from alcd_otb.synthetic import noise
from alcd_otb.synthetic.clouds import Clouds, make_clouds
from alcd_otb.synthetic.imaging import (
    CLEAR,
    CLOUDY,
    ImagedDate,
    cover_of,
    image_of,
    make_block,
)
from alcd_otb.synthetic.points import place_points, write_points
from alcd_otb.synthetic.safe import SyntheticAcquisition, tile_grid, write_band, write_metadata
from alcd_otb.synthetic.season import Season
from alcd_otb.synthetic.spectra import BANDS, Band
from alcd_otb.synthetic.terrain import COARSE, Terrain, make_terrain
from alcd_otb.synthetic.truth import Truth, legend_of
from otb_pipelines.process import gdal

Labels = tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]

FULL_TILE = 10980
"""Pixels of 10 m along the side of a Sentinel-2 tile."""
_SMALLEST = 240
_BLOCK = 480
_THREADS = 2
_GTIFF = ["TILED=YES", "COMPRESS=DEFLATE"]
_BY_BASELINE = {True: ("0510", datetime(2023, 11, 14)), False: ("0206", datetime(2018, 4, 6))}
_OFFSET_DATES = {"cloudy": (True, False), "clear": (False, True), "both": (True, True), "none": (False, False)}

_README = """SYNTHETIC DATA

Everything in this folder was computed by alcd_otb.synthetic. It imitates Sentinel-2 L1C products in their layout,
names and metadata, but no satellite ever saw this place: do not use it for anything but trying and testing software.

{cloudy}
    the cloudy date, {cloudy_baseline}
{clear}
    the clear date, {clear_baseline}
dem.tif       elevation in metres, 30 m pixels
truth.tif     {truth}
samples.gpkg  points of a simulated operator ({points} a class), true by construction
scene.json    the scene for: python -m alcd_otb run scene.json

size {size} x {size} pixels of 10 m, seed {seed}
"""


@dataclass(frozen=True)
class SyntheticScene:
    """Where the parts of a scene lie. cloudy and clear are SAFE folders."""

    folder: Path
    scene_json: Path
    cloudy: Path
    clear: Path
    dem: Path
    truth: Path
    samples: Path


def make_scene(
    folder: Path,
    *,
    size: int = 2196,
    seed: int = 1,
    offset: Literal["cloudy", "clear", "both", "none"] | str = "cloudy",
    points_per_class: int = 25,
    tile: str = "31TFJ",
    use: str = "clouds",
    resolution: float | None = None,
) -> SyntheticScene:
    """Write a synthetic scene into a folder, which is made if need be.

    size: pixels of 10 m along a side, a multiple of 6 from 240 to 10980 (a full tile: 2.7 GB of temporary files).
    offset: which date is of baseline 05.10 (DN = 10000 rho + 1000) rather than 02.06 (DN = 10000 rho).
    use: the template that the truth, the points and scene.json are for; its truth tells the season. resolution: that
    scene.json sets, in metres; None: the template's.
    The same arguments give the same pixels. Raises ValueError where an argument is out of range.
    """
    if size % 6 or not _SMALLEST <= size <= FULL_TILE:
        raise ValueError(f"size {size}: give a multiple of 6 from {_SMALLEST} to {FULL_TILE}")
    if offset not in _OFFSET_DATES:
        raise ValueError(f"offset {offset!r}: give one of {', '.join(_OFFSET_DATES)}")
    rules, legend = Truth.load(use), legend_of(use)
    folder.mkdir(parents=True, exist_ok=True)
    grid = tile_grid(tile, size)
    season = rules.seen_in
    acquisitions = _acquisitions(tile, _OFFSET_DATES[offset], season)
    terrain = make_terrain(size, seed, season)
    clouds = make_clouds(size, seed, terrain, season.sun[CLOUDY])
    views = _views(size, seed, acquisitions)
    scene = SyntheticScene(
        folder=folder,
        scene_json=folder / "scene.json",
        cloudy=folder / "L1C" / acquisitions[CLOUDY].product_name,
        clear=folder / "L1C" / acquisitions[CLEAR].product_name,
        dem=folder / "dem.tif",
        truth=folder / "truth.tif",
        samples=folder / "samples.gpkg",
    )
    products = (scene.cloudy, scene.clear)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".raw-") as raw:
        truth, cover = _image(terrain, clouds, views, rules, legend, size, Path(raw))
        cloudy = [one.code for one in legend.classes if one.name in rules.clouds]
        cloudiness = 100 * float(np.isin(truth, cloudy).sum() / max(1, (truth > 0).sum()))
        acquisitions = (acquisitions[CLOUDY].with_cloud_cover(cloudiness), acquisitions[CLEAR])
        for acquisition, product in zip(acquisitions, products, strict=True):
            write_metadata(product, acquisition, grid)
        _encode(products, acquisitions, grid, Path(raw))
    _write_truth(scene.truth, truth, grid.at_resolution(rules.resolution))
    _write_dem(scene.dem, terrain, grid.at_resolution(30))
    # Nobody labels where one date is about to end.
    margin = min(64, 0.03 * size)
    whole = Window(0, 0, size // rules.factor, size // rules.factor)
    usable = np.logical_and(*(view.imaged(whole, rules.factor, margin) for view in views))
    classes = rules.classes(legend)
    points = place_points(truth, cover, usable, classes, points_per_class, seed, rules.factor)
    scene.samples.unlink(missing_ok=True)
    write_points(scene.samples, points, grid.at_resolution(rules.resolution), legend)
    _write_description(scene, acquisitions, seed, use, resolution)
    _write_readme(scene, acquisitions, size=size, seed=seed, points=points_per_class, truth=rules, classes=classes)
    return scene


def _acquisitions(
    tile: str, since_04: tuple[bool, bool], season: Season
) -> tuple[SyntheticAcquisition, SyntheticAcquisition]:
    """Sentinel-2A and 2B five days apart, in the relative orbit that sees 31TFJ."""
    cloudy, clear = (
        SyntheticAcquisition(satellite, sensing, _BY_BASELINE[each][1], _BY_BASELINE[each][0], 108, orbit, tile, *sun)
        for satellite, sensing, each, orbit, sun in zip(
            ("S2A", "S2B"), season.sensing, since_04, season.orbits, season.sun, strict=True
        )
    )
    return cloudy, clear


def _views(
    size: int, seed: int, acquisitions: tuple[SyntheticAcquisition, SyntheticAcquisition]
) -> tuple[ImagedDate, ImagedDate]:
    """Each swath cuts off a wedge along another side; the two atmospheres differ a little."""
    random = noise.generator(seed, 5)
    west, north = (size * float(random.uniform(0.02, 0.05)) for _ in range(2))
    gain, path = float(random.uniform(0.985, 1.015)), float(random.uniform(0.92, 1.10))
    edges = ((1.0, 0.09, west + 0.02 * size), (0.28, 1.0, north + 0.10 * size))
    settings = zip((1.0, gain), (1.0, path), edges, acquisitions, strict=True)
    return tuple(  # type: ignore[return-value]
        ImagedDate(date, gain, path, -one.offset, edge) for date, (gain, path, edge, one) in enumerate(settings)
    )


def _image(
    terrain: Terrain,
    clouds: Clouds,
    views: tuple[ImagedDate, ImagedDate],
    rules: Truth,
    legend: Legend,
    size: int,
    raw: Path,
) -> Labels:
    """Write every band of both dates as raw files, strip by strip; return the truth and the ground's cover."""
    factor = rules.factor
    truth, cover = (np.zeros((size // factor, size // factor), dtype=np.uint8) for _ in range(2))
    with ThreadPoolExecutor(_THREADS) as pool, _raw_files(raw) as files:

        def strip(first: int) -> None:
            rows = min(_BLOCK, size - first)
            strips = {
                (view.date, band.name): np.empty(
                    (rows * 10 // band.resolution, size * 10 // band.resolution), dtype=np.uint16
                )
                for view in views
                for band in BANDS
            }
            for left in range(0, size, _BLOCK):
                columns = min(_BLOCK, size - left)
                block = make_block(terrain, clouds, Window(first, left, rows, columns))
                for view in views:
                    for band in BANDS:
                        image = image_of(block, view, band)
                        column = left * 10 // band.resolution
                        strips[view.date, band.name][:, column : column + image.shape[1]] = image
                here = (
                    slice(first // factor, (first + rows) // factor),
                    slice(left // factor, (left + columns) // factor),
                )
                truth[here] = rules.of(block, views[CLOUDY], legend)
                cover[here] = cover_of(block, factor)
            for (date, name), pixels in strips.items():
                os.pwrite(files[date, name], pixels.data, pixels.itemsize * pixels.shape[1] * _band_row(name, first))

        list(pool.map(strip, range(0, size, _BLOCK)))
    return truth, cover


def _band_row(name: str, row: int) -> int:
    """The row of a band that begins at a row of 10 m."""
    return row * 10 // next(band.resolution for band in BANDS if band.name == name)


def _raw_path(raw: Path, date: int, name: str) -> Path:
    return raw / f"{date}_{name}.raw"


@contextmanager
def _raw_files(raw: Path) -> Iterator[dict[tuple[int, str], int]]:
    """File descriptors, open for writing, by date and band."""
    files: dict[tuple[int, str], int] = {}
    try:
        for date in (CLOUDY, CLEAR):
            for band in BANDS:
                path = _raw_path(raw, date, band.name)
                files[date, band.name] = os.open(path, os.O_WRONLY | os.O_CREAT)
        yield files
    finally:
        for descriptor in files.values():
            os.close(descriptor)


def _encode(
    products: tuple[Path, Path], acquisitions: tuple[SyntheticAcquisition, SyntheticAcquisition], grid: Grid, raw: Path
) -> None:
    """Turn the raw files into JPEG2000, the largest first so that both threads end together; delete them."""

    def encode(task: tuple[Band, int]) -> None:
        band, date = task
        path = _raw_path(raw, date, band.name)
        own = grid.at_resolution(band.resolution)
        pixels = np.memmap(path, dtype=np.uint16, mode="r", shape=(own.height, own.width))
        write_band(products[date], acquisitions[date], band, own, pixels)
        path.unlink()

    tasks = sorted(((band, date) for band in BANDS for date in (CLOUDY, CLEAR)), key=lambda task: task[0].resolution)
    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(encode, tasks))


def _write_truth(path: Path, truth: npt.NDArray[np.uint8], grid: Grid) -> None:
    with _geotiff(path, grid, gdal.GDT_Byte, [*_GTIFF, "PREDICTOR=1"]) as band:
        band.SetNoDataValue(0)
        band.SetDescription("class of the cloudy date")
        band.WriteArray(truth)


def _write_dem(path: Path, terrain: Terrain, grid: Grid) -> None:
    with _geotiff(path, grid, gdal.GDT_Float32, [*_GTIFF, "PREDICTOR=3"]) as band:
        band.SetUnitType("m")
        for row in range(0, grid.height, _BLOCK):
            window = Window(row, 0, min(_BLOCK, grid.height - row), grid.width)
            # Centimetres: what lies below them would only defeat the compression.
            elevation = np.round(noise.upsample(terrain.elevation, COARSE / grid.resolution, window), 2)
            band.WriteArray(elevation, 0, row)


@contextmanager
def _geotiff(path: Path, grid: Grid, pixel_type: int, options: Iterable[str]) -> Iterator[gdal.Band]:
    """The band of a single-band GeoTIFF, which is on the disk when the context ends."""
    path.unlink(missing_ok=True)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), grid.width, grid.height, 1, pixel_type, list(options))
    dataset.SetGeoTransform(grid.transform)
    dataset.SetSpatialRef(grid.spatial_reference)
    yield dataset.GetRasterBand(1)
    dataset.FlushCache()


def _write_description(
    scene: SyntheticScene,
    acquisitions: tuple[SyntheticAcquisition, SyntheticAcquisition],
    seed: int,
    use: str,
    resolution: float | None,
) -> None:
    cloudy, _ = acquisitions
    description: dict[str, object] = {
        "name": f"synthetic {seed}",
        "cloudy": str(scene.cloudy.relative_to(scene.folder)),
        "clear": str(scene.clear.relative_to(scene.folder)),
        "dem": scene.dem.name,
        "samples": scene.samples.name,
        "workspace": f"synthetic_{cloudy.tile}_{cloudy.sensing:%Y%m%d}",
        "template": use,
    }
    if resolution is not None:
        description["set"] = {"resolution": resolution}
    scene.scene_json.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def _write_readme(
    scene: SyntheticScene,
    acquisitions: tuple[SyntheticAcquisition, SyntheticAcquisition],
    *,
    size: int,
    seed: int,
    points: int,
    truth: Truth,
    classes: Mapping[int, str],
) -> None:
    cloudy, clear = acquisitions
    codes = ", ".join(f"{code} {name}" for code, name in classes.items())
    described = f"class of each {truth.resolution} m pixel of the cloudy date: 0 no data, {codes}"
    text = _README.format(
        cloudy=scene.cloudy.relative_to(scene.folder),
        cloudy_baseline=_describe_baseline(cloudy),
        clear=scene.clear.relative_to(scene.folder),
        clear_baseline=_describe_baseline(clear),
        truth=textwrap.fill(described, 106).replace("\n", f"\n{'':14}"),
        points=points,
        size=size,
        seed=seed,
    )
    (scene.folder / "README.txt").write_text(text, encoding="utf-8")


def _describe_baseline(acquisition: SyntheticAcquisition) -> str:
    return f"baseline {acquisition.dotted_baseline}, radiometric offset {acquisition.offset}"
