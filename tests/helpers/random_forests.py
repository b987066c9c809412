"""Write random forests as OpenCV does, and pixels that test them."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from osgeo import gdal

MISSING = np.finfo(np.float32).max
"""Value that OpenCV takes as missing."""


@dataclass(frozen=True)
class Shape:
    """Shape of a forest. nodes is the largest number of inner nodes in a tree."""

    labels: tuple[int, ...]
    trees: int
    depth: int
    features: int
    nodes: int = 60


SEVEN = (1, 2, 3, 4, 5, 6, 7)

SHAPES = {
    "clouds": Shape(SEVEN, trees=100, depth=25, features=25),
    "two classes": Shape((3, 9), trees=10, depth=6, features=3),
    "one tree": Shape((1, 2), trees=1, depth=4, features=2),
    "one leaf": Shape((5, 6), trees=3, depth=0, features=1),
    "stumps": Shape((1, 2, 3), trees=64, depth=1, features=4),
    "one more tree than walk at once": Shape((1, 2, 3), trees=65, depth=3, features=4),
    "thirty classes": Shape(tuple(range(10, 40)), trees=50, depth=12, features=12),
    "deep": Shape((1, 2, 3, 4), trees=20, depth=40, features=6, nodes=400),
    "thousand trees": Shape((1, 2, 3), trees=1000, depth=8, features=10, nodes=12),
    "two hundred features": Shape(SEVEN, trees=60, depth=15, features=200),
    "one class": Shape((4,), trees=5, depth=3, features=2),
}


def write_forest(path: Path, shape: Shape, seed: int) -> None:
    """Write a model file of trees with random splits, whose thresholds are the sixteenths from 0 to 1."""
    random = np.random.default_rng(seed)
    zeros = ", ".join("0" for _ in range(shape.features))
    substitutes = ", ".join(f"{number:.8e}" for number in random.random(shape.features + 1))
    text = [
        "%YAML:1.0\n---\nopencv_ml_rtrees:",
        f"   format: 3\n   is_classifier: 1\n   var_all: {shape.features + 1}\n   var_count: {shape.features}",
        f"   ord_var_count: {shape.features}\n   cat_var_count: 1",
        "   training_params:\n      use_surrogates: 0\n      max_categories: 10\n      regression_accuracy: 0.",
        f"      max_depth: {shape.depth}\n      min_sample_count: 1\n      cross_validation_folds: 0",
        "      nactive_vars: 0\n   global_var_idx: 1",
        f"   var_idx: [ {', '.join(map(str, range(shape.features)))} ]",
        f"   var_type: [ {zeros}, 1 ]",
        f"   cat_ofs: [ {zeros}, {zeros}, 0, {len(shape.labels)} ]",
        f"   cat_map: [ {', '.join(map(str, shape.labels))} ]",
        f"   class_labels: [ {', '.join(map(str, shape.labels))} ]",
        f"   missing_subst: [ {substitutes} ]",
        f"   oob_error: 0.\n   ntrees: {shape.trees}\n   trees:",
    ]
    for _ in range(shape.trees):
        text.append("      -\n         nodes:")
        text += _nodes(shape, random)
    path.write_text("\n".join(text) + "\n")


def _nodes(shape: Shape, random: np.random.Generator) -> list[str]:
    """Return the nodes of a tree in preorder: one path reaches the full depth, the others end sooner."""
    left = shape.nodes
    text = []
    # Depths of the nodes to come, and whether each is on the path that reaches the full depth.
    to_come = [(0, True)]
    while to_come:
        depth, goes_on = to_come.pop()
        kind = int(random.integers(len(shape.labels)))
        text.append(f"            -\n               depth: {depth}\n               value: {shape.labels[kind]}.")
        text.append(f"               norm_class_idx: {kind}")
        if depth < shape.depth and (goes_on or (left > 0 and random.random() < 0.6)):
            left -= 1
            feature, sixteenths = int(random.integers(shape.features)), int(random.integers(17))
            split = f"{{ var:{feature}, quality:1., le:{sixteenths / 16:.16e} }}"
            text.append(f"               splits:\n                  - {split}")
            on = bool(random.integers(2))
            to_come += [(depth + 1, goes_on and not on), (depth + 1, goes_on and on)]
    return text


def write_pixels(path: Path, values: NDArray[np.float32]) -> None:
    """Write values (features, rows, columns) as a GeoTIFF."""
    bands, rows, columns = values.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, gdal.GDT_Float32)
    dataset.WriteArray(values)


def random_pixels(features: int, rows: int, columns: int, seed: int) -> NDArray[np.float32]:
    """Return pixels (features, rows, columns) in sixteenths, so that many are equal to a threshold.

    Some are NaN, infinite or missing. The left half changes slowly from pixel to pixel, as images do; the right half is
    noise.
    """
    random = np.random.default_rng(seed)
    values = random.integers(-2, 19, (features, rows, columns)).astype(np.float32) / 16
    slow = np.repeat(values[:, :, : columns // 2 : 16], 16, axis=2)[:, :, : columns // 2]
    values[:, :, : slow.shape[2]] = slow
    for odd in (np.nan, np.inf, -np.inf, MISSING, -MISSING, np.float32(1e-45)):
        values[random.random(values.shape) < 0.01] = odd
    return values


def classify(image: Path, model: Path, folder: Path, **environment: str) -> tuple[np.ndarray, np.ndarray]:
    """Classify an image by otbcli_ImageClassifier, and return labels and confidences."""
    folder.mkdir()
    labels, confidence = folder / "labels.tif", folder / "confidence.tif"
    command = ["otbcli_ImageClassifier", "-in", image, "-model", model, "-out", labels, "-confmap", confidence]
    clean = {key: value for key, value in os.environ.items() if key != "ITK_AUTOLOAD_PATH"}
    ended = subprocess.run(
        [*map(str, command), "double"], env=clean | environment, capture_output=True, text=True, check=False
    )
    assert labels.is_file(), ended.stdout + ended.stderr
    return gdal.Open(str(labels)).ReadAsArray(), gdal.Open(str(confidence)).ReadAsArray()
