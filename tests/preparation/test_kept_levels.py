"""A kept level gives the same pixels as the file that it was decoded from, on coarser and on finer grids."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from preparing import SETTINGS, side_of, write_product, write_scene

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.kept_levels import KeptLevels, complete_edges
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import describing
from alcd_otb.settings.scene_file import load_scene
from otb_pipelines.app import Target
from otb_pipelines.reading import Radiometry, build_band
from otb_pipelines.stack import write_stacks

METRES = 6040
RADIOMETRY = Radiometry(0.0001, -0.1, 0)


def on_grid(inputs: Inputs, kept: KeptLevels, level: int, grid: Grid, folder: Path) -> np.ndarray:
    source = kept.source(inputs, "B02", level)
    with describing(folder / "like.vrt", grid, gdal.GDT_Float32, 1):
        pass
    band = build_band(source.files, source.level, folder / "like.vrt", RADIOMETRY, SETTINGS)
    band.application.write({"out": Target(folder / "band.tif")})
    pixels: np.ndarray = gdal.Open(str(folder / "band.tif")).ReadAsArray()
    return pixels


@pytest.mark.parametrize("level", [1, 2])
def test_a_kept_level_is_as_good_as_the_file(tmp_path: Path, level: int) -> None:
    """The last pixels of a level reach farther than the others, since it keeps every second sample."""
    side = side_of("B02", METRES)
    pixels = np.random.default_rng(level).integers(1, 12000, (side, side), dtype=np.uint16)
    pixels[: side // 3, : side // 4] = 0
    cloudy = write_product(tmp_path, {"B02": pixels}, metres=METRES)
    view = {"resolution": 20, "layers": [{"name": "blue", "expr": "B02"}]}
    inputs = Inputs.read(load_scene(write_scene(tmp_path, cloudy, features=["B02"], view=view)))
    for folder in (tmp_path / "kept", tmp_path / "empty"):
        folder.mkdir()
    kept, empty = KeptLevels(tmp_path / "kept"), KeptLevels(tmp_path / "empty")
    files = kept.files(inputs, {"B02": level}, SETTINGS)
    write_stacks(files, 64, SETTINGS)
    complete_edges(files)
    assert kept.source(inputs, "B02", level).level == 0
    assert empty.source(inputs, "B02", level).level == level
    assert kept.files(inputs, {"B02": level}, SETTINGS) == []
    for resolution in (10, 20, 40, 60):
        grid = inputs.view_grid.at_resolution(resolution) if resolution >= 20 else inputs.cloudy.grids[10]
        made, expected = (on_grid(inputs, levels, level, grid, tmp_path) for levels in (kept, empty))
        np.testing.assert_array_equal(made, expected)
        assert np.isfinite(expected[-1, -1])
