"""Convert a saved QGIS project that leads through ``latest`` to the layout of today, in which a run changes nothing."""

import re

from lxml import etree

from alcd_otb.qgis.elements import Element, element
from alcd_otb.qgis.forms import SHOWN_ITERATION
from alcd_otb.qgis.project_document import DECORATION, LAYER_NODE, LAYOUT, OWN

_ITERATION = "alcd_iteration"
"""The variable that held the number of the iteration for which points are labelled."""
_NUMBER = re.compile(rf"@{_ITERATION}\b")
_VARIABLES = ("variableNames", "variableValues")
"""Tags of the names and of the values of the project's variables."""
_SHOWN = {
    "latest/labels.tif": "map/labels.tif",
    "latest/confidence_smoothed.tif": "map/confidence.tif",
    "latest/margin.tif": "map/margin.tif",
    "latest/contours.fgb": "map/contours.fgb",
}
"""Files by the paths through the link, and by those that stay the same."""


def needs_conversion(saved: Element) -> bool:
    """Say whether a saved project has an older layout.

    Parameters
    ----------
    saved
        Document that QGIS has saved.
    """
    return saved.findtext(f"properties/{OWN}/layout") != LAYOUT


def convert(saved: Element, fresh: Element) -> None:
    """Convert a saved project, in place; `project_update.update` leads its layers to their files.

    The samples come before the places to visit, since QGIS makes the first layer the active one. The iteration's number
    comes from the layer of the iteration in place of a variable.

    Parameters
    ----------
    saved
        Document that QGIS has saved.
    fresh
        Document of a new project.
    """
    _put_samples_first(saved)
    _lead_to_the_map(saved)
    _replace_variable(saved)
    properties = saved.find("properties")
    assert properties is not None
    title = fresh.find(f"properties/{DECORATION}")
    if title is not None and properties.findtext(f"{DECORATION}/Enabled") != "true":
        for former in properties.findall(DECORATION):
            properties.remove(former)
        properties.append(title)
    own = properties.find(OWN)
    assert own is not None
    for former in own.findall("layout"):
        own.remove(former)
    own.append(element("layout", {"type": "QString"}, LAYOUT))


def _put_samples_first(saved: Element) -> None:
    """Move the places to visit behind the samples where both are in one group of the layer tree."""
    nodes = {node.get("id"): node for node in saved.iter(LAYER_NODE)}
    places = nodes.get(f"{OWN}_to_visit")
    group = None if places is None else places.getparent()
    if places is None or group is None:
        return
    samples = [node for node in group if (node.get("id") or "").startswith(f"{OWN}_samples")]
    if samples and group.index(samples[-1]) > group.index(places):
        samples[-1].addnext(places)


def _lead_to_the_map(saved: Element) -> None:
    """Lead layers that the operator has added, and that show the last map through ``latest``, to the fixed paths."""
    for node in saved.iter(etree.Element):
        if node.tag == "datasource" and node.text:
            node.text = _without_link(node.text)
        elif node.get("source"):
            node.set("source", _without_link(node.get("source") or ""))


def _without_link(source: str) -> str:
    file, bar, rest = source.partition("|")
    shown = _SHOWN.get(file.removeprefix("./"))
    return source if shown is None else f"./{shown}{bar}{rest}"


def _replace_variable(saved: Element) -> None:
    """Replace the variable in all expressions, and remove it."""
    number = f"({SHOWN_ITERATION} + 1)"
    for node in saved.iter(etree.Element):
        for name, text in node.attrib.items():
            if _NUMBER.search(str(text)):
                node.set(name, _NUMBER.sub(lambda _: number, str(text)))
        if node.text and _NUMBER.search(node.text):
            node.text = _NUMBER.sub(lambda _: number, node.text)
    names, values = (saved.find(f"properties/Variables/{tag}") for tag in _VARIABLES)
    if names is None or values is None:
        return
    pairs = [pair for pair in zip(list(names), list(values), strict=False) if pair[0].text == _ITERATION]
    for title, value in pairs:
        names.remove(title)
        values.remove(value)
