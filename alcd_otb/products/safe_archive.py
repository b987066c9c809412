"""List and read the files of a Sentinel-2 SAFE product in a folder or in a zip archive."""

import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from alcd_otb.errors import ProductError

_L1C_METADATA = re.compile(r"MTD_MSIL1C\.xml|S2\w_OPER_MTD_SAFL1C_\w+\.xml")
_OTHER_METADATA = re.compile(r"MTD_MSI(L\w+)\.xml|S2\w_\w{4}_MTD_SAF(L\w{2})_\w+\.xml")
_FOLDER_PATTERNS = ("*", "GRANULE/*/*", "GRANULE/*/IMG_DATA/*")


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
            The file cannot be read.
        """
        try:
            if self.is_zip:
                with zipfile.ZipFile(self.path) as archive:
                    return archive.read(str(PurePosixPath(self.root, file)))
            return (self.path / file).read_bytes()
        except PermissionError as error:
            raise forbidden(self.location(file)) from error
        # zipfile raises RuntimeError for an encrypted member, NotImplementedError for an unknown compression.
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
            raise damaged(self.location(file), f"cannot be read ({error})") from error


def damaged(path: str | Path, reason: str) -> ProductError:
    """Make the error of a product that lacks something or contradicts itself. Only another copy of it helps.

    Parameters
    ----------
    path
        The product, or its file.
    reason
        The rest of the sentence that begins with the path, such as ``cannot be opened``.
    """
    return ProductError(f"{path}: {reason}; download the product again")


def forbidden(path: str | Path) -> ProductError:
    """Make the error of a file that is there, and may not be read."""
    return ProductError(f"{path}: you may not read it; change its permissions (chmod u+r)")


def open_archive(path: Path) -> SafeArchive:
    """List the files of a product.

    Parameters
    ----------
    path
        A .SAFE folder, or a zip archive with the product at its top or in one folder of any name.

    Raises
    ------
    ProductError
        The path is neither, the product is not Level-1C, or there is more than one product.
    """
    path = path.absolute()
    if not path.exists():
        raise ProductError(f"{path}: there is no such file or folder; check the product's path")
    is_folder = path.is_dir()
    members = _folder_members(path) if is_folder else _zip_members(path)
    candidates = [PurePosixPath(name) for name in members]
    metadata = [member for member in candidates if _L1C_METADATA.fullmatch(member.name)]
    if not metadata:
        raise ProductError(_why_not_l1c(path, candidates))
    if len(metadata) > 1:
        listed = ", ".join(str(file) for file in metadata)
        raise ProductError(f"{path}: holds more than one product metadata file ({listed}); keep one product")
    root = "" if str(metadata[0].parent) == "." else str(metadata[0].parent)
    prefix = f"{root}/" if root else ""
    files = sorted(name.removeprefix(prefix) for name in members if name.startswith(prefix))
    return SafeArchive(path, root, metadata[0].name, tuple(files))


def _folder_members(path: Path) -> list[str]:
    return [
        file.relative_to(path).as_posix()
        for pattern in _FOLDER_PATTERNS
        for file in path.glob(pattern)
        if file.is_file() and not _is_twin(file.name)
    ]


def _zip_members(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except PermissionError as error:
        raise forbidden(path) from error
    except (OSError, zipfile.BadZipFile) as error:
        raise damaged(path, f"is neither a .SAFE folder nor a whole zip archive ({error})") from error
    return [name for name in names if not name.endswith("/") and not _is_twin(PurePosixPath(name).name)]


def _is_twin(name: str) -> bool:
    """Say whether a file is one of those that macOS adds to folders and archives.

    They have the name of another file after ``._``, so that they end like metadata and bands.
    """
    return name.startswith("._")


def _why_not_l1c(path: Path, members: list[PurePosixPath]) -> str:
    for member in members:
        other = _OTHER_METADATA.fullmatch(member.name)
        if other:
            level = (other[1] or other[2]).replace("L", "Level-", 1)
            return f"{path}: is a {level} product; give the Level-1C product (MSIL1C) of the same acquisition"
    inner = sorted(folder.name for folder in path.glob("*.SAFE")) if path.is_dir() else []
    if inner:
        return f"{path}: holds {', '.join(inner)}; give the .SAFE folder itself"
    return f"{path}: has no MTD_MSIL1C.xml, so is no Sentinel-2 L1C product; give a .SAFE folder or its .zip"
