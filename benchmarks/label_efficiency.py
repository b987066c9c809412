"""Measure the accuracy of the map by the number of labelled points, for several ways to choose the places to label.

Usage: python benchmarks/label_efficiency.py [--real FOLDER] [--synthetic N] [--seeds N ...] [--result FILE]

FOLDER holds chips of real pixels that people labelled by hand (helpers/hand_labelled.py). A simulated operator first
labels the start places of the package, and one pixel of each class that is not among them. Then the operator labels at
most twelve places in each iteration. The label is the true class at the centre of the pixel, also on an edge. Each
iteration is one of the loop with the values of the template. The places of an iteration are chosen in one of these
ways:

- proposed: the places that the package proposes. Where the class is unknown, the operator leaves a place out.
- random: drawn among all pixels.
- lowest: the pixels of lowest smoothed confidence, at least 11 pixels apart, as in the original's guide. Pixels of
  equal confidence are in random order.
- many: 5,000 random pixels at once, which shows what more points could bring.

Clouds and their shadows are scored by the fraction of pixels that are correctly positive or negative; water by its F1
score. The seed determines samples of the forest, start places and draws.

The script prints the mean and the standard deviation over the seeds for each chip, and for groups of chips the mean
with its standard error, which is that of the seeds' means over the group. Differences below two standard errors are
noise.
"""

import argparse
import json
import logging
import multiprocessing
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

from helpers.hand_labelled import read_chips
from helpers.labelled_scene import LabelledScene, chip_scene, synthetic_scene
from helpers.operator import STRATEGIES, iterations

from otb_pipelines.settings import Settings

BUDGETS = (18, 24, 36, 48, 60, 72, 84, 96, 108, 126)
SHOWN = (18, 24, 48, 96, 126)
SETTINGS = Settings(ram=128, threads=1)
GROUPS = {
    "landsat5 and landsat7": ("landsat5", "landsat7"),
    "Landsat 8 with shadows": ("l8biome_Forest_05_0415", "l8biome_GrassCrops_01_0413"),
    "water": ("India_900498", "Mekong_333434", "Pakistan_849790", "Spain_7370579"),
}


@dataclass(frozen=True)
class Task:
    """An operator to simulate.

    Attributes
    ----------
    chip
        Name of the chip, or ``synthetic SEED``.
    strategy
        How the places of an iteration are chosen.
    seed
        Seed of the run.
    folder
        Folder of the chips.
    size
        Side of a synthetic scene in pixels of 10 m.
    changes
        Changes to the template.
    most
        Most places of an iteration.
    """

    chip: str
    strategy: str
    seed: int
    folder: Path | None
    size: int
    changes: dict[str, Any]
    most: int


@dataclass(frozen=True)
class Run:
    """What an operator reached.

    Attributes
    ----------
    chip, strategy, seed
        As in `Task`.
    measures
        What the scores are: ``accuracy`` or ``F1 score``.
    scores
        Score after the first iteration that had at least so many points, 0 to 1, by the number of points of `BUDGETS`.
        A budget that was not reached is absent.
    seconds
        Wall-clock seconds of all iterations, with the choice of the places.
    """

    chip: str
    strategy: str
    seed: int
    measures: str
    scores: dict[int, float]
    seconds: float


def opened(task: Task, folder: Path) -> tuple[LabelledScene, str]:
    """Prepare the scene of a task, and return it with the kind of score."""
    changes = json.loads(json.dumps(task.changes))
    changes.setdefault("samples", {})["seed"] = task.seed
    kind, _, seed = task.chip.partition(" ")
    if kind == "synthetic":
        return synthetic_scene(folder, task.size, int(seed), changes, SETTINGS), "accuracy"
    assert task.folder is not None
    chip = read_chips(task.folder)[task.chip]()
    return chip_scene(folder, chip, changes, SETTINGS), chip.measures


def run(task: Task) -> Run:
    """Simulate an operator."""
    logging.disable(logging.WARNING)
    scores: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as name:
        labelled, measures = opened(task, Path(name))
        started = time.perf_counter()
        for number, made in enumerate(iterations(labelled, task.strategy, task.seed, BUDGETS, task.most)):
            score = labelled.score(made.folder / "labels.tif")
            value = score.accuracy if measures == "accuracy" else score.f1 or 0.0
            # The first iteration stands for the first budget, though start places may be more or fewer.
            points = BUDGETS[0] if number == 0 and task.strategy != "many" else len(made.pixels)
            scores[points] = value
        seconds = time.perf_counter() - started
    return Run(task.chip, task.strategy, task.seed, measures, scores, round(seconds, 1))


def lines(runs: Sequence[Run]) -> Iterator[str]:
    """Write the tables."""
    yield "mean and standard deviation over the seeds"
    yield f"{'chip':<28}{'places':<10}" + "".join(f"{points:>16}" for points in SHOWN)
    for chip, strategy in dict.fromkeys((one.chip, one.strategy) for one in runs):
        mine = [one for one in runs if (one.chip, one.strategy) == (chip, strategy)]
        if strategy == "many":
            values = [value for one in mine for value in one.scores.values()]
            yield f"{chip:<28}{strategy:<10}{statistics.fmean(values):>16.3f}"
            continue
        cells = [[one.scores[points] for one in mine if points in one.scores] for points in SHOWN]
        yield f"{chip:<28}{strategy:<10}" + "".join(f"{_spread(values):>16}" for values in cells)
    synthetic = tuple(dict.fromkeys(one.chip for one in runs if one.chip.startswith("synthetic")))
    groups = {name: chips for name, chips in {**GROUPS, "synthetic": synthetic}.items() if chips}
    yield ""
    yield "mean over the chips of a group, its standard error, and the least of all runs"
    for name, chips in groups.items():
        for strategy in STRATEGIES:
            cells = [_of_group([one for one in runs if one.strategy == strategy], chips, points) for points in SHOWN]
            if any(cells):
                yield f"{name:<28}{strategy:<10}" + "".join(f"{cell:>20}" for cell in cells)


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{statistics.fmean(values):.3f} ± {statistics.stdev(values) if len(values) > 1 else 0:.3f}"


def _of_group(runs: Sequence[Run], chips: Sequence[str], points: int) -> str:
    """Write the mean of a group at a number of points. It is empty if a chip has no run."""
    means = []
    for seed in dict.fromkeys(one.seed for one in runs):
        values = [one.scores[points] for one in runs if one.seed == seed and one.chip in chips and points in one.scores]
        if len(values) == len(chips):
            means.append(statistics.fmean(values))
    if not means:
        return ""
    error = statistics.stdev(means) / len(means) ** 0.5 if len(means) > 1 else 0.0
    least = min(one.scores[points] for one in runs if one.chip in chips and points in one.scores)
    return f"{statistics.fmean(means):.3f} ± {error:.3f} ({least:.2f})"


def main() -> None:
    """Do all runs, and print the accuracy by the number of points."""
    parser = argparse.ArgumentParser(description="Points against accuracy, by how the places are chosen.")
    parser.add_argument("--real", type=Path, help="folder of the chips that people labelled by hand")
    parser.add_argument("--chips", nargs="+", help="names of chips; by default all of the folder")
    parser.add_argument("--synthetic", type=int, default=3, help="number of synthetic pairs of dates")
    parser.add_argument("--first", type=int, default=201, help="seed of the first synthetic pair")
    parser.add_argument("--size", type=int, default=2196, help="of the synthetic pairs, in pixels of 10 m")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103, 104, 105])
    parser.add_argument("--most", type=int, default=12, help="most places labelled in an iteration")
    parser.add_argument("--strategies", nargs="+", choices=[*STRATEGIES, "many"], default=[*STRATEGIES, "many"])
    parser.add_argument("--set", type=json.loads, default={}, help="changes to the templates, as JSON")
    parser.add_argument("--processes", type=int, default=2, help="operators that are simulated at the same time")
    parser.add_argument("--result", type=Path, help="JSON file for every run")
    parser.add_argument("--show", type=Path, help="print the tables of such a file")
    options = parser.parse_args()
    if options.show:
        content = json.loads(options.show.read_text())["runs"]
        runs = [Run(**{**one, "scores": {int(n): s for n, s in one["scores"].items()}}) for one in content]
        print("\n".join(lines(runs)))
        return
    names: list[str] = []
    if options.real is None:
        print("no folder of chips is given (--real); real pixels are left out")
    else:
        names = options.chips or list(read_chips(options.real))
    names += [f"synthetic {options.first + number}" for number in range(options.synthetic)]
    tasks = [
        Task(chip, strategy, seed, options.real, options.size, options.set, options.most)
        for chip, strategy, seed in product(names, options.strategies, options.seeds)
        if strategy != "many" or (seed == options.seeds[0] and not chip.startswith("synthetic"))
    ]
    runs = []
    # OTB's threads do not survive a fork.
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        for done in pool.imap(run, tasks, chunksize=1):
            runs.append(done)
            if options.result:
                content = {"machine": platform.processor() or platform.machine(), "runs": [asdict(one) for one in runs]}
                options.result.write_text(json.dumps(content, indent=1) + "\n")
    print("\n".join(lines(runs)))


if __name__ == "__main__":
    main()
