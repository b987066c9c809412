"""Record a run: its log messages, for run.log, and the seconds of its steps."""

import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def recorded() -> Iterator[io.StringIO]:
    """Record what this package logs while the block runs, with times, at the level of its logger."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter(_FORMAT))
    logger = logging.getLogger("alcd_otb")
    logger.addHandler(handler)
    try:
        yield text
    finally:
        logger.removeHandler(handler)


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
