"""Burn corrections over parts of a live map, as an iteration burns them over a whole one."""

from collections.abc import Sequence

import numpy as np

from alcd_otb.arrays import UInt8Array
from alcd_otb.classification.corrections import STRIP_ROWS, numbered, rasterised
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import NO_DATA


class BurntStrips:
    """The codes that corrections give to pixels, strip by strip. Only strips that a polygon reaches are held.

    A strip is made when it is first asked for, and again when the polygons that reach it are others. It is the strip
    of `alcd_otb.classification.corrections.burn`, so that rounding is the same.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._strips: dict[int, tuple[tuple[Sample, ...], UInt8Array]] = {}

    def burn(self, corrections: Sequence[Sample], window: Window, labels: UInt8Array) -> None:
        """Burn polygons into the labels of a window, which are changed in place.

        Parameters
        ----------
        corrections
            Polygons in the order they were drawn.
        window
            The window.
        labels
            (rows, columns) of the window. Pixels without data stay as they are.
        """
        if not corrections:
            return
        first, last = window.row // STRIP_ROWS, (window.row + window.rows - 1) // STRIP_ROWS
        for number in range(first, last + 1):
            reaching = [polygon for polygon in corrections if self._reaches(polygon, number)]
            if not reaching:
                continue
            codes = self._codes(number, reaching)
            top, bottom = max(window.row, number * STRIP_ROWS), min(window.row + window.rows, (number + 1) * STRIP_ROWS)
            rows = slice(top - window.row, bottom - window.row)
            inside = codes[
                top - number * STRIP_ROWS : bottom - number * STRIP_ROWS, window.column : window.column + window.columns
            ]
            part = labels[rows]
            np.copyto(part, inside, where=(inside != NO_DATA) & (part != NO_DATA))

    def _reaches(self, polygon: Sample, number: int) -> bool:
        _, bottom, _, top = polygon.extent
        highest = self._grid.top - (number * STRIP_ROWS - 1) * self._grid.resolution
        lowest = self._grid.top - ((number + 1) * STRIP_ROWS + 1) * self._grid.resolution
        return top >= lowest and bottom <= highest

    def _codes(self, number: int, polygons: Sequence[Sample]) -> UInt8Array:
        key = tuple(polygons)
        kept = self._strips.get(number)
        if kept is not None and kept[0] == key:
            return kept[1]
        row = number * STRIP_ROWS
        layer = numbered(polygons, self._grid)
        numbers = rasterised(layer.layer, self._grid, row, min(STRIP_ROWS, self._grid.height - row))
        codes = np.array([NO_DATA, *(polygon.code for polygon in polygons)], np.uint8)[numbers]
        self._strips[number] = (key, codes)
        return codes
