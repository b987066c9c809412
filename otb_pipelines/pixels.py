"""Classify scattered pixels, which are arrays in memory, by a trained classifier."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.app import Application, Target, Value
from otb_pipelines.pixel_image import pixel_image
from otb_pipelines.process import gdal
from otb_pipelines.settings import Settings
from otb_pipelines.train import is_logistic


def classify_pixels(
    pixels: NDArray[np.float32], model: Path, statistics: Path | None, settings: Settings
) -> NDArray[np.uint8]:
    """Classify scattered pixels, by OTB's applications on an image of one row in memory.

    Parameters
    ----------
    pixels
        Features of the pixels, (pixels, features).
    model
        The file of the trained classifier, as `otb_pipelines.train.train` writes it.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    settings
        Memory and threads.

    Returns
    -------
    numpy.ndarray
        Class codes, (pixels).

    Raises
    ------
    OtbError
        The model cannot be read, or has more features.
    """
    if not len(pixels):
        return np.empty(0, dtype=np.uint8)
    parameters: dict[str, Value] = {"model": model}
    if statistics is not None:
        parameters["imstat"] = statistics
    name = "LogisticRegressionClassification" if is_logistic(model) else "ImageClassifier"
    codes: NDArray[np.uint8] = _computed(name, pixels, parameters, "uint8", settings)[0]
    return codes


def pixel_shares(pixels: NDArray[np.float32], model: Path, settings: Settings) -> NDArray[np.float32]:
    """Compute the share of each class in scattered pixels.

    Parameters
    ----------
    pixels
        Features of the pixels, (pixels, features). There is at least one pixel.
    model
        The file of a random forest or of a logistic regression.
    settings
        Memory and threads.

    Returns
    -------
    numpy.ndarray
        Shares in the order of the classes' codes, (pixels, classes).

    Raises
    ------
    OtbError
        The model cannot be read, or has more features.
    """
    shares: NDArray[np.float32] = _computed("ClassShares", pixels, {"model": model}, "float", settings)
    return np.ascontiguousarray(shares.T)


def _computed(
    name: str, pixels: NDArray[np.float32], parameters: dict[str, Value], pixel_type: str, settings: Settings
) -> NDArray[Any]:
    """Run an application on scattered pixels, and read its output, (bands, pixels)."""
    with pixel_image(pixels) as source, _result() as result:
        target = Target(Path(result), pixel_type)
        Application(name, {"in": source, **parameters}, settings).write({"out": target})
        image = gdal.OpenEx(result, gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR, allowed_drivers=["GTiff"])
        values: NDArray[Any] = image.ReadAsArray()
        return values.reshape(-1, len(pixels))


@contextmanager
def _result() -> Iterator[str]:
    """Give the path of a file in GDAL's memory, which lasts until the block ends."""
    path = f"/vsimem/{uuid.uuid4()}.tif"
    try:
        yield path
    finally:
        gdal.Unlink(path)
