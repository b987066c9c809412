"""Water, snow and a template of one's own, as docs/how_to/uses.md has them, against the truth of their scenes."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import fiona
import numpy as np
import numpy.typing as npt
import pytest
from lxml import etree
from osgeo import gdal
from places import ROOT
from scenes import alcd

from alcd_otb.masks.mask import classes_of
from alcd_otb.masks.workspace_mask import read_workspace
from alcd_otb.scene import Scene
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.settings.template import load_template
from alcd_otb.synthetic.comparison import compare_with_truth

PAGE = ROOT / "docs" / "how_to" / "uses.md"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
WATER, SNOW = (1, 2, 3), (1, 2, 3)


@dataclass(frozen=True)
class Documented:
    """A folder in which the commands of the page were run: (command, what it printed, what the page says of it)."""

    folder: Path
    commands: list[tuple[str, str, str]]

    def iteration(self, workspace: str) -> Path:
        return self.folder / workspace / "latest"


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Documented:
    folder = tmp_path_factory.mktemp("uses")
    shutil.copytree(ROOT / "examples", folder / "examples")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    commands = []
    blocks = re.findall(r"^```(sh|text)\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    for (kind, command), (next_kind, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind == "sh":
            ended = subprocess.run(
                command.replace(".venv/bin/python", sys.executable),
                shell=True,
                cwd=folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=300,
            )
            assert ended.returncode == 0, ended.stderr
            commands.append((command, ended.stdout, shown if next_kind == "text" else ""))
    return Documented(folder, commands)


DEMO_WATER, DEMO_SNOW = (f"demo_{use}/synthetic_31TFJ_20180110" for use in ("water", "snow"))


class TestPage:
    def test_its_commands_print_what_it_says(self, documented: Documented) -> None:
        """Words exactly; figures nearly, since the scene's noise may differ by a DN from machine to machine."""
        compared = 0
        for command, printed, shown in documented.commands:
            lines = shown.splitlines()
            if not lines:
                continue
            first = next(n for n, line in enumerate(printed.splitlines()) if words(line) == words(lines[0]))
            for said, line in zip(lines, printed.splitlines()[first:], strict=False):
                assert words(said) == words(line), command
                figures = [[float(one) for one in NUMBER.findall(text)] for text in (said, line)]
                assert figures[0] == pytest.approx(figures[1], abs=0.03, rel=0.02), line
                compared += 1
        assert compared == 25

    def test_a_slip_is_refused_as_it_says(self, tmp_path: Path) -> None:
        content = json.loads((ROOT / "examples" / "lakes.json").read_text("utf-8"))
        content["positive"]["classes"] = ["lakes"]
        (tmp_path / "lakes.json").write_text(json.dumps(content))
        ended = alcd("styles", tmp_path / "lakes.json", tmp_path)
        assert ended.returncode == 2
        (said,) = re.findall(r"^lakes\.json: .*$", PAGE.read_text("utf-8"), re.M)
        assert ended.stderr.strip().endswith(said)


def words(text: str) -> list[str]:
    return NUMBER.sub("0", text).split()


def f1(found: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> float:
    return float(2 * (found & true).sum() / (found.sum() + true.sum()))


@dataclass(frozen=True)
class Mapped:
    """Pixels of a map that are valid and have a truth: whether positive in truth and in the map, and any feature."""

    true: npt.NDArray[np.bool_]
    found: npt.NDArray[np.bool_]
    feature: Callable[[str], npt.NDArray[np.float32]]


def mapped(workspace: Path, truth: Path, positive: tuple[int, ...], codes: tuple[int, ...]) -> Mapped:
    labels = gdal.Open(str(workspace / "latest" / "labels.tif"))
    step = labels.GetGeoTransform()[1]
    reference = gdal.Warp("", str(truth), format="MEM", xRes=step, yRes=step, resampleAlg="mode").ReadAsArray()
    compared = (reference > 0) & (labels.ReadAsArray() > 0)
    features = gdal.Open(str(workspace / "features.tif"))
    names = [features.GetRasterBand(number).GetDescription() for number in range(1, features.RasterCount + 1)]

    def feature(name: str) -> npt.NDArray[np.float32]:
        return np.asarray(features.GetRasterBand(names.index(name) + 1).ReadAsArray()[compared])

    return Mapped(np.isin(reference, positive)[compared], np.isin(labels.ReadAsArray(), codes)[compared], feature)


class TestAgainstTheTruth:
    """A forest taught by 25 points a class must do better than the index of the field, at whatever threshold.

    The best threshold is found with the truth, which no user has.
    """

    @pytest.mark.parametrize(
        ("workspace", "indices"), [(DEMO_WATER, ("MNDWI", "NDWI")), ("demo_water/one_date_10m", ("MNDWI",))]
    )
    def test_water_is_found_better_than_by_any_threshold(
        self, documented: Documented, workspace: str, indices: tuple[str, ...]
    ) -> None:
        pixels = mapped(documented.folder / workspace, documented.folder / "demo_water" / "truth.tif", WATER, WATER)
        assert 0.05 < pixels.true.mean() < 0.2
        for name in indices:
            index = pixels.feature(name)
            best = max(f1(index > threshold, pixels.true) for threshold in np.linspace(-0.5, 0.9, 29))
            assert f1(pixels.found, pixels.true) > best, name

    @pytest.mark.parametrize("workspace", [DEMO_WATER, "demo_water/one_date_10m"])
    def test_water_off_the_banks_is_found(self, documented: Documented, workspace: str) -> None:
        """Pixels that hold nothing but water are told with certainty; what is missed is shared with the bank."""
        labels = gdal.Open(str(documented.folder / workspace / "latest" / "labels.tif"))
        step = labels.GetGeoTransform()[1]
        truth = str(documented.folder / "demo_water" / "truth.tif")
        water = np.isin(
            gdal.Warp("", truth, format="MEM", xRes=step, yRes=step, resampleAlg="mode").ReadAsArray(), WATER
        )
        for _ in range(2):
            around = np.lib.stride_tricks.sliding_window_view(np.pad(water, 1), (3, 3))
            water = around.all(axis=(2, 3))
        codes = labels.ReadAsArray()[water]
        assert np.isin(codes, WATER).sum() / (codes > 0).sum() > 0.99

    def test_snow_is_found_better_than_by_two_thresholds(self, documented: Documented) -> None:
        pixels = mapped(documented.folder / DEMO_SNOW, documented.folder / "demo_snow" / "truth.tif", SNOW, SNOW)
        index, red = pixels.feature("NDSI"), pixels.feature("B04")
        # Snow where NDSI > 0.4 and red > 0.2: the first pass of Gascoin et al. (2019).
        usual = f1((index > 0.4) & (red > 0.2), pixels.true)
        assert usual > max(f1(index > threshold, pixels.true) for threshold in np.linspace(0, 0.9, 19))
        assert f1(pixels.found, pixels.true) > usual

    def test_a_template_of_one_s_own_finds_the_water_as_well(self, documented: Documented) -> None:
        truth = documented.folder / "demo_water" / "truth.tif"
        pixels = mapped(documented.folder / "demo_water" / "lakes", truth, WATER, (1,))
        own = mapped(documented.folder / DEMO_WATER, truth, WATER, WATER)
        assert f1(pixels.found, pixels.true) > f1(own.found, own.true) - 0.05

    @pytest.mark.parametrize(("use", "workspace"), [("water", DEMO_WATER), ("snow", DEMO_SNOW)])
    def test_the_demo_counts_as_the_maps_are(self, documented: Documented, use: str, workspace: str) -> None:
        pixels = mapped(documented.folder / workspace, documented.folder / f"demo_{use}" / "truth.tif", WATER, WATER)
        (printed,) = [out for command, out, _ in documented.commands if f"demo demo_{use} " in command]
        found = re.search(rf"against the known truth, (\d+) pixels: .* {use}/other ([\d.]+)", printed)
        assert found is not None
        assert int(found[1]) == pixels.true.size
        assert float(found[2]) == pytest.approx((pixels.found == pixels.true).mean(), abs=0.0005)


class TestWords:
    """Nothing of a use speaks of another one's sides."""

    @pytest.mark.parametrize(
        ("workspace", "side"), [(DEMO_WATER, "water"), (DEMO_SNOW, "snow"), ("demo_water/lakes", "water")]
    )
    def test_in_files(self, documented: Documented, workspace: str, side: str) -> None:
        iteration = documented.iteration(workspace)
        metrics = json.loads((iteration / "metrics.json").read_text())
        assert metrics["positive"]["name"] == side
        assert metrics[f"{side}_other"]["classes"] == [side, "other"]
        assert (iteration / f"{side}_other_matrix.csv").is_file()
        report = (iteration / "report.html").read_text("utf-8")
        assert f"{side}/other" in report
        assert f"F1 of {side}" in report
        names = ", ".join(metrics["positive"]["classes"])
        assert f"of the map is {side} ({names})" in report
        pictures = re.compile(r"data:image/\w+;base64,[\w+/=]+")
        for text in (json.dumps(metrics), pictures.sub("", report).partition('id="configuration"')[0]):
            assert "invalid" not in text
        assert not list(iteration.glob("*invalid*"))

    def test_in_k_folds(self, documented: Documented) -> None:
        folder = documented.folder / DEMO_SNOW / "kfold"
        together = json.loads((folder / "kfold.json").read_text())
        assert together["together"]["snow_other"]["classes"] == ["snow", "other"]
        assert together["mean"]["snow_other_accuracy"] == pytest.approx(0.957, abs=0.03)
        assert "snow/other accuracy" in (folder / "kfold.csv").read_text().splitlines()[0]
        assert all("invalid" not in (folder / name).read_text() for name in ("kfold.json", "kfold.csv"))

    def test_in_what_is_printed(self, documented: Documented) -> None:
        scene = documented.folder / "demo_water" / "scene.json"
        told = alcd("status", scene)
        assert "water/other" in told.stdout
        (iteration,) = json.loads(alcd("status", scene, "--json").stdout)["iterations"]
        metrics = json.loads((documented.iteration(DEMO_WATER) / "metrics.json").read_text())
        assert iteration["validation"]["water_other_accuracy"] == metrics["water_other"]["overall_accuracy"]
        printed = [out for _, out, _ in documented.commands]
        assert all("invalid" not in text for text in (told.stdout, *printed))

    def test_the_two_classes_are_sums_of_the_classes(self, documented: Documented) -> None:
        lines = (documented.iteration(DEMO_WATER) / "confusion_matrix.csv").read_text().splitlines()[1:]
        names = lines[0].split(",")[1:]
        matrix = np.array([line.split(",")[1:] for line in lines[1:]], dtype=int)
        side = np.array([name.endswith("_water") for name in names])
        expected = [[matrix[np.ix_(row, column)].sum() for column in (side, ~side)] for row in (side, ~side)]
        two = (documented.iteration(DEMO_WATER) / "water_other_matrix.csv").read_text().splitlines()
        assert two[1:] == [
            "reference\\map,water,other",
            f"water,{expected[0][0]},{expected[0][1]}",
            f"other,{expected[1][0]},{expected[1][1]}",
        ]

    def test_in_comparisons(self, documented: Documented) -> None:
        legend = load_template("water").legend
        means = {one.name: set(one.means) for one in classes_of(legend)}
        assert means == {
            "no_data": set(), "clear_water": {"water"}, "turbid_water": {"water"}, "shadowed_water": {"water"},
            "land": set(), "shaded_land": set(), "snow": set(), "cloud": {"invalid"},
        }  # fmt: skip
        mask = read_workspace(documented.folder / DEMO_WATER)
        assert {one.name: set(one.means) for one in mask.classes} == means


class TestSamples:
    def test_a_point_is_one_pixel(self, documented: Documented) -> None:
        iteration = documented.iteration(DEMO_WATER)
        with fiona.open(iteration / "samples.gpkg", layer="samples") as layer:
            places = [(one["properties"]["class"], *one["geometry"]["coordinates"]) for one in layer]
        # Two points of a class in one pixel of 20 m are one.
        pixels = {(name, int(x // 20), int(y // 20)) for name, x, y in places}
        legend = load_template("water").legend
        trained = set()
        with fiona.open(iteration / "training.gpkg") as layer:
            for one in layer:
                x, y = one["geometry"]["coordinates"]
                trained.add((legend.with_code(int(one["properties"]["class"])).name, int(x // 20), int(y // 20)))
            assert len(layer) == len(trained)
        # A pixel with points of two classes trains nothing, and neither does one that is too near to the edge.
        assert trained <= pixels
        assert len(trained) > 0.9 * len(pixels)


class TestInputs:
    def test_one_date_without_elevation_has_the_features_that_are_left(self, documented: Documented) -> None:
        features = gdal.Open(str(documented.folder / "demo_water" / "one_date_10m" / "features.tif"))
        names = [features.GetRasterBand(number).GetDescription() for number in range(1, features.RasterCount + 1)]
        assert names == [
            "B02", "B03", "B04", "B08", "B8A", "B10", "B11", "B12",
            "NDWI", "MNDWI", "NDVI", "infrared", "red_blue_ratio",
        ]  # fmt: skip
        assert features.GetGeoTransform()[1] == 10

    def test_indices_are_those_of_the_field(self, documented: Documented) -> None:
        for use, workspace, name, other in (
            ("water", DEMO_WATER, "MNDWI", "B11"), ("water", DEMO_WATER, "NDWI", "B08"),
            ("snow", DEMO_SNOW, "NDSI", "B11"),
        ):  # fmt: skip
            pixels = mapped(documented.folder / workspace, documented.folder / f"demo_{use}" / "truth.tif", (1,), (1,))
            green, infrared = pixels.feature("B03"), pixels.feature(other)
            bright = green + infrared > 0.02
            expected = (green - infrared)[bright] / (green + infrared)[bright]
            np.testing.assert_allclose(pixels.feature(name)[bright], expected, atol=2e-3)


class TestQgis:
    @pytest.mark.parametrize(
        ("workspace", "expected"),
        [
            (DEMO_WATER, ["false colour", "true colour", "bright", "MNDWI"]),
            (DEMO_SNOW, ["false colour", "true colour", "bright", "SWIR composite", "cirrus", "NDSI", "B12"]),
        ],
    )
    def test_three_layers_are_one_image(self, documented: Documented, workspace: str, expected: list[str]) -> None:
        with zipfile.ZipFile(documented.folder / workspace / "project.qgz") as packed:
            project = etree.fromstring(packed.read("project.qgs"))
        layers = [one for one in project.iter("maplayer") if (one.findtext("datasource") or "").endswith("view.tif")]
        titles = [one.findtext("layername") for one in layers]
        # Of the clear date too.
        assert sorted(map(str, titles)) == sorted([*expected, "false colour"])


class TestDemo:
    def test_a_template_without_a_synthetic_truth(self, tmp_path: Path) -> None:
        ended = alcd("demo", tmp_path / "demo", "--template", "clouds_alcd2019")
        assert ended.returncode == 2
        assert ended.stderr.strip().endswith("a synthetic scene has a truth for clouds, snow, water")
        assert not (tmp_path / "demo").exists()

    def test_the_resolution_is_that_asked_for(self, documented: Documented) -> None:
        scene = documented.folder / "demo_water" / "scene.json"
        assert load_scene(scene).template.resolution == 20
        assert load_scene(documented.folder / "examples" / "scene_water.json").template.resolution == 10

    def test_compares_on_the_grid_of_the_map(self, documented: Documented) -> None:
        scene = Scene.open(documented.folder / "examples" / "scene_water.json")
        labels = scene.workspace.latest / "labels.tif"
        truth = documented.folder / "demo_water" / "truth.tif"
        pairs = compare_with_truth(labels, truth)
        codes, reference = (gdal.Open(str(path)).ReadAsArray() for path in (labels, truth))
        assert pairs[1, 1] == ((codes == 1) & (reference == 1)).sum()
        assert sum(pairs.values()) == ((codes > 0) & (reference > 0)).sum()
