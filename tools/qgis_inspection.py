"""Steps of a session with QGIS that print or draw how QGIS reads a project (see qgis_session.py)."""

from typing import Any

from qgis.core import (
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsGeometry,
    QgsLayerTreeModel,
    QgsMapLayerType,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
    QgsVectorLayerUtils,
)
from qgis.gui import QgsLayerTreeView
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor

PREFIX = "alcd_otb_"
"""Beginning of the ids of the project's own layers."""


def layer_of(project: QgsProject, name: str) -> Any:
    """Return the layer with a key."""
    return project.mapLayer(PREFIX + name)


def describe(project: QgsProject) -> dict[str, Any]:
    """Return the project's settings and its layers, the uppermost first."""
    extent = project.viewSettings().defaultViewExtent()
    snapping = project.snappingConfig()
    return {
        "title": project.title(),
        "crs": project.crs().authid(),
        "extent": [extent.xMinimum(), extent.yMinimum(), extent.xMaximum(), extent.yMaximum()],
        "variables": project.customVariables(),
        "themes": {
            name: [layer.id().removeprefix(PREFIX) for layer in shown(project, name)]
            for name in project.mapThemeCollection().mapThemes()
        },
        "ticked": ticked(project),
        "snapped": [
            layer.id().removeprefix(PREFIX)
            for layer, setting in snapping.individualLayerSettings().items()
            if snapping.enabled() and setting.enabled()
        ],
        "layers": [
            {
                "key": node.layerId().removeprefix(PREFIX),
                "name": node.name(),
                "group": node.parent().name(),
                "visible": node.isVisible(),
                "editable": node.layer().type() == QgsMapLayerType.VectorLayer and not node.layer().readOnly(),
                "valid": node.layer().isValid(),
                "source": node.layer().source(),
                "crs": node.layer().crs().authid(),
                "renderer": node.layer().renderer().type(),
            }
            for node in project.layerTreeRoot().findLayers()
        ],
    }


def ticked(project: QgsProject) -> list[str]:
    """Return the themes that QGIS ticks in its menu: those that equal the visible state."""
    themes, root = project.mapThemeCollection(), project.layerTreeRoot()
    present = themes.createThemeFromCurrentState(root, QgsLayerTreeModel(root))
    return [name for name in themes.mapThemes() if themes.mapThemeState(name) == present]


def shown(project: QgsProject, theme: str) -> list[Any]:
    """Return the layers that a theme shows, the uppermost first."""
    visible = project.mapThemeCollection().mapThemeVisibleLayerIds(theme)
    return [layer for layer in project.layerTreeRoot().layerOrder() if layer.id() in visible]


def form(project: QgsProject, name: str) -> dict[str, Any]:
    """Return how the fields of a vector layer are edited."""
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
        "opens_with": QgsVectorLayerUtils.createFeature(
            layer,
            QgsGeometry(),
            {},
            QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer)),
        ).attribute(index)
        or None,
    }


def labels_of(project: QgsProject, name: str) -> list[Any]:
    """Return whether a vector layer has labels, and the field that they show."""
    layer = layer_of(project, name)
    return [layer.labelsEnabled(), layer.labeling().settings().fieldName]


def style(_: QgsProject, raster_or_vector: str, path: str, qml: str) -> list[Any]:
    """Apply a style file to a layer from outside the project.

    Parameters
    ----------
    raster_or_vector
        ``raster`` or ``vector``.
    path
        Data source of the layer.
    qml
        The style file.

    Returns
    -------
    list[Any]
        Whether QGIS accepts the style, and the colours that it gives by value.
    """
    layer = (QgsRasterLayer if raster_or_vector == "raster" else QgsVectorLayer)(path, "layer")
    assert layer.isValid(), path
    _, is_accepted = layer.loadNamedStyle(qml)
    renderer = layer.renderer()
    if renderer.type() == "paletted":
        return [is_accepted, {str(int(entry.value)): entry.color.name() for entry in renderer.classes()}]
    colours = {}
    for category in renderer.categories():
        last = category.symbol().symbolLayer(category.symbol().symbolLayerCount() - 1)
        colours[category.value()] = [last.color().name(), last.strokeColor().name()]
    return [is_accepted, colours]


def identify(project: QgsProject, name: str, x: float, y: float) -> float | None:
    """Return the value of a raster layer's first band at a place, or None outside of it."""
    value, known = layer_of(project, name).dataProvider().sample(QgsPointXY(x, y), 1)
    return value if known else None


def render(
    project: QgsProject,
    theme: str | list[str],
    path: str,
    extent: list[float] | None = None,
    size: tuple[int, int] = (600, 600),
    smooth: bool = False,
) -> list[str]:
    """Draw a theme, or some layers, into a PNG file.

    Parameters
    ----------
    project
        The project.
    theme
        Name of the theme, or the keys of the layers.
    path
        File to write.
    extent
        Left, bottom, right and top; None: the extent with which the project opens.
    size
        Width and height in pixels.
    smooth
        Whether edges are blended.

    Returns
    -------
    list[str]
        Errors of QGIS.
    """
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


def picture_panel(project: QgsProject, path: str, size: tuple[int, int]) -> bool:
    """Draw the panel of layers, and return whether the picture was written.

    Parameters
    ----------
    project
        The project.
    path
        File to write.
    size
        Width and height in pixels.
    """
    bridge = QgsLayerTreeModel(project.layerTreeRoot())
    bridge.setFlag(QgsLayerTreeModel.ShowLegend, False)
    bridge.setFlag(QgsLayerTreeModel.AllowNodeChangeVisibility)
    view = QgsLayerTreeView()
    view.setModel(bridge)
    view.expandAll()
    view.resize(*size)
    return bool(view.grab().save(path))
