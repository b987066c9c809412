"""The outlines of a map's classes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from osgeo import gdal, ogr

from alcd_otb.errors import ProcessingError
from alcd_otb.pictures.contours import write_contours
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.legend import Legend, LegendClass

GRID = Grid("EPSG:32631", 600000.0, 4900020.0, 60.0, 50, 40)
LEGEND = Legend.from_classes(
    [
        LegendClass("low_clouds", 2, "#d2d2d2", True, contour="#00c90d"),
        LegendClass("land", 5, "#009738", False),
        LegendClass("water", 200, "#008ed0", False, contour="#256aff"),
    ]
)


def write_map(folder: Path, codes: npt.NDArray[np.uint8]) -> Path:
    path = folder / "été & <labels>.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), GRID.width, GRID.height, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform(GRID.transform)
    dataset.SetSpatialRef(GRID.spatial_reference)
    dataset.WriteArray(codes)
    dataset.GetRasterBand(1).SetNoDataValue(0)
    dataset.FlushCache()
    return path


def test_hold_each_pixel_of_the_classes_that_have_one_and_no_other(tmp_path: Path) -> None:
    codes = np.random.default_rng(5).choice(np.array([0, 2, 5, 200], np.uint8), (GRID.height, GRID.width))
    write_contours(write_map(tmp_path, codes), tmp_path / "contours.fgb", LEGEND)
    source = ogr.Open(str(tmp_path / "contours.fgb"))
    layer = source.GetLayer(0)
    assert layer.GetSpatialRef().IsSame(GRID.spatial_reference)
    areas = {2: 0.0, 200: 0.0}
    for feature in layer:
        areas[feature["class"]] += feature.GetGeometryRef().Area()
    assert areas == {code: (codes == code).sum() * 3600.0 for code in (2, 200)}
    for row, column in ((0, 0), (7, 13), (39, 49), (20, 25), (11, 3)):
        x, y = GRID.centre_of(row, column)
        layer.SetSpatialFilter(ogr.CreateGeometryFromWkt(f"POINT ({x} {y})"))
        held = [
            feature["class"]
            for feature in layer
            if feature.GetGeometryRef().Contains(ogr.CreateGeometryFromWkt(f"POINT ({x} {y})"))
        ]
        code = int(codes[row, column])
        assert held == ([code] if code in areas else [])


def test_pixels_that_touch_by_a_corner_are_two_areas(tmp_path: Path) -> None:
    codes = np.full((GRID.height, GRID.width), 5, np.uint8)
    codes[3, 3] = codes[4, 4] = codes[4, 5] = 2
    write_contours(write_map(tmp_path, codes), tmp_path / "contours.fgb", LEGEND)
    source = ogr.Open(str(tmp_path / "contours.fgb"))
    assert sorted(feature.GetGeometryRef().Area() for feature in source.GetLayer(0)) == [3600, 7200]


def test_a_map_without_such_a_class_gives_an_empty_file(tmp_path: Path) -> None:
    write_contours(
        write_map(tmp_path, np.full((GRID.height, GRID.width), 5, np.uint8)), tmp_path / "contours.fgb", LEGEND
    )
    source = ogr.Open(str(tmp_path / "contours.fgb"))
    assert source.GetLayer(0).GetFeatureCount() == 0


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    labels = write_map(tmp_path, np.full((GRID.height, GRID.width), 2, np.uint8))
    with pytest.raises(ProcessingError, match=r"contours\.fgb: cannot be written"):
        write_contours(labels, tmp_path / "absent" / "contours.fgb", LEGEND)


# No file may have more bytes: what is beyond is refused, as on a full disk.
LIMITED = """
import resource, signal, sys
import subprocess
import sys
from pathlib import Path
from test_contours import LEGEND, write_contours
from alcd_otb.errors import ProcessingError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    write_contours(Path(sys.argv[1]), Path(sys.argv[2]), LEGEND)
except ProcessingError as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [1000, 60_000, 10_000_000])
def test_a_disk_that_refuses_a_part_is_noticed(limit: int, tmp_path: Path) -> None:
    codes = np.random.default_rng(5).choice(np.array([0, 2, 5, 200], np.uint8), (GRID.height, GRID.width))
    labels, target = write_map(tmp_path, codes), tmp_path / "contours.fgb"
    command = [sys.executable, "-c", LIMITED, labels, target, limit]
    ended = subprocess.run([*map(str, command)], cwd=Path(__file__).parent, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith(f"{target}: cannot be written (") == (limit < 10_000_000), ended.stdout
