"""Which OTB is used, and that a process has one GDAL alone."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from places import ROOT

from otb_pipelines.errors import OtbMissingError
from otb_pipelines.installation import Library, check_single, loaded_libraries, use_chosen_otb
from otb_pipelines.process import gdal, load_otb
from otb_pipelines.settings import default_settings

MAPS = """\
7f00-7f01 r--p 00000000 08:01 11 /opt/otb/lib/libOTBCommon-9.1.so.1
7f01-7f02 r-xp 00001000 08:01 11 /opt/otb/lib/libOTBCommon-9.1.so.1
7f02-7f03 r--p 00000000 08:01 12 /opt/otb/lib/libITKCommon-5.3.so.1
7f03-7f04 r--p 00000000 08:01 13 /usr/lib/libgdal.so.32.3.6.2
7f04-7f05 r--p 00000000 08:01 14 /opt/otb/lib/libgdalcubes.so.1
7f05-7f06 rw-p 00000000 00:00 0 [heap]
"""


def test_the_libraries_of_a_process_with_their_versions() -> None:
    libraries = loaded_libraries(MAPS)
    assert [(library.name, library.version) for library in libraries] == [
        ("GDAL", "32.3.6.2"),
        ("OTB", "9.1"),
        ("ITK", "5.3"),
    ]
    check_single(libraries)
    with pytest.raises(OtbMissingError, match=r"two GDALs .* /usr/lib/libgdal.so.32.3.6.2 and /b/libgdal.so.34"):
        check_single((*libraries, Library("GDAL", "/b/libgdal.so.34")))


def test_this_process_has_one_of_each() -> None:
    load_otb(default_settings())
    assert [library.name for library in loaded_libraries()] == ["GDAL", "OTB", "ITK"]
    assert gdal.__version__ in loaded_libraries()[0].version


def test_a_second_gdal_in_the_process_is_an_error_that_names_both(tmp_path: Path) -> None:
    first = loaded_libraries()[0].path
    second = Path(shutil.copy(first, tmp_path))
    code = "import ctypes, sys; from otb_pipelines.process import load_otb; ctypes.CDLL(sys.argv[1]);"
    code += "from otb_pipelines.settings import default_settings; load_otb(default_settings())"
    ended = subprocess.run([sys.executable, "-c", code, second], capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    last = ended.stderr.splitlines()[-1]
    assert "two GDALs are loaded in one process" in last
    assert first in last
    assert str(second) in last


@pytest.mark.parametrize("named", ["", "lib/cmake/OTB-10.0"])
def test_the_module_of_the_chosen_otb_is_used(named: str, tmp_path: Path) -> None:
    """An OTB that brings its module, as official ones do: here the module tells where it lies."""
    modules = tmp_path / "lib" / "otb" / "python"
    modules.mkdir(parents=True)
    (tmp_path / "lib" / "cmake" / "OTB-10.0").mkdir(parents=True)
    (modules / "otbApplication.py").write_text("raise ImportError('of ' + __file__)\n")
    environment, path = {"OTB_DIR": str(tmp_path / named)}, ["/first"]
    assert use_chosen_otb(environment, path) == modules
    assert use_chosen_otb(environment, path) == modules
    assert path == [str(modules), "/first"]
    assert environment["OTB_APPLICATION_PATH"] == str(tmp_path / "lib" / "otb" / "applications")
    kept = {"OTB_DIR": str(tmp_path), "OTB_APPLICATION_PATH": "/mine"}
    use_chosen_otb(kept, [])
    assert kept["OTB_APPLICATION_PATH"] == "/mine"
    code = "from otb_pipelines.settings import default_settings; from otb_pipelines.process import load_otb;"
    code += "load_otb(default_settings())"
    variables = {**os.environ, "OTB_DIR": str(tmp_path / named)}
    ended = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=60)
    assert f"of {modules / 'otbApplication.py'}" in ended.stderr.splitlines()[-1]


def test_an_otb_without_module_changes_nothing(tmp_path: Path) -> None:
    for chosen in (str(tmp_path), ""):
        environment, path = {"OTB_DIR": chosen}, ["/first"]
        assert use_chosen_otb(environment, path) is None
        assert (environment, path) == ({"OTB_DIR": chosen}, ["/first"])


def test_no_version_of_otb_itk_or_gdal_is_written_into_the_code() -> None:
    pattern = re.compile(r"\b(OTB|ITK|GDAL)(Common)?[ -]v?\d+\.\d")
    folders = ("alcd_otb", "otb_pipelines")
    files = [
        path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".cpp", ".hpp")
    ]
    files += [*(ROOT / "otb_pipelines").rglob("CMakeLists.txt"), ROOT / "CMakeLists.txt", ROOT / "tools" / "install.sh"]
    own = ROOT / "otb_pipelines" / "installation.py"
    # Its docstrings show names of files.
    assert [str(path) for path in files if path != own and pattern.search(path.read_text("utf-8"))] == []
