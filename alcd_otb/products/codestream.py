"""Find damage in the bytes of a JPEG 2000 file, without decoding it.

Values that compressed data never contain reveal damaged bytes: a byte 0xFF followed by one above 0x8F, since the coder
puts a bit between (ISO/IEC 15444-1, annexes B.10.1 and C.2.7), and long runs of zeros. Tile-parts give their lengths,
which must lead from each to the next and to the end.
"""

import math
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alcd_otb.products.jpeg2000 import codestream_of
from alcd_otb.products.refusals import damaged
from otb_pipelines.process import gdal

_SOC, _SIZ, _COD, _QCD, _SOT, _SOP, _EPH, _SOD, _EOC = (
    0xFF4F,
    0xFF51,
    0xFF52,
    0xFF5C,
    0xFF90,
    0xFF91,
    0xFF92,
    0xFF93,
    0xFFD9,
)
_NAMES = {_SIZ: "SIZ", _COD: "COD", _QCD: "QCD"}
_USES_SOP, _USES_EPH = 2, 4
_BYPASS, _OTHER_BLOCKS = 1, 0xC0
_LARGEST_STUFFED = 0x8F
_SOP_BEGIN, _SOP_LENGTH = b"\xff\x91\x00\x04", 6

_PIECE = 96 << 10
"""Bytes that are checked together; they fit into the processor's cache."""

_LONGEST_ZEROS = 64
"""Zeros in a row that an arithmetic coder's output of anything uneven is taken to hold at most."""

Listener = Callable[[bytes | bytearray], None]
"""Gets all bytes of a file, one piece after the other."""


class _DamageError(Exception):
    """Where in the file something is wrong, and what."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"is damaged at byte {offset}: {reason}")


def check_codestream(path: str, listener: Listener | None = None) -> None:
    """Check the bytes of a JPEG 2000 file. All of it is read once, and nothing is decoded.

    Parameters
    ----------
    path
        A path that GDAL's virtual file systems open.
    listener
        Gets all bytes of the file, in their order, such as to compute a checksum.

    Raises
    ------
    ProductError
        The file is absent, is not a JP2 file, is cut off or damaged.
    """
    begin, end = codestream_of(path)
    with _opened(path, listener) as stream:
        try:
            stream.skip_to(begin)
            _Codestream(stream, end).check()
            stream.finish()
        except _DamageError as error:
            raise damaged(path, str(error)) from error


class _Stream:
    """A file that is read from its beginning to its end."""

    def __init__(self, file: Any, listener: Listener | None) -> None:
        self._file = file
        self._listener = listener
        self.offset = 0

    def read(self, count: int) -> bytes | bytearray:
        """Read exactly this number of bytes."""
        content = self._some(count)
        if len(content) < count:
            raise _DamageError(self.offset, "the file ends here, before the end that its header states")
        return content

    def number(self) -> int:
        """Read a number of two bytes."""
        return int(struct.unpack(">H", self.read(2))[0])

    def skip_to(self, offset: int) -> None:
        """Read up to an offset."""
        while self.offset < offset:
            self.read(min(_PIECE, offset - self.offset))

    def finish(self) -> None:
        """Read what is left."""
        while self._some(_PIECE):
            pass

    def _some(self, count: int) -> bytes | bytearray:
        try:
            content: bytes | bytearray = gdal.VSIFReadL(1, count, self._file) or b""
        except RuntimeError as error:
            raise _DamageError(self.offset, f"it cannot be unpacked ({' '.join(str(error).split())})") from error
        self.offset += len(content)
        if self._listener is not None:
            self._listener(content)
        return content


@contextmanager
def _opened(path: str, listener: Listener | None) -> Iterator[_Stream]:
    file = gdal.VSIFOpenL(path, "rb")
    try:
        yield _Stream(file, listener)
    finally:
        gdal.VSIFCloseL(file)


@dataclass
class _Codestream:
    """A codestream that is checked while it is read, and the content of its main header.

    Attributes
    ----------
    stream
        The file, at the codestream's first byte.
    end
        Offset of the end of the codestream.
    tiles
        Number of tiles.
    longest_zeros
        Zeros in a row that a tile-part may hold. None if it may hold any number.
    allowed
        The second bytes of the markers that may stand in a tile-part.
    """

    stream: _Stream
    end: int
    tiles: int = 0
    longest_zeros: int | None = None
    allowed: tuple[int, ...] = ()
    _seen: set[int] = field(default_factory=set)

    def check(self) -> None:
        """Read the codestream to its end."""
        marker = self._main_header()
        while marker == _SOT:
            self._tile_part()
            marker = self.stream.number()
        place = self.stream.offset - 2
        if marker != _EOC:
            raise _DamageError(place, "no tile-part begins here, after the end of the last one")
        if self.stream.offset != self.end:
            raise _DamageError(place, "the image ends here, but the file continues")
        if len(self._seen) < self.tiles:
            raise _DamageError(place, f"the image ends here, with {len(self._seen)} of its {self.tiles} tiles")

    def _main_header(self) -> int:
        """Read the main header, and return the marker after it."""
        if self.stream.number() != _SOC:
            raise _DamageError(self.stream.offset - 2, "no codestream begins here")
        segments: dict[int, bytes | bytearray] = {}
        place = self.stream.offset
        while (marker := self.stream.number()) not in (_SOT, _EOC):
            segments.setdefault(marker, self._segment(marker))
        for needed, name in _NAMES.items():
            if needed not in segments:
                raise _DamageError(place, f"its main header has no {name}")
        try:
            self._read_layout(segments[_SIZ], segments[_COD])
        except (struct.error, IndexError, ValueError) as error:
            raise _DamageError(place, "its main header contradicts itself") from error
        return marker

    def _segment(self, marker: int) -> bytes | bytearray:
        """Read the segment of a marker."""
        place = self.stream.offset - 2
        if not 0xFF01 <= marker <= 0xFFFE:
            raise _DamageError(place, "there is no marker here, but the header continues")
        length = self.stream.number()
        if length < 2 or place + 2 + length > self.end:
            raise _DamageError(place, f"marker 0x{marker:04X} has an invalid length")
        return self.stream.read(length - 2)

    def _read_layout(self, size: bytes | bytearray, style: bytes | bytearray) -> None:
        """Read the numbers of tiles, packets and code-blocks (annexes A.5.1 and A.6.1)."""
        right, bottom, left, top, width, height, tiles_left, tiles_top, components = struct.unpack_from(">8IH", size, 2)
        if not (tiles_left <= left < right and tiles_top <= top < bottom and width and height and components):
            raise ValueError("no pixels")
        self.tiles = math.ceil((right - tiles_left) / width) * math.ceil((bottom - tiles_top) / height)
        uses, _, layers, _, levels, block_width, block_height, bits = struct.unpack_from(">BBHBBBBB", style)
        self.allowed = (*([_SOP & 0xFF] if uses & _USES_SOP else []), *([_EPH & 0xFF] if uses & _USES_EPH else []))
        if bits & (_BYPASS | _OTHER_BLOCKS):
            # Such code-blocks hold plain bits, which may all be 0.
            return
        width, height = min(width, right - left), min(height, bottom - top)
        packets = 0
        for resolution in range(levels + 1):
            powers = style[10 + resolution] if uses & 1 else 0xFF
            across, down = (
                math.ceil(side / 2 ** (levels - resolution + power)) + 1
                for side, power in ((width, powers & 15), (height, powers >> 4))
            )
            packets += across * down * components * layers
        in_row = math.ceil(width / 2 ** (block_width + 2))
        in_tile = in_row * math.ceil(height / 2 ** (block_height + 2))
        # An empty packet is a byte of 0. In the header of a packet a code-block that has nothing in it is a bit of 0:
        # one of each row of them follow each other, and all of a tile where others than the first layer may have it.
        bits_of_blocks = 4 * (in_row if layers == 1 else in_tile)
        # Of a perfectly even surface, such as a ramp, a code-block has a bit of 0 for each of its pixels.
        even = 2 * 2 ** (block_width + block_height + 4)
        self.longest_zeros = _LONGEST_ZEROS + packets + (bits_of_blocks + even) // 8

    def _tile_part(self) -> None:
        """Read a tile-part, of which the marker is read already (annex A.4.2)."""
        begin = self.stream.offset - 2
        length, tile, size = struct.unpack(">HHI", self.stream.read(8))
        self.stream.read(2)
        end = begin + size if size else self.end - 2
        if length != 10 or tile >= self.tiles or not begin + 14 <= end <= self.end - 2:
            raise _DamageError(begin, "the tile-part that begins here has an invalid number or length")
        self._seen.add(tile)
        while (marker := self.stream.number()) != _SOD:
            content = self._segment(marker)
            if marker == _COD and content:
                self.allowed = (_SOP & 0xFF, _EPH & 0xFF)
                self.longest_zeros = None
            if self.stream.offset + 2 > end:
                raise _DamageError(begin, "the tile-part that begins here ends within its header")
        self._body(end)

    def _body(self, end: int) -> None:
        """Read the packets of a tile-part."""
        reach = max(self.longest_zeros or 0, _SOP_LENGTH) + 1
        before: bytes | bytearray = b""
        while self.stream.offset < end:
            place = self.stream.offset
            content = self.stream.read(min(_PIECE, end - place))
            # What lies across the border of two pieces, with what stands before it.
            self._check_piece(before + content[:reach], place - len(before), max(len(before) - 1, 0))
            self._check_piece(content, place, _SOP_LENGTH)
            before = content[-reach:] if len(content) >= reach else (before + content)[-reach:]

    def _check_piece(self, content: bytes | bytearray, first: int, begin: int) -> None:
        """Check bytes that begin at an offset of the file, and pairs that begin at an index of the bytes."""
        values = np.frombuffer(content, dtype=np.uint8)
        forbidden = values[:-1] == 0xFF
        forbidden &= values[1:] > _LARGEST_STUFFED
        for place in np.flatnonzero(forbidden) if forbidden.any() else ():
            value = int(values[place + 1])
            # The number of a packet follows its marker SOP without stuffing.
            is_number = _SOP & 0xFF in self.allowed and _SOP_BEGIN in content[max(place - 5, 0) : place]
            if place >= begin and value not in self.allowed and not is_number:
                reason = f"0xFF is followed by 0x{value:02X}, which compressed data cannot contain"
                raise _DamageError(first + int(place), reason)
        if self.longest_zeros is not None:
            zeros = content.find(bytes(self.longest_zeros + 1))
            if zeros >= 0:
                raise _DamageError(
                    first + zeros, f"more than {self.longest_zeros} zeros follow, which compressed data cannot contain"
                )
