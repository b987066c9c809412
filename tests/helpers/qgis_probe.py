"""Answer questions about QGIS while a test drives it by mouse and keys; QGIS imports this when it starts.

The probe reads only. Each line on the socket is a Python expression, and each answer a line of JSON.
"""

import json
import os
import traceback

import qgis.utils
from qgis.core import QgsApplication, QgsPointXY, QgsProject, QgsSettings  # noqa: F401 - for the questions
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
    """Titles of the windows that are open beside the main one."""
    own = iface.mainWindow()
    return [
        each.windowTitle()
        for each in QApplication.topLevelWidgets()
        if each.isVisible() and each.isWindow() and each is not own and each.windowTitle()
    ]


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


connections = []
server = QLocalServer(QgsApplication.instance())
QLocalServer.removeServer(os.environ["QGIS_PROBE"])
server.listen(os.environ["QGIS_PROBE"])
server.newConnection.connect(_connected)
