"""Draw how a command spends its time, as bars along an axis of seconds, in SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LEFT, RIGHT, BAR, TOP, LINE = 760, 110, 20, 26, 14, 15
"""Pixels: of the picture, beside the axis, of a bar, above the first row, and of a line of names."""
COLOURS = ("#00204d", "#31446b", "#666970", "#958f78", "#cbba69", "#ffea46")
"""Cividis (Nunez et al., 2018), which suits the colour-blind."""
CHARACTER = 6.2
"""Pixels of a character of a name, about."""
LINES = 3
"""Lines of names below a bar. A name that does not fit beside the one before it stands on the next line."""
ROW = BAR + LINES * LINE + 42
"""Pixels of a row."""


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
    """Draw the commands below each other, each on its own axis.

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
    ends = [0.0] * LINES
    for number, bar in enumerate(bars):
        x, width = LEFT + bar.begin * scale, max(1.0, (bar.end - bar.begin) * scale)
        colour = COLOURS[number % len(COLOURS)]
        label = f"{bar.name} {bar.end - bar.begin:.1f} s"
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="{BAR}" fill="{colour}"><title>'
            f"{escape(label)}</title></rect>"
        )
        at = min(x, WIDTH - RIGHT - CHARACTER * len(label))
        line = next((line for line in range(LINES) if ends[line] <= at), LINES - 1)
        ends[line] = at + CHARACTER * (len(label) + 1)
        y = top + BAR + LINE * (line + 1)
        parts.append(f'<text x="{at:.1f}" y="{y}" font-size="11">{escape(label)}</text>')
    step = 10 ** math.floor(math.log10(longest))
    axis = top + BAR + LINE * LINES + 6
    for tick in range(int(longest / step) + 1):
        x = LEFT + tick * step * scale
        parts.append(f'<text x="{x:.1f}" y="{axis + 12}" font-size="10" fill="#666970">{tick * step:g} s</text>')
    return parts
