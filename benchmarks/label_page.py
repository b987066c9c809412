"""Measure the time from a click in the page to the repainted map, with real clicks in Chromium.

Usage: python benchmarks/label_page.py [--size PIXELS] [--points N ...] [--clicks N] [--resolution METRES]

It needs what `make page` installs. The scene is synthetic; 10980 is the side of a full tile, which takes minutes to
make. The samples are the synthetic scene's own, class by class. For each number of samples the page shows a part of one
megapixel of the map, then the whole map. Printed is, of the clicks at each, the median and the 95th percentile in
milliseconds: until the map of the first trees is painted, until that of all trees is painted, and until the server has
stored the label. Other work on the machine, the browser's too, is in the figures: leave it idle.
"""

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from browsers import LabelPage, chromium  # noqa: E402
from label_servers import LabelServer, label_server, point  # noqa: E402
from scenes import write_scene  # noqa: E402

from alcd_otb.samples.reading import read_samples  # noqa: E402
from alcd_otb.samples.sample import Sample  # noqa: E402
from alcd_otb.scene import Scene  # noqa: E402
from alcd_otb.synthetic.scene import make_scene  # noqa: E402

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
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        most = max(options.points) + 2 * options.clicks * len(options.points)
        synthetic = make_scene(Path(scratch) / "made", size=options.size, seed=1, points_per_class=-(-most // 6))
        scene_json = write_scene(
            Path(scratch) / "scene.json", synthetic, samples=None, set={"resolution": options.resolution}
        )
        scene = Scene.open(scene_json)
        scene.run()
        left = _in_turns(read_samples(synthetic.samples, scene.config.template.legend, scene.grid))
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
                    times = [_click(page, left) for _ in range(options.clicks)]
                    cells = (_cell([each[key] for each in times]) for key in ("first", "last", "stored"))
                    print(
                        f"{page.state['labels']:>8} {shown:>10} " + " ".join(f"{cell:>14}" for cell in cells),
                        flush=True,
                    )


def _in_turns(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Return actions that label the samples, class by class in turn."""
    by_class: dict[int, list[Sample]] = {}
    for sample in samples:
        by_class.setdefault(sample.code, []).append(sample)
    longest = max(map(len, by_class.values()))
    turns = [group[turn] for turn in range(longest) for group in by_class.values() if turn < len(group)]
    return [point(number, sample.code, *sample.location) for number, sample in enumerate(turns)]


def _add(server: LabelServer, left: list[dict[str, Any]], count: int) -> None:
    """Add samples until there are so many."""
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
