"""Limit GDAL's cache of raster blocks, which is one for the whole process, for as long as somebody wants it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from osgeo import gdal


class BlockCache:
    """The limits that blocks of code want at the moment, in any thread. The least of them holds.

    When none is wanted, the cache is as it was before the first, unless somebody else has changed it meanwhile.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: list[int] = []
        self._before = 0
        self._set = 0

    @contextmanager
    def at_most(self, size: int) -> Iterator[None]:
        """Keep the cache within a size in bytes until the block ends."""
        with self._lock:
            if not self._wanted:
                self._before = gdal.GetCacheMax()
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
            if gdal.GetCacheMax() != self._set:
                gdal.SetCacheMax(self._set)
        elif gdal.GetCacheMax() == self._set:
            gdal.SetCacheMax(self._before)
