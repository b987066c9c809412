"""Plots as SVG text: accuracy by scene, and by dilation."""

from collections.abc import Mapping, Sequence
from html import escape

Series = Mapping[str, Sequence[tuple[float, float]]]
"""(x, y) points by name, in ascending x."""

# Okabe and Ito's palette, which people of all colour visions tell apart; shapes tell them apart without colours.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_SHAPES = (
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0Z",
    "M-3.6,-3.6H3.6V3.6H-3.6Z",
    "M0,-4.6L4.3,3.4H-4.3Z",
    "M0,-5L5,0L0,5L-5,0Z",
    "M0,4.6L4.3,-3.4H-4.3Z",
)
_LEFT, _RIGHT, _TOP, _HEIGHT = 56, 16, 34, 240


def line_plot(series: Series, ticks: Sequence[tuple[float, str]], x_label: str, y_label: str) -> str:
    """Lines with markers. ticks: places and texts of the x axis. y is a share, of which the upper part is shown."""
    values = [y for points in series.values() for _, y in points]
    lowest = min(int(min(values, default=0.0) * 10 - 1e-9) / 10, 0.9)
    first, last = ticks[0][0], ticks[-1][0]
    longest = max(len(text) for _, text in ticks)
    slanted = longest * 7 * len(ticks) > 620
    width = max(420, min(1100, 60 * len(ticks)))
    # Room for half a text beside the outermost place.
    aside = longest * 2.0 if slanted else max(12.0, longest * 3.6 - _RIGHT)
    bottom = 26 + (longest * 5 if slanted else 14) + 20

    def x_of(x: float) -> float:
        inner = width - _LEFT - _RIGHT - 2 * aside
        return _LEFT + aside + (inner * (x - first) / (last - first) if last > first else inner / 2)

    def y_of(y: float) -> float:
        return _TOP + _HEIGHT * (1 - (y - lowest) / (1 - lowest))

    parts = [
        f'<svg viewBox="0 0 {width} {_TOP + _HEIGHT + bottom}" width="{width}" role="img" '
        f'aria-label="{escape(y_label)} by {escape(x_label)}">'
    ]
    spacing = 0.02 if lowest >= 0.9 else 0.05 if lowest >= 0.7 else 0.1
    for step in range(round((1 - lowest) / spacing) + 1):
        y = y_of(1 - step * spacing)
        parts.append(f'<line x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{1 - step * spacing:.2f}</text>')
    for x, text in ticks:
        place = f"{x_of(x):.1f} {_TOP + _HEIGHT + 18}"
        turned = f'transform="translate({place}) rotate(-40)" text-anchor="end"' if slanted else ""
        plain = "" if slanted else f'transform="translate({place})" text-anchor="middle"'
        parts.append(f"<text {turned}{plain}>{escape(text)}</text>")
    upwards = f"translate(14 {_TOP + _HEIGHT / 2}) rotate(-90)"
    parts.append(f'<text transform="{upwards}" text-anchor="middle">{escape(y_label)}</text>')
    parts.append(
        f'<text x="{(width + _LEFT) / 2:.0f}" y="{_TOP + _HEIGHT + bottom - 6}" text-anchor="middle">'
        f"{escape(x_label)}</text>"
    )
    left = float(_LEFT)
    for number, (name, points) in enumerate(series.items()):
        colour, shape = _COLOURS[number % len(_COLOURS)], _SHAPES[number % len(_SHAPES)]
        line = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5" opacity="0.55"/>')
        for x, y in points:
            parts.append(
                f'<path d="{shape}" fill="{colour}" transform="translate({x_of(x):.1f} {y_of(y):.1f})">'
                f"<title>{escape(name)}: {y:.4f}</title></path>"
            )
        parts.append(f'<path d="{shape}" fill="{colour}" transform="translate({left + 6:.0f} 14)"/>')
        parts.append(f'<text x="{left + 16:.0f}" y="18">{escape(name)}</text>')
        left += 34 + 7.5 * len(name)
    parts.append("</svg>")
    return "\n".join(parts)
