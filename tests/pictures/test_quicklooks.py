"""The dates of a tile: which products are found, what their pictures show, what is said of those that are broken."""

import json
import logging
import os
import shutil
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from lxml import html
from osgeo import gdal
from PIL import Image
from places import REAL_DATA
from scenes import alcd, refused
from sentinel2_files import FIRST_VALUE, write_compact, write_multi_granule, zip_product

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.pictures.quicklooks import MOST_PIXELS, TileDates, find_dates
from alcd_otb.products.sentinel2_l1c import tiles_of
from alcd_otb.report.sheet import caption, write_sheet
from alcd_otb.synthetic.scene import SyntheticScene


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four dates of 31TCJ, of which one is cut off; and what is not a date of it."""
    folder = tmp_path_factory.mktemp("L1C")
    march = write_compact(folder, sensed="20240305T104819")
    write_compact(folder / "2023" / "deep", sensed="20230410T104819")
    cut = write_compact(folder, sensed="20240102T104819")
    (blue,) = cut.rglob("*_B02.jp2")
    os.truncate(blue, blue.stat().st_size // 2)
    old = write_multi_granule(folder / "unpacked", ("31TCJ", "31TDJ"), bands=("B02", "B03", "B04"))
    zip_product(old, folder / f"{old.name.removesuffix('.SAFE')}.zip", f"{old.name}/")
    shutil.rmtree(old)
    write_compact(folder, sensed="20240401T104819", tile="31TDJ")
    (folder / "S2B_MSIL2A_20240305T104819_N0510_R051_T31TCJ_20240305T160000.SAFE").mkdir()
    (folder / "photographs.zip").write_bytes(b"no archive")
    assert march.is_dir()
    return folder


@pytest.fixture(scope="module")
def dates(folder: Path) -> TileDates:
    return find_dates(folder, "T31tcj")


def test_every_date_of_the_tile_is_found_in_order(dates: TileDates) -> None:
    assert dates.tile == "31TCJ"
    assert [one.acquired and f"{one.acquired:%Y-%m-%d}" for one in dates.dates] == [
        "2016-10-05",
        "2023-04-10",
        "2024-01-02",
        "2024-03-05",
    ]
    assert [one.path.suffix for one in dates.dates] == [".zip", ".SAFE", ".SAFE", ".SAFE"]
    # As the tile's own metadata say, and not the product's.
    assert [one.cloud_cover for one in dates.dates] == [63.5, 63.5, None, 63.5]
    assert caption(dates.dates[3]) == "2024-03-05 10:48, 64 % cloud"


def test_pictures_are_reflectance_in_true_colour(dates: TileDates) -> None:
    old, deep, _, march = (one.picture for one in dates.dates)
    for picture, offset in ((old, 0), (deep, -1000), (march, -1000)):
        assert picture is not None
        assert picture.shape == (60, 60, 3)
        # Red, green, blue are B04, B03, B02; white is a reflectance of 0.25.
        expected = [int((FIRST_VALUE + index + offset) / 10000 / 0.25 * 255) for index in (3, 2, 1)]
        assert np.abs(picture[5:].astype(int) - expected).max() <= 1


def test_a_broken_one_is_listed_with_its_reason(dates: TileDates) -> None:
    broken = dates.dates[2]
    assert broken.picture is None
    assert broken.problem is not None
    assert "_B02.jp2: " in broken.problem
    assert dates.summary().splitlines() == ["4 dates of tile 31TCJ, 1 of them without a picture", broken.problem]


def test_names_of_folders_and_granules_do_not_matter(tmp_path: Path) -> None:
    safe = write_compact(tmp_path, sensed="20240305T104819").rename(tmp_path / "cloudy")
    (granule,) = safe.glob("GRANULE/*")
    granule.rename(granule.parent / "1")
    other = write_compact(tmp_path / "later", sensed="20240310T104819")
    with tarfile.open(tmp_path / "later" / "clear.tar", "w") as archive:
        archive.add(other, other.name)
    shutil.rmtree(other)
    found = find_dates(tmp_path, "31TCJ").dates
    assert [(one.path.name, one.problem) for one in found] == [("cloudy", None), ("clear.tar", None)]
    assert [one.product and one.product.tile for one in found] == ["31TCJ", "31TCJ"]
    for path in (safe, tmp_path / "later" / "clear.tar"):
        assert [one.path for one in find_dates(path, "31TCJ").dates] == [path]


def test_what_is_left_out_is_said_with_the_reason(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        find_dates(folder, "31TCJ")
    left_out = [record.message for record in caplog.records if record.message.startswith("left out: ")]
    assert [message for message in left_out if "MSIL2A" in message and message.endswith(": is a Level-2A product")]
    assert [message for message in left_out if "photographs.zip: is neither" in message]
    assert "left out: products of other tiles (1): 31TDJ" in left_out
    assert len(left_out) == 3


def test_one_whose_metadata_are_broken_keeps_the_date_of_its_name(tmp_path: Path) -> None:
    write_compact(tmp_path, sensed="20240305T104819")
    safe = write_compact(tmp_path, sensed="20240102T104819")
    (safe / "MTD_MSIL1C.xml").write_text("<broken")
    (tmp_path / "S2A_MSIL1C_20231231T104819_N0510_R051_T31TCJ_20240102T160000.zip").write_bytes(b"cut off")
    (tmp_path / "S2A_MSIL1C_20231231T104819_N0510_R051_T31TDJ_20240102T160000.zip").write_bytes(b"of another tile")
    archive, folder, whole = find_dates(tmp_path, "31TCJ").dates
    assert archive.acquired == datetime(2023, 12, 31, 10, 48, 19, tzinfo=UTC)
    assert archive.problem is not None
    assert "neither a .SAFE folder nor a whole zip archive" in archive.problem
    assert folder.acquired == datetime(2024, 1, 2, 10, 48, 19, tzinfo=UTC)
    assert folder.problem is not None
    assert "is not well-formed XML" in folder.problem
    assert whole.problem is None


def test_one_whose_name_has_no_possible_date_is_told_and_the_others_are_shown(tmp_path: Path) -> None:
    safe = write_compact(tmp_path, sensed="20240305T104819")
    copy = safe.rename(tmp_path / safe.name.replace("20240305T104819", "20179999T999999", 1))
    write_compact(tmp_path, sensed="20240305T104819")
    whole, bad = find_dates(tmp_path, "31TCJ").dates
    assert (whole.problem, bad.path, bad.acquired) == (None, copy, None)
    assert "20179999T999999, which is not a date" in str(bad.problem)


def test_a_large_one_is_read_at_a_wavelet_level(small_scene: SyntheticScene) -> None:
    cloudy, clear = find_dates(small_scene.folder, "31TFJ").dates
    assert cloudy.name in str(small_scene.cloudy)
    assert clear.name in str(small_scene.clear)
    for date in (cloudy, clear):
        assert date.picture is not None
        # 720 pixels, halved once.
        assert date.picture.shape == (360, 360, 3)
        assert max(date.picture.shape) <= MOST_PIXELS
        assert date.product is not None
        band = date.product.band("B04")
        numbers = gdal.Open(band.path).ReadAsArray().astype(float)
        means = (numbers.reshape(360, 2, 360, 2).mean((1, 3)) + band.offset) / 10000 / 0.25 * 255
        # A level is low-pass filtered in another way, and lies a quarter of a pixel off.
        assert np.corrcoef(date.picture[..., 0].ravel(), np.clip(means, 0, 255).ravel())[0, 1] > 0.95
        assert abs(date.picture[..., 0].mean() - np.clip(means, 0, 255).mean()) < 3


def test_tiles_by_the_names_of_granules(folder: Path) -> None:
    (archive,) = folder.glob("S2A_OPER*.zip")
    assert tiles_of(archive) == ("31TCJ", "31TDJ")
    assert tiles_of(next(folder.glob("S2B_MSIL1C_20240401*"))) == ("31TDJ",)


def test_a_tile_that_is_not_there(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ProductError, match=r"holds no L1C product of tile 31TCK; there is 31TCJ, 31TDJ$"):
        find_dates(folder, "31TCK")
    with pytest.raises(ProductError, match=r"is not a folder"):
        find_dates(tmp_path / "nowhere", "31TCK")
    with pytest.raises(ConfigurationError, match=r"'ARLES' is not of the form"):
        find_dates(folder, "Arles")


class TestSheet:
    def test_html(self, dates: TileDates, tmp_path: Path) -> None:
        write_sheet(tmp_path / "sheet.html", dates)
        text = (tmp_path / "sheet.html").read_text("utf-8")
        assert "://" not in text
        page = html.fromstring(text)
        captions = [one.text_content() for one in page.xpath("//figcaption/b")]
        assert captions == [caption(one) for one in dates.dates]
        assert len(page.xpath("//img[starts-with(@src, 'data:image/jpeg;base64,')]")) == 3
        (problem,) = page.xpath("//div[@class='none']")
        assert problem.text_content() == dates.dates[2].problem
        names = [one.text_content() for one in page.xpath("//*[@class='name']")]
        assert names == [one.name for one in dates.dates]

    def test_png(self, dates: TileDates, tmp_path: Path) -> None:
        write_sheet(tmp_path / "sheet.png", dates)
        sheet = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
        # Four in a row, each picture enlarged six times.
        for index in (0, 1, 3):
            left, picture = 16 + index * 376, dates.dates[index].picture
            assert picture is not None
            np.testing.assert_array_equal(sheet[16:376, left : left + 360], picture.repeat(6, 0).repeat(6, 1))
        assert (sheet[360:370, 16 + 2 * 376 + 10 : 16 + 2 * 376 + 350] == 255).all()

    def test_where_a_folder_is(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "sheet.png").mkdir()
        message = refused(2, "quicklooks", folder, "--tile", "31TCJ", "-o", tmp_path / "sheet.png")
        assert message == f"{tmp_path / 'sheet.png'}: is a folder; name a file"

    def test_of_another_kind(self, folder: Path, tmp_path: Path) -> None:
        message = refused(2, "quicklooks", folder, "--tile", "31TCJ", "-o", tmp_path / "sheet.jpg")
        assert message == f"{tmp_path / 'sheet.jpg'}: is neither .html nor .png; give the sheet one of these suffixes"

    def test_in_a_folder_that_is_not_there(self, folder: Path, tmp_path: Path) -> None:
        message = refused(2, "quicklooks", folder, "--tile", "31TCJ", "-o", tmp_path / "new" / "sheet.html")
        assert message == f"{tmp_path / 'new'}: there is no such folder; make it first"

    def test_from_the_command_line(self, folder: Path, tmp_path: Path) -> None:
        ended = alcd("quicklooks", folder, "--tile", "31TCJ", "-o", tmp_path / "sheet.html", "--json")
        assert ended.returncode == 0, ended.stderr
        result = json.loads(ended.stdout)
        assert result["sheet"] == str(tmp_path / "sheet.html")
        assert [one["cloud_cover"] for one in result["dates"]] == [63.5, 63.5, None, 63.5]
        assert [one["problem"] is None for one in result["dates"]] == [True, True, False, True]
        text = alcd("quicklooks", folder, "--tile", "31TCJ", "-o", tmp_path / "sheet.png")
        assert text.stdout.startswith(f"{tmp_path / 'sheet.png'}: 4 dates of tile 31TCJ")


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the folder of real products, shared/data, is absent")
def test_real_products() -> None:
    rome = find_dates(REAL_DATA, "33TUG")
    assert [f"{one.acquired:%Y%m%d}" for one in rome.dates if one.acquired] == [
        "20180210",
        "20180307",
        "20180705",
        "20180720",
    ]
    brightness = [one.picture.mean() for one in rome.dates if one.picture is not None]
    # 2018-03-07 is the one that is covered by cloud.
    assert np.argmax(brightness) == 1
    (archive,) = find_dates(REAL_DATA, "31TDH").dates
    assert archive.cloud_cover is not None
    assert archive.problem is not None
    assert "band B04 has no file (present: B01)" in archive.problem
