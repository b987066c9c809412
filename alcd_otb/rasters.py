"""What GDAL's Python bindings leave to do by hand: closing, overviews, histograms."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from osgeo import gdal

gdal.UseExceptions()

SMALLEST_OVERVIEW = 128
"""Pixels of the longer side below which no overview is made."""


@contextmanager
def updating(path: Path) -> Iterator[gdal.Dataset]:
    """A raster open for changes, which are on disk when the block ends. Raises OSError where they cannot be written."""
    dataset = gdal.Open(str(path), gdal.GA_Update)
    yield dataset
    flush(dataset, path)


def flush(dataset: gdal.Dataset, path: Path) -> None:
    """Write all that is held back, and see that it was written. Raises OSError where it was not."""
    errors: list[str] = []
    gdal.PushErrorHandler(lambda severity, _, message: errors.append(message) if severity >= gdal.CE_Failure else None)
    try:
        dataset.FlushCache()
    finally:
        gdal.PopErrorHandler()
    if errors:
        raise OSError(f"{path}: cannot be written ({errors[0]})")


def build_overviews(dataset: gdal.Dataset, resampling: str) -> None:
    """Overviews by powers of two, as far as they are of any use."""
    side = max(dataset.RasterXSize, dataset.RasterYSize)
    factors = [2**level for level in range(1, 8) if side >> level >= SMALLEST_OVERVIEW]
    if factors:
        dataset.BuildOverviews(resampling, factors)


def histogram(path: Path) -> list[int]:
    """Pixels of each value of an 8-bit raster's first band."""
    dataset = gdal.Open(str(path))
    return list(dataset.GetRasterBand(1).GetHistogram(-0.5, 255.5, 256, 0, 0))
