"""Corrections burnt over a map, and the figures of what they changed."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from osgeo import gdal

from alcd_otb.classification.corrections import Corrections, burn
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes(
    [
        LegendClass("low_clouds", 2, "#d2d2d2", True),
        LegendClass("land", 5, "#009738", False),
        LegendClass("water", 6, "#008ed0", False),
    ]
)
# Higher than one strip.
GRID = Grid("EPSG:32631", 600000.0, 4900020.0, 60.0, 40, 300)
Codes = npt.NDArray[np.uint8]


def polygon(name: str, code: int, *rings: list[tuple[float, float]]) -> Sample:
    """Of (column, row) corners in pixels."""
    placed = tuple(
        tuple((GRID.left + 60 * column, GRID.top - 60 * row) for column, row in (*ring, ring[0])) for ring in rings
    )
    return Sample(name, code, {"type": "Polygon", "coordinates": placed})


def box(name: str, code: int, left: float, top: float, right: float, bottom: float) -> Sample:
    return polygon(name, code, [(left, top), (right, top), (right, bottom), (left, bottom)])


def write_map(folder: Path, codes: Codes) -> Path:
    path = folder / "cleaned.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), GRID.width, GRID.height, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform(GRID.transform)
    dataset.SetSpatialRef(GRID.spatial_reference)
    dataset.WriteArray(codes)
    dataset.FlushCache()
    return path


def land() -> Codes:
    return np.full((GRID.height, GRID.width), 5, np.uint8)


def burnt(folder: Path, codes: Codes, *corrections: Sample) -> tuple[Codes, Corrections]:
    path = write_map(folder, codes)
    found = burn(corrections, path, GRID)
    return gdal.Open(str(path)).ReadAsArray(), found


def test_pixels_whose_centres_lie_within_are_corrected(tmp_path: Path) -> None:
    # Columns 3 to 6 and rows 2 to 4 have their centres within.
    after, found = burnt(tmp_path, land(), box("a:1", 2, 2.6, 1.9, 7.4, 5.4))
    expected = land()
    expected[2:5, 3:7] = 2
    np.testing.assert_array_equal(after, expected)
    assert found == Corrections({2: 1}, {2: 12}, {2: 12}, ())


def test_a_polygon_over_two_strips_is_whole(tmp_path: Path) -> None:
    after, found = burnt(tmp_path, land(), box("a:1", 2, 10, 250, 12, 262))
    expected = land()
    expected[250:262, 10:12] = 2
    np.testing.assert_array_equal(after, expected)
    assert found.pixels == {2: 24}


def test_the_last_drawn_wins_whatever_its_code(tmp_path: Path) -> None:
    first, second = box("a:1", 6, 0, 0, 4, 4), box("a:2", 2, 2, 2, 6, 6)
    after, found = burnt(tmp_path, land(), first, second)
    assert (after[2:6, 2:6] == 2).all()
    assert found.pixels == {6: 12, 2: 16}
    after, found = burnt(tmp_path, land(), second, first)
    assert (after[0:4, 0:4] == 6).all()
    assert found.pixels == {6: 16, 2: 12}


def test_what_was_of_the_class_already_is_held_but_not_changed(tmp_path: Path) -> None:
    codes = land()
    codes[:, :3] = 2
    after, found = burnt(tmp_path, codes, box("a:1", 2, 0, 0, 5, 2))
    assert (after[:2, :5] == 2).all()
    assert found == Corrections({2: 1}, {2: 10}, {2: 4}, ())


def test_no_data_stays(tmp_path: Path) -> None:
    codes = land()
    codes[:, :4] = 0
    after, found = burnt(tmp_path, codes, box("a:1", 2, 2, 0, 6, 10))
    assert (after[:, :4] == 0).all()
    assert (after[:10, 4:6] == 2).all()
    assert found.pixels == {2: 20}


def test_holes_and_what_lies_beyond_the_edge_are_left_out(tmp_path: Path) -> None:
    outer = [(-5, -5), (6, -5), (6, 6), (-5, 6)]
    after, found = burnt(tmp_path, land(), polygon("a:1", 2, outer, [(2, 2), (4, 2), (4, 4), (2, 4)]))
    expected = land()
    expected[:6, :6] = 2
    expected[2:4, 2:4] = 5
    np.testing.assert_array_equal(after, expected)
    assert found.pixels == {2: 32}


def test_what_has_no_effect_is_told(tmp_path: Path) -> None:
    codes = land()
    codes[:, 30:] = 0
    idle = [box("a:1", 2, 1.6, 1.6, 2.4, 2.4), box("a:2", 2, 32, 0, 36, 5), box("a:3", 6, 10, 10, 12, 12)]
    after, found = burnt(tmp_path, codes, *idle, box("a:4", 2, 9, 9, 13, 13))
    assert (after == 2).sum() == 16
    (warning,) = found.warnings
    assert warning == (
        "corrections without effect (a:1, a:2, a:3): they lie on no data, are smaller than a "
        "pixel, or lie under a later one: delete or enlarge them"
    )
    assert found.pixels == {2: 16, 6: 0}


def test_an_outline_that_crosses_itself_is_told_and_filled_as_drawn(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bow_tie = polygon("a:7", 2, [(0, 0), (8, 8), (8, 0), (0, 8)])
    after, found = burnt(tmp_path, land(), bow_tie)
    # Both halves: left and right of the crossing in the middle.
    rows, columns = np.indices(after.shape) + 0.5
    within = (np.abs(rows - 4) < np.abs(columns - 4)) & (columns < 8)
    certain = np.abs(np.abs(rows - 4) - np.abs(columns - 4)) > 0.1
    np.testing.assert_array_equal((after == 2)[certain], within[certain])
    (warning,) = found.warnings
    assert warning.startswith("corrections whose outlines cross themselves (a:7): ")
    assert capfd.readouterr().err == ""


def test_without_any_the_map_is_not_touched(tmp_path: Path) -> None:
    path = write_map(tmp_path, land())
    before = path.read_bytes(), path.stat().st_mtime_ns
    assert burn((), path, GRID) == Corrections({}, {}, {}, ())
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_figures_are_in_hectares_and_by_class() -> None:
    found = Corrections({2: 2, 6: 1}, {2: 10, 6: 5}, {2: 3, 6: 0}, ())
    water: dict[str, Any] = {"polygons": 1, "pixels": 5, "hectares": 1.8, "changed_pixels": 0}
    clouds: dict[str, Any] = {"polygons": 2, "pixels": 10, "hectares": 3.6, "changed_pixels": 3}
    assert found.as_json(LEGEND, GRID) == {
        "polygons": 3,
        "pixels": 15,
        "hectares": 5.4,
        "changed_pixels": 3,
        "by_class": {"low_clouds": clouds, "water": water},
    }


CORNER = st.tuples(st.integers(-3, GRID.width + 3), st.integers(-3, GRID.height + 3))
BOX = st.tuples(CORNER, CORNER, st.sampled_from((2, 5, 6)))


@settings(max_examples=30, deadline=None)
@given(st.lists(BOX, max_size=6), st.integers(0, 2**32 - 1))
def test_agrees_with_boxes_painted_one_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, boxes: list[Any], seed: int
) -> None:
    codes = np.random.default_rng(seed).choice(np.array([0, 2, 5, 6], np.uint8), (GRID.height, GRID.width))
    expected, owners = codes.copy(), np.zeros(codes.shape, np.uint8)
    drawn = []
    for (a, b), (c, d), code in boxes:
        left, right, top, bottom = min(a, c), max(a, c), min(b, d), max(b, d)
        if left == right or top == bottom:
            continue
        drawn.append(box(f"a:{len(drawn)}", code, left, top, right, bottom))
        part = slice(max(top, 0), max(bottom, 0)), slice(max(left, 0), max(right, 0))
        owners[part] = code
    inside = (owners > 0) & (codes > 0)
    expected[inside] = owners[inside]
    after, found = burnt(tmp_path_factory.mktemp("map"), codes, *drawn)
    np.testing.assert_array_equal(after, expected)
    for code in found.polygons:
        assert found.pixels[code] == (inside & (owners == code)).sum()
        assert found.changed[code] == (inside & (owners == code) & (codes != code)).sum()
