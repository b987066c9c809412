"""Hold the results of a comparison: rows, means over scenes, pooled counts, and the best dilations."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics
from alcd_otb.text import csv_text

METRICS: Mapping[str, Callable[[BinaryMetrics], float | None]] = {
    "oa": lambda metrics: metrics.overall_accuracy,
    "balanced_oa": lambda metrics: metrics.balanced_accuracy,
    "precision": lambda metrics: metrics.precision,
    "recall": lambda metrics: metrics.recall,
    "f1": lambda metrics: metrics.f1,
    "specificity": lambda metrics: metrics.specificity,
}
"""Metrics in the order of tables. The protocol defines positive; an undefined ratio is None."""

COUNTS: Mapping[str, Callable[[BinaryMetrics], int]] = {
    "tp": lambda metrics: metrics.true_positives,
    "fp": lambda metrics: metrics.false_positives,
    "fn": lambda metrics: metrics.false_negatives,
    "tn": lambda metrics: metrics.true_negatives,
}


@dataclass(frozen=True)
class Row:
    """Results of one scene and one processor at one dilation.

    Attributes
    ----------
    scene, processor
        Names.
    dilation_m
        Dilation of the row in metres, as the protocol lists it.
    reference_dilation_m, product_dilation_m
        Dilation of each side in metres.
    metrics
        Of all pixels.
    classes
        By class of the reference; dilation does not change the class of a pixel.
    """

    scene: str
    processor: str
    dilation_m: float
    reference_dilation_m: float
    product_dilation_m: float
    metrics: BinaryMetrics
    classes: Mapping[str, BinaryMetrics]

    def as_json(self) -> dict[str, Any]:
        """Return the row as ``comparison.json`` holds it."""
        return {
            "scene": self.scene,
            "processor": self.processor,
            "dilation_m": self.dilation_m,
            "reference_dilation_m": self.reference_dilation_m,
            "product_dilation_m": self.product_dilation_m,
            **_figures(self.metrics),
            "classes": {name: _class_figures(metrics) for name, metrics in self.classes.items()},
        }


@dataclass(frozen=True)
class ProcessorSummary:
    """Results of one processor at one dilation over its scenes.

    Attributes
    ----------
    processor
        Name.
    dilation_m
        Dilation in metres.
    scenes
        Number of scenes.
    mean
        Mean of each metric over the scenes where it is defined.
    pooled
        Metrics of the counts of all scenes together.
    classes
        Pooled metrics by class of the reference.
    """

    processor: str
    dilation_m: float
    scenes: int
    mean: Mapping[str, float | None]
    pooled: BinaryMetrics
    classes: Mapping[str, BinaryMetrics]

    def as_json(self) -> dict[str, Any]:
        """Return the processor as ``comparison.json`` holds it."""
        return {
            "processor": self.processor,
            "dilation_m": self.dilation_m,
            "scenes": self.scenes,
            "mean": dict(self.mean),
            "pooled": _figures(self.pooled),
            "classes": {name: _class_figures(metrics) for name, metrics in self.classes.items()},
        }


def summarise_processors(rows: Iterable[Row]) -> tuple[ProcessorSummary, ...]:
    """Summarise rows by processor and dilation."""

    def key(row: Row) -> tuple[str, float]:
        return row.processor, row.dilation_m

    return tuple(
        _summary(processor, dilation, list(members))
        for (processor, dilation), members in groupby(sorted(rows, key=key), key=key)
    )


def best_dilations(summaries: Sequence[ProcessorSummary]) -> tuple[ProcessorSummary, ...]:
    """Choose each processor's dilation of the highest mean overall accuracy; the smallest, if several are equal."""
    best = []
    for _, members in groupby(summaries, key=lambda summary: summary.processor):
        best.append(max(members, key=lambda summary: (summary.mean["oa"] or -1.0, -summary.dilation_m)))
    return tuple(best)


def uneven_processors(rows: Iterable[Row]) -> dict[str, tuple[str, ...]]:
    """List the scenes that a processor lacks and others have, by processor.

    The mean of such a processor is not comparable with the means of others.
    """
    scenes: dict[str, set[str]] = {}
    for row in rows:
        scenes.setdefault(row.processor, set()).add(row.scene)
    every = set().union(*scenes.values())
    return {processor: tuple(sorted(every - own)) for processor, own in sorted(scenes.items()) if every - own}


def rows_csv(rows: Iterable[Row]) -> str:
    """Write a table with a line for each row; ratios have all their digits, and are empty if undefined."""
    head = ("scene", "processor", "dilation_m", "reference_dilation_m", "product_dilation_m", *COUNTS, *METRICS)
    return _csv(head, ([row.as_json()[name] for name in head] for row in rows))


def classes_csv(rows: Iterable[Row]) -> str:
    """Write a table with a line for each row and class of the reference."""
    head = ("scene", "processor", "dilation_m", "reference_class", "pixels", *COUNTS, "omission", "commission")
    return _csv(head, _class_lines(rows))


def _class_lines(rows: Iterable[Row]) -> Iterator[list[Any]]:
    for row in rows:
        for name, metrics in row.classes.items():
            yield [row.scene, row.processor, row.dilation_m, name, *_class_figures(metrics).values()]


def _csv(head: Sequence[str], lines: Iterable[Sequence[Any]]) -> str:
    comment = "# tp, fp, fn, tn: pixels; the protocol defines positive; reference against product\n"
    return comment + csv_text([head, *lines])


def _summary(processor: str, dilation: float, rows: list[Row]) -> ProcessorSummary:
    mean = {}
    for name, metric in METRICS.items():
        values = [value for row in rows if (value := metric(row.metrics)) is not None]
        mean[name] = sum(values) / len(values) if values else None
    classes: dict[str, list[BinaryMetrics]] = {}
    for row in rows:
        for name, metrics in row.classes.items():
            classes.setdefault(name, []).append(metrics)
    return ProcessorSummary(
        processor,
        dilation,
        len(rows),
        mean,
        _pooled(row.metrics for row in rows),
        {name: _pooled(members) for name, members in classes.items()},
    )


def _pooled(members: Iterable[BinaryMetrics]) -> BinaryMetrics:
    every = list(members)
    true_positives, false_positives, false_negatives, true_negatives = (
        sum(count(metrics) for metrics in every) for count in COUNTS.values()
    )
    return BinaryMetrics(true_positives, false_positives, false_negatives, true_negatives)


def _figures(metrics: BinaryMetrics) -> dict[str, Any]:
    counts = {name: count(metrics) for name, count in COUNTS.items()}
    return {"pixels": sum(counts.values()), **counts, **{name: metric(metrics) for name, metric in METRICS.items()}}


def _class_figures(metrics: BinaryMetrics) -> dict[str, Any]:
    """Return counts, omission and commission of one class.

    Omission is the fraction of its positive pixels that the product misses; commission is the fraction of its negative
    pixels that the product takes for positive.
    """
    counts = {name: count(metrics) for name, count in COUNTS.items()}
    positives = metrics.true_positives + metrics.false_negatives
    negatives = metrics.true_negatives + metrics.false_positives
    omission = metrics.false_negatives / positives if positives else None
    commission = metrics.false_positives / negatives if negatives else None
    return {"pixels": sum(counts.values()), **counts, "omission": omission, "commission": commission}
