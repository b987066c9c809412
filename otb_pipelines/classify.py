"""Classification of a whole image and the cleaning of its map, in one pass."""

from dataclasses import dataclass
from pathlib import Path

from otb_pipelines.app import Application, Value
from otb_pipelines.settings import Settings
from otb_pipelines.train import gives_margin

_LARGEST_STRIP = 256
_BLOCK = 16
_BYTES = 4
# OTB copies the pixels of a strip into a list of vectors, one by one, before it classifies them.
_COPIES = 3


@dataclass(frozen=True)
class Cleaning:
    """radius: of the majority vote; median_radius: of the confidence's median. Both in pixels, 0 for none.

    smoothing: standard deviation in pixels of the Gaussian by which a random forest's votes are averaged; 0 for none.
    It takes the place of the majority vote.
    certain: the confidence that means certain, by which it is divided; None where the classifier gives none between 0
    and such a value.
    """

    radius: int
    median_radius: int
    certain: float | None
    smoothing: float = 0


@dataclass(frozen=True)
class ClassifiedScene:
    """What is classified, where, and by what.

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
        The file of the features' statistics. None where the classifier needs none.
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
        Its outputs are to be written in one call. ``out`` holds the labels, 0 where the mask is 0. Where there is a
        confidence, ``confmap`` holds it and ``medianmap`` its median. Of a random forest, ``marginmap`` holds the
        difference of the shares of votes of the first and the second class, and ``secondmap`` the second class, both
        before the majority vote.

    Notes
    -----
    With smoothing, all outputs are of the averaged votes, and shares come in steps of 0.005. In the majority vote in a
    ball a tie keeps the pixel's label, and pixels without data neither vote nor change. The median is that of the
    pixels with data in a square of side 2 median_radius + 1. The image's edge is replicated.
    """
    parameters: dict[str, Value] = {"in": scene.image, "model": scene.model, "mask": scene.mask}
    outputs: dict[str, Value] = {"radius": cleaning.radius, "medianradius": cleaning.median_radius}
    if gives_margin(scene.classifier):
        if cleaning.smoothing:
            parameters["smoothing"] = cleaning.smoothing
            outputs["radius"] = 0
        classified = Application("RandomForestClassification", parameters, settings)
        outputs |= {"margin": classified["marginmap"], "second": classified["secondmap"]}
    else:
        parameters["nodatalabel"] = 0
        if scene.statistics is not None:
            parameters["imstat"] = scene.statistics
        if cleaning.certain is not None:
            # ImageClassifier makes a confidence only if it has a file to go to, even when it goes elsewhere.
            parameters["confmap"] = "in_memory"
        classified = Application("ImageClassifier", parameters, settings)
    outputs["labels"] = classified["out"]
    if cleaning.certain is not None:
        outputs |= {"confidence": classified["confmap"], "certain": cleaning.certain}
    return Application("ClassificationMapCleaning", outputs, settings)


def build_cleaning(
    labels: Path,
    confidence: Path | None,
    margin: Path | None,
    second: Path | None,
    cleaning: Cleaning,
    settings: Settings,
) -> Application:
    """A classification that lies in rasters, cleaned: the outputs of `build_classification`, of what is there."""
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


def build_shares(image: Path, model: Path, classes: int, settings: Settings) -> Application:
    """The shares of a random forest's votes, a band a class in the order of the codes; the output is `probamap`.

    classes: all that the forest was trained on. Only the fast forest gives them, of every pixel, whatever its features.
    """
    return Application("ImageClassifier", {"in": image, "model": model, "nbclasses": classes}, settings)


def strip_rows(width: int, bands: int, settings: Settings) -> int:
    """Rows to classify at a time, so that their pixels, of 32 bits a band, and OTB's copies of them fit the memory."""
    fitting = (settings.ram << 20) // (width * bands * _BYTES * _COPIES)
    return max(_BLOCK, min(_LARGEST_STRIP, fitting // _BLOCK * _BLOCK))
