"""Set up standard input, output and error, also if they are closed, full, a broken pipe, or limited to ASCII."""

import io
import logging
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

from alcd_otb.text import printable


class OutputLostError(Exception):
    """Standard output cannot be written."""


class OutputClosedError(OutputLostError):
    """The reader of standard output has gone."""


class Results(io.TextIOBase):
    """Standard output. Its errors are separate from those of other files, and no name in it controls a terminal.

    Parameters
    ----------
    stream
        The stream behind it, or None if standard output is closed.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text. Control characters but line feeds and tabs are written as escapes."""
        if self._stream is not None:
            try:
                self._stream.write(printable(text, keep="\n\t"))
            except OSError as error:
                raise _lost(error) from error
        return len(text)

    def flush(self) -> None:
        """Write what is buffered."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except OSError as error:
                raise _lost(error) from error

    def isatty(self) -> bool:
        """Whether a person reads it on a terminal."""
        return self._stream is not None and self._stream.isatty()


class Messages(logging.StreamHandler[TextIO]):
    """Logs to standard error, a line a message.

    Parameters
    ----------
    stream
        Standard error.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.setFormatter(_OneLine("%(levelname)s: %(message)s"))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Do nothing: if standard error cannot be written, only the exit code can report the error."""


class _OneLine(logging.Formatter):
    """Keeps a message in its line, and control characters in it from the terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        return printable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return printable(super().formatException(ei), keep="\n\t")


def open_streams() -> None:
    """Open the standard streams that are closed, to and from nothing, and let no character be an error.

    A closed descriptor would otherwise go to the next file that is opened, and what a library prints would end in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            os.set_inheritable(number, True)
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def keep_output_for_results() -> None:
    """Send the output of libraries to standard error, so that only results reach standard output.

    OTB and GDAL write to the descriptor and not to Python's stream, which from now on has its own descriptor.
    """
    if not isinstance(sys.stdout, io.TextIOWrapper):
        return
    sys.stdout.flush()
    encoding = sys.stdout.encoding
    results = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = open(results, "w", encoding=encoding, errors="backslashreplace")  # noqa: SIM115


def settle_streams() -> None:
    """Write what is buffered, and drop what cannot be written. Otherwise Python's flush at the end would fail."""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                nothing = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nothing, stream.fileno())
                os.close(nothing)


def _lost(error: OSError) -> OutputLostError:
    kind = OutputClosedError if isinstance(error, BrokenPipeError) else OutputLostError
    return kind(error.strerror or str(error))
