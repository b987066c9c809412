"""Training of OTB's classifiers."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from otb_pipelines.app import Application, OtbError, Value
from otb_pipelines.settings import Settings

Parameters = Mapping[str, str | int | float | bool | Sequence[str]]
"""TrainImagesClassifier's own parameters, `classifier` and `classifier.*`."""

_TREES = frozenset(("rf", "sharkrf", "dt", "boost", "gbt"))
"""Classifiers that compare one feature with a threshold, so that the features' scales do not matter."""

_DEFAULT_NEIGHBOURS = 32


def classifiers(settings: Settings) -> tuple[str, ...]:
    """The supervised classifiers that this OTB was built with, by OTB's names."""
    return Application("TrainImagesClassifier", {}, settings).choices("classifier")


def needs_scaling(classifier: str) -> bool:
    return classifier not in _TREES


def largest_confidence(parameters: Parameters) -> float | None:
    """The value of OTB's confidence map that means certain; None where it is no measure between 0 and another value.

    A random forest gives the share of votes, libsvm the difference of the two highest probabilities if it was trained
    for them, k nearest neighbours the count of votes. A neural network gives the difference of two outputs, which
    need not be probabilities; boosting gives the class again; the others give none.
    """
    name = parameters["classifier"]
    if name == "knn":
        return float(str(parameters.get("classifier.knn.k", _DEFAULT_NEIGHBOURS)))
    probable = str(parameters.get("classifier.libsvm.prob", False)).lower() in ("true", "1")
    return 1.0 if name in ("rf", "sharkrf") or (name == "libsvm" and probable) else None


def why_unfit(parameters: Parameters, classes: int) -> str | None:
    """Why OTB cannot tell so many classes apart with this classifier, where it would not say so itself."""
    if parameters["classifier"] == "boost" and classes > 2:
        return f"boost tells two classes apart, not {classes}"
    return None


def check_parameters(parameters: Parameters, settings: Settings) -> None:
    """Raises OtbError where TrainImagesClassifier does not know one of the parameters, or needs one more."""
    Application("TrainImagesClassifier", parameters, settings)
    if parameters["classifier"] == "ann" and not parameters.get("classifier.ann.sizes"):
        raise OtbError("ann needs classifier.ann.sizes, the neurons of each inner layer, such as [20]")


def build_statistics(image: Path, statistics: Path, settings: Settings) -> Application:
    """Mean and standard deviation of each band into an XML file; NaN is no data and is left out."""
    return Application("ComputeImagesStatistics", {"il": [image], "out.xml": statistics}, settings)


def train(
    image: Path,
    samples: Path,
    class_field: str,
    model: Path,
    classifier: Parameters,
    seed: int,
    statistics: Path | None,
    settings: Settings,
) -> None:
    """Train on the pixels that the sample points lie in, and write the model."""
    parameters: dict[str, Value] = {
        "io.il": [image],
        "io.vd": [samples],
        "io.out": model,
        # All of the points train, and none is kept to validate with.
        "sample.vtr": 0.0,
        "sample.mt": -1,
        "sample.bm": 0,
        "sample.vfn": class_field,
        "rand": seed,
        **classifier,
    }
    if statistics is not None:
        parameters["io.imstat"] = statistics
    Application("TrainImagesClassifier", parameters, settings).execute()
    if classifier["classifier"] == "ann":
        _mend_labels(model)


def _mend_labels(model: Path) -> None:
    """Write the class labels of a neural network as the integers as which OTB 8.1 reads them.

    It writes them as 32-bit floats, and then takes their bits for integers: class 2 becomes 1073741824.
    """
    text = model.read_text()
    labels = re.search(r"class_labels: !!opencv-matrix\s+rows: \d+\s+cols: \d+\s+dt: (f)\s+data: \[([^]]+)\]", text)
    if labels is not None:
        whole = ", ".join(str(int(float(label))) for label in labels[2].split(","))
        text = f"{text[: labels.start(1)]}i{text[labels.end(1) : labels.start(2)]} {whole} {text[labels.end(2) :]}"
        model.write_text(text)
