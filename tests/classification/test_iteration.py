"""One iteration: the maps it writes, what they carry, and the figures drawn from them."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiona
import numpy as np
import numpy.typing as npt
import pytest
from osgeo import gdal
from scenes import KEPT_OUT, FinishedScene, alcd, write_scene

from alcd_otb.accuracy.confusion_matrix import AXES
from alcd_otb.cli.demo import run_demo
from alcd_otb.scene import Scene
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import SyntheticScene, make_scene
from otb_pipelines.settings import Settings, default_settings

SETTINGS = Settings(ram=128, threads=1)
BANDS = ["B01", "B02", "B03", "B04", "B08", "B8A", "B09", "B10", "B11", "B12"]
Codes = npt.NDArray[np.uint8]


def read(path: Path | None) -> Any:
    return gdal.Open(str(path)).ReadAsArray()


def write(path: Path, pixels: npt.NDArray[Any]) -> Path:
    kind = gdal.GDT_Byte if pixels.dtype == np.uint8 else gdal.GDT_Float32
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), pixels.shape[1], pixels.shape[0], 1, kind)
    dataset.WriteArray(pixels)
    dataset.FlushCache()
    return path


class TestLabels:
    def test_carry_colours_names_and_no_data(self, finished: FinishedScene) -> None:
        dataset = gdal.Open(str(finished.result.labels))
        band = dataset.GetRasterBand(1)
        assert band.DataType == gdal.GDT_Byte
        assert band.GetNoDataValue() == 0
        assert dataset.GetMetadata("IMAGE_STRUCTURE")["COMPRESSION"] == "DEFLATE"
        assert band.GetBlockSize() == [256, 256]
        colours, names = band.GetColorTable(), band.GetCategoryNames()
        assert names[0] == "no data"
        for one in finished.scene.config.template.legend.classes:
            assert colours.GetColorEntry(one.code) == (*one.rgb, 255)
            assert names[one.code] == one.name

    def test_hold_classes_of_the_samples_where_valid_and_nothing_elsewhere(self, finished: FinishedScene) -> None:
        labels, valid = read(finished.result.labels), read(finished.result.workspace / "valid.tif")
        assert set(np.unique(labels[valid == 1]).tolist()) <= {2, 3, 4, 5, 6, 7}
        assert (labels[valid != 1] == 0).all()

    def test_lie_on_the_grid_of_the_features(self, finished: FinishedScene) -> None:
        labels, features = gdal.Open(str(finished.result.labels)), gdal.Open(str(finished.result.features))
        assert labels.GetGeoTransform() == features.GetGeoTransform()
        assert labels.GetSpatialRef().IsSame(features.GetSpatialRef())

    def test_small_ones_have_no_overview(self, finished: FinishedScene) -> None:
        dataset = gdal.Open(str(finished.result.labels))
        assert dataset.GetRasterBand(1).GetOverviewCount() == 0

    def test_agree_with_the_truth(self, finished: FinishedScene) -> None:
        assert finished.result.labels is not None
        pairs = compare_with_truth(finished.result.labels, finished.synthetic.truth)
        right = sum(count for (true, mapped), count in pairs.items() if true == mapped)
        assert right / sum(pairs.values()) > 0.85

    def test_are_the_same_bytes_in_every_run_and_by_any_number_of_threads(
        self, prepared: Callable[..., Path], kept_out: FinishedScene
    ) -> None:
        scene = prepared(set=KEPT_OUT)
        first = Scene.open(scene, Settings(ram=16, threads=1)).run()
        second = Scene.open(scene, Settings(ram=512, threads=2)).run()
        assert (first.iteration, second.iteration) == (1, 2)
        folders = [run.workspace / "iterations" / f"{run.iteration:03d}" for run in (first, second)]
        for name in ("labels.tif", "confidence.tif", "model.rf", "training.gpkg", "validation.gpkg"):
            expected = (kept_out.iteration / name).read_bytes()
            for folder in folders:
                assert (folder / name).read_bytes() == expected, name
        one, *others = (json.loads((folder / "metrics.json").read_text()) for folder in (kept_out.iteration, *folders))
        for metrics in (one, *others):
            # When it was made, and what went before.
            del metrics["time"], metrics["changes"]
        assert others == [one, one]

    def test_are_the_same_bytes_whether_or_not_the_run_prepared_the_scene(
        self, tmp_path: Path, small_scene: SyntheticScene
    ) -> None:
        # Of several blocks, the order of which would tell; in separate processes, which share no setting of GDAL's.
        settings = {"margin": 120, "resolution": 20, "features": ["B02", "B10", "B11"], "confidence": {"radius": 1}}
        scene = write_scene(tmp_path / "scene.json", small_scene, set=settings)
        first, second = (json.loads(alcd("run", scene, "--json", "--threads=2").stdout) for _ in range(2))
        assert "prepare" in first["seconds"]
        assert "prepare" not in second["seconds"]
        for name in ("labels.tif", "confidence.tif", "confidence_smoothed.tif", "margin.tif", "second.tif"):
            one, other = (Path(run["labels"]).with_name(name) for run in (first, second))
            assert one.read_bytes() == other.read_bytes(), name

    def test_another_seed_gives_another_map(self, prepared: Callable[..., Path], finished: FinishedScene) -> None:
        result = Scene.open(prepared(set={"margin": 120, "samples": {"seed": 7}})).run()
        assert (read(result.labels) != read(finished.result.labels)).any()


def test_margin_and_second_class_are_those_of_the_votes(finished: FinishedScene) -> None:
    names = ("confidence.tif", "margin.tif", "second.tif")
    confidence, margin, second = (read(finished.iteration / name) for name in names)
    valid = read(finished.result.workspace / "valid.tif") == 1
    assert not margin[~valid].any()
    assert not second[~valid].any()
    # Of all votes for one class none are left for a second; else it has some, and at most what is left; in half steps.
    assert (confidence[margin == 1] == 1).all()
    np.testing.assert_array_less(2 * confidence[valid] - 1, margin[valid] + 0.0051)
    np.testing.assert_array_less(margin[valid], confidence[valid] + 1e-6)
    codes = {one.code for one in finished.scene.config.template.legend.classes}
    assert set(np.unique(second[valid])) <= codes
    # The votes are smoothed, so that the map is what they say.
    assert (second[valid] != read(finished.result.labels)[valid]).all()


def test_confidence_is_the_share_of_the_smoothed_votes(finished: FinishedScene) -> None:
    confidence = read(finished.result.confidence)
    valid = read(finished.result.workspace / "valid.tif") == 1
    # Votes on 6 classes.
    assert confidence[valid].min() > 1 / 6 - 0.01
    assert confidence.max() <= 1
    np.testing.assert_allclose(confidence * 200, np.round(confidence * 200), atol=1e-4)
    assert (confidence[~valid] == 0).all()


def test_without_smoothing_confidence_is_the_share_of_the_votes(prepared: Callable[..., Path]) -> None:
    settings = {"margin": 120, "regularisation": {"smoothing": 0}}
    confidence = read(Scene.open(prepared(set=settings)).run().confidence)
    # Of 100 trees.
    np.testing.assert_allclose(confidence * 100, np.round(confidence * 100), atol=1e-4)


class TestMetrics:
    def test_agree_with_the_map_at_the_validation_pixels(self, kept_out: FinishedScene) -> None:
        metrics = json.loads((kept_out.iteration / "metrics.json").read_text())
        pairs = self.pairs(kept_out)
        codes = sorted({code for pair in pairs for code in pair})
        legend = kept_out.scene.config.template.legend
        assert metrics["axes"] == AXES
        assert metrics["classes"] == [legend.with_code(code).name for code in codes]
        matrix = np.array([[pairs.get((row, column), 0) for column in codes] for row in codes])
        np.testing.assert_array_equal(metrics["matrix"], matrix)
        assert metrics["pixels"] == matrix.sum()
        assert metrics["overall_accuracy"] == pytest.approx(np.trace(matrix) / matrix.sum())
        invalid = np.isin(codes, (2, 3, 4))
        tp, fn = matrix[np.ix_(invalid, invalid)].sum(), matrix[np.ix_(invalid, ~invalid)].sum()
        fp, tn = matrix[np.ix_(~invalid, invalid)].sum(), matrix[np.ix_(~invalid, ~invalid)].sum()
        binary = metrics["invalid_valid"]
        assert binary["matrix"] == [[tp, fn], [fp, tn]]
        assert binary["recall"] == pytest.approx(tp / (tp + fn))
        assert binary["precision"] == pytest.approx(tp / (tp + fp))
        assert binary["balanced_accuracy"] == pytest.approx((tp / (tp + fn) + tn / (tn + fp)) / 2)

    def test_are_in_the_tables_too(self, finished: FinishedScene) -> None:
        metrics = json.loads((finished.iteration / "metrics.json").read_text())
        first, header, *rows = (finished.iteration / "confusion_matrix.csv").read_text().splitlines()
        assert first == f"# {AXES}"
        assert header.split(",")[1:] == metrics["classes"]
        assert [list(map(int, row.split(",")[1:])) for row in rows] == metrics["matrix"]

    def test_no_pixel_trains_and_validates(self, kept_out: FinishedScene) -> None:
        places = []
        for name in ("training.gpkg", "validation.gpkg"):
            with fiona.open(kept_out.iteration / name) as layer:
                places.append({one.geometry.coordinates for one in layer})
        assert places[0]
        assert places[1]
        assert not places[0] & places[1]

    @staticmethod
    def pairs(scene: FinishedScene) -> Counter[tuple[int, int]]:
        labels = read(scene.result.labels)
        grid = gdal.Open(str(scene.result.labels)).GetGeoTransform()
        pairs: Counter[tuple[int, int]] = Counter()
        with fiona.open(scene.iteration / "validation.gpkg") as layer:
            for one in layer:
                x, y = one.geometry.coordinates
                row, column = int((grid[3] - y) / -grid[5]), int((x - grid[0]) / grid[1])
                pairs[one.properties["class"], int(labels[row, column])] += 1
        return pairs


class TestWorkspaceAfterARun:
    def test_holds_what_the_iteration_used(self, finished: FinishedScene) -> None:
        assert sorted(path.name for path in finished.iteration.iterdir()) == [
            "classes.png", "confidence.png", "confidence.tif", "confidence_smoothed.tif", "config.json",
            "confusion_matrix.csv", "contours.fgb", "contours.png", "invalid_valid_matrix.csv", "labels.tif",
            "labels.tif.aux.xml", "margin.tif", "metrics.json", "model.rf", "report.html", "run.log", "samples.gpkg",
            "second.tif", "seconds.json", "training.gpkg",
        ]  # fmt: skip
        assert (finished.result.workspace / "latest").resolve() == finished.iteration

    def test_tells_its_configuration_and_products(self, finished: FinishedScene) -> None:
        config = json.loads((finished.iteration / "config.json").read_text())
        assert config["features"] == list(read_descriptions(finished.result.features))
        assert config["products"]["cloudy"]["name"] in str(finished.synthetic.cloudy)
        assert config["products"]["cloudy"]["offsets"]["B02"] == -1000
        assert config["products"]["clear"]["offsets"]["B02"] == 0
        assert config["grid"]["width"] == 120
        assert config["pixels"]["valid"] == (read(finished.result.workspace / "valid.tif") == 1).sum()
        assert config["scene"]["template"]["margin"] == 120

    def test_tells_the_seconds_of_each_step(self, finished: FinishedScene) -> None:
        seconds = finished.result.seconds
        # The last five are steps of several threads, which end in any order.
        assert list(seconds)[:6] == ["prepare", "samples", "train", "classify", "labels", "show"]
        assert set(list(seconds)[6:]) == {"accuracy", "contours", "figures", "queries", "report"}
        assert all(value > 0 for value in seconds.values())
        assert json.loads((finished.iteration / "seconds.json").read_text()) == seconds


def read_descriptions(path: Path) -> list[str]:
    dataset = gdal.Open(str(path))
    return [dataset.GetRasterBand(number).GetDescription() for number in range(1, dataset.RasterCount + 1)]


def test_a_single_date_leaves_out_what_needs_two(
    tmp_path: Path, finished: FinishedScene, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "scene.json"
    scene = {"cloudy": str(finished.synthetic.cloudy), "samples": str(finished.synthetic.samples)}
    file.write_text(json.dumps({**scene, "set": {"margin": 120, "regularisation": {"smoothing": 0, "radius": 0}}}))
    with caplog.at_level("INFO"):
        result = Scene.open(file).run()
    assert "since they need more clear dates than the scene names (0): difference_B01" in caplog.text
    indices = ["NDVI", "NDWI", "NDSI", "NDMI", "haze", "whiteness", "vapour_ratio", "cirrus_ratio", "swir_ratio"]
    assert read_descriptions(result.features) == [*BANDS, *indices]
    assert result.labels is not None
    assert set(np.unique(read(result.labels))) <= {0, 2, 3, 4, 5, 6, 7}
    assert result.workspace == tmp_path / "scene"


def test_a_large_map_has_overviews_of_its_own_classes(prepared: Callable[..., Path]) -> None:
    settings = {
        "margin": 120,
        "resolution": 20,
        "features": ["B02", "B10", "B11"],
        "samples": {"growth": 20},
        "confidence": {"radius": 0},
    }
    result = Scene.open(prepared(set=settings)).run()
    dataset = gdal.Open(str(result.labels))
    band = dataset.GetRasterBand(1)
    assert (band.XSize, band.GetOverviewCount()) == (360, 1)
    overview = band.GetOverview(0).ReadAsArray()
    assert overview.shape == (180, 180)
    assert set(np.unique(overview)) <= {0, 2, 3, 4, 5, 6, 7}
    assert not (result.workspace / "latest" / "confidence_smoothed.tif").exists()


class TestDemo:
    def test_compares_pixel_by_pixel_with_the_truth(self, tmp_path: Path) -> None:
        demo = run_demo(make_scene(tmp_path, size=480, seed=2, offset="none"), default_settings())
        labels = read(demo.run.labels)
        truth = read(demo.scene.truth)
        # Three by three pixels of the truth are one of the map; of equally common ones any may count.
        blocks = truth.reshape(80, 3, 80, 3).swapaxes(1, 2).reshape(80, 80, 9)
        counts = np.stack([(blocks == code).sum(-1) for code in range(8)])
        unanimous = (counts.max(0) > 4) & (labels > 0) & (counts.argmax(0) > 0)
        right = (counts.argmax(0) == labels)[unanimous].mean()
        assert demo.matrix.overall_accuracy == pytest.approx(right, abs=0.02)
        assert demo.matrix.total >= unanimous.sum()
        assert "This scene is SYNTHETIC" in demo.summary()
        assert demo.as_json()["truth"]["pixels"] == demo.matrix.total
