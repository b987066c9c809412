"""Readers of masks: every bit and every class, in the layouts that are published, against hand-made answers."""

import re
import shutil
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mask_files import (
    L1C_NAME,
    LEFT,
    MUSCATE_NAME,
    NATIVE_NAME,
    TILE,
    TOP,
    clouds_gml,
    grid_of,
    write_l1c,
    write_l2a,
    write_muscate,
    write_native,
    write_raster,
    write_reference,
    write_workspace,
)
from sentinel2_files import one_line_error, tile_xml

from alcd_otb.compare.cells import Cells
from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.masks.acquisition import Acquisition, acquisition_in, acquisition_of
from alcd_otb.masks.classified_raster import is_class_table, rasters_of, read_classified_raster
from alcd_otb.masks.fmask import is_fmask, read_fmask
from alcd_otb.masks.l1c_masks import is_cloud_mask, read_cloud_mask
from alcd_otb.masks.maja import is_maja, read_maja
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.published_references import is_reference_scene, read_reference_scene
from alcd_otb.masks.sen2cor import is_classification, read_classification
from alcd_otb.masks.workspace_mask import is_workspace, read_workspace
from alcd_otb.settings.template import load_template

CLOUDS = load_template("clouds").legend
TIME = datetime(2017, 10, 2, 10, 30, 9, tzinfo=UTC)

# One pixel a bit, and one without any.
BITS = np.array([[0, *(1 << bit for bit in range(8))]], np.uint8)
NONE = np.zeros_like(BITS)


def meaning(mask: Mask, name: str) -> list[int]:
    """1 where a pixel means this and has data, of the first row."""
    cells = Cells(mask, mask.grid, frozenset({name}))
    return cells.rows(0, mask.grid.height).positive[0].astype(int).tolist()


def data(mask: Mask) -> list[int]:
    cells = Cells(mask, mask.grid, frozenset())
    return cells.rows(0, mask.grid.height).data[0].astype(int).tolist()


class TestMaja:
    """Columns: no bit, then bits 0 to 7."""

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("invalid", [0, 1, 0, 0, 0, 0, 0, 0, 0]),
            ("cloud", [0, 0, 1, 0, 0, 0, 0, 0, 0]),
            ("cloud_by_reflectance", [0, 0, 0, 1, 0, 0, 0, 0, 0]),
            ("cloud_by_variation", [0, 0, 0, 0, 1, 0, 0, 0, 0]),
            ("thinnest_cloud", [0, 0, 0, 0, 0, 1, 0, 0, 0]),
            ("shadow_of_cloud_inside", [0, 0, 0, 0, 0, 0, 1, 0, 0]),
            ("shadow_of_cloud_outside", [0, 0, 0, 0, 0, 0, 0, 1, 0]),
            ("shadow", [0, 0, 0, 0, 0, 0, 1, 1, 0]),
            ("cirrus", [0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ],
    )
    def test_each_bit_of_muscate(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        assert meaning(read_maja(write_muscate(tmp_path, {"CLM": BITS, "EDG": NONE})), name) == expected

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("invalid", [0, 1, 0, 0, 0, 0, 0, 0, 0]),
            ("cloud", [0, 0, 1, 0, 0, 0, 0, 0, 0]),
            ("shadow_of_cloud_inside", [0, 0, 0, 1, 0, 0, 0, 0, 0]),
            ("shadow_of_cloud_outside", [0, 0, 0, 0, 1, 0, 0, 0, 0]),
            ("shadow", [0, 0, 0, 1, 1, 0, 0, 0, 0]),
            ("cloud_by_reflectance", [0, 0, 0, 0, 0, 1, 0, 0, 0]),
            ("cloud_by_variation", [0, 0, 0, 0, 0, 0, 1, 0, 0]),
            ("thinnest_cloud", [0, 0, 0, 0, 0, 0, 0, 1, 0]),
            ("cirrus", [0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ],
    )
    def test_each_bit_of_the_native_format(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        assert meaning(read_maja(write_native(tmp_path, BITS, NONE, NONE)), name) == expected

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("water", [0, 1, 0, 0, 0, 0, 0, 0, 0]),
            ("snow", [0, 0, 0, 1, 0, 0, 0, 0, 0]),
            ("shadow", [0, 0, 0, 0, 1, 0, 0, 0, 0]),
            ("invalid", [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ],
    )
    def test_each_bit_of_mg2(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        mask = read_maja(write_muscate(tmp_path, {"CLM": NONE, "EDG": NONE, "MG2": BITS}))
        assert meaning(mask, name) == expected

    @pytest.mark.parametrize(
        ("name", "expected"),
        [("water", [0, 1, 0, 0, 0, 0, 0, 0, 0]), ("snow", [0, 0, 0, 0, 0, 0, 1, 0, 0]), ("shadow", [0] * 9)],
    )
    def test_each_bit_of_msk(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        assert meaning(read_maja(write_native(tmp_path, NONE, BITS, NONE)), name) == expected

    def test_any_value_of_the_edge_is_no_data(self, tmp_path: Path) -> None:
        mask = read_maja(write_muscate(tmp_path, {"CLM": np.ones_like(BITS), "EDG": BITS}))
        assert data(mask) == [1, 0, 0, 0, 0, 0, 0, 0, 0]
        assert meaning(mask, "invalid") == [1, 0, 0, 0, 0, 0, 0, 0, 0]

    def test_only_bit_0_of_the_third_band_of_qlt_is_no_data(self, tmp_path: Path) -> None:
        mask = read_maja(write_native(tmp_path, NONE, NONE, BITS))
        assert data(mask) == [1, 0, 1, 1, 1, 1, 1, 1, 1]

    def test_identity(self, tmp_path: Path) -> None:
        muscate = read_maja(write_muscate(tmp_path, {"CLM": NONE, "EDG": NONE}))
        assert muscate.acquisition == Acquisition(TILE, date(2017, 10, 2), datetime(2017, 10, 2, 10, 32, 9, tzinfo=UTC))
        native = read_maja(write_native(tmp_path, NONE, NONE, NONE))
        assert native.acquisition == Acquisition(TILE, date(2017, 10, 2))
        assert native.acquisition.shows_same_sky_as(muscate.acquisition)
        assert muscate.grid == grid_of(BITS, 10)

    def test_10_m_before_20_m(self, tmp_path: Path) -> None:
        write_muscate(tmp_path, {"CLM": BITS, "EDG": NONE}, 20)
        folder = write_muscate(tmp_path, {"CLM": NONE, "EDG": NONE}, 10)
        assert read_maja(folder).grid.resolution == 10
        for file in folder.glob("MASKS/*_R1.tif"):
            file.unlink()
        mask = read_maja(folder)
        assert (mask.grid.resolution, meaning(mask, "cirrus")) == (20, [0] * 8 + [1])

    def test_a_file_or_a_folder_without_masks_serves_as_well(self, tmp_path: Path) -> None:
        folder = write_muscate(tmp_path, {"CLM": BITS, "EDG": NONE}, flat=True)
        file = folder / f"{MUSCATE_NAME}_CLM_R1.tif"
        assert is_maja(folder)
        assert is_maja(file)
        assert read_maja(file).layers[0].table == read_maja(folder).layers[0].table

    def test_a_mask_under_another_name_is_refused(self, tmp_path: Path) -> None:
        folder = write_muscate(tmp_path, {"CLM": BITS, "EDG": NONE})
        renamed = (folder / "MASKS" / f"{MUSCATE_NAME}_CLM_R1.tif").rename(folder / "clouds.tif")
        assert not is_maja(renamed)
        assert "does not show MAJA's format" in one_line_error(lambda: read_maja(renamed))

    @pytest.mark.parametrize("native", [False, True])
    def test_without_its_edge_it_is_refused(self, tmp_path: Path, native: bool) -> None:
        if native:
            folder = write_native(tmp_path, NONE, NONE, NONE)
            next(folder.glob("*_QLT_*")).unlink()
        else:
            folder = write_muscate(tmp_path, {"CLM": NONE})
        assert "without data cannot be told from clear" in one_line_error(lambda: read_maja(folder))

    def test_another_satellite_is_refused(self, tmp_path: Path) -> None:
        """VENUS has the native order of bits in MUSCATE's format."""
        folder = write_muscate(
            tmp_path, {"CLM": BITS, "EDG": NONE}, name="VENUS-XS_20180329-103209-000_L2A_T31TFJ_C_V1-0"
        )
        assert "not of Sentinel-2" in one_line_error(lambda: read_maja(folder))

    def test_files_of_different_sizes_are_refused(self, tmp_path: Path) -> None:
        folder = write_muscate(tmp_path, {"CLM": BITS, "EDG": NONE[:, 1:]})
        assert "another grid" in one_line_error(lambda: read_maja(folder))


SCL = np.arange(12, dtype=np.uint8)[np.newaxis]


class TestSen2Cor:
    """Columns: classes 0 to 11."""

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("invalid", [0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 1, 0]),
            ("cloud", [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0]),
            ("cirrus", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]),
            ("shadow", [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("snow", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ("water", [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]),
            ("dark_area", [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("vegetation", [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]),
            ("not_vegetated", [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
            ("unclassified", [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
            ("cloud_medium_probability", [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0]),
            ("cloud_high_probability", [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0]),
        ],
    )
    def test_each_class(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        (granule,) = write_l2a(tmp_path, {20: SCL}).glob("GRANULE/*")
        mask = read_classification(granule)
        assert meaning(mask, name) == expected
        assert data(mask) == [0, 0, *[1] * 10]

    def test_20_m_before_60_m_and_60_m_alone(self, tmp_path: Path) -> None:
        safe = write_l2a(tmp_path, {20: SCL, 60: SCL})
        (granule,) = safe.glob("GRANULE/*")
        assert read_classification(granule).grid.resolution == 20
        shutil.rmtree(granule / "IMG_DATA" / "R20m")
        assert read_classification(granule).grid.resolution == 60

    def test_identity(self, tmp_path: Path) -> None:
        (granule,) = write_l2a(tmp_path, {20: SCL}).glob("GRANULE/*")
        found = read_classification(granule).acquisition
        assert (found.tile, found.day) == (TILE, date(2017, 10, 2))
        assert found.shows_same_sky_as(Acquisition(TILE, date(2017, 10, 2), TIME))

    def test_old_names_and_places(self, tmp_path: Path) -> None:
        """Sen2Cor 2.3 of a product from before December 2016: the granule's name has the time of its making."""
        granule = (
            tmp_path
            / "S2A_USER_PRD_MSIL2A_PDMC_20160417T201511_R094_V20160417T110652_20160417T110652.SAFE"
            / "GRANULE"
            / "S2A_USER_MSI_L2A_TL_SGS__20160417T162524_A004279_T29RPQ_N02.01"
        )
        name = "S2A_USER_SCL_L2A_TL_SGS__20160417T162524_A004279_T29RPQ_20m.jp2"
        write_raster(granule / "IMG_DATA" / name, SCL, 20)
        assert is_classification(granule)
        found = read_classification(granule).acquisition
        assert found == Acquisition("29RPQ", date(2016, 4, 17), datetime(2016, 4, 17, 11, 6, 52, tzinfo=UTC))

    def test_time_and_tile_of_the_metadata_come_first(self, tmp_path: Path) -> None:
        (granule,) = write_l2a(tmp_path, {20: SCL}).glob("GRANULE/*")
        text = tile_xml(TILE).replace("</TILE_ID>", "</TILE_ID><SENSING_TIME>2017-10-02T10:33:19.027Z</SENSING_TIME>")
        (granule / "MTD_TL.xml").write_text(text, "utf-8")
        expected = datetime(2017, 10, 2, 10, 33, 19, 27000, tzinfo=UTC)
        assert read_classification(granule).acquisition.time == expected

    def test_a_single_file(self, tmp_path: Path) -> None:
        file = write_raster(tmp_path / "T31TFJ_20171002T103009_SCL_60m.jp2", SCL, 60)
        assert is_classification(file)
        assert read_classification(file).acquisition == Acquisition(TILE, date(2017, 10, 2), TIME)

    def test_a_file_that_is_cut_off_is_refused(self, tmp_path: Path) -> None:
        """OpenJPEG decodes what is left, and makes up the rest."""
        file = write_raster(tmp_path / "T31TFJ_20171002T103009_SCL_20m.jp2", SCL.repeat(50, 0).repeat(5, 1), 20)
        file.write_bytes(file.read_bytes()[:-3])
        assert "is cut off" in one_line_error(lambda: meaning(read_classification(file), "cloud"))

    def test_a_value_that_sen2cor_does_not_have_is_refused(self, tmp_path: Path) -> None:
        file = write_raster(tmp_path / "T31TFJ_20171002T103009_SCL_20m.jp2", SCL + 1, 20)
        assert "value 12, which Sen2Cor does not have" in one_line_error(
            lambda: meaning(read_classification(file), "cloud")
        )


GERSL = np.array([[0, 1, 2, 3, 4, 255]], np.uint8)
PYTHON = np.array([[0, 1, 2, 3, 4, 5]], np.uint8)


class TestFmask:
    @pytest.mark.parametrize(
        ("name", "gersl", "python"),
        [
            ("invalid", [0, 0, 1, 0, 1, 0], [0, 0, 1, 1, 0, 0]),
            ("cloud", [0, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0]),
            ("shadow", [0, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 0]),
            ("snow", [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0]),
            ("water", [0, 1, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]),
            ("clear_land", [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]),
            ("clear", [0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]),
        ],
    )
    def test_each_class(self, tmp_path: Path, name: str, gersl: list[int], python: list[int]) -> None:
        first = write_raster(tmp_path / f"L1C_{TILE}_A011901_20171002T103209_Fmask4.tif", GERSL, 20)
        second = write_raster(tmp_path / "T31TFJ_20171002.fmask.img", PYTHON, 20, no_data=0)
        assert meaning(read_fmask(first), name) == gersl
        assert meaning(read_fmask(second), name) == python
        assert data(read_fmask(first)) == [1, 1, 1, 1, 1, 0]
        assert data(read_fmask(second)) == [0, 1, 1, 1, 1, 1]

    @pytest.mark.parametrize("suffix", ["_Fmask4.tif", "_Fmask4_5.tif", "_UPL.tif", "_LPL.tif"])
    def test_names_that_show_the_program(self, tmp_path: Path, suffix: str) -> None:
        file = write_raster(tmp_path / f"{L1C_NAME}{suffix}", GERSL, 20)
        assert is_fmask(file)
        mask = read_fmask(file)
        assert (mask.processor, mask.acquisition) == ("FMask", Acquisition(TILE, date(2017, 10, 2), TIME))

    def test_a_no_data_value_that_shows_the_program(self, tmp_path: Path) -> None:
        file = write_raster(tmp_path / f"{L1C_NAME}_fmask.tif", GERSL, 20, no_data=255)
        assert read_fmask(file).processor == "FMask"
        file = write_raster(tmp_path / f"{L1C_NAME}_cloud.fmask.tif", PYTHON, 20, no_data=0)
        assert read_fmask(file).processor == "python-fmask"

    def test_an_unknown_program_is_refused_or_stated(self, tmp_path: Path) -> None:
        file = write_raster(tmp_path / f"{L1C_NAME}_fmask.tif", PYTHON, 20)
        assert "--fmask gersl or --fmask python-fmask" in one_line_error(lambda: read_fmask(file))
        assert read_fmask(file, "python-fmask").processor == "python-fmask"

    def test_a_contradiction_to_the_name_is_refused(self, tmp_path: Path) -> None:
        file = write_raster(tmp_path / f"{L1C_NAME}_Fmask4.tif", GERSL, 20)
        with pytest.raises(ConfigurationError, match=r"written by gersl.*not by python-fmask"):
            read_fmask(file, "python-fmask")
        file = write_raster(tmp_path / f"{L1C_NAME}_Fmask4.tif", PYTHON, 20, no_data=0)
        assert "no-data value 0 is clear land" in one_line_error(lambda: read_fmask(file))

    def test_a_pixel_that_contradicts_is_refused(self, tmp_path: Path) -> None:
        stated_gersl = write_raster(tmp_path / f"{L1C_NAME}_a_fmask.tif", PYTHON, 20)
        assert "value 5, which FMask does not have" in one_line_error(
            lambda: meaning(read_fmask(stated_gersl, "gersl"), "cloud")
        )
        stated_python = write_raster(tmp_path / f"{L1C_NAME}_b_fmask.tif", GERSL, 20)
        assert "value 255, which python-fmask does not have" in one_line_error(
            lambda: meaning(read_fmask(stated_python, "python-fmask"), "cloud")
        )


def square(values: Mapping[tuple[int, int], int], side: int = 10) -> Any:
    pixels = np.zeros((side, side), np.uint8)
    for place, value in values.items():
        pixels[place] = value
    return pixels


class TestL1CMasks:
    def granule(self, safe: Path) -> Path:
        (granule,) = safe.glob("GRANULE/*")
        assert is_cloud_mask(granule)
        return granule

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("opaque_cloud", [1, 0, 0, 1, 0]),
            ("cirrus", [0, 1, 0, 1, 0]),
            ("cloud", [1, 1, 0, 1, 0]),
            ("invalid", [1, 1, 0, 1, 0]),
            ("snow", [0, 0, 1, 0, 0]),
        ],
    )
    def test_each_band_of_classi(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        bands = [square({(0, 0): 1, (0, 3): 1}), square({(0, 1): 1, (0, 3): 1}), square({(0, 2): 1})]
        mask = read_cloud_mask(self.granule(write_l1c(tmp_path, classes=bands)))
        assert meaning(mask, name)[:5] == expected
        assert mask.grid == grid_of(bands[0], 60)

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("opaque_cloud", [1, 0, 0, 1, 0]),
            ("cirrus", [0, 1, 0, 0, 0]),
            ("cloud", [1, 1, 0, 1, 0]),
            ("invalid", [1, 1, 0, 1, 0]),
        ],
    )
    def test_each_type_of_polygon(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        """Pixels 0 and 3 are opaque, 1 and 3 cirrus, which opaque cloud hides."""

        def pixel(column: int) -> tuple[float, float, float, float]:
            return (LEFT + 60 * column, TOP - 60, LEFT + 60 * column + 60, TOP)

        polygons = {"OPAQUE": [pixel(0), pixel(3)], "CIRRUS": [pixel(1), pixel(3)]}
        mask = read_cloud_mask(self.granule(write_l1c(tmp_path, polygons=polygons)))
        assert meaning(mask, name)[:5] == expected
        assert mask.grid == grid_of(np.zeros((10, 10)), 60)

    def test_polygons_are_where_their_coordinates_say_whatever_crs_they_claim(self, tmp_path: Path) -> None:
        granule = self.granule(write_l1c(tmp_path, polygons={}))
        text = clouds_gml({"OPAQUE": [(LEFT, TOP - 120, LEFT + 60, TOP)]}, srs="EPSG:8.7:32731")
        (granule / "QI_DATA" / "MSK_CLOUDS_B00.gml").write_text(text, "utf-8")
        cells = Cells(read_cloud_mask(granule), grid_of(np.zeros((10, 10)), 60), frozenset({"cloud"}))
        assert np.argwhere(cells.rows(0, 10).positive).tolist() == [[0, 0], [1, 0]]

    def test_polygons_that_are_none_leave_all_clear(self, tmp_path: Path) -> None:
        mask = read_cloud_mask(self.granule(write_l1c(tmp_path, polygons={})))
        assert not any(meaning(mask, "cloud"))
        assert all(data(mask))

    def test_a_cut_off_file_is_not_taken_for_a_clear_sky(self, tmp_path: Path) -> None:
        granule = self.granule(write_l1c(tmp_path, polygons={"OPAQUE": [(LEFT, TOP - 60, LEFT + 60, TOP)]}))
        file = granule / "QI_DATA" / "MSK_CLOUDS_B00.gml"
        text = file.read_text("utf-8")
        for end in (0, 200, text.index("<eop:MaskFeature") + 40, len(text) - 30):
            file.write_text(text[:end], "utf-8")
            assert "download the product again" in one_line_error(lambda: meaning(read_cloud_mask(granule), "cloud"))

    @pytest.mark.parametrize("kind", ["THICK", "opaque", "", " OPAQUE "])
    def test_a_polygon_of_an_unknown_type_is_refused(self, tmp_path: Path, kind: str) -> None:
        square = (LEFT, TOP - 60, LEFT + 60, TOP)
        granule = self.granule(write_l1c(tmp_path, polygons={"OPAQUE": [square], kind: [square]}))
        message = one_line_error(lambda: meaning(read_cloud_mask(granule), "cloud"))
        assert "MSK_CLOUDS_B00.gml: has a polygon " in message
        assert "where a cloud mask has CIRRUS and OPAQUE; download the product again" in message

    @pytest.mark.parametrize("tag", ["eop:maskType", "eop:extentOf", "gml:exterior"])
    def test_a_polygon_without_type_or_shape_is_refused(self, tmp_path: Path, tag: str) -> None:
        granule = self.granule(write_l1c(tmp_path, polygons={}))
        squares = [(LEFT, TOP - 60, LEFT + 60, TOP), (LEFT + 120, TOP - 60, LEFT + 180, TOP)]
        text = re.sub(f"<{tag}.*?</{tag}>", "", clouds_gml({"OPAQUE": squares}), count=1)
        (granule / "QI_DATA" / "MSK_CLOUDS_B00.gml").write_text(text, "utf-8")
        message = one_line_error(lambda: meaning(read_cloud_mask(granule), "cloud"))
        problem = "polygon OPAQUE.0 of type None" if tag == "eop:maskType" else "2 polygons, of which 1 can be read"
        assert f"MSK_CLOUDS_B00.gml: has {'a ' if tag == 'eop:maskType' else ''}{problem}" in message

    def test_no_data_of_the_quality_mask(self, tmp_path: Path) -> None:
        bands = [square({})] * 3
        mask = read_cloud_mask(self.granule(write_l1c(tmp_path, classes=bands, quality=square({(0, 4): 1}))))
        assert data(mask) == [1, 1, 1, 1, 0, 1, 1, 1, 1, 1]

    def test_no_data_of_the_band_where_there_is_no_quality_mask(self, tmp_path: Path) -> None:
        coast = np.full((10, 10), 1500, np.uint16)
        coast[0, 2] = 0
        coast[0, 3] = 256
        mask = read_cloud_mask(self.granule(write_l1c(tmp_path, polygons={}, coast=coast)))
        assert data(mask) == [1, 1, 0, 1, 1, 1, 1, 1, 1, 1]

    def test_a_loose_file(self, tmp_path: Path) -> None:
        file = write_raster(tmp_path / "T31TFJ_20171002T103009_MSK_CLASSI_B00.jp2", [square({(0, 1): 1})] * 3, 60)
        assert is_cloud_mask(file)
        assert meaning(read_cloud_mask(file), "opaque_cloud")[:3] == [0, 1, 0]


TABLE = """{"processor": "OmniCloudMask", "files": "*_ocm.tif", "no_data": [99], "classes": [
 {"code": 0, "name": "clear"},
 {"code": 1, "name": "thick_cloud", "means": ["cloud", "invalid"]},
 {"code": 2, "name": "thin_cloud", "means": ["cloud", "cirrus", "invalid"]},
 {"code": 3, "name": "cloud_shadow", "means": ["shadow", "invalid"]}]}"""


class TestClassifiedRaster:
    def table(self, folder: Path, text: str = TABLE) -> Path:
        (folder / "ocm.json").write_text(text, "utf-8")
        return folder / "ocm.json"

    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("invalid", [0, 1, 1, 1, 0]),
            ("cloud", [0, 1, 1, 0, 0]),
            ("cirrus", [0, 0, 1, 0, 0]),
            ("cloud_shadow", [0, 0, 0, 1, 0]),
            ("clear", [1, 0, 0, 0, 0]),
        ],
    )
    def test_each_class(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        write_raster(tmp_path / f"{L1C_NAME}_ocm.tif", np.array([[0, 1, 2, 3, 99]], np.uint8), 10)
        assert is_class_table(self.table(tmp_path))
        (raster,) = rasters_of(self.table(tmp_path))
        mask = read_classified_raster(raster)
        assert meaning(mask, name) == expected
        assert data(mask) == [1, 1, 1, 1, 0]
        assert (mask.processor, mask.acquisition.time) == ("OmniCloudMask", TIME)

    def test_a_value_that_the_table_lacks_is_refused(self, tmp_path: Path) -> None:
        write_raster(tmp_path / f"{L1C_NAME}_ocm.tif", np.array([[0, 4, 5]], np.uint8), 10)
        (raster,) = rasters_of(self.table(tmp_path))
        assert "value 4, 5, which OmniCloudMask" in one_line_error(
            lambda: meaning(read_classified_raster(raster), "cloud")
        )

    def test_values_beyond_8_bits_are_refused(self, tmp_path: Path) -> None:
        write_raster(tmp_path / f"{L1C_NAME}_ocm.tif", np.array([[0, -1]], np.int16), 10)
        (raster,) = rasters_of(self.table(tmp_path))
        assert "pixels from -1 to 0" in one_line_error(lambda: meaning(read_classified_raster(raster), "cloud"))

    def test_probabilities_are_refused(self, tmp_path: Path) -> None:
        write_raster(tmp_path / f"{L1C_NAME}_ocm.tif", np.array([[0, 0.5]], np.float32), 10)
        (raster,) = rasters_of(self.table(tmp_path))
        assert "not whole numbers" in one_line_error(lambda: meaning(read_classified_raster(raster), "cloud"))

    def test_tile_and_time_of_the_table(self, tmp_path: Path) -> None:
        write_raster(tmp_path / "result_ocm.tif", np.array([[0, 1]], np.uint8), 10)
        said = TABLE.replace('"files"', '"tile": "31TFJ", "acquired": "2017-10-02T10:30:09Z", "files"')
        (raster,) = rasters_of(self.table(tmp_path, said))
        assert read_classified_raster(raster).acquisition == Acquisition(TILE, date(2017, 10, 2), TIME)
        write_raster(tmp_path / "other_ocm.tif", np.array([[0, 1]], np.uint8), 10)
        with pytest.raises(ConfigurationError, match="2 files"):
            rasters_of(self.table(tmp_path, said))

    @pytest.mark.parametrize(
        ("before", "after", "problem"),
        [
            ('"code": 3', '"code": 2', "code 2 occurs more than once"),
            ('"means": ["shadow"', '"mean": ["shadow"', "key 'classes.3.mean' is not known; did you mean 'means'"),
            ("*_ocm.tif", "*.jp2", "no file is"),
            ('"code": 3', '"code": 300', "it must be a whole number from 0 to 255"),
        ],
    )
    def test_wrong_tables_are_refused(self, tmp_path: Path, before: str, after: str, problem: str) -> None:
        write_raster(tmp_path / f"{L1C_NAME}_ocm.tif", np.array([[0, 1]], np.uint8), 10)
        with pytest.raises(ConfigurationError, match=problem.replace("[", "\\[")):
            rasters_of(self.table(tmp_path, TABLE.replace(before, after)))


CODES = np.array([[0, 1, 2, 3, 4, 5, 6, 7]], np.uint8)


class TestReferences:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("invalid", [0, 0, 1, 1, 1, 0, 0, 0]),
            ("low_clouds", [0, 0, 1, 0, 0, 0, 0, 0]),
            ("high_clouds", [0, 0, 0, 1, 0, 0, 0, 0]),
            ("clouds_shadows", [0, 0, 0, 0, 1, 0, 0, 0]),
            ("land", [0, 0, 0, 0, 0, 1, 0, 0]),
            ("water", [0, 0, 0, 0, 0, 0, 1, 0]),
            ("snow", [0, 0, 0, 0, 0, 0, 0, 1]),
        ],
    )
    def test_each_class_of_the_published_data_set(self, tmp_path: Path, name: str, expected: list[int]) -> None:
        scene = write_reference(tmp_path / "Reference_dataset", CODES)
        assert is_reference_scene(scene)
        mask = read_reference_scene(scene, CLOUDS)
        assert meaning(mask, name) == expected
        assert data(mask) == [0, 1, 1, 1, 1, 1, 1, 1]
        assert mask.acquisition == Acquisition(TILE, date(2017, 10, 2), TIME)

    def test_the_tile_of_a_product_of_many_is_in_the_parameters(self, tmp_path: Path) -> None:
        name = "S2A_OPER_PRD_MSIL1C_PDMC_20160417T201511_R094_V20160417T110652_20160417T110652"
        scene = write_reference(
            tmp_path / "Hollstein", CODES, folder=name, tile="29RPQ", day="20160417", product=f"{name}.SAFE"
        )
        expected = Acquisition("29RPQ", date(2016, 4, 17), datetime(2016, 4, 17, 11, 6, 52, tzinfo=UTC))
        assert read_reference_scene(scene, CLOUDS).acquisition == expected

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"day": "20171003"}, "cloudy_date is 20171003, cloudy_product_name states 20171002"),
            ({"tile": ""}, "tile is ''"),
            ({"day": "", "product": "a"}, "neither cloudy_date nor cloudy_product_name"),
        ],
    )
    def test_wrong_parameters_are_refused(self, tmp_path: Path, change: dict[str, str], problem: str) -> None:
        scene = write_reference(tmp_path, CODES, **change)  # type: ignore[arg-type]
        assert problem in one_line_error(lambda: read_reference_scene(scene, CLOUDS))

    def test_a_workspace_is_its_latest_iteration(self, tmp_path: Path) -> None:
        classes = [{"name": "cloud", "code": 9, "colour": "#ffffff", "invalid": True}]
        classes.append({"name": "clear", "code": 4, "colour": "#00ff00", "invalid": False})
        folder = write_workspace(tmp_path / "work", np.array([[0, 9, 4]], np.uint8), 60, classes)
        for path in (folder, folder / "iterations" / "001"):
            assert is_workspace(path)
            mask = read_workspace(path)
            assert (meaning(mask, "invalid"), meaning(mask, "clear")) == ([0, 1, 0], [0, 0, 1])
            assert mask.acquisition == Acquisition(TILE, date(2017, 10, 2), TIME.replace(microsecond=27000))

    def test_a_workspace_without_iteration_is_refused(self, tmp_path: Path) -> None:
        folder = write_workspace(tmp_path / "work", CODES, 60, [])
        (folder / "latest").unlink()
        assert "no iteration yet" in one_line_error(lambda: read_workspace(folder))


class TestAcquisition:
    @pytest.mark.parametrize(
        ("name", "tile", "time"),
        [
            (L1C_NAME, "31TFJ", TIME),
            (f"{L1C_NAME}.SAFE", "31TFJ", TIME),
            ("L1C_T31TFJ_A011901_20171002T103209", "31TFJ", TIME.replace(minute=32)),
            ("T31TFJ_20171002T103009_SCL_20m.jp2", "31TFJ", TIME),
            ("L2A_T31TFJ_20171002T103009_SCL_20m.jp2", "31TFJ", TIME),
            (MUSCATE_NAME, "31TFJ", TIME.replace(minute=32)),
            (
                "SENTINEL2B_20171008-105012-463_L2A_T31TCH_C_V1-0",
                "31TCH",
                datetime(2017, 10, 8, 10, 50, 12, tzinfo=UTC),
            ),
            (NATIVE_NAME, "31TFJ", date(2017, 10, 2)),
            ("Arles_31TFJ_20171002", "31TFJ", date(2017, 10, 2)),
            ("T53JQJ_20201031.fmask.img", "53JQJ", date(2020, 10, 31)),
            ("S2A_33TWL_20230818_0_L2A", "33TWL", date(2023, 8, 18)),
        ],
    )
    def test_names(self, name: str, tile: str, time: datetime | date) -> None:
        found = acquisition_in(name)
        assert found is not None
        assert found.tile == tile
        assert (found.time if isinstance(time, datetime) else found.day) == time
        assert (found.time is None) == (not isinstance(time, datetime))

    @pytest.mark.parametrize(
        "name",
        [
            "clouds.tif",
            "T31TFJ.tif",
            "20171002T103009.tif",
            "T31TFJ_T31TCJ_20171002.tif",
            "T31TFJ_20171340.tif",
            "S2A_OPER_MSI_L1C_TL_SGS__20161005T155252_A006728_T31TFJ_N02.04",
        ],
    )
    def test_names_without_a_tile_or_time(self, name: str) -> None:
        assert acquisition_in(name) is None

    def test_folders_around_a_file_count_as_well(self) -> None:
        found = acquisition_of(Path("/data/Toulouse_31TCJ_20240305/In_data/Masks/land.shp"))
        assert found == Acquisition("31TCJ", date(2024, 3, 5))
        with pytest.raises(ProductError, match="give the file or its folder a name"):
            acquisition_of(Path("/data/masks/land.shp"))

    @given(st.datetimes(datetime(2015, 7, 1), datetime(2099, 12, 31)), st.integers(0, 7200))
    def test_an_hour_apart_is_another_sky(self, time: datetime, seconds: int) -> None:
        one = acquisition_in(f"T31TFJ_{time:%Y%m%dT%H%M%S}")
        other = acquisition_in(f"T31TFJ_{time + timedelta(seconds=seconds):%Y%m%dT%H%M%S}")
        if one is not None and other is not None:
            assert one.shows_same_sky_as(other) == other.shows_same_sky_as(one) == (seconds < 3600)
