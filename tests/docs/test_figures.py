"""The figures in the pages are those of the dated results of the benchmarks."""

import json
import subprocess
import sys

from figures import RESULTS, with_figures
from places import ROOT


def test_the_tables_are_up_to_date() -> None:
    made = subprocess.run([sys.executable, ROOT / "tools" / "figures.py", "--check"], capture_output=True, timeout=120)
    assert made.returncode == 0, made.stderr.decode()


def test_a_table_holds_the_figures_of_the_last_result() -> None:
    (*_, last) = sorted(RESULTS.glob("*_speed.json"))
    first_run = json.loads(last.read_text("utf-8"))["costs"]["first run, with preparation, 10980 px"]
    text = with_figures("before\n<!-- figures: tile -->\nold\n<!-- end -->\nafter\n")
    row = next(line for line in text.splitlines() if line.startswith("| first run"))
    assert f"{first_run['seconds']:.0f} s" in row
    assert f"{first_run['peak_megabytes'] / 1000:.2g} GB" in row
    assert "old" not in text
    assert text.startswith("before\n<!-- figures: tile -->\n")
    assert text.endswith("<!-- end -->\nafter\n")
