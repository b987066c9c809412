"""Read points that experts labelled from CSV files, with a JSON table of their columns and of the meanings of codes."""

import csv
import io
import logging
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import MEGABYTE, UnreadableError, read_limited
from alcd_otb.masks.acquisition import acquisition_in
from alcd_otb.masks.classified_raster import ClassTable, PointColumns, classes_in, files_of_table
from alcd_otb.masks.labelled_reference import LabelledReference, located_in_degrees
from alcd_otb.text import did_you_mean, quoted

log = logging.getLogger(__name__)

_MOST = 256 * MEGABYTE
_DELIMITERS = ",;\t"

_Point = tuple[float, float, int]
"""Longitude and latitude in degrees, and the class code."""


def read_expert_points(table_file: Path) -> tuple[LabelledReference, ...]:
    """Read the points of each scene in the files that a table describes. Those of doubt are left out.

    Parameters
    ----------
    table_file
        The JSON file.

    Returns
    -------
    tuple of LabelledReference
        One for each scene of each file.

    Raises
    ------
    ConfigurationError
        The table is wrong, or describes no file.
    ProductError
        A file cannot be read, lacks a column, has a code that the table lacks, or a scene without tile and time.
    """
    table, files = files_of_table(table_file)
    return tuple(reference for file in files for reference in _references(table, table_file, file))


def _references(table: ClassTable, table_file: Path, file: Path) -> list[LabelledReference]:
    columns = table.points
    assert columns is not None
    known = {entry.code for entry in table.classes} | set(table.no_data)
    scenes: dict[str, list[_Point]] = {}
    doubtful = 0
    for number, row in enumerate(_rows(file, columns), start=2):
        scene, point = _point(columns, row, f"{file}: line {number}")
        if point[2] not in known:
            raise ProductError(f"{file}: line {number}: code {point[2]} is not in {table_file}; add it there")
        if point[2] in table.no_data:
            doubtful += 1
        else:
            scenes.setdefault(scene, []).append(point)
    if doubtful:
        log.info("%s: points of doubt that are left out: %d", file, doubtful)
    return [_reference(table, table_file, file, scene, points) for scene, points in sorted(scenes.items())]


def _rows(file: Path, columns: PointColumns) -> Iterable[Mapping[str, str]]:
    try:
        text = read_limited(file, _MOST).decode("utf-8-sig")
    except (UnreadableError, UnicodeDecodeError) as error:
        raise ProductError(f"{file}: cannot be read ({error}); give a CSV file in UTF-8") from error
    head = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=max(_DELIMITERS, key=head.count))
    present = rows.fieldnames or ()
    named = (columns.longitude, columns.latitude, columns.code, columns.scene, *(case.column for case in columns.cases))
    for name in named:
        if name not in present:
            raise ProductError(f"{file}: has no column {quoted(name)}{did_you_mean(name, present)}")
    return rows


def _point(columns: PointColumns, row: Mapping[str, str], place: str) -> tuple[str, _Point]:
    """Return the scene of a row and its point."""
    try:
        code = int(row[columns.code])
        for case in columns.cases:
            if code in case.codes and int(row[case.column]) == case.value:
                code = case.code
                break
        return row[columns.scene], (float(row[columns.longitude]), float(row[columns.latitude]), code)
    except (TypeError, ValueError) as error:
        raise ProductError(f"{place}: {error}; correct the line, or the columns that the table names") from error


def _reference(table: ClassTable, table_file: Path, file: Path, scene: str, points: list[_Point]) -> LabelledReference:
    assert table.points is not None
    name = table.points.scenes.get(scene, scene)
    acquisition = acquisition_in(name)
    if acquisition is None:
        raise ProductError(f"{file}: scene {quoted(name)} has no tile and time; name it under points.scenes")
    places = np.array([point[:2] for point in points], np.float64)
    codes = np.array([point[2] for point in points], np.uint8)
    locate = partial(located_in_degrees, places, codes)
    return LabelledReference(table.processor, file, acquisition, classes_in(table), (file, table_file), locate)
