"""Set up GDAL and OTB for the whole process: exceptions, the loading of OTB, threads, caches and memory.

Both packages import GDAL from here, so that it raises exceptions wherever it is used.
"""

import ctypes
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from osgeo import gdal, gdal_array, ogr, osr

from otb_pipelines.errors import OtbMissingError
from otb_pipelines.machine import gdal_cache, limit_otb
from otb_pipelines.settings import Settings

__all__ = [
    "available_applications",
    "bounded_cache",
    "forest_plugin",
    "gdal",
    "gdal_array",
    "gdal_errors",
    "gdal_threads",
    "kept_memory",
    "load_otb",
    "ogr",
    "osr",
]

gdal.UseExceptions()
ogr.UseExceptions()
osr.UseExceptions()

log = logging.getLogger("otb_pipelines")

gdal_errors: list[str] = []
"""Errors that GDAL has reported since they were last removed. Callers of OTB read them, because OTB does not."""

_OWN_APPLICATIONS = Path(__file__).parent / "otb_applications"
_FOREST_PLUGIN = Path(__file__).parent / "itk_plugins" / "libfast_forest.so"

# Parameters of glibc's mallopt.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_DEFAULT_MEMORY = {_TRIM_THRESHOLD: 128 << 10, _TOP_PAD: 0, _MMAP_THRESHOLD: 128 << 10}
# 32 MB is the largest threshold that glibc accepts for memory that it maps apart.
_KEPT_MEMORY = {_TRIM_THRESHOLD: 1 << 30, _TOP_PAD: 64 << 20, _MMAP_THRESHOLD: 32 << 20}


def load_otb(settings: Settings) -> Any:
    """Load OTB's Python module. The first call sets it up for this process.

    Parameters
    ----------
    settings
        Memory for GDAL's cache of blocks, and threads of ITK. The number of threads only has an effect before the
        first filter is made.

    Returns
    -------
    module
        ``otbApplication``. It finds this package's applications and the fast forest, and logs to the logger
        ``otb_pipelines``.

    Raises
    ------
    OtbMissingError
        The module cannot be imported.
    """
    # By default GDAL caches blocks in a twentieth of the machine's memory.
    gdal.SetCacheMax(gdal_cache(settings.ram) << 20)
    # ITK reads its variable once, when the first filter is made.
    limit_otb(settings.ram, settings.threads)
    return _loaded_otb()


@cache
def _loaded_otb() -> Any:
    try:
        import otbApplication
    except ImportError as error:
        raise OtbMissingError(f"OTB's Python module otbApplication cannot be imported ({error})") from error
    otbApplication.Registry.AddApplicationPath(str(_OWN_APPLICATIONS))
    _register_fast_forest()
    # OTB does not notice that GDAL could not flush a file on closing it: a full disk would stay unnoticed.
    # The handler serves all threads, since OTB may work in another thread than the caller's.
    gdal.SetErrorHandler(_note_gdal_error)
    # The official module does not have this function, and writes its log to standard output.
    if hasattr(otbApplication, "AddLogCallback"):
        otbApplication.AddLogCallback(lambda level, message: log.log(level, "%s", message.strip()))
    return otbApplication


def available_applications(settings: Settings) -> tuple[str, ...]:
    """List the names of the applications that OTB finds, sorted.

    Raises
    ------
    OtbMissingError
        OTB's Python module cannot be imported.
    """
    return tuple(sorted(load_otb(settings).Registry.GetAvailableApplications()))


def forest_plugin() -> Path | None:
    """Return the plug-in with which ImageClassifier runs random forests fast, or None if it was not built."""
    return _FOREST_PLUGIN if _FOREST_PLUGIN.is_file() else None


@contextmanager
def gdal_threads(threads: int) -> Iterator[None]:
    """Let GDAL decode with several threads until the block ends.

    GDAL also encodes with them, unless the creation options of a file give a number. Several threads compress the
    blocks of a GeoTIFF in any order, so that equal pixels give different bytes.
    """
    before = gdal.GetConfigOption("GDAL_NUM_THREADS")
    gdal.SetConfigOption("GDAL_NUM_THREADS", str(threads))
    try:
        yield
    finally:
        gdal.SetConfigOption("GDAL_NUM_THREADS", before)


@contextmanager
def bounded_cache(megabytes: int) -> Iterator[None]:
    """Limit GDAL's cache of raster blocks, in megabytes, until the block ends.

    By default it is a twentieth of the machine's memory. A smaller one that the user has set by GDAL_CACHEMAX is kept.
    """
    before = gdal.GetCacheMax()
    gdal.SetCacheMax(gdal_cache(megabytes) << 20)
    try:
        yield
    finally:
        gdal.SetCacheMax(before)


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let glibc keep freed memory for the next buffer, and give it back when the block ends.

    OpenJPEG allocates and frees megabytes for each tile. By default the memory goes back to the kernel at once, which
    then clears the pages of the next buffer. This takes a sixth of the time of decoding a scene. With another C library
    than glibc, nothing is done.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        yield
        return
    try:
        for parameter, value in _KEPT_MEMORY.items():
            library.mallopt(parameter, value)
        yield
    finally:
        for parameter, value in _DEFAULT_MEMORY.items():
            library.mallopt(parameter, value)
        library.malloc_trim(0)


def _note_gdal_error(severity: int, _number: int, message: str) -> None:
    if severity >= gdal.CE_Failure:
        gdal_errors.append(message)
    elif severity == gdal.CE_Warning:
        log.debug("GDAL: %s", message)


def _register_fast_forest() -> None:
    """Register the fast forest with OTB. Without it, OTB uses its own forest, with the same results."""
    plugin = forest_plugin()
    if plugin is None:
        return
    try:
        ctypes.CDLL(str(plugin)).register_fast_forest()
    except OSError as error:
        log.warning("the fast forest cannot be loaded (%s): OTB's own is used; build it again with make install", error)
