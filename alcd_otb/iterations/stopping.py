"""Measure how much of the two-class map the last iterations changed, and estimate the gain of more points."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from alcd_otb.iterations.changes import UNMAPPED, Changes
from alcd_otb.iterations.history import Iteration
from alcd_otb.settings.legend import Positive

SETTLED_SHARE = 0.03
"""An iteration that changes less of the two-class map than this has brought little."""

SETTLED_ITERATIONS = 2
"""Iterations in a row below `SETTLED_SHARE` after which more points would likely change little."""

ITERATION_POINTS = 12
"""Points of an iteration in the simulations that the figures below come from."""

FEWEST_POINTS = 6
"""An iteration with fewer new points is not counted: it changes little because it is small."""

# Measured by benchmarks/validation_figure.py: simulated operators who label proposed or random places on real pixels.
COST_MEAN, COST_WORST = 0.1, 1.3
"""After the rule first holds, percentage points of accuracy still to gain until 126 points."""

GAINS = ((0.03, 0.1), (0.05, 0.1), (0.1, 1.1), (1.01, 1.8))
"""(upper limit of the fraction of the two-class map that the last iteration changed; percentage points of accuracy that
the next iteration brought on average)."""


@dataclass(frozen=True)
class Stopping:
    """Whether to continue labelling, as far as it is known.

    Attributes
    ----------
    number
        Number of the last iteration.
    changed
        Fraction of the two-class map that each of the last iterations changed, in order; at most `SETTLED_ITERATIONS`.
        Empty if it cannot be known.
    """

    number: int
    changed: tuple[float, ...]

    @classmethod
    def after(cls, iterations: Sequence[Iteration]) -> "Stopping | None":
        """Judge the last iterations of a scene.

        Parameters
        ----------
        iterations
            The iterations, oldest first.

        Returns
        -------
        Stopping or None
            None if there is no iteration.
        """
        if not iterations:
            return None
        shares: list[float] = []
        for place in range(len(iterations) - 1, 0, -1):
            share = changed_share(iterations[place - 1], iterations[place])
            if share is None or len(shares) == SETTLED_ITERATIONS:
                break
            shares.insert(0, share)
        return cls(iterations[-1].number, tuple(shares))

    @property
    def settled(self) -> bool | None:
        """Whether more points would likely change little. None if too few iterations can be compared."""
        if any(share >= SETTLED_SHARE for share in self.changed):
            return False
        return True if len(self.changed) == SETTLED_ITERATIONS else None

    @property
    def gain(self) -> float | None:
        """Percentage points of accuracy that the next iteration brought after such a change; None if unknown."""
        if not self.changed:
            return None
        return next(gain for limit, gain in GAINS if self.changed[-1] < limit)

    def text(self) -> str:
        """Return the advice in sentences. Empty if nothing is known."""
        if not self.changed:
            return ""
        shares = " and ".join(f"{share:.1%}".replace("%", " %") for share in self.changed)
        told = (
            f"The last two iterations changed {shares}"
            if len(self.changed) > 1
            else f"The last iteration changed {shares}"
        )
        told += " of the two-class map."
        source = "in simulated labelling of real scenes"
        if self.settled:
            return (
                f"{told} Another {ITERATION_POINTS} points would likely change little: {source}, stopping here cost "
                f"{COST_MEAN:g} percentage points of accuracy on average, {COST_WORST:g} at worst."
            )
        limit = f"{SETTLED_SHARE:.0%}".replace("%", " %")
        return (
            f"{told} Continue until two iterations in a row change less than {limit}: {source}, another "
            f"{ITERATION_POINTS} points then brought {self.gain:.1f} percentage points of accuracy on average."
        )

    def as_json(self) -> dict[str, Any]:
        """Return the content of ``stopping`` in metrics.json and of ``status --json``."""
        return {
            "two_class_changed": list(self.changed),
            "limit": SETTLED_SHARE,
            "iterations": SETTLED_ITERATIONS,
            "settled": self.settled,
            "gain_of_next_points": None if self.gain is None else {"points": ITERATION_POINTS, "mean": self.gain},
            "cost_of_stopping": {"mean": COST_MEAN, "worst": COST_WORST} if self.settled else None,
            "text": self.text(),
        }


def changed_share(before: Iteration, after: Iteration) -> float | None:
    """Return the share of the two-class map that an iteration changed, 0 to 1.

    Parameters
    ----------
    before, after
        Two iterations that follow each other.

    Returns
    -------
    float or None
        None if the maps cannot be compared, the later iteration did not come from the earlier one's samples, or it
        has fewer than `FEWEST_POINTS` points more.
    """
    changes = after.changes
    if changes is None or changes.before != before.number or after.started_from not in (None, before.number):
        return None
    if after.point_count - before.point_count < FEWEST_POINTS:
        return None
    return two_class_share(changes, after.sides)


def two_class_share(changes: Changes, sides: Positive) -> float | None:
    """Return the share of the pixels that changed from one side to the other, 0 to 1.

    Parameters
    ----------
    changes
        Changes from one map to the next.
    sides
        The two sides.

    Returns
    -------
    float or None
        None if no class is positive, or no pixel has data in both maps.
    """
    if not sides.classes:
        return None
    positive = [name in sides.classes for name in changes.classes]
    both, moved = 0, 0
    for row, row_positive, row_name in zip(changes.matrix, positive, changes.classes, strict=True):
        for count, column_positive, column_name in zip(row, positive, changes.classes, strict=True):
            if UNMAPPED not in (row_name, column_name):
                both += count
                moved += count * (row_positive != column_positive)
    return moved / both if both else None
