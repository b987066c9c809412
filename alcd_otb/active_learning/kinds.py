"""Divide pixels into kinds by the ranks of their features: k-means whose result no processor changes.

All sums are of whole numbers below 2^53, which are exact in any order. So a library that adds in another order, or in
several threads, gives the same kinds.
"""

import math
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import Float64Array, Int64Array

_RESTARTS = 5
"""Number of restarts of k-means; the division of least cost is kept."""

_MOST_ROUNDS = 100
"""Most rounds of k-means. A few tens are usual."""


class Kinds(NamedTuple):
    """A division of pixels into kinds.

    Attributes
    ----------
    sums
        (kinds, features) sums of the ranks of each kind's pixels. Divided by the counts, they are its centre.
    counts
        (kinds,) number of pixels of each kind, at least 1.
    members
        (pixels,) index of the kind of each pixel.
    """

    sums: Int64Array
    counts: Int64Array
    members: Int64Array

    def distances(self, ranks: Int64Array) -> Float64Array:
        """Compute the square of each pixel's distance from each centre.

        Parameters
        ----------
        ranks
            (pixels, features) ranks.

        Returns
        -------
        Float64Array
            (pixels, kinds).
        """
        own = np.square(ranks).sum(axis=1)
        return np.asarray(own[:, None] + _relative_distances(ranks.astype(np.float64), self.sums, self.counts))


def doubled_ranks(values: Float64Array, among: Float64Array) -> Int64Array:
    """Compute twice the rank of each value among the values of the same feature; equal values get their mean rank.

    The smallest of n different values has the rank 1 and the doubled rank 2, the largest n and 2 n. A value which is
    not among them has a rank between those of its neighbours. Doubled, all ranks are whole numbers.

    Parameters
    ----------
    values
        (pixels, features) values, all finite.
    among
        (others, features) values that the ranks refer to, all finite.
    """
    result = np.empty(values.shape, dtype=np.int64)
    for feature in range(values.shape[1]):
        ascending = np.sort(among[:, feature])
        below = np.searchsorted(ascending, values[:, feature], side="left")
        up_to = np.searchsorted(ascending, values[:, feature], side="right")
        result[:, feature] = below + up_to + 1
    return result


def divided(ranks: Int64Array, number: int, seed: int) -> Kinds:
    """Divide pixels into kinds by k-means, whose first centres k-means++ draws.

    Parameters
    ----------
    ranks
        (pixels, features) ranks, whole numbers.
    number
        Number of kinds. There are fewer where fewer pixels differ from each other.
    seed
        Seed of the random numbers.
    """
    best, least = None, math.inf
    for restart in range(_RESTARTS):
        first = _first_centres(ranks, number, np.random.default_rng([seed, restart]))
        kinds = _settled(ranks, first)
        cost = -math.fsum((np.square(kinds.sums).sum(axis=1) / kinds.counts).tolist())
        if cost < least:
            best, least = kinds, cost
    assert best is not None
    return best


def _first_centres(ranks: Int64Array, number: int, random: np.random.Generator) -> Int64Array:
    """Draw pixels as first centres: each with a probability by the square of its distance from earlier centres."""
    chosen = [int(random.integers(len(ranks)))]
    left = np.square(ranks - ranks[chosen[0]]).sum(axis=1)
    while len(chosen) < number and left.any():
        ascending = np.cumsum(left)
        chosen.append(int(np.searchsorted(ascending, random.integers(ascending[-1]), side="right")))
        left = np.minimum(left, np.square(ranks - ranks[chosen[-1]]).sum(axis=1))
    return ranks[chosen]


def _settled(ranks: Int64Array, centres: Int64Array) -> Kinds:
    """Move pixels to the nearest centre and centres to the mean of their pixels until nothing moves."""
    values = ranks.astype(np.float64)
    sums, counts = centres, np.ones(len(centres), dtype=np.int64)
    members = np.full(len(ranks), -1)
    for _ in range(_MOST_ROUNDS):
        nearest = _relative_distances(values, sums, counts).argmin(axis=1)
        if (nearest == members).all():
            break
        members = nearest
        is_member = members == np.arange(len(sums))[:, None]
        found = is_member.sum(axis=1)
        # A kind that has lost all its pixels keeps its centre, to which pixels may come back.
        kept = found == 0
        sums = np.where(kept[:, None], sums, (is_member.astype(np.float64) @ values).astype(np.int64))
        counts = np.where(kept, counts, found)
    present, members = np.unique(members, return_inverse=True)
    return Kinds(sums[present], counts[present], members)


def _relative_distances(ranks: Float64Array, sums: Int64Array, counts: Int64Array) -> Float64Array:
    """Compute the squared distances from the centres, less each pixel's squared distance from 0: (pixels, kinds)."""
    centres = np.square(sums).sum(axis=1) / np.square(counts)
    return np.asarray(centres - (ranks @ sums.T.astype(np.float64)) / (0.5 * counts))
