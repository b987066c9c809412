"""The lock, the iterations and what becomes of them when a run dies, by real processes."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alcd_otb.errors import ConfigurationError, ProcessingError, WorkspaceLockedError
from alcd_otb.files.writing import write_json, writing_to
from alcd_otb.workspace import Workspace

HOLDER = """
import sys, time
from pathlib import Path
from alcd_otb.workspace import Workspace
with Workspace(Path(sys.argv[1])).locked():
    {work}
    print("locked", flush=True)
    time.sleep(60)
"""


@contextmanager
def holding(folder: Path, work: str = "pass") -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the workspace, after some work in it."""
    command = [sys.executable, "-c", HOLDER.format(work=work), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()


def lock(workspace: Workspace) -> None:
    with workspace.locked():
        pass


def interrupt(folder: Path) -> None:
    """Leave half of a file, as somebody who stops a run."""
    (folder / "labels.tif").write_text("half")
    raise KeyboardInterrupt


class TestLock:
    def test_excludes_another_process_and_names_it(self, tmp_path: Path) -> None:
        workspace = Workspace(tmp_path / "work")
        with holding(workspace.folder) as holder, pytest.raises(WorkspaceLockedError) as caught:
            lock(workspace)
        assert str(caught.value) == (
            f"{tmp_path}/work: another run (process {holder.pid} on {socket.gethostname()}) holds this workspace; "
            "wait for it or stop it"
        )
        assert caught.value.exit_code == 7

    def test_does_not_outlive_a_killed_process(self, tmp_path: Path) -> None:
        workspace = Workspace(tmp_path)
        with holding(tmp_path) as holder:
            holder.send_signal(signal.SIGKILL)
            holder.wait(10)
            lock(workspace)

    def test_is_dropped_at_the_end_even_by_an_error(self, tmp_path: Path) -> None:
        workspace = Workspace(tmp_path)
        with pytest.raises(ZeroDivisionError), workspace.locked():
            raise ZeroDivisionError
        lock(workspace)

    def test_removes_what_a_killed_run_left(self, tmp_path: Path) -> None:
        work = """
    from alcd_otb.files.writing import write_json
    w = Workspace(Path(sys.argv[1]))
    s = w.scratch(); (s.__enter__() / "features.tif").write_text("half")
    i = w.new_iteration(); (i.__enter__()[1] / "labels.tif").write_text("half")
    (w.folder / ".unfinished-latest").symlink_to("iterations/001")
    (w.folder / ".unfinished-config.json").write_text("{")"""
        with holding(tmp_path, work) as holder:
            assert len(list(tmp_path.rglob(".unfinished-*"))) == 4
            assert {path.stat().st_mode & 0o077 for path in tmp_path.rglob(".unfinished-*") if path.is_dir()} == {0}
            holder.kill()
            holder.wait(10)
        lock(Workspace(tmp_path))
        assert sorted(path.name for path in tmp_path.iterdir()) == ["iterations"]
        assert list((tmp_path / "iterations").iterdir()) == []


class TestIterations:
    def test_appear_when_whole_and_are_the_latest(self, tmp_path: Path) -> None:
        workspace = Workspace(tmp_path)
        for expected in (1, 2):
            with workspace.new_iteration() as (number, folder):
                assert number == expected
                (folder / "labels.tif").write_text(str(number))
                assert len(workspace.iterations()) == expected - 1
            assert (workspace.latest / "labels.tif").read_text() == str(expected)
        assert [path.name for path in workspace.iterations()] == ["001", "002"]
        assert workspace.latest.readlink() == Path("iterations/002")

    def test_that_fail_leave_nothing(self, tmp_path: Path) -> None:
        workspace = Workspace(tmp_path)
        with pytest.raises(KeyboardInterrupt), workspace.new_iteration() as (_, folder):
            interrupt(folder)
        assert workspace.iterations() == ()
        assert list((tmp_path / "iterations").iterdir()) == []
        assert not workspace.latest.is_symlink()

    def test_are_ordered_by_number_beyond_a_thousand(self, tmp_path: Path) -> None:
        for name in ("999", "1000", "002", ".unfinished-998", "notes"):
            (tmp_path / "iterations" / name).mkdir(parents=True)
        workspace = Workspace(tmp_path)
        assert [path.name for path in workspace.iterations()] == ["002", "999", "1000"]
        with workspace.new_iteration() as (number, _):
            assert number == 1001

    def test_a_missing_number_is_not_used_again(self, tmp_path: Path) -> None:
        for name in ("001", "003"):
            (tmp_path / "iterations" / name).mkdir(parents=True)
        with Workspace(tmp_path).new_iteration() as (number, _):
            assert number == 4


class TestLatest:
    @pytest.mark.parametrize("kind", ["folder", "file"])
    def test_that_is_no_link_is_kept_under_another_name(self, tmp_path: Path, kind: str) -> None:
        workspace = Workspace(tmp_path)
        for _ in range(2):
            if kind == "folder":
                workspace.latest.mkdir()
                (workspace.latest / "notes.txt").write_text("mine")
            else:
                workspace.latest.write_text("mine")
            with workspace.new_iteration():
                pass
            assert workspace.latest.is_symlink()
            workspace.latest.unlink()
        kept = [tmp_path / name for name in ("latest_former", "latest_former_2")]
        assert [(path / "notes.txt" if kind == "folder" else path).read_text() for path in kept] == ["mine", "mine"]

    @pytest.mark.parametrize("number", [errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EACCES])
    def test_is_left_out_on_a_disk_without_links(
        self, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def refused(*_: object) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(Path, "symlink_to", refused)
        with Workspace(tmp_path).new_iteration() as (_, folder):
            (folder / "labels.tif").write_text("whole")
        assert (tmp_path / "iterations" / "001" / "labels.tif").read_text() == "whole"
        assert [path.name for path in tmp_path.iterdir()] == ["iterations"]
        assert "the disk has no links" in caplog.text

    def test_what_it_points_to_stays(self, tmp_path: Path) -> None:
        (tmp_path / "elsewhere").mkdir()
        workspace = Workspace(tmp_path / "work")
        workspace.folder.mkdir()
        workspace.latest.symlink_to(tmp_path / "elsewhere")
        with workspace.new_iteration() as (_, folder):
            (folder / "labels.tif").write_text("whole")
        assert list((tmp_path / "elsewhere").iterdir()) == []
        assert workspace.latest.readlink() == Path("iterations/001")


@pytest.mark.parametrize("name", ["iterations", "kfold"])
def test_a_folder_in_the_workspace_that_is_a_link_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / ".unfinished-thesis").write_text("mine")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProcessingError, match=f"{name}: is a link to .*, and nothing is written through links"):
        lock(Workspace(tmp_path / "work"))
    assert (tmp_path / "elsewhere" / ".unfinished-thesis").read_text() == "mine"


def test_a_run_that_lost_its_lock_delivers_nothing(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with pytest.raises(WorkspaceLockedError), workspace.locked() as lease, workspace.new_iteration(lease):
        (tmp_path / ".lock").unlink()
    assert workspace.iterations() == ()


def test_scratch_is_gone_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Workspace(tmp_path).scratch() as folder:
        interrupt(folder)
    assert list(tmp_path.iterdir()) == []


class TestJson:
    def test_is_replaced_in_one_step(self, tmp_path: Path) -> None:
        path = tmp_path / "metrics.json"
        write_json(path, {"city": "Orléans"})
        with path.open(encoding="utf-8") as open_before:
            write_json(path, {"city": "Arles"})
            # A reader that began before still reads the whole of what it began with.
            assert json.load(open_before) == {"city": "Orléans"}
        assert json.loads(path.read_text(encoding="utf-8")) == {"city": "Arles"}
        assert [one.name for one in tmp_path.iterdir()] == ["metrics.json"]

    def test_that_cannot_be_written_leaves_the_old_one(self, tmp_path: Path) -> None:
        path = tmp_path / "metrics.json"
        write_json(path, {"kappa": None})
        with pytest.raises(ValueError, match="JSON"):
            write_json(path, {"kappa": float("nan")})
        assert json.loads(path.read_text()) == {"kappa": None}
        assert [one.name for one in tmp_path.iterdir()] == ["metrics.json"]

    @given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner)))
    def test_reads_back_as_it_was(self, tmp_path_factory: pytest.TempPathFactory, content: object) -> None:
        path = tmp_path_factory.getbasetemp() / "any.json"
        write_json(path, content)
        assert json.loads(path.read_text(encoding="utf-8")) == content


class TestRefusedWriting:
    @pytest.mark.parametrize(
        ("number", "remedy"),
        [
            (errno.ENOSPC, "free some space"),
            (errno.EDQUOT, "free some of your quota"),
            (errno.EROFS, "choose a workspace on a writable disk"),
            (errno.EACCES, "choose a workspace that you may write to"),
        ],
    )
    def test_names_the_file_and_the_remedy(self, tmp_path: Path, number: int, remedy: str) -> None:
        with pytest.raises(ProcessingError) as caught, writing_to(tmp_path):
            raise OSError(number, os.strerror(number), "labels.tif")
        assert str(caught.value) == f"labels.tif: cannot be written ({os.strerror(number)}); {remedy}"

    @pytest.mark.parametrize("error", [ValueError("bug"), ConfigurationError("wrong")])
    def test_leaves_other_errors_alone(self, tmp_path: Path, error: Exception) -> None:
        with pytest.raises(type(error)) as caught, writing_to(tmp_path):
            raise error
        assert caught.value is error

    def test_a_file_in_the_way_of_the_folder(self, tmp_path: Path) -> None:
        (tmp_path / "work").write_text("a file")
        with pytest.raises(ProcessingError, match=r"work: cannot be written \(File exists\); move it away"):
            lock(Workspace(tmp_path / "work"))

    def test_a_file_in_the_way_of_the_folder_above(self, tmp_path: Path) -> None:
        (tmp_path / "work").write_text("a file")
        with pytest.raises(ProcessingError, match=r"work/it: cannot be written \(Not a directory\); move it away"):
            lock(Workspace(tmp_path / "work" / "it"))
