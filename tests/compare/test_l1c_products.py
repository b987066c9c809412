"""Level-1C products that compare is given: packed, in other layouts, and without their cloud mask."""

import logging
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from mask_files import L1C_NAME, LEFT, TILE, TOP, grid_of, write_l1c, write_raster
from scenes import FinishedScene, refused
from sentinel2_files import one_line_error, zip_product

from alcd_otb.compare.cells import Cells
from alcd_otb.compare.finding import FoundMasks, read_all, readers
from alcd_otb.masks.mask import Mask
from alcd_otb.settings.template import load_template

LEGEND = load_template("clouds").legend


def read(*paths: Path) -> FoundMasks:
    return read_all([str(path) for path in paths], readers(LEGEND, None, labelled=False))


def clouds_in(found: FoundMasks) -> list[list[int]]:
    """The places of the cloudy pixels, as rows and columns, of the only mask that was found."""
    (mask,) = found.masks
    assert isinstance(mask, Mask)
    assert (mask.acquisition.tile, mask.processor, found.failures) == (TILE, "L1C", [])
    cells = Cells(mask, mask.grid, frozenset({"cloud"}))
    return np.argwhere(cells.rows(0, mask.grid.height).positive).tolist()  # type: ignore[no-any-return]


def classes() -> list[np.ndarray]:
    """The bands of a mask in which one pixel is opaque cloud, and one cirrus."""
    bands = [np.zeros((10, 10), np.uint8) for _ in range(3)]
    bands[0][2, 3] = bands[1][4, 5] = 1
    return bands


def polygons() -> dict[str, list[tuple[float, float, float, float]]]:
    """Rectangles over the same two pixels."""

    def pixel(row: int, column: int) -> tuple[float, float, float, float]:
        left, top = LEFT + 60 * column, TOP - 60 * row
        return left, top - 60, left + 60, top

    return {"OPAQUE": [pixel(2, 3)], "CIRRUS": [pixel(4, 5)]}


@pytest.fixture(params=["classes", "polygons"])
def product(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A product with either kind of cloud mask."""
    folder = tmp_path / "unpacked"
    coast = np.full((10, 10), 1500, np.uint16)
    safe = (
        write_l1c(folder, classes=classes(), coast=coast)
        if request.param == "classes"
        else write_l1c(folder, polygons=polygons(), coast=coast)
    )
    (safe / "MTD_MSIL1C.xml").write_text("<n1:Level-1C_User_Product xmlns:n1='x'/>")
    return safe


EXPECTED = [[2, 3], [4, 5]]


def test_folders_and_archives_say_the_same(product: Path, tmp_path: Path) -> None:
    assert clouds_in(read(product)) == EXPECTED
    assert clouds_in(read(zip_product(product, tmp_path / "x.zip", f"{product.name}/"))) == EXPECTED
    for name, mode in (("x.tar", "w"), ("x.tgz", "w:gz")):
        with tarfile.open(tmp_path / name, mode) as packed:  # type: ignore[call-overload]
            packed.add(product, product.name)
        assert clouds_in(read(tmp_path / name)) == EXPECTED


def test_an_archive_beside_its_unpacked_product_is_left_out(product: Path, caplog: pytest.LogCaptureFixture) -> None:
    archive = zip_product(product, product.parent / "again.zip", f"{product.name}/")
    caplog.set_level(logging.INFO)
    assert clouds_in(read(product.parent)) == EXPECTED
    assert f"left out: {archive}: {product / 'GRANULE'}" in caplog.text


def test_an_archive_in_a_folder_is_found(product: Path, tmp_path: Path) -> None:
    zip_product(product, tmp_path / "packed" / "deep" / "any name.zip", f"{product.name}/")
    assert clouds_in(read(tmp_path / "packed")) == EXPECTED


@pytest.mark.parametrize("folder", ["qi", "."])
def test_a_tile_as_amazon_lays_it_out(product: Path, tmp_path: Path, folder: str) -> None:
    tile = tmp_path / "tiles" / "31" / "T" / "FJ" / "2017" / "10" / "2" / "0"
    (tile / folder).mkdir(parents=True)
    (granule,) = product.glob("GRANULE/*")
    shutil.copy2(granule / "MTD_TL.xml", tile / "metadata.xml")
    text = (tile / "metadata.xml").read_text("utf-8")
    time = "</TILE_ID><SENSING_TIME>2017-10-02T10:35:12.000Z</SENSING_TIME>"
    (tile / "metadata.xml").write_text(text.replace("</TILE_ID>", time), "utf-8")
    shutil.copy2(next(granule.glob("IMG_DATA/*_B01.jp2")), tile / "B01.jp2")
    shutil.copy2(next(granule.glob("QI_DATA/*")), tile / folder)
    found = read(tmp_path / "tiles")
    assert clouds_in(found) == EXPECTED
    assert found.masks[0].acquisition.name == f"{TILE}_20171002"


def test_a_product_without_its_mask_is_told_what_is_missing(product: Path, tmp_path: Path) -> None:
    shutil.rmtree(next(product.glob("GRANULE/*/QI_DATA")))
    given = (product, product.parent, zip_product(product, tmp_path / f"{L1C_NAME}.zip", f"{product.name}/"))
    for path in given:
        found = read(path)
        assert found.masks == []
        (failure,) = found.failures
        assert "has no cloud mask, neither MSK_CLASSI_B00.jp2 (since baseline 04.00) nor MSK_CLOUDS_B00.gml" in str(
            failure.error
        )
        assert "download the whole product" in str(failure.error)


def test_a_product_without_its_mask_beside_others_is_left_out(
    product: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copytree(product, tmp_path / "unpacked" / "with")
    shutil.rmtree(next(product.glob("GRANULE/*/QI_DATA")))
    archive = zip_product(product, tmp_path / "unpacked" / "minimal.zip", "")
    caplog.set_level(logging.INFO)
    assert clouds_in(read(tmp_path / "unpacked")) == EXPECTED
    for path in (product, archive):
        assert f"left out: {path}" in caplog.text


def test_a_mask_of_another_processor_inside_a_product_counts(product: Path) -> None:
    (granule,) = product.glob("GRANULE/*")
    shutil.rmtree(granule / "QI_DATA")
    write_raster(granule / "FMASK_DATA" / f"{L1C_NAME}_Fmask4.tif", np.array([[0, 1, 2, 3, 4]], np.uint8), 20)
    found = read(product)
    assert ([mask.processor for mask in found.masks], found.failures) == (["FMask"], [])


def test_another_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "maja").mkdir()
    level_2a = tmp_path / "S2A_MSIL2A.SAFE"
    level_2a.mkdir()
    (level_2a / "MTD_MSIL2A.xml").write_text("<a/>")
    archive = zip_product(level_2a, tmp_path / "maja" / "product.zip", "product/")
    for path in (archive, archive.parent):
        message = one_line_error(lambda path=path: read(path))  # type: ignore[misc]
        assert message == f"{archive}: is not a Level-1C product, and other masks are not read in archives; unpack it"


def test_the_command_says_it_too(finished: FinishedScene, tmp_path: Path) -> None:
    product = finished.synthetic.cloudy
    message = refused(3, "compare", finished.result.workspace, product, "-o", tmp_path / "out")
    assert message.startswith(f"nothing could be compared: {product}")
    assert "has no cloud mask" in message


def test_the_grid_is_that_of_the_folder(product: Path, tmp_path: Path) -> None:
    packed = read(zip_product(product, tmp_path / "x.zip", "")).masks[0]
    assert isinstance(packed, Mask)
    assert packed.grid == grid_of(np.zeros((10, 10)), 60)
    assert packed.files == (tmp_path / "x.zip",)
