"""The picture docs/images/house.svg: the parts that docs/design.md lists, layer by layer, and their imports.

.venv/bin/python tools/house.py docs/images/house.svg            # draw it anew
.venv/bin/python tools/house.py docs/images/house.svg --check    # end with 1 if it is not up to date
"""

import ast
import re
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

from house_layout import BOX, MANY, Arrows, Layout, lay_out

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "design.md"

LAYERS = {
    "the command line": "reads options, calls one job",
    "the order of the jobs": "knows which job follows",
    "a job": "does not know other jobs",
    "the domain": "clouds, samples, accuracy",
    "the ground": "what all others stand on",
}
"""What the picture says of each layer, from the top downwards. Descriptions in the list of parts begin with a layer."""

PIPELINES, LOWEST = "otb_pipelines", "OTB for Python"
ENTRIES = {"alcd_otb", "alcd_otb.__main__"}
"""Above all layers, and not drawn: what the package's own name gives, and `python -m`."""

NOTES = LAYERS | {LOWEST: "knows nothing of clouds"}
COLOURS = dict(zip(NOTES, ("#7a5aa6", "#3f6fb5", "#2a8c8c", "#4c8c3f", "#a6762a", "#6b6f76"), strict=True))
WIDTH, HEIGHT, GAP, PADDING, MARGIN = 1160, 58, 40, 18, 12
"""Of the picture and of a box; free space between rows, within a band and around it; all in pixels."""
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
    """A part of the house. Several modules are a folder, or share the beginning of their names."""

    name: str
    layer: str
    modules: int
    lines: int


def parts(page: str) -> list[tuple[str, str]]:
    """(pattern of a name, layer) of all parts of the package, in the order of the list in docs/design.md."""
    return [(name, layer) for names, layer in _rows(page) for name in names]


def floors(page: str) -> dict[str, int]:
    """The number of the row of the list in which each part stands, from 0 at the top."""
    return {name: number for number, (names, _) in enumerate(_rows(page)) for name in names}


def _rows(page: str) -> list[tuple[list[str], str]]:
    """(patterns of names, layer) of each row of the list."""
    [listed] = re.findall(r"^## Parts\n+```text\n(.*?)^```", page, flags=re.M | re.S)
    rows = [line.removeprefix("alcd_otb.") for line in listed.splitlines() if line.startswith("alcd_otb.")]
    found = []
    for names, description in (re.split(r" {2,}(?=(?:an?|the) )", row, maxsplit=1) for row in rows):
        [layer] = [layer for layer in LAYERS if description.startswith(layer)]
        found.append((names.split(), layer))
    return found


def modules(package: str) -> dict[str, Path]:
    """The file of each module of a package, by its full name."""
    files = sorted((ROOT / package).rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(source: str, known: Collection[str]) -> Iterator[str]:
    """The modules of the known ones' packages that a module imports, wherever in it, and also for its types alone."""
    packages = {name.partition(".")[0] for name in known}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: a relative import; imports are absolute")
            within = [f"{node.module}.{one.name}" for one in node.names]
            named = [one if one in known else str(node.module) for one in within]
        else:
            continue
        yield from (name for name in named if name.partition(".")[0] in packages)


def part(module: str) -> str:
    """The module or folder right in the package."""
    return module.split(".")[1]


def house(listed: Sequence[tuple[str, str]], files: Mapping[str, Path]) -> tuple[list[Box], Arrows]:
    """The boxes in the order of the list, and how many imports lead from one to another.

    Raises ValueError where a module is in no box or in several.
    """
    owner = {}
    for module in files:
        if module.partition(".")[0] == PIPELINES:
            owner[module] = PIPELINES
        elif module not in ENTRIES:
            found = [pattern for pattern, _ in listed if fnmatch(part(module), pattern)]
            if len(found) != 1:
                raise ValueError(
                    f"{module}: named {len(found)} times in the list of parts of {PAGE.name}; name it once"
                )
            owner[module] = found[0]
    texts = {module: files[module].read_text("utf-8") for module in owner}
    arrows: Counter[tuple[str, str]] = Counter()
    for module, text in texts.items():
        for imported in set(imports(text, files)) & set(owner):
            if owner[imported] != owner[module]:
                arrows[owner[module], owner[imported]] += 1
    boxes = []
    for name, layer in [*listed, (PIPELINES, LOWEST)]:
        own = [text.count("\n") for module, text in texts.items() if owner[module] == name]
        boxes.append(Box(name, layer, len(own), sum(own)))
    return boxes, dict(sorted(arrows.items()))


def curve(way: Sequence[float], tops: Sequence[float]) -> str:
    """A path from below the first row to the last, of as many rows as there are places on the way."""
    y = tops[0] + HEIGHT
    path = f"M{way[0]:.1f},{y:.1f}"
    for number, (x, following) in enumerate(pairwise(way), start=1):
        half = (y + tops[number]) / 2
        path += f" C{x:.1f},{half:.1f} {following:.1f},{half:.1f} {following:.1f},{tops[number]:.1f}"
        y = tops[number] + HEIGHT
        path += f" V{y:.1f}" if number < len(way) - 1 else ""
    return path


def put(parent: ET.Element, tag: str, text: str = "", /, **attributes: object) -> ET.Element:
    """A new element of a picture. Numbers are rounded; an underscore in a name is a hyphen, but at its end."""
    written = {
        name.rstrip("_").replace("_", "-"): f"{value:.1f}" if isinstance(value, float) else str(value)
        for name, value in attributes.items()
    }
    element = ET.SubElement(parent, tag, written)
    element.text = text or None
    return element


def draw(boxes: Sequence[Box], arrows: Arrows) -> str:
    """The picture, as SVG: a band a layer, a box a part, and the imports."""
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
    """One path from each box to each that it imports; their ids are the classes of the path."""
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
    """The imports of a box stand out while the pointer is on it."""
    rules = (f"svg:has(#p{number}:hover) .p{number} {{ stroke-opacity: 1 }}\n" for number in range(len(boxes)))
    return "path:hover { stroke-opacity: 1 }\n" + "".join(rules)


def in_hundreds(lines: int) -> str:
    """So that not every change of a module changes the picture."""
    return f"{round(lines, -2):,} lines" if lines >= 100 else "under 100 lines"


def main(picture: Path, check: bool) -> int:
    try:
        drawn = draw(*house(parts(PAGE.read_text("utf-8")), modules("alcd_otb") | modules(PIPELINES)))
    except ValueError as error:
        print(f"{picture}: cannot be drawn ({error})", file=sys.stderr)
        return 1
    if not check:
        picture.write_text(drawn, "utf-8")
    elif not picture.exists() or picture.read_text("utf-8") != drawn:
        print(f"{picture}: not what the imports give; run: .venv/bin/python tools/house.py {picture}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), "--check" in sys.argv))
