"""List and read the files of a product in a folder, in a zip or in a tar archive. Nothing is unpacked."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import MEGABYTE, UnreadableError, inaccessible, read_limited, too_large
from alcd_otb.files.tar_file import TarMember, is_gzip, is_tar, read_tar_member, tar_members
from alcd_otb.files.xml_file import MOST_METADATA
from alcd_otb.files.zip_file import Member, read_member, zip_members
from alcd_otb.products.refusals import damaged, unreadable, why_no_archive

log = logging.getLogger(__name__)

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz")
"""Suffixes of the archives in which products are read."""

_PATTERNS = (
    *("*", "GRANULE/*/*", "GRANULE/*/IMG_DATA/*", "GRANULE/*/QI_DATA/*"),
    # A granule alone, and a tile of the open data on Amazon.
    *("IMG_DATA/*", "QI_DATA/*", "qi/*"),
)
_MOST_OF_FILE = 1024 * MEGABYTE
"""Largest size in bytes of any file of a product. A band of 10 m, not compressed, has 241 MB."""


@dataclass(frozen=True)
class Container:
    """A folder or an archive with its files.

    Attributes
    ----------
    path
        Its absolute path.
    names
        The files that a product may have, relative to it, with ``/`` between folders.
    members
        The files by their names if it is an archive; empty if it is a folder.
    """

    path: Path
    names: tuple[str, ...]
    members: Mapping[str, Member] = field(hash=False, default_factory=dict)

    @property
    def is_archive(self) -> bool:
        """Whether this is not a folder."""
        return bool(self.members)

    @property
    def stem(self) -> str:
        """The name without the suffix of an archive."""
        suffix = next((suffix for suffix in ARCHIVE_SUFFIXES if self.path.name.lower().endswith(suffix)), "")
        return self.path.name.removesuffix(suffix) if self.is_archive else self.path.name

    def gdal_path(self, name: str) -> str:
        """Return the path by which GDAL, and thereby OTB, opens a file in place."""
        member = self.members.get(name)
        if member is None:
            return str(self.path / name)
        if isinstance(member, TarMember):
            # GDAL's own reader of tar archives does not read all kinds of long names.
            inner = f"/vsigzip/{self.path}" if is_gzip(self.path) else self.path
            return f"/vsisubfile/{member.place}_{member.size},{inner}"
        # GDAL looks for ".zip" in the path. Braces mark the archive, whatever its name and its folder are.
        return f"/vsizip/{{{self.path}}}/{name}"

    def location(self, name: str) -> str:
        """Return the path of a file for messages."""
        return str(PurePosixPath(self.path, name))

    def read(self, name: str, most: int = MOST_METADATA) -> bytes:
        """Read the content of a small file, such as XML.

        Raises
        ------
        ProductError
            The file cannot be read, or is larger than `most` bytes.
        """
        member = self.members.get(name)
        try:
            if isinstance(member, TarMember):
                return read_tar_member(self.path, member, most)
            return read_limited(self.path / name, most) if member is None else read_member(self.path, name, most)
        except UnreadableError as error:
            raise unreadable(self.location(name), error) from error

    def check(self, name: str) -> None:
        """Check that a member of an archive can be read, from its entry in the archive.

        Raises
        ------
        ProductError
            It cannot.
        """
        member = self.members.get(name)
        if member is not None and member.problem is not None:
            raise ProductError(f"{self.location(name)}: {member.problem}")
        if member is not None and member.size > _MOST_OF_FILE:
            raise damaged(self.location(name), too_large(_MOST_OF_FILE))


def open_container(path: Path) -> Container:
    """List the files in a folder or an archive.

    Parameters
    ----------
    path
        An absolute path that exists.

    Raises
    ------
    ProductError
        The file is not a whole archive of a kind that is read, or may not be read.
    """
    try:
        if path.is_dir():
            return Container(path, tuple(dict.fromkeys(_names_in(path))))
        members: dict[str, Member] = {member.name: member for member in _members(path)}
    except UnreadableError as error:
        raise why_no_archive(path, error) from error
    except OSError as error:
        raise unreadable(path, inaccessible(error)) from error
    return Container(path, tuple(name for name in members if not _is_twin(name)), members)


def has_archive_suffix(path: Path) -> bool:
    """Return whether a file is named like an archive in which products are read."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES)


def _members(path: Path) -> tuple[Member, ...]:
    if not is_tar(path):
        return zip_members(path)
    if is_gzip(path):
        log.info(
            "%s: is compressed as a whole, which makes it slow to read; unpacked (tar -xf), it is fast",
            path,
        )
    try:
        return tar_members(path)
    except UnreadableError as error:
        raise unreadable(path, error) from error


def _names_in(folder: Path) -> list[str]:
    return [
        file.relative_to(folder).as_posix()
        for pattern in _PATTERNS
        for file in folder.glob(pattern)
        if file.is_file() and not _is_twin(file.name)
    ]


def _is_twin(name: str) -> bool:
    """Return whether a file is one of those that macOS adds to folders and archives.

    They have the name of another file after ``._``, so that they end like metadata and bands.
    """
    return PurePosixPath(name).name.startswith("._")
