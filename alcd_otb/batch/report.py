"""Write a table of all scenes of a batch: what each took, and the figures of its map."""

from datetime import UTC, datetime
from pathlib import Path

from alcd_otb.batch.survey import Survey
from alcd_otb.files.writing import write_text, writing_to
from alcd_otb.text import csv_text

_FIGURES = ("points", "validation_pixels", "overall_accuracy", "two_class_accuracy", "mean_confidence")
COLUMNS = (
    "number",
    "scene",
    "state",
    "attempts",
    "code",
    "started",
    "seconds",
    "cpu_seconds",
    "peak_mb",
    "host",
    "job",
    "iteration",
    *_FIGURES,
    "why",
)
"""Columns of the table. Times are UTC, memory is in megabytes, accuracies are 0 to 1."""


def write_report(survey: Survey, file: Path) -> None:
    """Write the table as CSV, with a row a scene.

    Seconds, memory and computer are those of the last attempt that made something; figures are of the last iteration.

    Parameters
    ----------
    survey
        How the scenes stand.
    file
        The CSV file, which is replaced.

    Raises
    ------
    ProcessingError
        The file cannot be written.
    """
    rows: list[list[object]] = [list(COLUMNS)]
    for scene in survey.scenes:
        attempts = scene.state.attempts
        # A run that found a finished iteration has no cost to report.
        made = [attempt for attempt in attempts if attempt.made] or list(attempts)
        shown = made[-1] if made else None
        last = attempts[-1] if attempts else None
        row: list[object] = [scene.number, scene.state.scene, scene.standing, len(attempts)]
        row.append(last.code if last else None)
        if shown is None:
            row += [None] * (len(COLUMNS) - len(row) - 1)
        else:
            started = datetime.fromtimestamp(shown.started, UTC).isoformat(timespec="seconds")
            row += [started, shown.seconds, shown.cpu_seconds, shown.peak_mb, shown.node or shown.host, shown.job]
            row += [shown.iteration, *(shown.figures.get(name) for name in _FIGURES)]
        rows.append([*row, scene.why or None])
    with writing_to(file.absolute().parent):
        write_text(file.absolute(), csv_text(rows))
