"""Measure how long a person waits for the first picture, the features, the view, the map and the end of an iteration.

Usage: python benchmarks/waiting.py [--size PIXELS] [--rounds N] [--folder FOLDER] [--before CHECKOUT]
                                    [--bands FILE ...] [--result RESULT.json] [--picture PICTURE.svg]

A synthetic scene is made in the folder, or used again. In each round the floor (decoding alone) and, for each checkout
that is compared, a preparation and an iteration are measured one after the other. The table gives the medians of the
rounds. A checkout needs its own native code. The machine should have nothing else to do.

Decoders differ on the wavelets of JPEG 2000. Those of ESA's files are lossless (5/3), those of the synthetic scene are
not (9/7). So a band of the scene is also stored lossless, and both are decoded at each level; so are the given bands.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path

from helpers.command_cost import Cost, cost_of
from helpers.timeline import Bar, draw_timeline
from preparation import decode
from speed import BEGINNING, apart, machine, scene_of

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.sources import feature_levels, view_levels
from alcd_otb.raster.opening import JPEG2000, open_raster
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.synthetic.scene import FULL_TILE
from otb_pipelines.process import gdal, gdal_threads
from otb_pipelines.settings import machine_threads

HERE = Path(__file__).resolve().parent.parent
LEVELS = (0, 1, 2)

STAGES = {
    "first picture": ("the first picture is complete", "the first picture is whole"),
    "features": ("the features are complete", "the features are whole"),
    "view": ("is prepared",),
}
"""Texts of the log at the end of each stage of a preparation, in this version and in earlier ones."""


@dataclass(frozen=True)
class Waits:
    """Seconds on the clock from the start of a command, seconds of all processors, and largest memory in megabytes.

    A stage that a checkout does not have is as late as the end of the preparation.
    """

    first_picture: float
    features: float
    preparation: float
    preparation_processor: float
    preparation_megabytes: float
    map: float
    iteration: float
    iteration_processor: float
    iteration_megabytes: float


class Measurement:
    """A scene with a separate workspace for a checkout."""

    def __init__(self, scene: Path, checkout: Path, name: str) -> None:
        content = json.loads(scene.read_text("utf-8"))
        self.checkout = checkout
        self.labelled = scene.with_name(f"waiting_{name}.json")
        self.unlabelled = scene.with_name(f"waiting_{name}_unlabelled.json")
        self.workspace = scene.with_name(f"waiting_{name}")
        content["workspace"] = self.workspace.name
        self.labelled.write_text(json.dumps(content), "utf-8")
        del content["samples"]
        self.unlabelled.write_text(json.dumps(content), "utf-8")

    def waits(self) -> Waits:
        """Prepare the scene again, and make an iteration."""
        shutil.rmtree(self.workspace, ignore_errors=True)
        began = time.time()
        prepared = self._run(self.unlabelled)
        logged = self._logged(began)
        began = time.time()
        iteration = self._run(self.labelled)
        shown = (self.workspace / "map" / "iteration.json").stat().st_mtime - began
        return Waits(
            logged.get("first picture", prepared.seconds),
            logged.get("features", prepared.seconds),
            prepared.seconds,
            prepared.processor_seconds,
            prepared.peak_megabytes,
            round(shown, 2),
            iteration.seconds,
            iteration.processor_seconds,
            iteration.peak_megabytes,
        )

    def _run(self, scene: Path) -> Cost:
        # Without -P, the package of the working folder would be run.
        command = (sys.executable, "-P", "-m", "alcd_otb", "run", scene)
        return cost_of(*command, PYTHONPATH=str(self.checkout))

    def _logged(self, began: float) -> dict[str, float]:
        """Read from the log when the stages ended."""
        found = {}
        for line in (self.workspace / "run.log").read_text("utf-8").splitlines():
            for stage, words in STAGES.items():
                if any(word in line for word in words):
                    moment = datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").timestamp()
                    found[stage] = round(moment - began, 2)
        return found


def floor(scene: Path) -> float:
    """Return the seconds in which the levels that a preparation needs are decoded, and nothing else is done."""
    inputs = Inputs.read(load_scene(scene))
    levels = {*feature_levels(inputs).items(), *view_levels(inputs).items()}
    began = time.perf_counter()
    with gdal_threads(machine_threads()):
        decode((inputs.band(name).path, level) for name, level in sorted(levels))
    return time.perf_counter() - began


def medians(rounds: Iterable[Waits]) -> Waits:
    """Return the median of each figure."""
    rounds = list(rounds)
    return Waits(*(round(statistics.median(getattr(one, field.name) for one in rounds), 2) for field in fields(Waits)))


def decoding(path: str) -> dict[str, float]:
    """Return the processor seconds by million pixels of the whole band in which each level is decoded."""
    dataset = open_raster(path, JPEG2000)
    millions = dataset.RasterXSize * dataset.RasterYSize / 1e6
    found = {}
    for level in LEVELS[: dataset.GetRasterBand(1).GetOverviewCount() + 1]:
        began = time.process_time()
        decode([(path, level)])
        found[str(level)] = round((time.process_time() - began) / millions, 4)
    return found


def wavelets(scene: Path, bands: Iterable[Path], folder: Path) -> dict[str, dict[str, float]]:
    """Compare the decoding of a band of the scene, as it is and lossless, and of other files.

    Parameters
    ----------
    scene
        Description of the synthetic scene.
    bands
        Other JPEG 2000 files.
    folder
        Folder for the lossless copy.
    """
    band = Inputs.read(load_scene(scene)).band("B04").path
    lossless = folder / "lossless.jp2"
    options = ["REVERSIBLE=YES", "QUALITY=100"]
    gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(lossless), open_raster(band, JPEG2000), options=options)
    files = {"synthetic, 9/7": band, "the same pixels, 5/3": str(lossless)} | {path.name: str(path) for path in bands}
    return {name: decoding(path) for name, path in files.items()}


def table(found: Mapping[str, Waits], of_floor: float) -> str:
    """Write the medians as a table."""
    lines = [f"{'':<34}{''.join(f'{name:>12}' for name in found)}"]
    for field in fields(Waits):
        values = "".join(f"{getattr(waits, field.name):>12}" for waits in found.values())
        lines.append(f"{field.name.replace('_', ' '):<34}{values}")
    ratios = "".join(f"{waits.preparation / of_floor:>12.2f}" for waits in found.values())
    lines.append(f"{'preparation / floor':<34}{ratios}")
    lines.append(f"floor: decoding alone, {of_floor:.1f} s")
    return "\n".join(lines)


def picture(waits: Waits, workspace: Path) -> str:
    """Draw where the time goes: a preparation, and an iteration with its steps."""
    seconds = json.loads((workspace / "latest" / "seconds.json").read_text("utf-8"))
    ends = (waits.first_picture, waits.features, waits.preparation)
    names = ("first picture", "features", "view of 20 m")
    bars = [Bar("preparation", name, begin, end) for name, begin, end in zip(names, (0, *ends), ends, strict=False)]
    steps = [(name, seconds[name]) for name in ("samples", "train", "classify", "labels") if name in seconds]
    begin = max(0.0, waits.map - sum(length for _, length in steps))
    bars.append(Bar("iteration", "start", 0, begin))
    for name, length in steps:
        bars.append(Bar("iteration", name, begin, begin + length))
        begin += length
    bars.append(Bar("iteration", "figures, places, pictures, report", waits.map, waits.iteration))
    return draw_timeline(bars)


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Measure, print the table, and write the files of the options."""
    scene = scene_of(folder, options.size, BEGINNING)
    checkouts = {"now": HERE} | ({"before": options.before.resolve()} if options.before else {})
    measured = {name: Measurement(scene, checkout, name) for name, checkout in checkouts.items()}
    rounds: dict[str, list[Waits]] = {name: [] for name in checkouts}
    floors = []
    for number in range(options.rounds):
        floors.append(apart(floor, scene))
        for name, one in measured.items():
            rounds[name].append(one.waits())
            print(f"round {number + 1}, {name}: {rounds[name][-1]}", flush=True)
    found = {name: medians(waits) for name, waits in rounds.items()}
    of_floor = statistics.median(floors)
    print(table(found, of_floor))
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        of_wavelets = wavelets(scene, options.bands, Path(temporary))
    for name, levels in of_wavelets.items():
        print(f"{name}: processor seconds by million pixels at level 0, 1, 2: {', '.join(map(str, levels.values()))}")
    if options.picture:
        options.picture.write_text(picture(found["now"], measured["now"].workspace), "utf-8")
    if options.result:
        content = {
            "date": date.today().isoformat(),
            "machine": machine(machine_threads()),
            "load_at_the_end": os.getloadavg()[0],
            "rounds": options.rounds,
            "pixels": options.size,
            "floor_seconds": round(of_floor, 2),
            "medians": {name: asdict(waits) for name, waits in found.items()},
            "processor_seconds_by_million_pixels": of_wavelets,
        }
        options.result.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def main() -> None:
    """Measure a synthetic scene."""
    parser = argparse.ArgumentParser(description="Seconds that a person waits for a preparation and for an iteration.")
    parser.add_argument("--size", type=int, default=FULL_TILE, help="of the scene, in pixels of 10 m")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the scene is made and kept; else it is removed")
    parser.add_argument("--before", type=Path, help="another checkout, with its native code, to compare with")
    parser.add_argument("--bands", type=Path, nargs="*", default=[], help="JPEG 2000 files of real products")
    parser.add_argument("--result", type=Path, help="JSON file to write the figures to")
    parser.add_argument("--picture", type=Path, help="SVG file to draw where the time goes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measure(options, options.folder or Path(temporary))


if __name__ == "__main__":
    main()
