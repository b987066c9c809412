"""Steps of a session with QGIS in which an operator looks at the map canvas for a while (see qgis_session.py)."""

from functools import cache
from typing import Any

from qgis.core import (
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsMapRendererSequentialJob,
    QgsProject,
    QgsRectangle,
)
from qgis.gui import QgsLayerTreeMapCanvasBridge, QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QFileInfo
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication, QFrame
from qgis_inspection import PREFIX, layer_of


@cache
def _canvas() -> QgsMapCanvas:
    canvas = QgsMapCanvas()
    canvas.setCanvasColor(QColor("white"))
    canvas.enableAntiAliasing(False)
    canvas.setFrameStyle(QFrame.NoFrame)
    # Kept with the canvas, which it fills with the layers that are checked.
    canvas.bridge = QgsLayerTreeMapCanvasBridge(QgsProject.instance().layerTreeRoot(), canvas)
    canvas.setDestinationCrs(QgsProject.instance().crs())
    return canvas


def look(project: QgsProject, keys: list[str], extent: list[float], size: tuple[int, int], path: str) -> bool:
    """Check some layers, go to a part of the scene on the canvas, and draw it into a PNG file.

    Parameters
    ----------
    project
        The project.
    keys
        Keys of the layers to show.
    extent
        Left, bottom, right and top.
    size
        Width and height in pixels.
    path
        File to write.
    """
    canvas = _canvas()
    for node in project.layerTreeRoot().findLayers():
        node.setItemVisibilityChecked(node.layerId().removeprefix(PREFIX) in keys)
    canvas.bridge.setCanvasLayers()
    canvas.setFixedSize(*size)
    # Only a widget that is shown takes its size.
    canvas.show()
    QApplication.processEvents()
    canvas.setExtent(QgsRectangle(*extent))
    return _draw(path)


def refresh(_: QgsProject, path: str) -> bool:
    """Do what the key F5 does, and draw the canvas into a PNG file."""
    _settle()
    _canvas().refreshAllLayers()
    return _draw(path)


def view(project: QgsProject) -> dict[str, Any]:
    """Return what the operator sees: the part of the scene, the layers that are shown, and the title over the map."""
    extent = _canvas().extent()
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(None))
    return {
        "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
        "shown": [layer.id().removeprefix(PREFIX) for layer in _canvas().layers()],
        "title": QgsExpression.replaceExpressionText(project.readEntry("TitleLabel", "/Label")[0], context),
        "is_edited": layer_of(project, "samples").isEditable(),
        # QGIS asks before it saves a project whose file is newer than what it has read.
        "is_changed_on_disk": QFileInfo(project.fileName()).lastModified() != project.lastModified(),
    }


def close() -> None:
    """Close the canvas, if there is one, while QGIS still runs."""
    if _canvas.cache_info().currsize:
        canvas = _canvas()
        canvas.stopRendering()
        canvas.waitWhileRendering()
        canvas.setLayers([])
        _canvas.cache_clear()
        sip.delete(canvas.bridge)
        sip.delete(canvas)


def _settle() -> None:
    """Let the canvas end its own drawing, as QGIS does while the operator looks.

    A drawing that has not ended gives the file that it has open back to QGIS, which would use it again after a refresh.
    """
    QApplication.processEvents()
    _canvas().waitWhileRendering()
    QApplication.processEvents()


def _draw(path: str) -> bool:
    _settle()
    settings = _canvas().mapSettings()
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    return bool(job.renderedImage().save(path))
