"""What the iterations of a scene say of themselves: points, validation, confidence, changes, time."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from alcd_otb.iterations.changes import Changes, changes_between, mean_confidence
from alcd_otb.settings.legend import Legend, Positive
from alcd_otb.workspace import Workspace

log = logging.getLogger(__name__)

VALIDATION = (
    "The validation points are the operator's own, not a random sample, and are measured on pixels next to the "
    "training: their figures are optimistic, and serve to compare one iteration with the next."
)
"""What the figures of an iteration's validation are, wherever they are shown."""

MASK_ACCURACY = (
    "How accurate the mask is, with confidence intervals, is told by a random sample of it: "
    "python -m alcd_otb accuracy plan"
)


@dataclass(frozen=True)
class Iteration:
    """What metrics.json tells of one iteration; None where it does not.

    time: when the map was whole. minutes: since the iteration before. started_from: the iteration whose samples it
    was made of, where it did not take the scene's. points and map_pixels: by class name. overall_accuracy,
    two_class_accuracy: of the validation pixels. changes: since the iteration before, or since started_from. sides:
    that two_class_accuracy tells apart.
    """

    number: int
    folder: Path
    time: datetime | None = None
    minutes: float | None = None
    started_from: int | None = None
    points: Mapping[str, int] = field(default_factory=dict, hash=False)
    map_pixels: Mapping[str, int] = field(default_factory=dict, hash=False)
    validation_pixels: int = 0
    overall_accuracy: float | None = None
    two_class_accuracy: float | None = None
    mean_confidence: float | None = None
    changes: Changes | None = None
    sides: Positive = field(default_factory=lambda: Positive.in_results({}))

    @classmethod
    def of(cls, folder: Path, number: int, metrics: Mapping[str, Any]) -> "Iteration":
        """Raises ValueError, KeyError, TypeError or AttributeError where the content is not what a run writes."""
        made = metrics.get("time")
        changes = metrics.get("changes")
        sides = Positive.in_results(metrics)
        return cls(
            number=number,
            folder=folder,
            time=datetime.fromisoformat(made) if made else None,
            started_from=metrics.get("started_from"),
            points=dict(metrics["samples"]),
            map_pixels=dict(metrics.get("map_pixels") or {}),
            validation_pixels=int(metrics["pixels"]),
            overall_accuracy=metrics["overall_accuracy"],
            two_class_accuracy=metrics[sides.key]["overall_accuracy"],
            mean_confidence=metrics.get("mean_confidence"),
            changes=Changes.from_json(changes) if changes else None,
            sides=sides,
        )

    @property
    def point_count(self) -> int:
        """Samples that could be used."""
        return sum(self.points.values())

    def as_json(self) -> dict[str, Any]:
        """As ``status --json`` prints it."""
        return {
            "iteration": self.number,
            "folder": str(self.folder),
            "time": self.time.isoformat() if self.time else None,
            "minutes": self.minutes,
            "started_from": self.started_from,
            "points": dict(self.points),
            "map_pixels": dict(self.map_pixels) or None,
            "validation": {
                "pixels": self.validation_pixels,
                "overall_accuracy": self.overall_accuracy,
                f"{self.sides.key}_accuracy": self.two_class_accuracy,
            },
            "mean_confidence": self.mean_confidence,
            "changes": self.changes.as_json() if self.changes else None,
        }


def read_history(workspace: Workspace) -> tuple[Iteration, ...]:
    """The finished iterations, oldest first, as their metrics.json tell; one that cannot be read is warned of."""
    return with_minutes([read_iteration(folder) for folder in workspace.iterations()])


def read_iteration(folder: Path) -> Iteration:
    """An iteration as its metrics.json tells, warned of and nearly empty where that cannot be read."""
    file = folder / "metrics.json"
    try:
        return Iteration.of(folder, int(folder.name), json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: cannot be read (%s); nothing is known of this iteration", file, error)
        return Iteration(int(folder.name), folder)


def with_minutes(iterations: list[Iteration]) -> tuple[Iteration, ...]:
    """With the time from each iteration to the next."""
    timed = iterations[:1]
    for before, after in pairwise(iterations):
        minutes = None
        if before.time is not None and after.time is not None:
            minutes = round((after.time - before.time).total_seconds() / 60, 1)
        timed.append(replace(after, minutes=minutes))
    return tuple(timed)


def completed(iterations: tuple[Iteration, ...], legend: Legend) -> tuple[Iteration, ...]:
    """With what an older version did not write, counted from the rasters where they are there."""
    result: list[Iteration] = []
    for number, one in enumerate(iterations):
        before = iterations[number - 1].folder if number else None
        confidence, changes = one.mean_confidence, one.changes
        if confidence is None:
            confidence = mean_confidence(one.folder / "confidence.tif")
        if changes is None and before is not None:
            changes = changes_between(before, one.folder, legend)
        result.append(replace(one, mean_confidence=confidence, changes=changes))
    return tuple(result)
