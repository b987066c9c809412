"""Make a file of samples that a folder with a file for each class does not have yet."""

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFillSymbol,
    QgsMarkerSymbol,
    QgsReadWriteContext,
    QgsSingleSymbolRenderer,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtXml import QDomDocument

from .scene_files import OWN

CORRECTIONS = "corrections"
"""Name of the file of the corrections."""
_GROUP = "Label"
"""Group of the project in which people draw."""


def new_layer(project, scene, name, geometry):
    """Make a GeoPackage in the folder of the samples, and show it in the project.

    Parameters
    ----------
    project
        The project that QGIS has open.
    scene
        The files of the scene, whose samples are a folder.
    name
        Name of the file: that of a class, or ``corrections``.
    geometry
        ``Point`` or ``Polygon``.

    Raises
    ------
    OSError
        The file cannot be made, or there is one already.
    """
    path = scene.samples / f"{name}.gpkg"
    if not scene.samples.is_dir():
        raise OSError(f"{scene.samples}: has no layer for {name}; add it, and open the project again")
    if path.exists():
        raise OSError(f"{path}: exists, but is not in the project; run the scene, or remove the file")
    # A file that is named after a class needs no field for it.
    fields = "?field=class:string(40)" if name == CORRECTIONS else ""
    template = QgsVectorLayer(f"{geometry}{fields}", name, "memory")
    template.setCrs(QgsCoordinateReferenceSystem(scene.crs))
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName, options.layerName = "GPKG", name
    problem, message = QgsVectorFileWriter.writeAsVectorFormatV3(
        template, str(path), project.transformContext(), options
    )[:2]
    if problem != QgsVectorFileWriter.WriterError.NoError:
        raise OSError(f"{path}: cannot be made ({message}); check the folder")
    known = scene.class_of(name)
    made = QgsVectorLayer(f"{path}|layername={name}", known.name if known else "Corrections", "ogr")
    identifier = f"{OWN}{CORRECTIONS}" if name == CORRECTIONS else f"{OWN}samples_{name}"
    layer = _with_identifier(made, identifier)
    properties = {"color": known.colour if known else "255,0,0,110", "outline_color": "black", "size": "3"}
    symbol = QgsMarkerSymbol if geometry == "Point" else QgsFillSymbol
    layer.setRenderer(QgsSingleSymbolRenderer(symbol.createSimple(properties)))
    project.addMapLayer(layer, False)
    root = project.layerTreeRoot()
    (root.findGroup(_GROUP) or root).insertLayer(0, layer)
    return layer


def _with_identifier(layer, identifier):
    """Return a layer under another identifier, which QGIS gives to layers that it reads alone."""
    document, context = QDomDocument(), QgsReadWriteContext()
    element = document.createElement("maplayer")
    document.appendChild(element)
    layer.writeLayerXml(element, document, context)
    element.firstChildElement("id").firstChild().setNodeValue(identifier)
    renamed = QgsVectorLayer()
    renamed.readLayerXml(element, context)
    return renamed
