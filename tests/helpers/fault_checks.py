"""Check a command that was disturbed: how it ends, which files it leaves, and what the next command makes."""

import random
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

from fault_jobs import Bench, Job, labels_of, lost_labels, results, users_files
from faults import KINDS, Call, Ended, Fault

_ENDS = {0, 5, 6, 7}
"""Exit codes of a command whose input is right."""
_KILLED_AT = ("rename", "exchange", "link", "symlink", "unlink", "rmdir", "open truncating")
_UNCLEAR = re.compile(r"None|Errno|\(\)|\bhGeom\b|itk::|sqlite3_")
_PASSING = (".unfinished-", ".former-", ".lock-")
"""Prefixes of the names of temporary files."""
_COUNTED = re.compile(r"_(former|before_iteration)_\d+(_\d+)?(?=\.)")


def disturbed(bench: Bench, job: Job, fault: Fault) -> list[str]:
    """Run a command with a fault, then without. Returns all that is wrong, one line each."""
    after, _ = bench.undisturbed(job)
    bench.enter(job.state)
    before, kept, labels = results(bench.root), users_files(bench.root, job), labels_of(bench.root, job)
    first = bench.faults.run(bench.arguments(job), fault)
    wrong = list(_wrong_end(first, fault))
    wrong += _wrong_files(bench, job, before, after)
    wrong += _lost(bench.root, job, kept, labels)
    finished = _same(results(bench.root), after)
    if first.code == 0 and finished:
        wrong.append(f"ended well, with other results: {finished}")
    again = bench.faults.run(bench.arguments(job))
    differing = _same(results(bench.root), after)
    if again.code != 0 and not (again.code == 2 and not finished):
        wrong.append(f"the next one ended with {again.code}: {_last(again)}")
    elif differing:
        wrong.append(f"the next one gave other results: {differing}")
    left = sorted(
        str(path.relative_to(bench.root)) for path in bench.root.rglob(".*") if path.name.startswith(_PASSING)
    )
    if left:
        wrong.append(f"left behind after the next one: {', '.join(left)}")
    wrong += [f"after the next one: {line}" for line in _lost(bench.root, job, kept, labels)]
    hit = first.call(fault.number)
    return [f"{job} | {hit} | {str(fault).replace(f' at call {fault.number}', '')} | {line}" for line in wrong]


def _wrong_end(ended: Ended, fault: Fault) -> Iterator[str]:
    if fault.kill and ended.code == -9:
        return iter(["did not end"] if ended.hung else [f"{ended.left} processes outlived it"] if ended.left else [])
    return wrong_words(ended, _ENDS)


def wrong_words(ended: Ended, codes: Set[int]) -> Iterator[str]:
    """Describe errors in the end of a command: its code, and its one line of error."""
    if ended.hung or ended.left:
        yield "did not end" if ended.hung else f"{ended.left} processes outlived it"
    errors = [line for line in ended.stderr.splitlines() if not line.startswith(("INFO: ", "WARNING: "))]
    if "Traceback" in ended.stderr or "Exception ignored" in ended.stderr:
        yield f"traceback: {_last(ended)}"
    elif ended.code not in codes:
        yield f"exit code {ended.code}: {_last(ended)}"
    elif len(errors) != (ended.code != 0):
        yield f"{len(errors)} lines of error: {errors}"
    elif _UNCLEAR.search(" ".join(errors)):
        yield f"unclear message: {errors}"


def _wrong_files(bench: Bench, job: Job, before: dict[str, str], after: dict[str, str]) -> Iterable[str]:
    """Return files under their final names that differ from before and from the undisturbed command."""
    present = results(bench.root)
    for name, said in present.items():
        if Path(name).name == "SHA256SUMS":
            # While files are delivered, it holds the checksums of the earlier and of the new files.
            continue
        if name.endswith("-journal"):
            # SQLite's own, by which it undoes what was not completed.
            continue
        same = {_COUNTED.sub("", name), name}
        if said not in {files.get(one) for files in (before, after) for one in same} and not (
            _COUNTED.search(name) and said in after.values()
        ):
            yield f"{name} is neither as before nor as after: {said}"
    for whole in (*job.wholes, *_iterations(present)):
        parts = [{name: said for name, said in files.items() if name.startswith(f"{whole}/")} for files in
                 (present, before, after)]  # fmt: skip
        if parts[0] not in parts[1:]:
            yield f"{whole} is neither the earlier nor the new one: {_same(parts[0], parts[2])}"


def _iterations(present: dict[str, str]) -> set[str]:
    return {name[: name.index("latest/") + 6] for name in present if "latest/" in name}


def _lost(root: Path, job: Job, kept: dict[str, str], labels: dict[str, object]) -> list[str]:
    present = users_files(root, job)
    changed = [name for name, said in kept.items() if present.get(name) != said]
    return [f"the user's {name} is changed" for name in changed] + [
        f"the user's labels of {name} are lost" for name in lost_labels(root, labels)
    ]


def _same(present: dict[str, str], expected: dict[str, str]) -> str:
    """Name files that differ; copies of earlier labels may exist under more numbers."""
    names = sorted(
        name for name in present | expected if present.get(name) != expected.get(name) and not _COUNTED.search(name)
    )
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _last(ended: Ended) -> str:
    lines = ended.stderr.strip().splitlines()
    return lines[-1][:200] if lines else "nothing said"


def distinct(calls: Sequence[Call]) -> list[Call]:
    """Choose the first and the last of the calls of each function on each path, which may be hundreds."""
    found: dict[str, list[Call]] = {}
    for call in calls:
        found.setdefault(call.place, []).append(call)
    chosen = {call.number: call for same in found.values() for call in (same[0], same[-1])}
    return [chosen[number] for number in sorted(chosen)]


def failing(bench: Bench, job: Job, draw: random.Random) -> list[Fault]:
    """Return a fault at each distinct call of a command, with an error drawn, a tenth of them lasting."""
    faults = []
    for call in distinct(bench.undisturbed(job)[1].calls):
        error, lasting = draw.choice(KINDS), draw.random() < 0.1
        # A signal interrupts one call. Python repeats the call until it is not interrupted (PEP 475).
        faults.append(Fault(call.number, error, lasting=lasting and error != "EINTR"))
    return faults


def killing(bench: Bench, job: Job) -> list[Fault]:
    """Return a kill before and after each renaming, linking, removal, and emptying of a file."""
    calls = bench.undisturbed(job)[1].calls
    places = [call for call in calls if call.function in _KILLED_AT]
    return [Fault(call.number, kill=when) for call in distinct(places) for when in ("before", "after")]
