"""Prepare a batch, and run its scenes."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.batch import slurm
from alcd_otb.batch.array_script import array_script, single_script
from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.local import run_locally
from alcd_otb.batch.rules import memory_for
from alcd_otb.batch.scene_list import checked
from alcd_otb.batch.settings import BatchSettings
from alcd_otb.batch.state import write_state
from alcd_otb.batch.submission import jobs_of, planned_arrays, submit_arrays
from alcd_otb.batch.survey import AGAIN, DONE, FAILED, QUEUED, RUNNING, TO_DO, SceneStanding, Survey, forgiven, survey
from alcd_otb.errors import ConfigurationError
from alcd_otb.files.lease import leased
from alcd_otb.files.writing import write_text, writing_to

log = logging.getLogger(__name__)

_HELD = "another 'batch run' ({holder}) works on this batch; wait for it or stop it"


def prepare_batch(batch: BatchFolder, scenes: list[Path], settings: BatchSettings) -> list[str]:
    """Write the files of a batch. The states of its scenes are kept.

    Parameters
    ----------
    batch
        The batch. Its folder may exist if it holds a batch of the same scenes, which gets new settings.
    scenes
        The scene files.
    settings
        What the batch asks for.

    Returns
    -------
    list of str
        What will be refused, a sentence a scene.

    Raises
    ------
    ConfigurationError
        Two scenes have one workspace, or the folder holds something else.
    ProcessingError
        A file cannot be written.
    """
    if batch.scenes_file.is_file():
        if batch.scenes() != list(map(str, scenes)):
            raise ConfigurationError(f"{batch.folder}: is a batch of other scenes; choose another folder")
    elif batch.folder.exists() and any(path != batch.made_scenes for path in batch.folder.iterdir()):
        raise ConfigurationError(f"{batch.folder}: exists, and is not a batch; choose another folder")
    problems = checked(scenes, settings.template)
    script = array_script(batch, settings, len(scenes))
    with writing_to(batch.folder):
        batch.write(scenes, settings, script)
    return problems


@dataclass(frozen=True)
class Work:
    """What is to be run of a batch.

    Attributes
    ----------
    scenes
        The scenes to run.
    memory
        Megabytes of each, by number.
    counts
        All scenes by how they stand.
    """

    scenes: tuple[SceneStanding, ...]
    memory: dict[int, int]
    counts: dict[str, int]

    @property
    def numbers(self) -> list[int]:
        """Numbers of the scenes to run."""
        return [scene.number for scene in self.scenes]

    def summary(self) -> str:
        """Describe in one line what is to be run."""
        return (
            f"{len(self.scenes)} scenes to run; {self.counts[DONE]} are done, {self.counts[RUNNING]} run, "
            f"{self.counts[QUEUED]} are queued, {self.counts[FAILED]} failed"
        )


def work_of(found: Survey, settings: BatchSettings, retry: bool = False) -> Work:
    """Choose the scenes to run.

    Parameters
    ----------
    found
        How the scenes stand.
    settings
        What the batch asks for.
    retry
        Whether those that failed are tried again.
    """
    wanted = {TO_DO, AGAIN} | ({FAILED} if retry else set())
    scenes = tuple(scene for scene in found.scenes if scene.standing in wanted)
    memory = {
        scene.number: memory_for([] if scene.standing == FAILED else scene.state.ends, settings.memory)
        for scene in scenes
    }
    counts = found.counts
    if retry:
        counts[FAILED] = 0
    return Work(scenes, memory, counts)


def begin(batch: BatchFolder, work: Work) -> None:
    """Reset the failures that are tried again, and resume a stopped batch."""
    with writing_to(batch.folder):
        for scene in work.scenes:
            if scene.standing == FAILED:
                write_state(batch, scene.number, forgiven(scene))
        batch.stop.unlink(missing_ok=True)


def submit_batch(batch: BatchFolder, retry: bool = False, dry: bool = False) -> list[str]:
    """Submit what is to be run as job arrays.

    Parameters
    ----------
    batch
        The batch.
    retry
        Whether scenes that failed are tried again.
    dry
        Whether to return only what would be submitted.

    Returns
    -------
    list of str
        What was submitted, a line each.

    Raises
    ------
    ConfigurationError, ProcessingError
        SLURM is not installed here, refuses, or does not answer.
    WorkspaceLockedError
        Another ``batch run`` works on the batch.
    """
    settings = batch.settings()
    with leased(batch.lock, f"{batch.folder}: {_HELD}"):
        most = slurm.most_tasks()
        work = work_of(survey(batch), settings, retry)
        arrays = planned_arrays(list(work.memory.items()), settings.per_task, most)
        lines = [work.summary()]
        if dry:
            return lines + [f"would submit {len(array.tasks)} tasks of {array.memory} MB" for array in arrays]
        begin(batch, work)
        for job, array in submit_arrays(batch, settings, arrays):
            lines.append(f"job {job}: {len(array.tasks)} tasks of {array.memory} MB")
        return lines


def run_batch_here(
    batch: BatchFolder,
    workers: int,
    threads: int,
    retry: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> None:
    """Run what is to be run on this computer.

    Parameters
    ----------
    batch
        The batch.
    workers
        Scenes that run at a time.
    threads
        Threads of each.
    retry
        Whether scenes that failed are tried again.
    progress
        Called with the fraction of the scenes that are settled.

    Raises
    ------
    EnvironmentNotReadyError
        The installation is wrong.
    WorkspaceLockedError
        Another ``batch run`` works on the batch.
    """
    with leased(batch.lock, f"{batch.folder}: {_HELD}"):
        work = work_of(survey(batch), batch.settings(), retry)
        log.info("%s; %d at a time, with %d threads each", work.summary(), workers, threads)
        begin(batch, work)
        if work.numbers:
            run_locally(batch, work.numbers, workers, threads, progress)


def done_scenes(batch: BatchFolder) -> list[tuple[Path, str | None]]:
    """List the scene files that are done, with the batch's template instead of their own."""
    template = batch.settings().template
    return [(Path(scene.state.scene), template) for scene in survey(batch).scenes if scene.standing == DONE]


def submit_afterwards(batch: BatchFolder, name: str, words: Sequence[str], time: str) -> str:
    """Submit one job that starts when all arrays of the batch have ended.

    Parameters
    ----------
    batch
        The batch.
    name
        Name of the script, which is kept in the batch.
    words
        Words of this package's command line.
    time
        Time limit.

    Returns
    -------
    str
        The number of the job.
    """
    script = batch.folder / f"{name}.sbatch"
    with writing_to(batch.folder):
        write_text(script, single_script(batch, batch.settings(), list(words), time))
    jobs = jobs_of(batch)
    options: list[Any] = [f"--dependency=afterany:{':'.join(jobs)}"] if jobs else []
    return slurm.submit(script, options)
