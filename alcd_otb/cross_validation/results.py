"""Give the scores of a cross-validation, fold by fold and in the mean, as JSON, table and text."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.settings.legend import Positive
from alcd_otb.text import aligned


@dataclass(frozen=True)
class FoldResult:
    """Size and scores of one fold.

    Attributes
    ----------
    blocks
        Number of blocks to validate with.
    samples
        Number of samples in these blocks.
    pixels
        Number of pixels of these samples.
    training_pixels
        Number of pixels to train on, without noisy copies.
    scores
        Scores by name, 0 to 1, None if undefined. The last three are those of the positive pixels.
    """

    blocks: int
    samples: int
    training_pixels: int
    pixels: int
    scores: dict[str, float | None]


@dataclass(frozen=True)
class CrossValidation:
    """Results of a cross-validation.

    Attributes
    ----------
    folder
        Folder of the files that were written.
    sides
        The two sides that the two-class scores distinguish.
    block
        Side of a block, in metres.
    folds
        Results of each fold.
    together
        Metrics of all folds' pixels in one matrix, as in metrics.json.
    warnings
        Messages for the operator, one line each.
    """

    folder: Path
    sides: Positive
    block: float
    folds: tuple[FoldResult, ...]
    together: dict[str, object]
    warnings: tuple[str, ...]

    @property
    def means(self) -> dict[str, float | None]:
        """Mean of each score over the folds where it is defined."""
        return {name: statistics.fmean(values) if values else None for name, values in self._values().items()}

    @property
    def deviations(self) -> dict[str, float | None]:
        """Standard deviation of each score between folds (n - 1); None with fewer than two values."""
        return {name: statistics.stdev(values) if len(values) > 1 else None for name, values in self._values().items()}

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``kfold.json`` holds and ``kfold --json`` prints."""
        return {
            "folder": str(self.folder),
            "block": self.block,
            "folds": [
                {
                    "blocks": fold.blocks,
                    "samples": fold.samples,
                    "training_pixels": fold.training_pixels,
                    "pixels": fold.pixels,
                    **_keyed(fold.scores),
                }
                for fold in self.folds
            ],
            "mean": _keyed(self.means),
            "standard_deviation": _keyed(self.deviations),
            "together": self.together,
            "warnings": list(self.warnings),
        }

    def table(self) -> list[list[str]]:
        """Give the rows of the table, its head first."""
        rows = [["fold", "blocks", "samples", "pixels", *self._values()]]
        rows += [
            [str(number), str(fold.blocks), str(fold.samples), str(fold.pixels), *map(_shown, fold.scores.values())]
            for number, fold in enumerate(self.folds, start=1)
        ]
        counts = [(fold.blocks, fold.samples, fold.pixels) for fold in self.folds]
        totals = [str(sum(values)) for values in zip(*counts, strict=True)]
        rows.append(["mean", *totals, *map(_shown, self.means.values())])
        rows.append(["standard deviation", "", "", "", *map(_shown, self.deviations.values())])
        return rows

    def summary(self) -> str:
        """Format the scores as text of some lines, as ``kfold`` prints it."""
        return (
            f"{self.folder}: {len(self.folds)} folds of blocks of {self.block / 1000:g} km\n"
            f"{aligned(self.table())}\n"
            "The scores describe the samples, not the map: they show how well samples predict other samples several "
            "kilometres away."
        )

    def _values(self) -> dict[str, list[float]]:
        names = self.folds[0].scores
        return {name: [value for fold in self.folds if (value := fold.scores[name]) is not None] for name in names}


def _keyed(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """Give scores the names of metrics.json."""
    return {name.lower().replace(" ", "_").replace("/", "_"): value for name, value in scores.items()}


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
