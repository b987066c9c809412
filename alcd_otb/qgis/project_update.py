"""Update a QGIS project that an operator has saved: the operator's changes stay, and what is new is added."""

from collections.abc import Sequence

from lxml import etree

from alcd_otb.qgis.elements import Element, element
from alcd_otb.qgis.project_document import GROUP_NODE, LAYER_NODE, OWN, VARIABLES, text_list


def update(saved: Element, fresh: Element) -> None:
    """Update a saved project, in place.

    Parameters
    ----------
    saved
        Document that QGIS has saved.
    fresh
        Document of a new project, whose layers, themes and variables are brought into the saved one.
    """
    present = {layer.findtext("id"): layer for layer in saved.iterfind("projectlayers/maplayer")}
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
        source = wanted[identifier].findtext("datasource") or ""
        _child(present[identifier], "datasource").text = source
        for node in saved.iter(LAYER_NODE):
            if node.get("id") == identifier:
                node.set("source", source)
    _update_themes(_child(saved, "visibility-presets"), _child(fresh, "visibility-presets"), added)
    _update_variables(
        _child(_child(saved, "properties"), "Variables"), _child(_child(fresh, "properties"), "Variables")
    )
    own = _child(_child(saved, "properties"), OWN)
    own.clear()
    own.append(text_list("layers", sorted(known | set(wanted))))


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
    _insert(target, etree.fromstring(etree.tostring(new)), group.index(new))


def _insert(parent: Element, node: Element, place: int) -> None:
    """Insert a layer or a group at a place among those of a group, whose properties QGIS puts before them."""
    nodes = [child for child in parent if child.tag in (LAYER_NODE, GROUP_NODE)]
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
        columns = ([value.text or "" for value in variables.iterfind(f"{tag}/value")] for tag in VARIABLES)
        return dict(zip(*columns, strict=True))

    values = read(saved) | read(fresh)
    saved.clear()
    saved.extend([text_list(VARIABLES[0], values), text_list(VARIABLES[1], values.values())])
