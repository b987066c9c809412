"""The tool with which the map is clicked, moved and drawn on."""

from qgis.core import QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor

_MOVED = 6
"""Pixels of the screen from which on a held mouse moves the map."""


class LoopTool(QgsMapTool):
    """Click to label, right click to delete, drag to move the map; or draw the polygon of a correction.

    Parameters
    ----------
    canvas
        The map.
    clicked
        Called with the place of a click.
    deleted
        Called with the place of a right click.
    drawn
        Called with the corners of a polygon.
    """

    def __init__(self, canvas, clicked, deleted, drawn):
        super().__init__(canvas)
        self._clicked, self._deleted, self._drawn = clicked, deleted, drawn
        self._pressed = None
        self._moves = False
        self._corners = []
        self.drawing = None
        self._outline = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        self._outline.setWidth(2)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def draw(self, freehand, colour):
        """Begin a polygon: freehand with the button held, or corner by corner."""
        self.cancel()
        self.drawing = "freehand" if freehand else "corners"
        self._outline.setStrokeColor(QColor(colour))
        filled = QColor(colour)
        filled.setAlpha(60)
        self._outline.setFillColor(filled)

    def cancel(self):
        """End drawing without a polygon."""
        self.drawing = None
        self._corners = []
        self._outline.reset(QgsWkbTypes.GeometryType.PolygonGeometry)

    def finish(self):
        """End drawing with the polygon that there is."""
        corners = [each for index, each in enumerate(self._corners) if index == 0 or each != self._corners[index - 1]]
        self.cancel()
        if len(corners) >= 3:
            self._drawn(corners)

    def remove(self):
        """Take what is drawn off the map."""
        self.canvas().scene().removeItem(self._outline)

    def canvasPressEvent(self, event):  # noqa: N802 - the name that QGIS calls
        """Begin a click, a move of the map, or a freehand polygon."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._pressed, self._moves = event.pixelPoint(), False
            if self.drawing == "freehand":
                self._corners = [event.mapPoint()]

    def canvasMoveEvent(self, event):  # noqa: N802 - the name that QGIS calls
        """Draw, or move the map."""
        if self.drawing == "freehand" and self._pressed is not None:
            self._corners.append(event.mapPoint())
            self._show()
        elif self.drawing == "corners":
            self._show(event.mapPoint())
        elif self._pressed is not None:
            if not self._moves and (event.pixelPoint() - self._pressed).manhattanLength() > _MOVED:
                self._moves = True
                # QGIS 3.22 remembers by itself where the button was pressed.
                if hasattr(self.canvas(), "panActionStart"):
                    self.canvas().panActionStart(self._pressed)
            if self._moves:
                self.canvas().panAction(event)

    def canvasReleaseEvent(self, event):  # noqa: N802 - the name that QGIS calls
        """Label, delete, set a corner, or end a polygon."""
        pressed, self._pressed = self._pressed, None
        left = event.button() == Qt.MouseButton.LeftButton
        if self._moves:
            self._moves = False
            self.canvas().panActionEnd(event.pixelPoint())
        elif self.drawing == "freehand":
            if left:
                self.finish()
        elif self.drawing == "corners":
            if left:
                self._corners.append(QgsPointXY(event.mapPoint()))
                self._show()
            elif event.button() == Qt.MouseButton.RightButton:
                self.finish()
        elif left and pressed is not None:
            self._clicked(event.mapPoint())
        elif event.button() == Qt.MouseButton.RightButton:
            self._deleted(event.mapPoint())

    def canvasDoubleClickEvent(self, event):  # noqa: N802 - the name that QGIS calls
        """End a polygon. Else it is a second click soon after the first, which may begin a polygon."""
        if self.drawing == "corners" and self._corners:
            self.finish()
        else:
            self.canvasPressEvent(event)

    def _show(self, here=None):
        self._outline.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        for corner in [*self._corners, *([here] if here else [])]:
            self._outline.addPoint(QgsPointXY(corner))
