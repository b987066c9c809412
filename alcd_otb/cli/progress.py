"""Show how far work is: a bar for people, or lines of JSON for programs."""

import json
import time
from contextlib import suppress
from typing import TextIO

_PATIENCE = 2.0
"""Seconds after which the bar is shown."""
_WIDTH = 40


class ProgressBar:
    """Draw one line a step, once the step has lasted two seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._step = ""
        self._start = 0.0
        self._drawn = ""

    def __call__(self, step: str, share: float) -> None:
        """Show that a share of a step, 0 to 1, is done."""
        now = time.monotonic()
        if step != self._step:
            self._clear()
            self._step, self._start = step, now
        if now - self._start < _PATIENCE:
            return
        line = f"\r{step:<32.32} [{'#' * int(share * _WIDTH):<{_WIDTH}}] {share:4.0%}"
        if line != self._drawn:
            self._write(line)
            self._drawn = line
        if share >= 1:
            self._clear()
            self._step = ""

    def _clear(self) -> None:
        if self._drawn:
            self._write("\r\x1b[K")
            self._drawn = ""

    def _write(self, text: str) -> None:
        # Work continues if the terminal has been closed.
        with suppress(OSError):
            self._stream.write(text)
            self._stream.flush()


class ProgressLines:
    """Write a JSON object on a separate line for each percent of a step."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._last = ("", -1)

    def __call__(self, step: str, share: float) -> None:
        """Report that a share of a step, 0 to 1, is done."""
        now = (step, int(share * 100))
        if now == self._last:
            return
        self._last = now
        # Work continues if the listening process has ended.
        with suppress(OSError):
            self._stream.write(json.dumps({"stage": step, "done": now[1], "of": 100}) + "\n")
            self._stream.flush()
