"""What people give as the path of a product: taken, or refused with the path or the step that helps."""

import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import pytest
from sentinel2_files import TILE, compact_name, one_line_error, write_compact, zip_product

from alcd_otb.products.sentinel2_l1c import read_product

AGAIN = "download the product again"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A product that tests read and pack, but do not change."""
    return write_compact(tmp_path_factory.mktemp("whole"), bands=("B01", "B02"))


def refusal(path: Path) -> str:
    message = one_line_error(lambda: read_product(path))
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_the_file_of_the_metadata_stands_for_its_folder(whole: Path) -> None:
    assert read_product(whole / "MTD_MSIL1C.xml") == read_product(whole)


@pytest.mark.parametrize(
    "part", ["GRANULE", "GRANULE/*", "GRANULE/*/IMG_DATA", "GRANULE/*/MTD_TL.xml", "GRANULE/*/IMG_DATA/*_B02.jp2"]
)
def test_a_part_of_a_product_leads_to_the_product(whole: Path, part: str) -> None:
    (path,) = whole.glob(part)
    assert refusal(path).endswith(f"give the .SAFE folder: {whole}")


@pytest.mark.parametrize(("suffix", "mode"), [(".tar.xz", "w:xz"), (".tar.bz2", "w:bz2"), (".zip", "w:xz")])
def test_another_archive_is_to_be_unpacked(whole: Path, tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"product{suffix}"
    with tarfile.open(path, mode) as packed:  # type: ignore[call-overload]
        packed.add(whole / "MTD_MSIL1C.xml", f"{whole.name}/MTD_MSIL1C.xml")
    assert "archive; unpack it, and give the .SAFE folder in it" in refusal(path)


def test_a_7z_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "product.7z").write_bytes(b"7z\xbc\xaf\x27\x1c\0\4" + bytes(24))
    assert "is a 7z archive; unpack it" in refusal(tmp_path / "product.7z")


def test_a_zip_with_backslashes_is_read(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "windows.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in whole.rglob("*.*"):
            if file.is_file():
                entry = zipfile.ZipInfo("x")
                entry.filename = str(file.relative_to(whole.parent)).replace("/", "\\")
                packed.writestr(entry, file.read_bytes())
    packed_product, product = read_product(path), read_product(whole)
    assert packed_product.grids == product.grids
    assert [band.name for band in packed_product.bands] == ["B01", "B02"]


@pytest.mark.parametrize("inner", ["inner.zip", "folder/inner.zip", "inner.tar.gz"])
def test_a_zip_that_holds_an_archive_is_to_be_unpacked(tmp_path: Path, inner: str) -> None:
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as packed:
        packed.writestr(inner, b"PK")
    assert f"({inner}); unpack it, and give the product in it" in refusal(tmp_path / "outer.zip")


def test_a_folder_around_a_product_names_it(whole: Path, tmp_path: Path) -> None:
    assert f"holds {whole.name}; give the .SAFE folder itself" in refusal(whole.parent)
    assert "is an empty folder" in refusal(tmp_path)
    zip_product(whole, tmp_path / "product.zip", "")
    assert "holds a zip (product.zip); give that itself" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["MTD_MSIL2A.xml", "S2A_USER_MTD_SAFL2A_PDMC_20160606T232310.xml"])
def test_a_product_of_another_level_is_named(tmp_path: Path, name: str) -> None:
    safe = tmp_path / "S2A_MSIL2A.SAFE"
    safe.mkdir()
    (safe / name).write_text("<a/>")
    assert "is a Level-2A product; give the Level-1C product" in refusal(safe)
    assert "is a Level-2A product" in one_line_error(lambda: read_product(safe / name))


def test_another_download_is_asked_for_only_where_it_helps(whole: Path, tmp_path: Path) -> None:
    packed = zip_product(whole, tmp_path / "packed.zip", "x.SAFE/").read_bytes()
    for name, content, helps in (
        ("login.zip", b"<html>Please log in</html>", True),
        ("empty.zip", b"", True),
        ("cut.zip", packed[:-3000], True),
        ("cut", packed[:-3000], True),
        ("picture.png", b"\x89PNG", False),
        ("notes.txt", b"clouds", False),
    ):
        (tmp_path / name).write_bytes(content)
        assert (AGAIN in refusal(tmp_path / name)) == helps, name
    without = Path(shutil.copytree(whole, tmp_path / "without.SAFE"))
    (without / "MTD_MSIL1C.xml").unlink()
    assert AGAIN in refusal(without)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_not_to_be_downloaded_again(whole: Path, tmp_path: Path) -> None:
    safe = Path(shutil.copytree(whole, tmp_path / "locked.SAFE"))
    (safe / "MTD_MSIL1C.xml").chmod(0)
    message = one_line_error(lambda: read_product(safe))
    assert "you may read it" in message
    assert AGAIN not in message


@pytest.mark.parametrize("name", ["x" * 300, "a\0b", "product.zip/inner.SAFE"])
def test_names_that_no_file_can_have_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "product.zip").write_bytes(b"PK")
    with pytest.raises(Exception, match="check") as caught:
        read_product(tmp_path / name)
    assert type(caught.value).__name__ == "ProductError"


@pytest.mark.parametrize("file", ["MTD_MSIL1C.xml", "GRANULE/*/MTD_TL.xml"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_metadata_that_are_no_metadata_by_their_size_are_refused(
    whole: Path, tmp_path: Path, file: str, is_packed: bool
) -> None:
    safe = Path(shutil.copytree(whole, tmp_path / whole.name))
    (path,) = safe.glob(file)
    with path.open("r+b") as stream:
        stream.truncate(2**30)
    given = safe
    if is_packed:
        path.unlink()
        given = zip_product(safe, tmp_path / "bomb.zip", f"{whole.name}/")
        with zipfile.ZipFile(given, "a", zipfile.ZIP_DEFLATED) as packed:
            inner = f"{whole.name}/{path.relative_to(safe)}"
            with packed.open(inner, "w") as member:
                for _ in range(20):
                    member.write(bytes(2**20))
    assert "is larger than 8 MB" in one_line_error(lambda: read_product(given))


def test_a_band_of_terabytes_is_refused_by_what_the_archive_states(whole: Path, tmp_path: Path) -> None:
    given = zip_product(whole, tmp_path / "bomb.zip", "")
    content = given.read_bytes()
    place = content.rindex(b"PK\x01\x02", 0, content.rindex(b"_B02.jp2"))
    given.write_bytes(content[: place + 24] + (2**31).to_bytes(4, "little") + content[place + 28 :])
    assert "is larger than 1024 MB" in one_line_error(lambda: read_product(given))


def test_members_that_zip_slips_are_made_of_are_refused(whole: Path, tmp_path: Path) -> None:
    given = zip_product(whole, tmp_path / "slip.zip", "")
    stream = io.BytesIO(given.read_bytes())
    with zipfile.ZipFile(stream, "a") as packed:
        packed.writestr("../../.bashrc", b"x")
    given.write_bytes(stream.getvalue())
    assert "leads out of the archive" in one_line_error(lambda: read_product(given))


def test_the_tile_is_read_as_before(whole: Path) -> None:
    assert (read_product(whole).tile, read_product(whole).name) == (TILE, compact_name())
