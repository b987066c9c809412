"""Read the history of a scene: points, agreement with them, confidence, changes and time of each iteration."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from alcd_otb.files.json_file import read_json
from alcd_otb.iterations.changes import Changes, changes_between, mean_confidence
from alcd_otb.iterations.validation import Validation
from alcd_otb.products.times import utc_time
from alcd_otb.settings.legend import Legend, Positive
from alcd_otb.workspace import Workspace

log = logging.getLogger(__name__)

MASK_ACCURACY = (
    "A random sample of points gives the accuracy of the map, with confidence intervals: "
    "python -m alcd_otb accuracy plan"
)
"""How to estimate the accuracy of the mask, wherever the agreement with the samples is shown."""


@dataclass(frozen=True)
class Iteration:
    """Content of the metrics.json of one iteration. Values that are missing there are None.

    Attributes
    ----------
    number
        Number of the iteration.
    folder
        Folder of the iteration.
    time
        When the map was complete.
    minutes
        Minutes since the previous iteration.
    started_from
        Number of the iteration whose samples it started from. None if it used the scene's samples.
    points
        Usable samples by class name.
    map_pixels
        Pixels of the map by class name.
    validation
        How the agreement with the samples was measured.
    validation_pixels
        Number of pixels that it was measured on.
    overall_accuracy
        Share of these pixels with the right class, 0 to 1.
    two_class_accuracy
        Share of these pixels on the right one of the two sides, 0 to 1.
    mean_confidence
        Mean confidence of the map, 0 to 1.
    changes
        Changes since the iteration before, or since started_from.
    sides
        The two sides that two_class_accuracy distinguishes.
    """

    number: int
    folder: Path
    time: datetime | None = None
    minutes: float | None = None
    started_from: int | None = None
    points: Mapping[str, int] = field(default_factory=dict, hash=False)
    map_pixels: Mapping[str, int] = field(default_factory=dict, hash=False)
    validation: Validation = field(default_factory=Validation)
    validation_pixels: int = 0
    overall_accuracy: float | None = None
    two_class_accuracy: float | None = None
    mean_confidence: float | None = None
    changes: Changes | None = None
    sides: Positive = field(default_factory=lambda: Positive.in_results({}))

    @classmethod
    def of(cls, folder: Path, number: int, metrics: Mapping[str, Any]) -> "Iteration":
        """Make an iteration from the content of its metrics.json.

        Parameters
        ----------
        folder
            Folder of the iteration.
        number
            Number of the iteration.
        metrics
            Content of metrics.json.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError
            If the content is not that of a run.
        """
        time = metrics.get("time")
        changes = metrics.get("changes")
        sides = Positive.in_results(metrics)
        return cls(
            number=number,
            folder=folder,
            time=utc_time(time) if time else None,
            started_from=metrics.get("started_from"),
            points=dict(metrics["samples"]),
            map_pixels=dict(metrics.get("map_pixels") or {}),
            validation=Validation.in_metrics(metrics),
            validation_pixels=int(metrics["pixels"]),
            overall_accuracy=metrics["overall_accuracy"],
            two_class_accuracy=metrics[sides.key]["overall_accuracy"],
            mean_confidence=metrics.get("mean_confidence"),
            changes=Changes.from_json(changes) if changes else None,
            sides=sides,
        )

    @property
    def point_count(self) -> int:
        """Number of usable samples."""
        return sum(self.points.values())

    def as_json(self) -> dict[str, Any]:
        """Return the object that ``status --json`` prints."""
        return {
            "iteration": self.number,
            "folder": str(self.folder),
            "time": self.time.isoformat() if self.time else None,
            "minutes": self.minutes,
            "started_from": self.started_from,
            "points": dict(self.points),
            "map_pixels": dict(self.map_pixels) or None,
            "validation": {
                **self.validation.as_json(),
                "pixels": self.validation_pixels,
                "overall_accuracy": self.overall_accuracy,
                f"{self.sides.key}_accuracy": self.two_class_accuracy,
            },
            "mean_confidence": self.mean_confidence,
            "changes": self.changes.as_json() if self.changes else None,
        }


def read_history(workspace: Workspace) -> tuple[Iteration, ...]:
    """Read the finished iterations, oldest first. A warning is logged for each that cannot be read."""
    return with_minutes([read_iteration(folder) for folder in workspace.iterations()])


def read_iteration(folder: Path) -> Iteration:
    """Read an iteration from its metrics.json.

    Where that cannot be read, a warning is logged, and the iteration has only number and folder.
    """
    file = folder / "metrics.json"
    try:
        return Iteration.of(folder, int(folder.name), read_json(file))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: cannot be read (%s); nothing is known of this iteration", file, error)
        return Iteration(int(folder.name), folder)


def with_minutes(iterations: list[Iteration]) -> tuple[Iteration, ...]:
    """Fill in the minutes from each iteration, oldest first, to the next."""
    timed = iterations[:1]
    for before, after in pairwise(iterations):
        minutes = None
        if before.time is not None and after.time is not None:
            minutes = round((after.time - before.time).total_seconds() / 60, 1)
        timed.append(replace(after, minutes=minutes))
    return tuple(timed)


def completed(iterations: tuple[Iteration, ...], legend: Legend) -> tuple[Iteration, ...]:
    """Fill in what an older version did not write, counted from the rasters where these exist.

    Parameters
    ----------
    iterations
        Iterations, oldest first.
    legend
        The classes.
    """
    result: list[Iteration] = []
    for number, iteration in enumerate(iterations):
        before = iterations[number - 1].folder if number else None
        confidence, changes = iteration.mean_confidence, iteration.changes
        if confidence is None:
            confidence = mean_confidence(iteration.folder / "confidence.tif")
        if changes is None and before is not None:
            changes = changes_between(before, iteration.folder, legend)
        result.append(replace(iteration, mean_confidence=confidence, changes=changes))
    return tuple(result)
