"""Keep two runs apart by a lock file that says who holds it.

The file is made by a hard link, which is one step on every file system. It names the computer, the process and the
job, and its time is renewed every minute. A second guard is a lock of the kernel on the file, where the file system
has such locks: some refuse them, and some grant the same lock to two computers.

A run takes over a lock file that nobody holds: the process has ended, the computer was started anew, the job is gone,
or the time was not renewed for ten minutes.
"""

import fcntl
import json
import logging
import os
import secrets
import shutil
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from alcd_otb.errors import ProcessingError, WorkspaceLockedError

log = logging.getLogger(__name__)

RENEWED_EVERY = 60.0
"""Seconds between two signs of life."""
SILENT_FOR = 600.0
"""Seconds without a sign of life after which a lock file is taken over."""
_TAKING_OVER = 60.0
"""Seconds after which a process that was taking over a lock file counts as dead."""
_LARGEST = 4096
"""Bytes of a lock file that are read."""
_JOB_QUERY_SECONDS = 10.0


@dataclass(frozen=True)
class Holder:
    """Who holds a lock file.

    Attributes
    ----------
    token
        Random letters that no other holder has.
    host
        Name of the computer.
    boot
        What the kernel calls the time since the computer was started.
    pid, started
        Number of the process, and when it started in clock ticks since the computer did. Numbers are used again.
    pid_namespace
        What the numbers of processes belong to: containers of one computer have numbers of their own.
    job
        The batch job, if there is one.
    """

    token: str
    host: str
    boot: str
    pid: int
    started: str
    pid_namespace: str
    job: str | None

    @classmethod
    def here(cls) -> "Holder":
        """Describe this process."""
        return cls(
            secrets.token_hex(16),
            socket.gethostname(),
            _boot(),
            os.getpid(),
            _start_of(os.getpid()) or "",
            _pid_namespace(),
            os.environ.get("SLURM_JOB_ID"),
        )

    @classmethod
    def read(cls, text: str) -> "Holder | None":
        """Read what a holder wrote; None if the text is something else."""
        try:
            content: dict[str, Any] = json.loads(text)
            return cls(**{name: content[name] for name in cls.__dataclass_fields__})
        except (ValueError, KeyError, TypeError):
            return None

    def __str__(self) -> str:
        """Return the words in which a message names the holder."""
        job = f", job {self.job}" if self.job else ""
        return f"process {self.pid} on {self.host}{job}"

    def has_ended(self) -> bool:
        """Say whether the process is known to have ended. False where this computer cannot know."""
        if self.host == socket.gethostname():
            if self.boot != _boot():
                return True
            if self.started and self.pid_namespace == _pid_namespace():
                return _start_of(self.pid) != self.started
        return bool(self.job) and _job_is_gone(str(self.job))


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
        """Say whether the file is still this process's: another run takes it over after a long silence."""
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
                f"{self._path}: another run took over, since this one gave no sign of life for "
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
        What the message says of the holder, such as "/data/Arles: another run ({holder}) holds this workspace".

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
        os.write(descriptor, (json.dumps(asdict(holder)) + "\n").encode())
        _try_kernel_lock(descriptor, fcntl.LOCK_EX)
        try:
            if not _linked(own, path):
                _take_over(path, own, os.fstat(descriptor).st_mtime, held)
        finally:
            own.unlink(missing_ok=True)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _linked(own: Path, path: Path) -> bool:
    """Give the own file the name of the lock file, unless that exists."""
    try:
        os.link(own, path, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if os.path.lexists(path):
            return False
        # A disk without hard links. To rename is one step, too, but it does not refuse a file that came just now.
        log.debug("%s: made without a hard link (%s)", path, error)
        os.rename(own, path)
    return True


def _take_over(path: Path, own: Path, now: float, held: str) -> None:
    """Put the own file in the place of a lock file that nobody holds.

    Raises
    ------
    WorkspaceLockedError
        Somebody holds the lock file, or takes it over at this moment.
    """
    with _only_one(path.with_name(f"{path.name}-takeover"), now, held):
        _check_abandoned(path, now, held)
        os.replace(own, path)


@contextmanager
def _only_one(guard: Path, now: float, held: str) -> Iterator[None]:
    """Let one process at a time take over a lock file."""
    if os.path.lexists(guard) and now - guard.lstat().st_mtime > _TAKING_OVER:
        guard.unlink(missing_ok=True)
    try:
        os.close(os.open(guard, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644))
    except FileExistsError as error:
        raise WorkspaceLockedError(_said(held, "one that is starting")) from error
    try:
        yield
    finally:
        guard.unlink(missing_ok=True)


def _said(held: str, holder: object) -> str:
    return held.replace("{holder}", str(holder))


def _check_abandoned(path: Path, now: float, held: str) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        if path.is_symlink():
            raise ProcessingError(f"{path}: is a link, and no lock file; remove it") from error
        raise
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise ProcessingError(f"{path}: is no ordinary file, so no lock file; remove it")
        holder = Holder.read(file.read(_LARGEST).decode(errors="replace"))
        silent = now - state.st_mtime
        if not _try_kernel_lock(descriptor, fcntl.LOCK_SH):
            raise WorkspaceLockedError(_said(held, holder or "an unknown process"))
    if holder is None:
        # No run of this version wrote it: those of other versions hold it by the kernel's lock alone.
        return
    if holder.has_ended():
        log.debug("%s: taken over, since %s has ended", path, holder)
    elif silent > SILENT_FOR:
        log.warning("%s: taken over, since %s gave no sign of life for %d minutes", path, holder, silent // 60)
    else:
        raise WorkspaceLockedError(_said(held, holder))


def _try_kernel_lock(descriptor: int, kind: int) -> bool:
    """Lock a file by the kernel. Return False if another process holds it; True also where there are no such locks."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        log.debug("the file system has no locks of the kernel (%s); the lock file alone keeps runs apart", error)
    return True


@cache
def _boot() -> str:
    return _read_text(Path("/proc/sys/kernel/random/boot_id"))


def _pid_namespace() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _start_of(pid: int) -> str | None:
    """Return when a process started, in clock ticks since the computer did; None if there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name of the program comes second, in parentheses, and may itself hold spaces and parentheses.
    state, *fields = text.rpartition(")")[2].split()
    return None if state in "ZX" else fields[18]


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _job_is_gone(job: str) -> bool:
    """Ask SLURM whether a job has ended. False where SLURM does not answer."""
    squeue = shutil.which("squeue")
    if squeue is None or not job.isdigit():
        return False
    try:
        answer = subprocess.run(
            [squeue, "--noheader", "--states=all", "--format=%T", f"--jobs={job}"],
            capture_output=True,
            text=True,
            timeout=_JOB_QUERY_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    if answer.returncode:
        return "Invalid job id" in answer.stderr
    states = answer.stdout.split()
    return all(state not in ("PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "STOPPED") for state in states)
