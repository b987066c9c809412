"""Define the maps of a window of a live session, and a way to cancel their computation."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from alcd_otb.arrays import Float32Array, UInt8Array
from alcd_otb.raster.grid import Window


class Cancellation:
    """A request, from any thread, that a computation ends early.

    The computation looks at it many times a second. Then it returns None.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._is_cancelled = False
        self._calls: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Ask the computation to end. A second time does nothing."""
        with self._changing:
            self._is_cancelled = True
            calls, self._calls = self._calls, []
        for call in calls:
            call()

    @property
    def is_cancelled(self) -> bool:
        """Whether the computation is to end."""
        return self._is_cancelled

    @contextmanager
    def calling(self, call: Callable[[], None]) -> Iterator[None]:
        """Call a function, at most once, if the computation is to end before the block of code does.

        Parameters
        ----------
        call
            The function. It may be called from another thread.
        """
        with self._changing:
            is_late = self._is_cancelled
            if not is_late:
                self._calls.append(call)
        if is_late:
            call()
        try:
            yield
        finally:
            with self._changing:
                if call in self._calls:
                    self._calls.remove(call)


@dataclass(frozen=True, eq=False)
class Maps:
    """The maps of a window, as the files of an iteration hold them. All arrays are (rows, columns).

    Attributes
    ----------
    window
        The window of the scene's grid.
    revision
        The revision of the session of which the maps are.
    labels
        Class codes with the corrections burnt over them, 0 where there is no data.
    confidence
        Share of the class that was chosen, 0 where there is no data. None if the classifier gives none.
    margin
        Difference between this share and that of the second class. None if the classifier gives none.
    second
        Code of the second class, 0 where there is no data. None if the classifier gives none.
    is_draft
        Whether the maps are of the first trees of a forest alone. The labels of some pixels will change.
    """

    window: Window
    revision: int
    labels: UInt8Array
    confidence: Float32Array | None
    margin: Float32Array | None
    second: UInt8Array | None
    is_draft: bool = False
