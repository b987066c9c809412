"""Find the Level-1C products in a folder, in any layout, and report what is left out."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from alcd_otb.files.reading import inaccessible
from alcd_otb.products.container import has_archive_suffix
from alcd_otb.products.refusals import other_level
from alcd_otb.products.safe_archive import AMAZON_METADATA, is_product_folder

_OTHER_LEVEL = re.compile(r"MSIL(0|1A|1B|2A)")
_OTHER_TILE = re.compile(r"Level-(2\w)_Tile_ID")
_HEAD = 2000
"""Bytes of metadata within which the root stands."""

_OTHER_ARCHIVE = re.compile(r"\.(7z|rar|tar\.(bz2|xz|zst|Z)|tbz2?|txz)$", re.IGNORECASE)


class Found(NamedTuple):
    """Something in a folder that may be a product.

    Attributes
    ----------
    path
        The folder or file.
    left_out
        Why it is not read, as the rest of a sentence; None if it may be a Level-1C product.
    """

    path: Path
    left_out: str | None = None


def find_products(folder: Path) -> Iterator[Found]:
    """Find what may be a Level-1C product, at any depth. The content of products is not searched.

    These are folders with the metadata of a product or of a tile in the layout of Amazon, whatever their names are,
    folders named ``.SAFE``, and zip and tar archives.

    Parameters
    ----------
    folder
        The folder, which may be a product itself.

    Yields
    ------
    Found
        In the order of names. Products of other levels, and archives that are not read, are among them with the reason.
    """
    unreadable: list[OSError] = []
    if _is_product(folder):
        yield Found(folder)
        return
    for parent, folders, files in os.walk(folder, onerror=unreadable.append):
        found: dict[str, Found] = {}
        for name in folders:
            level = _level(Path(parent, name))
            if level is not None:
                found[name] = Found(Path(parent, name), f"is a {level} product")
            elif _is_product(Path(parent, name)):
                found[name] = Found(Path(parent, name))
        folders[:] = sorted(name for name in folders if name not in found)
        for name in files:
            described = None if name.startswith("._") else _file(Path(parent, name))
            if described is not None:
                found[name] = described
        yield from (found[name] for name in sorted(found))
    for error in unreadable:
        yield Found(Path(error.filename or folder), str(inaccessible(error)))


def _is_product(folder: Path) -> bool:
    if folder.name.endswith(".SAFE"):
        return True
    try:
        return is_product_folder(folder)
    except OSError:
        # The walk reports it.
        return False


def _level(folder: Path) -> str | None:
    """Name the level of a product of another level; None for any other folder."""
    match = _OTHER_LEVEL.search(folder.name) if folder.name.endswith(".SAFE") else None
    if match is not None:
        return f"Level-{match[1]}"
    try:
        level = other_level(file.name for file in folder.glob("*.xml"))
        tile = folder / AMAZON_METADATA
        if level is None and tile.is_file():
            with tile.open("rb") as stream:
                match = _OTHER_TILE.search(stream.read(_HEAD).decode("ascii", "replace"))
            level = f"Level-{match[1]}" if match else None
        return level
    except OSError:
        return None


def _file(file: Path) -> Found | None:
    match = _OTHER_LEVEL.search(file.name)
    if has_archive_suffix(file):
        return Found(file, f"is a Level-{match[1]} product" if match else None)
    if _OTHER_ARCHIVE.search(file.name) and "MSIL1C" in file.name:
        return Found(file, "is an archive of a kind that is not read; unpack it")
    return None
