"""The logistic regression against scikit-learn's, and the maps of its shares against SciPy's Gaussian."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from osgeo import gdal
from places import ROOT
from random_forests import SHAPES, random_pixels, write_forest, write_pixels
from scipy.ndimage import convolve1d
from sklearn.linear_model import LogisticRegression

from otb_pipelines.app import Application, Target
from otb_pipelines.classify import ClassifiedScene, Cleaning, build_classification
from otb_pipelines.errors import OtbError
from otb_pipelines.pixels import classify_pixels, pixel_shares
from otb_pipelines.settings import Settings
from otb_pipelines.train import Training, classifier_for, largest_confidence, train

SETTINGS = Settings(ram=64, threads=2)
CODES = np.array([2, 3, 40, 255])
FEATURES = 5
ROWS, COLUMNS = 37, 131

Array = NDArray[Any]


def drawn(count: int, seed: int = 1, kinds: int = len(CODES)) -> tuple[Array, Array]:
    """Pixels (count, features) of overlapping classes, whose features have scales of their own, and their codes."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(len(CODES), FEATURES))
    numbers = np.concatenate([np.arange(kinds), random.integers(0, kinds, count - kinds)])
    values = (centres[numbers] + random.normal(size=(count, FEATURES))) * [1e-4, 1, 20, 3000, 0.5]
    return (values + np.array([0, 0, 300, 10000, -7])).astype(np.float32), CODES[numbers]


def train_regression(values: Array, codes: Array, model: Path, **parameters: float) -> Path:
    own = {f"classifier.logistic.{key}": value for key, value in parameters.items()}
    train(Training(values.astype(float), codes, {"classifier": "logistic", **own}, 1), model, SETTINGS)
    return model


def read_model(model: Path) -> dict[str, Array]:
    """The numbers of a model file by their lines' first word; those of all classes one below the other."""
    first, *lines = (line.split() for line in model.read_text().splitlines())
    assert first == ["logistic", "regression,", "version", "1"]
    found = {words[0]: np.array(words[1:], float) for words in lines if words[0] != "class"}
    return found | {"class": np.array([words[1:] for words in lines if words[0] == "class"], float)}


def of_sklearn(values: Array, codes: Array, strength: float) -> LogisticRegression:
    """The answer of scikit-learn for features that are standardised here."""
    scaled = values.astype(float) - values.astype(float).mean(axis=0)
    scaled /= scaled.std(axis=0)
    return LogisticRegression(C=strength, tol=1e-12, max_iter=100_000, solver="newton-cg").fit(scaled, codes)


@pytest.mark.parametrize("strength", [0.1, 10, 300])
@pytest.mark.parametrize("count", [12, 60, 2000])
def test_weights_are_those_of_scikit_learn(count: int, strength: float, tmp_path: Path) -> None:
    values, codes = drawn(count)
    found = read_model(train_regression(values, codes, tmp_path / "model", c=strength))
    peer = of_sklearn(values, codes, strength)
    np.testing.assert_allclose(found["means"], values.astype(float).mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found["deviations"], values.astype(float).std(axis=0), rtol=1e-10)
    np.testing.assert_array_equal(found["class"][:, 0], peer.classes_)
    np.testing.assert_allclose(found["class"][:, 1], peer.intercept_, atol=2e-6)
    np.testing.assert_allclose(found["class"][:, 2:], peer.coef_, atol=2e-6)


def test_without_a_strength_it_is_10(tmp_path: Path) -> None:
    values, codes = drawn(100)
    default, ten = (
        train_regression(values, codes, tmp_path / "a"),
        train_regression(values, codes, tmp_path / "b", c=10),
    )
    assert default.read_bytes() == ten.read_bytes()
    assert default.read_bytes() != train_regression(values, codes, tmp_path / "c", c=9.99).read_bytes()


def test_two_classes_are_those_of_scikit_learn_with_twice_the_strength(tmp_path: Path) -> None:
    """Its two classes have one vector of weights, which is the difference of the two here."""
    values, codes = drawn(80, kinds=2)
    found = read_model(train_regression(values, codes, tmp_path / "model", c=5))["class"]
    peer = of_sklearn(values, codes, 10)
    np.testing.assert_allclose(found[1, 2:] - found[0, 2:], peer.coef_[0], atol=2e-6)
    np.testing.assert_allclose(found[1, 1] - found[0, 1], peer.intercept_[0], atol=2e-6)


def test_shares_are_those_of_scikit_learn(tmp_path: Path) -> None:
    values, codes = drawn(60)
    model = train_regression(values, codes, tmp_path / "model")
    unknown, _ = drawn(3000, seed=2)
    shares = pixel_shares(unknown, model, SETTINGS)
    scaled = (unknown.astype(float) - values.astype(float).mean(axis=0)) / values.astype(float).std(axis=0)
    expected = of_sklearn(values, codes, 10).predict_proba(scaled)
    np.testing.assert_allclose(shares, expected, atol=2e-6)
    np.testing.assert_array_equal(classify_pixels(unknown, model, None, SETTINGS), CODES[shares.argmax(axis=1)])


def test_one_class_alone_is_everywhere(tmp_path: Path) -> None:
    values, _ = drawn(20)
    model = train_regression(values, np.full(20, 40), tmp_path / "model")
    np.testing.assert_array_equal(pixel_shares(values, model, SETTINGS), np.ones((20, 1)))
    np.testing.assert_array_equal(classify_pixels(values, model, None, SETTINGS), 40)


def test_a_feature_that_does_not_vary_has_no_weight(tmp_path: Path) -> None:
    values, codes = drawn(60)
    constant = np.insert(values, 2, np.float32(0.1), axis=1)
    found = read_model(train_regression(constant, codes, tmp_path / "model"))["class"]
    np.testing.assert_array_equal(found[:, 4], 0)
    without = read_model(train_regression(values, codes, tmp_path / "other"))["class"]
    np.testing.assert_allclose(np.delete(found, 4, axis=1), without, atol=1e-9)


def test_values_that_were_never_seen(tmp_path: Path) -> None:
    """A missing value counts as the mean, and no value, however far away, makes shares that are none."""
    values, codes = drawn(60)
    model = train_regression(values, codes, tmp_path / "model")
    mean = values.astype(float).mean(axis=0).astype(np.float32)
    missing = np.where(np.arange(FEATURES) == 1, np.float32(np.nan), mean)
    shares = pixel_shares(np.array([mean, missing]), model, SETTINGS)
    np.testing.assert_allclose(shares[1], shares[0], atol=1e-6)
    odd = random_pixels(FEATURES, 8, 64, 3).reshape(FEATURES, -1).T
    shares = pixel_shares(np.ascontiguousarray(odd), model, SETTINGS)
    assert ((shares >= 0) & (shares <= 1)).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)


def test_training_pixels_without_a_value_are_refused(tmp_path: Path) -> None:
    values, codes = drawn(30)
    for odd, message in ((np.nan, "no value of feature 4"), (np.inf, "a value of feature 4 that is too large")):
        values[7, 3] = odd
        with pytest.raises(OtbError, match=message):
            train_regression(values, codes, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_too_many_weights_are_refused(tmp_path: Path) -> None:
    values, codes = np.random.default_rng(1).random((20, 3000)), np.arange(20) % 2 + 1
    with pytest.raises(OtbError, match="2 classes and 3000 features have 6002 weights; at most 5000 can be trained"):
        train_regression(values, codes, tmp_path / "model")


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OtbError, match=r"nowhere/model: cannot be written"):
        train_regression(*drawn(30), tmp_path / "nowhere" / "model")


@pytest.mark.parametrize("threads", [1, 2])
def test_training_and_maps_do_not_depend_on_the_processor(threads: int, tmp_path: Path) -> None:
    model, image, path, _ = scene(tmp_path)
    reference = None
    for instructions in ("avx512", "avx2", "portable"):
        folder = tmp_path / instructions
        folder.mkdir()
        command = [sys.executable, "-c", PROGRAM, str(model), str(image), str(path), str(folder), str(threads)]
        paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = {**os.environ, "LOGISTIC_REGRESSION_INSTRUCTIONS": instructions, "PYTHONPATH": paths}
        subprocess.run(command, env=environment, check=True)
        files = [(folder / name).read_bytes() for name in ("out.tif", "confmap.tif", "shares.tif")]
        reference = reference or files
        assert files == reference


PROGRAM = """
import sys
from pathlib import Path
from otb_pipelines.app import Application, Target
from otb_pipelines.settings import Settings
model, image, mask, folder = map(Path, sys.argv[1:5])
settings = Settings(64, int(sys.argv[5]))
inputs = {"in": image, "model": model, "mask": mask}
targets = {"out": Target(folder / "out.tif", "int32"), "confmap": Target(folder / "confmap.tif")}
Application("LogisticRegressionClassification", {**inputs, "smoothing": 0.6}, settings).write(targets)
Application("ClassShares", inputs, settings).write({"out": Target(folder / "shares.tif")})
"""


def read(path: Path) -> Array:
    values: Array = gdal.Open(str(path)).ReadAsArray()
    return values


def write_mask(path: Path) -> Array:
    """Two thirds of the pixels at random, a row and a column wholly without."""
    there = np.random.default_rng(1).random((ROWS, COLUMNS)) < 0.67
    there[5], there[:, 0] = False, False
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), COLUMNS, ROWS, 1, gdal.GDT_Byte)
    dataset.WriteArray(there.astype(np.uint8))
    return there


def scene(folder: Path) -> tuple[Path, Path, Path, Array]:
    """A trained model, an image, and its mask as a file and as an array."""
    model = train_regression(*drawn(60), folder / "model.logistic")
    image, mask = folder / "image.tif", folder / "mask.tif"
    write_pixels(image, drawn(ROWS * COLUMNS, seed=5)[0].T.reshape(FEATURES, ROWS, COLUMNS))
    return model, image, mask, write_mask(mask)


def maps(folder: Path, name: str, parameters: dict[str, Any], rows: int | None = None) -> dict[str, Array]:
    kinds = {"out": "int32", "confmap": "double", "marginmap": "double", "secondmap": "int32"}
    targets = {key: Target(folder / f"{key}.tif", kind, rows=rows) for key, kind in kinds.items()}
    Application(name, parameters, SETTINGS).write(targets)
    return {key: read(target.path) for key, target in targets.items()}


def class_shares(path: Path, parameters: dict[str, Any], rows: int | None = None) -> Array:
    Application("ClassShares", parameters, SETTINGS).write({"out": Target(path, rows=rows)})
    return read(path)


def averaged(values: Array, there: Array, deviation: float) -> Array:
    """Gaussian means of the pixels inside a mask, in double precision."""
    radius = max(1, round(2 * deviation))
    weights = np.exp(-((np.arange(-radius, radius + 1) / deviation) ** 2) / 2)
    sums, total = values.astype(float) * there, there.astype(float)
    for axis in (-2, -1):
        sums = convolve1d(sums, weights, axis=axis, mode="constant")
        total = convolve1d(total, weights, axis=axis, mode="constant")
    return np.where(there, sums / np.maximum(total, 1e-12), 0)


def expect_maps(result: dict[str, Array], shares: Array, there: Array) -> None:
    """Check labels, confidence, margin and second class against shares (classes, rows, columns)."""
    order, ordered = np.argsort(-shares, axis=0, kind="stable"), np.sort(shares, axis=0)[::-1]
    # Half a step of 0.005, and the rounding of 32 bits.
    np.testing.assert_allclose(result["confmap"], np.where(there, ordered[0], 0), atol=0.0025 + 1e-5)
    np.testing.assert_allclose(result["marginmap"], np.where(there, ordered[0] - ordered[1], 0), atol=0.0025 + 1e-5)
    for key, place in (("out", 0), ("secondmap", 1)):
        sure = there & (ordered[place] - ordered[place + 1] > 1e-5)
        assert sure.sum() > 0.9 * there.sum()
        np.testing.assert_array_equal(result[key][sure], CODES[order[place]][sure])
    for values in result.values():
        assert not values[~there].any()
    steps = result["confmap"] * 200
    np.testing.assert_allclose(steps, steps.round(), atol=1e-4)


@pytest.mark.parametrize("deviation", [0, 0.4, 1.6])
def test_maps_are_those_of_the_averaged_shares(deviation: float, tmp_path: Path) -> None:
    model, image, path, there = scene(tmp_path)
    pixels = read(image).reshape(FEATURES, -1).T
    shares = pixel_shares(np.ascontiguousarray(pixels), model, SETTINGS).T.reshape(-1, ROWS, COLUMNS)
    expected = averaged(shares, there, deviation) if deviation else np.where(there, shares, 0)
    parameters = {"in": image, "model": model, "mask": path, "smoothing": deviation}
    np.testing.assert_allclose(class_shares(tmp_path / "s.tif", parameters), expected, atol=2e-6)
    expect_maps(maps(tmp_path, "LogisticRegressionClassification", parameters), expected, there)


@pytest.mark.parametrize("deviation", [0, 1.1])
def test_shares_of_another_program_make_the_same_maps(deviation: float, tmp_path: Path) -> None:
    model, image, path, there = scene(tmp_path)
    shares = tmp_path / "shares.tif"
    class_shares(shares, {"in": image, "model": model})
    inputs = {"mask": path, "smoothing": deviation}
    result = maps(tmp_path, "ShareClassification", {"in": shares, "classes": list(map(str, CODES)), **inputs})
    same = maps(tmp_path, "LogisticRegressionClassification", {"in": image, "model": model, **inputs})
    for key, values in result.items():
        np.testing.assert_array_equal(values, same[key])
    expect_maps(result, averaged(read(shares), there, deviation) if deviation else read(shares) * there, there)


@pytest.mark.parametrize("rows", [1, 5, 16])
@pytest.mark.parametrize("deviation", [0, 1.2])
def test_strips_make_no_difference(rows: int, deviation: float, tmp_path: Path) -> None:
    model, image, path, _ = scene(tmp_path)
    parameters = {"in": image, "model": model, "mask": path, "smoothing": deviation}
    whole = maps(tmp_path, "LogisticRegressionClassification", parameters)
    in_strips = maps(tmp_path, "LogisticRegressionClassification", parameters, rows)
    for key, values in in_strips.items():
        np.testing.assert_array_equal(values, whole[key])
    shares = class_shares(tmp_path / "whole.tif", parameters)
    np.testing.assert_array_equal(class_shares(tmp_path / "strips.tif", parameters, rows), shares)


@pytest.mark.parametrize("deviation", [0, 0.9])
def test_shares_of_a_forest_are_those_of_image_classifier(deviation: float, tmp_path: Path) -> None:
    shape = SHAPES["clouds"]
    model, image, path = tmp_path / "model.rf", tmp_path / "image.tif", tmp_path / "mask.tif"
    write_forest(model, shape, 3)
    write_pixels(image, random_pixels(shape.features, ROWS, COLUMNS, 3))
    there = write_mask(path)
    application = Application("ImageClassifier", {"in": image, "model": model, "nbclasses": 7}, SETTINGS)
    application.write({"out": Target(tmp_path / "l.tif", "uint8"), "probamap": Target(tmp_path / "otb.tif")})
    shares = read(tmp_path / "otb.tif")
    found = class_shares(tmp_path / "s.tif", {"in": image, "model": model, "mask": path, "smoothing": deviation})
    if deviation:
        np.testing.assert_allclose(found, averaged(shares, there, deviation), atol=2e-6)
    else:
        np.testing.assert_array_equal(found, np.where(there, shares, 0))


def test_the_chain_cleans_the_maps(tmp_path: Path) -> None:
    model, image, path, _ = scene(tmp_path)
    whole = maps(
        tmp_path, "LogisticRegressionClassification", {"in": image, "model": model, "mask": path, "smoothing": 1}
    )
    cleaning = Cleaning(2, 0, largest_confidence({"classifier": "logistic"}), smoothing=1)
    chain = build_classification(ClassifiedScene(image, path, model, "logistic"), cleaning, SETTINGS)
    names = {"out": "uint8", "confmap": "float", "marginmap": "float", "secondmap": "uint8"}
    chain.write({key: Target(tmp_path / f"cleaned_{key}.tif", kind) for key, kind in names.items()})
    for key in names:
        # Smoothing takes the place of the majority vote.
        np.testing.assert_array_equal(read(tmp_path / f"cleaned_{key}.tif"), whole[key].astype(np.float32))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("version 1", "version 2"), "does not begin with 'logistic regression, version 1'"),
        (("features 5", "features 6"), "a line 'means' does not have the 6 numbers that it needs"),
        (("classes 4", "classes 5"), "ends too early"),
        (("classes 4", "classes 3"), "goes on after its last class"),
        (("classes 4", "classes 257"), "has 257 classes; there can be 1 to 256"),
        (("class 40 ", "class 2 "), "the codes of the classes are not in ascending order"),
        (("class 40 ", "class 4O "), "'4O' is not a number that fits"),
        (("class 40 ", "class 40 nan "), "a line 'class' does not have the 7 numbers that it needs"),
        (("means ", "means  "), "a line 'means' does not have the 5 numbers"),
        (("deviations ", "deviations -"), "the deviation of feature 1 is "),
    ],
)
def test_a_damaged_model_is_refused(change: tuple[str, str], fault: str, tmp_path: Path) -> None:
    model, image, _, _ = scene(tmp_path)
    text = model.read_text()
    assert change[0] in text
    model.write_text(text.replace(*change, 1))
    with pytest.raises(OtbError) as caught:
        maps(tmp_path, "LogisticRegressionClassification", {"in": image, "model": model})
    assert f"sound logistic regression: {fault}" in str(caught.value)
    assert "train it again" in str(caught.value)


@pytest.mark.parametrize("name", ["LogisticRegressionClassification", "ClassShares"])
def test_an_image_of_too_few_bands_is_refused(name: str, tmp_path: Path) -> None:
    model, _, _, _ = scene(tmp_path)
    write_pixels(tmp_path / "narrow.tif", random_pixels(3, 4, 4, 0))
    target = {"out": Target(tmp_path / "out.tif")}
    with pytest.raises(OtbError, match="trained on 5 features, and the image has 3"):
        Application(name, {"in": tmp_path / "narrow.tif", "model": model}, SETTINGS).write(target)


@pytest.mark.parametrize(
    ("classes", "fault"),
    [(["1", "2"], "2 classes are named, and the image has 3"), (["1", "2", "1"], "occurs twice"), (["1", "x"], "'x'")],
)
def test_classes_that_do_not_fit_the_shares_are_refused(classes: list[str], fault: str, tmp_path: Path) -> None:
    write_pixels(tmp_path / "shares.tif", random_pixels(3, 4, 4, 0))
    with pytest.raises(OtbError, match=fault):
        maps(tmp_path, "ShareClassification", {"in": tmp_path / "shares.tif", "classes": classes})


def test_the_forest_takes_over_above_a_number_of_pixels() -> None:
    forest = {"classifier.rf.nbtrees": 50, "classifier.rf.acc": 0}
    parameters = {"classifier": "logistic", "classifier.logistic.c": 3, "classifier.logistic.pixels": 500, **forest}
    regression = {"classifier": "logistic", "classifier.logistic.c": 3}
    assert classifier_for(parameters, 500) == regression
    assert classifier_for(parameters, 501) == {"classifier": "rf", **forest}
    del parameters["classifier.logistic.pixels"]
    assert classifier_for(parameters, 10**9) == regression
    assert classifier_for({"classifier": "knn", **forest}, 1) == {"classifier": "knn", **forest}
