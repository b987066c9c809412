"""One band on a grid: hand-computed resampling, no data, wavelet levels, windows that agree with the whole."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from preparing import Pixels, write_jp2
from sentinel2_files import LEFT, TOP

from alcd_otb.errors import ProductError
from alcd_otb.products.jpeg2000 import coarsest_common_level, coarsest_level
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import describing
from otb_pipelines.app import Application, Output, Target, Value
from otb_pipelines.errors import OtbError
from otb_pipelines.process import gdal_threads
from otb_pipelines.reading import BandFile, Radiometry, build_band
from otb_pipelines.settings import Settings
from otb_pipelines.stack import StackFile, write_stacks

DIGITAL_NUMBER = Radiometry(1.0, 0.0, 0)
OTB = Settings(ram=128, threads=2)


def grid_of(resolution: float, side: int) -> Grid:
    return Grid("EPSG:32631", LEFT, TOP, resolution, side, side)


def band(
    path: Path, grid: Grid, *, level: int = 0, radiometry: Radiometry = DIGITAL_NUMBER, nearest: bool = False
) -> Output:
    """The band of a file on the grid, which is described beside the file."""
    like = path.with_name(f"grid_{grid.resolution:g}_{grid.width}.vrt")
    with describing(like, grid, gdal.GDT_Float32, 1):
        pass
    return build_band([BandFile(str(path))], level, like, radiometry, OTB, nearest=nearest)


def pixels_of(image: Output, folder: Path, rows: int | None = None) -> Pixels:
    target = folder / "pixels.tif"
    image.application.write({image.key: Target(target, rows=rows)})
    made: Pixels = gdal.Open(str(target)).ReadAsArray()
    return made


def window_of(image: Output, left: int, top: int, width: int, height: int, folder: Path) -> Pixels:
    corner = {"startx": left, "starty": top, "sizex": width, "sizey": height}
    return pixels_of(Application("ExtractROI", {"in": image, **corner}, OTB)["out"], folder)


def shown(
    folder: Path,
    array: Pixels,
    resolution: int,
    grid: Grid,
    *,
    radiometry: Radiometry = DIGITAL_NUMBER,
    nearest: bool = False,
) -> Pixels:
    """A band of these pixels on the grid."""
    write_jp2(folder / "band.jp2", array, resolution)
    return pixels_of(band(folder / "band.jp2", grid, radiometry=radiometry, nearest=nearest), folder)


def shares(grid: Grid, left: float, resolution: float, size: int) -> Pixels:
    """Of each column of the grid, what each column of a file counts for: the length that both cover, or nearness.

    What lies beyond the file's last column counts for it.
    """
    made = np.zeros((grid.width, size))
    for column in range(grid.width):
        begin, end = ((grid.left - left + side * grid.resolution) / resolution for side in (column, column + 1))
        if grid.resolution >= resolution:
            for one in range(size + 1):
                made[column, min(one, size - 1)] += max(0, min(end, one + 1) - max(begin, one))
        else:
            for one in range(-1, size + 1):
                made[column, min(max(one, 0), size - 1)] += max(0, 1 - abs((begin + end) / 2 - one - 0.5))
    return made


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
    made = shown(tmp_path, array, 10, grid_of(60, 10), nearest=True)
    np.testing.assert_array_equal(made, array[3::6, 3::6])
    made = shown(tmp_path, array, 10, grid_of(20, 30), nearest=True)
    np.testing.assert_array_equal(made, array[1::2, 1::2])
    made = shown(tmp_path, array[:10, :10], 60, grid_of(20, 30), nearest=True)
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


@pytest.mark.parametrize(
    ("level", "resolution"), [(0, 10), (0, 60), (1, 60), (2, 60), (2, 20), (0, 25), (1, 70), (3, 20), (3, 10)]
)
def test_levels_on_any_grid_are_the_weighted_means(large: Path, tmp_path: Path, level: int, resolution: int) -> None:
    """Of what GDAL decodes of a level, to the last row and column, with and without holes."""
    grid = grid_of(resolution, 6000 // resolution)
    dataset = gdal.Open(str(large))
    decoded = dataset.GetRasterBand(1).GetOverview(level - 1) if level else dataset.GetRasterBand(1)
    array = decoded.ReadAsArray().astype(float)
    # The first pixel of a level has the centre of the first pixel of the file.
    side = 10 * 2**level
    weights = shares(grid, LEFT - (side - 10) / 2, side, array.shape[0])
    has_data = array != 0
    with np.errstate(invalid="ignore"):
        expected = (weights @ (array * has_data) @ weights.T) / (weights @ has_data @ weights.T)
    if resolution < side:
        under = np.clip(((np.arange(grid.width) + 0.5) * resolution + (side - 10) / 2) // side, 0, len(array) - 1)
        expected[~has_data[np.ix_(under.astype(int), under.astype(int))]] = np.nan
    made = pixels_of(band(large, grid, level=level), tmp_path)
    np.testing.assert_allclose(made, expected, rtol=2e-7)
    assert 0.1 < np.isnan(made).mean() < 0.2
    np.testing.assert_allclose(
        pixels_of(band(large, grid, level=level, radiometry=Radiometry(0.5, 3, None)), tmp_path),
        (weights @ array @ weights.T) / np.outer(weights.sum(1), weights.sum(1)) * 0.5 + 3,
        rtol=2e-7,
    )


@pytest.mark.parametrize("nearest", [False, True])
@pytest.mark.parametrize(
    ("level", "resolution"), [(0, 10), (0, 60), (1, 60), (2, 60), (2, 20), (0, 25), (1, 70), (3, 20)]
)
def test_windows_agree_with_the_whole(large: Path, tmp_path: Path, level: int, resolution: int, nearest: bool) -> None:
    grid = grid_of(resolution, 6000 // resolution)
    radiometry = Radiometry(1e-4, -0.1, 0)
    whole = pixels_of(band(large, grid, level=level, radiometry=radiometry, nearest=nearest), tmp_path)
    assert 0.1 < np.isnan(whole).mean() < 0.2
    random = np.random.default_rng(3)
    image = band(large, grid, level=level, radiometry=radiometry, nearest=nearest)
    for _ in range(6):
        left, top = random.integers(0, grid.width - 1, 2).tolist()
        width, height = random.integers(1, [grid.width - left + 1, grid.height - top + 1]).tolist()
        window = window_of(image, left, top, width, height, tmp_path)
        np.testing.assert_array_equal(window, whole[top : top + height, left : left + width])
    for rows in (1, 7, 64):
        np.testing.assert_array_equal(pixels_of(image, tmp_path, rows), whole)


@pytest.mark.parametrize("threads", [1, 3])
def test_images_of_several_grids_share_a_file(large: Path, tmp_path: Path, threads: int) -> None:
    grids = (grid_of(60, 100), grid_of(20, 300), grid_of(30, 200))
    alone = [pixels_of(band(large, grid, level=1), tmp_path) for grid in grids]
    files = []
    with gdal_threads(threads):
        for grid in grids:
            name = f"{grid.resolution:g}"
            like = tmp_path / f"{name}.vrt"
            with describing(like, grid, gdal.GDT_Float32, 2):
                pass
            images = [band(large, grid, level=level) for level in (1, 0)]
            files.append(StackFile(tmp_path / f"{name}.tif", like, images, {}))
        write_stacks(files, 10, OTB)
    for file, expected in zip(files, alone, strict=True):
        np.testing.assert_array_equal(gdal.Open(str(file.path)).ReadAsArray()[0], expected)


def test_each_pixel_is_decoded_once(tmp_path: Path) -> None:
    """However many grids there are, and whichever of them reaches the next row of blocks first."""
    file, side = tmp_path / "band.jp2", 1920
    image = gdal.GetDriverByName("MEM").Create("", side, side, 1, gdal.GDT_UInt16)
    image.SetGeoTransform((LEFT, 10, 0, TOP, 0, -10))
    image.SetProjection("EPSG:32631")
    image.WriteArray(random_pixels(side))
    options = ["REVERSIBLE=YES", "QUALITY=100", "BLOCKXSIZE=256", "BLOCKYSIZE=256", "RESOLUTIONS=2"]
    gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(file), image, options=options)
    files = []
    for resolution in (60, 20, 30):
        like = tmp_path / f"{resolution}.vrt"
        with describing(like, grid_of(resolution, 10 * side // resolution), gdal.GDT_Float32, 1):
            pass
        image_of_grid = band(file, grid_of(resolution, 10 * side // resolution), level=1)
        files.append(StackFile(like.with_suffix(".tif"), like, [image_of_grid], {}))
    once = bytes_read(lambda: decode_rows_of_blocks(file))
    assert once > file.stat().st_size
    assert bytes_read(lambda: write_stacks(files, 8, OTB)) < 1.02 * once


def decode_rows_of_blocks(file: Path) -> None:
    dataset = gdal.Open(str(file))
    level = dataset.GetRasterBand(1).GetOverview(0)
    rows = level.GetBlockSize()[1]
    for row in range(0, level.YSize, rows):
        level.ReadRaster(0, row, level.XSize, min(rows, level.YSize - row))


def bytes_read(job: Callable[[], None]) -> int:
    """By this process, while it does the job: OpenJPEG reads the same bytes for each time that it decodes a block."""

    def so_far() -> int:
        return int(Path("/proc/self/io").read_text().split()[1])

    before = so_far()
    job()
    return so_far() - before


@pytest.mark.parametrize("level", [1, 2])
def test_level_lies_where_the_full_resolution_does(tmp_path: Path, level: int) -> None:
    """Of a plane, the levels and the full decoding have the same means, up to a fraction of a pixel's rise of 90."""
    rows, columns = np.mgrid[0:600, 0:600]
    write_jp2(tmp_path / "band.jp2", 2000 + 10 * rows + 5 * columns, 10, levels=6)
    full, made = (pixels_of(band(tmp_path / "band.jp2", grid_of(60, 100), level=one), tmp_path) for one in (0, level))
    difference = made - full
    assert abs(difference[1:-1, 1:-1].mean()) < 0.01
    assert np.abs(difference).max() < 5


def test_grid_that_ends_beyond_the_file(tmp_path: Path) -> None:
    array = random_pixels(20)
    for resolution, reached in ((20, 10), (10, 20), (5, 40)):
        made = shown(tmp_path, array, 10, grid_of(resolution, reached + 8))
        assert np.isfinite(made[:reached, :reached]).all()
        assert np.isnan(made[reached:]).all()
        assert np.isnan(made[:, reached:]).all()


@pytest.mark.parametrize(
    ("pixel_type", "no_data"),
    [
        (gdal.GDT_Byte, 255.0),
        (gdal.GDT_UInt16, 65535.0),
        (gdal.GDT_UInt16, -1.0),
        (gdal.GDT_UInt16, 2.5),
        (gdal.GDT_Int16, -9999.0),
        (gdal.GDT_Float32, float("nan")),
        (gdal.GDT_Float32, -3.5),
        (gdal.GDT_Float64, None),
    ],
)
def test_kinds_of_pixels(tmp_path: Path, pixel_type: int, no_data: float | None) -> None:
    """A number that means no data may be one that the pixels cannot hold; NaN and infinity always mean it."""
    array = np.random.default_rng(4).integers(0, 200, (12, 12)).astype(float)
    array[0, :2], array[3:6, 3:6] = 7, 11
    file = tmp_path / "band.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(file), 12, 12, 1, pixel_type)
    dataset.SetGeoTransform((LEFT, 10, 0, TOP, 0, -10))
    dataset.SetProjection("EPSG:32631")
    holes = np.zeros(array.shape, bool)
    if no_data is not None and (pixel_type != gdal.GDT_UInt16 or no_data == 65535):
        holes[0, 1] = holes[3:6, 3:6] = True
    stored = np.where(holes, 0 if no_data is None else no_data, array)
    if pixel_type == gdal.GDT_Float64:
        stored[0, :2], holes[0, :2] = [np.inf, np.nan], True
    dataset.GetRasterBand(1).WriteArray(stored)
    del dataset
    made = pixels_of(band(file, grid_of(30, 4), radiometry=Radiometry(2.0, 1.0, no_data)), tmp_path)
    kept = np.where(holes, np.nan, array).reshape(4, 3, 4, 3).transpose(0, 2, 1, 3).reshape(4, 4, 9)
    expected = np.array([[np.nanmean(one) if np.isfinite(one).any() else np.nan for one in row] for row in kept])
    np.testing.assert_allclose(made, 2 * expected + 1, rtol=2e-7)


def test_damaged_file_is_named(large: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.jp2"
    damaged.write_bytes(large.read_bytes()[: large.stat().st_size // 2])
    with pytest.raises(OtbError, match=r"OTB application .* failed: .*damaged\.jp2: cannot be read \("):
        pixels_of(band(damaged, grid_of(60, 100)), tmp_path)


def test_what_cannot_be_read_at_all(large: Path, tmp_path: Path) -> None:
    with pytest.raises(OtbError, match=r"none\.jp2: cannot be read"):
        pixels_of(band(tmp_path / "none.jp2", grid_of(60, 100)), tmp_path)
    with pytest.raises(OtbError, match=r"band\.jp2: has no level 9"):
        pixels_of(band(large, grid_of(60, 100), level=9), tmp_path)


def test_images_come_and_go(large: Path, tmp_path: Path) -> None:
    """While threads decode ahead what nobody will read."""
    expected = pixels_of(band(large, grid_of(20, 300)), tmp_path)
    for top, end in pairwise(range(0, 300, 20)):
        window = window_of(band(large, grid_of(20, 300)), 0, top, 300, end - top, tmp_path)
        np.testing.assert_array_equal(window, expected[top:end])


def grid_file(folder: Path) -> Path:
    like = folder / "grid.vrt"
    with describing(like, grid_of(10, 12), gdal.GDT_Float32, 1):
        pass
    return like


def test_files_of_one_band_are_joined(tmp_path: Path) -> None:
    left, right = np.full((12, 12), 700, np.uint16), np.full((12, 12), 1200, np.uint16)
    left[:, 5:], right[:, :3] = 0, 0
    files = [tmp_path / "left.jp2", tmp_path / "right.jp2"]
    for file, pixels in zip(files, (left, right), strict=True):
        write_jp2(file, pixels, 10)
    like = grid_file(tmp_path)
    shifted = [BandFile(str(files[0]), 500), BandFile(str(files[1]))]
    assert (pixels_of(build_band(shifted, 0, like, DIGITAL_NUMBER, OTB), tmp_path) == 1200).all()
    joined = pixels_of(build_band([BandFile(str(file)) for file in files], 0, like, DIGITAL_NUMBER, OTB), tmp_path)
    assert (joined[:, :5] == 700).all()
    assert (joined[:, 5:] == 1200).all()


@pytest.mark.parametrize("shifts", [["1"], ["1", "-1"], ["1", "x"], ["1", "65536"], ["1", "2", "3"]])
def test_shifts_are_whole_numbers_one_for_each_file(tmp_path: Path, shifts: list[str]) -> None:
    file = tmp_path / "band.jp2"
    write_jp2(file, np.full((12, 12), 700, np.uint16), 10)
    parameters: dict[str, Value] = {"in": file, "others": [file], "shifts": shifts, "like": grid_file(tmp_path)}
    with pytest.raises(OtbError, match="shifts: "):
        pixels_of(Application("BandReading", parameters, OTB)["out"], tmp_path)


@pytest.mark.parametrize(("tile", "expected"), [(1024, 2), (128, 2), (150, 1)])
def test_parts_are_joined_at_levels_at_which_their_tiles_are_whole(tmp_path: Path, tile: int, expected: int) -> None:
    """150 is halved once, and the tiles of the next level would begin between two pixels."""
    image = gdal.GetDriverByName("MEM").Create("", 600, 600, 1, gdal.GDT_UInt16)
    image.SetGeoTransform((LEFT, 10, 0, TOP, 0, -10))
    image.SetProjection("EPSG:32631")
    path = str(tmp_path / "band.jp2")
    options = [f"BLOCKXSIZE={tile}", f"BLOCKYSIZE={tile}", "REVERSIBLE=YES", "QUALITY=100", "RESOLUTIONS=4"]
    gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(path, image, options=options)
    assert coarsest_common_level([path, path], 40) == expected
