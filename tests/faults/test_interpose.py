"""The library between a program and the C library: it sees the calls, and disturbs the one that is named."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from faults import compiled

PROGRAM = """
import os, sys
def tried(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        print(call.__name__, error.errno)
def write(path):
    with open(path, "w") as file:
        file.write("x")
tried(write, "a/file")
tried(os.rename, "a/file", "a/renamed")
tried(os.link, "a/renamed", "a/linked")
tried(os.symlink, "nowhere", "a/symbolic")
tried(os.unlink, "a/linked")
tried(os.mkdir, "a/folder")
tried(write, "elsewhere")
descriptor = os.open("a", os.O_RDONLY)
os.unlink("symbolic", dir_fd=descriptor)
if os.fork() == 0:
    os.rmdir("a/folder")
else:
    os.wait()
"""
CALLS = [
    "open truncating a/file",
    "write a/file",
    "close a/file",
    "rename a/file a/renamed",
    "link a/renamed a/linked",
    "symlink a/symbolic",
    "unlink a/linked",
    "mkdir a/folder",
    "unlink a/symbolic",
    "rmdir a/folder",
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("library"))


def run(library: Path, folder: Path, **settings: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the program. Returns how it ended, and the calls below the folder ``a``."""
    (folder / "a").mkdir()
    (folder / "counter").write_bytes(bytes(8))
    environment = {
        **os.environ,
        "LD_PRELOAD": str(library),
        "FAULTS_ROOT": str(folder / "a"),
        "FAULTS_COUNTER": str(folder / "counter"),
        "FAULTS_LOG": str(folder / "log"),
        **settings,
    }
    ended = subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True)
    lines = [line.split("\t") for line in (folder / "log").read_text().splitlines()]
    assert [int(line[0]) for line in lines] == list(range(1, len(lines) + 1))
    return ended, [" ".join(line[1:]).replace(f"{folder}/", "") for line in lines]


def test_calls_below_the_folder_are_seen_and_no_others(library: Path, tmp_path: Path) -> None:
    ended, calls = run(library, tmp_path)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert calls == CALLS
    assert (tmp_path / "elsewhere").read_text() == "x"


@pytest.mark.parametrize("number", [4, 5, 8])
def test_one_fails_and_changes_nothing(library: Path, tmp_path: Path, number: int) -> None:
    ended, calls = run(library, tmp_path, FAULTS_NUMBER=str(number), FAULTS_ERRNO=str(errno.ESTALE))
    function = CALLS[number - 1].split()[0]
    assert ended.stdout.splitlines()[0] == f"{function} {errno.ESTALE}"
    assert calls[: number + 1] == CALLS[: number + 1]
    assert (tmp_path / "a" / "file").exists() == (number == 4)


def test_a_full_disk_lets_files_be_removed(library: Path, tmp_path: Path) -> None:
    ended, _ = run(library, tmp_path, FAULTS_NUMBER="2", FAULTS_ERRNO=str(errno.ENOSPC), FAULTS_LASTING="1")
    failed = [line.split()[0] for line in ended.stdout.splitlines() if line.endswith(f" {errno.ENOSPC}")]
    assert failed == ["write", "rename", "link", "symlink", "mkdir"]


@pytest.mark.parametrize(("when", "renamed"), [("before", False), ("after", True)])
def test_a_kill_is_before_or_after_a_call(library: Path, tmp_path: Path, when: str, renamed: bool) -> None:
    ended, calls = run(library, tmp_path, FAULTS_NUMBER="4", FAULTS_KILL=when)
    assert ended.returncode == -9
    assert calls == CALLS[:4]
    assert ((tmp_path / "a" / "renamed").exists(), (tmp_path / "a" / "file").exists()) == (renamed, not renamed)
