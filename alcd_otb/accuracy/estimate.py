"""What a labelled sample of points says of a map: accuracies and areas with their intervals."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from alcd_otb.accuracy.confusion import AXES
from alcd_otb.accuracy.stratified import CONFIDENCE, Estimate, Floats, Integers
from alcd_otb.settings.legend import Positive

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
    matrix: Integers
    area_matrix: Floats
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
