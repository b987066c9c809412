"""L1C products that the tests write: read, and broken in every way."""

import shutil
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from osgeo import gdal
from sentinel2_files import (
    BANDS,
    FIRST_VALUE,
    LEFT,
    TILE,
    TOP,
    compact_name,
    one_line_error,
    tile_xml,
    write_compact,
    write_jp2,
    write_multi_granule,
    zip_product,
)

from alcd_otb.products.sentinel2_l1c import check_bands, read_product
from alcd_otb.raster.grid import Grid


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product that tests read and copy, but do not change."""
    return write_compact(tmp_path_factory.mktemp("whole"), offsets=tuple(range(-1000, -1013, -1)))


@pytest.fixture
def safe(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, for tests that break it."""
    return Path(shutil.copytree(whole, tmp_path / whole.name))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def product_metadata(safe: Path) -> Path:
    return safe / "MTD_MSIL1C.xml"


def tile_metadata(safe: Path) -> Path:
    (file,) = safe.glob("GRANULE/*/MTD_TL.xml")
    return file


def band_file(safe: Path, band: str) -> Path:
    (file,) = safe.glob(f"GRANULE/*/IMG_DATA/*_{band}.jp2")
    return file


def last_pixel(path: str) -> int:
    """The lower right pixel, which has the exact value of the band."""
    dataset = gdal.Open(path)
    return int(dataset.ReadAsArray(dataset.RasterXSize - 1, dataset.RasterYSize - 1, 1, 1)[0, 0])


class TestReadProduct:
    def test_reads_every_value_of_a_compact_product(self, whole: Path) -> None:
        assert tile_xml().index("3.25") < tile_xml().index("51.75"), "viewing angles stand before the sun's"
        product = read_product(whole)
        assert product.path == whole
        assert product.name == compact_name()
        assert product.tile == "31TCJ"
        assert product.acquired == datetime(2024, 3, 5, 10, 48, 19, 24000, tzinfo=UTC)
        assert product.relative_orbit == 51
        assert product.spacecraft == "Sentinel-2B"
        assert product.baseline == "05.10"
        assert product.quantification == 10000.0
        assert (product.no_data, product.saturated) == (0, 65535)
        assert (product.sun_zenith, product.sun_azimuth) == (51.75, 158.5)
        assert product.cloud_cover == 63.5
        assert product.grids == {
            10: Grid("EPSG:32631", LEFT, TOP, 10, 60, 60),
            20: Grid("EPSG:32631", LEFT, TOP, 20, 30, 30),
            60: Grid("EPSG:32631", LEFT, TOP, 60, 10, 10),
        }

    def test_gives_each_band_its_own_file_offset_and_resolution(self, whole: Path) -> None:
        product = read_product(whole)
        assert tuple(band.name for band in product.bands) == BANDS
        assert [band.offset for band in product.bands] == list(range(-1000, -1013, -1))
        assert [last_pixel(band.path) for band in product.bands] == [FIRST_VALUE + index for index in range(13)]
        assert {band.name for band in product.bands if band.resolution == 20} == {
            "B05", "B06", "B07", "B8A", "B11", "B12",
        }  # fmt: skip
        assert product.band("B8A").offset == -1008
        assert last_pixel(product.band("B8A").path) == FIRST_VALUE + 8
        check_bands(product, BANDS)

    @pytest.mark.parametrize("psd", [12, 13, 14, 15])
    def test_reads_every_version_of_the_specification(self, safe: Path, psd: int) -> None:
        for file in (product_metadata(safe), tile_metadata(safe)):
            edit(file, "psd-14", f"psd-{psd}")
        assert read_product(safe).sun_zenith == 51.75

    def test_offset_is_zero_before_baseline_0400(self, tmp_path: Path) -> None:
        product = read_product(write_compact(tmp_path, baseline="03.01", offsets=None, bands=["B02"]))
        assert [(band.name, band.offset) for band in product.bands] == [("B02", 0)]

    def test_takes_the_product_s_cloud_cover_where_the_tile_has_none(self, safe: Path) -> None:
        edit(tile_metadata(safe), "CLOUDY_PIXEL_PERCENTAGE", "OTHER_PERCENTAGE")
        assert read_product(safe).cloud_cover == 11.5
        edit(product_metadata(safe), "Cloud_Coverage_Assessment", "Other_Assessment")
        assert read_product(safe).cloud_cover is None

    def test_reads_a_renamed_product_at_a_path_with_spaces_and_accents(self, whole: Path, tmp_path: Path) -> None:
        folder = tmp_path / "Données d'été {1}"
        shutil.copytree(whole, folder / "nuageuse")
        product = read_product(folder / "nuageuse")
        assert product.name == compact_name()
        assert last_pixel(product.band("B03").path) == FIRST_VALUE + 2

    def test_relative_paths_still_open_after_a_change_of_folder(
        self, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(whole.parent)
        product = read_product(Path(whole.name))
        monkeypatch.chdir(tmp_path)
        assert last_pixel(product.band("B02").path) == FIRST_VALUE + 1

    def test_ignores_twins_of_files_that_macos_leaves(self, safe: Path) -> None:
        twin = band_file(safe, "B02")
        twin.with_name(f"._{twin.name}").write_bytes(b"Mac OS X")
        (safe / "._MTD_MSIL1C.xml").write_bytes(b"Mac OS X")
        (safe / "GRANULE" / ".DS_Store").write_bytes(b"Mac OS X")
        assert last_pixel(read_product(safe).band("B02").path) == FIRST_VALUE + 1

    def test_reads_a_crop_whose_metadata_are_of_the_full_tile(self, tmp_path: Path) -> None:
        """As in the original's test data: every band at 10 m, cut out of the tile's middle."""
        safe = write_compact(tmp_path, bands=[])
        tile_metadata(safe).write_text(tile_xml(metres=109800), encoding="utf-8")
        for index, band in enumerate(BANDS):
            file = tile_metadata(safe).parent / "IMG_DATA" / f"T31TCJ_20240305T104819_{band}.jp2"
            write_jp2(file, FIRST_VALUE + index, 10, metres=300, left=350000, top=4850020)
        product = read_product(safe)
        assert {band.resolution for band in product.bands} == {10}
        assert product.grids == {10: Grid("EPSG:32631", 350000, 4850020, 10, 30, 30)}

    def test_reads_a_crop_that_is_no_multiple_of_60_m(self, tmp_path: Path) -> None:
        safe = write_compact(tmp_path, metres=640, bands=["B01", "B02", "B05"])
        grids = read_product(safe).grids
        assert {metres: grid.width for metres, grid in grids.items()} == {10: 64, 20: 32, 60: 10}


class TestMultiGranule:
    @pytest.mark.parametrize("asked", ["31TFJ", "T31TFJ", "31tfj"])
    def test_the_tile_chooses(self, tmp_path: Path, asked: str) -> None:
        product = read_product(write_multi_granule(tmp_path, ["31TEJ", "31TFJ"]), tile=asked)
        assert product.tile == "31TFJ"
        assert product.relative_orbit == 108
        assert product.spacecraft == "Sentinel-2A"
        assert product.baseline == "02.04"
        assert product.acquired == datetime(2016, 10, 5, 10, 30, 22, 24000, tzinfo=UTC)
        assert product.name.startswith("S2A_OPER_PRD_MSIL1C_PDMC_20161005T201511_R108")
        assert [(band.name, band.resolution, band.offset) for band in product.bands] == [
            ("B02", 10, 0),
            ("B8A", 20, 0),
        ]
        assert product.grids[10].left == LEFT + 600
        assert last_pixel(product.band("B8A").path) == FIRST_VALUE + 100 + 8

    def test_without_a_tile_the_error_names_them(self, tmp_path: Path) -> None:
        safe = write_multi_granule(tmp_path, ["31TEJ", "31TFJ"])
        assert "choose one of the tiles 31TEJ, 31TFJ" in one_line_error(lambda: read_product(safe))

    def test_one_granule_needs_no_tile(self, tmp_path: Path) -> None:
        assert read_product(write_multi_granule(tmp_path, ["31TFJ"])).tile == "31TFJ"

    def test_refuses_a_tile_that_it_does_not_hold(self, tmp_path: Path) -> None:
        safe = write_multi_granule(tmp_path, ["31TEJ", "31TFJ"])
        message = one_line_error(lambda: read_product(safe, tile="32TLP"))
        assert "32TLP" in message
        assert "31TEJ, 31TFJ" in message

    def test_refuses_a_tile_that_it_holds_twice(self, tmp_path: Path) -> None:
        safe = write_multi_granule(tmp_path, ["31TFJ"])
        (granule,) = (safe / "GRANULE").iterdir()
        shutil.copytree(granule, granule.with_name(granule.name.replace("155252", "155253")))
        assert "2 granules of tile 31TFJ" in one_line_error(lambda: read_product(safe, tile="31TFJ"))

    def test_reads_from_a_zip(self, tmp_path: Path) -> None:
        safe = write_multi_granule(tmp_path, ["31TEJ", "31TFJ"])
        archive = zip_product(safe, tmp_path / "old.zip", f"{safe.name}/")
        product = read_product(archive, tile="31TFJ")
        assert last_pixel(product.band("B02").path) == FIRST_VALUE + 100 + 1


class TestZip:
    @pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    @pytest.mark.parametrize("prefix", [f"{compact_name()}.SAFE/", "", "deep/er/"])
    def test_is_read_in_place(self, whole: Path, tmp_path: Path, prefix: str, compression: int) -> None:
        archive = zip_product(whole, tmp_path / f"{compact_name()}.zip", prefix, compression)
        zipped, unpacked = read_product(archive), read_product(whole)
        check_bands(zipped, BANDS)
        assert zipped.name == unpacked.name
        assert zipped.grids == unpacked.grids
        assert [band.offset for band in zipped.bands] == [band.offset for band in unpacked.bands]
        assert [last_pixel(band.path) for band in zipped.bands] == [FIRST_VALUE + index for index in range(13)]
        assert sorted(tmp_path.iterdir()) == [archive]

    @pytest.mark.parametrize("name", ["a b é.zip", "a.zip.d/b.SAFE.zip", "no_suffix"])
    def test_may_have_any_name(self, whole: Path, tmp_path: Path, name: str) -> None:
        archive = zip_product(whole, tmp_path / name, "x/")
        assert last_pixel(read_product(archive).band("B12").path) == FIRST_VALUE + 12

    def test_twins_that_macos_packs_are_ignored(self, whole: Path, tmp_path: Path) -> None:
        archive = zip_product(whole, tmp_path / "mac.zip", "x.SAFE/")
        with zipfile.ZipFile(archive, "a") as packed:
            packed.writestr("__MACOSX/x.SAFE/._MTD_MSIL1C.xml", b"Mac OS X")
        assert read_product(archive).tile == TILE

    def test_that_is_no_zip_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "product.zip"
        file.write_bytes(b"<html>Please log in</html>")
        message = one_line_error(lambda: read_product(file))
        assert str(file) in message
        assert "zip" in message

    def test_that_is_cut_off_is_refused(self, whole: Path, tmp_path: Path) -> None:
        archive = zip_product(whole, tmp_path / "cut.zip", "")
        archive.write_bytes(archive.read_bytes()[:-3000])
        assert "download the product again" in one_line_error(lambda: read_product(archive))

    def test_with_a_damaged_member_is_refused(self, whole: Path, tmp_path: Path) -> None:
        archive = zip_product(whole, tmp_path / "flipped.zip", "", zipfile.ZIP_STORED)
        content = archive.read_bytes()
        assert b"QUANTIFICATION_VALUE" in content
        archive.write_bytes(content.replace(b"QUANTIFICATION_VALUE", b"QUANTIFICATION-VALUE"))
        message = one_line_error(lambda: read_product(archive))
        assert "MTD_MSIL1C.xml" in message
        assert "CRC" in message

    def test_with_two_products_is_refused(self, whole: Path, tmp_path: Path) -> None:
        archive = zip_product(whole, tmp_path / "two.zip", "one.SAFE/")
        with zipfile.ZipFile(archive, "a") as packed:
            packed.write(whole / "MTD_MSIL1C.xml", "two.SAFE/MTD_MSIL1C.xml")
        message = one_line_error(lambda: read_product(archive))
        assert "one.SAFE/MTD_MSIL1C.xml, two.SAFE/MTD_MSIL1C.xml" in message

    def test_with_a_truncated_band_is_refused_by_its_name(self, safe: Path, tmp_path: Path) -> None:
        file = band_file(safe, "B04")
        file.write_bytes(file.read_bytes()[:-20])
        product = read_product(zip_product(safe, tmp_path / "x.zip", ""))
        check_bands(product, [band for band in BANDS if band != "B04"])
        assert file.name in one_line_error(lambda: check_bands(product, BANDS))


class TestNotAProduct:
    def test_absent_path(self, tmp_path: Path) -> None:
        assert "there is no such file" in one_line_error(lambda: read_product(tmp_path / "absent.SAFE"))

    def test_folder_of_something_else(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
        assert "not a Sentinel-2 L1C product" in one_line_error(lambda: read_product(tmp_path))

    def test_folder_around_the_product(self, whole: Path) -> None:
        message = one_line_error(lambda: read_product(whole.parent))
        assert whole.name in message
        assert "give the .SAFE folder itself" in message

    @pytest.mark.parametrize(
        "name", ["MTD_MSIL2A.xml", "S2A_USER_MTD_SAFL2A_PDMC_20160318T145513_R108_V20160317T102636.xml"]
    )
    def test_level_2a(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("<Level-2A_User_Product/>", encoding="utf-8")
        message = one_line_error(lambda: read_product(tmp_path))
        assert "Level-2A" in message
        assert "give the Level-1C product" in message

    def test_level_2a_under_the_name_of_1c(self, safe: Path) -> None:
        edit(product_metadata(safe), "Level-1C_User_Product", "Level-2A_User_Product")
        assert "is a Level-2A_User_Product" in one_line_error(lambda: read_product(safe))


class TestDamagedMetadata:
    def test_missing_tile_metadata(self, safe: Path) -> None:
        tile_metadata(safe).unlink()
        assert "MTD_TL.xml" in one_line_error(lambda: read_product(safe))

    def test_missing_granule(self, safe: Path) -> None:
        shutil.rmtree(safe / "GRANULE")
        assert "GRANULE is missing" in one_line_error(lambda: read_product(safe))

    def test_missing_images(self, safe: Path) -> None:
        shutil.rmtree(band_file(safe, "B02").parent)
        assert "holds no band" in one_line_error(lambda: read_product(safe))

    @pytest.mark.parametrize("which", [product_metadata, tile_metadata])
    @pytest.mark.parametrize("content", [b"", b"\x00\x01", b"<a><b></a>", None])
    def test_malformed_xml(self, safe: Path, which: Callable[[Path], Path], content: bytes | None) -> None:
        file = which(safe)
        file.write_bytes(file.read_bytes()[:-40] if content is None else content)
        message = one_line_error(lambda: read_product(safe))
        assert str(file) in message
        assert "not well-formed XML" in message

    @pytest.mark.parametrize(
        "element",
        [
            "QUANTIFICATION_VALUE",
            "PROCESSING_BASELINE",
            "DATATAKE_SENSING_START",
            "SENSING_ORBIT_NUMBER",
            "SPACECRAFT_NAME",
            "RADIO_ADD_OFFSET",
            "NODATA",
            "SATURATED",
        ],
    )
    def test_missing_element_of_the_product(self, safe: Path, element: str) -> None:
        edit(product_metadata(safe), element, "SOMETHING_ELSE")
        message = one_line_error(lambda: read_product(safe))
        assert element in message
        assert "MTD_MSIL1C.xml" in message

    @pytest.mark.parametrize(
        "element", ["TILE_ID", "HORIZONTAL_CS_CODE", "Mean_Sun_Angle", "Size", "Geoposition", "NROWS", "ULX"]
    )
    def test_missing_element_of_the_tile(self, safe: Path, element: str) -> None:
        file = tile_metadata(safe)
        for bracket in ("<", "</"):
            edit(file, f"{bracket}{element}", f"{bracket}Something_Else")
        message = one_line_error(lambda: read_product(safe))
        assert element in message
        assert "MTD_TL.xml" in message

    @pytest.mark.parametrize(
        ("old", "new", "value"),
        [
            (">10000<", "><", "QUANTIFICATION_VALUE"),
            (">10000<", ">0<", "'0'"),
            (">10000<", ">ten thousand<", "'ten thousand'"),
            (">10000<", ">NaN<", "'NaN'"),
            (">10000<", ">1e999<", "'1e999'"),
            (">51<", ">144<", "'144'"),
            (">51<", ">51.5<", "'51.5'"),
            (">05.10<", ">5<", "'5'"),
            (">Sentinel-2B<", ">Landsat-8<", "'Landsat-8'"),
            ("2024-03-05T", "2024-13-05T", "'2024-13-05T10:48:19.024Z'"),
            ('band_id="8"', 'band_id="13"', "band_id 8 (B8A)"),
            ('band_id="8"', 'band_id="7"', "twice for band_id '7'"),
            (">-1008<", ">-1008.5<", "'-1008.5'"),
            (">65535<", ">70000<", "'70000'"),
        ],
    )
    def test_impossible_value(self, safe: Path, old: str, new: str, value: str) -> None:
        edit(product_metadata(safe), old, new)
        message = one_line_error(lambda: read_product(safe))
        assert str(product_metadata(safe)) in message
        assert value in message

    def test_comments_do_not_cut_a_value_short(self, safe: Path) -> None:
        edit(product_metadata(safe), ">10000<", ">10<!-- x -->000<")
        assert read_product(safe).quantification == 10000


class TestHostileXml:
    def test_billion_laughs_are_not_expanded(self, safe: Path) -> None:
        entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        document = product_metadata(safe).read_text(encoding="utf-8")
        document = document.replace("?>", f'?><!DOCTYPE x [<!ENTITY l0 "1">{entities}]>', 1)
        document = document.replace(">10000<", ">&l9;<")
        product_metadata(safe).write_text(document, encoding="utf-8")
        assert "MTD_MSIL1C.xml" in one_line_error(lambda: read_product(safe))

    def test_a_harmless_entity_is_refused_too(self, safe: Path) -> None:
        edit(product_metadata(safe), 'standalone="no"?>', '?><!DOCTYPE x [<!ENTITY zeros "0000">]>')
        edit(product_metadata(safe), ">10000<", ">1&zeros;<")
        assert "declares a DTD" in one_line_error(lambda: read_product(safe))

    def test_an_external_file_is_not_read(self, safe: Path, tmp_path: Path) -> None:
        secret = tmp_path / "secret.txt"
        secret.write_text("<would & fail the parser, were it read", encoding="utf-8")
        document = product_metadata(safe).read_text(encoding="utf-8")
        document = document.replace("?>", f'?><!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>', 1)
        product_metadata(safe).write_text(document.replace(">10000<", ">&e;<"), encoding="utf-8")
        assert "declares a DTD" in one_line_error(lambda: read_product(safe))

    def test_an_external_dtd_is_not_fetched(self, safe: Path) -> None:
        edit(tile_metadata(safe), '"UTF-8"?>', '"UTF-8"?><!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">')
        assert "declares a DTD" in one_line_error(lambda: read_product(safe))


class TestContradictions:
    @pytest.mark.parametrize(
        ("old", "new", "what"),
        [
            ("T31TCJ", "T31TFJ", "tile 31TFJ, the metadata state 31TCJ"),
            ("20240305T104819", "20240304T104819", "acquisition 2024-03-04 10:48:19"),
            ("S2B", "S2A", "spacecraft Sentinel-2A, the metadata state Sentinel-2B"),
        ],
    )
    def test_a_folder_s_name_must_tell_the_truth(self, safe: Path, old: str, new: str, what: str) -> None:
        renamed = safe.rename(safe.with_name(safe.name.replace(old, new)))
        assert what in one_line_error(lambda: read_product(renamed))

    def test_a_zip_s_name_must_tell_the_truth(self, whole: Path, tmp_path: Path) -> None:
        archive = zip_product(whole, tmp_path / f"{compact_name(tile='31TFJ')}.SAFE.zip", f"{whole.name}/")
        assert "the metadata state 31TCJ" in one_line_error(lambda: read_product(archive))

    def test_the_product_s_uri_must_fit_its_tile(self, safe: Path) -> None:
        edit(product_metadata(safe), "_T31TCJ_", "_T31TFJ_")
        assert "the metadata state 31TCJ" in one_line_error(lambda: read_product(safe))

    def test_a_granule_s_folder_must_fit_its_metadata(self, safe: Path) -> None:
        granule = tile_metadata(safe).parent
        granule.rename(granule.with_name(granule.name.replace("31TCJ", "31TFJ")))
        assert "its folder states 31TFJ" in one_line_error(lambda: read_product(safe))

    def test_a_tile_that_the_product_is_not_of(self, safe: Path) -> None:
        assert "does not hold tile 31TFJ; it holds 31TCJ" in one_line_error(lambda: read_product(safe, "31TFJ"))

    def test_a_band_file_in_two_copies(self, safe: Path) -> None:
        file = band_file(safe, "B02")
        shutil.copy(file, file.with_name(f"copy_{file.name}"))
        assert "second file of B02" in one_line_error(lambda: read_product(safe))

    @pytest.mark.parametrize(
        ("band", "placed", "message"),
        [
            ("B02", {"resolution": 10, "left": LEFT + 10}, "the tile's metadata state"),
            ("B02", {"resolution": 10, "left": LEFT + 300000, "metres": 300}, "the tile's metadata state"),
            ("B11", {"resolution": 20, "metres": 580}, "other bands cover"),
            ("B02", {"resolution": 10, "epsg": 32632}, "is in EPSG:32632"),
            ("B02", {"resolution": 15}, "pixels of 15 m"),
        ],
    )
    def test_a_band_of_another_grid(self, safe: Path, band: str, placed: dict[str, int], message: str) -> None:
        file = band_file(safe, band)
        write_jp2(file, 1, **placed)
        found = one_line_error(lambda: read_product(safe))
        assert file.name in found
        assert message in found

    def test_bands_of_one_resolution_on_two_grids(self, tmp_path: Path) -> None:
        safe = write_compact(tmp_path, bands=["B02", "B05", "B06"])
        tile_metadata(safe).write_text(tile_xml(metres=109800), encoding="utf-8")
        write_jp2(band_file(safe, "B06"), 1, 20, left=LEFT + 10)
        message = one_line_error(lambda: read_product(safe))
        assert "B06.jp2" in message
        assert "another grid than the other bands of 20 m" in message


class TestCheckBands:
    def test_a_missing_band_is_an_error_only_where_it_is_needed(self, safe: Path) -> None:
        band_file(safe, "B10").unlink()
        product = read_product(safe)
        check_bands(product, [band for band in BANDS if band != "B10"])
        message = one_line_error(lambda: check_bands(product, ["B02", "B10"]))
        assert "B10 has no file (present: B01, B02, B03," in message
        assert str(safe) in message

    @pytest.mark.parametrize("cut", [1, 2, 30, 200])
    def test_a_truncated_band_is_named(self, safe: Path, cut: int) -> None:
        file = band_file(safe, "B03")
        file.write_bytes(file.read_bytes()[:-cut])
        product = read_product(safe)
        message = one_line_error(lambda: check_bands(product, BANDS))
        assert str(file) in message
        assert f"does not fit into the {file.stat().st_size} bytes of the file" in message

    @pytest.mark.parametrize("cut", [1, 30])
    def test_a_truncated_band_whose_codestream_has_no_length_is_named(self, safe: Path, cut: int) -> None:
        """ESA's own files give the codestream box the length 0, "to the end of the file"."""
        file = band_file(safe, "B03")
        content = bytearray(file.read_bytes())
        place = content.index(b"jp2c") - 4
        content[place : place + 4] = bytes(4)
        file.write_bytes(content)
        product = read_product(safe)
        check_bands(product, ["B03"])
        file.write_bytes(content[:-cut])
        assert "cut off" in one_line_error(lambda: check_bands(product, ["B03"]))

    def test_a_codestream_box_with_an_extended_length_is_whole(self, safe: Path) -> None:
        file = band_file(safe, "B03")
        content = file.read_bytes()
        place = content.index(b"jp2c") - 4
        length = int.from_bytes(content[place : place + 4], "big") + 8
        extended = b"\x00\x00\x00\x01jp2c" + length.to_bytes(8, "big")
        file.write_bytes(content[:place] + extended + content[place + 8 :])
        product = read_product(safe)
        check_bands(product, ["B03"])
        file.write_bytes(file.read_bytes()[:-5])
        assert "cut off" in one_line_error(lambda: check_bands(product, ["B03"]))

    @pytest.mark.parametrize("size", [0, 11, 12, 40, 90])
    def test_a_band_cut_within_its_header_is_named(self, safe: Path, size: int) -> None:
        product = read_product(safe)
        file = band_file(safe, "B03")
        file.write_bytes(file.read_bytes()[:size])
        assert str(file) in one_line_error(lambda: check_bands(product, BANDS))
        assert str(file) in one_line_error(lambda: read_product(safe))

    def test_a_band_preallocated_by_a_download_that_stopped_is_named(self, safe: Path) -> None:
        file = band_file(safe, "B03")
        content = file.read_bytes()
        file.write_bytes(content[:-100] + bytes(100))
        product = read_product(safe)
        assert "end before the image does" in one_line_error(lambda: check_bands(product, ["B03"]))

    def test_a_band_that_disappeared_is_named(self, safe: Path) -> None:
        product = read_product(safe)
        file = band_file(safe, "B03")
        file.unlink()
        assert str(file) in one_line_error(lambda: check_bands(product, ["B03"]))
