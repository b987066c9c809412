"""Measure batches on this computer: scenes an hour by workers, processor time a scene, and the time of status.

Usage: python benchmarks/batch.py [--size PIXELS] [--scenes N] [--workers 2 4] [--states N] [--result RESULT.json]

The machine should have nothing else to do. The maps are compared, byte by byte, with those of single runs.
"""

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from alcd_otb.synthetic.scene import SyntheticScene, make_scene

ALCD = (sys.executable, "-m", "alcd_otb")


@dataclass(frozen=True)
class Pace:
    """How a batch went.

    Attributes
    ----------
    workers
        Scenes at a time, each with one thread.
    seconds
        Seconds on the clock.
    scenes_an_hour
        Scenes in an hour at this pace.
    cpu_seconds
        Median of the processor seconds of a scene.
    peak_mb
        Largest memory of a scene, in megabytes.
    """

    workers: int
    seconds: float
    scenes_an_hour: float
    cpu_seconds: float
    peak_mb: int


def write_scenes(folder: Path, synthetic: SyntheticScene, count: int) -> list[Path]:
    """Write scene files of the same products, each with a separate workspace, and their list."""
    content = json.loads(synthetic.scene_json.read_text("utf-8"))
    content |= {name: str(getattr(synthetic, name)) for name in ("cloudy", "clear", "samples")}
    content |= {"dem": str(synthetic.dem), "workspace": "work"}
    files = [folder / f"s{number}" / "scene.json" for number in range(1, count + 1)]
    for file in files:
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(content), "utf-8")
    (folder / "list.txt").write_text("".join(f"{file}\n" for file in files), "utf-8")
    return files


def measure(folder: Path, synthetic: SyntheticScene, count: int, workers: int, alone: Path) -> Pace:
    """Run a batch, compare its maps with that of a single run, and remove it."""
    files = write_scenes(folder, synthetic, count)
    batch = folder / "batch"
    subprocess.run([*ALCD, "batch", "prepare", folder / "list.txt", batch], check=True, stdout=subprocess.DEVNULL)
    start = time.perf_counter()
    subprocess.run(
        [*ALCD, "batch", "run", batch, "--local", str(workers), "--threads", "1", "-q"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    seconds = time.perf_counter() - start
    subprocess.run([*ALCD, "batch", "report", batch, "-o", batch / "table.csv"], check=True, stdout=subprocess.DEVNULL)
    with (batch / "table.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    expected = (alone / "labels.tif").read_bytes()
    for file in files:
        if (file.parent / "work" / "iterations" / "001" / "labels.tif").read_bytes() != expected:
            raise SystemExit(f"{file}: another map than that of a single run")
    shutil.rmtree(folder)
    return Pace(
        workers,
        round(seconds, 1),
        round(count / seconds * 3600, 1),
        round(median(float(row["cpu_seconds"]) for row in rows), 2),
        max(int(row["peak_mb"]) for row in rows),
    )


def single_run(folder: Path, synthetic: SyntheticScene) -> Path:
    """Run a scene by itself, with all threads, and return the folder of its iteration."""
    (file,) = write_scenes(folder, synthetic, 1)
    subprocess.run([*ALCD, "run", file, "-q"], check=True, stdout=subprocess.DEVNULL)
    return file.parent / "work" / "iterations" / "001"


def status_cost(folder: Path, synthetic: SyntheticScene, states: int) -> dict[str, float]:
    """Copy the state of a scene that is done many times, and return the seconds that status takes, best of five."""
    write_scenes(folder, synthetic, 1)
    batch = folder / "batch"
    subprocess.run([*ALCD, "batch", "prepare", folder / "list.txt", batch], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([*ALCD, "batch", "run", batch, "--local", "1", "-q"], check=True, stdout=subprocess.DEVNULL)
    state, scene = (batch / "state" / "00001.json").read_text("utf-8"), (batch / "scenes.txt").read_text("utf-8")
    content = json.loads(state)
    own = [Path(path) for path, *_ in content["witnesses"] if Path(path).is_file() and str(folder) in path]
    for number in range(2, states + 1):
        # Each scene has its own files to look up, of which only size and time count.
        written = state
        copies = folder / "copies" / str(number)
        copies.mkdir(parents=True)
        for index, file in enumerate(own):
            os.link(file, copies / f"{index}.x")
            written = written.replace(str(file), str(copies / f"{index}.x"))
        (batch / "state" / f"{number:05d}.json").write_text(written, "utf-8")
    (batch / "scenes.txt").write_text(scene * states, "utf-8")
    costs = []
    for _ in range(5):
        start = time.perf_counter()
        with subprocess.Popen([*ALCD, "batch", "status", batch], stdout=subprocess.DEVNULL) as process:
            _, code, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(code)
        if process.returncode:
            raise SystemExit("status does not find all scenes done")
        costs.append((time.perf_counter() - start, used.ru_utime + used.ru_stime))
    seconds, cpu_seconds = min(costs)
    return {"states": states, "seconds": round(seconds, 2), "cpu_seconds": round(cpu_seconds, 2)}


def main() -> None:
    """Measure, print the figures, and write them as JSON."""
    parser = argparse.ArgumentParser(description="Scenes an hour, processor time a scene, and the time of status.")
    parser.add_argument("--size", type=int, default=2196, help="of the synthetic scene, in pixels of 10 m")
    parser.add_argument("--scenes", type=int, default=16, help="of a batch")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4], help="scenes at a time")
    parser.add_argument("--rounds", type=int, default=2, help="of which the best counts")
    parser.add_argument("--states", type=int, default=31_000, help="of which status reads the states")
    parser.add_argument("--result", type=Path, help="JSON file to write the figures to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        synthetic = make_scene(folder / "scene", size=options.size)
        alone = single_run(folder / "alone", synthetic)
        paces: dict[int, list[Pace]] = {}
        # Alternating, so that other work of the machine affects all alike.
        for number in range(options.rounds):
            for workers in options.workers:
                pace = measure(folder / f"{number}_{workers}", synthetic, options.scenes, workers, alone)
                print(pace, flush=True)
                paces.setdefault(workers, []).append(pace)
        best = [max(of_workers, key=lambda pace: pace.scenes_an_hour) for of_workers in paces.values()]
        result = {
            "processors": len(os.sched_getaffinity(0)),
            "pixels": options.size,
            "scenes": options.scenes,
            "batches": [asdict(pace) for pace in best],
            "scenes an hour, last / first": round(best[-1].scenes_an_hour / best[0].scenes_an_hour, 3),
            "processor time a scene, last / first": round(best[-1].cpu_seconds / best[0].cpu_seconds, 3),
            "maps": "byte by byte those of a single run",
            "status": status_cost(folder / "status", synthetic, options.states),
        }
    print(json.dumps(result, indent=2))
    if options.result:
        options.result.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
