"""The points by which a map's accuracy is to be estimated, drawn at random within the map's classes."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from alcd_otb.accuracy.stratified import allocate
from alcd_otb.arrays import Int64Array
from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import histogram, strips
from alcd_otb.settings.legend import Legend
from alcd_otb.workspace import checksum

_ROWS = 256
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Stratum:
    """A class of the map that the points were drawn from. pixels: of the map; points: drawn among them."""

    name: str
    code: int
    pixels: int
    points: int


@dataclass(frozen=True)
class PlannedPoint:
    """A pixel of the map's grid, and the code of its stratum."""

    row: int
    column: int
    stratum: int


@dataclass(frozen=True)
class AccuracyPlan:
    """What the estimate needs and who labels must not see.

    iteration and checksum: of the map; points: in the random order in which they are labelled.
    """

    iteration: int
    checksum: str
    seed: int
    grid: Grid
    strata: tuple[Stratum, ...]
    points: tuple[PlannedPoint, ...]

    @classmethod
    def draw(cls, labels: Path, iteration: int, size: int, seed: int, legend: Legend) -> Self:
        """Draw so many of the map's pixels, within its classes and without replacement.

        Raises ValueError where there are too few points for the classes that occur.
        """
        pixels = histogram(labels)
        occurring = [one for one in legend.classes if pixels[one.code]]
        drawn = allocate([pixels[one.code] for one in occurring], size)
        strata = tuple(
            Stratum(one.name, one.code, pixels[one.code], count) for one, count in zip(occurring, drawn, strict=True)
        )
        rng = np.random.default_rng(seed)
        points = _draw_pixels(labels, strata, rng)
        # In the order of the strata the points would give the map's classes away.
        shuffled = tuple(points[index] for index in rng.permutation(len(points)))
        return cls(iteration, checksum(labels), seed, Grid.of(str(labels)), strata, shuffled)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises SampleError where there is no plan, or none that can be read."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                content["iteration"],
                content["checksum"],
                content["seed"],
                Grid(**content["grid"]),
                tuple(Stratum(**one) for one in content["strata"]),
                tuple(PlannedPoint(**one) for one in content["points"]),
            )
        except FileNotFoundError as error:
            raise SampleError(f"{path}: does not exist; draw the points first, with: accuracy plan") from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SampleError(f"{path}: is not a plan ({error}); restore it, or draw new points") from error

    def as_json(self) -> dict[str, Any]:
        """What ``accuracy_plan.json`` holds; `read` takes it."""
        return asdict(self)

    @property
    def sizes(self) -> Int64Array:
        """(strata,) pixels of each stratum."""
        return np.array([one.pixels for one in self.strata], dtype=np.int64)

    @property
    def rows(self) -> Int64Array:
        """(points,) of the map's grid."""
        return np.array([one.row for one in self.points], dtype=np.int64)

    @property
    def columns(self) -> Int64Array:
        """(points,) of the map's grid."""
        return np.array([one.column for one in self.points], dtype=np.int64)


def _draw_pixels(labels: Path, strata: tuple[Stratum, ...], rng: np.random.Generator) -> list[PlannedPoint]:
    """The map's pixels of each class are counted from the upper left; which are taken is drawn beforehand."""
    wanted = {one.code: np.sort(rng.choice(one.pixels, one.points, replace=False)) for one in strata}
    passed = dict.fromkeys(wanted, 0)
    found = []
    for top, codes in strips(labels):
        width = codes.shape[1]
        for code, ranks in wanted.items():
            places = np.flatnonzero(codes == code)
            here = ranks[(ranks >= passed[code]) & (ranks < passed[code] + places.size)] - passed[code]
            passed[code] += places.size
            found += [PlannedPoint(top + place // width, place % width, code) for place in places[here].tolist()]
    return found
