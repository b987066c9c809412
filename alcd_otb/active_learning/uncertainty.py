"""How sure a map is of each pixel: the pixels of least certainty, and the zones around them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import BoolArray, Float64Array, Int64Array
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import strips
from alcd_otb.settings.legend import NO_DATA
from otb_pipelines.process import gdal

UNCERTAIN = 0.3
"""Margin below which a pixel is part of an uncertain zone."""

ZONE_REACH = 1500.0
"""Metres from a place, along each axis, within which its uncertain zone is measured."""

_BLOCK_ROWS = 256

_CELLS = 4

# Below the share of one tree of a thousand: it decides between equal pixels alone.
_DRAW = 1e-4


@dataclass(frozen=True)
class CertaintyMaps:
    """What an iteration says of each pixel: rasters on one grid.

    labels: class codes, 0 no data. certainty: the margin, or the confidence where there is no margin. second: codes of
    the second class, or None.
    """

    labels: Path
    certainty: Path
    is_margin: bool
    second: Path | None

    @classmethod
    def of(cls, iteration: Path) -> "CertaintyMaps | None":
        """Those of an iteration's folder; None where its classifier gave no confidence."""
        margin, confidence, second = (iteration / f"{name}.tif" for name in ("margin", "confidence", "second"))
        if not margin.is_file() and not confidence.is_file():
            return None
        certainty = margin if margin.is_file() else confidence
        return cls(iteration / "labels.tif", certainty, certainty == margin, second if second.is_file() else None)

    def as_margin(self, certainty: Float64Array) -> Float64Array:
        """If the first class has the share c of the votes, the second has no more than 1 - c."""
        return certainty if self.is_margin else np.maximum(2 * certainty - 1, 0)


def unsure_pixels(
    maps: CertaintyMaps, held_rows: Int64Array, held_columns: Int64Array, spacing: float, most: int, seed: int
) -> tuple[Int64Array, Int64Array]:
    """(rows, columns) of at most so many pixels of least certainty, ascending; of equal ones the seed draws the order.

    held_rows, held_columns: pixels of samples. The pixels found are at least `spacing` metres from each other and from
    those of samples.
    """
    grid = Grid.of(str(maps.labels))
    # Cells spare looking at every pixel again for each place. Pixels whose cells have `reach` cells between them lie as
    # many cells and one pixel apart.
    spaced = spacing / grid.resolution
    cell = max(1, int(spaced / _CELLS))
    reach = max(0, math.ceil((spaced - 1) / cell))
    certainty, pixels = _least_of_cells(maps, held_rows * grid.width + held_columns, cell, grid, seed)
    blocked = np.zeros(certainty.shape, dtype=np.bool_)
    for row, column in np.unique(np.stack([held_rows // cell, held_columns // cell], axis=1), axis=0).tolist():
        _block(blocked, row, column, reach)
    found: list[int] = []
    order = np.argsort(certainty, axis=None, kind="stable")[: np.isfinite(certainty).sum()]
    for row, column in zip(*(axis.tolist() for axis in np.unravel_index(order, certainty.shape)), strict=True):
        if len(found) == most:
            break
        if not blocked[row, column]:
            found.append(int(pixels[row, column]))
            _block(blocked, row, column, reach)
    chosen = np.array(found, dtype=np.int64)
    return chosen // grid.width, chosen % grid.width


def _least_of_cells(
    maps: CertaintyMaps, held: Int64Array, cell: int, grid: Grid, seed: int
) -> tuple[Float64Array, NDArray[np.int64]]:
    """Of each square of so many pixels a side: the least certainty (infinite where none may be chosen), and where.

    held: pixels that samples hold; both they and the places found are given as row * width + column.
    """
    shape = (-(-grid.height // cell), -(-grid.width // cell))
    least, pixels = np.full(shape, np.inf), np.zeros(shape, dtype=np.int64)
    held = np.sort(held)
    for first, certainty in _stripes(maps, max(1, _BLOCK_ROWS // cell) * cell):
        certainty += _DRAW * np.random.default_rng([seed, first]).random(certainty.shape)
        low, high = np.searchsorted(held, np.array([first, first + certainty.shape[0]]) * grid.width)
        certainty.flat[held[low:high] - first * grid.width] = np.inf
        rows = -(-certainty.shape[0] // cell)
        padded = np.full((rows * cell, shape[1] * cell), np.inf)
        padded[: certainty.shape[0], : grid.width] = certainty
        cells = padded.reshape(rows, cell, shape[1], cell).swapaxes(1, 2).reshape(rows, shape[1], cell * cell)
        inside = cells.argmin(axis=2)
        here = slice(first // cell, first // cell + rows)
        least[here] = np.take_along_axis(cells, inside[:, :, None], axis=2)[:, :, 0]
        row = first + cell * np.arange(rows)[:, None] + inside // cell
        pixels[here] = row * grid.width + cell * np.arange(shape[1]) + inside % cell
    return least, pixels


def _stripes(maps: CertaintyMaps, rows: int) -> Iterator[tuple[int, Float64Array]]:
    """(first row, certainty) of the map, so many rows at a time; infinite where there is no data."""
    for (first, codes), (_, certainty) in zip(strips(maps.labels, rows), strips(maps.certainty, rows), strict=True):
        values = certainty.astype(np.float64)
        values[codes == NO_DATA] = np.inf
        yield first, values


def _block(blocked: BoolArray, row: int, column: int, reach: int) -> None:
    blocked[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = True


def zone_area(maps: CertaintyMaps, row: int, column: int, grid: Grid) -> float:
    """Hectares of the pixels of small margin connected with a pixel, within ZONE_REACH; 0 where its is not small."""
    reach = math.ceil(ZONE_REACH / grid.resolution)
    top, left = max(row - reach, 0), max(column - reach, 0)
    window = (left, top, min(column + reach + 1, grid.width) - left, min(row + reach + 1, grid.height) - top)
    margin = maps.as_margin(gdal.Open(str(maps.certainty)).ReadAsArray(*window).astype(np.float64))
    unsure = (margin < UNCERTAIN) & (gdal.Open(str(maps.labels)).ReadAsArray(*window) != NO_DATA)
    zone = np.zeros_like(unsure)
    zone[row - top, column - left] = unsure[row - top, column - left]
    grown = _dilated(zone) & unsure
    while (grown != zone).any():
        zone, grown = grown, _dilated(grown) & unsure
    return float(zone.sum() * grid.pixel_hectares)


def _dilated(zone: BoolArray) -> BoolArray:
    """The pixels of a zone and their 8 neighbours."""
    padded = np.pad(zone, 1)
    wide = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
    grown: BoolArray = wide[:-2] | wide[1:-1] | wide[2:]
    return grown
