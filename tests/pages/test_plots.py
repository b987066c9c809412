"""The geometry of a line chart."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcd_otb.pages.plots import Axis, Plot, make_plot, nice_ticks


def iterations(*numbers: int) -> Axis:
    return Axis("iteration", [(number, str(number)) for number in numbers])


def test_places_by_hand() -> None:
    plot = make_plot("Points", iterations(1, 2, 5), {"points": [0, 50, 100]})
    assert plot is not None
    left, top, right, bottom = plot.frame
    (line,) = plot.lines
    # x by the iteration's number, y from 0 at the bottom to 100 at the top.
    expected = [(left, bottom), (left + (right - left) / 4, (top + bottom) / 2), (right, top)]
    for (x, y, _), place in zip(line.dots, expected, strict=True):
        assert (x, y) == pytest.approx(place, abs=0.051)
    assert [label for _, _, label in line.dots] == ["iteration 1: 0", "iteration 2: 50", "iteration 5: 100"]
    assert [label for _, label in plot.y_ticks] == ["0", "50", "100"]
    assert [label for _, label in plot.x_ticks] == ["1", "2", "5"]


def test_an_unknown_value_breaks_the_line() -> None:
    plot = make_plot("x", iterations(1, 2, 3, 4, 5), {"x": [1, 2, None, 2, 1]})
    assert plot is not None
    (line,) = plot.lines
    assert len(line.parts) == 2
    assert len(line.dots) == 4


def test_nothing_known_is_no_plot() -> None:
    assert make_plot("x", iterations(1, 2), {"x": [None, None]}) is None


@pytest.mark.parametrize("value", [0, 5e-324, 0.5, 1, 1e7])
def test_values_that_are_all_alike(value: float) -> None:
    for is_share in (False, value <= 1):
        plot = make_plot("x", iterations(1, 2), {"x": [value, value]}, is_share)
        assert plot is not None
        first, second = plot.lines[0].dots
        assert first[1] == second[1]


def test_a_share_is_plotted_where_it_differs_and_never_above_one() -> None:
    plot = make_plot("x", iterations(1, 2), {"a": [0.94, 1.0], "b": [None, 0.99]}, is_share=True)
    assert plot is not None
    labels = [float(label) for _, label in plot.y_ticks]
    assert 0.9 <= labels[0] <= 0.94
    assert labels[-1] == 1


@given(st.floats(0, 1e7), st.floats(0, 1e7))
def test_ticks_are_few_and_round_and_enclose_the_range(one: float, other: float) -> None:
    low, high = min(one, other), max(one, other)
    if high - low < 1e-6 * max(high, 1):
        return
    ticks = nice_ticks(low, high)
    step = ticks[1] - ticks[0]
    assert 2 <= len(ticks) <= 6
    assert ticks[0] <= low + 1e-6 * step
    assert ticks[-1] >= high - 1e-6 * step
    assert f"{step:.0e}"[0] in "125"


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=40), st.booleans())
def test_all_lies_within_the_drawing(values: list[float | None], is_share: bool) -> None:
    plot = make_plot("x", iterations(*range(3, 3 + len(values))), {"x": values}, is_share)
    if plot is None:
        assert all(value is None for value in values)
        return
    places = [(x, y) for line in plot.lines for x, y, _ in line.dots]
    places += [(0, y) for y, _ in plot.y_ticks] + [(x, 0) for x, _ in plot.x_ticks]
    assert all(0 <= x <= plot.axis.width and 0 <= y <= plot.height for x, y in places)
    assert len(plot.x_ticks) <= 12


class TestNames:
    def plot(self, *names: str, width: int = 1100) -> Plot:
        plot = make_plot("x", Axis("scene", list(enumerate(names)), width), {"x": [0.5] * len(names)}, is_share=True)
        assert plot is not None
        return plot

    def test_those_that_have_room_stand_upright(self) -> None:
        plot = self.plot("31TFJ_20171002", "31TFJ_20171022", "33TWL_20180101")
        assert not plot.slanted
        assert [name for _, name in plot.x_ticks] == ["31TFJ_20171002", "31TFJ_20171022", "33TWL_20180101"]

    def test_those_that_would_run_into_each_other_are_slanted_and_all_there(self) -> None:
        names = [f"31TFJ_201710{day:02d}" for day in range(1, 31)]
        plot = self.plot(*names)
        assert plot.slanted
        assert [name for _, name in plot.x_ticks] == names
        assert plot.height > self.plot(*names[:3]).height

    def test_the_outermost_lie_within_the_drawing(self) -> None:
        """In a font whose letters are 7 units wide, slanted by 40 degrees."""
        for count, width in ((1, 420), (3, 420), (8, 480), (30, 1100)):
            plot = self.plot(*(f"31TFJ_201710{day:02d}" for day in range(1, 1 + count)), width=width)
            length = 7 * len("31TFJ_20171001")
            reach = length * math.cos(math.radians(40)) if plot.slanted else length / 2
            assert plot.x_ticks[0][0] >= reach
            assert plot.x_ticks[-1][0] + (0 if plot.slanted else length / 2) <= width

    def test_a_single_place_is_in_the_middle(self) -> None:
        plot = self.plot("31TFJ_20171002")
        left, _, right, _ = plot.frame
        assert plot.x_ticks[0][0] == plot.lines[0].dots[0][0] == (left + right) / 2
