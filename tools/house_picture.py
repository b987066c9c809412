"""Draw the parts of the project and their imports as an SVG picture."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from house_layout import BOX, MANY, Arrows, Layout, lay_out

LAYERS = {
    "the command line": "reads options, calls one job",
    "the order of the jobs": "knows which job follows",
    "a job": "does not know other jobs",
    "the domain": "clouds, samples, accuracy",
    "the ground": "what all others stand on",
}
"""Caption of each layer, from the top downwards. A description in the list of parts begins with the name of a layer."""

LOWEST = "OTB for Python"
"""Layer below all others: the package through which OTB is used."""

NOTES = LAYERS | {LOWEST: "knows nothing of clouds"}
COLOURS = dict(zip(NOTES, ("#7a5aa6", "#3f6fb5", "#2a8c8c", "#4c8c3f", "#a6762a", "#6b6f76"), strict=True))
WIDTH, HEIGHT, GAP, PADDING, MARGIN = 1160, 58, 40, 18, 12
"""Width of the picture, height of a box, and space between rows, within a band and around it; all in pixels."""
LEGEND = (
    "An arrow leads from a part to a part that it imports; the wider it is, the more imports there are. "
    "Imports are faint where other arrows lead there, too, and dashed where they lead upwards."
)
STYLE = """
text { font-family: system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif; font-size: 11px; fill: #545b66 }
.name, .layer { font-size: 13px; font-weight: 600; fill: #23272e }
.name, .count { text-anchor: middle }
path { fill: none; stroke: #4a5260 }
.arrow { stroke-opacity: 0.6; marker-end: url(#head) }
.faint { stroke-opacity: 0.06 }
.upwards { stroke: #c0392b; stroke-dasharray: 5 3; marker-end: url(#head) }
#head path { fill: #4a5260; stroke: none }
"""


@dataclass(frozen=True)
class Box:
    """A part of the project as it is drawn.

    Attributes
    ----------
    name
        Name of the module or folder, or the pattern that several names match.
    layer
        Name of the layer.
    modules, lines
        Number of modules and of their lines.
    """

    name: str
    layer: str
    modules: int
    lines: int


def curve(way: Sequence[float], tops: Sequence[float]) -> str:
    """Return the path of an arrow, from below the box in the first row to the box in the last.

    Parameters
    ----------
    way
        Place in each row on the way, from left to right, in pixels.
    tops
        Upper edge of each row, in pixels; there may be more rows than places.
    """
    y = tops[0] + HEIGHT
    path = f"M{way[0]:.1f},{y:.1f}"
    for number, (x, following) in enumerate(pairwise(way), start=1):
        half = (y + tops[number]) / 2
        path += f" C{x:.1f},{half:.1f} {following:.1f},{half:.1f} {following:.1f},{tops[number]:.1f}"
        y = tops[number] + HEIGHT
        path += f" V{y:.1f}" if number < len(way) - 1 else ""
    return path


def put(parent: ET.Element, tag: str, text: str = "", /, **attributes: object) -> ET.Element:
    """Add an element to a picture.

    Parameters
    ----------
    parent
        Element to which it is added.
    tag
        Name of the element.
    text
        Text of the element.
    **attributes
        Attributes. Floats are rounded. An underscore in a name becomes a hyphen, and at its end is left out.
    """
    written = {
        name.rstrip("_").replace("_", "-"): f"{value:.1f}" if isinstance(value, float) else str(value)
        for name, value in attributes.items()
    }
    element = ET.SubElement(parent, tag, written)
    element.text = text or None
    return element


def draw(boxes: Sequence[Box], arrows: Arrows) -> str:
    """Return the picture as SVG: a band for each layer, a box for each part, and the imports.

    Parameters
    ----------
    boxes
        Boxes in the order of the list.
    arrows
        Number of imports from one box to another.
    """
    layers = {box.name: box.layer for box in boxes}
    layout = lay_out(layers, arrows)
    tops: list[float] = []
    bands: dict[str, tuple[float, float]] = {}
    y = 0.0
    for row in layout.rows:
        layer = layers[row[0]]
        y += GAP if layer in bands else PADDING + MARGIN + (PADDING if bands else 0)
        tops.append(y)
        top, _ = bands.get(layer, (y - PADDING, 0))
        y += HEIGHT
        bands[layer] = (top, y + PADDING)
    height = y + PADDING + MARGIN + 22
    svg = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height:.0f}")
    put(svg, "title", "The parts of alcd_otb, layer by layer, and their imports")
    put(svg, "style", STYLE + hovering(boxes))
    size = {"markerWidth": "8", "markerHeight": "8", "markerUnits": "userSpaceOnUse"}
    head = put(put(svg, "defs"), "marker", id="head", viewBox="0 0 8 8", refX=7, refY=4, orient="auto", **size)
    put(head, "path", d="M0,0.5 L8,4 L0,7.5 z")
    put(svg, "rect", width=WIDTH, height=height, rx=10, fill="#fcfcfa")
    for layer, (top, bottom) in bands.items():
        band = {"x": MARGIN, "y": top, "height": bottom - top, "fill": COLOURS[layer]}
        put(svg, "rect", width=WIDTH - 2 * MARGIN, rx=6, fill_opacity=0.1, **band)
        put(svg, "rect", width=5, rx=2, **band)
        put(svg, "text", layer[0].upper() + layer[1:], class_="layer", x=MARGIN + 16, y=(top + bottom) / 2 - 4)
        put(svg, "text", NOTES[layer], x=MARGIN + 16, y=(top + bottom) / 2 + 14)
    put(svg, "text", LEGEND, x=MARGIN + 16, y=height - 14)
    ids = {box.name: f"p{number}" for number, box in enumerate(boxes)}
    draw_imports(svg, layout, tops, arrows, ids)
    for box in boxes:
        x, top = layout.middle[box.name], tops[layout.row(box.name)]
        group = put(svg, "g", id=ids[box.name])
        put(group, "rect", x=x - BOX / 2, y=top, width=BOX, height=HEIGHT, rx=6, fill="#fff", stroke=COLOURS[box.layer])
        put(group, "text", box.name, class_="name", x=x, y=top + 20)
        put(group, "text", f"{box.modules} module{'s' * (box.modules > 1)}", class_="count", x=x, y=top + 36)
        put(group, "text", in_hundreds(box.lines), class_="count", x=x, y=top + 50)
    ET.indent(svg)
    return ET.tostring(svg, encoding="unicode") + "\n"


def draw_imports(
    svg: ET.Element, layout: Layout, tops: Sequence[float], arrows: Arrows, ids: Mapping[str, str]
) -> None:
    """Draw a path from each box to each box that it imports.

    Parameters
    ----------
    svg
        The picture.
    layout
        Places of the boxes and of the arrows.
    tops
        Upper edge of each row, in pixels.
    arrows
        Number of imports from one box to another.
    ids
        Id of each box; a path has the ids of both boxes as classes.
    """
    for (source, target), count in arrows.items():
        start, end = layout.row(source), layout.row(target)
        straight = (layout.middle[source], layout.middle[target])
        if (source, target) in layout.way:
            kind, path = "arrow", curve(layout.way[source, target], tops[start:])
        elif start < end:
            kind, path = "faint", curve(straight, (tops[start], tops[end]))
        else:
            kind, path = "upwards", curve(straight, (tops[start] - HEIGHT, tops[end] + HEIGHT))
        width = 1 + min(count, 4 * MANY) / MANY
        drawn = put(svg, "path", class_=f"{kind} {ids[source]} {ids[target]}", d=path, stroke_width=width)
        put(drawn, "title", f"{source} imports {target}: {count}")


def hovering(boxes: Sequence[Box]) -> str:
    """Return the style that makes the imports of a box stand out while the pointer is on the box."""
    rules = (f"svg:has(#p{number}:hover) .p{number} {{ stroke-opacity: 1 }}\n" for number in range(len(boxes)))
    return "path:hover { stroke-opacity: 1 }\n" + "".join(rules)


def in_hundreds(lines: int) -> str:
    """Round a number of lines, so that not every change of a module changes the picture."""
    return f"{round(lines, -2):,} lines" if lines >= 100 else "under 100 lines"
