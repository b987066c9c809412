"""Unpack the plug-in for QGIS, so that it finds the program of this environment."""

import sys
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from alcd_otb.errors import ProcessingError
from alcd_otb.files.folders import check_no_link, put_in_place, scratch_folder
from alcd_otb.files.writing import replacing, write_json, writing_to

NAME = "alcd_otb_loop"
"""Name of the plug-in's folder, which QGIS uses as its identifier."""
PROGRAM = "program.json"
"""File of an unpacked plug-in with the words that start the program."""

_ENDINGS = (".py", ".json", ".txt", ".svg", ".png")


def unpack_plugin(folder: Path) -> Path:
    """Put the plug-in into a folder; an earlier one is replaced.

    Parameters
    ----------
    folder
        The folder of plug-ins of a profile of QGIS.

    Returns
    -------
    Path
        The folder of the plug-in.

    Raises
    ------
    ProcessingError
        The folder cannot be written.
    """
    target = folder / NAME
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        check_no_link(target)
        if target.exists() and not (target / "metadata.txt").is_file():
            raise ProcessingError(f"{target}: is not a plug-in for QGIS; move it away")
        with scratch_folder(folder) as scratch, writing_to(folder):
            made = scratch / NAME
            made.mkdir()
            for name, content in _files():
                (made / name).write_bytes(content)
            write_json(made / PROGRAM, {"command": [sys.executable, "-m", "alcd_otb"]})
            put_in_place(made, target)
    return target


def pack_plugin(path: Path) -> None:
    """Write the plug-in as a ZIP archive that QGIS installs. It holds no time, so that equal plug-ins are equal files.

    Parameters
    ----------
    path
        The archive.

    Raises
    ------
    ProcessingError
        It cannot be written.
    """
    with writing_to(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as unfinished, ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as packed:
            for name, content in _files():
                packed.writestr(ZipInfo(f"{NAME}/{name}"), content, zipfile.ZIP_DEFLATED)


def _files() -> Iterator[tuple[str, bytes]]:
    """Yield the names and contents of the plug-in's files, which are data of this package."""
    source = files("alcd_otb.qgis") / "plugin"
    for entry in sorted(source.iterdir(), key=lambda each: each.name):
        if entry.is_file() and entry.name.endswith(_ENDINGS):
            yield entry.name, entry.read_bytes()
