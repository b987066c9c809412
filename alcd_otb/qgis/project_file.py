"""Write a QGIS project: its layers, groups and map themes. Changes that an operator has saved in it are kept."""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

from lxml import etree

from alcd_otb.qgis.elements import VERSION, Element, Style, element
from alcd_otb.workspace import replacing, writing_to
from otb_pipelines.process import osr

_TREE, _GROUP = "layer-tree-layer", "layer-tree-group"
_OWN = "alcd_otb"
_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
_VARIABLES = ("variableNames", "variableValues")
_SNAPPING_PIXELS = 12


class UnreadableProjectError(Exception):
    """The file cannot be read, or is not a QGIS project."""


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
    """

    key: str
    title: str
    group: str
    source: str
    crs: str
    style: Style
    geometry: str | None = None
    snapped: bool = False

    @property
    def identifier(self) -> str:
        """Id of the layer in the project file."""
        return f"{_OWN}_{self.key}"

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
    variables
        Variables for QGIS's expressions.
    """

    title: str
    crs: str
    extent: tuple[float, float, float, float]
    layers: tuple[ProjectLayer, ...]
    themes: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, object]


def write_project_file(project: Project, path: Path) -> None:
    """Write a ``.qgz`` file, or update the one that QGIS has saved.

    In a project that QGIS has saved, the operator's layers, order, styles and view stay. New layers are added, layers
    that do not exist any more are removed, and data sources and variables are renewed, since QGIS saves links as what
    they led to. Any other project is replaced. The file appears when it is complete.

    Parameters
    ----------
    project
        The project to write.
    path
        The file.

    Raises
    ------
    UnreadableProjectError
        If the existing project cannot be read.
    ProcessingError
        If the file cannot be written.
    """
    root = _document(project)
    others: dict[str, bytes] = {}
    if path.exists():
        saved = _read(path)
        # QGIS signs what it saves with the time.
        if saved.root.get("saveDateTime"):
            _update(saved.root, root)
            root, others = saved
    with writing_to(path.parent), replacing(path) as unfinished:
        unfinished.write_bytes(_zipped({f"{path.stem}.qgs": _text(root), **others}))


def _document(project: Project) -> Element:
    """Make the document of a new project."""
    shown = next(iter(project.themes.values()))
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
        element("visibility-presets", {}, *(_theme(name, keys) for name, keys in project.themes.items())),
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
    root = element(_GROUP)
    for name in dict.fromkeys(layer.group for layer in layers):
        group = element(_GROUP, {"name": name, "checked": "Qt::Checked", "expanded": 1})
        for layer in layers:
            if layer.group == name:
                group.append(_tree_layer(layer, layer.key in shown))
        root.append(group)
    return root


def _tree_layer(layer: ProjectLayer, shown: bool) -> Element:
    return element(
        _TREE,
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
    kind = {"type": "raster"} if layer.geometry is None else {"type": "vector", "geometry": layer.geometry}
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
    names, values = list(project.variables), [str(value) for value in project.variables.values()]
    return element(
        "properties",
        {},
        element("Paths", {}, element("Absolute", {"type": "bool"}, "false")),
        element("SpatialRefSys", {}, element("ProjectionsEnabled", {"type": "int"}, "1")),
        element("Variables", {}, _texts("variableNames", names), _texts("variableValues", values)),
        element(_OWN, {}, _texts("layers", [layer.identifier for layer in project.layers])),
    )


def _texts(tag: str, texts: Iterable[str]) -> Element:
    return element(tag, {"type": "QStringList"}, *(element("value", {}, text) for text in texts))


def _theme(name: str, keys: Iterable[str]) -> Element:
    shown = (element("layer", {"id": f"{_OWN}_{key}", "visible": 1, "style": "default"}) for key in keys)
    return element("visibility-preset", {"name": name, "has-expanded-info": 0}, *shown)


def _update(saved: Element, fresh: Element) -> None:
    """Update a saved project, in place, with the layers, themes and variables of a new one."""
    present = {layer.findtext("id"): layer for layer in saved.iterfind("projectlayers/maplayer")}
    known = {value.text or "" for value in saved.iterfind(f"properties/{_OWN}/layers/value")}
    wanted = {layer.findtext("id") or "": layer for layer in fresh.iterfind("projectlayers/maplayer")}
    _remove(saved, known - set(wanted))
    # The operator has removed the layers that are known but not present: they are not added again.
    added = [identifier for identifier in wanted if identifier not in present and identifier not in known]
    for identifier in added:
        _child(saved, "projectlayers").append(wanted[identifier])
        _child(saved, "layerorder").append(element("layer", {"id": identifier}))
        _add_to_tree(saved, fresh, identifier)
    for identifier in set(wanted) & set(present):
        source = wanted[identifier].findtext("datasource") or ""
        _child(present[identifier], "datasource").text = source
        for node in saved.iter(_TREE):
            if node.get("id") == identifier:
                node.set("source", source)
    _update_themes(_child(saved, "visibility-presets"), _child(fresh, "visibility-presets"), added)
    _update_variables(_child(_child(saved, "properties"), "Variables"), _child(_child(fresh, "properties"), "Variables"))
    own = _child(_child(saved, "properties"), _OWN)
    own.clear()
    own.append(_texts("layers", sorted(known | set(wanted))))


def _remove(saved: Element, identifiers: set[str]) -> None:
    """Remove layers, and all that refers to them."""
    for node in list(saved.iter("maplayer", _TREE, "layer", "layer-setting", "item")):
        parent = node.getparent()
        if parent is not None and identifiers & {node.get("id"), node.findtext("id"), node.text}:
            parent.remove(node)


def _child(parent: Element, tag: str) -> Element:
    """Return the first child with a tag, which is added if there is none."""
    child = parent.find(tag)
    return etree.SubElement(parent, tag) if child is None else child


def _add_to_tree(saved: Element, fresh: Element, identifier: str) -> None:
    """Add a layer to the group of the same name, at the place that it has in a new project."""
    new = next(node for node in fresh.iter(_TREE) if node.get("id") == identifier)
    group = new.getparent()
    assert group is not None
    root = _child(saved, _GROUP)
    target = next((node for node in root.iter(_GROUP) if node.get("name") == group.get("name")), None)
    if target is None:
        target = element(_GROUP, {str(key): value for key, value in group.attrib.items()})
        _insert(root, target, _child(fresh, _GROUP).index(group))
    _insert(target, etree.fromstring(etree.tostring(new)), group.index(new))


def _insert(parent: Element, node: Element, place: int) -> None:
    """Insert a layer or a group at a place among those of a group, whose properties QGIS puts before them."""
    nodes = [child for child in parent if child.tag in (_TREE, _GROUP)]
    if place < len(nodes):
        nodes[place].addprevious(node)
    else:
        parent.append(node)


def _update_themes(saved: Element, fresh: Element, added: Sequence[str]) -> None:
    """Add new themes, and new layers to the themes that show them."""
    by_name = {theme.get("name"): theme for theme in saved}
    for theme in list(fresh):
        present = by_name.get(theme.get("name"))
        if present is None:
            saved.append(theme)
        else:
            present.extend([layer for layer in theme if layer.get("id") in added])


def _update_variables(saved: Element, fresh: Element) -> None:
    """Renew the project's variables; the operator's own variables stay."""

    def read(variables: Element) -> dict[str, str]:
        columns = ([value.text or "" for value in variables.iterfind(f"{tag}/value")] for tag in _VARIABLES)
        return dict(zip(*columns, strict=True))

    values = read(saved) | read(fresh)
    saved.clear()
    saved.extend([_texts(_VARIABLES[0], values), _texts(_VARIABLES[1], values.values())])


class _SavedProject(NamedTuple):
    """The document of a project file, and the other entries of the file by name."""

    root: Element
    others: dict[str, bytes]


def _read(path: Path) -> _SavedProject:
    """Read a project file. Raises UnreadableProjectError if it cannot be read, or is not a QGIS project."""
    try:
        with ZipFile(path) as packed:
            entries = {name: packed.read(name) for name in packed.namelist()}
        (name,) = (name for name in entries if name.endswith(".qgs"))
        root = etree.parse(
            BytesIO(entries.pop(name)), etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
        ).getroot()
    except (zipfile.BadZipFile, ValueError, OSError, etree.XMLSyntaxError) as error:
        raise UnreadableProjectError(f"{path}: cannot be read ({error})") from error
    if root.tag != "qgis":
        raise UnreadableProjectError(f"{path}: is not a QGIS project")
    return _SavedProject(root, entries)


def _text(root: Element) -> bytes:
    return bytes(etree.tostring(root, pretty_print=True, encoding="UTF-8", doctype=_DOCTYPE))


def _zipped(entries: Mapping[str, bytes]) -> bytes:
    """Return a ZIP archive without times, so that equal projects are equal files."""
    packed = BytesIO()
    with ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries.items():
            target.writestr(ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
