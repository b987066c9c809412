"""Where the boxes of a drawing stand, and where its arrows pass between them: rows, from the top downwards."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

LEFT, RIGHT = 216, 1136
"""Where boxes and arrows begin and end, in pixels."""
BOX, STEP, BESIDE = 128, 8, 5
"""The width of a box, and the space between arrows side by side and between an arrow and a box."""
ROW = 6
"""Most boxes in a row."""
MANY = 10
"""So many imports are an arrow even where the arrow follows from others."""

Arrow = tuple[str, str]
Arrows = Mapping[Arrow, int]


@dataclass(frozen=True)
class Layout:
    """The names of each row of boxes; the middle of each box, from left to right, and the way of each arrow drawn.

    A way is where an arrow leaves its box, passes between the boxes of each row below, and arrives, from left to right.
    """

    rows: list[list[str]]
    middle: dict[str, float]
    way: dict[Arrow, list[float]]

    def row(self, name: str) -> int:
        [found] = [number for number, names in enumerate(self.rows) if name in names]
        return found


def lay_out(layers: Mapping[str, str], arrows: Arrows) -> Layout:
    """layers: the layer of each box by its name, from the top downwards. arrows: the number of imports."""
    rows = order(layers, arrows)
    drawn = clear_arrows(rows, arrows)
    middle = middles(rows, drawn)
    return Layout(rows, middle, ways(rows, middle, drawn))


def order(layers: Mapping[str, str], arrows: Arrows) -> list[list[str]]:
    """The names of each row of boxes. Within a layer, what imports is above what is imported."""
    rows = []
    for layer in dict.fromkeys(layers.values()):
        left = [name for name, own in layers.items() if own == layer]
        while left:
            importers = {name: sum((other, name) in arrows for other in left) for name in left}
            # In a circle of boxes no box is free of importers: one with the fewest starts it.
            free = [name for name in left if not importers[name]] or [min(left, key=importers.__getitem__)]
            count = math.ceil(len(free) / ROW)
            rows += [free[number::count] for number in range(count)]
            left = [name for name in left if name not in free]
    return rows


def clear_arrows(rows: Sequence[Sequence[str]], arrows: Arrows) -> list[Arrow]:
    """The arrows downwards that do not follow from others, and those of many imports."""
    depth = {name: number for number, row in enumerate(rows) for name in row}
    down = [arrow for arrow in arrows if depth[arrow[0]] < depth[arrow[1]]]
    below: dict[str, set[str]] = defaultdict(set)
    for source, target in sorted(down, key=lambda arrow: -depth[arrow[0]]):
        below[source] |= {target} | below[target]
    implied = {(source, far) for source, target in down for far in below[target]}
    return [arrow for arrow in down if arrow not in implied or arrows[arrow] >= MANY]


def middles(rows: Sequence[Sequence[str]], arrows: Sequence[Arrow]) -> dict[str, float]:
    """The middle of each box from left to right: boxes of a row change places while that makes the arrows shorter."""
    found = {name: LEFT + (number + 0.5) * (RIGHT - LEFT) / len(row) for row in rows for number, name in enumerate(row)}
    shortest, is_better = math.inf, True
    while is_better:
        is_better = False
        for one, other in (pair for row in rows for pair in combinations(row, 2)):
            found[one], found[other] = found[other], found[one]
            length = sum(abs(found[source] - found[target]) for source, target in arrows)
            if length < shortest - 1e-6:
                shortest, is_better = length, True
            else:
                found[one], found[other] = found[other], found[one]
    return found


def ways(
    rows: Sequence[Sequence[str]], middle: Mapping[str, float], arrows: Sequence[Arrow]
) -> dict[Arrow, list[float]]:
    """Where each arrow leaves its box, passes between the boxes of each row on its way, and arrives."""
    depth = {name: number for number, row in enumerate(rows) for name in row}
    found = {arrow: [middle[arrow[0]]] for arrow in arrows}
    for row, names in enumerate(rows):
        sides = sorted(middle[name] + side * (BOX / 2 + BESIDE) for name in names for side in (-1, 1))
        edges = iter([LEFT - STEP, *sides, RIGHT + STEP])
        gaps = list(zip(edges, edges, strict=True))
        passing: dict[tuple[float, float], list[tuple[float, Arrow]]] = defaultdict(list)
        for arrow, way in found.items():
            rest = depth[arrow[1]] - row
            if depth[arrow[0]] < row and rest > 0:
                wanted = way[-1] + (middle[arrow[1]] - way[-1]) / (rest + 1)
                gap = min(gaps, key=lambda gap: abs(wanted - min(max(wanted, gap[0]), gap[1])))
                passing[gap].append((wanted, arrow))
        for gap, there in passing.items():
            there.sort()
            for place, (_, arrow) in zip(apart([wanted for wanted, _ in there], *gap), there, strict=True):
                found[arrow].append(place)
    for arrow, way in found.items():
        way.append(middle[arrow[1]])
    for end, beside in ((0, 1), (-1, -2)):
        for name in middle:
            there = sorted((way[beside], arrow) for arrow, way in found.items() if arrow[end] == name)
            places = apart([middle[name]] * len(there), middle[name] - BOX / 2 + STEP, middle[name] + BOX / 2 - STEP)
            for place, (_, arrow) in zip(places, there, strict=True):
                found[arrow][end] = place
    return found


def apart(wanted: Sequence[float], low: float, high: float) -> list[float]:
    """Places close to those wanted, in their order, between two limits and some pixels apart."""
    count = len(wanted)
    step = min(STEP, (high - low) / max(count - 1, 1))
    up, down = list(wanted), list(wanted)
    for number in range(1, count):
        up[number] = max(up[number], up[number - 1] + step)
        down[-1 - number] = min(down[-1 - number], down[-number] - step)
    places = [(one + other) / 2 for one, other in zip(up, down, strict=True)]
    return [
        min(max(place, low + number * step), high - (count - 1 - number) * step) for number, place in enumerate(places)
    ]
