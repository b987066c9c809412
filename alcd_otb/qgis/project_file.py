"""A QGIS project as a file: its layers, groups and themes; what an operator has changed in it is kept."""

import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile, ZipInfo

from lxml import etree

from alcd_otb.qgis.styles import VERSION, Element, Style, element
from alcd_otb.workspace import replacing, writing_to
from otb_pipelines.process import osr

_TREE, _GROUP = "layer-tree-layer", "layer-tree-group"
_OWN = "alcd_otb"
_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
_SNAPPING_PIXELS = 12


class UnreadableProjectError(Exception):
    """A project file that is none, or not one of QGIS's."""


@dataclass(frozen=True)
class ProjectLayer:
    """A layer of the project.

    key: what tells it from the others, whatever it is called; group: the heading it stands below.
    source: relative to the project's folder; of a vector with ``|layername=``.
    geometry: ``Point`` or ``Polygon`` of a vector, None of a raster. crs: as `Grid.crs`.
    snapped: whether new vertices of it snap to those that are there.
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
        """Of the layer in the project file."""
        return f"{_OWN}_{self.key}"

    @property
    def provider(self) -> str:
        """QGIS's data provider."""
        return "gdal" if self.geometry is None else "ogr"


@dataclass(frozen=True)
class Project:
    """layers: the uppermost first. themes: by name, the keys of the layers that are shown; the first one to begin with.

    extent: (left, bottom, right, top) to begin with. variables: for QGIS's expressions.
    """

    title: str
    crs: str
    extent: tuple[float, float, float, float]
    layers: tuple[ProjectLayer, ...]
    themes: Mapping[str, tuple[str, ...]]
    variables: Mapping[str, object]


def write(project: Project, path: Path) -> None:
    """Write a .qgz file; a project that is there is replaced, unless QGIS has saved it: that one is brought up to date.

    Then the operator's layers, order, styles and view stay; layers that have come up or gone since are added or taken
    out, and the sources and the variables are renewed (QGIS saves links as what they led to).
    The file appears when it is whole. Raises UnreadableProjectError where the one that is there cannot be read,
    ProcessingError where the file cannot be written.
    """
    root = _document(project)
    others: dict[str, bytes] = {}
    if path.exists():
        saved, beside = _read(path)
        # QGIS signs what it saves with the time.
        if saved.get("saveDateTime"):
            _renew(saved, root)
            root, others = saved, beside
    with writing_to(path.parent), replacing(path) as unfinished:
        unfinished.write_bytes(_zipped({f"{path.stem}.qgs": _text(root), **others}))


def _document(project: Project) -> Element:
    shown = next(iter(project.themes.values()))
    snapping = (_snapping(layer) for layer in project.layers if layer.geometry is not None)
    return element(
        "qgis",
        {"projectname": project.title, "version": VERSION},
        element("title", {}, project.title),
        element("projectCrs", {}, _crs(project.crs)),
        _tree(project.layers, shown),
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
    # QGIS finds the authority's code in it.
    reference = osr.SpatialReference()
    reference.SetFromUserInput(crs)
    return element("spatialrefsys", {}, element("wkt", {}, reference.ExportToWkt(["FORMAT=WKT2_2018"])))


def _tree(layers: Sequence[ProjectLayer], shown: Iterable[str]) -> Element:
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
        {**kind, "labelsEnabled": int(any(one.tag == "labeling" for one in layer.style))},
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


def _renew(saved: Element, fresh: Element) -> None:
    """Bring a saved project up to date."""
    present = {one.findtext("id"): one for one in saved.iterfind("projectlayers/maplayer")}
    known = {one.text or "" for one in saved.iterfind(f"properties/{_OWN}/layers/value")}
    wanted = {one.findtext("id") or "": one for one in fresh.iterfind("projectlayers/maplayer")}
    _take_out(saved, known - set(wanted))
    # What was there once and is not any more, the operator has taken out.
    added = [identifier for identifier in wanted if identifier not in present and identifier not in known]
    for identifier in added:
        _child(saved, "projectlayers").append(wanted[identifier])
        _child(saved, "layerorder").append(element("layer", {"id": identifier}))
        _add_to_tree(saved, fresh, identifier)
    for identifier in set(wanted) & set(present):
        source = wanted[identifier].findtext("datasource") or ""
        _child(present[identifier], "datasource").text = source
        for one in saved.iter(_TREE):
            if one.get("id") == identifier:
                one.set("source", source)
    _renew_themes(_child(saved, "visibility-presets"), _child(fresh, "visibility-presets"), added)
    _renew_variables(_child(_child(saved, "properties"), "Variables"), _child(_child(fresh, "properties"), "Variables"))
    own = _child(_child(saved, "properties"), _OWN)
    own.clear()
    own.append(_texts("layers", sorted(known | set(wanted))))


def _take_out(saved: Element, identifiers: set[str]) -> None:
    for one in list(saved.iter("maplayer", _TREE, "layer", "layer-setting", "item")):
        parent = one.getparent()
        if parent is not None and identifiers & {one.get("id"), one.findtext("id"), one.text}:
            parent.remove(one)


def _child(parent: Element, tag: str) -> Element:
    found = parent.find(tag)
    return etree.SubElement(parent, tag) if found is None else found


def _add_to_tree(saved: Element, fresh: Element, identifier: str) -> None:
    """Into the group of the same name, at the place that it has in a new project as far as there are such."""
    new = next(one for one in fresh.iter(_TREE) if one.get("id") == identifier)
    group = new.getparent()
    assert group is not None
    root = _child(saved, _GROUP)
    target = next((one for one in root.iter(_GROUP) if one.get("name") == group.get("name")), None)
    if target is None:
        target = element(_GROUP, {str(key): value for key, value in group.attrib.items()})
        _insert(root, target, _child(fresh, _GROUP).index(group))
    _insert(target, etree.fromstring(etree.tostring(new)), group.index(new))


def _insert(parent: Element, node: Element, place: int) -> None:
    """QGIS puts properties of a group before what is in it."""
    nodes = [one for one in parent if one.tag in (_TREE, _GROUP)]
    if place < len(nodes):
        nodes[place].addprevious(node)
    else:
        parent.append(node)


def _renew_themes(saved: Element, fresh: Element, added: Sequence[str]) -> None:
    by_name = {one.get("name"): one for one in saved}
    for theme in list(fresh):
        there = by_name.get(theme.get("name"))
        if there is None:
            saved.append(theme)
        else:
            there.extend([one for one in theme if one.get("id") in added])


def _renew_variables(saved: Element, fresh: Element) -> None:
    def read(variables: Element) -> dict[str, str]:
        columns = ([one.text or "" for one in variables.iterfind(f"{tag}/value")] for tag in _VARIABLES)
        return dict(zip(*columns, strict=True))

    values = read(saved) | read(fresh)
    saved.clear()
    saved.extend([_texts(_VARIABLES[0], values), _texts(_VARIABLES[1], values.values())])


_VARIABLES = ("variableNames", "variableValues")


def _read(path: Path) -> tuple[Element, dict[str, bytes]]:
    """(root, what lies beside it in the file by name)."""
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
        raise UnreadableProjectError(f"{path}: holds no project of QGIS")
    return root, entries


def _text(root: Element) -> bytes:
    return bytes(etree.tostring(root, pretty_print=True, encoding="UTF-8", doctype=_DOCTYPE))


def _zipped(entries: Mapping[str, bytes]) -> bytes:
    """A zip without times, so that equal projects are equal files."""
    packed = BytesIO()
    with ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in entries.items():
            target.writestr(ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
