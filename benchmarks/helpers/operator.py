"""Simulate an operator, who gives pixels their true class iteration by iteration.

An iteration trains, classifies and proposes places as a run does. Pictures, outlines and report are left out.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from helpers.labelled_scene import LabelledScene
from numpy.typing import NDArray
from osgeo import gdal

from alcd_otb.active_learning.answers import answers_to
from alcd_otb.active_learning.places import propose_places
from alcd_otb.active_learning.uncertainty import CertaintyMaps
from alcd_otb.classification.iteration import IterationInput, run_iteration
from alcd_otb.iterations.record import Stopwatch
from alcd_otb.samples.sample import Sample

SPACING = 11
"""Least distance in pixels between places of low confidence: the side of the window of the median."""
MANY = 5000
"""Pixels that are labelled at once by `many`."""

Pixels = list[tuple[int, int]]
"""Rows and columns."""


@dataclass(frozen=True)
class StrategyInput:
    """What a strategy gets.

    Attributes
    ----------
    labelled
        The scene and its truth.
    folder
        Folder of the last iteration.
    pixels
        The pixels that have a label.
    asked
        The places that the package proposed so far, in the order of their use.
    wanted
        Number of places to choose.
    random
        Generator of the draws.
    """

    labelled: LabelledScene
    folder: Path
    pixels: Pixels
    asked: Pixels
    wanted: int
    random: np.random.Generator

    @property
    def free(self) -> NDArray[np.bool_]:
        """Pixels that may be labelled and are not, (rows, columns)."""
        free = self.labelled.valid.copy()
        free[tuple(np.array(self.pixels).T)] = False
        return free


def random_places(given: StrategyInput) -> Pixels:
    """Draw places among all pixels."""
    return drawn(given.free, given.wanted, given.random)


def lowest_places(given: StrategyInput) -> Pixels:
    """Choose the places of lowest smoothed confidence, at least `SPACING` pixels apart."""
    confidence = gdal.Open(str(given.folder / "confidence_smoothed.tif")).ReadAsArray()
    pixels = np.flatnonzero(given.free)
    order = pixels[np.lexsort((given.random.random(pixels.size), confidence.flat[pixels]))]
    chosen: Pixels = []
    for row, column in zip(*(axis.tolist() for axis in np.divmod(order, confidence.shape[1])), strict=True):
        if all(np.hypot(row - taken_row, column - taken_column) >= SPACING for taken_row, taken_column in chosen):
            chosen.append((row, column))
        if len(chosen) == given.wanted:
            break
    return chosen


def proposed_places(given: StrategyInput) -> Pixels:
    """Answer the places that the package proposes, in their order, without those of unknown class."""
    scene, maps = given.labelled.scene, CertaintyMaps.of(given.folder)
    assert maps is not None
    template = scene.config.template
    samples = labelled_samples(given.labelled, given.pixels)
    answers = answers_to([scene.grid.centre_of(*pixel) for pixel in given.asked], (), samples, scene.grid)
    features, seed = scene.workspace.features, template.samples.seed
    places = propose_places(maps, features, answers, template.legend, template.queries, seed)
    known: Pixels = []
    for pixel in ((place.row, place.column) for place in places):
        if len(known) < given.wanted:
            given.asked.append(pixel)
            known += [pixel] if given.labelled.valid[pixel] else []
    return known


STRATEGIES: dict[str, Callable[[StrategyInput], Pixels]] = {
    "proposed": proposed_places,
    "random": random_places,
    "lowest": lowest_places,
}


def drawn(among: NDArray[np.bool_], count: int, random: np.random.Generator) -> Pixels:
    """Draw pixels at random from a mask, at most as many as it has."""
    pixels = np.flatnonzero(among)
    chosen = random.choice(pixels, min(count, pixels.size), replace=False)
    rows, columns = np.divmod(chosen, among.shape[1])
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


def looked_for(labelled: LabelledScene, pixels: Pixels, random: np.random.Generator) -> Pixels:
    """Take one pixel of each class that is not among the given pixels, inside an area of the class."""
    truth = labelled.truth
    met = {int(truth[pixel]) for pixel in pixels}
    found: Pixels = []
    for code in np.unique(truth[labelled.inside]).tolist():
        if code not in met:
            found += drawn(labelled.inside & (truth == code), 1, random)
    return found


class Labelled(NamedTuple):
    """An iteration: its folder, its metrics and its seconds by step, and all pixels with a label."""

    folder: Path
    metrics: dict[str, Any]
    seconds: dict[str, float]
    pixels: Pixels


def iterations(
    labelled: LabelledScene, strategy: str, seed: int, budgets: Sequence[int], most: int
) -> Iterator[Labelled]:
    """Label a scene and yield each iteration. Its folder is removed when the next one starts.

    The first iteration labels the start places, whose number is the first budget. After the last iteration,
    no place or no budget is left.

    Parameters
    ----------
    labelled
        The scene, without samples.
    strategy
        A name of `STRATEGIES`, or ``many``: `MANY` random pixels in one iteration.
    seed
        Seed of the draws.
    budgets
        Numbers of points that are met exactly, in order.
    most
        Most points of an iteration after the first.
    """
    random = np.random.default_rng([seed, len(strategy)])
    asked: Pixels = []
    if strategy == "many":
        new, budgets = drawn(labelled.valid, MANY, random), ()
    else:
        scene = labelled.scene
        asked += [scene.grid.pixel_at(place["x"], place["y"]) for place in scene.next_places(budgets[0])]
        new = [place for place in asked if labelled.valid[place]]
        # The same seed starts all strategies alike.
        new += looked_for(labelled, new, np.random.default_rng(seed))
    pixels: Pixels = []
    while new:
        pixels = pixels + new
        with tempfile.TemporaryDirectory(dir=labelled.scene.workspace.folder) as name:
            folder, stopwatch = Path(name), Stopwatch()
            metrics = iterate(labelled, pixels, folder, stopwatch)
            yield Labelled(folder, metrics, stopwatch.seconds, pixels)
            ahead = [budget for budget in budgets if budget > len(pixels)]
            if not ahead:
                return
            wanted = min(most, ahead[0] - len(pixels))
            new = STRATEGIES[strategy](StrategyInput(labelled, folder, pixels, asked, wanted, random))


def iterate(
    labelled: LabelledScene, pixels: Pixels, folder: Path, stopwatch: Stopwatch, proportion: float | None = None
) -> dict[str, Any]:
    """Train on the truth at pixels, write the maps into a folder, and return the metrics.

    Parameters
    ----------
    labelled
        The scene.
    pixels
        The pixels that have a label.
    folder
        An empty folder.
    stopwatch
        Takes the seconds of each step.
    proportion
        Share of the samples that train. None means that of the template.
    """
    scene = labelled.scene
    template = scene.config.template
    if proportion is not None:
        of_samples = template.samples.model_copy(update={"training_proportion": proportion})
        template = template.model_copy(update={"samples": of_samples})
    inputs = IterationInput(template, scene.workspace, scene.grid, labelled_samples(labelled, pixels))
    return run_iteration(inputs, folder, stopwatch, scene.settings)


def labelled_samples(labelled: LabelledScene, pixels: Pixels) -> tuple[Sample, ...]:
    """Return samples of the true class at the centres of pixels."""
    return tuple(
        Sample(
            f"point:{number}",
            int(labelled.truth[row, column]),
            {"type": "Point", "coordinates": labelled.scene.grid.centre_of(row, column)},
        )
        for number, (row, column) in enumerate(pixels)
    )
