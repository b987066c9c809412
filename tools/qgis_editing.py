"""Steps of a session with QGIS that do what an operator does with a project (see qgis_session.py)."""

import subprocess
from typing import Any

from qgis.core import (
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)
from qgis.gui import QgsAttributeEditorContext, QgsAttributeForm
from qgis.PyQt.QtCore import QEvent, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QApplication, QComboBox
from qgis_inspection import layer_of


def draw(project: QgsProject, name: str, classes: list[Any], geometries: list[str]) -> int:
    """Add features with QGIS's defaults, as if an operator drew them, and save them.

    Parameters
    ----------
    project
        The project.
    name
        Key of the layer.
    classes
        Class of each feature.
    geometries
        Geometry of each feature, as WKT.

    Returns
    -------
    int
        Number of features of the layer.
    """
    layer = layer_of(project, name)
    assert layer.startEditing(), layer.id()
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    index = layer.fields().lookupField("class")
    for value, wkt in zip(classes, geometries, strict=True):
        feature = QgsVectorLayerUtils.createFeature(layer, QgsGeometry.fromWkt(wkt), {index: value}, context)
        assert layer.addFeature(feature)
    assert layer.commitChanges(), layer.commitErrors()
    return int(layer.featureCount())


def type_class(
    project: QgsProject, name: str, keys: str, path: str | None = None, size: tuple[int, int] = (400, 80)
) -> list[Any]:
    """Type keys into the form that opens for a new feature.

    Parameters
    ----------
    project
        The project.
    name
        Key of the layer.
    keys
        Keys to type.
    path
        File for a picture of the form, or None.
    size
        Width and height of the form in pixels.

    Returns
    -------
    list[Any]
        The class as the form shows it, and as it is stored.
    """
    layer = layer_of(project, name)
    assert layer.startEditing()
    context = QgsAttributeEditorContext()
    context.setFormMode(QgsAttributeEditorContext.StandaloneDialog)
    form = QgsAttributeForm(layer, QgsFeature(layer.fields()), context)
    form.setMode(QgsAttributeEditorContext.AddFeatureMode)
    form.resize(*size)
    form.show()
    # Combo boxes that are not visible are for searching.
    (box,) = (box for box in form.findChildren(QComboBox) if box.isVisible())
    # The operator does not have to click it first.
    assert form.focusWidget() in (None, box)
    for key in keys:
        for kind in (QEvent.KeyPress, QEvent.KeyRelease):
            QApplication.sendEvent(box, QKeyEvent(kind, ord(key.upper()), Qt.NoModifier, key))
    assert path is None or form.grab().save(path)
    shown = box.currentText()
    assert form.save()
    # A feature that is not saved yet has a negative id.
    stored = [feature.attribute("class") for feature in layer.getFeatures() if feature.id() < 0]
    layer.rollBack()
    return [shown, *stored]


def customise(project: QgsProject) -> bool:
    """Change the project as an operator may: hide, rename, remove and add a layer, and set a variable."""
    root = project.layerTreeRoot()
    root.findLayer("alcd_otb_contours").setItemVisibilityChecked(False)
    root.findLayer("alcd_otb_view_NDVI").setName("vegetation")
    root.findLayer("alcd_otb_view_NDVI").layer().setName("vegetation")
    project.removeMapLayer("alcd_otb_view_NDWI")
    extra = QgsVectorLayer("Point?crs=EPSG:4326&field=note:string", "my notes", "memory")
    project.addMapLayer(extra)
    project.setCustomVariables({**project.customVariables(), "mine": "7"})
    return bool(extra.isValid())


def start_drawing(project: QgsProject, name: str, value: Any, wkt: str, grouped: bool = False) -> bool:
    """Begin to edit a layer and draw a feature, with QGIS's defaults, that is not yet saved.

    Parameters
    ----------
    project
        The project.
    name
        Key of the layer.
    value, wkt
        Class and geometry of the feature.
    grouped
        Whether QGIS uses automatic transaction groups, which change the file while it is being edited.

    Returns
    -------
    bool
        Whether QGIS lets the layer be edited.
    """
    project.setAutoTransaction(grouped)
    layer = layer_of(project, name)
    if not layer.startEditing():
        return False
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    index = layer.fields().lookupField("class")
    feature = QgsVectorLayerUtils.createFeature(layer, QgsGeometry.fromWkt(wkt), {index: value}, context)
    assert layer.addFeature(feature)
    return True


def run(_: QgsProject, command: list[str]) -> list[Any]:
    """Run a command, and return its exit code and standard error."""
    ended = subprocess.run(command, capture_output=True, text=True)
    return [ended.returncode, ended.stderr]


def save_layer(project: QgsProject, name: str) -> list[Any]:
    """Save the edits of a layer. Return whether it was still being edited, whether it was saved, and its features."""
    layer = layer_of(project, name)
    was_edited = layer.isEditable()
    is_saved = layer.commitChanges()
    return [was_edited, is_saved, layer.featureCount()]


def save(project: QgsProject, path: str) -> bool:
    """Save the project, and return whether that succeeded."""
    return bool(project.write(path))
