"""Choose pixels whose features are unlike those of all samples and of each other."""

from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import Float64Array, Int64Array
from alcd_otb.raster.opening import open_raster

_NEIGHBOURS = 5
"""Candidates nearest to a candidate whose distances are averaged."""

_WINDOW = 32
_WINDOWS_A_SIDE = 6


class NovelCandidates(NamedTuple):
    """The candidates that were chosen, and the distance of all candidates from known points.

    Attributes
    ----------
    indices
        (chosen,) indices of the chosen candidates, in the order of the choice.
    distances
        (candidates,) distance of each candidate from the nearest known point, infinite where none is known.
    """

    indices: Int64Array
    distances: Float64Array


def most_novel(candidates: Float64Array, known: Float64Array, number: int) -> NovelCandidates:
    """Choose candidates one by one, each far from all known points and from all candidates chosen before it.

    The next candidate has the largest d^2 / r. d is the distance from the nearest point that is known or chosen. r is
    the root mean square of the distances from the 5 nearest other candidates. With d alone, which is the greedy
    k-centre of Gonzalez (1985), isolated outliers would come first.

    Parameters
    ----------
    candidates
        (candidates, features) points to choose from.
    known
        (points, features) points to stay away from.
    number
        Most candidates to choose.
    """
    distances = np.full(len(candidates), np.inf)
    for point in known:
        distances = np.minimum(distances, np.linalg.norm(candidates - point, axis=1))
    usual = _neighbour_distances(candidates)
    left = distances.copy()
    chosen: list[int] = []
    for _ in range(min(number, len(candidates))):
        score = left**2 / usual
        score[chosen] = -1
        index = int(np.argmax(score))
        chosen.append(index)
        left = np.minimum(left, np.linalg.norm(candidates - candidates[index], axis=1))
    return NovelCandidates(np.array(chosen, dtype=np.int64), distances)


def _neighbour_distances(candidates: Float64Array) -> Float64Array:
    """Compute the root mean square of each candidate's distances from its nearest neighbours, (candidates,).

    The values are at least a tenth of their median.
    """
    neighbours = min(_NEIGHBOURS, len(candidates) - 1)
    if neighbours < 1:
        return np.ones(len(candidates))
    # Row by row, since a table of all pairs might not fit the memory. The nearest candidate is the candidate itself.
    squares = [
        np.partition(np.square(candidates - candidate).sum(axis=1), neighbours)[: neighbours + 1].sum()
        for candidate in candidates
    ]
    usual = np.sqrt(np.array(squares) / neighbours)
    least = 0.1 * float(np.median(usual)) or 1.0
    return np.asarray(np.maximum(usual, least))


def deviations(features: Path) -> Float64Array:
    """Compute the standard deviation of each feature over windows all over the scene.

    Divided by their deviations, features are comparable.

    Parameters
    ----------
    features
        Raster of the features.

    Returns
    -------
    Float64Array
        (features,) deviations; 1 for a feature that does not vary.
    """
    dataset = open_raster(features)
    lefts, tops = (_starts(size) for size in (dataset.RasterXSize, dataset.RasterYSize))
    windows = [
        dataset.ReadAsArray(
            left, top, min(_WINDOW, dataset.RasterXSize - left), min(_WINDOW, dataset.RasterYSize - top)
        )
        for top, left in product(tops, lefts)
    ]
    pixels = np.concatenate([window.reshape(dataset.RasterCount, -1) for window in windows], axis=1).astype(np.float64)
    finite = pixels[:, np.isfinite(pixels).all(axis=0)]
    deviations = finite.std(axis=1) if finite.size else np.zeros(dataset.RasterCount)
    return np.where(deviations > 0, deviations, 1.0)


def _starts(size: int) -> list[int]:
    """List where windows begin along an axis: multiples of their side, so that each lies in one tile of the file."""
    steps = np.arange(0.5, _WINDOWS_A_SIDE) / _WINDOWS_A_SIDE
    return sorted({int(start) for start in steps * size // _WINDOW * _WINDOW})
