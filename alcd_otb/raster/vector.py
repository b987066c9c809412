"""Vector files: what reading raises, and GeoPackages written whole."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from fiona._err import CPLE_BaseError
from fiona.errors import FionaError, UnsupportedGeometryTypeError

from alcd_otb.errors import ProcessingError
from otb_pipelines.process import gdal, ogr

# GeoPackage stores the time of the last change; a fixed one keeps equal contents byte-identical.
_FIXED_DATE = "2000-01-01T00:00:00Z"


READING_ERRORS = (FionaError, CPLE_BaseError, UnsupportedGeometryTypeError, OSError, UnicodeDecodeError)
"""What Fiona raises where a vector file cannot be read."""


@contextlib.contextmanager
def new_geopackage(path: Path) -> Iterator[ogr.DataSource]:
    """A GeoPackage to fill, which appears when the block ends. Raises ProcessingError."""
    if path.exists():
        raise ProcessingError(f"{path}: exists already and is not overwritten; move it away first")
    partial = path.with_name(f".unfinished-{path.stem}.gpkg")
    before = gdal.GetConfigOption("OGR_CURRENT_DATE")
    gdal.SetConfigOption("OGR_CURRENT_DATE", _FIXED_DATE)
    try:
        partial.unlink(missing_ok=True)
        source = ogr.GetDriverByName("GPKG").CreateDataSource(str(partial))
        try:
            yield source
        except RuntimeError:
            # Closing may fail for the same reason; the first error is the one that tells it.
            with contextlib.suppress(RuntimeError):
                source.Destroy()
            raise
        source.Destroy()
        partial.replace(path)
    except (RuntimeError, OSError) as error:
        partial.unlink(missing_ok=True)
        raise ProcessingError(f"{path}: cannot be written ({error}); check the folder and the space left") from error
    finally:
        gdal.SetConfigOption("OGR_CURRENT_DATE", before)
