"""Dilation by a disc: against hand-drawn discs, a loop over distances, SciPy's exact distances, and OTB's ball."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mask_files import write_raster
from osgeo import gdal

from alcd_otb.compare.distance import LARGEST_RADIUS, levels, reach
from otb_pipelines.app import Target
from otb_pipelines.masks import build_morphology
from otb_pipelines.settings import Settings

masks = hnp.arrays(np.bool_, st.tuples(st.integers(1, 30), st.integers(1, 30)))
radii = st.lists(st.sampled_from([0, 10, 14, 14.2, 20, 25, 30, 60, 95]), min_size=1, unique=True).map(sorted)


def dilated(inside: npt.NDArray[np.bool_], radius: float, resolution: float = 60) -> npt.NDArray[np.bool_]:
    return levels(inside, [radius], resolution) == 0


def test_discs_by_hand() -> None:
    point = np.zeros((9, 9), bool)
    point[4, 4] = True
    assert dilated(point, 59).sum() == 1
    # One pixel away: the cross. At 180 m, three: x^2 + y^2 <= 9 has 29 pixels.
    assert dilated(point, 60).sum() == 5
    assert np.array_equal(dilated(point, 60)[3:6, 3:6], np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool))
    assert dilated(point, 85).sum() == 9
    assert dilated(point, 180).sum() == 29
    assert not dilated(np.zeros((5, 5), bool), 180).any()


@given(masks)
def test_dilation_by_0_changes_nothing(inside: npt.NDArray[np.bool_]) -> None:
    assert np.array_equal(dilated(inside, 0), inside)
    assert np.array_equal(levels(inside, [0, 300], 60) == 0, inside)


@settings(deadline=None)
@given(masks, radii)
def test_levels_are_those_of_a_loop_over_all_distances(inside: npt.NDArray[np.bool_], metres: list[float]) -> None:
    found = levels(inside, metres, 10)
    places = np.argwhere(inside)
    for row, column in np.ndindex(inside.shape):
        squared = ((places - (row, column)) ** 2).sum(axis=1).min() * 100 if len(places) else np.inf
        assert found[row, column] == sum(squared > radius**2 for radius in metres)


@settings(deadline=None)
@given(masks, masks, st.sampled_from([10, 20, 33, 60]))
def test_what_is_added_adds_to_the_dilation(
    one: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], radius: float
) -> None:
    rows, columns = min(one.shape[0], other.shape[0]), min(one.shape[1], other.shape[1])
    one, other = one[:rows, :columns], other[:rows, :columns]
    assert np.array_equal(dilated(one | other, radius, 10), dilated(one, radius, 10) | dilated(other, radius, 10))


def test_large_radii_agree_with_exact_distances_of_scipy() -> None:
    ndimage = pytest.importorskip("scipy.ndimage")
    inside = np.random.default_rng(3).random((400, 300)) < 0.0005
    distances = ndimage.distance_transform_edt(~inside) * 10
    metres = [0, 60, 180, 300, 1000, 1800]
    expected = sum((distances > radius + 1e-6).astype(int) for radius in metres)
    assert np.array_equal(levels(inside, metres, 10), expected)


@pytest.mark.parametrize("radius", [1, 2, 3, 5])
def test_agrees_with_the_ball_of_otb(tmp_path: Path, radius: int) -> None:
    """OTB's ball of radius r holds the offsets up to r + 0.5 pixels."""
    inside = np.random.default_rng(radius).random((60, 50)) < 0.02
    write_raster(tmp_path / "mask.tif", inside.astype(np.uint8), 60)
    target = Target(tmp_path / "dilated.tif", "uint8")
    build_morphology(tmp_path / "mask.tif", "dilate", radius, Settings(ram=64, threads=1)).write({"out": target})
    by_otb = gdal.Open(str(target.path)).ReadAsArray() == 1
    assert np.array_equal(dilated(inside, (radius + 0.5) * 60), by_otb)


def test_a_radius_beyond_16_bits_is_refused() -> None:
    assert reach([0, 1800], 10) == LARGEST_RADIUS
    with pytest.raises(ValueError, match="at most 180"):
        reach([1810], 10)
