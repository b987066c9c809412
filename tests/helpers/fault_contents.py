"""Read the content of files, to compare two runs without times and numbers of iterations."""

import csv
import hashlib
import json
import re
import shutil
import sqlite3
import tempfile
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

_VOLATILE = {
    *("changes", "iteration", "minutes", "seconds", "created", "started", "finished", "modified", "time"),
    *("checksum", "fingerprint"),
}
"""Keys of JSON objects that differ from one iteration to the next, or from one run to the next."""
_PRESENCE = {"run.log", "seconds.json", "report.html", "project.qgz", "accuracy.qgz", "sheet.html", "comparison.html"}
"""Files that hold times, durations or all earlier iterations: they must exist, and be complete if checkable."""
_IN_THE_MAKING = re.compile(r"(^|/)\.(unfinished|former|lock)")
_OWN_TABLES = ("gpkg_", "rtree_", "sqlite_")


def contents(folder: Path) -> dict[str, str]:
    """Return the content of each file and link below a folder, by its path. Locks and unfinished files are left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if (path.is_dir() and not path.is_symlink()) or _IN_THE_MAKING.search(name):
            continue
        found[name] = content(path)
    return found


def content(path: Path) -> str:
    """Return a short text that is equal for files of the same meaning."""
    if path.is_symlink():
        return f"link to {path.readlink()}"
    if path.name in _PRESENCE and path.suffix not in _READERS:
        return "there"
    try:
        return _READERS.get(path.suffix, raw)(path)
    except (ValueError, KeyError, sqlite3.DatabaseError, zipfile.BadZipFile, csv.Error) as error:
        return f"damaged: {error}"


def raw(path: Path) -> str:
    """Return the digest of a file's bytes, or where a link leads to."""
    return f"link to {path.readlink()}" if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def rows(path: Path) -> tuple[Any, ...]:
    """Return the rows of all tables of a GeoPackage, with what a journal beside it restores."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy.gpkg"
        shutil.copyfile(path, copy)
        for suffix in ("-journal", "-wal"):
            if path.with_name(path.name + suffix).exists():
                shutil.copyfile(path.with_name(path.name + suffix), copy.with_name(copy.name + suffix))
        with closing(sqlite3.connect(copy)) as database:
            tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            own = sorted(name for name in tables if not name.startswith(_OWN_TABLES))
            return tuple((name, tuple(database.execute(f'SELECT * FROM "{name}" ORDER BY 1'))) for name in own)


def _json(path: Path) -> str:
    said = json.loads(path.read_text("utf-8"))
    return "there" if path.name in _PRESENCE else _digest(_lasting(said))


def _lasting(said: Any) -> Any:
    if isinstance(said, dict):
        return {key: _lasting(value) for key, value in said.items() if key not in _VOLATILE}
    return [_lasting(value) for value in said] if isinstance(said, list) else said


def _html(path: Path) -> str:
    text = path.read_text("utf-8")
    if not text.rstrip().endswith("</html>"):
        raise ValueError("is cut off")
    return "there"


def _project(path: Path) -> str:
    with zipfile.ZipFile(path) as packed:
        if packed.testzip() is not None:
            raise ValueError("is damaged")
    return "there"


def _geopackage(path: Path) -> str:
    return _digest(rows(path))


def _digest(value: Any) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:16]


_READERS = {".json": _json, ".html": _html, ".qgz": _project, ".gpkg": _geopackage}
