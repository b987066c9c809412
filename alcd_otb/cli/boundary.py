"""The boundary of the command line: every error ends in one line and a documented exit code."""

import errno
import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout, suppress

from alcd_otb.cli.stopping import Stopped, stop_signals
from alcd_otb.cli.streams import (
    Messages,
    OutputClosedError,
    OutputLostError,
    Results,
    keep_output_for_results,
    open_streams,
    settle_streams,
)
from alcd_otb.errors import AlcdError, ConfigurationError, EnvironmentNotReadyError, ProcessingError
from otb_pipelines.errors import OtbError, OtbMissingError

log = logging.getLogger("alcd_otb")

_PACKAGES = {
    "PIL": "pip install pillow",
    "attr": "pip install attrs",
    "fiona": "apt-get install python3-fiona",
    "jinja2": "apt-get install python3-jinja2",
    "lxml": "apt-get install python3-lxml",
    "numpy": "apt-get install python3-numpy",
    "osgeo": "apt-get install python3-gdal",
    "pydantic": "pip install 'pydantic>=2,<3'",
    "starlette": "pip install 'starlette>=0.40' 'uvicorn>=0.30'",
    "uvicorn": "pip install 'starlette>=0.40' 'uvicorn>=0.30'",
}
"""Modules that this package needs, and the commands that install them."""

_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EROFS: "choose a place on a writable disk",
    errno.EACCES: "choose a place that you may read and write",
    errno.EPERM: "choose a place that you may read and write",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path",
    errno.EISDIR: "check the path",
    errno.ELOOP: "check the links",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "close other programs",
    errno.ENOMEM: "close other programs, or use a smaller --ram",
    errno.EAGAIN: "allow more processes (ulimit -u), or use fewer --threads",
    errno.EFBIG: "allow larger files (ulimit -f)",
}
_OTHER_REMEDY = "check the disk and the network, then run again"


def set_up_process() -> None:
    """Set up a process that is this command line alone, before anything is loaded.

    Names of files are in UTF-8 for GDAL and in ``scene.json``. Where the locale makes Python read them in another
    way, such as ASCII, Python starts once more. Programs that this one starts do not look for modules in the current
    folder, where anybody's files may lie.
    """
    if sys.getfilesystemencoding() != "utf-8" and os.environ.get("PYTHONUTF8") != "1" and sys.executable:
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    os.environ["PYTHONSAFEPATH"] = "1"
    open_streams()
    keep_output_for_results()


def run_command(work: Callable[[], int], verbosity: Sequence[int]) -> int:
    """Do the work of a command line, and turn every error into one line and an exit code.

    Parameters
    ----------
    work
        Returns the exit code, or raises.
    verbosity
        1 for each ``-v`` and -1 for each ``-q``, once the work has read the command line. With two ``-v`` an error is
        followed by its traceback.

    Returns
    -------
    int
        The exit code.
    """
    open_streams()
    set_up_logging(0)
    try:
        with stop_signals():
            return _result(work, verbosity)
    finally:
        settle_streams()


def set_up_logging(verbosity: int) -> None:
    """Log to standard error, at the level of a sum of ``-v`` (1) and ``-q`` (-1)."""
    level = max(logging.DEBUG, logging.INFO - 10 * verbosity)
    messages = Messages(sys.stderr)
    # The file run.log of a quiet run holds as much as that of any other.
    logging.basicConfig(handlers=[messages], level=min(level, logging.INFO), force=True)
    messages.setLevel(level)
    # Settings of Python's warnings in the environment are for developers: they must not turn a warning into an error.
    warnings.resetwarnings()
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)
    logging.captureWarnings(True)
    # OTB warns of correct input, such as a class with fewer pixels than allowed. It raises real errors.
    # Fiona also logs each error that it raises.
    for library in ("otb_pipelines", "fiona", "py.warnings"):
        logging.getLogger(library).setLevel(level if verbosity >= 2 else level + 30)


def _result(work: Callable[[], int], verbosity: Sequence[int]) -> int:
    # Ends of a command line that are not an Exception: a signal, and argparse, which has printed its message.
    try:
        try:
            with redirect_stdout(Results(sys.stdout)) as results:
                try:
                    code = work()
                except SystemExit as error:
                    code = error.code if isinstance(error.code, int) else 0
                results.flush()
                return code
        except OutputClosedError:
            # The reader has stopped reading, as with `| head`. The command's files are complete.
            return 0
        except Exception as error:
            return _failed(*explained(error), verbosity)
    except Stopped as stopped:
        return _failed(str(stopped), stopped.exit_code, verbosity)
    except KeyboardInterrupt:
        return _failed("interrupted", Stopped.INTERRUPTED, verbosity)


def _failed(message: str, code: int, verbosity: Sequence[int]) -> int:
    log.error("%s", message)
    if list(verbosity).count(1) >= 2:
        log.error("where it happened:", exc_info=True)
    return code


def explained(error: Exception) -> tuple[str, int]:
    """Describe an exception for a user.

    Parameters
    ----------
    error
        Any exception.

    Returns
    -------
    tuple
        One line with the problem and its remedy, and the exit code.
    """
    if isinstance(error, AlcdError):
        return str(error), error.exit_code
    if isinstance(error, OtbMissingError | ImportError):
        return _missing(error), EnvironmentNotReadyError.exit_code
    if isinstance(error, OtbError):
        return f"{error.summary}; -vv shows all of it", ProcessingError.exit_code
    if isinstance(error, OutputLostError):
        reason = f"standard output cannot be written ({error}); free some space, or choose another file"
        return reason, ProcessingError.exit_code
    if isinstance(error, OSError):
        return _refused(error), ProcessingError.exit_code
    if isinstance(error, UnicodeError):
        reason = f"a name or a text is not in UTF-8 ({error}); rename the file, or save it in UTF-8"
        return reason, ConfigurationError.exit_code
    if isinstance(error, MemoryError):
        reason = "memory ran out; use a smaller --ram and fewer --threads, or a computer with more memory"
        return reason, ProcessingError.exit_code
    if _is_of_gdal(error):
        return f"GDAL failed: {_in_one_line(error)}; -vv shows where", ProcessingError.exit_code
    reason = f"{type(error).__name__}: {_in_one_line(error)}"
    return (
        f"this is a bug in alcd_otb ({reason}); report it with the project's bug form, and add what the "
        "same command prints with -vv",
        ProcessingError.exit_code,
    )


def _missing(error: Exception) -> str:
    """Name which module cannot be imported, and the command that installs it."""
    if isinstance(error, OtbMissingError):
        return f"{error}; run: python -m alcd_otb doctor"
    module = str(getattr(error, "name", None) or "").partition(".")[0]
    remedy = _PACKAGES.get(module, "make install")
    named = f"Python module {module}" if module else "a Python module"
    return f"{named} cannot be imported ({_in_one_line(error)}); run: {remedy}"


def _refused(error: OSError) -> str:
    """Describe which call the operating system refused."""
    reason = error.strerror or _in_one_line(error) or type(error).__name__
    remedy = _REMEDIES.get(error.errno or 0, _OTHER_REMEDY)
    named = [str(name) for name in (error.filename, error.filename2) if name is not None]
    return f"{' and '.join(named) or 'the operating system'}: {reason}; {remedy}"


def _is_of_gdal(error: Exception) -> bool:
    """Return whether GDAL or Fiona raised an exception. GDAL's are plain RuntimeErrors."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    origin = str(frames[-1].f_globals.get("__name__", "")) if frames else ""
    return any(name.partition(".")[0] in ("osgeo", "fiona") for name in (origin, type(error).__module__))


def _in_one_line(error: Exception) -> str:
    # The text of an exception of another library may fail itself.
    with suppress(Exception):
        return " ".join(str(error).split())
    return type(error).__name__
