"""Samples in tables without geometry: which columns tell their places, in which CRS, and how numbers are written."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal, ogr, osr

from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.samples.tables import decimal
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes([LegendClass("land", 5, "#009738", False), LegendClass("water", 6, "#008ed0", False)])
GRID = Grid("EPSG:32631", 600000.0, 4900000.0, 10.0, 1000, 1000)
PLACES = {"land": (601234.5, 4893210.25), "water": (608000.0, 4891000.0)}

Rows = Sequence[Sequence[Any]]


def degrees(place: tuple[float, float]) -> tuple[float, float]:
    target = osr.SpatialReference()
    target.ImportFromEPSG(4326)
    target.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    x, y, _ = osr.CoordinateTransformation(GRID.spatial_reference, target).TransformPoint(*place)
    return x, y


LONLAT = {name: degrees(place) for name, place in PLACES.items()}


def comma(value: float) -> str:
    return f"{value:.9f}".replace(".", ",")


def write_csv(path: Path, rows: Rows, separator: str = ",", encoding: str = "utf-8") -> Path:
    path.write_text("".join(separator.join(map(str, row)) + "\n" for row in rows), encoding=encoding, newline="")
    return path


def write_sheets(path: Path, sheets: dict[str, Rows]) -> Path:
    """Write a spreadsheet, whose cells are numbers or texts as the values are."""
    driver = gdal.GetDriverByName(path.suffix[1:].upper())
    dataset = driver.Create(str(path), 0, 0, 0, gdal.GDT_Unknown)
    for name, rows in sheets.items():
        layer = dataset.CreateLayer(name, geom_type=ogr.wkbNone)
        for column, title in enumerate(rows[0] if rows else ()):
            kind = {str: ogr.OFTString, float: ogr.OFTReal, int: ogr.OFTInteger}[type(rows[1][column])]
            layer.CreateField(ogr.FieldDefn(title, kind))
        for row in rows[1:]:
            feature = ogr.Feature(layer.GetLayerDefn())
            for column, value in enumerate(row):
                feature.SetField(column, value)
            layer.CreateFeature(feature)
    return path


def assert_places(path: Path, tolerance: float) -> None:
    samples = read_samples(path, LEGEND, GRID)
    assert [LEGEND.with_code(sample.code).name for sample in samples] == list(PLACES)
    for sample, place in zip(samples, PLACES.values(), strict=True):
        assert sample.location == pytest.approx(place, abs=tolerance)


def refusal(path: Path) -> str:
    with pytest.raises(SampleError) as caught:
        read_samples(path, LEGEND, GRID)
    assert str(caught.value).isprintable()
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("names", [("x", "y"), ("X", "Y"), ("Easting", "Northing"), ("xcoord", "ycoord")])
def test_csv_of_metres(tmp_path: Path, separator: str, encoding: str, names: tuple[str, str]) -> None:
    rows = [("class", *names), *((name, *place) for name, place in PLACES.items())]
    assert_places(write_csv(tmp_path / "a.csv", rows, separator, encoding), 0)


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize(
    "write",
    [comma, lambda value: f"{value:,.3f}", lambda value: f"{value:,.3f}".translate(str.maketrans(",.", ".,")),
     lambda value: f"{value:,.3f}".replace(",", "\u202f").replace(".", ",")],
    ids=["comma", "english", "german", "french"],
)  # fmt: skip
def test_decimal_commas_and_groups_of_digits(tmp_path: Path, separator: str, write: Callable[[float], str]) -> None:
    rows = [("class", "x", "y"), *((name, *map(write, place)) for name, place in PLACES.items())]
    assert_places(write_csv(tmp_path / "a.csv", rows, separator), 1e-9)


@pytest.mark.parametrize("names", [("lon", "lat"), ("Longitude", "Latitude"), ("LONG", "LAT"), ("lng", "lat")])
def test_degrees_are_told_by_the_names_of_their_columns(
    tmp_path: Path, names: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    rows = [("class", *reversed(names)), *((name, comma(lat), comma(lon)) for name, (lon, lat) in LONLAT.items())]
    path = write_csv(tmp_path / "a.csv", rows, ";")
    with caplog.at_level(logging.INFO):
        assert_places(path, 0.001)
    assert f"{path}: columns '{names[0]}' and '{names[1]}' are taken as coordinates in EPSG:4326" in caplog.messages


def test_metres_are_in_the_scene_s_crs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [("class", "x", "y"), *((name, *place) for name, place in PLACES.items())]
    path = write_csv(tmp_path / "a.csv", rows)
    with caplog.at_level(logging.INFO):
        assert_places(path, 0)
    assert f"{path}: columns 'x' and 'y' are taken as coordinates in EPSG:32631" in caplog.messages


@pytest.mark.parametrize("name", ["wkt", "WKT", "geom", "wkt_geom"])
def test_wkt(tmp_path: Path, name: str) -> None:
    rows = [("class", name), *((kind, f'"POINT ({x} {y})"') for kind, (x, y) in PLACES.items())]
    assert_places(write_csv(tmp_path / "a.csv", rows), 0)


def test_polygons_as_wkt(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    write_csv(folder / "land.csv", [("WKT", "id"), ('"POLYGON ((600100 4899000, 600200 4899000, 600200 4898900))"', 1)])
    write_csv(folder / "water.csv", [("x", "y"), PLACES["water"]])
    shape = "POLYGON ((601000 4895000, 601100 4895000, 601100 4894900, 601000 4895000))"
    write_csv(folder / "corrections.csv", [("class", "wkt"), ("water", f'"{shape}"')])
    land, water = read_samples(folder, LEGEND, GRID)
    assert (land.geometry["type"], land.extent) == ("Polygon", (600100, 4898900, 600200, 4899000))
    assert water.location == PLACES["water"]
    (correction,) = read_corrections(folder, LEGEND, GRID)
    assert (correction.code, correction.extent) == (6, (601000, 4894900, 601100, 4895000))


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
class TestSpreadsheets:
    def test_numbers(self, tmp_path: Path, suffix: str) -> None:
        rows = [("class", "x", "y"), *((name, *place) for name, place in PLACES.items())]
        assert_places(write_sheets(tmp_path / f"a.{suffix}", {"Sheet1": rows}), 0)

    def test_texts_alone(self, tmp_path: Path, suffix: str) -> None:
        """Without a number in any row, it is not plain which row is the head."""
        rows = [("Class", "lon", "lat"), *((f" {name} ", *map(comma, place)) for name, place in LONLAT.items())]
        assert_places(write_sheets(tmp_path / f"a.{suffix}", {"Sheet1": rows}), 0.001)

    def test_codes_and_empty_sheets(self, tmp_path: Path, suffix: str) -> None:
        rows = [("class", "x", "y"), *((LEGEND.classes[i].code, *place) for i, place in enumerate(PLACES.values()))]
        assert_places(write_sheets(tmp_path / f"a.{suffix}", {"Tabelle1": rows, "Tabelle2": [], "Tabelle3": []}), 0)


def test_empty_rows_are_left_out(tmp_path: Path) -> None:
    rows = [("class", "x", "y"), *((name, *place) for name, place in PLACES.items()), ("", "", ""), (" ", "", "")]
    assert_places(write_csv(tmp_path / "a.csv", rows, ";"), 0)


class TestRefusals:
    def test_metres_elsewhere(self, tmp_path: Path) -> None:
        rows = [("class", "x", "y"), *((name, *place) for name, place in LONLAT.items())]
        assert refusal(write_csv(tmp_path / "a.csv", rows)) == (
            "has no CRS, and no place in its columns 'x' and 'y' lies in the scene (x 600000 to 610000, y 4890000 to "
            f"4900000 in EPSG:32631), such as ({LONLAT['land'][0]:.10g}, {LONLAT['land'][1]:.10g}); "
            "call columns of degrees lon and lat, or put the CRS beside it as a .prj file"
        )

    def test_one_of_them_elsewhere(self, tmp_path: Path) -> None:
        rows = [("class", "x", "y"), *((name, *place) for name, place in PLACES.items()), ("land", 1, 2)]
        assert refusal(write_csv(tmp_path / "a.csv", rows)).startswith("feature 3: lies outside the scene")

    def test_metres_called_degrees(self, tmp_path: Path) -> None:
        rows = [("class", "lon", "lat"), *((name, *place) for name, place in PLACES.items())]
        assert refusal(write_csv(tmp_path / "a.csv", rows)) == (
            "columns 'lon' and 'lat' have (601234.5, 4893210.25), which is not a longitude and latitude; "
            "call them x and y if they are in the scene's CRS"
        )

    @pytest.mark.parametrize("text", ["north", "1,2,3", "44°12'", "nan", "inf"])
    def test_a_coordinate_that_is_no_number(self, tmp_path: Path, text: str) -> None:
        rows = [("class", "x", "y"), ("land", *PLACES["land"]), ("water", 608000, text)]
        found = refusal(write_csv(tmp_path / "a.csv", rows, ";"))
        assert found == f"feature 2: column 'y' has {text!r}, which is not a number; correct it"

    def test_wkt_that_is_none(self, tmp_path: Path) -> None:
        rows = [("class", "geom"), ("land", "POINT (601234"), ("water", "POINT (608000 4891000)")]
        found = refusal(write_csv(tmp_path / "a.csv", rows, ";"))
        assert found == "feature 1: column 'geom' has 'POINT (601234', which is not a geometry as WKT; correct it"

    @pytest.mark.parametrize("missing", [("", 4891000), (608000, "")])
    def test_a_place_that_is_missing(self, tmp_path: Path, missing: tuple[Any, Any]) -> None:
        rows = [("class", "x", "y"), ("land", *PLACES["land"]), ("water", *missing)]
        assert refusal(write_csv(tmp_path / "a.csv", rows)).startswith("feature 2: has no geometry")

    def test_no_column_of_coordinates(self, tmp_path: Path) -> None:
        rows = [("class", "a", "b"), ("land", 1, 2)]
        assert refusal(write_csv(tmp_path / "a.csv", rows)) == (
            "has no geometry (its columns: class, a, b); name the columns of coordinates lon and lat, x and y, "
            "easting and northing, or WKT"
        )

    @pytest.mark.parametrize("name", ["a.csv", "a.geojson"])
    def test_utf_16(self, tmp_path: Path, name: str) -> None:
        text = "class,x,y\nland,1,2\n" if name.endswith("csv") else '{"type": "FeatureCollection", "features": []}'
        (tmp_path / name).write_text(text, encoding="utf-16")
        assert "it is in UTF-16; save it as UTF-8" in refusal(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4890000,25", 4890000.25),
        ("4.890.000,25", 4890000.25),
        ("4,890,000.25", 4890000.25),
        ("4 890 000,25", 4890000.25),
        ("4\u00a0890\u202f000,25", 4890000.25),
        ("4'890'000.25", 4890000.25),
        ("-1,5", -1.5),
        ("+4e5", 400000),
        ("1.234", 1.234),
        ("1,234", 1.234),
        ("", None),
        ("1,2,3", None),
        ("1.2.3", None),
        ("inf", None),
        ("1;2", None),
    ],
)
def test_numbers_by_hand(text: str, expected: float | None) -> None:
    assert decimal(text) == expected


@given(st.floats(-1e7, 1e7))
def test_what_is_written_is_read(value: float) -> None:
    for text in (repr(value), repr(value).replace(".", ",")):
        assert decimal(text) == value
    assert decimal(f"{value:,.2f}") == pytest.approx(value, abs=0.006)
