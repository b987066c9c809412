"""Describe why a path is not a product that can be read, and what to give instead."""

import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import ForbiddenError, InaccessibleError, UnreadableError
from alcd_otb.files.zip_file import other_archive

L1C_METADATA = re.compile(r"MTD_MSIL1C\.xml|S2\w_OPER_MTD_SAFL1C_\w+\.xml")
"""Names of the files of product metadata of Level-1C."""

_OTHER_METADATA = re.compile(r"MTD_MSI(L\w+)\.xml|S2\w_\w{4}_MTD_SAF(L\w{2})_\w+\.xml")
_ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z")
_LEVELS_DOWN = 8
"""Folders from ``tiles`` down to a tile in the layout of Amazon."""

_LEVELS_UP = 5
"""Folders from a file of a product up to the product itself, at most."""


def damaged(path: str | Path, reason: str) -> ProductError:
    """Make the error of a product that lacks something or contradicts itself. Only another copy of it can be used.

    Parameters
    ----------
    path
        The product, or its file.
    reason
        The rest of the sentence that begins with the path, such as ``cannot be opened``.
    """
    return ProductError(f"{path}: {reason}; download the product again")


def forbidden(path: str | Path) -> ProductError:
    """Make the error of a file that exists, and may not be read."""
    return ProductError(f"{path}: you may not read it; change its permissions (chmod u+r)")


def unreadable(path: str | Path, error: UnreadableError) -> ProductError:
    """Make the error of a file of a product that cannot be read. Another copy helps only where its content is wrong."""
    if isinstance(error, ForbiddenError):
        return forbidden(path)
    if isinstance(error, InaccessibleError):
        return ProductError(f"{path}: {error}; check the path and the disk")
    return damaged(path, str(error))


def is_product_metadata(path: Path) -> bool:
    """Return whether a path is the file of a product's metadata, which SNAP, GDAL and QGIS open as the product."""
    named = L1C_METADATA.fullmatch(path.name) or _OTHER_METADATA.fullmatch(path.name)
    return named is not None and path.is_file()


def other_level(names: Iterable[str]) -> str | None:
    """Name the level of the product whose metadata are among files, such as ``Level-2A``; None without any.

    Metadata of Level-1C are not among these.
    """
    for name in names:
        other = None if L1C_METADATA.fullmatch(name) else _OTHER_METADATA.fullmatch(name)
        if other:
            return (other[1] or other[2]).replace("L", "Level-", 1)
    return None


def why_no_archive(path: Path, error: UnreadableError) -> ProductError:
    """Make the error of a file that is not a zip archive of a product.

    Parameters
    ----------
    path
        The file.
    error
        Why it cannot be read as a zip archive.
    """
    if isinstance(error, InaccessibleError):
        return unreadable(path, error)
    kind = other_archive(path)
    if kind is not None:
        return ProductError(f"{path}: is a {kind} archive; unpack it, and give the .SAFE folder in it")
    product = _product_around(path)
    if product is not None:
        return ProductError(f"{path}: is a file of a product; give the .SAFE folder: {product}")
    if path.suffix.lower() == ".zip" or path.name.endswith(".SAFE") or "cut off" in str(error):
        return damaged(path, f"is neither a .SAFE folder nor a whole zip archive (it {error})")
    return ProductError(f"{path}: is neither a .SAFE folder nor a zip archive of one; give either")


def why_not_l1c(path: Path, members: list[PurePosixPath]) -> ProductError:
    """Make the error of a folder or a zip archive without metadata of a Level-1C product.

    Parameters
    ----------
    path
        The folder or the archive.
    members
        The files in it that were looked at.
    """
    level = other_level(member.name for member in members)
    if level is not None:
        return ProductError(f"{path}: is a {level} product; give the Level-1C product (MSIL1C) of the same acquisition")
    if path.is_dir():
        inner = _products_in(path)
        if inner:
            what = ".SAFE folder" if inner[0].endswith(".SAFE") else "folder of the product"
            return ProductError(f"{path}: holds {_listed(inner)}; give the {what} itself")
        product = _product_around(path)
        if product is not None:
            return ProductError(f"{path}: is a folder of a product; give the .SAFE folder: {product}")
        if not any(path.iterdir()):
            return ProductError(f"{path}: is an empty folder; give a .SAFE folder or its .zip")
    packed = sorted(str(member) for member in members if member.name.lower().endswith(_ARCHIVE_SUFFIXES))
    if packed:
        kind = "a zip" if packed[0].lower().endswith(".zip") else "an archive"
        remedy = "give that itself" if path.is_dir() else "unpack it, and give the product in it"
        return ProductError(f"{path}: holds {kind} ({_listed(packed)}); {remedy}")
    if not members and not path.is_dir():
        return ProductError(f"{path}: is an empty zip archive; download the product again")
    if any("GRANULE" in member.parts for member in members):
        return damaged(path, "has no MTD_MSIL1C.xml beside its folder GRANULE")
    return ProductError(
        f"{path}: is not a Sentinel-2 L1C product: it has neither MTD_MSIL1C.xml nor, in the layout of "
        "Amazon, metadata.xml beside bands; give a folder, zip or tar archive of one"
    )


def _products_in(path: Path) -> list[str]:
    """List the products in a folder, relative to it; those below others are not looked for."""
    safe = {folder.name for folder in path.glob("*.SAFE")}
    safe |= {file.parent.name for file in path.glob("*/*.xml") if L1C_METADATA.fullmatch(file.name)}
    if safe:
        return sorted(safe)
    for depth in range(1, _LEVELS_DOWN + 1):
        tiles = sorted(str(file.parent.relative_to(path)) for file in path.glob("*/" * depth + "tileInfo.json"))
        if tiles:
            return tiles
    return []


def _product_around(path: Path) -> Path | None:
    """Find the folder of the product that a path lies in; None if it lies in none."""
    for folder in list(path.parents)[:_LEVELS_UP]:
        if any(L1C_METADATA.fullmatch(file.name) for file in folder.glob("*.xml")):
            return folder
    return None


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + rest
