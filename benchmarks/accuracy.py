"""Measure the accuracy of several recipes against the truth of synthetic scenes, on the same points.

Usage: python benchmarks/accuracy.py [--size PIXELS] [--first SEED] [--scenes N]

The recipes are the recommended one, the same with a majority vote instead of smoothed votes, the same with every JPEG
2000 level decoded in full, and the original's. Each scene has its own seed, a radiometric offset on its cloudy date
alone, and 25 points in each class.
"""

import argparse
import json
import logging
import statistics
import tempfile
from pathlib import Path
from typing import NamedTuple

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics, ConfusionMatrix
from alcd_otb.scene import Scene
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import SyntheticScene, make_scene

RECIPES: dict[str, dict[str, object]] = {
    "clouds": {"template": "clouds"},
    "majority_vote": {"template": "clouds", "set": {"regularisation": {"smoothing": 0}}},
    "full_decoding": {"template": "clouds", "set": {"decoding": "full"}},
    "clouds_alcd2019": {"template": "clouds_alcd2019"},
}
"""Keys of ``scene.json``, by the name of the recipe."""


class Accuracy(NamedTuple):
    """Overall accuracy, and invalid/valid accuracy."""

    overall: float
    binary: float


def accuracy(synthetic: SyntheticScene, recipe: str) -> Accuracy:
    """Run an iteration on the points of a scene, and return the accuracy of its map.

    Parameters
    ----------
    synthetic
        The scene.
    recipe
        Name of the recipe.
    """
    content = json.loads(synthetic.scene_json.read_text())
    content |= {**RECIPES[recipe], "workspace": recipe}
    file = synthetic.folder / f"{recipe}.json"
    file.write_text(json.dumps(content))
    scene = Scene.open(file)
    labels = scene.run().labels
    assert labels is not None
    legend = scene.config.template.legend
    pairs = compare_with_truth(labels, synthetic.truth)
    overall = ConfusionMatrix.from_pairs(pairs, legend).overall_accuracy
    binary = BinaryMetrics.from_pairs(pairs, legend).overall_accuracy
    assert overall is not None
    assert binary is not None
    return Accuracy(overall, binary)


def main() -> None:
    """Print the accuracy of each recipe on each scene."""
    parser = argparse.ArgumentParser(description="Accuracy on synthetic scenes: overall, and invalid/valid.")
    parser.add_argument("--size", type=int, default=2196, help="of the scenes, in pixels of 10 m")
    parser.add_argument("--first", type=int, default=101, help="seed of the first scene")
    parser.add_argument("--scenes", type=int, default=10, help="number of scenes")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    rows: list[list[float]] = []
    print("overall accuracy, invalid/valid accuracy against the truth")
    print(f"{'seed':<8}" + "".join(f"{recipe:>20}" for recipe in RECIPES))
    for seed in range(options.first, options.first + options.scenes):
        with tempfile.TemporaryDirectory() as folder:
            synthetic = make_scene(Path(folder), size=options.size, seed=seed, offset="cloudy")
            rows.append([figure for recipe in RECIPES for figure in accuracy(synthetic, recipe)])
        print(line(str(seed), rows[-1]), flush=True)
    columns = list(zip(*rows, strict=True))
    print(line("mean", [statistics.fmean(column) for column in columns]))
    print(line("least", [min(column) for column in columns]))


def line(name: str, figures: list[float]) -> str:
    """Return a line of the table; the figures are the two accuracies of each recipe."""
    pairs = zip(figures[::2], figures[1::2], strict=True)
    return f"{name:<8}" + "".join(f"{overall:>13.4f} {binary:.4f}" for overall, binary in pairs)


if __name__ == "__main__":
    main()
