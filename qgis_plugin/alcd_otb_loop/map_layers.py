"""Show the map of a finished run in the open project, and change nothing else."""

import os
from pathlib import Path
from zipfile import ZipFile

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsRasterLayer,
    QgsReadWriteContext,
    QgsRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtXml import QDomDocument

from .scene_files import OWN

MAP = ("contours", "margin", "confidence", "classes", "iteration")
"""Layers whose files a run replaces."""


def reload_map(project):
    """Show the present files of the map. Returns the layers."""
    layers = list(filter(None, (project.mapLayer(OWN + key) for key in MAP)))
    for layer in layers:
        layer.dataProvider().reloadData()
        if isinstance(layer, QgsVectorLayer):
            layer.updateExtents()
        layer.triggerRepaint()
    return layers


def remove_gone_layers(project):
    """Remove the layers of a map that no longer exists, as after a first run that failed. Returns how many."""
    layers = (project.mapLayer(OWN + key) for key in MAP)
    gone = [each for each in layers if each is not None and not os.path.exists(each.source().split("|")[0])]
    for layer in gone:
        project.removeMapLayer(layer.id())
    return len(gone)


def add_new_layers(project, scene):
    """Add the layers and themes that only the project on the disk has, such as those of a first map.

    They are taken from the file as they are described there, with identifiers and styles. Opening it as a project would
    close what is being edited.

    Returns
    -------
    list
        The layers that were added.

    Raises
    ------
    OSError, KeyError
        The project on the disk cannot be read.
    """
    document, context = QDomDocument(), QgsReadWriteContext()
    context.setPathResolver(project.pathResolver())
    with ZipFile(scene.project) as packed:
        document.setContent(packed.read(next(name for name in packed.namelist() if name.endswith(".qgs"))))
    nodes = {node.attribute("id"): node for node in _elements(document, "layer-tree-layer")}
    added = []
    for described in _elements(document, "maplayer"):
        identifier = described.firstChildElement("id").text()
        if identifier.startswith(OWN) and identifier in nodes and project.mapLayer(identifier) is None:
            layer = QgsVectorLayer() if described.attribute("type") == "vector" else QgsRasterLayer()
            layer.readLayerXml(described, context)
            project.addMapLayer(layer, False)
            _insert(project.layerTreeRoot(), layer, nodes[identifier])
            added.append(layer)
    if added:
        _add_themes(project, document)
    return added


def _insert(root, layer, node):
    """Put a layer at the place in the tree that it has on the disk."""
    parent = node.parentNode().toElement()
    group = root.findGroup(parent.attribute("name"))
    if group is None:
        group = root.insertGroup(min(1, len(root.children())), parent.attribute("name"))
    place, before = 0, node.previousSiblingElement("layer-tree-layer")
    while not before.isNull():
        present = root.findLayer(before.attribute("id"))
        if present is not None and present.parent() is group:
            place = group.children().index(present) + 1
            break
        before = before.previousSiblingElement("layer-tree-layer")
    made = group.insertLayer(place, layer)
    made.setItemVisibilityChecked(node.attribute("checked") == "Qt::Checked")
    made.setExpanded(False)


def _add_themes(project, document):
    """Take the themes of the project on the disk, and keep the operator's own."""
    themes, merged = project.mapThemeCollection(), QDomDocument("qgis")
    merged.appendChild(merged.createElement("qgis"))
    themes.writeXml(merged)
    collection = merged.documentElement().firstChildElement("visibility-presets")
    new = {described.attribute("name"): described for described in _elements(document, "visibility-preset")}
    for present in _elements(merged, "visibility-preset"):
        if present.attribute("name") in new:
            collection.removeChild(present)
    for described in new.values():
        collection.appendChild(merged.importNode(described, True))
    themes.readXml(merged)


def _elements(parent, tag):
    """Return the elements of a tag below a node."""
    found = parent.elementsByTagName(tag)
    return [found.at(index).toElement() for index in range(found.count())]


def extent(scene, project):
    """Return the extent of a scene in the CRS of the map."""
    (left, top), (width, height) = scene.origin, scene.size
    transform = QgsCoordinateTransform(QgsCoordinateReferenceSystem(scene.crs), project.crs(), project)
    return transform.transformBoundingBox(QgsRectangle(left, top - height, left + width, top))


def is_workspace(path):
    """Whether a folder holds the settings of a scene."""
    return bool(path) and (Path(path) / "config.json").is_file()
