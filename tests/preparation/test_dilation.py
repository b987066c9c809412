"""Dilation by a ball: by its definition, and as OTB's own application makes it."""

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from hypothesis.extra.numpy import array_shapes, arrays
from osgeo import gdal

from alcd_otb.preparation.dilation import dilated, write_dilated
from alcd_otb.raster.grid import Grid
from otb_pipelines.app import Target
from otb_pipelines.masks import build_morphology
from otb_pipelines.settings import Settings

MASKS = arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=24))


def by_definition(inside: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = np.indices(inside.shape)
    result = np.zeros_like(inside)
    for row, column in zip(*np.nonzero(inside), strict=True):
        result |= (rows - row) ** 2 + (columns - column) ** 2 <= (radius + 0.5) ** 2
    return result


@hypothesis.given(MASKS, strategies.integers(0, 30))
def test_is_all_that_a_ball_around_the_set_holds(inside: np.ndarray, radius: int) -> None:
    np.testing.assert_array_equal(dilated(inside, radius), by_definition(inside, radius))


@pytest.mark.parametrize("radius", [1, 10, 60])
def test_of_a_raster_is_that_of_otb(tmp_path: Path, radius: int) -> None:
    """Strips of 256 rows: the set lies on both sides of their edges, and nowhere in the last of them."""
    grid = Grid("EPSG:32631", 300000, 4900020, 10, 211, 900)
    mask = np.zeros((900, 211), np.uint8)
    mask[np.random.default_rng(1).random(mask.shape) < 0.0005] = 1
    mask[250:258, 100:104] = 1
    mask[600:] = 0
    raster = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "mask.tif"), 211, 900)
    raster.SetGeoTransform(grid.transform)
    raster.WriteArray(mask)
    raster = None
    write_dilated(tmp_path / "mask.tif", radius, grid, tmp_path / "dilated.tif")
    morphology = build_morphology(tmp_path / "mask.tif", "dilate", radius, Settings(128, 2))
    morphology.write({"out": Target(tmp_path / "otb.tif", "uint8")})
    made, expected = (gdal.Open(str(tmp_path / name)).ReadAsArray() for name in ("dilated.tif", "otb.tif"))
    np.testing.assert_array_equal(made, expected)
    assert 0 < made.sum() < made.size
