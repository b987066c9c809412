"""Read zip archives that others made. Nothing is unpacked, and no more is read than a limit allows."""

import re
import stat
import struct
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, NamedTuple

from alcd_otb.files.reading import MEGABYTE, UnreadableError, inaccessible, read_at_most, too_large
from alcd_otb.text import is_one_line

_MOST_OF_LIST = 16 * MEGABYTE
"""Largest size in bytes of an archive's list of members, which is read whole."""

_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65535
_LOCATOR, _LOCATOR_SIZE, _WIDE_END = b"PK\x06\x07", 20, b"PK\x06\x06"
_ENCRYPTED = 1
_BAD_NAME = (
    "has a name that leads out of the archive, or that is not a valid file name; download it from a source that "
    "you trust"
)
_ABSOLUTE = re.compile(r"/|[A-Za-z]:")

_OTHER_ARCHIVES = (
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"Rar!", "RAR"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (257, b"ustar", "tar"),
)


@dataclass(frozen=True)
class Member:
    """A file in a zip archive.

    Attributes
    ----------
    name
        Its name, with ``/`` between folders, as GDAL has it too.
    size
        Its size in bytes, unpacked, as the archive states it.
    problem
        Why it cannot be read, as the rest of a sentence with its remedy; None if no problem is known.
    """

    name: str
    size: int
    problem: str | None


class MemberChecksum(NamedTuple):
    """What an archive states of a file in it: the CRC-32 and the size in bytes of its content."""

    crc32: int
    size: int


def other_archive(path: Path) -> str | None:
    """Name the kind of an archive by its first bytes, such as ``tar``; None for a zip archive and any other file."""
    with path.open("rb") as stream:
        head = stream.read(512)
    return next((kind for place, magic, kind in _OTHER_ARCHIVES if head.startswith(magic, place)), None)


def zip_members(file: Path | bytes) -> tuple[Member, ...]:
    """List the files of a zip archive, without its folders.

    Parameters
    ----------
    file
        The archive, or its content.

    Raises
    ------
    UnreadableError
        The file is not a whole zip archive, or its list of files is too large.
    OSError
        The file cannot be read.
    """
    with _opened(file) as stream, _archive(stream) as archive:
        entries = [entry for entry in archive.infolist() if not _name_of(entry).endswith("/")]
    names = [_name_of(entry) for entry in entries]
    times = Counter(names)
    return tuple(
        Member(name, entry.file_size, _problem(entry, times[name] > 1))
        for name, entry in zip(names, entries, strict=True)
    )


def member_checksum(file: Path | bytes, name: str) -> MemberChecksum:
    """Look up the checksum of a file in a zip archive, without reading the file.

    Raises
    ------
    UnreadableError
        The archive cannot be read, or does not hold the file.
    """
    try:
        with _opened(file) as stream, _archive(stream) as archive:
            for entry in archive.infolist():
                if _name_of(entry) == name:
                    return MemberChecksum(entry.CRC, entry.file_size)
    except OSError as error:
        raise inaccessible(error) from error
    raise UnreadableError(f"does not hold {name}")


def read_member(file: Path | bytes, name: str, most: int) -> bytes:
    """Read a file of a zip archive into memory.

    Parameters
    ----------
    file
        The archive, or its content.
    name
        The name of the file, as `zip_members` gives it.
    most
        Largest size of the file in bytes. The size that the archive states is not trusted.

    Raises
    ------
    UnreadableError
        The file is larger, damaged, or packed in a way that is not read.
    """
    try:
        with _opened(file) as stream, _archive(stream) as archive:
            found = [entry for entry in archive.infolist() if _name_of(entry) == name]
            if not found:
                raise UnreadableError("is not in the archive")
            problem = _problem(found[0], len(found) > 1)
            if problem is not None:
                raise UnreadableError(problem)
            if found[0].file_size > most:
                raise UnreadableError(too_large(most))
            with archive.open(found[0]) as member:
                return read_at_most(member, most)
    except OSError as error:
        raise inaccessible(error) from error
    except UnreadableError:
        raise
    except (EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, ValueError, struct.error) as error:
        reason = " (its checksum, a CRC, is another)" if "CRC" in str(error) else ""
        raise UnreadableError(f"is damaged in the archive{reason}") from error


def plain_name(name: str) -> str:
    """Return a member's name with ``/`` between folders: archives made by Windows may have backslashes."""
    return re.sub(r"\A(?:\./)+", "", name.replace("\\", "/"))


def name_problem(name: str, is_twice: bool) -> str | None:
    """Describe why a member of an archive cannot be read by its name.

    Parameters
    ----------
    name
        The name, as `plain_name` makes it.
    is_twice
        Whether another member has the same name.
    """
    if ".." in name.split("/") or _ABSOLUTE.match(name) is not None or not is_one_line(name):
        return _BAD_NAME
    return "occurs twice in the archive; pack it again" if is_twice else None


def _opened(file: Path | bytes) -> BinaryIO:
    return BytesIO(file) if isinstance(file, bytes) else file.open("rb")


def _archive(stream: BinaryIO) -> zipfile.ZipFile:
    """Open an archive once the size of its list is known to be within the limit."""
    size = _size_of_list(stream)
    if size is None:
        stream.seek(0)
        is_begun = stream.read(4) == b"PK\x03\x04"
        raise UnreadableError("is a zip archive that is cut off" if is_begun else "is not a zip archive")
    if size > _MOST_OF_LIST:
        raise UnreadableError(
            f"lists its files in more than {_MOST_OF_LIST // MEGABYTE} MB, the limit for such an archive"
        )
    try:
        return zipfile.ZipFile(stream)
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError) as error:
        raise UnreadableError("is a damaged zip archive") from error


def _size_of_list(stream: BinaryIO) -> int | None:
    """Read the size in bytes of the list of members from the record at the end; None if there is no such record."""
    length = stream.seek(0, 2)
    start = max(length - _END_SIZE - _LONGEST_COMMENT, 0)
    stream.seek(start)
    tail = stream.read()
    # As zipfile looks for it: the end without a comment first.
    place = len(tail) - _END_SIZE
    if place < 0 or not (tail.startswith(_END, place) and tail.endswith(b"\0\0")):
        place = tail.rfind(_END)
    if place < 0 or len(tail) - place < _END_SIZE:
        return None
    size = int(struct.unpack_from("<I", tail, place + 12)[0])
    locator_place = start + place - _LOCATOR_SIZE
    if locator_place < 0:
        return size
    stream.seek(locator_place)
    locator = stream.read(_LOCATOR_SIZE)
    if not locator.startswith(_LOCATOR):
        return size
    # zipfile takes the record just before the locator.
    stream.seek(max(locator_place - 56, 0))
    wide = stream.read(56)
    return int(struct.unpack_from("<Q", wide, 40)[0]) if wide.startswith(_WIDE_END) and len(wide) == 56 else size


def _name_of(entry: zipfile.ZipInfo) -> str:
    """Return the name as GDAL has it: archives made by Windows may have backslashes."""
    return plain_name(entry.filename)


def _problem(entry: zipfile.ZipInfo, is_twice: bool) -> str | None:
    """Describe why a member cannot be read, from its entry in the archive's list."""
    problem = _BAD_NAME if "\0" in entry.orig_filename else name_problem(_name_of(entry), is_twice)
    if problem is not None:
        return problem
    if entry.flag_bits & _ENCRYPTED:
        return "is encrypted; unpack the archive with its password"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed by a method that is not supported; unpack the archive"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link in the archive; pack the files themselves"
    return None
