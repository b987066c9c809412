"""Measure how well the figures of an iteration show the accuracy of the map, and the cost of stopping to label.

Usage: python benchmarks/validation_figure.py FOLDER [--set JSON] [--seeds N ...] [--strategies NAME ...]

FOLDER holds landsat5.npz and landsat7.npz, chips of real pixels that people labelled by hand
(helpers/hand_labelled.py). A simulated operator first labels the 18 start places of the package. Then the operator
labels at most twelve points in each iteration, at places that the package proposes or at random, up to 126 points.

Each iteration makes two maps. The first is trained on all points, and its figure comes from cross-validation. The
second is trained on nine tenths of the points, and its figure comes from the other tenth. The true accuracy of a map is
the two-class accuracy, clouds and shadows against the rest, on all pixels.

The script prints:

- the fraction of pairs of iterations in which the figure moves in the same direction as the true accuracy. A pair with
  equal figures counts half. `later` is the fraction of pairs whose later map is the better one, for comparison.
- the true accuracy still to gain until the last iteration, after the rule of alcd_otb/iterations/stopping.py first
  holds.
- the mean gain of the next iteration by the fraction of the two-class map that the last iteration changed.
"""

import argparse
import json
import logging
import multiprocessing
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from helpers.hand_labelled import read_chips
from helpers.labelled_scene import LabelledScene, chip_scene
from helpers.operator import STRATEGIES, iterate, iterations
from osgeo import gdal

from alcd_otb.iterations.record import Stopwatch
from alcd_otb.iterations.stopping import GAINS, SETTLED_ITERATIONS, SETTLED_SHARE
from otb_pipelines.settings import Settings

CHIPS = ("landsat5", "landsat7")
BUDGETS = (18, 30, 42, 54, 66, 78, 90, 102, 114, 126)
MOST_POINTS = 12
"""Most points of an iteration."""
SETTINGS = Settings(ram=128, threads=1)


@dataclass(frozen=True)
class State:
    """An iteration: its points, figures and true accuracies, 0 to 1.

    Attributes
    ----------
    points
        Labelled points.
    truth
        True two-class accuracy of the map of all points.
    cross
        Two-class accuracy by cross-validation.
    kept_truth
        True two-class accuracy of the map of nine tenths of the points.
    kept
        Its two-class accuracy on the other points.
    changed
        Share of the two-class map of all points that the iteration changed. None in the first iteration.
    seconds
        Seconds of the cross-validation.
    """

    points: int
    truth: float
    cross: float | None
    kept_truth: float
    kept: float | None
    changed: float | None
    seconds: float


class Run(NamedTuple):
    """An operator's iterations on a chip."""

    chip: str
    strategy: str
    seed: int
    states: list[State]


@dataclass(frozen=True)
class Task:
    """An operator to simulate."""

    folder: Path
    chip: str
    strategy: str
    seed: int
    changes: dict[str, Any]


class Mapped(NamedTuple):
    """A map, True where it is positive, its accuracy, its figure, and the seconds of its cross-validation."""

    positive: Any
    truth: float
    figure: float | None
    seconds: float


def scored(labelled: LabelledScene, folder: Path, metrics: Any, seconds: float = 0) -> Mapped:
    """Score the map of an iteration."""
    labels = gdal.Open(str(folder / "labels.tif")).ReadAsArray()
    positive = np.isin(labels, labelled.scene.config.template.legend.positive_codes)
    known = (labels > 0) & (labelled.truth > 0)
    truth = labelled.score(folder / "labels.tif").accuracy
    return Mapped(positive[known], truth, metrics["invalid_valid"]["overall_accuracy"], seconds)


def run(task: Task) -> Run:
    """Simulate an operator."""
    logging.disable(logging.WARNING)
    changes = json.loads(json.dumps(task.changes))
    changes.setdefault("samples", {})["seed"] = task.seed
    states: list[State] = []
    with tempfile.TemporaryDirectory() as name:
        chip = read_chips(task.folder)[task.chip]()
        labelled = chip_scene(Path(name), chip, changes, SETTINGS)
        before = None
        for iteration in iterations(labelled, task.strategy, task.seed, BUDGETS, MOST_POINTS):
            made = scored(labelled, iteration.folder, iteration.metrics, iteration.seconds["accuracy"])
            with tempfile.TemporaryDirectory(dir=name) as other:
                metrics = iterate(labelled, iteration.pixels, Path(other), Stopwatch(), proportion=0.9)
                kept = scored(labelled, Path(other), metrics)
            changed = None if before is None else float((made.positive != before).mean())
            before = made.positive
            states.append(
                State(len(iteration.pixels), made.truth, made.figure, kept.truth, kept.figure, changed, made.seconds)
            )
    return Run(task.chip, task.strategy, task.seed, states)


def ordered(runs: Sequence[Run], least: int, most: int) -> tuple[int, list[float], list[float], float]:
    """Count how often figures move in the same direction as the truth.

    The pairs of iterations are `least` to `most` iterations apart.

    Returns
    -------
    tuple
        Number of pairs; the agreement of each by cross-validation, and by points kept out; share of pairs whose later
        map is the better one.
    """
    cross, kept, later = [], [], []
    for states in (one.states for one in runs):
        for first, second in combinations(range(len(states)), 2):
            if least <= second - first <= most:
                a, b = states[first], states[second]
                cross.append(agreement(a.cross, b.cross, a.truth, b.truth))
                kept.append(agreement(a.kept, b.kept, a.kept_truth, b.kept_truth))
                later.append(float(b.truth > a.truth))
    return len(later), cross, kept, statistics.fmean(later)


def agreement(figure: float | None, other: float | None, truth: float, other_truth: float) -> float:
    """Return 1 where the figure moves as the truth does, 0 where it moves the other way, else 0.5."""
    if figure is None or other is None:
        return 0.5
    return (1 + float(np.sign(other - figure) * np.sign(other_truth - truth))) / 2


def print_order(runs: Sequence[Run]) -> None:
    """Print how often figures order maps, and how far they are from the truth."""
    print("strategy  iterations apart  pairs  cross-validation  kept out  later")
    for strategy in dict.fromkeys(one.strategy for one in runs):
        mine = [one for one in runs if one.strategy == strategy]
        for name, least, most in (("1", 1, 1), ("2 to 4", 2, 4), ("5 and more", 5, 99)):
            pairs, cross, kept, later = ordered(mine, least, most)
            shares = f"{statistics.fmean(cross):>16.1%}  {statistics.fmean(kept):>8.1%}  {later:>5.1%}"
            print(f"{strategy:<10}{name:<16}  {pairs:>5}  {shares}")
        states = [state for one in mine for state in one.states]
        for name, differences in (
            ("cross-validation", [state.cross - state.truth for state in states if state.cross is not None]),
            ("kept out", [state.kept - state.kept_truth for state in states if state.kept is not None]),
        ):
            print(
                f"{strategy:<10}{name} less truth: {statistics.fmean(differences):+.3f} "
                f"± {statistics.stdev(differences):.3f}"
            )
        gain = [state.truth - state.kept_truth for state in states]
        print(f"{strategy:<10}all points train, less nine tenths: {statistics.fmean(gain):+.4f}")
    print(f"longest cross-validation: {max(state.seconds for one in runs for state in one.states):.2f} s")


def print_stopping(runs: Sequence[Run]) -> None:
    """Print the cost of stopping, and the gain of the next iteration by the last change."""
    for name in (*dict.fromkeys(one.strategy for one in runs), "all"):
        print_stops(name, [one.states for one in runs if name in (one.strategy, "all")])


def print_stops(name: str, runs: Sequence[Sequence[State]]) -> None:
    """Print the same for some runs."""
    stops = [(states, stop) for states in runs if (stop := stopped(states)) is not None]
    if stops:
        lost = [100 * (states[-1].truth - states[stop].truth) for states, stop in stops]
        best = [100 * (max(state.truth for state in states[stop:]) - states[stop].truth) for states, stop in stops]
        points = [states[stop].points for states, stop in stops]
        print(
            f"{name}: the rule held in {len(stops)} of {len(runs)} runs, at {statistics.fmean(points):.0f} "
            f"points ({min(points)} to {max(points)}); percentage points still to gain until the last iteration: "
            f"mean {statistics.fmean(lost):.2f}, worst {max(lost):.2f}; until the best iteration: "
            f"mean {statistics.fmean(best):.2f}, worst {max(best):.2f}"
        )
    print("last change      iterations  mean gain of the next  standard deviation")
    low = 0.0
    for high, _ in GAINS:
        gains = [
            100 * (after.truth - now.truth)
            for states in runs
            for now, after in pairwise(states)
            if now.changed is not None and low <= now.changed < high
        ]
        if len(gains) > 1:
            shown = f"{statistics.fmean(gains):+21.2f}  {statistics.stdev(gains):18.2f}"
            print(f"{low:6.1%} to {high:6.1%}  {len(gains):>10}  {shown}")
        low = high


def stopped(states: Sequence[State]) -> int | None:
    """Return the iteration in which the rule of stopping first holds."""
    for number in range(SETTLED_ITERATIONS, len(states)):
        last = [state.changed for state in states[number - SETTLED_ITERATIONS + 1 : number + 1]]
        if all(share is not None and share < SETTLED_SHARE for share in last):
            return number
    return None


def main() -> None:
    """Simulate all operators, and print the tables."""
    parser = argparse.ArgumentParser(
        description="Compare the figures of an iteration with the accuracy of its map on real pixels."
    )
    parser.add_argument("folder", type=Path, nargs="?", help="folder of the chips")
    parser.add_argument("--set", type=json.loads, default={}, help="changes to the template, as JSON")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103, 104, 105])
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=["proposed", "random"])
    parser.add_argument("--processes", type=int, default=2, help="operators that are simulated at the same time")
    parser.add_argument("--result", type=Path, help="JSON file for every iteration, from which --show prints")
    parser.add_argument("--show", type=Path, help="print the tables of such a file")
    options = parser.parse_args()
    if options.show:
        content = json.loads(options.show.read_text())
        runs = [Run(**{**one, "states": [State(**state) for state in one["states"]]}) for one in content]
    else:
        if options.folder is None or not (options.folder / f"{CHIPS[0]}.npz").is_file():
            print(f"{options.folder or 'no folder given'}: no chips of real pixels here; nothing is measured")
            return
        tasks = [
            Task(options.folder, chip, strategy, seed, options.set)
            for chip, strategy, seed in product(CHIPS, options.strategies, options.seeds)
        ]
        # OTB's threads do not survive a fork.
        with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
            runs = list(pool.imap(run, tasks, chunksize=1))
        if options.result:
            content = [{**one._asdict(), "states": [asdict(state) for state in one.states]} for one in runs]
            options.result.write_text(json.dumps(content, indent=1) + "\n")
    print_order(runs)
    print_stopping(runs)


if __name__ == "__main__":
    main()
