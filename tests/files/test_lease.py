"""The lock file, held and abandoned by real processes, on file systems with and without the kernel's locks."""

import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alcd_otb.errors import ProcessingError, WorkspaceLockedError
from alcd_otb.files import lease
from alcd_otb.files.holder import Holder
from alcd_otb.files.lease import leased

HELD = "held by {holder}"
HOLDER = """
import fcntl, sys
from pathlib import Path
if {without_locks}:
    fcntl.flock = lambda *_: None
from alcd_otb.files.lease import leased
with leased(Path(sys.argv[1]), "held by {{holder}}"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holding(path: Path, without_locks: bool = False, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the file."""
    code = HOLDER.format(without_locks=without_locks)
    environ = {**os.environ, **environment}
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def hold(path: Path) -> dict[str, Any]:
    """Hold the file for a moment. Returns what it says."""
    with leased(path, HELD) as held:
        held.check()
        content: dict[str, Any] = json.loads(path.read_text())
    return content


def refusing(number: int) -> Any:
    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    return flock


KERNEL_LOCKS = [None, errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO, errno.EACCES, errno.EBADF, 0]
"""How the kernel's locks work: as they should, refused with an errno, or granted to everybody (0)."""


@pytest.fixture(
    params=KERNEL_LOCKS, ids=lambda number: {None: "locks", 0: "granted"}.get(number) or errno.errorcode[number]
)
def without_locks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param is None:
        return False
    monkeypatch.setattr(fcntl, "flock", refusing(request.param) if request.param else lambda *_: None)
    return True


def test_says_who_holds_it_and_is_gone_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "4711")
    content = hold(tmp_path / ".lock")
    assert content["host"] == socket.gethostname()
    assert content["pid"] == os.getpid()
    assert content["boot"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert content["job"] == "4711"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_locks")
def test_excludes_another_process_of_this_computer(tmp_path: Path, without_locks: bool) -> None:
    with holding(tmp_path / ".lock", without_locks, SLURM_JOB_ID="4711") as holder:
        with pytest.raises(WorkspaceLockedError) as caught:
            hold(tmp_path / ".lock")
        assert str(caught.value) == f"held by process {holder.pid} on {socket.gethostname()}, job 4711"
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
        hold(tmp_path / ".lock")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_locks")
def test_excludes_the_same_process(tmp_path: Path) -> None:
    with leased(tmp_path / ".lock", HELD), pytest.raises(WorkspaceLockedError):
        hold(tmp_path / ".lock")


def other(**changes: Any) -> str:
    """What a holder on another computer would have written."""
    me = Holder.here()
    content = {name: getattr(me, name) for name in Holder.__dataclass_fields__}
    return json.dumps({**content, "token": "0" * 32, "host": "node7", "boot": "other", "pid": 1, **changes})


def written(path: Path, text: str, minutes_ago: float) -> None:
    path.write_text(text)
    os.utime(path, (time.time() - 60 * minutes_ago,) * 2)


@pytest.mark.parametrize("name", [".lock-takeover", f".lock-{'0' * 32}"])
def test_what_a_process_left_that_was_killed_while_it_took_the_lock_is_removed(tmp_path: Path, name: str) -> None:
    mine = vars(Holder.here())
    written(tmp_path / name, other(**{**mine, "pid": 2**22 + 1}), 0)
    written(tmp_path / ".lock", other(), 60)
    hold(tmp_path / ".lock")
    assert list(tmp_path.iterdir()) == []


def test_one_that_takes_it_over_at_this_moment_is_respected(tmp_path: Path) -> None:
    written(tmp_path / ".lock-takeover", other(), 0)
    written(tmp_path / ".lock", other(), 60)
    with pytest.raises(WorkspaceLockedError, match="one that is starting"):
        hold(tmp_path / ".lock")
    assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", ".lock-takeover"]


def test_of_another_computer_is_kept_for_ten_minutes_without_a_sign_of_life(tmp_path: Path) -> None:
    written(tmp_path / ".lock", other(job="12"), 9.5)
    with pytest.raises(WorkspaceLockedError, match=r"held by process 1 on node7, job 12"):
        hold(tmp_path / ".lock")
    assert json.loads((tmp_path / ".lock").read_text())["host"] == "node7"
    written(tmp_path / ".lock", other(), 10.5)
    assert hold(tmp_path / ".lock")["pid"] == os.getpid()


@pytest.mark.parametrize(
    ("what", "changes"),
    [
        ("started again", {"host": socket.gethostname(), "boot": "an earlier one", "pid": os.getpid()}),
        ("no such process", {"host": socket.gethostname(), "boot": Holder.here().boot, "pid": 2**22 + 1}),
        ("a later process of this number", {**vars(Holder.here()), "started": "1"}),
    ],
)
def test_is_taken_over_when_its_process_has_ended(tmp_path: Path, what: str, changes: dict[str, Any]) -> None:
    written(tmp_path / ".lock", other(**changes), 0)
    assert hold(tmp_path / ".lock")["pid"] == os.getpid(), what


def test_the_processes_of_another_container_are_not_judged_by_number(tmp_path: Path) -> None:
    mine = vars(Holder.here())
    written(tmp_path / ".lock", other(**{**mine, "pid": 2**22 + 1, "pid_namespace": "pid:[1]"}), 0)
    with pytest.raises(WorkspaceLockedError):
        hold(tmp_path / ".lock")


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        ("echo RUNNING", False),
        ("echo PENDING", False),
        ("echo COMPLETED", True),
        ("echo CANCELLED", True),
        ("true", True),
        ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", True),
        ("echo 'Unable to contact slurm controller' >&2; exit 1", False),
    ],
)
def test_is_taken_over_when_its_job_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, gone: bool
) -> None:
    squeue = tmp_path / "bin" / "squeue"
    squeue.parent.mkdir()
    squeue.write_text(f'#!/bin/sh\necho "$@" >"{tmp_path}/asked"\n{answer}\n')
    squeue.chmod(0o755)
    monkeypatch.setenv("PATH", f"{squeue.parent}:{os.environ['PATH']}")
    written(tmp_path / ".lock", other(job="12"), 1)
    if gone:
        hold(tmp_path / ".lock")
    else:
        with pytest.raises(WorkspaceLockedError):
            hold(tmp_path / ".lock")
    assert "--jobs=12" in (tmp_path / "asked").read_text()


@pytest.mark.parametrize(("restart", "taken"), [("", True), ("1", True), ("2", False)])
def test_a_job_that_is_started_again_takes_over_from_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restart: str, taken: bool
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    written(tmp_path / ".lock", other(job="12", restart=restart), 0)
    if taken:
        assert hold(tmp_path / ".lock")["restart"] == "2"
    else:
        with pytest.raises(WorkspaceLockedError):
            hold(tmp_path / ".lock")
    written(tmp_path / ".lock", other(job="13", restart=restart), 0)
    with pytest.raises(WorkspaceLockedError):
        hold(tmp_path / ".lock")


@pytest.mark.parametrize("text", ["", "1234\n", "{", "[]", '{"host": "node7"}', "\0\0"])
def test_what_another_version_left_is_taken_over(tmp_path: Path, text: str) -> None:
    written(tmp_path / ".lock", text, 0)
    assert hold(tmp_path / ".lock")["pid"] == os.getpid()


def test_what_another_version_holds_by_the_lock_of_the_kernel_is_respected(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("1234\n")
    with (tmp_path / ".lock").open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        code = (
            "import sys; from pathlib import Path; from alcd_otb.files.lease import leased\n"
            "with leased(Path(sys.argv[1]), 'held'): pass"
        )
        ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / ".lock")], capture_output=True, text=True)
    assert "WorkspaceLockedError" in ended.stderr
    assert (tmp_path / ".lock").read_text() == "1234\n"


@pytest.mark.parametrize("kind", ["link", "dangling", "fifo", "folder"])
def test_what_is_no_ordinary_file_is_refused_and_left(tmp_path: Path, kind: str) -> None:
    precious, path = tmp_path / "thesis.txt", tmp_path / ".lock"
    precious.write_text("years of work")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(precious if kind == "link" else tmp_path / "nowhere")
    with pytest.raises(ProcessingError, match="not a lock file; remove it"):
        hold(path)
    assert precious.read_text() == "years of work"
    assert sorted(file.name for file in tmp_path.iterdir()) == [".lock", "thesis.txt"]


def test_a_hard_link_in_its_place_is_not_written_to(tmp_path: Path) -> None:
    precious = tmp_path / "thesis.txt"
    precious.write_text("years of work")
    os.link(precious, tmp_path / ".lock")
    hold(tmp_path / ".lock")
    assert precious.read_text() == "years of work"


def test_works_on_a_disk_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    with leased(tmp_path / ".lock", HELD), pytest.raises(WorkspaceLockedError):
        hold(tmp_path / ".lock")
    assert list(tmp_path.iterdir()) == []


def test_gives_a_sign_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEWED_EVERY", 0.01)
    with leased(tmp_path / ".lock", HELD):
        os.utime(tmp_path / ".lock", (0, 0))
        for _ in range(1000):
            if (tmp_path / ".lock").stat().st_mtime > 0:
                break
            time.sleep(0.01)
        assert time.time() - (tmp_path / ".lock").stat().st_mtime < 60


def test_who_lost_it_is_told_and_leaves_the_other_ones(tmp_path: Path) -> None:
    with leased(tmp_path / ".lock", HELD) as mine:
        written(tmp_path / "new", other(), 0)
        (tmp_path / "new").replace(tmp_path / ".lock")
        with pytest.raises(WorkspaceLockedError, match="another run took over"):
            mine.check()
    assert json.loads((tmp_path / ".lock").read_text())["host"] == "node7"


def test_one_of_many_that_start_together_gets_an_abandoned_one(tmp_path: Path) -> None:
    code = """
import fcntl, sys, time
from pathlib import Path
fcntl.flock = lambda *_: None
from alcd_otb.errors import WorkspaceLockedError
from alcd_otb.files.lease import leased
print("ready", flush=True)
sys.stdin.readline()
try:
    with leased(Path(sys.argv[1]), "held"):
        print("got", flush=True)
        sys.stdin.read()
except WorkspaceLockedError:
    print("refused", flush=True)
"""
    for _ in range(3):
        written(tmp_path / ".lock", other(), 60)
        command = [sys.executable, "-c", code, str(tmp_path / ".lock")]
        several = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(6)
        ]
        assert {process.stdout.readline() for process in several if process.stdout} == {"ready\n"}
        for process in several:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        answers = [process.stdout.readline() for process in several if process.stdout]
        for process in several:
            process.communicate()
        assert sorted(answers) == ["got\n"] + 5 * ["refused\n"]
