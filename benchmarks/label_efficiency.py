"""How good the mask is for so many labelled points, by how the places to label are chosen.

Usage: python benchmarks/label_efficiency.py [--scenes N] [--seeds N] [--size PIXELS] [--most POINTS] [--result FILE].
On synthetic scenes a simulated operator labels three points a class, all eight neighbours of which are of the class,
then twelve places a turn (--turn). The class is that of the truth at the pixel's centre, also on an edge.
Each turn is one of the loop, with the template `clouds`; the invalid/valid accuracy is that of its map against the
truth of every pixel. The places of a turn:

- random: drawn among all pixels of the map.
- knowing: as many of each true class, drawn among the pixels whose eight neighbours are of it; what an operator does
  who sees every class and keeps off the edges, without help.
- confidence: the pixels of lowest confidence, smoothed by a median of 11 x 11 pixels, as in the original's guide; equal
  ones in drawn order.
- spaced: the same, at least 11 pixels apart, so that no two come from one window.
- proposed: those of `python -m alcd_otb next`.

The seed governs the first points and all draws. Points are all that were labelled, with those that only validate.
"""

import argparse
import json
import logging
import multiprocessing
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

from alcd_otb.accuracy.confusion import BinaryMetrics
from alcd_otb.active_learning.places import propose_places
from alcd_otb.active_learning.uncertainty import CertaintyMaps
from alcd_otb.classification.iteration import IterationInput, run_iteration
from alcd_otb.cli.demo import compare_with_truth
from alcd_otb.iterations.record import Stopwatch
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import prepare
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.synthetic.scene import make_scene
from alcd_otb.workspace import Workspace
from otb_pipelines.settings import Settings

FIRST_PER_CLASS = 3
SPACING = 11
SETTINGS = Settings(ram=256, threads=1)

Pixels = list[tuple[int, int]]
Curve = dict[int, float]


@dataclass(frozen=True)
class Prepared:
    """A scene ready for the loop.

    On the map's grid: centre, the true class at each pixel's centre; valid, whether it may be labelled; inside, whether
    its eight neighbours are of the same class.
    """

    config: SceneConfig
    grid: Grid
    workspace: Workspace
    truth_file: Path
    centre: NDArray[np.uint8]
    valid: NDArray[np.bool_]
    inside: NDArray[np.bool_]


@dataclass(frozen=True)
class Turn:
    """What a strategy may look at. pixels: labelled so far; wanted: how many places to choose."""

    scene: Prepared
    folder: Path
    pixels: Pixels
    samples: tuple[Sample, ...]
    wanted: int
    random: np.random.Generator

    @property
    def free(self) -> NDArray[np.bool_]:
        free = self.scene.valid.copy()
        free[tuple(np.array(self.pixels).T)] = False
        return free


def random_places(turn: Turn) -> Pixels:
    return drawn(turn.free, turn.wanted, turn.random)


def knowing_places(turn: Turn) -> Pixels:
    inside, centre = turn.scene.inside & turn.free, turn.scene.centre
    codes = np.unique(centre[inside])
    return [one for code in codes for one in drawn(inside & (centre == code), turn.wanted // codes.size, turn.random)]


def confidence_places(turn: Turn, spacing: int = 1) -> Pixels:
    confidence = gdal.Open(str(turn.folder / "confidence_smoothed.tif")).ReadAsArray()
    pixels = np.flatnonzero(turn.free)
    order = pixels[np.lexsort((turn.random.random(pixels.size), confidence.flat[pixels]))]
    chosen: Pixels = []
    for row, column in zip(*(axis.tolist() for axis in np.divmod(order, confidence.shape[1])), strict=True):
        if all(np.hypot(row - other, column - another) >= spacing for other, another in chosen):
            chosen.append((row, column))
        if len(chosen) == turn.wanted:
            break
    return chosen


def spaced_places(turn: Turn) -> Pixels:
    return confidence_places(turn, SPACING)


def proposed_places(turn: Turn) -> Pixels:
    template, maps = turn.scene.config.template, CertaintyMaps.of(turn.folder)
    assert maps is not None
    queries = template.queries.model_copy(update={"number": turn.wanted})
    features, seed = turn.scene.workspace.features, template.samples.seed
    places = propose_places(maps, features, turn.samples, template.legend, queries, seed)
    return [(place.row, place.column) for place in places]


STRATEGIES: dict[str, Callable[[Turn], Pixels]] = {
    "random": random_places,
    "knowing": knowing_places,
    "confidence": confidence_places,
    "spaced": spaced_places,
    "proposed": proposed_places,
}


def drawn(among: NDArray[np.bool_], count: int, random: np.random.Generator) -> Pixels:
    pixels = np.flatnonzero(among)
    chosen = random.choice(pixels, min(count, pixels.size), replace=False)
    rows, columns = np.divmod(chosen, among.shape[1])
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def prepared(folder: Path, size: int, seed: int) -> Prepared:
    """Make a scene, with a radiometric offset on its cloudy date alone, and its features."""
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
    return tuple(
        Sample(
            f"point:{number}",
            int(scene.centre[row, column]),
            {"type": "Point", "coordinates": scene.grid.centre_of(row, column)},
        )
        for number, (row, column) in enumerate(pixels)
    )


def curve(scene: Prepared, strategy: str, seed: int, most: int, wanted: int) -> Curve:
    """Invalid/valid accuracy by the number of points."""
    first = np.random.default_rng(seed)
    codes = np.unique(scene.centre[scene.inside])
    pixels = [one for code in codes for one in drawn(scene.inside & (scene.centre == code), FIRST_PER_CLASS, first)]
    random = np.random.default_rng([seed, list(STRATEGIES).index(strategy)])
    accuracies: Curve = {}
    while True:
        samples = labelled(scene, pixels)
        with tempfile.TemporaryDirectory(dir=scene.workspace.folder) as name:
            folder = Path(name)
            given = IterationInput(scene.config.template, scene.workspace, scene.grid, samples)
            run_iteration(given, folder, Stopwatch(), SETTINGS)
            pairs = compare_with_truth(folder / "labels.tif", scene.truth_file)
            binary = BinaryMetrics.from_pairs(pairs, scene.config.template.legend)
            assert binary.overall_accuracy is not None
            accuracies[len(pixels)] = binary.overall_accuracy
            if len(pixels) >= most:
                return accuracies
            pixels = pixels + STRATEGIES[strategy](Turn(scene, folder, pixels, samples, wanted, random))


def curves_of_scene(task: tuple[int, int, int, int, int, tuple[str, ...]]) -> list[tuple[int, int, str, Curve]]:
    """(scene, seed, strategy, curve) of all runs on one scene."""
    number, size, seeds, most, wanted, strategies = task
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        scene = prepared(Path(folder), size, number)
        return [
            (number, seed, strategy, curve(scene, strategy, seed, most, wanted))
            for seed, strategy in product(range(1, seeds + 1), strategies)
        ]


def table(runs: Sequence[tuple[int, int, str, Curve]], strategies: Sequence[str]) -> str:
    """Mean and standard deviation over scenes and seeds."""
    lines = [f"{'points':<8}" + "".join(f"{strategy:>18}" for strategy in strategies)]
    for points in sorted({points for *_, one in runs for points in one}):
        cells = []
        for strategy in strategies:
            values = [one[points] for *_, name, one in runs if name == strategy and points in one]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            cells.append(f"{statistics.fmean(values):>10.4f} {spread:.4f} ")
        lines.append(f"{points:<8}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Points against accuracy, by how the places are chosen.")
    parser.add_argument("--scenes", type=int, default=2)
    parser.add_argument("--first", type=int, default=101, help="seed of the first scene")
    parser.add_argument("--seeds", type=int, default=2, help="runs on each scene")
    parser.add_argument("--size", type=int, default=2196, help="of the scenes, in pixels of 10 m")
    parser.add_argument("--most", type=int, default=126, help="points with which a run ends")
    parser.add_argument("--turn", type=int, default=12, help="places labelled in a turn")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--result", type=Path, help="JSON file for every run's curve")
    options = parser.parse_args()
    strategies = tuple(options.strategies)
    scenes = range(options.first, options.first + options.scenes)
    tasks = [(number, options.size, options.seeds, options.most, options.turn, strategies) for number in scenes]
    # OTB's threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(min(options.processes, len(tasks))) as pool:
        runs = [run for one in pool.imap(curves_of_scene, tasks, chunksize=1) for run in one]
    print(f"invalid/valid accuracy, mean and standard deviation over {len(tasks)} scenes x {options.seeds} seeds")
    print(table(runs, strategies))
    if options.result:
        content = [{"scene": a, "seed": b, "strategy": c, "accuracy": d} for a, b, c, d in runs]
        options.result.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
