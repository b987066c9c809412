"""Find the processors and the memory of this process, and keep the libraries within them.

The operating system, control groups, SLURM and variables of the environment each set limits. The smallest limit
applies.
"""

import os
import re
import resource
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from otb_pipelines.control_groups import Limit, memory_limits, processor_limits

LARGEST_DEFAULT_RAM = 128
"""Megabytes. A larger buffer makes no chain faster."""

_SUFFIXES = {"": 1.0, "K": 1 / 1024, "M": 1.0, "G": 1024.0, "T": 1024.0**2}
"""Megabytes in the units of SLURM."""


@dataclass(frozen=True)
class Machine:
    """What this process was given.

    Attributes
    ----------
    processors
        All limits of the number of processors; there is at least one.
    memory
        All limits of the memory, in megabytes; there is at least one.
    ram
        The user's setting for the buffer of a chain, in megabytes.
    cache
        The user's setting for GDAL's cache of raster blocks, in megabytes.
    ignored
        A sentence for each variable whose value cannot be used.
    """

    processors: tuple[Limit, ...]
    memory: tuple[Limit, ...]
    ram: tuple[Limit, ...] = ()
    cache: tuple[Limit, ...] = ()
    ignored: tuple[str, ...] = ()

    @property
    def threads(self) -> Limit:
        """The smallest limit of the number of processors."""
        return _smallest(self.processors)

    @property
    def usable_memory(self) -> Limit:
        """The smallest limit of the memory, in megabytes."""
        return _smallest(self.memory)

    @property
    def default_ram(self) -> Limit:
        """Megabytes that a chain may buffer: an eighth of the memory, or less by the user's setting."""
        eighth = max(1, self.usable_memory.value // 8)
        shares = (
            Limit(LARGEST_DEFAULT_RAM, "more makes no chain faster"),
            Limit(eighth, f"an eighth of {self.usable_memory.value} MB"),
        )
        return _smallest((*shares, *self.ram))

    def cache_within(self, ram: int) -> int:
        """Return the megabytes of GDAL's cache of raster blocks.

        They are as many as a chain may buffer, but at most a quarter of the memory, or fewer by the user's setting.
        """
        quarter = Limit(max(1, self.usable_memory.value // 4), "a quarter of the memory")
        return _smallest((Limit(ram, ""), quarter, *self.cache)).value


def find_machine(environment: Mapping[str, str] | None = None, root: Path = Path("/")) -> Machine:
    """Find the limits of this process.

    Parameters
    ----------
    environment
        The variables of the environment; by default those of the process, without what `limit_libraries` has set.
    root
        The root of the file system, below which ``proc`` and the control groups are looked for.
    """
    variables = _Variables(given_environment() if environment is None else environment)
    tasks = variables.tasks_here()
    by_slurm = [
        *variables.whole("SLURM_CPUS_PER_TASK"),
        *_shared(variables.whole("SLURM_CPUS_ON_NODE"), tasks),
    ]
    processors = [Limit(len(os.sched_getaffinity(0)), "the processors that this process may run on")]
    processors += [*processor_limits(root), *by_slurm]
    memory = [Limit(_physical_memory() >> 20, "the memory of the machine"), *memory_limits(root)]
    memory += _shared(variables.megabytes("SLURM_MEM_PER_NODE"), tasks)
    count = _smallest(by_slurm or processors).value
    memory += [
        Limit(limit.value * count, f"{limit.source} for each of {count} processors")
        for limit in variables.megabytes("SLURM_MEM_PER_CPU")
    ]
    address_space, _ = resource.getrlimit(resource.RLIMIT_AS)
    if address_space != resource.RLIM_INFINITY:
        memory.append(Limit(address_space >> 20, "ulimit -v"))
    processors += variables.whole("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS")
    ram = variables.whole("OTB_MAX_RAM_HINT")
    cache = variables.cache(_smallest(memory).value)
    return Machine(tuple(processors), tuple(memory), tuple(ram), tuple(cache), tuple(variables.ignored))


def limit_otb(ram: int, threads: int) -> None:
    """Set the variables from which OTB and its libraries take their limits when they are first used.

    Parameters
    ----------
    ram
        Megabytes that a chain may buffer.
    threads
        Threads of ITK's filters and of OpenCV's classifiers.
    """
    _set("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", threads)
    _set("OPENCV_FOR_THREADS_NUM", threads)
    # OTB ends with an error where this is not a number.
    _set("OTB_MAX_RAM_HINT", ram)


def limit_libraries(ram: int, threads: int) -> None:
    """Keep all libraries of this process within memory and threads. Call it before NumPy and GDAL are imported.

    Parameters
    ----------
    ram
        Megabytes that a chain may buffer.
    threads
        Threads that compute pixels.
    """
    _set("GDAL_CACHEMAX", gdal_cache(ram))
    # By default the decoder of JPEG 2000 takes all processors. Where more than one may decode, gdal_threads sets the
    # number.
    _set("GDAL_NUM_THREADS", 1)
    _set("OPJ_NUM_THREADS", 0)
    wished = _Variables(given_environment()).whole("OMP_NUM_THREADS")
    _set("OMP_NUM_THREADS", _smallest((Limit(threads, ""), *wished)).value)
    # These start threads when NumPy is imported, and add in another order with another number of threads.
    for library in ("OPENBLAS", "MKL", "BLIS"):
        _set(f"{library}_NUM_THREADS", 1)
    limit_otb(ram, threads)


@cache
def gdal_cache(ram: int) -> int:
    """Return the megabytes of GDAL's cache from those that a chain may buffer. The limits are determined once."""
    return find_machine().cache_within(ram)


def given_environment() -> dict[str, str]:
    """Return the variables of the environment as they were given, without what this module has set."""
    environment = dict(os.environ)
    for name, (before, own) in _own_values.items():
        if environment.get(name) == own:
            del environment[name]
            if before is not None:
                environment[name] = before
    return environment


_own_values: dict[str, tuple[str | None, str]] = {}
"""By name of a variable: the value before, and the value that this module has set."""


def _set(name: str, value: int) -> None:
    before = os.environ.get(name)
    if name in _own_values and before == _own_values[name][1]:
        before = _own_values[name][0]
    os.environ[name] = str(value)
    _own_values[name] = before, str(value)


class _Variables:
    """The variables of the environment, read as numbers. A value that cannot be used is noted."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.ignored: list[str] = []

    def whole(self, name: str) -> list[Limit]:
        """Read a whole number of at least 1."""
        text = self._text(name)
        if not text:
            return []
        if re.fullmatch(r"0*[1-9][0-9]{0,8}", text):
            return [Limit(int(text), f"{name}={text}")]
        return self._ignore(name, text, "is not a whole number of at least 1")

    def megabytes(self, name: str) -> list[Limit]:
        """Read a size in megabytes, or with K, M, G or T. In SLURM, 0 is all the memory of a node."""
        text = self._text(name)
        if not text:
            return []
        found = re.fullmatch(r"([0-9]{1,15})([KMGT]?)B?", text.upper())
        if found is None:
            return self._ignore(name, text, "is not a size in megabytes such as 4000 or 4G")
        size = int(int(found[1]) * _SUFFIXES[found[2]])
        return [Limit(max(1, size), f"{name}={text}")] if int(found[1]) else []

    def cache(self, memory: int) -> list[Limit]:
        """Read GDAL_CACHEMAX as GDAL does: a share in percent; megabytes if below 100000, else bytes."""
        text = self._text("GDAL_CACHEMAX")
        if not text:
            return []
        found = re.fullmatch(r"([0-9]{1,15})(?:\.[0-9]*)?(%|MB)?", text)
        if found is None:
            return self._ignore("GDAL_CACHEMAX", text, "is not a size such as 256 or 5%")
        number = int(found[1])
        if found[2] == "%":
            megabytes = int(memory * float(text[:-1]) / 100)
        else:
            megabytes = number if number < 100_000 or found[2] else number >> 20
        return [Limit(max(1, megabytes), f"GDAL_CACHEMAX={text}")]

    def tasks_here(self) -> int:
        """Return how many tasks of this SLURM step share this node. A batch script has the node for itself."""
        counts: list[int] = []
        for part in filter(None, self._text("SLURM_STEP_TASKS_PER_NODE").split(",")):
            found = re.fullmatch(r"([1-9][0-9]{0,6})(?:\(x([1-9][0-9]{0,6})\))?", part)
            if found is None:
                self._ignore("SLURM_STEP_TASKS_PER_NODE", part, "is not a list such as 2(x3),1")
                return 1
            counts += [int(found[1])] * int(found[2] or 1)
        node = self._text("SLURM_NODEID")
        number = int(node) if re.fullmatch(r"[0-9]{1,7}", node) else 0
        return counts[number] if number < len(counts) else max(counts, default=1)

    def _text(self, name: str) -> str:
        return self._environment.get(name, "").strip()

    def _ignore(self, name: str, text: str, problem: str) -> list[Limit]:
        self.ignored.append(f"{name}={text!r} {problem}: it is ignored; correct it, or unset it")
        return []


def _shared(limits: list[Limit], tasks: int) -> list[Limit]:
    """Divide what a node gives to all tasks."""
    if tasks == 1:
        return limits
    return [Limit(max(1, limit.value // tasks), f"{limit.source} for {tasks} tasks") for limit in limits]


def _physical_memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _smallest(limits: tuple[Limit, ...] | list[Limit]) -> Limit:
    return min(limits, key=lambda limit: limit.value)
