"""A wheel, installed into an environment of its own: the commands, the data of the package, a scene from end to end."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
from places import ROOT

pytestmark = pytest.mark.wheel

HIDE_CHECKOUT = ("unshare", "--mount", "--map-root-user", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', ROOT)
"""Start of a command that finds an empty folder in place of the checkout, where the kernel allows it."""

TEMPLATES = {path.relative_to(ROOT / "param_templates") for path in (ROOT / "param_templates").rglob("*.*")}


def run(*command: str | Path, cwd: Path) -> str:
    """What a command prints. It sees nothing of the checkout."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    ended = subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=900
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT, cwd=folder)
    [built] = folder.glob("*.whl")
    return built


class Installed(NamedTuple):
    """An environment that holds the wheel and what it needs: its folder, and its files without the wheel."""

    folder: Path
    others: set[Path]


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("environment")
    run("/usr/bin/python3", "-m", "venv", "--system-site-packages", folder, cwd=folder)
    pip = (folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install")
    run(*pip, "-r", ROOT / "requirements.txt", cwd=folder)
    others = set(folder.rglob("*"))
    run(*pip, "--no-deps", "--no-index", wheel, cwd=folder)
    return Installed(folder, others)


@pytest.fixture(scope="module")
def environment(installed: Installed) -> Path:
    """The folder of the environment's commands."""
    return installed.folder / "bin"


@pytest.fixture(scope="module")
def hidden() -> tuple[str | Path, ...]:
    """The start of a command that does not see the checkout; nothing where only a user with more rights can hide it."""
    tried = subprocess.run([*HIDE_CHECKOUT, "ls", ROOT], capture_output=True, text=True, check=False, timeout=60)
    if tried.returncode != 0:
        return ()
    assert tried.stdout == ""
    return HIDE_CHECKOUT


def test_the_templates_the_page_and_the_plug_in_are_files_of_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {Path(name) for name in archive.namelist()}
    assert {Path("alcd_otb", "param_templates", path) for path in TEMPLATES} <= names
    page = {"index.html", "style.css", "modules/main.js", "vendor/ol.js", "vendor/ol.css", "vendor/LICENSES.txt"}
    assert {Path("alcd_otb", "label", "page", file) for file in page} <= names
    plugin = {path.name for path in (ROOT / "qgis_plugin" / "alcd_otb_loop").iterdir() if path.is_file()}
    assert {Path("alcd_otb", "qgis", "plugin", file) for file in plugin} <= names
    tops = {name.parts[0] for name in names}
    assert {top for top in tops if not top.startswith(("otbApplication", "alcd_otb-"))} == {"alcd_otb", "otb_pipelines"}


def test_the_environment_has_no_module_of_the_templates(environment: Path, tmp_path: Path) -> None:
    code = "from importlib.util import find_spec; print(find_spec('param_templates'), find_spec('alcd_otb').origin)"
    found, origin = run(environment / "python", "-c", code, cwd=tmp_path).split()
    assert found == "None"
    assert Path(origin).is_relative_to(environment.parent)


def test_the_templates_and_protocols_are_those_of_the_checkout(environment: Path, tmp_path: Path) -> None:
    code = (
        "from alcd_otb.compare.protocol import protocol_names\n"
        "from alcd_otb.settings.template import load_template, template_names\n"
        "import json\n"
        "print(json.dumps([template_names(), protocol_names(), load_template('clouds').model_dump(mode='json')]))\n"
    )
    installed = json.loads(run(environment / "python", "-c", code, cwd=tmp_path))
    assert installed == json.loads(run(sys.executable, "-c", code, cwd=tmp_path))
    assert set(installed[0]) == {path.stem for path in TEMPLATES if path.suffix == ".json" and path.parent == Path()}


def test_the_plug_in_for_qgis_is_unpacked_and_starts_this_environment(environment: Path, tmp_path: Path) -> None:
    run(environment / "alcd-otb", "qgis-plugin", "plugins", cwd=tmp_path)
    unpacked = tmp_path / "plugins" / "alcd_otb_loop"
    words = json.loads((unpacked / "program.json").read_text("utf-8"))["command"]
    assert Path(words[0]).parent == environment
    told = run(*words, "--version", cwd=tmp_path)
    assert f"version={told.split()[1]}\n" in (unpacked / "metadata.txt").read_text("utf-8")


def test_no_installed_file_names_the_checkout(installed: Installed) -> None:
    own = {path for path in installed.folder.rglob("*") if path.is_file()} - installed.others
    assert any(path.name == "direct_url.json" for path in own)
    # Messages of compiled code name the source files of the build.
    assert not [path for path in own if path.suffix != ".so" and bytes(ROOT) + b"/" in path.read_bytes()]


def test_a_scene_runs_from_end_to_end_without_the_checkout(
    environment: Path, hidden: tuple[str | Path, ...], tmp_path: Path
) -> None:
    assert run(*hidden, environment / "alcd-otb", "--version", cwd=tmp_path).startswith("alcd_otb ")
    command = ("demo", "--json", "--size", "732", "--seed", "3", "scene")
    made = json.loads(run(*hidden, environment / "alcd-otb", *command, cwd=tmp_path))
    assert made["truth"]["invalid_valid"] > 0.9
    by_module = json.loads(
        run(*hidden, environment / "python", "-m", "alcd_otb", "status", made["scene"], "--json", cwd=tmp_path)
    )
    assert [iteration["iteration"] for iteration in by_module["iterations"]] == [1]


def test_nothing_is_left_after_an_uninstallation(installed: Installed) -> None:
    """The last test: it takes apart the environment that the others have used."""
    python = installed.folder / "bin" / "python"
    run(python, "-m", "pip", "uninstall", "--yes", "alcd-otb", cwd=installed.folder)
    assert set(installed.folder.rglob("*")) == installed.others
