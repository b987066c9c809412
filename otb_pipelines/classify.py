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


def build_classification(
    image: Path,
    model: Path,
    mask: Path,
    statistics: Path | None,
    classifier: str,
    cleaning: Cleaning,
    settings: Settings,
) -> Application:
    """A classified and cleaned image, each pixel of which is classified once.

    The outputs are to be written at once: the labels `out` (0 where the mask is 0), and where there is a confidence,
    `confmap` and its median `medianmap`; of a random forest also `marginmap`, by how much the share of the first
    class's votes exceeds that of the second, and `secondmap`, the second class, both before the majority vote. With
    smoothing, all of them are of the averaged votes, and the shares come in steps of 0.005. In the majority vote in a
    ball a tie keeps the pixel's label, and no data neither votes nor changes; the median is that of the data in a
    square of side 2 median_radius + 1, the image's edge replicated.
    """
    parameters: dict[str, Value] = {"in": image, "model": model, "mask": mask}
    outputs: dict[str, Value] = {"radius": cleaning.radius, "medianradius": cleaning.median_radius}
    if gives_margin(classifier):
        if cleaning.smoothing:
            parameters["smoothing"] = cleaning.smoothing
            outputs["radius"] = 0
        classified = Application("RandomForestClassification", parameters, settings)
        outputs |= {"margin": classified["marginmap"], "second": classified["secondmap"]}
    else:
        parameters["nodatalabel"] = 0
        if statistics is not None:
            parameters["imstat"] = statistics
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
