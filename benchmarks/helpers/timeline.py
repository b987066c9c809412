"""Draw on what a command spends its time, as bars along an axis of seconds, in SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, ROW, BAR, TOP = 760, 110, 20, 92, 26, 14
"""Pixels: of the picture, beside the axis, of a row, of a bar, and above the first row."""
COLOURS = ("#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46")
"""Cividis (Nunez et al., 2018), which suits the colour-blind."""
SHORT = 90
"""Pixels of a bar below which its name does not fit beside those of its neighbours, and stands lower."""


@dataclass(frozen=True)
class Bar:
    """A part of a command.

    Attributes
    ----------
    row
        The command.
    name
        What it does.
    begin, end
        Seconds since its start.
    """

    row: str
    name: str
    begin: float
    end: float


def draw_timeline(bars: Sequence[Bar]) -> str:
    """Draw the commands below each other, each on an axis of its own.

    Parameters
    ----------
    bars
        Their parts, each command's in ascending order.
    """
    rows = list(dict.fromkeys(bar.row for bar in bars))
    height = TOP + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, row in enumerate(rows):
        parts += _row(row, [bar for bar in bars if bar.row == row], TOP + number * ROW)
    return "\n".join([*parts, "</svg>", ""])


def _row(name: str, bars: Sequence[Bar], top: float) -> list[str]:
    longest = max(bar.end for bar in bars)
    scale = (WIDTH - LEFT - RIGHT) / longest
    parts = [f'<text x="8" y="{top + 17}">{escape(name)}</text>']
    for number, bar in enumerate(bars):
        x, width = LEFT + bar.begin * scale, max(1.0, (bar.end - bar.begin) * scale)
        colour = COLOURS[number % len(COLOURS)]
        lower = 30 if number % 2 and width < SHORT else 15
        label = f"{bar.name} {bar.end - bar.begin:.1f} s"
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{colour}"><title>'
            f"{escape(label)}</title></rect>"
        )
        anchor = "end" if x > WIDTH - 2 * SHORT - RIGHT else "start"
        at = x + width if anchor == "end" else x
        parts.append(
            f'<text x="{at:.1f}" y="{top + BAR + lower}" font-size="11" text-anchor="{anchor}">{escape(label)}</text>'
        )
    step = 10 ** math.floor(math.log10(longest))
    axis = top + BAR + 36
    for tick in range(int(longest / step) + 1):
        x = LEFT + tick * step * scale
        parts.append(f'<text x="{x:.1f}" y="{axis + 12}" font-size="10" fill="#666970">{tick * step:g} s</text>')
    return parts
