"""The split into training and validation, and the samples' own geometry."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcd_otb.samples.sample import Sample, named_features
from alcd_otb.samples.split import split_samples


def point(x: float, y: float, code: int = 5, feature: str = "samples.gpkg:1") -> Sample:
    return Sample(feature, code, {"type": "Point", "coordinates": (x, y)})


def places(samples: tuple[Sample, ...]) -> set[tuple[int, float, float]]:
    return {(sample.code, *sample.location) for sample in samples}


def point_sets() -> st.SearchStrategy[list[Sample]]:
    one = st.tuples(st.integers(1, 4), st.integers(-500, 500), st.integers(-500, 500))
    return st.lists(one, min_size=1, max_size=60, unique=True).map(
        lambda all_of_them: [point(x, y, code) for code, x, y in all_of_them]
    )


def test_location_and_extent() -> None:
    ring = ((0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (0.0, 0.0))
    polygon = Sample("a:1", 2, {"type": "Polygon", "coordinates": (ring,)})
    assert polygon.extent == (0.0, 0.0, 4.0, 2.0)
    assert polygon.location == (2.0, 1.0)
    assert not polygon.is_point
    assert point(3.0, 7.0).extent == (3.0, 7.0, 3.0, 7.0)
    assert point(3.0, 7.0).location == (3.0, 7.0)


def test_a_line_is_no_sample() -> None:
    with pytest.raises(ValueError, match="a:1: LineString is neither Point nor Polygon"):
        Sample("a:1", 2, {"type": "LineString", "coordinates": ((0, 0), (1, 1))})


@pytest.mark.parametrize(
    ("count", "proportion", "trained"),
    [
        (1, 0.9, 1),
        (2, 0.9, 1),
        (3, 0.9, 2),
        (5, 0.9, 4),
        (10, 0.9, 9),
        (11, 0.9, 10),
        (25, 0.9, 23),
        (25, 0.56, 14),
        (4, 0.01, 1),
        (7, 1.0, 7),
        (1, 1.0, 1),
        (5, 0.5, 3),
    ],
)
def test_counts_of_one_class(count: int, proportion: float, trained: int) -> None:
    training, validation = split_samples([point(60.0 * i, 0.0) for i in range(count)], proportion, seed=1)
    assert (len(training), len(validation)) == (trained, count - trained)


def test_classes_are_split_apart() -> None:
    samples = [point(i, 0, 2) for i in range(10)] + [point(i, 0, 5) for i in range(2)] + [point(0, 0, 6)]
    training, validation = split_samples(samples, 0.8, seed=3)
    assert [sample.code for sample in training] == [2] * 8 + [5, 6]
    assert [sample.code for sample in validation] == [2, 2, 5]


def test_classes_are_drawn_apart() -> None:
    samples = [point(i, 0, code) for code in (2, 5) for i in range(30)]
    training, _ = split_samples(samples, 0.5, seed=4)
    of_class = [{sample.location for sample in training if sample.code == code} for code in (2, 5)]
    assert of_class[0] != of_class[1]


def test_no_samples() -> None:
    assert split_samples([], 0.9, 1) == ((), ())


def test_seeds_give_different_splits() -> None:
    samples = [point(i, 0) for i in range(30)]
    assert len({split_samples(samples, 0.5, seed) for seed in range(20)}) == 20


def test_every_sample_is_validated_as_often_as_the_proportion_says() -> None:
    samples = [point(60.0 * i, 0.0) for i in range(20)]
    seeds = 600
    counts = dict.fromkeys(samples, 0)
    for seed in range(seeds):
        for sample in split_samples(samples, 0.75, seed)[1]:
            counts[sample] += 1
    # Binomial with p = 0.25: five standard deviations are 53.
    assert sum(counts.values()) == 5 * seeds
    assert all(abs(count - 150) < 53 for count in counts.values())


@pytest.mark.parametrize("proportion", [0.0, -0.1, 1.1, math.nan])
def test_proportion_out_of_range(proportion: float) -> None:
    with pytest.raises(ValueError, match="training proportion"):
        split_samples([point(0, 0)], proportion, 1)


def test_negative_seed() -> None:
    with pytest.raises(ValueError, match="seed -1"):
        split_samples([point(0, 0)], 0.9, -1)


@given(point_sets(), st.floats(0.05, 1.0), st.integers(0, 2**40), st.randoms(use_true_random=False))
def test_split_properties(samples: list[Sample], proportion: float, seed: int, random) -> None:
    training, validation = split_samples(samples, proportion, seed)
    assert places(training) | places(validation) == places(tuple(samples))
    assert len(training) + len(validation) == len(samples)
    for code in {sample.code for sample in samples}:
        total = sum(sample.code == code for sample in samples)
        trained = sum(sample.code == code for sample in training)
        assert trained >= 1
        assert (trained < total or total == 1) if proportion < 1 else trained == total
        assert abs(trained - proportion * total) <= 1
    shuffled = list(samples)
    random.shuffle(shuffled)
    renumbered = [point(*sample.location, sample.code, f"other.shp:{n}") for n, sample in enumerate(shuffled)]
    again = split_samples(renumbered, proportion, seed)
    assert [places((one,)) for one in again[0]] == [places((one,)) for one in training]
    assert [places((one,)) for one in again[1]] == [places((one,)) for one in validation]


@given(point_sets(), st.floats(0.05, 1.0), st.integers(0, 100))
def test_an_added_sample_moves_at_most_one_other(samples: list[Sample], proportion: float, seed: int) -> None:
    before = split_samples(samples, proportion, seed)
    after = split_samples([*samples, point(1000.0, 1000.0, samples[0].code)], proportion, seed)
    moved = (places(before[0]) & places(after[1])) | (places(before[1]) & places(after[0]))
    assert len(moved) <= 1


def test_named_features() -> None:
    assert named_features(["1"]) == "1"
    assert named_features(["1", "2", "3"], most=3) == "1, 2, 3"
    assert named_features(["1", "2", "3"], most=1) == "1 and 2 more"
