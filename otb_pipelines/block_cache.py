"""Limit GDAL's cache of raster blocks, which the whole process shares, while code asks for a limit."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class BlockCache:
    """The limits that blocks of code have set at the moment, in any thread. The smallest limit applies.

    Without any limit, the cache has its size before the first limit, unless other code has changed it meanwhile.

    Parameters
    ----------
    size, set_size
        GDAL's functions that return and set the size of its cache in bytes.
    """

    def __init__(self, size: Callable[[], int], set_size: Callable[[int], None]) -> None:
        self._size, self._set_size = size, set_size
        self._lock = threading.Lock()
        self._wanted: list[int] = []
        self._before = 0
        self._set = 0

    @contextmanager
    def at_most(self, size: int) -> Iterator[None]:
        """Keep the cache within a size in bytes until the block ends."""
        with self._lock:
            if not self._wanted:
                self._before = self._size()
            self._wanted.append(size)
            self._apply()
        try:
            yield
        finally:
            with self._lock:
                self._wanted.remove(size)
                self._apply()

    def _apply(self) -> None:
        if self._wanted:
            self._set = min(self._wanted)
            if self._size() != self._set:
                self._set_size(self._set)
        elif self._size() == self._set:
            self._set_size(self._before)
