"""The commands that write, each with the folder that it starts from."""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fault_contents import contents, raw, rows
from faults import Ended, Faults
from mask_files import write_muscate
from original_alcd_files import write_alcd
from osgeo import gdal, ogr

from alcd_otb.synthetic.scene import make_scene

SIZE = 360
"""Side of the scene in pixels of 10 m."""
_ITERATION = re.compile(r"(.*/)iterations/(\d{3})/(.*)")
_NOTES = "what the user wrote down\n"
_MAJA = "SENTINEL2A_20180331-103021-461_L2A_T31TFJ_C_V1-0"


@dataclass(frozen=True)
class Job:
    """A command, with the state of the folder that it starts from.

    Attributes
    ----------
    name
        What the command is for.
    state
        Name of the state.
    arguments
        Of the command line.
    wholes
        Folders that equal their state before or after, with nothing between.
    labels
        GeoPackages whose rows must be found in one beside them, whatever happens.
    """

    name: str
    state: str
    arguments: tuple[str, ...]
    wholes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


JOBS = (
    Job("first run", "fresh", ("run", "scene.json")),
    Job("another run", "once", ("run", "scene.json")),
    Job("run --from", "edited", ("run", "--from", "1", "scene.json"), labels=("work/samples.gpkg",)),
    Job("run with other settings", "changed", ("run", "scene.json")),
    Job("run without samples", "unlabelled", ("run", "scene.json")),
    Job("next", "once", ("next", "scene.json")),
    Job("kfold", "once", ("kfold", "-k", "3", "scene.json"), wholes=("work/kfold",)),
    Job("kfold again", "made", ("kfold", "-k", "2", "scene.json"), wholes=("work/kfold",)),
    Job("export", "once", ("export", "work", "out", "--layout", "stac"), wholes=("out",)),
    Job("export again", "made", ("export", "work", "out", "--layout", "zenodo", "--replace"), wholes=("out",)),
    Job("compare", "once", ("compare", "work", "{products}/maja", "--dilate", "0", "-o", "compared")),
    Job("compare again", "made", ("compare", "work", "{products}/maja", "--dilate", "0,60", "-o", "compared")),
    Job("accuracy plan", "once", ("accuracy", "plan", "-n", "40", "scene.json")),
    Job(
        "accuracy plan again",
        "labelled",
        ("accuracy", "plan", "-n", "40", "--seed", "2", "--replace", "scene.json"),
        labels=("work/accuracy.gpkg",),
    ),
    Job("accuracy estimate", "labelled", ("accuracy", "estimate", "--labelled-only", "scene.json")),
    Job("demo", "nothing", ("demo", "--size", str(SIZE), "demo")),
    Job("styles", "nothing", ("styles", "clouds", "styles")),
    Job("qgis-plugin", "nothing", ("qgis-plugin", "plugins"), wholes=("plugins/alcd_otb_loop",)),
    Job("quicklooks", "nothing", ("quicklooks", "{products}/L1C", "--tile", "31TFJ", "-o", "sheet.html")),
    Job("import-alcd", "nothing", ("import-alcd", "{original}", "imported")),
)


class Bench:
    """The states of a folder, made once, and the commands' undisturbed results."""

    def __init__(self, faults: Faults) -> None:
        """Make the products; states are made when first asked for."""
        self.faults, self.root = faults, faults.root
        self.products, self.states = faults.place / "products", faults.place / "states"
        scene = make_scene(self.products, size=SIZE, seed=3, points_per_class=12)
        whole = np.zeros((SIZE, SIZE), np.uint8)
        whole[100:200, 50:150] = 2
        write_muscate(self.products / "maja", {"CLM": whole, "EDG": whole * 0}, name=_MAJA)
        points = {"land": [(600300, 4899700), (600900, 4899000)], "water": [(600500.125, 4899500.5)]}
        self.original = write_alcd(faults.place / "original", points).path
        self.scene = scene
        self.made: dict[str, tuple[dict[str, str], Ended]] = {}
        self.untouched = self._raw(self.products), self._raw(faults.place / "original")

    def arguments(self, job: Job) -> list[str]:
        """Return the words of the command line."""
        return [word.format(products=self.products, original=self.original) for word in job.arguments]

    def undisturbed(self, job: Job) -> tuple[dict[str, str], Ended]:
        """Run a command without a fault. Returns the contents of the folder after it."""
        if job.name not in self.made:
            self.enter(job.state)
            ended = self.faults.run(self.arguments(job))
            assert ended.code == 0, f"{job}: {ended.stderr}"
            self.made[job.name] = results(self.root), ended
        return self.made[job.name]

    def enter(self, state: str) -> None:
        """Bring the folder into a state."""
        stored = self.states / state
        if not stored.exists():
            _STATES[state](self)
            shutil.copytree(self.root, stored, symlinks=True)
        shutil.rmtree(self.root, ignore_errors=True)
        shutil.copytree(stored, self.root, symlinks=True)

    def run(self, *arguments: str) -> None:
        """Run a command that must succeed."""
        ended = self.faults.run([word.format(products=self.products) for word in arguments])
        assert ended.code == 0, ended.stderr

    def same_outside(self) -> bool:
        """Whether the files outside of the folder are as they were."""
        return self.untouched == (self._raw(self.products), self._raw(self.faults.place / "original"))

    @staticmethod
    def _raw(folder: Path) -> dict[str, str]:
        return {str(path.relative_to(folder)): raw(path) for path in folder.rglob("*") if path.is_file()}


def results(root: Path) -> dict[str, str]:
    """Return the contents of a folder; those of the last iteration lie below ``latest``, whatever its number."""
    found = contents(root)
    numbered = {name: _ITERATION.match(name) for name in found}
    last = max((match[2] for match in numbered.values() if match), default="")
    named = {}
    for name, said in found.items():
        match = numbered[name]
        if match is None and Path(name).name != "latest":
            named[name] = said
        elif match is not None and match[2] == last:
            named[f"{match[1]}latest/{match[3]}"] = said
    return named


def users_files(root: Path, job: Job) -> dict[str, str]:
    """Return the bytes of what no command may change."""
    kept = {}
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if name not in job.labels and (
            path.name in ("notes.txt", "scene.json")
            or name in ("work/samples.gpkg", "work/accuracy.gpkg")
            or (_ITERATION.match(name) and path.is_file())
        ):
            kept[name] = raw(path)
    return kept


def labels_of(root: Path, job: Job) -> dict[str, object]:
    """Return the rows of the GeoPackages that a command replaces."""
    return {name: rows(root / name) for name in job.labels}


def lost_labels(root: Path, before: dict[str, object]) -> list[str]:
    """Return the GeoPackages whose rows are in none beside them."""
    lost = []
    for name, former in before.items():
        present = [rows(path) for path in (root / name).parent.glob(f"{Path(name).stem}*.gpkg")]
        if former not in present:
            lost.append(name)
    return lost


def _nothing(bench: Bench) -> None:
    shutil.rmtree(bench.root, ignore_errors=True)
    bench.root.mkdir()
    (bench.root / "notes.txt").write_text(_NOTES)


def _unlabelled(bench: Bench) -> None:
    bench.enter("nothing")
    settings = {
        "margin": 120,
        "samples": {"block": 500},
        "features": ["B02", "B08", "B10", "clear.B04"],
        "classifier": {"classifier.rf.nbtrees": 5},
    }
    _write_scene(bench, settings)
    (bench.root / "work" / "iterations").mkdir(parents=True)
    for folder in ("work", "work/iterations"):
        (bench.root / folder / "notes.txt").write_text(_NOTES)


def _write_scene(bench: Bench, settings: dict[str, object]) -> None:
    content = {"cloudy": str(bench.scene.cloudy), "clear": str(bench.scene.clear), "workspace": "work", "set": settings}
    (bench.root / "scene.json").write_text(json.dumps(content))


def _fresh(bench: Bench) -> None:
    bench.enter("unlabelled")
    shutil.copyfile(bench.scene.samples, bench.root / "work" / "samples.gpkg")


def _once(bench: Bench) -> None:
    bench.enter("fresh")
    bench.run("run", "scene.json")


def _edited(bench: Bench) -> None:
    """Make a state whose samples are not those of the iteration."""
    bench.enter("once")
    samples = ogr.Open(str(bench.root / "work" / "samples.gpkg"), 1)
    samples.GetLayer(0).DeleteFeature(1)
    samples = None


def _changed(bench: Bench) -> None:
    """Make a state whose rasters are out of date."""
    bench.enter("once")
    content = json.loads((bench.root / "scene.json").read_text())
    _write_scene(bench, {**content["set"], "features": ["B02", "B08", "B10"]})


def _made(bench: Bench) -> None:
    bench.enter("once")
    for name in ("kfold", "export", "compare"):
        bench.run(*next(job for job in JOBS if job.name == name).arguments)


def _labelled(bench: Bench) -> None:
    """Make a state in which the points of a plan have classes."""
    bench.enter("once")
    bench.run(*next(job for job in JOBS if job.name == "accuracy plan").arguments)
    labels = gdal.Open(str(bench.root / "work/latest/labels.tif"))
    left, step, _, top, _, _ = labels.GetGeoTransform()
    names = {2: "low_clouds", 3: "high_clouds", 4: "clouds_shadows", 5: "land", 6: "water", 7: "snow"}
    points = ogr.Open(str(bench.root / "work/accuracy.gpkg"), 1)
    layer = points.GetLayer(0)
    for feature in layer:
        x, y = feature.GetGeometryRef().GetPoint_2D()
        code = int(labels.ReadAsArray(int((x - left) / step), int((top - y) / step), 1, 1)[0, 0])
        feature["class"] = names.get(code, "background")
        layer.SetFeature(feature)
    points = None


_STATES: dict[str, Callable[[Bench], None]] = {
    "nothing": _nothing,
    "unlabelled": _unlabelled,
    "fresh": _fresh,
    "once": _once,
    "edited": _edited,
    "changed": _changed,
    "made": _made,
    "labelled": _labelled,
}
