"""K-fold cross-validation: the pixels it trains and validates with, its scores, its files."""

import json
import statistics
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiona
import numpy as np
import pytest
from osgeo import gdal
from PIL import Image
from scenes import FinishedScene, alcd, leftovers, refused, write_scene

from alcd_otb.accuracy.confusion_matrix import AXES
from alcd_otb.classification import fold_predictions
from alcd_otb.cross_validation import job as cross_validation
from alcd_otb.cross_validation.figure import draw_folds
from alcd_otb.cross_validation.results import CrossValidation
from alcd_otb.raster.io import values_at
from alcd_otb.scene import Scene
from alcd_otb.synthetic.scene import SyntheticScene
from otb_pipelines.app import Application, Target
from otb_pipelines.cross_validate import FoldPixels, classify_folds, classify_pixels
from otb_pipelines.errors import OtbError
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=128, threads=1)
BLOCKS = {"margin": 120, "samples": {"block": 1500}, "classifier": {"classifier.rf.nbtrees": 20}}
FOREST = {"classifier": "rf", "classifier.rf.max": 10, "classifier.rf.min": 1, "classifier.rf.nbtrees": 10}


@pytest.fixture(scope="module")
def validated(finished: FinishedScene, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CrossValidation]:
    """The small scene, cross-validated by five folds. Its 7.2 km are 25 blocks of 1.5 km."""
    folder = tmp_path_factory.mktemp("kfold")
    (folder / "work").mkdir()
    for name in ("features.tif", "view.tif", "valid.tif", "preparation.json"):
        (folder / "work" / name).symlink_to(finished.result.workspace / name)
    scene = write_scene(folder / "scene.json", finished.synthetic, set=BLOCKS)
    return scene, Scene.open(scene, SETTINGS).cross_validate(5)


class TestPixels:
    def test_are_read_of_the_prepared_scene_and_told_as_image_classifier_does(
        self, finished: FinishedScene, tmp_path: Path
    ) -> None:
        features, model = finished.result.features, finished.iteration / "model.rf"
        Application("ImageClassifier", {"in": features, "model": model}, SETTINGS).write(
            {"out": Target(tmp_path / "labels.tif", "uint8")}
        )
        labels = gdal.Open(str(tmp_path / "labels.tif")).ReadAsArray()
        rows, columns = np.nonzero(gdal.Open(str(finished.result.workspace / "valid.tif")).ReadAsArray() == 1)
        codes = classify_pixels(values_at(features, rows, columns), model, None, SETTINGS)
        np.testing.assert_array_equal(codes, labels[rows, columns])
        assert len(set(codes.tolist())) > 3

    def test_of_one_pixel_and_of_none(self, finished: FinishedScene) -> None:
        model = finished.iteration / "model.rf"
        pixels = values_at(finished.result.features, np.array([50]), np.array([50]))
        assert classify_pixels(pixels, model, None, SETTINGS).shape == (1,)
        assert classify_pixels(pixels[:0], model, None, SETTINGS).shape == (0,)

    def test_no_fold_validates_with_a_pixel_that_it_trains_on(
        self, validated: tuple[Path, CrossValidation], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []
        drawing = cross_validation.drawn_pixels

        def drawn_pixels(*arguments: object) -> object:
            seen.append(drawing(*arguments))
            return seen[-1]

        monkeypatch.setattr(cross_validation, "drawn_pixels", drawn_pixels)
        result = Scene.open(validated[0], SETTINGS).cross_validate(5)
        assert len(seen) == 5
        for (training, validation), fold in zip(seen, result.folds, strict=True):
            assert (len(training), len(validation)) == (fold.training_pixels, fold.pixels)
            trained = set(zip(training.rows.tolist(), training.columns.tolist(), strict=True))
            tested = set(zip(validation.rows.tolist(), validation.columns.tolist(), strict=True))
            assert trained.isdisjoint(tested)
            assert trained
            assert tested

    def test_labels_that_say_nothing_score_as_chance_does(self, tmp_path: Path) -> None:
        # Features without a bearing on the class: half of the pixels are told right, of two classes. A leak of
        # validation pixels into the training would tell nearly all.
        rng = np.random.default_rng(1)
        folds = [
            FoldPixels(rng.random((300, 4)), rng.integers(1, 3, 300), rng.random((500, 4)).astype(np.float32))
            for _ in range(4)
        ]
        found = classify_folds(folds, FOREST, 1, None, tmp_path, SETTINGS)
        right = np.mean([(codes == rng.integers(1, 3, 500)).mean() for codes in found])
        assert right == pytest.approx(0.5, abs=0.04)

    @pytest.mark.parametrize("classifier", [FOREST, {"classifier": "logistic"}], ids=["forest", "regression"])
    def test_known_classes_are_told(self, tmp_path: Path, classifier: dict[str, Any]) -> None:
        rng = np.random.default_rng(1)
        folds = []
        for threshold in (0.2, 0.5, 0.8):
            values = rng.random((400, 2))
            unknown = rng.random((200, 2)).astype(np.float32)
            folds.append(FoldPixels(values, 1 + (values[:, 0] > threshold), unknown))
        for fold, threshold, codes in zip(
            folds, (0.2, 0.5, 0.8), classify_folds(folds, classifier, 1, None, tmp_path, SETTINGS), strict=True
        ):
            assert (codes == 1 + (fold.unknown[:, 0] > threshold)).mean() > 0.97

    def test_are_told_alike_by_any_number_of_processes(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(1)
        folds = [
            FoldPixels(rng.random((100, 3)), rng.integers(1, 4, 100), rng.random((50, 3)).astype(np.float32))
            for _ in range(5)
        ]
        results = []
        for threads in (1, 2, 3):
            folder = tmp_path / str(threads)
            folder.mkdir()
            results.append(classify_folds(folds, FOREST, 1, None, folder, Settings(128, threads)))
        np.testing.assert_array_equal(results[0], results[1])
        np.testing.assert_array_equal(results[0], results[2])

    @pytest.mark.parametrize("threads", [1, 2])
    def test_what_otb_says_is_raised(self, tmp_path: Path, threads: int) -> None:
        fold = FoldPixels(np.ones((4, 2)), np.array([1, 1, 2, 2]), np.ones((1, 2), np.float32))
        wrong = {"classifier": "rf", "classifier.rf.nbtrees": "many"}
        with pytest.raises(OtbError, match="TrainVectorClassifier"):
            classify_folds([fold, fold], wrong, 1, None, tmp_path, Settings(128, threads))

    def test_a_process_that_is_killed_is_told_of(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(1)
        folds = [FoldPixels(rng.random((50, 2)), rng.integers(1, 3, 50), np.ones((1, 2), np.float32)) for _ in range(4)]
        started = subprocess.Popen

        def killed(*arguments: object, **options: object) -> object:
            process = started(*arguments, **options)
            process.kill()
            return process

        monkeypatch.setattr(subprocess, "Popen", killed)
        with pytest.raises(OtbError, match=r"was ended by signal 9; is there enough memory\?"):
            classify_folds(folds, FOREST, 1, None, tmp_path, Settings(128, 2))


class TestScores:
    def test_are_those_of_the_folds(self, validated: tuple[Path, CrossValidation]) -> None:
        _, result = validated
        assert len(result.folds) == 5
        # One of the 150 lies on no data.
        assert sum(one.samples for one in result.folds) == 149
        for name in ("overall accuracy", "precision", "recall"):
            values = [one.scores[name] for one in result.folds]
            assert all(value is not None and 0.5 < value <= 1 for value in values)
            assert result.means[name] == pytest.approx(sum(filter(None, values)) / 5)
            mean = result.means[name]
            variance = sum((value - mean) ** 2 for value in values) / 4
            assert result.deviations[name] == pytest.approx(variance**0.5)

    def test_together_are_the_sum_of_the_folds(self, validated: tuple[Path, CrossValidation]) -> None:
        _, result = validated
        right = sum(one.scores["overall accuracy"] * one.pixels for one in result.folds)
        assert result.together["pixels"] == sum(one.pixels for one in result.folds)
        assert result.together["overall_accuracy"] == pytest.approx(right / result.together["pixels"])

    def test_precision_and_recall_go_by_their_names(
        self, validated: tuple[Path, CrossValidation], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # A forest that calls everything invalid finds all of the invalid pixels (recall), and is right in some.
        monkeypatch.setattr(
            fold_predictions,
            "classify_folds",
            lambda folds, *_: [np.full(len(one.unknown), 2, np.uint8) for one in folds],
        )
        result = Scene.open(validated[0], SETTINGS).cross_validate(5)
        for one in result.folds:
            assert one.scores["recall"] == 1
            assert one.scores["precision"] is not None
            assert one.scores["precision"] < 1
            assert one.scores["invalid/valid accuracy"] == one.scores["precision"]
        # Put back what the next tests read.
        monkeypatch.undo()
        Scene.open(validated[0], SETTINGS).cross_validate(5)


class TestFiles:
    def test_hold_what_is_returned(self, validated: tuple[Path, CrossValidation]) -> None:
        scene, result = validated
        folder = scene.parent / "work" / "kfold"
        assert result.folder == folder
        assert sorted(path.name for path in folder.iterdir()) == [
            "confusion_matrix.csv",
            "kfold.csv",
            "kfold.json",
            "kfold.png",
        ]
        assert json.loads((folder / "kfold.json").read_text()) == json.loads(json.dumps(result.as_json()))
        lines = (folder / "kfold.csv").read_text().splitlines()
        assert lines[0] == "fold,blocks,samples,pixels,overall accuracy,invalid/valid accuracy,precision,recall,F1"
        assert [line.split(",")[0] for line in lines[1:]] == ["1", "2", "3", "4", "5", "mean", "standard deviation"]
        assert lines[6].split(",")[4] == f"{result.means['overall accuracy']:.4f}"
        assert (folder / "confusion_matrix.csv").read_text().startswith(f"# {AXES}\n")

    def test_replace_the_former_ones_and_nothing_else(self, validated: tuple[Path, CrossValidation]) -> None:
        scene, _ = validated
        work = scene.parent / "work"
        (work / "kfold" / "old.txt").touch()

        def others() -> dict[str, int]:
            return {one.name: one.stat().st_mtime_ns for one in work.iterdir() if one.name not in ("kfold", ".lock")}

        before = others()
        Scene.open(scene, SETTINGS).cross_validate(5)
        assert not (work / "kfold" / "old.txt").exists()
        assert others() == before
        assert not (work / "iterations").exists()
        assert leftovers(work) == []

    def test_the_plot_has_its_means_where_they_belong(self, tmp_path: Path) -> None:
        draw_folds(
            {"left": [0.9, 0.9, 0.9], "right": [1.0, 0.8], "none": [None, None]}, "invalid", tmp_path / "plot.png"
        )
        pixels = np.asarray(Image.open(tmp_path / "plot.png").convert("RGB")).astype(int)
        red = (pixels[..., 0] > 150) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90)
        third = pixels.shape[1] // 3
        first, second, last = (np.nonzero(red[:, part * third : (part + 1) * third])[0] for part in range(3))
        # Means of 0.9 both: lines at one height; the second's bar of 0.141 reaches below.
        assert np.bincount(first).argmax() == pytest.approx(np.bincount(second).argmax(), abs=1)
        assert second.max() > first.max() + 50
        assert last.size == 0
        assert statistics.stdev([1.0, 0.8]) == pytest.approx(0.1414, abs=1e-4)


class TestCommandLine:
    def test_prints_the_table_or_one_object(self, validated: tuple[Path, CrossValidation]) -> None:
        scene, result = validated
        ended = alcd("kfold", scene, "-k", "5", "--json")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout) == json.loads(json.dumps(result.as_json()))
        ended = alcd("kfold", scene, "-k", "5", "-qq")
        assert f"{result.means['recall']:.4f}" in ended.stdout
        assert "standard deviation" in ended.stdout
        assert ended.stderr == ""

    def test_a_scene_that_is_not_prepared(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        scene = write_scene(tmp_path / "scene.json", small_scene)
        assert "is not prepared, or out of date; run the scene first" in refused(2, "kfold", scene)
        assert not (tmp_path / "work").exists()

    def test_too_few_blocks(self, prepared: Callable[..., Path]) -> None:
        scene = prepared()
        assert "10 folds need samples in as many blocks of 5 km, and 4 have samples" in refused(4, "kfold", scene)
        assert not (scene.parent / "work" / "kfold").exists()
        assert leftovers(scene.parent) == []

    def test_one_fold(self, prepared: Callable[..., Path]) -> None:
        assert "at least 2 are needed" in refused(2, "kfold", prepared(), "-k", "1")

    def test_a_class_in_one_block_is_warned_of(
        self, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path
    ) -> None:
        with fiona.open(finished.synthetic.samples) as source:
            kept, snow = [], None
            for one in source:
                x, y = one.geometry.coordinates
                block = (x // 1500, y // 1500)
                if one.properties["class"] == "snow":
                    snow = snow or block
                    if block != snow:
                        continue
                kept.append(one)
            with fiona.open(tmp_path / "some.gpkg", "w", driver="GPKG", schema=source.schema, crs=source.crs) as layer:
                layer.writerecords(kept)
        scene = prepared(samples=tmp_path / "some.gpkg", set={"margin": 120, "samples": {"block": 3000}})
        ended = alcd("kfold", scene, "-k", "3", "--json")
        assert ended.returncode == 0, ended.stderr
        assert "WARNING: all samples of class snow lie in one block of 3 km" in ended.stderr
        assert any("class snow lie in one block" in warning for warning in json.loads(ended.stdout)["warnings"])
