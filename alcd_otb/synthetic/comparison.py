"""Compare a map with the truth of its synthetic scene."""

from pathlib import Path

from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import count_pairs
from alcd_otb.raster.opening import open_raster
from otb_pipelines.process import gdal


def compare_with_truth(labels: Path, truth: Path) -> dict[tuple[int, int], int]:
    """Count the pixels of a map by (true code, map code), where neither is no data.

    The truth is finer than the map. The most frequent true class of a map pixel counts.

    Parameters
    ----------
    labels
        Raster of the map's class codes.
    truth
        Raster of the true class codes.
    """
    grid = Grid.of(str(labels))
    left, bottom, right, top = grid.extent
    # On the map's grid, computed strip by strip while it is read.
    truth_on_grid = gdal.Warp(
        "",
        open_raster(truth),
        format="VRT",
        outputBounds=(left, bottom, right, top),
        width=grid.width,
        height=grid.height,
        resampleAlg="mode",
    )
    pairs = count_pairs(truth_on_grid, labels)
    return {(true, mapped): count for (true, mapped), count in pairs.items() if true and mapped}
