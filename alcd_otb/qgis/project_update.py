"""Update a QGIS project that an operator has saved: the operator's changes stay, and what is new is added."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy

from lxml import etree

from alcd_otb.qgis.elements import Element, element
from alcd_otb.qgis.project_document import BANDS, GROUP_NODE, LAYER_NODE, OWN, text_list


def update(saved: Element, fresh: Element) -> None:
    """Update a saved project, in place. Nothing is changed where the layers, their files and their rights are the same.

    Parameters
    ----------
    saved
        Document that QGIS has saved.
    fresh
        Document of a new project, whose layers and themes are brought into the saved one.
    """
    present = {layer.findtext("id") or "": layer for layer in saved.iterfind("projectlayers/maplayer")}
    known = {value.text or "" for value in saved.iterfind(f"properties/{OWN}/layers/value")}
    wanted = {layer.findtext("id") or "": layer for layer in fresh.iterfind("projectlayers/maplayer")}
    _remove(saved, known - set(wanted))
    # The operator has removed the layers that are known but not present: they are not added again.
    added = [identifier for identifier in wanted if identifier not in present and identifier not in known]
    for identifier in added:
        _child(saved, "projectlayers").append(wanted[identifier])
        _child(saved, "layerorder").append(element("layer", {"id": identifier}))
        _add_to_tree(saved, fresh, identifier)
    for identifier in set(wanted) & set(present):
        if wanted[identifier].get("readOnly") == "1" != present[identifier].get("readOnly"):
            present[identifier].set("readOnly", "1")
    _renew_bands(saved, fresh, present, wanted)
    _renew_sources(saved, {identifier: layer.findtext("datasource") or "" for identifier, layer in wanted.items()})
    _update_themes(_child(saved, "visibility-presets"), _child(fresh, "visibility-presets"), added)
    if known != set(wanted):
        own = _child(_child(saved, "properties"), OWN)
        listed = own.find("layers")
        if listed is not None:
            own.remove(listed)
        own.append(text_list("layers", wanted))


def _renew_bands(saved: Element, fresh: Element, present: Mapping[str, Element], wanted: Mapping[str, Element]) -> None:
    """Lead the images to their bands where these have other numbers than when the project was written.

    The numbers change when the template's view does, or when a clear date comes or goes.
    """
    former, new = (_listed_bands(document) for document in (saved, fresh))
    for identifier in set(present) & set(new):
        renderers = [layer.find("pipe/rasterrenderer") for layer in (present[identifier], wanted[identifier])]
        shown, right = renderers
        if shown is None or right is None or former.get(identifier) == new[identifier]:
            continue
        if shown.get("type") == right.get("type"):
            for name in BANDS:
                if right.get(name) is not None:
                    shown.set(name, right.get(name) or "")
    if former != new:
        own = _child(_child(saved, "properties"), OWN)
        for listed in own.findall("bands"):
            own.remove(listed)
        own.append(text_list("bands", [f"{identifier}={numbers}" for identifier, numbers in new.items()]))


def _listed_bands(document: Element) -> dict[str, str]:
    """Return the bands of the images, as a document records them, by the ids of their layers."""
    texts = (value.text or "" for value in document.iterfind(f"properties/{OWN}/bands/value"))
    return {identifier: numbers for identifier, _, numbers in (text.partition("=") for text in texts)}


def _renew_sources(saved: Element, wanted: Mapping[str, str]) -> None:
    """Lead the project's own layers to their files, wherever the document names them: in layers, tree and layouts.

    What the operator has added to a source, such as a filter, stays.
    """
    for node in saved.iter(etree.Element):
        if node.tag == "maplayer":
            source = node.find("datasource")
            fresh = wanted.get(node.findtext("id") or "")
            if source is not None and fresh is not None and _file_of(source.text or "") != _file_of(fresh):
                source.text = _with_file(source.text or "", fresh)
        elif node.get("source") is not None:
            fresh = wanted.get(node.get("id") or node.text or "")
            if fresh is not None and _file_of(node.get("source") or "") != _file_of(fresh):
                node.set("source", _with_file(node.get("source") or "", fresh))


def _file_of(source: str) -> str:
    return posixpath.normpath(source.partition("|")[0])


def _with_file(source: str, fresh: str) -> str:
    """Return a data source with the file, and the layer of the file, of another one."""
    kept = [part for part in source.split("|")[1:] if not part.startswith(("layername=", "layerid=", "geometrytype="))]
    return "|".join([fresh, *kept])


def _remove(saved: Element, identifiers: set[str]) -> None:
    """Remove layers, and all that refers to them."""
    for node in list(saved.iter("maplayer", LAYER_NODE, "layer", "layer-setting", "item")):
        parent = node.getparent()
        if parent is not None and identifiers & {node.get("id"), node.findtext("id"), node.text}:
            parent.remove(node)


def _child(parent: Element, tag: str) -> Element:
    """Return the first child with a tag, which is added if there is none."""
    child = parent.find(tag)
    return etree.SubElement(parent, tag) if child is None else child


def _add_to_tree(saved: Element, fresh: Element, identifier: str) -> None:
    """Add a layer to the group of the same name, at the place that it has in a new project."""
    new = next(node for node in fresh.iter(LAYER_NODE) if node.get("id") == identifier)
    group = new.getparent()
    assert group is not None
    root = _child(saved, GROUP_NODE)
    target = next((node for node in root.iter(GROUP_NODE) if node.get("name") == group.get("name")), None)
    if target is None:
        target = element(GROUP_NODE, {str(key): value for key, value in group.attrib.items()})
        _insert(root, target, _child(fresh, GROUP_NODE).index(group))
    _insert(target, deepcopy(new), group.index(new))


def _insert(parent: Element, node: Element, place: int) -> None:
    """Insert a layer or a group at a place among those of a group, whose properties QGIS puts before them."""
    nodes = [child for child in parent if child.tag in (LAYER_NODE, GROUP_NODE)]
    if place < len(nodes):
        nodes[place].addprevious(node)
    else:
        parent.append(node)


def _update_themes(saved: Element, fresh: Element, added: Sequence[str]) -> None:
    """Add new themes, and new layers to the themes that show them.

    A theme whose name has another number, or as in older versions none, gets that of today.
    """
    by_name = {_without_number(theme.get("name") or ""): theme for theme in saved}
    for theme in list(fresh):
        name = theme.get("name") or ""
        present = by_name.get(_without_number(name))
        if present is None:
            saved.append(theme)
        elif present.get("has-expanded-info") == "0":
            # QGIS records the state of the groups in each theme that an operator makes or replaces.
            saved.replace(present, theme)
        else:
            if present.get("name") != name:
                present.set("name", name)
            present.extend([layer for layer in theme if layer.get("id") in added])


def _without_number(name: str) -> str:
    return re.sub(r"^\d\d ", "", name)
