"""Make elevation and slope on a scene's grid from a raster of any grid."""

import logging
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS, open_raster
from otb_pipelines.process import gdal

log = logging.getLogger(__name__)


def open_elevation(source: Path) -> gdal.Dataset:
    """Open an elevation model.

    Raises
    ------
    ProductError
        It cannot be read, or has no CRS.
    """
    try:
        dataset = open_raster(source, GIVEN_RASTERS)
    except RuntimeError as error:
        raise ProductError(f'{source}: the elevation model cannot be read ({error}); correct "dem"') from error
    if dataset.GetSpatialRef() is None:
        raise ProductError(f"{source}: the elevation model has no coordinate reference system; assign it one")
    return dataset


def warp_elevation(source: Path, grid: Grid, folder: Path) -> Path:
    """Warp an elevation model to the grid, by bilinear interpolation.

    Voids, such as the sea in many models, become 0 m. A warning gives their share.

    Parameters
    ----------
    source
        The elevation model in metres.
    grid
        The grid.
    folder
        The folder to write to.

    Returns
    -------
    Path
        ``dem.tif`` in the folder, Float32 in metres.

    Raises
    ------
    ProductError
        The model cannot be read, has no CRS, or does not cover the scene.
    """
    dataset = open_elevation(source)
    target = folder / "dem.tif"
    void = -32768.0
    common = {
        "dstSRS": grid.crs,
        "outputBounds": grid.extent,
        "width": grid.width,
        "height": grid.height,
        "resampleAlg": "bilinear",
        "outputType": gdal.GDT_Float32,
        "multithread": True,
    }
    try:
        covered = _covered(gdal.Warp(str(target), dataset, dstNodata=void, **common))
        if not covered:
            raise ProductError(f"{source}: the elevation model does not cover the scene; name another one")
        if covered < 1:
            log.warning(
                "%s: the elevation model lacks %.2g %% of the scene; 0 m is used there", source, 100 * (1 - covered)
            )
            filled = gdal.Warp(str(target), dataset, dstNodata=0, **common)
            # 0 m must not mean no data, or the shore would have no slope.
            filled.GetRasterBand(1).DeleteNoDataValue()
            filled.FlushCache()
    except RuntimeError as error:
        raise ProductError(f"{source}: the elevation model cannot be warped ({error}); repair it") from error
    return target


def slope(elevation: Path, folder: Path) -> Path:
    """Compute the slope by Horn's formula. It is too small in the four corner pixels of the grid.

    Parameters
    ----------
    elevation
        Raster of the elevation in metres.
    folder
        The folder to write to.

    Returns
    -------
    Path
        ``slope.tif`` in the folder, in degrees from the horizontal.
    """
    target = folder / "slope.tif"
    gdal.DEMProcessing(str(target), open_raster(elevation), "slope", computeEdges=True).FlushCache()
    return target


def _covered(warped: gdal.Dataset) -> float:
    """Compute the share of pixels with an elevation. It is 1 only if all pixels have one."""
    warped.FlushCache()
    _, _, mean, _ = warped.GetRasterBand(1).GetMaskBand().ComputeStatistics(False)
    return float(mean) / 255
