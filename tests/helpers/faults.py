"""Run commands while calls that change files fail, or while the process is killed at one of them.

A library is loaded between the command and the C library. strace could do the same by ptrace, which containers often
forbid, and slowly.
"""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from places import ROOT

KINDS = ("EIO", "ENOSPC", "EDQUOT", "EROFS", "EACCES", "EPERM", "EMFILE", "ENFILE", "EINTR", "ESTALE", "EBUSY", "EXDEV",
         "ENOSYS", "EOPNOTSUPP", "ENOLCK", "ELOOP", "ENAMETOOLONG", "ENOMEM")  # fmt: skip
"""Errors of a disk, a network or a kernel."""


@dataclass(frozen=True)
class Fault:
    """A disturbance of a command at one of its calls.

    Attributes
    ----------
    number
        The call, counted from 1; 0 for no call.
    error
        Name of the error with which it fails.
    kill
        ``before`` or ``after`` the call.
    lasting
        Whether later calls fail as well, as on a disk that stays full.
    """

    number: int = 0
    error: str = ""
    kill: str = ""
    lasting: bool = False

    def __str__(self) -> str:
        what = f"killed {self.kill}" if self.kill else self.error + (" from then on" if self.lasting else "")
        return f"{what} at call {self.number}" if self.number else "undisturbed"

    def environment(self) -> dict[str, str]:
        """Return the settings of the interposed library."""
        said = {"FAULTS_NUMBER": str(self.number)}
        if self.error:
            said["FAULTS_ERRNO"] = str(getattr(errno, self.error))
        if self.kill:
            said["FAULTS_KILL"] = self.kill
        if self.lasting:
            said["FAULTS_LASTING"] = "1"
        return said


UNDISTURBED = Fault()


@dataclass(frozen=True)
class Call:
    """A call that changes files: its function, and the paths that it names."""

    number: int
    function: str
    paths: tuple[str, ...]

    @property
    def place(self) -> str:
        """The call for a reader: its function and paths, without random names."""
        return f"{self.function} {' -> '.join(map(usual, self.paths))}"


@dataclass(frozen=True)
class Ended:
    """A command that has ended. left counts the processes that outlived it."""

    code: int
    stdout: str
    stderr: str
    calls: tuple[Call, ...]
    left: int
    hung: bool

    def call(self, number: int) -> str:
        """Name which call had a number."""
        return next((call.place for call in self.calls if call.number == number), "no such call")


def usual(path: str) -> str:
    """Return a path without the numbers of processes and other random names."""
    path = re.sub(r"\.unfinished-(?:[A-Za-z_]*-)?(?=[^/]*\d)[0-9A-Za-z_-]{3,}", ".unfinished-#", path)
    return re.sub(r"(?<=\.tmp)[0-9A-Za-z_]+|(?<=_)[0-9]{3,}(?=\.)|[0-9a-f]{12,}", "#", path)


def compiled(folder: Path) -> Path:
    """Compile the library that is loaded between a program and the C library."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler, which makes the library that disturbs a command")
    library = folder / "interpose.so"
    source = ROOT / "tests/faults/interpose.c"
    flags = ["-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, "-o", library, source, "-ldl"], check=True)
    return library


class Faults:
    """A process that runs commands on a folder. Files below the folder are watched, and no others."""

    def __init__(self, place: Path) -> None:
        """Compile the library, and start the process. place is a folder for its own files."""
        self.place, self.root = place, place / "root"
        self.root.mkdir()
        library = compiled(place)
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "tests/helpers/fault_server.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "LD_PRELOAD": str(library), "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def run(self, arguments: Sequence[str], fault: Fault = UNDISTURBED) -> Ended:
        """Run a command with the folder as the current one."""
        files = {name: self.place / name for name in ("stdout", "stderr", "log", "counter")}
        files["log"].write_text("")
        files["counter"].write_bytes(bytes(8))
        environment = {
            "FAULTS_ROOT": str(self.root),
            "FAULTS_LOG": str(files["log"]),
            "FAULTS_COUNTER": str(files["counter"]),
            **fault.environment(),
        }
        task = {
            "arguments": list(arguments),
            "folder": str(self.root),
            "environment": environment,
            "stdout": str(files["stdout"]),
            "stderr": str(files["stderr"]),
        }
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(task), file=self.process.stdin, flush=True)
        ended = json.loads(self.process.stdout.readline())
        return Ended(
            ended["code"],
            files["stdout"].read_text("utf-8", "replace"),
            files["stderr"].read_text("utf-8", "replace"),
            tuple(self._calls(files["log"])),
            ended["left"],
            ended["hung"],
        )

    def _calls(self, log: Path) -> list[Call]:
        calls = []
        for line in log.read_text("utf-8", "surrogateescape").splitlines():
            number, function, *paths = line.split("\t")
            shown = tuple(path.removeprefix(f"{self.root}/") for path in paths)
            calls.append(Call(int(number), function, shown))
        return sorted(calls, key=lambda call: call.number)
