"""Folds by spatial block."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.folds import lone_classes, spatial_folds
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend, LegendClass

GRID = Grid("EPSG:32631", 600_000, 4_900_020, 60, 500, 500)
LEGEND = Legend.from_classes([LegendClass(name, code, "#123456", False) for code, name in enumerate("abc", start=1)])


def sample(code: int, right: float, down: float) -> Sample:
    """right, down: metres from the scene's upper left corner."""
    return Sample(f"f:{code}", code, {"type": "Point", "coordinates": (GRID.left + right, GRID.top - down)})


def block(one: Sample, side: float) -> tuple[int, int]:
    x, y = one.location
    return int((GRID.top - y) // side), int((x - GRID.left) // side)


def spread(codes: str, side: float = 5000) -> list[Sample]:
    """A sample of each class in the middle of each of the first blocks of a row."""
    return [sample(int(code), (column + 0.5) * side, side / 2) for column, code in enumerate(codes)]


places = st.tuples(st.integers(1, 3), st.floats(1, 29_999), st.floats(1, 29_999))


@given(st.lists(places, min_size=30, max_size=80), st.integers(2, 5), st.integers(0, 10))
def test_blocks_are_whole_and_every_sample_validates_once(
    drawn: list[tuple[int, float, float]], count: int, seed: int
) -> None:
    samples = [sample(*one) for one in drawn] + spread("1212121212", 3000)
    folds = spatial_folds(samples, count, 3000, GRID, seed)
    assert len(folds) == count
    assert Counter(map(id, samples)) == Counter(id(one) for fold in folds for one in fold.validation)
    for fold in folds:
        assert fold.validation
        assert Counter(map(id, samples)) == Counter(map(id, (*fold.training, *fold.validation)))
        validated = {block(one, 3000) for one in fold.validation}
        assert validated == set(fold.blocks)
        assert validated.isdisjoint(block(one, 3000) for one in fold.training)


def test_each_class_is_spread_over_the_folds() -> None:
    # Twelve blocks: four of each class, of one sample each, and a fourth class in three of them.
    samples = spread("123123123123") + [sample(4, (column + 0.4) * 5000, 1000) for column in (0, 4, 8)]
    for seed in range(20):
        folds = spatial_folds(samples, 3, 5000, GRID, seed)
        for fold in folds:
            counts = Counter(one.code for one in fold.validation)
            assert counts[4] == 1
            assert all(1 <= counts[code] <= 2 for code in (1, 2, 3))


def test_the_order_of_the_samples_does_not_matter() -> None:
    samples = spread("1231231231231")
    ahead = spatial_folds(samples, 4, 5000, GRID, 1)
    back = spatial_folds(samples[::-1], 4, 5000, GRID, 1)
    assert [fold.blocks for fold in ahead] == [fold.blocks for fold in back]


def test_too_few_blocks_are_refused_with_their_number() -> None:
    with pytest.raises(
        SampleError, match=r"10 folds need samples in as many blocks of 5 km, and 4 have samples: .* -k"
    ):
        spatial_folds(spread("1212"), 10, 5000, GRID, 1)


def test_a_fold_that_leaves_one_class_is_refused() -> None:
    with pytest.raises(SampleError, match="without fold 1, fewer than two classes are left to train on"):
        spatial_folds([*spread("111"), sample(2, 2500, 2500)], 3, 5000, GRID, 1)


def test_a_class_in_one_block_is_warned_of() -> None:
    samples = [*spread("1212"), sample(3, 2500, 2500), sample(3, 3000, 2500)]
    (warning,) = lone_classes(samples, 5000, GRID, LEGEND)
    assert warning.startswith("all samples of class c lie in one block of 5 km")
