"""Run the command line in forked processes, so that each try does without the seconds that imports take.

Reads one JSON object a line from standard input: ``arguments``, ``folder``, ``environment``, ``stdout`` and ``stderr``.
Writes one a line to standard output: ``code``, as `subprocess` has it, and ``left``, the processes that outlive the
command. Nothing of OTB has run when a process is forked, so that it has one thread.
"""

import contextlib
import ctypes
import importlib
import json
import os
import pkgutil
import runpy
import signal
import sys
import time
from pathlib import Path
from typing import Any

_PATIENCE = 60.0
"""Seconds after which a command counts as hanging, and is killed."""


def main() -> None:
    import alcd_otb
    from otb_pipelines.process import load_otb
    from otb_pipelines.settings import default_settings

    for module in pkgutil.walk_packages(alcd_otb.__path__, "alcd_otb."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    load_otb(default_settings())
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        task = json.loads(line)
        process = os.fork()
        if not process:
            _become(task)
            # As 'python -m alcd_otb' does, with all that Python does at the end of a process.
            runpy.run_module("alcd_otb", run_name="__main__", alter_sys=True)
            return
        print(json.dumps(_ended(process)), file=answers, flush=True)


def _become(task: dict[str, Any]) -> None:
    os.setsid()
    os.chdir(task["folder"])
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    for number, name in ((1, "stdout"), (2, "stderr")):
        descriptor = os.open(task[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.argv = ["alcd_otb", *task["arguments"]]
    os.environ.update(task["environment"])
    ctypes.CDLL(None).faults_read_environment()


def _ended(process: int) -> dict[str, Any]:
    """Wait for a process. What it has left behind is counted and killed."""
    end = time.monotonic() + _PATIENCE
    while (found := os.waitpid(process, os.WNOHANG))[0] == 0:
        if time.monotonic() > end:
            os.killpg(process, signal.SIGKILL)
        time.sleep(0.002)
    code = os.waitstatus_to_exitcode(found[1])
    left = 0
    while _group(process):
        # Processes of a killed parent notice it within a moment.
        if time.monotonic() > end:
            left = len(_group(process))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)
            break
        time.sleep(0.01)
    return {"code": code, "left": left, "hung": time.monotonic() > end}


def _group(leader: int) -> list[int]:
    """Return the processes of a group that have not ended."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(group) == leader and state != "Z":
                found.append(int(folder.name))
    return found


if __name__ == "__main__":
    main()
