"""What the packages leave as it was in the process of a notebook, and what they set once."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from osgeo import gdal

from otb_pipelines.app import Application, Target
from otb_pipelines.errors import OtbError
from otb_pipelines.process import bounded_cache, gdal_threads
from otb_pipelines.settings import Settings

SETTINGS = Settings(64, 2)


def python(code: str, *words: str | Path, **environment: str) -> str:
    """Run Python on a program in a separate process, and return what it prints."""
    ended = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **environment},
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


class TestThreadsOfGdal:
    def test_are_set_in_the_calling_thread_alone_nested_or_side_by_side(self) -> None:
        before = gdal.GetConfigOption("GDAL_NUM_THREADS")
        together = threading.Barrier(4)

        def look(count: int) -> list[str | None]:
            seen = []
            with gdal_threads(count):
                together.wait()
                seen.append(gdal.GetConfigOption("GDAL_NUM_THREADS"))
                with gdal_threads(10 * count):
                    together.wait()
                    seen.append(gdal.GetConfigOption("GDAL_NUM_THREADS"))
                seen.append(gdal.GetConfigOption("GDAL_NUM_THREADS"))
                together.wait()
            return [*seen, gdal.GetConfigOption("GDAL_NUM_THREADS")]

        with ThreadPoolExecutor(3) as pool:
            looks = [pool.submit(look, count) for count in (2, 3, 4)]
            for _ in range(3):
                together.wait()
                assert gdal.GetConfigOption("GDAL_NUM_THREADS") == before
            for count, one in zip((2, 3, 4), looks, strict=True):
                assert one.result() == [str(count), str(10 * count), str(count), before]

    def test_reach_the_runs_of_otb(self, raster: Path) -> None:
        held = []

        def started(count: int) -> int:
            before = len(os.listdir("/proc/self/task"))
            with gdal_threads(count):
                # It starts as many threads as the option says that it finds in OTB's own thread.
                held.append(Application("BandReading", {"in": str(raster), "like": raster, "threads": 0}, SETTINGS))
                held[-1].execute()
            return len(os.listdir("/proc/self/task")) - before

        assert [started(count) for count in (1, 5, 9)] == [1, 5, 9]


class TestCache:
    def test_is_the_least_that_is_wanted_and_afterwards_what_it_was(self) -> None:
        before = gdal.GetCacheMax()
        outer, inner = bounded_cache(30), bounded_cache(20)
        with outer:
            assert gdal.GetCacheMax() == 30 << 20
            with inner, bounded_cache(25):
                assert gdal.GetCacheMax() == 20 << 20
            assert gdal.GetCacheMax() == 30 << 20
        assert gdal.GetCacheMax() == before

    def test_is_restored_whichever_ends_first(self) -> None:
        before = gdal.GetCacheMax()
        first, second = bounded_cache(30), bounded_cache(20)
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert gdal.GetCacheMax() == 20 << 20
        second.__exit__(None, None, None)
        assert gdal.GetCacheMax() == before

    def test_is_left_to_a_program_that_has_changed_it_meanwhile(self) -> None:
        before = gdal.GetCacheMax()
        with bounded_cache(30):
            gdal.SetCacheMax(50 << 20)
        assert gdal.GetCacheMax() == 50 << 20
        gdal.SetCacheMax(before)

    def test_is_after_a_run_of_otb_what_it_was(self, raster: Path, tmp_path: Path) -> None:
        before = gdal.GetCacheMax()
        assert before != SETTINGS.ram << 20
        Application("ExtractROI", {"in": raster}, SETTINGS).write({"out": Target(tmp_path / "out.tif")})
        assert gdal.GetCacheMax() == before


class TestErrorHandler:
    def test_of_a_program_is_there_again_after_a_run(self, raster: Path, tmp_path: Path) -> None:
        told: list[str] = []

        def own(_severity: int, _number: int, message: str) -> None:
            told.append(message)

        gdal.PushErrorHandler(own)
        try:
            Application("ExtractROI", {"in": raster}, SETTINGS).write({"out": Target(tmp_path / "out.tif")})
            with pytest.raises(OtbError):
                Application("ExtractROI", {"in": tmp_path / "none.tif"}, SETTINGS).execute()
            assert told == []
            gdal.Error(gdal.CE_Warning, 1, "of the program")
        finally:
            gdal.PopErrorHandler()
        assert told == ["of the program"]

    def test_that_is_set_for_all_threads_stays(self, raster: Path, tmp_path: Path) -> None:
        code = """
import sys
from pathlib import Path
from osgeo import gdal
from otb_pipelines.app import Application, Target
from otb_pipelines.settings import Settings
gdal.SetErrorHandler(lambda severity, number, message: print("told", message))
Application("ExtractROI", {"in": Path(sys.argv[1])}, Settings(64, 2)).write({"out": Target(Path(sys.argv[2]))})
gdal.Error(gdal.CE_Warning, 1, "of the program")
"""
        assert python(code, raster, tmp_path / "out.tif") == "told of the program\n"


class TestModuleOfOtb:
    def test_is_set_up_once_however_often_it_is_loaded(self) -> None:
        code = """
import importlib, sys, threading, time
import otbApplication
added = []
add = otbApplication.AddLogCallback
def counted(callback):
    time.sleep(0.1)
    added.append(callback)
    return add(callback)
otbApplication.AddLogCallback = counted
from otb_pipelines import process
from otb_pipelines.settings import Settings
threads = [threading.Thread(target=process.load_otb, args=[Settings(64, 1)]) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
importlib.reload(process).load_otb(Settings(64, 1))
del sys.modules["otb_pipelines.process"]
importlib.import_module("otb_pipelines.process").load_otb(Settings(64, 1))
print(len(added))
"""
        assert python(code) == "1\n"


class TestMemory:
    CODE = """
import ctypes, sys
calls = []
class Library:
    def mallopt(self, *values): calls.append(values)
    def malloc_trim(self, _): pass
ctypes.CDLL = lambda _: Library()
from otb_pipelines.own_process import own_process
from otb_pipelines.process import kept_memory
if sys.argv[1] == "own": own_process()
with kept_memory(): pass
print(len(calls))
"""

    def test_of_a_notebook_is_left_alone(self) -> None:
        assert python(self.CODE, "notebook") == "0\n"

    def test_of_the_command_line_is_tuned_and_put_back(self) -> None:
        # One call when the process is claimed, then three values that are set and three that are put back.
        assert python(self.CODE, "own") == "7\n"

    @pytest.mark.parametrize(("owner", "is_one"), [("own", True), ("notebook", False)])
    def test_threads_of_the_command_line_share_one_heap(self, owner: str, is_one: bool, tmp_path: Path) -> None:
        code = """
import ctypes, sys, threading
from otb_pipelines.own_process import own_process
if sys.argv[1] == "own": own_process()
library = ctypes.CDLL(None)
library.malloc.restype = library.fopen.restype = ctypes.c_void_p
started = threading.Barrier(4)
def allocate():
    started.wait()
    library.malloc(5000)
    started.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
file = library.fopen(sys.argv[2].encode(), b"w")
library.malloc_info(0, ctypes.c_void_p(file))
library.fclose(ctypes.c_void_p(file))
"""
        python(code, owner, str(tmp_path / "heaps.xml"))
        heaps = (tmp_path / "heaps.xml").read_text().count("<heap nr=")
        assert heaps >= 1
        assert (heaps == 1) == is_one

    def test_a_call_of_the_command_line_s_function_claims_no_process(self) -> None:
        code = """
from alcd_otb.cli.main import main
from otb_pipelines.own_process import is_own_process
main(["schema"])
import sys
sys.exit(is_own_process())
"""
        python(code)
