"""Elevation and slope on a scene's grid."""

import logging
import zipfile
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr
from places import REAL_DATA
from preparing import layers, prepared, write_product, write_scene
from sentinel2_files import LEFT, METRES, TOP

from alcd_otb.errors import ProductError
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.terrain import slope, warp_elevation
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.scene_file import load_scene

GRID = Grid("EPSG:32631", LEFT, TOP, 60, 10, 10)
ELEVATION_DATA = REAL_DATA / "dem"
VIEW = {"resolution": 60, "layers": [{"name": "blue", "expr": "B02", "step": 0.001}]}


def write_dem(
    path: Path, heights: np.ndarray, transform: tuple[float, ...], epsg: int | None, no_data: float | None = None
) -> Path:
    rows, columns = heights.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, 1, gdal.GDT_Float32)
    dataset.SetGeoTransform(transform)
    if epsg:
        dataset.SetProjection(f"EPSG:{epsg}")
    if no_data is not None:
        dataset.GetRasterBand(1).SetNoDataValue(no_data)
    dataset.GetRasterBand(1).WriteArray(heights)
    dataset.FlushCache()
    return path


def plane(grid: Grid, east: float, north: float) -> np.ndarray:
    """Heights that rise by so much a metre to the east and to the north, 500 m at the corner of GRID."""
    rows, columns = np.mgrid[0 : grid.height, 0 : grid.width] + 0.5
    x, y = grid.left + columns * grid.resolution, grid.top - rows * grid.resolution
    return 500 + east * (x - LEFT) + north * (y - TOP)


def around(resolution: float, metres: float = 1200) -> Grid:
    side = int((METRES + 2 * metres) / resolution)
    return Grid("EPSG:32631", LEFT - metres, TOP + metres, resolution, side, side)


def read(path: Path) -> np.ndarray:
    return gdal.Open(str(path)).ReadAsArray()


@pytest.mark.parametrize("resolution", [20, 60, 90])
def test_plane_of_the_same_crs(tmp_path: Path, resolution: int) -> None:
    source = around(resolution)
    dem = write_dem(tmp_path / "source.tif", plane(source, 0.3, -0.2), source.transform, 32631)
    np.testing.assert_allclose(read(warp_elevation(dem, GRID, tmp_path)), plane(GRID, 0.3, -0.2), atol=0.01)


def to_geographic(x: float, y: float) -> tuple[float, float]:
    geographic = osr.SpatialReference()
    geographic.ImportFromEPSG(4326)
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return osr.CoordinateTransformation(GRID.spatial_reference, geographic).TransformPoint(x, y)[:2]


@pytest.mark.parametrize("suffix", ["tif", "hgt"])
def test_plane_in_degrees(tmp_path: Path, suffix: str) -> None:
    """Heights that rise with longitude and latitude, in a GeoTIFF and in SRTM's own format, 3 arc seconds."""
    west, south = (int(np.floor(one)) for one in to_geographic(LEFT, TOP))
    step = 1 / 1200
    rows, columns = np.mgrid[0:1201, 0:1201]
    heights = np.round(columns + 2 * (1200 - rows))
    dem = tmp_path / f"N{south:02d}E{west:03d}.{suffix}"
    write_dem(tmp_path / "dem.tif", heights, (west - step / 2, step, 0, south + 1 + step / 2, 0, -step), 4326)
    if suffix == "hgt":
        gdal.Translate(str(dem), str(tmp_path / "dem.tif"), format="SRTMHGT", outputType=gdal.GDT_Int16)
    else:
        (tmp_path / "dem.tif").rename(dem)
    made = read(warp_elevation(dem, GRID, tmp_path))
    for row, column in ((0, 0), (3, 8), (9, 9)):
        longitude, latitude = to_geographic(*GRID.centre_of(row, column))
        assert abs(made[row, column] - 1200 * (longitude - west + 2 * (latitude - south))) < 0.05


@pytest.mark.skipif(not ELEVATION_DATA.is_dir(), reason="the real SRTM tile in shared/data/dem is absent")
def test_real_srtm_tile(tmp_path: Path) -> None:
    """N51E004: Antwerp and the polders, between -15 m and 60 m; pixel values as in the archive."""
    with zipfile.ZipFile(ELEVATION_DATA / "N51E004.SRTMGL1.hgt.zip") as archive:
        (name,) = archive.namelist()
        heights = np.frombuffer(archive.read(name), ">i2").reshape(3601, 3601)
    grid = Grid("EPSG:32631", 600000, 5680000, 60, 200, 200)
    made = read(warp_elevation(ELEVATION_DATA / "N51E004.SRTMGL1.hgt.zip", grid, tmp_path))
    geographic = osr.SpatialReference()
    geographic.ImportFromEPSG(4326)
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    to_degrees = osr.CoordinateTransformation(grid.spatial_reference, geographic)
    for row, column in ((5, 5), (100, 60), (199, 150)):
        longitude, latitude = to_degrees.TransformPoint(*grid.centre_of(row, column))[:2]
        down, right = round((52 - latitude) * 3600), round((longitude - 4) * 3600)
        nearby = heights[down - 4 : down + 5, right - 4 : right + 5]
        assert nearby.min() <= made[row, column] <= nearby.max()
    assert -20 < made.min() < made.max() < 100


@pytest.mark.parametrize(("east", "north"), [(0.0, 0.0), (1.0, 0.0), (0.3, -0.4)])
def test_slope_of_a_plane(tmp_path: Path, east: float, north: float) -> None:
    source = around(60)
    dem = write_dem(tmp_path / "source.tif", plane(source, east, north), source.transform, 32631)
    made = read(slope(warp_elevation(dem, GRID, tmp_path), tmp_path))
    np.testing.assert_allclose(made[:, 1:-1], np.degrees(np.arctan(np.hypot(east, north))), atol=0.01)
    np.testing.assert_allclose(made[1:-1], np.degrees(np.arctan(np.hypot(east, north))), atol=0.01)


def test_features(tmp_path: Path) -> None:
    source = around(30)
    dem = write_dem(tmp_path / "source.tif", plane(source, 0.3, -0.4), source.transform, 32631)
    cloudy = write_product(tmp_path, {"B02": np.full((60, 60), 2000)})
    features = ["dem", "slope", {"name": "high", "expr": "B02 * dem"}]
    made = layers(prepared(write_scene(tmp_path, cloudy, dem=dem, features=features, view=VIEW)).features)
    expected = plane(GRID, 0.3, -0.4)
    np.testing.assert_allclose(made["dem"], expected, atol=0.01)
    np.testing.assert_allclose(made["slope"][1:-1], np.degrees(np.arctan(0.5)), atol=0.01)
    np.testing.assert_allclose(made["high"], 0.1 * expected, atol=0.01)


@pytest.mark.parametrize("voids", [1, 200])
def test_voids_are_the_sea(tmp_path: Path, caplog: pytest.LogCaptureFixture, voids: int) -> None:
    """One pixel of ten thousand is told of, too. The grid is that of the model, so that nothing is interpolated."""
    grid = Grid("EPSG:32631", LEFT, TOP, 60, 300, 300)
    heights = np.full((300, 300), 100.0)
    heights[50, 10 : 10 + voids] = -9999
    dem = write_dem(tmp_path / "source.tif", heights, grid.transform, 32631, no_data=-9999)
    with caplog.at_level(logging.WARNING):
        made = read(warp_elevation(dem, grid, tmp_path))
    np.testing.assert_array_equal(made, np.where(heights < 0, 0, heights))
    assert f"lacks {100 * voids / 90000:.2g} % of the scene" in caplog.text


def test_scene_beyond_the_model_is_the_sea(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dem = write_dem(tmp_path / "source.tif", np.full((10, 5), 100.0), GRID.transform, 32631)
    with caplog.at_level(logging.WARNING):
        made = read(warp_elevation(dem, GRID, tmp_path))
    np.testing.assert_array_equal(made, np.repeat([[100] * 5 + [0] * 5], 10, 0))
    assert "lacks 50 % of the scene" in caplog.text


def test_model_of_another_place(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "source.tif", np.ones((10, 10)), (500000, 60, 0, 5000000, 0, -60), 32631)
    with pytest.raises(ProductError, match="does not cover the scene"):
        warp_elevation(dem, GRID, tmp_path)


def test_model_without_crs(tmp_path: Path) -> None:
    dem = write_dem(tmp_path / "source.tif", np.ones((10, 10)), GRID.transform, None)
    with pytest.raises(ProductError, match="no coordinate reference system"):
        warp_elevation(dem, GRID, tmp_path)


@pytest.mark.parametrize("features", [["B02"], ["B02", "dem"]])
@pytest.mark.parametrize("content", [None, "no raster"])
def test_unreadable_model_is_refused_even_where_no_feature_needs_it(
    tmp_path: Path, features: list[str], content: str | None
) -> None:
    dem = tmp_path / "dem.tif"
    if content:
        dem.write_text(content)
    cloudy = write_product(tmp_path, {"B02": np.full((60, 60), 2000)})
    scene = write_scene(tmp_path, cloudy, dem=dem, features=features, view=VIEW)
    with pytest.raises(ProductError, match=r"dem\.tif.*cannot be read") as caught:
        Inputs.read(load_scene(scene))
    assert caught.value.exit_code == 3


def test_unused_model_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    dem = write_dem(tmp_path / "source.tif", np.ones((10, 10)), GRID.transform, 32631)
    cloudy = write_product(tmp_path, {"B02": np.full((60, 60), 2000)})
    with caplog.at_level(logging.INFO):
        Inputs.read(load_scene(write_scene(tmp_path, cloudy, dem=dem, features=["B02"], view=VIEW)))
    assert "source.tif is not used" in caplog.text
