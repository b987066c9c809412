"""Find the Level-1C product in a folder or an archive, in one of the layouts that products are handed out in."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import inaccessible
from alcd_otb.files.xml_file import MOST_METADATA
from alcd_otb.products.container import Container, open_container
from alcd_otb.products.refusals import L1C_METADATA, is_product_metadata, unreadable, why_not_l1c

AMAZON_METADATA = "metadata.xml"
"""The metadata of a tile in the layout of the open data on Amazon."""

_AMAZON_BAND = re.compile(r"B\d[\dA]\.jp2", re.ASCII)
_AMAZON_TILE = "tileInfo.json"
_MOST_NAMED = 5


@dataclass(frozen=True)
class SafeArchive:
    """An L1C product on disk. Nothing is unpacked.

    Attributes
    ----------
    container
        The folder or the archive in which it lies.
    root
        The folder of the product inside the archive. Empty if the product lies at its top, or is a folder on disk.
    metadata
        The name of the file of the product metadata, in the root. None if there is none, in the layout of Amazon.
    files
        The files of the product, relative to the root, with ``/`` as separator, sorted.
    """

    container: Container
    root: str
    metadata: str | None
    files: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The absolute path of the folder or of the archive."""
        return self.container.path

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the product on disk, without suffixes: of its folder, and of the archive around it."""
        folder = PurePosixPath(self.root).name
        return tuple(name.removesuffix(".SAFE") for name in (folder, self.container.stem) if name)

    @property
    def is_amazon(self) -> bool:
        """Whether the product is in the layout of the open data on Amazon: one folder a tile, without GRANULE."""
        return AMAZON_METADATA in self.files and not any(file.startswith("GRANULE/") for file in self.files)

    def location(self, file: str) -> str:
        """Return the path of a file for messages."""
        return self.container.location(self._name(file))

    def gdal_path(self, file: str) -> str:
        """Return the path by which GDAL, and thereby OTB, opens a file without unpacking it."""
        return self.container.gdal_path(self._name(file))

    def read(self, file: str, most: int = MOST_METADATA) -> bytes:
        """Read the content of a small file, such as XML.

        Raises
        ------
        ProductError
            The file cannot be read, or is larger than `most` bytes.
        """
        return self.container.read(self._name(file), most)

    def _name(self, file: str) -> str:
        return str(PurePosixPath(self.root, file))


def open_archive(path: Path) -> SafeArchive:
    """List the files of a product.

    Parameters
    ----------
    path
        A folder of a product, of any name, its file of metadata, or a zip or tar archive with the product at its top or
        in one folder of any name.

    Raises
    ------
    ProductError
        The path is not one of these, the product is not Level-1C, or there is more than one product.
    """
    path = path.absolute()
    try:
        if not path.exists():
            raise ProductError(f"{path}: there is no such file or folder; check the product's path")
        is_metadata = is_product_metadata(path) or (path.name == AMAZON_METADATA and is_product_folder(path.parent))
        archive = _archive(open_container(path.parent if is_metadata else path))
    except OSError as error:
        raise unreadable(path, inaccessible(error)) from error
    for file in archive.files:
        archive.container.check(archive._name(file))
    return archive


def is_product_folder(path: Path) -> bool:
    """Return whether a folder holds a Level-1C product, by its files of metadata, whatever its name is."""
    if not path.is_dir():
        return False
    names = {file.name for file in path.iterdir()}
    return any(L1C_METADATA.fullmatch(name) for name in names) or _is_amazon_folder(names)


def is_amazon_folder(path: Path) -> bool:
    """Return whether a folder holds one tile in the layout of the open data on Amazon."""
    return _is_amazon_folder({file.name for file in path.iterdir()})


def _archive(container: Container) -> SafeArchive:
    """Find the product among the files of a folder or of an archive."""
    members = [PurePosixPath(name) for name in container.names]
    metadata = [member for member in members if L1C_METADATA.fullmatch(member.name)]
    if not metadata:
        roots = _amazon_roots(members)
        if not roots:
            raise why_not_l1c(container.path, members)
    else:
        roots = [member.parent for member in metadata]
    if len(roots) > 1:
        listed = ", ".join(str(file) for file in (metadata or roots)[:_MOST_NAMED])
        what = "product metadata file" if metadata else "tile"
        raise ProductError(f"{container.path}: holds more than one {what} ({listed}); keep one product")
    root = "" if str(roots[0]) == "." else str(roots[0])
    prefix = f"{root}/" if root else ""
    files = sorted(name.removeprefix(prefix) for name in container.names if name.startswith(prefix))
    return SafeArchive(container, root, metadata[0].name if metadata else None, tuple(files))


def _amazon_roots(members: list[PurePosixPath]) -> list[PurePosixPath]:
    """Find the folders that are tiles in the layout of Amazon."""
    names: dict[PurePosixPath, set[str]] = {}
    for member in members:
        names.setdefault(member.parent, set()).add(member.name)
    return [folder for folder, inside in names.items() if _is_amazon_folder(inside)]


def _is_amazon_folder(names: set[str]) -> bool:
    return AMAZON_METADATA in names and (_AMAZON_TILE in names or any(_AMAZON_BAND.fullmatch(name) for name in names))
