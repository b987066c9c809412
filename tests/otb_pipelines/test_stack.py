"""Stacks of layers against NumPy, in one block and in many."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from otb_pipelines.errors import OtbError
from otb_pipelines.process import gdal_threads
from otb_pipelines.settings import Settings
from otb_pipelines.stack import (
    ContourDensity,
    FormulaLayer,
    Layer,
    StackFile,
    VariationCoefficient,
    build_layers,
    write_stacks,
)

SETTINGS = Settings(ram=128, threads=2)
METRES = 60.0


def write_raster(path: Path, array: np.ndarray) -> Path:
    rows, columns = array.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform((300000, METRES, 0, 4900020, 0, -METRES))
    dataset.SetProjection("EPSG:32631")
    dataset.GetRasterBand(1).WriteArray(array)
    dataset.FlushCache()
    return path


def described(path: Path, shape: tuple[int, int], bands: int, pixel_type: int = gdal.GDT_Float32) -> Path:
    """A virtual raster of so many bands without pixels."""
    dataset = gdal.GetDriverByName("VRT").Create(str(path), shape[1], shape[0], bands, pixel_type)
    dataset.SetGeoTransform((300000, METRES, 0, 4900020, 0, -METRES))
    dataset.SetProjection("EPSG:32631")
    del dataset
    return path


def shape_of(source: Path) -> tuple[int, int]:
    dataset = gdal.Open(str(source))
    return dataset.RasterYSize, dataset.RasterXSize


def stacked(folder: Path, sources: dict[str, Path], layers: list[Layer], rows: int = 64) -> np.ndarray:
    """Layers x rows x columns."""
    target = folder / f"stack_{rows}.tif"
    like = described(folder / "like.vrt", shape_of(next(iter(sources.values()))), len(layers))
    images = build_layers(sources, layers, SETTINGS)
    write_stacks([StackFile(target, like, images, {"INTERLEAVE": "PIXEL"})], rows, SETTINGS)
    array = gdal.Open(str(target)).ReadAsArray()
    return array.reshape(len(layers), *array.shape[-2:])


def windows(array: np.ndarray, radius: int) -> np.ndarray:
    """Of each pixel, the values in the window around it, the edge replicated; along the last axis."""
    padded = np.pad(array.astype(np.float64), radius, mode="edge")
    side = 2 * radius + 1
    views = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    return views.reshape(*array.shape, side * side)


def gradient_magnitude(array: np.ndarray) -> np.ndarray:
    """Central differences per metre; the edge replicated."""
    padded = np.pad(array.astype(np.float64), 1, mode="edge")
    across = (padded[1:-1, 2:] - padded[1:-1, :-2]) / (2 * METRES)
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / (2 * METRES)
    return np.hypot(across, down)


def contour_density(array: np.ndarray, radius: int) -> np.ndarray:
    return windows(gradient_magnitude(array), radius).mean(axis=-1)


def variation_coefficient(array: np.ndarray, radius: int) -> np.ndarray:
    values = windows(array, radius)
    return values.std(axis=-1, ddof=1) / values.mean(axis=-1)


def test_layers_in_order(tmp_path: Path) -> None:
    first = np.arange(25, dtype=np.float32).reshape(5, 5)
    sources = {"a": write_raster(tmp_path / "a.tif", first), "b": write_raster(tmp_path / "b.tif", first.T * 10)}
    made = stacked(tmp_path, sources, ["b", FormulaLayer("im1b1-im2b1", ("b", "a")), "a"])
    np.testing.assert_array_equal(made, [first.T * 10, first.T * 10 - first, first])


def test_formula_of_no_data_is_no_data(tmp_path: Path) -> None:
    first = np.array([[1, np.nan], [np.nan, 4]], np.float32)
    second = np.array([[2, 2], [np.nan, np.nan]], np.float32)
    sources = {"a": write_raster(tmp_path / "a.tif", first), "b": write_raster(tmp_path / "b.tif", second)}
    (made,) = stacked(tmp_path, sources, [FormulaLayer("im1b1+im2b1", ("a", "b"))])
    np.testing.assert_array_equal(made, [[3, np.nan], [np.nan, np.nan]])


def test_contour_density_of_a_plane(tmp_path: Path) -> None:
    """Rises of 3 across and 4 down a pixel: 5 a pixel, 5 / 60 a metre; the edge replicated has half the rise."""
    rows, columns = np.mgrid[0:9, 0:9]
    sources = {"a": write_raster(tmp_path / "a.tif", 3.0 * columns + 4.0 * rows)}
    (made,) = stacked(tmp_path, sources, [ContourDensity("a", 1)])
    np.testing.assert_allclose(made[2:-2, 2:-2], 5 / 60, rtol=1e-6)
    beside_the_edge = (2 * 5 + np.hypot(1.5, 4)) / 3 / 60
    np.testing.assert_allclose(made[3, 1], beside_the_edge, rtol=1e-6)


def test_variation_coefficient_by_hand(tmp_path: Path) -> None:
    """Eight pixels of 1 and one of 10: mean 2, variance (8 * 1 + 64) / (9 - 1) = 9."""
    array = np.ones((5, 5), np.float32)
    array[2, 2] = 10
    (made,) = stacked(tmp_path, {"a": write_raster(tmp_path / "a.tif", array)}, [VariationCoefficient("a", 1)])
    np.testing.assert_allclose(made[1:4, 1:4], 1.5, rtol=1e-6)
    np.testing.assert_array_equal(made[0], 0)


@pytest.mark.parametrize("value", [0.1234, 0.7071, -0.02, 6.5535])
def test_variation_coefficient_of_equal_values(tmp_path: Path, value: float) -> None:
    sources = {"a": write_raster(tmp_path / "a.tif", np.full((9, 9), value, np.float32))}
    (made,) = stacked(tmp_path, sources, [VariationCoefficient("a", 3)])
    np.testing.assert_allclose(made, 0, atol=2e-3)


def test_variation_coefficient_of_mean_0_has_no_value(tmp_path: Path) -> None:
    array = np.zeros((9, 9), np.float32)
    array[:, :4] = 1
    array[4, 4], array[4, 6] = -1, 1
    (made,) = stacked(tmp_path, {"a": write_raster(tmp_path / "a.tif", array)}, [VariationCoefficient("a", 1)])
    assert np.isnan(made[4, 5])
    assert np.isnan(made[1, 7])
    assert made[1, 1] == 0


@pytest.mark.parametrize("radius", [1, 3])
def test_textures(tmp_path: Path, radius: int) -> None:
    array = np.random.default_rng(1).uniform(0.05, 0.9, (40, 30)).astype(np.float32)
    sources = {"a": write_raster(tmp_path / "a.tif", array)}
    density, variation = stacked(tmp_path, sources, [ContourDensity("a", radius), VariationCoefficient("a", radius)])
    np.testing.assert_allclose(density, contour_density(array, radius), rtol=1e-5)
    np.testing.assert_allclose(variation, variation_coefficient(array, radius), rtol=1e-4)


def test_texture_has_no_value_only_where_its_window_meets_no_data(tmp_path: Path) -> None:
    array = np.random.default_rng(2).uniform(0.05, 0.9, (60, 60)).astype(np.float32)
    array[30, 20] = np.nan
    sources = {"a": write_raster(tmp_path / "a.tif", array)}
    density, variation = stacked(tmp_path, sources, [ContourDensity("a", 3), VariationCoefficient("a", 3)])
    touched = np.zeros(array.shape, bool)
    touched[27:34, 17:24] = True
    np.testing.assert_array_equal(np.isnan(variation), touched)
    np.testing.assert_allclose(variation, variation_coefficient(array, 3), rtol=1e-4)
    # A difference reaches one pixel further than the window, but not diagonally.
    np.testing.assert_array_equal(np.isnan(density), np.isnan(contour_density(array, 3)))
    assert np.isnan(density).sum() == 77


def test_many_blocks_are_as_one(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    array = random.uniform(0.05, 0.9, (700, 500)).astype(np.float32)
    array[random.uniform(size=array.shape) < 1e-4] = np.nan
    sources = {"a": write_raster(tmp_path / "a.tif", array), "b": write_raster(tmp_path / "b.tif", array[::-1])}
    layers: list[Layer] = [
        "a",
        FormulaLayer("im1b1/im2b1", ("a", "b")),
        ContourDensity("a", 3),
        VariationCoefficient("b", 3),
        "b",
    ]
    whole = stacked(tmp_path, sources, layers, rows=700)
    np.testing.assert_array_equal(stacked(tmp_path, sources, layers, rows=17), whole)


def averages(array: np.ndarray, factor: int) -> np.ndarray:
    """Of squares of factor pixels a side, those at the right and lower edge cut off by it; halves go away from 0."""
    rows, columns = (range(0, size, factor) for size in array.shape)
    means = np.array([[array[y : y + factor, x : x + factor].mean() for x in columns] for y in rows])
    return np.sign(means) * np.floor(np.abs(means) + 0.5)


@pytest.mark.parametrize("rows", [7, 21, 64])
def test_files_of_two_sizes_are_written_at_one_pace(rows: int, tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    fine = np.rint(random.uniform(-900, 900, (300, 231))).astype(np.float32)
    coarse = random.uniform(0, 1, (100, 77)).astype(np.float32)
    coarse[3, 5] = np.nan
    fine_images = build_layers(
        {"fine": write_raster(tmp_path / "a.tif", fine)}, ["fine", FormulaLayer("-im1b1", ("fine",))], SETTINGS
    )
    coarse_images = build_layers({"coarse": write_raster(tmp_path / "b.tif", coarse)}, ["coarse"], SETTINGS)
    like_fine = described(tmp_path / "fine.vrt", fine.shape, 2, gdal.GDT_Int16)
    like_coarse = described(tmp_path / "coarse.vrt", coarse.shape, 1)
    fine_file = StackFile(
        tmp_path / "fine.tif", like_fine, fine_images, {"COMPRESS": "DEFLATE", "INTERLEAVE": "BAND"}, (3, 9)
    )
    coarse_file = StackFile(tmp_path / "coarse.tif", like_coarse, coarse_images, {"TILED": "YES"})
    write_stacks([coarse_file, fine_file], rows, SETTINGS)

    np.testing.assert_array_equal(gdal.Open(str(coarse_file.path)).ReadAsArray(), coarse)
    written = gdal.Open(str(fine_file.path))
    np.testing.assert_array_equal(written.ReadAsArray(), [fine, -fine])
    for number, values in ((1, fine), (2, -fine)):
        band = written.GetRasterBand(number)
        thirds = averages(values, 3)
        np.testing.assert_array_equal(band.GetOverview(0).ReadAsArray(), thirds)
        # Each from the one before: of its rounded values.
        np.testing.assert_array_equal(band.GetOverview(1).ReadAsArray(), averages(thirds, 3))


def test_a_file_is_as_its_likeness_says(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    like = described(tmp_path / "like.vrt", values.shape, 1, gdal.GDT_UInt16)
    dataset = gdal.Open(str(like), gdal.GA_Update)
    band = dataset.GetRasterBand(1)
    band.SetDescription("height")
    band.SetNoDataValue(7)
    band.SetScale(0.25)
    del band, dataset
    images = build_layers({"a": write_raster(tmp_path / "a.tif", values)}, ["a"], SETTINGS)
    write_stacks([StackFile(tmp_path / "out.tif", like, images, {"COMPRESS": "LZW"})], 64, SETTINGS)
    made = gdal.Open(str(tmp_path / "out.tif"))
    band = made.GetRasterBand(1)
    assert (band.GetDescription(), band.GetNoDataValue(), band.GetScale()) == ("height", 7, 0.25)
    assert band.DataType == gdal.GDT_UInt16
    assert made.GetGeoTransform() == (300000, METRES, 0, 4900020, 0, -METRES)
    assert made.GetSpatialRef().GetAuthorityCode(None) == "32631"
    assert made.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE") == "LZW"


def test_layers_that_do_not_fit_their_file_are_refused(tmp_path: Path) -> None:
    images = build_layers({"a": write_raster(tmp_path / "a.tif", np.ones((3, 4), np.float32))}, ["a"], SETTINGS)
    target = tmp_path / "out.tif"
    with pytest.raises(OtbError, match=r"out\.tif is 5 x 3 pixels, and image 1 4 x 3"):
        write_stacks([StackFile(target, described(tmp_path / "b.vrt", (3, 5), 1), images, {})], 64, SETTINGS)
    with pytest.raises(OtbError, match=r"out\.tif has 2 bands, and 1 images go there"):
        write_stacks([StackFile(target, described(tmp_path / "c.vrt", (3, 4), 2), images, {})], 64, SETTINGS)
    like = described(tmp_path / "d.vrt", (3, 4), 1)
    with pytest.raises(OtbError, match=r"nowhere/out\.tif: cannot be made"):
        write_stacks([StackFile(tmp_path / "nowhere" / "out.tif", like, images, {})], 64, SETTINGS)


@pytest.mark.parametrize("columns", [5, 1000])
@pytest.mark.parametrize("interleave", ["BAND", "PIXEL"])
@pytest.mark.parametrize(("no_data", "expected"), [(None, 0), (-32768, -32768), (7, 7)])
def test_nan_is_no_data_where_numbers_are_whole(
    tmp_path: Path, columns: int, interleave: str, no_data: int | None, expected: int
) -> None:
    """Or 0 where nothing means it; GDAL by itself writes one number or another, by how many pixels there are."""
    values = np.full((3, columns), 2.6, np.float32)
    values[1] = np.nan
    like = described(tmp_path / "like.vrt", values.shape, 2, gdal.GDT_Int16)
    dataset = gdal.Open(str(like), gdal.GA_Update)
    for number in (1, 2):
        if no_data is not None:
            dataset.GetRasterBand(number).SetNoDataValue(no_data)
    del dataset
    images = build_layers(
        {"a": write_raster(tmp_path / "a.tif", values)}, ["a", FormulaLayer("-im1b1", ("a",))], SETTINGS
    )
    target = tmp_path / "out.tif"
    write_stacks([StackFile(target, like, images, {"INTERLEAVE": interleave})], 64, SETTINGS)
    for made, number in zip(gdal.Open(str(target)).ReadAsArray(), (3, -3), strict=True):
        np.testing.assert_array_equal(made, [[number] * columns, [expected] * columns, [number] * columns])


class TestBytes:
    """A block is written once, and in one order, whatever the memory and the threads."""

    ROWS, COLUMNS = 500, 610

    def written(self, folder: Path, options: dict[str, str], overviews: tuple[int, ...], settings: Settings) -> Path:
        folder.mkdir()
        numbers = np.random.default_rng(8).normal(0.5, 0.2, (6, self.ROWS, self.COLUMNS)).astype(np.float32)
        sources = {f"s{number}": write_raster(folder / f"s{number}.tif", band) for number, band in enumerate(numbers)}
        like = described(folder / "like.vrt", (self.ROWS, self.COLUMNS), len(sources))
        images = build_layers(sources, list(sources), settings)
        target = folder / "stack.tif"
        with gdal_threads(settings.threads):
            write_stacks([StackFile(target, like, images, options, overviews)], 48, settings)
        np.testing.assert_array_equal(gdal.Open(str(target)).ReadAsArray(), numbers)
        return target

    @pytest.mark.parametrize(
        ("options", "overviews"),
        [
            ({"COMPRESS": "ZSTD", "TILED": "YES", "BLOCKXSIZE": "64", "BLOCKYSIZE": "64"}, ()),
            ({"COMPRESS": "ZSTD", "INTERLEAVE": "BAND", "BLOCKYSIZE": "64"}, (3, 9)),
            ({"COMPRESS": "DEFLATE", "TILED": "YES"}, (2, 4)),
        ],
    )
    def test_do_not_depend_on_them(self, tmp_path: Path, options: dict[str, str], overviews: tuple[int, ...]) -> None:
        files = [
            self.written(tmp_path / f"{ram}_{threads}", options, overviews, Settings(ram, threads))
            for ram, threads in ((1, 1), (1, 3), (200, 1), (200, 5))
        ]
        assert len({file.read_bytes() for file in files}) == 1
        # No block was stored a second time, which would leave a hole.
        copy = tmp_path / "copy.tif"
        more = [f"{key}={value}" for key, value in options.items()]
        gdal.GetDriverByName("GTiff").CreateCopy(
            str(copy), gdal.Open(str(files[0])), options=[*more, "COPY_SRC_OVERVIEWS=YES"]
        )
        assert files[0].stat().st_size <= 1.01 * copy.stat().st_size
