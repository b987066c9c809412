"""The picture of the parts: what is drawn is what the list of parts and the imports give."""

import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import house
import house_layout
import house_picture
import pytest
from hypothesis import given
from hypothesis import strategies as st
from places import ROOT

TOOL = ROOT / "tools" / "house.py"
PICTURE = Path("docs", "images", "house.svg")
SVG = "{http://www.w3.org/2000/svg}"

LAYERS = {"cli": "the command line", "maps": "the domain", "points": "the domain", "grid": "the ground"}
ARROWS = {("cli", "maps"): 3, ("cli", "grid"): 1, ("maps", "points"): 2, ("points", "grid"): 5, ("maps", "grid"): 1}


def test_the_picture_is_what_the_imports_give() -> None:
    checked = subprocess.run(
        [sys.executable, TOOL, PICTURE, "--check"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert checked.returncode == 0, checked.stderr


def test_a_picture_of_other_imports_is_refused_with_the_command_that_draws_it(tmp_path: Path) -> None:
    picture = tmp_path / "house.svg"
    picture.write_text((ROOT / PICTURE).read_text("utf-8").replace(" imports ", " import ", 1), "utf-8")
    for command in ([picture, "--check"], [tmp_path / "absent.svg", "--check"]):
        checked = subprocess.run([sys.executable, TOOL, *command], capture_output=True, text=True, timeout=60)
        assert checked.returncode == 1
        assert f"run: .venv/bin/python tools/house.py {command[0]}" in checked.stderr
    assert house.main(picture, check=False) == 0
    assert picture.read_bytes() == (ROOT / PICTURE).read_bytes()


def test_the_list_of_parts_is_read_with_its_layers() -> None:
    page = (
        "# Design\n\n## Parts\n\n```text\n"
        "alcd_otb.cli  doctor         the command line: one file a sub-command\n"
        "alcd_otb.export              a job of its own: one module a layout\n"
        "alcd_otb.sample_*  masks     the domain\n"
        "otb_pipelines                OTB for Python\n```\n"
    )
    assert house.parts(page) == [
        ("cli", "the command line"),
        ("doctor", "the command line"),
        ("export", "a job"),
        ("sample_*", "the domain"),
        ("masks", "the domain"),
    ]


def test_modules_lines_and_imports_are_counted(tmp_path: Path) -> None:
    sources = {
        "alcd_otb": "",
        "alcd_otb.maps": "from alcd_otb.maps import one\n",
        "alcd_otb.maps.one": "from alcd_otb import grid\nfrom alcd_otb.grid import Grid\nimport otb_pipelines.app\n",
        "alcd_otb.maps.two": "import numpy\n\ndef late():\n    import alcd_otb.grid\n",
        "alcd_otb.grid": "import math\n",
        "otb_pipelines.app": "\n\n",
    }
    files = {name: tmp_path / f"{name}.py" for name in sources}
    for name, source in sources.items():
        files[name].write_text(source, "utf-8")
    boxes, arrows = house.house([("maps", "the domain"), ("grid", "the ground")], files)
    assert boxes == [
        house_picture.Box("maps", "the domain", 3, 8),
        house_picture.Box("grid", "the ground", 1, 1),
        house_picture.Box("otb_pipelines", "OTB for Python", 1, 2),
    ]
    # An import of a module counts once, however often a module names it.
    assert arrows == {("maps", "grid"): 2, ("maps", "otb_pipelines"): 1}


@pytest.mark.parametrize(("listed", "times"), [(["grid"], 0), (["maps", "map*"], 2)])
def test_a_module_in_no_box_or_in_several_is_refused(listed: list[str], times: int, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"alcd_otb.maps: named {times} times"):
        house.house([(name, "the domain") for name in listed], {"alcd_otb.maps": tmp_path / "maps.py"})


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(ValueError, match="line 2: a relative import"):
        list(house.imports("import math\nfrom . import grid\n", {"alcd_otb.grid"}))


def test_within_a_layer_what_imports_is_above_what_is_imported() -> None:
    assert house_layout.order(LAYERS, ARROWS) == [["cli"], ["maps"], ["points"], ["grid"]]


def test_a_row_has_a_limit() -> None:
    names = [f"job{number}" for number in range(house_layout.ROW + 1)]
    rows = house_layout.order(dict.fromkeys(names, "a job"), {})
    assert sorted(name for row in rows for name in row) == names
    assert [len(row) for row in rows] == [4, 3]


def test_of_boxes_in_a_circle_the_one_with_the_fewest_importers_is_above() -> None:
    layers = dict.fromkeys(("points", "maps", "places"), "the domain")
    circle = {("maps", "points"): 1, ("points", "maps"): 1, ("places", "points"): 1, ("maps", "places"): 1}
    assert house_layout.order(layers, circle) == [["maps"], ["places"], ["points"]]


def test_arrows_that_follow_from_others_are_left_out_but_those_of_many_imports() -> None:
    rows = [["cli"], ["maps"], ["points"], ["grid"]]
    clear = [("cli", "maps"), ("maps", "points"), ("points", "grid")]
    assert house_layout.clear_arrows(rows, ARROWS) == clear
    many = ARROWS | {("cli", "grid"): house_layout.MANY}
    assert set(house_layout.clear_arrows(rows, many)) == {*clear, ("cli", "grid")}


@given(st.lists(st.floats(0, 1000), max_size=30), st.floats(0, 500), st.floats(0, 500))
def test_places_keep_their_order_and_limits_and_are_apart(wanted: list[float], low: float, width: float) -> None:
    places = house_layout.apart(sorted(wanted), low, low + width)
    step = min(house_layout.STEP, width / max(len(wanted) - 1, 1))
    assert len(places) == len(wanted)
    assert all(low - 1e-6 <= place <= low + width + 1e-6 for place in places)
    assert all(after - before >= step - 1e-6 for before, after in pairwise(places))


def test_arrows_pass_between_the_boxes() -> None:
    names = ("left", "middle", "right")
    layers = {"cli": "the command line"} | dict.fromkeys(names, "a job") | {"grid": "the ground"}
    layout = house_layout.lay_out(layers, {("cli", "grid"): 1} | {("cli", name): 1 for name in names})
    [way] = [way for arrow, way in layout.way.items() if arrow == ("cli", "grid")]
    assert len(way) == 3
    assert house_layout.LEFT - house_layout.STEP <= way[1] <= house_layout.RIGHT + house_layout.STEP
    for name in names:
        assert abs(way[1] - layout.middle[name]) > house_layout.BOX / 2


def test_all_boxes_and_imports_are_drawn() -> None:
    boxes = [house_picture.Box(name, layer, 2, 1234) for name, layer in LAYERS.items()]
    drawn = ET.fromstring(house_picture.draw(boxes, ARROWS | {("grid", "maps"): 1}))
    texts = [text.text for text in drawn.iter(f"{SVG}text")]
    assert [texts.count(name) for name in LAYERS] == [1, 1, 1, 1]
    assert texts.count("2 modules") == texts.count("1,200 lines") == 4
    paths = {path.findtext(f"{SVG}title"): path for path in drawn.iter(f"{SVG}path") if len(path)}
    kinds = {title: str(path.get("class")).split()[0] for title, path in paths.items()}
    assert kinds == {
        "cli imports maps: 3": "arrow",
        "cli imports grid: 1": "faint",
        "maps imports points: 2": "arrow",
        "points imports grid: 5": "arrow",
        "maps imports grid: 1": "faint",
        "grid imports maps: 1": "upwards",
    }
    widths = {title: float(str(path.get("stroke-width"))) for title, path in paths.items()}
    assert widths["points imports grid: 5"] > widths["cli imports maps: 3"] > widths["cli imports grid: 1"]


@pytest.mark.parametrize(
    ("lines", "words"), [(0, "under 100 lines"), (99, "under 100 lines"), (100, "100 lines"), (1251, "1,300 lines")]
)
def test_lines_are_rounded_to_hundreds(lines: int, words: str) -> None:
    assert house_picture.in_hundreds(lines) == words
