"""Read the table of keys that the plug-in shares with the page to label in, and name a key as the table does."""

import json
from pathlib import Path

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QGuiApplication

TABLE = json.loads((Path(__file__).parent / "keys.json").read_text("utf-8"))
"""Rows with the names of keys, the text that shows them, the name of the action, and what it does."""
ACTIONS = {name: row["action"] for row in TABLE for name in row["keys"]}
"""Actions by the names of their keys, which are those of a browser."""
REPEATED = frozenset({"move", "zoom", "next_place", "previous_place", "undo", "redo"})
"""Actions that go on while the key is held."""

_NAMED = {
    Qt.Key.Key_Return: "Enter",
    Qt.Key.Key_Enter: "Enter",
    Qt.Key.Key_Space: " ",
    Qt.Key.Key_Delete: "Delete",
    Qt.Key.Key_Backspace: "Backspace",
    Qt.Key.Key_Escape: "Escape",
    Qt.Key.Key_Left: "ArrowLeft",
    Qt.Key.Key_Right: "ArrowRight",
    Qt.Key.Key_Up: "ArrowUp",
    Qt.Key.Key_Down: "ArrowDown",
}
_FIRST_DIGIT = {"xcb": 10, "wayland": 10, "windows": 2}
"""Scan code of the first key of the row of digits, by the platform of Qt; the others follow it."""


def name_of(event):
    """Name the key of an event as a browser does, with ``Control+`` or ``Shift+`` before it where these matter.

    The keys of the row of digits count as digits on every keyboard, also where these need Shift.
    """
    modifiers = event.modifiers()
    control = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
    shift = bool(modifiers & Qt.KeyboardModifier.ShiftModifier)
    text, key = event.text(), event.key()
    if key in _NAMED:
        return _NAMED[key]
    letter = chr(key) if Qt.Key.Key_A <= key <= Qt.Key.Key_Z else ""
    if control:
        return f"Control+{'Shift+' if shift else ''}{letter.lower()}" if letter else ""
    if text in tuple("0123456789"):
        return text
    digit = _digit_of(event.nativeScanCode())
    if digit:
        return f"Shift+{digit}" if shift else str(digit)
    if letter:
        return f"Shift+{letter}" if shift else letter.lower()
    return text


def _digit_of(scan_code):
    """Return the digit, 1 to 9, of a key of the row of digits; 0 for any other key."""
    first = _FIRST_DIGIT.get(QGuiApplication.platformName())
    digit = scan_code - first + 1 if first else 0
    return digit if 1 <= digit <= 9 else 0
