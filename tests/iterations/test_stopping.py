"""When to stop: shares by hand, iterations that cannot be compared, and the sentences."""

from pathlib import Path
from typing import Any

import pytest

from alcd_otb.iterations.changes import Changes
from alcd_otb.iterations.history import Iteration
from alcd_otb.iterations.status import status_text
from alcd_otb.iterations.stopping import (
    COST_MEAN,
    COST_WORST,
    FEWEST_POINTS,
    GAINS,
    SETTLED_SHARE,
    Stopping,
    changed_share,
    two_class_share,
)
from alcd_otb.settings.legend import Positive

SIDES = Positive("invalid", ("cloud", "shadow"), "valid")


def iteration(number: int, moved: int | None = None, points: int | None = None, **changes: Any) -> Iteration:
    """The share that moved is moved / 1000: half of it to each side. 100 more pixels change class within a side."""
    made = None
    if moved is not None:
        half, rest = moved // 2, moved - moved // 2
        matrix = ((450 - half, 50, half), (50, 0, 0), (rest, 0, 450 - rest))
        made = Changes(number - 1, ("cloud", "shadow", "land"), matrix)
    content = {"points": {"land": 12 * number if points is None else points}, "changes": made, "sides": SIDES}
    return Iteration(number, Path(f"{number:03d}"), **{**content, **changes})


def test_only_what_crosses_sides_is_counted() -> None:
    changes = Changes(1, ("no data", "cloud", "shadow", "land", "water"), (
        (0, 5, 0, 7, 0),
        (2, 100, 10, 3, 0),
        (0, 20, 50, 0, 1),
        (4, 6, 0, 200, 30),
        (0, 0, 2, 40, 38),
    ))  # fmt: skip
    # Of 500 pixels with data in both maps, 3 + 1 + 6 + 2 crossed.
    assert two_class_share(changes, SIDES) == 12 / 500


@pytest.mark.parametrize(
    ("changes", "sides"),
    [
        (Changes(1, ("cloud", "land"), ((1, 2), (3, 4))), Positive("invalid", (), "valid")),
        (Changes(1, (), ()), SIDES),
        (Changes(1, ("no data", "land"), ((0, 3), (4, 0))), SIDES),
    ],
)
def test_there_is_no_share_without_sides_or_pixels(changes: Changes, sides: Positive) -> None:
    assert two_class_share(changes, sides) is None


class TestTurns:
    @pytest.mark.parametrize(
        ("after", "share"),
        [
            (iteration(2, 40), 0.04),
            (iteration(2), None),
            (iteration(2, 40, started_from=1), 0.04),
            # It did not come from the samples of the one before.
            (iteration(3, 40, started_from=2), None),
            # Compared with another than the one before.
            (iteration(3, 40), None),
            (iteration(2, 40, points=12 + FEWEST_POINTS), 0.04),
            (iteration(2, 40, points=12 + FEWEST_POINTS - 1), None),
            (iteration(2, 0, points=12), None),
        ],
    )
    def test_are_compared_only_with_the_one_before_and_more_points(self, after: Iteration, share: float | None) -> None:
        assert changed_share(iteration(1), after) == share

    @pytest.mark.parametrize(
        ("moved", "changed", "settled"),
        [
            ((), (), None),
            ((20,), (0.02,), None),
            ((31,), (0.031,), False),
            ((20, 18), (0.02, 0.018), True),
            ((30, 18), (0.03, 0.018), False),
            ((18, 30), (0.018, 0.03), False),
            ((500, 29, 29), (0.029, 0.029), True),
            ((20, None, 18), (0.018,), None),
            ((20, 18, None), (), None),
        ],
    )
    def test_two_small_ones_in_a_row_settle_it(
        self, moved: tuple[int | None, ...], changed: tuple[float, ...], settled: bool | None
    ) -> None:
        history = [iteration(1), *(iteration(number, one) for number, one in enumerate(moved, start=2))]
        stopping = Stopping.after(history)
        assert stopping is not None
        assert (stopping.changed, stopping.settled) == (changed, settled)
        assert stopping.number == len(history)

    def test_nothing_is_said_without_an_iteration(self) -> None:
        assert Stopping.after([]) is None


class TestSentences:
    def test_settled(self) -> None:
        stopping = Stopping(4, (0.0214, 0.018))
        assert stopping.text() == (
            "The last two iterations changed 2.1 % and 1.8 % of the two-class map. Another 12 points would likely "
            "change little: in simulated labelling of real scenes, stopping here cost "
            f"{COST_MEAN:g} percentage points of accuracy on average, {COST_WORST:g} at worst."
        )
        told = stopping.as_json()
        assert told["two_class_changed"] == [0.0214, 0.018]
        assert (told["settled"], told["limit"], told["iterations"]) == (True, SETTLED_SHARE, 2)
        assert told["cost_of_stopping"] == {"mean": COST_MEAN, "worst": COST_WORST}

    def test_not_settled(self) -> None:
        stopping = Stopping(2, (0.2,))
        assert stopping.gain == GAINS[-1][1]
        assert stopping.text() == (
            "The last iteration changed 20.0 % of the two-class map. Continue until two iterations in a row change "
            "less than 3 %: in simulated labelling of real scenes, another 12 points then brought "
            f"{GAINS[-1][1]:.1f} percentage points of accuracy on average."
        )
        assert stopping.as_json()["cost_of_stopping"] is None

    def test_unknown(self) -> None:
        stopping = Stopping(2, ())
        assert stopping.text() == ""
        assert stopping.as_json() == {
            "two_class_changed": [],
            "limit": SETTLED_SHARE,
            "iterations": 2,
            "settled": None,
            "gain_of_next_points": None,
            "cost_of_stopping": None,
            "text": "",
        }

    def test_in_the_text_of_status(self) -> None:
        history = [iteration(1), iteration(2, 200), iteration(3, 20), iteration(4, 10)]
        text = status_text("Arles", history)
        assert Stopping(4, (0.02, 0.01)).text() in text
        cells = [line.split() for line in text.splitlines()]
        shares = [line[6] for line in cells if len(line) > 8 and line[0] in "1234"]
        assert shares == ["-", "20.0%", "2.0%", "1.0%"]

    def test_every_change_has_a_gain(self) -> None:
        limits = [limit for limit, _ in GAINS]
        assert limits == sorted(limits)
        for share in (0.0, 0.0099, 0.01, 0.5, 1.0):
            assert Stopping(2, (share,)).gain is not None
