"""One band on a grid: hand-computed resampling, no data, wavelet levels, windows that agree with the whole."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from preparing import Pixels, write_jp2
from sentinel2_files import LEFT, TOP

from alcd_otb.bands import Radiometry, coarsest_level, describe_band
from alcd_otb.errors import ProductError
from alcd_otb.grid import Grid

DIGITAL_NUMBER = Radiometry(1.0, 0.0, 0)


def grid_of(resolution: float, side: int) -> Grid:
    return Grid("EPSG:32631", LEFT, TOP, resolution, side, side)


def shown(
    folder: Path,
    array: Pixels,
    resolution: int,
    grid: Grid,
    *,
    radiometry: Radiometry = DIGITAL_NUMBER,
    resampling: str = "average",
) -> Pixels:
    """A band of these pixels on the grid."""
    write_jp2(folder / "band.jp2", array, resolution)
    path = describe_band(str(folder / "band.jp2"), 0, grid, radiometry, resampling, folder / "band.vrt")
    return gdal.Open(str(path)).ReadAsArray()


def random_pixels(side: int, seed: int = 1) -> Pixels:
    return np.random.default_rng(seed).integers(1, 12000, (side, side), dtype=np.uint16)


def block_means(array: Pixels, ratio: int) -> Pixels:
    """Means of ratio x ratio blocks over their pixels other than 0; NaN where there are none."""
    side = array.shape[0] // ratio
    blocks = array.reshape(side, ratio, side, ratio).transpose(0, 2, 1, 3).reshape(side, side, -1)
    return np.array([[block[block > 0].mean() if block.any() else np.nan for block in row] for row in blocks])


def test_own_resolution_is_exact(tmp_path: Path) -> None:
    array = random_pixels(30)
    np.testing.assert_array_equal(shown(tmp_path, array, 10, grid_of(10, 30)), array)


@pytest.mark.parametrize(("resolution", "side", "ratio"), [(10, 60, 6), (20, 30, 3), (10, 60, 2)])
def test_average(tmp_path: Path, resolution: int, side: int, ratio: int) -> None:
    array = random_pixels(side)
    made = shown(tmp_path, array, resolution, grid_of(resolution * ratio, side // ratio))
    np.testing.assert_allclose(made, block_means(array, ratio), rtol=2e-7)


def test_average_is_over_pixels_with_data(tmp_path: Path) -> None:
    array = random_pixels(30)
    array[0:3, 0:6] = 0
    array[4, 4] = 0
    array[6:12, 6:12] = 0
    expected = block_means(array, 6)
    assert np.isnan(expected).sum() == 1
    np.testing.assert_allclose(shown(tmp_path, array, 10, grid_of(60, 5)), expected, rtol=2e-7)


def test_reflectance(tmp_path: Path) -> None:
    array = np.full((10, 10), 1000, np.uint16)
    array[:2, :2] = [[1500, 65535], [0, 1]]
    made = shown(tmp_path, array, 60, grid_of(60, 10), radiometry=Radiometry(1e-4, -0.1, 0))
    np.testing.assert_allclose(made[:2, :2], [[0.05, 6.4535], [np.nan, -0.0999]], rtol=1e-6)
    # A DN that the offset takes to 0 is a value, not no data.
    np.testing.assert_allclose(made[2:], 0, atol=1e-8)


def test_no_data_is_black_where_none_is_declared(tmp_path: Path) -> None:
    array = np.full((10, 10), 2000, np.uint16)
    array[:, :5] = 0
    made = shown(tmp_path, array, 60, grid_of(60, 10), radiometry=Radiometry(1e-4, 0.0, None))
    np.testing.assert_allclose(made[:, :5], 0)
    np.testing.assert_allclose(made[:, 5:], 0.2)


@pytest.mark.parametrize(("wanted", "ratio"), [(20, 3), (10, 6)])
def test_bilinear(tmp_path: Path, wanted: int, ratio: int) -> None:
    rows, columns = np.mgrid[0:10, 0:10]
    array = 3000 + 120 * rows + 240 * columns
    made = shown(tmp_path, array, 60, grid_of(wanted, 10 * ratio))
    rows, columns = (np.mgrid[0 : 10 * ratio, 0 : 10 * ratio] + 0.5) / ratio - 0.5
    plane = 3000 + 120 * np.clip(rows, 0, 9) + 240 * np.clip(columns, 0, 9)
    np.testing.assert_allclose(made, plane, rtol=1e-6)


@pytest.mark.parametrize(("wanted", "ratio"), [(20, 3), (10, 6)])
def test_bilinear_leaves_no_data_as_it_is(tmp_path: Path, wanted: int, ratio: int) -> None:
    array = np.full((10, 10), 4000, np.uint16)
    array[:, 7:] = 0
    array[4, 3] = 0
    made = shown(tmp_path, array, 60, grid_of(wanted, 10 * ratio))
    hole = (array == 0).repeat(ratio, 0).repeat(ratio, 1)
    np.testing.assert_array_equal(np.isnan(made), hole)
    np.testing.assert_array_equal(made[~hole], 4000)


def test_nearest_takes_the_pixel_under_the_centre(tmp_path: Path) -> None:
    array = random_pixels(60)
    made = shown(tmp_path, array, 10, grid_of(60, 10), resampling="nearest")
    np.testing.assert_array_equal(made, array[3::6, 3::6])
    made = shown(tmp_path, array, 10, grid_of(20, 30), resampling="nearest")
    np.testing.assert_array_equal(made, array[1::2, 1::2])
    made = shown(tmp_path, array[:10, :10], 60, grid_of(20, 30), resampling="nearest")
    np.testing.assert_array_equal(made, array[:10, :10].repeat(3, 0).repeat(3, 1))


def test_grid_that_ends_within_the_band(tmp_path: Path) -> None:
    array = random_pixels(65)
    made = shown(tmp_path, array, 10, grid_of(60, 10))
    np.testing.assert_allclose(made, block_means(array[:60, :60], 6), rtol=2e-7)


def test_path_with_characters_that_xml_escapes(tmp_path: Path) -> None:
    folder = tmp_path / "a & b <é>"
    folder.mkdir()
    array = random_pixels(10)
    np.testing.assert_array_equal(shown(folder, array, 60, grid_of(60, 10)), array)


def test_unreadable_file(tmp_path: Path) -> None:
    (tmp_path / "band.jp2").write_text("no image")
    with pytest.raises(ProductError, match=r"band\.jp2.*cannot be read"):
        coarsest_level(str(tmp_path / "band.jp2"), 60)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 x 600 pixels of 10 m with wavelet levels; smooth ground, noise, and no data in a wedge."""
    rows, columns = np.mgrid[0:600, 0:600]
    array = 3000 + 1000 * np.sin(rows / 35) * np.cos(columns / 25)
    array += np.random.default_rng(2).normal(0, 100, array.shape)
    array[columns > 450 + rows / 5] = 0
    file = tmp_path_factory.mktemp("large") / "band.jp2"
    write_jp2(file, array, 10, levels=6)
    return file


def test_levels(large: Path) -> None:
    assert [coarsest_level(str(large), resolution) for resolution in (10, 19.9, 20, 39, 40, 60, 80)] == [
        0,
        0,
        1,
        1,
        2,
        2,
        3,
    ]


@pytest.mark.parametrize("resampling", ["average", "nearest"])
@pytest.mark.parametrize(
    ("level", "resolution"), [(0, 10), (0, 60), (1, 60), (2, 60), (2, 20), (0, 25), (1, 70), (3, 20)]
)
def test_windows_agree_with_the_whole(
    large: Path, tmp_path: Path, level: int, resolution: int, resampling: str
) -> None:
    grid = grid_of(resolution, 6000 // resolution)
    path = describe_band(str(large), level, grid, Radiometry(1e-4, -0.1, 0), resampling, tmp_path / "band.vrt")
    whole = gdal.Open(str(path)).ReadAsArray()
    assert 0.1 < np.isnan(whole).mean() < 0.2
    random = np.random.default_rng(3)
    for _ in range(12):
        left, top = random.integers(0, grid.width - 1, 2).tolist()
        width, height = random.integers(1, [grid.width - left + 1, grid.height - top + 1]).tolist()
        window = gdal.Open(str(path)).ReadAsArray(left, top, width, height)
        np.testing.assert_array_equal(window, whole[top : top + height, left : left + width])


@pytest.mark.parametrize("level", [1, 2])
def test_level_lies_where_the_full_resolution_does(tmp_path: Path, level: int) -> None:
    """Of a plane, the levels and the full decoding have the same means, up to a fraction of a pixel's rise of 90."""
    rows, columns = np.mgrid[0:600, 0:600]
    write_jp2(tmp_path / "band.jp2", 2000 + 10 * rows + 5 * columns, 10, levels=6)
    full, made = (
        gdal.Open(
            str(describe_band(str(tmp_path / "band.jp2"), one, grid_of(60, 100), DIGITAL_NUMBER, "average", vrt))
        ).ReadAsArray()
        for one, vrt in ((0, tmp_path / "full.vrt"), (level, tmp_path / "level.vrt"))
    )
    difference = made - full
    assert abs(difference[1:-1, 1:-1].mean()) < 0.01
    assert np.abs(difference).max() < 5
