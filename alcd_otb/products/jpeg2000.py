"""Check that a JPEG 2000 file is complete, and find its wavelet levels, without decoding it."""

import math
import os
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from alcd_otb.errors import ProductError
from alcd_otb.products.refusals import damaged, forbidden
from alcd_otb.raster.opening import GEOTIFF, JPEG2000, open_raster
from otb_pipelines.process import gdal

_SIGNATURE_BOX = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_CODESTREAM_BOX = b"jp2c"
_END_OF_CODESTREAM = b"\xff\xd9"
_SEEK_SET = 0


def check_complete(path: str) -> None:
    """Check that a JP2 file is not cut off. Only some hundred bytes are read.

    The boxes (ISO/IEC 15444-1, annex I) must end within the file, and the codestream must end with its EOC marker
    (annex A), two bytes that cannot occur inside compressed data. A compressed member of a zip archive is inflated once
    to reach its end, but it is not decoded.

    Parameters
    ----------
    path
        A path that GDAL's virtual file systems open.

    Raises
    ------
    ProductError
        The file is absent, is not a JP2 file, or is cut off.
    """
    codestream_of(path)


class Extent(NamedTuple):
    """Offsets of the first byte of something in a file, and of the byte after it."""

    begin: int
    end: int


def codestream_of(path: str) -> Extent:
    """Find the codestream in a JP2 file.

    Raises
    ------
    ProductError
        As `check_complete` does.
    """
    status = gdal.VSIStatL(path)
    file = gdal.VSIFOpenL(path, "rb") if status is not None else None
    if file is None:
        raise forbidden(path) if os.path.exists(path) else damaged(path, "cannot be opened")
    try:
        return _check(file, path, status.size)
    except RuntimeError as error:
        raise damaged(path, f"cannot be unpacked ({' '.join(str(error).split())})") from error
    finally:
        gdal.VSIFCloseL(file)


def _check(file: Any, path: str, size: int) -> Extent:
    if _read(file, 0, len(_SIGNATURE_BOX)) != _SIGNATURE_BOX:
        raise damaged(path, "is not a JPEG 2000 file")
    offset = 0
    while offset < size:
        box = _read_box(file, offset, size)
        if box.length < box.header_length or offset + box.length > size:
            raise damaged(path, f"is cut off: the box at byte {offset} does not fit into the {size} bytes of the file")
        if box.kind == _CODESTREAM_BOX:
            if _read(file, offset + box.length - 2, 2) != _END_OF_CODESTREAM:
                raise damaged(path, f"is cut off: its {size} bytes end before the image does")
            return Extent(offset + box.header_length, offset + box.length)
        offset += box.length
    raise damaged(path, f"is cut off: its {size} bytes hold no image")


class _Box(NamedTuple):
    """A box of a JP2 file: its type, and the bytes of its header and of all of it.

    The length is 0 if the file ends within the header.
    """

    kind: bytes
    header_length: int
    length: int


def _read_box(file: Any, offset: int, size: int) -> _Box:
    header = _read(file, offset, 8)
    if len(header) < 8:
        return _Box(b"", 8, 0)
    length, kind = struct.unpack(">I4s", header)
    if length == 0:
        return _Box(kind, 8, size - offset)
    if length == 1:
        extended = _read(file, offset + 8, 8)
        return _Box(kind, 16, struct.unpack(">Q", extended)[0] if len(extended) == 8 else 0)
    return _Box(kind, 8, length)


def _read(file: Any, offset: int, count: int) -> bytes:
    gdal.VSIFSeekL(file, offset, _SEEK_SET)
    return bytes(gdal.VSIFReadL(1, count, file) or b"")


def coarsest_level(path: str, resolution: float) -> int:
    """Find the coarsest wavelet level of a JPEG 2000 file whose pixels are not larger than a resolution.

    Parameters
    ----------
    path
        A path that GDAL opens.
    resolution
        Side of a pixel in map units.

    Returns
    -------
    int
        The level. 0 is the file itself. Files of other formats have level 0 only, since it is not known how their
        overviews were made.

    Raises
    ------
    ProductError
        The file cannot be read.
    """
    return _coarsest_level(path, resolution, is_part=False)


def coarsest_common_level(paths: Sequence[str], resolution: float) -> int:
    """Find the coarsest wavelet level, as `coarsest_level` does, at which the files of a band can be joined."""
    return min(_coarsest_level(path, resolution, len(paths) > 1) for path in paths)


def _coarsest_level(path: str, resolution: float, is_part: bool) -> int:
    source = _open(path)
    if not source.GetDriver().ShortName.startswith("JP2"):
        return 0
    band = source.GetRasterBand(1)
    level = max(0, math.floor(math.log2(resolution / source.GetGeoTransform()[1]) + 1e-9))
    while level and not (_has_level(band, level) and (not is_part or _has_whole_tiles(band, level))):
        level -= 1
    return level


def _has_whole_tiles(band: gdal.Band, level: int) -> bool:
    """Return whether each tile of the file begins with a pixel of the level, so that it can be joined with others."""
    return all(
        side >= size or side % 2**level == 0
        for side, size in zip(band.GetBlockSize(), (band.XSize, band.YSize), strict=True)
    )


def _has_level(band: gdal.Band, level: int) -> bool:
    if level > band.GetOverviewCount():
        return False
    overview = band.GetOverview(level - 1)
    return bool(overview.XSize == -(-band.XSize // 2**level) and overview.YSize == -(-band.YSize // 2**level))


def _open(path: str) -> gdal.Dataset:
    try:
        return open_raster(path, (*JPEG2000, *GEOTIFF, "VRT"))
    except RuntimeError as error:
        raise ProductError(f"{path}: cannot be read ({error}); download the product again") from error
