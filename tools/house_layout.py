"""Place the boxes of a drawing in rows, from the top downwards, and lead its arrows between them."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

LEFT, RIGHT = 216, 1136
"""Left and right limit of boxes and arrows, in pixels."""
BOX, STEP, BESIDE = 128, 8, 5
"""Width of a box, space between arrows side by side, and space between an arrow and a box, in pixels."""
ROW = 6
"""Largest number of boxes in a row."""
MANY = 10
"""Number of imports from which an arrow is drawn even if it follows from others."""

Arrow = tuple[str, str]
Arrows = Mapping[Arrow, int]


@dataclass(frozen=True)
class Layout:
    """The places of boxes and arrows.

    Attributes
    ----------
    rows
        Names of the boxes of each row.
    middle
        Middle of each box, from left to right, in pixels.
    way
        Way of each arrow that is drawn: where it leaves its box, where it passes between the boxes of each row below,
        and where it arrives; from left to right, in pixels.
    """

    rows: list[list[str]]
    middle: dict[str, float]
    way: dict[Arrow, list[float]]

    def row(self, name: str) -> int:
        """Return the number of the row of a box, from 0 at the top."""
        [number] = [number for number, names in enumerate(self.rows) if name in names]
        return number


def lay_out(layers: Mapping[str, str], arrows: Arrows) -> Layout:
    """Place boxes and arrows.

    Parameters
    ----------
    layers
        Layer of each box by its name, from the top downwards.
    arrows
        Number of imports of each arrow.
    """
    rows = order(layers, arrows)
    drawn = clear_arrows(rows, arrows)
    middle = middles(rows, drawn)
    return Layout(rows, middle, ways(rows, middle, drawn))


def order(layers: Mapping[str, str], arrows: Arrows) -> list[list[str]]:
    """Return the names of the boxes of each row.

    Within a layer, a box that imports is above the boxes that it imports.

    Parameters
    ----------
    layers
        Layer of each box by its name, from the top downwards.
    arrows
        Number of imports of each arrow.
    """
    rows = []
    for layer in dict.fromkeys(layers.values()):
        left = [name for name, own in layers.items() if own == layer]
        while left:
            importers = {name: sum((other, name) in arrows for other in left) for name in left}
            # In a circle, every box is imported by another: the box that the fewest boxes import comes first.
            free = [name for name in left if not importers[name]] or [min(left, key=importers.__getitem__)]
            count = math.ceil(len(free) / ROW)
            rows += [free[number::count] for number in range(count)]
            left = [name for name in left if name not in free]
    return rows


def clear_arrows(rows: Sequence[Sequence[str]], arrows: Arrows) -> list[Arrow]:
    """Return the downward arrows that do not follow from others, and those of many imports.

    Parameters
    ----------
    rows
        Names of the boxes of each row.
    arrows
        Number of imports of each arrow.
    """
    depth = {name: number for number, row in enumerate(rows) for name in row}
    down = [arrow for arrow in arrows if depth[arrow[0]] < depth[arrow[1]]]
    below: dict[str, set[str]] = defaultdict(set)
    for source, target in sorted(down, key=lambda arrow: -depth[arrow[0]]):
        below[source] |= {target} | below[target]
    implied = {(source, far) for source, target in down for far in below[target]}
    return [arrow for arrow in down if arrow not in implied or arrows[arrow] >= MANY]


def middles(rows: Sequence[Sequence[str]], arrows: Sequence[Arrow]) -> dict[str, float]:
    """Return the middle of each box, from left to right, in pixels.

    Boxes of a row change places as long as that makes the arrows shorter.

    Parameters
    ----------
    rows
        Names of the boxes of each row.
    arrows
        The arrows that are drawn.
    """
    middle = {
        name: LEFT + (number + 0.5) * (RIGHT - LEFT) / len(row) for row in rows for number, name in enumerate(row)
    }
    shortest, is_better = math.inf, True
    while is_better:
        is_better = False
        for left, right in (pair for row in rows for pair in combinations(row, 2)):
            middle[left], middle[right] = middle[right], middle[left]
            length = sum(abs(middle[source] - middle[target]) for source, target in arrows)
            if length < shortest - 1e-6:
                shortest, is_better = length, True
            else:
                middle[left], middle[right] = middle[right], middle[left]
    return middle


def ways(
    rows: Sequence[Sequence[str]], middle: Mapping[str, float], arrows: Sequence[Arrow]
) -> dict[Arrow, list[float]]:
    """Return the way of each arrow (see `Layout`).

    Parameters
    ----------
    rows
        Names of the boxes of each row.
    middle
        Middle of each box, in pixels.
    arrows
        The arrows that are drawn.
    """
    depth = {name: number for number, row in enumerate(rows) for name in row}
    way_of = {arrow: [middle[arrow[0]]] for arrow in arrows}
    for row, names in enumerate(rows):
        sides = sorted(middle[name] + side * (BOX / 2 + BESIDE) for name in names for side in (-1, 1))
        edges = iter([LEFT - STEP, *sides, RIGHT + STEP])
        gaps = list(zip(edges, edges, strict=True))
        passing: dict[tuple[float, float], list[tuple[float, Arrow]]] = defaultdict(list)
        for arrow, way in way_of.items():
            rest = depth[arrow[1]] - row
            if depth[arrow[0]] < row and rest > 0:
                wanted = way[-1] + (middle[arrow[1]] - way[-1]) / (rest + 1)
                gap = min(gaps, key=lambda gap: abs(wanted - min(max(wanted, gap[0]), gap[1])))
                passing[gap].append((wanted, arrow))
        for gap, wishes in passing.items():
            wishes.sort()
            for place, (_, arrow) in zip(apart([wanted for wanted, _ in wishes], *gap), wishes, strict=True):
                way_of[arrow].append(place)
    for arrow, way in way_of.items():
        way.append(middle[arrow[1]])
    for end, beside in ((0, 1), (-1, -2)):
        for name in middle:
            ends = sorted((way[beside], arrow) for arrow, way in way_of.items() if arrow[end] == name)
            places = apart([middle[name]] * len(ends), middle[name] - BOX / 2 + STEP, middle[name] + BOX / 2 - STEP)
            for place, (_, arrow) in zip(places, ends, strict=True):
                way_of[arrow][end] = place
    return way_of


def apart(wanted: Sequence[float], low: float, high: float) -> list[float]:
    """Return places close to the wanted places, in the same order, `STEP` pixels apart if there is room.

    Parameters
    ----------
    wanted
        Wanted places in ascending order.
    low, high
        Limits of the places.
    """
    count = len(wanted)
    step = min(STEP, (high - low) / max(count - 1, 1))
    up, down = list(wanted), list(wanted)
    for number in range(1, count):
        up[number] = max(up[number], up[number - 1] + step)
        down[-1 - number] = min(down[-1 - number], down[-number] - step)
    places = [(upper + lower) / 2 for upper, lower in zip(up, down, strict=True)]
    return [
        min(max(place, low + number * step), high - (count - 1 - number) * step) for number, place in enumerate(places)
    ]
