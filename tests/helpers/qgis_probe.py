"""Answer questions about QGIS while a test drives it by mouse and keys; QGIS imports this when it starts.

The probe reads only. Each line on the socket is a Python expression, and each answer a line of JSON.
"""

import json
import os
import traceback

import qgis.utils
from qgis.core import QgsApplication, QgsPointXY, QgsProject, QgsSettings  # noqa: F401 - for the questions
from qgis.PyQt.QtCore import QEvent, QObject, Qt
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtNetwork import QLocalServer
from qgis.PyQt.QtWidgets import QApplication, QPushButton  # noqa: F401 - for the questions
from qgis.utils import iface


def layer(key):
    return QgsProject.instance().mapLayer(f"alcd_otb_{key}")


def loop():
    return qgis.utils.plugins["alcd_otb_loop"].loop


def dock():
    return qgis.utils.plugins["alcd_otb_loop"].dock


def actions():
    """The actions of the plug-in by the names of their keys."""
    from alcd_otb_loop.key_names import ACTIONS

    return ACTIONS


def on_screen(x, y):
    """The pixel of the screen of a place of the map."""
    canvas = iface.mapCanvas()
    point = canvas.getCoordinateTransform().transform(QgsPointXY(x, y)).toQPointF().toPoint()
    shown = canvas.viewport().mapToGlobal(point)
    return [shown.x(), shown.y()]


def centre_of(widget):
    """The pixel of the screen in the middle of a widget."""
    shown = widget.mapToGlobal(widget.rect().center())
    return [shown.x(), shown.y()]


def centre_of_row(table, row):
    """The pixel of the screen in the middle of the first cell of a row."""
    shown = table.viewport().mapToGlobal(table.visualItemRect(table.item(row, 0)).center())
    return [shown.x(), shown.y()]


def extent():
    shown = iface.mapCanvas().extent()
    return [shown.xMinimum(), shown.yMinimum(), shown.xMaximum(), shown.yMaximum()]


def visible():
    nodes = QgsProject.instance().layerTreeRoot().findLayers()
    return [node.layerId().removeprefix("alcd_otb_") for node in nodes if node.isVisible()]


def stored(key, field="class"):
    """The classes of the features that a layer's file holds."""
    return [feature[field] for feature in layer(key).dataProvider().getFeatures()]


def ticked():
    """The themes that QGIS ticks in its menu."""
    themes, root = QgsProject.instance().mapThemeCollection(), QgsProject.instance().layerTreeRoot()
    present = themes.createThemeFromCurrentState(root, iface.layerTreeView().layerTreeModel())
    return [name for name in themes.mapThemes() if themes.mapThemeState(name) == present]


def windows():
    """Titles of the windows that are on the screen beside the main one."""
    own = iface.mainWindow()
    return [
        each.windowTitle()
        for each in QApplication.topLevelWidgets()
        if each.isWindow() and each is not own and each.windowTitle() and _is_on_screen(each)
    ]


def _is_on_screen(widget):
    """Whether the window manager shows a window, too; else a click would hit what is below it."""
    handle = widget.windowHandle()
    return widget.isVisible() and handle is not None and handle.isExposed()


def takes_keys():
    """Whether the keyboard is that of QGIS, and of the dialogue if one is open."""
    active, dialogue = QApplication.activeWindow(), QApplication.activeModalWidget()
    return active is not None and dialogue in (None, active)


class _Inputs(QObject):
    """Counts the keys and clicks that have reached a window, so that a test does not ask too early."""

    _MODIFIERS = (Qt.Key.Key_Shift, Qt.Key.Key_Control, Qt.Key.Key_Alt, Qt.Key.Key_AltGr)

    def __init__(self):
        super().__init__(QgsApplication.instance())
        self._counts = {"keys": 0, "clicks": 0}
        self._watched = set()

    def count(self, kind):
        """Return how many keys or clicks there were, and count from now on in the windows that are new."""
        # A filter of the whole application would see objects that are half gone, at which PyQt crashes.
        for window in set(QGuiApplication.topLevelWindows()) - self._watched:
            self._watched.add(window)
            window.installEventFilter(self)
        return self._counts[kind]

    def eventFilter(self, _watched, event):  # noqa: N802 - the name that Qt calls
        """Count an event and let it pass."""
        if event.type() == QEvent.Type.KeyPress:
            self._counts["keys"] += event.key() not in self._MODIFIERS and not event.isAutoRepeat()
        elif event.type() == QEvent.Type.MouseButtonRelease:
            self._counts["clicks"] += 1
        return False


def picture(path, widget=None):
    """Save what is on the screen, or a widget of it."""
    if widget is not None:
        return widget.grab().save(path)
    return QGuiApplication.primaryScreen().grabWindow(0).save(path)


def is_idle():
    return loop() is not None and not loop().runs.is_running and not iface.mapCanvas().isDrawing()


def _answer(connection):
    while connection.canReadLine():
        text = bytes(connection.readLine()).decode()
        try:
            answer = {"value": eval(text, globals())}
            line = json.dumps(answer)
        except Exception:
            line = json.dumps({"error": traceback.format_exc()})
        connection.write(line.encode() + b"\n")
        connection.flush()


def _connected():
    connection = server.nextPendingConnection()
    # Python takes away what only the object that calls it refers to.
    connections.append(connection)
    connection.readyRead.connect(lambda: _answer(connection))


inputs = _Inputs()
connections = []
server = QLocalServer(QgsApplication.instance())
QLocalServer.removeServer(os.environ["QGIS_PROBE"])
server.listen(os.environ["QGIS_PROBE"])
server.newConnection.connect(_connected)
