"""A template with two sides of its own: its two-class figures keep their names and values in every layout."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from exports import export
from osgeo import ogr

from alcd_otb.accuracy.job import estimate_accuracy, plan_accuracy
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.scene import Scene
from alcd_otb.workspace import Workspace

SIDES = {"name": "wet", "classes": ["water", "snow"], "others": "dry"}


@pytest.fixture
def scene(prepared: Callable[..., Path]) -> Scene:
    """A scene with an iteration, a cross-validation, and an estimate whose labels are those of the map."""
    file = prepared(set={"margin": 120, "positive": SIDES, "samples": {"block": 1000}})
    scene = Scene.open(file)
    workspace = scene.run().workspace
    scene.cross_validate(3)
    legend = scene.config.template.legend
    plan_accuracy(Workspace(workspace), legend, 60, 1, replace=False)
    labels = workspace / "latest" / "labels.tif"
    grid = Grid.of(labels.resolve())
    source = ogr.Open(str(workspace / "accuracy.gpkg"), 1)
    layer = source.GetLayer("accuracy")
    for feature in list(layer):
        place = feature.GetGeometryRef()
        row, column = grid.pixel_at(place.GetX(), place.GetY()) or (0, 0)
        code = int(values_at(labels.resolve(), np.array([row]), np.array([column]))[0, 0])
        feature.SetField("class", legend.with_code(code).name)
        layer.SetFeature(feature)
    source.Destroy()
    estimate_accuracy(Workspace(workspace), legend, None, labelled_only=False)
    return scene


def test_every_layout_has_the_two_class_figures(scene: Scene, tmp_path: Path) -> None:
    workspace = scene.workspace.folder
    matrix = (workspace / "latest" / "wet_dry_matrix.csv").read_text("utf-8")
    assert "wet,dry" in matrix.splitlines()[1]
    folds = json.loads((workspace / "kfold" / "kfold.json").read_text("utf-8"))["folds"]
    for layout in ("zenodo", "cog", "stac"):
        out = tmp_path / layout
        export([workspace], out, layout)
        (found,) = out.rglob("*_*_matrix.csv")
        assert found.name == "wet_dry_matrix.csv"
        assert found.read_text("utf-8") == matrix
        assert not list(out.rglob("invalid_valid*"))
        readme = (out / "README.md").read_text("utf-8")
        assert "| overall accuracy | wet/dry accuracy |" in readme
        assert "| 1.000 [0." in readme.partition("wet/dry accuracy")[2]
        assert "| 6 | water | `#008ed0` | wet |" in readme
        assert "| 2 | low_clouds | `#d2d2d2` | dry |" in readme
        assert "invalid" not in readme
    summary = json.loads(next((tmp_path / "zenodo").rglob("k_fold_summary.json")).read_text("utf-8"))
    place = summary["metrics_names"].index("accuracy")
    accuracies = [fold["wet_dry_accuracy"] for fold in folds]
    assert all(value is not None for value in accuracies)
    assert [row[place] for row in summary["all_metrics"]] == accuracies
    items = [json.loads(file.read_text("utf-8")) for file in (tmp_path / "stac").rglob("*.json")]
    (item,) = [one for one in items if one.get("type") == "Feature"]
    assert item["assets"]["wet_dry_matrix"]["href"] == "./wet_dry_matrix.csv"
    assert item["assets"]["wet_dry_matrix"]["title"] == "Confusion matrix, wet/dry"
    classes = item["assets"]["classes"]["classification:classes"]
    told = {entry["title"]: entry["description"] for entry in classes if "title" in entry}
    assert (told["snow"], told["land"]) == ("snow, counted as wet", "land, counted as dry")


def test_data_sets_of_two_templates_name_no_side(scene: Scene, dated: Callable[..., Path], tmp_path: Path) -> None:
    first = scene.workspace.folder
    second = dated("Arles", "20180410")
    estimate = json.loads((first / "accuracy_estimate.json").read_text("utf-8"))
    other = {key: value for key, value in estimate.items() if key not in ("positive", "wet_dry")}
    (second / "accuracy_estimate.json").write_text(json.dumps(other | {"invalid_valid": estimate["wet_dry"]}), "utf-8")
    copy = shutil.copytree(first, tmp_path / "first", symlinks=True)
    export([copy, second], tmp_path / "out", "cog")
    readme = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "| overall accuracy | two-class accuracy |" in readme
    assert {file.name for file in (tmp_path / "out").rglob("*_*_matrix.csv")} == {
        "wet_dry_matrix.csv",
        "invalid_valid_matrix.csv",
    }
