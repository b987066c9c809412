"""The place around a point, for every date of a tile."""

import json
from pathlib import Path

import numpy as np
import pytest
from osgeo import osr
from scenes import alcd, refused
from sentinel2_files import FIRST_VALUE, LEFT, METRES, TILE, TOP, one_line_error, write_compact
from split_products import east, west, write_part

from alcd_otb.pictures.figures import BRIGHTEST
from alcd_otb.pictures.place import SIDE, Place, picture_at
from alcd_otb.products.acquisitions import join_parts
from alcd_otb.products.sentinel2_l1c import read_product

COLOURS = ("B02", "B03", "B04")
# By hand: red, green and blue are the bands of positions 3, 2 and 1, with an offset of -1000 and 10000 for 1.
GREY = [int((FIRST_VALUE + position - 1000) / 10000 / BRIGHTEST * 255) for position in (3, 2, 1)]


def place(column: float, row: float) -> Place:
    """The place of a pixel of 10 m."""
    utm, geographic = osr.SpatialReference(), osr.SpatialReference()
    utm.ImportFromEPSG(32631)
    geographic.ImportFromEPSG(4326)
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    x, y, _ = osr.CoordinateTransformation(utm, geographic).TransformPoint(LEFT + 10 * column, TOP - 10 * row)
    return Place(x, y)


def test_the_place_is_the_middle_and_beyond_the_image_is_black(tmp_path: Path) -> None:
    product = read_product(write_compact(tmp_path, bands=COLOURS))
    side = METRES // 10
    column, row = 20, 50
    picture = picture_at(product, place(column + 0.5, row + 0.5))
    assert picture.shape == (SIDE, SIDE, 3)
    expected = np.zeros((SIDE, SIDE), bool)
    expected[128 - row : 128 - row + side, 128 - column : 128 - column + side] = True
    np.testing.assert_array_equal(picture.any(axis=2), expected)
    # The first row of such a product is noise.
    assert picture[129, 128].tolist() == GREY
    message = one_line_error(lambda: picture_at(product, place(side + 1, 5)))
    assert "does not contain the place" in message


def test_parts_of_an_acquisition_are_seen_together(tmp_path: Path) -> None:
    whole = write_compact(tmp_path / "whole", bands=COLOURS)
    parts = [
        read_product(write_part(whole, tmp_path, number, kept, lower=lower))
        for number, kept, lower in ((1, west, 0), (2, east, 100))
    ]
    at = place(30.5, 30.5)
    np.testing.assert_array_equal(picture_at(join_parts(parts), at), picture_at(read_product(whole), at))


def test_all_dates_of_a_folder(tmp_path: Path) -> None:
    for sensed in ("20240305T104819", "20240310T104819"):
        write_compact(tmp_path, sensed=sensed, bands=COLOURS)
    sheet = tmp_path / "place.html"
    options = (tmp_path, "--tile", TILE, "-o", sheet)
    ended = alcd("quicklooks", *options, "--json", f"--at={place(30, 30)}")
    assert ended.returncode == 0, ended.stderr
    assert [date["problem"] for date in json.loads(ended.stdout)["dates"]] == [None, None]
    assert sheet.read_text("utf-8").count("data:image/jpeg") == 2
    outside = alcd("quicklooks", *options, "--json", "--at=10,50")
    assert all("does not contain the place 10,50" in date["problem"] for date in json.loads(outside.stdout)["dates"])


@pytest.mark.parametrize("given", ["4", "4,b", "43,120"])
def test_what_is_no_place_is_refused(given: str, tmp_path: Path) -> None:
    ended = alcd("quicklooks", tmp_path, "--tile", TILE, f"--at={given}")
    assert ended.returncode == 2
    assert "is not" in ended.stderr
    assert refused(3, "quicklooks", tmp_path, "--tile", TILE, "--at=4,43")
