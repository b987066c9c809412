"""A scene of one date: every command works, and nothing speaks of a clear one."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from lxml import etree
from osgeo import gdal
from scenes import alcd, write_scene

from alcd_otb.scene import Scene
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import SyntheticScene

gdal.UseExceptions()


@pytest.fixture(scope="module")
def file(small_scene: SyntheticScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """scene.json of a scene that has been run twice."""
    folder = tmp_path_factory.mktemp("single")
    settings = {"margin": 120, "samples": {"block": 1000}}
    file = write_scene(folder / "scene.json", small_scene, clear=None, dem=None, set=settings)
    for _ in range(2):
        Scene.open(file).run()
    return file


def test_the_map_is_the_truth_nearly(file: Path, small_scene: SyntheticScene) -> None:
    pairs = compare_with_truth(file.parent / "work" / "latest" / "labels.tif", small_scene.truth)
    assert sum(count for (true, mapped), count in pairs.items() if true == mapped) / sum(pairs.values()) > 0.85


def test_no_feature_and_no_layer_is_of_another_date(file: Path) -> None:
    for name, number in (("features", 19), ("view", 9)):
        dataset = gdal.Open(str(file.parent / "work" / f"{name}.tif"))
        names = [dataset.GetRasterBand(index).GetDescription() for index in range(1, dataset.RasterCount + 1)]
        assert len(names) == number
        assert not [one for one in names if "clear" in one or "difference" in one]


def test_what_is_recorded_and_reported(file: Path) -> None:
    iteration = file.parent / "work" / "latest"
    config = json.loads((iteration / "config.json").read_text("utf-8"))
    assert config["products"]["cloudy"]["tile"] == "31TFJ"
    assert (config["products"]["clear"], config["scene"]["clear"]) == (None, [])
    page = etree.HTML((iteration / "report.html").read_text("utf-8"))
    text = " ".join(" ".join(page.itertext()).split())
    assert "Tile 31TFJ, 2018-03-31, from the one date; mapped" in text
    assert "Cloudy date product" in text
    assert "Clear date" not in text


def test_the_project(file: Path) -> None:
    with zipfile.ZipFile(file.parent / "work" / "project.qgz") as packed:
        root = etree.fromstring(packed.read("project.qgs"))
    groups = [one.get("name") for one in root.iter("layer-tree-group") if one.get("name")]
    assert groups == ["Label", "Map", "Cloudy date"]
    assert "Clear date" not in [one.get("name") for one in root.iter("visibility-preset")]


def test_every_other_command(file: Path) -> None:
    work = file.parent / "work"
    for arguments in (
        ("run", file, "--dry-run"),
        ("status", file),
        ("next", file, "-n", "3"),
        ("kfold", file, "-k", "3"),
        ("accuracy", "plan", file, "-n", "30"),
    ):
        ended = alcd(*arguments)
        assert ended.returncode == 0, ended.stderr
    assert json.loads((work / "kfold" / "kfold.json").read_text("utf-8"))
    # Labelled as the map has it: all of it is right.
    labels = gdal.Open(str(work / "latest" / "labels.tif"))
    codes, (left, side, _, top, _, _) = labels.ReadAsArray(), labels.GetGeoTransform()
    names = {
        one["code"]: one["name"]
        for one in json.loads((work / "config.json").read_text())["scene"]["template"]["classes"]
    }
    points = gdal.OpenEx(str(work / "accuracy.gpkg"), gdal.OF_VECTOR | gdal.OF_UPDATE)
    for feature in points.GetLayer(0):
        place = feature.GetGeometryRef()
        code = codes[int((top - place.GetY()) // side), int((place.GetX() - left) // side)]
        feature.SetField("class", names[int(code)])
        points.GetLayer(0).SetFeature(feature)
    del points
    ended = alcd("accuracy", "estimate", file, "--json")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["overall_accuracy"]["estimate"] == pytest.approx(1)
    assert np.isin(codes, [0, *names]).all()
