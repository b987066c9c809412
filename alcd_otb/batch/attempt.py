"""Record an attempt to run a scene: who made it, and how it ended."""

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from alcd_otb.batch.rules import Cause, End
from alcd_otb.files.holder import Holder


@dataclass(frozen=True)
class Attempt:
    """An attempt to run a scene. An attempt with a start and no end was killed, or is still running.

    Attributes
    ----------
    host
        Name of the computer.
    started
        When it started, in seconds since 1970.
    process
        The process that waits for the run, as `alcd_otb.files.holder` describes it. Empty at its end.
    node
        SLURM's name of the computer; None without SLURM.
    job
        The task of SLURM, as ``ARRAY_INDEX`` or the number of a job; None without SLURM.
    memory
        Megabytes that it was given by SLURM, or None.
    code
        Exit code; 128 and the number of the signal where a signal ended it.
    cause
        Name of the cause, where it was killed.
    seconds, cpu_seconds
        Seconds on the clock, and of all processors.
    peak_mb
        Largest memory in megabytes.
    message
        The error message of the run.
    iteration
        Number of the scene's iteration.
    made
        Whether the run made the iteration, and did not find it made.
    figures
        Points, and figures of the map.
    """

    host: str
    started: float
    process: Mapping[str, Any] = field(default_factory=dict, hash=False)
    node: str | None = None
    job: str | None = None
    memory: int | None = None
    code: int | None = None
    cause: str | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_mb: int | None = None
    message: str | None = None
    iteration: int | None = None
    made: bool | None = None
    figures: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def begun(cls, memory: int | None) -> "Attempt":
        """Describe an attempt that this process begins now."""
        return cls(
            host=socket.gethostname(),
            node=os.environ.get("SLURMD_NODENAME"),
            job=job_name(os.environ),
            process=asdict(Holder.here()),
            started=round(time.time(), 1),
            memory=memory,
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Attempt":
        """Read what `as_json` gives. Raises TypeError where it is something else."""
        return cls(**content)

    def as_json(self) -> dict[str, Any]:
        """Return the attempt as a JSON object, without unknown values."""
        content = {name: getattr(self, name) for name in _NAMES}
        return {name: value for name, value in content.items() if value is not None and value != {}}

    @property
    def end(self) -> End:
        """How it ended, from its own record."""
        return End(self.code, Cause[self.cause] if self.cause else None)

    def with_cause(self, cause: Cause) -> "Attempt":
        """Return the attempt with the cause of its death."""
        return replace(self, cause=cause.name)

    def is_running_here(self) -> bool:
        """Whether the process of an attempt without SLURM is known to live, on this computer."""
        if self.job is not None or self.host != socket.gethostname():
            return False
        try:
            return not Holder(**self.process).has_ended()
        except TypeError:
            return False


_NAMES = tuple(each.name for each in fields(Attempt))


def job_name(environment: Mapping[str, str]) -> str | None:
    """Return the task of SLURM from the environment variables, as ``ARRAY_INDEX``, or None."""
    array, index = environment.get("SLURM_ARRAY_JOB_ID"), environment.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{index}" if array and index else environment.get("SLURM_JOB_ID")
