"""Sum up a live session for the operator: points, shares of the classes, changes, and whether to continue labelling."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alcd_otb.live.survey import ClickChange
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend


@dataclass(frozen=True)
class Summary:
    """The state of a session at one time.

    Attributes
    ----------
    revision
        The revision of the samples.
    points
        Samples by class name, polygons among them, in the order of the legend. Classes without one are left out.
    unlabelled
        Names of the classes without a sample.
    surveyed
        The revision of which the whole map was counted last. None before the first time.
    shares
        Share of the map by class name, of the pixels with data, in that revision.
    changed
        How much of the map the last clicks before that revision changed. None if it cannot be known.
    iteration
        Number of the last iteration. None if there is none.
    two_class_changed
        Share of the two-class map that is another one than in the last iteration. None if it cannot be known.
    validated
        The revision of which the samples were cross-validated last. None before the first time.
    validation
        The figures of this cross-validation, under the names of metrics.json.
    stopping
        Whether to continue labelling, as in metrics.json. None if there is no iteration.
    """

    revision: int
    points: Mapping[str, int]
    unlabelled: tuple[str, ...]
    surveyed: int | None = None
    shares: Mapping[str, float] | None = None
    changed: ClickChange | None = None
    iteration: int | None = None
    two_class_changed: float | None = None
    validated: int | None = None
    validation: Mapping[str, Any] | None = None
    stopping: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """Give all of it as an object of JSON."""
        changed = None if self.changed is None else {"clicks": self.changed.clicks, "share": self.changed.share}
        return {
            "revision": self.revision,
            "points": dict(self.points),
            "unlabelled": list(self.unlabelled),
            "surveyed": self.surveyed,
            "shares": None if self.shares is None else dict(self.shares),
            "changed": changed,
            "iteration": self.iteration,
            "two_class_changed": self.two_class_changed,
            "validated": self.validated,
            "validation": None if self.validation is None else dict(self.validation),
            "stopping": None if self.stopping is None else dict(self.stopping),
        }


def points_of(samples: Sequence[Sample], legend: Legend) -> dict[str, int]:
    """Count samples by class name, in the order of the legend.

    Parameters
    ----------
    samples
        Points and polygons.
    legend
        The classes.
    """
    counts = Counter(sample.code for sample in samples)
    return {legend.with_code(code).name: counts[code] for code in legend.codes if counts[code]}
