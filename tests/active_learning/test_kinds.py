"""Ranks and k-means against SciPy, scikit-learn and values by hand."""

import numpy as np
import pytest
from scipy.stats import rankdata
from sklearn.cluster import KMeans

from alcd_otb.active_learning.kinds import divided, doubled_ranks


class TestRanks:
    def test_by_hand(self) -> None:
        values = np.array([[3.0], [1.0], [3.0], [7.0]])
        # The ranks are 2.5, 1, 2.5 and 4.
        assert doubled_ranks(values, values).ravel().tolist() == [5, 2, 5, 8]

    def test_of_values_that_are_not_among_the_others_lie_between_them(self) -> None:
        among = np.array([[1.0], [2.0], [2.0], [5.0]])
        assert doubled_ranks(np.array([[0.0], [2.0], [3.0], [9.0]]), among).ravel().tolist() == [1, 5, 7, 9]

    def test_are_those_of_scipy(self) -> None:
        values = np.random.default_rng(0).integers(0, 40, (300, 4)).astype(float)
        assert (doubled_ranks(values, values) == 2 * rankdata(values, axis=0)).all()


class TestKinds:
    def test_by_hand(self) -> None:
        ranks = np.array([[0], [2], [4], [100], [102], [200]])
        kinds = divided(ranks, 3, 1)
        assert sorted(zip((kinds.sums.ravel() / kinds.counts).tolist(), kinds.counts.tolist(), strict=True)) == [
            (2.0, 3),
            (101.0, 2),
            (200.0, 1),
        ]
        assert kinds.distances(np.array([[5]]))[0, kinds.members[0]] == 9

    def test_cost_no_more_than_those_of_scikit_learn(self) -> None:
        random = np.random.default_rng(3)
        values = random.normal(size=(2500, 12)) + 3 * random.integers(0, 3, (2500, 1))
        ranks = doubled_ranks(values, values)
        kinds = divided(ranks, 18, 1)
        cost = np.square(ranks - (kinds.sums / kinds.counts[:, None])[kinds.members]).sum()
        other = KMeans(18, n_init=5, random_state=0).fit(ranks)
        assert cost < 1.02 * other.inertia_
        # Each pixel is of the kind whose centre is nearest, and each centre the mean of its pixels.
        assert (kinds.distances(ranks).argmin(axis=1) == kinds.members).all()
        for kind in range(18):
            assert (kinds.sums[kind] == ranks[kinds.members == kind].sum(axis=0)).all()
            assert kinds.counts[kind] == (kinds.members == kind).sum()

    def test_are_the_same_whatever_the_order_of_the_features(self) -> None:
        # Sums of another order round otherwise, if they round at all.
        values = np.random.default_rng(5).normal(size=(2500, 30))
        ranks = doubled_ranks(values, values)
        order = np.random.default_rng(6).permutation(30)
        first, second = divided(ranks, 18, 2), divided(ranks[:, order], 18, 2)
        assert (first.members == second.members).all()
        assert (first.sums[:, order] == second.sums).all()
        assert (first.distances(ranks) == second.distances(ranks[:, order])).all()

    @pytest.mark.parametrize(("pixels", "number", "found"), [(5, 18, 5), (1, 3, 1), (4, 1, 1)])
    def test_are_at_most_as_many_as_pixels_differ(self, pixels: int, number: int, found: int) -> None:
        ranks = np.arange(2 * pixels).reshape(pixels, 2)
        assert len(divided(np.concatenate([ranks, ranks]), number, 1).counts) == found
