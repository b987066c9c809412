"""Where an export is written: what it replaces, what it refuses, and that it is there whole or not at all."""

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from exports import export
from scenes import FinishedScene, alcd, leftovers, refused

from alcd_otb.errors import ProcessingError
from alcd_otb.export import job
from alcd_otb.export.target import unfinished

SCENE = "31TFJ_20180331T103021"


def test_what_is_no_export_is_never_replaced(finished: FinishedScene, tmp_path: Path) -> None:
    workspace = finished.result.workspace
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine", "utf-8")
    (tmp_path / "file").write_text("mine", "utf-8")
    for replacing in ((), ("--replace",)):
        arguments = ("--layout", "cog", *replacing)
        said = refused(2, "export", workspace, tmp_path / "full", *arguments)
        assert said == f"{tmp_path / 'full'}: exists and is not an export; name another folder"
        assert "is not a folder" in refused(2, "export", workspace, tmp_path / "file", *arguments)
    assert (tmp_path / "full" / "thesis.txt").read_text("utf-8") == "mine"
    assert "there is no such folder" in refused(2, "export", workspace, tmp_path / "no" / "out", "--layout", "cog")


def test_a_workspace_is_not_written_over(dated: Callable[..., Path]) -> None:
    workspace = dated("Arles", "20180331")
    for target, expected in (
        (workspace, "holds the workspace"),
        (workspace.parent, "holds the workspace"),
        (workspace / "iterations" / "002", "lies among the iterations"),
    ):
        said = refused(2, "export", workspace, target, "--layout", "cog", "--replace")
        assert expected in said
    assert [path.name for path in (workspace / "iterations").iterdir()] == ["001"]


def test_an_earlier_export_of_the_layout_is_replaced(dated: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    export([dated("Arles", "20180331")], out, "cog")
    export([dated("Nimes", "20180410")], out, "cog")
    assert [path.name for path in out.iterdir() if path.is_dir()] == ["31TFJ_20180410T103021"]
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("change", ["added", "edited", "sums"])
def test_what_was_done_to_an_export_is_not_lost(change: str, finished: FinishedScene, tmp_path: Path) -> None:
    workspace, out = finished.result.workspace, tmp_path / "out"
    export([workspace], out, "cog")
    file = {"added": out / SCENE / "notes.txt", "edited": out / "README.md", "sums": out / "SHA256SUMS"}[change]
    if change == "sums":
        file.unlink()
    else:
        file.write_text("mine", "utf-8")
    said = refused(2, "export", workspace, out, "--layout", "cog")
    assert said == f"{file}: was changed or added since the export; move it away, or discard it with --replace"
    export([workspace], out, "cog", replace=True)
    assert change != "added" or not file.exists()


def test_another_layout_is_replaced_only_on_demand(finished: FinishedScene, tmp_path: Path) -> None:
    workspace, out = finished.result.workspace, tmp_path / "out"
    export([workspace], out, "cog")
    said = refused(2, "export", workspace, out, "--layout", "zenodo")
    assert "is an export of layout cog; name another folder, or replace it with --replace" in said
    ended = alcd("export", workspace, out, "--layout", "zenodo", "--replace")
    assert ended.returncode == 0, ended.stderr
    assert not (out / SCENE).exists()


def test_a_failure_leaves_the_earlier_export(
    finished: FinishedScene, dated: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    export([finished.result.workspace], out, "cog")
    before = (out / "SHA256SUMS").read_bytes()
    broken = dated("Nimes", "20180410")
    (broken / "preview.jpg").write_bytes(b"no picture")
    assert "preview.jpg: cannot be read" in refused(3, "export", broken, out, "--layout", "cog")
    confidence = broken / "iterations" / "001" / "confidence_smoothed.tif"
    confidence.write_bytes(b"II*")
    for layout in ("cog", "zenodo"):
        said = refused(5, "export", broken, out, "--layout", layout, "--replace")
        assert f"cannot be written from {confidence}" in said
    assert (out / "SHA256SUMS").read_bytes() == before
    assert leftovers(tmp_path) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from alcd_otb.export.target import unfinished
with unfinished(Path(sys.argv[1])) as folder:
    (folder / "half.tif").write_bytes(b"II*")
    print(folder, flush=True)
    {then}
"""


def test_what_a_killed_export_left_is_removed(finished: FinishedScene, tmp_path: Path) -> None:
    code = KILLED.format(then="os.kill(os.getpid(), signal.SIGKILL)")
    ended = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert (Path(ended.stdout.strip()) / "half.tif").is_file()
    export([finished.result.workspace], tmp_path / "out", "cog")
    assert not (tmp_path / "out" / "half.tif").exists()
    assert leftovers(tmp_path) == []


def test_two_exports_to_one_place_exclude_each_other(finished: FinishedScene, tmp_path: Path) -> None:
    code = KILLED.format(then="input()")
    command = [sys.executable, "-c", code, str(tmp_path / "out")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        said = refused(7, "export", finished.result.workspace, tmp_path / "out", "--layout", "cog")
        holder.kill()
    assert f"another export (process {holder.pid} on {socket.gethostname()}) writes to it" in said


def test_a_folder_linked_under_a_temporary_name_is_left_alone(finished: FinishedScene, tmp_path: Path) -> None:
    precious, shared = tmp_path / "precious", tmp_path / "shared"
    precious.mkdir()
    shared.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with unfinished(shared / "out") as folder:
        label = folder.parent.name[: -len("0123456789abcdef")]
    for name in (".unfinished-out", f"{label}0123456789abcdef", ".former-out"):
        (shared / name).symlink_to(precious)
    export([finished.result.workspace], shared / "out", "cog")
    assert (precious / "thesis.txt").read_text() == "years of work"
    assert (shared / "out" / "export.json").is_file()


@pytest.mark.parametrize("tile", ["../../TILE", "/tmp/TILE", ".", "", "31tfj", "31TFJ/..", 31, ["31TFJ"], "31TFJ\n"])
def test_a_tile_that_is_none_names_no_folder(finished: FinishedScene, tmp_path: Path, tile: object) -> None:
    workspace = tmp_path / "a" / "b" / "workspace"
    shutil.copytree(finished.result.workspace, workspace, symlinks=True)
    file = workspace / "iterations" / "001" / "config.json"
    config = json.loads(file.read_text("utf-8"))
    config["products"]["cloudy"]["tile"] = tile
    file.write_text(json.dumps(config), "utf-8")
    said = refused(3, "export", workspace, tmp_path / "a" / "b" / "out", "--layout", "cog")
    assert said == f"{file}: {tile!r} is not a tile such as 31TFJ; run the scene again"
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["workspace"]


@pytest.mark.parametrize("name", ["../../product", "/tmp/product", "..", "", "a\nb", "a" * 300, "x\0y"])
def test_a_name_of_a_product_that_is_none_names_no_folder(finished: FinishedScene, tmp_path: Path, name: str) -> None:
    workspace = tmp_path / "a" / "b" / "workspace"
    shutil.copytree(finished.result.workspace, workspace, symlinks=True)
    file = workspace / "iterations" / "001" / "config.json"
    config = json.loads(file.read_text("utf-8"))
    config["products"]["cloudy"]["name"] = name
    file.write_text(json.dumps(config), "utf-8")
    said = refused(3, "export", workspace, tmp_path / "a" / "b" / "out", "--layout", "zenodo")
    # No text of a file may hold a NUL, whatever it is for.
    expected = "cannot be read (it is not valid JSON" if "\0" in name else f"{name!r} cannot be the name of a folder"
    assert said.startswith(f"{file}: {expected}")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == ["workspace"]


def test_a_full_disk_is_told_of(finished: FinishedScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "overview.png"))

    monkeypatch.setattr(job, "draw_overview", full)
    with pytest.raises(ProcessingError, match="free some space"):
        export([finished.result.workspace], tmp_path / "out", "cog")
    assert list(tmp_path.iterdir()) == []
