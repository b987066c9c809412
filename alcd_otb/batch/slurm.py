"""Ask SLURM's commands: submit a job array, list the queue, and find in a log why a task was killed.

Nothing needs SLURM's accounting (``sacct``), which many machines do not have.
"""

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from alcd_otb.batch.rules import Cause
from alcd_otb.errors import ConfigurationError, ProcessingError

QUEUED, RUNNING = "queued", "running"

_TIMEOUT = 120
_DEFAULT_ARRAY = 1001
"""SLURM's own default of MaxArraySize."""
_LOG_END = 65536
"""Bytes at the end of a task's log that are read."""

_RUNNING_STATES = ("RUNNING", "COMPLETING", "CONFIGURING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT")
_QUEUED_STATES = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESIZING", "SPECIAL_EXIT", "RESV_DEL_HOLD")

_SIGNS = (
    (r"oom[-_ ]kill|exceeded (job )?memory limit|Exceeded .*memory|Out Of Memory", Cause.MEMORY),
    (r"DUE TO TIME LIMIT", Cause.TIME),
    (r"DUE TO PREEMPTION|DUE TO REQUEUE", Cause.PREEMPTED),
    (r"DUE TO NODE FAIL", Cause.NODE),
)
"""What slurmstepd and slurmd write at the end of a job."""


def is_here() -> bool:
    """Whether SLURM's commands are installed."""
    return shutil.which("sbatch") is not None and shutil.which("squeue") is not None


def most_tasks() -> int:
    """Return how many tasks an array may have, numbered from 1.

    Raises
    ------
    ProcessingError
        SLURM does not answer.
    """
    found = re.search(r"^MaxArraySize\s*=\s*(\d+)", _asked("scontrol", "show", "config"), re.M)
    return max(1, (int(found[1]) if found else _DEFAULT_ARRAY) - 1)


def submit(script: Path, options: Sequence[str], words: Sequence[str] = ()) -> str:
    """Submit a script.

    Parameters
    ----------
    script
        The script.
    options
        More options of sbatch, which replace those in the script.
    words
        Words that the script is called with.

    Returns
    -------
    str
        The number of the job.

    Raises
    ------
    ProcessingError
        SLURM refuses it, or does not answer.
    """
    answer = _asked("sbatch", "--parsable", *options, str(script), *words)
    return answer.strip().split(";")[0]


def queue() -> dict[str, str]:
    """List the user's tasks of arrays that are queued or run.

    Returns
    -------
    dict
        "queued" or "running" by ``ARRAY_INDEX``. Tasks that have ended are not in it.

    Raises
    ------
    ProcessingError
        SLURM does not answer.
    """
    found: dict[str, str] = {}
    for line in _asked("squeue", "--noheader", "--array", "--me", "--format=%F %K %T").splitlines():
        job, index, state = line.split()
        if state in _RUNNING_STATES:
            found[f"{job}_{index}"] = RUNNING
        elif state in _QUEUED_STATES:
            found[f"{job}_{index}"] = QUEUED
    return found


def why_killed(log: Path, marker: str) -> Cause:
    """Find from a task's log why an attempt was killed.

    Parameters
    ----------
    log
        What the task printed, with what SLURM added to it.
    marker
        What the task printed when the attempt began. What stands before is of earlier attempts.
    """
    try:
        with log.open("rb") as stream:
            stream.seek(0, 2)
            stream.seek(max(0, stream.tell() - _LOG_END))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return Cause.UNKNOWN
    text = text.rpartition(marker)[2]
    return next((cause for sign, cause in _SIGNS if re.search(sign, text)), Cause.UNKNOWN)


def _asked(*command: str) -> str:
    if shutil.which(command[0]) is None:
        raise ConfigurationError(f"{command[0]} is not installed here: run on a machine with SLURM, or with --local N")
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, check=False)
    except (OSError, subprocess.SubprocessError) as error:
        raise ProcessingError(f"{command[0]} does not answer ({error}); try again later") from error
    if answer.returncode:
        said = " ".join(answer.stderr.split())
        raise ProcessingError(f"{command[0]} refuses ({said}); correct the batch's options, or try again later")
    return answer.stdout
