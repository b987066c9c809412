"""Compare files of a product with the checksums that it carries: those of its manifest, and of a zip archive."""

import hashlib
import logging
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple, Protocol, Self

from alcd_otb.files.reading import UnreadableError, read_limited
from alcd_otb.files.xml_file import MOST_METADATA, parse_xml
from alcd_otb.files.zip_file import member_checksum, read_member

log = logging.getLogger(__name__)

_ZIP = "/vsizip/{"
_MANIFEST = "manifest.safe"
_LEVELS_UP = 4
"""Folders from a band up to its product: IMG_DATA, that of the granule, GRANULE, and the product itself."""


class _Sum(Protocol):
    """A checksum that is being computed."""

    def update(self, data: bytes | bytearray, /) -> None:
        """Take in the next bytes."""

    def hexdigest(self) -> str:
        """Return the checksum of all bytes so far."""


class _Crc32:
    """The checksum of zip archives."""

    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | bytearray, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def _md5() -> _Sum:
    return hashlib.md5(usedforsecurity=False)


_ALGORITHMS = {
    "CRC-32": _Crc32,
    "MD5": _md5,
    "SHA-256": hashlib.sha256,
    "SHA3-256": hashlib.sha3_256,
}


class Stated(NamedTuple):
    """A checksum that a product carries of one of its files.

    Attributes
    ----------
    algorithm
        Its name, such as ``MD5``.
    value
        The checksum in hexadecimal digits.
    size
        Size of the file in bytes.
    source
        What states it, for messages.
    """

    algorithm: str
    value: str
    size: int
    source: str


@dataclass(frozen=True)
class Checksums:
    """The checksums of one file, stated and computed."""

    stated: tuple[Stated, ...]
    _computed: tuple[_Sum, ...]

    @classmethod
    def of(cls, path: str, size: int) -> Self:
        """Find the checksums that are stated of a file, before any of its bytes are seen.

        A manifest that states another size describes another file, such as the whole of which this is a crop, and is
        not followed. Neither is a checksum of a kind that is not known here.

        Parameters
        ----------
        path
            The file, by the path that GDAL opens.
        size
            Its size in bytes.
        """
        stated = tuple(
            one
            for one in (*_of_archive(path), *_of_manifest(path))
            if one.algorithm in _ALGORITHMS and one.size == size
        )
        return cls(stated, tuple(_ALGORITHMS[one.algorithm]() for one in stated))

    def update(self, data: bytes | bytearray) -> None:
        """Take in the next bytes of the file."""
        for one in self._computed:
            one.update(data)

    def problem(self) -> str | None:
        """Name which checksum all bytes of the file do not have; None if they have all."""
        for stated, computed in zip(self.stated, self._computed, strict=True):
            if computed.hexdigest() != stated.value.lower():
                return f"is damaged: its {stated.algorithm} is not the one that {stated.source} states"
        return None


def _of_archive(path: str) -> Iterator[Stated]:
    place = _place_in_zip(path)
    if place is not None:
        archive, name = place
        try:
            member = member_checksum(archive, name)
        except UnreadableError as error:
            log.warning("%s: its checksum cannot be looked up: %s %s", path, archive, error)
            return
        yield Stated("CRC-32", f"{member.crc32:08x}", member.size, "the zip archive")


def _of_manifest(path: str) -> Iterator[Stated]:
    """Find what the manifest of the product states of a file."""
    place = _place_in_zip(path)
    file = PurePosixPath(place[1] if place is not None else path)
    for folder in list(file.parents)[:_LEVELS_UP]:
        try:
            if place is not None:
                content = read_member(place[0], str(folder / _MANIFEST), MOST_METADATA)
            elif Path(folder, _MANIFEST).is_file():
                content = read_limited(Path(folder, _MANIFEST), MOST_METADATA)
            else:
                continue
        except UnreadableError:
            # A zip archive without a manifest here, or none that can be read: that file is not needed otherwise.
            continue
        yield from _stated_in(content, str(file.relative_to(folder)))
        return


def _stated_in(manifest: bytes, name: str) -> Iterator[Stated]:
    """Read what a manifest states of a file (XFDU, as in SAFE products)."""
    try:
        root = parse_xml(manifest)
    except UnreadableError as error:
        log.warning("%s %s; %s is not compared with its checksum", _MANIFEST, error, name)
        return
    for stream in root.iter("{*}byteStream"):
        location, checksum = stream.find("{*}fileLocation"), stream.find("{*}checksum")
        if location is None or checksum is None or location.get("href", "").removeprefix("./") != name:
            continue
        size = stream.get("size", "")
        if size.isdecimal() and checksum.text:
            algorithm = checksum.get("checksumName", "").upper()
            yield Stated(algorithm, checksum.text.strip(), int(size), _MANIFEST)


def _place_in_zip(path: str) -> tuple[Path, str] | None:
    """Split a path into a zip archive and the name in it; None if it lies in none."""
    if not path.startswith(_ZIP):
        return None
    archive, _, name = path.removeprefix(_ZIP).partition("}/")
    return Path(archive), name
