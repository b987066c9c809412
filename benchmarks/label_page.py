"""Measure the time from a click in the page to the repainted map, with real clicks in Chromium.

Usage: python benchmarks/label_page.py [--size PIXELS] [--points N ...] [--clicks N] [--resolution METRES]
                                       [--line] [--folder FOLDER] [--result RESULT.json]

It needs what `make page` installs. The scene is synthetic; 10980 is the side of a full tile, which takes minutes to
make. The samples are pixels drawn from the scene's known truth, class by class. For each number of samples the page
shows a part of one megapixel of the map, then the whole map. Printed is, of the clicks at each, the median and the 95th
percentile in milliseconds: until the map of the first trees is painted, until that of all trees is painted, and until
the server has stored the label. Other work on the machine, the browser's too, is in the figures: leave it idle. With
--line the browser is 50 ms away from the server, by a line of 8 Mbit/s. The folder keeps the scene for the next time.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from browsers import LabelPage, chromium  # noqa: E402
from label_servers import LabelServer, label_server, point  # noqa: E402
from speed import END, machine, scene_of  # noqa: E402

from alcd_otb.raster.grid import Grid  # noqa: E402
from alcd_otb.raster.opening import open_raster  # noqa: E402
from alcd_otb.scene import Scene  # noqa: E402
from otb_pipelines.settings import machine_threads  # noqa: E402

_MEGAPIXEL = 1000
"""Side of the part of the map, and of the map on the screen, in pixels."""
_PANEL = 352
_WATCH = """() => {
  window.clicked = 0; window.first = null; window.last = null;
  addEventListener('click', () => { clicked = performance.now(); first = last = null; }, true);
  new MutationObserver(() => {
    const now = performance.now() - clicked;
    if (first === null) first = now;
    if (document.body.dataset.draft === 'false' && last === null) last = now;
  }).observe(document.body, { attributeFilter: ['data-painted'] });
}"""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=10980, help="side of the scene in 10 m pixels, a multiple of 6")
    parser.add_argument("--points", type=int, nargs="+", default=[20, 150, 300, 1000], help="samples before the clicks")
    parser.add_argument("--clicks", type=int, default=60)
    parser.add_argument("--resolution", type=int, default=60, help="of the map in metres")
    parser.add_argument("--line", action="store_true", help="over a line of 50 ms and 8 Mbit/s")
    parser.add_argument("--folder", type=Path, help="where the scene is made and kept; else it is removed")
    parser.add_argument("--result", type=Path, help="JSON file to write the figures to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(options, options.folder or Path(scratch))
    if options.result:
        content = {
            "date": date.today().isoformat(),
            "machine": machine(machine_threads()),
            "load_at_the_end": os.getloadavg()[0],
            "clicks": options.clicks,
            "line": options.line,
            "rows": rows,
        }
        options.result.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def measure(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """Click, print a line for each number of samples and part of the map, and return the milliseconds."""
    rows = []
    made = scene_of(folder, options.size, END)
    with tempfile.TemporaryDirectory(dir=made.parent) as workspace:
        content = json.loads(made.read_text("utf-8"))
        content |= {"workspace": workspace, "set": {"resolution": options.resolution}}
        del content["samples"]
        scene_json = made.with_name("label_page.json")
        scene_json.write_text(json.dumps(content), "utf-8")
        scene = Scene.open(scene_json)
        scene.run()
        left = _points(made.with_name("truth.tif"), 2 * max(options.points) + 4 * options.clicks * len(options.points))
        print(f"{scene.grid.width} x {scene.grid.height} pixels of {options.resolution} m")
        print(f"{'samples':>8} {'shown':>10} {'painted':>14} {'all trees':>14} {'stored':>14}")
        with label_server(scene_json) as server, chromium() as browser:
            page = browser.open(server.url)
            page.page.set_viewport_size({"width": _MEGAPIXEL + _PANEL, "height": _MEGAPIXEL})
            page.page.evaluate(_WATCH)
            for count in sorted(options.points):
                _add(server, left, count)
                page.wait(lambda state, count=count: int(state["labels"]) >= count)
                for shown in ("megapixel", "whole"):
                    _show(page, shown)
                    if options.line:
                        _move_away(page)
                    times = [_click(page, left) for _ in range(options.clicks)]
                    row = {key: [each[key] for each in times] for key in ("first", "last", "stored")}
                    rows.append({"samples": int(page.state["labels"]), "shown": shown, **row})
                    cells = " ".join(f"{_cell(values):>14}" for values in row.values())
                    print(f"{page.state['labels']:>8} {shown:>10} {cells}", flush=True)
    return rows


def _move_away(page: LabelPage) -> None:
    """Put 50 ms and a line of 8 Mbit/s between browser and server."""
    session = page.page.context.new_cdp_session(page.page)
    megabyte = 1_000_000
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 50, "downloadThroughput": megabyte, "uploadThroughput": megabyte},
    )


def _points(truth: Path, count: int) -> list[dict[str, Any]]:
    """Return actions that label pixels drawn from the known truth, class by class in turn."""
    codes, grid, random = open_raster(truth).ReadAsArray(), Grid.of(str(truth)), np.random.default_rng(1)
    classes = [int(code) for code in np.unique(codes) if code]
    drawn = [random.choice(np.flatnonzero(codes == code), count // len(classes)) for code in classes]
    pixels = [
        (code, *divmod(int(pixel), grid.width))
        for turn in np.transpose(drawn)
        for code, pixel in zip(classes, turn, strict=True)
    ]
    return [point(number, code, *grid.centre_of(row, column)) for number, (code, row, column) in enumerate(pixels)]


def _add(server: LabelServer, left: list[dict[str, Any]], count: int) -> None:
    """Add samples up to a number."""
    missing = count - len(server.get("/api/labels")["all"])
    while missing > 0:
        part = min(missing, 40)
        server.act(*(left.pop(0) for _ in range(part)))
        missing -= part


def _show(page: LabelPage, shown: str) -> None:
    page.whole()
    if shown == "megapixel":
        # As many pixels of the screen as of the map.
        page.page.evaluate("() => page.chart.view.setResolution(page.scene.grid.resolution)")
    page.page.wait_for_timeout(1500)
    page.wait(lambda state: state["draft"] == "false")


def _click(page: LabelPage, left: list[dict[str, Any]]) -> dict[str, float]:
    """Label one more sample that is in view by a click, and return the milliseconds."""
    width, height = _MEGAPIXEL - 10, _MEGAPIXEL - 10
    for index, action in enumerate(left):
        x, y = page.pixel(action["x"], action["y"])
        if 10 < x < width and 10 < y < height:
            del left[index]
            break
    else:
        raise SystemExit("no sample is left to click at; make a larger scene, or click less")
    page.press("Escape", str(action["code"]))
    page.page.mouse.click(x, y)
    page.wait(lambda state: state["queue"] == "0")
    for _ in range(600):
        measured: dict[str, float] = page.page.evaluate("() => ({ first, last })")
        if measured["last"] is not None:
            break
        page.page.wait_for_timeout(20)
    return {**measured, "stored": json.loads(page.state["milliseconds"])["store"]}


def _cell(values: Sequence[float]) -> str:
    ordered = sorted(values)
    return f"{statistics.median(ordered):.0f} / {ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]:.0f}"


if __name__ == "__main__":
    main()
