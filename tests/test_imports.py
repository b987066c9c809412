"""Imports point downwards only, by the list of parts in docs/design.md; jobs do not know each other."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from places import ROOT

JOB = "a job"
LAYERS = ("the command line", "the demonstration", "the order of the jobs", JOB, "the domain", "the ground")
"""As the descriptions in the list of parts begin, from the top downwards."""

ENTRIES = {"alcd_otb": -1, "alcd_otb.__main__": -1}
"""Above all layers: what the package's own name gives, and `python -m`."""


def parts() -> list[tuple[str, str]]:
    """(pattern of a name, layer) of all parts of the package, in the order of the list."""
    page = (ROOT / "docs" / "design.md").read_text("utf-8")
    [listed] = re.findall(r"^## Parts\n+```text\n(.*?)^```", page, flags=re.M | re.S)
    rows = [line.removeprefix("alcd_otb.") for line in listed.splitlines() if line.startswith("alcd_otb.")]
    found = []
    for names, description in (re.split(r" {2,}(?=(?:an?|the) )", row, maxsplit=1) for row in rows):
        [layer] = [one for one in LAYERS if description.startswith(one)]
        found += [(name, layer) for name in names.split()]
    return found


PARTS = parts()


def modules(package: str) -> dict[str, Path]:
    """The file of each module of a package, by its full name."""
    files = sorted((ROOT / package).rglob("*.py"))
    return {".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file for file in files}


MODULES = modules("alcd_otb")


def imports(source: str) -> Iterator[str]:
    """The modules of the package that a module imports, wherever in it, and also for its types alone."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            within = [f"{node.module}.{one.name}" for one in node.names]
            named = [one if one in MODULES else str(node.module) for one in within]
        else:
            continue
        yield from (name for name in named if name.partition(".")[0] == "alcd_otb")


GRAPH = {name: frozenset(imports(file.read_text("utf-8"))) - {name} for name, file in MODULES.items()}


def part(module: str) -> str:
    """The module or folder right in the package."""
    return module.split(".")[1]


def depth(module: str) -> int:
    """How far down the layer of a module is."""
    if module in ENTRIES:
        return ENTRIES[module]
    [layer] = [layer for pattern, layer in PARTS if fnmatch(part(module), pattern)]
    return LAYERS.index(layer)


def is_allowed(module: str, imported: str) -> bool:
    if depth(module) == depth(imported) == LAYERS.index(JOB):
        return part(module) == part(imported)
    return depth(module) <= depth(imported)


def test_the_list_goes_downwards_and_names_every_part_once() -> None:
    depths = [LAYERS.index(layer) for _, layer in PARTS]
    assert depths == sorted(depths)
    assert set(depths) == set(range(len(LAYERS)))
    names = {part(module) for module in MODULES if module not in ENTRIES}
    for name in names:
        assert len([pattern for pattern, _ in PARTS if fnmatch(name, pattern)]) == 1, name
    for pattern, _ in PARTS:
        assert any(fnmatch(name, pattern) for name in names), pattern


@pytest.mark.parametrize("module", GRAPH)
def test_imports_point_downwards_and_not_from_job_to_job(module: str) -> None:
    assert [imported for imported in GRAPH[module] if not is_allowed(module, imported)] == []


def test_imports_go_in_no_circle() -> None:
    TopologicalSorter(GRAPH).prepare()


def test_otb_pipelines_imports_nothing_of_alcd_otb() -> None:
    pipelines = modules("otb_pipelines")
    assert "otb_pipelines.app" in pipelines
    assert [name for name, file in pipelines.items() if list(imports(file.read_text("utf-8")))] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import alcd_otb.grid, numpy", ["alcd_otb.grid"]),
        ("from alcd_otb import grid as grids, rasters", ["alcd_otb.grid", "alcd_otb.rasters"]),
        ("from alcd_otb.compare.job import compare", ["alcd_otb.compare.job"]),
        ("def late():\n    from alcd_otb.scene import Scene", ["alcd_otb.scene"]),
        ("from otb_pipelines.app import OtbError", []),
    ],
)
def test_imports_are_found_wherever_they_are(source: str, expected: list[str]) -> None:
    assert list(imports(source)) == expected


@pytest.mark.parametrize(
    ("module", "imported", "allowed"),
    [
        ("alcd_otb.scene", "alcd_otb.prepare", True),
        ("alcd_otb.compare.job", "alcd_otb.compare.page", True),
        ("alcd_otb.compare.page", "alcd_otb.pages.html", True),
        ("alcd_otb.pages.html", "alcd_otb.report.page", False),
        ("alcd_otb.iterate", "alcd_otb.prepare", False),
        ("alcd_otb.qgis", "alcd_otb.report.page", False),
        ("alcd_otb.samples", "alcd_otb.visits", False),
        ("alcd_otb.grid", "alcd_otb.samples", False),
        ("alcd_otb.commands", "alcd_otb", False),
    ],
)
def test_what_is_allowed(module: str, imported: str, allowed: bool) -> None:
    assert is_allowed(module, imported) == allowed
