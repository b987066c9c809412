"""Change JSON in a few places, for tests of what reads it."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 300),
    st.sampled_from([0.5, 3.0, 1e9, 2**31, "", "20", "#00ff00", "rf", "average", "full", "B02", "clear.B8A", "slope"]),
    st.sampled_from([[], {}, ["B02"], [[]], [1], {"name": "x", "expr": "B02"}, {"x": 1}]),
    st.sampled_from([{"name": "y", "texture": "contour_density", "band": "B02"}, {"radius": 2}, {"seed": 1.0}]),
)


def places(part: Any, path: tuple[int | str, ...] = ()) -> Iterator[tuple[int | str, ...]]:
    """Yield the path of every value in a JSON value, as keys and positions."""
    yield path
    entries = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, inner in entries:
        yield from places(inner, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, original: dict[str, Any]) -> dict[str, Any]:
    """Draw a copy with one to three of its values replaced, left out or added to."""
    changed = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([place for place in places(changed) if place]))
        holder: Any = changed
        for key in path[:-1]:
            holder = holder[key]
        match draw(st.sampled_from(["replace", "replace", "remove", "add"])):
            case "replace":
                holder[path[-1]] = copy.deepcopy(draw(VALUES))
            case "remove":
                del holder[path[-1]]
            case "add" if isinstance(holder, dict):
                keys = [
                    "contour",
                    "radius",
                    "step",
                    "texture",
                    "expr",
                    "resolution",
                    "classifier",
                    "nonesuch",
                    "$schema",
                ]
                holder[draw(st.sampled_from(keys))] = copy.deepcopy(draw(VALUES))
            case "add":
                holder.append(copy.deepcopy(draw(VALUES)))
    return changed
