"""What a cross-validation found: scores fold by fold, their means and deviations, as JSON, table and text."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.settings.legend import Positive
from alcd_otb.text import aligned


@dataclass(frozen=True)
class FoldResult:
    """blocks, samples, pixels: that validate. training_pixels: before any noisy copy.

    scores: by their names, None where undefined; the last three are of the positive pixels.
    """

    blocks: int
    samples: int
    training_pixels: int
    pixels: int
    scores: dict[str, float | None]


@dataclass(frozen=True)
class CrossValidation:
    """block: side in metres. sides: that the two-class scores tell apart.

    together: what metrics.json holds, of all folds' pixels in one matrix.
    """

    folder: Path
    sides: Positive
    block: float
    folds: tuple[FoldResult, ...]
    together: dict[str, object]
    warnings: tuple[str, ...]

    @property
    def means(self) -> dict[str, float | None]:
        """Of the folds where a score is defined."""
        return {name: statistics.fmean(values) if values else None for name, values in self._values().items()}

    @property
    def deviations(self) -> dict[str, float | None]:
        """Standard deviations between folds (n - 1)."""
        return {name: statistics.stdev(values) if len(values) > 1 else None for name, values in self._values().items()}

    def as_json(self) -> dict[str, Any]:
        """What ``kfold.json`` holds and ``kfold --json`` prints."""
        return {
            "folder": str(self.folder),
            "block": self.block,
            "folds": [
                {
                    "blocks": one.blocks,
                    "samples": one.samples,
                    "training_pixels": one.training_pixels,
                    "pixels": one.pixels,
                    **_keyed(one.scores),
                }
                for one in self.folds
            ],
            "mean": _keyed(self.means),
            "standard_deviation": _keyed(self.deviations),
            "together": self.together,
            "warnings": list(self.warnings),
        }

    def table(self) -> list[list[str]]:
        """The lines of the table, its head first."""
        rows = [["fold", "blocks", "samples", "pixels", *self._values()]]
        rows += [
            [str(number), str(one.blocks), str(one.samples), str(one.pixels), *map(_shown, one.scores.values())]
            for number, one in enumerate(self.folds, start=1)
        ]
        counts = [(one.blocks, one.samples, one.pixels) for one in self.folds]
        totals = [str(sum(values)) for values in zip(*counts, strict=True)]
        rows.append(["mean", *totals, *map(_shown, self.means.values())])
        rows.append(["standard deviation", "", "", "", *map(_shown, self.deviations.values())])
        return rows

    def summary(self) -> str:
        """The scores as a text of some lines, as ``kfold`` prints it."""
        return (
            f"{self.folder}: {len(self.folds)} folds of blocks of {self.block / 1000:g} km\n"
            f"{aligned(self.table())}\n"
            "The scores are of the samples, not of the map: they tell how well samples foretell others far away."
        )

    def _values(self) -> dict[str, list[float]]:
        names = self.folds[0].scores
        return {name: [value for one in self.folds if (value := one.scores[name]) is not None] for name in names}


def _keyed(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    """By names as in metrics.json."""
    return {name.lower().replace(" ", "_").replace("/", "_"): value for name, value in scores.items()}


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
