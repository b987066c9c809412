"""Find the least certain pixels of a map, and the uncertain zones around them."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import BoolArray, Float64Array, Int64Array
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import strips
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.legend import NO_DATA

UNCERTAIN = 0.3
"""Pixels with a smaller margin are part of an uncertain zone."""

ZONE_REACH = 1500.0
"""Metres from a place, along each axis, within which its uncertain zone is measured."""

_BLOCK_ROWS = 256
"""Rows of the maps that are read at a time."""

_CELLS = 4
"""Cells along the spacing between two places."""

# Less than the share of one tree of a thousand: it decides between equal pixels only.
_DRAW = 1e-4


@dataclass(frozen=True)
class CertaintyMaps:
    """Rasters of an iteration with the certainty of its classifier in each pixel, all on one grid.

    Attributes
    ----------
    labels
        Class codes, 0 no data.
    certainty
        The margin, or the confidence where there is no margin; both 0 to 1.
    is_margin
        Whether certainty is the margin.
    second
        Codes of the second class. None if it is not known.
    """

    labels: Path
    certainty: Path
    is_margin: bool
    second: Path | None

    @classmethod
    def of(cls, iteration: Path) -> "CertaintyMaps | None":
        """Find the maps in an iteration's folder; None if its classifier gave no confidence."""
        margin, confidence, second = (iteration / f"{name}.tif" for name in ("margin", "confidence", "second"))
        if not margin.is_file() and not confidence.is_file():
            return None
        certainty = margin if margin.is_file() else confidence
        return cls(iteration / "labels.tif", certainty, certainty == margin, second if second.is_file() else None)

    def as_margin(self, certainty: Float64Array) -> Float64Array:
        """Turn the certainty of pixels into their margin, or into the lower bound of the margin.

        If the first class has the share c of the votes, the second has no more than 1 - c.
        """
        return certainty if self.is_margin else np.maximum(2 * certainty - 1, 0)


class Pixels(NamedTuple):
    """Pixels on the scene's grid. Both arrays are (pixels,)."""

    rows: Int64Array
    columns: Int64Array


class _Cells(NamedTuple):
    """The least certain pixel of each square cell of the map. Both arrays are (rows of cells, columns of cells).

    Attributes
    ----------
    certainty
        Certainty of that pixel, infinite where no pixel of the cell may be chosen.
    pixels
        The pixel as row * width + column.
    """

    certainty: Float64Array
    pixels: Int64Array


def unsure_pixels(
    maps: CertaintyMaps, held_rows: Int64Array, held_columns: Int64Array, spacing: float, most: int, seed: int
) -> Pixels:
    """Find the pixels of least certainty, in ascending order; the seed draws the order of equal pixels.

    Parameters
    ----------
    maps
        The maps of an iteration.
    held_rows, held_columns
        (pixels,) pixels of samples.
    spacing
        Least distance, in metres, of the pixels from each other and from those of samples.
    most
        Most pixels to find.
    seed
        Seed of the random numbers.
    """
    grid = Grid.of(str(maps.labels))
    # With cells, not every pixel is looked at again for each place. Pixels whose cells have `reach` cells between them
    # are at least as many cells and one pixel apart.
    spaced = spacing / grid.resolution
    cell = max(1, int(spaced / _CELLS))
    reach = max(0, math.ceil((spaced - 1) / cell))
    cells = _least_of_cells(maps, held_rows * grid.width + held_columns, cell, grid, seed)
    certainty = cells.certainty
    blocked = np.zeros(certainty.shape, dtype=np.bool_)
    for row, column in np.unique(np.stack([held_rows // cell, held_columns // cell], axis=1), axis=0).tolist():
        _block(blocked, row, column, reach)
    chosen: list[int] = []
    order = np.argsort(certainty, axis=None, kind="stable")[: np.isfinite(certainty).sum()]
    for row, column in zip(*(axis.tolist() for axis in np.unravel_index(order, certainty.shape)), strict=True):
        if len(chosen) == most:
            break
        if not blocked[row, column]:
            chosen.append(int(cells.pixels[row, column]))
            _block(blocked, row, column, reach)
    pixels = np.array(chosen, dtype=np.int64)
    return Pixels(pixels // grid.width, pixels % grid.width)


def _least_of_cells(maps: CertaintyMaps, held: Int64Array, cell: int, grid: Grid, seed: int) -> _Cells:
    """Find the least certain pixel of each square cell.

    Parameters
    ----------
    maps
        The maps of an iteration.
    held
        Pixels that samples hold, as row * width + column; they are not chosen.
    cell
        Side of a cell, in pixels.
    grid
        The grid of the maps.
    seed
        Seed of the random numbers that decide between equal pixels.
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
    return _Cells(least, pixels)


def _stripes(maps: CertaintyMaps, rows: int) -> Iterator[tuple[int, Float64Array]]:
    """Read (first row, certainty) of the map by strips of rows; infinite where there is no data."""
    for (first, codes), (_, certainty) in zip(strips(maps.labels, rows), strips(maps.certainty, rows), strict=True):
        values = certainty.astype(np.float64)
        values[codes == NO_DATA] = np.inf
        yield first, values


def _block(blocked: BoolArray, row: int, column: int, reach: int) -> None:
    blocked[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = True


def zone_area(maps: CertaintyMaps, row: int, column: int, grid: Grid) -> float:
    """Measure the uncertain zone around a pixel: the pixels of small margin that are connected with it.

    Parameters
    ----------
    maps
        The maps of an iteration.
    row, column
        The pixel.
    grid
        The grid of the maps.

    Returns
    -------
    float
        Area of the zone within ZONE_REACH, in hectares. 0 where the margin of the pixel is not small.
    """
    reach = math.ceil(ZONE_REACH / grid.resolution)
    top, left = max(row - reach, 0), max(column - reach, 0)
    window = (left, top, min(column + reach + 1, grid.width) - left, min(row + reach + 1, grid.height) - top)
    margin = maps.as_margin(open_raster(maps.certainty).ReadAsArray(*window).astype(np.float64))
    unsure = (margin < UNCERTAIN) & (open_raster(maps.labels).ReadAsArray(*window) != NO_DATA)
    zone = np.zeros_like(unsure)
    zone[row - top, column - left] = unsure[row - top, column - left]
    grown = _dilated(zone) & unsure
    while (grown != zone).any():
        zone, grown = grown, _dilated(grown) & unsure
    return float(zone.sum() * grid.pixel_hectares)


def _dilated(zone: BoolArray) -> BoolArray:
    """Add to the pixels of a zone their 8 neighbours."""
    padded = np.pad(zone, 1)
    wide = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
    grown: BoolArray = wide[:-2] | wide[1:-1] | wide[2:]
    return grown
