"""Compute confusion matrices and their metrics. Rows are the reference, columns are the map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from alcd_otb.settings.legend import Legend
from alcd_otb.text import csv_text

AXES = "rows: reference, columns: map"
"""Axes of all matrices, as JSON and CSV files describe them."""


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts of pixels by class of the reference and class of the map.

    Attributes
    ----------
    labels
        Names of the classes.
    counts
        counts[i][j] is the number of pixels of labels[i] in the reference and of labels[j] in the map.
    """

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def from_pairs(cls, pairs: Mapping[tuple[int, int], int], legend: Legend) -> Self:
        """Make the matrix from counts of pixels. Classes that do not occur are left out.

        Parameters
        ----------
        pairs
            Pixels by (reference code, map code).
        legend
            The classes.

        Raises
        ------
        ValueError
            If a code is not a class: samples are clipped to valid pixels, where the map has only classes.
        """
        occurring = {code for pair, count in pairs.items() if count for code in pair}
        unknown = sorted(occurring - set(legend.codes))
        if unknown:
            raise ValueError(f"codes {unknown} are not classes of the legend")
        classes = [legend_class for legend_class in legend.classes if legend_class.code in occurring]
        return cls(
            tuple(legend_class.name for legend_class in classes),
            tuple(tuple(pairs.get((row.code, column.code), 0) for column in classes) for row in classes),
        )

    @property
    def total(self) -> int:
        """Number of pixels."""
        return sum(map(sum, self.counts))

    @property
    def overall_accuracy(self) -> float | None:
        """Share of the pixels that have the right class in the map, 0 to 1."""
        return _ratio(sum(row[index] for index, row in enumerate(self.counts)), self.total)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (1960), at most 1."""
        accuracy = self.overall_accuracy
        if accuracy is None:
            return None
        columns = [sum(column) for column in zip(*self.counts, strict=True)]
        chance = sum(sum(row) * column for row, column in zip(self.counts, columns, strict=True)) / self.total**2
        return _ratio(accuracy - chance, 1 - chance)

    def producers_accuracy(self, label: str) -> float | None:
        """Compute the share of a class's pixels in the reference that the map gives the class (recall), 0 to 1."""
        index = self.labels.index(label)
        return _ratio(self.counts[index][index], sum(self.counts[index]))

    def users_accuracy(self, label: str) -> float | None:
        """Compute the share of a class's pixels in the map that are of it in the reference (precision), 0 to 1."""
        index = self.labels.index(label)
        return _ratio(self.counts[index][index], sum(row[index] for row in self.counts))


@dataclass(frozen=True)
class BinaryMetrics:
    """Counts of pixels of two sides, positive and negative. A ratio that is undefined is None.

    Attributes
    ----------
    true_positives, true_negatives
        Pixels that are positive, or negative, in the reference and in the map.
    false_positives, false_negatives
        Pixels that are positive, or negative, in the map alone.
    labels
        Names of the positive and of the negative side.
    """

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    labels: tuple[str, str] = ("positive", "negative")

    @classmethod
    def from_pairs(cls, pairs: Mapping[tuple[int, int], int], legend: Legend) -> Self:
        """Make the counts of the two sides that a legend names.

        Parameters
        ----------
        pairs
            Pixels by (reference code, map code).
        legend
            The classes, and which of them are positive.
        """
        positive = legend.positive_codes
        cells = {(reference, mapped): 0 for reference in (True, False) for mapped in (True, False)}
        for (reference_code, map_code), count in pairs.items():
            cells[reference_code in positive, map_code in positive] += count
        return cls(
            true_positives=cells[True, True],
            false_positives=cells[False, True],
            false_negatives=cells[True, False],
            true_negatives=cells[False, False],
            labels=(legend.positive.name, legend.positive.others),
        )

    @property
    def matrix(self) -> ConfusionMatrix:
        """The counts as a matrix, the positive side first."""
        return ConfusionMatrix(
            self.labels,
            ((self.true_positives, self.false_negatives), (self.false_positives, self.true_negatives)),
        )

    @property
    def overall_accuracy(self) -> float | None:
        """Share of the pixels that are on the right side in the map, 0 to 1."""
        return self.matrix.overall_accuracy

    @property
    def precision(self) -> float | None:
        """Share of the pixels that are positive in the map that are so in the reference, 0 to 1."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of the pixels that are positive in the reference that are so in the map, 0 to 1."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> float | None:
        """Share of the pixels that are negative in the reference that are so in the map, 0 to 1."""
        return _ratio(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall, 0 to 1."""
        twice = 2 * self.true_positives
        return _ratio(twice, twice + self.false_positives + self.false_negatives)

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of recall and specificity, 0 to 1."""
        if self.recall is None or self.specificity is None:
            return None
        return (self.recall + self.specificity) / 2


def summarise(pairs: Mapping[tuple[int, int], int], legend: Legend) -> dict[str, object]:
    """Compute both matrices and all metrics, as metrics.json holds them.

    Parameters
    ----------
    pairs
        Pixels by (reference code, map code).
    legend
        The classes, and which of them are positive.

    Raises
    ------
    ValueError
        If a code is not a class.
    """
    matrix = ConfusionMatrix.from_pairs(pairs, legend)
    binary = BinaryMetrics.from_pairs(pairs, legend)
    return {
        "axes": AXES,
        "pixels": matrix.total,
        "overall_accuracy": matrix.overall_accuracy,
        "kappa": matrix.kappa,
        "classes": list(matrix.labels),
        "matrix": [list(row) for row in matrix.counts],
        "by_class": {
            label: {
                "reference_pixels": sum(row),
                "producers_accuracy": matrix.producers_accuracy(label),
                "users_accuracy": matrix.users_accuracy(label),
            }
            for label, row in zip(matrix.labels, matrix.counts, strict=True)
        },
        "positive": legend.positive.as_json(),
        legend.positive.key: {
            "classes": list(binary.matrix.labels),
            "matrix": [list(row) for row in binary.matrix.counts],
            "overall_accuracy": binary.overall_accuracy,
            "balanced_accuracy": binary.balanced_accuracy,
            "kappa": binary.matrix.kappa,
            "precision": binary.precision,
            "recall": binary.recall,
            "f1": binary.f1,
            "specificity": binary.specificity,
        },
    }


def matrix_csv(matrix: ConfusionMatrix) -> str:
    """Format a matrix as CSV, with the axes named in the first line."""
    rows = ([label, *row] for label, row in zip(matrix.labels, matrix.counts, strict=True))
    return f"# {AXES}\n" + csv_text([["reference\\map", *matrix.labels], *rows])


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
