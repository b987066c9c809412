"""Train a template's classifier on the pixels of folds, and predict the class of the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import UInt8Array
from alcd_otb.classification.sklearn import predict_folds
from alcd_otb.settings.template import Template
from otb_pipelines.cross_validate import FoldPixels, classify_folds
from otb_pipelines.settings import Settings
from otb_pipelines.train import classifier_for, with_noisy_copies


def fold_pixels(
    training: NDArray[np.float32], codes: UInt8Array, unknown: NDArray[np.float32], template: Template
) -> FoldPixels:
    """Make the input of a fold, with the noisy copies of the template.

    Parameters
    ----------
    training
        Features of the training pixels, (pixels, features).
    codes
        Class codes of the training pixels, (pixels,).
    unknown
        Features of the pixels to classify, (pixels, features).
    template
        Gives the noise and the seed.
    """
    values, with_copies = with_noisy_copies(
        training.astype(np.float64), codes, template.samples.jitter, template.samples.seed
    )
    return FoldPixels(values, with_copies, unknown)


@dataclass(frozen=True, eq=False)
class FoldTask:
    """The folds of a cross-validation, and the classifier that is trained on each.

    Attributes
    ----------
    folds
        The pixels of each fold.
    template
        Names the classifier, its parameters and the seed.
    trained
        Number of pixels that train the map. Where their number decides between two classifiers, each fold gets that of
        the map.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    """

    folds: Sequence[FoldPixels]
    template: Template
    trained: int
    statistics: Path | None


def predict(task: FoldTask, scratch: Path, settings: Settings) -> list[NDArray[np.uint8]]:
    """Train a classifier on each fold, and classify the fold's unknown pixels.

    Parameters
    ----------
    task
        The folds and the classifier.
    scratch
        A folder for the models. A folder ``folds`` is made in it.
    settings
        Memory, threads and progress.

    Returns
    -------
    list
        For each fold, the class codes of its unknown pixels, (pixels,).

    Raises
    ------
    OtbError, ProcessingError
        If a fold cannot be trained or classified.
    """
    template = task.template
    if template.uses_sklearn:
        return predict_folds(task.folds, template.classifier, template.samples.seed, settings)
    models = scratch / "folds"
    models.mkdir()
    classifier = classifier_for(template.classifier, task.trained)
    return classify_folds(task.folds, classifier, template.samples.seed, task.statistics, models, settings)
