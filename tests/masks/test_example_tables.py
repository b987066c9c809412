"""The tables of examples/tables: every code of each, against answers by hand; and the points of experts."""

import json
import shutil
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from mask_files import L1C_NAME, TILE, write_raster
from osgeo import osr
from places import ROOT
from sentinel2_files import one_line_error

from alcd_otb.compare.cells import Cells
from alcd_otb.errors import ConfigurationError
from alcd_otb.masks.acquisition import Acquisition, acquisition_in
from alcd_otb.masks.classified_raster import is_class_table, is_point_table, rasters_of, read_classified_raster
from alcd_otb.masks.expert_points import read_expert_points
from alcd_otb.masks.labelled_reference import LabelledReference
from alcd_otb.masks.mask import Mask
from alcd_otb.raster.grid import Grid

TABLES = ROOT / "examples" / "tables"
LANDSAT = "LC80420082013220LGN00"

# By table: the name of its raster, and what each code is: c clear, C cloud, S shadow, - not compared.
BY_HAND = {
    "cloudsen12": (f"{L1C_NAME}.tif", {0: "c", 1: "C", 2: "C", 3: "S"}),
    "kappamask": (f"{L1C_NAME}.tif", {1: "c", 2: "S", 3: "C", 4: "C", 5: "-"}),
    "omnicloudmask": (f"{L1C_NAME}.tif", {0: "c", 1: "C", 2: "C", 3: "S"}),
    "s2cloudless": (f"{L1C_NAME}.tif", {0: "c", 1: "C"}),
    "ukis_csmask": (f"{L1C_NAME}_csm.tif", {0: "c", 1: "C", 2: "S"}),
    "l8_biome": (f"BC/{LANDSAT}/{LANDSAT}_fixedmask.img", {0: "-", 64: "S", 128: "c", 192: "C", 255: "C"}),
}
# PixBox: the answer of each code of CLOUD_CHARACTERISTICS_ID, without shadow and with SHADOW_ID 3.
PIXBOX = dict(enumerate("-cCCCCCc-CCC-"))
PIXBOX_SHADOWED = {**PIXBOX, 1: "S", 7: "S"}
OF_MEANING = {"c": (False, False), "C": (True, True), "S": (True, False)}
"""Whether a pixel is invalid, and whether it is a cloud."""


def answers(mask: Mask) -> str:
    """The answer in each pixel of the first row."""
    rows = {name: Cells(mask, mask.grid, frozenset({name})).rows(0, 1) for name in ("invalid", "cloud", "shadow")}
    told = ""
    for column in range(mask.grid.width):
        seen = tuple(bool(rows[name].positive[0, column]) for name in ("invalid", "cloud"))
        letter = next(key for key, meaning in OF_MEANING.items() if meaning == seen)
        assert bool(rows["shadow"].positive[0, column]) == (letter == "S")
        told += letter if rows["cloud"].data[0, column] else "-"
    return told


def test_every_table_has_an_answer_and_a_source() -> None:
    assert {path.stem for path in TABLES.iterdir()} == {*BY_HAND, "pixbox_sentinel2"}
    for path in TABLES.iterdir():
        assert json.loads(path.read_text("utf-8"))["source"].startswith("https://")


@pytest.mark.parametrize("name", BY_HAND)
def test_every_code_of_a_table(name: str, tmp_path: Path) -> None:
    file, by_hand = BY_HAND[name]
    table = tmp_path / f"{name}.json"
    shutil.copy(TABLES / table.name, table)
    content = json.loads(table.read_text("utf-8"))
    assert {entry["code"] for entry in content["classes"]} | set(content.get("no_data", ())) == set(by_hand)
    raster = tmp_path / file
    raster.parent.mkdir(parents=True, exist_ok=True)
    # GDAL tells formats by their content.
    write_raster(raster.with_suffix(".tif"), np.array([list(by_hand)], np.uint8), 60).rename(raster)
    assert is_class_table(table)
    [described] = rasters_of(table)
    mask = read_classified_raster(described)
    assert answers(mask) == "".join(by_hand.values())
    expected = Acquisition("042008", date(2013, 8, 8)) if name == "l8_biome" else acquisition_in(L1C_NAME)
    assert mask.acquisition == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("LC08_L2SP_196030_20240305_20240312_02_T1", Acquisition("196030", date(2024, 3, 5))),
        ("LE07_L1TP_198029_20010630_20200917_02_T1_B1.TIF", Acquisition("198029", date(2001, 6, 30))),
        # Day 366 of a leap year, and of none.
        ("LC81970222016366LGN00_fixedmask.TIF", Acquisition("197022", date(2016, 12, 31))),
        ("LC81970222015366LGN00", None),
        ("LC08_L2SP_196030_20240231_20240312_02_T1", None),
    ],
)
def test_names_of_scenes_of_landsat(name: str, expected: Acquisition | None) -> None:
    assert acquisition_in(name) == expected


GRID = Grid("EPSG:32631", 600000, 4900020, 60, 30, 2)


def degrees(column: int, row: int) -> tuple[float, float]:
    """Longitude and latitude of a cell's centre."""
    utm, geographic = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(32631)
    geographic.ImportFromEPSG(4326)
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    transformation = osr.CoordinateTransformation(utm, geographic)
    place = transformation.TransformPoint(GRID.left + (column + 0.5) * 60, GRID.top - (row + 0.5) * 60)
    return place[0], place[1]


def write_pixbox(folder: Path, rows: list[str]) -> Path:
    header = "ID,PRODUCT_ID,PIXEL_X,LATITUDE,LONGITUDE,SHADOW_ID,CLOUD_CHARACTERISTICS_ID"
    folder.joinpath("pixbox_sentinel2_cmix_20180425.csv").write_text("\n".join([header, *rows]) + "\n", "utf-8")
    return Path(shutil.copy(TABLES / "pixbox_sentinel2.json", folder))


def row(column: int, line: int, code: int | str, shadow: int = 0, product: int = 623596858) -> str:
    longitude, latitude = degrees(column, line)
    return f"1,{product},0,{latitude!r},{longitude!r},{shadow},{code}"


def points(reference: LabelledReference) -> dict[tuple[int, int], str]:
    meanings = {entry.code: entry.means for entry in reference.classes}
    rows, columns, codes = reference.locate(GRID)
    return {
        (int(column), int(line)): next(
            key
            for key, (invalid, cloud) in OF_MEANING.items()
            if ("invalid" in meanings[code], "cloud" in meanings[code]) == (invalid, cloud)
        )
        for line, column, code in zip(rows, columns, codes, strict=True)
    }


def test_every_code_of_pixbox(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    rows = [row(code, 0, code) for code in PIXBOX] + [row(code, 1, code, 3) for code in PIXBOX]
    table = write_pixbox(tmp_path, [*rows, row(20, 0, 2, 4), row(500, 0, 2), row(3, 0, 2, product=872013732)])
    assert is_point_table(table)
    assert not is_class_table(table)
    arles, moscow = read_expert_points(table)
    assert arles.acquisition == acquisition_in("S2A_MSIL1C_20170629T103021_N0205_R108_T31TFJ_20170629T103020")
    assert arles.acquisition.tile == TILE
    assert moscow.acquisition.tile == "36VUM"
    expected = {(code, 0): letter for code, letter in PIXBOX.items() if letter != "-"}
    expected |= {(code, 1): letter for code, letter in PIXBOX_SHADOWED.items() if letter != "-"}
    assert points(arles) == expected | {(20, 0): "C"}
    assert "points of doubt that are left out: 6" in caplog.text


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("", row(1, 1, 13), "line 3: code 13 is not in "),
        ("", row(1, 1, "cloud"), "line 3: invalid literal"),
        ("SHADOW_ID", "SHADOWS", "has no column 'SHADOW_ID'; did you mean 'SHADOWS'"),
        ("623596858", "7", "scene '7' has no tile and time"),
    ],
)
def test_wrong_files_of_points_are_refused(tmp_path: Path, before: str, after: str, problem: str) -> None:
    table = write_pixbox(tmp_path, [row(0, 0, 1)])
    file = next(tmp_path.glob("*.csv"))
    text = file.read_text("utf-8")
    file.write_text(text.replace(before, after) if before else f"{text}{after}\n", "utf-8")
    assert problem in one_line_error(lambda: read_expert_points(table))


def test_a_table_without_files_is_refused(tmp_path: Path) -> None:
    table = Path(shutil.copy(TABLES / "pixbox_sentinel2.json", tmp_path))
    with pytest.raises(ConfigurationError, match="no file is"):
        read_expert_points(table)
