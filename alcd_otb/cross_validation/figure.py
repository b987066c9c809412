"""Plot scores fold by fold, with their mean and standard deviation."""

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

# Drawn at twice the size and reduced, since Pillow draws without anti-aliasing.
_FINE = 2
_WIDTH, _HEIGHT = 1100, 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 50, 100
_INK, _PALE, _DOT, _MEAN = "#222222", "#dddddd", "#7aa6d1", "#b3261e"
_TICKS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_MOST_TICKS = 8


def draw_folds(scores: Mapping[str, Sequence[float | None]], positive: str, path: Path) -> None:
    """Write a PNG with a column for each score and a dot for each fold.

    A line shows the mean of a score, a bar one standard deviation (n - 1).

    Parameters
    ----------
    scores
        Scores of the folds by name of the score, 0 to 1, None if undefined.
    positive
        Name of the positive side, for which precision, recall and F1 are computed.
    path
        The file to write.
    """
    defined = {name: [value for value in values if value is not None] for name, values in scores.items()}
    axis = _axis(defined)
    sheet = Image.new("RGB", (_WIDTH * _FINE, _HEIGHT * _FINE), "white")
    draw = ImageDraw.Draw(sheet)
    _draw_axis(draw, axis, positive)
    width = (_WIDTH - _LEFT - _RIGHT) / max(len(defined), 1)
    for column, (name, values) in enumerate(defined.items()):
        _draw_column(draw, name, values, _LEFT + (column + 0.5) * width, width, axis.bottom)
    sheet.resize((_WIDTH, _HEIGHT), Image.Resampling.LANCZOS).save(path)


class _Axis(NamedTuple):
    """Lowest value of an axis that ends at 1, and the step between its ticks."""

    bottom: float
    step: float


def _axis(defined: Mapping[str, Sequence[float]]) -> _Axis:
    lows = [0.95]
    for values in defined.values():
        if values:
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            lows.append(min(min(values), statistics.fmean(values) - spread))
    lowest = max(min(lows), 0.0)
    step = next(tick for tick in _TICKS if (1 - lowest) / tick <= _MOST_TICKS)
    return _Axis(max(0.0, 1 - math.ceil((1 - lowest) / step + 0.1) * step), step)


def _height(value: float, bottom: float) -> float:
    return _TOP + (1 - value) / (1 - bottom) * (_HEIGHT - _TOP - _BOTTOM)


def _draw_axis(draw: ImageDraw.ImageDraw, axis: _Axis, positive: str) -> None:
    digits = 3 if axis.step < 0.01 else 2
    for number in range(round((1 - axis.bottom) / axis.step) + 1):
        value = 1 - number * axis.step
        y = _height(value, axis.bottom)
        _line(draw, (_LEFT, y, _WIDTH - _RIGHT, y), _PALE, 1)
        _text(draw, (_LEFT - 10, y), f"{value:.{digits}f}", "rm", 16)
    caption = (
        f"dots: folds; line and bar: their mean and standard deviation; precision, recall and F1 of {positive} pixels"
    )
    _text(draw, (_LEFT, 22), caption, "lm", 16)


def _draw_column(
    draw: ImageDraw.ImageDraw, name: str, values: Sequence[float], centre: float, width: float, bottom: float
) -> None:
    _text(draw, (centre, _HEIGHT - _BOTTOM + 28), name, "mm", 17)
    if not values:
        _text(draw, (centre, _HEIGHT - _BOTTOM + 56), "undefined", "mm", 16)
        return
    for number, value in enumerate(values):
        # Side by side, so that equal values are seen.
        x = centre + (number - (len(values) - 1) / 2) * min(12.0, 0.5 * width / len(values))
        _dot(draw, x, _height(value, bottom))
    mean = statistics.fmean(values)
    label = f"{mean:.3f}"
    _line(draw, (centre - 0.36 * width, _height(mean, bottom), centre + 0.36 * width, _height(mean, bottom)), _MEAN, 2)
    if len(values) > 1:
        spread = statistics.stdev(values)
        label += f" ± {spread:.3f}"
        x, top = centre + 0.36 * width, _height(min(mean + spread, 1.0), bottom)
        foot = _height(max(mean - spread, bottom), bottom)
        _line(draw, (x, top, x, foot), _MEAN, 2)
        for y in (top, foot):
            _line(draw, (x - 6, y, x + 6, y), _MEAN, 2)
    _text(draw, (centre, _HEIGHT - _BOTTOM + 56), label, "mm", 17)


def _line(draw: ImageDraw.ImageDraw, ends: tuple[float, float, float, float], colour: str, width: int) -> None:
    draw.line([value * _FINE for value in ends], fill=colour, width=width * _FINE)


def _dot(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    box = [value * _FINE for value in (x - 5, y - 5, x + 5, y + 5)]
    draw.ellipse(box, fill=_DOT, outline=_INK, width=_FINE)


def _text(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, anchor: str, size: int) -> None:
    font = ImageFont.load_default(size=size * _FINE)
    draw.text((place[0] * _FINE, place[1] * _FINE), text, fill=_INK, font=font, anchor=anchor)
