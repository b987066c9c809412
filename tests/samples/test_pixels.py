"""Growth, polygons and ownership of pixels, by hand on 5 x 5 grids and by properties on random scenes."""

import logging
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from osgeo import gdal

from alcd_otb.errors import ProductError, SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.pixels import PixelSet, drawn_pixels, grow, held_pixels, thinned, valid_at
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.template import Template

LEFT, TOP = 600000.0, 4900000.0
SMALL = Grid("EPSG:32631", LEFT, TOP, 60.0, 5, 5)
WIDE = Grid("EPSG:32631", LEFT, TOP, 60.0, 30, 30)

Square = tuple[int, int, int, int]


def write_mask(path: Path, grid: Grid, mask: np.ndarray | None = None) -> Path:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), grid.width, grid.height, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform(grid.transform)
    dataset.SetProjection(grid.spatial_reference.ExportToWkt())
    dataset.WriteArray(np.ones((grid.height, grid.width), np.uint8) if mask is None else mask)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_mask(tmp_path / "valid.tif", SMALL)


@pytest.fixture
def wide(tmp_path: Path) -> Path:
    return write_mask(tmp_path / "valid.tif", WIDE)


def at(row: float, column: float, code: int) -> Sample:
    """A point in pixel units, 60 m: (0.5, 0.5) is the centre of the first pixel."""
    return Sample("s:1", code, {"type": "Point", "coordinates": (LEFT + 60 * column, TOP - 60 * row)})


def box(top: float, left: float, bottom: float, right: float, code: int) -> Sample:
    corners = ((top, left), (top, right), (bottom, right), (bottom, left), (top, left))
    ring = tuple((LEFT + 60 * column, TOP - 60 * row) for row, column in corners)
    return Sample("s:2", code, {"type": "Polygon", "coordinates": (ring,)})


def painted(pixels: PixelSet, grid: Grid) -> list[str]:
    """One digit a pixel, the class code; '.' where there is none."""
    image = np.full((grid.height, grid.width), ".", dtype="<U1")
    image[pixels.rows, pixels.columns] = [str(code) for code in pixels.codes]
    return ["".join(row) for row in image]


def cells(pixels: PixelSet) -> set[tuple[int, int]]:
    return set(zip(pixels.rows.tolist(), pixels.columns.tolist(), strict=True))


# A far-off point of another class lets one point be looked at alone.
FAR = at(25.5, 25.5, 7)


def test_no_growth_is_the_pixel_that_holds_the_point(small: Path) -> None:
    training, validation = grow([at(0.5, 0.5, 2), at(4.99, 3.0, 5)], [at(2.0, 2.5, 5)], 0, SMALL, small)
    assert painted(training, SMALL) == ["2....", ".....", ".....", ".....", "...5."]
    assert painted(validation, SMALL) == [".....", ".....", "..5..", ".....", "....."]
    assert training.samples.tolist() == [0, 1]
    assert validation.samples.tolist() == [0]


@pytest.mark.parametrize(
    ("row", "column", "rows", "columns"),
    [
        # 100 m are 1.667 pixels: centres within (offset - 1.667, offset + 1.667].
        (10.5, 10.5, range(9, 12), range(9, 12)),
        (10.0, 10.0, range(8, 12), range(8, 12)),
        (10.25, 10.75, range(9, 12), range(9, 12)),
        (10.1, 10.9, range(8, 12), range(9, 13)),
        (0.5, 29.5, range(2), range(28, 30)),
    ],
)
def test_growth_by_100_m(wide: Path, row: float, column: float, rows: range, columns: range) -> None:
    training, _ = grow([at(row, column, 2), FAR], [], {2: 100.0, 7: 0.0}, WIDE, wide)
    expected = {(r, c) for r in rows for c in columns}
    assert cells(training) == expected | {(25, 25)}


def test_edges_of_the_square_are_half_open(wide: Path) -> None:
    # Half a pixel around a centre reaches no other centre. One pixel around it meets the centres on both
    # sides: those on the right and below belong, those on the left and above do not.
    for growth, expected in ((30, {(9, 9)}), (60, {(9, 9), (9, 10), (10, 9), (10, 10)})):
        training, _ = grow([at(9.5, 9.5, 2), FAR], [], {2: growth, 7: 0}, WIDE, wide)
        assert cells(training) - {(25, 25)} == expected
    # On the corner of four pixels, the point lies in the lower right one.
    training, _ = grow([at(9, 9, 2), FAR], [], {2: 30, 7: 0}, WIDE, wide)
    assert cells(training) - {(25, 25)} == {(9, 9)}


def test_a_whole_number_of_pixels_gives_the_same_count_everywhere(tmp_path: Path) -> None:
    grid = Grid("EPSG:32631", LEFT, TOP, 10.0, 60, 60)
    valid = write_mask(tmp_path / "valid.tif", grid)
    far = Sample("s:9", 7, {"type": "Point", "coordinates": (LEFT + 595, TOP - 595)})
    for x in (300.0, 302.5, 305.0, 309.99):
        near = Sample("s:1", 2, {"type": "Point", "coordinates": (LEFT + x, TOP - 300.0)})
        assert grow([near, far], [], {2: 100, 7: 0}, grid, valid)[0].counts == {2: 400, 7: 1}


def test_a_class_may_grow_by_its_own(small: Path) -> None:
    """A stream's points are one pixel each; a point of land stands for the 3 x 3 pixels around it."""
    template = Template.model_validate(
        {
            "classes": [
                {"name": "stream", "code": 1, "colour": "#0000ff", "grow": 0},
                {"name": "land", "code": 2, "colour": "#00ff00"},
            ],
            "features": ["B02"],
            "view": {"layers": []},
            "samples": {"growth": 90},
            "classifier": {"classifier": "rf"},
        }
    )
    points = [at(0.5, 0.5, 1), at(2.5, 2.5, 1), at(3.5, 3.5, 2)]
    training, validation = drawn_pixels(points, [at(0.5, 4.5, 1), at(4.5, 0.5, 2)], template, SMALL, small)
    # The stream's point keeps the pixel that holds it, in the land's square.
    assert painted(training, SMALL) == [
        "1....",
        ".....",
        "..122",
        "..222",
        "..222",
    ]
    assert painted(validation, SMALL) == [
        "....1",
        ".....",
        ".....",
        "2....",
        "2....",
    ]


def test_growth_agrees_with_a_rasterised_square(wide: Path) -> None:
    # Away from ties, the square drawn as a polygon and rasterised by GDAL is an independent answer.
    generator = np.random.default_rng(5)
    for row, column in generator.uniform(5, 20, size=(40, 2)):
        grown, _ = grow([at(row, column, 2), FAR], [], {2: 100, 7: 0}, WIDE, wide)
        side = 100 / 60
        drawn, _ = grow([box(row - side, column - side, row + side, column + side, 2), FAR], [], 0, WIDE, wide)
        assert cells(grown) == cells(drawn)
        assert 10 <= len(grown) <= 17


def test_mean_number_of_pixels_is_the_area_of_the_square(wide: Path) -> None:
    generator = np.random.default_rng(6)
    counts = [
        grow([at(row, column, 2), FAR], [], {2: 100, 7: 0}, WIDE, wide)[0].counts[2]
        for row, column in generator.uniform(5, 20, size=(400, 2))
    ]
    # (200 / 60) squared is 11.11; its standard error here is 0.11.
    assert abs(np.mean(counts) - 11.11) < 0.5
    assert {*counts} == {9, 12, 16}


def test_pixels_claimed_by_two_classes_belong_to_nobody(small: Path) -> None:
    # Squares of 3 x 3 around (2, 1) and (2, 3) meet in column 2.
    training, _ = grow([at(2.5, 1.5, 2), at(2.5, 3.5, 5)], [], 70, SMALL, small)
    assert painted(training, SMALL) == [".....", "22.55", "22.55", "22.55", "....."]


def test_the_pixel_that_holds_a_point_stays_with_it(small: Path) -> None:
    # Neighbours: each square covers the other's point.
    training, _ = grow([at(2.5, 1.5, 2), at(2.5, 2.5, 5)], [], 70, SMALL, small)
    assert painted(training, SMALL) == [".....", "2..5.", "2255.", "2..5.", "....."]


def test_a_pixel_that_holds_two_classes_belongs_to_nobody(small: Path) -> None:
    training, validation = grow(
        [at(2.2, 2.2, 2), at(2.8, 2.8, 5), at(0.5, 0.5, 2), at(4.5, 4.5, 5)], [], 0, SMALL, small
    )
    assert painted(training, SMALL) == ["2....", ".....", ".....", ".....", "....5"]
    assert len(validation) == 0


def test_pixels_claimed_by_both_sets_belong_to_nobody(small: Path) -> None:
    # Columns 0-2 are claimed for training, 2-4 for validation; (0, 0) only gives a second class. What
    # validation keeps, columns 3 and 4, does not touch training.
    training, validation = grow([at(2.5, 1.5, 2), at(0.5, 0.5, 5)], [at(2.5, 3.5, 2)], {2: 70, 5: 0}, SMALL, small)
    assert painted(training, SMALL) == ["5....", "22...", "22...", "22...", "....."]
    assert painted(validation, SMALL) == [".....", "...22", "...22", "...22", "....."]


def test_grown_validation_pixels_that_touch_training_are_left_out(small: Path) -> None:
    # Training holds (2, 0) alone; validation grows over rows 1-3, columns 1-3; column 1 touches (2, 0).
    training, validation = grow([at(2.5, 0.5, 2), at(0.5, 4.5, 5)], [at(2.5, 2.5, 2)], {2: 0, 5: 0}, SMALL, small)
    assert cells(validation) == {(2, 2)}
    training, validation = grow(
        [at(2.5, 0.5, 5), at(0.5, 0.5, 6)], [at(2.5, 2.5, 2)], {2: 70, 5: 0, 6: 0}, SMALL, small
    )
    assert painted(validation, SMALL) == [".....", "..22.", "..22.", "..22.", "....."]
    assert painted(training, SMALL) == ["6....", ".....", "5....", ".....", "....."]


def test_a_validation_point_stays_where_it_touches_training(small: Path) -> None:
    _, validation = grow([at(2.5, 1.5, 2), at(0.5, 4.5, 5)], [at(2.5, 2.5, 2)], 0, SMALL, small)
    assert cells(validation) == {(2, 2)}


def test_touching_does_not_wrap_around_the_edge(small: Path) -> None:
    # (1, 4) and (2, 0) follow each other in memory, but are four pixels apart.
    _, validation = grow([at(1.5, 4.5, 5), at(4.5, 4.5, 6)], [at(2.5, 0.5, 2)], {2: 70, 5: 0, 6: 0}, SMALL, small)
    assert painted(validation, SMALL) == [".....", "22...", "22...", "22...", "....."]


def test_no_data_is_clipped(tmp_path: Path) -> None:
    mask = np.ones((5, 5), np.uint8)
    mask[:, 2] = 0
    mask[1, 1] = 0
    valid = write_mask(tmp_path / "valid.tif", SMALL, mask)
    training, _ = grow([at(1.5, 1.5, 2), at(4.5, 4.5, 5)], [], {2: 70, 5: 0}, SMALL, valid)
    assert painted(training, SMALL) == ["22...", "2....", "22...", ".....", "....5"]


def test_polygons_are_rasterised_by_centre_and_not_grown(small: Path) -> None:
    # Rows 1.4-3.6 hold the centres of rows 1, 2 and 3; columns 0.6-2.4 that of column 1 alone.
    training, _ = grow([box(1.4, 0.6, 3.6, 2.4, 2), at(0.5, 4.5, 5)], [], {2: 500, 5: 0}, SMALL, small)
    assert painted(training, SMALL) == ["....5", ".2...", ".2...", ".2...", "....."]


def test_a_polygon_wins_over_growth_and_loses_to_a_point_in_it(small: Path) -> None:
    polygon = box(0, 0, 5, 2, 2)
    training, _ = grow([polygon, at(2.5, 2.5, 5)], [], 70, SMALL, small)
    assert painted(training, SMALL) == ["22...", "2255.", "2255.", "2255.", "22..."]
    training, _ = grow([polygon, at(2.5, 1.5, 5), at(2.5, 4.5, 5)], [], 0, SMALL, small)
    assert painted(training, SMALL) == ["22...", "22...", "2...5", "22...", "22..."]


def test_polygons_may_have_holes_and_reach_beyond_the_grid(small: Path) -> None:
    outer = box(-3, -3, 8, 8, 2).geometry["coordinates"][0]
    inner = box(1, 1, 4, 4, 2).geometry["coordinates"][0]
    ring = Sample("s:3", 2, {"type": "Polygon", "coordinates": (outer, inner)})
    training, _ = grow([ring, at(2.5, 2.5, 5)], [], 0, SMALL, small)
    assert painted(training, SMALL) == ["22222", "2...2", "2.5.2", "2...2", "22222"]
    assert len(held_pixels([box(-9, -9, -7, -7, 2)], SMALL)[0]) == 0


def test_polygons_of_many_strips_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alcd_otb.samples.claims._STRIP_PIXELS", 40)
    rows, columns, samples = held_pixels([FAR, box(2, 3, 27, 28, 2)], WIDE)
    assert sorted(zip(rows[samples == 1], columns[samples == 1], strict=True)) == [
        (row, column) for row in range(2, 27) for column in range(3, 28)
    ]
    assert (rows[samples == 0], columns[samples == 0]) == ([25], [25])


def test_a_polygon_of_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alcd_otb.samples.claims.MOST_POLYGON_PIXELS", 624)
    with pytest.raises(SampleError, match="s:2: covers more than 624 pixels; draw smaller"):
        held_pixels([box(2, 3, 27, 28, 2)], WIDE)


def test_a_pixel_comes_from_the_nearest_sample(small: Path) -> None:
    training, _ = grow([at(2.5, 0.5, 2), at(2.5, 3.4, 2), at(0.5, 4.5, 5)], [], {2: 130, 5: 0}, SMALL, small)
    of_row_2 = dict(zip(training.columns[training.rows == 2], training.samples[training.rows == 2], strict=True))
    assert of_row_2 == {0: 0, 1: 0, 2: 1, 3: 1, 4: 1}


def test_a_held_pixel_comes_from_its_holder_though_another_is_nearer(small: Path) -> None:
    # The first point lies in a corner of (2, 2), 0.64 pixels from its centre; the second at 0.6, in (2, 3).
    training, _ = grow([at(2.95, 2.05, 2), at(2.5, 3.1, 2), at(0.5, 0.5, 5)], [], {2: 70, 5: 0}, SMALL, small)
    of_row_2 = dict(zip(training.columns[training.rows == 2], training.samples[training.rows == 2], strict=True))
    assert (of_row_2[2], of_row_2[3]) == (0, 1)


def test_sorted_by_row_and_column(wide: Path) -> None:
    training, _ = grow([at(20, 3, 2), at(3, 20, 5), at(3, 3, 5)], [], 100, WIDE, wide)
    order = np.lexsort((training.columns, training.rows))
    assert order.tolist() == list(range(len(training)))
    assert training.codes.dtype == np.uint8


def test_fewer_than_two_trainable_classes(small: Path) -> None:
    with pytest.raises(SampleError, match="0 of at least 2 classes"):
        grow([at(2.2, 2.2, 2), at(2.8, 2.8, 5)], [], 0, SMALL, small)
    with pytest.raises(SampleError, match="1 of at least 2 classes"):
        grow([at(2.2, 2.2, 2)], [], 0, SMALL, small)


def test_a_class_that_loses_its_pixels_is_told(small: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        grow([at(0.5, 0.5, 2), at(4.5, 4.5, 5), at(2.5, 2.5, 6)], [at(2.5, 2.5, 2)], 0, SMALL, small)
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        "class 6 keeps no training pixel",
        "class 2 keeps no validation pixel",
    ]


@pytest.mark.parametrize("growth", [-1.0, float("inf"), float("nan"), {2: 100.0}, {2: 0.0, 5: -3.0}])
def test_bad_growth(small: Path, growth: float | dict[int, float]) -> None:
    with pytest.raises(ValueError, match="growth"):
        grow([at(0.5, 0.5, 2), at(4.5, 4.5, 5)], [], growth, SMALL, small)


def test_a_mask_of_another_grid_is_refused(wide: Path) -> None:
    with pytest.raises(ProductError, match=r"valid\.tif: is not on the scene's grid"):
        grow([at(0.5, 0.5, 2), at(4.5, 4.5, 5)], [], 0, SMALL, wide)


def test_valid_at_reads_any_pixel_of_a_large_mask(tmp_path: Path) -> None:
    grid = Grid("EPSG:32631", LEFT, TOP, 10.0, 700, 520)
    generator = np.random.default_rng(2)
    # 255 is neither valid nor not: only 1 counts.
    mask = generator.choice(np.array([0, 1, 255], np.uint8), size=(520, 700))
    valid = write_mask(tmp_path / "valid.tif", grid, mask)
    rows, columns = generator.integers(0, 520, 3000), generator.integers(0, 700, 3000)
    assert np.array_equal(valid_at(valid, grid, rows, columns), mask[rows, columns] == 1)
    assert valid_at(valid, grid, rows[:0], columns[:0]).size == 0


def scenes() -> st.SearchStrategy[list[tuple[str, int, float, float, bool]]]:
    place = st.floats(0, 29.99).map(lambda value: round(value * 4) / 4 if value < 10 else value)
    one = st.tuples(st.sampled_from(["point", "polygon"]), st.sampled_from([2, 5, 6]), place, place, st.booleans())
    return st.lists(one, min_size=1, max_size=25)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(scenes(), st.sampled_from([0.0, 20.0, 30.0, 60.0, 100.0, 130.0]), st.integers(0, 5))
def test_growth_properties(
    tmp_path: Path, scene: list[tuple[str, int, float, float, bool]], growth: float, mask_seed: int
) -> None:
    mask = (np.random.default_rng(mask_seed).random((30, 30)) < 0.9).astype(np.uint8)
    mask[29, 28:] = 1
    valid = write_mask(tmp_path / f"{mask_seed}.tif", WIDE, mask)
    # Polygons of the two last pixels keep two classes trainable whatever is drawn.
    sides: tuple[list[Sample], list[Sample]] = ([box(29, 28, 30, 29, 3), box(29, 29, 30, 30, 4)], [])
    for kind, code, row, column, to_training in scene:
        if row > 27 and column > 26:
            continue
        sample = at(row, column, code) if kind == "point" else box(row, column, row + 1.5, column + 1.2, code)
        sides[0 if to_training else 1].append(sample)
    sets = grow(*sides, growth, WIDE, valid)

    assert cells(sets[0]).isdisjoint(cells(sets[1]))
    for samples, pixels in zip(sides, sets, strict=True):
        assert len(cells(pixels)) == len(pixels)
        assert mask[pixels.rows, pixels.columns].all()
        for row, column, code, index in zip(pixels.rows, pixels.columns, pixels.codes, pixels.samples, strict=True):
            assert samples[index].code == code
            left, bottom, right, top = samples[index].extent
            x, y = WIDE.centre_of(row, column)
            reach = max(growth, 30.0) if samples[index].is_point else 0.0
            assert left - reach - 1e-6 <= x <= right + reach + 1e-6
            assert bottom - reach - 1e-6 <= y <= top + reach + 1e-6
    # The pixel of a point is in its set and class, unless it is no data or another set or class holds it too.
    holders: dict[tuple[int, int], set[tuple[int, int]]] = {}
    for side, samples in enumerate(sides):
        for row, column, index in zip(*held_pixels(samples, WIDE), strict=True):
            holders.setdefault((row, column), set()).add((side, samples[index].code))
    codes_of = [
        dict(zip(zip(p.rows.tolist(), p.columns.tolist(), strict=True), p.codes.tolist(), strict=True)) for p in sets
    ]
    for pixel, claims in holders.items():
        expected = next(iter(claims)) if len(claims) == 1 and mask[pixel] else None
        found = [(side, codes_of[side][pixel]) for side in (0, 1) if pixel in codes_of[side]]
        assert found == ([expected] if expected else [])
    # No validation pixel won by growth alone touches a training pixel.
    trained = cells(sets[0])
    for row, column in cells(sets[1]) - set(holders):
        assert not any((row + i, column + j) in trained for i in (-1, 0, 1) for j in (-1, 0, 1))
    again = grow(*sides, growth, WIDE, valid)
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(sets, again, strict=True))


def test_thinning_takes_at_most_so_many_of_each_class() -> None:
    codes = np.array([2] * 50 + [5] * 7, dtype=np.uint8)
    places = np.arange(57)
    pixels = PixelSet(places // 10, places % 10, codes, places)

    fewer = thinned(pixels, 20, seed=3)

    assert fewer.counts == {2: 20, 5: 7}
    assert np.array_equal(fewer.samples, np.sort(fewer.samples))
    assert np.array_equal(fewer.codes, codes[fewer.samples])
    assert np.array_equal(fewer.samples, thinned(pixels, 20, seed=3).samples)
    assert not np.array_equal(fewer.samples, thinned(pixels, 20, seed=4).samples)
    assert len(thinned(pixels, 1000, seed=3)) == 57
