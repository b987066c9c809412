"""Make a small synthetic Sentinel-2 pair with its truth, for demonstrations, tests and benchmarks.

No satellite has seen such a scene. ``README.txt`` in its folder describes its content.
"""

import json
import textwrap
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np

from alcd_otb.files.delivery import check_own, deliver
from alcd_otb.files.folders import scratch_folder
from alcd_otb.files.writing import writing_to
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.settings.legend import Legend
from alcd_otb.synthetic import noise
from alcd_otb.synthetic.clouds import make_clouds
from alcd_otb.synthetic.imaging import CLOUDY, ImagedDate
from alcd_otb.synthetic.points import place_points, write_points
from alcd_otb.synthetic.rasters import SceneModel, write_bands, write_dem, write_truth
from alcd_otb.synthetic.safe import SyntheticAcquisition, tile_grid, write_metadata
from alcd_otb.synthetic.season import Season
from alcd_otb.synthetic.terrain import make_terrain
from alcd_otb.synthetic.truth import TruthMap, TruthRules, legend_of

FULL_TILE = 10980
"""Side of a Sentinel-2 tile in pixels of 10 m."""
_SMALLEST = 240
_DEM_RESOLUTION = 30
_BY_BASELINE = {True: ("0510", datetime(2023, 11, 14)), False: ("0206", datetime(2018, 4, 6))}
"""Baseline, and date of generation, of a product with a radiometric offset and of one without."""
_OFFSET_DATES = {"cloudy": (True, False), "clear": (False, True), "both": (True, True), "none": (False, False)}
"""Whether the cloudy date and the clear date have a radiometric offset."""

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
    """Paths of the parts of a synthetic scene.

    Attributes
    ----------
    folder
        Folder of the scene.
    scene_json
        Description of the scene for ``python -m alcd_otb run``.
    cloudy
        SAFE folder of the product to classify.
    clear
        SAFE folder of the product of the clear date.
    dem
        Elevation model.
    truth
        True class of each pixel of the cloudy date.
    samples
        Points of a simulated operator.
    """

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
    """Write a synthetic scene into a folder, which is made if it does not exist.

    The same arguments give the same pixels.

    Parameters
    ----------
    folder
        Folder of the scene.
    size
        Side of the scene in pixels of 10 m: a multiple of 6 from 240 to 10980. A full tile needs 2.7 GB of temporary
        files.
    seed
        Seed of all that is random.
    offset
        The dates whose products are of baseline 05.10 (DN = 10000 rho + 1000). The others are of baseline 02.06
        (DN = 10000 rho).
    points_per_class
        Number of points that the simulated operator draws in each class.
    tile
        Name of the Sentinel-2 tile.
    use
        Name of the template that the truth, the points and ``scene.json`` are for. Its truth sets the season.
    resolution
        Resolution in metres that ``scene.json`` sets. None: that of the template.

    Raises
    ------
    ValueError
        If an argument is out of range.
    ConfigurationError
        If the folder holds a file of such a name that this function did not write, or that was changed since.
    ProcessingError
        If the folder cannot be written.
    """
    # Many parameters: each has a default, none depends on another, and a call names those that it sets.
    if size % 6 or not _SMALLEST <= size <= FULL_TILE:
        raise ValueError(f"size {size}: give a multiple of 6 from {_SMALLEST} to {FULL_TILE}")
    if offset not in _OFFSET_DATES:
        raise ValueError(f"offset {offset!r}: give one of {', '.join(_OFFSET_DATES)}")
    rules, legend = TruthRules.load(use), legend_of(use)
    dates = _acquisitions(tile, _OFFSET_DATES[offset], rules.season)
    plan = _Plan(size, seed, points_per_class, tile_grid(tile, size), dates, use, rules, legend, resolution)
    delivered = _paths(folder, *dates)
    files = (delivered.scene_json, delivered.dem, delivered.truth, delivered.samples, folder / "README.txt")
    with writing_to(folder):
        # Before the long work, not after it.
        check_own(folder, [file.name for file in files])
        folder.mkdir(parents=True, exist_ok=True)
        with scratch_folder(folder) as scratch:
            _write(_paths(scratch, *dates), plan)
            deliver(scratch, folder)
    return delivered


@dataclass(frozen=True)
class _Plan:
    """What `make_scene` was asked for."""

    size: int
    seed: int
    points_per_class: int
    grid: Grid
    dates: tuple[SyntheticAcquisition, SyntheticAcquisition]
    use: str
    rules: TruthRules
    legend: Legend
    resolution: float | None


def _write(scene: SyntheticScene, plan: _Plan) -> None:
    """Write all files of a scene into an empty folder."""
    size, seed, rules, legend, (cloudy, clear) = plan.size, plan.seed, plan.rules, plan.legend, plan.dates
    model = _model(size, seed, plan.dates, rules, legend)
    truth = write_bands(model, (scene.cloudy, scene.clear), plan.dates, plan.grid, scene.folder)
    cloudy = cloudy.with_cloud_cover(_cloud_cover(truth, rules, legend))
    write_metadata(scene.cloudy, cloudy, plan.grid)
    write_metadata(scene.clear, clear, plan.grid)
    write_truth(scene.truth, truth.codes, plan.grid.at_resolution(rules.resolution))
    write_dem(scene.dem, model.terrain.elevation, plan.grid.at_resolution(_DEM_RESOLUTION))
    # No points lie near the edge of the data of one date.
    margin = min(64, 0.03 * size)
    whole = Window(0, 0, size // rules.factor, size // rules.factor)
    usable = np.logical_and(*(view.imaged(whole, rules.factor, margin) for view in model.views))
    points = place_points(truth, usable, rules.classes(legend), plan.points_per_class, seed)
    write_points(scene.samples, points, plan.grid.at_resolution(rules.resolution), legend)
    _write_scene_json(scene, cloudy, seed, plan.use, plan.resolution)
    readme = _README.format(
        cloudy=scene.cloudy.relative_to(scene.folder),
        cloudy_baseline=_describe_baseline(cloudy),
        clear=scene.clear.relative_to(scene.folder),
        clear_baseline=_describe_baseline(clear),
        truth=_describe_truth(rules, legend),
        points=plan.points_per_class,
        size=size,
        seed=seed,
    )
    (scene.folder / "README.txt").write_text(readme, encoding="utf-8")


def _acquisitions(
    tile: str, with_offset: tuple[bool, bool], season: Season
) -> tuple[SyntheticAcquisition, SyntheticAcquisition]:
    """Return acquisitions of Sentinel-2A and 2B five days apart, in the relative orbit that sees 31TFJ."""
    cloudy, clear = (
        SyntheticAcquisition(
            satellite, sensing, _BY_BASELINE[has_offset][1], _BY_BASELINE[has_offset][0], 108, orbit, tile, *sun
        )
        for satellite, sensing, has_offset, orbit, sun in zip(
            ("S2A", "S2B"), season.sensing, with_offset, season.orbits, season.sun, strict=True
        )
    )
    return cloudy, clear


def _paths(folder: Path, cloudy: SyntheticAcquisition, clear: SyntheticAcquisition) -> SyntheticScene:
    return SyntheticScene(
        folder=folder,
        scene_json=folder / "scene.json",
        cloudy=folder / "L1C" / cloudy.product_name,
        clear=folder / "L1C" / clear.product_name,
        dem=folder / "dem.tif",
        truth=folder / "truth.tif",
        samples=folder / "samples.gpkg",
    )


def _model(
    size: int,
    seed: int,
    acquisitions: tuple[SyntheticAcquisition, SyntheticAcquisition],
    rules: TruthRules,
    legend: Legend,
) -> SceneModel:
    """Make the fields of the whole scene."""
    terrain = make_terrain(size, seed, rules.season)
    clouds = make_clouds(size, seed, terrain, rules.season.sun[CLOUDY])
    return SceneModel(size, terrain, clouds, _views(size, seed, acquisitions), rules, legend)


def _views(
    size: int, seed: int, acquisitions: tuple[SyntheticAcquisition, SyntheticAcquisition]
) -> tuple[ImagedDate, ImagedDate]:
    """Return how both dates are imaged.

    The edge of each swath cuts off a wedge along another side of the scene. The two atmospheres differ a little.
    """
    random = noise.generator(seed, 5)
    west, north = (size * float(random.uniform(0.02, 0.05)) for _ in range(2))
    gain, path = float(random.uniform(0.985, 1.015)), float(random.uniform(0.92, 1.10))
    edges = ((1.0, 0.09, west + 0.02 * size), (0.28, 1.0, north + 0.10 * size))
    settings = zip((1.0, gain), (1.0, path), edges, acquisitions, strict=True)
    cloudy, clear = (
        ImagedDate(date, gain, path, -acquisition.offset, edge)
        for date, (gain, path, edge, acquisition) in enumerate(settings)
    )
    return cloudy, clear


def _cloud_cover(truth: TruthMap, rules: TruthRules, legend: Legend) -> float:
    """Return the percentage of the imaged pixels whose true class is a cloud."""
    clouds = [entry.code for entry in legend.classes if entry.name in rules.clouds]
    return 100 * float(np.isin(truth.codes, clouds).sum() / max(1, (truth.codes > 0).sum()))


def _write_scene_json(
    scene: SyntheticScene, cloudy: SyntheticAcquisition, seed: int, use: str, resolution: float | None
) -> None:
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


def _describe_truth(rules: TruthRules, legend: Legend) -> str:
    """Return the lines about ``truth.tif`` in ``README.txt``."""
    codes = ", ".join(f"{code} {name}" for code, name in rules.classes(legend).items())
    description = f"class of each {rules.resolution} m pixel of the cloudy date: 0 no data, {codes}"
    return textwrap.fill(description, 106).replace("\n", f"\n{'':14}")


def _describe_baseline(acquisition: SyntheticAcquisition) -> str:
    return f"baseline {acquisition.dotted_baseline}, radiometric offset {acquisition.offset}"
