"""Threads and memory as the command line keeps them: on many processors, and with whatever the environment holds."""

import json
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from scenes import alcd, command_line, write_scene

from alcd_otb.synthetic.scene import SyntheticScene
from otb_pipelines.machine import given_environment

PROCESSORS = 64
# The thread of Python, which waits, the thread that OTB runs in, one that decodes files, and one that sleeps until the
# lock file is to be renewed.
AT_ONE_THREAD = 4


@pytest.fixture(scope="module")
def many_processors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the variables with which a program sees 64 processors."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = tmp_path_factory.mktemp("library") / "many_processors.so"
    source = Path(__file__).with_name("many_processors.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


def most_threads(environment: dict[str, str], *words: str | Path) -> int:
    """Run a command, and return the most threads that its process had at a time."""
    most = 0
    variables = {**given_environment(), **environment}
    with subprocess.Popen(
        command_line(*words), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=variables
    ) as process:
        while process.poll() is None:
            found = re.search(r"^Threads:\s*(\d+)", Path(f"/proc/{process.pid}/status").read_text(), re.M)
            most = max(most, int(found[1]) if found else 0)
            time.sleep(0.001)
        assert process.stderr is not None
        assert process.returncode == 0, process.stderr.read().decode()
    return most


def test_the_library_of_this_test_shows_many_processors(many_processors: dict[str, str]) -> None:
    assert json.loads(alcd("doctor", "--json", **many_processors).stdout)["threads"] == PROCESSORS


def test_threads_and_memory_are_kept_and_change_no_byte(
    tmp_path: Path, small_scene: SyntheticScene, many_processors: dict[str, str]
) -> None:
    one = write_scene(tmp_path / "one" / "scene.json", small_scene)
    assert most_threads(many_processors, "run", one, "--threads", "1", "--ram", "1") <= AT_ONE_THREAD
    four = write_scene(tmp_path / "four" / "scene.json", small_scene)
    # The threads of Python, of the run and of the lock file, and four each that decode, compute and compress.
    assert most_threads(many_processors, "run", four, "--threads", "4", "--ram", "64") <= 3 + 3 * 4
    names = [path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*.tif")]
    names += [Path("work/iterations/001") / name for name in ("model.rf", "contours.fgb")]
    assert {"features.tif", "view.tif", "valid.tif", "labels.tif", "confidence.tif", "margin.tif"} <= {
        name.name for name in names
    }
    different = [
        name for name in names if (tmp_path / "one" / name).read_bytes() != (tmp_path / "four" / name).read_bytes()
    ]
    assert different == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTB_MAX_RAM_HINT", "abc"),
        ("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "-1"),
        ("GDAL_CACHEMAX", "much"),
        ("SLURM_CPUS_PER_TASK", "two"),
        ("SLURM_MEM_PER_NODE", "4X"),
    ],
)
def test_a_variable_that_is_no_number_is_ignored_with_a_warning(name: str, value: str) -> None:
    ended = alcd("doctor", "--json", **{name: value})
    assert ended.returncode == 0, ended.stderr
    (warning,) = ended.stderr.splitlines()
    assert warning.startswith(f"WARNING: {name}={value!r} is not ")
    assert len(json.loads(ended.stdout)["machine"]["ignored"]) == 1


def test_doctor_tells_what_was_found_and_where() -> None:
    ended = alcd("doctor", SLURM_CPUS_PER_TASK="1", SLURM_MEM_PER_CPU="800")
    lines = ended.stdout.splitlines()
    assert "memory 800 MB, of which a chain buffers 100 MB; 1 threads" in lines
    assert "  threads at most 1: SLURM_CPUS_PER_TASK=1" in lines
    assert "  memory at most 800 MB: SLURM_MEM_PER_CPU=800 for each of 1 processors" in lines


def test_an_option_wins_over_the_environment() -> None:
    ended = alcd("doctor", "--threads", "3", "--ram", "500", "--json", SLURM_CPUS_PER_TASK="1", OTB_MAX_RAM_HINT="20")
    found = json.loads(ended.stdout)
    assert (found["threads"], found["ram"]) == (3, 500)


@pytest.mark.parametrize(
    ("given", "expected"), [({}, 60), ({"GDAL_CACHEMAX": "10"}, 10), ({"GDAL_CACHEMAX": "90"}, 60)]
)
def test_the_cache_of_gdal_is_within_the_buffer_before_otb_is_loaded(given: dict[str, str], expected: int) -> None:
    program = (
        "from alcd_otb.cli.main import command_parser\n"
        "from alcd_otb.cli.shared_options import limit_process\n"
        "limit_process(command_parser().parse_args(['--ram', '60', 'schema']))\n"
        "from osgeo import gdal\n"
        "print(gdal.GetCacheMax() >> 20, gdal.GetConfigOption('GDAL_NUM_THREADS'))"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GDAL_")} | given
    ended = subprocess.run(
        [*command_line()[:1], "-c", program], capture_output=True, check=True, text=True, env=environment
    )
    assert ended.stdout.split() == [str(expected), "1"]
