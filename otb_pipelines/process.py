"""Set up GDAL and OTB for the whole process: exceptions, the loading of OTB, threads, caches and memory.

Both packages import GDAL from here, so that it raises exceptions wherever it is used.
"""

import ctypes
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Before GDAL, which prints a traceback where it is missing.
import numpy  # noqa: F401
from osgeo import gdal, gdal_array, ogr, osr

from otb_pipelines.block_cache import BlockCache
from otb_pipelines.errors import OtbMissingError
from otb_pipelines.installation import check_single, loaded_libraries, use_chosen_otb
from otb_pipelines.machine import gdal_cache, limit_otb
from otb_pipelines.own_process import is_own_process
from otb_pipelines.settings import Settings

__all__ = [
    "available_applications",
    "bounded_cache",
    "forest_plugin",
    "gdal",
    "gdal_array",
    "gdal_threads",
    "is_own_module",
    "kept_memory",
    "load_otb",
    "noted_gdal_errors",
    "ogr",
    "osr",
]

gdal.UseExceptions()
ogr.UseExceptions()
osr.UseExceptions()
# GDAL would write a file beside each archive that is compressed by gzip.
gdal.SetConfigOption("CPL_VSIL_GZIP_WRITE_PROPERTIES", "NO")

log = logging.getLogger("otb_pipelines")

_OWN_APPLICATIONS = Path(__file__).parent / "otb_applications"
_FOREST_PLUGIN = Path(__file__).parent / "itk_plugins" / "libfast_forest.so"

_OTB_LEVELS = ("DEBUG", "INFO", "WARNING", "CRITICAL", "FATAL")

# Parameters of glibc's mallopt.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_DEFAULT_MEMORY = {_TRIM_THRESHOLD: 128 << 10, _TOP_PAD: 0, _MMAP_THRESHOLD: 128 << 10}
# 32 MB is the largest threshold that glibc accepts for memory that it maps apart.
_KEPT_MEMORY = {_TRIM_THRESHOLD: 1 << 30, _TOP_PAD: 64 << 20, _MMAP_THRESHOLD: 32 << 20}


_SET_UP = "_set_up_by_otb_pipelines"
"""An attribute of OTB's module: the lock of its set-up. Another copy of this module finds it there."""

_block_cache = BlockCache(gdal.GetCacheMax, gdal.SetCacheMax)


def load_otb(settings: Settings) -> Any:
    """Load OTB's Python module. The first call sets it up for this process.

    Parameters
    ----------
    settings
        Threads of ITK. Their number only has an effect before the first filter is made.

    Returns
    -------
    module
        ``otbApplication``. It finds this package's applications and the fast forest, and logs to the logger
        ``otb_pipelines``.

    Raises
    ------
    OtbMissingError
        The module cannot be imported, or it has brought a second GDAL, OTB or ITK into the process.
    """
    # ITK reads its variable once, when the first filter is made.
    limit_otb(settings.ram, settings.threads)
    return _loaded_otb()


def _loaded_otb() -> Any:
    # OTB prints on standard output that a value is unknown.
    if os.environ.get("OTB_LOGGER_LEVEL") not in _OTB_LEVELS:
        os.environ.pop("OTB_LOGGER_LEVEL", None)
    use_chosen_otb()
    try:
        import otbApplication
    except ImportError as error:
        raise OtbMissingError(f"OTB's Python module otbApplication cannot be imported ({error})") from error
    # Once in a process, for any number of threads, and after any reload of this module.
    lock, done = vars(otbApplication).setdefault(_SET_UP, (threading.Lock(), []))
    with lock:
        if not done:
            check_single(loaded_libraries())
            _set_up(otbApplication)
            done.append(True)
    return otbApplication


def _set_up(otb: Any) -> None:
    otb.Registry.AddApplicationPath(str(_OWN_APPLICATIONS))
    _register_fast_forest()
    # The official module does not have this function, and writes its log to standard output.
    if is_own_module(otb):
        otb.AddLogCallback(lambda level, message: log.log(level, "%s", message.strip()))


def is_own_module(otb: Any) -> bool:
    """Return whether OTB's Python module is the one that this package builds, and not one that OTB brings."""
    return hasattr(otb, "AddLogCallback")


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
    """Let GDAL decode with several threads, in this thread and in OTB's runs that it waits for, until the block ends.

    GDAL also encodes with them, unless the creation options of a file give a number. Several threads compress the
    blocks of a GeoTIFF in any order, so that equal pixels give different bytes.
    """
    before = gdal.GetThreadLocalConfigOption("GDAL_NUM_THREADS")
    gdal.SetThreadLocalConfigOption("GDAL_NUM_THREADS", str(threads))
    try:
        yield
    finally:
        gdal.SetThreadLocalConfigOption("GDAL_NUM_THREADS", before)


@contextmanager
def bounded_cache(megabytes: int) -> Iterator[None]:
    """Limit GDAL's cache of raster blocks, in megabytes, until the block ends.

    By default it is a twentieth of the machine's memory. Blocks of code may be nested or run side by side: the
    smallest limit holds, and a smaller one that the user has set by GDAL_CACHEMAX is kept.
    """
    with _block_cache.at_most(gdal_cache(megabytes) << 20):
        yield


@contextmanager
def noted_gdal_errors() -> Iterator[list[str]]:
    """Note the errors that GDAL reports in this thread until the block ends, and log its warnings.

    OTB does not notice that GDAL could not flush a file on closing it: a full disk would stay unnoticed. OTB's module
    hands on here what GDAL reported in its own thread. The handler that a program has set for GDAL is replaced, and
    is there again afterwards.
    """
    errors: list[str] = []

    def note(severity: int, number: int, message: str) -> None:
        if severity >= gdal.CE_Failure:
            errors.append(message)
        else:
            _log_warning(severity, number, message)

    gdal.PushErrorHandler(note)
    try:
        yield errors
    finally:
        gdal.PopErrorHandler()


@contextmanager
def kept_memory() -> Iterator[None]:
    """Let glibc keep freed memory for the next buffer, and give it back when the block ends.

    OpenJPEG allocates and frees megabytes for each tile. By default the memory goes back to the kernel at once, which
    then clears the pages of the next buffer. This takes a sixth of the time of decoding a scene. With another C library
    than glibc, nothing is done.

    glibc does not return the earlier setting, so that it could not be restored. Therefore nothing is done either unless
    `otb_pipelines.own_process.own_process` was called: in a notebook the memory stays as its owner has set it.
    """
    library = ctypes.CDLL(None)
    if not is_own_process() or not hasattr(library, "mallopt"):
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


def _log_warning(severity: int, _number: int, message: str) -> None:
    """Log a warning of GDAL. Its errors are exceptions."""
    if severity == gdal.CE_Warning:
        log.debug("GDAL: %s", message)


if is_own_process():
    # By default GDAL prints what it reports.
    gdal.SetErrorHandler(_log_warning)


def _register_fast_forest() -> None:
    """Register the fast forest with OTB. Without it, OTB uses its own forest, with the same results."""
    plugin = forest_plugin()
    if plugin is None:
        return
    try:
        ctypes.CDLL(str(plugin)).register_fast_forest()
    except OSError as error:
        log.warning("the fast forest cannot be loaded (%s): OTB's own is used; build it again with make install", error)
