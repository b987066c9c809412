"""Define the jobs that both checkouts run, each in its own folder."""

import json
import shutil
from collections.abc import Callable
from typing import Any

from checkout import Job
from inputs import EPSG, EXAMPLE, SIZE, Inputs, label_again
from labelling import Truth, add_points, label_plan, write_points

Case = Callable[[Job, Inputs], None]

_OVERVIEW = ("--title", "Masks", "--description", "Of a test", "--licence", "CC-BY-4.0", "--provider", "A laboratory")
_CLOUDS = ("--cloud", "low_clouds", "--cloud", "high_clouds")


def _demo(seed: int, *options: str) -> Case:
    """Two iterations on a scene that the checkout makes."""

    def run(job: Job, _: Inputs) -> None:
        job.alcd("demo", "demo", "--size", str(SIZE), "--seed", str(seed), *options, "--json")
        demo = job.folder / "demo"
        workspace = demo / json.loads((demo / "scene.json").read_text("utf-8"))["workspace"]
        label_again(demo, workspace, with_correction=not options)
        job.alcd("run", "demo/scene.json", "--json")
        job.alcd("status", "demo/scene.json", "--json")

    return run


def _loop(job: Job, inputs: Inputs) -> None:
    """Run jobs that continue from existing iterations."""
    scene = inputs.finished_scene(job.folder)
    job.alcd("run", scene, "--dry-run")
    job.alcd("next", scene, "-n", "5", "--json")
    job.alcd("next", scene)
    job.alcd("status", scene)
    job.alcd("status", scene, "--json")
    job.alcd("run", scene)
    job.alcd("run", scene, "--dry-run", "--from", "1")


def _start_again(job: Job, inputs: Inputs) -> None:
    """Start again from the samples of the first iteration, in the workspace's own file."""
    scene = inputs.finished_scene(job.folder)
    shutil.copyfile(inputs.demo / "samples.gpkg", job.folder / "work" / "samples.gpkg")
    inputs.write_scene(job.folder, workspace="work", samples=None)
    job.alcd("run", scene, "--from", "1", "--json")


def _kfold(job: Job, inputs: Inputs) -> None:
    scene = inputs.write_scene(job.folder, workspace="work", set={"samples": {"block": 2000}})
    shutil.copytree(inputs.workspace, job.folder / "work", symlinks=True)
    job.alcd("kfold", scene, "-k", "4", "--json")
    job.alcd("export", scene, "with_kfold", "--layout", "zenodo", "--json")


def _accuracy(job: Job, inputs: Inputs) -> None:
    scene = inputs.finished_scene(job.folder)
    job.alcd("accuracy", "plan", scene, "-n", "90", "--seed", "3", "--json")
    label_plan(job.folder / "work" / "accuracy.gpkg", inputs.truth)
    job.alcd("accuracy", "estimate", scene, "--json")
    job.alcd("accuracy", "estimate", scene, "--iteration", "1")
    job.alcd("accuracy", "plan", scene, "-n", "60", "--replace")
    job.alcd("run", scene)


def _export(layout: str) -> Case:
    def run(job: Job, inputs: Inputs) -> None:
        said = (*_OVERVIEW, *(_CLOUDS if layout == "stac" else ()), "--json")
        job.alcd("export", inputs.workspace, "one", "--layout", layout, "--iteration", "1", *said)
        others = (inputs.demo / "scene.json", inputs.folder / "other_date")
        job.alcd("export", *others, "two", "--layout", layout, *said)

    return run


def _compare(job: Job, inputs: Inputs) -> None:
    masks = inputs.folder / "masks"
    job.alcd("compare", inputs.workspace, masks, "-o", "as_delivered", "--json")
    dilated = ("--protocol", "cmix2022", "--dilate", "0:240:120")
    job.alcd("compare", inputs.workspace, f"Sen2Cor_2={masks / 'L2A'}", *dilated, "-o", "dilated", "--json")
    job.alcd("export", inputs.workspace, "published", "--layout", "zenodo")
    job.alcd("compare", "published", masks, "--dilate", "0,180", "-o", "of_published")


def _stacks(job: Job, inputs: Inputs) -> None:
    """Run a scene on georeferenced rasters of six bands, by a template of the examples."""
    folder = inputs.folder / "stacks"
    template = job.folder / "template.json"
    shutil.copyfile(folder / EXAMPLE, template)
    # The truth of the demo with the example's classes: clouds, shadows, land and water.
    names = {2: "cloud", 3: "cloud", 4: "shadow", 5: "land", 6: "water"}
    demo = inputs.truth
    truth = Truth(demo.codes, demo.transform, names)
    write_points(job.folder / "points.geojson", truth.places(12, seed=5), EPSG)
    scene = inputs.write_scene(
        job.folder,
        **dict.fromkeys(("cloudy", "dem")),
        stack=str(folder / "cloudy.tif"),
        clear=str(folder / "clear.tif"),
        samples="points.geojson",
        workspace="work",
        template="template.json",
        set={"margin": 120, "samples": {"block": 2000}},
    )
    job.alcd("run", scene, "--json")
    write_points(job.folder / "points.geojson", truth.places(15, seed=6), EPSG)
    job.alcd("run", scene, "--json")
    job.alcd("kfold", scene, "-k", "4", "--json")
    job.alcd("next", scene, "--json")
    job.alcd("accuracy", "plan", scene, "-n", "40", "--json")
    job.alcd("status", scene, "--json")


def _with_settings(**changes: Any) -> Case:
    """Run a scene of the demo's products with other settings, from points as GeoJSON."""

    def run(job: Job, inputs: Inputs) -> None:
        points = str(inputs.folder / "points.geojson")
        shutil.copyfile(inputs.folder / "functions.py", job.folder / "functions.py")
        scene = inputs.write_scene(job.folder, workspace="work", samples=points, **changes)
        job.alcd("run", scene, "--json")

    return run


def _label_in_workspace(job: Job, inputs: Inputs) -> None:
    """Prepare a scene without samples, then label in the file that the run makes."""
    scene = inputs.write_scene(job.folder, workspace="work", samples=None)
    job.alcd("run", scene, "--json")
    add_points(job.folder / "work" / "samples.gpkg", inputs.truth.places(8, seed=7))
    job.alcd("run", scene, "--json")


def _sklearn(job: Job, inputs: Inputs) -> None:
    forest = {"classifier": "sklearn", "sklearn": "RandomForestClassifier", "sklearn.n_estimators": 20}
    settings = {"classifier": forest, "confidence": {"shares": True}, "samples": {"block": 2000}}
    _with_settings(set=settings)(job, inputs)
    job.alcd("kfold", "scene.json", "-k", "4", "--json")


def _import_alcd(job: Job, inputs: Inputs) -> None:
    assert inputs.original is not None
    parameters = inputs.folder / "original" / "parameters_files"
    job.alcd("import-alcd", inputs.original, "imported", "--parameters", parameters, "--json")
    job.alcd("run", "imported/scene.json", "--json")
    job.alcd("import-alcd", inputs.original, "by_clouds", "--parameters", parameters, "--template", "clouds")


def _texts(job: Job, _: Inputs) -> None:
    """What needs no scene."""
    for template in ("clouds", "clouds_alcd2019", "snow", "water"):
        job.alcd("styles", template, f"styles_{template}", "--json")
    job.alcd("schema", "--json")
    job.alcd("schema", "--template", "--json")


def _quicklooks(job: Job, inputs: Inputs) -> None:
    products = inputs.demo / "L1C"
    job.alcd("quicklooks", products, "--tile", "31TFJ", "-o", "dates.html", "--json")
    job.alcd("quicklooks", products, "--tile", "31TFJ", "-o", "dates.png")


def _refusals(job: Job, inputs: Inputs) -> None:
    """What is refused, by exit code."""
    job.alcd("run", "nowhere.json", code=2)
    job.alcd("run", inputs.write_scene(job.folder, workspace="work", resolution=60), code=2)
    job.alcd("run", inputs.write_scene(job.folder, workspace="work", cloudy="nowhere.SAFE"), code=3)
    job.alcd("run", inputs.write_scene(job.folder, workspace="work", samples="nowhere.gpkg"), code=4)
    job.alcd("export", inputs.workspace, "out", "--layout", "cog", "--doi", "none", code=2)
    job.alcd("compare", inputs.workspace, inputs.folder / "nowhere", code=3)


_RANGE = {"name": "range", "python": "functions.py:local_range", "bands": ["B08"], "halo": 2, "options": {"radius": 2}}

CASES: dict[str, Case] = {
    "demo_1": _demo(1),
    "demo_2": _demo(2, "--offset", "both"),
    "demo_3": _demo(3, "--offset", "none", "--resolution", "30"),
    "water": _demo(1, "--template", "water"),
    "snow": _demo(1, "--template", "snow"),
    "loop": _loop,
    "start_again": _start_again,
    "label_in_workspace": _label_in_workspace,
    "kfold": _kfold,
    "accuracy": _accuracy,
    "export_zenodo": _export("zenodo"),
    "export_stac": _export("stac"),
    "export_cog": _export("cog"),
    "compare": _compare,
    "stacks": _stacks,
    "single_date": _with_settings(clear=None, set={"decoding": "full", "view": {"resolution": 60}}),
    "functions": _with_settings(set={"features": ["B02", "B03", "B04", "B08", "B10", "B11", _RANGE]}),
    "other_classifier": _with_settings(set={"classifier": {"classifier": "dt"}, "regularisation": {"radius": 2}}),
    "sklearn": _sklearn,
    "import_alcd": _import_alcd,
    "quicklooks": _quicklooks,
    "texts": _texts,
    "refusals": _refusals,
}


def skipped(name: str, inputs: Inputs, have_sklearn: bool) -> str | None:
    """Return why a case is left out; None if it is not."""
    if name == "sklearn" and not have_sklearn:
        return "scikit-learn is not installed in both checkouts"
    if name == "import_alcd" and inputs.original is None:
        return "the first checkout has no tests/original_alcd_files.py"
    return None
