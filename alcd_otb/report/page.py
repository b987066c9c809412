"""Write ``report.html`` of an iteration: its map, its provenance, and its accuracy figures."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alcd_otb.files.json_file import read_json
from alcd_otb.iterations.history import MASK_ACCURACY, Iteration, read_history, with_minutes
from alcd_otb.iterations.stopping import Stopping
from alcd_otb.iterations.validation import NO_ORDER
from alcd_otb.pages.html import render
from alcd_otb.pages.plots import Axis, Plot, make_plot
from alcd_otb.report.pictures import report_pictures
from alcd_otb.samples.unlabelled import request, unlabelled_classes
from alcd_otb.settings.legend import Legend, Positive
from alcd_otb.workspace import Workspace

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Matrix:
    """A square table of pixels.

    Attributes
    ----------
    caption
        Title of the table.
    rows, columns
        What rows and columns stand for.
    classes
        Names of the classes, in the order of rows and columns.
    counts
        Pixels, (rows, columns).
    """

    caption: str
    rows: str
    columns: str
    classes: Sequence[str]
    counts: Sequence[Sequence[int]]


def write_report(workspace: Workspace, folder: Path, number: int, legend: Legend) -> None:
    """Write report.html to the folder of an iteration, which holds all other files already.

    Parameters
    ----------
    workspace
        The workspace of the scene.
    folder
        The folder of the iteration, which may be unfinished.
    number
        Number of the iteration.
    legend
        Classes of the map.
    """
    metrics = _read(folder / "metrics.json")
    this = Iteration.of(folder, number, metrics)
    earlier = [iteration for iteration in read_history(workspace) if iteration.number < number]
    history = with_minutes([*earlier, this])
    config = _read(folder / "config.json")
    sides = legend.positive
    stopping = Stopping.after(history)
    page = render(
        "report.html",
        iteration=history[-1],
        metrics=metrics,
        config=config,
        settings=_outline(config["scene"]),
        pictures=report_pictures(workspace.preview, folder, legend),
        validation=this.validation,
        no_order_note=NO_ORDER,
        mask_accuracy_note=MASK_ACCURACY,
        stopping=stopping.text() if stopping is not None else "",
        estimate=_estimate(workspace.accuracy_estimate),
        matrices=_matrices(metrics, sides),
        changes=_changes(this),
        corrections=_corrections(metrics),
        request=request(unlabelled_classes(this.points, legend)),
        sides=sides,
        binary=metrics[sides.key],
        positive_pixels=sum(this.map_pixels.get(name, 0) for name in sides.classes),
        colours={legend_class.name: legend_class.colour for legend_class in legend.classes},
        plots=evolution(history),
    )
    (folder / "report.html").write_text(page, encoding="utf-8")


def evolution(history: Sequence[Iteration]) -> tuple[Plot, ...]:
    """Plot points, agreement, confidence, change and time over the iterations; no plots for a single iteration.

    Agreement that was measured by another method than that of the last iteration is left out.
    """
    if len(history) < 2:
        return ()
    validation = history[-1].validation
    alike = [iteration.validation.method == validation.method for iteration in history]
    axis = Axis("iteration", [(iteration.number, str(iteration.number)) for iteration in history])
    agreement = {
        "all classes": [one.overall_accuracy if same else None for one, same in zip(history, alike, strict=True)],
        history[-1].sides.title: [
            one.two_class_accuracy if same else None for one, same in zip(history, alike, strict=True)
        ],
    }
    changed = [iteration.changes.changed if iteration.changes else None for iteration in history]
    confidence = [iteration.mean_confidence for iteration in history]
    minutes = [iteration.minutes for iteration in history]
    plots = (
        make_plot("Points", axis, {"": [iteration.point_count or None for iteration in history]}),
        make_plot(validation.title, axis, agreement, is_share=True),
        make_plot("Mean confidence", axis, {"": confidence}, is_share=True),
        make_plot("Pixels that changed class", axis, {"": changed}),
        make_plot("Minutes since the previous iteration", axis, {"": minutes}),
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
    """Return what the operator drew over the map, by class; empty if there are no corrections."""
    by_class: dict[str, dict[str, int]] = (metrics.get("corrections") or {}).get("by_class") or {}
    return by_class


def _outline(settings: Mapping[str, Any], indent: str = "") -> str:
    """Write settings as text with a key on each line; each object of a list has a line, too."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            lines += [f"{indent}{key}:", _outline(value, indent + "  ")]
        elif isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
            plain = [entry for entry in value if not isinstance(entry, Mapping)]
            objects = [entry for entry in value if isinstance(entry, Mapping)]
            lines.append(f"{indent}{key}: {', '.join(map(str, plain))}".rstrip())
            lines += [f"{indent}  {json.dumps(entry, ensure_ascii=False)}" for entry in objects]
        else:
            lines.append(f"{indent}{key}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines)


def _estimate(path: Path) -> dict[str, Any] | None:
    """Read the result of ``accuracy estimate``; None if there is none, or it cannot be read."""
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
                name: [float(figure[key]) for key in ("estimate", "low", "high")]
                for name, figure in figures.items()
                if figure
            },
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("%s: cannot be read (%r), and is left out of the report", path, error)
        return None


def _read(path: Path) -> Any:
    return read_json(path)
