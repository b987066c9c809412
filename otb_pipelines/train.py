"""Training of OTB's classifiers."""

from collections.abc import Mapping
from pathlib import Path

from otb_pipelines.app import Application, Value
from otb_pipelines.settings import Settings

Parameters = Mapping[str, str | int | float | bool]
"""TrainImagesClassifier's own parameters, `classifier` and `classifier.*`."""

_TREES = frozenset(("rf", "sharkrf", "dt", "boost", "gbt"))
"""Classifiers that compare one feature with a threshold, so that the features' scales do not matter."""


def classifiers(settings: Settings) -> tuple[str, ...]:
    """The supervised classifiers that this OTB was built with, by OTB's names."""
    return Application("TrainImagesClassifier", {}, settings).choices("classifier")


def needs_scaling(classifier: str) -> bool:
    return classifier not in _TREES


def gives_confidence(parameters: Parameters) -> bool:
    """Whether OTB's confidence map is between 0 and 1 for this classifier.

    A random forest gives the share of votes, libsvm a probability if it was trained for one. k nearest neighbours
    give a count of votes, a neural network the difference of two outputs, which passes 1; the others give none.
    """
    name = parameters["classifier"]
    if name == "libsvm":
        return str(parameters.get("classifier.libsvm.prob", False)).lower() in ("true", "1")
    return name in ("rf", "sharkrf")


def build_statistics(image: Path, statistics: Path, settings: Settings) -> Application:
    """Mean and standard deviation of each band into an XML file; NaN is no data and is left out."""
    return Application("ComputeImagesStatistics", {"il": [image], "out.xml": statistics}, settings)


def train(
    image: Path,
    samples: Path,
    class_field: str,
    model: Path,
    classifier: Parameters,
    most_pixels_per_class: int,
    seed: int,
    statistics: Path | None,
    settings: Settings,
) -> None:
    """Train on the pixels that the sample points lie in, at most so many a class, and write the model."""
    parameters: dict[str, Value] = {
        "io.il": [image],
        "io.vd": [samples],
        "io.out": model,
        # Validation samples are a set of their own: all of these points train.
        "sample.vtr": 0.0,
        "sample.mt": most_pixels_per_class,
        "sample.bm": 0,
        "sample.vfn": class_field,
        "rand": seed,
        **classifier,
    }
    if statistics is not None:
        parameters["io.imstat"] = statistics
    Application("TrainImagesClassifier", parameters, settings).execute()
