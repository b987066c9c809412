"""The plug-in for QGIS as files: where it is put, what it imports, and the keys that it shares with the page."""

import ast
import json
import re
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from places import ROOT
from scenes import alcd, refused

from alcd_otb.label.keys import key_table

PLUGIN = ROOT / "qgis_plugin" / "alcd_otb_loop"
FILES = {path.name: path.read_bytes() for path in PLUGIN.iterdir() if path.is_file()}
MODULES = sorted(PLUGIN.glob("*.py"))


def test_is_unpacked_into_a_folder_and_knows_the_program(tmp_path: Path) -> None:
    target = tmp_path / "plug ins" / "alcd_otb_loop"
    for _ in range(2):
        ended = alcd("qgis-plugin", tmp_path / "plug ins", "--json")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout) == {"plugin": str(target)}
        unpacked = {path.name: path.read_bytes() for path in target.iterdir()}
        assert json.loads(unpacked.pop("program.json")) == {"command": [sys.executable, "-m", "alcd_otb"]}
        assert unpacked == FILES
        assert not [path for path in target.iterdir() if path.is_symlink()]
        assert [path.name for path in target.parent.iterdir()] == ["alcd_otb_loop"]
        # What an earlier version had goes.
        (target / "former.py").write_text("")


def test_leaves_what_is_no_plug_in(tmp_path: Path) -> None:
    (tmp_path / "alcd_otb_loop").mkdir()
    (tmp_path / "alcd_otb_loop" / "notes.txt").write_text("mine")
    assert (
        refused(5, "qgis-plugin", tmp_path) == f"{tmp_path / 'alcd_otb_loop'}: is not a plug-in for QGIS; move it away"
    )
    assert (tmp_path / "alcd_otb_loop" / "notes.txt").read_text() == "mine"


def test_is_packed_into_the_same_file_each_time(tmp_path: Path) -> None:
    packed = []
    for name in ("first.zip", "second.zip"):
        assert alcd("qgis-plugin", tmp_path / name).returncode == 0
        packed.append((tmp_path / name).read_bytes())
    assert packed[0] == packed[1]
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {f"alcd_otb_loop/{name}": content for name, content in FILES.items()}


def test_has_the_version_of_the_program() -> None:
    assert f"\nversion={metadata.version('alcd-otb')}\n" in FILES["metadata.txt"].decode()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_imports_qgis_and_python_s_own_modules_alone(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    names = [each.name for node in ast.walk(tree) if isinstance(node, ast.Import) for each in node.names]
    names += [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    assert {name.split(".")[0] for name in names} <= {"qgis", *sys.stdlib_module_names}
    # QGIS hands out Qt 5 or Qt 6, whichever it has.
    assert not [name for name in names if name.startswith("PyQt")]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_names_values_of_qt_as_qt_6_does(module: Path) -> None:
    tree = ast.parse(module.read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    classes = {each.name for node in imports if (node.module or "").startswith("qgis") for each in node.names}
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    # Qt.Key.Key_A and not Qt.Key_A: a capital after the class is a type, whose value follows, or is called.
    short = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in classes
        if node.attr[0].isupper() and id(node) not in called | inner
    ]
    assert short == []


def test_has_the_keys_of_the_page() -> None:
    assert json.loads(FILES["keys.json"]) == key_table()
    loop = FILES["loop.py"].decode()
    [acts] = re.findall(r"        return \{\n(.*?)\n        \}\n", loop, re.S)
    names = re.findall(r'^            "(\w+)": ', acts, re.M)
    page = (ROOT / "alcd_otb" / "label" / "page" / "modules" / "main.js").read_text("utf-8")
    [of_page] = re.findall(r"#acts\(\) \{.*?\n    return \{\n(.*?)\n    \};", page, re.S)
    assert sorted(names) == sorted(set(re.findall(r"^      (\w+): ", of_page, re.M)))
    assert set(names) == {key["action"] for key in key_table() if key["keys"]}
