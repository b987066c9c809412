"""The fast forest against OTB's own, through the unchanged ImageClassifier of the shell."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from random_forests import MISSING, SHAPES, Shape, classify, random_pixels, write_forest, write_pixels

from otb_pipelines.app import Application, Target
from otb_pipelines.errors import OtbError
from otb_pipelines.process import forest_plugin
from otb_pipelines.settings import Settings
from otb_pipelines.train import Training, train

SETTINGS = Settings(ram=64, threads=2)


def with_plugin(**environment: str) -> dict[str, str]:
    plugin = forest_plugin()
    assert plugin is not None, "make install builds the fast forest"
    return {"ITK_AUTOLOAD_PATH": str(plugin.parent), **environment}


@pytest.mark.parametrize("name", SHAPES)
def test_labels_and_confidences_are_those_of_otb(name: str, tmp_path: Path) -> None:
    shape, seed = SHAPES[name], list(SHAPES).index(name)
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, shape, seed)
    write_pixels(image, random_pixels(shape.features, 37, 131, seed))
    labels, confidence = classify(image, model, tmp_path / "otb")
    assert len(np.unique(labels)) > 1 or len(shape.labels) == 1 or shape.depth == 0
    for instructions in ("avx512", "avx2", "portable"):
        fast = classify(image, model, tmp_path / instructions, **with_plugin(FAST_FOREST_INSTRUCTIONS=instructions))
        np.testing.assert_array_equal(fast[0], labels)
        np.testing.assert_array_equal(fast[1], confidence)


@pytest.mark.parametrize(("classes", "trees", "depth", "features"), [(2, 7, 5, 2), (7, 100, 25, 30), (12, 30, 40, 5)])
def test_forests_that_otb_has_trained(classes: int, trees: int, depth: int, features: int, tmp_path: Path) -> None:
    random = np.random.default_rng(classes)
    codes = np.repeat(np.arange(1, classes + 1), 80)
    values = random.normal(codes[:, None] * 0.1, 1.0, (codes.size, features))
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    parameters = {
        "classifier": "rf",
        "classifier.rf.nbtrees": trees,
        "classifier.rf.max": depth,
        "classifier.rf.min": 2,
        "classifier.rf.acc": 0,
    }
    train(Training(values, codes, parameters, 1), model, SETTINGS)
    write_pixels(image, random.normal(0.5, 1.0, (features, 40, 70)).astype(np.float32))
    labels, confidence = classify(image, model, tmp_path / "otb")
    fast = classify(image, model, tmp_path / "fast", **with_plugin())
    np.testing.assert_array_equal(fast[0], labels)
    np.testing.assert_array_equal(fast[1], confidence)
    assert len(np.unique(confidence)) > 3


def test_a_forest_by_hand(tmp_path: Path) -> None:
    """Three stumps over two features: shares and margin counted on paper."""
    model, image, out = tmp_path / "model.rf", tmp_path / "image.tif", tmp_path / "shares.tif"
    write_forest(model, Shape((2, 4, 7), trees=3, depth=1, features=2), 0)
    header = model.read_text().split("   trees:\n")[0]
    stump = (
        "      -\n         nodes:\n            - { value:2., norm_class_idx:0, splits:[ { var:%d, le:%g } ] }\n"
        "            - { value:0., norm_class_idx:%d }\n            - { value:0., norm_class_idx:%d }\n"
    )
    stumps = [stump % (0, 0.5, 0, 1), stump % (1, 0.25, 0, 2), stump % (0, 2, 1, 2)]
    model.write_text(header + "   trees:\n" + "".join(stumps))
    #                  votes for 2 2 4, 4 2 4, 2 7 4, 4 7 7, and with NaN on the right everywhere
    first, second = [0.5, 0.6, 0, 3, np.nan], [0.25, -1, 0.3, 1, np.nan]
    write_pixels(image, np.array([[first], [second]], np.float32))
    application = Application("ImageClassifier", {"in": image, "model": model, "nbclasses": 4}, SETTINGS)
    application.write({"probamap": Target(out, "float"), "out": Target(tmp_path / "labels.tif", "uint8")})
    thirds = gdal.Open(str(out)).ReadAsArray()[:, 0].T * 3
    expected = [[2, 1, 0, 1], [1, 2, 0, 1], [1, 1, 1, 0], [0, 1, 2, 1], [0, 1, 2, 1]]
    np.testing.assert_allclose(thirds, expected, atol=1e-6)
    assert gdal.Open(str(tmp_path / "labels.tif")).ReadAsArray().tolist() == [[2, 4, 2, 7, 7]]


def test_a_missing_value_is_substituted_in_the_label_alone(tmp_path: Path) -> None:
    """As stock OTB does it: OpenCV chooses the label, and OTB counts the votes of the confidence itself."""
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, Shape((1, 2, 3), trees=31, depth=6, features=3), 4)
    write_pixels(image, np.full((3, 4, 4), MISSING, np.float32))
    labels, confidence = classify(image, model, tmp_path / "otb")
    fast = classify(image, model, tmp_path / "fast", **with_plugin())
    np.testing.assert_array_equal(fast[0], labels)
    np.testing.assert_array_equal(fast[1], confidence)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("norm_class_idx: 2", "norm_class_idx: 17", "votes for a class that there is not"),
        ("norm_class_idx: 2", "norm_class_idx: -1", "votes for no class"),
        ("var:1,", "var:99,", "compares a feature that there is not"),
        ("var:1,", "var:-2,", "compares a feature that there is not"),
        ("le:", "less:", "lacks a number"),
        ("ntrees: 9", "ntrees: 10", "does not have as many trees as it says"),
        ("class_labels: [ 1, 2, 3 ]", "class_labels: [ 1, 2.5, 3 ]", "whole numbers"),
        ("var_type: [ 0, 0, 1 ]", "var_type: [ 0, 1, 1 ]", "features that are not numbers"),
        ("   oob_error: 0.", "   : 0.", "has a value without a name"),
        ("oob_error: 0.", 'oob_error: "0."', "has a character that is in no forest"),
        ("oob_error: 0.", "oob_error: " + "-" * 5000, "has a line that is too long"),
        ("oob_error: 0.", "oob_error: " + "[ " * 9, "has brackets that do not match"),
        ("oob_error: 0.", "oob_error: 0. ]", "has brackets that do not match"),
        ("   oob_error: 0.", "...\n- 0", "has more than one document"),
        ("---", "---\n   first: 1", "does not begin with opencv_ml_rtrees"),
    ],
)
def test_a_damaged_model_is_refused(old: str, new: str, said: str, tmp_path: Path) -> None:
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, Shape((1, 2, 3), trees=9, depth=3, features=2), 1)
    text = model.read_text()
    assert old in text
    model.write_text(text.replace(old, new))
    write_pixels(image, random_pixels(2, 4, 4, 1))
    application = Application("ImageClassifier", {"in": image, "model": model}, SETTINGS)
    with pytest.raises(OtbError, match=said) as error:
        application.write({"out": Target(tmp_path / "labels.tif", "uint8")})
    assert str(model) in str(error.value)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.999])
def test_a_model_cut_short_is_refused(share: float, tmp_path: Path) -> None:
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, Shape((1, 2, 3), trees=9, depth=3, features=2), 1)
    text = model.read_text()
    model.write_text(text[: int(len(text) * share)])
    write_pixels(image, random_pixels(2, 4, 4, 1))
    application = Application("ImageClassifier", {"in": image, "model": model}, SETTINGS)
    with pytest.raises(OtbError, match="sound random forest: "):
        application.write({"out": Target(tmp_path / "labels.tif", "uint8")})


def test_a_model_cut_within_its_last_number_is_refused(tmp_path: Path) -> None:
    """What is left could be read as another number."""
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, Shape((1, 2, 3), trees=9, depth=3, features=2), 1)
    model.write_text(model.read_text().removesuffix("\n"))
    write_pixels(image, random_pixels(2, 4, 4, 1))
    application = Application("ImageClassifier", {"in": image, "model": model}, SETTINGS)
    with pytest.raises(OtbError, match="ends within a line"):
        application.write({"out": Target(tmp_path / "labels.tif", "uint8")})


def test_a_model_written_on_windows(tmp_path: Path) -> None:
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, Shape((1, 2, 3), trees=9, depth=3, features=2), 1)
    model.write_text(model.read_text(), newline="\r\n")
    write_pixels(image, random_pixels(2, 20, 20, 1))
    labels, confidence = classify(image, model, tmp_path / "otb")
    fast = classify(image, model, tmp_path / "fast", **with_plugin())
    np.testing.assert_array_equal(fast[0], labels)
    np.testing.assert_array_equal(fast[1], confidence)


def test_an_image_with_too_few_bands_is_refused(tmp_path: Path) -> None:
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, Shape((1, 2, 3), trees=9, depth=3, features=5), 1)
    write_pixels(image, random_pixels(2, 4, 4, 1))
    application = Application("ImageClassifier", {"in": image, "model": model}, SETTINGS)
    with pytest.raises(OtbError, match="trained on 5 features, and the image has 2"):
        application.write({"out": Target(tmp_path / "labels.tif", "uint8")})


@pytest.mark.parametrize("classifier", ["libsvm", "bayes", "dt"])
def test_models_of_other_classifiers_are_left_to_otb(classifier: str, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    codes = np.repeat([1, 2], 50)
    values = random.normal(codes[:, None], 0.1, (100, 2))
    model, image, labels = tmp_path / "model", tmp_path / "image.tif", tmp_path / "labels.tif"
    train(Training(values, codes, {"classifier": classifier}, 1), model, SETTINGS)
    write_pixels(image, np.array([[[1, 2]], [[1, 2]]], np.float32))
    Application("ImageClassifier", {"in": image, "model": model}, SETTINGS).write({"out": Target(labels, "uint8")})
    assert gdal.Open(str(labels)).ReadAsArray().tolist() == [[1, 2]]
