"""What is logged while a scene is run, kept for run.log."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

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
