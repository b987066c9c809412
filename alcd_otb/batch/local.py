"""Run the scenes of a batch on this computer, some at a time."""

import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.rules import Verdict
from alcd_otb.batch.running import Running, finish, start
from alcd_otb.batch.state import read_state
from alcd_otb.batch.task import stop_batch

log = logging.getLogger(__name__)

_POLL = 0.05
"""Seconds between two checks whether a run has ended."""
_LATER = 20.0
"""Seconds until a scene is tried again whose workspace another run holds."""
_MOST_TRIES = 3
"""Attempts of a scene in one call, whatever its rules allow."""
_LONGEST_END = 60.0
"""Seconds that runs have to clean up."""


@dataclass
class _Work:
    """What is to be run, and what runs.

    Attributes
    ----------
    waiting
        Numbers of the scenes to start next.
    later
        Scenes with the time from which on they may be tried again.
    alone
        Scenes that are started only when nothing else runs, since they were killed for their memory.
    running
        What runs.
    tries
        Attempts by number of the scene.
    """

    waiting: deque[int]
    later: list[tuple[float, int]] = field(default_factory=list)
    alone: deque[int] = field(default_factory=deque)
    running: list[Running] = field(default_factory=list)
    tries: Counter[int] = field(default_factory=Counter)

    def next(self) -> int | None:
        """Return the scene to start now, if there is one."""
        now = time.monotonic()
        for entry in self.later:
            if entry[0] <= now:
                self.later.remove(entry)
                return entry[1]
        if self.waiting:
            return self.waiting.popleft()
        if self.alone and not self.running and not self.later:
            return self.alone.popleft()
        return None

    @property
    def is_over(self) -> bool:
        """Whether nothing runs and nothing is left."""
        return not (self.waiting or self.later or self.alone or self.running)


def run_locally(
    batch: BatchFolder, numbers: list[int], workers: int, threads: int, progress: Callable[[str, float], None] | None
) -> None:
    """Run scenes in separate processes, some at a time, until each is done or cannot be done now.

    When this process is asked to end, the runs are asked, too, and it waits until they have cleaned up.

    Parameters
    ----------
    batch
        The batch, whose lock this process holds.
    numbers
        Numbers of the scenes.
    workers
        How many run at a time.
    threads
        Threads of each.
    progress
        Called with the fraction of the scenes that are settled.

    Raises
    ------
    EnvironmentNotReadyError
        The installation is wrong.
    """
    scenes = batch.scenes()
    work = _Work(deque(numbers))
    try:
        while not work.is_over:
            _start_more(batch, work, scenes, workers, threads)
            settled = [run for run in work.running if _settle(batch, work, run, scenes)]
            work.running = [run for run in work.running if run not in settled]
            if progress is not None:
                left = len(work.waiting) + len(work.later) + len(work.alone) + len(work.running)
                progress("scenes", 1 - left / len(numbers))
            if not settled:
                time.sleep(_POLL)
    except BaseException:
        _end(batch, work.running)
        raise


def _start_more(batch: BatchFolder, work: _Work, scenes: list[str], workers: int, threads: int) -> None:
    while len(work.running) < workers and (number := work.next()) is not None:
        work.tries[number] += 1
        work.running.append(start(batch, number, scenes[number - 1], threads))


def _settle(batch: BatchFolder, work: _Work, run: Running, scenes: list[str]) -> bool:
    """Check whether a run has ended, and record the state of its scene. Returns whether it has ended."""
    result = finish(batch, run)
    if result is None:
        return False
    number = run.number
    last = read_state(batch, number, scenes[number - 1]).last
    assert last is not None
    log.info("scene %d: %s after %.0f s%s", number, result.value, last.seconds or 0, _reason(last.message))
    if result is Verdict.STOP:
        raise stop_batch(batch, number, last.message or "the installation is wrong")
    if work.tries[number] < _MOST_TRIES:
        if result in (Verdict.AGAIN_NOW, Verdict.AGAIN):
            work.waiting.append(number)
        elif result is Verdict.LATER:
            work.later.append((time.monotonic() + _LATER, number))
        elif result is Verdict.MORE_MEMORY:
            work.alone.append(number)
    return True


def _end(batch: BatchFolder, running: list[Running]) -> None:
    """Ask all runs to end, and record how they do."""
    for run in running:
        run.stop()
    deadline = time.monotonic() + _LONGEST_END
    while running and time.monotonic() < deadline:
        running = [run for run in running if run.process.returncode is None and finish(batch, run) is None]
        time.sleep(_POLL)


def _reason(message: str | None) -> str:
    return f": {message}" if message else ""
