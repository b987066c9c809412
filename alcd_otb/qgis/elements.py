"""Build the XML elements of projects and styles in the form that QGIS 3.22 reads."""

from collections.abc import Mapping, Sequence

from lxml import etree

Element = etree._Element
Style = Sequence[Element]
"""The style of a layer: elements within the layer's element in a project, or within the root of a ``.qml`` file."""

VERSION = "3.22.0"
"""Version of QGIS in whose format projects and styles are written. Later versions read it as well."""


def element(tag: str, attributes: Mapping[str, object] | None = None, *children: Element | str) -> Element:
    """Make an element.

    Parameters
    ----------
    tag
        Name of the element.
    attributes
        Attributes, whose values are written as text.
    *children
        Child elements, or the text of the element.
    """
    made = etree.Element(tag, {key: str(value) for key, value in (attributes or {}).items()})
    for child in children:
        if isinstance(child, str):
            made.text = child
        else:
            made.append(child)
    return made


def option_map(values: Mapping[str, object], **attributes: str) -> Element:
    """Make an element that holds a dictionary in QGIS's form.

    Parameters
    ----------
    values
        The dictionary, whose values are written as text.
    **attributes
        Further attributes of the element.
    """
    options = (element("Option", {"type": "QString", "name": key, "value": value}) for key, value in values.items())
    return element("Option", {"type": "Map", **attributes}, *options)
