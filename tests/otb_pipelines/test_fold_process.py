"""Processes that work on folds: what they are sent, what they import, and how they end."""

import ast
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from otb_pipelines.messages import PipeClosedError, receive_arrays, receive_json, send_arrays, send_json

ROOT = Path(__file__).parents[2]

UNSAFE = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle"}

# Folds that take longer than the test, in two processes.
LONG = """
import sys
from pathlib import Path
import numpy as np
from otb_pipelines.cross_validate import FoldPixels, classify_folds
from otb_pipelines.settings import Settings
random = np.random.default_rng(1)
folds = [
    FoldPixels(random.random((4000, 8)), random.integers(1, 4, 4000), np.ones((9, 8), np.float32)) for _ in range(40)
]
forest = {"classifier": "rf", "classifier.rf.max": 25, "classifier.rf.min": 1}
forest["classifier.rf.nbtrees"] = int(sys.argv[2])
classify_folds(folds[: int(sys.argv[3])], forest, 1, None, Path(sys.argv[1]), Settings(64, 3))
print("done")
"""


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(":")}


def children_of(process: int) -> set[int]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True)
    return {int(word) for word in listed.stdout.split()}


def is_running(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class TestMessages:
    @given(
        arrays(np.float64, array_shapes(max_dims=2, max_side=5)),
        arrays(np.uint8, st.integers(0, 9)),
        st.dictionaries(st.text(), st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text())),
    )
    def test_arrive_as_they_were_sent(self, values: np.ndarray, codes: np.ndarray, content: dict[str, object]) -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as target:
            send_json(target, content)
            send_arrays(target, {"values": values, "codes": codes})
            assert receive_json(source) == content
            received = receive_arrays(source)
        np.testing.assert_array_equal(received["values"], values)
        np.testing.assert_array_equal(received["codes"], codes)
        assert (received["values"].dtype, received["codes"].dtype) == (np.float64, np.uint8)

    def test_that_hold_objects_are_not_unpickled(self) -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb") as target:
            send_arrays(target, {"codes": np.array([print], dtype=object)})
            with pytest.raises(ValueError, match="allow_pickle"):
                receive_arrays(source)

    def test_that_end_early(self) -> None:
        reading, writing = os.pipe()
        with os.fdopen(reading, "rb") as source:
            os.write(writing, b"\x09\0\0\0\0\0\0\0{}")
            os.close(writing)
            with pytest.raises(PipeClosedError):
                receive_json(source)


def test_no_source_reads_what_could_run_code() -> None:
    files = [file for package in ("alcd_otb", "otb_pipelines") for file in (ROOT / package).rglob("*.py")]
    assert len(files) > 100
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert UNSAFE.isdisjoint(name.name.partition(".")[0] for name in node.names), file
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in UNSAFE, file
                if node.module == "joblib":
                    assert "load" not in {name.name for name in node.names}, file
            elif isinstance(node, ast.Attribute):
                assert ast.unparse(node) not in ("joblib.load", "np.lib.format.read_array"), file
            elif isinstance(node, ast.Call):
                unsafe = [word for word in node.keywords if word.arg == "allow_pickle"]
                assert all(ast.unparse(word.value) == "False" for word in unsafe), file
                if ast.unparse(node.func) in ("np.load", "numpy.load"):
                    assert unsafe, file


def test_what_lies_in_the_current_folder_is_not_run(tmp_path: Path) -> None:
    for name in ("fiona", "numpy", "struct", "json", "otbApplication"):
        (tmp_path / f"{name}.py").write_text(
            f"open({str(tmp_path / 'ran')!r}, 'a').write('{name}')\nraise SystemExit\n"
        )
    (tmp_path / "models").mkdir()
    ended = subprocess.run(
        [sys.executable, "-P", "-c", LONG, str(tmp_path / "models"), "2", "3"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.stdout == "done\n", ended.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_end_with_their_parent(tmp_path: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-c", LONG, str(tmp_path), "400", "40"], env=environment(), stdout=subprocess.DEVNULL
    ) as parent:
        children: set[int] = set()
        deadline = time.monotonic() + 120
        try:
            # With a model of a fold that is not the parent's they are at work.
            while len(children) < 2 or not list(tmp_path.glob("model_1*")):
                assert time.monotonic() < deadline
                assert parent.poll() is None
                children = children_of(parent.pid)
                time.sleep(0.05)
        except AssertionError:
            parent.kill()
            raise
        parent.send_signal(how)
    deadline = time.monotonic() + 30
    while any(map(is_running, children)):
        assert time.monotonic() < deadline, "a process outlives its parent"
        time.sleep(0.02)


def test_nothing_but_models_is_written_to_the_folder(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-c", LONG, str(tmp_path), "20", "6"], env=environment(), stdout=subprocess.DEVNULL
    ) as process:
        seen: set[str] = set()
        while process.poll() is None:
            seen |= {path.name.partition("_")[0].partition(".")[0] for path in tmp_path.iterdir()}
            time.sleep(0.01)
    assert process.returncode == 0
    assert not any("task" in name or "codes" in name or "errors" in name for name in seen)
    assert list(tmp_path.iterdir()) == []
