"""Preparation and a turn of the loop, each beside what a user would use instead, on the same pixels in one run.

Usage: python benchmarks/speed.py [--sizes PIXELS ...] [--folder FOLDER] [--result RESULT.json]. Synthetic scenes are
made in the folder, or used again if they are there. The last size is the one of the comparisons. The machine should
have nothing else to do.

- turn: `python -m alcd_otb run` on a prepared scene, whole: samples, training, classification, cleaning, accuracy and
  pictures. At the loop's beginning there are 25 points a class, at its end 75, and the trees are larger.
- stock: otbcli_ImageClassifier as OTB has it, labels and confidence, with a turn's forest; fast: the same command with
  the fast forest.
- scikit-learn: RandomForestClassifier.predict_proba with as many trees, of the same depth, on all processors, trained
  on the same pixels, from an array in memory.
- k-fold: `python -m alcd_otb kfold`, ten folds.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import fiona
import numpy as np
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
"""Points a class."""

gdal.UseExceptions()


@dataclass(frozen=True)
class Cost:
    """Of a command: seconds on the clock and of all processors, megabytes at the peak and written to disk."""

    seconds: float
    processor_seconds: float
    peak_megabytes: float
    written_megabytes: float


def cost_of(*command: str | Path, **environment: str) -> Cost:
    """Of a command that must succeed; its output is not shown."""
    clean = {key: value for key, value in os.environ.items() if key != "ITK_AUTOLOAD_PATH"}
    start = time.perf_counter()
    with subprocess.Popen(
        [str(word) for word in command], env=clean | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return Cost(
        round(seconds, 2),
        round(used.ru_utime + used.ru_stime, 2),
        round(used.ru_maxrss / 1024, 1),
        # Counted in blocks of 512 bytes.
        round(used.ru_oublock * 512 / 1e6, 1),
    )


def best(rounds: int, *command: str | Path, **environment: str) -> Cost:
    """The quickest of several runs: what else the machine did is left out."""
    return min((cost_of(*command, **environment) for _ in range(rounds)), key=lambda cost: cost.seconds)


def alcd(*arguments: str | Path) -> tuple[str | Path, ...]:
    return (sys.executable, "-m", "alcd_otb", *arguments, "-q")


def classify(workspace: Workspace, model: Path, folder: Path, threads: int, fast: bool) -> Cost:
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
    return bool((gdal.Open(str(first)).ReadAsArray() == gdal.Open(str(second)).ReadAsArray()).all())


def apart(work: Callable[[Path], ResultT], path: Path) -> ResultT:
    """In a process of its own: the peak memory of a command counts what the process that starts it holds."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, path).result()


def scikit_learn(scene: Path) -> Cost:
    """predict_proba of all valid pixels; the training is not counted."""
    # Here, so that it is in no other process.
    from sklearn.ensemble import RandomForestClassifier

    config = load_scene(scene)
    classifier, workspace = config.template.classifier, Workspace(config.workspace)
    training = gdal.OpenEx(str(workspace.latest / "training.gpkg"), gdal.OF_VECTOR)
    table = training.GetLayer(0)
    left, across, _, top, _, down = gdal.Open(str(workspace.features)).GetGeoTransform()
    points = [(one.GetGeometryRef().GetX(), one.GetGeometryRef().GetY(), one.GetField("class")) for one in table]
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
    """The scene of a size with so many points a class; all of a size share their products and workspace."""
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
    """The first points of each class, which lie as far apart as that many can."""
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
    """Nodes of all trees, leaves among them, which say how much work a forest is."""
    return model.read_text().count("depth: ")


def show(name: str, cost: Cost) -> Cost:
    print(
        f"{name:<44}{cost.seconds:>8.2f}{cost.processor_seconds:>11.2f}{cost.peak_megabytes:>9.0f}"
        f"{cost.written_megabytes:>12.1f}",
        flush=True,
    )
    return cost


def measure(folder: Path, sizes: list[int]) -> dict[str, object]:
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
    """A turn's forest beside OTB's own and scikit-learn's."""
    workspace = Workspace(load_scene(scene).workspace)
    turn = note(f"turn, {points} points a class", best(ROUNDS, *alcd("run", scene)))
    model = workspace.latest / "model.rf"
    with tempfile.TemporaryDirectory(dir=folder) as name:
        out = Path(name)
        stock = note(f"ImageClassifier, {points}", classify(workspace, model, out, threads, fast=False))
        fast = note(f"ImageClassifier, fast forest, {points}", classify(workspace, model, out, threads, fast=True))
        if threads > 1:
            note(f"the same with one thread, {points}", classify(workspace, model, out, 1, fast=True))
        same = all(same_pixels(out / f"{one}_True.tif", out / f"{one}_False.tif") for one in ("labels", "confidence"))
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
    parser = argparse.ArgumentParser(description="Seconds, memory and disk of preparation and of a turn of the loop.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[SIXTEENTH, QUARTER, FULL_TILE], metavar="PIXELS")
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
