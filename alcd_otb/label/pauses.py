"""Use the operator's pauses: count the whole map, then cross-validate the samples. A click ends long computations."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from alcd_otb.errors import AlcdError
from alcd_otb.live.maps import Cancellation

log = logging.getLogger(__name__)

_SURVEYED_AFTER = 1.0
"""Seconds without a click after which the whole map is computed and counted."""
_VALIDATED_AFTER = 8.0
"""Seconds more after which the samples are cross-validated, which a click cannot end."""


class Pauses:
    """What is computed while the operator does nothing.

    Parameters
    ----------
    survey
        Counts the whole map, and may be cancelled. Returns whether there is a new result.
    validate
        Cross-validates. Returns whether there is a new result.
    tell
        Called when there is a new result.
    """

    def __init__(
        self, survey: Callable[[Cancellation], bool], validate: Callable[[], bool], tell: Callable[[], None]
    ) -> None:
        self._survey, self._validate, self._tell = survey, validate, tell
        self._pool = ThreadPoolExecutor(1, "pauses")
        self._task: asyncio.Task[None] | None = None
        self._stop = Cancellation()

    def begin(self) -> None:
        """Start a pause. Computations of an earlier pause end."""
        self.end()
        self._stop = stop = Cancellation()
        self._task = asyncio.get_running_loop().create_task(self._use(stop))

    def end(self) -> None:
        """End the pause, since there is something else to compute."""
        self._stop.cancel()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def close(self) -> None:
        """End for good."""
        self.end()
        self._pool.shutdown(cancel_futures=True)

    async def _use(self, stop: Cancellation) -> None:
        loop = asyncio.get_running_loop()
        try:
            await asyncio.sleep(_SURVEYED_AFTER)
            if await loop.run_in_executor(self._pool, self._survey, stop):
                self._tell()
            await asyncio.sleep(_VALIDATED_AFTER)
            if await loop.run_in_executor(self._pool, self._validate):
                self._tell()
        except AlcdError as error:
            log.warning("%s", error)
