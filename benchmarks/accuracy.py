"""Accuracy against the truth of synthetic scenes, on the same points: the recommended recipe, as it is, with a majority
vote in the place of smoothed votes, and with every JPEG 2000 level decoded in full, beside the original's.

Usage: python benchmarks/accuracy.py [--size PIXELS] [--first SEED] [--scenes N]. Each scene has its own seed, a
radiometric offset on its cloudy date alone, and 25 points a class.
"""

import argparse
import json
import logging
import statistics
import tempfile
from pathlib import Path

from alcd_otb.accuracy.confusion import BinaryMetrics, ConfusionMatrix
from alcd_otb.cli.demo import compare_with_truth
from alcd_otb.scene import Scene
from alcd_otb.synthetic.scene import SyntheticScene, make_scene

RECIPES: dict[str, dict[str, object]] = {
    "clouds": {"template": "clouds"},
    "majority_vote": {"template": "clouds", "set": {"regularisation": {"smoothing": 0}}},
    "full_decoding": {"template": "clouds", "set": {"decoding": "full"}},
    "clouds_alcd2019": {"template": "clouds_alcd2019"},
}
"""What scene.json says, by name."""


def accuracy(synthetic: SyntheticScene, recipe: str) -> tuple[float, float]:
    """(overall accuracy, invalid/valid accuracy) of one iteration on the scene's points."""
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
    return overall, binary


def main() -> None:
    parser = argparse.ArgumentParser(description="Accuracy on synthetic scenes: overall, and invalid/valid.")
    parser.add_argument("--size", type=int, default=2196, help="of the scenes, in pixels of 10 m")
    parser.add_argument("--first", type=int, default=101, help="seed of the first scene")
    parser.add_argument("--scenes", type=int, default=10, help="how many scenes")
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
    pairs = zip(figures[::2], figures[1::2], strict=True)
    return f"{name:<8}" + "".join(f"{overall:>13.4f} {binary:.4f}" for overall, binary in pairs)


if __name__ == "__main__":
    main()
