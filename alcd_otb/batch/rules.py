"""Decide from the ends of a scene's attempts whether it is done, has failed, or is tried again.

The decision is a pure function of how the attempts ended, so that it can be read and tested as a table.
"""

import math
import signal
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from alcd_otb.errors import (
    ConfigurationError,
    EnvironmentNotReadyError,
    ProductError,
    SampleError,
    WorkspaceLockedError,
)

MOST_FAILURES = 2
"""Attempts that may fail for a temporary reason."""
MOST_MEMORY_KILLS = 3
"""Attempts that may be killed for their memory: the first, and two with more."""
MORE_MEMORY = 1.5
"""Factor of the memory for the next attempt after one that was killed for its memory."""

_FINAL = (ConfigurationError.exit_code, ProductError.exit_code, SampleError.exit_code)
_CRASHES = tuple(
    128 + number for number in (signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGSEGV)
)


class Cause(Enum):
    """Why an attempt was killed."""

    MEMORY = "it used more memory than it was given"
    TIME = "its time limit was reached"
    PREEMPTED = "it was preempted by another job"
    NODE = "its node failed"
    UNKNOWN = "it was killed or cancelled"


class End(NamedTuple):
    """How an attempt ended.

    Attributes
    ----------
    code
        Exit code; 128 and the number of the signal where a signal ended it. None if nothing of its end was recorded.
    cause
        Why it was killed. None if it was not, or where that is not known.
    """

    code: int | None
    cause: Cause | None = None


class Verdict(Enum):
    """What becomes of a scene."""

    TO_DO = "to do"
    """It was never tried."""
    DONE = "done"
    FAILED = "failed"
    """Another attempt would fail as well, until a person has corrected something."""
    AGAIN_NOW = "again at once"
    AGAIN = "again"
    """In the next submission, or when a requeued task starts."""
    LATER = "later"
    """When another run has left the workspace."""
    MORE_MEMORY = "again with more memory"
    STOP = "stop"
    """No scene can be run: the installation is wrong."""


def verdict(ends: Sequence[End]) -> Verdict:
    """Decide what becomes of a scene.

    Parameters
    ----------
    ends
        The ends of its attempts, oldest first, since a person last asked to try again.
    """
    if not ends:
        return Verdict.TO_DO
    last = ends[-1]
    if last.code == 0:
        return Verdict.DONE
    # Failures before the scene was done, and then changed, no longer count.
    ends = ends[max((number for number, end in enumerate(ends, start=1) if end.code == 0), default=0) :]
    if last.code in _FINAL:
        return Verdict.FAILED
    if last.code == EnvironmentNotReadyError.exit_code:
        return Verdict.STOP
    if last.code == WorkspaceLockedError.exit_code:
        return Verdict.LATER
    if last.cause is Cause.MEMORY:
        return Verdict.MORE_MEMORY if _count_memory(ends) < MOST_MEMORY_KILLS else Verdict.FAILED
    if _failed(last):
        return Verdict.AGAIN_NOW if sum(map(_failed, ends)) < MOST_FAILURES else Verdict.FAILED
    return Verdict.AGAIN


def memory_for(ends: Sequence[End], memory: int) -> int:
    """Return the megabytes that the next attempt gets.

    Parameters
    ----------
    ends
        As for `verdict`.
    memory
        Megabytes that an attempt of this batch gets by default.
    """
    return math.ceil(memory * MORE_MEMORY ** min(_count_memory(ends), MOST_MEMORY_KILLS - 1))


def was_killed(end: End) -> bool:
    """Whether an attempt recorded no end, or that a signal ended it, and it is not known why."""
    return end.cause is None and (end.code is None or (end.code > 128 and end.code not in _CRASHES))


def _count_memory(ends: Sequence[End]) -> int:
    return sum(end.cause is Cause.MEMORY for end in ends)


def _failed(end: End) -> bool:
    """Whether the run failed by itself, with an error or a crash, and was not ended by somebody."""
    return end.cause is None and end.code is not None and (0 < end.code < 128 or end.code in _CRASHES)
