"""The synthetic scenes: product layout and metadata, pixels, truth, points."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import fiona
import numpy as np
import numpy.typing as npt
import pytest
from lxml import etree
from osgeo import gdal

from alcd_otb.settings.template import load_template
from alcd_otb.synthetic import SyntheticScene, make_scene, noise, points, terrain
from alcd_otb.synthetic.safe import tile_grid
from alcd_otb.synthetic.spectra import BANDS
from alcd_otb.synthetic.truth import Range, Truth, uses

SIZE = 720


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> SyntheticScene:
    return make_scene(tmp_path_factory.mktemp("scene"), size=SIZE, seed=3, offset="cloudy")


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> SyntheticScene:
    return make_scene(tmp_path_factory.mktemp("water"), size=SIZE, seed=3, use="water")


def band_file(product: Path, band: str) -> Path:
    (path,) = product.glob(f"GRANULE/*/IMG_DATA/*_{band}.jp2")
    return path


def pixels(path: Path) -> npt.NDArray[np.float64]:
    return np.asarray(gdal.Open(str(path)).ReadAsArray(), dtype=np.float64)


def element(path: Path, name: str) -> str:
    (found,) = etree.parse(str(path)).getroot().iter(name)
    return str(found.text)


def points_of(scene: SyntheticScene) -> list[tuple[str, float, float]]:
    with fiona.open(scene.samples, layer="samples") as layer:
        return [(one["properties"]["class"], *one["geometry"]["coordinates"]) for one in layer]


def truth_at(scene: SyntheticScene, x: float, y: float) -> int:
    left, step, _, top, _, _ = gdal.Open(str(scene.truth)).GetGeoTransform()
    return int(pixels(scene.truth)[int((top - y) // step), int((x - left) // step)])


def digest(scene: SyntheticScene) -> dict[str, str]:
    files = [*scene.folder.rglob("*.jp2"), scene.dem, scene.truth]
    return {str(file.relative_to(scene.folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_bands_have_native_grids(scene: SyntheticScene) -> None:
    for product in (scene.cloudy, scene.clear):
        for band in BANDS:
            dataset = gdal.Open(str(band_file(product, band.name)))
            side = SIZE * 10 // band.resolution
            assert (dataset.RasterXSize, dataset.RasterYSize) == (side, side)
            assert dataset.GetGeoTransform() == (600000, band.resolution, 0, 4900020, 0, -band.resolution)
            assert dataset.GetSpatialRef().GetAuthorityCode(None) == "32631"
            assert dataset.GetRasterBand(1).DataType == gdal.GDT_UInt16
        assert len(list(product.rglob("*.jp2"))) == 13
        assert not list(product.rglob("*.aux.xml"))


@pytest.mark.parametrize(
    ("tile", "crs", "left", "top"),
    [
        # From the metadata of real products.
        ("31TCJ", "EPSG:32631", 300000, 4900020),
        ("31TDH", "EPSG:32631", 399960, 4800000),
        ("33TUG", "EPSG:32633", 300000, 4700040),
        ("32TMT", "EPSG:32632", 399960, 5300040),
        ("55JGF", "EPSG:32755", 699960, 6600040),
    ],
)
def test_tile_grid(tile: str, crs: str, left: int, top: int) -> None:
    grid = tile_grid(tile, 10980)
    assert (grid.crs, grid.left, grid.top, grid.width) == (crs, left, top, 10980)


@pytest.mark.parametrize("tile", ["31TF", "61TFJ", "31IFJ", "31TFZ", "31TKJ", "x1TFJ"])
def test_wrong_tile_is_refused(tile: str) -> None:
    with pytest.raises(ValueError, match=tile):
        tile_grid(tile, 600)


def test_metadata(scene: SyntheticScene) -> None:
    product = scene.cloudy / "MTD_MSIL1C.xml"
    assert element(product, "PRODUCT_URI") == scene.cloudy.name
    assert element(product, "PRODUCT_START_TIME") == "2018-03-31T10:30:21.024Z"
    assert element(product, "PROCESSING_BASELINE") == "05.10"
    assert element(product, "SENSING_ORBIT_NUMBER") == "108"
    assert element(product, "QUANTIFICATION_VALUE") == "10000"
    root = etree.parse(str(product)).getroot()
    images = [scene.cloudy / f"{one.text}.jp2" for one in root.iter("IMAGE_FILE")]
    assert images == [band_file(scene.cloudy, band.name) for band in BANDS]
    offsets = {one.get("band_id"): one.text for one in root.iter("RADIO_ADD_OFFSET")}
    assert offsets == {str(number): "-1000" for number in range(13)}
    names = [one.text for one in root.iter("SPECIAL_VALUE_TEXT")]
    values = [one.text for one in root.iter("SPECIAL_VALUE_INDEX")]
    assert dict(zip(names, values, strict=True)) == {"NODATA": "0", "SATURATED": "65535"}
    (tile,) = scene.cloudy.glob("GRANULE/*/MTD_TL.xml")
    assert element(tile, "HORIZONTAL_CS_CODE") == "EPSG:32631"
    assert element(tile, "TILE_ID").split("_")[-2:] == ["T31TFJ", "N05.10"]
    assert [one.text for one in etree.parse(str(tile)).getroot().iter("NROWS")] == ["720", "360", "120"]
    (sun,) = etree.parse(str(tile)).getroot().iter("Mean_Sun_Angle")
    assert sun.findtext("ZENITH_ANGLE") == "43.2"


def test_cloud_cover_in_the_metadata_is_that_of_the_truth(scene: SyntheticScene) -> None:
    truth = pixels(scene.truth)
    cover = 100 * np.isin(truth, (2, 3)).sum() / (truth > 0).sum()
    stated = element(scene.cloudy / "MTD_MSIL1C.xml", "Cloud_Coverage_Assessment")
    assert float(stated) == pytest.approx(cover, abs=1e-4)


def test_offset_changes_numbers_but_not_reflectance(scene: SyntheticScene, tmp_path: Path) -> None:
    other = make_scene(tmp_path / "other", size=SIZE, seed=3, offset="clear")
    assert "_N0510_" in scene.cloudy.name
    assert "_N0206_" in scene.clear.name
    assert "_N0206_" in other.cloudy.name
    assert "_N0510_" in other.clear.name
    for with_offset, without in ((scene.cloudy, other.cloudy), (other.clear, scene.clear)):
        assert not list(etree.parse(str(without / "MTD_MSIL1C.xml")).getroot().iter("RADIO_ADD_OFFSET"))
        added = pixels(band_file(with_offset, "B08")) - pixels(band_file(without, "B08"))
        imaged = pixels(band_file(without, "B08")) > 0
        # Without the offset, negative reflectance (noise over dark water) is cut at DN 1.
        positive = pixels(band_file(without, "B08")) > 1
        assert positive.sum() > 0.95 * imaged.sum()
        assert set(np.unique(added[positive])) == {1000}
        assert set(np.unique(added[~imaged])) == {0}
    assert pixels(scene.truth).tobytes() == pixels(other.truth).tobytes()


def test_same_seed_same_bytes_other_seed_other_scene(tmp_path: Path) -> None:
    first = make_scene(tmp_path / "a", size=360, seed=5)
    second = make_scene(tmp_path / "b", size=360, seed=5)
    third = make_scene(tmp_path / "c", size=360, seed=6)
    assert digest(first) == digest(second)
    assert points_of(first) == points_of(second)
    assert not set(digest(first).values()) & set(digest(third).values())


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6])
@pytest.mark.parametrize("size", [360, 720])
def test_every_class_in_every_scene(tmp_path: Path, size: int, seed: int) -> None:
    truth = pixels(make_scene(tmp_path, size=size, seed=seed).truth)
    shares = {code: float((truth == code).sum() / (truth > 0).sum()) for code in (2, 3, 4, 6, 7)}
    assert all(0.02 <= share <= 0.40 for share in shares.values()), shares
    assert 0.25 < (truth == 5).sum() / (truth > 0).sum() < 0.70
    assert set(np.unique(truth)) == {0, 2, 3, 4, 5, 6, 7}


def test_no_data_differs_between_dates_and_agrees_between_bands(scene: SyntheticScene) -> None:
    masks = [pixels(band_file(product, "B01")) == 0 for product in (scene.cloudy, scene.clear)]
    assert all(0.01 < mask.mean() < 0.25 for mask in masks)
    assert (masks[0] & ~masks[1]).any()
    assert (masks[1] & ~masks[0]).any()
    for product, mask in zip((scene.cloudy, scene.clear), masks, strict=True):
        for band in BANDS:
            empty = pixels(band_file(product, band.name)) == 0
            factor = 60 // band.resolution
            share = empty.reshape(mask.shape[0], factor, mask.shape[1], factor).mean(axis=(1, 3))
            assert (share[mask] > 0.4).all()
            assert (share[~mask] < 0.6).all()
    assert ((pixels(scene.truth) == 0) == (pixels(band_file(scene.cloudy, "B11")) == 0)).all()


def test_classes_look_as_they_should(scene: SyntheticScene) -> None:
    """Medians of reflectance by class, against what is known of each class in each band."""
    truth = pixels(scene.truth)[1::3, 1::3]

    def median(product: Path, band: str, code: int) -> float:
        values = pixels(band_file(product, band))
        step = values.shape[0] // truth.shape[0]
        values = values[step // 2 :: step, step // 2 :: step]
        offset = 1000 if "_N0510_" in product.name else 0
        return float(np.median((values[(truth == code) & (values > 0)] - offset) / 10000))

    low, high, shadow, land, water, snow = 2, 3, 4, 5, 6, 7
    here = scene.cloudy
    assert median(here, "B02", low) > 0.25
    assert median(here, "B11", low) > 0.2 > 0.15 > median(here, "B11", snow)
    assert median(here, "B02", snow) > 0.4
    assert median(here, "B10", high) > 4 * median(here, "B10", land)
    assert median(here, "B10", low) < 0.5 * median(here, "B10", high)
    assert median(here, "B08", water) < 0.06 < median(here, "B08", land)
    assert median(here, "B08", shadow) < 0.6 * median(scene.clear, "B08", shadow)
    assert abs(median(here, "B08", land) / median(scene.clear, "B08", land) - 1) < 0.15


def test_points_are_true_spread_and_imaged(scene: SyntheticScene) -> None:
    codes = {"low_clouds": 2, "high_clouds": 3, "clouds_shadows": 4, "land": 5, "water": 6, "snow": 7}
    placed = points_of(scene)
    clear = pixels(band_file(scene.clear, "B11"))
    assert {name: sum(one[0] == name for one in placed) for name in codes} == dict.fromkeys(codes, 25)
    for name, x, y in placed:
        assert truth_at(scene, x, y) == codes[name]
        assert clear[int((4900020 - y) // 20), int((x - 600000) // 20)] > 0
    land = np.array([one[1:] for one in placed if one[0] == "land"])
    assert (np.ptp(land, axis=0) > 0.7 * SIZE * 10).all()
    assert len({tuple(one) for one in land.tolist()}) == 25


def test_scene_description(scene: SyntheticScene) -> None:
    description = json.loads(scene.scene_json.read_text())
    assert description["template"] == "clouds"
    assert scene.folder / description["cloudy"] == scene.cloudy
    assert scene.folder / description["clear"] == scene.clear
    assert scene.folder / description["dem"] == scene.dem
    assert scene.folder / description["samples"] == scene.samples
    assert "SYNTHETIC" in (scene.folder / "README.txt").read_text()


def test_snow_lies_high_and_water_low(scene: SyntheticScene) -> None:
    truth = pixels(scene.truth)
    elevation = gdal.Warp("", str(scene.dem), format="MEM", xRes=20, yRes=20).ReadAsArray()
    land, water, snow = (float(np.median(elevation[truth == code])) for code in (5, 6, 7))
    assert water < land < snow
    assert elevation.min() >= 0


@pytest.mark.parametrize("arguments", [{"size": 361}, {"size": 60}, {"size": 10986}, {"offset": "sometimes"}])
def test_wrong_arguments_are_refused(tmp_path: Path, arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(arguments.values())))):
        make_scene(tmp_path, **arguments)  # type: ignore[arg-type]


def test_upsample_is_linear_between_pixel_centres() -> None:
    ramp = np.arange(5, dtype=np.float32)[None, :] * 6 + np.zeros((5, 1), dtype=np.float32)
    fine = noise.upsample(ramp, 6, (6, 6, 18, 18))
    # The centre of fine pixel 6 lies 6.5 fine pixels from the edge, that of coarse pixel 0 lies 3 from it.
    np.testing.assert_allclose(fine[0], np.arange(6, 24) + 0.5 - 3, atol=1e-5)
    np.testing.assert_allclose(noise.binned(fine, 6), [[6, 12, 18]] * 3, atol=1e-5)


def test_periodic_fractal_repeats_without_a_seam() -> None:
    field = noise.fractal((64, 64), noise.generator(1, 1), slope=4.0, outer=16, periodic=True)
    assert field.mean() == pytest.approx(0, abs=1e-5)
    assert field.std() == pytest.approx(1, abs=1e-5)
    step = np.abs(np.diff(field, axis=1)).max()
    assert np.abs(field[:, 0] - field[:, -1]).max() <= step


def test_a_class_too_small_for_the_points_is_named() -> None:
    truth = np.full((20, 20), 5, dtype=np.uint8)
    with pytest.raises(ValueError, match="low_clouds: 0 pixels for 3 points"):
        points.place_points(truth, truth, truth > 0, {2: "low_clouds", 5: "land"}, 3, seed=1)


def test_rare_covers_get_more_points_than_their_area() -> None:
    covers = np.repeat(np.array([1, 2, 3], dtype=np.uint8), [1600, 400, 100])
    # Square roots 40 : 20 : 10 share out 14 points as 8 : 4 : 2.
    assert points._dealt(covers, 14).tolist() == [1] * 8 + [2] * 4 + [3] * 2


class TestOtherUses:
    def test_the_scene_is_of_the_use_and_its_season(self, water: SyntheticScene, scene: SyntheticScene) -> None:
        description = json.loads(water.scene_json.read_text())
        assert description["template"] == "water"
        assert element(water.cloudy / "MTD_MSIL1C.xml", "PRODUCT_START_TIME") == "2018-01-10T10:34:11.024Z"
        assert float(element(next(water.cloudy.glob("GRANULE/*/MTD_TL.xml")), "ZENITH_ANGLE")) == 68.0
        assert pixels(water.truth).shape == (SIZE, SIZE)
        assert pixels(scene.truth).shape == (SIZE // 2, SIZE // 2)
        assert "1 clear_water, 2 turbid_water" in " ".join((water.folder / "README.txt").read_text().split())

    def test_points_are_true_by_the_template_s_names(self, water: SyntheticScene) -> None:
        legend = load_template("water").legend
        placed = points_of(water)
        assert Counter(name for name, _, _ in placed) == dict.fromkeys(legend.names, 25)
        truth = pixels(water.truth)
        for name, x, y in placed:
            row, column = int((4900020 - y) // 10), int((x - 600000) // 10)
            # The pixels around are of the class, so that a pixel of 20 m is, too.
            around = truth[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            assert set(np.unique(around)) == {legend.with_code(int(truth[row, column])).code}
            assert legend.with_code(int(truth[row, column])).name == name

    def test_water_and_shadow_look_as_they_should(self, water: SyntheticScene) -> None:
        truth = pixels(water.truth)

        def median(band: str, code: int) -> float:
            values = pixels(band_file(water.cloudy, band))
            step = SIZE // values.shape[0]
            return float(np.median((values[truth[::step, ::step] == code] - 1000) / 10000))

        clear, turbid, shadowed, land, shaded, snow = 1, 2, 3, 4, 5, 6
        assert median("B04", turbid) > 1.3 * median("B04", clear)
        assert median("B08", turbid) < 0.5 * median("B08", land)
        assert median("B02", shadowed) < 0.95 * median("B02", clear)
        # Little direct light is left: what there is comes from the sky, and is blue.
        assert median("B08", shaded) < 0.5 * median("B08", land)
        assert median("B02", shaded) / median("B08", shaded) > 1.5 * median("B02", land) / median("B08", land)
        assert median("B02", snow) > 0.4

    @pytest.mark.parametrize("seed", [1, 4])
    @pytest.mark.parametrize("use", ["water", "snow"])
    def test_every_class_in_every_scene(self, tmp_path: Path, use: str, seed: int) -> None:
        truth = pixels(make_scene(tmp_path, size=SIZE, seed=seed, use=use).truth)
        codes = load_template(use).legend.codes
        assert set(np.unique(truth)) == {0, *codes}
        positive = np.isin(truth, load_template(use).legend.positive_codes).sum() / (truth > 0).sum()
        assert 0.05 < positive < 0.25

    def test_the_cloud_cover_is_that_of_the_truth(self, water: SyntheticScene) -> None:
        truth = pixels(water.truth)
        stated = element(water.cloudy / "MTD_MSIL1C.xml", "Cloud_Coverage_Assessment")
        assert float(stated) == pytest.approx(100 * (truth == 7).sum() / (truth > 0).sum(), abs=1e-4)


class TestTruths:
    @pytest.mark.parametrize("use", uses())
    def test_name_the_classes_of_their_template(self, use: str) -> None:
        truth, names = Truth.load(use), load_template(use).legend.names
        for rule in truth.rules:
            assert {rule.name, *(rule.over or ())} <= set(names)
        assert set(truth.clouds) <= set(names)
        # Whatever a pixel is like, it has a class.
        assert (truth.rules[0].over, truth.rules[0].where) == (None, {})

    def test_ranges_leave_out_their_ends(self) -> None:
        values = np.array([0.0, 0.5, 0.75, 1.0], np.float32)
        assert Range(above=0.5).holds(values).tolist() == [False, False, True, True]
        assert Range(above=0.0, below=1.0).holds(values).tolist() == [False, True, True, False]
        assert Range().holds(values).all()


@pytest.mark.parametrize(("azimuth", "axis", "sign"), [(180, 0, -1), (0, 0, 1), (90, 1, -1), (270, 1, 1)])
def test_a_wall_casts_a_shadow_as_long_as_the_sun_makes_it(azimuth: float, axis: int, sign: int) -> None:
    """300 m high under a sun 45 degrees high: 300 m of shadow, 5 pixels, on the side away from the sun."""
    elevation = np.zeros((41, 41), dtype=np.float32)
    wall = [slice(None), slice(None)]
    wall[axis] = slice(20, 21)
    elevation[tuple(wall)] = 300
    lit = terrain._sunlit(elevation, 45.0, azimuth)
    profile = lit.take(20, axis=1 - axis)
    shaded = np.flatnonzero(profile < 0.5) - 20
    # Where the ray just grazes the ground, in the fifth pixel, it is neither.
    assert sorted(abs(shaded).tolist()) == [1, 2, 3, 4]
    assert set(np.sign(shaded)) == {sign}
    assert profile[20 + 5 * sign] == pytest.approx(0.5)
    assert profile[20] == 1
