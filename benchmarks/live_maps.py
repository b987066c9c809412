"""Measure the maps of a live session after each click: time, processor time and memory, without a browser.

Usage: python benchmarks/live_maps.py [--resolution METRES] [--points NUMBER ...] [--clicks NUMBER] [--folder FOLDER]
       [--result RESULT.json]

A synthetic scene is made in the folder, or used again if it exists. Its features are repeated in both directions until
they fill a whole tile. Points are drawn from the truth at random, so that many lie at edges. At each click, one more
point is added, and the maps of a window are computed: a draft, and then with all trees. The machine should have nothing
else to do; the load before the first click is in the result.
"""

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from osgeo import gdal

from alcd_otb.live.session import LiveSession
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.synthetic.scene import make_scene
from otb_pipelines.settings import Settings, default_settings

TILE_METRES = 109800
SIDE = 2196
"""Pixels of 10 m of the side of the scene that is repeated."""

gdal.UseExceptions()


def whole_tile(folder: Path, resolution: float) -> tuple[SceneConfig, np.ndarray[Any, Any], int]:
    """Prepare a scene of a whole tile.

    Parameters
    ----------
    folder
        Folder of the scene.
    resolution
        In metres.

    Returns
    -------
    tuple
        The scene, the class of each pixel of the part that is repeated, and the side of the tile in pixels.
    """
    part = folder / f"part_{resolution:g}"
    if not (part / "work" / "features.tif").is_file():
        made = make_scene(part, size=SIDE, seed=1, resolution=resolution)
        scene_file = json.loads((part / "scene.json").read_text("utf-8"))
        scene_file |= {"workspace": "work"}
        (part / "scene.json").write_text(json.dumps(scene_file), "utf-8")
        del made
        Scene.open(part / "scene.json").run()
    scene = Scene.open(part / "scene.json")
    side = round(TILE_METRES / resolution)
    target = folder / f"tile_{resolution:g}"
    target.mkdir(exist_ok=True)
    for name in ("features.tif", "valid.tif"):
        if not (target / name).is_file():
            repeat(scene.workspace.folder / name, target / name, side)
    labels = gdal.Open(str(scene.workspace.last_iteration() / "labels.tif")).ReadAsArray()
    return scene.config.model_copy(update={"workspace": target}), labels, side


def repeat(source: Path, target: Path, side: int) -> None:
    """Repeat a raster in both directions."""
    small = gdal.Open(str(source))
    kind = small.GetRasterBand(1).DataType
    options = ["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64", "BIGTIFF=IF_SAFER"]
    large = gdal.GetDriverByName("GTiff").Create(str(target), side, side, small.RasterCount, kind, options)
    large.SetGeoTransform(small.GetGeoTransform())
    large.SetProjection(small.GetProjection())
    for number in range(1, small.RasterCount + 1):
        values = small.GetRasterBand(number).ReadAsArray()
        across = np.tile(values, (1, -(-side // values.shape[1])))[:, :side]
        band = large.GetRasterBand(number)
        for row in range(0, side, values.shape[0]):
            rows = min(values.shape[0], side - row)
            band.WriteArray(np.ascontiguousarray(across[:rows]), 0, row)
    large.FlushCache()


def points(labels: np.ndarray[Any, Any], grid: Grid, seed: int) -> Iterator[Sample]:
    """Draw points of the classes of a map, which is repeated over a grid, at random without end."""
    random = np.random.default_rng(seed)
    number = 0
    while True:
        row, column = random.integers(0, grid.height), random.integers(0, grid.width)
        code = int(labels[row % labels.shape[0], column % labels.shape[1]])
        if code:
            number += 1
            place = {"type": "Point", "coordinates": grid.centre_of(int(row), int(column))}
            yield Sample(f"points:{number}", code, place)


class Costs:
    """Seconds by the clock and of all processors, by the name of a step."""

    def __init__(self) -> None:
        self.clock: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}

    def measure(self, name: str, work: Callable[[], Any]) -> Any:
        """Measure one call of a function."""
        clock, processor = time.perf_counter(), time.process_time()
        result = work()
        self.clock.setdefault(name, []).append(time.perf_counter() - clock)
        self.processor.setdefault(name, []).append(time.process_time() - processor)
        return result

    def summary(self) -> dict[str, dict[str, float]]:
        """Give the quantiles in milliseconds."""
        return {
            name: {
                "p50": round(1000 * float(np.quantile(seconds, 0.5)), 1),
                "p95": round(1000 * float(np.quantile(seconds, 0.95)), 1),
                "processor p50": round(1000 * float(np.quantile(self.processor[name], 0.5)), 1),
            }
            for name, seconds in self.clock.items()
        }


def measured(
    config: SceneConfig, labels: np.ndarray[Any, Any], number: int, window: Window | None, clicks: int
) -> dict[str, Any]:
    """Click a number of times, and measure the updates.

    Parameters
    ----------
    config
        The scene.
    labels
        The classes that the points have.
    number
        Points before the first click.
    window
        The window; None for the whole tile.
    clicks
        Number of clicks.
    """
    costs, settings = Costs(), default_settings()
    with LiveSession.open(config, Settings(settings.ram, settings.threads)) as live:
        drawn = points(labels, live.grid, number)
        samples = [next(drawn) for _ in range(number)]
        live.update(samples)
        costs.measure("first map", lambda: live.maps(window))
        live.maps(window)
        trees = 0
        for _ in range(clicks):
            samples.append(next(drawn))
            costs.measure("update", lambda: live.update(samples))
            maps = costs.measure("draft", lambda: live.maps(window, draft=True))
            trees += bool(maps is not None and maps.is_draft)
            costs.measure("rest", lambda: live.maps(window))
        return {"points": number, "drafts": trees, **costs.summary()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=float, default=60)
    parser.add_argument("--points", type=int, nargs="+", default=[20, 150, 300, 1000])
    parser.add_argument("--clicks", type=int, default=60)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--result", type=Path)
    parser.add_argument("--no-whole", action="store_true", help="windows of 1 Mpx alone")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(exist_ok=True)
        config, labels, side = whole_tile(folder, options.resolution)
        logistic = {"classifier": "logistic"}
        result: dict[str, Any] = {
            "date": date.today().isoformat(),
            "processor": platform.processor() or platform.machine(),
            "threads": default_settings().threads,
            "load": os.getloadavg()[0],
            "side": side,
        }
        start = min(side // 4, side - 1000)
        megapixel = Window(start, start, 1000, 1000)
        regression = config.model_copy(update={"template": config.template.model_copy(update={"classifier": logistic})})
        for name, scene in (("forest", config), ("logistic", regression)):
            for view, window in (("1 Mpx", megapixel), ("whole", None)):
                if window is None and options.no_whole:
                    continue
                for number in options.points:
                    if number != 150 and (name == "logistic" or window is None):
                        continue
                    found = measured(scene, labels, number, window, options.clicks)
                    result.setdefault(name, {}).setdefault(view, []).append(found)
                    print(name, view, json.dumps(found), flush=True)
        result["largest memory, MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps(result, indent=2))
        if options.result is not None:
            options.result.write_text(json.dumps(result, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
