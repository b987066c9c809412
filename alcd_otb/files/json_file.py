"""Read JSON that others wrote: of limited size and depth, with finite numbers, and with texts that can be written."""

import json
import math
import os
from pathlib import Path
from typing import Any, NoReturn

from pydantic_core import from_json

from alcd_otb.files.reading import MEGABYTE, UnreadableError, inaccessible, read_limited, too_large, wide_encoding
from alcd_otb.text import quoted

MOST_JSON = 16 * MEGABYTE
"""Largest size of a JSON file in bytes."""

_DEEPEST = 64
_LONGEST_NUMBER = 20


def read_json(path: Path, repeated_keys: bool = False, most: int = MOST_JSON) -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path
        The file, in UTF-8 with or without a byte order mark.
    repeated_keys
        Whether an object may have a key twice, of which the last one counts.
    most
        Largest size of the file in bytes.

    Raises
    ------
    UnreadableError
        The file cannot be read, is too large, is not valid JSON, has a key twice in one object, is nested too deeply,
        or holds a number that is not finite, or an invalid text.
    """
    return parse_json(read_limited(path, most), repeated_keys)


def read_own_json(path: str, folder: int | None = None, most: int = MEGABYTE) -> Any:
    """Read a JSON file that this package has written, of which there may be many thousands.

    It is several times as fast as `read_json`, since what the file holds is not looked at again.

    Parameters
    ----------
    path
        The file.
    folder
        Descriptor of the open folder that the path is relative to, which spares looking up the folder for each file.
    most
        Largest size of the file in bytes.

    Raises
    ------
    UnreadableError
        The file cannot be read, is too large, or is not valid JSON.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder)
        try:
            content = os.read(descriptor, most + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise inaccessible(error) from error
    if len(content) > most:
        raise UnreadableError(too_large(most))
    try:
        # Twice as fast as the parser of Python's library.
        return from_json(content)
    except ValueError as error:
        raise UnreadableError(f"is not valid JSON ({error})") from error


def parse_json(content: bytes, repeated_keys: bool = False) -> Any:
    """Parse a JSON document. Parameters and errors are those of `read_json`."""
    wide = wide_encoding(content)
    if wide is not None:
        raise UnreadableError(f"is not valid JSON (it is in {wide}; save it as UTF-8)")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError("is not valid JSON (it is not text in UTF-8; save it as UTF-8)") from error
    try:
        parsed = json.loads(
            text,
            object_pairs_hook=None if repeated_keys else _without_repeats,
            parse_constant=_refused,
            parse_int=_whole,
            parse_float=_finite,
        )
    except json.JSONDecodeError as error:
        raise UnreadableError(f"is not valid JSON ({error})") from error
    except RecursionError as error:
        raise UnreadableError(_too_deep()) from error
    _check(parsed)
    return parsed


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for index, key in enumerate(keys) if key in keys[:index])
        raise UnreadableError(f"is not valid JSON (key {quoted(twice)} occurs twice)")
    return made


def _refused(name: str) -> NoReturn:
    raise UnreadableError(f"is not valid JSON ({name} is not a number in JSON)")


def _whole(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise UnreadableError(f"is not valid JSON (it holds a number of {len(digits)} digits)")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise UnreadableError(f"is not valid JSON (it holds the number {quoted(digits)}, which is too large)")
    return value


def _check(parsed: Any) -> None:
    """Refuse what is nested too deeply, and texts that no file can be written with."""
    level, depth = [parsed], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise UnreadableError(_too_deep())
        below: list[Any] = []
        for entry in level:
            if isinstance(entry, dict):
                below += entry.keys()
                below += entry.values()
            elif isinstance(entry, list):
                below += entry
            elif isinstance(entry, str):
                _check_text(entry)
        level = below


def _check_text(text: str) -> None:
    if "\0" in text or (not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text)):
        raise UnreadableError(f"is not valid JSON (it holds the text {quoted(text)}, with an invalid character)")


def _too_deep() -> str:
    return f"is not valid JSON (it is nested deeper than {_DEEPEST} levels)"
