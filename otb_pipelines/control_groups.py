"""Find the limits that control groups set to this process: of its own groups and of all above them, versions 1 and 2.

A process is in one group of version 2, and in one group of version 1 for each controller. Both versions may be mounted.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple

# Version 1 gives a number near the largest of 64 bits where there is no limit.
_UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Limit:
    """A limit, and where it was found.

    Attributes
    ----------
    value
        Processors, or megabytes.
    source
        The file, or the variable with its value.
    """

    value: int
    source: str


class _Mount(NamedTuple):
    """A place where control groups are mounted.

    Attributes
    ----------
    folder
        The folder in which they are mounted.
    top
        The group that is mounted there.
    controllers
        The controllers of version 1. Empty for version 2.
    """

    folder: Path
    top: PurePosixPath
    controllers: frozenset[str]


class _Group(NamedTuple):
    """A group of this process.

    Attributes
    ----------
    path
        The path of the group in its hierarchy.
    controllers
        The controllers of version 1. Empty for version 2.
    """

    path: PurePosixPath
    controllers: frozenset[str]


def processor_limits(root: Path = Path("/")) -> list[Limit]:
    """Find the quotas of processor time, as whole processors, at least 1.

    Parameters
    ----------
    root
        The root of the file system, below which ``proc`` and the mounted groups are looked for.
    """
    limits = []
    for folder in _folders(root, ""):
        words = _words(folder / "cpu.max")
        if len(words) == 2 and words[0] != "max":
            limits += _processors(words[0], words[1], folder / "cpu.max")
    for folder in _folders(root, "cpu"):
        quota, period = _words(folder / "cpu.cfs_quota_us"), _words(folder / "cpu.cfs_period_us")
        if quota and period:
            limits += _processors(quota[0], period[0], folder / "cpu.cfs_quota_us")
    return limits


def memory_limits(root: Path = Path("/")) -> list[Limit]:
    """Find the limits of memory, in megabytes.

    Parameters
    ----------
    root
        The root of the file system, below which ``proc`` and the mounted groups are looked for.
    """
    files = [folder / name for folder in _folders(root, "") for name in ("memory.max", "memory.high")]
    files += [folder / "memory.limit_in_bytes" for folder in _folders(root, "memory")]
    limits = []
    for file in files:
        number = _whole_number(" ".join(_words(file)))
        if number is not None and number < _UNLIMITED:
            limits.append(Limit(number >> 20, str(file)))
    return limits


def _processors(quota: str, period: str, file: Path) -> list[Limit]:
    time, every = _whole_number(quota), _whole_number(period)
    # A quota of -1 means no quota.
    return [Limit(max(1, time // every), str(file))] if time and every else []


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's group and of those above it. Without a controller: those of version 2."""

    def is_meant(controllers: frozenset[str]) -> bool:
        return controller in controllers if controller else not controllers

    mounts = [mount for mount in _mounts(root) if is_meant(mount.controllers)]
    for group in _groups(root):
        if not mounts or not is_meant(group.controllers):
            continue
        # In a container, the path may be that of the host, of which nothing but the own group is mounted.
        holding = [mount for mount in mounts if _holds(mount, group)]
        for mount in holding or mounts[:1]:
            below = group.path.relative_to(mount.top).parts if holding else ()
            for depth in range(len(below), -1, -1):
                yield mount.folder.joinpath(*below[:depth])


def _holds(mount: _Mount, group: _Group) -> bool:
    # A path with two dots leads out of the namespace of this process.
    return ".." not in group.path.parts and group.path.is_relative_to(mount.top)


def _mounts(root: Path) -> list[_Mount]:
    mounts = []
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(" "), after.split(" ")
        if len(fields) < 5 or len(kinds) < 3 or kinds[0] not in ("cgroup", "cgroup2"):
            continue
        top, folder = (_unescaped(field) for field in fields[3:5])
        controllers = frozenset(kinds[2].split(",")) if kinds[0] == "cgroup" else frozenset[str]()
        mounts.append(_Mount(root / folder.lstrip("/"), PurePosixPath(top), controllers))
    return mounts


def _groups(root: Path) -> list[_Group]:
    groups = []
    for line in _lines(root / "proc/self/cgroup"):
        parts = line.split(":", 2)
        if len(parts) == 3 and parts[2].startswith("/"):
            groups.append(_Group(PurePosixPath(parts[2]), frozenset(filter(None, parts[1].split(",")))))
    return groups


def _unescaped(field: str) -> str:
    r"""Undo what the kernel does to spaces and other signs in paths: \040 is a space."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), field)


def _lines(file: Path) -> Sequence[str]:
    try:
        return file.read_text("utf-8", errors="surrogateescape").splitlines()
    except OSError:
        # Another system than Linux, or a container without /proc: no group is known.
        return ()


def _words(file: Path) -> Sequence[str]:
    """Read the words of a file of a group. The group at the top has none, and others may be forbidden."""
    return " ".join(_lines(file)).split()


def _whole_number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,20}", text) else None
