"""Run the scenes of one task of a job array, one after the other."""

import logging
import time

from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.judging import judged
from alcd_otb.batch.rules import Cause, Verdict
from alcd_otb.batch.running import Running, finish, start
from alcd_otb.batch.settings import seconds_of
from alcd_otb.batch.state import read_state
from alcd_otb.batch.survey import DONE, FAILED, standing_of
from alcd_otb.batch.witnesses import made_by
from alcd_otb.errors import EnvironmentNotReadyError
from alcd_otb.files.writing import write_text, writing_to

log = logging.getLogger(__name__)

_POLL = 0.1
"""Seconds between two checks whether a run has ended."""
_LATER = (10.0, 30.0)
"""Seconds until a scene is tried again whose workspace another run holds."""
_LONGEST_END = 120.0
"""Seconds that a run has to clean up. Batch systems kill it before."""
_EARLY = 70.0
"""Seconds by which SLURM may ask too early: it looks at its time limits once a minute."""


def run_task(batch: BatchFolder, numbers: list[int]) -> int:
    """Run scenes one after the other.

    What is done, or cannot be done, is left out. A scene whose workspace another run holds is tried again at the end.

    Parameters
    ----------
    batch
        The batch.
    numbers
        Numbers of the scenes.

    Returns
    -------
    int
        0 if all are done, else the largest exit code of a run.

    Raises
    ------
    EnvironmentNotReadyError
        The batch stopped, or the installation is wrong.
    """
    scenes = batch.scenes()
    began = time.monotonic()
    later = [number for number in numbers if _tried(batch, number, scenes, began) is Verdict.LATER]
    for seconds in _LATER:
        if later:
            log.info("%d scenes are held by other runs, and are tried again in %d seconds", len(later), seconds)
            time.sleep(seconds)
            later = [number for number in later if _tried(batch, number, scenes, began) is Verdict.LATER]
    return max((_code(batch, number, scenes) for number in numbers), default=0)


def stop_batch(batch: BatchFolder, number: int, message: str) -> EnvironmentNotReadyError:
    """Record that no scene can be run, so that the tasks that follow end at once. Returns the error to raise."""
    with writing_to(batch.folder):
        write_text(batch.stop, f"scene {number}: {message}\n")
    return EnvironmentNotReadyError(
        f"{message}; the batch has stopped: repair the installation, then: batch run {batch.folder}"
    )


def check_goes_on(batch: BatchFolder) -> None:
    """Check that the batch has not stopped.

    Raises
    ------
    EnvironmentNotReadyError
        It has.
    """
    stopped = batch.stopped()
    if stopped is not None:
        raise EnvironmentNotReadyError(
            f"{batch.folder}: has stopped ({stopped}); repair the installation, then: batch run"
        )


def _tried(batch: BatchFolder, number: int, scenes: list[str], began: float) -> Verdict:
    """Run a scene until it is settled for this task."""
    check_goes_on(batch)
    state = judged(batch, number, read_state(batch, number, scenes[number - 1]))
    standing, why = standing_of(state, {}, made_by(batch.settings().template))
    if standing in (DONE, FAILED):
        log.info("scene %d is left out: %s %s", number, standing, why)
        return Verdict.DONE if standing == DONE else Verdict.FAILED
    result = Verdict.AGAIN_NOW
    while result is Verdict.AGAIN_NOW:
        run = start(batch, number, scenes[number - 1])
        result = _ended(batch, run, began)
    if result is Verdict.STOP:
        last = read_state(batch, number, scenes[number - 1]).last
        raise stop_batch(batch, number, (last.message if last else None) or "the installation is wrong")
    return result


def _ended(batch: BatchFolder, run: Running, began: float) -> Verdict:
    """Wait for the end of a run. If this process is asked to end, the run is asked first."""
    try:
        while (result := finish(batch, run)) is None:
            time.sleep(_POLL)
        return result
    except BaseException:
        run.stop()
        limit = seconds_of(batch.settings().time)
        over = time.monotonic() - began > limit - batch.settings().grace - _EARLY
        deadline = time.monotonic() + _LONGEST_END
        while run.process.returncode is None and time.monotonic() < deadline:
            if finish(batch, run, Cause.TIME if over else None) is None:
                time.sleep(_POLL)
        raise


def _code(batch: BatchFolder, number: int, scenes: list[str]) -> int:
    last = read_state(batch, number, scenes[number - 1]).last
    return last.code or 0 if last is not None else 0
