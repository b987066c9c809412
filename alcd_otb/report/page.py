"""report.html of an iteration: what it is, how it came about, and what is known of its quality."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.iterations.history import MASK_ACCURACY, VALIDATION, Iteration, read_history, with_minutes
from alcd_otb.pages.html import render
from alcd_otb.pages.plots import Axis, Plot, make_plot
from alcd_otb.report.pictures import report_pictures
from alcd_otb.settings.legend import Legend, Positive
from alcd_otb.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Matrix:
    """A square table of pixels. rows and columns: what they stand for."""

    caption: str
    rows: str
    columns: str
    classes: Sequence[str]
    counts: Sequence[Sequence[int]]


def write_report(workspace: Workspace, folder: Path, number: int, legend: Legend) -> None:
    """Write report.html into the folder of an iteration, which holds all else already.

    number: the iteration's, whose folder may still be in the making.
    """
    metrics = _read(folder / "metrics.json")
    this = Iteration.of(folder, number, metrics)
    earlier = [one for one in read_history(workspace) if one.number < number]
    history = with_minutes([*earlier, this])
    config = _read(folder / "config.json")
    sides = legend.positive
    page = render(
        "report.html",
        iteration=history[-1],
        metrics=metrics,
        config=config,
        settings=_outline(config["scene"]),
        pictures=report_pictures(workspace.preview, folder, legend),
        validation_note=VALIDATION,
        mask_accuracy_note=MASK_ACCURACY,
        estimate=_estimate(workspace.accuracy_estimate),
        matrices=_matrices(metrics, sides),
        changes=_changes(this),
        corrections=_corrections(metrics),
        sides=sides,
        binary=metrics[sides.key],
        positive_pixels=sum(this.map_pixels.get(name, 0) for name in sides.classes),
        colours={one.name: one.colour for one in legend.classes},
        plots=evolution(history),
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def evolution(history: Sequence[Iteration]) -> tuple[Plot, ...]:
    """Points, agreement, confidence, change and time over the iterations; none for a single one."""
    if len(history) < 2:
        return ()
    axis = Axis("iteration", [(one.number, str(one.number)) for one in history])
    validated = {
        "all classes": [one.overall_accuracy for one in history],
        history[-1].sides.title: [one.two_class_accuracy for one in history],
    }
    changed = [one.changes.changed if one.changes else None for one in history]
    plots = (
        make_plot("Points", axis, {"": [one.point_count or None for one in history]}),
        make_plot("Agreement with the validation points", axis, validated, is_share=True),
        make_plot("Mean confidence", axis, {"": [one.mean_confidence for one in history]}, is_share=True),
        make_plot("Pixels that changed class", axis, {"": changed}),
        make_plot("Minutes since the iteration before", axis, {"": [one.minutes for one in history]}),
    )
    return tuple(plot for plot in plots if plot is not None)


def _matrices(metrics: dict[str, Any], sides: Positive) -> tuple[Matrix, ...]:
    two_classes = f"{sides.name} and {sides.others}".capitalize()
    return tuple(
        Matrix(caption, "reference", "map", part["classes"], part["matrix"])
        for caption, part in (("All classes", metrics), (two_classes, metrics[sides.key]))
        if part["classes"]
    )


def _changes(iteration: Iteration) -> Matrix | None:
    changes = iteration.changes
    if changes is None:
        return None
    before, after = f"iteration {changes.before}", f"iteration {iteration.number}"
    return Matrix(f"Pixels of {before} and of {after}", before, after, changes.classes, changes.matrix)


def _corrections(metrics: dict[str, Any]) -> dict[str, dict[str, int]]:
    """What the operator drew over the map, by class; empty where nothing was."""
    by_class: dict[str, dict[str, int]] = (metrics.get("corrections") or {}).get("by_class") or {}
    return by_class


def _outline(settings: Mapping[str, Any], indent: str = "") -> str:
    """Settings as text, a key a line; the objects of a list stand one a line."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", _outline(value, indent + "  ")]
        elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            plain = [one for one in value if not isinstance(one, Mapping)]
            objects = [one for one in value if isinstance(one, Mapping)]
            lines.append(f"{indent}{key}: {', '.join(map(str, plain))}".rstrip())
            lines += [f"{indent}  {json.dumps(one, ensure_ascii=False)}" for one in objects]
        else:
            lines.append(f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def _estimate(path: Path) -> dict[str, Any] | None:
    """What `accuracy estimate` found, if it was asked."""
    if not path.is_file():
        return None
    try:
        content = _read(path)
        sides = Positive.in_results(content)
        figures = {
            "all classes": content["overall_accuracy"],
            sides.title: (content.get(sides.key) or {}).get("overall_accuracy"),
        }
        return {
            "iteration": content["iteration"],
            "labelled": content["labelled"],
            "confidence": content["confidence"],
            "figures": {
                name: [float(one[key]) for key in ("estimate", "low", "high")] for name, one in figures.items() if one
            },
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: cannot be read (%r), and is left out of the report", path, error)
        return None


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
