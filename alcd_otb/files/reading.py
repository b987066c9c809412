"""Read whole files of limited size, and describe in one line why a file cannot be read."""

import codecs
from pathlib import Path
from typing import Protocol

MEGABYTE = 2**20


class UnreadableError(ValueError):
    """The content of a file cannot be used.

    The message is the rest of a sentence that begins with the file, such as ``is cut off``.
    """

    @property
    def reason(self) -> str:
        """The same, as the beginning of a sentence about any file: ``cannot be read (why)``."""
        return f"cannot be read (it {self})"


class InaccessibleError(UnreadableError):
    """The file is missing, or the operating system does not read its content. The file may be valid."""

    @property
    def reason(self) -> str:
        """The message, which begins so itself."""
        return str(self)


class ForbiddenError(InaccessibleError):
    """The user may not read the file."""


class Readable(Protocol):
    """An open file of bytes."""

    def read(self, size: int, /) -> bytes:
        """Read some of the next bytes; none at the end."""


def read_limited(path: Path, most: int) -> bytes:
    """Read a file into memory.

    Parameters
    ----------
    path
        The file.
    most
        Largest size of the file in bytes.

    Raises
    ------
    UnreadableError
        The file is missing, may not be read, or is larger.
    """
    try:
        with path.open("rb") as stream:
            return read_at_most(stream, most)
    except OSError as error:
        raise inaccessible(error) from error
    except UnreadableError:
        raise
    # The name holds a NUL, or half of a character.
    except ValueError as error:
        raise InaccessibleError(
            "cannot be read (its name contains a character that file names cannot contain)"
        ) from error


def read_at_most(stream: Readable, most: int) -> bytes:
    """Read the rest of an open file; never more than one byte beyond the limit.

    Raises
    ------
    UnreadableError
        There is more than the limit.
    """
    parts: list[bytes] = []
    room = most + 1
    while room:
        part = stream.read(min(room, MEGABYTE))
        if not part:
            break
        parts.append(part)
        room -= len(part)
    if not room:
        raise UnreadableError(too_large(most))
    return b"".join(parts)


def wide_encoding(content: bytes) -> str | None:
    """Name the encoding of a text of which each character has two or four bytes, such as ``UTF-16``.

    Parameters
    ----------
    content
        The text, or the beginning of it.

    Returns
    -------
    str or None
        The encoding, by the byte order mark, or by the zero bytes of a first character that ASCII has. None of others.
    """
    head = content[:4]
    if head in (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE):
        return "UTF-32"
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "UTF-16"
    zeros = [not byte for byte in head]
    if zeros in ([True, True, True, False], [False, True, True, True]):
        return "UTF-32"
    return "UTF-16" if zeros[:2] in ([True, False], [False, True]) else None


def inaccessible(error: OSError) -> InaccessibleError:
    """Make the error of a file that the operating system does not read."""
    kind = ForbiddenError if isinstance(error, PermissionError) else InaccessibleError
    return kind(f"cannot be read ({error.strerror or 'the disk does not answer'})")


def too_large(most: int) -> str:
    """Report that a file is larger than a limit in bytes."""
    size = f"{most / MEGABYTE:g} MB" if most >= MEGABYTE else f"{most} bytes"
    return f"is larger than {size}, the limit for such a file"
