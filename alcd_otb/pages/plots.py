"""Compute the geometry of a line chart, which a template draws as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 44
_RATIO, _TALLEST = 0.4, 240
"""Ratio of the height of the plotted area to the width of the drawing, and the largest height."""

_LETTER, _GAP = 7, 10
"""Width of a letter, and of the gap between labels."""

_SLANTED_ASIDE, _SLANTED_DOWN, _SLANTED_GAP = 5.6, 4.7, 20
"""How far each letter of a slanted label extends it to the left and down; least distance of slanted labels."""

_NUMBER = 6
"""Most letters of a number. A longer label is a name, which is slanted; numbers without room are left out."""

_MOST_TICKS = 5
_SMALLEST_RANGE = 1e-6
"""Range below which values are plotted as equal: no figure here is more precise."""

PlottedValues = Sequence[float | None]


@dataclass(frozen=True)
class Axis:
    """The axis over which values are plotted.

    Attributes
    ----------
    name
        Label of the axis.
    ticks
        (place, text), ascending.
    width
        Width of the drawing, in its own units.
    """

    name: str
    ticks: Sequence[tuple[float, str]]
    width: int = 360


@dataclass(frozen=True)
class Line:
    """A series of values in a plot.

    Attributes
    ----------
    name
        Name of the series.
    parts
        Polylines in the units of the drawing, broken where a value is unknown.
    dots
        (x, y, label) of each known value.
    """

    name: str
    parts: tuple[str, ...]
    dots: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True)
class Plot:
    """A plot, ready to be drawn.

    Attributes
    ----------
    title
        Title of the plot.
    axis
        The axis over which values are plotted.
    lines
        The series.
    x_ticks, y_ticks
        (position in the units of the drawing, label).
    frame
        Left, top, right and bottom of the plotted area.
    height
        Height of the drawing.
    slanted
        Whether the labels of the x axis are slanted.
    """

    title: str
    axis: Axis
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    frame: tuple[float, float, float, float]
    height: int
    slanted: bool


def make_plot(title: str, axis: Axis, series: Mapping[str, PlottedValues], is_share: bool = False) -> Plot | None:
    """Plot values, one for each tick of the axis.

    Parameters
    ----------
    title
        Title of the plot.
    axis
        The axis.
    series
        Values by the name of their series; "" for a single series that the title describes. None is unknown.
    is_share
        Whether values are between 0 and 1 and their differences matter. Other values are plotted from 0.

    Returns
    -------
    Plot or None
        None if no value is known.
    """
    known = [value for values in series.values() for value in values if value is not None]
    if not known:
        return None
    ticks = nice_ticks(min(known) if is_share else 0, max(known))
    if is_share:
        ticks = [tick for tick in ticks if 0 <= tick <= 1 + 1e-9]
    low, high = min(ticks[0], *known), max(ticks[-1], *known)
    first, last = axis.ticks[0][0], axis.ticks[-1][0]
    inner = axis.width - _LEFT - _RIGHT
    labels = _fit_labels(axis, inner)
    bottom = _TOP + round(min(axis.width * _RATIO, _TALLEST))

    def x_of(place: float) -> float:
        along = (place - first) / (last - first) if last > first else 0.5
        return round(_LEFT + labels.aside + along * (inner - 2 * labels.aside), 1)

    def y_of(value: float) -> float:
        up = (value - low) / (high - low) if high > low else 0.5
        return round(bottom - up * (bottom - _TOP), 1)

    lines = []
    for name, values in series.items():
        dots = [
            (x_of(place), y_of(value), f"{axis.name} {text}: {_label(value)}") if value is not None else None
            for (place, text), value in zip(axis.ticks, values, strict=True)
        ]
        lines.append(Line(name, _polylines(dots), tuple(dot for dot in dots if dot is not None)))
    return Plot(
        title,
        axis,
        tuple(lines),
        tuple((x_of(place), text) for place, text in axis.ticks[:: labels.every]),
        tuple((y_of(tick), _label(tick)) for tick in ticks),
        (_LEFT, _TOP, axis.width - _RIGHT, bottom),
        bottom + _BOTTOM + labels.down,
        labels.slanted,
    )


class _TickLabels(NamedTuple):
    """How the labels of the x axis fit into the drawing.

    Attributes
    ----------
    slanted
        Whether they are slanted.
    every
        The step in which ticks have a label; 1 is all.
    aside
        Room that labels take beside the plotted area.
    down
        Room that slanted labels take below upright ones.
    """

    slanted: bool
    every: int
    aside: float
    down: int


def _fit_labels(axis: Axis, inner: int) -> _TickLabels:
    longest = max(len(text) for _, text in axis.ticks)
    room = longest * _LETTER + _GAP
    slanted = longest > _NUMBER and room * len(axis.ticks) > inner
    # Upright labels extend to both sides of their places, slanted ones to the left.
    aside = max(0.0, longest * _SLANTED_ASIDE - _LEFT if slanted else longest * _LETTER / 2 - _RIGHT)
    every = math.ceil(len(axis.ticks) * (_SLANTED_GAP if slanted else room) / inner)
    return _TickLabels(slanted, every, aside, round(longest * _SLANTED_DOWN) if slanted else 0)


def nice_ticks(low: float, high: float) -> list[float]:
    """Choose round numbers that enclose a range.

    They are at most _MOST_TICKS + 1 numbers, a step of 1, 2 or 5 times a power of ten apart.
    """
    if high - low < _SMALLEST_RANGE:
        high = low + max(abs(low), 1) * 0.1
    raw = (high - low) / (_MOST_TICKS - 1)
    power = 10 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(index * step, 10) for index in range(first, last + 1)]


def _polylines(dots: Sequence[tuple[float, float, str] | None]) -> tuple[str, ...]:
    parts: list[list[str]] = [[]]
    for dot in dots:
        if dot is None:
            parts.append([])
        else:
            parts[-1].append(f"{dot[0]:g},{dot[1]:g}")
    return tuple(" ".join(part) for part in parts if len(part) > 1)


def _label(value: float) -> str:
    for size, suffix in ((1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / (1e3 if suffix == ' k' else 1e6):.4g}{suffix}"
    return f"{value:.4g}"
