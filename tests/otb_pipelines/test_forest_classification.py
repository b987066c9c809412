"""Classification with the margin of the votes against ImageClassifier's labels, confidences and class shares."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from osgeo import gdal
from random_forests import SHAPES, classify, random_pixels, write_forest, write_pixels
from scipy.ndimage import convolve1d

from otb_pipelines.app import Application, Target
from otb_pipelines.errors import OtbError
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=64, threads=2)
ROWS, COLUMNS = 37, 131

Array = NDArray[Any]


def read(path: Path) -> Array:
    values: Array = gdal.Open(str(path)).ReadAsArray()
    return values


def mask(folder: Path) -> tuple[Path, Array]:
    """Two thirds of the pixels at random, a row and a column wholly without."""
    there = np.random.default_rng(1).random((ROWS, COLUMNS)) < 0.67
    there[5], there[:, 0] = False, False
    path = folder / "mask.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), COLUMNS, ROWS, 1, gdal.GDT_Byte)
    dataset.WriteArray(there.astype(np.uint8))
    return path, there


def classified(folder: Path, parameters: dict[str, Any], rows: int | None = None) -> dict[str, Array]:
    kinds = {"out": "int32", "confmap": "double", "marginmap": "double", "secondmap": "int32"}
    targets = {key: Target(folder / f"{key}.tif", kind, rows=rows) for key, kind in kinds.items()}
    Application("RandomForestClassification", parameters, SETTINGS).write(targets)
    return {key: read(target.path) for key, target in targets.items()}


@pytest.fixture
def forest(tmp_path: Path) -> tuple[Path, Path]:
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    shape = SHAPES["clouds"]
    write_forest(model, shape, 3)
    write_pixels(image, random_pixels(shape.features, ROWS, COLUMNS, 3))
    return model, image


@pytest.mark.parametrize("name", ["clouds", "two classes", "thirty classes", "one class", "one leaf"])
def test_all_that_image_classifier_says_of_a_pixel(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, shape, 3)
    write_pixels(image, random_pixels(shape.features, ROWS, COLUMNS, 3))
    result = classified(tmp_path, {"in": image, "model": model})
    labels, confidences = classify(image, model, tmp_path / "otb")
    np.testing.assert_array_equal(result["out"], labels)
    np.testing.assert_array_equal(result["confmap"], confidences)

    application = Application(
        "ImageClassifier", {"in": image, "model": model, "nbclasses": len(shape.labels)}, SETTINGS
    )
    application.write({"out": Target(tmp_path / "l.tif", "uint8"), "probamap": Target(tmp_path / "shares.tif")})
    shares = read(tmp_path / "shares.tif").reshape(len(shape.labels), ROWS, COLUMNS)
    order = np.argsort(-shares, axis=0, kind="stable")
    if len(shape.labels) == 1:
        np.testing.assert_array_equal(result["marginmap"], 1)
        np.testing.assert_array_equal(result["secondmap"], 0)
        return
    second_shares = np.take_along_axis(shares, order[1:2], axis=0)[0]
    np.testing.assert_allclose(result["marginmap"], shares.max(axis=0) - second_shares, atol=1e-6)
    np.testing.assert_array_equal(result["secondmap"], np.array(shape.labels)[order[1]])


def test_nothing_is_said_where_the_mask_is_0(forest: tuple[Path, Path], tmp_path: Path) -> None:
    model, image = forest
    path, there = mask(tmp_path)
    whole = classified(tmp_path, {"in": image, "model": model})
    masked = classified(tmp_path, {"in": image, "model": model, "mask": path})
    for key, values in masked.items():
        np.testing.assert_array_equal(values, np.where(there, whole[key], 0))


def test_strips_make_no_difference(forest: tuple[Path, Path], tmp_path: Path) -> None:
    model, image = forest
    path, _ = mask(tmp_path)
    whole = classified(tmp_path, {"in": image, "model": model, "mask": path})
    in_strips = classified(tmp_path, {"in": image, "model": model, "mask": path}, rows=5)
    for key, values in in_strips.items():
        np.testing.assert_array_equal(values, whole[key])


def test_margin_and_second_class_go_through_the_cleaning_as_they_are(forest: tuple[Path, Path], tmp_path: Path) -> None:
    model, image = forest
    whole = classified(tmp_path, {"in": image, "model": model})
    source = Application("RandomForestClassification", {"in": image, "model": model}, SETTINGS)
    inputs = {
        "labels": source["out"],
        "confidence": source["confmap"],
        "margin": source["marginmap"],
        "second": source["secondmap"],
    }
    targets = {
        "out": Target(tmp_path / "cleaned.tif", "uint8", rows=8),
        "confmap": Target(tmp_path / "c.tif", rows=8),
        "marginmap": Target(tmp_path / "m.tif", rows=8),
        "secondmap": Target(tmp_path / "s.tif", "uint8", rows=8),
    }
    Application("ClassificationMapCleaning", inputs, SETTINGS).write(targets)
    np.testing.assert_array_equal(read(tmp_path / "c.tif"), whole["confmap"].astype(np.float32))
    np.testing.assert_array_equal(read(tmp_path / "m.tif"), whole["marginmap"].astype(np.float32))
    np.testing.assert_array_equal(read(tmp_path / "s.tif"), whole["secondmap"])


def gaussian(deviation: float) -> Array:
    radius = max(1, round(2 * deviation))
    weights = np.exp(-((np.arange(-radius, radius + 1) / deviation) ** 2) / 2)
    return weights / weights.sum()


def averaged(values: Array, deviation: float) -> Array:
    """Weighted sums along both axes; beyond the edge there is nothing."""
    for axis in (-2, -1):
        values = convolve1d(values, gaussian(deviation), axis=axis, mode="constant")
    return values


@pytest.mark.parametrize("deviation", [0.3, 0.7, 1.6])
@pytest.mark.parametrize("name", ["clouds", "two classes", "one class"])
def test_smoothed_votes_are_the_mean_of_the_class_shares_around(name: str, deviation: float, tmp_path: Path) -> None:
    shape = SHAPES[name]
    model, image = tmp_path / "model.rf", tmp_path / "image.tif"
    write_forest(model, shape, 3)
    pixels = random_pixels(shape.features, ROWS, COLUMNS, 3)
    # Values that stand for nothing have votes, but their labels are chosen otherwise.
    write_pixels(image, np.where(np.abs(pixels) < 2, pixels, 0))
    path, there = mask(tmp_path)
    result = classified(tmp_path, {"in": image, "model": model, "mask": path, "smoothing": deviation})

    count = len(shape.labels)
    application = Application("ImageClassifier", {"in": image, "model": model, "nbclasses": count}, SETTINGS)
    application.write({"out": Target(tmp_path / "l.tif", "uint8"), "probamap": Target(tmp_path / "shares.tif")})
    shares = read(tmp_path / "shares.tif").reshape(count, ROWS, COLUMNS).astype(float)
    means = averaged(shares * there, deviation) / np.maximum(averaged(there.astype(float), deviation), 1e-9)
    ordered = np.sort(means, axis=0)
    margins = ordered[-1] - ordered[-2] if count > 1 else np.ones((ROWS, COLUMNS))
    order = np.argsort(-means, axis=0, kind="stable")
    # Where two means are equal but for rounding, either class may come first.
    sure = there & (margins > 1e-5)
    assert sure.sum() > 0.9 * there.sum()
    np.testing.assert_array_equal(result["out"][sure], np.array(shape.labels)[order[0]][sure])
    # Half a step of 0.005, and the rounding of 32 bits.
    np.testing.assert_allclose(result["confmap"], np.where(there, ordered[-1], 0), atol=0.0025 + 1e-5)
    np.testing.assert_allclose(result["marginmap"], np.where(there, margins, 0), atol=0.0025 + 1e-5)
    if count > 2:
        told_apart = sure & (ordered[-2] - ordered[-3] > 1e-5)
        np.testing.assert_array_equal(result["secondmap"][told_apart], np.array(shape.labels)[order[1]][told_apart])
    for values in result.values():
        assert not values[~there].any()


@pytest.mark.parametrize("rows", [1, 5, 16])
def test_strips_make_no_difference_to_smoothed_votes(rows: int, forest: tuple[Path, Path], tmp_path: Path) -> None:
    model, image = forest
    path, _ = mask(tmp_path)
    parameters = {"in": image, "model": model, "mask": path, "smoothing": 1.2}
    whole = classified(tmp_path, parameters)
    in_strips = classified(tmp_path, parameters, rows=rows)
    for key, values in in_strips.items():
        np.testing.assert_array_equal(values, whole[key])


def test_an_image_of_too_few_bands_is_refused(forest: tuple[Path, Path], tmp_path: Path) -> None:
    model, _ = forest
    narrow = tmp_path / "narrow.tif"
    write_pixels(narrow, random_pixels(3, 4, 4, 0))
    with pytest.raises(OtbError, match="trained on 25 features, and the image has 3"):
        classified(tmp_path, {"in": narrow, "model": model})


def test_a_file_that_holds_no_forest_is_refused(forest: tuple[Path, Path], tmp_path: Path) -> None:
    _, image = forest
    foreign = tmp_path / "model.svm"
    foreign.write_text("svm_type c_svc\n")
    with pytest.raises(OtbError, match=r"model\.svm"):
        classified(tmp_path, {"in": image, "model": foreign})


@pytest.mark.parametrize("columns", [COLUMNS - 1, COLUMNS + 1])
def test_a_mask_of_another_size_is_refused(columns: int, forest: tuple[Path, Path], tmp_path: Path) -> None:
    model, image = forest
    other = tmp_path / "other.tif"
    dataset = gdal.GetDriverByName("GTiff").Create(str(other), columns, ROWS, 1, gdal.GDT_Byte)
    dataset.WriteArray(np.ones((ROWS, columns), np.uint8))
    del dataset
    with pytest.raises(
        OtbError, match=rf"the mask is \[{columns}, {ROWS}\] pixels, and the image \[{COLUMNS}, {ROWS}\]"
    ):
        classified(tmp_path, {"in": image, "model": model, "mask": other})
