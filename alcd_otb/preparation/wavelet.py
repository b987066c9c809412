"""Wavelet levels of JPEG 2000 files: a band at a coarser resolution, for a part of the decoding."""

import math

from osgeo import gdal

from alcd_otb.errors import ProductError

gdal.UseExceptions()


def coarsest_level(path: str, resolution: float) -> int:
    """The coarsest wavelet level of a JPEG 2000 file whose pixels are no larger than this; 0 is the file itself.

    0 for any other file: its overviews are of unknown making.
    """
    source = _open(path)
    if not source.GetDriver().ShortName.startswith("JP2"):
        return 0
    band = source.GetRasterBand(1)
    level = max(0, math.floor(math.log2(resolution / source.GetGeoTransform()[1]) + 1e-9))
    while level and not _has_level(band, level):
        level -= 1
    return level


def _has_level(band: gdal.Band, level: int) -> bool:
    if level > band.GetOverviewCount():
        return False
    overview = band.GetOverview(level - 1)
    return bool(overview.XSize == -(-band.XSize // 2**level) and overview.YSize == -(-band.YSize // 2**level))


def _open(path: str) -> gdal.Dataset:
    try:
        return gdal.Open(path)
    except RuntimeError as error:
        raise ProductError(f"{path}: cannot be read ({error}); fetch the product again") from error
