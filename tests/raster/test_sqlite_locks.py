"""A file system without the locks of SQLite is found out before the work, and GeoPackages are written without."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from alcd_otb.raster.sqlite_locks import WITHOUT_LOCKS, check_sqlite, usable_sqlite
from otb_pipelines.process import gdal

SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int is_lock(int command) { return command == F_SETLK || command == F_SETLKW || command == F_GETLK; }

static int call(const char* name, int file, int command, void* argument) {
    int (*next)(int, int, ...) = (int (*)(int, int, ...))dlsym(RTLD_NEXT, name);
    const char* number = getenv("REFUSED_LOCK");
    if (number != NULL && is_lock(command)) {
        errno = atoi(number);
        return -1;
    }
    return next(file, command, argument);
}

int fcntl(int file, int command, ...) {
    va_list list;
    va_start(list, command);
    void* argument = va_arg(list, void*);
    va_end(list);
    return call("fcntl", file, command, argument);
}

int fcntl64(int file, int command, ...) {
    va_list list;
    va_start(list, command);
    void* argument = va_arg(list, void*);
    va_end(list);
    return call("fcntl64", file, command, argument);
}
"""

SCRIPT = """
import sys
from pathlib import Path
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.sqlite_locks import check_sqlite, usable_sqlite
from alcd_otb.samples.adding import Attribution, add_points
from alcd_otb.samples.layers import holds_samples
from alcd_otb.samples.reading import read_samples
from alcd_otb.settings.legend import Legend, LegendClass

folder = Path(sys.argv[1])
legend = Legend((LegendClass("land", 5, "#00ff00"), LegendClass("water", 6, "#0000ff")))
grid = Grid("EPSG:32631", 0, 640, 10, 64, 64)
points = [("land", 105, 105), ("water", 305, 305)]
print(check_sqlite(folder))
with usable_sqlite(folder):
    for author in "ab":
        add_points(folder / "samples.gpkg", points, None, legend, grid, Attribution(1, author))
    print(len(read_samples(folder / "samples.gpkg", legend, grid)))
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compile a library that refuses the locks of POSIX."""
    folder = tmp_path_factory.mktemp("shim")
    (folder / "shim.c").write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", folder / "shim.so", folder / "shim.c", "-ldl"], check=True)
    return folder / "shim.so"


def test_a_usual_folder(tmp_path: Path) -> None:
    assert check_sqlite(tmp_path)
    with usable_sqlite(tmp_path):
        assert gdal.GetConfigOption(WITHOUT_LOCKS) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EIO, errno.EACCES, errno.EOPNOTSUPP])
def test_refused_locks(number: int, shim: Path, tmp_path: Path) -> None:
    environment = {"LD_PRELOAD": str(shim), "REFUSED_LOCK": str(number)}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False", "4"]
    assert [path.name for path in tmp_path.iterdir()] == ["samples.gpkg"]
