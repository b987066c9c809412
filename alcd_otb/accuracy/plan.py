"""Plan an accuracy estimate: draw points at random within each class of a map."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from alcd_otb.accuracy.stratified import allocate
from alcd_otb.arrays import Int64Array
from alcd_otb.errors import SampleError
from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import MEGABYTE, UnreadableError
from alcd_otb.files.writing import checksum
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import histogram, strips
from alcd_otb.settings.legend import Legend

_MOST_PLAN = 128 * MEGABYTE
"""Largest size of a plan in bytes: a million points."""


@dataclass(frozen=True)
class Stratum:
    """A class of the map from which points are drawn.

    Attributes
    ----------
    name
        Name of the class.
    code
        Code of the class.
    pixels
        Number of its pixels in the map.
    points
        Number of points that are drawn from these.
    """

    name: str
    code: int
    pixels: int
    points: int


@dataclass(frozen=True)
class PlannedPoint:
    """A pixel to label.

    Attributes
    ----------
    row
        Row of the pixel on the map's grid.
    column
        Column of the pixel.
    stratum
        Class code of the pixel in the map.
    """

    row: int
    column: int
    stratum: int


@dataclass(frozen=True)
class AccuracyPlan:
    """The points of an accuracy estimate and their strata. The person who labels the points must not see the strata.

    Attributes
    ----------
    iteration
        Number of the iteration.
    checksum
        SHA-256 of the iteration's map.
    seed
        Seed of the draw.
    grid
        Grid of the map.
    strata
        Classes of the map from which points are drawn.
    points
        Points in the random order in which they are labelled.
    """

    iteration: int
    checksum: str
    seed: int
    grid: Grid
    strata: tuple[Stratum, ...]
    points: tuple[PlannedPoint, ...]

    @classmethod
    def draw(cls, labels: Path, iteration: int, size: int, seed: int, legend: Legend) -> Self:
        """Draw pixels of a map, within its classes and without replacement.

        Parameters
        ----------
        labels
            The map, raster of class codes.
        iteration
            Number of the iteration of the map.
        size
            Number of points.
        seed
            Seed of the draw.
        legend
            The classes.

        Raises
        ------
        ValueError
            If there are too few points for the classes that occur.
        """
        pixels = histogram(labels)
        occurring = [legend_class for legend_class in legend.classes if pixels[legend_class.code]]
        drawn = allocate([pixels[legend_class.code] for legend_class in occurring], size)
        strata = tuple(
            Stratum(legend_class.name, legend_class.code, pixels[legend_class.code], count)
            for legend_class, count in zip(occurring, drawn, strict=True)
        )
        rng = np.random.default_rng(seed)
        points = _draw_pixels(labels, strata, rng)
        # In the order of the strata, the points would show the map's classes.
        shuffled = tuple(points[index] for index in rng.permutation(len(points)))
        return cls(iteration, checksum(labels), seed, Grid.of(str(labels)), strata, shuffled)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read ``accuracy_plan.json``. Raises SampleError where it is missing or cannot be read."""
        try:
            content = read_json(path, most=_MOST_PLAN)
            return cls(
                content["iteration"],
                content["checksum"],
                content["seed"],
                Grid(**content["grid"]),
                tuple(Stratum(**stratum) for stratum in content["strata"]),
                tuple(PlannedPoint(**point) for point in content["points"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            if not path.exists():
                raise SampleError(f"{path}: does not exist; draw the points first, with: accuracy plan") from error
            reason = error if isinstance(error, UnreadableError) else "is not a plan"
            raise SampleError(f"{path}: {reason}; restore it, or draw new points") from error

    def as_json(self) -> dict[str, Any]:
        """Return the content of ``accuracy_plan.json``, which `read` reads."""
        return asdict(self)

    @property
    def sizes(self) -> Int64Array:
        """(strata,) number of pixels of each stratum."""
        return np.array([stratum.pixels for stratum in self.strata], dtype=np.int64)

    @property
    def rows(self) -> Int64Array:
        """(points,) row of each point on the map's grid."""
        return np.array([point.row for point in self.points], dtype=np.int64)

    @property
    def columns(self) -> Int64Array:
        """(points,) column of each point on the map's grid."""
        return np.array([point.column for point in self.points], dtype=np.int64)


def _draw_pixels(labels: Path, strata: tuple[Stratum, ...], rng: np.random.Generator) -> list[PlannedPoint]:
    """Draw the pixels of each stratum in one pass over the map.

    The pixels of a class are numbered from the upper left. The numbers of the pixels to take are drawn first.
    """
    wanted = {stratum.code: np.sort(rng.choice(stratum.pixels, stratum.points, replace=False)) for stratum in strata}
    passed = dict.fromkeys(wanted, 0)
    points = []
    for top, codes in strips(labels):
        width = codes.shape[1]
        for code, ranks in wanted.items():
            places = np.flatnonzero(codes == code)
            here = ranks[(ranks >= passed[code]) & (ranks < passed[code] + places.size)] - passed[code]
            passed[code] += places.size
            points += [PlannedPoint(top + place // width, place % width, code) for place in places[here].tolist()]
    return points
