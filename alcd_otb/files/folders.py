"""Make folders for unfinished files, and put a finished folder in its place in one step."""

import ctypes
import errno
import logging
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alcd_otb.errors import ProcessingError
from alcd_otb.files.holder import has_ended, process_numbering

log = logging.getLogger(__name__)

UNFINISHED = ".unfinished-"
"""Prefix of the names of unfinished files and folders."""
_FORMER = ".former-"
_CURRENT_FOLDER = -100
"""AT_FDCWD of the C library: paths are relative to the current folder."""
_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux."""
_CANNOT_EXCHANGE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)


@contextmanager
def scratch_folder(parent: Path, label: str = "") -> Iterator[Path]:
    """Make a folder for unfinished files, and remove it when the block ends.

    Nobody else can guess its name before it exists, nor enter it: links planted beside it are never followed. Its name
    says which process made it, so that those of processes that were killed are removed here.

    Parameters
    ----------
    parent
        The folder to make it in, on the disk where the files are to go.
    label
        A part of its name, by which `remove_unfinished` finds it again.
    """
    remove_abandoned(parent)
    folder = parent / f"{UNFINISHED}{label}{process_numbering()}-{os.getpid()}-{secrets.token_hex(8)}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        _discard(folder)


def remove_abandoned(parent: Path) -> None:
    """Remove from a folder what processes that were killed left there. Those of other processes are not touched."""
    for path in sorted(parent.glob(f"{UNFINISHED}*")):
        if _is_abandoned(path.name):
            _discard(path)


def remove_unfinished(parent: Path, label: str = "") -> None:
    """Remove what a killed run left in a folder. Call it only while no other run can be at work there.

    Parameters
    ----------
    parent
        The folder.
    label
        The label that the run gave to `scratch_folder`. By default every unfinished folder is removed.
    """
    for path in sorted(parent.glob(f"{UNFINISHED}{label}*")):
        _discard(path)


def remove_tree(path: Path) -> None:
    """Remove a file, a link or a folder with its content. Links are not followed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def put_in_place(made: Path, target: Path) -> None:
    """Move a finished folder to its place, where it replaces an earlier folder.

    The two folders change places in one step, so that at every moment one of them is in place and whole. A file system
    without such a step gets two renames; `restore_former` repairs what a kill between them leaves.

    Parameters
    ----------
    made
        The finished folder, on the same disk as the target.
    target
        Its place. If it is a link, the link is replaced, and what it points to stays.

    Raises
    ------
    ProcessingError
        If the finished folder is empty, since its files were removed. The earlier folder stays.
    OSError
        If the folder cannot be moved. The earlier folder stays.
    """
    if not os.path.lexists(target):
        made.rename(target)
        return
    if not any(made.iterdir()):
        raise ProcessingError(f"{made}: is empty, so {target} stays as it is; run again")
    if _exchanged(made, target):
        _discard(made)
        return
    former = _former(target)
    remove_tree(former)
    target.rename(former)
    try:
        made.rename(target)
    except OSError:
        former.rename(target)
        raise
    _discard(former)


def restore_former(target: Path) -> None:
    """Put an earlier folder back if a killed run moved it away and nothing took its place."""
    former = _former(target)
    if not os.path.lexists(former):
        return
    if os.path.lexists(target):
        _discard(former)
    else:
        former.rename(target)


def check_no_link(folder: Path) -> None:
    """Check that a folder inside a workspace or a target is not a link to somewhere else.

    Raises
    ------
    ProcessingError
        If it is a link, or something else than a folder. The message says what to do.
    """
    try:
        mode = folder.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise ProcessingError(
            f"{folder}: is a link to {folder.readlink()}, and nothing is written through links; "
            "move the folder here, or name another one"
        )
    if not stat.S_ISDIR(mode):
        raise ProcessingError(f"{folder}: cannot be written (it is not a folder); move it away")


def _is_abandoned(name: str) -> bool:
    """Return whether a name is that of a folder whose process was killed, as far as this computer can find out."""
    made_by = re.fullmatch(rf"{re.escape(UNFINISHED)}.*?([0-9a-f]{{8}})-(\d+)-[0-9a-f]{{16}}", name)
    return made_by is not None and made_by[1] == process_numbering() and has_ended(int(made_by[2]))


def _former(target: Path) -> Path:
    return target.absolute().with_name(f"{_FORMER}{target.name}")


def _exchanged(made: Path, target: Path) -> bool:
    """Let two paths change places. Return False if the file system or the C library cannot."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    ctypes.set_errno(0)
    if rename(_CURRENT_FOLDER, os.fsencode(made), _CURRENT_FOLDER, os.fsencode(target), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _CANNOT_EXCHANGE:
        return False
    raise OSError(number, os.strerror(number), str(target))


def _discard(path: Path) -> None:
    """Remove files that are no longer needed. A failure is ignored: a later run tries again."""
    try:
        try:
            remove_tree(path)
        except OSError:
            # Network disks sometimes refuse an operation that succeeds a moment later.
            remove_tree(path)
    except OSError as error:
        log.warning("%s: cannot be removed (%s); remove it by hand", path, error.strerror)
