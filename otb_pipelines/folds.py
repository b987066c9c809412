"""Train a classifier on the pixels of a fold, and classify others by it."""

import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.app import Application, Target, Value
from otb_pipelines.pixel_image import pixel_image
from otb_pipelines.process import gdal
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
        TrainVectorClassifier's own parameters.
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


def classify_pixels(
    pixels: NDArray[np.float32], model: Path, statistics: Path | None, settings: Settings
) -> NDArray[np.uint8]:
    """Classify scattered pixels, by ImageClassifier on an image of one row in memory.

    Parameters
    ----------
    pixels
        Features of the pixels, (pixels, features).
    model
        The file of the trained classifier.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    settings
        Memory and threads.

    Returns
    -------
    numpy.ndarray
        Class codes, (pixels).
    """
    if not len(pixels):
        return np.empty(0, dtype=np.uint8)
    result = f"/vsimem/{uuid.uuid4()}.tif"
    try:
        with pixel_image(pixels) as source:
            parameters: dict[str, Value] = {"in": source, "model": model}
            if statistics is not None:
                parameters["imstat"] = statistics
            Application("ImageClassifier", parameters, settings).write({"out": Target(Path(result), "uint8")})
        codes: NDArray[np.uint8] = gdal.OpenEx(
            result, gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR, allowed_drivers=["GTiff"]
        ).ReadAsArray()[0]
        return codes
    finally:
        gdal.Unlink(result)
