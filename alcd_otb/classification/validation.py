"""Cross-validate the samples that train a map, in as many folds of spatial blocks as cost little."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import BoolArray, Int64Array
from alcd_otb.classification.fold_predictions import FoldTask, fold_pixels, predict
from alcd_otb.classification.task import ClassificationTask
from alcd_otb.errors import ProcessingError
from alcd_otb.files.folders import scratch_folder
from alcd_otb.iterations.validation import CROSS_VALIDATION, Validation
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.folds import block_of, fold_numbers
from alcd_otb.samples.pixels import thinned, touching
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.template import Template
from otb_pipelines.errors import OtbError
from otb_pipelines.process import gdal_threads
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

MOST_FOLDS = 10
"""Most folds."""

BLOCKS_ACROSS = 8
"""Least number of blocks along the longer side of a scene: more than a few, so that a dozen points fill several."""

MOST_PER_CLASS = 200
"""Most pixels of a class: polygons may hold many."""

MOST_TRAINED = 6000
"""Most pixels that the folds train on together. So 100 trees a fold take less than a second on one processor."""


class Checked(NamedTuple):
    """The result of a cross-validation: how it was made, and pixels by (reference code, predicted code)."""

    validation: Validation
    pairs: dict[tuple[int, int], int]


class FoldMasks(NamedTuple):
    """The pixels of one fold among the training pixels of a map, both (pixels,)."""

    training: BoolArray
    tested: BoolArray


def block_side(template: Template, grid: Grid) -> float:
    """Return the side of a block in metres: that of the template, or less where the scene is small.

    Parameters
    ----------
    template
        Gives the largest side.
    grid
        The scene's grid.
    """
    longest = max(grid.width, grid.height) * grid.resolution
    return max(min(template.samples.block, longest / BLOCKS_ACROSS), grid.resolution)


def cross_validate_training(task: ClassificationTask, samples: Sequence[Sample], settings: Settings) -> Checked:
    """Classify the training pixels of a map fold by fold, each by a classifier trained on those of the other folds.

    A sample is in the fold of the block that holds it, with all its pixels. These rules decide which are tested:

    - A pixel that touches a training pixel of its fold (8 neighbours) is left out: neighbours are similar.
    - A sample whose class no other fold has is left out and counted, since nothing could teach its class.
    - A fold that leaves fewer than two classes to train on tests nothing.

    Pixels of large polygons are thinned, so that it takes little time.

    Parameters
    ----------
    task
        The template, the features and the training pixels of a map that was classified.
    samples
        The samples that the training pixels name.
    settings
        Memory and threads.

    Returns
    -------
    Checked
        No pairs where fewer than two blocks hold samples, or the classifier cannot be trained on a part of them.
    """
    template = task.template
    task = replace(task, training=thinned(task.training, MOST_PER_CLASS, template.samples.seed))
    pixels = task.training
    side = block_side(template, task.grid)
    trained = sorted(set(pixels.samples.tolist()))
    members = [samples[index] for index in trained]
    count = fold_count(len({block_of(sample, side, task.grid) for sample in members}), len(pixels))
    if count < 2:
        log.warning("all samples lie close together: no cross-validation is possible; label elsewhere too")
        return Checked(Validation(CROSS_VALIDATION, 0, side), {})
    of_sample = np.zeros(len(samples), dtype=np.int64)
    of_sample[trained] = fold_numbers(members, count, side, task.grid, template.samples.seed)
    folds = fold_masks(task, of_sample[pixels.samples], count)
    untested = _untested(task, of_sample)
    try:
        try:
            pairs = _predicted_pairs(task, folds, settings)
        except (OtbError, ProcessingError):
            # A disk may refuse a model once. What fails again is the classifier, which needs more samples.
            pairs = _predicted_pairs(task, folds, settings)
    except (OtbError, ProcessingError) as error:
        log.warning("the samples cannot be cross-validated (%s): no accuracy is given", error)
        return Checked(Validation(CROSS_VALIDATION, 0, side, untested), {})
    return Checked(Validation(CROSS_VALIDATION, count, side, untested), pairs)


def fold_masks(task: ClassificationTask, fold_of: Int64Array, count: int) -> list[FoldMasks]:
    """Find the pixels that each fold trains on and tests, by the rules of `cross_validate_training`.

    Parameters
    ----------
    task
        Gives the training pixels and the grid.
    fold_of
        (pixels,) fold of each training pixel.
    count
        Number of folds.
    """
    pixels = task.training
    keys = pixels.rows * task.grid.width + pixels.columns
    folds = []
    for number in range(count):
        tested = fold_of == number
        codes = np.unique(pixels.codes[~tested])
        known = tested & np.isin(pixels.codes, codes) & (codes.size >= 2)
        known[known] = ~touching(keys[known], keys[~tested], task.grid)
        folds.append(FoldMasks(~tested, known))
    return folds


def fold_count(blocks: int, pixels: int) -> int:
    """Return the number of folds that the blocks allow and that cost little: 2 at least, where there are two blocks.

    Parameters
    ----------
    blocks
        Number of blocks that hold samples.
    pixels
        Number of their pixels.
    """
    return min(blocks, MOST_FOLDS, max(2, MOST_TRAINED // max(pixels, 1)))


def _untested(task: ClassificationTask, of_sample: Int64Array) -> dict[str, int]:
    """Count the samples by class name whose class no other fold has."""
    pixels = task.training
    counts: dict[str, int] = {}
    for code in np.unique(pixels.codes).tolist():
        members = np.unique(pixels.samples[pixels.codes == code])
        if np.unique(of_sample[members]).size == 1:
            counts[task.template.legend.with_code(code).name] = int(members.size)
    return counts


def _predicted_pairs(
    task: ClassificationTask, folds: Sequence[FoldMasks], settings: Settings
) -> dict[tuple[int, int], int]:
    pixels = task.training
    with gdal_threads(settings.threads):
        values = values_at(task.features, pixels.rows, pixels.columns)
    used = [fold for fold in folds if fold.tested.any()]
    inputs = [
        fold_pixels(values[fold.training], pixels.codes[fold.training], values[fold.tested], task.template)
        for fold in used
    ]
    # What the classification of the scene has written, if the classifier needs it.
    statistics = task.folder / "statistics.xml"
    with scratch_folder(task.folder) as scratch:
        # One thread, so that no other process is started: that takes longer than these few pixels.
        alone = Settings(settings.ram, 1)
        trained = len(task.training)
        known = statistics if statistics.is_file() else None
        predicted = predict(FoldTask(inputs, task.template, trained, known), scratch, alone)
    pairs: Counter[tuple[int, int]] = Counter()
    for fold, codes in zip(used, predicted, strict=True):
        pairs.update(zip(pixels.codes[fold.tested].tolist(), codes.tolist(), strict=True))
    return dict(pairs)
