"""Write GeoPackages whole, and list the errors that reading a vector file raises."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from fiona._err import CPLE_BaseError
from fiona.errors import FionaError, UnsupportedGeometryTypeError

from alcd_otb.errors import ProcessingError
from alcd_otb.files.folders import scratch_folder
from alcd_otb.raster.drivers import vector_driver
from otb_pipelines.errors import without_source
from otb_pipelines.process import gdal, ogr

FIXED_DATE = "2000-01-01T00:00:00Z"
"""Time of the last change that a new GeoPackage stores. With a fixed time, equal contents give equal bytes."""

READING_ERRORS = (RuntimeError, FionaError, CPLE_BaseError, UnsupportedGeometryTypeError, OSError, UnicodeDecodeError)
"""The errors that GDAL and Fiona raise when they cannot read a vector file."""


@contextlib.contextmanager
def new_geopackage(path: Path) -> Iterator[ogr.DataSource]:
    """Make a GeoPackage to fill, which appears under its name when the block ends.

    Raises
    ------
    ProcessingError
        The file exists already, or cannot be written.
    """
    if os.path.lexists(path):
        raise ProcessingError(f"{path}: exists already and is not overwritten; move it away first")
    before = gdal.GetConfigOption("OGR_CURRENT_DATE")
    gdal.SetConfigOption("OGR_CURRENT_DATE", FIXED_DATE)
    try:
        with scratch_folder(path.parent) as scratch:
            with new_vector_file("GPKG", scratch / "new.gpkg") as source:
                yield source
            os.replace(scratch / "new.gpkg", path)
    except (RuntimeError, OSError) as error:
        reason = _reason(error)
        raise ProcessingError(f"{path}: cannot be written ({reason}); check the folder and the space left") from error
    finally:
        gdal.SetConfigOption("OGR_CURRENT_DATE", before)


@contextlib.contextmanager
def new_vector_file(driver: str, path: Path) -> Iterator[ogr.DataSource]:
    """Make a vector file to fill, by one of GDAL's drivers. It is written when it is closed, at the end of the block.

    Raises
    ------
    RuntimeError
        The file cannot be written.
    """
    source = vector_driver(driver).CreateDataSource(str(path))
    try:
        yield source
    except RuntimeError:
        # Closing may fail for the same reason, but only the first error has the reason. Left to the garbage collector,
        # the second would be printed.
        with contextlib.suppress(RuntimeError):
            source.Destroy()
        raise
    source.Destroy()


def _reason(error: Exception) -> str:
    """Describe why a GeoPackage cannot be written."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return " ".join(without_source(str(error)).split()) or "SQLite gives no reason"
