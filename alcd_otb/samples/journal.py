"""Handle the journal of a GeoPackage, the file ``-wal`` beside it in which QGIS keeps the last edits."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

log = logging.getLogger(__name__)

# Versions of the file format for writing and reading, in the header of a database (https://sqlite.org/fileformat.html).
_SIGNATURE, _VERSIONS, _WITH_JOURNAL = b"SQLite format 3\0", slice(18, 20), b"\2\2"


def warn_of_lost_journal(path: Path) -> None:
    """Warn where a GeoPackage was written with a journal that is not beside it.

    QGIS ends the journal when it closes a file. A file that was copied before may lack the last edits.

    Parameters
    ----------
    path
        The vector file, of any format.
    """
    if _has_journal(path) and not _journal(path).exists():
        log.warning(
            "%s: it was written with a journal, %s, which is not beside it: the last edits may be missing if it was "
            "copied while QGIS had it open; save and close the layer in QGIS, then copy it again",
            path,
            _journal(path).name,
        )


def empty_journal(path: Path) -> None:
    """Move what the journal of a GeoPackage holds into the GeoPackage, so that a copy of it alone has all edits.

    The journal is left as it is while another program reads or writes; that program moves it on closing the file.
    """
    if not (_has_journal(path) and _journal(path).exists()):
        return
    try:
        with closing(sqlite3.connect(path, timeout=0)) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.Error as error:
        log.debug("%s: its journal stays as it is (%s)", path, error)


def _has_journal(path: Path) -> bool:
    """Return whether a file is a database that was last written with a journal of this kind."""
    try:
        with path.open("rb") as stream:
            head = stream.read(20)
    except OSError:
        return False
    return head.startswith(_SIGNATURE) and head[_VERSIONS] == _WITH_JOURNAL


def _journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
