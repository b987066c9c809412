"""Describe the process that holds a lock file, and find out whether it has ended."""

import json
import os
import secrets
import shutil
import socket
import subprocess
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

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
        The namespace of process numbers: containers of one computer have separate numbers.
    job
        The batch job, if there is one.
    restart
        How often the job was started again, as after the failure of a node. It keeps its number then.
    """

    token: str
    host: str
    boot: str
    pid: int
    started: str
    pid_namespace: str
    job: str | None
    restart: str = ""

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
            _restart(),
        )

    @classmethod
    def read(cls, text: str) -> "Holder | None":
        """Read what a holder wrote; None if the text is something else."""
        try:
            content: dict[str, Any] = json.loads(text)
            # Holders of earlier versions, without the count of restarts, are accepted too.
            return cls(**{name: content[name] for name in cls.__dataclass_fields__ if name in content})
        except (ValueError, KeyError, TypeError):
            return None

    def __str__(self) -> str:
        """Return the words in which a message names the holder."""
        job = f", job {self.job}" if self.job else ""
        return f"process {self.pid} on {self.host}{job}"

    def has_ended(self) -> bool:
        """Return whether the process has ended. False if this computer cannot find out."""
        if self.host == socket.gethostname():
            if self.boot != _boot():
                return True
            if self.started and self.pid_namespace == _pid_namespace():
                return _start_of(self.pid) != self.started
        if self.job and self.job == os.environ.get("SLURM_JOB_ID") and self.restart != _restart():
            # An earlier start of this very job, which SLURM has ended, or whose node has failed.
            return True
        return bool(self.job) and _job_is_gone(str(self.job))


def _restart() -> str:
    return os.environ.get("SLURM_RESTART_COUNT", "")


def process_numbering() -> str:
    """Return 8 letters that are the same wherever a number means the same process, until the computer restarts."""
    described = f"{socket.gethostname()} {_boot()} {_pid_namespace()}"
    return sha256(described.encode(errors="surrogateescape")).hexdigest()[:8]


def has_ended(pid: int) -> bool:
    """Return whether the process with a number has ended. False if this computer cannot find out."""
    return bool(_start_of(os.getpid())) and _start_of(pid) is None


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
    """Ask SLURM whether a job has ended. False if SLURM does not answer."""
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
