"""Measure seconds, memory and disk of a whole scene, preparation and one iteration, at 10 m on parts of a tile.

Usage: python benchmarks/resolution.py [--parts 16 4] [--resolution 10] [--folder FOLDER] [--result RESULT.json]

For each part, a synthetic scene is made in a temporary folder below FOLDER. A full tile (part 1) takes about 15 GB
there, and half an hour. Memory is the resident memory of all processes of the run. It is read fifty times a second, so
that the peak of each step is known.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from alcd_otb.iterations.record import Stopwatch
from alcd_otb.run import run_scene
from alcd_otb.scene import Scene
from alcd_otb.synthetic.scene import FULL_TILE, make_scene

_EVERY = 0.02
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


class Steps(Stopwatch):
    """Start and end of each step of a run, and the processor seconds in between."""

    spans: ClassVar[list[dict[str, Any]]] = []

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Time a step."""
        start, processor = time.monotonic(), time.process_time()
        with super().timing(step):
            yield
        used = time.process_time() - processor
        self.spans.append({"step": step, "start": start, "end": time.monotonic(), "processor_seconds": used})


def run_once(scene: Path) -> None:
    """Run a scene in the measured process, and print its steps as JSON."""
    opened = Scene.open(scene)
    result = run_scene(opened.config, opened.settings, stopwatch=Steps())
    assert result.iteration is not None
    print(json.dumps(Steps.spans))


def measure(scene: Path) -> dict[str, Any]:
    """Run a scene in a separate process, and return its cost and the cost of its steps."""
    start = time.monotonic()
    process = subprocess.Popen([sys.executable, __file__, "--run", str(scene)], stdout=subprocess.PIPE, text=True)
    watch = Watch(process.pid)
    output, _ = process.communicate()
    seconds = time.monotonic() - start
    watch.stop()
    if process.returncode:
        raise SystemExit(f"the run of {scene} ended with {process.returncode}")
    steps = [
        {
            "step": span["step"],
            "seconds": round(span["end"] - span["start"], 1),
            "processor_seconds": round(span["processor_seconds"], 1),
            "peak_megabytes": watch.peak(span["start"], span["end"]),
        }
        for span in sorted(json.loads(output), key=lambda span: span["start"])
    ]
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(watch.processor, 1),
        "peak_megabytes": watch.peak(start, time.monotonic()),
        "steps": steps,
    }


class Watch:
    """Resident memory of a process and of all that it starts, over time."""

    def __init__(self, process: int) -> None:
        """Watch the process with an id from now on."""
        self.process = process
        self.processor = 0.0
        self.samples: list[tuple[float, int]] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._done.set()
        self._thread.join()

    def peak(self, start: float, end: float) -> int:
        """Return the largest memory between two times, in megabytes."""
        return max((size for when, size in self.samples if start <= when <= end), default=0) >> 20

    def _look(self) -> None:
        while not self._done.wait(_EVERY):
            states = [_state(process) for process in _tree(self.process)]
            self.samples.append((time.monotonic(), sum(state.resident for state in states)))
            self.processor = max(self.processor, sum(state.ticks for state in states) / _TICKS)


class _State(NamedTuple):
    """Resident bytes of a process, and its processor ticks with those of its ended children."""

    resident: int
    ticks: int


def _tree(process: int) -> list[int]:
    """Return the ids of a process and of all that it has started."""
    processes = [process]
    for parent in processes:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                processes += map(int, Path(f"/proc/{parent}/task/{thread}/children").read_text().split())
        except OSError:
            continue
    return processes


def _state(process: int) -> _State:
    """Return the state of a process; zeros if it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return _State(0, 0)
    return _State(int(fields[21]) * _PAGE, sum(map(int, fields[11:15])))


def megabytes(folder: Path) -> int:
    """Return the size of a folder in megabytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink()) // 10**6


def measure_part(part: int, resolution: float, folder: Path) -> dict[str, Any]:
    """Measure a square part of a tile.

    Parameters
    ----------
    part
        The part is a tile divided by this number.
    resolution
        Resolution of features and map, in metres.
    folder
        Folder of the scene.
    """
    size = round(FULL_TILE / part**0.5 / 6) * 6
    made = make_scene(folder, size=size)
    scene = json.loads(made.scene_json.read_text("utf-8"))
    scene["set"] = {**scene.get("set", {}), "resolution": resolution}
    made.scene_json.write_text(json.dumps(scene), "utf-8")
    cost = measure(made.scene_json)
    pixels = (size * 10 / resolution) ** 2
    workspace = Scene.open(made.scene_json).workspace.folder
    return {
        "part": part,
        "pixels": round(pixels),
        **cost,
        "nanoseconds_a_pixel": round(cost["seconds"] / pixels * 1e9),
        "workspace_megabytes": megabytes(workspace),
    }


def show(row: dict[str, Any]) -> None:
    """Print the cost of a part."""
    print(
        f"1/{row['part']} of a tile, {row['pixels'] / 1e6:.1f} million pixels: {row['seconds']} s, "
        f"{row['processor_seconds']} s of processor, {row['nanoseconds_a_pixel']} ns a pixel, "
        f"peak {row['peak_megabytes']} MB, workspace {row['workspace_megabytes']} MB"
    )
    for step in row["steps"]:
        print(
            f"  {step['step']:<12}{step['seconds']:>9} s {step['processor_seconds']:>9} s of processor "
            f"{step['peak_megabytes']:>7} MB",
            flush=True,
        )


def main() -> None:
    """Measure all parts."""
    parser = argparse.ArgumentParser(description="Cost of a whole scene at 10 m, by size.")
    parser.add_argument("--parts", type=int, nargs="+", default=[16, 4], help="parts of a tile: 4 is a quarter")
    parser.add_argument("--resolution", type=float, default=10, help="of features and map, in metres")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    parser.add_argument("--result", type=Path, help="JSON file to write the figures to")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run_once(options.run)
        return
    rows = []
    for part in options.parts:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            rows.append(measure_part(part, options.resolution, Path(folder)))
        show(rows[-1])
    if options.result:
        options.result.write_text(
            json.dumps({"resolution": options.resolution, "parts": rows}, indent=2) + "\n", "utf-8"
        )


if __name__ == "__main__":
    main()
