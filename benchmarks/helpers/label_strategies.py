"""Choose the places to label next on a scene, in several ways.

label_efficiency.py compares these ways, and describes them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

from alcd_otb.active_learning.places import propose_places
from alcd_otb.active_learning.uncertainty import CertaintyMaps
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import Workspace

SPACING = 11
"""Least distance of spaced places, in pixels: the side of the window of the median."""

Pixels = list[tuple[int, int]]
"""Rows and columns."""


@dataclass(frozen=True)
class Prepared:
    """A scene that is ready for the loop. All arrays are (rows, columns) on the grid of the map.

    Attributes
    ----------
    config
        Description of the scene.
    grid
        Grid of the map.
    workspace
        Workspace of the scene.
    truth_file
        File of the truth.
    centre
        True class code at the centre of each pixel.
    valid
        Whether a pixel may be labelled.
    inside
        Whether the eight neighbours of a pixel are of its class.
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
    """What a strategy may use.

    Attributes
    ----------
    scene
        The scene.
    folder
        Folder of the last iteration.
    pixels
        Row and column of each pixel that is labelled.
    samples
        Samples at these pixels.
    wanted
        Number of places to choose.
    random
        Generator of the draws.
    """

    scene: Prepared
    folder: Path
    pixels: Pixels
    samples: tuple[Sample, ...]
    wanted: int
    random: np.random.Generator

    @property
    def free(self) -> NDArray[np.bool_]:
        """Pixels that may be labelled and are not, (rows, columns)."""
        free = self.scene.valid.copy()
        free[tuple(np.array(self.pixels).T)] = False
        return free


def random_places(turn: Turn) -> Pixels:
    """Choose places at random."""
    return drawn(turn.free, turn.wanted, turn.random)


def knowing_places(turn: Turn) -> Pixels:
    """Choose the same number of places in each true class, away from edges."""
    inside, centre = turn.scene.inside & turn.free, turn.scene.centre
    codes = np.unique(centre[inside])
    count = turn.wanted // codes.size
    return [pixel for code in codes for pixel in drawn(inside & (centre == code), count, turn.random)]


def confidence_places(turn: Turn, spacing: int = 1) -> Pixels:
    """Choose the places of lowest confidence, at least some pixels apart."""
    confidence = gdal.Open(str(turn.folder / "confidence_smoothed.tif")).ReadAsArray()
    pixels = np.flatnonzero(turn.free)
    order = pixels[np.lexsort((turn.random.random(pixels.size), confidence.flat[pixels]))]
    chosen: Pixels = []
    for row, column in zip(*(axis.tolist() for axis in np.divmod(order, confidence.shape[1])), strict=True):
        if all(np.hypot(row - taken_row, column - taken_column) >= spacing for taken_row, taken_column in chosen):
            chosen.append((row, column))
        if len(chosen) == turn.wanted:
            break
    return chosen


def spaced_places(turn: Turn) -> Pixels:
    """Choose the places of lowest confidence that do not share a window."""
    return confidence_places(turn, SPACING)


def proposed_places(turn: Turn) -> Pixels:
    """Choose the places that the package proposes."""
    template, maps = turn.scene.config.template, CertaintyMaps.of(turn.folder)
    assert maps is not None
    queries = template.queries.model_copy(update={"number": turn.wanted})
    features, seed = turn.scene.workspace.features, template.samples.seed
    places = propose_places(maps, features, turn.samples, template.legend, queries, seed)
    return [(place.row, place.column) for place in places]


def drawn(among: NDArray[np.bool_], count: int, random: np.random.Generator) -> Pixels:
    """Draw pixels at random from a mask, at most as many as it has."""
    pixels = np.flatnonzero(among)
    chosen = random.choice(pixels, min(count, pixels.size), replace=False)
    rows, columns = np.divmod(chosen, among.shape[1])
    return list(zip(rows.tolist(), columns.tolist(), strict=True))


STRATEGIES: dict[str, Callable[[Turn], Pixels]] = {
    "random": random_places,
    "knowing": knowing_places,
    "confidence": confidence_places,
    "spaced": spaced_places,
    "proposed": proposed_places,
}
