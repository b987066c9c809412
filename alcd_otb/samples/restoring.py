"""Replace a scene's samples by those of an earlier iteration, and keep a copy of the replaced samples."""

import logging
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from alcd_otb.errors import ProcessingError, SampleError
from alcd_otb.raster.opening import GEOPACKAGE, open_vector
from alcd_otb.samples.layers import LAYER
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal

log = logging.getLogger(__name__)

_PATIENCE = 5.0
"""Seconds to wait for another program, such as QGIS, to end its writing."""


def can_restore(samples: Path, workspace: Path) -> bool:
    """Check whether a scene's samples are a GeoPackage in its workspace, and so made for this scene alone.

    Files elsewhere are the user's own, and other scenes may use them. So are those elsewhere that the workspace only
    has a link to.

    Parameters
    ----------
    samples
        The scene's file of samples.
    workspace
        Folder of the workspace.
    """
    if samples.parent.resolve() != workspace.resolve() or samples.suffix.lower() != ".gpkg":
        return False
    return not os.path.lexists(samples) or (not samples.is_symlink() and samples.stat().st_nlink == 1)


def take_samples(earlier: Path, present: Path, workspace: Workspace, number: int) -> None:
    """Replace the scene's samples by those of an earlier iteration, if the scene's file belongs to the workspace.

    Otherwise the file is left as it is, and a warning is logged.

    Parameters
    ----------
    earlier
        Folder of the earlier iteration.
    present
        The scene's file of samples.
    workspace
        The scene's workspace.
    number
        Number of the iteration that starts from these samples.

    Raises
    ------
    SampleError
        If another program is writing to the file.
    ProcessingError
        If the file cannot be replaced.
    """
    taken = earlier / "samples.gpkg"
    if not can_restore(present, workspace.folder):
        log.warning(
            "%s is not a GeoPackage in the workspace, and is left as it is: to go on from these samples, "
            "name a copy of %s in its place",
            present,
            taken,
        )
        return
    with workspace.scratch() as scratch:
        kept = restore_samples(taken, present, number, scratch)
    log.info("%s holds the samples of iteration %d", present, int(earlier.name))
    if kept is not None:
        log.info("%s keeps those it held before", kept)


def restore_samples(earlier: Path, samples: Path, iteration: int, scratch: Path) -> Path | None:
    """Replace the layer of samples of the scene's GeoPackage by that of an earlier one.

    The other layers stay as they are. A copy of the replaced file is kept beside it. The content is replaced in one
    transaction of SQLite, so that QGIS, with the file open, continues with the new points.

    Parameters
    ----------
    earlier
        The GeoPackage of the earlier iteration.
    samples
        The scene's GeoPackage.
    iteration
        Number of the iteration that starts from these samples; part of the name of the copy.
    scratch
        A folder for temporary files, on the disk of the scene's GeoPackage.

    Returns
    -------
    Path or None
        The copy that is kept. None if there was no file.

    Raises
    ------
    SampleError
        If another program is writing to the file.
    ProcessingError
        If the file cannot be replaced.
    """
    if not samples.exists():
        _copy_whole(earlier, samples, scratch)
        return None
    kept = _unused(samples.with_name(f"{samples.stem}_before_iteration_{iteration:03d}.gpkg"))
    merged = scratch / "merged.gpkg"
    try:
        with closing(_connect(samples)) as present:
            _copy_database(present, merged)
            shutil.copyfile(merged, scratch / kept.name)
            gdal.VectorTranslate(
                str(merged),
                open_vector(earlier, GEOPACKAGE),
                accessMode="overwrite",
                layers=[LAYER],
                options=["-preserve_fid"],
            )
            _check_unlocked(present)
            os.replace(scratch / kept.name, kept)
            with closing(_connect(merged)) as source:
                source.backup(present, progress=_give_up)
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise ProcessingError(
                f"{samples}: cannot be replaced ({error}); check the folder and the space left"
            ) from error
        raise SampleError(
            f"{samples}: another program is writing to it ({error}); save the layer there, then run again"
        ) from error
    except (sqlite3.DatabaseError, RuntimeError):
        # The file is not a GeoPackage, or it is damaged: it is kept as it is, byte by byte.
        shutil.copyfile(samples, scratch / kept.name)
        os.replace(scratch / kept.name, kept)
        _copy_whole(earlier, samples, scratch)
    return kept


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)


def _copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database with the content of the journal beside it, which a copy of the file would lack."""
    with closing(_connect(target)) as copy:
        source.backup(copy, progress=_give_up)


def _check_unlocked(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.OperationalError where another program is writing."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


def _give_up(status: int, _remaining: int, _total: int) -> None:
    # Without this, Python's backup would try for ever.
    if status in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise sqlite3.OperationalError("database is locked")


def _copy_whole(earlier: Path, samples: Path, scratch: Path) -> None:
    shutil.copyfile(earlier, scratch / "samples.gpkg")
    os.replace(scratch / "samples.gpkg", samples)


def _unused(path: Path) -> Path:
    candidate, number = path, 1
    while os.path.lexists(candidate):
        number += 1
        candidate = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return candidate
