"""Measure the cost of a command: seconds, memory and disk."""

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """The cost of a command.

    Attributes
    ----------
    seconds
        Seconds on the clock.
    processor_seconds
        Seconds of all processors.
    peak_megabytes
        Largest memory, in megabytes.
    written_megabytes
        Megabytes written to disk.
    """

    seconds: float
    processor_seconds: float
    peak_megabytes: float
    written_megabytes: float


def cost_of(*command: str | Path, **environment: str) -> Cost:
    """Run a command that must succeed, and return its cost. Its output is not shown.

    Parameters
    ----------
    *command
        The command and its arguments.
    **environment
        Variables to add to the environment.
    """
    clean = {key: value for key, value in os.environ.items() if key != "ITK_AUTOLOAD_PATH"}
    start = time.perf_counter()
    with subprocess.Popen(
        [str(word) for word in command], env=clean | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed: {' '.join(map(str, command))}")
    return Cost(
        round(seconds, 2),
        round(used.ru_utime + used.ru_stime, 2),
        round(used.ru_maxrss / 1024, 1),
        # Counted in blocks of 512 bytes.
        round(used.ru_oublock * 512 / 1e6, 1),
    )


def best(rounds: int, *command: str | Path, **environment: str) -> Cost:
    """Return the cost of the fastest of several runs, which other work of the machine disturbed least.

    Parameters
    ----------
    rounds
        Number of runs.
    *command
        The command and its arguments.
    **environment
        Variables to add to the environment.
    """
    return min((cost_of(*command, **environment) for _ in range(rounds)), key=lambda cost: cost.seconds)
