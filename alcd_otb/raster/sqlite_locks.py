"""Find out whether GeoPackages can be written in a folder: some file systems lack the locks that SQLite needs."""

import logging
import os
import platform
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from alcd_otb.errors import ProcessingError
from alcd_otb.raster.drivers import vector_driver
from alcd_otb.raster.opening import GEOPACKAGE, open_features
from alcd_otb.raster.vector import READING_ERRORS
from otb_pipelines.process import gdal, ogr

log = logging.getLogger(__name__)

WITHOUT_LOCKS = "SQLITE_USE_OGR_VFS"
"""GDAL's option that makes SQLite read and write by GDAL's own functions, which ask for no locks."""

_REFUSED = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_PRIMARY = 0xFF


def check_sqlite(folder: Path) -> bool:
    """Test whether GeoPackages can be written in a folder. No file is left there.

    Parameters
    ----------
    folder
        The folder, which exists.

    Returns
    -------
    bool
        True if SQLite's locks work, or if the environment sets SQLITE_USE_OGR_VFS. False if GeoPackages can only be
        written without locks, as `usable_sqlite` does.

    Raises
    ------
    ProcessingError
        GeoPackages cannot be written in either way. The message names the folder and its file system.
    OSError
        The folder cannot be written to.
    """
    if gdal.GetConfigOption(WITHOUT_LOCKS) is not None:
        return True
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as trial:
        reason = _refusal(Path(trial))
        if reason is None:
            return True
        with _without_locks():
            failure = _failure_of_geopackage(Path(trial))
    if failure is None:
        return False
    raise ProcessingError(
        f"{folder}: the file system {_file_system(folder)} on {platform.node()} refuses the locks of SQLite, which "
        f"GeoPackages need ({reason}; without them: {failure}); choose a workspace on a local disk"
    )


@contextmanager
def usable_sqlite(folder: Path) -> Iterator[None]:
    """Read and write GeoPackages without locks until the block ends, if the folder's file system refuses locks.

    A file on such a system is only safe as long as no other program writes to it.

    Raises
    ------
    ProcessingError, OSError
        As `check_sqlite` does.
    """
    if check_sqlite(folder):
        yield
        return
    log.warning(
        "%s: the file system %s on %s has no locks for SQLite: GeoPackages are written without (%s=YES); "
        "close them in other programs during a run",
        folder,
        _file_system(folder),
        platform.node(),
        WITHOUT_LOCKS,
    )
    with _without_locks():
        yield


def _refusal(folder: Path) -> str | None:
    """Describe why SQLite could not write a database. None if it could, or if the reason is not a lock."""
    try:
        with closing(sqlite3.connect(folder / "trial.sqlite", timeout=0)) as database:
            # Waiting for the disk would take most of the time, and does not test the locks.
            database.execute("PRAGMA synchronous = OFF")
            database.execute("CREATE TABLE trial (number INTEGER)")
            database.commit()
    except sqlite3.OperationalError as error:
        return str(error) if error.sqlite_errorcode & _PRIMARY in _REFUSED else None
    return None


def _failure_of_geopackage(folder: Path) -> str | None:
    """Describe why a GeoPackage could not be written and read again. None if it could."""
    path = folder / "trial.gpkg"
    try:
        source = vector_driver("GPKG").CreateDataSource(str(path))
        layer = source.CreateLayer("trial", None, ogr.wkbPoint)
        feature = ogr.Feature(layer.GetLayerDefn())
        feature.SetGeometry(ogr.CreateGeometryFromWkt("POINT (0 0)"))
        layer.CreateFeature(feature)
        source.Destroy()
        with open_features(path, GEOPACKAGE) as features:
            return None if len(list(features)) == 1 else "written data cannot be read back"
    except READING_ERRORS as error:
        return " ".join(str(error).split())


def _file_system(folder: Path) -> str:
    """Return the type and the place of the file system of a folder, such as ``lustre at /scratch``."""
    mounts = Path("/proc/self/mounts")
    if not mounts.is_file():
        return "of the folder"
    path, best = os.path.realpath(folder), ("", "of an unknown type")
    for line in mounts.read_text(errors="replace").splitlines():
        _, place, kind, *_ = line.split(" ")
        if os.path.commonpath([path, place]) == place and len(place) >= len(best[0]):
            best = (place, kind)
    return f"{best[1]} at {best[0]}"


@contextmanager
def _without_locks() -> Iterator[None]:
    gdal.SetConfigOption(WITHOUT_LOCKS, "YES")
    try:
        yield
    finally:
        gdal.SetConfigOption(WITHOUT_LOCKS, None)
