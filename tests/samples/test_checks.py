"""What is dropped from the samples, and what is warned of."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from alcd_otb.errors import ProductError, SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.checks import Margin, check_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes(
    [
        LegendClass("low_clouds", 2, "#d2d2d2", True),
        LegendClass("land", 5, "#009738", False),
        LegendClass("water", 6, "#008ed0", False),
    ]
)
GRID = Grid("EPSG:32631", 600000.0, 4900000.0, 60.0, 100, 80)


@pytest.fixture
def valid(tmp_path: Path) -> Path:
    """Valid but for the ten columns on the left."""
    mask = np.ones((GRID.height, GRID.width), np.uint8)
    mask[:, :10] = 0
    dataset = gdal.GetDriverByName("GTiff").Create(
        str(tmp_path / "valid.tif"), GRID.width, GRID.height, 1, gdal.GDT_Byte
    )
    dataset.SetGeoTransform(GRID.transform)
    dataset.SetProjection(GRID.spatial_reference.ExportToWkt())
    dataset.WriteArray(mask)
    return tmp_path / "valid.tif"


def at(row: float, column: float, code: int, fid: int) -> Sample:
    coordinates = (GRID.left + 60 * column, GRID.top - 60 * row)
    return Sample(f"s.gpkg:{fid}", code, {"type": "Point", "coordinates": coordinates})


def box(top: float, left: float, bottom: float, right: float, code: int, fid: int) -> Sample:
    corners = ((top, left), (top, right), (bottom, right), (bottom, left), (top, left))
    ring = tuple((GRID.left + 60 * column, GRID.top - 60 * row) for row, column in corners)
    return Sample(f"s.gpkg:{fid}", code, {"type": "Polygon", "coordinates": (ring,)})


def spread(code: int, first: int, count: int = 4) -> list[Sample]:
    """Points along a diagonal of more than 2 km, in a row of the scene of their own."""
    return [at(5 * code + i, 15 + 70 * i / (count - 1), code, first + i) for i in range(count)]


@pytest.fixture
def features(tmp_path: Path) -> Path:
    """Two features, of which the second has no data in the five columns on the left."""
    values = np.ones((2, GRID.height, GRID.width), np.float32)
    values[1, :, :5] = np.nan
    path = str(tmp_path / "features.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, GRID.width, GRID.height, 2, gdal.GDT_Float32)
    dataset.SetGeoTransform(GRID.transform)
    dataset.WriteArray(values)
    return Path(path)


class TestMargin:
    lost = (at(30, 8, 2, 31), at(31, 9, 5, 32), at(32, 2, 5, 33), box(40.1, 6.1, 42.9, 8.9, 6, 34))

    def test_what_it_takes_is_told_apart_from_what_has_no_data(self, valid: Path, features: Path) -> None:
        samples = (*spread(2, 1), *spread(5, 11), *spread(6, 21), *self.lost)
        report = check_samples(samples, LEGEND, GRID, valid, Margin(300, features))
        assert report.on_no_data == {2: 1, 5: 2, 6: 1}
        assert report.warnings == (
            "1 of class low_clouds, 1 of class land, 1 of class water lie in the margin of 300 m along the edge of the "
            "data: dropped (s.gpkg:31, s.gpkg:32, s.gpkg:34); a smaller 'margin' keeps them",
            "1 of class land lies on no data or between pixel centres: dropped (s.gpkg:33)",
        )

    def test_that_leaves_too_little_is_named_with_what_is_left(self, valid: Path, features: Path) -> None:
        with pytest.raises(SampleError, match="in the margin of 300 m along the edge") as caught:
            check_samples((*spread(2, 1, 3), *self.lost), LEGEND, GRID, valid, Margin(300, features))
        assert str(caught.value).endswith(
            f"; set a smaller 'margin' than 300, which leaves 3 of 7 samples, or label points where {valid} is 1"
        )


def test_good_samples_are_kept_without_a_word(valid: Path) -> None:
    samples = (*spread(2, 1), *spread(5, 11), *spread(6, 21))
    report = check_samples(samples, LEGEND, GRID, valid)
    assert report.kept == samples
    assert (report.on_no_data, report.repeated, report.warnings) == ({}, {}, ())


def test_samples_on_no_data_are_dropped_and_counted(valid: Path) -> None:
    good = (*spread(2, 1), *spread(5, 11))
    bad = (at(3, 9.99, 5, 31), at(4, 0, 5, 32), at(5, 5, 2, 33), box(0, 0, 5, 5, 6, 34))
    report = check_samples((*bad[:2], *good, *bad[2:]), LEGEND, GRID, valid)
    assert report.kept == good
    assert report.on_no_data == {5: 2, 2: 1, 6: 1}
    assert report.warnings == (
        "1 of class low_clouds, 2 of class land, 1 of class water lie on no data or between pixel centres: "
        "dropped (s.gpkg:31, s.gpkg:32, s.gpkg:33, s.gpkg:34)",
    )


def test_the_edge_of_no_data(valid: Path) -> None:
    samples = (*spread(2, 1), *spread(5, 11), at(3, 10, 5, 31), box(60, 5, 65, 11, 2, 32))
    assert check_samples(samples, LEGEND, GRID, valid).kept == samples


def test_a_polygon_between_the_centres_is_dropped(valid: Path) -> None:
    report = check_samples((*spread(2, 1), *spread(5, 11), box(60.6, 20.6, 60.9, 21.4, 5, 31)), LEGEND, GRID, valid)
    assert report.on_no_data == {5: 1}
    assert report.warnings == ("1 of class land lies on no data or between pixel centres: dropped (s.gpkg:31)",)


def test_two_classes_in_one_pixel(valid: Path) -> None:
    samples = (
        *spread(2, 1),
        *spread(5, 11),
        at(60.1, 40.1, 2, 31),
        at(60.9, 40.9, 5, 32),
        at(60.1, 41, 5, 33),
    )
    report = check_samples(samples, LEGEND, GRID, valid)
    assert report.kept == samples
    assert report.warnings == (
        "1 pixel holds samples of two classes and will not be used (s.gpkg:31, s.gpkg:32): move or delete one of them",
    )


def test_a_point_in_a_polygon_of_another_class(valid: Path) -> None:
    samples = (
        *spread(2, 1),
        *spread(5, 11),
        box(60, 40, 63, 43, 2, 31),
        at(61.5, 41.5, 5, 32),
        at(62, 41, 5, 33),
    )
    report = check_samples(samples, LEGEND, GRID, valid)
    assert report.warnings == (
        "2 pixels hold samples of two classes and will not be used (s.gpkg:31, s.gpkg:32, s.gpkg:33): "
        "move or delete one of them",
    )


def test_repeated_points_count_once(valid: Path) -> None:
    good = (*spread(2, 1), *spread(5, 11), at(60.5, 40.5, 5, 31))
    again = (at(60.1, 40.9, 5, 32), at(60.5, 40.5, 5, 33))
    report = check_samples((*good, *again), LEGEND, GRID, valid)
    assert report.kept == good
    assert report.repeated == {5: 2}
    assert report.warnings == (
        "2 of class land lie in a pixel that already has a sample of the same class: dropped (s.gpkg:32, s.gpkg:33)",
    )


def test_a_point_in_a_polygon_of_its_class_is_repeated_wherever_it_stands(valid: Path) -> None:
    samples = (at(61.5, 41.5, 2, 31), *spread(2, 1), *spread(5, 11), box(60, 40, 63, 43, 2, 32))
    report = check_samples(samples, LEGEND, GRID, valid)
    assert report.kept == samples[1:]
    assert report.repeated == {2: 1}


def test_few_samples(valid: Path) -> None:
    report = check_samples((*spread(2, 1), *spread(5, 11, 2), *spread(6, 21, 3)), LEGEND, GRID, valid)
    assert report.warnings == ("class land has 2 of the 3 samples it needs at least: add some",)


def test_imbalance(valid: Path) -> None:
    balanced = (*spread(2, 1, 30), *spread(5, 41, 3), *spread(6, 51, 5))
    assert check_samples(balanced, LEGEND, GRID, valid).warnings == ()
    report = check_samples((*balanced, at(60, 50, 2, 60)), LEGEND, GRID, valid)
    assert report.warnings == ("class low_clouds has 31 samples and class land 3, more than 10 to 1: balance them",)


def test_samples_close_together(valid: Path) -> None:
    # 33.3 pixels are 2 km: a diagonal of 20 and 26 pixels is 1.97 km, one of 20 and 27 is 2.02 km.
    near = [at(20, 30, 5, 11), at(40, 56, 5, 12), at(30, 40, 5, 13)]
    report = check_samples((*spread(2, 1), *near), LEGEND, GRID, valid)
    assert report.warnings == ("all 3 samples of class land lie within 2 km: spread them over the scene",)
    far = [*near[:2], at(30, 57, 5, 13)]
    assert check_samples((*spread(2, 1), *far), LEGEND, GRID, valid).warnings == ()


def test_fewer_than_two_classes_on_data(valid: Path) -> None:
    samples = (*spread(2, 1), at(3, 3, 5, 31))
    with pytest.raises(SampleError) as caught:
        check_samples(samples, LEGEND, GRID, valid)
    assert str(caught.value) == (
        "s.gpkg: fewer than two classes lie on valid data (1 of class land lies on no data or between pixel "
        f"centres: dropped (s.gpkg:31)); label points where {valid} is 1"
    )


def test_a_mask_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProductError, match=r"absent\.tif"):
        check_samples((*spread(2, 1), *spread(5, 11)), LEGEND, GRID, tmp_path / "absent.tif")
