"""Measure the accuracy of the map by the number of labelled points, for several ways to choose the places to label.

Usage: python benchmarks/label_efficiency.py [--scenes N] [--seeds N] [--size PIXELS] [--most POINTS] [--result FILE]

On synthetic scenes, a simulated operator first labels three points in each class, whose eight neighbours are all of the
class. Then the operator labels twelve places in each turn (--turn). The label is the true class at the centre of the
pixel, also on an edge. Each turn is one turn of the loop with the template `clouds`. The invalid/valid accuracy is that
of its map against the truth of every pixel. The places of a turn are chosen in one of these ways:

- random: drawn among all pixels of the map.
- knowing: the same number in each true class, drawn among the pixels whose eight neighbours are of the class. This is
  what an operator does without help who sees every class and avoids the edges.
- confidence: the pixels of lowest confidence, smoothed by a median of 11 x 11 pixels, as in the original's guide.
  Pixels of equal confidence are in random order.
- spaced: the same, at least 11 pixels apart, so that no two are from one window.
- proposed: the places of `python -m alcd_otb next`.

The seed determines the first points and all draws. The number of points counts all labelled points, with those that
only validate.
"""

import argparse
import json
import logging
import multiprocessing
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from helpers.label_strategies import STRATEGIES, Prepared, Turn, drawn
from osgeo import gdal

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics
from alcd_otb.classification.iteration import IterationInput, run_iteration
from alcd_otb.iterations.record import Stopwatch
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import prepare
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import make_scene
from otb_pipelines.settings import Settings

FIRST_PER_CLASS = 3
SETTINGS = Settings(ram=256, threads=1)

Curve = dict[int, float]
"""Invalid/valid accuracy by the number of labelled points."""


def prepared(folder: Path, size: int, seed: int) -> Prepared:
    """Make and prepare a scene with a radiometric offset on its cloudy date alone.

    Parameters
    ----------
    folder
        Folder of the scene.
    size
        Side of the scene in pixels of 10 m.
    seed
        Seed of the scene.
    """
    synthetic = make_scene(folder, size=size, seed=seed, offset="cloudy")
    scene = Scene.open(synthetic.scene_json, SETTINGS)
    inputs, workspace = Inputs.read(scene.config), scene.workspace
    with workspace.locked():
        prepare(inputs, workspace, inputs.fingerprint(), SETTINGS)
    grid = inputs.grid
    fine = Grid.of(str(synthetic.truth))
    row, column = (
        ((np.arange(count) + 0.5) * grid.resolution / fine.resolution).astype(np.int64)
        for count in (grid.height, grid.width)
    )
    centre = gdal.Open(str(synthetic.truth)).ReadAsArray()[np.ix_(row, column)]
    bounds = (grid.left, grid.bottom, grid.right, grid.top)
    options = {"format": "MEM", "outputBounds": bounds, "width": grid.width, "height": grid.height}
    truth = gdal.Warp("", str(synthetic.truth), resampleAlg="mode", **options).ReadAsArray()
    valid = (gdal.Open(str(workspace.valid)).ReadAsArray() == 1) & (centre > 0)
    inside = valid.copy()
    padded = np.pad(truth, 1, mode="edge")
    for down, right in product(range(3), repeat=2):
        inside &= padded[down : down + grid.height, right : right + grid.width] == centre
    return Prepared(scene.config, grid, workspace, synthetic.truth, centre, valid, inside)


def labelled(scene: Prepared, pixels: Sequence[tuple[int, int]]) -> tuple[Sample, ...]:
    """Return samples of the true class at the centres of pixels."""
    return tuple(
        Sample(
            f"point:{number}",
            int(scene.centre[row, column]),
            {"type": "Point", "coordinates": scene.grid.centre_of(row, column)},
        )
        for number, (row, column) in enumerate(pixels)
    )


def curve(scene: Prepared, strategy: str, seed: int, most: int, wanted: int) -> Curve:
    """Label points turn by turn, and return the accuracy of each turn.

    Parameters
    ----------
    scene
        The scene.
    strategy
        Name of the strategy.
    seed
        Seed of the draws.
    most
        Number of points with which the run ends.
    wanted
        Number of places that are labelled in a turn.
    """
    first = np.random.default_rng(seed)
    codes = np.unique(scene.centre[scene.inside])
    pixels = [pixel for code in codes for pixel in drawn(scene.inside & (scene.centre == code), FIRST_PER_CLASS, first)]
    random = np.random.default_rng([seed, list(STRATEGIES).index(strategy)])
    accuracies: Curve = {}
    while True:
        samples = labelled(scene, pixels)
        with tempfile.TemporaryDirectory(dir=scene.workspace.folder) as name:
            folder = Path(name)
            inputs = IterationInput(scene.config.template, scene.workspace, scene.grid, samples)
            run_iteration(inputs, folder, Stopwatch(), SETTINGS)
            pairs = compare_with_truth(folder / "labels.tif", scene.truth_file)
            binary = BinaryMetrics.from_pairs(pairs, scene.config.template.legend)
            assert binary.overall_accuracy is not None
            accuracies[len(pixels)] = binary.overall_accuracy
            if len(pixels) >= most:
                return accuracies
            pixels = pixels + STRATEGIES[strategy](Turn(scene, folder, pixels, samples, wanted, random))


@dataclass(frozen=True)
class Task:
    """The runs on one scene.

    Attributes
    ----------
    scene
        Seed of the scene.
    size
        Side of the scene in pixels of 10 m.
    seeds
        Number of runs with each strategy.
    most
        Number of points with which a run ends.
    wanted
        Number of places that are labelled in a turn.
    strategies
        Names of the strategies.
    """

    scene: int
    size: int
    seeds: int
    most: int
    wanted: int
    strategies: tuple[str, ...]


class Run(NamedTuple):
    """A run on a scene: seed of the scene, seed of the run, name of the strategy, and accuracies."""

    scene: int
    seed: int
    strategy: str
    accuracy: Curve


def runs_on_scene(task: Task) -> list[Run]:
    """Make a scene, and do all runs on it."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        scene = prepared(Path(folder), task.size, task.scene)
        return [
            Run(task.scene, seed, strategy, curve(scene, strategy, seed, task.most, task.wanted))
            for seed, strategy in product(range(1, task.seeds + 1), task.strategies)
        ]


def table(runs: Sequence[Run], strategies: Sequence[str]) -> str:
    """Return a table of mean and standard deviation over scenes and seeds."""
    lines = [f"{'points':<8}" + "".join(f"{strategy:>18}" for strategy in strategies)]
    for points in sorted({points for run in runs for points in run.accuracy}):
        cells = []
        for strategy in strategies:
            values = [run.accuracy[points] for run in runs if run.strategy == strategy and points in run.accuracy]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.fmean(values):>10.4f} {spread:.4f} ")
        lines.append(f"{points:<8}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    """Do all runs, and print the accuracy by the number of points."""
    parser = argparse.ArgumentParser(description="Points against accuracy, by how the places are chosen.")
    parser.add_argument("--scenes", type=int, default=2, help="number of scenes")
    parser.add_argument("--first", type=int, default=101, help="seed of the first scene")
    parser.add_argument("--seeds", type=int, default=2, help="runs on each scene")
    parser.add_argument("--size", type=int, default=2196, help="of the scenes, in pixels of 10 m")
    parser.add_argument("--most", type=int, default=126, help="points with which a run ends")
    parser.add_argument("--turn", type=int, default=12, help="places labelled in a turn")
    parser.add_argument("--processes", type=int, default=2, help="scenes that are measured at the same time")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--result", type=Path, help="JSON file for every run's curve")
    options = parser.parse_args()
    strategies = tuple(options.strategies)
    scenes = range(options.first, options.first + options.scenes)
    tasks = [Task(scene, options.size, options.seeds, options.most, options.turn, strategies) for scene in scenes]
    # OTB's threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(min(options.processes, len(tasks))) as pool:
        runs = [run for runs_of_task in pool.imap(runs_on_scene, tasks, chunksize=1) for run in runs_of_task]
    print(f"invalid/valid accuracy, mean and standard deviation over {len(tasks)} scenes x {options.seeds} seeds")
    print(table(runs, strategies))
    if options.result:
        content = [run._asdict() for run in runs]
        options.result.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
