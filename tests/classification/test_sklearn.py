"""scikit-learn's classifiers: the same as called by hand, in any blocks and threads, and close to OTB's own."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from numpy.typing import NDArray
from osgeo import gdal
from scenes import MARGIN, FinishedScene, alcd, leftovers, refused
from scipy.ndimage import convolve1d
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from alcd_otb.classification.sklearn import (
    MODULES,
    check_sklearn,
    gives_shares,
    predict_folds,
    train_sklearn,
)
from alcd_otb.classification.sklearn_maps import write_raw_maps
from alcd_otb.classification.task import ClassificationTask
from alcd_otb.cli import main as cli
from alcd_otb.errors import ConfigurationError, EnvironmentNotReadyError, ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.pixels import PixelSet
from alcd_otb.scene import Result, Scene
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.synthetic.comparison import compare_with_truth
from otb_pipelines.cross_validate import FoldPixels
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=128, threads=1)
# Enough for what they are to show, and quick.
PARAMETERS: dict[str, dict[str, Any]] = {
    "AdaBoostClassifier": {"n_estimators": 10},
    "DecisionTreeClassifier": {"max_depth": 6},
    "ExtraTreesClassifier": {"n_estimators": 10},
    "GaussianNB": {},
    "GradientBoostingClassifier": {"n_estimators": 5},
    "HistGradientBoostingClassifier": {"max_iter": 5},
    "KNeighborsClassifier": {"n_neighbors": 5},
    "LinearDiscriminantAnalysis": {},
    "LinearSVC": {},
    "LogisticRegression": {},
    "MLPClassifier": {"hidden_layer_sizes": [8], "max_iter": 30},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},
    "RandomForestClassifier": {"n_estimators": 10},
    "SVC": {},
}
WITHOUT_SHARES = {"LinearSVC", "SVC"}
FOREST = {"n_estimators": 100, "max_depth": 25, "min_samples_split": 25}

Pixels = tuple[NDArray[np.float64], NDArray[np.uint8]]
"""(pixels, features) and their classes."""


def classifier(name: str, **parameters: Any) -> dict[str, Any]:
    keys = {f"sklearn.{key}": tuple(value) if isinstance(value, list) else value for key, value in parameters.items()}
    return {"classifier": "sklearn", "sklearn": name, **keys}


def run_with(prepared: Callable[..., Path], name: str, settings: Settings = SETTINGS, **parameters: Any) -> Result:
    changes = {"margin": MARGIN, "classifier": classifier(name, **parameters)}
    return Scene.open(prepared(set=changes), settings).run()


def read(path: Path | None) -> Any:
    return gdal.Open(str(path)).ReadAsArray()


def agreement(one: NDArray[Any], other: NDArray[Any]) -> float:
    both = (one > 0) & (other > 0)
    return float((one[both] == other[both]).mean())


@pytest.fixture(scope="module")
def pixels(finished: FinishedScene) -> Pixels:
    """Of the synthetic truth, every third pixel of each third row."""
    truth, valid = read(finished.synthetic.truth), read(finished.result.workspace / "valid.tif")
    rows, columns = np.nonzero(valid == 1)
    taken = (rows % 3 == 0) & (columns % 3 == 0)
    rows, columns = rows[taken], columns[taken]
    factor = truth.shape[0] // valid.shape[0]
    codes = truth[rows * factor + factor // 2, columns * factor + factor // 2]
    values = values_at(finished.result.features, rows, columns).astype(np.float64)
    return values[codes > 0], codes[codes > 0].astype(np.uint8)


def raw_maps(
    finished: FinishedScene, estimator: Any, name: str, folder: Path, side: int, threads: int
) -> dict[str, NDArray[Any]]:
    folder.mkdir()
    work = finished.result.workspace
    features, valid = work / "features.tif", work / "valid.tif"
    grid, settings = Grid.of(str(valid)), Settings(128, threads)
    unsmoothed = finished.scene.config.template.regularisation.model_copy(update={"smoothing_metres": 0})
    changes = {"classifier": classifier(name), "regularisation": unsmoothed}
    template = finished.scene.config.template.model_copy(update=changes)
    training = PixelSet(*(np.empty(0, kind) for kind in (np.int64, np.int64, np.uint8, np.int64)))
    task = ClassificationTask(template, features, valid, grid, training, folder)
    maps = write_raw_maps(estimator, task, settings, side)
    return {path.name: read(path) for path in maps.paths}


class TestMaps:
    @pytest.mark.parametrize("name", PARAMETERS)
    def test_are_the_same_in_blocks_of_any_size_and_by_any_number_of_threads(
        self, finished: FinishedScene, pixels: Pixels, tmp_path: Path, name: str
    ) -> None:
        one, other = (
            train_sklearn(*pixels, classifier(name, **PARAMETERS[name]), 1, Settings(128, threads))
            for threads in (1, 2)
        )
        expected = raw_maps(finished, one, name, tmp_path / "whole", 512, 1)
        assert len(expected) == (1 if name in WITHOUT_SHARES else 4)
        assert len(np.unique(expected["raw_labels.tif"])) > 4
        for number, (estimator, side, threads) in enumerate([(one, 37, 2), (other, 64, 1), (other, 512, 2)]):
            found = raw_maps(finished, estimator, name, tmp_path / f"{number}", side, threads)
            for file, values in expected.items():
                np.testing.assert_array_equal(found[file], values, err_msg=f"{file} {side} {threads}")

    @pytest.mark.parametrize(
        ("name", "by_hand"),
        [
            ("RandomForestClassifier", RandomForestClassifier(10, random_state=1)),
            ("ExtraTreesClassifier", ExtraTreesClassifier(10, random_state=1)),
            ("LogisticRegression", make_pipeline(StandardScaler(), LogisticRegression(random_state=1))),
        ],
    )
    def test_are_those_of_the_whole_stack_by_hand(
        self, finished: FinishedScene, pixels: Pixels, tmp_path: Path, name: str, by_hand: Any
    ) -> None:
        values, codes = pixels
        estimator = train_sklearn(values, codes, classifier(name, **PARAMETERS[name]), 1, Settings(128, 2))
        found = raw_maps(finished, estimator, name, tmp_path / "maps", 50, 2)
        by_hand.fit(values.astype(np.float32), codes)
        stack, valid = read(finished.result.features), read(finished.result.workspace / "valid.tif") == 1
        shares = by_hand.predict_proba(stack[:, valid].T)
        ordered = np.sort(shares, axis=1)
        expected = {
            "raw_labels.tif": by_hand.predict(stack[:, valid].T),
            "raw_confidence.tif": ordered[:, -1].astype(np.float32),
            "raw_margin.tif": (ordered[:, -1] - ordered[:, -2]).astype(np.float32),
        }
        # A linear model's sums may be rounded otherwise in one product of all pixels.
        tolerance = 1e-5 if name == "LogisticRegression" else 0
        for file, told in expected.items():
            np.testing.assert_allclose(found[file][valid], told, rtol=0, atol=tolerance, err_msg=file)
            assert not found[file][~valid].any()
        second, labels = found["raw_second.tif"][valid], found["raw_labels.tif"][valid]
        assert (second != labels).all()
        of_second = shares[np.arange(len(shares)), np.searchsorted(by_hand.classes_, second)]
        np.testing.assert_allclose(of_second, ordered[:, -2], rtol=0, atol=tolerance)

    def test_are_scaled_but_for_trees(self, pixels: Pixels) -> None:
        values, codes = pixels
        model = train_sklearn(values, codes, classifier("GaussianNB"), 1, SETTINGS)
        np.testing.assert_allclose(model[0].mean_, values.mean(axis=0), rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(model[0].scale_, values.std(axis=0), rtol=1e-3)
        tree = train_sklearn(values, codes, classifier("DecisionTreeClassifier"), 1, SETTINGS)
        assert len(tree.steps) == 1


class TestRun:
    def test_a_forest_agrees_with_otbs(self, prepared: Callable[..., Path], finished: FinishedScene) -> None:
        result = run_with(prepared, "RandomForestClassifier", **FOREST)
        latest = result.workspace / "latest"
        assert agreement(read(result.labels), read(finished.result.labels)) > 0.97
        for name in ("labels.tif", "confidence.tif", "confidence_smoothed.tif", "margin.tif", "second.tif"):
            one, other = gdal.Open(str(latest / name)), gdal.Open(str(finished.iteration / name))
            assert one.GetGeoTransform() == other.GetGeoTransform()
            of_one, of_other = one.GetRasterBand(1), other.GetRasterBand(1)
            assert of_one.DataType == of_other.DataType
            assert of_one.GetNoDataValue() == of_other.GetNoDataValue()
        confidence, smoothed = read(result.confidence), read(latest / "confidence_smoothed.tif")
        valid = read(result.workspace / "valid.tif") == 1
        assert (confidence[~valid] == 0).all()
        assert confidence[valid].min() > 1 / 6
        assert smoothed[60, 60] == np.median(confidence[55:66, 55:66])
        assert sorted(path.name for path in latest.glob("model*")) == ["model.joblib"]
        assert not list(latest.glob("raw*"))
        assert leftovers(result.workspace) == []
        assert json.loads((latest / "metrics.json").read_text())["overall_accuracy"] > 0.85
        assert (result.workspace / "to_visit.gpkg").is_file()

    def test_smoothing_averages_the_shares(self, prepared: Callable[..., Path]) -> None:
        changes = {
            "margin": MARGIN,
            "classifier": classifier("LogisticRegression"),
            "regularisation": {"smoothing": 1.3},
            "confidence": {"shares": True},
        }
        result = Scene.open(prepared(set=changes), SETTINGS).run()
        latest, valid = result.workspace / "latest", read(result.workspace / "valid.tif") == 1
        shares = np.nan_to_num(read(latest / "class_shares.tif").astype(float))
        weights = np.exp(-((np.arange(-3, 4) / 1.3) ** 2) / 2)
        total = valid.astype(float)
        for axis in (-2, -1):
            shares = convolve1d(shares, weights, axis=axis, mode="constant")
            total = convolve1d(total, weights, axis=axis, mode="constant")
        means = shares[:, valid] / total[valid]
        ordered = np.sort(means, axis=0)
        clear = ordered[-1] - ordered[-2] > 1e-5
        assert clear.mean() > 0.99
        first = np.array([2, 3, 4, 5, 6, 7])[means.argmax(axis=0)]
        np.testing.assert_array_equal(read(result.labels)[valid][clear], first[clear])
        # In steps of 0.005.
        np.testing.assert_allclose(read(result.confidence)[valid], ordered[-1], atol=0.0025 + 1e-5)
        np.testing.assert_allclose(read(latest / "margin.tif")[valid], ordered[-1] - ordered[-2], atol=0.0025 + 1e-5)
        assert not list(latest.glob("raw*"))

    def test_agrees_with_the_truth(self, prepared: Callable[..., Path], finished: FinishedScene) -> None:
        result = run_with(prepared, "sklearn.ensemble:HistGradientBoostingClassifier", max_iter=30)
        assert result.labels is not None
        pairs = compare_with_truth(result.labels, finished.synthetic.truth)
        right = sum(count for (true, mapped), count in pairs.items() if true == mapped)
        assert right / sum(pairs.values()) > 0.85

    def test_is_the_same_bytes_in_every_run_and_by_any_number_of_threads(self, prepared: Callable[..., Path]) -> None:
        first, second = (
            run_with(prepared, "ExtraTreesClassifier", Settings(ram, threads), n_estimators=20)
            for ram, threads in ((16, 1), (512, 2))
        )
        assert (first.iteration, second.iteration) == (1, 2)
        for name in ("labels.tif", "confidence.tif", "confidence_smoothed.tif", "margin.tif", "second.tif"):
            one, other = ((first.workspace / "iterations" / number / name).read_bytes() for number in ("001", "002"))
            assert one == other, name

    def test_the_model_gives_the_map_again(self, prepared: Callable[..., Path]) -> None:
        uncleaned = {"radius": 0, "smoothing": 0}
        changes = {"margin": MARGIN, "classifier": classifier("LogisticRegression"), "regularisation": uncleaned}
        result = Scene.open(prepared(set=changes), SETTINGS).run()
        model = joblib.load(result.workspace / "latest" / "model.joblib")
        valid = read(result.workspace / "valid.tif") == 1
        told = model.predict(read(result.features)[:, valid].T)
        assert (told == read(result.labels)[valid]).mean() > 0.9999

    def test_without_shares_of_classes_there_is_no_confidence(
        self, prepared: Callable[..., Path], finished: FinishedScene, caplog: pytest.LogCaptureFixture
    ) -> None:
        result = run_with(prepared, "LinearSVC")
        assert "classifier LinearSVC gives no confidence between 0 and 1: none is written" in caplog.messages
        assert result.confidence is None
        assert {path.name for path in (result.workspace / "latest").glob("*.tif")} == {"labels.tif"}
        assert agreement(read(result.labels), read(finished.result.labels)) > 0.8

    def test_another_seed_gives_another_map(self, prepared: Callable[..., Path]) -> None:
        changes: dict[str, Any] = {"margin": MARGIN, "classifier": classifier("ExtraTreesClassifier", n_estimators=10)}
        first = read(Scene.open(prepared(set=changes), SETTINGS).run().labels)
        changes["samples"] = {"seed": 7}
        assert (read(Scene.open(prepared(set=changes), SETTINGS).run().labels) != first).any()

    def test_what_scikit_learn_warns_of_is_told(
        self, prepared: Callable[..., Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        run_with(prepared, "MLPClassifier", hidden_layer_sizes=[4], max_iter=2)
        said = "classifier MLPClassifier: Stochastic Optimizer: Maximum iterations (2) reached"
        assert any(message.startswith(said) for message in caplog.messages)

    def test_from_the_command_line(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        changes = {"margin": MARGIN, "classifier": classifier("GaussianNB")}
        ended = alcd("run", prepared(set=changes), "--json", "--threads=2")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["confidence"].endswith("/confidence.tif")
        versions = json.loads((tmp_path / "work" / "config.json").read_text())["versions"]
        assert versions["scikit_learn"] == sklearn.__version__


class TestFolds:
    def test_of_a_scene(self, prepared: Callable[..., Path]) -> None:
        changes = {
            "margin": MARGIN,
            "samples": {"block": 1500},
            "classifier": classifier("ExtraTreesClassifier", n_estimators=20),
        }
        scene = prepared(set=changes)
        one = Scene.open(scene, SETTINGS).cross_validate(5)
        assert len(one.folds) == 5
        accuracy = one.together["overall_accuracy"]
        assert isinstance(accuracy, float)
        assert accuracy > 0.6
        assert Scene.open(scene, Settings(128, 2)).cross_validate(5).folds == one.folds

    def test_are_told_as_by_hand(self, pixels: Pixels) -> None:
        values, codes = pixels
        halves = [(values[::2], codes[::2], values[1::2]), (values[1::2], codes[1::2], values[::2])]
        folds = [FoldPixels(known, of_known, unknown.astype(np.float32)) for known, of_known, unknown in halves]
        folds.append(FoldPixels(values, codes, np.empty((0, values.shape[1]), np.float32)))
        told = predict_folds(folds, classifier("RandomForestClassifier", n_estimators=10), 3, Settings(128, 2))
        assert [len(one) for one in told] == [len(values[1::2]), len(values[::2]), 0]
        for found, (known, of_known, unknown) in zip(told, halves, strict=False):
            by_hand = RandomForestClassifier(10, random_state=3).fit(known.astype(np.float32), of_known)
            np.testing.assert_array_equal(found, by_hand.predict(unknown.astype(np.float32)))


class TestRefused:
    @pytest.mark.parametrize(
        ("name", "parameters", "said"),
        [
            ("RandomForest", {}, "sklearn 'RandomForest' is neither 'MODULE:CLASS' nor known by its name alone; did"),
            ("no.module:Forest", {}, "'no.module:Forest' cannot be imported (No module named 'no'); correct it, or"),
            ("sklearn.ensemble:Forest", {}, "'sklearn.ensemble:Forest' is not a class with scikit-learn's fit and"),
            ("sklearn.preprocessing:StandardScaler", {}, "'sklearn.preprocessing:StandardScaler' is not a class with"),
            ("GaussianNB", {"smoothing": 1}, "GaussianNB has no parameter 'smoothing'; did you mean 'var_smoothing'?"),
            ("ExtraTreesClassifier", {"n_jobs": 2}, "sklearn.n_jobs is given by --threads; leave it out"),
            ("SVC", {"random_state": 2}, "sklearn.random_state is given by samples.seed; leave it out"),
            (
                "ExtraTreesClassifier",
                {"n_estimators": "many"},
                "The 'n_estimators' parameter of ExtraTreesClassifier must be an int in the range [1, inf). "
                "Got 'many' instead.",
            ),
        ],
    )
    def test_before_anything_runs(
        self, prepared: Callable[..., Path], tmp_path: Path, name: str, parameters: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(ConfigurationError) as error:
            run_with(prepared, name, **parameters)
        assert str(error.value).startswith(f"classifier: {said}")
        assert not (tmp_path / "work" / ".lock").exists()

    @pytest.mark.parametrize(
        "name",
        [
            "sklearn.linear_model:LinearRegression",
            "sklearn.cluster:KMeans",
            "sklearn.preprocessing:StandardScaler",
            "sklearn.ensemble",
            "sklearn:ensemble",
            "json:JSONDecoder",
            "..sklearn:SVC",
            "a module:SVC",
            "sklearn.multiclass:OneVsRestClassifier",
        ],
    )
    def test_names_of_no_classifier(self, name: str) -> None:
        with pytest.raises(ConfigurationError, match=r"^classifier: "):
            check_sklearn(classifier(name), 1)

    def test_a_class_without_constraints(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One of others, which inherits the check of parameters and not the table that it reads."""
        (tmp_path / "unconstrained.py").write_text(
            "from sklearn.base import BaseEstimator, ClassifierMixin\n"
            "class First(ClassifierMixin, BaseEstimator):\n"
            "    def fit(self, X, y): return self\n"
            "    def predict(self, X): return [2] * len(X)\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        check_sklearn(classifier("unconstrained:First"), 1)

    def test_parameters_without_their_prefix(self) -> None:
        said = r"key 'max_depth' is not known; did you mean 'sklearn\.max_depth'"
        with pytest.raises(ConfigurationError, match=said):
            check_sklearn({**classifier("ExtraTreesClassifier"), "max_depth": 3}, 1)

    def test_no_class_named(self, prepared: Callable[..., Path]) -> None:
        said = r'classifier: has no key "sklearn", such as "ExtraTreesClassifier"'
        with pytest.raises(ConfigurationError, match=said):
            load_scene(prepared(set={"classifier": {"classifier": "sklearn"}}))

    def test_pixels_that_it_cannot_train_on(self, pixels: Pixels) -> None:
        values, codes = pixels
        alone = codes == codes[0]
        with pytest.raises(ProcessingError, match=r"^classifier LogisticRegression: cannot be trained \(ValueError: "):
            train_sklearn(values[alone], codes[alone], classifier("LogisticRegression"), 1, SETTINGS)

    def test_shares_that_are_none(self, finished: FinishedScene, tmp_path: Path) -> None:
        class Wrong:
            classes_ = (2, 5)

            def predict_proba(self, pixels: NDArray[np.float32]) -> NDArray[np.float64]:
                return np.full((len(pixels), 2), np.nan)

        assert gives_shares(Wrong())
        with pytest.raises(ProcessingError, match=r"^classifier Wrong: gives class probabilities that are not 0 to 1"):
            raw_maps(finished, Wrong(), "Wrong", tmp_path / "maps", 512, 1)

    def test_where_scikit_learn_is_not_installed(
        self, prepared: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # What Python takes for a module that cannot be found.
        monkeypatch.setitem(sys.modules, "sklearn", None)
        scene = prepared(set={"margin": MARGIN, "classifier": classifier("ExtraTreesClassifier")})
        with pytest.raises(EnvironmentNotReadyError, match=r"; run: apt-get install python3-sklearn$"):
            Scene.open(scene, SETTINGS).plan()
        assert cli.main(["run", str(scene)]) == 6
        assert not (scene.parent / "work" / ".lock").exists()

    def test_by_the_command_line(self, prepared: Callable[..., Path]) -> None:
        scene = prepared(set={"margin": MARGIN, "classifier": classifier("ExtraTrees")})
        assert refused(2, "run", scene).startswith("classifier: sklearn 'ExtraTrees' is neither")


class TestLeftParameters:
    """A scene's changes are put over its template, whose classifier may be of the other library."""

    def test_of_otb_are_not_scikit_learns(self, prepared: Callable[..., Path]) -> None:
        given = load_scene(prepared(set={"classifier": classifier("SVC")})).template.classifier
        assert given == classifier("SVC")

    def test_of_scikit_learn_are_not_otbs(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        template = load_scene(prepared(set={"classifier": classifier("SVC", C=3)})).template
        (tmp_path / "mine.json").write_text(template.model_dump_json())
        scene = prepared(template="mine.json", set={"margin": MARGIN, "classifier": {"classifier": "bayes"}})
        assert load_scene(scene).template.classifier == {"classifier": "bayes"}
        assert Scene.open(scene, SETTINGS).plan()


def test_these_are_all_that_need_no_module() -> None:
    assert set(PARAMETERS) == set(MODULES)
