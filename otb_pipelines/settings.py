"""Limit the memory and the threads that a chain uses, and name the function that is told its progress."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str, float], None]
"""A function that is called with the name of a step and the share of it that is done, 0 to 1."""

_LARGEST_DEFAULT_RAM = 256


@dataclass(frozen=True)
class Settings:
    """Resources of a chain.

    Attributes
    ----------
    ram
        Megabytes that one chain may buffer.
    threads
        Threads that compute pixels.
    progress
        The function that is told the progress, or None.
    """

    ram: int
    threads: int
    progress: Progress | None = None


def machine_memory() -> int:
    """Return the megabytes of memory that this process may use, of the machine or of its control group."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit_file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        limit = Path(limit_file)
        text = limit.read_text().strip() if limit.is_file() else "max"
        if text != "max":
            memory = min(memory, int(text))
    return memory >> 20


def machine_threads() -> int:
    """Return the number of processors that this process may run on, which a job scheduler may have limited."""
    return len(os.sched_getaffinity(0))


def default_settings(progress: Progress | None = None) -> Settings:
    """Return settings with an eighth of the memory, but at most 256 MB, and with all processors.

    A larger buffer makes no chain faster.
    """
    return Settings(min(machine_memory() // 8, _LARGEST_DEFAULT_RAM), machine_threads(), progress)
