"""Estimate the accuracy and the areas of a map from labelled points, with their confidence intervals."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.accuracy.confusion_matrix import AXES
from alcd_otb.accuracy.figures import ClassFigures
from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.accuracy.stratified import CONFIDENCE, Estimate, LabelledSample
from alcd_otb.accuracy.tables import AccuracyTable
from alcd_otb.arrays import Float64Array, Int64Array
from alcd_otb.errors import SampleError
from alcd_otb.files.writing import checksum
from alcd_otb.raster.io import histogram, values_at
from alcd_otb.settings.legend import Legend, Positive


@dataclass(frozen=True, eq=False)
class AccuracyEstimate:
    """Accuracy and areas of a map, from the points of a plan.

    Attributes
    ----------
    iteration
        Number of the iteration of the map.
    labels
        The map.
    planned_iteration
        Number of the iteration from whose map the points were drawn.
    is_planned_map
        Whether the points were drawn from this map.
    points
        Number of points of the plan.
    labelled
        Number of points that have a label.
    overall_accuracy
        Overall accuracy of all classes.
    classes
        Figures of each class that occurs.
    matrix
        (reference, map) number of points, by ``classes``.
    area_matrix
        (reference, map) estimated shares of the area, by ``classes``.
    sides
        The two sides of the two-class figures.
    two_class_accuracy
        Overall accuracy of the two sides. It and the figures of the sides are None if one side has no class.
    positive
        Figures of the positive side.
    negative
        Figures of the other side.
    """

    iteration: int
    labels: Path
    planned_iteration: int
    is_planned_map: bool
    points: int
    labelled: int
    overall_accuracy: Estimate | None
    classes: tuple[ClassFigures, ...]
    matrix: Int64Array
    area_matrix: Float64Array
    sides: Positive
    two_class_accuracy: Estimate | None
    positive: ClassFigures | None
    negative: ClassFigures | None

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``accuracy_estimate.json`` holds and ``accuracy estimate --json`` prints."""
        binary = None
        if self.positive is not None and self.negative is not None:
            binary = {
                "overall_accuracy": _json(self.two_class_accuracy),
                "precision": _json(self.positive.users_accuracy),
                "recall": _json(self.positive.producers_accuracy),
                "f1": _json(self.positive.f1),
                "by_class": {side.name: side.as_json() for side in (self.positive, self.negative)},
            }
        return {
            "iteration": self.iteration,
            "labels": str(self.labels),
            "planned_iteration": self.planned_iteration,
            "is_planned_map": self.is_planned_map,
            "points": self.points,
            "labelled": self.labelled,
            "confidence": CONFIDENCE,
            "overall_accuracy": _json(self.overall_accuracy),
            "by_class": {figures.name: figures.as_json() for figures in self.classes},
            "axes": AXES,
            "classes": [figures.name for figures in self.classes],
            "matrix": self.matrix.tolist(),
            "area_matrix": self.area_matrix.tolist(),
            "positive": self.sides.as_json(),
            self.sides.key: binary,
        }

    def table(self) -> str:
        """Format the estimates as CSV."""
        return self._table().as_csv()

    def summary(self) -> str:
        """Format the estimates as text of some lines, as ``accuracy estimate`` prints it."""
        drawn = "" if self.is_planned_map else f", drawn from iteration {self.planned_iteration}'s map"
        heading = (
            f"iteration {self.iteration}: {self.labels}",
            f"from {self.labelled} labelled points{drawn}; in brackets the intervals of {CONFIDENCE:.0%} confidence",
        )
        return self._table().as_text(heading)

    def _table(self) -> AccuracyTable:
        both_sides: tuple[ClassFigures, ...] = ()
        if self.positive is not None and self.negative is not None:
            both_sides = (self.positive, self.negative)
        return AccuracyTable(
            overall_accuracy=self.overall_accuracy,
            classes=self.classes,
            sides=self.sides.title,
            two_class_accuracy=self.two_class_accuracy,
            side_figures=both_sides,
        )


def labelled_sample(
    plan: AccuracyPlan, classes_by_pixel: Mapping[tuple[int, int], int], labels: Path, legend: Legend
) -> LabelledSample:
    """Count labelled points by stratum, class of the map and class of the label.

    Parameters
    ----------
    plan
        The points and their strata.
    classes_by_pixel
        Class code of each labelled point, by (row, column).
    labels
        The map.
    legend
        The classes.

    Raises
    ------
    SampleError
        If the map has data in other pixels than the map of the plan.
    """
    mapped = values_at(labels, plan.rows, plan.columns)[:, 0].tolist()
    pixels = histogram(labels)
    if sum(pixels[code] for code in legend.codes) != plan.sizes.sum() or not set(mapped) <= set(legend.codes):
        raise SampleError(f"{labels}: has no data in other pixels than the map of the plan; draw new points")
    strata = {stratum.code: index for index, stratum in enumerate(plan.strata)}
    classes = {code: index for index, code in enumerate(legend.codes)}
    counts = np.zeros((len(strata), len(classes), len(classes)), dtype=np.int64)
    for point, code in zip(plan.points, mapped, strict=True):
        reference = classes_by_pixel.get((point.row, point.column))
        if reference is not None:
            counts[strata[point.stratum], classes[code], classes[reference]] += 1
    return LabelledSample(plan.sizes, counts)


def estimate_of(
    plan: AccuracyPlan, sample: LabelledSample, folder: Path, labelled: int, legend: Legend
) -> AccuracyEstimate:
    """Estimate the accuracy and the areas of an iteration's map.

    Parameters
    ----------
    plan
        The points.
    sample
        Their labels, counted by `labelled_sample`.
    folder
        Folder of the iteration.
    labelled
        Number of points that have a label.
    legend
        The classes.
    """
    labels = folder / "labels.tif"
    pixels = histogram(labels)
    mapped = [pixels[code] * plan.grid.pixel_hectares for code in legend.codes]
    counts = sample.counts.sum(axis=0)
    occurring = [
        index for index in range(len(mapped)) if mapped[index] or counts[index].any() or counts[:, index].any()
    ]
    # 0 for the positive side, 1 for the other.
    side_of_class = [0 if code in legend.positive_codes else 1 for code in legend.codes]
    both = set(side_of_class) == {0, 1}
    binary = sample.merged(side_of_class, 2)
    mapped_sides = [
        sum(area for area, side in zip(mapped, side_of_class, strict=True) if side == wanted) for wanted in (0, 1)
    ]
    chosen = np.ix_(occurring, occurring)
    return AccuracyEstimate(
        iteration=int(folder.name),
        labels=labels,
        planned_iteration=plan.iteration,
        is_planned_map=checksum(labels) == plan.checksum,
        points=len(plan.points),
        labelled=labelled,
        overall_accuracy=sample.overall_accuracy(),
        classes=tuple(ClassFigures.of(sample, index, legend.names[index], mapped) for index in occurring),
        matrix=counts.T[chosen],
        area_matrix=sample.area_matrix[chosen],
        sides=legend.positive,
        two_class_accuracy=binary.overall_accuracy() if both else None,
        positive=ClassFigures.of(binary, 0, legend.positive.name, mapped_sides) if both else None,
        negative=ClassFigures.of(binary, 1, legend.positive.others, mapped_sides) if both else None,
    )


def _json(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else asdict(estimate)
