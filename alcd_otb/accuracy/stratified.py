"""Accuracy and area from a stratified random sample: where to spend its points, and what they estimate.

Olofsson et al. (2014), RSE 148: 42-57, for strata that are the map's classes; Stehman (2014), IJRS 35: 4923-4939, for
strata of another map, of which the former is a special case.
"""

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np

from alcd_otb.arrays import BoolArray, Float64Array, Int64Array

CONFIDENCE = 0.95
"""That an interval holds the true value."""

FEWEST = 2
"""Points of a stratum without which it has no variance."""

MOST_SET_ASIDE = 50
"""Points that a rare class gets beyond its share of the area, at most."""

_DEVIATES = 1.959964
"""Standard normal deviates of the confidence."""

_SUPPOSED = 0.25
"""Point of another kind that is supposed where all points of a stratum are alike: see `ratio`."""


@dataclass(frozen=True)
class Estimate:
    """A share between 0 and 1, or that of a total, with its standard error and the limits of its 95 % interval.

    Stehman (2014), equations 27 and 28; the interval is Wilson's (1927) for a sample of the same variance.
    """

    estimate: float
    standard_error: float
    low: float
    high: float

    def times(self, total: float) -> "Estimate":
        """The share of a total, in its unit."""
        return Estimate(*(value * total for value in astuple(self)))


@dataclass(frozen=True, eq=False)
class LabelledSample:
    """Points of known class drawn at random within strata.

    sizes: (strata,) pixels of each stratum.
    counts: (strata, classes, classes) points by stratum, class of the map and class of the reference.
    """

    sizes: Int64Array
    counts: Int64Array

    @property
    def drawn(self) -> Int64Array:
        """(strata,) points of each stratum."""
        return np.asarray(self.counts.sum(axis=(1, 2)), dtype=np.int64)

    @property
    def area_matrix(self) -> Float64Array:
        """(classes, classes) share of the area by class of the reference and class of the map."""
        shares = self.counts / self.drawn[:, None, None]
        weighted = (shares * (self.sizes / self.sizes.sum())[:, None, None]).sum(axis=0)
        return np.asarray(weighted.T, dtype=np.float64)

    def merged(self, groups: Sequence[int], number: int) -> "LabelledSample":
        """The same sample with classes joined: groups[class] is the new class, of so many. Strata stay."""
        onto = np.eye(number, dtype=np.int64)[np.asarray(groups)]
        return LabelledSample(self.sizes, np.einsum("smr,mi,rj->sij", self.counts, onto, onto))

    def overall_accuracy(self) -> Estimate | None:
        """Share of the area that the map tells right."""
        right = np.eye(self.counts.shape[1], dtype=np.bool_)
        return self._ratio(right, ~right)

    def users_accuracy(self, index: int) -> Estimate | None:
        """Share of the map's area of a class that is right (precision). None where no point lies in it."""
        right, mapped, _ = self._cells(index)
        return self._ratio(right, mapped & ~right, within=mapped)

    def producers_accuracy(self, index: int) -> Estimate | None:
        """Share of the true area of a class that the map finds (recall). None where no point is of it."""
        right, _, true = self._cells(index)
        return self._ratio(right, true & ~right)

    def f1(self, index: int) -> Estimate | None:
        """Harmonic mean of user's and producer's accuracy."""
        right, mapped, true = self._cells(index)
        return self._ratio(right, mapped ^ true, weight=2)

    def area_share(self, index: int) -> Estimate | None:
        """True share of a class in the area."""
        _, _, true = self._cells(index)
        return self._ratio(true, ~true)

    def _cells(self, index: int) -> tuple[BoolArray, BoolArray, BoolArray]:
        """(right, mapped as the class, truly of the class), each (map, reference)."""
        chosen = np.arange(self.counts.shape[1]) == index
        mapped, true = np.broadcast_arrays(chosen[:, None], chosen[None, :])
        return mapped & true, mapped, true

    def _ratio(
        self, hits: BoolArray, misses: BoolArray, within: BoolArray | None = None, weight: float = 1
    ) -> Estimate | None:
        found = (self.counts * hits).sum(axis=(1, 2))
        lost = (self.counts * misses).sum(axis=(1, 2))
        possible = np.ones(self.sizes.shape, np.bool_) if within is None else (self.counts * within).any(axis=(1, 2))
        return ratio(self.sizes, self.drawn, found, lost, possible, weight)


def allocate(sizes: Sequence[int], points: int) -> tuple[int, ...]:
    """Points of each stratum: a least number for the rare ones, the rest in proportion to the area.

    The rule of Olofsson et al. (2014), section 5.1: a stratum whose share would be less gets the least number, which is
    half the points divided by the number of strata, and MOST_SET_ASIDE at most. No stratum gets more points than it
    has pixels.

    Raises ValueError where there are not FEWEST points a stratum.
    """
    if points < FEWEST * len(sizes):
        raise ValueError(f"{points} points are fewer than {FEWEST} for each of {len(sizes)} classes")
    least = max(FEWEST, min(MOST_SET_ASIDE, points // (2 * len(sizes))))
    given = {index: min(least, size) for index, size in enumerate(sizes) if size <= least}
    while True:
        free = [index for index in range(len(sizes)) if index not in given]
        left, area = points - sum(given.values()), sum(sizes[index] for index in free)
        rare = [index for index in free if left * sizes[index] / area < least]
        if not rare:
            break
        given |= dict.fromkeys(rare, least)
    exact = {index: left * sizes[index] / area for index in free}
    given |= {index: min(math.floor(share), sizes[index]) for index, share in exact.items()}
    # Whole points by largest remainder, so that they add up.
    by_remainder = sorted(free, key=lambda index: math.floor(exact[index]) - exact[index])
    for index in by_remainder[: points - sum(given.values())]:
        given[index] = min(given[index] + 1, sizes[index])
    return tuple(given[index] for index in range(len(sizes)))


def ratio(
    sizes: Int64Array, drawn: Int64Array, hits: Int64Array, misses: Int64Array, possible: BoolArray, weight: float = 1
) -> Estimate | None:
    """Share of hits among hits and misses, of which a hit counts `weight` times; None where there is neither.

    sizes, drawn, hits, misses: (strata,) pixels, points, and points of either kind. possible: (strata,) whether a point
    of the stratum could be hit or miss.

    The estimate and its standard error are those of the combined ratio estimator (Stehman 2014, equations 27 and 28),
    with the finite population correction.

    The interval is Wilson's (1927), with the effective number of points: that of a simple random sample of the same
    variance. Symmetric intervals miss shares near 1 far too often. Where all points of a stratum are alike its variance
    seems to be 0, though a single error in a large stratum weighs much; there, for the interval alone, a quarter of a
    point of another kind is supposed. Coverage decided on both: see benchmarks/coverage.py.
    """
    value, variance, domain = _linearised(sizes, drawn, hits, misses, weight)
    if not domain:
        return None
    supposed_miss = (hits == drawn) | ((hits + misses == 0) & possible)
    supposed_hit = misses == drawn
    centre, spread, _ = _linearised(
        sizes,
        drawn + _SUPPOSED * (supposed_miss | supposed_hit),
        hits + _SUPPOSED * supposed_hit,
        misses + _SUPPOSED * supposed_miss,
        weight,
        fractions=drawn / sizes,
    )
    low, high = _wilson(value, centre * (1 - centre) / spread if spread else math.inf)
    return Estimate(value, math.sqrt(variance), min(low, value), max(high, value))


def _linearised(
    sizes: Int64Array,
    drawn: Float64Array | Int64Array,
    hits: Float64Array | Int64Array,
    misses: Float64Array | Int64Array,
    weight: float,
    fractions: Float64Array | None = None,
) -> tuple[float, float, float]:
    """(ratio, its variance, weighted sum of hits and misses); (0, 0, 0) where there is none."""
    found, lost = weight * hits / drawn, misses / drawn
    domain = float((sizes * (found + lost)).sum())
    if not domain:
        return 0.0, 0.0, 0.0
    value = float((sizes * found).sum()) / domain
    # Of each point: weight (1 - ratio) for a hit, -ratio for a miss, 0 outside.
    mean = found * (1 - value) - lost * value
    squares = found * weight * (1 - value) ** 2 + lost * value**2
    unbiased = drawn / np.maximum(drawn - 1, 1)
    sampled = drawn / sizes if fractions is None else fractions
    variances = sizes.astype(np.float64) ** 2 * (1 - sampled) * unbiased * (squares - mean**2) / drawn
    return value, max(float(variances.sum()), 0.0) / domain**2, domain


def _wilson(share: float, points: float) -> tuple[float, float]:
    """Wilson's score interval of a share among so many points."""
    if math.isinf(points):
        return share, share
    shift = _DEVIATES**2 / points
    centre = (share + shift / 2) / (1 + shift)
    half = math.sqrt(shift * (share * (1 - share) + shift / 4)) / (1 + shift)
    return max(centre - half, 0.0), min(centre + half, 1.0)
