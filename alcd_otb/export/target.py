"""Check which folder an export may replace, and put the finished export in its place."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from alcd_otb.errors import ConfigurationError
from alcd_otb.files.delivery import CHECKSUMS, files_below, read_checksums
from alcd_otb.files.folders import UNFINISHED, remove_tree, restore_former, scratch_folder
from alcd_otb.files.lease import leased
from alcd_otb.files.writing import checksum

MANIFEST, FORMAT = "export.json", "alcd_otb export"
"""The file that marks a folder as an export and names its layout, and the value of its key ``format``."""


def check_target(target: Path, layout: str, workspaces: Sequence[Path], replace: bool) -> None:
    """Check that an export may be written to a folder.

    Parameters
    ----------
    target
        The folder.
    layout
        Name of the layout. An earlier export of this layout may be replaced if it was not changed since.
    workspaces
        The workspaces of the scenes; the target may neither hold one nor lie among its iterations.
    replace
        Whether any earlier export may be replaced, whatever it holds by now.

    Raises
    ------
    ConfigurationError
        If the export may not be written there.
    """
    _check_place(target, workspaces)
    if not target.exists() and not target.is_symlink():
        return
    if not target.is_dir() or target.is_symlink():
        raise ConfigurationError(f"{target}: exists and is not a folder; name another one")
    if not any(target.iterdir()):
        return
    earlier = _layout_of(target)
    if earlier is None:
        raise ConfigurationError(f"{target}: exists and is not an export; name another folder")
    if replace:
        return
    if earlier != layout:
        raise ConfigurationError(
            f"{target}: is an export of layout {earlier}; name another folder, or replace it with --replace"
        )
    changed = _first_change(target)
    if changed is not None:
        raise ConfigurationError(
            f"{target / changed}: was changed or added since the export; move it away, or discard it with --replace"
        )


def _check_place(target: Path, workspaces: Sequence[Path]) -> None:
    resolved = target.resolve()
    for workspace in (folder.resolve() for folder in workspaces):
        if resolved in (workspace, *workspace.parents):
            raise ConfigurationError(f"{target}: holds the workspace {workspace}; name another folder")
        if workspace / "iterations" in (resolved, *resolved.parents):
            raise ConfigurationError(f"{target}: lies among the iterations of {workspace}; name another folder")
    if not target.absolute().parent.is_dir():
        raise ConfigurationError(f"{target.parent}: there is no such folder; make it first")


def _layout_of(folder: Path) -> str | None:
    """Read the layout of an export; None if the folder is not an export."""
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return None
    return str(content.get("layout"))


def _first_change(folder: Path) -> str | None:
    """Find a file that was changed since the export."""
    try:
        known = read_checksums(folder)
    except (OSError, ValueError):
        return CHECKSUMS
    for file in files_below(folder):
        name = str(file.relative_to(folder))
        if name != CHECKSUMS and (file.is_symlink() or known.get(name) != checksum(file)):
            return name
    return None


@contextmanager
def unfinished(target: Path) -> Iterator[Path]:
    """Make a folder beside the target to write to, and keep other exports to the same target out.

    What a killed export left is removed, or put back if it is an earlier export that was being replaced.

    Raises
    ------
    WorkspaceLockedError
        If another process writes to the same target.
    """
    target = target.absolute()
    label = f"{sha256(os.fsencode(target.name)).hexdigest()[:8]}-"
    lock = target.with_name(f"{UNFINISHED}{label}lock")
    with leased(lock, f"{target}: another export ({{holder}}) writes to it; wait for it or stop it"):
        for path in sorted(target.parent.glob(f"{UNFINISHED}{label}*")):
            if path.is_dir() and not path.is_symlink():
                remove_tree(path)
        restore_former(target)
        with scratch_folder(target.parent, label) as scratch:
            folder = scratch / "export"
            folder.mkdir()
            yield folder
