"""Keep two runs apart by a lock file that names its holder.

The file is made by a hard link, which is one step on every file system. It names the computer, the process and the
job, and its time is renewed every minute. A second guard is a lock of the kernel on the file, where the file system
has such locks: some refuse them, and some grant the same lock to two computers.

A run takes over a lock file that nobody holds: the process has ended, the computer was started again, the job is gone,
or the time was not renewed for ten minutes.
"""

import fcntl
import glob
import json
import logging
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from alcd_otb.errors import ProcessingError, WorkspaceLockedError
from alcd_otb.files.holder import Holder

log = logging.getLogger(__name__)

RENEWED_EVERY = 60.0
"""Seconds between two signs of life."""
SILENT_FOR = 600.0
"""Seconds without a sign of life after which a lock file is taken over."""
_TAKING_OVER = 60.0
"""Seconds after which a process that was taking over a lock file counts as dead."""
_LARGEST = 4096
"""Bytes of a lock file that are read."""


class Lease:
    """A lock file that this process holds.

    Parameters
    ----------
    path
        The file.
    descriptor
        The open file.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path, self._descriptor = path, descriptor
        self._ended = threading.Event()
        self._renewal = threading.Thread(target=self._renew, name="lock file", daemon=True)
        try:
            self._renewal.start()
        except RuntimeError:
            log.debug("%s: no thread can be started to renew the lock file", path)

    def _renew(self) -> None:
        while not self._ended.wait(RENEWED_EVERY):
            try:
                os.utime(self._descriptor)
            except OSError as error:
                log.debug("%s: cannot be renewed (%s)", self._path, error)

    def is_held(self) -> bool:
        """Return whether the file is still this process's: another run takes it over after a long silence."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self._path.lstat())
        except OSError:
            return False

    def check(self) -> None:
        """Check that the file is still this process's.

        Raises
        ------
        WorkspaceLockedError
            If another run took it over.
        """
        if not self.is_held():
            raise WorkspaceLockedError(
                f"{self._path}: another run took over, since this one did not renew the lock file for "
                f"{SILENT_FOR / 60:.0f} minutes; run again"
            )

    def end(self) -> None:
        """Give the lock file up."""
        self._ended.set()
        if self._renewal.ident is not None:
            self._renewal.join()
        try:
            if self.is_held():
                self._path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("%s: cannot be removed (%s); the next run takes it over", self._path, error.strerror)
        finally:
            os.close(self._descriptor)


@contextmanager
def leased(path: Path, held: str) -> Iterator[Lease]:
    """Hold a lock file until the block ends.

    Parameters
    ----------
    path
        The file. Its folder exists.
    held
        The message about the holder, such as "/data/Arles: another run ({holder}) holds this workspace".

    Raises
    ------
    WorkspaceLockedError
        Another process holds the file. It is named.
    ProcessingError
        The file is a link, or no ordinary file.
    OSError
        The file cannot be written.
    """
    lease = Lease(path, _acquired(path, held))
    try:
        yield lease
    finally:
        lease.end()


def _acquired(path: Path, held: str) -> int:
    """Make the lock file. Returns its descriptor."""
    holder = Holder.here()
    own = path.with_name(f"{path.name}-{holder.token}")
    descriptor = os.open(own, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    try:
        try:
            os.write(descriptor, (json.dumps(asdict(holder)) + "\n").encode())
            _try_kernel_lock(descriptor, fcntl.LOCK_EX)
            if not _linked(own, path):
                _take_over(path, own, os.fstat(descriptor).st_mtime, held)
            _remove_left_over(path, os.fstat(descriptor).st_mtime)
        finally:
            own.unlink(missing_ok=True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _linked(own: Path, path: Path, keep: bool = False) -> bool:
    """Give the own file another name, too, unless that exists. Return whether it has it."""
    try:
        os.link(own, path, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if os.path.lexists(path):
            return False
        # A disk without hard links. To rename is one step, too, but it does not refuse a file that came just now.
        log.debug("%s: made without a hard link (%s)", path, error)
        if keep:
            with path.open("xb") as copy:
                copy.write(own.read_bytes())
        else:
            os.rename(own, path)
    return True


def _take_over(path: Path, own: Path, now: float, held: str) -> None:
    """Replace a lock file that nobody holds by this process's own.

    Raises
    ------
    WorkspaceLockedError
        Somebody holds the lock file, or takes it over at this moment.
    """
    with _only_one(path.with_name(f"{path.name}-takeover"), own, now, held):
        abandoned = _abandoned(path, now, held)
        if abandoned is not None and os.path.samestat(abandoned, path.lstat()):
            os.replace(own, path)
        elif not _linked(own, path):
            raise WorkspaceLockedError(_said(held, "one that is starting"))


@contextmanager
def _only_one(guard: Path, own: Path, now: float, held: str) -> Iterator[None]:
    """Let one process at a time take over a lock file."""
    if os.path.lexists(guard) and _is_left_over(guard, now):
        guard.unlink(missing_ok=True)
    if not _linked(own, guard, keep=True):
        raise WorkspaceLockedError(_said(held, "one that is starting"))
    try:
        yield
    finally:
        guard.unlink(missing_ok=True)


def _is_left_over(file: Path, now: float) -> bool:
    """Return whether the process that made a file while it was taking the lock has ended."""
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            return False
        holder = Holder.read(os.read(descriptor, _LARGEST).decode(errors="replace"))
    finally:
        os.close(descriptor)
    return (holder is not None and holder.has_ended()) or now - state.st_mtime > _TAKING_OVER


def _remove_left_over(path: Path, now: float) -> None:
    """Remove what processes left that were killed while they took the lock."""
    for file in sorted(path.parent.glob(f"{glob.escape(path.name)}-*")):
        if _is_left_over(file, now):
            file.unlink(missing_ok=True)


def _said(held: str, holder: object) -> str:
    return held.replace("{holder}", str(holder))


def _abandoned(path: Path, now: float, held: str) -> os.stat_result | None:
    """Return the file that nobody holds any more; None if the lock file has just been removed.

    Raises
    ------
    WorkspaceLockedError
        Somebody holds the lock file.
    ProcessingError
        The file is a link, or no ordinary file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            raise ProcessingError(f"{path}: is a link, and not a lock file; remove it") from error
        raise
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ProcessingError(f"{path}: is not a regular file, and so not a lock file; remove it")
        holder = Holder.read(os.read(descriptor, _LARGEST).decode(errors="replace"))
        silent = now - state.st_mtime
        if not _try_kernel_lock(descriptor, fcntl.LOCK_SH):
            raise WorkspaceLockedError(_said(held, holder or "an unknown process"))
    finally:
        os.close(descriptor)
    if holder is None:
        # No run of this version wrote it: those of other versions hold it by the kernel's lock alone.
        return state
    if holder.has_ended():
        log.debug("%s: taken over, since %s has ended", path, holder)
    elif silent > SILENT_FOR:
        log.warning("%s: taken over, since %s did not renew it for %d minutes", path, holder, silent // 60)
    else:
        raise WorkspaceLockedError(_said(held, holder))
    return state


def _try_kernel_lock(descriptor: int, kind: int) -> bool:
    """Lock a file by the kernel. Return False if another process holds it; True also where there are no such locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        log.debug("the file system has no locks of the kernel (%s); the lock file alone keeps runs apart", error)
    return True
