"""Remember the actions of the page in the GeoPackage itself, in the transaction that applies them.

So an action that is sent again is recognised after any crash, and undo and redo survive the page and the server.
"""

from typing import NamedTuple

from alcd_otb.samples.layers import HISTORY
from otb_pipelines.process import gdal, ogr

_KEPT = 5000
"""Actions that are remembered."""
_CREATE = (
    f"CREATE TABLE IF NOT EXISTS {HISTORY} (number INTEGER PRIMARY KEY AUTOINCREMENT, action TEXT NOT NULL UNIQUE, "
    "state TEXT NOT NULL, layer TEXT, feature INTEGER, before TEXT, after TEXT)"
)
_DONE, _UNDONE, _PAST = "done", "undone", "past"
"""States of a change: in effect; undone, and can be done again; undone, and overtaken by another. Also of a step."""


class Change(NamedTuple):
    """A change of one feature.

    Attributes
    ----------
    layer
        Name of the layer.
    feature
        Number of the feature.
    before, after
        What it held and holds, as `stored_feature` returns it. None if it is absent.
    """

    layer: str
    feature: int
    before: str | None
    after: str | None


class NumberedChange(NamedTuple):
    """A change, and its number in the history."""

    number: int
    change: Change


class History:
    """The table of the actions in an open GeoPackage.

    Parameters
    ----------
    dataset
        The GeoPackage, opened for changes. The table is made where it is absent.
    """

    def __init__(self, dataset: gdal.Dataset) -> None:
        self._dataset = dataset
        self._execute(_CREATE)

    def holds(self, action: str) -> bool:
        """Whether an action was applied already."""
        return bool(self._rows(f"SELECT number FROM {HISTORY} WHERE action = {_text(action)}"))

    def made_by(self, action: str) -> tuple[str, int] | None:
        """Return the layer and the number of the feature that an action made or changed, or None."""
        rows = self._rows(f"SELECT layer, feature FROM {HISTORY} WHERE action = {_text(action)} AND feature >= 0")
        return (str(rows[0][0]), int(str(rows[0][1]))) if rows else None

    def record(self, action: str, change: Change) -> None:
        """Record a change. What was undone before cannot be done again from now on."""
        self._execute(f"UPDATE {HISTORY} SET state = '{_PAST}' WHERE state = '{_UNDONE}'")
        values = (_text(change.layer), str(change.feature), _text(change.before), _text(change.after))
        self._insert(action, _DONE, values)
        self._execute(f"DELETE FROM {HISTORY} WHERE number <= (SELECT max(number) FROM {HISTORY}) - {_KEPT}")

    def last_done(self) -> NumberedChange | None:
        """Return the change that undo takes back, or None."""
        return self._change(_DONE, "DESC")

    def last_undone(self) -> NumberedChange | None:
        """Return the change that redo applies, or None."""
        return self._change(_UNDONE, "ASC")

    def record_step(self, action: str, number: int | None, undone: bool) -> None:
        """Record that a change was undone, or done again.

        Parameters
        ----------
        action
            The action that asked for it.
        number
            Number of the change. None if there was nothing to do.
        undone
            Whether it is undone now.
        """
        if number is not None:
            self._execute(f"UPDATE {HISTORY} SET state = '{_UNDONE if undone else _DONE}' WHERE number = {number:d}")
        self._insert(action, "step", ("NULL",) * 4)

    def _insert(self, action: str, state: str, values: tuple[str, ...]) -> None:
        self._execute(
            f"INSERT INTO {HISTORY} (action, state, layer, feature, before, after) "
            f"VALUES ({_text(action)}, '{state}', {', '.join(values)})"
        )

    def _change(self, state: str, order: str) -> NumberedChange | None:
        # Without the cast OGR takes the number for that of the row, and leaves it out.
        columns = "CAST(number AS TEXT) AS change, layer, feature, before, after"
        rows = self._rows(f"SELECT {columns} FROM {HISTORY} WHERE state = '{state}' ORDER BY number {order} LIMIT 1")
        if not rows:
            return None
        number, layer, feature, before, after = rows[0]
        return NumberedChange(int(str(number)), Change(str(layer), int(str(feature)), before, after))

    def _execute(self, statement: str) -> None:
        self._dataset.ReleaseResultSet(self._dataset.ExecuteSQL(statement))

    def _rows(self, statement: str) -> list[tuple[str | None, ...]]:
        layer = self._dataset.ExecuteSQL(statement)
        try:
            return [tuple(_value(row, index) for index in range(row.GetFieldCount())) for row in (layer or ())]
        finally:
            self._dataset.ReleaseResultSet(layer)


def _value(row: ogr.Feature, index: int) -> str | None:
    return str(row.GetFieldAsString(index)) if row.IsFieldSetAndNotNull(index) else None


def _text(value: str | None) -> str:
    """Write a value as a literal of SQL."""
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
