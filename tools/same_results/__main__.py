"""Show that two versions of the program give the same results: run the same jobs with both, and compare all files.

.venv/bin/python tools/same_results BEFORE AFTER

BEFORE and AFTER are two checkouts with an environment each (make install). Every job is run through their command
lines, with the same input files and in the same folder, one checkout after the other.

Exit codes: 0, nothing differs; 1, something does, or a command failed on both sides; 2, it could not be tried.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from cases import CASES, skipped
from checkout import Checkout, CheckoutError, CommandError, Job
from comparing import Compared, compare_case
from inputs import Inputs, make_inputs
from normalising import Run

SIDES = ("before", "after")
FAILED = "failed.txt"
"""Name of a file in the folder of a case with a failed command."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    # Nothing is written into the checkouts. A module of their tests is imported.
    sys.dont_write_bytecode = True
    if options.work:
        options.work.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="same_results_", dir=options.work)).resolve()
    try:
        return _compare_checkouts([options.before, options.after], work, options.only or list(CASES))
    except (CheckoutError, CommandError) as error:
        print(f"same_results: {error}", file=sys.stderr)
        return 2
    finally:
        if options.keep:
            print(f"kept in {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/same_results", description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, metavar="BEFORE", help="a checkout with its .venv")
    parser.add_argument("after", type=Path, metavar="AFTER", help="another")
    parser.add_argument("--work", type=Path, metavar="FOLDER", help="where to make the folder of the results")
    parser.add_argument("--keep", action="store_true", help="leave the results there")
    parser.add_argument("--only", nargs="+", choices=CASES, metavar="CASE", help=f"of {', '.join(CASES)}")
    return parser.parse_args(arguments)


def _compare_checkouts(folders: Sequence[Path], work: Path, names: Sequence[str]) -> int:
    start = datetime.now(UTC)
    checkouts = [Checkout.open(folder, work) for folder in folders]
    versions = [one.version for one in checkouts]
    if versions[0] != versions[1]:
        told = " and ".join(versions)
        raise CheckoutError(f"versions {told}: nearly every file tells its own; give both checkouts the same")
    _tell("inputs")
    inputs = make_inputs(checkouts[0], work / "inputs")
    have_sklearn = all(one.has("sklearn", work) for one in checkouts)
    reasons = {name: reason for name in names if (reason := skipped(name, inputs, have_sklearn))}
    cases = [name for name in names if name not in reasons]
    before, after = (
        _run(checkout, work, side, start, cases, inputs) for checkout, side in zip(checkouts, SIDES, strict=True)
    )
    compared = {name: compare_case(name, (before, after)) for name in cases}
    return _report(compared, reasons, work)


def _run(checkout: Checkout, work: Path, side: str, start: datetime, cases: Sequence[str], inputs: Inputs) -> Run:
    """Run the cases in a folder of one name for both sides, so that the paths in their files are the same."""
    running = work / "run"
    for name in cases:
        begun = time.monotonic()
        folder = running / name
        folder.mkdir(parents=True)
        try:
            CASES[name](Job(checkout, folder), inputs)
        except CommandError as error:
            (folder / FAILED).write_text(f"{error}\n", "utf-8")
            _tell(f"{side}: {name}: {error}")
        _tell(f"{side}: {name}, {time.monotonic() - begun:.0f} s")
    run = Run(work / side, work, checkout.folder, start, datetime.now(UTC))
    running.rename(run.folder)
    run.digest_files()
    return run


def _report(compared: dict[str, Compared], reasons: dict[str, str], work: Path) -> int:
    failed = [name for name in compared if all((work / side / name / FAILED).exists() for side in SIDES)]
    width = max(map(len, (*compared, *reasons, "case")))
    print(f"{'case':<{width}}  files  differences")
    for name, one in compared.items():
        told = "  a command failed on both sides" if name in failed else ""
        print(f"{name:<{width}}  {one.files:>5}  {len(one.differences):>11}{told}")
    for name, reason in reasons.items():
        print(f"{name:<{width}}  skipped: {reason}")
    names = Counter(name for one in compared.values() for name in one.other_bytes)
    parts = {
        "wording differs": [line for one in compared.values() for line in one.wording],
        "same content in other bytes, such as times": [f"{name}, {names[name]} files" for name in sorted(names)],
        "differences, before | after": [line for one in compared.values() for line in one.differences],
    }
    for title, lines in parts.items():
        if lines:
            print(f"\n{title}:", *lines, sep="\n  ")
    return 1 if failed or any(one.differences for one in compared.values()) else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
