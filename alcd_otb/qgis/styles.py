"""How QGIS draws a legend's classes, and the forms in which they are chosen, as the XML that QGIS 3.22 reads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from alcd_otb.pictures import contours
from alcd_otb.settings.legend import Legend, rgb
from alcd_otb.workspace import writing_to

Element = etree._Element
Style = Sequence[Element]
"""What a layer's element in a project, or the root of a .qml, holds of its style."""

VERSION = "3.22.0"
"""Of QGIS, whose form of projects and styles is written; later ones read it as well."""

ITERATION = "alcd_iteration"
"""The project's variable that holds the iteration for which points are being labelled."""

DEFAULTS = {"iteration": f"@{ITERATION}", "author": "@user_account_name", "created": "now()"}
"""What QGIS fills in, by field."""

_CLASS_ALIAS = "class (type its number)"
_NO_CLASS = "no class yet"
_UNCLASSED, _DARK, _BRIGHT = "#ff0000", "#000000", "#ffffff"
_TRANSPARENT = "0,0,0,0"
# Where the classifier is sure, the image is to be seen; violet occurs in no image.
_DOUBT = ((0.0, "#6a00a8", 255), (0.5, "#b12ad6", 215), (0.8, "#e08df5", 110), (1.0, "#ffffff", 0))


@dataclass(frozen=True)
class Fields:
    """Of a layer to edit. names: all, in the file's order. class_field: the one that holds the class, as a name, or as
    a code if by_code."""

    names: tuple[str, ...]
    class_field: str = "class"
    by_code: bool = False


OWN_FIELDS = Fields(("fid", "class", "iteration", "author", "comment", "created"))
"""Those of the layers that this package writes."""


def write_styles(legend: Legend, folder: Path, name: str) -> tuple[Path, ...]:
    """Write the styles of a template's layers for use outside its projects: ``<name>_<layer>.qml``, one a layer.

    Raises ProcessingError where the folder cannot be written.
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
            path.write_bytes(etree.tostring(root, pretty_print=True, encoding="UTF-8"))
        written.append(path)
    return tuple(written)


def element(tag: str, attributes: Mapping[str, object] | None = None, *children: Element | str) -> Element:
    """An element with its attributes, and text or children."""
    made = etree.Element(tag, {key: str(value) for key, value in (attributes or {}).items()})
    for child in children:
        if isinstance(child, str):
            made.text = child
        else:
            made.append(child)
    return made


def points_style(legend: Legend, fields: Fields) -> Style:
    """Points in the colours of their classes, ringed so that they show on any ground, with a form for the class."""
    symbols = [_point(one.colour) for one in legend.classes]
    return [_by_class(legend, fields, symbols, _point(_UNCLASSED, "diamond")), *_form(legend, fields)]


def one_class_style(colour: str, geometry: str) -> Style:
    """Points or polygons that all are of one class, and need no form."""
    return [_single(_point(colour) if geometry == "Point" else _area(_colour(colour, 110), colour, 0.7))]


def polygons_style(legend: Legend, fields: Fields) -> Style:
    """Half-transparent polygons in the colours of their classes, with a form for the class."""
    symbols = [_area(_colour(one.colour, 110), one.colour, 0.7) for one in legend.classes]
    return [
        _by_class(legend, fields, symbols, _area(_colour(_UNCLASSED, 110), _UNCLASSED, 0.7)),
        *_form(legend, fields),
    ]


def contours_style(legend: Legend) -> Style:
    """The outlines of the classes that have a contour."""
    outlined = [(one, one.contour) for one in legend.classes if one.contour is not None]
    entries = [(str(one.code), one.name) for one, _ in outlined]
    return [_categorised(contours.FIELD, entries, [_area(_TRANSPARENT, contour, 0.35) for _, contour in outlined])]


def visits_style() -> Style:
    """Places to visit: rings, each with its rank."""
    ring = _symbol("marker", _layer("SimpleMarker", _marker(_TRANSPARENT, "circle", 7, _UNCLASSED, 0.6)))
    return [_single(ring), *labelled("rank"), element("mapTip", {}, '<b>[% "rank" %]</b> [% "reason" %]')]


def labelled(field: str) -> Style:
    """Labels beside points, with the value of a field; to be added to a style."""
    text = {"fieldName": field, "fontSize": 12, "fontWeight": 75, "textColor": _colour(_UNCLASSED)}
    buffer = {"bufferDraw": 1, "bufferSize": 0.8, "bufferColor": _colour(_BRIGHT), "bufferOpacity": 1}
    style = element("text-style", text, element("text-buffer", buffer))
    beside = element("placement", {"placement": 6, "dist": 1, "predefinedPositionOrder": "TR,TL,BR,BL,R,L,TSR,BSR"})
    settings = element("settings", {"calloutType": "simple"}, style, beside, element("rendering", {"displayAll": 1}))
    return [element("labeling", {"type": "simple"}, settings)]


def squares_style() -> Style:
    """Outlines of the pixels that points stand for."""
    return [_single(_area(_TRANSPARENT, _UNCLASSED, 0.4))]


def classes_style(legend: Legend) -> Style:
    """A map of class codes; no data is transparent."""
    return palette([(one.code, one.name, one.colour, 255) for one in legend.classes])


def invalid_style() -> Style:
    """A mask that is 0 where nothing is classified: there the image is darkened."""
    return palette([(0, "not classified", _DARK, 150)])


def palette(entries: Iterable[tuple[int, str, str, int]]) -> Style:
    """(value, label, colour, opacity to 255) of the values that are drawn."""
    listed = (
        element("paletteEntry", {"value": value, "label": label, "color": colour, "alpha": alpha})
        for value, label, colour, alpha in entries
    )
    return _pipe("paletted", {"band": 1}, element("colorPalette", {}, *listed))


def doubt_style() -> Style:
    """A ramp for confidence or margin: the less, the stronger; where it is 1, the image below is seen."""
    items = (
        element("item", {"value": value, "label": f"{value:g}", "color": colour, "alpha": alpha})
        for value, colour, alpha in _DOUBT
    )
    ramp = {"colorRampType": "INTERPOLATED", "classificationMode": 1, "clip": 0, "minimumValue": 0, "maximumValue": 1}
    shader = element("rastershader", {}, element("colorrampshader", ramp, *items))
    attributes = {"band": 1, "classificationMin": 0, "classificationMax": 1}
    return _pipe("singlebandpseudocolor", attributes, shader)


def colour_style(bands: tuple[int, int, int], limits: Sequence[tuple[float, float]]) -> Style:
    """Red, green and blue bands, each from a darkest to a brightest value."""
    names = ("red", "green", "blue")
    stretches = (_stretch(f"{name}ContrastEnhancement", *both) for name, both in zip(names, limits, strict=True))
    attributes = {f"{name}Band": band for name, band in zip(names, bands, strict=True)}
    return _pipe("multibandcolor", attributes, *stretches)


def grey_style(band: int, darkest: float, brightest: float) -> Style:
    """One band in shades of grey."""
    attributes = {"grayBand": band, "gradient": "BlackToWhite"}
    return _pipe("singlebandgray", attributes, _stretch("contrastEnhancement", darkest, brightest))


def _stretch(tag: str, low: float, high: float) -> Element:
    limits = element("minValue", {}, repr(low)), element("maxValue", {}, repr(high))
    return element(tag, {}, *limits, element("algorithm", {}, "StretchToMinimumMaximum"))


def _pipe(kind: str, attributes: Mapping[str, object], *children: Element) -> Style:
    renderer = {"type": kind, "opacity": 1, "alphaBand": -1, **attributes}
    return [element("pipe", {}, element("rasterrenderer", renderer, *children)), element("blendMode", {}, "0")]


def _by_class(legend: Legend, fields: Fields, symbols: list[Element], without: Element) -> Element:
    """A renderer by the class field; what has no class of the legend is drawn as well, to be seen."""
    entries = [(str(one.code) if fields.by_code else one.name, one.name) for one in legend.classes]
    return _categorised(fields.class_field, [*entries, ("", _NO_CLASS)], [*symbols, without])


def _categorised(field: str, entries: Sequence[tuple[str, str]], symbols: Sequence[Element]) -> Element:
    """entries: (value, label)."""
    categories = element("categories")
    for number, (value, label) in enumerate(entries):
        symbols[number].set("name", str(number))
        attributes = {"symbol": number, "value": value, "label": label, "render": "true"}
        categories.append(element("category", attributes))
    listed = element("symbols", {}, *symbols)
    return element("renderer-v2", {"type": "categorizedSymbol", "attr": field}, categories, listed)


def _single(symbol: Element) -> Element:
    symbol.set("name", "0")
    return element("renderer-v2", {"type": "singleSymbol"}, element("symbols", {}, symbol))


def _point(colour: str, shape: str = "circle") -> Element:
    ring = _layer("SimpleMarker", _marker(_colour(_BRIGHT), shape, 3.6, _DARK, 0.2))
    return _symbol("marker", ring, _layer("SimpleMarker", _marker(_colour(colour), shape, 2.8, _DARK, 0.1)))


def _marker(fill: str, shape: str, size: float, outline: str, width: float) -> dict[str, object]:
    return {"color": fill, "name": shape, "size": size, "outline_color": _colour(outline), "outline_width": width}


def _area(fill: str, outline: str, width: float) -> Element:
    values = {"color": fill, "style": "no" if fill == _TRANSPARENT else "solid", "outline_style": "solid"}
    edge = {"outline_color": _colour(outline), "outline_width": width, "joinstyle": "miter"}
    return _symbol("fill", _layer("SimpleFill", {**values, **edge}))


def _symbol(kind: str, *layers: Element) -> Element:
    return element("symbol", {"type": kind, "alpha": 1, "clip_to_extent": 1}, *layers)


def _layer(kind: str, values: Mapping[str, object]) -> Element:
    return element("layer", {"class": kind, "enabled": 1, "locked": 0, "pass": 0}, option_map(values))


def option_map(values: Mapping[str, object], **attributes: str) -> Element:
    """QGIS's form of a dictionary."""
    options = (element("Option", {"type": "QString", "name": key, "value": value}) for key, value in values.items())
    return element("Option", {"type": "Map", **attributes}, *options)


def _colour(colour: str, alpha: int = 255) -> str:
    return ",".join(map(str, (*rgb(colour), alpha)))


def _form(legend: Legend, fields: Fields) -> Style:
    """A form with the class, of which typing the code chooses it and the last one is offered again, and the comment.

    What QGIS fills in by itself is left to the attribute table.
    """
    keys = [(f"{one.code} {one.name}", str(one.code) if fields.by_code else one.name) for one in legend.classes]
    choices = element("Option", {"type": "List", "name": "map"}, *(option_map({key: value}) for key, value in keys))
    widgets = {fields.class_field: element("editWidget", {"type": "ValueMap"}, _config(choices))}
    shown = [name for name in (fields.class_field, "comment") if name in fields.names]
    defaults = {name: expression for name, expression in DEFAULTS.items() if name in fields.names}
    class_only = {"field": fields.class_field}
    return [
        element(
            "fieldConfiguration",
            {},
            *(element("field", {"name": name}, widget) for name, widget in widgets.items()),
        ),
        element(
            "aliases",
            {},
            element("alias", {**class_only, "index": fields.names.index(fields.class_field), "name": _CLASS_ALIAS}),
        ),
        element(
            "defaults",
            {},
            *(
                element("default", {"field": name, "expression": expression, "applyOnUpdate": 0})
                for name, expression in defaults.items()
            ),
        ),
        # Not null, and firmly: the form is not accepted without a class.
        element("constraints", {}, element("constraint", {**class_only, "constraints": 1, "notnull_strength": 1})),
        element("editorlayout", {}, "tablayout"),
        element(
            "attributeEditorForm",
            {},
            *(
                element("attributeEditorField", {"name": name, "index": fields.names.index(name), "showLabel": 1})
                for name in shown
            ),
        ),
        element("reuseLastValue", {}, element("field", {"name": fields.class_field, "reuseLastValue": 1})),
    ]


def _config(*options: Element) -> Element:
    return element("config", {}, element("Option", {"type": "Map"}, *options))
