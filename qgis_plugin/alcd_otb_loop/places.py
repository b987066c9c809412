"""The places to visit: in their order, where each is, its question, and whether it is done."""

from typing import NamedTuple

from qgis.core import QgsCoordinateTransform, QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtGui import QColor

from .labels import square
from .scene_files import OWN

_NEAR = 1.5
"""Pixels within which a sample answers a place, as in the page to label in."""
_DONE, _CURRENT = QColor("#18d018"), QColor("#ffd000")


class Place(NamedTuple):
    """A place to visit, in the CRS of the map."""

    rank: int
    x: float
    y: float
    question: str
    reason: str


class Places:
    """The places of a project, and the marks of those that are done.

    Parameters
    ----------
    canvas
        The map.
    project
        The project.
    scene
        The files of the scene.
    """

    def __init__(self, canvas, project, scene):
        self.project, self.scene = project, scene
        self.all = []
        self.done = set()
        self.index = None
        self._canvas = canvas
        self._footprint = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        self._footprint.setStrokeColor(_CURRENT)
        self._footprint.setFillColor(QColor(0, 0, 0, 0))
        self._footprint.setWidth(3)
        self._marks = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PointGeometry)
        self._marks.setIcon(QgsRubberBand.IconType.ICON_CIRCLE)
        self._marks.setIconSize(24)
        self._marks.setStrokeColor(_DONE)
        self._marks.setFillColor(QColor(0, 0, 0, 0))
        self._marks.setWidth(4)

    @property
    def current(self):
        """The place that is being visited, or None."""
        return None if self.index is None else self.all[self.index]

    def read(self, reload=False):
        """Read the places again. The current place stays current if it is still among them."""
        before, layer = self.current, self.project.mapLayer(OWN + "to_visit")
        self.all = []
        if layer is not None:
            if reload:
                layer.dataProvider().reloadData()
                layer.triggerRepaint()
            transform = QgsCoordinateTransform(layer.crs(), self.project.crs(), self.project)
            self.all = sorted(_place(feature, transform) for feature in layer.getFeatures() if feature.hasGeometry())
        same = [n for n, each in enumerate(self.all) if before and (each.x, each.y) == (before.x, before.y)]
        self.index = same[0] if same else None

    def mark(self, points):
        """Find out which places have a sample, and mark them on the map."""
        near = _NEAR * self.scene.resolution
        self.done = {
            number
            for number, place in enumerate(self.all)
            if any(abs(each.x - place.x) < near and abs(each.y - place.y) < near for each in points)
        }
        self._marks.reset(QgsWkbTypes.GeometryType.PointGeometry)
        for number in sorted(self.done):
            self._marks.addPoint(QgsPointXY(self.all[number].x, self.all[number].y))
        self._show_footprint()

    def go(self, index):
        """Visit a place by its index, counted around."""
        if not self.all:
            return
        self.index = index % len(self.all)
        place = self.current
        self._canvas.setCenter(QgsPointXY(place.x, place.y))
        if not 5000 < self._canvas.scale() < 40000:
            self._canvas.zoomScale(20000)
        self._canvas.refresh()
        self._show_footprint()

    def go_on(self):
        """Visit the next place that is not done; leave the places where all are."""
        first = 0 if self.index is None else self.index + 1
        indices = ((first + offset) % len(self.all) for offset in range(len(self.all)))
        left = next((index for index in indices if index not in self.done), None)
        self.leave() if left is None else self.go(left)

    def leave(self):
        """Visit no place."""
        self.index = None
        self._show_footprint()

    def remove(self):
        """Take the marks off the map."""
        for mark in (self._footprint, self._marks):
            self._canvas.scene().removeItem(mark)

    def _show_footprint(self):
        """Draw the square of pixels of a point at the place."""
        self._footprint.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        place = self.current
        if place is None:
            return
        pixel, (left, top) = self.scene.resolution, self.scene.origin
        if self.scene.growth:
            x, y, half = place.x, place.y, self.scene.growth
        else:
            x = left + ((place.x - left) // pixel + 0.5) * pixel
            y = top - ((top - place.y) // pixel + 0.5) * pixel
            half = pixel / 2
        self._footprint.setToGeometry(QgsGeometry.fromRect(square(x, y, half)), None)


def _place(feature, transform):
    point = transform.transform(feature.geometry().asPoint())
    names = [str(feature[name]).replace("_", " ") for name in ("class", "second_class") if _text(feature, name)]
    question = f"{' or '.join(names)}?" if names else ""
    return Place(int(feature["rank"] or 0), point.x(), point.y(), question, _text(feature, "reason"))


def _text(feature, name):
    """Return a field as text; nothing if it is not set, which QGIS returns in ways that differ by version."""
    index = feature.fields().indexOf(name)
    value = feature.attribute(index) if index >= 0 else None
    return value if isinstance(value, str) else ""
