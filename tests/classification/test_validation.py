"""The cross-validation of every iteration: its folds, what it tests, and its counts, compared with scikit-learn."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal, osr
from scenes import MARGIN, SQUARES, alcd
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from alcd_otb.classification.task import ClassificationTask
from alcd_otb.classification.validation import (
    BLOCKS_ACROSS,
    MOST_FOLDS,
    MOST_PER_CLASS,
    MOST_TRAINED,
    block_side,
    cross_validate_training,
    fold_count,
    fold_masks,
)
from alcd_otb.iterations.validation import CROSS_VALIDATION, KEPT_OUT, Validation
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.folds import block_of, fold_numbers
from alcd_otb.samples.pixels import PixelSet, grow
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene
from alcd_otb.settings.template import Template, load_template
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=128, threads=1)
SIDE = 64
GRID = Grid("EPSG:32631", 600_000, 4_900_020, 60, SIDE, SIDE)
BLOCK = SIDE * 60 / BLOCKS_ACROSS
NEAREST = {"classifier": "sklearn", "sklearn": "KNeighborsClassifier", "sklearn.n_neighbors": 1}
FOREST = {"classifier": "rf", "classifier.rf.max": 10, "classifier.rf.min": 1, "classifier.rf.nbtrees": 20}
FOREST |= {"classifier.rf.acc": 0}


def write_raster(path: Path, bands: np.ndarray) -> Path:
    kind = gdal.GDT_Byte if bands.dtype == np.uint8 else gdal.GDT_Float32
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), bands.shape[2], bands.shape[1], len(bands), kind)
    dataset.SetGeoTransform((GRID.left, 60, 0, GRID.top, 0, -60))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetSpatialRef(reference)
    dataset.WriteArray(bands)
    dataset.FlushCache()
    return path


def point(code: int, row: int, column: int) -> Sample:
    return Sample("f:1", code, {"type": "Point", "coordinates": GRID.centre_of(row, column)})


def template(classifier: dict[str, Any] | None = None, **samples: Any) -> Template:
    clouds = load_template("clouds")
    of_samples = {"growth": 0, "training_proportion": 1, "jitter": 0, **samples}
    return clouds.model_copy(
        update={
            "classifier": classifier or NEAREST,
            "samples": clouds.samples.model_copy(update=of_samples),
        }
    )


def task_of(folder: Path, features: np.ndarray, samples: Sequence[Sample], use: Template) -> ClassificationTask:
    """features: (bands, rows, columns)."""
    valid = write_raster(folder / "valid.tif", np.ones((1, SIDE, SIDE), np.uint8))
    stack = write_raster(folder / "features.tif", features.astype(np.float32))
    pixels = grow(samples, (), 0, GRID, valid).training
    made = folder / "iteration"
    made.mkdir()
    return ClassificationTask(use, stack, valid, GRID, pixels, made)


def scattered(count: int, seed: int, codes: Sequence[int] = (2, 5, 6)) -> list[Sample]:
    """Points at random, no two of which touch: on every third row and column."""
    random = np.random.default_rng(seed)
    cells = random.choice(21 * 21, count, replace=False)
    return [point(int(random.choice(codes)), 3 * int(cell // 21), 3 * int(cell % 21)) for cell in cells]


@pytest.mark.parametrize("count", [12, 18, 60, 200])
def test_counts_are_those_of_scikit_learn_with_the_same_folds(tmp_path: Path, count: int) -> None:
    features = np.random.default_rng(count).normal(size=(3, SIDE, SIDE))
    samples = scattered(count, count)
    task = task_of(tmp_path, features, samples, template())
    validation, pairs = cross_validate_training(task, samples, SETTINGS)
    assert validation.folds == min(MOST_FOLDS, len({block_of(one, BLOCK, GRID) for one in samples}))
    folds = fold_numbers(samples, validation.folds, BLOCK, GRID, task.template.samples.seed)
    x, y = np.array([one.location for one in samples]).T
    rows, columns = ((GRID.top - y) // 60).astype(int), ((x - GRID.left) // 60).astype(int)
    values = features.astype(np.float32)[:, rows, columns].T
    codes = np.array([one.code for one in samples])
    predicted = cross_val_predict(
        make_pipeline(StandardScaler(), KNeighborsClassifier(1)), values, codes, cv=PredefinedSplit(folds)
    )
    assert pairs == Counter(zip(codes.tolist(), predicted.tolist(), strict=True))
    assert (validation.method, validation.block, validation.untested) == (CROSS_VALIDATION, BLOCK, {})
    assert list(task.folder.iterdir()) == []


@pytest.mark.parametrize("classifier", [NEAREST, FOREST])
def test_all_is_right_where_a_feature_is_the_class(tmp_path: Path, classifier: dict[str, Any]) -> None:
    samples = scattered(45, 1)
    features = np.zeros((2, SIDE, SIDE))
    for one in samples:
        x, y = one.location
        features[:, int((GRID.top - y) // 60), int((x - GRID.left) // 60)] = one.code
    _, pairs = cross_validate_training(task_of(tmp_path, features, samples, template(classifier)), samples, SETTINGS)
    assert pairs == {(code, code): count for code, count in Counter(one.code for one in samples).items()}


def test_all_is_wrong_where_each_block_says_the_contrary(tmp_path: Path) -> None:
    # Two blocks in which the same two values of the feature stand for the other class.
    features = np.zeros((1, SIDE, SIDE))
    samples = []
    for column, codes in ((0, (2, 5)), (40, (5, 2))):
        for value, code in enumerate(codes):
            for place in (0, 3):
                samples.append(point(code, 3 * value, column + place))
                features[0, 3 * value, column + place] = value
    validation, pairs = cross_validate_training(task_of(tmp_path, features, samples, template()), samples, SETTINGS)
    assert validation.folds == 2
    assert pairs == {(2, 5): 4, (5, 2): 4}


def test_the_last_samples_of_a_class_are_left_out_and_counted(tmp_path: Path) -> None:
    features = np.zeros((1, SIDE, SIDE))
    samples = [point(code, 0, column) for column, code in ((0, 2), (20, 2), (40, 5), (60, 5))]
    # Both in one block.
    samples += [point(7, 40, 40), point(7, 43, 40)]
    features[0, :, 40:] = 1
    task = task_of(tmp_path, features, samples, template())
    validation, pairs = cross_validate_training(task, samples, SETTINGS)
    assert validation.untested == {"snow": 2}
    assert sum(pairs.values()) == 4
    assert not any(reference == 7 for reference, _ in pairs)


@pytest.mark.parametrize("places", [[(0, 0), (3, 3)], [(0, 0), (0, 3), (5, 5)]])
def test_samples_in_one_block_give_no_figure(
    tmp_path: Path, places: list[tuple[int, int]], caplog: pytest.LogCaptureFixture
) -> None:
    samples = [point(code, *place) for code, place in zip((2, 5, 6), places, strict=False)]
    validation, pairs = cross_validate_training(
        task_of(tmp_path, np.zeros((1, SIDE, SIDE)), samples, template()), samples, SETTINGS
    )
    assert (validation.folds, pairs) == (0, {})
    assert "no cross-validation is possible" in caplog.text


@pytest.mark.parametrize("classifier", [NEAREST, FOREST, {"classifier": "logistic"}])
def test_a_fold_without_two_classes_to_train_on_tests_nothing(tmp_path: Path, classifier: dict[str, Any]) -> None:
    samples = [point(2, 0, 0), point(5, 0, 60)]
    task = task_of(tmp_path, np.zeros((1, SIDE, SIDE)), samples, template(classifier))
    validation, pairs = cross_validate_training(task, samples, SETTINGS)
    assert pairs == {}
    assert validation.untested == {"low_clouds": 1, "land": 1}


def test_a_classifier_that_a_part_cannot_train_gives_no_figure(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # Twelve neighbours of twelve samples, of which each fold leaves fewer.
    samples = scattered(12, 3)
    use = template({**NEAREST, "sklearn.n_neighbors": 12})
    validation, pairs = cross_validate_training(
        task_of(tmp_path, np.random.default_rng(1).normal(size=(1, SIDE, SIDE)), samples, use), samples, SETTINGS
    )
    assert (validation.folds, pairs) == (0, {})
    assert "the samples cannot be cross-validated" in caplog.text


def ring(row: int, column: int, height: int, width: int) -> Sample:
    left, top = GRID.left + 60 * column, GRID.top - 60 * row
    right, bottom = left + 60 * width, top - 60 * height
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    return Sample("f:1", 6, {"type": "Polygon", "coordinates": (corners,)})


def test_the_pixels_of_a_polygon_stay_in_one_fold(tmp_path: Path) -> None:
    # Across the borders of many blocks.
    samples = [ring(5, 2, 4, 55), ring(30, 2, 4, 55), *scattered(8, 5, (2, 5))]
    task = task_of(tmp_path, np.zeros((1, SIDE, SIDE)), samples, template())
    count = len({block_of(one, BLOCK, GRID) for one in samples})
    numbers = np.array(fold_numbers(samples, count, BLOCK, GRID, 1))
    pixels = task.training
    for fold in fold_masks(task, numbers[pixels.samples], count):
        assert set(pixels.samples[fold.tested]).isdisjoint(pixels.samples[fold.training])
        assert not (fold.tested & fold.training).any()
    polygon = np.flatnonzero(pixels.samples == 0)
    assert len(polygon) == 4 * 55
    assert sum(bool(fold.tested[polygon].any()) for fold in fold_masks(task, numbers[pixels.samples], count)) == 1


def test_a_pixel_beside_one_that_is_trained_on_is_not_tested(tmp_path: Path) -> None:
    edge = int(BLOCK / 60)
    samples = [point(2, 0, edge - 1), point(2, 1, edge), point(5, 0, 40), point(5, 0, 60), point(2, 0, 30)]
    task = task_of(tmp_path, np.zeros((1, SIDE, SIDE)), samples, template())
    folds = fold_masks(task, task.training.samples, len(samples))
    tested = {int(index) for fold in folds for index in task.training.samples[fold.tested]}
    assert tested == {2, 3, 4}


places = st.tuples(st.sampled_from([2, 5, 6, 7]), st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))


@given(st.lists(places, min_size=2, max_size=60, unique_by=lambda one: one[1:]), st.integers(1, 10))
def test_no_fold_tests_what_it_trains_on_or_cannot_know(drawn: list[tuple[int, int, int]], count: int) -> None:
    drawn = sorted(drawn, key=lambda one: one[1:])
    codes, rows, columns = (np.array(values) for values in zip(*drawn, strict=True))
    pixels = PixelSet(rows, columns, codes.astype(np.uint8), np.arange(len(drawn)))
    task = ClassificationTask(template(), Path(), Path(), GRID, pixels, Path())
    fold_of = np.arange(len(drawn)) % count
    tested = np.zeros(len(drawn), int)
    for number, fold in enumerate(fold_masks(task, fold_of, count)):
        tested += fold.tested
        assert (fold_of[fold.tested] == number).all()
        assert (fold_of[fold.training] != number).all()
        assert set(codes[fold.tested]) <= set(codes[fold.training])
        for index in np.flatnonzero(fold.tested):
            near = (abs(rows - rows[index]) <= 1) & (abs(columns - columns[index]) <= 1)
            assert not (near & fold.training).any()
    assert tested.max() <= 1


@pytest.mark.parametrize(
    ("width", "height", "resolution", "block", "side"),
    [
        (1830, 1830, 60, 5000, 5000),
        (512, 512, 30, 5000, 1920),
        (256, 256, 30, 5000, 960),
        (500, 200, 10, 5000, 625),
        (512, 512, 30, 700, 700),
        (4, 4, 60, 5000, 60),
    ],
)
def test_blocks_get_smaller_with_the_scene(width: int, height: int, resolution: int, block: int, side: float) -> None:
    grid = Grid("EPSG:32631", 600_000, 4_900_020, resolution, width, height)
    assert block_side(template(block=block), grid) == side


def test_large_polygons_are_thinned(tmp_path: Path) -> None:
    samples = [ring(0, 0, 20, 20), ring(30, 30, 20, 30), *(point(2, 60, column) for column in range(0, 60, 3))]
    features = np.zeros((1, SIDE, SIDE))
    features[:, :55] = 1
    _, pairs = cross_validate_training(task_of(tmp_path, features, samples, template()), samples, SETTINGS)
    assert pairs == {(6, 6): MOST_PER_CLASS, (2, 2): 20}


@pytest.mark.parametrize(
    ("blocks", "pixels", "count"),
    [
        (1, 12, 1),
        (2, 12, 2),
        (9, 12, 9),
        (40, 500, MOST_FOLDS),
        (40, MOST_TRAINED // 4, 4),
        (40, 10**7, 2),
        (1, 10**7, 1),
    ],
)
def test_there_are_as_many_folds_as_blocks_and_time_allow(blocks: int, pixels: int, count: int) -> None:
    assert fold_count(blocks, pixels) == count


class TestInARun:
    @pytest.fixture
    def scene(self, prepared: Callable[..., Path]) -> Path:
        return prepared(set={"margin": MARGIN, "samples": {"training_proportion": 1, "growth": 0}})

    def test_all_samples_train_and_are_cross_validated(self, scene: Path) -> None:
        ended = alcd("run", scene)
        assert ended.returncode == 0, ended.stderr
        folder = scene.parent / "work" / "latest"
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["validation"]["method"] == CROSS_VALIDATION
        assert metrics["validation"]["folds"] == MOST_FOLDS
        assert metrics["reference"].startswith("the samples by cross-validation in 10 folds")
        assert not (folder / "validation.gpkg").exists()
        assert metrics["pixels"] <= sum(metrics["training_pixels"].values())
        assert metrics["invalid_valid"]["overall_accuracy"] > 0.8
        line = (
            f"on {metrics['pixels']} pixels of the samples by cross-validation in 10 folds, not of the whole map: "
            f"overall accuracy {metrics['overall_accuracy']:.3f}"
        )
        assert line in ended.stdout
        page = (folder / "report.html").read_text()
        assert "Cross-validation of the samples" in page
        assert "samples kept out of training" not in page
        assert "validation points" not in page
        status = alcd("status", scene).stdout
        assert "Cross-validation: each sample is classified" in status
        assert "validation points" not in status

    def test_the_figures_are_the_same_by_any_number_of_threads(self, scene: Path) -> None:
        one, other = (Scene.open(scene, Settings(128, threads)).run().accuracy for threads in (1, 2))
        assert one is not None
        assert other is not None
        for key in ("validation", "matrix", "invalid_valid"):
            assert one[key] == other[key]

    def test_a_proportion_below_one_keeps_samples_out(self, prepared: Callable[..., Path]) -> None:
        result = Scene.open(prepared(set={"margin": MARGIN, "samples": SQUARES}), SETTINGS).run()
        assert result.accuracy is not None
        assert result.accuracy["validation"] == Validation(KEPT_OUT).as_json()
        assert (result.workspace / "latest" / "validation.gpkg").is_file()
