"""Allocate the points of a stratified random sample, and estimate accuracy and area from them.

The methods are those of Olofsson et al. (2014), RSE 148: 42-57, for strata that are the map's classes, and of Stehman
(2014), IJRS 35: 4923-4939, for strata of another map. Olofsson's method is a special case of Stehman's.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import BoolArray, Float64Array, Int64Array

CONFIDENCE = 0.95
"""Probability that an interval holds the true value."""

FEWEST = 2
"""Least number of points of a stratum: with fewer, its variance is undefined."""

MOST_SET_ASIDE = 50
"""Most points that a rare class gets regardless of its share of the area."""

_NORMAL_QUANTILE = 1.959964
"""Half width, in standard deviations, of the interval of a normal distribution of this confidence."""

_SUPPOSED = 0.25
"""Fraction of a point of the other kind that is added if all points of a stratum are equal: see `ratio`."""


@dataclass(frozen=True)
class Estimate:
    """An estimated share between 0 and 1, or its product with a total, with standard error and interval.

    Stehman (2014), equations 27 and 28. The interval is Wilson's (1927) for a sample of the same variance.

    Attributes
    ----------
    estimate
        The estimate.
    standard_error
        Its standard error.
    low
        Lower limit of its 95 % confidence interval.
    high
        Upper limit of the interval.
    """

    estimate: float
    standard_error: float
    low: float
    high: float

    def times(self, total: float) -> "Estimate":
        """Multiply by a total; the result is in the unit of the total."""
        return Estimate(*(value * total for value in astuple(self)))


@dataclass(frozen=True, eq=False)
class LabelledSample:
    """Points of known class drawn at random within strata.

    Attributes
    ----------
    sizes
        (strata,) number of pixels of each stratum.
    counts
        (strata, classes, classes) number of points by stratum, class of the map and class of the reference.
    """

    sizes: Int64Array
    counts: Int64Array

    @property
    def drawn(self) -> Int64Array:
        """(strata,) number of points of each stratum."""
        return np.asarray(self.counts.sum(axis=(1, 2)), dtype=np.int64)

    @property
    def area_matrix(self) -> Float64Array:
        """(classes, classes) share of the area by class of the reference and class of the map."""
        shares = self.counts / self.drawn[:, None, None]
        weighted = (shares * (self.sizes / self.sizes.sum())[:, None, None]).sum(axis=0)
        return np.asarray(weighted.T, dtype=np.float64)

    def merged(self, groups: Sequence[int], number: int) -> "LabelledSample":
        """Join classes; the strata stay as they are.

        Parameters
        ----------
        groups
            Index of the new class of each class.
        number
            Number of new classes.
        """
        onto = np.eye(number, dtype=np.int64)[np.asarray(groups)]
        return LabelledSample(self.sizes, np.einsum("smr,mi,rj->sij", self.counts, onto, onto))

    def overall_accuracy(self) -> Estimate | None:
        """Estimate the share of the area that has the right class in the map."""
        right = np.eye(self.counts.shape[1], dtype=np.bool_)
        return self._ratio(right, ~right)

    def users_accuracy(self, index: int) -> Estimate | None:
        """Estimate the share of the map's area of a class that is right (precision). None without a point in it."""
        cells = self._cells(index)
        return self._ratio(cells.right, cells.mapped & ~cells.right, within=cells.mapped)

    def producers_accuracy(self, index: int) -> Estimate | None:
        """Estimate the share of the true area of a class that the map finds (recall). None without a point of it."""
        cells = self._cells(index)
        return self._ratio(cells.right, cells.true & ~cells.right)

    def f1(self, index: int) -> Estimate | None:
        """Estimate the harmonic mean of user's and producer's accuracy."""
        cells = self._cells(index)
        return self._ratio(cells.right, cells.mapped ^ cells.true, weight=2)

    def area_share(self, index: int) -> Estimate | None:
        """Estimate the share of the area that is truly of a class."""
        true = self._cells(index).true
        return self._ratio(true, ~true)

    def _cells(self, index: int) -> "_ClassCells":
        chosen = np.arange(self.counts.shape[1]) == index
        mapped, true = np.broadcast_arrays(chosen[:, None], chosen[None, :])
        return _ClassCells(mapped & true, mapped, true)

    def _ratio(
        self, hits: BoolArray, misses: BoolArray, within: BoolArray | None = None, weight: float = 1
    ) -> Estimate | None:
        hit_points = (self.counts * hits).sum(axis=(1, 2))
        miss_points = (self.counts * misses).sum(axis=(1, 2))
        possible = np.ones(self.sizes.shape, np.bool_) if within is None else (self.counts * within).any(axis=(1, 2))
        return ratio(self.sizes, self.drawn, hit_points, miss_points, possible, weight)


class _ClassCells(NamedTuple):
    """Cells of a confusion matrix, each (map, reference): right, mapped as the class, and truly of the class."""

    right: BoolArray
    mapped: BoolArray
    true: BoolArray


class _LinearisedRatio(NamedTuple):
    """A ratio, its variance, and the weighted sum of hits and misses; all 0 where there are neither."""

    value: float
    variance: float
    domain: float


class _Interval(NamedTuple):
    """Lower and upper limit."""

    low: float
    high: float


def allocate(sizes: Sequence[int], points: int) -> tuple[int, ...]:
    """Allocate points to strata: a least number to rare strata, the rest in proportion to the area.

    This is the rule of Olofsson et al. (2014), section 5.1. The least number is half the points divided by the number
    of strata, and at most MOST_SET_ASIDE. A stratum whose share would be smaller gets the least number. No stratum gets
    more points than it has pixels.

    Parameters
    ----------
    sizes
        Number of pixels of each stratum.
    points
        Number of points.

    Returns
    -------
    tuple
        Number of points of each stratum.

    Raises
    ------
    ValueError
        If there are fewer than FEWEST points for each stratum.
    """
    if points < FEWEST * len(sizes):
        raise ValueError(f"{points} points are fewer than {FEWEST} for each of {len(sizes)} classes")
    least = max(FEWEST, min(MOST_SET_ASIDE, points // (2 * len(sizes))))
    allotted = {index: min(least, size) for index, size in enumerate(sizes) if size <= least}
    while True:
        free = [index for index in range(len(sizes)) if index not in allotted]
        left, area = points - sum(allotted.values()), sum(sizes[index] for index in free)
        rare = [index for index in free if left * sizes[index] / area < least]
        if not rare:
            break
        allotted |= dict.fromkeys(rare, least)
    exact = {index: left * sizes[index] / area for index in free}
    allotted |= {index: min(math.floor(share), sizes[index]) for index, share in exact.items()}
    # Whole points by largest remainder, so that they add up.
    by_remainder = sorted(free, key=lambda index: math.floor(exact[index]) - exact[index])
    for index in by_remainder[: points - sum(allotted.values())]:
        allotted[index] = min(allotted[index] + 1, sizes[index])
    return tuple(allotted[index] for index in range(len(sizes)))


def ratio(
    sizes: Int64Array, drawn: Int64Array, hits: Int64Array, misses: Int64Array, possible: BoolArray, weight: float = 1
) -> Estimate | None:
    """Estimate the share of hits among hits and misses.

    The estimate and its standard error are those of the combined ratio estimator (Stehman 2014, equations 27 and 28),
    with the finite population correction.

    The interval is Wilson's (1927), with the effective number of points: that of a simple random sample of the same
    variance. Symmetric intervals miss shares near 1 far too often. Where all points of a stratum are alike, its
    variance seems to be 0, though a single error in a large stratum weighs much. There, for the interval alone, a
    quarter of a point of the other kind is added. Both choices were made by coverage: see benchmarks/coverage.py.

    Parameters
    ----------
    sizes, drawn
        (strata,) number of pixels and of points.
    hits, misses
        (strata,) number of points that are hits, and that are misses.
    possible
        (strata,) whether a point of the stratum could be a hit or a miss.
    weight
        Number of times that a hit counts.

    Returns
    -------
    Estimate or None
        None if there are neither hits nor misses.
    """
    exact = _linearised(sizes, drawn, hits, misses, weight)
    if not exact.domain:
        return None
    supposed_miss = (hits == drawn) | ((hits + misses == 0) & possible)
    supposed_hit = misses == drawn
    supposed = _linearised(
        sizes,
        drawn + _SUPPOSED * (supposed_miss | supposed_hit),
        hits + _SUPPOSED * supposed_hit,
        misses + _SUPPOSED * supposed_miss,
        weight,
        fractions=drawn / sizes,
    )
    simple_variance = supposed.value * (1 - supposed.value)
    interval = _wilson(exact.value, simple_variance / supposed.variance if supposed.variance else math.inf)
    low, high = min(interval.low, exact.value), max(interval.high, exact.value)
    return Estimate(exact.value, math.sqrt(exact.variance), low, high)


def _linearised(
    sizes: Int64Array,
    drawn: Float64Array | Int64Array,
    hits: Float64Array | Int64Array,
    misses: Float64Array | Int64Array,
    weight: float,
    fractions: Float64Array | None = None,
) -> _LinearisedRatio:
    """Compute the combined ratio estimator and its variance by linearisation; parameters as in `ratio`.

    fractions are the sampling fractions of the strata, (strata,); None for drawn / sizes.
    """
    hit_share, miss_share = weight * hits / drawn, misses / drawn
    domain = float((sizes * (hit_share + miss_share)).sum())
    if not domain:
        return _LinearisedRatio(0.0, 0.0, 0.0)
    value = float((sizes * hit_share).sum()) / domain
    # Of each point: weight (1 - ratio) for a hit, -ratio for a miss, 0 outside.
    mean = hit_share * (1 - value) - miss_share * value
    squares = hit_share * weight * (1 - value) ** 2 + miss_share * value**2
    unbiased = drawn / np.maximum(drawn - 1, 1)
    sampled = drawn / sizes if fractions is None else fractions
    variances = sizes.astype(np.float64) ** 2 * (1 - sampled) * unbiased * (squares - mean**2) / drawn
    return _LinearisedRatio(value, max(float(variances.sum()), 0.0) / domain**2, domain)


def _wilson(share: float, points: float) -> _Interval:
    """Compute Wilson's score interval of a share among a number of points."""
    if math.isinf(points):
        return _Interval(share, share)
    shift = _NORMAL_QUANTILE**2 / points
    centre = (share + shift / 2) / (1 + shift)
    half = math.sqrt(shift * (share * (1 - share) + shift / 4)) / (1 + shift)
    return _Interval(max(centre - half, 0.0), min(centre + half, 1.0))
