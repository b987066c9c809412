"""Draw docs/images/house.svg: the parts that docs/explanation/design.md lists, layer by layer, and their imports.

.venv/bin/python tools/house.py docs/images/house.svg            # draw the picture
.venv/bin/python tools/house.py docs/images/house.svg --check    # end with 1 if the picture is out of date
"""

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from house_layout import Arrows
from house_picture import LAYERS, LOWEST, Box, draw

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "explanation" / "design.md"

PIPELINES = "otb_pipelines"
ENTRIES = {"alcd_otb", "alcd_otb.__main__"}
"""Modules above all layers, which are not drawn: the package itself, and the module of ``python -m``."""


class Part(NamedTuple):
    """A part in the list of docs/explanation/design.md: the pattern of its name, and its layer."""

    pattern: str
    layer: str


class House(NamedTuple):
    """The boxes in the order of the list, and how many imports lead from one box to another."""

    boxes: list[Box]
    arrows: Arrows


def parts(page: str) -> list[Part]:
    """Return the parts of the package, in the order of the list in docs/explanation/design.md.

    Parameters
    ----------
    page
        Text of docs/explanation/design.md.
    """
    return [Part(name, layer) for names, layer in _rows(page) for name in names]


def floors(page: str) -> dict[str, int]:
    """Return the row of the list in which each part stands, counted from 0 at the top."""
    return {name: number for number, (names, _) in enumerate(_rows(page)) for name in names}


def _rows(page: str) -> list[tuple[list[str], str]]:
    """Return the patterns and the layer of each row of the list."""
    [listed] = re.findall(r"^## Parts\n+```text\n(.*?)^```", page, flags=re.M | re.S)
    rows = [line.removeprefix("alcd_otb.") for line in listed.splitlines() if line.startswith("alcd_otb.")]
    patterns = []
    for names, description in (re.split(r" {2,}(?=(?:an?|the) )", row, maxsplit=1) for row in rows):
        [layer] = [layer for layer in LAYERS if description.startswith(layer)]
        patterns.append((names.split(), layer))
    return patterns


def modules(package: str) -> dict[str, Path]:
    """Return the file of each module of a package, by the full name of the module."""
    files = sorted((ROOT / package).rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def imports(source: str, known: Collection[str]) -> Iterator[str]:
    """Yield the modules that a module imports, anywhere in it, also for types alone.

    Parameters
    ----------
    source
        Source text of the module.
    known
        Full names of the modules of the project. Imports of other packages are left out.

    Raises
    ------
    ValueError
        If an import is relative.
    """
    packages = {name.partition(".")[0] for name in known}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: a relative import; imports are absolute")
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            named = [name if name in known else str(node.module) for name in within]
        else:
            continue
        yield from (name for name in named if name.partition(".")[0] in packages)


def part(module: str) -> str:
    """Return the name of the module or folder directly within the package."""
    return module.split(".")[1]


def house(listed: Sequence[tuple[str, str]], files: Mapping[str, Path]) -> House:
    """Count the modules and lines of each box, and the imports between boxes.

    Parameters
    ----------
    listed
        Pattern and layer of each part.
    files
        File of each module by its full name.

    Raises
    ------
    ValueError
        If a module is in no box or in several, or an import is relative.
    """
    owner = {}
    for module in files:
        if module.partition(".")[0] == PIPELINES:
            owner[module] = PIPELINES
        elif module not in ENTRIES:
            patterns = [pattern for pattern, _ in listed if fnmatch(part(module), pattern)]
            if len(patterns) != 1:
                raise ValueError(
                    f"{module}: named {len(patterns)} times in the list of parts of {PAGE.name}; name it once"
                )
            owner[module] = patterns[0]
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
    return House(boxes, dict(sorted(arrows.items())))


def main(picture: Path, check: bool) -> int:
    """Draw the picture, or check it, and return the exit code.

    Parameters
    ----------
    picture
        File of the picture.
    check
        Whether to compare the file with what would be drawn, instead of writing it.
    """
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
    parser = argparse.ArgumentParser(description="Draw the parts of the project and their imports.")
    parser.add_argument("picture", type=Path, help="SVG file")
    parser.add_argument("--check", action="store_true", help="end with 1 if the picture is out of date")
    options = parser.parse_args()
    sys.exit(main(options.picture, options.check))
