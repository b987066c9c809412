"""What differs between what two runs wrote."""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from checkout import COMMANDS
from rasters import Difference, Runs, raster_differences
from vectors import vector_differences

# Keys of JSON objects whose values are not compared, and why.
IGNORED_KEYS = {"minutes": "the time from an iteration to the next"}
# Of objects and files of these names, only the keys are compared, in any order: they hold durations.
DURATIONS = "seconds"
IGNORED_FILES = {"run.log": "sentences, times and durations", ".lock": "the number of a process"}
WORDING = {f"{COMMANDS}/*/stdout.txt", f"{COMMANDS}/*/stderr.txt"}
"""Sentences for people: differences are printed, but do not count."""

_SPACE = re.compile(r"\s+")
_RASTERS = {".tif", ".png", ".jpg", ".jp2"}
_VECTORS = {".gpkg", ".fgb", ".shp", ".dbf"}
# Their bytes are compared; their content only shows where these differ.
_BYTE_FOR_BYTE = {".tif", ".png", ".jpg"}
_TEXTS = {".csv", ".qml", ".qgs", ".html", ".md", ".txt", ".xml", ".prj", ".cpg", ".py", ""}
# Characters of a value that are shown, and of these before the first that differs.
_SHOWN, _BEFORE = 160, 30
# Most differences of a file that are printed.
_MOST = 10


@dataclass
class Compared:
    """The comparison of one case. other_bytes: names of files that differ only in normalised or ignored content."""

    files: int = 0
    differences: list[str] = field(default_factory=list)
    wording: list[str] = field(default_factory=list)
    other_bytes: list[str] = field(default_factory=list)


def compare_case(name: str, runs: Runs) -> Compared:
    """Compare every file and link that either run wrote for a case, by its path."""
    compared = Compared()
    folders = [run.folder / name for run in runs]
    paths = sorted({path.relative_to(folder) for folder in folders for path in _files(folder)})
    for path in paths:
        both = [folder / path for folder in folders]
        compared.files += 1
        there = [os.path.lexists(one) for one in both]
        if not all(there):
            compared.differences.append(f"{name}/{path}: only {'before' if there[0] else 'after'}")
        elif path.name in IGNORED_FILES:
            continue
        elif any(path.match(pattern) for pattern in WORDING):
            texts = _texts(both[0], both[1], runs)
            compared.wording += [f"{name}/{path}: {_told(one)}" for one in _text_differences(*texts)]
        elif _bytes(both[0]) != _bytes(both[1]):
            _compare_content(f"{name}/{path}", both[0], both[1], runs, compared)
    return compared


def _compare_content(name: str, before: Path, after: Path, runs: Runs, compared: Compared) -> None:
    differences = list(_content_differences(before, after, runs))
    if not differences and before.suffix in _BYTE_FOR_BYTE:
        differences = [
            (f"same content, other bytes: {where}", one, other)
            for where, one, other in _byte_differences(before, after, runs)
        ]
    compared.differences += [f"{name}: {_told(one)}" for one in differences[:_MOST]]
    if len(differences) > _MOST:
        compared.differences.append(f"{name}: {len(differences) - _MOST} more")
    if not differences:
        compared.other_bytes.append(before.name)


def _content_differences(before: Path, after: Path, runs: Runs) -> Iterator[Difference]:
    if before.is_symlink() or after.is_symlink():
        yield "link", _bytes(before), _bytes(after)
    else:
        yield from _HANDLERS.get(before.suffix, _byte_differences)(before, after, runs)


def _json_file_differences(before: Path, after: Path, runs: Runs) -> Iterator[Difference]:
    texts = _texts(before, after, runs)
    if _SPACE.findall(texts[0]) != _SPACE.findall(texts[1]):
        yield "white space", *texts
    one, other = (json.loads(text) for text in texts)
    if before.stem == DURATIONS:
        one, other = {DURATIONS: one}, {DURATIONS: other}
    yield from _json_differences("", one, other)


def _json_differences(key: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        # Steps that are taken at the same time end in either order.
        durations = key.split(".")[-1] == DURATIONS
        keys = sorted if durations else list
        if keys(before) != keys(after):
            yield f"keys of {key or 'the object'}", keys(before), keys(after)
        for one in before:
            if one in after and one not in IGNORED_KEYS and not durations:
                yield from _json_differences(f"{key}.{one}", before[one], after[one])
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _json_differences(f"{key}[{number}]", one, other)
    # 1 and 1.0 are written differently.
    elif repr(before) != repr(after):
        yield key, before, after


def _text_file_differences(before: Path, after: Path, runs: Runs) -> Iterator[Difference]:
    yield from _text_differences(*_texts(before, after, runs))


def _texts(before: Path, after: Path, runs: Runs) -> tuple[str, str]:
    # As they are, with the ends of their lines.
    one, other = (path.read_bytes().decode("utf-8") for path in (before, after))
    return runs[0].normalised(one), runs[1].normalised(other)


def _text_differences(before: str, after: str) -> Iterator[Difference]:
    """Return the first line that differs."""
    lines = (text.splitlines(keepends=True) for text in (before, after))
    for number, (one, other) in enumerate(zip_longest(*lines, fillvalue=""), start=1):
        if one != other:
            yield f"line {number}", one, other
            return


def _project_differences(before: Path, after: Path, runs: Runs) -> Iterator[Difference]:
    """Return the differences between the entries of an archive of texts."""
    one, other = _entries(before), _entries(after)
    if list(one) != list(other):
        yield "entries", list(one), list(other)
    for name in one.keys() & other.keys():
        texts = runs[0].normalised(one[name]), runs[1].normalised(other[name])
        for where, *lines in _text_differences(*texts):
            yield f"{name}, {where}", lines[0], lines[1]


def _entries(path: Path) -> dict[str, str]:
    with ZipFile(path) as packed:
        return {name: packed.read(name).decode("utf-8", "backslashreplace") for name in packed.namelist()}


def _byte_differences(before: Path, after: Path, _: Runs) -> Iterator[Difference]:
    one, other = before.read_bytes(), after.read_bytes()
    start = _common(one, other)
    yield f"{len(one)} and {len(other)} bytes, from byte {start}", one[start : start + 16], other[start : start + 16]


def _common(one: str | bytes, other: str | bytes) -> int:
    """Return how many characters or bytes at the start are the same."""
    unlike = (index for index, (left, right) in enumerate(zip(one, other, strict=False)) if left != right)
    return next(unlike, min(len(one), len(other)))


_HANDLERS: dict[str, Callable[[Path, Path, Runs], Iterator[Difference]]] = {
    **dict.fromkeys((".json", ".geojson"), _json_file_differences),
    ".qgz": _project_differences,
    **dict.fromkeys(_RASTERS, raster_differences),
    **dict.fromkeys(_VECTORS, vector_differences),
    **dict.fromkeys(_TEXTS, _text_file_differences),
}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _bytes(path: Path) -> bytes:
    """Return the content of a file, or the target of a link."""
    return os.readlink(path).encode() if path.is_symlink() else path.read_bytes()


def _told(difference: Difference) -> str:
    """Write two values on one line; long values from a little before they differ."""
    where, *values = difference
    before, after = (value if isinstance(value, str) else repr(value) for value in values)
    start = max(_common(before, after) - _BEFORE, 0) if max(len(before), len(after)) > _SHOWN else 0
    shown = (text[start : start + _SHOWN].replace("\n", "\\n") for text in (before, after))
    return f"{where}: {' | '.join(shown)}"
