"""Stratified estimates of accuracy and area: published examples, sums by hand, and coverage against known truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcd_otb.accuracy.stratified import FEWEST, MOST_SET_ASIDE, Estimate, LabelledSample, allocate

DEVIATES = 1.959964


def by_map_class(sizes: list[int], matrix: list[list[int]]) -> LabelledSample:
    """A sample whose strata are the map's classes. matrix: rows are the map's classes, columns the reference's."""
    counts = np.zeros((len(sizes), len(sizes), len(sizes)), dtype=np.int64)
    for index, row in enumerate(matrix):
        counts[index, index] = row
    return LabelledSample(np.array(sizes), counts)


def defined(estimate: Estimate | None) -> Estimate:
    assert estimate is not None
    return estimate


class TestOlofsson2014:
    """The worked example of section 5: tables 8 and 9, and the figures below them."""

    SAMPLE = by_map_class(
        [200_000, 150_000, 3_200_000, 6_450_000],
        [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]],
    )
    HECTARES = 10_000_000 * 900 / 10_000

    def test_overall_accuracy(self) -> None:
        overall = defined(self.SAMPLE.overall_accuracy())
        assert overall.estimate == pytest.approx(0.95, abs=0.005)
        assert DEVIATES * overall.standard_error == pytest.approx(0.02, abs=0.005)

    @pytest.mark.parametrize(
        ("index", "users", "users_half", "producers"),
        [(0, 0.88, 0.07, 0.75), (1, 0.73, 0.10, 0.85), (2, 0.93, 0.04, 0.93), (3, 0.96, 0.02, 0.96)],
    )
    def test_users_and_producers_accuracy(self, index: int, users: float, users_half: float, producers: float) -> None:
        estimate = defined(self.SAMPLE.users_accuracy(index))
        assert estimate.estimate == pytest.approx(users, abs=0.005)
        assert DEVIATES * estimate.standard_error == pytest.approx(users_half, abs=0.005)
        assert defined(self.SAMPLE.producers_accuracy(index)).estimate == pytest.approx(producers, abs=0.006)

    def test_error_of_producers_accuracy(self) -> None:
        estimate = defined(self.SAMPLE.producers_accuracy(0))
        assert DEVIATES * estimate.standard_error == pytest.approx(0.21, abs=0.005)

    @pytest.mark.parametrize(
        ("index", "hectares", "half"),
        [(0, 21_158, 6_158), (1, 11_686, 3_756), (2, 285_770, 15_510), (3, 581_386, 16_282)],
    )
    def test_areas(self, index: int, hectares: float, half: float) -> None:
        area = defined(self.SAMPLE.area_share(index)).times(self.HECTARES)
        assert area.estimate == pytest.approx(hectares, abs=1)
        # The finite population correction, which the paper leaves out, is a hundred-thousandth here.
        assert DEVIATES * area.standard_error == pytest.approx(half, abs=2)

    def test_matrix_of_areas_has_the_reference_in_rows(self) -> None:
        published = [
            [0.0176, 0.0000, 0.0013, 0.0011],
            [0.0000, 0.0110, 0.0016, 0.0024],
            [0.0019, 0.0000, 0.2967, 0.0213],
            [0.0040, 0.0020, 0.0179, 0.6212],
        ]
        np.testing.assert_allclose(self.SAMPLE.area_matrix, np.transpose(published), atol=6e-5)


class TestStehman2014:
    """The numerical example of section 5, with strata that are not the map's classes."""

    STRATA = "A" * 10 + "B" * 10 + "C" * 10 + "D" * 10
    MAP = "AAAAAAABBBABBBBBBBBBBBCCCCCCBBDDDDDDDDDD"
    REFERENCE = "AAAAACBABCABBBBBAABBCCCCCDDBBADDDDDDDCCB"

    @pytest.fixture
    def sample(self) -> LabelledSample:
        counts = np.zeros((4, 4, 4), dtype=np.int64)
        for cell in zip(self.STRATA, self.MAP, self.REFERENCE, strict=True):
            counts[tuple("ABCD".index(letter) for letter in cell)] += 1
        return LabelledSample(np.array([40_000, 30_000, 20_000, 10_000]), counts)

    def test_published_figures(self, sample: LabelledSample) -> None:
        published = [
            (sample.area_share(0), 0.35, 0.082),
            (sample.area_share(2), 0.20, 0.064),
            (sample.overall_accuracy(), 0.63, 0.085),
            (sample.users_accuracy(1), 0.574, 0.125),
        ]
        for estimate, value, error in published:
            assert defined(estimate).estimate == pytest.approx(value, abs=0.0005)
            assert defined(estimate).standard_error == pytest.approx(error, abs=0.0005)
        assert sample.area_matrix[2, 1] == pytest.approx(0.08)

    def test_producers_accuracy(self, sample: LabelledSample) -> None:
        # The paper's 0.114 takes the variance of x in the fourth stratum for 0, where its table 3 has 0.1. By hand,
        # from the sums over its ten points, of y (right and B), x (truly B): strata A to D.
        producers = defined(sample.producers_accuracy(1))
        ys = tuple(
            sum(s == h and m == r == "B" for s, m, r in zip(self.STRATA, self.MAP, self.REFERENCE, strict=True))
            for h in "ABCD"
        )
        xs = tuple(sum(s == h and r == "B" for s, r in zip(self.STRATA, self.REFERENCE, strict=True)) for h in "ABCD")
        sizes = (40_000, 30_000, 20_000, 10_000)
        total = sum(size * x / 10 for size, x in zip(sizes, xs, strict=True))
        ratio = sum(size * y / 10 for size, y in zip(sizes, ys, strict=True)) / total
        variance = 0.0
        for size, y, x in zip(sizes, ys, xs, strict=True):
            # y is 1 only where x is: their covariance has the sum y for the sum of products.
            of_y, of_x, both = (
                (product - first * second / 10) / 9 for product, first, second in ((y, y, y), (x, x, x), (y, y, x))
            )
            variance += size**2 * (1 - 10 / size) * (of_y + ratio**2 * of_x - 2 * ratio * both) / 10
        assert producers.estimate == pytest.approx(0.794, abs=0.0005)
        assert producers.estimate == pytest.approx(ratio)
        assert producers.standard_error == pytest.approx(math.sqrt(variance) / total)


class TestIntervals:
    def test_of_one_stratum_are_wilsons(self) -> None:
        # Wilson's interval of 45 of 50, from the quadratic equation (share - p)^2 = z^2 p (1 - p) / n.
        sample = by_map_class([10**9, 10**9], [[45, 5], [0, 50]])
        users = defined(sample.users_accuracy(0))
        for limit in (users.low, users.high):
            # Of an unbiased variance: n - 1 instead of n.
            assert (0.9 - limit) ** 2 == pytest.approx(DEVIATES**2 * limit * (1 - limit) / 49, rel=1e-6)

    def test_without_an_error_end_at_1_and_are_not_empty(self) -> None:
        sample = by_map_class([10**6, 10**6], [[20, 0], [0, 50]])
        for estimate in (sample.overall_accuracy(), sample.users_accuracy(0), sample.producers_accuracy(1)):
            known = defined(estimate)
            assert (known.estimate, known.high) == (1, 1)
            assert known.low < 0.96

    def test_of_every_pixel_have_no_width(self) -> None:
        sample = by_map_class([30, 70], [[25, 5], [2, 68]])
        for index in range(2):
            for estimate in (sample.producers_accuracy(index), sample.area_share(index), sample.f1(index)):
                known = defined(estimate)
                assert known.standard_error == 0
                assert known.low == known.high == known.estimate
        assert defined(sample.producers_accuracy(0)).estimate == 25 / 27
        assert defined(sample.f1(0)).estimate == pytest.approx(2 * 25 / (2 * 25 + 5 + 2))

    def test_of_what_no_point_tells_of_are_undefined(self) -> None:
        counts = np.zeros((2, 3, 3), dtype=np.int64)
        counts[0, 0, 0], counts[1, 1, 1] = 10, 10
        sample = LabelledSample(np.array([100, 100]), counts)
        assert sample.users_accuracy(2) is None
        assert sample.producers_accuracy(2) is None
        assert defined(sample.area_share(2)).estimate == 0

    def test_of_groups_keep_the_strata(self) -> None:
        sample = by_map_class([100_000, 200_000, 700_000], [[8, 2, 0], [1, 18, 1], [0, 3, 67]])
        binary = sample.merged([0, 0, 1], 2)
        assert binary.counts.shape == (3, 2, 2)
        # Invalid are the first two: all 10, 19 of 20 and 3 of 70 points are.
        share = 0.1 * 1 + 0.2 * 19 / 20 + 0.7 * 3 / 70
        assert defined(binary.area_share(0)).estimate == pytest.approx(share)
        assert defined(binary.users_accuracy(0)).estimate == pytest.approx((0.1 + 0.2 * 19 / 20) / 0.3)
        assert defined(binary.producers_accuracy(0)).estimate == pytest.approx((0.1 + 0.2 * 19 / 20) / share)


def figures(sample: LabelledSample, binary: LabelledSample) -> dict[str, Estimate | None]:
    found = {"overall": sample.overall_accuracy(), "invalid/valid overall": binary.overall_accuracy()}
    for name, one, classes in (("class", sample, 6), ("side", binary, 2)):
        for index in range(classes):
            found |= {
                f"user's of {name} {index}": one.users_accuracy(index),
                f"producer's of {name} {index}": one.producers_accuracy(index),
                f"F1 of {name} {index}": one.f1(index),
                f"area of {name} {index}": one.area_share(index),
            }
    return found


def degraded(truth: np.ndarray, wrong: list[float], rng: np.random.Generator) -> np.ndarray:
    """A map of the truth: of each true class the given share is mapped as another, mostly as one of the neighbours."""
    codes = truth.copy()
    mistaken = rng.random(truth.size) < np.array(wrong)[truth]
    shift = rng.choice([1, 2, 3, 4, 5], p=[0.4, 0.2, 0.1, 0.1, 0.2], size=truth.size)
    codes[mistaken] = (truth[mistaken] + shift[mistaken]) % 6
    return codes


@pytest.fixture(scope="module")
def pixels() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Truth, the map that points are drawn from, and a better one of later: 100 000 pixels of six classes."""
    rng = np.random.default_rng(2014)
    truth = rng.choice(6, p=[0.15, 0.12, 0.11, 0.47, 0.07, 0.08], size=100_000)
    first = degraded(truth, [0.15, 0.12, 0.18, 0.06, 0.15, 0.12], rng)
    later = np.where(rng.random(truth.size) < 0.4, truth, first)
    return truth, first, later


class TestCoverage:
    """Over 300 draws, the intervals hold the true value in 92 to 98 %."""

    INVALID = (0, 0, 0, 1, 1, 1)
    DRAWS = 300
    POINTS = 500

    def drawn(self, pixels: tuple[np.ndarray, np.ndarray, np.ndarray], assessed: np.ndarray) -> dict[str, np.ndarray]:
        """By figure, a row a draw: (interval holds the truth, symmetric interval holds it)."""
        truth, first, _ = pixels
        rng = np.random.default_rng(7)
        places = [np.flatnonzero(first == stratum) for stratum in range(6)]
        sizes = np.array([one.size for one in places])
        points = allocate(sizes.tolist(), self.POINTS)
        true = self.true_values(truth, assessed)
        rows: dict[str, list[tuple[bool, bool]]] = {name: [] for name in true}
        for _ in range(self.DRAWS):
            counts = np.zeros((6, 6, 6), dtype=np.int64)
            for stratum, count in enumerate(points):
                chosen = rng.choice(places[stratum], count, replace=False)
                np.add.at(counts[stratum], (assessed[chosen], truth[chosen]), 1)
            sample = LabelledSample(sizes, counts)
            for name, estimate in figures(sample, sample.merged(self.INVALID, 2)).items():
                known = defined(estimate)
                symmetric = abs(known.estimate - true[name]) <= DEVIATES * known.standard_error
                rows[name].append((known.low <= true[name] <= known.high, symmetric))
        return {name: np.array(found).mean(axis=0) for name, found in rows.items()}

    def true_values(self, truth: np.ndarray, assessed: np.ndarray) -> dict[str, float]:
        sides = np.array(self.INVALID)
        values = {
            "overall": (truth == assessed).mean(),
            "invalid/valid overall": (sides[truth] == sides[assessed]).mean(),
        }
        for kind, true, mapped in (("class", truth, assessed), ("side", sides[truth], sides[assessed])):
            for index in range(true.max() + 1):
                both = ((true == index) & (mapped == index)).sum()
                users, producers = both / (mapped == index).sum(), both / (true == index).sum()
                values[f"user's of {kind} {index}"] = users
                values[f"producer's of {kind} {index}"] = producers
                values[f"F1 of {kind} {index}"] = 2 * users * producers / (users + producers)
                values[f"area of {kind} {index}"] = (true == index).mean()
        return values

    @pytest.mark.parametrize("which", [1, 2], ids=["the map drawn from", "a later map"])
    def test_of_every_figure(self, pixels: tuple[np.ndarray, np.ndarray, np.ndarray], which: int) -> None:
        held = self.drawn(pixels, pixels[which])
        assert len(held) == 34
        outside = {name: shares[0] for name, shares in held.items() if not 0.92 <= shares[0] <= 0.98}
        assert outside == {}

    def test_symmetric_intervals_would_not_do(self, pixels: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
        held = self.drawn(pixels, pixels[1])
        assert min(shares[1] for shares in held.values()) < 0.92


class TestAllocation:
    def test_rare_classes_get_the_least_number_and_the_others_their_share(self) -> None:
        # Least: 200 / (2 x 4) = 25. The two large strata share 150 points by 3.2 : 6.45.
        assert allocate([200_000, 150_000, 3_200_000, 6_450_000], 200) == (25, 25, 50, 100)
        # Of 640 points the least number would be 80, and is 50 at most: 540 points by 3.2 : 6.45.
        assert allocate([200_000, 150_000, 3_200_000, 6_450_000], 640) == (50, 50, 179, 361)

    def test_no_class_gets_more_points_than_it_has_pixels(self) -> None:
        assert allocate([100_000, 3, 1], 200) == (196, 3, 1)
        assert allocate([5, 3], 200) == (5, 3)

    def test_too_few_points_are_refused(self) -> None:
        with pytest.raises(ValueError, match="5 points are fewer than 2 for each of 3 classes"):
            allocate([100, 100, 100], 5)

    @given(st.lists(st.integers(1, 10**8), min_size=1, max_size=30), st.integers(60, 2000))
    def test_adds_up_and_leaves_no_class_out(self, sizes: list[int], points: int) -> None:
        drawn = allocate(sizes, points)
        assert all(0 < count <= size for count, size in zip(drawn, sizes, strict=True))
        least = max(FEWEST, min(MOST_SET_ASIDE, points // (2 * len(sizes))))
        assert all(count >= min(least, size) for count, size in zip(drawn, sizes, strict=True))
        assert sum(drawn) <= points
        if min(sizes) >= points:
            assert sum(drawn) == points
