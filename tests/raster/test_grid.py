"""The grid that rasters are checked against, by hand-computed places."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal, osr

from alcd_otb.errors import ProductError
from alcd_otb.raster.grid import Grid, crs_name

# As tile 31TFJ at 10 m.
TILE = Grid("EPSG:32631", 600000, 4900020, 10, 10980, 10980)


def write(path: Path, transform: tuple[float, ...], epsg: int | None = 32631) -> str:
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), 4, 3, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform(transform)
    if epsg is not None:
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(epsg)
        dataset.SetSpatialRef(reference)
    return str(path)


class TestReading:
    def test_a_raster(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.tif", (600000, 60, 0, 4900020, 0, -60))
        assert Grid.of(path) == Grid("EPSG:32631", 600000, 4900020, 60, 4, 3)

    def test_what_it_wrote_itself(self, tmp_path: Path) -> None:
        assert Grid.of(write(tmp_path / "a.tif", TILE.transform)).transform == TILE.transform

    @pytest.mark.parametrize(
        ("transform", "side"),
        [
            ((600000, 60, 0, 4900020, 0, -60.0000001), 60),
            ((600000, 10.0000003, 0, 4900020, 0, -9.9999998), 10),
            ((600000, 29.99, 0, 4900020, 0, -30.01), 30),
            ((600000, 0.1, 0, 4900020, 0, -0.1 + 1e-9), 0.1),
            # Not changed, though rounder numbers are near.
            ((600000, 59.9999999, 0, 4900020, 0, -59.9999999), 59.9999999),
            ((600000, 60, 1e-9, 4900020, -1e-9, -60), 60),
        ],
    )
    def test_sides_that_differ_by_rounding(self, tmp_path: Path, transform: tuple[float, ...], side: float) -> None:
        grid = Grid.of(write(tmp_path / "a.tif", transform))
        assert grid == Grid("EPSG:32631", 600000, 4900020, side, 4, 3)

    def test_what_is_rounding_depends_on_the_size(self, tmp_path: Path) -> None:
        """Over 10000 rows, 0.0001 of a side are a whole pixel."""
        dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "a.tif"), 4, 10000, 1, gdal.GDT_Byte)
        dataset.SetProjection("EPSG:32631")
        dataset.SetGeoTransform((0, 10, 0, 0, 0, -10.001))
        dataset = None
        with pytest.raises(ProductError, match="not square"):
            Grid.of(tmp_path / "a.tif")

    @pytest.mark.parametrize(
        ("transform", "epsg", "problem"),
        [
            ((0, 10, 0, 0, 0, -20), 32631, "not square and north-up"),
            ((0, 10, 0, 0, 0, 10), 32631, "not square and north-up"),
            ((0, 10, 1, 0, 1, -10), 32631, "not square and north-up"),
            # 4 x 3 pixels, the last of which is 0.016 of a side off, whichever side is taken.
            ((0, 10, 0, 0, 0, -10.08), 32631, "not square and north-up"),
            ((0, 10, 0, 0, 0.03, -10), 32631, "not square and north-up"),
            ((0, -10, 0, 0, 0, 10), 32631, "not square and north-up"),
            ((0, 0, 0, 0, 0, 0), 32631, "not square and north-up"),
            ((0, 10, 0, 9, 0, -10), None, "has no coordinate reference system"),
        ],
    )
    def test_another_is_refused(
        self, tmp_path: Path, transform: tuple[float, ...], epsg: int | None, problem: str
    ) -> None:
        path = write(tmp_path / "a.tif", transform, epsg)
        with pytest.raises(ProductError, match=problem) as caught:
            Grid.of(path)
        assert str(caught.value).startswith(f"{path}: ")

    def test_no_raster_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.tif").write_text("text")
        with pytest.raises(ProductError, match="cannot be read as a raster"):
            Grid.of(str(tmp_path / "a.tif"))

    def test_a_crs_without_a_code_is_its_wkt(self) -> None:
        reference = osr.SpatialReference()
        reference.ImportFromProj4("+proj=tmerc +lat_0=1 +lon_0=2 +datum=WGS84")
        assert crs_name(reference).startswith("PROJCS[")
        grid = Grid(crs_name(reference), 0, 0, 10, 1, 1)
        assert grid.spatial_reference.IsSame(reference)


class TestNearly:
    @pytest.mark.parametrize(
        ("other", "expected"),
        [
            (Grid("EPSG:32631", 600000.09, 4900019.91, 10, 10980, 10980), True),
            (Grid("EPSG:32631", 600000, 4900020, 10.000009, 10980, 10980), True),
            (Grid("EPSG:32631", 600000.11, 4900020, 10, 10980, 10980), False),
            (Grid("EPSG:32631", 600000, 4900020, 10.00001, 10980, 10980), False),
            (Grid("EPSG:32631", 600000, 4900020, 10, 10980, 10979), False),
            (Grid("EPSG:32632", 600000, 4900020, 10, 10980, 10980), False),
        ],
    )
    def test_by_a_hundredth_of_a_pixel(self, other: Grid, expected: bool) -> None:
        assert other.is_nearly(TILE) is expected
        assert TILE.is_nearly(other) is expected

    def test_no_pixel_is_lost_to_rounding(self) -> None:
        assert Grid("EPSG:32631", 0, 0, 59.9999999, 60, 61).at_resolution(60).width == 60
        assert Grid("EPSG:32631", 0, 0, 9.9999999, 120, 120).at_resolution(60).height == 20
        assert Grid("EPSG:32631", 0, 0, 10, 119, 120).at_resolution(60).width == 19


class TestPlaces:
    def test_extent(self) -> None:
        assert TILE.extent == (600000, 4790220, 709800, 4900020)

    def test_pixel_of_a_corner_belongs_to_its_right_and_below(self) -> None:
        assert TILE.pixel_at(600000, 4900020) == (0, 0)
        assert TILE.pixel_at(600010, 4900010) == (1, 1)
        assert TILE.pixel_at(709799.9, 4790220.1) == (10979, 10979)

    @pytest.mark.parametrize(
        ("x", "y"), [(599999.9, 4900000), (709800, 4900000), (600000, 4900020.1), (600000, 4790220)]
    )
    def test_outside(self, x: float, y: float) -> None:
        assert TILE.pixel_at(x, y) is None

    def test_centre(self) -> None:
        assert TILE.centre_of(1, 2) == (600025, 4900005)

    @given(st.integers(0, 10979), st.integers(0, 10979))
    def test_a_centre_lies_in_its_pixel(self, row: int, column: int) -> None:
        assert TILE.pixel_at(*TILE.centre_of(row, column)) == (row, column)


class TestResolution:
    def test_of_a_tile(self) -> None:
        assert TILE.at_resolution(60) == Grid("EPSG:32631", 600000, 4900020, 60, 1830, 1830)
        assert TILE.at_resolution(60).at_resolution(10) == TILE

    def test_none_reaches_beyond_the_edge(self) -> None:
        assert Grid("EPSG:32631", 0, 0, 10, 25, 18).at_resolution(60) == Grid("EPSG:32631", 0, 0, 60, 4, 3)

    def test_one_that_does_not_fit(self) -> None:
        with pytest.raises(ValueError, match="a pixel of 60 m does not fit into 50"):
            Grid("EPSG:32631", 0, 0, 10, 5, 5).at_resolution(60)
