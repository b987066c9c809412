"""Training on arrays takes the parameters, and their defaults, of the applications."""

from typing import Any

import numpy as np
import pytest

from otb_pipelines.app import Application
from otb_pipelines.errors import OtbError
from otb_pipelines.live import _FOREST_DEFAULTS, GrowingForest, is_supported, native, train_regression
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=64, threads=2)
PIXELS = np.random.default_rng(1).random((40, 3))
CODES = np.repeat([2, 5], 20)


@pytest.mark.parametrize(("key", "own"), list(zip(_FOREST_DEFAULTS, ("trees", "depth", "least", "tried"), strict=True)))
def test_defaults_are_those_of_the_application(key: str, own: str) -> None:
    application = Application("RandomForestTraining", {}, SETTINGS)
    assert application._native.GetParameterInt(own) == _FOREST_DEFAULTS[key]


@pytest.mark.parametrize(
    ("parameters", "supported"),
    [
        ({"classifier": "logistic"}, True),
        ({"classifier": "rf", "classifier.rf.acc": 0}, True),
        ({"classifier": "rf", "classifier.rf.acc": 0, "classifier.rf.nbtrees": 70000}, False),
        ({"classifier": "rf", "classifier.rf.acc": 0.01}, False),
        ({"classifier": "rf"}, False),
        ({"classifier": "libsvm"}, False),
        ({"classifier": "sklearn", "sklearn": "LinearSVC"}, False),
    ],
)
def test_what_is_supported(parameters: dict[str, Any], supported: bool) -> None:
    assert is_supported(parameters) == supported


def test_a_forest_grows_until_it_is_whole() -> None:
    forest = GrowingForest(PIXELS, CODES, {"classifier": "rf", "classifier.rf.nbtrees": 7}, 1)
    assert (forest.whole, forest.trees, forest.labels) == (7, 0, [2, 5])
    for wanted, grown, parts in ((3, 3, 1), (2, 3, 1), (9, 7, 2), (9, 7, 2)):
        assert forest.grow(wanted, 2, native().Stop())
        assert (forest.trees, len(forest.parts)) == (grown, parts)


def test_a_stopped_forest_stays_as_it_was() -> None:
    forest, stop = GrowingForest(PIXELS, CODES, {"classifier": "rf"}, 1), native().Stop()
    assert not stop.is_set
    stop.set()
    assert stop.is_set
    assert not forest.grow(50, 2, stop)
    assert (forest.trees, forest.parts) == (0, ())


def test_pixels_without_a_value_are_refused() -> None:
    holed = PIXELS.copy()
    holed[3, 1] = np.nan
    with pytest.raises(OtbError, match="the random forest cannot be trained: a pixel has no value of feature 2"):
        GrowingForest(holed, CODES, {"classifier": "rf"}, 1).grow(10, 1, native().Stop())
    with pytest.raises(OtbError, match="the logistic regression cannot be trained: "):
        train_regression(holed, CODES, {"classifier": "logistic"})


@pytest.mark.parametrize(
    "blocks",
    [
        np.zeros((1, 1, 3, 64), np.float64),
        np.zeros((1, 1, 3, 32), np.float32),
        np.zeros((1, 2, 3, 64), np.float32),
        np.zeros(16 * 3 * 64 + 1, np.float32)[1 : 3 * 64 + 1].reshape(1, 1, 3, 64),
    ],
    ids=["type", "pixels", "size", "alignment"],
)
def test_arrays_that_do_not_fit_are_refused(blocks: Any) -> None:
    forest = GrowingForest(PIXELS, CODES, {"classifier": "rf"}, 1)
    forest.grow(2, 1, native().Stop())
    planes = native().VotePlanes((0, 0, 4, 4), 0, 2)
    with pytest.raises((TypeError, ValueError)):
        planes.add(forest.parts[0], blocks, np.ones((8, 8), np.uint8), 1, native().Stop())
