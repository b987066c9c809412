"""Limit the memory and the threads that a chain uses, and name the function that is called with its progress."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from otb_pipelines.machine import find_machine

Progress = Callable[[str, float], None]
"""A function that is called with the name of a step and the share of it that is done, 0 to 1."""

log = logging.getLogger("otb_pipelines")


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
        The function that is called with the progress, or None.
    """

    ram: int
    threads: int
    progress: Progress | None = None


def machine_memory() -> int:
    """Return the megabytes of memory that this process was given."""
    return find_machine().usable_memory.value


def machine_threads() -> int:
    """Return the number of processors that this process was given."""
    return find_machine().threads.value


def default_settings(progress: Progress | None = None) -> Settings:
    """Return settings with an eighth of the memory that the process was given, but at most 128 MB, and all processors.

    A larger buffer makes no chain faster. `otb_pipelines.machine` documents the source of the numbers.
    """
    machine = find_machine()
    for sentence in machine.ignored:
        log.warning("%s", sentence)
    return Settings(machine.default_ram.value, machine.threads.value, progress)
