"""Masks on the grid of comparison: shares of cells, no data, grids that do not fit; against hand-made answers."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mask_files import L1C_NAME, LEFT, TOP, write_raster
from osgeo import osr

from alcd_otb.compare.cells import UNCLASSED, Cells
from alcd_otb.compare.counting import comparison_grid
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.sen2cor import read_classification
from alcd_otb.raster.grid import Grid

LAND, CLOUD, NO_DATA = 4, 9, 0
INVALID = frozenset({"invalid"})


def scl(tmp_path: Path, pixels: np.ndarray, resolution: float = 20, **options: float) -> Mask:
    file = tmp_path / f"{L1C_NAME}_SCL_20m.tif"
    return read_classification(write_raster(file, pixels.astype(np.uint8), resolution, **options))


def test_half_a_cell_makes_it_positive(tmp_path: Path) -> None:
    """Four cells of 2 x 2 pixels with 0, 1, 2 and 4 cloudy ones."""
    pixels = np.array([[4, 4, 9, 4, 9, 4, 9, 9], [4, 4, 4, 4, 4, 9, 9, 9]])
    mask = scl(tmp_path, pixels, 30)
    grid = comparison_grid(mask.grid, 60)
    assert Cells(mask, grid, INVALID).rows(0, 1).positive.tolist() == [[False, False, True, True]]
    assert Cells(mask, grid, INVALID, share=0.25).rows(0, 1).positive.tolist() == [[False, True, True, True]]
    assert Cells(mask, grid, INVALID, share=0.51).rows(0, 1).positive.tolist() == [[False, False, False, True]]
    assert Cells(mask, grid, INVALID).rows(0, 1).codes.tolist() == [[LAND, LAND, LAND, CLOUD]]


def test_the_share_is_of_what_has_data(tmp_path: Path) -> None:
    """Cells: one of two with data is cloudy; one with data of four is cloudy; none has data."""
    pixels = np.array([[0, 9, 9, 0, 0, 0], [4, 0, 0, 0, 0, 0]])
    mask = scl(tmp_path, pixels, 30)
    rows = Cells(mask, comparison_grid(mask.grid, 60), INVALID).rows(0, 1)
    assert rows.data.tolist() == [[True, False, False]]
    assert rows.positive.tolist() == [[True, False, False]]
    assert rows.codes.tolist() == [[LAND, UNCLASSED, UNCLASSED]]
    lenient = Cells(mask, comparison_grid(mask.grid, 60), INVALID, data_share=0.25).rows(0, 1)
    assert lenient.data.tolist() == lenient.positive.tolist() == [[True, True, False]]


def test_excluded_meanings_count_as_no_data(tmp_path: Path) -> None:
    mask = scl(tmp_path, np.array([[4, 9, 11]]), 60)
    rows = Cells(mask, mask.grid, INVALID, frozenset({"snow"})).rows(0, 1)
    assert rows.data.tolist() == [[True, True, False]]


def test_there_is_no_data_beyond_the_mask(tmp_path: Path) -> None:
    mask = scl(tmp_path, np.full((2, 2), CLOUD), 60)
    grid = Grid(mask.grid.crs, LEFT - 60, TOP + 120, 60, 4, 5)
    rows = Cells(mask, grid, INVALID).rows(-1, 7)
    expected = np.zeros((8, 4), bool)
    expected[3:5, 1:3] = True
    assert rows.data.tolist() == rows.positive.tolist() == expected.tolist()


def test_pixels_larger_than_cells_are_repeated(tmp_path: Path) -> None:
    mask = scl(tmp_path, np.array([[4, 9], [0, 9]]), 60)
    rows = Cells(mask, comparison_grid(mask.grid, 20), INVALID).rows(0, 6)
    assert np.array_equal(rows.positive, np.array([[0, 1], [0, 1]], bool).repeat(3, 0).repeat(3, 1))
    assert np.array_equal(rows.data, np.array([[1, 1], [0, 1]], bool).repeat(3, 0).repeat(3, 1))
    # Some rows that begin within a pixel are the same as those of all.
    part = Cells(mask, comparison_grid(mask.grid, 20), INVALID).rows(2, 5)
    assert np.array_equal(part.positive, rows.positive[2:5])
    assert np.array_equal(part.codes, rows.codes[2:5])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    pixels=hnp.arrays(np.uint8, st.tuples(st.integers(3, 24), st.integers(3, 24)), elements=st.sampled_from([0, 4, 9])),
    factor=st.sampled_from([1, 2, 3, 6]),
    share=st.sampled_from([0.01, 0.25, 0.5, 0.75, 1.0]),
    start=st.integers(0, 3),
)
def test_agrees_with_a_loop_over_cells(
    tmp_path: Path, pixels: np.ndarray, factor: int, share: float, start: int
) -> None:
    mask = scl(tmp_path, pixels, 10)
    grid = comparison_grid(mask.grid, 10 * factor)
    start = min(start, grid.height - 1)
    rows = Cells(mask, grid, INVALID, share=share).rows(start, grid.height)
    for row in range(start, grid.height):
        for column in range(grid.width):
            cell = pixels[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            seen, cloudy = (cell != NO_DATA).sum(), (cell == CLOUD).sum()
            has_data = seen > 0 and seen >= 0.5 * factor**2
            assert rows.data[row - start, column] == has_data
            assert rows.positive[row - start, column] == (has_data and cloudy > 0 and cloudy >= share * seen)
            if has_data and 2 * cloudy != seen:
                assert rows.codes[row - start, column] == (CLOUD if 2 * cloudy > seen else LAND)


class TestGridsThatDoNotFit:
    def test_a_shift_by_half_a_pixel_weighs_the_areas(self, tmp_path: Path) -> None:
        """A cell over halves of two pixels is positive where at least one is cloudy, and then half."""
        mask = scl(tmp_path, np.array([[4, 4, 9, 9, 4]] * 5), 20)
        grid = Grid(mask.grid.crs, LEFT + 10, TOP - 20, 20, 4, 3)
        for share, expected in ((0.5, [False, True, True, True]), (0.6, [False, False, True, False])):
            rows = Cells(mask, grid, INVALID, share=share).rows(0, 3)
            assert rows.positive.tolist() == [expected] * 3
            assert rows.data.all()

    def test_another_zone_shows_the_same_ground(self, tmp_path: Path) -> None:
        """A cloud of 600 m is where its coordinates are, in the CRS of the next zone too."""
        pixels = np.full((100, 100), LAND)
        pixels[40:70, 20:50] = CLOUD
        mask = scl(tmp_path, pixels, 20)
        there = osr.SpatialReference()
        there.ImportFromEPSG(32632)
        here = mask.grid.spatial_reference
        x, y, _ = osr.CoordinateTransformation(here, there).TransformPoint(LEFT + 1000, TOP - 1000)
        grid = Grid("EPSG:32632", round(x) - 1800, round(y) + 1800, 60, 60, 60)
        rows = Cells(mask, grid, INVALID).rows(0, 60)
        back = osr.CoordinateTransformation(grid.spatial_reference, here)
        for row in range(60):
            for column in range(60):
                x, y, _ = back.TransformPoint(*grid.centre_of(row, column))
                across, down = (x - LEFT) / 20, (TOP - y) / 20
                # Cells on an edge may fall on either side.
                margin = 2.5
                if all(margin < place < 100 - margin for place in (across, down)):
                    assert rows.data[row, column]
                    if 20 + margin < across < 50 - margin and 40 + margin < down < 70 - margin:
                        assert rows.positive[row, column]
                        assert rows.codes[row, column] == CLOUD
                    if not (20 - margin < across < 50 + margin and 40 - margin < down < 70 + margin):
                        assert not rows.positive[row, column]
                        assert rows.codes[row, column] == LAND
                elif any(place < -margin or place > 100 + margin for place in (across, down)):
                    assert not rows.data[row, column]


@pytest.mark.parametrize(
    ("size", "resolution", "expected"), [((60, 60), 10, (10, 10)), ((5, 7), 20, (2, 3)), ((1, 1), 10, (1, 1))]
)
def test_the_grid_holds_all_of_the_mask(size: tuple[int, int], resolution: float, expected: tuple[int, int]) -> None:
    rows, columns = size
    grid = comparison_grid(Grid("EPSG:32631", LEFT, TOP, resolution, columns, rows), 60)
    assert (grid.height, grid.width) == expected
    assert (grid.left, grid.top, grid.resolution) == (LEFT, TOP, 60)


@pytest.mark.parametrize("factor", [255, 256, 257, 512])
def test_a_cell_of_more_pixels_than_16_bits_count(tmp_path: Path, factor: int) -> None:
    """Cells of 10 m pixels: all cloud; cloud but for a row; half cloud and half land; no data but for a pixel."""
    pixels = np.full((factor, 4 * factor), CLOUD, np.uint8)
    pixels[0, factor : 2 * factor] = LAND
    pixels[: factor // 2 + 1, 2 * factor : 3 * factor] = LAND
    pixels[:, 3 * factor :] = NO_DATA
    pixels[0, -1] = LAND
    mask = scl(tmp_path, pixels, 10)
    rows = Cells(mask, comparison_grid(mask.grid, 10 * factor), INVALID).rows(0, 1)
    assert rows.data.tolist() == [[True, True, True, False]]
    assert rows.positive.tolist() == [[True, True, False, False]]
    assert rows.codes.tolist() == [[CLOUD, CLOUD, LAND, UNCLASSED]]
