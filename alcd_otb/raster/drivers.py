"""Find GDAL's drivers, and distinguish a broken installation from a file that cannot be read."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from alcd_otb.errors import EnvironmentNotReadyError
from otb_pipelines.process import gdal, ogr, osr

NEEDED_DRIVERS = ("GTiff", "VRT", "MEM", "Memory", "GPKG", "FlatGeobuf")
"""Drivers that every scene needs."""

FURTHER_DRIVERS = ("JP2OpenJPEG", "GML", "GeoJSON", "ESRI Shapefile", "COG", "PNG")
"""Drivers for which there is a use: products, masks, samples, exports."""

# GDAL reads the first variable for rasters and vectors, the second one for vectors only.
_SKIPPING = ("GDAL_SKIP", "OGR_SKIP")
_INSTALL = "apt-get install libgdal32 python3-gdal"
_PROJ_VARIABLES = ("PROJ_DATA", "PROJ_LIB")
_FILE_OF_GDAL = "gdalvrt.xsd"
_LIBRARY = re.compile(r"(/\S*/libgdal[^/\s]*\.so[^/\s]*)$", re.MULTILINE)


class Problem(NamedTuple):
    """What is wrong with the installation, and how to repair it."""

    problem: str
    remedy: str

    def error(self) -> EnvironmentNotReadyError:
        """Return the error to raise."""
        return EnvironmentNotReadyError(f"{self.problem}; {self.remedy}; python -m alcd_otb doctor lists all problems")


def driver(name: str) -> gdal.Driver:
    """Return a driver of GDAL.

    Raises
    ------
    EnvironmentNotReadyError
        GDAL does not have it. The message names the variable that switches it off, if one does.
    """
    found = gdal.GetDriverByName(name)
    if found is None:
        raise lacking_driver(name).error()
    return found


def vector_driver(name: str) -> ogr.Driver:
    """Return a driver of GDAL that makes vector files, as `driver` does. Closing its files reports errors."""
    driver(name)
    return ogr.GetDriverByName(name)


def lacking_driver(name: str) -> Problem:
    """Describe that a driver is missing."""
    for variable in _SKIPPING:
        skipped = gdal.GetConfigOption(variable) or ""
        if name.lower() in skipped.lower():
            return Problem(f"GDAL's driver {name} is switched off by {variable}={skipped}", f"unset {variable}")
    return Problem(f"GDAL has no driver {name}", _INSTALL)


def check_environment() -> None:
    """Check GDAL and PROJ, before anything is read.

    Raises
    ------
    EnvironmentNotReadyError
        One of NEEDED_DRIVERS is missing, or PROJ cannot work, or two versions of GDAL are in the process.
    """
    for problem in environment_problems(NEEDED_DRIVERS):
        raise problem.error()


@cache
def check_proj() -> None:
    """Check that PROJ finds its database, without which no CRS is known and all files seem to be wrong.

    Raises
    ------
    EnvironmentNotReadyError
        PROJ does not.
    """
    problem = _problem_of_proj()
    if problem is not None:
        raise problem.error()


def environment_problems(drivers: tuple[str, ...] = (*NEEDED_DRIVERS, *FURTHER_DRIVERS)) -> Iterator[Problem]:
    """Yield what is wrong with GDAL and PROJ.

    Parameters
    ----------
    drivers
        The drivers to look for.
    """
    of_proj = _problem_of_proj()
    if of_proj is not None:
        yield of_proj
    for name in drivers:
        if gdal.GetDriverByName(name) is None:
            yield lacking_driver(name)
    data = gdal.GetConfigOption("GDAL_DATA")
    if data and not (Path(data) / _FILE_OF_GDAL).is_file():
        yield Problem(
            f"GDAL_DATA={data} is not the folder of GDAL's data (it has no {_FILE_OF_GDAL})", "unset GDAL_DATA"
        )
    libraries = _loaded_libraries()
    if len(libraries) > 1:
        yield Problem(
            f"two versions of GDAL are in one process ({' and '.join(libraries)})",
            "remove the wheels of fiona, rasterio or gdal, and unset LD_LIBRARY_PATH",
        )


def _problem_of_proj() -> Problem | None:
    try:
        osr.SpatialReference().ImportFromEPSG(4326)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        given = [f"{name}={os.environ[name]}" for name in _PROJ_VARIABLES if name in os.environ]
        if given:
            names = " and ".join(name.partition("=")[0] for name in given)
            return Problem(
                f"PROJ cannot use its database proj.db in {' and '.join(given)} ({reason})", f"unset {names}"
            )
        return Problem(f"PROJ cannot use its database proj.db ({reason})", "apt-get install proj-data")
    return None


def _loaded_libraries() -> list[str]:
    """List the files of libgdal that this process has loaded. Only Linux lists them."""
    maps = Path("/proc/self/maps")
    if not maps.is_file():
        return []
    return sorted({os.path.realpath(path) for path in _LIBRARY.findall(maps.read_text(errors="replace"))})
