"""Define the settings of a batch, which batch.json holds."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from alcd_otb.settings.strict_model import StrictModel, Text

_SHORTEST_GRACE, _LONGEST_GRACE = 5, 60
"""Seconds. A run needs a few to clean up."""


def seconds_of(time: str) -> int:
    """Read a time limit as SLURM writes it: minutes, ``MM:SS``, ``HH:MM:SS``, ``D-HH``, ``D-HH:MM`` or ``D-HH:MM:SS``.

    Returns
    -------
    int
        Seconds.

    Raises
    ------
    ValueError
        The text is neither of them, or the time is zero.
    """
    found = re.fullmatch(r"(?:(\d{1,4})-)?(\d{1,5})(?::(\d{1,2}))?(?::(\d{1,2}))?", time)
    if found is None:
        raise ValueError(f"{time!r} is not a time limit; write hours, minutes and seconds as 00:30:00")
    days, first, second, third = (None if part is None else int(part) for part in found.groups())
    if days is not None:
        total = ((days * 24 + (first or 0)) * 60 + (second or 0)) * 60 + (third or 0)
    elif third is not None:
        total = ((first or 0) * 60 + (second or 0)) * 60 + third
    else:
        total = (first or 0) * 60 + (second or 0)
    if total == 0:
        raise ValueError(f"{time!r} is zero; write hours, minutes and seconds as 00:30:00")
    return total


def _time_limit(text: str) -> str:
    seconds_of(text)
    return text


def _option(text: str) -> str:
    if not text.startswith("-"):
        raise ValueError(f"{text!r} is not an option of sbatch; write it as --sbatch=--account=NAME")
    return text


Number = Annotated[int, Field(ge=1, le=10_000_000)]


class BatchSettings(StrictModel):
    """The resources of a batch, and how its scenes are run.

    Attributes
    ----------
    cpus
        Processors of a task.
    memory
        Megabytes of a task.
    time
        Time limit of a task, as SLURM writes it.
    per_task
        Scenes that a task runs, one after the other.
    at_once
        Most tasks that run at a time.
    setup
        Lines of the shell before the run, such as ``module load otb``.
    sbatch
        More options of sbatch, such as ``--account=NAME``.
    template
        A template instead of the scenes' own, or None.
    keep
        ``map`` leaves out what can be made again.
    stage
        The folder that products are copied to, in which variables of the shell such as ``$TMPDIR`` are replaced when
        a task starts. None reads them where they lie.
    """

    cpus: Number = 2
    memory: Number = 2000
    time: Annotated[str, AfterValidator(_time_limit)] = "00:30:00"
    per_task: Number = 1
    at_once: Number = 50
    setup: tuple[Text, ...] = ()
    sbatch: tuple[Annotated[Text, AfterValidator(_option)], ...] = ()
    template: str | None = None
    keep: Literal["all", "map"] = "all"
    stage: Text | None = None

    @property
    def grace(self) -> int:
        """Seconds before the time limit at which a run is asked to end: a minute, or less where the limit is short."""
        return max(_SHORTEST_GRACE, min(_LONGEST_GRACE, seconds_of(self.time) // 4))
