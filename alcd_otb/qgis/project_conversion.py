"""Convert a saved QGIS project of an older layout to the present layout.

A project of layout 1 uses the link ``latest``; in today's layout, a run changes nothing in the project. In layout 2,
images in colour have the same contrast in all scenes; today, the scene's own.
"""

import math
import re
from copy import deepcopy

from lxml import etree

from alcd_otb.qgis.elements import Element, element
from alcd_otb.qgis.forms import SHOWN_ITERATION
from alcd_otb.qgis.project_document import DECORATION, LAYER_NODE, LAYOUT, OWN

_ITERATION = "alcd_iteration"
"""The variable that held the number of the iteration for which points are labelled."""
_NUMBER = re.compile(rf"@{_ITERATION}\b")
_VARIABLES = ("variableNames", "variableValues")
"""Tags of the names and of the values of the project's variables."""
_FORMER_CONTRAST = (0.0, 0.25)
"""The values that were black and full in all images in colour."""
_STRETCHES = ("redContrastEnhancement", "greenContrastEnhancement", "blueContrastEnhancement")
_SHOWN = {
    "latest/labels.tif": "map/labels.tif",
    "latest/confidence_smoothed.tif": "map/confidence.tif",
    "latest/margin.tif": "map/margin.tif",
    "latest/contours.fgb": "map/contours.fgb",
}
"""Files by the paths through the link, and by those that stay the same."""


def needs_conversion(saved: Element) -> bool:
    """Return whether a saved project has an older layout.

    Parameters
    ----------
    saved
        Document that QGIS has saved.
    """
    return saved.findtext(f"properties/{OWN}/layout") != LAYOUT


def convert(saved: Element, fresh: Element) -> None:
    """Convert a saved project, in place; `project_update.update` leads its layers to their files.

    The samples come before the places to visit, since QGIS makes the first layer the active one. The iteration's number
    comes from the layer of the iteration instead of a variable. Images in colour whose contrast nobody has changed get
    that of the scene.

    Parameters
    ----------
    saved
        Document that QGIS has saved.
    fresh
        Document of a new project.
    """
    properties = saved.find("properties")
    assert properties is not None
    if properties.find(f"{OWN}/layout") is None:
        _put_samples_first(saved)
        _lead_to_the_map(saved)
        _replace_variable(saved)
        title = fresh.find(f"properties/{DECORATION}")
        if title is not None and properties.findtext(f"{DECORATION}/Enabled") != "true":
            for former in properties.findall(DECORATION):
                properties.remove(former)
            properties.append(title)
    _renew_contrast(saved, fresh)
    own = properties.find(OWN)
    assert own is not None
    for former in own.findall("layout"):
        own.remove(former)
    own.append(element("layout", {"type": "QString"}, LAYOUT))


def _renew_contrast(saved: Element, fresh: Element) -> None:
    """Give images in colour the scene's own contrast, unless the operator has changed it."""
    wanted = {layer.findtext("id"): layer.find("pipe") for layer in fresh.iterfind("projectlayers/maplayer")}
    for layer in saved.iterfind("projectlayers/maplayer"):
        pipe, right = layer.find("pipe"), wanted.get(layer.findtext("id"))
        renderer = None if pipe is None else pipe.find("rasterrenderer[@type='multibandcolor']")
        if pipe is None or renderer is None or right is None:
            continue
        limits = {(part.findtext("minValue"), part.findtext("maxValue")) for part in renderer if part.tag in _STRETCHES}
        if {tuple(map(_number, pair)) for pair in limits} != {_FORMER_CONTRAST}:
            continue
        for part in right:
            for former in pipe.findall(part.tag):
                former.addprevious(deepcopy(part))
                pipe.remove(former)
            if pipe.find(part.tag) is None:
                pipe.append(deepcopy(part))


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


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
