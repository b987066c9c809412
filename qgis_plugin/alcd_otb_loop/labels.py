"""The points and corrections of a scene as QGIS holds them: add, change, delete, undo, each stored at once."""

from typing import NamedTuple

from qgis.core import (
    QgsCoordinateTransform,
    QgsFeature,
    QgsFeatureRequest,
    QgsGeometry,
    QgsRectangle,
    QgsVectorLayerUtils,
    QgsWkbTypes,
)

from .sample_files import new_layer
from .scene_files import OWN

_CLASS = "class"
_SAME = 1e-3
"""Fraction of a pixel within which a stored geometry equals the drawn one: some formats round."""


class Label(NamedTuple):
    """A labelled point, with its place in the CRS of the map."""

    layer: object
    number: int
    code: "int | None"
    x: float
    y: float


class Edit(NamedTuple):
    """A feature of a layer before and after a change; None if it did not exist, or does not exist."""

    layer: str
    before: "QgsFeature | None"
    after: "QgsFeature | None"


class NotStoredError(Exception):
    """A change could not be stored. It waits in the layer, which stays in edit mode."""


class Labels:
    """The layers of the samples and of the corrections.

    Parameters
    ----------
    project
        The project that QGIS has open.
    scene
        The files of the scene.
    """

    def __init__(self, project, scene):
        self.project, self.scene = project, scene
        self._done, self._undone = [], []

    # What there is.

    def layers(self):
        """Return the layers of samples: one with a field for the class, or one for each class."""
        own = OWN + "samples"
        return [
            layer
            for name, layer in sorted(self.project.mapLayers().items())
            if name == own or name.startswith(f"{own}_")
        ]

    @property
    def corrections(self):
        """The layer of the corrections, or None."""
        return self.project.mapLayer(OWN + "corrections")

    def all_layers(self):
        """Return the layers of samples, and that of the corrections."""
        return [*self.layers(), *filter(None, [self.corrections])]

    def points(self):
        """Return all labelled points. Polygons of samples are left out."""
        found = []
        for layer in self.layers():
            transform = self._to_map(layer)
            for feature in layer.getFeatures(self._request(layer)):
                geometry = feature.geometry()
                if geometry.isEmpty() or geometry.type() != QgsWkbTypes.GeometryType.PointGeometry:
                    continue
                code = self._code(layer, feature)
                for vertex in geometry.vertices():
                    place = transform.transform(vertex.x(), vertex.y())
                    found.append(Label(layer, feature.id(), code, place.x(), place.y()))
        return found

    def near(self, points, x, y, reach):
        """Return the nearest of some points within a distance in units of the map, or None."""
        distance = {id(each): (each.x - x) ** 2 + (each.y - y) ** 2 for each in points}
        within = [each for each in points if distance[id(each)] <= reach**2]
        return min(within, key=lambda each: distance[id(each)], default=None)

    def correction_at(self, x, y):
        """Return the last drawn correction over a place of the map, or None."""
        layer = self.corrections
        if layer is None:
            return None
        place = QgsGeometry.fromPointXY(self._to_map(layer, reverse=True).transform(x, y))
        request = QgsFeatureRequest().setFilterRect(place.boundingBox().buffered(1e-9))
        over = [feature for feature in layer.getFeatures(request) if feature.geometry().contains(place)]
        return max(over, key=lambda feature: feature.id(), default=None)

    # Changes.

    def put(self, x, y, code, on=None):
        """Label a place of the map with a class, or give an existing point this class.

        Parameters
        ----------
        x, y
            The place.
        code
            Code of the class.
        on
            The point that is there, or None.

        Raises
        ------
        NotStoredError
            It could not be stored.
        """
        target = self._layer_of(code)
        if on is None:
            place = self._to_map(target, reverse=True).transform(x, y)
            self._do([Edit(target.id(), None, self._made(target, QgsGeometry.fromPointXY(place), code))])
        elif on.code != code:
            before = on.layer.getFeature(on.number)
            if target is on.layer:
                after = QgsFeature(before)
                after.setAttribute(self._field(target), self._value(target, code))
                self._do([Edit(target.id(), before, after)])
                return
            geometry = before.geometry()
            geometry.transform(QgsCoordinateTransform(on.layer.crs(), target.crs(), self.project))
            made = self._made(target, geometry, code)
            self._do([Edit(on.layer.id(), before, None), Edit(target.id(), None, made)])

    def delete(self, point):
        """Delete a point. Raises NotStoredError."""
        self._do([Edit(point.layer.id(), point.layer.getFeature(point.number), None)])

    def correct(self, corners, code):
        """Add a correction: a polygon, whose corners are places of the map. Raises NotStoredError."""
        layer = self.corrections or new_layer(self.project, self.scene, "corrections", "Polygon")
        geometry = QgsGeometry.fromPolygonXY([corners])
        geometry.transform(self._to_map(layer, reverse=True))
        if not geometry.isGeosValid():
            geometry = geometry.makeValid()
        if QgsWkbTypes.isMultiType(layer.wkbType()):
            geometry.convertToMultiType()
        self._do([Edit(layer.id(), None, self._made(layer, geometry, code))])

    def delete_correction(self, feature):
        """Delete a correction. Raises NotStoredError."""
        self._do([Edit(self.corrections.id(), feature, None)])

    def undo(self):
        """Undo the last change that was made here. Returns whether there was one. Raises NotStoredError."""
        return self._again(self._done, self._undone, backwards=True)

    def redo(self):
        """Redo the last undone change. Returns whether there was one. Raises NotStoredError."""
        return self._again(self._undone, self._done, backwards=False)

    def forget(self):
        """Forget what could be undone."""
        self._done.clear()
        self._undone.clear()

    def store(self):
        """Store other edits in the layers, which stay in edit mode. Raises NotStoredError."""
        for layer in self.all_layers():
            if layer.isEditable() and layer.isModified():
                self._commit(layer, keep=True)

    def reread(self):
        """Read the files again, since the program may have changed them."""
        for layer in self.all_layers():
            if not (layer.isEditable() and layer.isModified()):
                selected = layer.selectedFeatureIds()
                layer.dataProvider().reloadData()
                layer.selectByIds(selected)
                layer.triggerRepaint()

    # Within.

    def _again(self, source, target, backwards):
        if not source:
            return False
        edits = source.pop()
        target.append(edits)
        for edit in reversed(edits) if backwards else edits:
            self._apply(Edit(edit.layer, edit.after, edit.before) if backwards else edit)
        return True

    def _do(self, edits):
        self._done.append(edits)
        self._undone.clear()
        for edit in edits:
            self._apply(edit)

    def _apply(self, edit):
        layer = self.project.mapLayer(edit.layer)
        if layer is None:
            raise NotStoredError("the layer is not in the project any more")
        keep = layer.isEditable()
        if not keep and not layer.startEditing():
            raise NotStoredError(f"{layer.name()}: QGIS cannot edit it; check that the file may be written")
        present = self._found(layer, edit.before)
        if edit.after is None:
            if present is not None:
                layer.deleteFeature(present.id())
        elif present is None:
            layer.addFeature(self._copy(layer, edit.after))
        else:
            for index, value in enumerate(edit.after.attributes()):
                if index not in layer.primaryKeyAttributes() and value != present.attribute(index):
                    layer.changeAttributeValue(present.id(), index, value)
        self._commit(layer, keep)

    def _commit(self, layer, keep):
        if not layer.commitChanges(not keep):
            reasons = "; ".join(layer.commitErrors())
            raise NotStoredError(f"{layer.name()}: not stored yet ({reasons}); it is tried again with the next change")
        layer.triggerRepaint()

    def _found(self, layer, wanted):
        """Return the stored feature of an earlier one, under any number; None if it was deleted."""
        if wanted is None:
            return None
        geometry = wanted.geometry()
        tolerance = _SAME * self.scene.resolution * (1e-5 if layer.crs().isGeographic() else 1)
        request = QgsFeatureRequest().setFilterRect(geometry.boundingBox().buffered(tolerance))
        alike = [
            each for each in layer.getFeatures(request) if each.geometry().hausdorffDistance(geometry) <= tolerance
        ]
        same_number = [each for each in alike if each.id() == wanted.id()]
        return next(iter(same_number or alike[::-1]), None)

    def _made(self, layer, geometry, code):
        """Return a new feature with what QGIS fills in: author, time, iteration."""
        field = self._field(layer)
        values = {} if field is None else {field: self._value(layer, code)}
        context = layer.createExpressionContext()
        return QgsVectorLayerUtils.createFeature(layer, geometry, values, context)

    @staticmethod
    def _copy(layer, feature):
        """Return a feature as a new one, whose number the file gives."""
        keys = layer.primaryKeyAttributes()
        values = {index: value for index, value in enumerate(feature.attributes()) if index not in keys}
        return QgsVectorLayerUtils.createFeature(layer, feature.geometry(), values)

    def _layer_of(self, code):
        """Return the layer for points of a class, which is made where a file a class is missing."""
        field_layer = self.project.mapLayer(OWN + "samples")
        if field_layer is not None:
            return field_layer
        name = self.scene.class_of(code).name
        return self.project.mapLayer(f"{OWN}samples_{name}") or new_layer(self.project, self.scene, name, "Point")

    @staticmethod
    def _field(layer):
        """Return the index of the field that holds the class, or None: the file is then of one class."""
        return next((index for index, field in enumerate(layer.fields()) if field.name().lower() == _CLASS), None)

    def _value(self, layer, code):
        """Return a class as its field stores it, by its code or its name."""
        return code if layer.fields()[self._field(layer)].isNumeric() else self.scene.class_of(code).name

    def _code(self, layer, feature):
        """Return the code of a feature's class, or None if it has none that is known."""
        value = layer.id().removeprefix(f"{OWN}samples_")
        if layer.id() == OWN + "samples":
            field = self._field(layer)
            value = None if field is None else feature.attribute(field)
        known = self.scene.class_of(value)
        return known.code if known else None

    def _request(self, layer):
        field = self._field(layer)
        return QgsFeatureRequest().setSubsetOfAttributes([] if field is None else [field])

    def _to_map(self, layer, reverse=False):
        """Return the transformation from a layer to the map, or back."""
        ends = [layer.crs(), self.project.crs()]
        return QgsCoordinateTransform(*(reversed(ends) if reverse else ends), self.project)


def square(x, y, half):
    """Return the square around a place."""
    return QgsRectangle(x - half, y - half, x + half, y + half)
