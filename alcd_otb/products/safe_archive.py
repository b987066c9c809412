"""List and read the files of a Sentinel-2 SAFE product in a folder or in a zip archive."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import MEGABYTE, UnreadableError, inaccessible, read_limited, too_large
from alcd_otb.files.xml_file import MOST_METADATA
from alcd_otb.files.zip_file import read_member, zip_members
from alcd_otb.products.refusals import (
    L1C_METADATA,
    damaged,
    is_product_metadata,
    unreadable,
    why_no_archive,
    why_not_l1c,
)

_FOLDER_PATTERNS = ("*", "GRANULE/*/*", "GRANULE/*/IMG_DATA/*")
_MOST_OF_FILE = 1024 * MEGABYTE
"""Largest size in bytes of any file of a product. A band of 10 m, not compressed, has 241 MB."""
_MOST_NAMED = 5


@dataclass(frozen=True)
class SafeArchive:
    """An L1C product on disk. Nothing is unpacked.

    Attributes
    ----------
    path
        The absolute path of the .SAFE folder or of the .zip file.
    root
        The folder of the product inside the zip file. Empty if the product lies at its top, or is a folder on disk.
    metadata
        The name of the file of the product metadata, in the root.
    files
        The files of the product, relative to the root, with ``/`` as separator, sorted.
    """

    path: Path
    root: str
    metadata: str
    files: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the product on disk, without suffixes: of its folder, and of the zip file around it."""
        folder = PurePosixPath(self.root).name
        outer = self.path.name.removesuffix(".zip") if self.is_zip else self.path.name
        return tuple(name.removesuffix(".SAFE") for name in (folder, outer) if name)

    @property
    def is_zip(self) -> bool:
        """Whether the product is read in its zip file."""
        return not self.path.is_dir()

    def location(self, file: str) -> str:
        """Return the path of a file for messages."""
        return str(PurePosixPath(self.path, self.root, file))

    def gdal_path(self, file: str) -> str:
        """Return the path by which GDAL, and thereby OTB, opens a file without unpacking it."""
        if self.is_zip:
            # GDAL looks for ".zip" in the path. Braces mark the archive, whatever its name and its folder are.
            return f"/vsizip/{{{self.path}}}/{PurePosixPath(self.root, file)}"
        return str(self.path / file)

    def read(self, file: str) -> bytes:
        """Read the content of a small file, such as XML.

        Raises
        ------
        ProductError
            The file cannot be read, or is larger than metadata are.
        """
        try:
            if self.is_zip:
                return read_member(self.path, str(PurePosixPath(self.root, file)), MOST_METADATA)
            return read_limited(self.path / file, MOST_METADATA)
        except UnreadableError as error:
            raise unreadable(self.location(file), error) from error


def open_archive(path: Path) -> SafeArchive:
    """List the files of a product.

    Parameters
    ----------
    path
        A .SAFE folder, its file of product metadata, or a zip archive with the product at its top or in one folder of
        any name.

    Raises
    ------
    ProductError
        The path is none of these, the product is not Level-1C, or there is more than one product.
    """
    path = path.absolute()
    try:
        if not path.exists():
            raise ProductError(f"{path}: there is no such file or folder; check the product's path")
        path = path.parent if is_product_metadata(path) else path
        return _of_folder(path) if path.is_dir() else _of_zip(path)
    except OSError as error:
        raise unreadable(path, inaccessible(error)) from error


def _of_folder(path: Path) -> SafeArchive:
    names = [
        file.relative_to(path).as_posix()
        for pattern in _FOLDER_PATTERNS
        for file in path.glob(pattern)
        if file.is_file() and not _is_twin(file.name)
    ]
    return _archive(path, names)


def _of_zip(path: Path) -> SafeArchive:
    try:
        members = {member.name: member for member in zip_members(path)}
    except UnreadableError as error:
        raise why_no_archive(path, error) from error
    archive = _archive(path, [name for name in members if not _is_twin(PurePosixPath(name).name)])
    for file in archive.files:
        member = members[f"{archive.root}/{file}" if archive.root else file]
        if member.problem is not None:
            raise ProductError(f"{archive.location(file)}: {member.problem}")
        if member.size > _MOST_OF_FILE:
            raise damaged(archive.location(file), too_large(_MOST_OF_FILE))
    return archive


def _archive(path: Path, names: list[str]) -> SafeArchive:
    """Find the product among the files of a folder or of a zip archive."""
    members = [PurePosixPath(name) for name in names]
    metadata = [member for member in members if L1C_METADATA.fullmatch(member.name)]
    if not metadata:
        raise why_not_l1c(path, members)
    if len(metadata) > 1:
        listed = ", ".join(str(file) for file in metadata[:_MOST_NAMED])
        raise ProductError(f"{path}: holds more than one product metadata file ({listed}); keep one product")
    root = "" if str(metadata[0].parent) == "." else str(metadata[0].parent)
    prefix = f"{root}/" if root else ""
    files = sorted(name.removeprefix(prefix) for name in names if name.startswith(prefix))
    return SafeArchive(path, root, metadata[0].name, tuple(files))


def _is_twin(name: str) -> bool:
    """Say whether a file is one of those that macOS adds to folders and archives.

    They have the name of another file after ``._``, so that they end like metadata and bands.
    """
    return name.startswith("._")
