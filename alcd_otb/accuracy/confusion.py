"""Confusion matrices and the metrics drawn from them. Rows are the reference, columns the map."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from alcd_otb.settings.legend import Legend

AXES = "rows: reference, columns: map"


@dataclass(frozen=True)
class ConfusionMatrix:
    """Pixel counts; counts[i][j] is of reference labels[i] and map labels[j]."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    @classmethod
    def from_pairs(cls, pairs: Mapping[tuple[int, int], int], legend: Legend) -> Self:
        """From counts by (reference code, map code).

        Classes that occur on neither side are left out. Raises ValueError for a code that is no class: the samples
        are clipped to valid pixels, where the map has no other.
        """
        occurring = {code for pair, count in pairs.items() if count for code in pair}
        strange = sorted(occurring - set(legend.codes))
        if strange:
            raise ValueError(f"codes {strange} are no classes of the legend")
        classes = [one for one in legend.classes if one.code in occurring]
        return cls(
            tuple(one.name for one in classes),
            tuple(tuple(pairs.get((row.code, column.code), 0) for column in classes) for row in classes),
        )

    @property
    def total(self) -> int:
        """Pixels."""
        return sum(map(sum, self.counts))

    @property
    def overall_accuracy(self) -> float | None:
        """Share of the pixels that the map tells right."""
        return _ratio(sum(row[index] for index, row in enumerate(self.counts)), self.total)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa (1960)."""
        accuracy = self.overall_accuracy
        if accuracy is None:
            return None
        columns = [sum(column) for column in zip(*self.counts, strict=True)]
        chance = sum(sum(row) * column for row, column in zip(self.counts, columns, strict=True)) / self.total**2
        return _ratio(accuracy - chance, 1 - chance)

    def producers_accuracy(self, label: str) -> float | None:
        """Share of the reference's pixels of a class that the map finds (recall)."""
        index = self.labels.index(label)
        return _ratio(self.counts[index][index], sum(self.counts[index]))

    def users_accuracy(self, label: str) -> float | None:
        """Share of the map's pixels of a class that are right (precision)."""
        index = self.labels.index(label)
        return _ratio(self.counts[index][index], sum(row[index] for row in self.counts))


@dataclass(frozen=True)
class BinaryMetrics:
    """Two classes, positive and negative. labels: what the two are called. An undefined ratio is None."""

    true_positives: int
    false_positives: int
    false_negatives: int
    true_negatives: int
    labels: tuple[str, str] = ("positive", "negative")

    @classmethod
    def from_pairs(cls, pairs: Mapping[tuple[int, int], int], legend: Legend) -> Self:
        """From counts by (reference code, map code), of the two sides that the legend names."""
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
        """Rows: the reference, columns: the map; invalid first."""
        return ConfusionMatrix(
            self.labels,
            ((self.true_positives, self.false_negatives), (self.false_positives, self.true_negatives)),
        )

    @property
    def overall_accuracy(self) -> float | None:
        """Share of the pixels that are told right."""
        return self.matrix.overall_accuracy

    @property
    def precision(self) -> float | None:
        """Share of the pixels called invalid that are so."""
        return _ratio(self.true_positives, self.true_positives + self.false_positives)

    @property
    def recall(self) -> float | None:
        """Share of the invalid pixels that are called so."""
        return _ratio(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> float | None:
        """Share of the valid pixels that are called so."""
        return _ratio(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall."""
        found = 2 * self.true_positives
        return _ratio(found, found + self.false_positives + self.false_negatives)

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of recall and specificity."""
        if self.recall is None or self.specificity is None:
            return None
        return (self.recall + self.specificity) / 2


def summarise(pairs: Mapping[tuple[int, int], int], legend: Legend) -> dict[str, object]:
    """Both matrices and all metrics, as metrics.json holds them."""
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
    """A table with the axes named in its first line."""
    lines = [f"# {AXES}", ",".join(["reference\\map", *matrix.labels])]
    lines += [",".join([label, *map(str, row)]) for label, row in zip(matrix.labels, matrix.counts, strict=True)]
    return "\n".join(lines) + "\n"


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
