"""Find out why an attempt was killed before it could record its end."""

from alcd_otb.batch import slurm
from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.rules import Cause, was_killed
from alcd_otb.batch.state import SceneState


def judged(batch: BatchFolder, number: int, state: SceneState) -> SceneState:
    """Add the reason why its last attempt was killed to a state. Call it only when the last attempt has ended.

    Parameters
    ----------
    batch, number
        The scene.
    state
        What is recorded of it.
    """
    last = state.last
    if last is None or not was_killed(last.end):
        return state
    cause = Cause.UNKNOWN
    if last.job is not None:
        cause = slurm.why_killed(batch.task_log(last.job), attempt_marker(number, len(state.attempts)))
    return state.with_last(last.with_cause(cause))


def attempt_marker(number: int, attempt: int) -> str:
    """Return what a task prints when an attempt begins."""
    return f"scene {number}, attempt {attempt}:"
