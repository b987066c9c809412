"""Count the classes of a whole live map, and the fraction that the last clicks and iteration left unchanged."""

from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alcd_otb.arrays import Int64Array, UInt8Array
from alcd_otb.iterations.changes import Changes
from alcd_otb.iterations.stopping import two_class_share
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import reading
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.legend import NO_DATA, Legend

CLICKS = 10
"""The map is compared with the one so many changes before."""

_MOST_COMPARED = 2**20
"""About the most pixels of a map that are kept for comparisons: all, or every second, third ... of each side."""

_MOST_KEPT = 40


@dataclass(frozen=True)
class ClickChange:
    """How much of the map the last clicks changed.

    Attributes
    ----------
    clicks
        How many changes of the samples or corrections lie between both maps.
    share
        Share of the pixels whose class is another one, 0 to 1. With large maps, it is estimated from a part of the
        pixels that is spread evenly.
    """

    clicks: int
    share: float


@dataclass(eq=False)
class Survey:
    """What is counted over the map of one revision, strip by strip.

    Attributes
    ----------
    revision
        The revision.
    counts
        (256,) pixels of each code.
    compared
        Codes of some of the pixels.
    pairs
        Pixels by (code in the map of the last iteration, code now). Empty if there is no such map.
    iteration
        Number of the last iteration. None if there is none, or its map is on another grid.
    """

    revision: int
    counts: Int64Array
    compared: UInt8Array
    pairs: Counter[tuple[int, int]]
    iteration: int | None

    def shares(self, legend: Legend) -> dict[str, float]:
        """Compute the share of each class that occurs, of all pixels with data."""
        total = int(self.counts.sum() - self.counts[NO_DATA])
        codes = [code for code in legend.codes if self.counts[code]]
        return {legend.with_code(code).name: float(self.counts[code]) / max(total, 1) for code in codes}

    def two_class_changed(self, legend: Legend) -> float | None:
        """Compute the share of the pixels that are on the other side of the legend than in the last iteration."""
        if self.iteration is None:
            return None
        return two_class_share(Changes.from_pairs(self.iteration, self.pairs, legend), legend.positive)


@dataclass
class Surveys:
    """The surveys of the last revisions.

    Attributes
    ----------
    grid
        The grid of the maps.
    """

    grid: Grid
    _kept: deque[Survey] = field(default_factory=lambda: deque(maxlen=_MOST_KEPT))

    @property
    def last(self) -> Survey | None:
        """The last one, if there is any."""
        return self._kept[-1] if self._kept else None

    def begin(self, revision: int, iteration: Path | None) -> Survey:
        """Begin the survey of a revision.

        Parameters
        ----------
        revision
            The revision.
        iteration
            Folder of the last iteration, if there is any.
        """
        step = self._step
        compared = np.zeros((-(-self.grid.height // step), -(-self.grid.width // step)), np.uint8)
        number = int(iteration.name) if iteration is not None and self._map_of(iteration) is not None else None
        return Survey(revision, np.zeros(256, np.int64), compared, Counter(), number)

    def add(self, survey: Survey, window: Window, labels: UInt8Array, iteration: Path | None) -> None:
        """Count the pixels of a strip of whole rows.

        Parameters
        ----------
        survey
            The survey that was begun.
        window
            The strip.
        labels
            (rows, columns) codes of the strip.
        iteration
            Folder of the last iteration, if there is any.

        Raises
        ------
        ProcessingError
            If the map of the iteration cannot be read.
        """
        survey.counts += np.bincount(labels.ravel(), minlength=256)
        step = self._step
        first = -window.row % step
        begin = (window.row + first) // step
        part = labels[first::step, ::step]
        survey.compared[begin : begin + len(part)] = part
        file = self._map_of(iteration) if iteration is not None and survey.iteration is not None else None
        if file is not None:
            with reading(file):
                before = open_raster(file).ReadAsArray(window.column, window.row, window.columns, window.rows)
            joint = np.bincount((before.astype(np.uint16) * 256 + labels).ravel(), minlength=1)
            survey.pairs.update({divmod(int(both), 256): int(joint[both]) for both in np.flatnonzero(joint)})

    def keep(self, survey: Survey) -> None:
        """Keep a complete survey. A survey of an earlier revision than the last is dropped."""
        if not self._kept or self._kept[-1].revision < survey.revision:
            self._kept.append(survey)

    def changed(self) -> ClickChange | None:
        """Compare the last map with the one `CLICKS` changes before, or with the next older one that was surveyed.

        Returns
        -------
        ClickChange or None
            None if no map so old was surveyed.
        """
        surveys = tuple(self._kept)
        last = surveys[-1] if surveys else None
        before = next((each for each in reversed(surveys) if last and each.revision <= last.revision - CLICKS), None)
        if last is None or before is None:
            return None
        there = (last.compared != NO_DATA) | (before.compared != NO_DATA)
        moved = np.count_nonzero(last.compared != before.compared)
        return ClickChange(last.revision - before.revision, float(moved) / max(int(np.count_nonzero(there)), 1))

    @property
    def _step(self) -> int:
        return max(1, int(np.ceil(np.sqrt(self.grid.height * self.grid.width / _MOST_COMPARED))))

    def _map_of(self, iteration: Path) -> Path | None:
        """Return the map of an iteration, if it is on the grid."""
        file = iteration / "labels.tif"
        return file if file.is_file() and Grid.of(file) == self.grid else None
