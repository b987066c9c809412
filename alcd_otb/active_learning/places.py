"""Choose the places to label next from the maps of an iteration, with the reason for each."""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alcd_otb.active_learning.answers import Answers, pixels_of
from alcd_otb.active_learning.novelty import deviations, most_novel
from alcd_otb.active_learning.spacing import spacing_on
from alcd_otb.active_learning.uncertainty import UNCERTAIN, CertaintyMaps, Pixels, unsure_pixels, zone_area
from alcd_otb.arrays import BoolArray, Int64Array
from alcd_otb.errors import ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.pixels import held_pixels
from alcd_otb.settings.legend import NO_DATA, Legend
from alcd_otb.settings.steps import QuerySettings

log = logging.getLogger(__name__)

DRAWN = "drawn at random, to find errors where the classifier is certain"
"""The reason of a place that is drawn."""

NEARLY_EVEN = 0.1
"""Below this margin the votes of the first two classes are called nearly even."""

FEW = 5
"""A class with fewer samples is a reason to propose places that may be of it."""

_MOST_SAMPLE_PIXELS = 500
"""Most pixels of samples whose features are compared."""


_MOST_CANDIDATES = 10_000
"""Most pixels from which places are chosen: each is compared with every other one, which takes seconds."""

_DRAWN_OF = 12
"""One place of this number is drawn at random, and at least two of half as many: if the uncertain places cannot be
labelled, other places are left."""


@dataclass(frozen=True)
class Place:
    """A pixel to label next.

    Attributes
    ----------
    row, column
        Pixel on the scene's grid.
    code
        Class code with the most votes, NO_DATA where there is no map yet.
    second_code
        Class code with the second most votes, NO_DATA where it is not known.
    margin
        Difference of their shares of the votes, 0 to 1. Where only the confidence is known, its lower bound. None if
        there is no map yet.
    zone_area
        Area of the uncertain zone around the pixel, in hectares. None if there is no map yet.
    reason
        Why the place is proposed, in plain words.
    """

    row: int
    column: int
    code: int
    second_code: int
    margin: float | None
    zone_area: float | None
    reason: str


class _ChosenPixels(NamedTuple):
    """Pixels to propose, in the order of their use. All arrays are (pixels,).

    Attributes
    ----------
    rows, columns
        Pixels on the scene's grid.
    are_new
        Whether the features of a pixel are unlike those of every sample.
    are_drawn
        Whether a pixel is drawn at random.
    """

    rows: Int64Array
    columns: Int64Array
    are_new: BoolArray
    are_drawn: BoolArray


class _MapValues(NamedTuple):
    """Values of the maps at a pixel: codes of both classes, margin, and area of the uncertain zone in hectares."""

    code: int
    second_code: int
    margin: float
    zone_area: float


def propose_places(
    maps: CertaintyMaps, features: Path, answers: Answers, legend: Legend, queries: QuerySettings, seed: int
) -> tuple[Place, ...]:
    """Propose the places to label next, in the order of their use.

    First, pixels of small margin that are far enough from each other are taken as candidates, several times as many as
    places are wanted. From these, places are chosen whose features are unlike those of all samples, of all places that
    were left out, and of all places before, as `most_novel` does. Of six places or more, the last two are drawn among
    the other pixels, or one of twelve. The same input and seed give the same places. Memory is bounded by blocks of
    rows.

    Parameters
    ----------
    maps
        The maps of an iteration.
    features
        Raster of the features, on the same grid.
    answers
        All present samples, and the places that were left out.
    legend
        The classes.
    queries
        Number of places, candidates for each, and spacing. In a small scene `spacing_on` makes the spacing smaller.
    seed
        Seed of the random numbers.

    Returns
    -------
    tuple
        The places; fewer than wanted where the map has no more.

    Raises
    ------
    ProcessingError
        If a raster cannot be read, or the map is not of these features and classes.
    SampleError
        If a polygon is too large.
    """
    grid = Grid.of(str(maps.labels))
    if Grid.of(str(features)) != grid:
        raise ProcessingError(f"{features}: is on another grid than {maps.labels}, which is older; run again")
    known = _known_pixels(answers, grid)
    most = _candidate_count(queries)
    points = len(answers.samples) + len(answers.left_out) + most
    try:
        used = queries.model_copy(update={"spacing": spacing_on(maps.labels, queries.spacing, points)})
        pixels = _choose(maps, features, known, used, seed)
        map_values = _map_values(maps, pixels, grid)
    except RuntimeError as error:
        raise ProcessingError(f"{maps.labels.parent}: cannot be read ({error}); run again") from error
    if len(map_values) < queries.number:
        log.info(
            "only %d of %d places are proposed: the rest of the map is near them or near samples",
            len(map_values),
            queries.number,
        )
    _check_classes(map_values, maps.labels, legend)
    counts = Counter(sample.code for sample in answers.samples)
    places = []
    for row, column, is_new, is_drawn, values in zip(*(axis.tolist() for axis in pixels), map_values, strict=True):
        codes = (values.code, values.second_code)
        few = [legend.with_code(code).name for code in codes if code != NO_DATA and counts[code] < FEW]
        reason = DRAWN if is_drawn else explained(values.margin, maps.is_margin, values.zone_area, few, is_new)
        places.append(
            Place(
                row=row,
                column=column,
                code=values.code,
                second_code=values.second_code,
                margin=values.margin,
                zone_area=values.zone_area,
                reason=reason,
            )
        )
    return tuple(places)


def explained(margin: float, is_margin: bool, zone_area: float, few: Sequence[str], is_new: bool) -> str:
    """Describe in plain words why a place is proposed.

    Parameters
    ----------
    margin
        Difference of the shares of the votes of the first two classes, 0 to 1.
    is_margin
        Whether the margin is known; otherwise it is derived from the confidence.
    zone_area
        Area of the uncertain zone around the pixel, in hectares.
    few
        Names of the pixel's classes that have few samples.
    is_new
        Whether the features of the pixel are unlike those of every sample.
    """
    parts = []
    if margin < UNCERTAIN and is_margin:
        parts.append("the votes are nearly even" if margin < NEARLY_EVEN else "the votes are divided")
    elif margin < UNCERTAIN:
        parts.append("the confidence is low")
    if is_new:
        parts.append("unlike every sample so far")
    parts += [f"few samples of {name}" for name in few]
    if zone_area:
        parts.append(f"in an uncertain zone of {zone_area:.3g} ha")
    return ", ".join(parts) or "the most uncertain place that is left"


def _known_pixels(answers: Answers, grid: Grid) -> Pixels:
    """List the pixels of samples and of places that were left out."""
    held = held_pixels(answers.samples, grid)
    rows, columns = (np.rint(axis).astype(np.int64) for axis in pixels_of(answers.left_out, grid))
    return Pixels(np.concatenate([held.rows, rows]), np.concatenate([held.columns, columns]))


def _choose(maps: CertaintyMaps, features: Path, known: Pixels, queries: QuerySettings, seed: int) -> _ChosenPixels:
    """Choose among the pixels of small margin those whose features are unlike the known features and each other."""
    most = _candidate_count(queries)
    spaced = unsure_pixels(maps, known.rows, known.columns, queries.spacing, _MOST_CANDIDATES, seed)
    candidates = Pixels(spaced.rows[:most], spaced.columns[:most])
    others = most + _drawn(max(spaced.rows.size - most, 0), _drawn_count(queries.number), seed)
    scale = deviations(features)
    drawn = _drawn(known.rows.size, _MOST_SAMPLE_PIXELS, seed)
    known_features = values_at(features, known.rows[drawn], known.columns[drawn]) / scale
    # A sample may lie where there is no data.
    known_features = known_features[np.isfinite(known_features).all(axis=1)]
    own_features = values_at(features, candidates.rows, candidates.columns) / scale
    novel = most_novel(own_features, known_features, queries.number - others.size)
    usual = float(np.median(novel.distances)) if novel.distances.size else 0.0
    chosen = np.concatenate([novel.indices, others])
    return _ChosenPixels(
        spaced.rows[chosen],
        spaced.columns[chosen],
        np.concatenate([novel.distances[novel.indices] > 2 * usual, np.zeros(others.size, dtype=np.bool_)]),
        np.arange(chosen.size) >= novel.indices.size,
    )


def _candidate_count(queries: QuerySettings) -> int:
    return max(queries.number, min(queries.number * queries.candidates, _MOST_CANDIDATES))


def _drawn_count(number: int) -> int:
    """Return how many of a number of places are drawn at random."""
    return max(number // _DRAWN_OF, 2) if number >= _DRAWN_OF // 2 else 0


def _map_values(maps: CertaintyMaps, pixels: _ChosenPixels, grid: Grid) -> list[_MapValues]:
    rows, columns = pixels.rows, pixels.columns
    codes = values_at(maps.labels, rows, columns)[:, 0]
    seconds = values_at(maps.second, rows, columns)[:, 0] if maps.second else np.full(rows.size, NO_DATA)
    # The cleaning of the map may have made the second class the first.
    seconds = np.where(seconds == codes, NO_DATA, seconds)
    margins = maps.as_margin(values_at(maps.certainty, rows, columns)[:, 0].astype(np.float64))
    areas = [zone_area(maps, row, column, grid) for row, column in zip(rows.tolist(), columns.tolist(), strict=True)]
    return list(map(_MapValues, codes.tolist(), seconds.tolist(), margins.tolist(), areas))


def _check_classes(map_values: Iterable[_MapValues], labels: Path, legend: Legend) -> None:
    codes = {code for values in map_values for code in (values.code, values.second_code)}
    unknown = sorted(codes - {NO_DATA, *legend.codes})
    if unknown:
        raise ProcessingError(f"{labels}: has the class {unknown[0]}, which is not in the template; run again")


def _drawn(count: int, most: int, seed: int) -> Int64Array:
    """Draw numbers below `count`, at most `most` of them, in ascending order."""
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])
