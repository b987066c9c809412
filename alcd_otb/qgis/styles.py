"""Make the styles in which QGIS draws the layers of a scene, as XML that QGIS 3.22 reads."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from alcd_otb.files.writing import replacing, writing_to
from alcd_otb.pictures import contours
from alcd_otb.qgis.elements import VERSION, Element, Style, element, option_map
from alcd_otb.qgis.forms import OWN_FIELDS, Fields, class_form
from alcd_otb.settings.legend import Legend, rgb

_NO_CLASS = "no class yet"
_UNCLASSED, _DARK, _BRIGHT = "#ff0000", "#000000", "#ffffff"
_TRANSPARENT = "0,0,0,0"
_LITTLE_HUE = 24
"""Difference between the largest and the smallest of red, green and blue up to which a colour is a grey."""
_GREY_LINES = ("solid", "dot", "dash", "dash dot")
"""Lines of the grey classes, from the lightest to the darkest."""
_HALF_BRIGHT = 3 * 128
"""Sum of red, green and blue above which a colour is light."""
# Where the classifier is certain, the image is visible. Violet occurs in no image.
_CONFIDENCE_RAMP = ((0.0, "#6a00a8", 255), (0.5, "#b12ad6", 215), (0.8, "#e08df5", 110), (1.0, "#ffffff", 0))


class PaletteEntry(NamedTuple):
    """A value of a raster that is drawn: its label, its colour, and its opacity from 0 to 255."""

    value: int
    label: str
    colour: str
    opacity: int = 255


def write_styles(legend: Legend, folder: Path, name: str) -> tuple[Path, ...]:
    """Write the styles of a template's layers for use outside its projects, a file ``<name>_<layer>.qml`` for each.

    Parameters
    ----------
    legend
        The classes of the template.
    folder
        Folder to write to.
    name
        Name of the template.

    Returns
    -------
    tuple[Path, ...]
        The files.

    Raises
    ------
    ProcessingError
        If the folder cannot be written.
    """
    styles = {
        "samples": points_style(legend, OWN_FIELDS),
        "corrections": polygons_style(legend, OWN_FIELDS),
        "contours": contours_style(legend),
        "labels": classes_style(legend),
    }
    written = []
    for layer, style in styles.items():
        root = element("qgis", {"version": VERSION, "styleCategories": "Symbology|Fields|Forms"}, *style)
        path = folder / f"{name}_{layer}.qml"
        with writing_to(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(path) as unfinished:
                unfinished.write_bytes(etree.tostring(root, pretty_print=True, encoding="UTF-8"))
        written.append(path)
    return tuple(written)


def points_style(legend: Legend, fields: Fields) -> Style:
    """Draw points in the colours of their classes, with a ring to make them visible, and a form for the class.

    Parameters
    ----------
    legend
        Names, codes and colours of the classes.
    fields
        Fields of the layer.
    """
    symbols = [_point(entry.colour) for entry in legend.classes]
    return [_by_class(legend, fields, symbols, _point(_UNCLASSED, "diamond")), *class_form(legend, fields)]


def single_class_style(colour: str, geometry: str) -> Style:
    """Draw points or polygons that are all of one class, and need no form.

    Parameters
    ----------
    colour
        Colour of the class.
    geometry
        ``Point`` or ``Polygon``.
    """
    return [_single(_point(colour) if geometry == "Point" else _area(_colour(colour, 110), colour, 0.7))]


def polygons_style(legend: Legend, fields: Fields) -> Style:
    """Draw half-transparent polygons in the colours of their classes, with a form for the class.

    Parameters
    ----------
    legend
        Names, codes and colours of the classes.
    fields
        Fields of the layer.
    """
    symbols = [_area(_colour(entry.colour, 110), entry.colour, 0.7) for entry in legend.classes]
    return [
        _by_class(legend, fields, symbols, _area(_colour(_UNCLASSED, 110), _UNCLASSED, 0.7)),
        *class_form(legend, fields),
    ]


def contours_style(legend: Legend) -> Style:
    """Draw the classes that have a contour by thin outlines in the colours of their points and of the map.

    An edge that is dark beside a light colour, and light beside a dark one, makes each visible on an image of its own
    colour. Only this edge would distinguish grey and black classes, so their lines have different dashes.
    """
    outlined = [entry for entry in legend.classes if entry.contour is not None]
    categories = [(str(entry.code), entry.name) for entry in outlined]
    lines = _lines(entry.colour for entry in outlined)
    symbols = [_outline(entry.colour, lines[entry.colour]) for entry in outlined]
    return [_categorised(contours.FIELD, categories, symbols)]


def visits_style() -> Style:
    """Draw places to visit as rings, each with its rank."""
    ring = _symbol("marker", _layer("SimpleMarker", _marker(_TRANSPARENT, "circle", 7, _UNCLASSED, 0.6)))
    return [_single(ring), *labels("rank"), element("mapTip", {}, '<b>[% "rank" %]</b> [% "reason" %]')]


def labels(field: str) -> Style:
    """Make labels beside points with the value of a field, to be added to a style."""
    text = {"fieldName": field, "fontSize": 12, "fontWeight": 75, "textColor": _colour(_UNCLASSED)}
    buffer = {"bufferDraw": 1, "bufferSize": 0.8, "bufferColor": _colour(_BRIGHT), "bufferOpacity": 1}
    style = element("text-style", text, element("text-buffer", buffer))
    beside = element("placement", {"placement": 6, "dist": 1, "predefinedPositionOrder": "TR,TL,BR,BL,R,L,TSR,BSR"})
    settings = element("settings", {"calloutType": "simple"}, style, beside, element("rendering", {"displayAll": 1}))
    return [element("labeling", {"type": "simple"}, settings)]


def hidden_style() -> Style:
    """Draw nothing: the layer is there for its values."""
    return [element("renderer-v2", {"type": "nullSymbol"})]


def squares_style() -> Style:
    """Draw the outlines of the pixels of points."""
    return [_single(_area(_TRANSPARENT, _UNCLASSED, 0.4))]


def classes_style(legend: Legend) -> Style:
    """Draw a map of class codes; no data is transparent."""
    return paletted_style([PaletteEntry(entry.code, entry.name, entry.colour) for entry in legend.classes])


def invalid_style() -> Style:
    """Draw a mask that is 0 where nothing is classified: the image is darkened there."""
    return paletted_style([PaletteEntry(0, "not classified", _DARK, 150)])


def paletted_style(entries: Iterable[PaletteEntry]) -> Style:
    """Draw the values of a raster that have an entry."""
    listed = (
        element(
            "paletteEntry",
            {"value": entry.value, "label": entry.label, "color": entry.colour, "alpha": entry.opacity},
        )
        for entry in entries
    )
    return _pipe("paletted", {"band": 1}, element("colorPalette", {}, *listed))


def confidence_style() -> Style:
    """Draw confidence or margin: the lower, the stronger the colour; where it is 1, the image below is visible."""
    items = (
        element("item", {"value": value, "label": f"{value:g}", "color": colour, "alpha": alpha})
        for value, colour, alpha in _CONFIDENCE_RAMP
    )
    ramp = {"colorRampType": "INTERPOLATED", "classificationMode": 1, "clip": 0, "minimumValue": 0, "maximumValue": 1}
    shader = element("rastershader", {}, element("colorrampshader", ramp, *items))
    attributes = {"band": 1, "classificationMin": 0, "classificationMax": 1}
    return _pipe("singlebandpseudocolor", attributes, shader)


def colour_style(bands: tuple[int, int, int], limits: Sequence[tuple[float, float]], gamma: float = 1) -> Style:
    """Draw three bands in red, green and blue.

    Parameters
    ----------
    bands
        Numbers of the bands for red, green and blue, from 1.
    limits
        Darkest and brightest value of each band.
    gamma
        The share between them is raised to the power of 1 / gamma.
    """
    names = ("red", "green", "blue")
    stretches = (_stretch(f"{name}ContrastEnhancement", *both) for name, both in zip(names, limits, strict=True))
    attributes = {f"{name}Band": band for name, band in zip(names, bands, strict=True)}
    return _pipe("multibandcolor", attributes, *stretches, gamma=gamma)


def grey_style(band: int, darkest: float, brightest: float, gamma: float = 1) -> Style:
    """Draw a band in shades of grey.

    Parameters
    ----------
    band
        Number of the band, from 1.
    darkest, brightest
        Values that are black and white.
    gamma
        As of `colour_style`.
    """
    attributes = {"grayBand": band, "gradient": "BlackToWhite"}
    return _pipe("singlebandgray", attributes, _stretch("contrastEnhancement", darkest, brightest), gamma=gamma)


def _stretch(tag: str, low: float, high: float) -> Element:
    """Make a contrast enhancement between two values."""
    limits = element("minValue", {}, repr(low)), element("maxValue", {}, repr(high))
    return element(tag, {}, *limits, element("algorithm", {}, "StretchToMinimumMaximum"))


def _pipe(kind: str, attributes: Mapping[str, object], *children: Element, gamma: float = 1) -> Style:
    """Make the style of a raster with a renderer of a kind."""
    renderer = {"type": kind, "opacity": 1, "alphaBand": -1, **attributes}
    filters = [element("brightnesscontrast", {"brightness": 0, "contrast": 0, "gamma": gamma})] if gamma != 1 else []
    pipe = element("pipe", {}, element("rasterrenderer", renderer, *children), *filters)
    return [pipe, element("blendMode", {}, "0")]


def _by_class(legend: Legend, fields: Fields, symbols: list[Element], without: Element) -> Element:
    """Make a renderer by the class field. Features without a class of the legend are drawn as well."""
    categories = [(str(entry.code) if fields.by_code else entry.name, entry.name) for entry in legend.classes]
    return _categorised(fields.class_field, [*categories, ("", _NO_CLASS)], [*symbols, without])


def _categorised(field: str, categories: Sequence[tuple[str, str]], symbols: Sequence[Element]) -> Element:
    """Make a renderer by the value of a field; a category is its value and its label."""
    listed = element("categories")
    for number, (value, label) in enumerate(categories):
        symbols[number].set("name", str(number))
        attributes = {"symbol": number, "value": value, "label": label, "render": "true"}
        listed.append(element("category", attributes))
    attributes = {"type": "categorizedSymbol", "attr": field}
    return element("renderer-v2", attributes, listed, element("symbols", {}, *symbols))


def _single(symbol: Element) -> Element:
    """Make a renderer with one symbol for all features."""
    symbol.set("name", "0")
    return element("renderer-v2", {"type": "singleSymbol"}, element("symbols", {}, symbol))


def _point(colour: str, shape: str = "circle") -> Element:
    """Make a marker symbol with a bright ring around it."""
    ring = _layer("SimpleMarker", _marker(_colour(_BRIGHT), shape, 4.2, _DARK, 0.2))
    return _symbol("marker", ring, _layer("SimpleMarker", _marker(_colour(colour), shape, 2.8, _DARK, 0.1)))


def _marker(fill: str, shape: str, size: float, outline: str, width: float) -> dict[str, object]:
    """Return the options of a simple marker; size and width in millimetres."""
    return {"color": fill, "name": shape, "size": size, "outline_color": _colour(outline), "outline_width": width}


def _area(fill: str, outline: str, width: float) -> Element:
    """Make a fill symbol; width in millimetres."""
    values = {"color": fill, "style": "no" if fill == _TRANSPARENT else "solid", "outline_style": "solid"}
    edge = {"outline_color": _colour(outline), "outline_width": width, "joinstyle": "miter"}
    return _symbol("fill", _layer("SimpleFill", {**values, **edge}))


def _lines(colours: Iterable[str]) -> dict[str, str]:
    """Choose the kind of line for each colour: solid for one that has a hue, another for each grey."""
    listed = set(colours)
    greys = [each for each in listed if max(rgb(each)) - min(rgb(each)) <= _LITTLE_HUE]
    kinds = zip(sorted(greys, key=rgb, reverse=True), itertools.cycle(_GREY_LINES), strict=False)
    return {**dict.fromkeys(listed, "solid"), **dict(kinds)}


def _outline(colour: str, line: str) -> Element:
    """Make a fill symbol that is an outline with an edge, which is seen through the gaps of a dashed line."""
    edge = _DARK if sum(rgb(colour)) > _HALF_BRIGHT else _BRIGHT
    return _symbol("fill", _outlined(edge, 0.5, "solid"), _outlined(colour, 0.25, line))


def _outlined(colour: str, width: float, line: str) -> Element:
    values = {"color": _TRANSPARENT, "style": "no", "outline_style": line}
    return _layer("SimpleFill", {**values, "outline_color": _colour(colour), "outline_width": width})


def _symbol(kind: str, *layers: Element) -> Element:
    return element("symbol", {"type": kind, "alpha": 1, "clip_to_extent": 1}, *layers)


def _layer(kind: str, values: Mapping[str, object]) -> Element:
    return element("layer", {"class": kind, "enabled": 1, "locked": 0, "pass": 0}, option_map(values))


def _colour(colour: str, alpha: int = 255) -> str:
    """Return a colour in QGIS's form: red, green, blue and opacity, each from 0 to 255."""
    return ",".join(map(str, (*rgb(colour), alpha)))
