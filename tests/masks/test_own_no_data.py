"""What a raster itself says of its pixels without data: they are not compared, whatever their value."""

from pathlib import Path

import numpy as np
import pytest
from mask_files import L1C_NAME, write_l2a, write_muscate, write_raster, write_reference
from osgeo import gdal
from sentinel2_files import one_line_error

from alcd_otb.compare.cells import Cells
from alcd_otb.masks.classified_raster import rasters_of, read_classified_raster
from alcd_otb.masks.fmask import read_fmask
from alcd_otb.masks.maja import read_maja
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.published_references import read_reference_scene
from alcd_otb.masks.sen2cor import read_classification
from alcd_otb.settings.template import load_template

TABLE = """{"processor": "OmniCloudMask", "files": "*_ocm.*", "classes": [
  {"code": 0, "name": "clear"}, {"code": 1, "name": "cloud_", "means": ["cloud", "invalid"]}]}"""

# The first three pixels were not seen; the others are clear, cloud, clear, cloud.
SEEN = np.array([[0, 0, 0, 1, 1, 1, 1]] * 2, bool)
CODES = np.array([[0, 1, 0, 0, 1, 0, 1]] * 2, np.uint8)


def classified(folder: Path, file: Path, table: str = TABLE) -> Mask:
    (folder / "ocm.json").write_text(table, "utf-8")
    (raster,) = rasters_of(folder / "ocm.json")
    assert raster.path == file
    return read_classified_raster(raster)


def first_row(mask: Mask, name: str) -> tuple[list[int], list[int]]:
    """Where the first row has data, and where it means the name."""
    rows = Cells(mask, mask.grid, frozenset({name})).rows(0, mask.grid.height)
    return rows.data[0].astype(int).tolist(), rows.positive[0].astype(int).tolist()


def add_mask(file: Path, seen: np.ndarray, *, beside: bool) -> None:
    gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", "NO" if beside else "YES")
    try:
        dataset = gdal.Open(str(file), gdal.GA_Update)
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(seen.astype(np.uint8) * 255)
        del dataset
    finally:
        gdal.SetConfigOption("GDAL_TIFF_INTERNAL_MASK", None)
    assert file.with_name(file.name + ".msk").is_file() == beside


def with_alpha(file: Path, codes: np.ndarray, seen: np.ndarray, classes: int = 1) -> None:
    """Write some equal bands of classes and an alpha band behind them."""
    write_raster(file, [*[codes] * classes, seen.astype(np.uint8) * 255], 10)
    dataset = gdal.Open(str(file), gdal.GA_Update)
    dataset.GetRasterBand(classes + 1).SetColorInterpretation(gdal.GCI_AlphaBand)


@pytest.mark.parametrize("how", ["mask", "msk", "alpha", "alpha of three bands", "zero", "255", "-9999", "vrt"])
def test_pixels_without_data_are_not_compared(tmp_path: Path, how: str) -> None:
    file = tmp_path / f"{L1C_NAME}_ocm.tif"
    expected = [0, 0, 0, 1, 1, 1, 1]
    match how:
        case "mask" | "msk":
            add_mask(write_raster(file, CODES, 10), SEEN, beside=how == "msk")
        case "alpha" | "alpha of three bands":
            with_alpha(file, CODES, SEEN, 1 if how == "alpha" else 2)
        case "zero":
            write_raster(file, CODES, 10, no_data=0)
            expected = [0, 1, 0, 0, 1, 0, 1]
        case "255":
            write_raster(file, np.where(SEEN, CODES, np.uint8(255)), 10, no_data=255)
        case "-9999":
            write_raster(file, np.where(SEEN, CODES.astype(np.int16), np.int16(-9999)), 10, no_data=-9999)
        case "vrt":
            source = write_raster(tmp_path / "pixels.tif", np.where(SEEN, CODES, np.uint8(7)), 10)
            file = file.with_suffix(".vrt")
            gdal.Translate(str(file), str(source), format="VRT", noData=7)
    data, cloud = first_row(classified(tmp_path, file), "cloud")
    assert data == expected
    assert cloud == [0, int(how == "zero"), 0, 0, 1, 0, 1]


def test_a_no_data_value_that_is_a_class_is_told(tmp_path: Path) -> None:
    file = write_raster(tmp_path / f"{L1C_NAME}_ocm.tif", CODES, 10, no_data=0)
    mask = classified(tmp_path, file)
    (remark,) = Cells(mask, mask.grid, frozenset({"cloud"})).remarks
    assert "_ocm.tif: its no-data value 0 is also the class clear of OmniCloudMask" in remark
    assert "gdal_edit.py -unsetnodata" in remark


def test_a_no_data_value_that_means_no_data_is_not_told(tmp_path: Path) -> None:
    file = write_raster(tmp_path / f"{L1C_NAME}_Fmask4.tif", np.array([[0, 4, 255]], np.uint8), 10, no_data=255)
    mask = read_fmask(file)
    cells = Cells(mask, mask.grid, frozenset({"cloud"}))
    assert cells.remarks == ()
    assert cells.rows(0, 1).data.tolist() == [[True, True, False]]


def test_every_reader_honours_a_mask(tmp_path: Path) -> None:
    """A mask file beside the raster of Sen2Cor, of MAJA and of a reference."""
    l2a = write_l2a(tmp_path, {20: np.where(CODES == 1, np.uint8(9), np.uint8(4))})
    (granule,) = l2a.glob("GRANULE/*")
    scl = next(granule.rglob("*SCL*.jp2"))
    # A JPEG 2000 file has no mask of its own: one of its no-data value.
    dataset = gdal.Open(str(scl))
    dataset.GetRasterBand(1).SetNoDataValue(4)
    del dataset
    assert first_row(read_classification(granule), "cloud") == ([0, 1, 0, 0, 1, 0, 1], [0, 1, 0, 0, 1, 0, 1])

    muscate = write_muscate(tmp_path, {"CLM": CODES * np.uint8(2), "EDG": np.zeros_like(CODES)})
    add_mask(next(muscate.rglob("*_CLM_R1.tif")), SEEN, beside=True)
    assert first_row(read_maja(muscate), "cloud") == ([0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 0, 1])

    scene = write_reference(tmp_path, np.where(CODES == 1, np.uint8(2), np.uint8(5)))
    add_mask(scene / "Classification" / "classification_map.tif", SEEN, beside=False)
    reference = read_reference_scene(scene, load_template("clouds").legend)
    assert first_row(reference, "invalid") == ([0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 0, 1])


def test_a_band_that_the_file_lacks_is_refused(tmp_path: Path) -> None:
    file = write_raster(tmp_path / f"{L1C_NAME}_ocm.tif", CODES, 10)
    mask = classified(tmp_path, file, TABLE.replace('"files"', '"band": 3, "files"'))
    message = one_line_error(lambda: Cells(mask, mask.grid, frozenset({"cloud"})))
    assert "_ocm.tif: OmniCloudMask's mask is read from band 3, and the file has 1" in message


def test_a_band_of_probabilities_is_refused_where_the_first_is_of_classes(tmp_path: Path) -> None:
    """Truncated to whole numbers, a probability of 0.9 would be clear."""
    codes = write_raster(tmp_path / "codes.tif", CODES, 10)
    shares = write_raster(tmp_path / "shares.tif", CODES.astype(np.float32) * np.float32(0.9), 10)
    file = tmp_path / f"{L1C_NAME}_ocm.vrt"
    gdal.BuildVRT(str(file), [str(codes), str(shares)], separate=True).FlushCache()
    mask = classified(tmp_path, file, TABLE.replace('"files"', '"band": 2, "files"'))
    assert "not whole numbers" in one_line_error(lambda: Cells(mask, mask.grid, frozenset({"cloud"})))
