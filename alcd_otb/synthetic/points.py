"""Place the points of a simulated operator, who labels a synthetic scene from its truth."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.writing import write_samples
from alcd_otb.settings.legend import Legend
from alcd_otb.synthetic.noise import generator
from alcd_otb.synthetic.truth import TruthMap

# Pixels of 20 m between a point and the nearest other class, with the cumulative fraction of points at that distance:
# people click inside what they see, but also on small clouds and along edges.
_MARGINS = ((5, 0.60), (3, 0.85), (1, 0.97), (0, 1.0))
_CANDIDATES = 20
_MEMBERS = 200_000


class PlacedPoint(NamedTuple):
    """A point of the simulated operator: its class code, and its row and column in pixels of the truth."""

    code: int
    row: int
    column: int


def place_points(
    truth: TruthMap,
    usable: npt.NDArray[np.bool_],
    classes: Mapping[int, str],
    per_class: int,
    seed: int,
) -> list[PlacedPoint]:
    """Place the same number of points in each class, spread over the scene.

    People look for variety, such as shadows over land and over water. Therefore the points of a class are shared out
    among the covers below it in proportion to the square roots of the areas of the covers. Each point is the one
    farthest from its predecessors among 20 candidates (Mitchell 1991, "Spectrally optimal sampling for distribution ray
    tracing").

    Parameters
    ----------
    truth
        True class and cover of each pixel.
    usable
        Pixels where a point may lie, which are imaged at both dates; (rows, columns) in pixels of the truth.
    classes
        Names of the classes by code.
    per_class
        Number of points in each class.
    seed
        Seed of the scene.

    Raises
    ------
    ValueError
        If a class has fewer pixels than points.
    """
    # Points on finer pixels lie no nearer to an edge, so that a pixel of 20 m around the point is all of its class.
    margins_wanted = tuple(((margin + 1) * 2 // truth.factor - 1, share) for margin, share in _MARGINS)
    depth = _depth(truth.codes, max(margin for margin, _ in margins_wanted))
    points = []
    for code, name in classes.items():
        random = generator(seed, 4, code)
        members = np.flatnonzero((truth.codes == code) & usable)
        if members.size < per_class:
            raise ValueError(
                f"{name}: {members.size} pixels for {per_class} points; take another seed, or a larger scene"
            )
        if members.size > _MEMBERS:
            members = members[np.unique(random.integers(0, members.size, _MEMBERS))]
        margins = depth.flat[members]
        places = np.stack(np.divmod(members, truth.codes.shape[1]), axis=1)
        free = np.ones(members.size, dtype=bool)
        nearest = np.full(members.size, np.inf)
        covers = truth.cover.flat[members]
        for cover, draw in zip(_shared_out(covers, per_class), random.random(per_class), strict=True):
            wanted = next(margin for margin, share in margins_wanted if draw <= share)
            eligible = free & (covers == cover) if (free & (covers == cover)).any() else free
            fitting = np.flatnonzero(eligible & (margins >= min(wanted, margins[eligible].max())))
            candidates = random.choice(fitting, min(_CANDIDATES, fitting.size), replace=False)
            chosen = candidates[np.argmax(nearest[candidates])]
            free[chosen] = False
            nearest = np.minimum(nearest, np.hypot(*(places - places[chosen]).T))
            points.append(PlacedPoint(code, int(places[chosen, 0]), int(places[chosen, 1])))
    return points


def write_points(path: Path, points: list[PlacedPoint], grid: Grid, legend: Legend) -> None:
    """Write the points as the operator's file, with an empty layer of corrections.

    Parameters
    ----------
    path
        GeoPackage to write.
    points
        Points, written at the centres of their pixels.
    grid
        Grid of the truth.
    legend
        Names of the classes by code.
    """
    samples = (
        Sample("", point.code, {"type": "Point", "coordinates": grid.centre_of(point.row, point.column)})
        for point in points
    )
    write_samples(path, samples, legend, grid)


def _shared_out(covers: npt.NDArray[np.uint8], points: int) -> npt.NDArray[np.uint8]:
    """Return the cover of each point: points in proportion to the square root of the area (largest remainders).

    Parameters
    ----------
    covers
        Cover of each pixel of a class.
    points
        Number of points of the class.
    """
    kinds, areas = np.unique(covers, return_counts=True)
    quotas = points * np.sqrt(areas) / np.sqrt(areas).sum()
    counts = quotas.astype(np.int64)
    counts[np.argsort(counts - quotas, kind="stable")[: points - counts.sum()]] += 1
    return np.repeat(kinds, counts)


def _depth(truth: npt.NDArray[np.uint8], most: int) -> npt.NDArray[np.uint8]:
    """Count the pixels between each pixel and its nearest other class (8 neighbours), at most ``most``."""
    inner = _alike(truth)
    depth = inner.astype(np.uint8)
    for _ in range(most - 1):
        inner &= _alike(inner)
        depth += inner
    return depth


def _alike(values: npt.NDArray[np.uint8] | npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return whether all 8 neighbours have a pixel's value. Neighbours beyond the edge count as having it."""
    rows, columns = values.shape
    padded = np.pad(values, 1, mode="edge")
    alike = np.ones(values.shape, dtype=bool)
    for down, right in product(range(3), repeat=2):
        alike &= padded[down : down + rows, right : right + columns] == values
    return alike
