"""Find out how the scenes of a batch stand."""

import gc
import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from alcd_otb.batch import slurm
from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.judging import judged
from alcd_otb.batch.rules import Cause, Verdict, verdict
from alcd_otb.batch.state import SceneState, read_state
from alcd_otb.batch.submission import Queue, queue_of
from alcd_otb.batch.witnesses import changed, made_by
from alcd_otb.errors import AlcdError, ProcessingError

log = logging.getLogger(__name__)

DONE, RUNNING, QUEUED, TO_DO, AGAIN, FAILED = "done", slurm.RUNNING, slurm.QUEUED, "to do", "again", "failed"
STATES = (DONE, RUNNING, QUEUED, TO_DO, AGAIN, FAILED)
"""States of a scene, in the order of tables."""

Looks = tuple[dict[str, tuple[int, int]], list[str | None]]
"""Files that were already checked, by path, and the version and template that would make a map now."""

_OF_VERDICT = {
    Verdict.TO_DO: TO_DO,
    Verdict.DONE: DONE,
    Verdict.FAILED: FAILED,
    Verdict.AGAIN_NOW: AGAIN,
    Verdict.AGAIN: AGAIN,
    Verdict.LATER: AGAIN,
    Verdict.MORE_MEMORY: AGAIN,
    Verdict.STOP: AGAIN,
}


@dataclass(frozen=True)
class SceneStanding:
    """How a scene stands.

    Attributes
    ----------
    number
        Its number, from 1.
    state
        What is recorded of it, with the causes of death that were found out.
    standing
        One of `STATES`.
    why
        Why it stands so; empty if that needs no words.
    """

    number: int
    state: SceneState
    standing: str
    why: str = ""


@dataclass(frozen=True)
class Survey:
    """How all scenes of a batch stand.

    Attributes
    ----------
    batch
        The batch.
    scenes
        The scenes, in the order of their numbers.
    stopped
        Why the batch stopped, or None.
    """

    batch: BatchFolder
    scenes: tuple[SceneStanding, ...]
    stopped: str | None = None

    @property
    def counts(self) -> dict[str, int]:
        """Scenes by state, in the order of `STATES`."""
        found = Counter(scene.standing for scene in self.scenes)
        return {standing: found[standing] for standing in STATES}


def survey(batch: BatchFolder) -> Survey:
    """Find the states of the scenes of a batch from its files and SLURM's queue.

    Raises
    ------
    ConfigurationError, ProcessingError
        A file of the batch cannot be read.
    """
    scenes = batch.scenes()
    queue = _queue(batch)
    looks: Looks = ({}, made_by(batch.settings().template))
    with _opened(batch.states) as folder, _without_collection():
        names = set(os.listdir(folder))
        found = tuple(
            _standing(
                batch,
                number,
                read_state(batch, number, scene, folder) if f"{number:05d}.json" in names else SceneState(scene),
                queue,
                looks,
            )
            for number, scene in enumerate(scenes, start=1)
        )
    return Survey(batch, found, batch.stopped())


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Open a folder, and give its descriptor."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ProcessingError(f"{folder}: cannot be read ({error.strerror}); prepare the batch again") from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Do not search for reference cycles: the states have none, and the search took a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        # Otherwise Python would search the states as soon as the search is on again, and at the end of the process.
        gc.freeze()
        if was_on:
            gc.enable()


def standing_of(state: SceneState, known: dict[str, tuple[int, int]], here: list[str | None]) -> tuple[str, str]:
    """Return the state of a scene that neither runs nor waits in a queue, and the reason.

    Parameters
    ----------
    state
        The state, completed by `judged`.
    known
        What was looked up already, as for `alcd_otb.batch.witnesses.changed`.
    here
        Version and template that would make it now, as `alcd_otb.batch.witnesses.made_by` gives them.
    """
    last = state.last
    if last is not None and last.code == 0:
        if state.made_by != here:
            return TO_DO, "it was done by another version, or with another template"
        path = changed(state.witnesses, known)
        return (TO_DO, f"{path} has changed since it was done") if path else (DONE, "")
    result = verdict(state.ends)
    if last is None:
        return TO_DO, ""
    why = last.message or ""
    if last.cause is not None:
        why = Cause[last.cause].value
    elif last.code is not None and last.code >= 128:
        why = f"ended by signal {last.code - 128}"
    return _OF_VERDICT[result], why


def _standing(
    batch: BatchFolder,
    number: int,
    state: SceneState,
    queue: Queue,
    looks: Looks,
) -> SceneStanding:
    known, here = looks
    last = state.last
    runs = last is not None and last.code is None
    if runs and last is not None and (queue.tasks.get(last.job or "") == slurm.RUNNING or last.is_running_here()):
        return SceneStanding(number, state, RUNNING, f"on {last.node or last.host}")
    if last is None or last.code != 0:
        state = judged(batch, number, state)
    standing, why = standing_of(state, known, here)
    if standing in (DONE, FAILED) or number not in queue.scenes:
        return SceneStanding(number, state, standing, why)
    return SceneStanding(number, state, QUEUED, why)


def _queue(batch: BatchFolder) -> Queue:
    is_of_slurm = batch.submissions() or next(batch.logs.glob("slurm-*"), None) is not None
    if not is_of_slurm or not slurm.is_here():
        return Queue({}, frozenset())
    try:
        return queue_of(batch)
    except AlcdError as error:
        log.warning("%s; what is queued is not known", error)
        return Queue({}, frozenset())


def forgiven(scene: SceneStanding) -> SceneState:
    """Return the state of a scene whose attempts so far no longer count."""
    return replace(scene.state, forgiven=len(scene.state.attempts))


def scene_path(scene: SceneStanding, base: Path) -> str:
    """Return the path of a scene file, short where it lies below a folder."""
    path = Path(scene.state.scene)
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
