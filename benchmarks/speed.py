"""Measure preparation and an iteration beside their alternatives, on the same pixels in one run.

Usage: python benchmarks/speed.py [--sizes PIXELS ...] [--folder FOLDER] [--result RESULT.json]

Synthetic scenes are made in the folder, or used again if they exist. The comparisons are made on the last size. The
machine should have nothing else to do.

- turn, which is an iteration: `python -m alcd_otb run` on a whole prepared scene: samples, training, classification,
  cleaning, accuracy and pictures. At the beginning of the loop there are 25 points in each class; at its end there are
  75, and the trees are larger.
- stock: OTB's own otbcli_ImageClassifier, labels and confidence, with the forest of an iteration.
- fast: the same command with the fast forest.
- scikit-learn: RandomForestClassifier.predict_proba with as many trees, of the same depth, on all processors, trained
  on the same pixels, from an array in memory.
- k-fold: `python -m alcd_otb kfold`, ten folds.
"""

import argparse
import json
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import fiona
import numpy as np
from helpers.command_cost import Cost, best, cost_of
from osgeo import gdal

from alcd_otb.raster.io import values_at
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.synthetic.scene import FULL_TILE, make_scene
from alcd_otb.workspace import Workspace
from otb_pipelines.process import forest_plugin, load_otb
from otb_pipelines.settings import default_settings, machine_memory, machine_threads

SIXTEENTH, QUARTER = 2748, 5490
ROUNDS = 3
ResultT = TypeVar("ResultT")
BEGINNING, END = 25, 75
"""Points in each class at the beginning and at the end of the loop."""

gdal.UseExceptions()


def alcd(*arguments: str | Path) -> tuple[str | Path, ...]:
    """Return a command of this package."""
    return (sys.executable, "-m", "alcd_otb", *arguments, "-q")


def classify(workspace: Workspace, model: Path, folder: Path, threads: int, fast: bool) -> Cost:
    """Classify a scene with otbcli_ImageClassifier.

    Parameters
    ----------
    workspace
        Workspace of the scene.
    model
        Random forest.
    folder
        Folder of labels and confidences.
    threads
        Number of threads.
    fast
        Whether to use the fast forest.
    """
    plugin = forest_plugin()
    assert plugin is not None
    environment = {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": str(threads)}
    if fast:
        environment["ITK_AUTOLOAD_PATH"] = str(plugin.parent)
    return best(
        ROUNDS if fast else 1,
        "otbcli_ImageClassifier",
        *("-in", workspace.features, "-mask", workspace.valid, "-model", model, "-ram", "64"),
        *("-out", folder / f"labels_{fast}.tif", "uint8", "-confmap", folder / f"confidence_{fast}.tif", "float"),
        **environment,
    )


def same_pixels(first: Path, second: Path) -> bool:
    """Return whether two rasters have the same values."""
    return bool((gdal.Open(str(first)).ReadAsArray() == gdal.Open(str(second)).ReadAsArray()).all())


def apart(work: Callable[[Path], ResultT], path: Path) -> ResultT:
    """Do work in a separate process, since the peak memory of a command includes that of the process that starts it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, path).result()


def scikit_learn(scene: Path) -> Cost:
    """Return the cost of predict_proba for all valid pixels; the training is not counted."""
    # Imported here, so that it takes no memory in other processes.
    from sklearn.ensemble import RandomForestClassifier

    config = load_scene(scene)
    classifier, workspace = config.template.classifier, Workspace(config.workspace)
    training = gdal.OpenEx(str(workspace.latest / "training.gpkg"), gdal.OF_VECTOR)
    table = training.GetLayer(0)
    left, across, _, top, _, down = gdal.Open(str(workspace.features)).GetGeoTransform()
    points = [
        (feature.GetGeometryRef().GetX(), feature.GetGeometryRef().GetY(), feature.GetField("class"))
        for feature in table
    ]
    columns = np.array([int((x - left) / across) for x, _, _ in points])
    rows = np.array([int((y - top) / down) for _, y, _ in points])
    forest = RandomForestClassifier(
        n_estimators=int(str(classifier["classifier.rf.nbtrees"])),
        max_depth=int(str(classifier["classifier.rf.max"])),
        n_jobs=machine_threads(),
        random_state=1,
    )
    forest.fit(values_at(workspace.features, rows, columns), [kind for _, _, kind in points])
    valid = gdal.Open(str(workspace.valid)).ReadAsArray() == 1
    pixels = gdal.Open(str(workspace.features)).ReadAsArray()[:, valid].T.copy()
    wall, processor = time.perf_counter(), time.process_time()
    forest.predict_proba(pixels)
    seconds, used = time.perf_counter() - wall, time.process_time() - processor
    return Cost(round(seconds, 2), round(used, 2), 0.0, 0.0)


def scene_of(folder: Path, size: int, points: int) -> Path:
    """Return a scene, which is made if it does not exist. Scenes of one size share products and workspace.

    Parameters
    ----------
    folder
        Folder of all scenes.
    size
        Side of the scene in pixels of 10 m.
    points
        Points in each class.
    """
    whole = folder / str(size) / "scene.json"
    if not whole.is_file():
        print(f"making a synthetic scene of {size} x {size} pixels", flush=True)
        apart(partial(make_scene, size=size, points_per_class=END), whole.parent)
    if points == END:
        return whole
    scene, samples = whole.with_name(f"scene_{points}.json"), whole.with_name(f"samples_{points}.gpkg")
    if not scene.is_file():
        write_first(whole.with_name("samples.gpkg"), samples, points)
        scene.write_text(json.dumps(json.loads(whole.read_text()) | {"samples": samples.name}))
    return scene


def write_first(source: Path, target: Path, points: int) -> None:
    """Write the first points of each class, as far apart as this number of points allows."""
    with fiona.open(source) as layer:
        counts: Counter[str] = Counter()
        chosen = []
        for feature in layer:
            counts[feature["properties"]["class"]] += 1
            if counts[feature["properties"]["class"]] <= points:
                chosen.append(feature)
        with fiona.open(target, "w", driver="GPKG", layer="samples", crs=layer.crs, schema=layer.schema) as first:
            first.writerecords(chosen)


def nodes_of(model: Path) -> int:
    """Return the number of nodes of all trees, with leaves, as a measure of a forest's work."""
    return model.read_text().count("depth: ")


def show(name: str, cost: Cost) -> Cost:
    """Print a cost, and return it."""
    print(
        f"{name:<44}{cost.seconds:>8.2f}{cost.processor_seconds:>11.2f}{cost.peak_megabytes:>9.0f}"
        f"{cost.written_megabytes:>12.1f}",
        flush=True,
    )
    return cost


def measure(folder: Path, sizes: list[int]) -> dict[str, object]:
    """Measure all, and return the figures.

    Parameters
    ----------
    folder
        Folder of the scenes.
    sizes
        Sides of the scenes in pixels of 10 m.
    """
    threads = machine_threads()
    costs: dict[str, Cost] = {}

    def note(name: str, cost: Cost) -> Cost:
        costs[name] = show(name, cost)
        return cost

    print(f"{'':<44}{'seconds':>8}{'processor':>11}{'peak MB':>9}{'written MB':>12}")
    for size in sizes:
        scene = scene_of(folder, size, BEGINNING)
        shutil.rmtree(load_scene(scene).workspace, ignore_errors=True)
        note(f"first run, with preparation, {size} px", cost_of(*alcd("run", scene)))
        note(f"turn, {size} px", best(ROUNDS, *alcd("run", scene)))
    forests = {
        f"{points} points a class": compare(scene_of(folder, sizes[-1], points), folder, points, threads, note)
        for points in (BEGINNING, END)
    }
    return {
        "date": date.today().isoformat(),
        "machine": machine(threads),
        "costs": {key: asdict(cost) for key, cost in costs.items()},
        "forests": forests,
    }


def compare(
    scene: Path, folder: Path, points: int, threads: int, note: Callable[[str, Cost], Cost]
) -> dict[str, object]:
    """Compare the forest of an iteration with OTB's own and with that of scikit-learn.

    Parameters
    ----------
    scene
        Description of the scene.
    folder
        Folder for temporary files.
    points
        Points in each class.
    threads
        Number of threads.
    note
        Function that notes and returns a cost.
    """
    workspace = Workspace(load_scene(scene).workspace)
    turn = note(f"turn, {points} points a class", best(ROUNDS, *alcd("run", scene)))
    model = workspace.latest / "model.rf"
    with tempfile.TemporaryDirectory(dir=folder) as name:
        out = Path(name)
        stock = note(f"ImageClassifier, {points}", classify(workspace, model, out, threads, fast=False))
        fast = note(f"ImageClassifier, fast forest, {points}", classify(workspace, model, out, threads, fast=True))
        if threads > 1:
            note(f"the same with one thread, {points}", classify(workspace, model, out, 1, fast=True))
        same = all(
            same_pixels(out / f"{kind}_True.tif", out / f"{kind}_False.tif") for kind in ("labels", "confidence")
        )
    learned = note(f"scikit-learn, predict_proba alone, {points}", apart(scikit_learn, scene))
    folds = note(f"k-fold, 10 folds, {points}", best(ROUNDS, *alcd("kfold", scene)))
    ratios = {
        "stock / fast, seconds": stock.seconds / fast.seconds,
        "stock / fast, processor": stock.processor_seconds / fast.processor_seconds,
        "scikit-learn / fast, seconds": learned.seconds / fast.seconds,
        "stock / turn, seconds": stock.seconds / turn.seconds,
        "k-fold / turn, seconds": folds.seconds / turn.seconds,
    }
    nodes = nodes_of(model)
    print(f"forest of {nodes} nodes: labels and confidences of both the same in every pixel: {same}")
    for ratio, value in ratios.items():
        print(f"{ratio:<44}{value:>8.2f}", flush=True)
    return {
        "nodes": nodes,
        "features": gdal.Open(str(workspace.features)).RasterCount,
        "same_pixels": same,
        "ratios": {key: round(value, 2) for key, value in ratios.items()},
    }


def machine(threads: int) -> dict[str, object]:
    """Describe the machine."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "processor": processor,
        "threads": threads,
        "memory_megabytes": machine_memory(),
        "system": platform.platform(),
        "gdal": gdal.__version__,
    }


def main() -> None:
    """Measure all sizes, and write the figures."""
    parser = argparse.ArgumentParser(description="Seconds, memory and disk of preparation and of an iteration.")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[SIXTEENTH, QUARTER, FULL_TILE],
        metavar="PIXELS",
        help="of the scenes, in pixels of 10 m",
    )
    parser.add_argument("--folder", type=Path, help="where the scenes are made and kept; else they are removed")
    parser.add_argument("--result", type=Path, help="JSON file to write the figures to")
    options = parser.parse_args()
    load_otb(default_settings())
    with tempfile.TemporaryDirectory() as temporary:
        result = measure(options.folder or Path(temporary), options.sizes)
    if options.result:
        options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
