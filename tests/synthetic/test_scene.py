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

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.template import load_template
from alcd_otb.synthetic import SyntheticScene, make_scene
from alcd_otb.synthetic.spectra import BANDS

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
    (node,) = etree.parse(str(path)).getroot().iter(name)
    return str(node.text)


def points_of(scene: SyntheticScene) -> list[tuple[str, float, float]]:
    with fiona.open(scene.samples, layer="samples") as layer:
        return [(point["properties"]["class"], *point["geometry"]["coordinates"]) for point in layer]


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


def test_metadata(scene: SyntheticScene) -> None:
    product = scene.cloudy / "MTD_MSIL1C.xml"
    assert element(product, "PRODUCT_URI") == scene.cloudy.name
    assert element(product, "PRODUCT_START_TIME") == "2018-03-31T10:30:21.024Z"
    assert element(product, "PROCESSING_BASELINE") == "05.10"
    assert element(product, "SENSING_ORBIT_NUMBER") == "108"
    assert element(product, "QUANTIFICATION_VALUE") == "10000"
    root = etree.parse(str(product)).getroot()
    images = [scene.cloudy / f"{node.text}.jp2" for node in root.iter("IMAGE_FILE")]
    assert images == [band_file(scene.cloudy, band.name) for band in BANDS]
    offsets = {node.get("band_id"): node.text for node in root.iter("RADIO_ADD_OFFSET")}
    assert offsets == {str(number): "-1000" for number in range(13)}
    names = [node.text for node in root.iter("SPECIAL_VALUE_TEXT")]
    values = [node.text for node in root.iter("SPECIAL_VALUE_INDEX")]
    assert dict(zip(names, values, strict=True)) == {"NODATA": "0", "SATURATED": "65535"}
    (tile,) = scene.cloudy.glob("GRANULE/*/MTD_TL.xml")
    assert element(tile, "HORIZONTAL_CS_CODE") == "EPSG:32631"
    assert element(tile, "TILE_ID").split("_")[-2:] == ["T31TFJ", "N05.10"]
    assert [node.text for node in etree.parse(str(tile)).getroot().iter("NROWS")] == ["720", "360", "120"]
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


def test_a_scene_is_made_anew_where_nobody_changed_it(tmp_path: Path) -> None:
    first = make_scene(tmp_path, size=360, seed=5)
    bands = {path: path.read_bytes() for path in first.cloudy.rglob("*.jp2")}
    (tmp_path / "notes.txt").write_text("mine")
    make_scene(tmp_path, size=360, seed=6)
    assert any(path.read_bytes() != content for path, content in bands.items())
    make_scene(tmp_path, size=360, seed=5)
    assert {path: path.read_bytes() for path in bands} == bands
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("name", ["samples.gpkg", "scene.json", "dem.tif", "truth.tif", "README.txt"])
@pytest.mark.parametrize("demo", [True, False])
def test_a_file_of_the_user_s_is_never_overwritten(tmp_path: Path, name: str, demo: bool) -> None:
    if demo:
        (tmp_path / name).write_bytes(b"an earlier one")
        digest = hashlib.sha256(b"an earlier one").hexdigest()
        (tmp_path / "SHA256SUMS").write_text(f"{digest}  {name}\n")
    (tmp_path / name).write_bytes(b"an hour of work")
    with pytest.raises(ConfigurationError, match=f"{name}: was not made here by this command, or was changed since"):
        make_scene(tmp_path, size=360, seed=5)
    assert (tmp_path / name).read_bytes() == b"an hour of work"
    assert {path.name for path in tmp_path.iterdir()} <= {name, "SHA256SUMS"}


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
    assert {name: sum(point[0] == name for point in placed) for name in codes} == dict.fromkeys(codes, 25)
    for name, x, y in placed:
        assert truth_at(scene, x, y) == codes[name]
        assert clear[int((4900020 - y) // 20), int((x - 600000) // 20)] > 0
    land = np.array([point[1:] for point in placed if point[0] == "land"])
    assert (np.ptp(land, axis=0) > 0.7 * SIZE * 10).all()
    assert len({tuple(place) for place in land.tolist()}) == 25


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
