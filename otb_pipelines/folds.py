"""Train a classifier on the pixels of a fold, and classify others by it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.pixels import classify_pixels
from otb_pipelines.settings import Settings
from otb_pipelines.train import Codes, Parameters, Training, Values, train


@dataclass(frozen=True, eq=False)
class FoldPixels:
    """The pixels of one fold.

    Attributes
    ----------
    values
        Features of the training pixels, (pixels, features).
    codes
        Class codes of the training pixels, (pixels).
    unknown
        Features of the pixels to classify, (pixels, features).
    """

    values: Values
    codes: Codes
    unknown: NDArray[np.float32]


@dataclass(frozen=True)
class FoldTraining:
    """How all folds are trained.

    Attributes
    ----------
    classifier
        The classifier's parameters. `classifier_for` has chosen it, where it depends on the number of pixels.
    seed
        Seed of the training.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    folder
        A folder for the models. A model lies there while its fold is worked on.
    """

    classifier: Parameters
    seed: int
    statistics: Path | None
    folder: Path


def classify_fold(number: int, pixels: FoldPixels, how: FoldTraining, settings: Settings) -> NDArray[np.uint8]:
    """Train a classifier on a fold, and classify the fold's unknown pixels.

    Parameters
    ----------
    number
        The fold's number, which no other fold has.
    pixels
        Its pixels.
    how
        Classifier, seed, statistics and folder.
    settings
        Memory and threads.

    Returns
    -------
    numpy.ndarray
        Class codes of the unknown pixels, (pixels).
    """
    model = how.folder / f"model_{number}"
    train(Training(pixels.values, pixels.codes, how.classifier, how.seed, how.statistics), model, settings)
    codes = classify_pixels(pixels.unknown, model, how.statistics, settings)
    model.unlink()
    return codes
