"""Classify a whole image and clean its map, in one pass."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from otb_pipelines.app import Application, Value
from otb_pipelines.settings import Settings
from otb_pipelines.train import LOGISTIC

_BY_SHARES = {"rf": "RandomForestClassification", LOGISTIC: "LogisticRegressionClassification"}
"""Classifiers that give the shares of the classes, and the applications that classify by them."""

# A strip has at most 256 rows, and a multiple of 16 of them, as the tiles of a GeoTIFF do.
_LARGEST_STRIP = 256
_LOWEST_STRIP = 16

BLOCK_ROWS = 4
"""Rows of a compressed block of the maps that are written strip by strip."""
# Bytes of a value, and copies of it in memory. OTB copies the pixels of a strip into a list of vectors, one by one,
# before it classifies them.
_BYTES = 4
_COPIES = 3


@dataclass(frozen=True)
class Cleaning:
    """How a map and its confidence are cleaned.

    Attributes
    ----------
    radius
        Radius of the majority vote in pixels, 0 for none.
    median_radius
        Radius of the median of the confidence in pixels, 0 for none.
    certain
        The value of the classifier's confidence that means certain, by which the confidence is divided. None if the
        classifier gives no confidence between 0 and such a value.
    smoothing
        Standard deviation in pixels of the Gaussian by which the shares of the classes are averaged, 0 for none. It
        replaces the majority vote. Only classifiers that give the shares can be smoothed.
    """

    radius: int
    median_radius: int
    certain: float | None
    smoothing: float = 0


@dataclass(frozen=True)
class ClassifiedScene:
    """An image, the mask of the pixels to classify, and a trained classifier.

    Attributes
    ----------
    image
        Raster of the features.
    mask
        Raster on its grid, 0 where no pixel is classified.
    model
        The file of the trained classifier.
    classifier
        OTB's name of the classifier.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    """

    image: Path
    mask: Path
    model: Path
    classifier: str
    statistics: Path | None = None


def build_classification(scene: ClassifiedScene, cleaning: Cleaning, settings: Settings) -> Application:
    """Build a chain that classifies and cleans an image. Each pixel is classified once.

    Parameters
    ----------
    scene
        The image, its mask and the trained classifier.
    cleaning
        Smoothing or majority vote of the labels, and median of the confidence.
    settings
        Memory and threads.

    Returns
    -------
    Application
        Its outputs are to be written in one call. ``out`` holds the labels, 0 where the mask is 0. If the classifier
        gives a confidence, ``confmap`` holds it and ``medianmap`` its median. For a random forest and a logistic
        regression, ``marginmap`` holds the share of the first class minus that of the second class, and ``secondmap``
        holds the second class, both before the majority vote.

    Notes
    -----
    With smoothing, all outputs are of the averaged shares, and shares come in steps of 0.005, those of a logistic
    regression always. The majority vote is taken in a ball. A tie keeps the pixel's label, and pixels without data
    neither vote nor change. The median is that of the pixels with data in a square of side 2 median_radius + 1. The
    image's edge is replicated.
    """
    parameters: dict[str, Value] = {"in": scene.image, "model": scene.model, "mask": scene.mask}
    application = _BY_SHARES.get(scene.classifier)
    if application is not None:
        return _classified_by_shares(application, parameters, cleaning, settings)
    parameters["nodatalabel"] = 0
    if scene.statistics is not None:
        parameters["imstat"] = scene.statistics
    if cleaning.certain is not None:
        # ImageClassifier makes a confidence only if a file is named for it, even if no file is written.
        parameters["confmap"] = "in_memory"
    classified = Application("ImageClassifier", parameters, settings)
    return _cleaned(classified, {}, cleaning, settings)


def build_share_classification(
    shares: Path, mask: Path, codes: Sequence[int], cleaning: Cleaning, settings: Settings
) -> Application:
    """Build a chain that smooths shares which another program computed, classifies by them, and cleans the map.

    Parameters
    ----------
    shares
        Raster of the shares, one band for each class.
    mask
        Raster on its grid, 0 where no pixel is classified.
    codes
        The code of each band's class, 1 to 255.
    cleaning
        Smoothing or majority vote of the labels, and median of the confidence.
    settings
        Memory and threads.

    Returns
    -------
    Application
        Its outputs are those of `build_classification` for a classifier that gives the shares.
    """
    parameters: dict[str, Value] = {"in": shares, "mask": mask, "classes": [str(code) for code in codes]}
    return _classified_by_shares("ShareClassification", parameters, cleaning, settings)


def _classified_by_shares(
    application: str, parameters: dict[str, Value], cleaning: Cleaning, settings: Settings
) -> Application:
    smoothed = {"smoothing": cleaning.smoothing} if cleaning.smoothing else {}
    classified = Application(application, {**parameters, **smoothed}, settings)
    outputs: dict[str, Value] = {"margin": classified["marginmap"], "second": classified["secondmap"]}
    return _cleaned(classified, outputs, cleaning, settings)


def _cleaned(
    classified: Application, inputs: Mapping[str, Value], cleaning: Cleaning, settings: Settings
) -> Application:
    """Add the cleaning to a classification, and hand it some more maps."""
    parameters: dict[str, Value] = {
        "labels": classified["out"],
        "radius": 0 if cleaning.smoothing else cleaning.radius,
        "medianradius": cleaning.median_radius,
        **inputs,
    }
    if cleaning.certain is not None:
        parameters |= {"confidence": classified["confmap"], "certain": cleaning.certain}
    return Application("ClassificationMapCleaning", parameters, settings)


def build_cleaning(
    labels: Path,
    confidence: Path | None,
    margin: Path | None,
    second: Path | None,
    cleaning: Cleaning,
    settings: Settings,
) -> Application:
    """Build a chain that cleans a classification which lies in rasters.

    Parameters
    ----------
    labels
        Raster of class codes, 0 where there is no data.
    confidence
        Raster of the confidence, or None.
    margin, second
        Rasters of the margin and of the code of the second class. Both or neither are used.
    cleaning
        Majority vote of the labels, and median of the confidence.
    settings
        Memory and threads.

    Returns
    -------
    Application
        Its outputs are those of `build_classification`, as far as their inputs are given.
    """
    parameters: dict[str, Value] = {
        "labels": labels,
        "radius": cleaning.radius,
        "medianradius": cleaning.median_radius,
    }
    if confidence is not None and cleaning.certain is not None:
        parameters |= {"confidence": confidence, "certain": cleaning.certain}
    if margin is not None and second is not None:
        parameters |= {"margin": margin, "second": second}
    return Application("ClassificationMapCleaning", parameters, settings)


def build_shares(image: Path, mask: Path, model: Path, settings: Settings, smoothing: float = 0) -> Application:
    """Build an application that computes the share of each class in each pixel.

    Parameters
    ----------
    image
        Raster of the features.
    mask
        Raster on its grid, 0 where no shares are computed.
    model
        The file of a random forest or of a logistic regression.
    settings
        Memory and threads.
    smoothing
        Standard deviation in pixels of the Gaussian by which the shares are averaged, 0 for none.

    Returns
    -------
    Application
        Its output ``out`` has one band for each class, in the order of the codes, 0 where the mask is 0.
    """
    parameters: dict[str, Value] = {"in": image, "mask": mask, "model": model, "smoothing": smoothing}
    return Application("ClassShares", parameters, settings)


def strip_rows(width: int, bands: int, settings: Settings) -> int:
    """Return how many rows to classify at a time, so that their pixels and OTB's copies of them fit the memory.

    Parameters
    ----------
    width
        Columns of the image.
    bands
        Bands of the image, of 32 bits each.
    settings
        Memory in megabytes.
    """
    fitting = (settings.ram << 20) // (width * bands * _BYTES * _COPIES)
    return max(_LOWEST_STRIP, min(_LARGEST_STRIP, fitting // _LOWEST_STRIP * _LOWEST_STRIP))


def whole_blocks(rows: int, height: int) -> int:
    """Return the largest number of rows up to a limit for which OTB's strips of an image end where its blocks end.

    OTB makes as few strips as it needs, all of one height. A block that lies in two strips may be compressed and stored
    twice, which depends on the memory.

    Parameters
    ----------
    rows
        The most rows of a strip, at least 16.
    height
        Rows of the image.
    """
    if rows >= height:
        return height
    heights = range(rows - rows % BLOCK_ROWS, 0, -BLOCK_ROWS)
    return next(wanted for wanted in heights if _ceiled(height, _ceiled(height, wanted)) == wanted)


def _ceiled(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
