"""Every classifier of this OTB on the small scene: a sensible map, or one clear line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from scenes import FinishedScene

from alcd_otb.errors import ConfigurationError
from alcd_otb.result import Result
from alcd_otb.scene import Scene
from alcd_otb.synthetic.comparison import compare_with_truth
from otb_pipelines.settings import default_settings
from otb_pipelines.train import classifiers

CLASSIFIERS: dict[str, dict[str, Any]] = {
    "libsvm": {"classifier.libsvm.prob": True},
    "dt": {},
    "ann": {"classifier.ann.sizes": ["20"]},
    "bayes": {},
    "rf": {},
    "knn": {"classifier.knn.k": 5},
    "logistic": {"classifier.logistic.c": 3},
}
WITH_CONFIDENCE = {"libsvm", "rf", "knn", "logistic"}
SCALED = {"libsvm", "ann", "bayes", "knn"}


def run_with(prepared: Callable[..., Path], classifier: str, **parameters: Any) -> Result:
    settings = {"margin": 120, "classifier": {"classifier": classifier, **parameters}}
    return Scene.open(prepared(set=settings)).run()


def read(path: Path | None) -> Any:
    return gdal.Open(str(path)).ReadAsArray()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_maps_the_scene(prepared: Callable[..., Path], finished: FinishedScene, name: str) -> None:
    result = run_with(prepared, name, **CLASSIFIERS[name])
    assert result.labels is not None
    pairs = compare_with_truth(result.labels, finished.synthetic.truth)
    right = sum(count for (true, mapped), count in pairs.items() if true == mapped)
    # Six classes: chance, or one class everywhere, reaches less than a half.
    assert right / sum(pairs.values()) > 0.7
    assert (result.labels.parent / "statistics.xml").is_file() == (name in SCALED)
    assert (result.labels.parent / f"model.{name}").is_file()
    assert (result.confidence is not None) == (name in WITH_CONFIDENCE)
    valid = read(result.workspace / "valid.tif") == 1
    if result.confidence is not None:
        confidence = read(result.confidence)
        assert confidence[valid].min() > 0
        assert 0.5 < confidence[valid].max() <= 1
        assert (confidence[~valid] == 0).all()
        smoothed = read(result.labels.parent / "confidence_smoothed.tif")
        assert smoothed[60, 60] == np.median(confidence[55:66, 55:66])


def test_a_forest_takes_over_from_the_regression(prepared: Callable[..., Path], finished: FinishedScene) -> None:
    """Above a number of pixels the whole iteration is that of the forest, whose keys stand beside."""
    taken_over = run_with(prepared, "logistic", **{"classifier.logistic.pixels": 50, "classifier.logistic.c": 3})
    folder = taken_over.workspace / "latest"
    assert [path.name for path in folder.glob("model*")] == ["model.rf"]
    for name in ("model.rf", "labels.tif", "confidence.tif", "margin.tif", "second.tif"):
        assert (folder / name).read_bytes() == (finished.iteration / name).read_bytes()


def test_the_regression_stays_up_to_a_number_of_pixels(prepared: Callable[..., Path]) -> None:
    folder = run_with(prepared, "logistic", **{"classifier.logistic.pixels": 1_000_000}).workspace / "latest"
    assert [path.name for path in folder.glob("model*")] == ["model.logistic"]


def test_an_unknown_parameter_of_the_regression_is_refused(prepared: Callable[..., Path]) -> None:
    for key, error in (
        ("classifier.logistic.strength", "there are classifier.logistic.c, classifier.logistic.pixels"),
        ("classifier.rf.trees", r"has no parameter 'classifier\.rf\.trees'"),
    ):
        with pytest.raises(ConfigurationError, match=error):
            run_with(prepared, "logistic", **{key: 10})


def test_keys_of_the_regression_mean_nothing_to_another_classifier(prepared: Callable[..., Path]) -> None:
    template = Scene.open(prepared(set={"classifier": {"classifier.logistic.c": 3}})).config.template
    assert template.classifier["classifier"] == "rf"
    assert "classifier.logistic.c" not in template.classifier


def test_libsvm_without_probabilities_gives_no_confidence(prepared: Callable[..., Path]) -> None:
    result = run_with(prepared, "libsvm")
    assert result.confidence is None
    assert not list((result.workspace / "latest").glob("confidence*"))


def test_boosting_is_refused_more_than_two_classes(prepared: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"^classifier: boost separates two classes, not 6; choose another"):
        run_with(prepared, "boost")
    assert not list((tmp_path / "work").glob("iterations/*"))


def test_a_neural_network_needs_its_layers(prepared: Callable[..., Path]) -> None:
    with pytest.raises(ConfigurationError, match=r"^classifier: ann needs classifier\.ann\.sizes"):
        run_with(prepared, "ann")


def test_an_unknown_parameter_is_refused_before_anything_runs(prepared: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"has no parameter 'classifier\.rf\.trees'"):
        run_with(prepared, "rf", **{"classifier.rf.trees": 10})
    assert not (tmp_path / "work" / ".lock").exists()


def test_these_are_all_that_this_otb_has() -> None:
    assert {*classifiers(default_settings()), "logistic"} == {*CLASSIFIERS, "boost"}
