"""Format an accuracy estimate as CSV and as text."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from alcd_otb.accuracy.figures import ClassFigures
from alcd_otb.accuracy.stratified import Estimate
from alcd_otb.text import csv_text

_USERS, _PRODUCERS = "user's accuracy", "producer's accuracy"


class _Row(NamedTuple):
    """A row of the CSV: name of the class, name of the figure, and its estimate."""

    class_name: str
    figure: str
    estimate: Estimate | None


@dataclass(frozen=True)
class AccuracyTable:
    """The figures of an accuracy estimate that its tables show.

    Attributes
    ----------
    overall_accuracy
        Overall accuracy of all classes.
    classes
        Figures of each class.
    sides
        Names of both sides of the two-class figures, as in ``invalid/valid``.
    two_class_accuracy
        Overall accuracy of the two sides.
    side_figures
        Figures of the positive and of the other side; empty if there are no two-class figures.
    """

    overall_accuracy: Estimate | None
    classes: tuple[ClassFigures, ...]
    sides: str
    two_class_accuracy: Estimate | None
    side_figures: tuple[ClassFigures, ...]

    def as_csv(self) -> str:
        """Format the estimates as CSV, with a line for each class and figure."""
        rows: list[list[str]] = [["class", "figure", "estimate", "standard_error", "low", "high"]]
        for row in self._rows():
            values = [""] * 4 if row.estimate is None else [f"{value:.6g}" for value in asdict(row.estimate).values()]
            rows.append([row.class_name, row.figure, *values])
        return csv_text(rows)

    def as_text(self, heading: Sequence[str]) -> str:
        """Format the estimates as text for a terminal.

        Parameters
        ----------
        heading
            Lines before the figures.
        """
        sides = f"{self.sides} accuracy"
        lines = [*heading, f"{'overall accuracy':<{len(sides)}}  {_shown(self.overall_accuracy)}"]
        if self.side_figures:
            lines.append(f"{sides:<16}  {_shown(self.two_class_accuracy)}")
        groups = (*self.classes, *self.side_figures)
        width = max(len(figures.name) for figures in groups)
        lines.append(f"{'':<{width}}  {_USERS:<22} {_PRODUCERS:<22} true area in hectares (mapped)")
        for figures in groups:
            users, producers = _shown(figures.users_accuracy), _shown(figures.producers_accuracy)
            area = f"{_shown(figures.hectares, 0)} ({figures.mapped_hectares:.0f})"
            lines.append(f"{figures.name:<{width}}  {users:<22} {producers:<22} {area}")
        return "\n".join(lines)

    def _rows(self) -> list[_Row]:
        rows = [_Row("all", "overall accuracy", self.overall_accuracy)]
        if self.side_figures:
            rows.append(_Row(self.sides, "overall accuracy", self.two_class_accuracy))
        for figures in (*self.classes, *self.side_figures):
            rows += [
                _Row(figures.name, _USERS, figures.users_accuracy),
                _Row(figures.name, _PRODUCERS, figures.producers_accuracy),
                _Row(figures.name, "F1", figures.f1),
                _Row(figures.name, "share of the area", figures.share),
                _Row(figures.name, "hectares", figures.hectares),
            ]
        return rows


def _shown(estimate: Estimate | None, digits: int = 3) -> str:
    if estimate is None:
        return "-"
    return f"{estimate.estimate:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"
