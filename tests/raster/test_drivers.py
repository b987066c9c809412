"""A fault of the installation is not blamed on a file."""

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from osgeo import gdal
from scenes import FinishedScene, alcd, refused, write_scene

from alcd_otb.raster.drivers import FURTHER_DRIVERS, NEEDED_DRIVERS

RASTERS = ("GTiff", "VRT", "MEM", "JP2OpenJPEG")


@pytest.fixture(scope="module")
def scene(finished: FinishedScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a scene that is not prepared."""
    return write_scene(tmp_path_factory.mktemp("drivers") / "scene.json", finished.synthetic)


@pytest.mark.parametrize("name", ["JP2OpenJPEG", "GPKG", "Memory"])
def test_a_run_names_the_driver_that_is_switched_off(name: str, scene: Path) -> None:
    variable = "GDAL_SKIP" if name in RASTERS else "OGR_SKIP"
    message = refused(6, "run", scene, "--dry-run", **{variable: name})
    assert f"driver {name} is switched off by {variable}={name}" in message
    assert f"unset {variable}" in message
    assert ".jp2" not in message


def test_doctor_finds_each_driver_that_is_switched_off() -> None:
    names = (*NEEDED_DRIVERS, *FURTHER_DRIVERS)
    done = alcd("doctor", "--json", OGR_SKIP=",".join(names), GDAL_SKIP=" ".join(names), PROJ_LIB="/nowhere")
    assert done.returncode == 6
    problems = [entry["problem"] for entry in json.loads(done.stdout)["problems"]]
    for name in names:
        assert [problem for problem in problems if f"driver {name} is switched off" in problem]
    assert [problem for problem in problems if "proj.db in PROJ_LIB=/nowhere" in problem]


def old_database(folder: Path) -> Path:
    """Make a folder of a database of PROJ of another version."""
    folder.mkdir()
    shutil.copy("/usr/share/proj/proj.db", folder / "proj.db")
    with closing(sqlite3.connect(folder / "proj.db")) as database:
        database.execute("UPDATE metadata SET value = '0' WHERE key = 'DATABASE.LAYOUT.VERSION.MINOR'")
        database.commit()
    return folder


def test_a_foreign_database_of_proj(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for variable, folder in (
        ("PROJ_LIB", tmp_path / "empty"),
        ("PROJ_DATA", tmp_path / "empty"),
        ("PROJ_LIB", old_database(tmp_path / "old")),
    ):
        message = refused(6, "run", scene, "--dry-run", **{variable: str(folder)})
        assert f"proj.db in {variable}={folder}" in message
        assert f"unset {variable}" in message


def test_a_foreign_folder_of_gdal(scene: Path, tmp_path: Path) -> None:
    assert "GDAL_DATA" in refused(6, "run", scene, "--dry-run", GDAL_DATA=str(tmp_path))
    assert gdal.FindFile("gdal", "gdalvrt.xsd")


def test_a_second_gdal_in_the_process(tmp_path: Path) -> None:
    maps = Path("/proc/self/maps").read_text()
    library = next(line.split()[-1] for line in maps.splitlines() if "libgdal.so" in line)
    shutil.copy(library, tmp_path / "libgdal-1234.so.32")
    script = (
        "import ctypes, sys; from alcd_otb.raster.drivers import environment_problems\n"
        "print(*environment_problems(())); ctypes.CDLL(sys.argv[1]); print(*environment_problems(()), flush=True)\n"
        "import os; os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "libgdal-1234.so.32"], capture_output=True, text=True, check=True
    )
    before, after = done.stdout.splitlines()
    assert before == ""
    assert "two versions of GDAL" in after
    assert str(tmp_path) in after
