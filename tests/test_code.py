"""The code stays small: functions, their parameters and modules keep the limits that CONTRIBUTING.md gives."""

import ast
from pathlib import Path

import pytest
from places import ROOT

MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 6
MOST_LINES_OF_A_MODULE = 350
REASONS = ("# Long: ", "# Many parameters: ")
"""How the comment begins that says why a function passes a limit."""

FOLDERS = ("alcd_otb", "otb_pipelines", "qgis_plugin", "tools", "benchmarks")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def too_large(source: str) -> list[str]:
    """The functions that pass a limit without a reason, as sentences."""
    lines = source.splitlines()
    problems = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, Function):
            continue
        body = lines[node.lineno - 1 : node.end_lineno]
        length = len(body) - docstring_lines(node)
        if length > MOST_LINES_OF_A_FUNCTION and not any(line.strip().startswith(REASONS[0]) for line in body):
            problems.append(f"{node.name} has {length} lines")
        parameters = [
            each.arg
            for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            if each.arg not in ("self", "cls")
        ]
        if len(parameters) > MOST_PARAMETERS and not any(line.strip().startswith(REASONS[1]) for line in body):
            problems.append(f"{node.name} has {len(parameters)} parameters")
    return problems


def docstring_lines(function: Function) -> int:
    if ast.get_docstring(function) is None:
        return 0
    first = function.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_functions_are_short_and_take_few_parameters(module: Path) -> None:
    assert too_large(module.read_text("utf-8")) == []


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_modules_are_short(module: Path) -> None:
    assert len(module.read_text("utf-8").splitlines()) <= MOST_LINES_OF_A_MODULE


def test_the_limits_are_those_that_contributors_read() -> None:
    page = " ".join((ROOT / "CONTRIBUTING.md").read_text("utf-8").split())
    assert f"{MOST_LINES_OF_A_FUNCTION} lines without their docstring and {MOST_PARAMETERS} parameters" in page
    assert f"Modules have at most {MOST_LINES_OF_A_MODULE} lines" in page
    for reason in REASONS:
        assert f"`{reason.strip()}`" in page


def test_what_passes_a_limit_is_found_unless_it_says_why() -> None:
    long = "def f():\n" + "    x = 1\n" * 60
    assert too_large(long) == ["f has 61 lines"]
    assert too_large(long.replace("def f():\n", 'def f():\n    """Sum.\n\n    More.\n    """\n', 1)) == [
        "f has 61 lines"
    ]
    assert too_large(long.replace("():\n", "():\n    # Long: a column a line.\n", 1)) == []
    wide = "class A:\n    def f(self, a, b, c, d, e, *, f, g):\n        return 1\n"
    assert too_large(wide) == ["f has 7 parameters"]
    assert too_large(wide.replace("        return", "        # Many parameters: OGR calls it.\n        return")) == []
