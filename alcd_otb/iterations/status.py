"""Format the iterations of a scene as text for a terminal."""

from collections.abc import Sequence

from alcd_otb.iterations.changes import Changes
from alcd_otb.iterations.history import MASK_ACCURACY, Iteration
from alcd_otb.iterations.stopping import Stopping, changed_share
from alcd_otb.iterations.validation import NO_ORDER
from alcd_otb.text import aligned

_UNKNOWN = "-"


def status_text(name: str, iterations: Sequence[Iteration]) -> str:
    """Make tables of the iterations, of their points of each class, and of what the last iteration changed.

    Parameters
    ----------
    name
        Name of the scene.
    iterations
        Its iterations, oldest first.
    """
    if not iterations:
        return f"{name}: no iteration yet"
    parts = [f"{name}: {len(iterations)} iteration{'s' if len(iterations) > 1 else ''}", _iterations(iterations)]
    stopping = Stopping.after(iterations)
    if stopping is not None and stopping.text():
        parts.append(stopping.text())
    parts.append("\n".join([*validation_sentences(iterations), NO_ORDER, f"{MASK_ACCURACY}."]))
    parts.append(f"points a class\n{_points(iterations)}")
    changes = iterations[-1].changes
    if changes is not None:
        parts.append(
            f"pixels by class in iteration {changes.before} (rows) and iteration {iterations[-1].number} (columns)\n"
            f"{_matrix(changes)}"
        )
    return "\n\n".join(parts)


def validation_sentences(iterations: Sequence[Iteration]) -> tuple[str, ...]:
    """Describe how the agreement with the samples was measured, a sentence for each way that was used.

    Parameters
    ----------
    iterations
        Iterations, oldest first.
    """
    return tuple(dict.fromkeys(iteration.validation.sentence for iteration in iterations))


def _iterations(iterations: Sequence[Iteration]) -> str:
    sides = iterations[-1].sides.title
    earlier = dict(zip((iteration.number for iteration in iterations[1:]), iterations, strict=False))
    head = ["iteration", "made (UTC)", "minutes", "points", "confidence", "changed", "two-class"]
    head += ["measured by", "all classes", sides]
    rows = [
        [
            str(iteration.number) + (f" from {iteration.started_from}" if iteration.started_from else ""),
            f"{iteration.time:%Y-%m-%d %H:%M}" if iteration.time else _UNKNOWN,
            _UNKNOWN if iteration.minutes is None else f"{iteration.minutes:.0f}",
            str(iteration.point_count or _UNKNOWN),
            _share(iteration.mean_confidence),
            _changed(iteration.changes),
            _two_class(earlier.get(iteration.number), iteration),
            iteration.validation.method if iteration.validation_pixels else _UNKNOWN,
            _share(iteration.overall_accuracy),
            _share(iteration.two_class_accuracy),
        ]
        for iteration in iterations
    ]
    # A heading above the last columns, which are all of the samples.
    table = aligned([head, *rows])
    width = len(table.splitlines()[0])
    return f"{'agreement with the samples':>{width}}\n{table}"


def _points(iterations: Sequence[Iteration]) -> str:
    classes = list(dict.fromkeys(name for iteration in iterations for name in iteration.points))
    head = ["class", *(str(iteration.number) for iteration in iterations)]
    return aligned(
        [head, *([name, *(str(iteration.points.get(name, 0)) for iteration in iterations)] for name in classes)]
    )


def _matrix(changes: Changes) -> str:
    rows = [[name, *map(str, row)] for name, row in zip(changes.classes, changes.matrix, strict=True)]
    return aligned([["", *changes.classes], *rows])


def _share(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:.3f}"


def _two_class(before: Iteration | None, after: Iteration) -> str:
    share = changed_share(before, after) if before is not None else None
    return _UNKNOWN if share is None else f"{share:.1%}"


def _changed(changes: Changes | None) -> str:
    if changes is None or not changes.pixels:
        return _UNKNOWN
    return f"{changes.changed / changes.pixels:.1%}"
