"""Keep the files that QGIS shows at fixed paths: those of the last iteration, each put in place whole."""

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from alcd_otb.errors import ProcessingError
from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.files.writing import write_json, writing_to
from alcd_otb.pictures.figures import smoothed_confidence
from alcd_otb.raster.grid import Grid
from alcd_otb.workspace import UnfinishedIteration, Workspace

LABELS, CONFIDENCE, MARGIN, CONTOURS = "labels.tif", "confidence.tif", "margin.tif", "contours.fgb"
ITERATION_FILE = "iteration.json"
"""The number of the iteration that the other files are of, as GeoJSON, which QGIS reads as a layer."""
ITERATION_FIELD = "iteration"

_BESIDE = ".aux.xml"
"""Suffix of the file with metadata that a raster cannot hold, such as names of classes and statistics."""


def show_last_iteration(workspace: Workspace, grid: Grid) -> None:
    """Bring the folder ``map`` to the last finished iteration.

    Each file replaces the earlier one in one step, and the iteration's number is written last: a program that has an
    earlier file open keeps its content, and a killed run leaves no half of a file. The next run then brings the folder
    to one iteration. Files of other names stay. Files that are in place already are left alone.

    Parameters
    ----------
    workspace
        The workspace, which this run holds.
    grid
        Grid of the scene.

    Raises
    ------
    ProcessingError
        If the folder is a link or cannot be written.
    """
    finished = workspace.iterations()
    sources = _sources(finished[-1]) if finished else {}
    gone = [name for name in (LABELS, CONFIDENCE, MARGIN, CONTOURS) if name not in sources]
    _show(sources, gone, int(finished[-1].name) if finished else 0, workspace, grid)


def show_unfinished_iteration(made: UnfinishedIteration, workspace: Workspace, grid: Grid) -> None:
    """Show an unfinished iteration in the folder ``map``, as far as it is made.

    What it does not have yet, such as its contours, stays that of the iteration before. If the iteration is never
    finished, `show_last_iteration` restores the earlier map.

    Parameters
    ----------
    made
        The iteration, which has its map.
    workspace
        The workspace, which this run holds.
    grid
        Grid of the scene.

    Raises
    ------
    ProcessingError
        If the folder is a link or cannot be written.
    """
    _show(_sources(made.folder), (), made.number, workspace, grid)


def shows_unfinished_iteration(workspace: Workspace) -> bool:
    """Return whether the folder ``map`` shows an iteration that was never finished."""
    record = _read(workspace.map_folder / ITERATION_FILE)
    shown = record.get(ITERATION_FIELD) if isinstance(record, dict) else None
    return isinstance(shown, int) and shown >= workspace.next_number


def _show(sources: Mapping[str, Path], gone: Sequence[str], number: int, workspace: Workspace, grid: Grid) -> None:
    """Put files in their places, unless they are there already, remove others, and write the iteration's number."""
    folder = workspace.map_folder
    with writing_to(folder):
        _make(folder)
        record = folder / ITERATION_FILE
        changed = {name: source for name, source in sources.items() if not _is_shown(source, folder / name)}
        content = _described(number, grid)
        if changed or _read(record) != content:
            with workspace.scratch() as scratch:
                _replace(changed, folder, scratch)
        for name in gone:
            (folder / name).unlink(missing_ok=True)
            (folder / f"{name}{_BESIDE}").unlink(missing_ok=True)
        if _read(record) != content:
            write_json(record, content)


def _sources(iteration: Path) -> dict[str, Path]:
    """Return the files to show by their names in the folder ``map``."""
    sources = {name: iteration / name for name in (LABELS, MARGIN, CONTOURS) if (iteration / name).is_file()}
    confidence = smoothed_confidence(iteration)
    if confidence is not None:
        sources[CONFIDENCE] = confidence
    return sources


def _make(folder: Path) -> None:
    """Make the folder. Nothing is written through a link."""
    if folder.is_symlink():
        raise ProcessingError(f"{folder}: is a link, and nothing is written through links; move it away")
    folder.mkdir(exist_ok=True)


def _replace(sources: Mapping[str, Path], folder: Path, scratch: Path) -> None:
    """Put files in their places. All steps that need space are done before the first file is replaced."""
    for name, source in sources.items():
        _link_or_copy(source, scratch / name)
        beside = source.with_name(f"{source.name}{_BESIDE}")
        if beside.is_file():
            # GDAL writes into this file, which in the iteration must stay as it is.
            shutil.copyfile(beside, scratch / f"{name}{_BESIDE}")
    for name in sources:
        beside = folder / f"{name}{_BESIDE}"
        # Otherwise the statistics of the earlier raster would be used for the new one.
        beside.unlink(missing_ok=True)
        os.replace(scratch / name, folder / name)
        if (scratch / beside.name).exists():
            os.replace(scratch / beside.name, beside)


def _link_or_copy(source: Path, target: Path) -> None:
    """Make a hard link, which takes no space and no time, or else a copy with the time of the file."""
    if source.is_symlink():
        shutil.copy2(source, target)
        return
    try:
        os.link(source, target, follow_symlinks=False)
    except OSError:
        # Some file systems have no hard links. If the disk fails, copying reports it.
        shutil.copy2(source, target)


def _is_shown(source: Path, target: Path) -> bool:
    """Return whether a file is in its place: a hard link to the source, or a copy of it."""
    try:
        shown = target.lstat()
    except FileNotFoundError:
        return False
    wanted = source.stat()
    if (shown.st_dev, shown.st_ino) == (wanted.st_dev, wanted.st_ino):
        return True
    return stat.S_ISREG(shown.st_mode) and (shown.st_size, shown.st_mtime_ns) == (wanted.st_size, wanted.st_mtime_ns)


def _described(number: int, grid: Grid) -> dict[str, Any]:
    """Describe the iteration by a rectangle as large as the scene."""
    left, bottom, right, top = grid.extent
    corners = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
    return {
        "type": "FeatureCollection",
        ITERATION_FIELD: number,
        "crs": {"type": "name", "properties": {"name": grid.crs}},
        "features": [
            {
                "type": "Feature",
                "properties": {ITERATION_FIELD: number},
                "geometry": {"type": "Polygon", "coordinates": [corners]},
            }
        ],
    }


def _read(record: Path) -> Any:
    """Read the record. None if there is none, or it cannot be read."""
    try:
        return None if record.is_symlink() else read_json(record)
    except UnreadableError:
        return None
