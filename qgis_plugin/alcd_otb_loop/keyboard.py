"""Pass the keys that are pressed over the map to actions, before QGIS uses them as its own shortcuts."""

from qgis.PyQt.QtCore import QEvent, QObject, QTimer

from .key_names import ACTIONS, REPEATED, name_of

_HELD = "clear_date"
"""The action that lasts as long as its key is held."""
_LET_GO = 80
"""Milliseconds after which a key that was let go is not down again.

X lets a held key go at each repeat. On a busy computer, Qt does not see that it is one.
"""


class Keyboard(QObject):
    """The keys of the map.

    Parameters
    ----------
    canvas
        The map.
    is_active
        Says whether the keys are the plug-in's now.
    acts
        Functions by the names of the actions. Each is given the name of the key, that of the held key also whether it
        is down.
    """

    def __init__(self, canvas, is_active, acts):
        super().__init__(canvas)
        self._canvas, self._is_active, self._acts = canvas, is_active, acts
        self._let_go = QTimer(self)
        self._let_go.setSingleShot(True)
        self._let_go.setInterval(_LET_GO)
        self._let_go.timeout.connect(lambda: acts[_HELD]("c", False))
        canvas.installEventFilter(self)

    def close(self):
        """Leave the keys to QGIS."""
        self._let_go.stop()
        self._canvas.removeEventFilter(self)

    def eventFilter(self, _watched, event):  # noqa: N802 - the name that Qt calls
        """Take the keys of the table. Returns whether an event is dealt with."""
        kind = event.type()
        if kind == QEvent.Type.FocusOut:
            self._let_go.stop()
            self._acts[_HELD]("c", False)
            return False
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            return False
        name = name_of(event)
        action = ACTIONS.get(name)
        if action is None or not self._is_active():
            return False
        if kind == QEvent.Type.ShortcutOverride:
            # The key then comes to the map, and starts no action of a menu.
            event.accept()
        elif kind == QEvent.Type.KeyRelease:
            if action == _HELD and not event.isAutoRepeat():
                self._let_go.start()
        elif action == _HELD and self._let_go.isActive():
            self._let_go.stop()
        elif not event.isAutoRepeat() or action in REPEATED:
            self._acts[action](*((name, True) if action == _HELD else (name,)))
        return True
