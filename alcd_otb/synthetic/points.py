"""A simulated operator who labels points of a synthetic scene from its truth."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.writing import write_samples
from alcd_otb.settings.legend import Legend
from alcd_otb.synthetic.noise import generator

# Pixels of 20 m between a point and the nearest other class, with the cumulative share of points so placed: people
# click inside what they see, but also on small clouds and along edges.
_MARGINS = ((5, 0.60), (3, 0.85), (1, 0.97), (0, 1.0))
_CANDIDATES = 20
_MEMBERS = 200_000


def place_points(
    truth: npt.NDArray[np.uint8],
    cover: npt.NDArray[np.uint8],
    usable: npt.NDArray[np.bool_],
    classes: Mapping[int, str],
    per_class: int,
    seed: int,
    factor: int = 2,
) -> list[tuple[int, int, int]]:
    """(class code, row, column) of each point, spread over the scene.

    truth: codes; cover: what lies on the ground, seen or not, in any code; usable: pixels where a point may lie
    (imaged at both dates); all (rows, columns), in pixels of factor x 10 m. classes: names by code. People look for
    variety, such as shadows over land and over water: each class gives each cover points as the square root of the
    cover's area. Each point is the one farthest from its predecessors among 20 candidates (Mitchell 1991, "Spectrally
    optimal sampling for distribution ray tracing").
    Raises ValueError where a class has fewer pixels than points.
    """
    # Finer pixels are clicked on no nearer to an edge, so that a pixel of 20 m around the point is all of its class.
    margins_wanted = tuple(((margin + 1) * 2 // factor - 1, share) for margin, share in _MARGINS)
    depth = _depth(truth, max(margin for margin, _ in margins_wanted))
    points = []
    for code, name in classes.items():
        random = generator(seed, 4, code)
        members = np.flatnonzero((truth == code) & usable)
        if members.size < per_class:
            raise ValueError(
                f"{name}: {members.size} pixels for {per_class} points; take another seed, or a larger scene"
            )
        if members.size > _MEMBERS:
            members = members[np.unique(random.integers(0, members.size, _MEMBERS))]
        margins = depth.flat[members]
        places = np.stack(np.divmod(members, truth.shape[1]), axis=1)
        free = np.ones(members.size, dtype=bool)
        nearest = np.full(members.size, np.inf)
        covers = cover.flat[members]
        for kind, draw in zip(_dealt(covers, per_class), random.random(per_class), strict=True):
            wanted = next(margin for margin, share in margins_wanted if draw <= share)
            eligible = free & (covers == kind) if (free & (covers == kind)).any() else free
            fitting = np.flatnonzero(eligible & (margins >= min(wanted, margins[eligible].max())))
            candidates = random.choice(fitting, min(_CANDIDATES, fitting.size), replace=False)
            chosen = candidates[np.argmax(nearest[candidates])]
            free[chosen] = False
            nearest = np.minimum(nearest, np.hypot(*(places - places[chosen]).T))
            points.append((code, int(places[chosen, 0]), int(places[chosen, 1])))
    return points


def write_points(path: Path, points: list[tuple[int, int, int]], grid: Grid, legend: Legend) -> None:
    """Write the points at the centres of their pixels as the operator's file, with an empty layer of corrections."""
    samples = (
        Sample("", code, {"type": "Point", "coordinates": grid.centre_of(row, column)}) for code, row, column in points
    )
    write_samples(path, samples, legend, grid)


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
