"""What QGIS itself makes of a project, for tests and the tutorial's pictures: run by Debian's Python, which has QGIS.

Reads {"project": path, "steps": [[name of a function below, argument...], ...]} from standard input, and prints what
each step returns, as a JSON list.
"""

import contextlib
import json
import os
import subprocess
import sys

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from qgis.core import (
    QgsApplication,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsGeometry,
    QgsLayerTreeModel,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)
from qgis.gui import QgsAttributeEditorContext, QgsAttributeForm, QgsGui, QgsLayerTreeView
from qgis.PyQt.QtCore import QEvent, QSize, Qt
from qgis.PyQt.QtGui import QColor, QKeyEvent
from qgis.PyQt.QtWidgets import QApplication, QComboBox


def layer_of(project, name):
    return project.mapLayer(f"alcd_otb_{name}")


def describe(project):
    """The project's settings and its layers, the uppermost first."""
    extent = project.viewSettings().defaultViewExtent()
    snapping = project.snappingConfig()
    return {
        "title": project.title(),
        "crs": project.crs().authid(),
        "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
        "variables": project.customVariables(),
        "themes": {
            name: [layer.id().removeprefix("alcd_otb_") for layer in shown(project, name)]
            for name in project.mapThemeCollection().mapThemes()
        },
        "snapped": [
            layer.id().removeprefix("alcd_otb_")
            for layer, setting in snapping.individualLayerSettings().items()
            if snapping.enabled() and setting.enabled()
        ],
        "layers": [
            {
                "key": node.layerId().removeprefix("alcd_otb_"),
                "name": node.name(),
                "group": node.parent().name(),
                "visible": node.isVisible(),
                "valid": node.layer().isValid(),
                "source": node.layer().source(),
                "crs": node.layer().crs().authid(),
                "renderer": node.layer().renderer().type(),
            }
            for node in project.layerTreeRoot().findLayers()
        ],
    }


def shown(project, theme):
    visible = project.mapThemeCollection().mapThemeVisibleLayerIds(theme)
    return [layer for layer in project.layerTreeRoot().layerOrder() if layer.id() in visible]


def form(project, name):
    """How the fields of a vector layer are edited."""
    layer = layer_of(project, name)
    fields = layer.fields()
    config = layer.editFormConfig()
    index = fields.lookupField("class")
    return {
        "fields": fields.names(),
        "widget": layer.editorWidgetSetup(index).type(),
        "choices": layer.editorWidgetSetup(index).config().get("map"),
        "alias": layer.attributeAlias(index),
        "reused": [name for number, name in enumerate(fields.names()) if config.reuseLastValue(number)],
        "required": bool(layer.fieldConstraints(index) & 1),
        "shown": [child.name() for child in config.tabs()],
        "defaults": {name: layer.defaultValueDefinition(fields.indexOf(name)).expression() for name in fields.names()},
        "by_class": {
            category.value(): category.symbol().symbolLayer(category.symbol().symbolLayerCount() - 1).color().name()
            for category in layer.renderer().categories()
        },
        "labelled": layer.labelsEnabled(),
    }


def draw(project, name, classes, geometries):
    """Add features as QGIS does for one who draws them: with defaults, then saved."""
    layer = layer_of(project, name)
    assert layer.startEditing(), layer.id()
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    index = layer.fields().lookupField("class")
    for value, wkt in zip(classes, geometries, strict=True):
        feature = QgsVectorLayerUtils.createFeature(layer, QgsGeometry.fromWkt(wkt), {index: value}, context)
        assert layer.addFeature(feature)
    assert layer.commitChanges(), layer.commitErrors()
    return layer.featureCount()


def render(project, theme, path, extent=None, size=(600, 600), smooth=False):
    """Draw a theme, or the layers named, into a PNG, with or without blended edges; returns the errors."""
    settings = QgsMapSettings()
    settings.setLayers(
        [layer_of(project, name) for name in theme] if isinstance(theme, list) else shown(project, theme)
    )
    settings.setDestinationCrs(project.crs())
    settings.setExtent(QgsRectangle(*extent) if extent else project.viewSettings().defaultViewExtent())
    settings.setOutputSize(QSize(*size))
    settings.setBackgroundColor(QColor("white"))
    settings.setFlag(QgsMapSettings.Antialiasing, smooth)
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    assert job.renderedImage().save(path)
    return [error.message for error in job.errors()]


def picture_panel(project, path, size):
    """A picture of the panel of layers."""
    bridge = QgsLayerTreeModel(project.layerTreeRoot())
    bridge.setFlag(QgsLayerTreeModel.ShowLegend, False)
    bridge.setFlag(QgsLayerTreeModel.AllowNodeChangeVisibility)
    view = QgsLayerTreeView()
    view.setModel(bridge)
    view.expandAll()
    view.resize(*size)
    return view.grab().save(path)


def type_class(project, name, keys, path=None, size=(400, 80)):
    """The class of a new feature by keys typed into the form that opens where it is drawn, as that shows and stores it.

    path: for a picture of the form.
    """
    layer = layer_of(project, name)
    assert layer.startEditing()
    context = QgsAttributeEditorContext()
    context.setFormMode(QgsAttributeEditorContext.StandaloneDialog)
    form = QgsAttributeForm(layer, QgsFeature(layer.fields()), context)
    form.setMode(QgsAttributeEditorContext.AddFeatureMode)
    form.resize(*size)
    form.show()
    # Others, not shown, are for searching.
    (box,) = (one for one in form.findChildren(QComboBox) if one.isVisible())
    # Nobody has to click it first.
    assert form.focusWidget() in (None, box)
    for key in keys:
        for kind in (QEvent.KeyPress, QEvent.KeyRelease):
            QApplication.sendEvent(box, QKeyEvent(kind, ord(key.upper()), Qt.NoModifier, key))
    assert path is None or form.grab().save(path)
    shown = box.currentText()
    assert form.save()
    # A feature that is not saved yet has a negative number.
    stored = [feature.attribute("class") for feature in layer.getFeatures() if feature.id() < 0]
    layer.rollBack()
    return [shown, *stored]


def customise(project):
    """What an operator may do to a project: hide, rename, take out, add a layer and a theme."""
    root = project.layerTreeRoot()
    root.findLayer("alcd_otb_contours").setItemVisibilityChecked(False)
    root.findLayer("alcd_otb_view_NDVI").setName("vegetation")
    root.findLayer("alcd_otb_view_NDVI").layer().setName("vegetation")
    project.removeMapLayer("alcd_otb_view_NDWI")
    extra = QgsVectorLayer("Point?crs=EPSG:4326&field=note:string", "my notes", "memory")
    project.addMapLayer(extra)
    project.setCustomVariables({**project.customVariables(), "mine": "7"})
    return extra.isValid()


def run_while_editing(project, name, grouped, value, wkt, command):
    """(exit code, standard error) of a command that runs while a layer is being edited here, and the layer's features
    once that is saved.

    grouped: as with QGIS's automatic transaction groups, by which the file itself is being changed.
    """
    project.setAutoTransaction(grouped)
    layer = layer_of(project, name)
    assert layer.startEditing()
    feature = QgsVectorLayerUtils.createFeature(
        layer, QgsGeometry.fromWkt(wkt), {layer.fields().lookupField("class"): value}
    )
    assert layer.addFeature(feature)
    ended = subprocess.run(command, capture_output=True, text=True)
    assert layer.isEditable()
    assert layer.commitChanges(), layer.commitErrors()
    return [ended.returncode, ended.stderr, layer.featureCount()]


def labels_of(project, name):
    """(whether a vector layer is labelled, with which field)."""
    layer = layer_of(project, name)
    return [layer.labelsEnabled(), layer.labeling().settings().fieldName]


def save(project, path):
    return project.write(path)


def style(_, raster_or_vector, path, qml):
    """(whether a style file is taken, the colours by value it gives) of a layer from outside the project."""
    layer = (QgsRasterLayer if raster_or_vector == "raster" else QgsVectorLayer)(path, "layer")
    assert layer.isValid(), path
    _, taken = layer.loadNamedStyle(qml)
    renderer = layer.renderer()
    if renderer.type() == "paletted":
        return [taken, {str(int(one.value)): one.color.name() for one in renderer.classes()}]
    colours = {}
    for category in renderer.categories():
        last = category.symbol().symbolLayer(category.symbol().symbolLayerCount() - 1)
        colours[category.value()] = [last.color().name(), last.strokeColor().name()]
    return [taken, colours]


def identify(project, name, x, y):
    """The value of a raster layer's first band at a place."""
    value, known = layer_of(project, name).dataProvider().sample(QgsPointXY(x, y), 1)
    return value if known else None


def main():
    request = json.load(sys.stdin)
    QgsApplication.setPrefixPath("/usr", True)
    application = QgsApplication([], True)
    application.initQgis()
    QgsGui.editorWidgetRegistry().initEditors()
    project = QgsProject.instance()
    # What QGIS prints is not the answer.
    with contextlib.redirect_stdout(sys.stderr):
        assert project.read(request["project"]), project.error()
        answers = [globals()[step](project, *arguments) for step, *arguments in request["steps"]]
    json.dump(answers, sys.stdout)
    sys.stdout.flush()
    project.clear()
    application.exitQgis()


main()
