"""How a figure developed over the iterations: the geometry of a small line chart, which the template draws as SVG."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 360, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 12, 30
_MOST_TICKS = 5
_SMALLEST_RANGE = 1e-6
"""Below which values are plotted as equal: no figure here is meant more finely."""

Values = Sequence[float | None]


@dataclass(frozen=True)
class Line:
    """One series. parts: polylines in the drawing's units, broken where a value is unknown; dots: (x, y, label)."""

    name: str
    parts: tuple[str, ...]
    dots: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True)
class Plot:
    """x_ticks, y_ticks: (position in the drawing's units, label)."""

    title: str
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]

    @property
    def frame(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of the plotted area."""
        return _LEFT, _TOP, WIDTH - _RIGHT, HEIGHT - _BOTTOM


def make_plot(title: str, numbers: Sequence[int], series: Mapping[str, Values], is_share: bool = False) -> Plot | None:
    """A plot of values over the numbers of the iterations; None where no value is known.

    is_share: between 0 and 1, where the differences matter; anything else is plotted from 0.
    """
    known = [value for values in series.values() for value in values if value is not None]
    if not known:
        return None
    ticks = nice_ticks(min(known) if is_share else 0, max(known))
    if is_share:
        ticks = [tick for tick in ticks if 0 <= tick <= 1 + 1e-9]
    low, high = min(ticks[0], *known), max(ticks[-1], *known)
    first, last = numbers[0], numbers[-1]

    def x_of(number: float) -> float:
        place = (number - first) / (last - first) if last > first else 0.5
        return round(_LEFT + place * (WIDTH - _LEFT - _RIGHT), 1)

    def y_of(value: float) -> float:
        place = (value - low) / (high - low) if high > low else 0.5
        return round(HEIGHT - _BOTTOM - place * (HEIGHT - _TOP - _BOTTOM), 1)

    lines = []
    for name, values in series.items():
        dots = [
            (x_of(number), y_of(value), f"iteration {number}: {_label(value)}") if value is not None else None
            for number, value in zip(numbers, values, strict=True)
        ]
        lines.append(Line(name, _polylines(dots), tuple(dot for dot in dots if dot is not None)))
    return Plot(
        title,
        tuple(lines),
        tuple((x_of(number), str(number)) for number in _spread(numbers)),
        tuple((y_of(tick), _label(tick)) for tick in ticks),
    )


def nice_ticks(low: float, high: float) -> list[float]:
    """At most _MOST_TICKS + 1 round numbers, a step of 1, 2 or 5 times a power of ten apart, that enclose a range."""
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


def _spread(numbers: Sequence[int], most: int = 12) -> Sequence[int]:
    """Not more of the numbers than their labels have room for."""
    return numbers[:: -(-len(numbers) // most)]


def _label(value: float) -> str:
    for size, suffix in ((1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / (1e3 if suffix == ' k' else 1e6):.4g}{suffix}"
    return f"{value:.4g}"
