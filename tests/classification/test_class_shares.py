"""class_shares.tif: what of every class a classifier sees in every pixel."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from scenes import MARGIN, leftovers

from alcd_otb.errors import ConfigurationError
from alcd_otb.scene import Result, Scene
from otb_pipelines.settings import Settings

CLASSES = ["low_clouds", "high_clouds", "clouds_shadows", "land", "water", "snow"]
CODES = np.array([2, 3, 4, 5, 6, 7])
CLASSIFIERS: dict[str, dict[str, Any]] = {
    "otb": {"classifier.rf.nbtrees": 20},
    "logistic": {"classifier": "logistic"},
    "sklearn": {
        "classifier": "sklearn",
        "sklearn": "RandomForestClassifier",
        "sklearn.n_estimators": 20,
        "sklearn.max_depth": 10,
    },
}


def run(prepared: Callable[..., Path], classifier: dict[str, Any], settings: Settings | None = None) -> Result:
    # Labels as they are without the votes of the neighbours.
    changes = {"margin": MARGIN, "classifier": classifier, "regularisation": {"radius": 0, "smoothing": 0}}
    return Scene.open(prepared(set={**changes, "confidence": {"shares": True}}), settings).run()


def read(path: Path | None) -> Any:
    return gdal.Open(str(path)).ReadAsArray()


@pytest.mark.parametrize("library", CLASSIFIERS)
def test_shares_are_those_of_which_the_maps_are_made(prepared: Callable[..., Path], library: str) -> None:
    result = run(prepared, CLASSIFIERS[library])
    latest = result.workspace / "latest"
    dataset = gdal.Open(str(latest / "class_shares.tif"))
    assert [dataset.GetRasterBand(number).GetDescription() for number in range(1, 7)] == CLASSES
    assert dataset.GetGeoTransform() == gdal.Open(str(result.labels)).GetGeoTransform()
    shares, valid = dataset.ReadAsArray(), read(result.workspace / "valid.tif") == 1
    assert np.isnan(shares[:, ~valid]).all()
    assert np.isnan(dataset.GetRasterBand(1).GetNoDataValue())
    ordered = np.sort(shares[:, valid], axis=0)
    np.testing.assert_allclose(ordered.sum(axis=0), 1, atol=1e-6)
    # The regression's confidence comes in steps of 0.005.
    near = 0.0025 + 1e-6 if library == "logistic" else 1e-6
    np.testing.assert_allclose(read(result.confidence)[valid], ordered[-1], atol=near)
    np.testing.assert_allclose(read(latest / "margin.tif")[valid], ordered[-1] - ordered[-2], atol=near)
    clear = ordered[-1] - ordered[-2] > 1e-6
    first = CODES[shares[:, valid].argmax(axis=0)]
    np.testing.assert_array_equal(read(result.labels)[valid][clear], first[clear])
    assert leftovers(result.workspace) == []
    assert not list(latest.glob("raw*"))


@pytest.mark.parametrize("library", CLASSIFIERS)
def test_shares_are_the_same_bytes_by_any_number_of_threads(prepared: Callable[..., Path], library: str) -> None:
    first, second = (
        run(prepared, CLASSIFIERS[library], Settings(ram, threads)) for ram, threads in ((16, 1), (256, 2))
    )
    one, other = (
        first.workspace / "iterations" / f"{result.iteration:03d}" / "class_shares.tif" for result in (first, second)
    )
    assert one != other
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(
    ("classifier", "name"),
    [({"classifier": "bayes"}, "'bayes'"), ({"classifier": "sklearn", "sklearn": "LinearSVC"}, "LinearSVC")],
)
def test_a_classifier_that_gives_none_is_refused_before_anything_runs(
    prepared: Callable[..., Path], tmp_path: Path, classifier: dict[str, Any], name: str
) -> None:
    with pytest.raises(
        ConfigurationError, match=f"^confidence.shares: classifier {name} gives no vote fractions; choose"
    ):
        run(prepared, classifier)
    assert not (tmp_path / "work" / ".lock").exists()


def test_there_are_none_unless_asked_for(finished: Any) -> None:
    assert not (finished.iteration / "class_shares.tif").exists()
