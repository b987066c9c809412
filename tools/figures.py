"""Write the tables of figures in the documentation from the dated results in benchmarks/results.

.venv/bin/python tools/figures.py            # write the tables
.venv/bin/python tools/figures.py --check    # end with 1 if a table is out of date

A table stands between ``<!-- figures: NAME -->`` and ``<!-- end -->``. The last result of a benchmark counts.
"""

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
SCENES = 31_000
"""Scenes of the large batch in docs/how_to/batch.md."""

STRATEGIES = {"proposed": "proposed places", "random": "random places", "lowest": "lowest confidence"}


def result(benchmark: str) -> tuple[Any, str]:
    """Return the last result of a benchmark, and the line that names its source."""
    file = max(RESULTS.glob(f"*_{benchmark}.json"))
    date = file.name.partition("_")[0]
    return json.loads(file.read_text(encoding="utf-8")), f"*Measured with `benchmarks/{benchmark}.py`, {date}.*"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def seconds(value: float) -> str:
    """Return a duration with two significant digits, or whole seconds."""
    return f"{value:.0f} s" if value >= 10 else f"{value:.1f} s"


def gigabytes(megabytes: float) -> str:
    """Return a size in gigabytes."""
    return f"{megabytes / 1000:.2g} GB"


def tile() -> str:
    """Return the cost of a full tile."""
    content, source = result("speed")
    costs = content["costs"]
    names = {"first run, with preparation": "first run, with preparation", "turn": "each later iteration"}
    rows = [
        (words, seconds(cost["seconds"]), gigabytes(cost["peak_megabytes"]), gigabytes(cost["written_megabytes"]))
        for name, words in names.items()
        for cost in [costs[f"{name}, 10980 px"]]
    ]
    head = (f"a whole tile at 60 m, {content['machine']['threads']} processors", "time", "memory", "written")
    return f"{table(head, rows)}\n\n{source}"


def sizes() -> str:
    """Return the cost of scenes of several sizes."""
    content, source = result("speed")
    rows = [
        (f"{pixels} x {pixels}", f"{pixels * 10 / 1000:.0f} km", seconds(first["seconds"]), seconds(later["seconds"]))
        for pixels in (2748, 5490, 10980)
        for first in [content["costs"][f"first run, with preparation, {pixels} px"]]
        for later in [content["costs"][f"turn, {pixels} px"]]
    ]
    return f"{table(('pixels of 10 m', 'side', 'first run', 'later iteration'), rows)}\n\n{source}"


def classifiers() -> str:
    """Return the cost of classifying a whole tile, with this and other programs."""
    content, source = result("speed")
    names = {
        "ImageClassifier, fast forest, {}": "OTB's ImageClassifier with the fast forest of this package",
        "ImageClassifier, {}": "OTB's own ImageClassifier",
        "scikit-learn, predict_proba alone, {}": "scikit-learn's RandomForestClassifier, from an array in memory",
    }
    rows = [
        (words, *(seconds(content["costs"][name.format(points)]["seconds"]) for points in (25, 75)))
        for name, words in names.items()
    ]
    head = ("the same forest on a whole tile at 60 m", "25 points a class", "75 points a class")
    return f"{table(head, rows)}\n\n{source}"


def preparation() -> str:
    """Return the cost of the preparation, beside decoding alone."""
    content, source = result("preparation")
    rows = [
        ("decoding of the bands alone", seconds(content["floor_seconds"]), "-"),
        ("preparation", seconds(content["preparation_seconds"]), gigabytes(content["peak_megabytes"])),
    ]
    return f"{table(('a whole tile at 60 m', 'time', 'memory'), rows)}\n\n{source}"


def resolution() -> str:
    """Return the cost of scenes at 10 m."""
    content, source = result("resolution")
    rows = [
        (
            "a whole tile" if one["part"] == 1 else f"1/{one['part']} of a tile",
            f"{one['pixels'] / 1e6:.0f} million",
            seconds(one["seconds"]),
            gigabytes(one["peak_megabytes"]),
            gigabytes(one["workspace_megabytes"]),
        )
        for one in content["parts"]
    ]
    head = (f"first run at {content['resolution']} m", "pixels", "time", "memory", "workspace")
    return f"{table(head, rows)}\n\n{source}"


def comparison() -> str:
    """Return the cost of comparisons."""
    content, source = result("comparison")
    names = {
        "full_tile_pair_at_10_m": "a pair of whole tiles at 10 m",
        "full_tile_pair_at_10_m_with_5_dilations": "the same with 5 dilations",
        "32_scenes_by_3_processors": "32 scenes by 3 processors, on a grid of 60 m",
    }
    rows = [
        (words, seconds(content[name]["seconds"]), gigabytes(content[name]["peak_megabytes"]))
        for name, words in names.items()
    ]
    return f"{table(('compare', 'time', 'memory'), rows)}\n\n{source}"


def batch() -> str:
    """Return the cost of a large batch, computed from whole tiles."""
    content, source = result("speed")
    first, later = (content["costs"][f"{name}, 10980 px"] for name in ("first run, with preparation", "turn"))
    threads = content["machine"]["threads"]
    hours = SCENES / 3600
    rows = [
        (
            "first run, processor time",
            f"{first['processor_seconds']:.0f} s",
            f"{first['processor_seconds'] * hours:.0f} h",
        ),
        (
            f"first run, {threads} processors",
            f"{first['seconds']:.0f} s",
            f"{first['seconds'] * hours:.0f} h of tasks; {first['seconds'] * hours / 50:.0f} h with 50 tasks at a time",
        ),
        (
            f"later iteration, {threads} processors",
            f"{later['seconds']:.0f} s",
            f"{later['seconds'] * hours:.0f} h of tasks",
        ),
        (
            "workspace",
            gigabytes(first["written_megabytes"]),
            f"{first['written_megabytes'] * SCENES / 1e6:.0f} TB",
        ),
        (
            "workspace with `--keep map`",
            gigabytes(later["written_megabytes"]),
            f"{later['written_megabytes'] * SCENES / 1e6:.1f} TB",
        ),
        ("memory", gigabytes(first["peak_megabytes"]), ""),
    ]
    return f"{table(('', 'a scene', f'{SCENES:,} scenes'), rows)}\n\n{source}"


def points() -> str:
    """Return the accuracy by the number of points, by the way of choosing them."""
    return accuracy_by_points(("landsat5", "landsat7"))


def landsat8() -> str:
    """Return the same of images on which the class of thin clouds is unknown."""
    return accuracy_by_points(("l8biome_Forest_05_0415", "l8biome_GrassCrops_01_0413"))


def accuracy_by_points(chips: Sequence[str]) -> str:
    """Return the mean accuracy on chips by the number of points, with its standard error over the operators."""
    content, source = result("label_efficiency")
    runs = [one for one in content["runs"] if one["chip"] in chips]
    rows = []
    for count in ("18", "24", "48", "96", "126"):
        cells = []
        for strategy in STRATEGIES:
            mine = [one for one in runs if one["strategy"] == strategy]
            means = [
                statistics.fmean(one["scores"][count] for one in mine if one["seed"] == seed)
                for seed in sorted({one["seed"] for one in mine})
            ]
            cells.append(f"{statistics.fmean(means):.3f} ± {statistics.stdev(means) / len(means) ** 0.5:.3f}")
        rows.append((count, *cells))
    what = "*Fraction of pixels correctly mapped as cloud or shadow, or as clear. Two Landsat images labelled by hand.*"
    return f"{table(('points', *STRATEGIES.values()), rows)}\n\n{what} {source}"


def operators() -> tuple[list[Any], str]:
    """Return the operators that were simulated to judge the figures of an iteration, and the source."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from validation_figure import Run, State

    content, source = result("validation_figure")
    return [Run(**{**one, "states": [State(**state) for state in one["states"]]}) for one in content], source


def order() -> str:
    """Return how often the figures of two iterations show which map is better."""
    runs, source = operators()
    from validation_figure import ordered

    rows = []
    for strategy in ("proposed", "random"):
        mine = [one for one in runs if one.strategy == strategy]
        for name, least, most in (("1", 1, 1), ("2 to 4", 2, 4), ("5 and more", 5, 99)):
            pairs, *shares = ordered(mine, least, most)
            cross, kept, later = (
                100 * (statistics.fmean(one) if isinstance(one, list) else one)  # the last one is a mean already
                for one in shares
            )
            rows.append((STRATEGIES[strategy], name, pairs, f"{cross:.0f} %", f"{kept:.0f} %", f"{later:.0f} %"))
    head = ("operator", "iterations apart", "pairs", "cross-validation", "a tenth kept out", "the later map is better")
    return f"{table(head, rows)}\n\n{source}"


def gains() -> str:
    """Return the gain of the next iteration by the change of the last one."""
    runs, source = operators()
    rows = []
    for words, low, high in (
        ("under 3 %", 0, 0.03),
        ("3 to 5 %", 0.03, 0.05),
        ("5 to 10 %", 0.05, 0.1),
        ("over 10 %", 0.1, 2),
    ):
        gained = [
            100 * (after.truth - now.truth)
            for states in (one.states for one in runs)
            for now, after in pairwise(states)
            if now.changed is not None and low <= now.changed < high
        ]
        rows.append((words, len(gained), f"{statistics.fmean(gained):.1f} ± {statistics.stdev(gained):.1f}"))
    head = (
        "the last iteration changed",
        "iterations",
        "the next 12 points brought, in percentage points",
    )
    return f"{table(head, rows)}\n\n{source}"


TABLES: dict[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        *(tile, sizes, classifiers, preparation, resolution, comparison, batch),
        *(points, landsat8, order, gains),
    )
}


def with_figures(text: str) -> str:
    """Return the text of a page with new tables."""
    return re.sub(
        r"(<!-- figures: (\w+) -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{TABLES[match[2]]()}\n{match[3]}",
        text,
        flags=re.S,
    )


def main(check: bool) -> int:
    """Write the tables, or check them, and return the exit code."""
    outdated = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        made = with_figures(text)
        if made != text:
            outdated.append(str(page.relative_to(ROOT)))
            if not check:
                page.write_text(made, encoding="utf-8")
    if check and outdated:
        print(
            f"{', '.join(outdated)}: figures are out of date; run: .venv/bin/python tools/figures.py", file=sys.stderr
        )
    return 1 if check and outdated else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the tables of figures in the documentation.")
    parser.add_argument("--check", action="store_true", help="end with 1 if a table is out of date")
    sys.exit(main(parser.parse_args().check))
