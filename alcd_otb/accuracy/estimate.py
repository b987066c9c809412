"""What a labelled sample of points says of a map: accuracies and areas with their intervals."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.accuracy.confusion import AXES
from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.accuracy.stratified import CONFIDENCE, Estimate, LabelledSample
from alcd_otb.arrays import Float64Array, Int64Array
from alcd_otb.errors import SampleError
from alcd_otb.raster.io import histogram, values_at
from alcd_otb.settings.legend import Legend, Positive
from alcd_otb.workspace import checksum

_USERS, _PRODUCERS = "user's accuracy", "producer's accuracy"


@dataclass(frozen=True)
class ClassFigures:
    """What is estimated of one class; None where no point lies in it, or is of it. Areas in hectares.

    points_mapped, points_true: points that the map, or who labelled, gives the class. share: of the area that is truly
    of it, 0 to 1.
    """

    name: str
    points_mapped: int
    points_true: int
    mapped_hectares: float
    users_accuracy: Estimate | None
    producers_accuracy: Estimate | None
    f1: Estimate | None
    share: Estimate | None
    hectares: Estimate | None

    def as_json(self) -> dict[str, Any]:
        """All but the name, estimates as objects."""
        return {key: value for key, value in asdict(self).items() if key != "name"}


@dataclass(frozen=True, eq=False)
class AccuracyEstimate:
    """Accuracy and areas of a map, from the points of a plan.

    matrix: (reference, map) points; area_matrix: (reference, map) estimated shares of the area; both by `classes`.
    sides: of the two-class figures, which are None where no class or every class is on one side.
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
        """What ``accuracy_estimate.json`` holds and ``accuracy estimate --json`` prints."""
        binary = None
        if self.positive is not None and self.negative is not None:
            binary = {
                "overall_accuracy": _json(self.two_class_accuracy),
                "precision": _json(self.positive.users_accuracy),
                "recall": _json(self.positive.producers_accuracy),
                "f1": _json(self.positive.f1),
                "by_class": {one.name: one.as_json() for one in (self.positive, self.negative)},
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
            "by_class": {one.name: one.as_json() for one in self.classes},
            "axes": AXES,
            "classes": [one.name for one in self.classes],
            "matrix": self.matrix.tolist(),
            "area_matrix": self.area_matrix.tolist(),
            "positive": self.sides.as_json(),
            self.sides.key: binary,
        }

    def _rows(self) -> list[tuple[str, str, Estimate | None]]:
        """(class, figure, estimate) of all that is estimated."""
        table: list[tuple[str, str, Estimate | None]] = [("all", "overall accuracy", self.overall_accuracy)]
        groups = list(self.classes)
        if self.positive is not None and self.negative is not None:
            table.append((self.sides.title, "overall accuracy", self.two_class_accuracy))
            groups += [self.positive, self.negative]
        for one in groups:
            table += [
                (one.name, _USERS, one.users_accuracy),
                (one.name, _PRODUCERS, one.producers_accuracy),
                (one.name, "F1", one.f1),
                (one.name, "share of the area", one.share),
                (one.name, "hectares", one.hectares),
            ]
        return table

    def table(self) -> str:
        """The estimates as CSV."""
        lines = ["class,figure,estimate,standard_error,low,high"]
        for name, figure, one in self._rows():
            values = ",,," if one is None else ",".join(f"{value:.6g}" for value in asdict(one).values())
            lines.append(f"{name},{figure},{values}")
        return "\n".join(lines) + "\n"

    def summary(self) -> str:
        """The estimates as a text of some lines, as ``accuracy estimate`` prints it."""
        drawn = "" if self.is_planned_map else f", drawn from iteration {self.planned_iteration}'s map"
        of_sides = f"{self.sides.title} accuracy"
        lines = [
            f"iteration {self.iteration}: {self.labels}",
            f"from {self.labelled} labelled points{drawn}; in brackets the intervals of {CONFIDENCE:.0%} confidence",
            f"{'overall accuracy':<{len(of_sides)}}  {_shown(self.overall_accuracy)}",
        ]
        groups = list(self.classes)
        if self.positive is not None and self.negative is not None:
            lines.append(f"{of_sides:<16}  {_shown(self.two_class_accuracy)}")
            groups += [self.positive, self.negative]
        width = max(len(one.name) for one in groups)
        lines.append(f"{'':<{width}}  {_USERS:<22} {_PRODUCERS:<22} true area in hectares (mapped)")
        for one in groups:
            area = _shown(one.hectares, 0)
            lines.append(
                f"{one.name:<{width}}  {_shown(one.users_accuracy):<22} {_shown(one.producers_accuracy):<22} "
                f"{area} ({one.mapped_hectares:.0f})"
            )
        return "\n".join(lines)


def _json(estimate: Estimate | None) -> dict[str, float] | None:
    return None if estimate is None else asdict(estimate)


def _shown(estimate: Estimate | None, digits: int = 3) -> str:
    if estimate is None:
        return "-"
    return f"{estimate.estimate:.{digits}f} [{estimate.low:.{digits}f}, {estimate.high:.{digits}f}]"


def labelled_sample(
    plan: AccuracyPlan, found: dict[tuple[int, int], int], labels: Path, legend: Legend
) -> LabelledSample:
    mapped = values_at(labels, plan.rows, plan.columns)[:, 0].tolist()
    pixels = histogram(labels)
    if sum(pixels[code] for code in legend.codes) != plan.sizes.sum() or not set(mapped) <= set(legend.codes):
        raise SampleError(f"{labels}: has other pixels without data than the map of the plan; draw new points")
    strata = {one.code: index for index, one in enumerate(plan.strata)}
    classes = {code: index for index, code in enumerate(legend.codes)}
    counts = np.zeros((len(strata), len(classes), len(classes)), dtype=np.int64)
    for point, code in zip(plan.points, mapped, strict=True):
        reference = found.get((point.row, point.column))
        if reference is not None:
            counts[strata[point.stratum], classes[code], classes[reference]] += 1
    return LabelledSample(plan.sizes, counts)


def estimate_of(
    plan: AccuracyPlan, sample: LabelledSample, folder: Path, labelled: int, legend: Legend
) -> AccuracyEstimate:
    labels = folder / "labels.tif"
    hectares = plan.grid.pixel_hectares
    pixels = histogram(labels)
    mapped = [pixels[code] * hectares for code in legend.codes]
    counts = sample.counts.sum(axis=0)
    occurring = [
        index for index in range(len(mapped)) if mapped[index] or counts[index].any() or counts[:, index].any()
    ]
    groups = [0 if code in legend.positive_codes else 1 for code in legend.codes]
    binary = sample.merged(groups, 2)
    sides = [sum(area for area, side in zip(mapped, groups, strict=True) if side == wanted) for wanted in (0, 1)]
    both = set(groups) == {0, 1}
    chosen = np.ix_(occurring, occurring)
    return AccuracyEstimate(
        iteration=int(folder.name),
        labels=labels,
        planned_iteration=plan.iteration,
        is_planned_map=checksum(labels) == plan.checksum,
        points=len(plan.points),
        labelled=labelled,
        overall_accuracy=sample.overall_accuracy(),
        classes=tuple(_of_class(sample, index, legend.names[index], mapped) for index in occurring),
        matrix=counts.T[chosen],
        area_matrix=sample.area_matrix[chosen],
        sides=legend.positive,
        two_class_accuracy=binary.overall_accuracy() if both else None,
        positive=_of_class(binary, 0, legend.positive.name, sides) if both else None,
        negative=_of_class(binary, 1, legend.positive.others, sides) if both else None,
    )


def _of_class(sample: LabelledSample, index: int, name: str, mapped: Sequence[float]) -> ClassFigures:
    counts = sample.counts.sum(axis=0)
    share = sample.area_share(index)
    area = sum(mapped)
    return ClassFigures(
        name=name,
        points_mapped=int(counts[index].sum()),
        points_true=int(counts[:, index].sum()),
        mapped_hectares=mapped[index],
        users_accuracy=sample.users_accuracy(index),
        producers_accuracy=sample.producers_accuracy(index),
        f1=sample.f1(index),
        share=share,
        hectares=None if share is None else share.times(area),
    )
