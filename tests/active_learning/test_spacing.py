"""The spacing between places, by hand."""

from pathlib import Path

import numpy as np
import pytest
from small_rasters import write_raster

from alcd_otb.active_learning.spacing import enough_pixels, pixels_with_data, spacing_on, used_spacing


@pytest.mark.parametrize(
    ("wanted", "pixels", "resolution", "points", "used"),
    [
        # 10,000 pixels of 20 m for 100 points: squares of 200 m a side.
        (480, 10_000, 20, 100, 100),
        # The template's is the smaller one: a full tile of 60 m.
        (480, 1830 * 1830, 60, 300, 480),
        # Never under 2 pixels, but where the template has less.
        (480, 100, 20, 100, 40),
        (10, 100, 20, 100, 10),
        (0, 10_000, 20, 100, 0),
        (480, 0, 20, 0, 40),
    ],
)
def test_is_half_the_side_of_the_square_of_a_point(
    wanted: float, pixels: int, resolution: float, points: int, used: float
) -> None:
    assert used_spacing(wanted, pixels, resolution, points) == used


def test_from_enough_pixels_on_it_is_that_of_the_template() -> None:
    # Squares of twice 100 m: 100 pixels of 20 m for each of 7 points.
    assert enough_pixels(100, 20, 7) == 700
    assert used_spacing(100, 700, 20, 7) == 100
    assert used_spacing(100, 699, 20, 7) < 100


def test_pixels_with_data_are_counted_until_there_are_enough(tmp_path: Path) -> None:
    codes = np.zeros((600, 30), np.uint8)
    codes[5:505, :20] = 3
    labels = write_raster(tmp_path / "labels.tif", codes)
    assert pixels_with_data(labels, 10**9) == 500 * 20
    assert 40 <= pixels_with_data(labels, 40) <= 256 * 20
    # 10,000 pixels of 20 m for 100 points.
    assert spacing_on(labels, 480, 100) == 100
    assert spacing_on(labels, 60, 100) == 60
