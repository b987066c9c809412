"""Which files a delivery replaces, and what it leaves alone."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.files.delivery import check_own, deliver


def made(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name != "SHA256SUMS"
    }


def test_the_next_delivery_replaces_and_removes_what_the_last_one_wrote(tmp_path: Path) -> None:
    out = made(tmp_path / "out", notes="mine", part__notes="mine too")
    deliver(made(tmp_path / "first", a="1", part__b="2", gone__c="3"), out)
    assert contents(out) == {"a": "1", "gone/c": "3", "notes": "mine", "part/b": "2", "part/notes": "mine too"}
    deliver(made(tmp_path / "second", a="4"), out)
    assert contents(out) == {"a": "4", "notes": "mine", "part/notes": "mine too"}
    assert not (out / "gone").exists()
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=out, capture_output=True, text=True
    )
    assert (checked.returncode, checked.stdout) == (0, "a: OK\n")
    assert (out / "SHA256SUMS").read_text() == f"{hashlib.sha256(b'4').hexdigest()}  a\n"


@pytest.mark.parametrize("change", ["text", "link", "folder", "dangling"])
@pytest.mark.parametrize("delivered", [True, False])
def test_what_a_person_put_there_is_left_as_it_is(tmp_path: Path, change: str, delivered: bool) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.write_text("1")
    out.mkdir()
    if delivered:
        deliver(made(tmp_path / "first", a="1", b="2"), out)
        (out / "a").unlink()
    if change == "text":
        (out / "a").write_text("labels")
    elif change == "folder":
        (out / "a").mkdir()
    else:
        (out / "a").symlink_to(elsewhere if change == "link" else tmp_path / "nowhere")
    before = contents(out)
    with pytest.raises(ConfigurationError, match="a: was not made here by this command, or was changed since"):
        deliver(made(tmp_path / "second", a="3", b="4"), out)
    assert contents(out) == before
    assert elsewhere.read_text() == "1"
    assert not (tmp_path / "nowhere").exists()


def test_nothing_is_delivered_through_a_linked_folder(tmp_path: Path) -> None:
    out = made(tmp_path / "out")
    out.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (out / "part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ProcessingError, match="part: is a link"):
        deliver(made(tmp_path / "new", part__a="1"), out)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_list_that_names_files_elsewhere_removes_none_of_them(tmp_path: Path) -> None:
    out = made(tmp_path / "out")
    out.mkdir()
    (tmp_path / "thesis").write_text("1")
    digest = hashlib.sha256(b"1").hexdigest()
    (out / "SHA256SUMS").write_text(f"{digest}  ../thesis\n{digest}  {tmp_path / 'thesis'}\n")
    deliver(made(tmp_path / "new", a="1"), out)
    assert (tmp_path / "thesis").read_text() == "1"


def die_at_replacement(number: int) -> None:
    """End the process just before the given one of its replacements of files."""
    replace, count = os.replace, 0

    def counted(source: Path, target: Path) -> None:
        nonlocal count
        count += 1
        if count == number:
            os._exit(9)
        replace(source, target)

    os.replace = counted  # type: ignore[assignment]


def test_a_killed_delivery_may_be_repeated(tmp_path: Path) -> None:
    """A child dies at each of its renames in turn; the files are then of the earlier delivery or of the new one."""
    deaths = 0
    for number in range(1, 8):
        base = tmp_path / str(number)
        deliver(made(base / "first", a="1", b="2", c="3"), made(base / "out", notes="mine"))
        new = {"a": "4", "b": "5", "d": "6"}
        child = os.fork()
        if child == 0:
            die_at_replacement(number)
            deliver(made(base / "second", **new), base / "out")
            os._exit(0)
        deaths += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
        check_own(base / "out", ["a", "b", "c", "d"])
        deliver(made(base / "third", **new), base / "out")
        assert contents(base / "out") == {**new, "notes": "mine"}
    assert deaths == 5
