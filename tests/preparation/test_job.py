"""The feature stack, the view stack and the valid pixels, computed by hand for small products."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from preparing import CLEAR, Pixels, layers, prepared, side_of, write_product, write_scene
from sentinel2_files import METRES

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import pixel_counts
from alcd_otb.preparation.layouts import is_compressed
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.workspace import Workspace
from otb_pipelines.settings import Settings

SIDE = METRES // 60
VIEW = {"resolution": 60, "layers": [{"name": "blue", "expr": "B02", "step": 0.001}]}

# features.tif keeps 17 significant bits of what is made from reflectance.
STORED = 2**-17


def constant(band: str, value: int, metres: int = METRES) -> Pixels:
    side = side_of(band, metres)
    return np.full((side, side), value, np.uint16)


def random(band: str, seed: int, metres: int = METRES) -> Pixels:
    side = side_of(band, metres)
    return np.random.default_rng(seed).integers(1100, 9000, (side, side), dtype=np.uint16)


def means(array: Pixels, side: int = SIDE) -> Pixels:
    ratio = array.shape[0] // side
    return array.reshape(side, ratio, side, ratio).mean(axis=(1, 3))


def features_of(folder: Path, features: list[Any], pixels: dict[str, Pixels], **settings: Any) -> dict[str, Pixels]:
    cloudy = write_product(folder, pixels)
    scene = write_scene(folder, cloudy, features=features, view=settings.pop("view", VIEW), **settings)
    return layers(prepared(scene).features)


def test_bands_of_all_resolutions_are_reflectances_at_60_m(tmp_path: Path) -> None:
    pixels = {"B02": random("B02", 1), "B8A": random("B8A", 2), "B10": random("B10", 3)}
    made = features_of(tmp_path, ["B10", "B02", "B8A"], pixels)
    assert list(made) == ["B10", "B02", "B8A"]
    for band, array in made.items():
        np.testing.assert_allclose(array, (means(pixels[band]) - 1000) / 10000, rtol=STORED)


def test_bands_of_all_resolutions_at_20_m(tmp_path: Path) -> None:
    pixels = {"B02": random("B02", 1), "B8A": random("B8A", 2), "B10": constant("B10", 1400)}
    made = features_of(tmp_path, ["B02", "B8A", "B10"], pixels, resolution=20)
    np.testing.assert_allclose(made["B02"], (means(pixels["B02"], 30) - 1000) / 10000, rtol=STORED)
    np.testing.assert_allclose(made["B8A"], (pixels["B8A"] - 1000.0) / 10000, rtol=STORED)
    np.testing.assert_allclose(made["B10"], 0.04, rtol=STORED)


def test_difference_across_baselines_is_of_the_ground_alone(tmp_path: Path) -> None:
    ground = random("B02", 1)
    cloudy = write_product(tmp_path, {"B02": ground + 1000}, offset=-1000)
    clear = write_product(tmp_path, {"B02": ground - 500}, sensed=CLEAR, offset=0)
    features = [{"name": "difference", "expr": "B02 - clear.B02"}, "clear.B02", "B02"]
    made = layers(prepared(write_scene(tmp_path, cloudy, clear, features=features, view=VIEW)).features)
    np.testing.assert_allclose(made["difference"], 0.05, rtol=STORED)
    np.testing.assert_allclose(made["clear.B02"], (means(ground) - 500) / 10000, rtol=STORED)
    np.testing.assert_allclose(made["B02"], means(ground) / 10000, rtol=STORED)


def test_digital_numbers(tmp_path: Path) -> None:
    pixels = {"B02": random("B02", 1)}
    made = features_of(tmp_path, ["B02"], pixels, radiometry="digital_number", resampling="nearest")
    np.testing.assert_array_equal(made["B02"], pixels["B02"][3::6, 3::6])


def test_formula(tmp_path: Path) -> None:
    pixels = {band: random(band, seed) for seed, band in enumerate(("B02", "B04", "B08"))}
    features = [
        {"name": "NDVI", "expr": "(B08 - B04) / (B08 + B04)"},
        {"name": "all", "expr": "sqrt(B02) * log(B04 + 1) + max(B02, B08) ** 2 if B04 > 0.4 else -abs(B08 - 0.5)"},
    ]
    made = features_of(tmp_path, features, pixels)
    blue, red, infrared = ((means(pixels[band]) - 1000) / 10000 for band in ("B02", "B04", "B08"))
    np.testing.assert_allclose(made["NDVI"], (infrared - red) / (infrared + red), atol=1e-6)
    bright = np.sqrt(blue) * np.log(red + 1) + np.maximum(blue, infrared) ** 2
    assert 0 < (red > 0.4).mean() < 1
    np.testing.assert_allclose(made["all"], np.where(red > 0.4, bright, -abs(infrared - 0.5)), rtol=1e-5, atol=1e-7)


def test_no_value_where_a_source_has_no_data(tmp_path: Path) -> None:
    pixels = {"B02": constant("B02", 2000), "B04": constant("B04", 3000), "B10": constant("B10", 1100)}
    pixels["B02"][:6, :6] = 0
    pixels["B02"][6:9, 6:12] = 0
    pixels["B10"][9, 9] = 0
    features = ["B02", "B04", "B10", {"name": "ratio", "expr": "B02 / B04"}, {"name": "sum", "expr": "B02 + B10"}]
    made = features_of(tmp_path, features, pixels)
    hole = {(0, 0)}
    empty = {name: set(zip(*np.nonzero(np.isnan(array)), strict=True)) for name, array in made.items()}
    assert empty == {"B02": hole, "B04": set(), "B10": {(9, 9)}, "ratio": hole, "sum": {(0, 0), (9, 9)}}
    np.testing.assert_allclose(made["B02"][1, 1], 0.1, rtol=STORED)
    np.testing.assert_allclose(made["ratio"][1:], 0.5, rtol=STORED)


def test_textures_of_a_band(tmp_path: Path) -> None:
    """A rise of 600 DN each 60 m pixel: 0.06 / 60 m; in a 3 x 3 window a deviation of 0.06 * sqrt(6 / 8)."""
    column = np.arange(60) // 6 * 600 + 2000
    pixels = {"B02": np.tile(column, (60, 1))}
    features = [
        {"name": "density", "texture": "contour_density", "band": "B02", "radius": 1},
        {"name": "variation", "texture": "variation_coefficient", "band": "B02", "radius": 1},
    ]
    made = features_of(tmp_path, features, pixels)
    np.testing.assert_allclose(made["density"][:, 2:-2], 0.001, rtol=1e-5)
    mean = (column[::6] - 1000) / 10000
    np.testing.assert_allclose(
        made["variation"][:, 1:-1], np.tile(0.06 * math.sqrt(6 / 8) / mean, (10, 1))[:, 1:-1], rtol=1e-4
    )


def test_feature_raster(tmp_path: Path) -> None:
    features_of(tmp_path, ["B02", {"name": "Blau über Grün", "expr": "B02 - B02"}], {"B02": constant("B02", 2000)})
    dataset = gdal.Open(str(tmp_path / "work" / "features.tif"))
    assert [dataset.GetRasterBand(number).GetDescription() for number in (1, 2)] == ["B02", "Blau über Grün"]
    assert dataset.GetGeoTransform() == (300000, 60, 0, 4900020, 0, -60)
    assert dataset.GetSpatialRef().GetAuthorityCode(None) == "32631"
    assert dataset.GetRasterBand(1).DataType == gdal.GDT_Float32
    assert math.isnan(dataset.GetRasterBand(1).GetNoDataValue())


def test_features_are_the_same_with_and_without_compression(tmp_path: Path) -> None:
    found, stored = {}, {}
    for compression in ("none", "zstd", "auto"):
        folder = tmp_path / compression
        folder.mkdir()
        found[compression] = features_of(folder, ["B02"], {"B02": random("B02", 1)}, compression=compression)["B02"]
        made = gdal.Open(str(folder / "work" / "features.tif"))
        stored[compression] = made.GetMetadataItem("COMPRESSION", "IMAGE_STRUCTURE")
    assert stored == {"none": None, "zstd": "ZSTD", "auto": None}
    np.testing.assert_array_equal(found["none"], found["zstd"])
    np.testing.assert_array_equal(found["none"], found["auto"])


def test_large_features_are_compressed(tmp_path: Path) -> None:
    """A billion bytes of 32-bit floats are 250 million pixels of one feature."""
    cloudy = write_product(tmp_path, {"B02": random("B02", 1)})
    inputs = Inputs.read(load_scene(write_scene(tmp_path, cloudy, features=["B02"], view=VIEW)))
    for side, expected in ((15811, False), (15812, True)):
        assert is_compressed(replace(inputs, grid=replace(inputs.grid, width=side, height=side))) == expected


def test_view_in_whole_steps(tmp_path: Path) -> None:
    """Steps round to the nearest, 16 bits saturate, no data looks like DN 0, and no value is 0."""
    pixels = {"B02": constant("B02", 2000), "B10": constant("B10", 1003)}
    pixels["B02"][:3] = [[1234], [1235], [1236]]
    pixels["B02"][10:20, :30] = 0
    pixels["B10"][5, 5] = 65535
    view = {
        "resolution": 10,
        "layers": [
            {"name": "blue", "expr": "B02", "step": 0.001},
            {"name": "cirrus", "expr": "B10", "step": 0.0001},
            {"name": "ratio", "expr": "B10 / B02", "step": 0.01},
            {"name": "large", "expr": "500 * B02 + 0 * B10", "step": 0.001},
            {"name": "none", "expr": "(B02 - B02) / (B02 - B02)", "step": 0.001},
            {"name": "infinite", "expr": "B02 / (B02 - B02)", "step": 0.001},
        ],
    }
    features_of(tmp_path, ["B02"], pixels, view=view)
    dataset = gdal.Open(str(tmp_path / "work" / "view.tif"))
    assert [dataset.GetRasterBand(number).GetScale() for number in (1, 2, 3, 4)] == [0.001, 0.0001, 0.01, 0.001]
    assert dataset.GetRasterBand(1).DataType == gdal.GDT_Int16
    assert [dataset.GetRasterBand(number).GetNoDataValue() for number in (1, 2, 3, 4)] == [None] * 4
    made = layers(tmp_path / "work" / "view.tif")
    np.testing.assert_array_equal(made["blue"][[0, 2, 3], 0], [23, 24, 100])
    np.testing.assert_array_equal(made["blue"][10:20, :30], -100)
    np.testing.assert_array_equal(made["blue"][10:20, 30:], 100)
    assert made["cirrus"][0, 0] == 3
    assert made["cirrus"][32, 32] == 32767
    np.testing.assert_array_equal(made["ratio"][20:, 40:], 0)
    # 500 * 0.0234 = 11.7; 500 * 0.1 and 500 * -0.1 are more steps than 16 bits hold.
    np.testing.assert_array_equal(made["large"][0], 11700)
    np.testing.assert_array_equal(made["large"][20:], 32767)
    np.testing.assert_array_equal(made["large"][10:20, :30], -32768)
    assert not made["none"].any()
    assert not made["infinite"].any()


def test_view_has_overviews_that_are_means(tmp_path: Path) -> None:
    metres = 6000
    array = random("B02", 1, metres)
    cloudy = write_product(tmp_path, {"B02": array}, metres=metres)
    view = {"resolution": 10, "layers": [{"name": "blue", "expr": "B02", "step": 0.0001}]}
    work = prepared(write_scene(tmp_path, cloudy, features=["B02"], view=view))
    dataset = gdal.Open(str(work.view))
    band = dataset.GetRasterBand(1)
    assert band.GetOverviewCount() == 1
    overview = band.GetOverview(0).ReadAsArray()
    assert np.abs(overview - (means(array, 200) - 1000)).max() <= 0.5


def valid_of(work: Workspace) -> Pixels:
    return gdal.Open(str(work.valid)).ReadAsArray()


def ball(metres: float, resolution: float, side: int, row: int, column: int) -> Pixels:
    """Pixels within a distance of one pixel, in OTB's ball of so many whole pixels."""
    radius = math.ceil(metres / resolution)
    rows, columns = np.mgrid[0:side, 0:side]
    return (rows - row) ** 2 + (columns - column) ** 2 <= (radius + 0.5) ** 2


@pytest.mark.parametrize("margin", [0, 60, 100, 180])
def test_margin_around_a_hole_in_one_band_of_one_date(tmp_path: Path, margin: int) -> None:
    """A hole of 3 x 3 pixels of B11 on the clear date; the margin is a ball around each of its pixels."""
    metres = 1800
    pixels = {"B02": constant("B02", 2000, metres), "B11": constant("B11", 2000, metres)}
    cloudy = write_product(tmp_path, pixels, metres=metres)
    holed = constant("B11", 3000, metres)
    holed[36:45, 54:63] = 0
    clear = write_product(tmp_path, pixels | {"B11": holed}, sensed=CLEAR, metres=metres)
    features = ["B02", "B11", {"name": "difference", "expr": "B11 - clear.B11"}]
    scene = write_scene(tmp_path, cloudy, clear, features=features, view=VIEW, margin=margin, decoding="full")
    work = prepared(scene)
    expected = np.ones((30, 30), bool)
    for row in range(12, 15):
        for column in range(18, 21):
            expected &= ~ball(margin, 60, 30, row, column) if margin else True
    expected[12:15, 18:21] = False
    np.testing.assert_array_equal(valid_of(work), expected)
    counts = pixel_counts(work)
    assert (counts.total, counts.valid, counts.saturated) == (900, expected.sum(), 0)


def test_hole_in_a_band_not_used_costs_nothing(tmp_path: Path) -> None:
    pixels = {"B02": constant("B02", 2000), "B11": constant("B11", 0)}
    cloudy = write_product(tmp_path, pixels)
    work = prepared(write_scene(tmp_path, cloudy, features=["B02"], view=VIEW))
    assert valid_of(work).all()


def test_edge_of_the_tile_costs_no_margin(tmp_path: Path) -> None:
    array = constant("B02", 2000)
    array[:, 48:] = 0
    work = prepared(
        write_scene(tmp_path, write_product(tmp_path, {"B02": array}), features=["B02"], view=VIEW, margin=120)
    )
    expected = np.zeros((10, 10), bool)
    expected[:, :6] = True
    np.testing.assert_array_equal(valid_of(work), expected)


def test_formula_without_a_value_is_not_valid(tmp_path: Path) -> None:
    """B02 - B04 is 0 in a block of 3 x 3: its reciprocal is infinite there."""
    pixels = {"B02": constant("B02", 2000), "B04": constant("B04", 3000)}
    pixels["B04"][12:30, 12:30] = 2000
    cloudy = write_product(tmp_path, pixels)
    features = [{"name": "reciprocal", "expr": "1 / (B02 - B04)"}, "B02"]
    work = prepared(write_scene(tmp_path, cloudy, features=features, view=VIEW, margin=0))
    expected = np.ones((10, 10), bool)
    expected[2:5, 2:5] = False
    np.testing.assert_array_equal(valid_of(work), expected)


def test_saturated_pixels_are_valid_and_counted(tmp_path: Path) -> None:
    pixels = {"B02": constant("B02", 2000), "B10": constant("B10", 1100), "B11": constant("B11", 1100)}
    pixels["B02"][:6, :6] = 65535
    pixels["B02"][6:12, :3] = 65535
    pixels["B10"][0, 0] = pixels["B10"][9, 9] = 65535
    cloudy = write_product(tmp_path, pixels)
    work = prepared(write_scene(tmp_path, cloudy, features=["B02", "B10", "B11"], view=VIEW))
    assert valid_of(work).all()
    assert pixel_counts(work).saturated == 2


@pytest.mark.parametrize("margin", [0, 60])
def test_lone_pixel_without_data_is_not_valid_but_costs_no_margin(tmp_path: Path, margin: int) -> None:
    array = constant("B10", 1100)
    array[4, 4] = 0
    cloudy = write_product(tmp_path, {"B02": constant("B02", 2000), "B10": array})
    work = prepared(write_scene(tmp_path, cloudy, features=["B02", "B10"], view=VIEW, margin=margin))
    expected = np.ones((10, 10), bool)
    expected[4, 4] = False
    np.testing.assert_array_equal(valid_of(work), expected)


def test_low_strips_are_as_high_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Grids too wide for a row of whole tiles at a time, whose overviews are made at the end, and ones that are not."""
    metres = 6000
    pixels = {band: random(band, seed, metres) for seed, band in enumerate(("B02", "B8A"))}
    cloudy = write_product(tmp_path, pixels, metres=metres)
    for resolution, seen in ((10, 20), (20, 20), (60, 10)):
        view = {"resolution": seen, "layers": [{"name": name, "expr": name, "step": 0.001} for name in pixels]}
        scene = write_scene(tmp_path, cloudy, features=[*pixels], view=view, resolution=resolution)
        results = []
        for most in (10**9, 600 * 20):
            monkeypatch.setattr("alcd_otb.preparation.stacks._STRIP_PIXELS", most)
            work = prepared(scene)
            shown = gdal.Open(str(work.view))
            overviews = [
                band.GetOverview(level).ReadAsArray().astype(int)
                for band in (shown.GetRasterBand(1), shown.GetRasterBand(2))
                for level in range(band.GetOverviewCount())
            ]
            results.append([gdal.Open(str(path)).ReadAsArray() for path in (work.features, work.valid, work.view)])
            results[-1] += overviews
        for high, low in zip(*results, strict=True):
            # Means of integers, which GDAL rounds its own way.
            np.testing.assert_allclose(low, high, rtol=0, atol=0 if high.dtype != int else 1)


def test_many_blocks_are_as_one(tmp_path: Path) -> None:
    metres = 6000
    rows, columns = np.mgrid[0:600, 0:600]
    pixels = {}
    for seed, band in enumerate(("B02", "B04", "B8A", "B10")):
        pixels[band] = random(band, seed, metres)
        ratio = 600 // pixels[band].shape[0]
        pixels[band][(columns > 450 + rows / 9 + 20 * seed)[::ratio, ::ratio]] = 0
    cloudy = write_product(tmp_path, pixels, metres=metres)
    features = [
        *pixels,
        {"name": "NDVI", "expr": "(B8A - B04) / (B8A + B04)"},
        {"name": "density", "texture": "contour_density", "band": "B02"},
        {"name": "variation", "texture": "variation_coefficient", "band": "B8A"},
    ]
    view = {"resolution": 20, "layers": [{"name": name, "expr": name, "step": 0.001} for name in pixels]}
    scene = write_scene(tmp_path, cloudy, features=features, view=view, resolution=20)
    results = []
    for settings in (Settings(ram=2000, threads=1), Settings(ram=1, threads=2)):
        work = prepared(scene, settings)
        results.append([gdal.Open(str(path)).ReadAsArray() for path in (work.features, work.valid, work.view)])
    for whole, blocks in zip(*results, strict=True):
        np.testing.assert_array_equal(blocks, whole)
    assert 0.5 < results[0][1].mean() < 0.9
