"""Submit what is not done as job arrays."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from alcd_otb.batch import slurm
from alcd_otb.batch.folder import BatchFolder
from alcd_otb.batch.settings import BatchSettings
from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.files.reading import MEGABYTE, UnreadableError, read_limited
from alcd_otb.files.writing import write_text, writing_to

MOST_ARRAYS = 4
"""Arrays of a submission that may run side by side. The others wait for one of these."""

_JOB = "# job "
"""How the line of a submission begins that holds the number of its array."""
_MOST_SUBMISSION = 64 * MEGABYTE


@dataclass(frozen=True)
class Array:
    """A job array to submit.

    Attributes
    ----------
    tasks
        The numbers of the scenes of each task.
    memory
        Megabytes of a task.
    """

    tasks: tuple[tuple[int, ...], ...]
    memory: int


class Queue(NamedTuple):
    """What SLURM's queue holds.

    Attributes
    ----------
    tasks
        "queued" or "running" by ``ARRAY_INDEX``, of all of the user's arrays.
    scenes
        Numbers of the scenes of this batch that wait or run in its submissions.
    """

    tasks: Mapping[str, str]
    scenes: frozenset[int]


def planned_arrays(scenes: Sequence[tuple[int, int]], per_task: int, most: int) -> list[Array]:
    """Divide scenes into tasks and arrays.

    Parameters
    ----------
    scenes
        Number of each scene, with the megabytes that it gets.
    per_task
        Most scenes of a task.
    most
        Most tasks of an array.

    Returns
    -------
    list of Array
        Those of the smallest memory first. The indices of their tasks are 1, 2, 3, ...: a list with gaps would be too
        long for sbatch.
    """
    arrays = []
    for memory in sorted({memory for _, memory in scenes}):
        numbers = [number for number, asked in scenes if asked == memory]
        tasks = [tuple(numbers[first : first + per_task]) for first in range(0, len(numbers), per_task)]
        arrays += [Array(tuple(tasks[first : first + most]), memory) for first in range(0, len(tasks), most)]
    return arrays


def submit_arrays(batch: BatchFolder, settings: BatchSettings, arrays: Sequence[Array]) -> Iterator[tuple[str, Array]]:
    """Submit arrays one after the other.

    Together they run at most as many tasks at a time as the batch allows. Where there are more than `MOST_ARRAYS`, each
    further one waits until an earlier one has ended.

    Parameters
    ----------
    batch, settings
        The batch, whose lock this process holds.
    arrays
        What to submit.

    Yields
    ------
    tuple
        The number of a job, and its array.

    Raises
    ------
    ProcessingError
        SLURM refuses an array. Those before are submitted.
    """
    abreast = min(len(arrays), MOST_ARRAYS, settings.at_once)
    stamp = time.strftime("%Y%m%dT%H%M%S")
    jobs: list[str] = []
    for number, array in enumerate(arrays):
        file = _free_name(batch.folder, f"submission-{stamp}-{number + 1:03d}")
        with writing_to(batch.folder):
            write_text(file, "".join(f"{' '.join(map(str, task))}\n" for task in array.tasks))
        options = [f"--array=1-{len(array.tasks)}%{max(1, settings.at_once // abreast)}", f"--mem={array.memory}M"]
        if number >= abreast:
            options.append(f"--dependency=afterany:{jobs[number - abreast]}")
        try:
            jobs.append(slurm.submit(batch.script, options, [str(file)]))
        except (ProcessingError, ConfigurationError):
            file.unlink()
            raise
        with writing_to(batch.folder), file.open("a", encoding="utf-8") as stream:
            stream.write(f"{_JOB}{jobs[-1]}\n")
        yield jobs[-1], array


def numbers_of_task(file: Path, index: int) -> list[int]:
    """Read the numbers of the scenes of a task.

    Parameters
    ----------
    file
        The file of the submission.
    index
        Index of the task, from 1.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or has no such task.
    """
    tasks, _ = _read(file)
    if not 1 <= index <= len(tasks):
        raise ConfigurationError(f"{file}: has no task {index}; it has {len(tasks)}")
    return tasks[index - 1]


def jobs_of(batch: BatchFolder) -> list[str]:
    """List the numbers of all arrays that were submitted, oldest first."""
    return [job for file in batch.submissions() for job in [_read(file)[1]] if job]


def queue_of(batch: BatchFolder) -> Queue:
    """Ask SLURM what of a batch is queued or runs.

    Raises
    ------
    ProcessingError, ConfigurationError
        SLURM does not answer, or is not installed here.
    """
    tasks = slurm.queue()
    scenes: set[int] = set()
    for numbers, job in map(_read, batch.submissions()):
        for index, of_task in enumerate(numbers, start=1):
            if job and f"{job}_{index}" in tasks:
                scenes.update(of_task)
    return Queue(tasks, frozenset(scenes))


def _read(file: Path) -> tuple[list[list[int]], str]:
    """Read the tasks of a submission, and the number of its job; empty if it was not submitted."""
    try:
        lines = read_limited(file, _MOST_SUBMISSION).decode("utf-8").splitlines()
        tasks = [[int(number) for number in line.split()] for line in lines if not line.startswith("#")]
    except (UnreadableError, ValueError) as error:
        raise ConfigurationError(f"{file}: {error}; remove it") from error
    return tasks, next((line.removeprefix(_JOB) for line in lines if line.startswith(_JOB)), "")


def _free_name(folder: Path, name: str) -> Path:
    file, number = folder / f"{name}.txt", 1
    while file.exists():
        number += 1
        file = folder / f"{name}-{number}.txt"
    return file
