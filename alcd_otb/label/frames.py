"""Pack the data for the page: a header in JSON, and the visible part of the map, of which only changes are sent."""

import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array, UInt8Array
from alcd_otb.live.maps import Maps
from alcd_otb.raster.grid import Window

PLANES = ("labels", "confidence", "margin")
"""Values sent for each pixel, a byte each: the class code; confidence and margin in steps of 1 / STEPS."""

STEPS = 250
"""Steps of confidence and margin from 0 to 1."""

_KEPT = 8
"""Parts of maps that are kept, to send only changes."""
_LENGTH = 4
"""Bytes of the length of the header, the lowest first."""

Bytes = npt.NDArray[np.uint8]


def in_steps(values: Float32Array) -> UInt8Array:
    """Write values from 0 to 1 in bytes; NaN becomes 0."""
    scaled = np.nan_to_num(values, nan=0.0) * np.float32(STEPS) + np.float32(0.5)
    steps: UInt8Array = np.clip(scaled, 0, STEPS).astype(np.uint8)
    return steps


class _Sent(NamedTuple):
    window: Window
    planes: tuple[str, ...]
    stack: Bytes


class SentMaps:
    """The parts of maps that were sent last. An answer holds the difference from the one that the page has."""

    def __init__(self) -> None:
        self._sent: OrderedDict[int, _Sent] = OrderedDict()
        self._next = 1
        self._packing = threading.Lock()

    def packed(self, window: Window, planes: dict[str, Bytes], base: int | None) -> tuple[dict[str, Any], bytes]:
        """Pack a part of a map.

        Parameters
        ----------
        window
            The part.
        planes
            (rows, columns) of each plane.
        base
            Number of the part that the page has, or None.

        Returns
        -------
        tuple
            Its description for the page: its number, window, planes, and ``base``, the number of the part from which
            the bytes differ by exclusive or, or None. Then the bytes, plane by plane, deflated.
        """
        stack = np.stack(list(planes.values()))
        known = self._sent.get(base) if base is not None else None
        if known is not None and (known.window, known.planes) == (window, tuple(planes)):
            content = np.bitwise_xor(stack, known.stack)
        else:
            content, base = stack, None
        with self._packing:
            number = self._next
            self._next += 1
            self._sent[number] = _Sent(window, tuple(planes), stack)
            while len(self._sent) > _KEPT:
                self._sent.popitem(last=False)
        described = {"number": number, "window": list(window), "planes": list(planes), "base": base}
        return described, zlib.compress(content.tobytes(), 1)


def frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Join a header and the bytes of a map to one answer: the header's length, the header, the bytes."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return len(text).to_bytes(_LENGTH, "little") + text + body


def planes_of(names: Sequence[str], maps: Maps) -> dict[str, Bytes]:
    """Choose the planes to send. Those that the classifier does not give are left out.

    Parameters
    ----------
    names
        Names of PLANES.
    maps
        The maps of a live session.
    """
    given: dict[str, Bytes] = {"labels": maps.labels}
    if maps.confidence is not None:
        given["confidence"] = in_steps(maps.confidence)
    if maps.margin is not None:
        given["margin"] = in_steps(maps.margin)
    return {name: given[name] for name in PLANES if name in names and name in given}
