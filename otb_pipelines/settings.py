"""What every chain may use of the machine, and whom it tells of its progress."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Progress = Callable[[str, float], None]
"""Told the name of a step and the share of it that is done, 0..1."""

_LARGEST_DEFAULT_RAM = 256


@dataclass(frozen=True)
class Settings:
    """ram: megabytes that one chain may buffer; threads: of the per-pixel work; progress: who is told of it."""

    ram: int
    threads: int
    progress: Progress | None = None


def machine_memory() -> int:
    """Memory in megabytes that this process may use: the machine's, or its control group's if that is less."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit_file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        limit = Path(limit_file)
        text = limit.read_text().strip() if limit.is_file() else "max"
        if text != "max":
            memory = min(memory, int(text))
    return memory >> 20


def machine_threads() -> int:
    """Processors that this process may run on, which a job scheduler may have limited."""
    return len(os.sched_getaffinity(0))


def default_settings(progress: Progress | None = None) -> Settings:
    """An eighth of the memory, at most 256 MB: a larger buffer makes no chain faster; and all processors."""
    return Settings(min(machine_memory() // 8, _LARGEST_DEFAULT_RAM), machine_threads(), progress)
