"""Unfinished folders, and how a finished folder takes its place, with kills at every step by real processes."""

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from alcd_otb.errors import ProcessingError
from alcd_otb.files import folders
from alcd_otb.files.folders import (
    check_no_link,
    put_in_place,
    remove_unfinished,
    restore_former,
    scratch_folder,
)


def folder_with(path: Path, text: str) -> Path:
    path.mkdir(parents=True)
    (path / "a.txt").write_text(text)
    return path


def text_in(path: Path) -> str:
    return (path / "a.txt").read_text()


def killed_at(number: int, act: Callable[[], None]) -> bool:
    """Run in a child process that dies just before the given one of its renames. Return whether it died."""
    child = os.fork()
    if child == 0:
        rename, count = Path.rename, 0

        def counted(self: Path, target: Path) -> Path:
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return rename(self, target)

        Path.rename = counted  # type: ignore[method-assign, assignment]
        act()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


class TestScratch:
    def test_is_private_and_unguessable_and_gone_at_the_end(self, tmp_path: Path) -> None:
        with scratch_folder(tmp_path) as first, scratch_folder(tmp_path) as second:
            assert first != second
            assert {path.stat().st_mode & 0o777 for path in (first, second)} == {0o700}
            folder_with(first / "part", "half")
        assert list(tmp_path.iterdir()) == []

    def test_what_a_kill_left_is_removed_and_links_in_it_are_not_followed(self, tmp_path: Path) -> None:
        precious = folder_with(tmp_path / "precious", "mine")
        work = tmp_path / "work"
        (work / ".unfinished-1").mkdir(parents=True)
        for link in (work / ".unfinished-2", work / ".unfinished-1" / "link"):
            link.symlink_to(precious)
        (work / "kept").mkdir()
        remove_unfinished(work)
        assert [path.name for path in work.iterdir()] == ["kept"]
        assert text_in(precious) == "mine"


class TestPutInPlace:
    def test_where_nothing_is(self, tmp_path: Path) -> None:
        put_in_place(folder_with(tmp_path / "made", "new"), tmp_path / "out")
        assert text_in(tmp_path / "out") == "new"
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    @pytest.mark.parametrize("exchange", [True, False])
    def test_where_a_former_one_is(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool) -> None:
        if not exchange:
            monkeypatch.setattr(folders, "_exchanged", lambda *_: False)
        folder_with(tmp_path / "out", "former")
        put_in_place(folder_with(tmp_path / "made", "new"), tmp_path / "out")
        assert text_in(tmp_path / "out") == "new"
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    def test_a_link_is_replaced_and_not_followed(self, tmp_path: Path) -> None:
        precious = folder_with(tmp_path / "precious", "mine")
        (tmp_path / "out").symlink_to(precious)
        put_in_place(folder_with(tmp_path / "made", "new"), tmp_path / "out")
        assert (text_in(precious), text_in(tmp_path / "out")) == ("mine", "new")
        assert not (tmp_path / "out").is_symlink()

    def test_an_empty_folder_does_not_replace_a_full_one(self, tmp_path: Path) -> None:
        folder_with(tmp_path / "out", "former")
        (tmp_path / "made").mkdir()
        with pytest.raises(ProcessingError, match="made: is empty"):
            put_in_place(tmp_path / "made", tmp_path / "out")
        assert text_in(tmp_path / "out") == "former"

    @pytest.mark.parametrize("exchange", [True, False])
    def test_a_kill_at_any_rename_leaves_one_of_the_two(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: bool
    ) -> None:
        if not exchange:
            monkeypatch.setattr(folders, "_exchanged", lambda *_: False)
        kills = 0
        for number in range(1, 6):
            base = tmp_path / str(number)
            made, out = folder_with(base / "made", "new"), folder_with(base / "out", "former")
            died = killed_at(number, lambda made=made, out=out: put_in_place(made, out))  # type: ignore[misc]
            kills += died
            if exchange:
                # At every moment, without any mending.
                assert out.is_dir()
            restore_former(out)
            assert text_in(out) == ("former" if died else "new")
            assert not (base / ".former-out").exists()
        assert kills == (0 if exchange else 2)

    def test_another_error_than_a_missing_step_is_told(self, tmp_path: Path) -> None:
        folder_with(tmp_path / "out", "former")
        with pytest.raises(OSError, match="File name too long") as caught:
            folders._exchanged(tmp_path / "out", tmp_path / ("a" * 300))
        assert caught.value.errno == errno.ENAMETOOLONG


class TestLinks:
    def test_are_refused_inside_a_workspace(self, tmp_path: Path) -> None:
        folder_with(tmp_path / "elsewhere", "mine")
        (tmp_path / "iterations").symlink_to("elsewhere")
        with pytest.raises(ProcessingError, match="iterations: is a link to elsewhere, and nothing is written"):
            check_no_link(tmp_path / "iterations")

    def test_files_are_refused_and_what_is_absent_is_right(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ProcessingError, match="it is not a folder"):
            check_no_link(tmp_path / "file")
        check_no_link(tmp_path / "absent")
        check_no_link(tmp_path)
