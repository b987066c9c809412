"""The choice among candidates: pixels whose features are unlike those of all samples and of each other."""

from itertools import product
from pathlib import Path

import numpy as np

from alcd_otb.arrays import Float64Array, Int64Array
from otb_pipelines.process import gdal

_FELLOWS = 5
_WINDOW = 32
_WINDOWS_A_SIDE = 6


def most_novel(candidates: Float64Array, known: Float64Array, number: int) -> tuple[Int64Array, Float64Array]:
    """Indices of at most so many candidates, each far from all known points and all candidates chosen before it.

    candidates, known: (points, features). Chosen is the largest d^2 / r, where d is the distance from the nearest point
    known or chosen, and r the usual distance (root mean square) of the candidate's 5 nearest fellows: by d alone, which
    is the greedy k-centre of Gonzalez (1985), outliers that stand for nothing but themselves would come first.

    Also returns the distance of each candidate from the nearest known point, infinite where none is known.
    """
    distances = np.full(len(candidates), np.inf)
    for point in known:
        distances = np.minimum(distances, np.linalg.norm(candidates - point, axis=1))
    usual = _distances_of_fellows(candidates)
    left = distances.copy()
    chosen: list[int] = []
    for _ in range(min(number, len(candidates))):
        score = left**2 / usual
        score[chosen] = -1
        index = int(np.argmax(score))
        chosen.append(index)
        left = np.minimum(left, np.linalg.norm(candidates - candidates[index], axis=1))
    return np.array(chosen, dtype=np.int64), distances


def _distances_of_fellows(candidates: Float64Array) -> Float64Array:
    """Root mean square of each candidate's distances from its nearest fellows; not below a tenth of the median."""
    fellows = min(_FELLOWS, len(candidates) - 1)
    if fellows < 1:
        return np.ones(len(candidates))
    # Row by row, since a table of all pairs might not fit the memory. The nearest of all is the candidate itself.
    squares = [
        np.partition(np.square(candidates - one).sum(axis=1), fellows)[: fellows + 1].sum() for one in candidates
    ]
    usual = np.sqrt(np.array(squares) / fellows)
    least = 0.1 * float(np.median(usual)) or 1.0
    return np.asarray(np.maximum(usual, least))


def deviations(features: Path) -> Float64Array:
    """The standard deviation of each feature, which makes them comparable; over windows all over the scene."""
    dataset = gdal.Open(str(features))
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
    """Where windows begin along an axis: multiples of their side, so that each lies in one tile of the file."""
    steps = np.arange(0.5, _WINDOWS_A_SIDE) / _WINDOWS_A_SIDE
    return sorted({int(start) for start in steps * size // _WINDOW * _WINDOW})
