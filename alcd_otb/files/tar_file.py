"""Read tar archives that others made, also compressed by gzip. No more is read than a limit allows."""

import gzip
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from alcd_otb.files.reading import MEGABYTE, UnreadableError, inaccessible, too_large
from alcd_otb.files.zip_file import Member, name_problem, plain_name

_MOST_MEMBERS = 100_000
_MOST_OF_PIECE = 64 * MEGABYTE
"""Largest size in bytes of one read of the list of members: headers of long names are read whole."""
_MOST_OF_ALL = 16 * 1024 * MEGABYTE
"""Largest size in bytes of a whole archive, unpacked."""
_DAMAGED = "is a tar archive that is cut off or damaged"
_GZIP = b"\x1f\x8b"
_MAGIC, _MAGIC_PLACE = b"ustar", 257


@dataclass(frozen=True)
class TarMember(Member):
    """A file in a tar archive.

    Attributes
    ----------
    place
        Where its content begins, in bytes from the start of the archive, unpacked.
    """

    place: int


def is_gzip(path: Path) -> bool:
    """Return whether a file is compressed by gzip, by its first bytes."""
    with path.open("rb") as stream:
        return stream.read(2) == _GZIP


def is_tar(path: Path) -> bool:
    """Return whether a file is a tar archive, also compressed by gzip, by its first bytes.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    try:
        with _unpacked(path) as stream:
            head = stream.read(512)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    return head[_MAGIC_PLACE:].startswith(_MAGIC)


def tar_members(path: Path) -> tuple[TarMember, ...]:
    """List the files and links of a tar archive, without its folders.

    Raises
    ------
    UnreadableError
        The file is not a whole tar archive, or is larger than one of a product is.
    OSError
        The file cannot be read.
    """
    with _reading(path) as stream:
        entries: list[tarfile.TarInfo] = []
        with tarfile.TarFile(fileobj=stream, mode="r") as archive:
            for entry in archive:
                if len(entries) > _MOST_MEMBERS:
                    raise UnreadableError(f"lists more than {_MOST_MEMBERS} files, the limit for such an archive")
                if entry.offset_data + entry.size > _MOST_OF_ALL:
                    raise UnreadableError(too_large(_MOST_OF_ALL))
                if not entry.isdir():
                    entries.append(entry)
            _check_end(stream, archive.offset)
    times = Counter(plain_name(entry.name) for entry in entries)
    return tuple(
        TarMember(name, entry.size, _problem(entry, name, times[name] > 1), entry.offset_data)
        for entry in entries
        for name in [plain_name(entry.name)]
    )


def read_tar_member(path: Path, member: TarMember, most: int) -> bytes:
    """Read a file of a tar archive into memory.

    Parameters
    ----------
    path
        The archive.
    member
        The file, as `tar_members` gives it.
    most
        Largest size of the file in bytes.

    Raises
    ------
    UnreadableError
        The file is larger or damaged, or cannot be read.
    """
    if member.problem is not None:
        raise UnreadableError(member.problem)
    if member.size > most:
        raise UnreadableError(too_large(most))
    try:
        with _reading(path) as stream:
            stream.seek(member.place)
            content = stream.read(member.size)
    except OSError as error:
        raise inaccessible(error) from error
    if len(content) < member.size:
        raise UnreadableError("is cut off in the archive")
    return content


def _check_end(stream: BinaryIO, place: int) -> None:
    """Check that the list ended at the archive's end mark. Python takes a truncated header for the end."""
    stream.seek(place)
    block = stream.read(tarfile.BLOCKSIZE)
    if len(block) < tarfile.BLOCKSIZE or any(block):
        raise UnreadableError(_DAMAGED)


def _problem(entry: tarfile.TarInfo, name: str, is_twice: bool) -> str | None:
    problem = name_problem(name, is_twice)
    if problem is not None:
        return problem
    if entry.issym() or entry.islnk():
        return "is a link in the archive; pack the files themselves"
    if not entry.isreg() or entry.issparse():
        return "is not a plain file in the archive; unpack the archive"
    return None


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """Open the archive. What is wrong with its content becomes an UnreadableError."""
    try:
        with _unpacked(path) as stream:
            yield cast(BinaryIO, _Limited(stream))
    except UnreadableError:
        raise
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError) as error:
        raise UnreadableError(_DAMAGED) from error


@contextmanager
def _unpacked(path: Path) -> Iterator[BinaryIO]:
    opened = gzip.open if is_gzip(path) else open
    with opened(path, "rb") as stream:
        yield cast(BinaryIO, stream)


class _Limited:
    """A stream of which no large piece is read at a time, and nothing far from its beginning."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _MOST_OF_PIECE:
            raise UnreadableError(
                f"has a piece of more than {_MOST_OF_PIECE // MEGABYTE} MB, the limit for such a file"
            )
        return self._stream.read(size)

    def seek(self, place: int, whence: int = 0) -> int:
        if whence == 0 and place > _MOST_OF_ALL:
            raise UnreadableError(too_large(_MOST_OF_ALL))
        return self._stream.seek(place, whence)

    def tell(self) -> int:
        return self._stream.tell()
