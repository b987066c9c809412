"""The iterations of a scene as text for a terminal."""

from collections.abc import Sequence

from alcd_otb.iterations.changes import Changes
from alcd_otb.iterations.history import MASK_ACCURACY, VALIDATION, Iteration
from alcd_otb.text import aligned

_UNKNOWN = "-"


def status_text(name: str, iterations: Sequence[Iteration]) -> str:
    """Tables of the iterations, of their points a class, and of what the last of them changed."""
    if not iterations:
        return f"{name}: no iteration yet"
    parts = [f"{name}: {len(iterations)} iteration{'s' if len(iterations) > 1 else ''}", _iterations(iterations)]
    parts.append(f"{VALIDATION}\n{MASK_ACCURACY}.")
    parts.append(f"points a class\n{_points(iterations)}")
    changes = iterations[-1].changes
    if changes is not None:
        parts.append(
            f"pixels by class in iteration {changes.before} (rows) and iteration {iterations[-1].number} (columns)\n"
            f"{_matrix(changes)}"
        )
    return "\n\n".join(parts)


def _iterations(iterations: Sequence[Iteration]) -> str:
    sides = iterations[-1].sides.title
    head = ["iteration", "made (UTC)", "minutes", "points", "confidence", "changed", "all classes", sides]
    rows = [
        [
            str(one.number) + (f" from {one.started_from}" if one.started_from else ""),
            f"{one.time:%Y-%m-%d %H:%M}" if one.time else _UNKNOWN,
            _UNKNOWN if one.minutes is None else f"{one.minutes:.0f}",
            str(one.point_count or _UNKNOWN),
            _share(one.mean_confidence),
            _changed(one.changes),
            _share(one.overall_accuracy),
            _share(one.two_class_accuracy),
        ]
        for one in iterations
    ]
    # Above the last two columns, which are of the same points.
    table = aligned([head, *rows])
    width = len(table.splitlines()[0])
    return f"{'on the validation points':>{width}}\n{table}"


def _points(iterations: Sequence[Iteration]) -> str:
    classes = list(dict.fromkeys(name for one in iterations for name in one.points))
    head = ["class", *(str(one.number) for one in iterations)]
    return aligned([head, *([name, *(str(one.points.get(name, 0)) for one in iterations)] for name in classes)])


def _matrix(changes: Changes) -> str:
    rows = [[name, *map(str, row)] for name, row in zip(changes.classes, changes.matrix, strict=True)]
    return aligned([["", *changes.classes], *rows])


def _share(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.3f}"


def _changed(changes: Changes | None) -> str:
    if changes is None or not changes.pixels:
        return _UNKNOWN
    return f"{changes.changed / changes.pixels:.1%}"
