"""A simulated operator who labels points of a synthetic scene from its truth."""

from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alcd_otb.config import load_template
from alcd_otb.grid import Grid
from alcd_otb.sample_files import write_samples
from alcd_otb.samples import Sample
from alcd_otb.synthetic.imaging import CLOUD_SHADOWS, HIGH_CLOUDS, LAND, LOW_CLOUDS, SNOW, WATER
from alcd_otb.synthetic.noise import generator

CLASS_NAMES = {
    LOW_CLOUDS: "low_clouds",
    HIGH_CLOUDS: "high_clouds",
    CLOUD_SHADOWS: "clouds_shadows",
    LAND: "land",
    WATER: "water",
    SNOW: "snow",
}
"""The classes the operator uses; ``background`` (1) is left alone, as the original's guide advises."""

# Pixels between a point and the nearest other class, with the cumulative share of points so placed: people click
# inside what they see, but also on small clouds and along edges.
_MARGINS = ((5, 0.60), (3, 0.85), (1, 0.97), (0, 1.0))
_CANDIDATES = 20
_MEMBERS = 200_000


def place_points(
    truth: npt.NDArray[np.uint8],
    cover: npt.NDArray[np.uint8],
    usable: npt.NDArray[np.bool_],
    per_class: int,
    seed: int,
) -> list[tuple[int, int, int]]:
    """(class code, row, column) of each point, spread over the scene.

    truth: codes; cover: what lies on the ground, seen or not, in any code; usable: pixels where a point may lie
    (imaged at both dates); all (rows, columns). People look for variety, such as shadows over land and over water:
    each class gives each cover points as the square root of the cover's area. Each point is the one farthest from
    its predecessors among 20 candidates (Mitchell 1991, "Spectrally optimal sampling for distribution ray tracing").
    Raises ValueError where a class has fewer pixels than points.
    """
    depth = _depth(truth, max(margin for margin, _ in _MARGINS))
    points = []
    for code, name in CLASS_NAMES.items():
        random = generator(seed, 4, code)
        members = np.flatnonzero((truth == code) & usable)
        if members.size < per_class:
            raise ValueError(f"{name}: {members.size} pixels for {per_class} points")
        if members.size > _MEMBERS:
            members = members[np.unique(random.integers(0, members.size, _MEMBERS))]
        margins = depth.flat[members]
        places = np.stack(np.divmod(members, truth.shape[1]), axis=1)
        free = np.ones(members.size, dtype=bool)
        nearest = np.full(members.size, np.inf)
        covers = cover.flat[members]
        for kind, draw in zip(_dealt(covers, per_class), random.random(per_class), strict=True):
            wanted = next(margin for margin, share in _MARGINS if draw <= share)
            eligible = free & (covers == kind) if (free & (covers == kind)).any() else free
            fitting = np.flatnonzero(eligible & (margins >= min(wanted, margins[eligible].max())))
            candidates = random.choice(fitting, min(_CANDIDATES, fitting.size), replace=False)
            chosen = candidates[np.argmax(nearest[candidates])]
            free[chosen] = False
            nearest = np.minimum(nearest, np.hypot(*(places - places[chosen]).T))
            points.append((code, int(places[chosen, 0]), int(places[chosen, 1])))
    return points


def write_points(path: Path, points: list[tuple[int, int, int]], grid: Grid) -> None:
    """Write the points at the centres of their pixels as the operator's file, with an empty layer of corrections."""
    samples = (
        Sample("", code, {"type": "Point", "coordinates": grid.centre_of(row, column)}) for code, row, column in points
    )
    write_samples(path, samples, load_template("clouds").legend, grid)


def _dealt(covers: npt.NDArray[np.uint8], points: int) -> npt.NDArray[np.uint8]:
    """The cover of each point: as many of each as the square root of its area asks for (largest remainders)."""
    kinds, areas = np.unique(covers, return_counts=True)
    quotas = points * np.sqrt(areas) / np.sqrt(areas).sum()
    counts = quotas.astype(np.int64)
    counts[np.argsort(counts - quotas, kind="stable")[: points - counts.sum()]] += 1
    return np.repeat(kinds, counts)


def _depth(truth: npt.NDArray[np.uint8], most: int) -> npt.NDArray[np.uint8]:
    """Pixels of the same class between each pixel and its nearest other class (8 neighbours), at most ``most``."""
    inner = _alike(truth)
    depth = inner.astype(np.uint8)
    for _ in range(most - 1):
        inner &= _alike(inner)
        depth += inner
    return depth


def _alike(values: npt.NDArray[np.uint8] | npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether all 8 neighbours have a pixel's value; beyond the edge they do."""
    rows, columns = values.shape
    padded = np.pad(values, 1, mode="edge")
    alike = np.ones(values.shape, dtype=bool)
    for down, right in product(range(3), repeat=2):
        alike &= padded[down : down + rows, right : right + columns] == values
    return alike
