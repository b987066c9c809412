"""Layouts in which products are handed out: each reads as the .SAFE folder does, by its metadata, not by names."""

import gzip
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from amazon_files import OF_PRODUCT, PRODUCT_FOLDER, TILE_FOLDER, write_amazon
from osgeo import gdal
from places import REAL_DATA
from sentinel2_files import FIRST_VALUE, TILE, compact_name, one_line_error, product_xml, tile_xml, write_compact

from alcd_otb.products.amazon_layout import amazon_metadata
from alcd_otb.products.finding import find_products
from alcd_otb.products.safe_archive import open_archive
from alcd_otb.products.sentinel2_l1c import L1CProduct, check_bands, read_product, tiles_of

BANDS = ("B01", "B02")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product that tests read and pack, but do not change."""
    return write_compact(tmp_path_factory.mktemp("whole"), bands=BANDS)


def same(product: L1CProduct, whole: Path) -> bool:
    """Return whether a product is the whole one but for the paths of its files, whose pixels are the same, too."""
    expected = read_product(whole)
    check_bands(product, BANDS)
    pixels = [gdal.Open(band.path).ReadAsArray() for band in product.bands]
    return (
        replace(product, path=whole, bands=()) == replace(expected, bands=())
        and [(band.name, band.offset) for band in product.bands]
        == [(band.name, band.offset) for band in expected.bands]
        and [int(array[-1, -1]) for array in pixels] == [FIRST_VALUE, FIRST_VALUE + 1]
    )


class TestAmazon:
    def test_reads_as_the_product_does(self, whole: Path, tmp_path: Path) -> None:
        tile = write_amazon(whole, tmp_path, product=OF_PRODUCT)
        assert same(replace(read_product(tile), cloud_cover=read_product(whole).cloud_cover), whole)
        assert read_product(tile / "metadata.xml") == read_product(tile)
        assert read_product(tile, TILE) == read_product(tile)
        assert "does not hold tile 31TFJ; it holds 31TCJ" in one_line_error(lambda: read_product(tile, "31TFJ"))

    def test_an_offset_that_no_file_gives_is_told(
        self, whole: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert read_product(write_amazon(whole, tmp_path, product=OF_PRODUCT)).band("B02").offset == -1000
        (record,) = caplog.records
        assert "do not give RADIO_ADD_OFFSET; -1000 is used" in record.message
        assert "05.10" in record.message

    def test_before_baseline_4_there_is_no_offset(
        self, whole: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        name = compact_name().replace("N0510", "N0301")
        tile = write_amazon(whole, tmp_path, product={"name": name})
        text = (tile / "metadata.xml").read_text()
        (tile / "metadata.xml").write_text(text.replace("_N05.10", "_N03.01"))
        product = read_product(tile)
        assert (product.baseline, product.band("B02").offset, product.name) == ("03.01", 0, name)
        assert (f"{product.acquired:%H:%M:%S}", product.relative_orbit) == ("10:48:19", 51)
        assert caplog.records == []

    def test_the_metadata_in_the_same_copy_of_the_bucket_count(
        self, whole: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        tile = write_amazon(whole, tmp_path, product=OF_PRODUCT)
        (tmp_path / PRODUCT_FOLDER).mkdir(parents=True)
        text = product_xml(f"{compact_name()}.SAFE", offsets=(-900,) * 13)
        (tmp_path / PRODUCT_FOLDER / "metadata.xml").write_text(text)
        assert read_product(tile).band("B02").offset == -900
        assert caplog.records == []

    @pytest.mark.parametrize("path", ["/etc", "../../products", "products/../.."])
    def test_a_path_that_leads_elsewhere_is_not_followed(self, whole: Path, tmp_path: Path, path: str) -> None:
        tile = write_amazon(whole, tmp_path, product=OF_PRODUCT)
        info = json.loads((tile / "tileInfo.json").read_text())
        (tile / "tileInfo.json").write_text(json.dumps(info | {"productPath": path}))
        assert read_product(tile).band("B02").offset == -1000

    def test_metadata_of_the_product_beside_the_bands_count(self, whole: Path, tmp_path: Path) -> None:
        tile = write_amazon(whole, tmp_path, names=False)
        shutil.copy2(whole / "MTD_MSIL1C.xml", tile)
        assert same(replace(read_product(tile)), whole)

    def test_the_name_may_stand_in_the_file_of_the_tile_alone(self, whole: Path, tmp_path: Path) -> None:
        assert read_product(write_amazon(whole, tmp_path)).name == compact_name()

    def test_what_nothing_tells_is_not_guessed(self, whole: Path, tmp_path: Path) -> None:
        message = one_line_error(lambda: read_product(write_amazon(whole, tmp_path / "a", names=False)))
        assert "without productInfo.json, which states the processing baseline; download it" in message
        old = "S2A_OPER_PRD_MSIL1C_PDMC_20240306T062459_R122_V20240305T104819_20240305T104819"
        message = one_line_error(lambda: read_product(write_amazon(whole, tmp_path / "b", product={"name": old})))
        assert "does not state the processing baseline" in message
        message = one_line_error(lambda: read_product(write_amazon(whole, tmp_path / "c", product={"name": "Arles"})))
        assert "its name is 'Arles', not that of a Level-1C product" in message

    def test_a_baseline_in_another_file_that_differs_is_refused(self, whole: Path, tmp_path: Path) -> None:
        tile = write_amazon(whole, tmp_path, product=OF_PRODUCT)
        text = (tile / "metadata.xml").read_text()
        identifier = text[text.index("<TILE_ID") : text.index("</TILE_ID>")]
        (tile / "metadata.xml").write_text(text.replace(identifier, identifier[:-5] + "02.06"))
        assert "TILE_ID states baseline 02.06, the name of the product 05.10" in one_line_error(
            lambda: read_product(tile)
        )

    def test_the_folders_above_lead_to_the_tile(self, whole: Path, tmp_path: Path) -> None:
        write_amazon(whole, tmp_path, product=OF_PRODUCT)
        message = one_line_error(lambda: read_product(tmp_path))
        assert f"holds {TILE_FOLDER}; give the folder of the product itself" in message

    @pytest.mark.skipif(not REAL_DATA.is_dir(), reason="the folder of real products, shared/data, is absent")
    def test_a_real_one(self) -> None:
        product = amazon_metadata(open_archive(REAL_DATA / "T55JGF_20180617_reduced"))
        assert (product.spacecraft, product.baseline, product.relative_orbit) == ("Sentinel-2B", "02.06", 73)
        assert f"{product.acquired:%Y-%m-%dT%H:%M:%S.%f}" == "2018-06-17T00:11:09.024000"
        assert set(product.offsets) == {0}


def packed(whole: Path, path: Path, mode: str = "w", form: int = tarfile.PAX_FORMAT, prefix: str | None = None) -> Path:
    with tarfile.open(path, mode, format=form) as archive:  # type: ignore[call-overload]
        archive.add(whole, whole.name if prefix is None else prefix)
    return path


class TestTar:
    @pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
    @pytest.mark.parametrize(("suffix", "mode"), [(".tar", "w"), (".tar.gz", "w:gz"), (".tgz", "w:gz"), ("", "w")])
    def test_reads_as_the_folder_does(self, whole: Path, tmp_path: Path, form: int, suffix: str, mode: str) -> None:
        assert same(read_product(packed(whole, tmp_path / f"product{suffix}", mode, form)), whole)

    def test_with_the_product_at_its_top(self, whole: Path, tmp_path: Path) -> None:
        assert same(read_product(packed(whole, tmp_path / "product.tar", prefix=".")), whole)

    def test_a_compressed_one_leaves_no_file_beside_it(self, whole: Path, tmp_path: Path) -> None:
        check_bands(read_product(packed(whole, tmp_path / "product.tgz", "w:gz")), BANDS)
        assert [file.name for file in tmp_path.iterdir()] == ["product.tgz"]

    @pytest.mark.parametrize("compressed", [False, True])
    def test_one_that_is_cut_off_is_to_be_downloaded_again(self, whole: Path, tmp_path: Path, compressed: bool) -> None:
        path = packed(whole, tmp_path / "product.tar", "w:gz" if compressed else "w")
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "cut off or damaged; download the product again" in one_line_error(lambda: read_product(path))

    def test_links_and_names_that_lead_out_are_refused(self, whole: Path, tmp_path: Path) -> None:
        def linked(entry: tarfile.TarInfo) -> tarfile.TarInfo:
            if entry.name.endswith("_B02.jp2"):
                entry.type, entry.linkname, entry.size = tarfile.SYMTYPE, "/etc/passwd", 0
            return entry

        path = tmp_path / "linked.tar"
        with tarfile.open(path, "w") as archive:
            archive.add(whole, whole.name, filter=linked)
        assert "is a link in the archive" in one_line_error(lambda: read_product(path))
        path = packed(whole, tmp_path / "slip.tar", prefix=".")
        with tarfile.open(path, "a") as archive:
            archive.addfile(tarfile.TarInfo("../../.bashrc"))
        assert "leads out of the archive" in one_line_error(lambda: read_product(path))
        path = packed(whole, tmp_path / "twice.tar")
        with tarfile.open(path, "a") as archive:
            archive.add(whole / "MTD_MSIL1C.xml", f"{whole.name}/MTD_MSIL1C.xml")
        assert "twice" in one_line_error(lambda: read_product(path))

    def test_sizes_that_no_product_has_are_refused(self, tmp_path: Path) -> None:
        header = tarfile.TarInfo("x.SAFE/MTD_MSIL1C.xml")
        for size, expected in ((2**30, "is larger than 8 MB"), (2**35, "16384 MB")):
            header.size = size
            path = tmp_path / f"{size}.tar"
            with path.open("wb") as stream:
                stream.write(header.tobuf(tarfile.GNU_FORMAT))
                stream.truncate(512 + size + 1024)
            message = one_line_error(lambda path=path: open_archive(path).read("MTD_MSIL1C.xml"))  # type: ignore[misc]
            assert expected in message

    def test_a_header_of_a_name_is_not_read_into_memory_whatever_its_size(self, tmp_path: Path) -> None:
        header = tarfile.TarInfo("././@LongLink")
        header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2**33
        path = tmp_path / "bomb.tar"
        with path.open("wb") as stream:
            stream.write(header.tobuf(tarfile.GNU_FORMAT))
            stream.truncate(512 + 2**33)
        assert "has a piece of more than 64 MB" in one_line_error(lambda: read_product(path))

    def test_what_is_gzip_and_no_tar_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "notes.tar.gz").write_bytes(gzip.compress(b"notes"))
        assert "is a gzip archive; unpack it" in one_line_error(lambda: read_product(tmp_path / "notes.tar.gz"))


class TestNames:
    @pytest.mark.parametrize("name", ["1", "tile", "L1C"])
    def test_a_granule_of_any_name(self, whole: Path, tmp_path: Path, name: str) -> None:
        safe = Path(shutil.copytree(whole, tmp_path / whole.name))
        (granule,) = safe.glob("GRANULE/*")
        granule.rename(granule.parent / name)
        assert same(read_product(safe, TILE), whole)
        assert tiles_of(safe) == (TILE,)
        assert f"does not hold tile 31TFJ; it holds {TILE}" in one_line_error(lambda: read_product(safe, "31TFJ"))

    def test_several_granules_of_any_name(self, whole: Path, tmp_path: Path) -> None:
        safe = Path(shutil.copytree(whole, tmp_path / "both"))
        (granule,) = safe.glob("GRANULE/*")
        other = Path(shutil.copytree(granule, granule.parent / "2"))
        granule.rename(granule.parent / "1")
        (other / "MTD_TL.xml").write_text(tile_xml("31TDJ"))
        assert tiles_of(safe) == (TILE, "31TDJ")
        assert read_product(safe, "31TCJ").tile == "31TCJ"
        (safe / "MTD_MSIL1C.xml").write_text(product_xml("").replace("<PRODUCT_URI></PRODUCT_URI>", ""))
        assert read_product(safe, "31TDJ").tile == "31TDJ"
        assert "choose one of the tiles 31TCJ, 31TDJ" in one_line_error(lambda: read_product(safe))

    def test_a_folder_without_safe(self, whole: Path, tmp_path: Path) -> None:
        folder = Path(shutil.copytree(whole, tmp_path / "cloudy"))
        assert same(read_product(folder), whole)
        assert "holds cloudy; give the folder of the product itself" in one_line_error(lambda: read_product(tmp_path))


@pytest.fixture(scope="module")
def folder(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folder")
    shutil.copytree(whole, folder / "deep" / "any name")
    shutil.copytree(whole, folder / whole.name)
    write_amazon(whole, folder, product=OF_PRODUCT)
    packed(whole, folder / "a.tar")
    packed(whole, folder / "deep" / "b.tgz", "w:gz")
    (folder / "empty.SAFE").mkdir()
    level_2a = folder / "renamed"
    level_2a.mkdir()
    (level_2a / "MTD_MSIL2A.xml").write_text("<a/>")
    (folder / "S2A_MSIL2A_x.zip").write_bytes(b"")
    (folder / "amazon_2a").mkdir()
    (folder / "amazon_2a" / "metadata.xml").write_text("<n1:Level-2A_Tile_ID xmlns:n1='x'/>")
    (folder / "amazon_2a" / "tileInfo.json").write_text("{}")
    (folder / f"{whole.name}.7z").write_bytes(b"")
    (folder / "notes.txt").write_text("")
    (folder / ("._" + "a.tar")).write_bytes(b"")
    return folder


class TestFinding:
    def test_finds_every_layout(self, folder: Path, whole: Path) -> None:
        found = [str(one.path.relative_to(folder)) for one in find_products(folder) if one.left_out is None]
        assert sorted(found) == sorted(["a.tar", "empty.SAFE", "deep/any name", "deep/b.tgz", TILE_FOLDER, whole.name])

    def test_says_what_is_left_out(self, folder: Path, whole: Path) -> None:
        assert {one.path.name: one.left_out for one in find_products(folder) if one.left_out is not None} == {
            "renamed": "is a Level-2A product",
            "amazon_2a": "is a Level-2A product",
            "S2A_MSIL2A_x.zip": "is a Level-2A product",
            f"{whole.name}.7z": "is an archive of a kind that is not read; unpack it",
        }

    def test_a_product_is_found_where_it_is_the_folder(self, whole: Path) -> None:
        assert [one.path for one in find_products(whole)] == [whole]
