"""Hold the features of a scene in memory, by blocks of pixels, and decode each part when it is first needed."""

import logging
import mmap
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from alcd_otb.arrays import BoolArray, Float32Array, Int64Array, UInt8Array
from alcd_otb.files.writing import writing_to
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import reading
from alcd_otb.raster.opening import open_raster
from otb_pipelines.live import BLOCK_PIXELS, BLOCK_SIDE, BlockedFeatures, native
from otb_pipelines.process import bounded_cache, gdal, gdal_threads
from otb_pipelines.settings import Settings, machine_memory

log = logging.getLogger(__name__)

_TILE = 64
"""Pixels of a side of the tiles that are decoded, which is that of the tiles of the file."""

_CACHE = 64
"""Megabytes of which GDAL may take a part for its cache."""

_MOST_IN_MEMORY = 2**30
"""Largest size of the features in memory, in bytes. Larger features lie in a memory-mapped file."""

_LARGEST_SHARE = 4
"""They also lie in such a file if they would take more than the machine's memory divided by this number."""


class FeatureMemory:
    """The features and valid pixels of a prepared scene. Any thread may call any method.

    Parameters
    ----------
    features
        The raster of the features.
    valid
        (rows, columns) 1 where a pixel is to be classified.
    grid
        The grid of both.
    settings
        Threads that decode.
    """

    def __init__(self, features: Path, valid: UInt8Array, grid: Grid, settings: Settings) -> None:
        self._path, self._grid, self._settings = features, grid, settings
        self._loading = threading.Lock()
        with gdal_threads(settings.threads), reading(features):
            self._dataset: gdal.Dataset = open_raster(features)
        down, across = -(-grid.height // BLOCK_SIDE), -(-grid.width // BLOCK_SIDE)
        padded = np.zeros((down * BLOCK_SIDE, across * BLOCK_SIDE), np.uint8)
        padded[: grid.height, : grid.width] = valid
        shape = (down, across, self._dataset.RasterCount, BLOCK_PIXELS)
        self._memory = _reserved(int(np.prod(shape)) * 4, features.parent)
        blocks = np.frombuffer(self._memory, np.float32).reshape(shape)
        self.blocked = BlockedFeatures(blocks, padded)
        """The blocks and the mask. Blocks are 0 until they are loaded."""
        self._loaded: BoolArray = np.zeros((-(-grid.height // _TILE), -(-grid.width // _TILE)), np.bool_)
        self.has_missing = False
        """Whether a value that was loaded is the largest number, which a forest takes for a missing one."""

    def load(self, window: Window) -> None:
        """Decode the features of a window, as far as they have not been.

        Parameters
        ----------
        window
            The window of the grid.

        Raises
        ------
        ProcessingError
            If the features cannot be read.
        """
        rows = slice(window.row // _TILE, -(-(window.row + window.rows) // _TILE))
        columns = slice(window.column // _TILE, -(-(window.column + window.columns) // _TILE))
        if self._loaded[rows, columns].all():
            return
        for row in range(rows.start, rows.stop):
            with self._decoding():
                for first, end in _runs(~self._loaded[row, columns]):
                    self._decode(row, columns.start + first, columns.start + end)

    def values_at(self, rows: Int64Array, columns: Int64Array) -> Float32Array:
        """Read the features of scattered pixels.

        Parameters
        ----------
        rows, columns
            (pixels,) pixels of the grid.

        Returns
        -------
        numpy.ndarray
            (pixels, features).

        Raises
        ------
        ProcessingError
            If the features cannot be read.
        """
        for row, column in sorted(set(zip((rows // _TILE).tolist(), (columns // _TILE).tolist(), strict=True))):
            if not self._loaded[row, column]:
                with self._decoding():
                    self._decode(row, column, column + 1)
        pixels = rows % BLOCK_SIDE * BLOCK_SIDE + columns % BLOCK_SIDE
        values: Float32Array = self.blocked.blocks[rows // BLOCK_SIDE, columns // BLOCK_SIDE, :, pixels]
        return values

    @contextmanager
    def _decoding(self) -> Iterator[None]:
        """Let one thread decode at a time, without keeping in GDAL's cache what is kept here."""
        with self._loading, gdal_threads(self._settings.threads), bounded_cache(_CACHE):
            yield

    def _decode(self, row: int, first: int, end: int) -> None:
        """Decode some tiles of a row of tiles."""
        top, left = row * _TILE, first * _TILE
        height, width = min(_TILE, self._grid.height - top), min(end * _TILE, self._grid.width) - left
        with reading(self._path):
            values = self._dataset.ReadAsArray(left, top, width, height)
        tile = np.ascontiguousarray(values.reshape(-1, height, width), np.float32)
        self.has_missing |= bool(native().store(tile, top, left, self.blocked.blocks))
        self._loaded[row, first:end] = True


def _runs(wanted: BoolArray) -> list[tuple[int, int]]:
    """List the runs of True, by their beginning and end."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], wanted, [False]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _reserved(size: int, folder: Path) -> mmap.mmap:
    """Reserve memory that is 0, in a file without a name in the folder if it would take much of the machine's.

    Raises
    ------
    ProcessingError
        If the disk has no room for it.
    """
    if size <= min(_MOST_IN_MEMORY, machine_memory() * 2**20 // _LARGEST_SHARE):
        return mmap.mmap(-1, size)
    log.info("the features take %d MB: they are mapped from a temporary file in %s", size >> 20, folder)
    with writing_to(folder), tempfile.TemporaryFile(dir=folder) as file:
        # A page that has no room on the disk would end the process when it is written.
        os.posix_fallocate(file.fileno(), 0, size)
        return mmap.mmap(file.fileno(), size)
