"""Pixels of a raster read here and there."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from alcd_otb.errors import ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import describing, values_at


@pytest.mark.parametrize("bands", [1, 3])
def test_scattered_pixels(tmp_path: Path, bands: int) -> None:
    random = np.random.default_rng(3)
    image = random.random((bands, 300, 700), dtype=np.float32)
    gdal.GetDriverByName("GTiff").Create(str(tmp_path / "image.tif"), 700, 300, bands, gdal.GDT_Float32).WriteArray(
        image
    )
    rows, columns = random.integers(0, 300, 50), random.integers(0, 700, 50)
    rows[:2], columns[:2] = (0, 299), (0, 699)
    values = values_at(tmp_path / "image.tif", rows, columns)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, image[:, rows, columns].T)
    none = np.empty(0, np.int64)
    assert values_at(tmp_path / "image.tif", none, none).shape == (0, bands)


def test_damaged_raster(tmp_path: Path) -> None:
    (tmp_path / "image.tif").write_bytes(b"II*\0")
    with pytest.raises(ProcessingError, match=r"image\.tif: cannot be read .*; delete it and run again"):
        values_at(tmp_path / "image.tif", np.array([0]), np.array([0]))


def test_a_description_that_lies_there_is_replaced_or_named(tmp_path: Path) -> None:
    grid, path = Grid("EPSG:32631", 600000, 4900000, 10, 3, 2), tmp_path / "state.vrt"
    for bands in (1, 2):
        with describing(path, grid, gdal.GDT_Byte, bands):
            pass
        assert gdal.Open(str(path)).RasterCount == bands
    path.unlink()
    path.mkdir()
    with pytest.raises(IsADirectoryError, match=r"state\.vrt"), describing(path, grid, gdal.GDT_Byte, 1):
        pass
