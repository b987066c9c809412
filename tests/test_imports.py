"""Imports point downwards only, by the list of parts in docs/explanation/design.md; jobs do not know each other."""

import re
from fnmatch import fnmatch
from graphlib import TopologicalSorter

import house
import pytest
from house import ENTRIES, imports, modules, part

JOB = "a job"
LAYERS = tuple(house.LAYERS)
"""As the descriptions in the list of parts begin, from the top downwards."""

PAGE = house.PAGE.read_text("utf-8")
PARTS = house.parts(PAGE)
FLOORS = house.floors(PAGE)
LAYER = dict(PARTS)
MODULES = modules("alcd_otb")
GRAPH = {name: frozenset(imports(file.read_text("utf-8"), MODULES)) - {name} for name, file in MODULES.items()}


def is_allowed(module: str, imported: str) -> bool:
    """Whether a module may import another: one of its own part, or of a part of a row below, but no other job."""
    if module in ENTRIES or imported in ENTRIES:
        return module in ENTRIES
    importer, provider = part(module), part(imported)
    if importer == provider:
        return True
    return FLOORS[importer] < FLOORS[provider] and not LAYER[importer] == LAYER[provider] == JOB


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


def test_gdal_is_imported_from_where_its_exceptions_are_switched_on() -> None:
    every = MODULES | modules("otb_pipelines")
    direct = [
        name for name, file in every.items() if re.search(r"^\s*(from|import) osgeo\b", file.read_text("utf-8"), re.M)
    ]
    assert direct == ["otb_pipelines.process"]
    assert "UseExceptions" not in "".join(file.read_text("utf-8") for name, file in every.items() if name not in direct)


def test_otb_pipelines_imports_nothing_of_alcd_otb() -> None:
    pipelines = modules("otb_pipelines")
    assert "otb_pipelines.app" in pipelines
    assert [name for name, file in pipelines.items() if list(imports(file.read_text("utf-8"), MODULES))] == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import alcd_otb.raster.grid, numpy", ["alcd_otb.raster.grid"]),
        ("from alcd_otb.raster import grid as grids, io", ["alcd_otb.raster.grid", "alcd_otb.raster.io"]),
        ("from alcd_otb.compare.job import compare", ["alcd_otb.compare.job"]),
        ("def late():\n    from alcd_otb.scene import Scene", ["alcd_otb.scene"]),
        ("from otb_pipelines.app import OtbError", []),
    ],
)
def test_imports_are_found_wherever_they_are(source: str, expected: list[str]) -> None:
    assert list(imports(source, MODULES)) == expected


@pytest.mark.parametrize(
    ("module", "imported", "allowed"),
    [
        ("alcd_otb.scene", "alcd_otb.preparation.job", True),
        ("alcd_otb.scene", "alcd_otb.result", True),
        ("alcd_otb.result", "alcd_otb.scene", False),
        ("alcd_otb.compare.job", "alcd_otb.compare.page", True),
        ("alcd_otb.compare.page", "alcd_otb.pages.html", True),
        ("alcd_otb.pages.html", "alcd_otb.report.page", False),
        ("alcd_otb.classification.iteration", "alcd_otb.preparation.job", False),
        ("alcd_otb.qgis.scene_project", "alcd_otb.report.page", False),
        ("alcd_otb.report.page", "alcd_otb.qgis.scene_project", False),
        ("alcd_otb.active_learning.places", "alcd_otb.samples.sample", True),
        ("alcd_otb.samples.sample", "alcd_otb.active_learning.places", False),
        ("alcd_otb.raster.grid", "alcd_otb.samples.sample", False),
        ("alcd_otb.cli.commands", "alcd_otb", False),
        ("alcd_otb", "alcd_otb.scene", True),
    ],
)
def test_what_is_allowed(module: str, imported: str, allowed: bool) -> None:
    assert is_allowed(module, imported) == allowed
