"""Measure seconds, memory and disk of preparing a scene, beside the floor: only decoding the same JPEG 2000 levels.

Usage: python benchmarks/preparation.py [--scene SCENE.json] [--size PIXELS] [--result RESULT.json]

Without a scene, a synthetic full tile is made first, in a temporary folder. The machine should have nothing else to do.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

from osgeo import gdal

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.kept_levels import KeptLevels
from alcd_otb.preparation.sources import feature_levels, view_levels
from alcd_otb.preparation.stacks import write_scene_stacks
from alcd_otb.preparation.valid_mask import write_valid
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.synthetic.scene import FULL_TILE, make_scene
from otb_pipelines.own_process import own_process
from otb_pipelines.process import gdal_threads, kept_memory
from otb_pipelines.settings import Settings, default_settings

ResultT = TypeVar("ResultT")


class Steps:
    """Wall and processor seconds of each step, and the peak memory up to its end."""

    def __init__(self) -> None:
        """Start without steps."""
        self.rows: list[dict[str, object]] = []

    def run(self, name: str, step: Callable[[], ResultT]) -> ResultT:
        """Run a step, note its cost, and return its result."""
        wall, processor = time.perf_counter(), time.process_time()
        result = step()
        self.rows.append(
            {
                "step": name,
                "seconds": round(time.perf_counter() - wall, 1),
                "processor_seconds": round(time.process_time() - processor, 1),
                "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
            }
        )
        return result


def decode(levels: Iterable[tuple[str, int]]) -> None:
    """Read every block of levels of files once. A level is a path and the number of its wavelet level."""
    for path, level in levels:
        _decode(path, level)


def _decode(path: str, level: int) -> None:
    # A whole row of blocks is read at a time, so that GDAL can use all processors.
    dataset = gdal.OpenEx(path, open_options=[f"OVERVIEW_LEVEL={f'{level - 1}only' if level else 'NONE'}"])
    band = dataset.GetRasterBand(1)
    height = band.GetBlockSize()[1]
    for row in range(0, band.YSize, height):
        dataset.ReadRaster(0, row, band.XSize, min(height, band.YSize - row))


def written_bytes() -> int:
    """Return the bytes that this process has written to disk."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def measure(scene: Path, result: Path | None) -> None:
    """Measure a scene, print the figures, and write them as JSON.

    Parameters
    ----------
    scene
        Description of the scene.
    result
        JSON file to write, or None.
    """
    settings = default_settings()
    steps = Steps()
    with gdal_threads(settings.threads), tempfile.TemporaryDirectory(dir=scene.parent) as name:
        written, sizes = run_steps(steps, Inputs.read(load_scene(scene)), Path(name), settings)
    seconds = [float(str(row["seconds"])) for row in steps.rows]
    summary = {
        "threads": settings.threads,
        "steps": steps.rows,
        "floor_seconds": seconds[0],
        "preparation_seconds": round(sum(seconds[1:]), 1),
        "times_the_floor": round(sum(seconds[1:]) / seconds[0], 2),
        "peak_megabytes": steps.rows[-1]["peak_megabytes"],
        "written_megabytes": written,
        "megabytes": sizes,
    }
    print(f"{'step':<32}{'seconds':>9}{'processor':>11}{'peak MB':>9}")
    for row in steps.rows:
        print(f"{row['step']:<32}{row['seconds']:>9}{row['processor_seconds']:>11}{row['peak_megabytes']:>9}")
    print(f"preparation {summary['preparation_seconds']} s, {summary['times_the_floor']} times the floor")
    print(f"written {written} MB: {sizes}")
    if result:
        result.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")


class Written(NamedTuple):
    """Megabytes that were written to disk, and the size of each file in megabytes."""

    megabytes: float
    sizes: dict[str, float]


def run_steps(steps: Steps, inputs: Inputs, folder: Path, settings: Settings) -> Written:
    """Run the floor, then the steps of a preparation.

    Parameters
    ----------
    steps
        Where the cost of the steps is noted.
    inputs
        Products of the scene.
    folder
        Folder of the rasters.
    settings
        Memory and threads.
    """
    levels = {*feature_levels(inputs).items(), *view_levels(inputs).items()}
    steps.run("floor: decode", lambda: decode((inputs.band(name).path, level) for name, level in sorted(levels)))
    before = written_bytes()
    kept = KeptLevels(folder)
    with kept_memory():
        stacks = steps.run("features and view", lambda: write_scene_stacks(inputs, folder, settings, kept))
        for_features = feature_levels(inputs)
        valid, _ = steps.run("valid pixels", lambda: write_valid(inputs, for_features, stacks.state, folder, settings))
    sizes = {path.name: round(path.stat().st_size / 1e6, 1) for path in (stacks.features, valid, stacks.view)}
    os.sync()
    return Written(round((written_bytes() - before) / 1e6, 1), sizes)


def main() -> None:
    """Measure the scene that is given, or a synthetic one."""
    parser = argparse.ArgumentParser(description="Seconds, memory and disk of preparing a scene.")
    parser.add_argument("--scene", type=Path, help="scene.json; absent: a synthetic scene is made")
    parser.add_argument("--size", type=int, default=FULL_TILE, help="of the synthetic scene, in pixels of 10 m")
    parser.add_argument("--result", type=Path, help="JSON file to write the figures to")
    options = parser.parse_args()
    own_process()
    if options.scene:
        measure(options.scene, options.result)
        return
    with tempfile.TemporaryDirectory() as folder:
        print(f"making a synthetic scene of {options.size} x {options.size} pixels", flush=True)
        measure(make_scene(Path(folder), size=options.size).scene_json, options.result)


if __name__ == "__main__":
    main()
