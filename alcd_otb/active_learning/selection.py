"""Where to click next: places where the forest is unsure, each unlike the samples and the places before it."""

import logging
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

from alcd_otb.errors import ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import strips, values_at
from alcd_otb.samples.pixels import Booleans, Integers, held_pixels
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import NO_DATA, Legend
from alcd_otb.settings.template import QuerySettings

gdal.UseExceptions()

log = logging.getLogger(__name__)

UNCERTAIN = 0.3
"""Margin below which a pixel is part of an uncertain zone."""

NEARLY_EVEN = 0.1
"""Margin below which the votes of the first two classes are said to be nearly even."""

ZONE_REACH = 1500.0
"""Metres from a place, along each axis, within which its uncertain zone is measured."""

FEW = 5
"""Samples of a class below which a place that may be of it is said to be wanted for that."""

_BLOCK_ROWS = 256
_CELLS = 4
_FELLOWS = 5
_WINDOW = 32
_WINDOWS_A_SIDE = 6
_MOST_SAMPLE_PIXELS = 500
# Below the share of one tree of a thousand: it decides between equal pixels alone.
_DRAW = 1e-4

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """A pixel to label next.

    row, column: on the scene's grid. code, second_code: class codes of the most and the second most votes; the second
    is NO_DATA where it is not known. margin: the difference of their shares of the votes, 0 to 1; where only the
    confidence is known, the least that it can be. zone_area: hectares. reason: in plain words.
    """

    row: int
    column: int
    code: int
    second_code: int
    margin: float
    zone_area: float
    reason: str


@dataclass(frozen=True)
class Maps:
    """What an iteration says of each pixel: rasters on one grid.

    labels: class codes, 0 no data. certainty: the margin, or the confidence where there is no margin. second: codes of
    the second class, or None.
    """

    labels: Path
    certainty: Path
    is_margin: bool
    second: Path | None

    @classmethod
    def of(cls, iteration: Path) -> "Maps | None":
        """Those of an iteration's folder; None where its classifier gave no confidence."""
        margin, confidence, second = (iteration / f"{name}.tif" for name in ("margin", "confidence", "second"))
        if not margin.is_file() and not confidence.is_file():
            return None
        certainty = margin if margin.is_file() else confidence
        return cls(iteration / "labels.tif", certainty, certainty == margin, second if second.is_file() else None)

    def as_margin(self, certainty: Values) -> Values:
        """If the first class has the share c of the votes, the second has no more than 1 - c."""
        return certainty if self.is_margin else np.maximum(2 * certainty - 1, 0)


def propose_places(
    maps: Maps, features: Path, samples: Sequence[Sample], legend: Legend, settings: QuerySettings, seed: int
) -> tuple[Place, ...]:
    """The places to label next, in the order of their use; fewer than wanted where the map has no more.

    samples: all that there are by now, trained on or not. Of the pixels of least margin, spaced apart, the settings
    take several times as many as are wanted; from these, places are chosen whose features are unlike those of all
    samples and of all places before, as `most_novel` does. The same input and seed give the same places; memory is
    bounded by blocks of rows.

    Raises ProcessingError where a raster cannot be read, or the map is not of these features and classes; SampleError
    where a polygon is too large.
    """
    grid = Grid.of(str(maps.labels))
    if Grid.of(str(features)) != grid:
        raise ProcessingError(f"{features}: is on another grid than {maps.labels}, which is older; run again")
    held_rows, held_columns, _ = held_pixels(samples, grid)
    most = settings.number * settings.candidates
    try:
        rows, columns = unsure_pixels(maps, held_rows, held_columns, settings.spacing, most, seed)
        scale = _deviations(features)
        known = _drawn(held_rows.size, _MOST_SAMPLE_PIXELS, seed)
        known_features = values_at(features, held_rows[known], held_columns[known]) / scale
        # A sample may lie where there is no data.
        known_features = known_features[np.isfinite(known_features).all(axis=1)]
        own_features = values_at(features, rows, columns) / scale
        chosen, distances = most_novel(own_features, known_features, settings.number)
        rows, columns = rows[chosen], columns[chosen]
        codes = values_at(maps.labels, rows, columns)[:, 0]
        seconds = values_at(maps.second, rows, columns)[:, 0] if maps.second else np.full(rows.size, NO_DATA)
        margins = maps.as_margin(values_at(maps.certainty, rows, columns)[:, 0].astype(np.float64))
        areas = [_zone_area(maps, int(row), int(column), grid) for row, column in zip(rows, columns, strict=True)]
    except RuntimeError as error:
        raise ProcessingError(f"{maps.labels.parent}: cannot be read ({error}); run again") from error
    if rows.size < settings.number:
        log.info("%d of %d places: the rest of the map is near them or near samples", rows.size, settings.number)
    unknown = sorted({*codes.tolist(), *seconds.tolist()} - {NO_DATA, *legend.codes})
    if unknown:
        raise ProcessingError(f"{maps.labels}: has the class {unknown[0]}, which the template has not; run again")
    counts = Counter(sample.code for sample in samples)
    usual = float(np.median(distances)) if distances.size else 0.0
    places = []
    for index in range(rows.size):
        code, second, margin = int(codes[index]), int(seconds[index]), float(margins[index])
        if second == code:
            # The cleaning of the map made the second class the first.
            second = NO_DATA
        few = [legend.with_code(one).name for one in (code, second) if one != NO_DATA and counts[one] < FEW]
        new = bool(distances[chosen[index]] > 2 * usual)
        reason = explained(margin, maps.is_margin, areas[index], few, new)
        places.append(Place(int(rows[index]), int(columns[index]), code, second, margin, areas[index], reason))
    return tuple(places)


def unsure_pixels(
    maps: Maps, held_rows: Integers, held_columns: Integers, spacing: float, most: int, seed: int
) -> tuple[Integers, Integers]:
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


def most_novel(candidates: Values, known: Values, number: int) -> tuple[Integers, Values]:
    """Indices of at most so many candidates, each far from all known points and all candidates chosen before it.

    candidates, known: (points, features). Chosen is the largest d^2 / r, where d is the distance from the nearest point
    known or chosen, and r the usual distance (root mean square) of the candidate's 5 nearest fellows: by d alone, which
    is the greedy k-centre of Gonzalez (1985), outliers that stand for nothing but themselves would come first.

    Also returns the distance of each candidate from the nearest known point, infinite where none is known.
    """
    distances = np.full(len(candidates), np.inf)
    for point in known:
        distances = np.minimum(distances, np.linalg.norm(candidates - point, axis=1))
    usual = _distances_of_fellows(candidates)
    left = distances.copy()
    chosen: list[int] = []
    for _ in range(min(number, len(candidates))):
        score = left**2 / usual
        score[chosen] = -1
        index = int(np.argmax(score))
        chosen.append(index)
        left = np.minimum(left, np.linalg.norm(candidates - candidates[index], axis=1))
    return np.array(chosen, dtype=np.int64), distances


def _distances_of_fellows(candidates: Values) -> Values:
    """Root mean square of each candidate's distances from its nearest fellows; not below a tenth of the median."""
    fellows = min(_FELLOWS, len(candidates) - 1)
    if fellows < 1:
        return np.ones(len(candidates))
    # Row by row, since a table of all pairs might not fit the memory. The nearest of all is the candidate itself.
    squares = [
        np.partition(np.square(candidates - one).sum(axis=1), fellows)[: fellows + 1].sum() for one in candidates
    ]
    usual = np.sqrt(np.array(squares) / fellows)
    least = 0.1 * float(np.median(usual)) or 1.0
    return np.asarray(np.maximum(usual, least))


def explained(margin: float, is_margin: bool, zone_area: float, few: Sequence[str], new: bool) -> str:
    """Why a place is proposed, in plain words."""
    parts = []
    if margin < UNCERTAIN and is_margin:
        parts.append("the votes are nearly even" if margin < NEARLY_EVEN else "the votes are divided")
    elif margin < UNCERTAIN:
        parts.append("the confidence is low")
    if new:
        parts.append("unlike every sample so far")
    parts += [f"few samples of {name}" for name in few]
    if zone_area:
        parts.append(f"in an uncertain zone of {zone_area:.3g} ha")
    return ", ".join(parts) or "the least sure place that is left"


def _least_of_cells(maps: Maps, held: Integers, cell: int, grid: Grid, seed: int) -> tuple[Values, NDArray[np.int64]]:
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


def _stripes(maps: Maps, rows: int) -> Iterator[tuple[int, Values]]:
    """(first row, certainty) of the map, so many rows at a time; infinite where there is no data."""
    for (first, codes), (_, certainty) in zip(strips(maps.labels, rows), strips(maps.certainty, rows), strict=True):
        values = certainty.astype(np.float64)
        values[codes == NO_DATA] = np.inf
        yield first, values


def _block(blocked: Booleans, row: int, column: int, reach: int) -> None:
    blocked[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1] = True


def _drawn(count: int, most: int, seed: int) -> Integers:
    """At most so many of the numbers below count."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])


def _deviations(features: Path) -> Values:
    """The standard deviation of each feature, which makes them comparable; over windows all over the scene."""
    dataset = gdal.Open(str(features))
    lefts, tops = (_starts(size) for size in (dataset.RasterXSize, dataset.RasterYSize))
    windows = [
        dataset.ReadAsArray(
            left, top, min(_WINDOW, dataset.RasterXSize - left), min(_WINDOW, dataset.RasterYSize - top)
        )
        for top, left in product(tops, lefts)
    ]
    pixels = np.concatenate([window.reshape(dataset.RasterCount, -1) for window in windows], axis=1).astype(np.float64)
    finite = pixels[:, np.isfinite(pixels).all(axis=0)]
    deviations = finite.std(axis=1) if finite.size else np.zeros(dataset.RasterCount)
    return np.where(deviations > 0, deviations, 1.0)


def _starts(size: int) -> list[int]:
    """Where windows begin along an axis: multiples of their side, so that each lies in one tile of the file."""
    steps = np.arange(0.5, _WINDOWS_A_SIDE) / _WINDOWS_A_SIDE
    return sorted({int(start) for start in steps * size // _WINDOW * _WINDOW})


def _zone_area(maps: Maps, row: int, column: int, grid: Grid) -> float:
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


def _dilated(zone: Booleans) -> Booleans:
    """The pixels of a zone and their 8 neighbours."""
    padded = np.pad(zone, 1)
    wide = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
    grown: Booleans = wide[:-2] | wide[1:-1] | wide[2:]
    return grown
