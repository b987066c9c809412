"""Write rasters for delivery: Cloud Optimized GeoTIFFs, and the confidence in 8 bits."""

from collections.abc import Mapping
from pathlib import Path

from alcd_otb.errors import ProcessingError
from alcd_otb.raster.drivers import driver
from alcd_otb.raster.io import close, copying
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.legend import NO_DATA
from otb_pipelines.process import gdal

BLOCK = 512
"""Pixels of a side of a block; a raster that fits into one block has no overviews."""

# One thread, so that the same pixels make the same bytes.
_OPTIONS = {
    "COMPRESS": "DEFLATE",
    "BLOCKSIZE": str(BLOCK),
    "OVERVIEWS": "IGNORE_EXISTING",
    "NUM_THREADS": "1",
    "BIGTIFF": "IF_SAFER",
}


def write_classes(labels: Path, target: Path, tags: Mapping[str, str]) -> None:
    """Write a map as a Cloud Optimized GeoTIFF.

    It has the colours, the class names (in the file beside it) and the no-data value of the map, and overviews of the
    commonest class.

    Parameters
    ----------
    labels
        The label raster.
    target
        The file to write.
    tags
        Values of TIFF tags by their names without the prefix TIFFTAG_.

    Raises
    ------
    ProcessingError
        If the file cannot be written.
    """
    _write_cog(labels, target, tags, {"OVERVIEW_RESAMPLING": "MODE"})


def write_shares(raster: Path, target: Path, tags: Mapping[str, str]) -> None:
    """Write a raster of fractions, Float32, as a Cloud Optimized GeoTIFF with averaged overviews.

    Parameters
    ----------
    raster
        The raster.
    target
        The file to write.
    tags
        Values of TIFF tags by their names without the prefix TIFFTAG_.

    Raises
    ------
    ProcessingError
        If the file cannot be written.
    """
    # A higher level makes a confidence only a little smaller, and takes five times as long.
    _write_cog(raster, target, tags, {"OVERVIEW_RESAMPLING": "AVERAGE", "LEVEL": "1"})


def write_scaled(confidence: Path, target: Path) -> None:
    """Write a confidence of 0 to 1 as a GeoTIFF of whole numbers from 0 to 255, where 0 is no data.

    Raises
    ------
    ProcessingError
        If the file cannot be written.
    """
    settings = {"outputType": gdal.GDT_Byte, "scaleParams": [[0, 1, 0, 255]], "noData": NO_DATA}
    try:
        scaled = gdal.Translate("", open_raster(confidence), format="VRT", **settings)
    except RuntimeError as error:
        raise _not_written(confidence, target, error) from error
    band = scaled.GetRasterBand(1)
    band.SetScale(1 / 255)
    band.SetDescription("confidence x 255")
    with copying(scaled, target, {"TILED": "YES", "COMPRESS": "DEFLATE", "NUM_THREADS": "1"}):
        pass


def _write_cog(raster: Path, target: Path, tags: Mapping[str, str], options: Mapping[str, str]) -> None:
    listed = [f"{key}={value}" for key, value in {**_OPTIONS, **options}.items()]
    try:
        tagged = driver("VRT").CreateCopy("", open_raster(raster))
        tagged.SetMetadata({f"TIFFTAG_{name}": text for name, text in tags.items()})
        written = driver("COG").CreateCopy(str(target), tagged, options=listed)
        close(written)
    except RuntimeError as error:
        raise _not_written(raster, target, error) from error


def _not_written(raster: Path, target: Path, error: RuntimeError) -> ProcessingError:
    return ProcessingError(f"{target}: cannot be written from {raster} ({error}); check the folder and the space left")
