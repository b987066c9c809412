"""Find the OTB that a process is to use, and list the libraries it has loaded."""

import os
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import NamedTuple

from otb_pipelines.errors import OtbMissingError

LIBRARIES = {"GDAL": r"libgdal", "OTB": r"libOTBCommon", "ITK": r"libITKCommon"}
"""Beginnings of the file names of libraries that a process must load only once."""

_VERSION = re.compile(r"[-.]((?:\d+\.)*\d+)(?:\.so|$)|\.so\.((?:\d+\.)*\d+)$")


class Library(NamedTuple):
    """A shared library that a process has loaded.

    Attributes
    ----------
    name
        One of `LIBRARIES`.
    path
        Its file.
    """

    name: str
    path: str

    @property
    def version(self) -> str:
        """The version in the file's name, such as that of ``libOTBCommon-9.1.so.1``; ``unknown`` if it has none."""
        match = _VERSION.search(Path(self.path).name)
        return (match[1] or match[2]) if match else "unknown"


def loaded_libraries(maps: str | None = None) -> tuple[Library, ...]:
    """List the libraries of GDAL, OTB and ITK that this process has loaded, each file once.

    Parameters
    ----------
    maps
        The kernel's list of the memory of a process (``/proc/self/maps``); by default of this one.
    """
    text = Path("/proc/self/maps").read_text() if maps is None else maps
    paths = sorted({line.split(maxsplit=5)[5] for line in text.splitlines() if ".so" in line and "/" in line})
    return tuple(
        Library(name, path)
        for name, start in LIBRARIES.items()
        for path in paths
        if re.match(rf"{start}[-.]", Path(path).name)
    )


def check_single(libraries: tuple[Library, ...]) -> None:
    """Refuse two files of one library in a process: each has its own state, and objects of one crash in the other.

    Raises
    ------
    OtbMissingError
        There are two. The message names both files.
    """
    for name in LIBRARIES:
        files = [library.path for library in libraries if library.name == name]
        if len(files) > 1:
            raise OtbMissingError(
                f"two {name}s are loaded in one process, {' and '.join(files)}: OTB and Python's modules must use one; "
                "uninstall wheels that bring their own (rasterio, fiona), or build this package for the OTB in use"
            )


def use_chosen_otb(environment: MutableMapping[str, str] | None = None, path: list[str] | None = None) -> Path | None:
    """Let Python find the module of the OTB that ``OTB_DIR`` names, if that OTB brings one.

    ``OTB_APPLICATION_PATH`` is set to its applications unless the user has set it.

    Parameters
    ----------
    environment
        The variables; by default those of the process.
    path
        Where Python looks for modules; by default ``sys.path``.

    Returns
    -------
    Path or None
        The folder of the module; None if OTB_DIR is not set, or its OTB brings no module.
    """
    environment = os.environ if environment is None else environment
    path = sys.path if path is None else path
    chosen = environment.get("OTB_DIR")
    if not chosen:
        return None
    # The folder of an installation, or that of its files for CMake, at lib/cmake/OTB-N.
    for root in (Path(chosen), *Path(chosen).parents[:3]):
        for library in ("lib", "lib64"):
            modules = root / library / "otb" / "python"
            if not any(modules.glob("otbApplication*")):
                continue
            if str(modules) not in path:
                path.insert(0, str(modules))
            environment.setdefault("OTB_APPLICATION_PATH", str(root / library / "otb" / "applications"))
            return modules
    return None
