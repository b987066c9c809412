"""Send JSON and arrays through a pipe. Reading a message never runs its content."""

import io
import json
import struct
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_LENGTH = struct.Struct("<Q")


class PipeClosedError(Exception):
    """The other process has ended: the pipe ended instead of a message."""


def send_json(pipe: IO[bytes], content: Any) -> None:
    """Send what JSON can hold."""
    _send(pipe, json.dumps(content).encode())


def receive_json(pipe: IO[bytes]) -> Any:
    """Receive what `send_json` sent."""
    return json.loads(_receive(pipe))


def send_arrays(pipe: IO[bytes], arrays: Mapping[str, NDArray[Any]]) -> None:
    """Send arrays of numbers, by name."""
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    _send(pipe, archive.getbuffer())


def receive_arrays(pipe: IO[bytes]) -> dict[str, NDArray[Any]]:
    """Receive what `send_arrays` sent."""
    with np.load(io.BytesIO(_receive(pipe)), allow_pickle=False) as archive:
        return dict(archive)


def _send(pipe: IO[bytes], content: bytes | memoryview) -> None:
    pipe.write(_LENGTH.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    (length,) = _LENGTH.unpack(_whole(pipe, _LENGTH.size))
    return _whole(pipe, length)


def _whole(pipe: IO[bytes], size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise PipeClosedError
    return content
