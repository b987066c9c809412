"""The environment of the process, whatever it holds: the same map, or one line and a documented code."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from scenes import FinishedScene, command_line, write_scene

from alcd_otb.synthetic.scene import SyntheticScene

DOCUMENTED = {0, 2, 3, 4, 5, 6, 7}
SETS = 3
"""Random environments that are tried. More find more: the seed is the number of the set."""

VARIABLES = """
COLUMNS CPL_TMPDIR CPL_LOG CPL_TIMESTAMP GDAL_CACHEMAX GDAL_CONFIG_FILE GDAL_DATA GDAL_DISABLE_READDIR_ON_OPEN
GDAL_DRIVER_PATH GDAL_FORCE_CACHING GDAL_MAX_DATASET_POOL_SIZE GDAL_NUM_THREADS GDAL_PAM_PROXY_DIR
GDAL_SWATH_SIZE GTIFF_DIRECT_IO HOME ITK_AUTOLOAD_PATH ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS
ITK_GLOBAL_DEFAULT_THREADER ITK_USE_THREADPOOL LANG LANGUAGE LC_ALL LC_CTYPE LC_NUMERIC LC_MESSAGES LINES
MPLBACKEND MPLCONFIGDIR NO_COLOR OGR_SQLITE_CACHE OGR_SQLITE_PRAGMA OMP_NUM_THREADS OMP_THREAD_LIMIT
OPENBLAS_NUM_THREADS OTB_APPLICATION_PATH OTB_DEM_DIRECTORY OTB_GEOID_FILE OTB_LOGGER_LEVEL OTB_MAX_RAM_HINT
PROJ_DEBUG PROJ_LIB PROJ_NETWORK PYTHONFAULTHANDLER PYTHONNOUSERSITE PYTHONOPTIMIZE PYTHONUNBUFFERED
PYTHONUSERBASE PYTHONWARNINGS SHELL SLURM_CPUS_PER_TASK SLURM_JOB_ID SLURM_MEM_PER_CPU SLURM_MEM_PER_NODE
SQLITE_TMPDIR TEMP TERM TMP TMPDIR TZ USER VSI_CACHE VSI_CACHE_SIZE XDG_CACHE_HOME
"""
VALUES = ("", "abc", "0", "-1", "1", "9" * 20, "1e9", "YES", "NO", "error", "/nonexistent", "é", "%s%n", "a:b;c,d", " ")


def ran(scene: Path, environment: dict[str, str]) -> tuple[int, list[str], Path | None]:
    """The exit code, the lines of standard error, and the map."""
    ended = subprocess.run(
        command_line("run", scene, "--json"), capture_output=True, timeout=120, env={**os.environ, **environment}
    )
    lines = ended.stderr.decode().splitlines()
    labels = Path(json.loads(ended.stdout)["labels"]) if ended.returncode == 0 else None
    return ended.returncode, lines, labels


def pixels(labels: Path) -> np.ndarray:
    return gdal.Open(str(labels)).ReadAsArray()


def environment(number: int) -> dict[str, str]:
    drawn = random.Random(number)
    return {name: drawn.choice(VALUES) for name in drawn.sample(VARIABLES.split(), 12)}


@pytest.mark.parametrize("number", range(SETS))
def test_a_random_one(number: int, prepared: Callable[..., Path], finished: FinishedScene) -> None:
    drawn = environment(number)
    code, lines, labels = ran(prepared(), drawn)
    assert code in DOCUMENTED, (drawn, lines)
    levels = ("INFO: ", "WARNING: ", "ERROR: ")
    # The dynamic loader, Python itself and libgomp say on their own that they do not know a value.
    told = [line for line in lines if not line.startswith(("Invalid -W option", "libgomp: ")) and line]
    assert [line for line in told if not line.startswith(levels)] == [], drawn
    assert [line for line in told if line.startswith("ERROR: ")] == told[-1:] * (code != 0), drawn
    if labels is not None:
        np.testing.assert_array_equal(pixels(labels), pixels(finished.result.labels), str(drawn))


@pytest.mark.parametrize(
    "changed",
    [
        {"OTB_MAX_RAM_HINT": "abc", "GDAL_NUM_THREADS": "abc", "COLUMNS": "abc"},
        {"PYTHONWARNINGS": "error", "OTB_LOGGER_LEVEL": "abc", "GDAL_CACHEMAX": "abc"},
        {"TMPDIR": "/nonexistent", "HOME": "/nonexistent", "LANG": "xx_YY.UTF-8", "LC_NUMERIC": "xx"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_nonsense_that_changes_nothing(
    changed: dict[str, str], prepared: Callable[..., Path], finished: FinishedScene
) -> None:
    code, lines, labels = ran(prepared(), changed)
    assert code == 0, lines
    assert [line for line in lines if not line.startswith(("INFO: ", "WARNING: "))] == []
    assert labels is not None
    np.testing.assert_array_equal(pixels(labels), pixels(finished.result.labels))


@pytest.fixture(scope="module")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of locales that few machines have."""
    folder = tmp_path_factory.mktemp("locales")
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales/tr_TR").exists():
        pytest.skip("no sources of locales; Debian has them in the package locales")
    for name, coding in (("tr_TR", "UTF-8"), ("tr_TR", "ISO-8859-9"), ("de_DE", "UTF-8")):
        # It also returns 1 where it only warns.
        subprocess.run(
            ["localedef", "--no-archive", "-i", name, "-f", coding, folder / f"{name}.{coding}"], check=False
        )
    return folder


@pytest.mark.parametrize("name", ["tr_TR.UTF-8", "tr_TR.ISO-8859-9", "de_DE.UTF-8"])
def test_a_language(
    name: str, locales: Path, small_scene: SyntheticScene, finished: FinishedScene, tmp_path: Path
) -> None:
    """Where the lower case of I is not an i, and where a comma begins the decimals; from products to map."""
    scene = write_scene(tmp_path / "été İı" / "scene.json", small_scene)
    code, lines, labels = ran(scene, {"LOCPATH": str(locales), "LC_ALL": name})
    assert code == 0, lines
    assert labels is not None
    assert labels.parents[3] == scene.parent
    np.testing.assert_array_equal(pixels(labels), pixels(finished.result.labels))


@pytest.mark.parametrize("coercion", ["0", "1"])
def test_a_terminal_of_ascii(coercion: str, prepared: Callable[..., Path], tmp_path: Path) -> None:
    """A result and an error with letters that it does not have."""
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": coercion}
    prepared(workspace="été →")
    work = (tmp_path / "work").rename(tmp_path / "été →")
    words = {**os.environ, **ascii_only}
    made = subprocess.run(command_line("run", tmp_path / "scene.json"), capture_output=True, env=words, timeout=120)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith(b"iteration 1: ")
    assert b"\\xe9t\\xe9 \\u2192/iterations/001/labels.tif" in made.stdout
    assert (work / "iterations" / "001" / "labels.tif").is_file()
    wrong = subprocess.run(command_line("run", "été.json"), capture_output=True, env=words, timeout=120)
    assert wrong.returncode == 2
    assert wrong.stderr == b"ERROR: \\xe9t\\xe9.json: cannot be read (No such file or directory)\n"
