"""Start the run of a scene in a separate process, and record how it ends."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from alcd_otb.batch.attempt import Attempt
from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.judging import attempt_marker, judged
from alcd_otb.batch.rules import Cause, Verdict, verdict
from alcd_otb.batch.settings import BatchSettings
from alcd_otb.batch.state import SceneState, read_state, write_state
from alcd_otb.batch.witnesses import Witness, made_by, seen, witnesses_of
from alcd_otb.errors import AlcdError
from alcd_otb.files.json_file import parse_json
from alcd_otb.files.writing import writing_to
from alcd_otb.settings.legend import Positive
from otb_pipelines.machine import given_environment

log = logging.getLogger(__name__)

_LAST_LINES = 20
"""Lines of a log that are searched for the error of a run."""
_LONGEST_MESSAGE = 400
_SIGNAL_OF_DEATH = 1
"""PR_SET_PDEATHSIG of Linux."""
_LIBRARY = ctypes.CDLL(None)


@dataclass
class Running:
    """A run that was started.

    Attributes
    ----------
    number
        Number of the scene.
    process
        The process.
    output
        What it prints on standard output.
    state
        The state of the scene, whose last attempt this is.
    log_start
        Bytes of the log before the run.
    before
        The files that the map depends on, when the run started.
    """

    number: int
    process: subprocess.Popen[bytes]
    output: IO[bytes]
    state: SceneState
    log_start: int
    before: list[Witness]

    def stop(self) -> None:
        """Ask the run to end. It cleans up, which takes a few seconds."""
        if self.process.returncode is None:
            self.process.terminate()


def start(batch: BatchFolder, number: int, scene: str, threads: int | None = None) -> Running:
    """Start the run of a scene. Its messages go to the scene's log.

    Call it from a thread that lives as long as the run, since the run ends with the thread that started it.

    Parameters
    ----------
    batch
        The batch.
    number, scene
        The scene.
    threads
        Threads of the run; by default as the machine, control groups and SLURM allow.

    Raises
    ------
    ProcessingError
        The state or the log cannot be written.
    """
    settings = batch.settings()
    memory = _memory_of(os.environ)
    state = judged(batch, number, read_state(batch, number, scene)).with_attempt(Attempt.begun(memory))
    log.info("%s %s", attempt_marker(number, len(state.attempts)), scene)
    with writing_to(batch.folder):
        write_state(batch, number, state)
        messages = batch.log(number).open("ab")
    try:
        before = witnesses_of(Path(scene), settings.template)
    except AlcdError:
        # The run says so itself.
        before = []
    with messages:
        begun = f"--- attempt {len(state.attempts)}, {time.strftime('%Y-%m-%d %H:%M:%S')}, {_described(state)}\n"
        messages.write(begun.encode())
        messages.flush()
        output = tempfile.TemporaryFile()  # noqa: SIM115
        process = subprocess.Popen(
            _command(scene, settings, threads),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=messages,
            env=given_environment(),
            preexec_fn=_end_with_parent,
        )
        return Running(number, process, output, state, messages.tell(), before)


def finish(batch: BatchFolder, run: Running, cause: Cause | None = None) -> Verdict | None:
    """Record the end of a run that has ended.

    Parameters
    ----------
    batch
        The batch.
    run
        The run.
    cause
        Why it was asked to end, if it was.

    Returns
    -------
    Verdict or None
        The result of the scene; None while the run is running.

    Raises
    ------
    ProcessingError
        The state cannot be written.
    """
    process = run.process
    ended, status, usage = os.wait4(process.pid, os.WNOHANG)
    if not ended:
        return None
    code = os.waitstatus_to_exitcode(status)
    process.returncode = code
    attempt = run.state.attempts[-1]
    attempt = replace(
        attempt,
        # Needed only while it runs.
        process={},
        code=code if code >= 0 else 128 - code,
        cause=_cause(code, cause),
        seconds=round(time.time() - attempt.started, 1),
        cpu_seconds=round(usage.ru_utime + usage.ru_stime, 1),
        peak_mb=usage.ru_maxrss >> 10,
    )
    with run.output as output:
        output.seek(0)
        printed = output.read()
    state = run.state
    if code == 0:
        result = parse_json(printed)
        attempt = replace(attempt, **_results(result))
        state = replace(state, witnesses=_witnesses(run.before, result), made_by=made_by(batch.settings().template))
    else:
        attempt = replace(attempt, message=_message(batch.log(run.number), run.log_start))
    state = state.with_last(attempt)
    with writing_to(batch.folder):
        write_state(batch, run.number, state)
    return verdict(state.ends)


def _cause(code: int, asked: Cause | None) -> str | None:
    """Name why a run was killed; None if it was not, or if only SLURM's log can show it."""
    # A job that is killed loses this process, too. The kernel, short of memory, kills only the largest process.
    if code == -signal.SIGKILL:
        return Cause.MEMORY.name
    return asked.name if asked is not None and (code < 0 or code > 128) else None


def _command(scene: str, settings: BatchSettings, threads: int | None) -> list[str]:
    command = [sys.executable, "-m", "alcd_otb", "run", scene, "--if-needed", "--json", "--keep", settings.keep]
    if settings.template is not None:
        command += ["--template", settings.template]
    if settings.stage is not None:
        command += ["--stage", os.path.expandvars(settings.stage)]
    if threads is not None:
        command += ["--threads", str(threads)]
    return command


def _end_with_parent() -> None:
    """Let the kernel end the run when this process is killed. Otherwise the run would hold the workspace."""
    _LIBRARY.prctl(_SIGNAL_OF_DEATH, signal.SIGTERM)


def _memory_of(environment: Mapping[str, str]) -> int | None:
    """Return the megabytes that SLURM gave to this job, or None."""
    for name, count in (("SLURM_MEM_PER_NODE", 1), ("SLURM_MEM_PER_CPU", environment.get("SLURM_CPUS_ON_NODE", "1"))):
        value = environment.get(name, "")
        if value.isdigit() and int(value) and str(count).isdigit():
            return int(value) * int(count)
    return None


def _described(state: SceneState) -> str:
    attempt = state.attempts[-1]
    return f"task {attempt.job} on {attempt.node or attempt.host}" if attempt.job else f"on {attempt.host}"


def _witnesses(before: list[Witness], result: Mapping[str, Any]) -> list[Witness]:
    """Complete what was seen before a run by the files that the run made: the map, rasters, the file to label in."""
    made = [seen(Path(result[key])) for key in ("labels", "features") if result[key] and Path(result[key]).is_file()]
    return [seen(Path(path)) if size < 0 else (path, size, time) for path, size, time in before] + made


def _results(result: Mapping[str, Any]) -> dict[str, Any]:
    """Take the figures for the report from the output of a run."""
    accuracy = result["accuracy"] or {}
    sides = accuracy.get(Positive.in_results(accuracy).key) or {}
    figures = {
        "points": sum((accuracy.get("samples") or {}).values()) or None,
        "validation_pixels": accuracy.get("pixels"),
        "overall_accuracy": accuracy.get("overall_accuracy"),
        "two_class_accuracy": sides.get("overall_accuracy"),
        "mean_confidence": accuracy.get("mean_confidence"),
    }
    return {
        "iteration": result["iteration"],
        "made": result["made"],
        "figures": {name: value for name, value in figures.items() if value is not None},
    }


def _message(log: Path, start: int) -> str:
    """Return the error that a run logged last, without its level; the last line where there is none."""
    with log.open("rb") as stream:
        stream.seek(start)
        lines = deque(stream.read().decode("utf-8", "replace").splitlines(), _LAST_LINES)
    errors = [line for line in lines if line.startswith("ERROR: ")]
    text = (errors or list(lines) or [""])[-1]
    return text.removeprefix("ERROR: ")[:_LONGEST_MESSAGE]
