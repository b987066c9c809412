"""Training of random forests against impurities computed here, scikit-learn's forests, and OTB's reading of them."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from random_forests import classify, write_pixels
from sklearn.ensemble import RandomForestClassifier

from otb_pipelines.errors import OtbError
from otb_pipelines.settings import Settings
from otb_pipelines.train import Training, train

SETTINGS = Settings(ram=64, threads=2)
FOREST = {"classifier": "rf", "classifier.rf.acc": 0, "classifier.rf.max": 25, "classifier.rf.min": 1}

Array = NDArray[Any]


@dataclass
class Node:
    """Of a model file. A leaf has no feature."""

    depth: int
    code: int
    feature: int | None = None
    threshold: float = 0


def forest(
    folder: Path, values: Array, codes: Array, seed: int = 1, threads: int = 2, **parameters: float
) -> list[list[Node]]:
    """The trees that training on (pixels, features) writes to model.rf, nodes before their branches."""
    changed = {f"classifier.rf.{name}": value for name, value in parameters.items()}
    model = folder / "model.rf"
    train(Training(np.asarray(values, float), codes, {**FOREST, **changed}, seed), model, Settings(64, threads))
    return read_trees(model)


def read_trees(model: Path) -> list[list[Node]]:
    trees = []
    for tree in model.read_text().split("nodes:")[1:]:
        nodes = []
        for text in tree.split("depth: ")[1:]:
            found = re.match(r"(\d+)\s+value: (-?\d+)\.", text)
            assert found is not None
            split = re.search(r"var:(\d+), quality:\S+, le:(\S+) }", text)
            where = (int(split[1]), float(split[2])) if split else ()
            nodes.append(Node(int(found[1]), int(found[2]), *where))
        trees.append(nodes)
    return trees


def told(tree: list[Node], pixel: Array) -> int:
    """The class that a tree tells: the left branch follows its node, the right one what the left one has."""
    at = 0
    while (feature := tree[at].feature) is not None:
        depth = tree[at].depth
        at += 1
        if pixel[feature] > tree[at - 1].threshold:
            at = next(i for i in range(at + 1, len(tree)) if tree[i].depth == depth + 1)
    return tree[at].code


def leaves(tree: list[Node]) -> int:
    return sum(node.feature is None for node in tree)


@pytest.mark.parametrize("count", [20, 600])
def test_a_gap_is_split_in_its_middle(count: int, tmp_path: Path) -> None:
    """Of few pixels, which are sorted, and of many, which are counted in bins."""
    values = np.concatenate([np.linspace(0, 0.25, count), np.linspace(0.75, 1, count)])[:, None]
    codes = np.repeat([9, 4], count)
    trees = forest(tmp_path, values, codes, nbtrees=20)
    for tree in trees:
        assert [node.depth for node in tree] == [0, 1, 1]
        assert [node.code for node in tree[1:]] == [9, 4]
        assert tree[0].feature == 0
        # To what may be missing from the draw at either side of the gap: eight neighbours, or a bin.
        assert tree[0].threshold == pytest.approx(0.5, abs=8 * 0.25 / count + 0.002)


@pytest.mark.parametrize("many", [1, 40])
def test_the_split_is_the_one_that_lowers_the_impurity_most(many: int, tmp_path: Path) -> None:
    """Six values, thousands of pixels each, so that no draw changes which limit is best."""
    random = np.random.default_rng(5)
    shares = np.array(
        [[0.9, 0.1, 0], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.5, 0.4], [0.1, 0.3, 0.6], [0, 0.2, 0.8]]
    )
    values = np.repeat(np.arange(6.0), 3000)
    codes = np.concatenate([random.choice([1, 2, 3], 3000, p=share) for share in shares])
    # With `many` the same values are spread out, so that there are more of them than bins.
    spread = values + (random.integers(0, many, values.size) / many * 0.2 if many > 1 else 0)
    impurities = []
    for limit in (0.5, 1.5, 2.5, 3.5, 4.5):
        sides = [codes[values < limit], codes[values > limit]]
        impurities.append(
            sum(len(side) * (1 - sum(np.mean(side == code) ** 2 for code in (1, 2, 3))) for side in sides)
        )
    best = int(np.argmin(impurities))
    for tree in forest(tmp_path, spread[:, None], codes, nbtrees=10, max=1):
        assert best < tree[0].threshold <= best + 1
        assert [node.depth for node in tree] == [0, 1, 1]


def test_the_best_of_the_features_drawn_splits(tmp_path: Path) -> None:
    random = np.random.default_rng(6)
    codes = random.integers(0, 2, 3000) + 1
    values = random.random((3000, 4))
    values[:, 2] += codes
    assert all(tree[0].feature == 2 for tree in forest(tmp_path, values, codes, var=4, nbtrees=50))
    drawn = [tree[0].feature for tree in forest(tmp_path, values, codes, var=1, nbtrees=400, max=1)]
    # One of four each: 100 times, give or take four standard deviations.
    assert np.bincount(np.array(drawn, int), minlength=4) == pytest.approx(100, abs=4 * np.sqrt(400 * 3 / 16))
    # Without a number, the root of 4: the third is among the two half the time, and then always best.
    drawn = [tree[0].feature for tree in forest(tmp_path, values, codes, nbtrees=400, max=1)]
    assert drawn.count(2) == pytest.approx(200, abs=4 * np.sqrt(400 / 4))


def test_limits_of_depth_and_of_pixels(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    values, codes = random.random((500, 3)), random.integers(1, 4, 500)
    deep = forest(tmp_path, values, codes, max=25, nbtrees=5)
    assert max(node.depth for tree in deep for node in tree) > 6
    assert max(node.depth for tree in forest(tmp_path, values, codes, max=4, nbtrees=5) for node in tree) == 4
    assert all(len(tree) == 1 for tree in forest(tmp_path, values, codes, max=0, nbtrees=5))
    # As many pixels are drawn as there are: a node of all of them is split if more than so many are asked for.
    assert all(len(tree) == 1 for tree in forest(tmp_path, values, codes, min=500, nbtrees=5))
    assert all(leaves(tree) > 1 for tree in forest(tmp_path, values, codes, min=499, nbtrees=5))


def test_a_leaf_has_the_commonest_class(tmp_path: Path) -> None:
    codes = np.repeat([7, 2, 250], [300, 900, 300])
    trees = forest(tmp_path, np.ones((1500, 2)), codes, nbtrees=5)
    assert [[node.code for node in tree] for tree in trees] == [[2]] * 5


def test_otb_reads_what_is_written(tmp_path: Path) -> None:
    random = np.random.default_rng(8)
    centres = random.random((5, 6))
    kinds = random.integers(0, 5, 1200)
    values = (centres[kinds] + 0.2 * random.standard_normal((1200, 6))).astype(np.float32)
    codes = np.array([2, 3, 40, 41, 255])[kinds]
    trees = forest(tmp_path, values, codes, nbtrees=30, min=5)
    pixels = random.random((6, 12, 17)).astype(np.float32)
    write_pixels(tmp_path / "image.tif", pixels)
    # Without the plug-in, OpenCV itself.
    labels, confidence = classify(tmp_path / "image.tif", tmp_path / "model.rf", tmp_path / "otb")
    for row, column in np.ndindex(labels.shape):
        votes = [told(tree, pixels[:, row, column]) for tree in trees]
        present = sorted(set(votes), key=lambda code: (-votes.count(code), code))
        assert labels[row, column] == present[0]
        assert confidence[row, column] == pytest.approx(votes.count(present[0]) / 30, abs=1e-6)


def test_is_as_good_as_scikit_learn(tmp_path: Path) -> None:
    """Overlapping classes, new pixels: the shares of the votes of both forests, and how often they are right."""
    random = np.random.default_rng(9)
    centres = random.random((6, 12))

    def drawn(count: int) -> tuple[Array, Array]:
        kinds = random.integers(0, 6, count)
        return (centres[kinds] + 0.35 * random.standard_normal((count, 12))).astype(np.float32), kinds + 1

    values, codes = drawn(3000)
    unknown, truth = drawn(1500)
    trees = forest(tmp_path, values, codes, nbtrees=150, min=25)
    votes = np.array([[told(tree, pixel) for tree in trees] for pixel in unknown])
    shares = np.stack([(votes == code).mean(axis=1) for code in range(1, 7)], axis=1)
    # Of the limit of 25 drawn pixels; scikit-learn counts one that was drawn twice once, and 63 % are drawn.
    peer = RandomForestClassifier(150, max_depth=25, min_samples_split=17, random_state=1).fit(values, codes)
    # A tree's vote, as OTB counts it, is the commonest class of a leaf.
    others = np.stack([tree.predict(unknown) for tree in peer.estimators_], axis=1)
    peer_shares = np.stack([(others == code).mean(axis=1) for code in range(6)], axis=1)
    assert np.abs(shares - peer_shares).mean() < 0.03
    right, peer_right = ((one.argmax(axis=1) + 1 == truth).mean() for one in (shares, peer_shares))
    assert right == pytest.approx(peer_right, abs=0.02)
    size = np.mean([leaves(tree) for tree in trees])
    assert size == pytest.approx(np.mean([tree.get_n_leaves() for tree in peer.estimators_]), rel=0.08)


def test_depends_on_the_seed_and_not_on_the_threads(tmp_path: Path) -> None:
    random = np.random.default_rng(10)
    values, codes = random.random((800, 5)), random.integers(1, 5, 800)
    files = []
    for seed, threads in ((1, 1), (1, 2), (1, 2), (2, 2)):
        forest(tmp_path, values, codes, seed=seed, threads=threads, nbtrees=9)
        files.append((tmp_path / "model.rf").read_bytes())
    assert files[0] == files[1] == files[2]
    assert files[3] != files[0]


def test_trees_differ(tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    trees = forest(tmp_path, random.random((300, 5)), random.integers(1, 3, 300), nbtrees=20)
    assert len({tuple((node.feature, node.threshold) for node in tree) for tree in trees}) == 20


def test_a_missing_value_is_refused(tmp_path: Path) -> None:
    values = np.ones((4, 3))
    values[2, 1] = np.nan
    with pytest.raises(OtbError, match="a pixel has no value of feature 2"):
        forest(tmp_path, values, np.array([1, 2, 1, 2]))
    assert not (tmp_path / "model.rf").exists()


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OtbError, match=r"nowhere/model\.rf: cannot be written"):
        train(Training(np.eye(2), np.array([1, 2]), FOREST, 1), tmp_path / "nowhere" / "model.rf", SETTINGS)


def test_otb_trains_where_it_is_to_stop_early(tmp_path: Path) -> None:
    random = np.random.default_rng(12)
    codes = np.repeat([1, 2], 100)
    trees = forest(tmp_path, codes[:, None] + 0.1 * random.random((200, 2)), codes, acc=0.01, nbtrees=50)
    # Easy pixels: the first trees are without error, and no more are grown.
    assert len(trees) < 10
