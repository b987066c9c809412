"""Deliver files into a folder where other files may lie, and replace only those that were delivered before.

Delivered files are listed in ``SHA256SUMS``, in the format of the program sha256sum.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from alcd_otb.errors import ConfigurationError
from alcd_otb.files.folders import check_no_link
from alcd_otb.files.writing import checksum, write_text

CHECKSUMS = "SHA256SUMS"
"""The file of checksums, which ``sha256sum -c`` reads."""


def check_own(folder: Path, names: Iterable[str]) -> None:
    """Check that files may be replaced: they are absent, or as an earlier delivery left them.

    Parameters
    ----------
    folder
        The folder, which need not exist.
    names
        Paths of the files, relative to the folder.

    Raises
    ------
    ConfigurationError
        If a file was not delivered, or was changed since.
    ProcessingError
        If a folder on the way to a file is a link.
    """
    delivered = _delivered(folder)
    for name in sorted(names):
        file = folder / name
        for parent in reversed(Path(name).parents[:-1]):
            check_no_link(folder / parent)
        if not os.path.lexists(file):
            continue
        if file.is_symlink() or not file.is_file() or checksum(file) not in delivered.get(name, ()):
            raise ConfigurationError(
                f"{file}: was not made here by this command, or was changed since, and is not overwritten; "
                "move it away, or name another folder"
            )


def deliver(made: Path, folder: Path) -> None:
    """Move all files of a folder to their places in another one, and remove those of the delivery before.

    A delivery that is killed on the way may be repeated: `check_own` knows the files of both.

    Parameters
    ----------
    made
        The folder with the finished files, on the same disk.
    folder
        The folder that receives them.

    Raises
    ------
    ConfigurationError, ProcessingError
        As `check_own` raises them. Nothing is moved then.
    OSError
        If a file cannot be moved.
    """
    before = _delivered(folder)
    new = {str(file.relative_to(made)): checksum(file) for file in files_below(made)}
    check_own(folder, {*before, *new})
    both = {name: {*before.get(name, ()), *([new[name]] if name in new else ())} for name in {*before, *new}}
    _write_checksums(folder, both)
    for name in sorted(before.keys() - new):
        (folder / name).unlink(missing_ok=True)
        _remove_empty(folder, Path(name).parent)
    for part in sorted(path for path in made.rglob("*") if path.is_dir()):
        (folder / part.relative_to(made)).mkdir(exist_ok=True)
    for name in sorted(new):
        os.replace(made / name, folder / name)
    _write_checksums(folder, {name: {digest} for name, digest in new.items()})


def write_checksums(root: Path) -> None:
    """Write SHA256SUMS of all files below a folder."""
    lines = [f"{checksum(file)}  {file.relative_to(root)}\n" for file in files_below(root)]
    write_text(root / CHECKSUMS, "".join(lines))


def read_checksums(root: Path) -> dict[str, str]:
    """Read the checksums by path below a folder, as `write_checksums` wrote them."""
    lines = (root / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def files_below(root: Path) -> list[Path]:
    """List the files and links below a folder, sorted."""
    return sorted(path for path in root.rglob("*") if not path.is_dir() or path.is_symlink())


def _remove_empty(folder: Path, part: Path) -> None:
    """Remove those folders below a folder that a removed file leaves empty."""
    while part.parts and (folder / part).is_dir() and not any((folder / part).iterdir()):
        (folder / part).rmdir()
        part = part.parent


def _delivered(folder: Path) -> dict[str, set[str]]:
    """Read which checksums each delivered file may have."""
    delivered: dict[str, set[str]] = {}
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, UnicodeDecodeError):
        return {}
    for digest, _, name in (line.partition("  ") for line in lines):
        if name and ".." not in Path(name).parts and not Path(name).is_absolute():
            delivered.setdefault(name, set()).add(digest)
    return delivered


def _write_checksums(folder: Path, digests: dict[str, set[str]]) -> None:
    lines = (f"{digest}  {name}\n" for name in sorted(digests) for digest in sorted(digests[name]))
    write_text(folder / CHECKSUMS, "".join(lines))
