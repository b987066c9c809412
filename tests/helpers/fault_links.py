"""Place links where a command writes, and check that their targets are not changed."""

import os
import shutil
from fnmatch import fnmatch
from pathlib import Path

from fault_checks import wrong_words
from fault_contents import raw
from fault_jobs import Bench, Job
from faults import usual

LINKS = ("a link to a file", "a link to a folder", "a link to nothing", "a hard link")
_ENDS = {0, 2, 3, 4, 5, 6, 7}
_WORDS = "what somebody else wrote\n"


def written_paths(bench: Bench, job: Job) -> list[str]:
    """Return the paths that a command writes to, and the folders that hold them, but for names drawn by chance."""
    calls = bench.undisturbed(job)[1].calls
    files = {path.removesuffix(" (deleted)") for call in calls for path in call.paths if not path.startswith("/")}
    bench.enter(job.state)
    before = _raw(bench.root)
    again = bench.faults.run(bench.arguments(job))
    seen = {path for call in again.calls for path in call.paths}
    # What is put in place with its folder is named by no call.
    made = {path for path, said in _raw(bench.root).items() if before.get(path) != said}
    files = {path for path in files & seen if usual(path) == path} | made
    folders = {str(parent) for path in files for parent in Path(path).parents if str(parent) != "."}
    return sorted((files | folders) - {".", ""})


def planted(bench: Bench, job: Job, path: str, kind: str) -> list[str]:
    """Run a command with a link at a path. Returns all that is wrong, one line each."""
    bench.enter(job.state)
    place, outside = bench.root / path, bench.faults.place / "outside"
    shutil.rmtree(outside, ignore_errors=True)
    (outside / "folder").mkdir(parents=True)
    for file in ("file", "folder/file"):
        (outside / file).write_text(_WORDS)
    place.parent.mkdir(parents=True, exist_ok=True)
    if not _plant(place, outside, kind):
        return []
    before = _raw(outside)
    ended = bench.faults.run(bench.arguments(job))
    after = _raw(outside)
    wrong = list(wrong_words(ended, _ENDS))
    watched = ["folder/file"] if _is_own(job, path) else before
    changed = sorted(name for name in watched if before[name] != after.get(name))
    if changed:
        wrong.append(f"changed outside: {', '.join(changed[:4])}{' ...' if len(changed) > 4 else ''}")
    added = sorted(after.keys() - before.keys())
    if added and not _is_own(job, path):
        wrong.append(f"made outside: {', '.join(added[:4])}{' ...' if len(added) > 4 else ''}")
    return [f"{job} | {path} | {kind} | code {ended.code} | {line}" for line in wrong]


def _is_own(job: Job, path: str) -> bool:
    """Whether a path is that of a workspace or the results, which may lie on another disk."""
    return path in ("work", "demo", "imported") or path in job.arguments or fnmatch(path, "demo/synthetic_*[0-9]")


def _plant(place: Path, outside: Path, kind: str) -> bool:
    """Put a link instead of a file or folder, whose content is moved to where it leads."""
    is_folder = place.is_dir() and not place.is_symlink()
    there = os.path.lexists(place)
    if kind == "a link to a file" and not is_folder:
        if there:
            shutil.move(place, outside / "file")
        place.symlink_to(outside / "file")
    elif kind == "a link to a folder" and (is_folder or not there):
        if is_folder:
            shutil.copytree(place, outside / "folder", dirs_exist_ok=True, symlinks=True)
            shutil.rmtree(place)
        place.symlink_to(outside / "folder")
    elif kind == "a link to nothing":
        if there:
            (shutil.rmtree if is_folder else Path.unlink)(place)
        place.symlink_to(outside / "nothing")
    elif kind == "a hard link" and not is_folder and not place.is_symlink():
        if there:
            shutil.move(place, outside / "file")
        os.link(outside / "file", place)
    else:
        return False
    return True


def _raw(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): raw(path) for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()
    }
