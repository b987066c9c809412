"""Make the document of a QGIS project: its layers, groups, map themes and variables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from alcd_otb.qgis.elements import VERSION, Element, Style, element
from alcd_otb.qgis.forms import SHOWN_ITERATION
from otb_pipelines.process import osr

LAYER_NODE, GROUP_NODE = "layer-tree-layer", "layer-tree-group"
"""Tags of the nodes of the layer tree."""
OWN = "alcd_otb"
"""Beginning of the ids of the project's own layers, and name of its own properties."""
LAYOUT = "3"
"""Number of the way in which a project is laid out.

Layout 1, which bears no number, leads through ``latest``. Layout 2 shows images in colour from 0 to a reflectance of
0.25.
"""
BANDS = ("redBand", "greenBand", "blueBand", "grayBand")
"""Attributes of a raster's renderer that name its bands."""
DECORATION = "TitleLabel"
"""Tag of the properties of the title that QGIS draws over the map."""

_SNAPPING_PIXELS = 12


@dataclass(frozen=True)
class ProjectLayer:
    """A layer of the project.

    Attributes
    ----------
    key
        What identifies the layer, even if the operator renames it.
    title
        Name of the layer in the panel of layers.
    group
        Name of the group of the layer.
    source
        Data source relative to the project's folder; for a vector layer with ``|layername=``.
    crs
        CRS as in `Grid.crs`.
    style
        Style of the layer.
    geometry
        ``Point`` or ``Polygon`` for a vector layer, None for a raster layer.
    snapped
        Whether new vertices snap to the existing ones of the layer.
    read_only
        Whether QGIS refuses to edit the vector layer, since a run replaces its file. It never edits rasters.
    """

    key: str
    title: str
    group: str
    source: str
    crs: str
    style: Style
    geometry: str | None = None
    snapped: bool = False
    read_only: bool = False

    @property
    def identifier(self) -> str:
        """Id of the layer in the project file."""
        return f"{OWN}_{self.key}"

    @property
    def provider(self) -> str:
        """Data provider of QGIS."""
        return "gdal" if self.geometry is None else "ogr"


@dataclass(frozen=True)
class Project:
    """A project.

    Attributes
    ----------
    title
        Title of the project.
    crs
        CRS of the map, as in `Grid.crs`.
    extent
        Left, bottom, right and top of the map when the project is opened.
    layers
        Layers, the uppermost first.
    themes
        Map themes: the keys of the visible layers, by the name of the theme. The project opens with the first theme.
    shows_iteration
        Whether the number of the iteration is drawn over the map.
    """

    title: str
    crs: str
    extent: tuple[float, float, float, float]
    layers: tuple[ProjectLayer, ...]
    themes: Mapping[str, tuple[str, ...]]
    shows_iteration: bool = False


def document_of(project: Project) -> Element:
    """Return the document of a new project."""
    shown = next(iter(project.themes.values()))
    groups = tuple(dict.fromkeys(layer.group for layer in project.layers))
    snapping = (_snapping(layer) for layer in project.layers if layer.geometry is not None)
    return element(
        "qgis",
        {"projectname": project.title, "version": VERSION},
        element("title", {}, project.title),
        element("projectCrs", {}, _crs(project.crs)),
        _layer_tree(project.layers, shown),
        element(
            "snapping-settings",
            {"enabled": 1, "mode": 3, "type": 1, "tolerance": _SNAPPING_PIXELS, "unit": 1},
            element("individual-layer-settings", {}, *snapping),
        ),
        _canvas(project),
        element("projectlayers", {}, *map(_map_layer, project.layers)),
        element("layerorder", {}, *(element("layer", {"id": layer.identifier}) for layer in project.layers)),
        _properties(project),
        element("visibility-presets", {}, *(_theme(name, keys, groups) for name, keys in project.themes.items())),
        element(
            "ProjectViewSettings",
            {},
            element("DefaultViewExtent", _named_extent(project), _crs(project.crs)),
        ),
    )


def _crs(crs: str) -> Element:
    """Describe a CRS as WKT, in which QGIS finds the authority's code."""
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    return element("spatialrefsys", {}, element("wkt", {}, reference.ExportToWkt(["FORMAT=WKT2_2018"])))


def _layer_tree(layers: Sequence[ProjectLayer], shown: Iterable[str]) -> Element:
    """Make the layer tree, with the layers of some keys checked."""
    root = element(GROUP_NODE)
    for name in dict.fromkeys(layer.group for layer in layers):
        group = element(GROUP_NODE, {"name": name, "checked": "Qt::Checked", "expanded": 1})
        for layer in layers:
            if layer.group == name:
                group.append(_tree_layer(layer, layer.key in shown))
        root.append(group)
    return root


def _tree_layer(layer: ProjectLayer, shown: bool) -> Element:
    return element(
        LAYER_NODE,
        {
            "id": layer.identifier,
            "name": layer.title,
            "source": layer.source,
            "providerKey": layer.provider,
            "checked": "Qt::Checked" if shown else "Qt::Unchecked",
            # A legend of every layer would push the layers themselves out of the panel.
            "expanded": 0,
        },
    )


def _snapping(layer: ProjectLayer) -> Element:
    return element(
        "layer-setting",
        {"id": layer.identifier, "enabled": int(layer.snapped), "type": 1, "tolerance": _SNAPPING_PIXELS, "units": 1},
    )


def _named_extent(project: Project) -> dict[str, float]:
    return dict(zip(("xmin", "ymin", "xmax", "ymax"), project.extent, strict=True))


def _canvas(project: Project) -> Element:
    extent = element("extent", {}, *(element(name, {}, repr(value)) for name, value in _named_extent(project).items()))
    target = element("destinationsrs", {}, _crs(project.crs))
    return element("mapcanvas", {"name": "theMapCanvas"}, extent, target)


def _map_layer(layer: ProjectLayer) -> Element:
    kind = {"type": "raster"}
    if layer.geometry is not None:
        kind = {"type": "vector", "geometry": layer.geometry, "readOnly": str(int(layer.read_only))}
    made = element(
        "maplayer",
        {**kind, "labelsEnabled": int(any(part.tag == "labeling" for part in layer.style))},
        element("id", {}, layer.identifier),
        element("datasource", {}, layer.source),
        element("layername", {}, layer.title),
        element("srs", {}, _crs(layer.crs)),
        element("provider", {} if layer.geometry is None else {"encoding": "UTF-8"}, layer.provider),
    )
    made.extend(layer.style)
    return made


def _properties(project: Project) -> Element:
    made = element(
        "properties",
        {},
        element("Paths", {}, element("Absolute", {"type": "bool"}, "false")),
        element("SpatialRefSys", {}, element("ProjectionsEnabled", {"type": "int"}, "1")),
        element(
            OWN,
            {},
            text_list("layers", [layer.identifier for layer in project.layers]),
            element("layout", {"type": "QString"}, LAYOUT),
            text_list("bands", filter(None, map(_bands_of_layer, project.layers))),
        ),
    )
    if project.shows_iteration:
        text = f"[% if({SHOWN_ITERATION} > 0, 'Iteration ' || {SHOWN_ITERATION}, 'No map yet') %]"
        made.append(
            element(
                DECORATION,
                {},
                element("Enabled", {"type": "bool"}, "true"),
                element("Label", {"type": "QString"}, text),
                # The upper left corner.
                element("Placement", {"type": "int"}, "1"),
            )
        )
    return made


def bands_of(renderer: Element) -> str:
    """Return the numbers of the bands that a raster's renderer shows, such as ``3,2,1``."""
    return ",".join(renderer.get(name, "") for name in BANDS if renderer.get(name))


def _bands_of_layer(layer: ProjectLayer) -> str:
    """Return the id of a layer and the bands that it shows; nothing for a layer that names no bands."""
    renderers = (renderer for part in layer.style for renderer in part.iter("rasterrenderer"))
    numbers = ",".join(filter(None, map(bands_of, renderers)))
    return f"{layer.identifier}={numbers}" if numbers else ""


def text_list(tag: str, values: Iterable[str]) -> Element:
    """Make an element that holds a list of texts in QGIS's form."""
    return element(tag, {"type": "QStringList"}, *(element("value", {}, text) for text in values))


def _theme(name: str, keys: Iterable[str], groups: Sequence[str]) -> Element:
    """Make a theme. QGIS ticks it where what is shown is equal in all that a theme records, its groups too."""
    made = element("visibility-preset", {"name": name, "has-expanded-info": 1, "has-checked-group-info": 1})
    for key in keys:
        identifier = f"{OWN}_{key}"
        made.append(element("layer", {"id": identifier, "visible": 1, "expanded": 0, "style": "default"}))
        made.append(element("expanded-legend-nodes", {"id": identifier}))
    for state in ("checked", "expanded"):
        nodes = (element(f"{state}-group-node", {"id": group}) for group in groups)
        made.append(element(f"{state}-group-nodes", {}, *nodes))
    return made
