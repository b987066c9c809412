"""Write files so that a reader never sees half of one, and nothing but the named file is changed."""

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import file_digest
from pathlib import Path
from typing import Any

from alcd_otb.errors import AlcdError, ProcessingError
from alcd_otb.files.folders import scratch_folder
from otb_pipelines.errors import OtbError

_SPARE = 256 * 1024
"""A disk with fewer free bytes counts as full, since the data that did not fit may have been larger than the rest."""
_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EROFS: "choose a workspace on a writable disk",
    errno.EACCES: "choose a workspace that you may write to",
    errno.EPERM: "choose a workspace that you may write to",
    errno.EEXIST: "move it away",
    errno.ENOTDIR: "move it away",
    errno.EISDIR: "it is a folder; move it away",
    errno.ELOOP: "it is a link; move it away",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ENOENT: "it was removed or never made; check that its folder exists, and run again",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "the computer has too many open files; try again later",
    errno.ENOMEM: "free some memory",
    errno.EXDEV: "the workspace spans several disks; keep it on one",
}


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into a ProcessingError that names the folder and the remedy.

    If the disk is full, the message includes that of GDAL or OTB.
    """
    try:
        yield
    except (ProcessingError, OtbError) as error:
        if not _is_full(folder):
            raise
        raise ProcessingError(f"{folder}: the disk is full; free some space ({error})") from error
    except AlcdError:
        raise
    except OSError as error:
        raise _refusal(error, folder) from error


def _refusal(error: OSError, folder: Path) -> ProcessingError:
    """Name which file the operating system refused, why, and what to do."""
    name = str(error.filename or folder)
    reason = error.strerror or str(error)
    path = Path(os.fsdecode(name))
    # The files that go into a folder are often copies of files elsewhere, which may be the cause.
    elsewhere = path.is_absolute() and not path.is_relative_to(folder.absolute())
    done = "read or written" if elsewhere else "written"
    remedy = _REMEDIES.get(error.errno or 0, "check the disk, and try again")
    return ProcessingError(f"{name}: cannot be {done} ({reason}); {remedy}")


def _is_full(folder: Path) -> bool:
    """Return whether the disk of a folder is full. A folder that does not exist yet lies on the disk of its parent."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(existing).free < _SPARE


def checksum(file: Path) -> str:
    """Compute the SHA-256 of a file's bytes, as hexadecimal digits."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file so that a reader never sees half of it.

    Parameters
    ----------
    path
        The file.
    content
        Objects, lists, texts, numbers and null, as Python has them.

    Raises
    ------
    ValueError
        A number is not finite, which JSON cannot express.
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 so that a reader never sees half of it."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name to write a file under; the new file replaces the old one if the block succeeds.

    Nothing is written through a link: a link instead of the file is replaced, and what it points to stays.

    Parameters
    ----------
    path
        The file. Its folder exists.
    """
    with scratch_folder(path.parent) as scratch:
        yield scratch / path.name
        os.replace(scratch / path.name, path)
