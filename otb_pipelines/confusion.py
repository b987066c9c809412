"""Count the confusion matrix of a map against reference samples."""

from pathlib import Path

from otb_pipelines.app import Application
from otb_pipelines.settings import Settings


def confusion_matrix(
    labels: Path, samples: Path, class_field: str, table: Path, settings: Settings
) -> dict[tuple[int, int], int]:
    """Count pixels at the sample points by their reference label and their map label.

    Parameters
    ----------
    labels
        Raster of the map, 0 where there is no data.
    samples
        Vector file of the sample points.
    class_field
        The field of the samples that holds the reference label.
    table
        The file that OTB writes its table to.
    settings
        Memory and threads.

    Returns
    -------
    dict
        Pixel counts by (reference label, map label).
    """
    Application(
        "ComputeConfusionMatrix",
        {
            "in": labels,
            "out": table,
            "format": "confusionmatrix",
            "ref": "vector",
            "ref.vector.in": samples,
            "ref.vector.field": class_field,
            "nodatalabel": 0,
        },
        settings,
    ).execute()
    return read_confusion_table(table)


def read_confusion_table(table: Path) -> dict[tuple[int, int], int]:
    """Read OTB's table of a confusion matrix.

    Two header lines hold the labels of the rows (reference) and of the columns (map), and the counts follow.

    Returns
    -------
    dict
        Pixel counts by (reference label, map label).
    """
    lines = table.read_text().split("\n")
    reference = [int(label) for label in lines[0].split(":", 1)[1].split(",")]
    produced = [int(label) for label in lines[1].split(":", 1)[1].split(",")]
    counts = [[int(count) for count in line.split(",")] for line in lines[2:] if line.strip()]
    return {
        (row_label, column_label): counts[row][column]
        for row, row_label in enumerate(reference)
        for column, column_label in enumerate(produced)
    }
