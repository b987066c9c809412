"""What is logged while a scene is run, kept for run.log."""

import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextmanager
def recorded() -> Iterator[io.StringIO]:
    """What this package logs while the block runs, with times, as far as the log's level lets it through."""
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
    """Seconds spent in each named step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Note the seconds that the block takes, by the step's name."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(time.monotonic() - start, 3)
