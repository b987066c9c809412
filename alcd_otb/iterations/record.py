"""Record a run: its log messages, for run.log, and the seconds of its steps."""

import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

RUN_LOG = "run.log"
"""The name of the log, in the workspace and in an iteration."""

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class RunLog(logging.Handler):
    """The log of a run, which is kept in a file as the run goes."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter(_FORMAT))
        self._lines: list[str] = []
        self._file: TextIO | None = None

    @property
    def text(self) -> str:
        """All that was logged."""
        return "".join(self._lines)

    def keep_in(self, folder: Path) -> None:
        """Write the log so far, and all later lines, into ``run.log`` in a folder. An existing file is replaced.

        A run leaves it, however it ends. An existing file is removed, not written to: it may be a link.

        Raises
        ------
        OSError
            The file cannot be written.
        """
        path = folder / RUN_LOG
        path.unlink(missing_ok=True)
        # Line by line, so that the log of a killed run is complete.
        self._file = path.open("x", buffering=1, encoding="utf-8", errors="backslashreplace")
        self._file.write(self.text)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a message."""
        self.add(self.format(record) + "\n")

    def add(self, text: str) -> None:
        """Take lines."""
        self._lines.append(text)
        if self._file is not None:
            # An error of the log does not stop a run. A full disk will stop it when it writes its results.
            with suppress(OSError):
                self._file.write(text)

    def close(self) -> None:
        """Close the file."""
        super().close()
        if self._file is not None:
            with suppress(OSError):
                self._file.close()


@contextmanager
def recorded() -> Iterator[RunLog]:
    """Record what this package logs while the block runs, with times, at the level of its logger.

    If the block fails, the traceback ends the log.
    """
    run_log = RunLog()
    logger = logging.getLogger("alcd_otb")
    logger.addHandler(run_log)
    try:
        yield run_log
    except BaseException:
        run_log.add(traceback.format_exc())
        raise
    finally:
        logger.removeHandler(run_log)
        run_log.close()


@dataclass
class Stopwatch:
    """Seconds spent in each step.

    Attributes
    ----------
    seconds
        Seconds by name of the step.
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Record the seconds that the block takes, under the name of the step."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(time.monotonic() - start, 3)
