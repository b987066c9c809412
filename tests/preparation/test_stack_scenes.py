"""Whole scenes from georeferenced stacks, by the templates of the examples, against their synthetic truth."""

import json
import shutil
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree
from osgeo import gdal
from PIL import Image
from places import ROOT
from scenes import alcd
from sentinel2_files import one_line_error
from stacks import LEFT, OPTICAL, TOP, Pixels, write_backscatter, write_points, write_surface_reflectance

from alcd_otb.masks.acquisition import Acquisition
from alcd_otb.masks.workspace_mask import read_workspace
from alcd_otb.scene import Result, Scene

EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class StackScene:
    """A scene that has been run once, with its truth."""

    file: Path
    scene: Scene
    result: Result
    truth: Pixels

    @property
    def iteration(self) -> Path:
        return self.result.workspace / "latest"

    @property
    def config(self) -> Any:
        return json.loads((self.iteration / "config.json").read_text("utf-8"))

    def labels(self) -> Pixels:
        return gdal.Open(str(self.result.labels)).ReadAsArray()


def run(folder: Path, truth: Pixels, resolution: float, template: str, inset: int, **content: Any) -> StackScene:
    names = {one["code"]: one["name"] for one in json.loads((EXAMPLES / template).read_text("utf-8"))["classes"]}
    samples = write_points(folder / "points.geojson", truth, names, resolution, 12, inset)
    scene = {"samples": samples.name, "workspace": "work", "template": str(EXAMPLES / template), **content}
    file = folder / "scene.json"
    file.write_text(json.dumps(scene), "utf-8")
    opened = Scene.open(file)
    return StackScene(file, opened, opened.run(), truth)


@pytest.fixture(scope="module")
def radar(tmp_path_factory: pytest.TempPathFactory) -> StackScene:
    folder = tmp_path_factory.mktemp("radar")
    truth = write_backscatter(folder / "s1.tif", 240)
    settings = {"samples": {"growth": 20, "block": 300}}
    return run(folder, truth, 10, "water_sentinel1.json", 4, stack="s1.tif", set=settings)


@pytest.fixture(scope="module")
def optical(tmp_path_factory: pytest.TempPathFactory) -> StackScene:
    folder = tmp_path_factory.mktemp("optical")
    truth = write_surface_reflectance(folder / "cloudy.tif", folder / "clear.tif", 150)
    bands = {"stack": "cloudy.tif", "clear": ["clear.tif"], "bands": OPTICAL}
    settings = {"margin": 0, "samples": {"growth": 60}}
    return run(folder, truth, 30, "clouds_surface_reflectance.json", 4, **bands, set=settings)


def read(path: Path | None) -> Pixels:
    return gdal.Open(str(path)).ReadAsArray()


class TestSentinel1:
    def test_the_map_is_the_truth_nearly(self, radar: StackScene) -> None:
        labels = radar.labels()
        there = (labels > 0) & (radar.truth > 0)
        assert (labels == radar.truth)[there].mean() > 0.93
        water = (labels == 1)[there], (radar.truth == 1)[there]
        assert (water[0] & water[1]).sum() / (water[0] | water[1]).sum() > 0.97

    def test_nothing_is_mapped_where_nothing_came_back(self, radar: StackScene) -> None:
        labels = radar.labels()
        assert (labels[radar.truth == 0] == 0).all()
        # The windows of the textures reach 3 pixels over the edge.
        assert (labels == 0).sum() < (radar.truth == 0).sum() + 6 * 240
        assert radar.config["pixels"]["valid"] == (labels > 0).sum()

    def test_on_the_stack_s_own_grid(self, radar: StackScene) -> None:
        for path in (radar.result.labels, radar.result.features, radar.result.workspace / "view.tif"):
            dataset = gdal.Open(str(path))
            assert dataset.GetGeoTransform() == (LEFT, 10, 0, TOP, 0, -10)
            assert (dataset.RasterXSize, dataset.RasterYSize) == (240, 240)

    def test_the_picture_is_stretched_as_the_template_says(self, radar: StackScene) -> None:
        stored = gdal.Open(str(radar.file.parent / "s1.tif")).ReadAsArray().astype(np.float64)
        vv, vh = stored
        with np.errstate(invalid="ignore"):
            channels = ((vv + 22) / 22, (vh + 28) / 20, (vv - vh) / 16)
        seen = np.isfinite(vv) & np.isfinite(vh)
        expected = np.stack([np.where(seen, np.clip(one, 0, 1) * 255, 0) for one in channels], -1)
        # Seven pixels of the picture are one of the image.
        picture = np.asarray(Image.open(radar.result.workspace / "quicklook.png"))[3::7, 3::7].astype(float)
        assert np.abs(picture - expected).max() <= 1.2

    def test_what_is_recorded(self, radar: StackScene) -> None:
        products = radar.config["products"]
        assert (products["cloudy"]["name"], products["cloudy"]["tile"], products["clear"]) == ("s1", None, None)
        assert products["cloudy"]["bands"] == {name: {"scale": 1, "offset": 0} for name in ("VV", "VH")}
        file = radar.file.parent / "s1.tif"
        assert products["cloudy"]["files"] == [{"path": str(file), "bytes": file.stat().st_size}]
        scene = radar.config["scene"]
        assert (scene["cloudy"], scene["stack"], scene["template"]["resolution"]) == (None, str(file), 10)
        assert scene["template"]["view"]["resolution"] == 10

    def test_the_report(self, radar: StackScene) -> None:
        page = etree.HTML((radar.iteration / "report.html").read_text("utf-8"))
        text = " ".join(" ".join(page.itertext()).split())
        assert "s1, from the one date; mapped" in text
        assert "Image product s1 bands VV, VH file" in text
        assert [one.get("data-view") for one in page.iter("figure")] == ["image", "contours", "classes", "confidence"]

    def test_the_project(self, radar: StackScene) -> None:
        with zipfile.ZipFile(radar.result.project) as packed:
            root = etree.fromstring(packed.read("project.qgs"))
        groups = [one.get("name") for one in root.iter("layer-tree-group") if one.get("name")]
        assert groups == ["Label", "Map", "Image"]
        (colours,) = root.xpath("//maplayer[id='alcd_otb_false_colour']")
        limits = [
            [float(stretch.findtext(tag) or "") for tag in ("minValue", "maxValue")]
            for stretch in colours.xpath(".//*[minValue]")
        ]
        assert limits == [[-22, 0], [-28, -8], [0, 16]]

    def test_every_other_command(self, radar: StackScene) -> None:
        for arguments in (("kfold", "-k", 4), ("next",), ("status",), ("accuracy", "plan", "-n", 20)):
            command, *options = arguments
            subcommand = [options.pop(0)] if command == "accuracy" else []
            ended = alcd(command, *map(str, subcommand), radar.file, *map(str, options))
            assert ended.returncode == 0, ended.stderr
        assert json.loads((radar.result.workspace / "kfold" / "kfold.json").read_text("utf-8"))

    def test_is_a_reference_by_names_with_tile_and_time(self, radar: StackScene, tmp_path: Path) -> None:
        message = one_line_error(lambda: read_workspace(radar.result.workspace))
        assert "is the map of a stack, and no name contains tile and time" in message
        water = "water_31TFJ_20240305"
        copy = Path(shutil.copytree(radar.result.workspace, tmp_path / water, symlinks=True))
        assert read_workspace(copy).acquisition == Acquisition("31TFJ", date(2024, 3, 5))
        # Its own map as a product of the same place and day agrees with it in every pixel.
        masks = tmp_path / "masks"
        masks.mkdir()
        shutil.copy(copy / "latest" / "labels.tif", masks / f"{water}.tif")
        classes = [{"code": code, "name": name} for code, name in enumerate(("water", "open", "forest", "town"), 1)]
        table = {"processor": "other", "files": "*.tif", "no_data": [0], "classes": classes}
        (masks / "table.json").write_text(json.dumps(table))
        protocol = {"name": "water", "grid": 10, "positive": {"reference": ["water"], "product": ["water"]}}
        (tmp_path / "protocol.json").write_text(json.dumps(protocol))
        out = tmp_path / "out"
        ended = alcd("compare", copy, masks, "--protocol", tmp_path / "protocol.json", "-o", out)
        assert ended.returncode == 0, ended.stderr
        (row,) = json.loads((out / "comparison.json").read_text("utf-8"))["rows"]
        labels = read(copy / "latest" / "labels.tif")
        assert (row["scene"], row["fp"], row["fn"]) == ("31TFJ_20240305", 0, 0)
        assert row["tp"] + row["tn"] == (labels > 0).sum()


class TestSurfaceReflectance:
    def test_the_map_is_the_truth_nearly(self, optical: StackScene) -> None:
        labels = optical.labels()
        there = (labels > 0) & (optical.truth > 0)
        assert (labels == optical.truth)[there].mean() > 0.97
        np.testing.assert_array_equal(labels == 0, optical.truth == 0)

    def test_features_are_reflectances(self, optical: StackScene) -> None:
        dataset = gdal.Open(str(optical.result.features))
        names = [dataset.GetRasterBand(number).GetDescription() for number in range(1, dataset.RasterCount + 1)]
        made = dict(zip(names, dataset.ReadAsArray(), strict=True))
        cloudy, clear = (read(optical.file.parent / f"{name}.tif").astype(float) for name in ("cloudy", "clear"))
        for stack in (cloudy, clear):
            stack[stack == -10000] = np.nan
        np.testing.assert_allclose(made["nir"], cloudy[3] * 0.0001, rtol=2**-17)
        expected = (cloudy[3] + cloudy[4]) / np.maximum(clear[3] + clear[4], 200)
        np.testing.assert_allclose(made["infrared_ratio"], expected, rtol=1e-5)
        np.testing.assert_allclose(made["difference_red"], (cloudy[2] - clear[2]) * 0.0001, atol=4e-6)

    def test_both_dates_are_in_the_project_and_the_report(self, optical: StackScene) -> None:
        with zipfile.ZipFile(optical.result.project) as packed:
            root = etree.fromstring(packed.read("project.qgs"))
        groups = [one.get("name") for one in root.iter("layer-tree-group") if one.get("name")]
        assert groups == ["Label", "Map", "Image", "Clear date"]
        assert set(optical.config["products"]) == {"cloudy", "clear"}
        assert optical.config["products"]["clear"]["bands"]["nir"] == {"scale": 0.0001, "offset": 0}
        text = " ".join(etree.HTML((optical.iteration / "report.html").read_text("utf-8")).itertext())
        assert "cloudy, with the clear date clear;" in " ".join(text.split())

    def test_a_second_clear_date(self, optical: StackScene, tmp_path: Path) -> None:
        folder = optical.file.parent
        shutil.copyfile(folder / "clear.tif", tmp_path / "another.tif")
        content = json.loads(optical.file.read_text("utf-8"))
        content |= {key: str(folder / content[key]) for key in ("stack", "samples")}
        content["clear"] = [str(folder / "clear.tif"), str(tmp_path / "another.tif")]
        layers = [
            {"name": f"{prefix}{name}", "expr": f"{date}{name}"}
            for prefix, date in (("", ""), ("clear_", "clear."), ("clear2_", "clear2."))
            for name in ("red", "green", "blue")
        ]
        features = [*OPTICAL, {"name": "difference", "expr": "blue - (clear.blue + clear2.blue) / 2"}]
        content["set"] |= {"features": features, "view": {"layers": layers}}
        (tmp_path / "scene.json").write_text(json.dumps(content), "utf-8")
        result = Scene.open(tmp_path / "scene.json").run()
        with zipfile.ZipFile(result.project) as packed:
            root = etree.fromstring(packed.read("project.qgs"))
        groups = {one.get("name"): one.xpath("layer-tree-layer/@id") for one in root.iter("layer-tree-group")}
        assert groups["Clear date"] == ["alcd_otb_clear_true_colour"]
        assert groups["Clear date 2"] == ["alcd_otb_clear2_true_colour"]
        themes = {one.get("name"): one.xpath("layer/@id") for one in root.iter("visibility-preset")}
        assert list(themes) == ["01 Label", "02 Clear date", "03 Clear date 2", "04 Map", "05 Confidence", "06 Margin"]
        assert themes["03 Clear date 2"][-2:] == ["alcd_otb_clear2_true_colour", "alcd_otb_iteration"]
        config = json.loads((result.workspace / "config.json").read_text("utf-8"))
        assert [one["name"] for one in config["products"].values()] == ["cloudy", "clear", "another"]
        assert list(config["products"]) == ["cloudy", "clear", "clear2"]
        assert result.report is not None
        text = " ".join(" ".join(etree.HTML(result.report.read_text("utf-8")).itertext()).split())
        assert "cloudy, with the clear dates clear, another;" in text
        assert "Clear date 2 product another" in text

    def test_a_changed_file_is_prepared_anew(self, optical: StackScene) -> None:
        assert "is prepared and up to date" in optical.scene.plan()[0]
        (optical.file.parent / "clear.tif").touch()
        assert optical.scene.plan()[0].startswith("prepare ")
