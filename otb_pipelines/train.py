"""Train OTB's classifiers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.app import Application, Value
from otb_pipelines.errors import OtbError
from otb_pipelines.pixel_image import pixel_image
from otb_pipelines.pixel_table import pixel_table
from otb_pipelines.settings import Settings

Values = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]

Parameters = Mapping[str, str | int | float | bool | Sequence[str | int]]
"""TrainVectorClassifier's own parameters, ``classifier`` and ``classifier.*``, or those of LOGISTIC."""

LOGISTIC = "logistic"
"""The value of ``classifier`` for the logistic regression that this package brings.

``classifier.logistic.c`` is its strength. Where ``classifier.logistic.pixels`` is given and there are more training
pixels, a random forest by ``classifier.rf.*`` takes its place.
"""

_LOGISTIC_MARKER = b"logistic regression, version"
"""The beginning of a model file."""
_CHANGE_OVER = f"classifier.{LOGISTIC}.pixels"
_LOGISTIC_PARAMETERS = {f"classifier.{LOGISTIC}.c": "c"}
"""Parameters of the logistic regression, and the names of LogisticRegressionTraining."""

_UNSCALED = frozenset(("rf", "sharkrf", "dt", "boost", "gbt", LOGISTIC))
"""Classifiers to which the features' scales do not matter.

Trees compare one feature with a threshold, and the logistic regression scales the features itself.
"""

# OTB's own default of classifier.knn.k.
_DEFAULT_NEIGHBOURS = 32
_CLASS = "class"

# OTB's names of a forest's parameters, and the names of RandomForestTraining.
_FOREST_PARAMETERS = {
    "classifier.rf.nbtrees": "trees",
    "classifier.rf.max": "depth",
    "classifier.rf.min": "least",
    "classifier.rf.var": "tried",
}
# OTB's own default of classifier.rf.acc.
_LEAST_ERROR = 0.01


def classifiers(settings: Settings) -> tuple[str, ...]:
    """List OTB's names of the supervised classifiers that this OTB was built with.

    The logistic regression is not among them.
    """
    return Application("TrainVectorClassifier", {}, settings).choices("classifier")


def needs_scaling(classifier: str) -> bool:
    """Return whether a classifier, by OTB's name, needs features of zero mean and unit variance."""
    return classifier not in _UNSCALED


def gives_margin(classifier: str) -> bool:
    """Return whether a classifier, by OTB's name, gives the margin of the votes and the second class with its map."""
    return classifier in ("rf", LOGISTIC)


def classifier_for(parameters: Parameters, pixels: int) -> Parameters:
    """Choose the classifier for a number of training pixels.

    Parameters
    ----------
    parameters
        A classifier's parameters, possibly with those of the random forest that replaces the logistic regression.
    pixels
        Number of training pixels, without noisy copies.

    Returns
    -------
    Mapping
        The parameters of one classifier. They are the same unless the classifier is the logistic regression.
    """
    if parameters["classifier"] != LOGISTIC:
        return parameters
    most = parameters.get(_CHANGE_OVER)
    name = LOGISTIC if most is None or pixels <= float(str(most)) else "rf"
    own = {key: value for key, value in parameters.items() if key.startswith(f"classifier.{name}.")}
    return {"classifier": name, **{key: value for key, value in own.items() if key != _CHANGE_OVER}}


def largest_confidence(parameters: Parameters) -> float | None:
    """Return the value of OTB's confidence map that means certain, or None if the map has no such value.

    A random forest gives the share of votes, and the logistic regression the share of the class. libsvm gives the
    difference of the two highest probabilities, if it was trained for them. k nearest neighbours give the count of
    votes. A neural network gives the difference of two outputs, which need not be probabilities. Boosting gives the
    class again. The other classifiers give no confidence.
    """
    name = parameters["classifier"]
    if name == "knn":
        return float(str(parameters.get("classifier.knn.k", _DEFAULT_NEIGHBOURS)))
    probable = str(parameters.get("classifier.libsvm.prob", False)).lower() in ("true", "1")
    return 1.0 if name in ("rf", "sharkrf", LOGISTIC) or (name == "libsvm" and probable) else None


def why_unfit(parameters: Parameters, classes: int) -> str | None:
    """Describe why OTB cannot separate a number of classes with a classifier, if OTB itself does not report it.

    Parameters
    ----------
    parameters
        TrainVectorClassifier's own parameters.
    classes
        Number of classes.

    Returns
    -------
    str or None
        The reason. None if the classifier can separate the classes, or if OTB itself reports that it cannot.
    """
    if parameters["classifier"] == "boost" and classes > 2:
        return f"boost separates two classes, not {classes}"
    return None


def check_parameters(parameters: Parameters, settings: Settings) -> None:
    """Check the parameters of a classifier before it is trained.

    Parameters
    ----------
    parameters
        TrainVectorClassifier's own parameters, or those of the logistic regression with those of a random forest.
    settings
        Memory and threads.

    Raises
    ------
    OtbError
        The classifier does not have one of the parameters, or needs one more.
    """
    if parameters["classifier"] == LOGISTIC:
        own = [key for key in parameters if key.startswith(f"classifier.{LOGISTIC}.")]
        known = (*_LOGISTIC_PARAMETERS, _CHANGE_OVER)
        for key in own:
            if key not in known:
                raise OtbError(f"{LOGISTIC} has no parameter {key!r}; there are {', '.join(known)}")
        rest = {key: value for key, value in parameters.items() if key not in own}
        parameters = {**rest, "classifier": "rf"}
    Application("TrainVectorClassifier", parameters, settings)
    if parameters["classifier"] == "ann" and not parameters.get("classifier.ann.sizes"):
        raise OtbError("ann needs classifier.ann.sizes, the neurons of each inner layer, such as [20]")


def build_statistics(image: Path, statistics: Path, settings: Settings) -> Application:
    """Build an application that writes the mean and the standard deviation of each band. NaN is no data.

    Parameters
    ----------
    image
        Raster of the features.
    statistics
        The XML file to write.
    settings
        Memory and threads.
    """
    return Application("ComputeImagesStatistics", {"il": [image], "out.xml": statistics}, settings)


def write_statistics(classifier: str, image: Path, statistics: Path, settings: Settings) -> Path | None:
    """Write the statistics of the features, if the classifier weighs one feature against another.

    Parameters
    ----------
    classifier
        OTB's name of the classifier.
    image
        Raster of the features.
    statistics
        The XML file to write.
    settings
        Memory and threads.

    Returns
    -------
    Path or None
        The file. None if the classifier needs no statistics.
    """
    if not needs_scaling(classifier):
        return None
    build_statistics(image, statistics, settings).execute()
    return statistics


def with_noisy_copies(values: Values, codes: Codes, jitter: float, seed: int) -> tuple[Values, Codes]:
    """Append a copy with Gaussian noise of each training pixel.

    Parameters
    ----------
    values
        Features, (pixels, features).
    codes
        Class codes, (pixels).
    jitter
        Standard deviation of the noise, as a share of that of the feature in the class. With 0 there are no copies.
    seed
        Seed of the noise.

    Returns
    -------
    tuple of numpy.ndarray
        The values and the codes, with those of the copies behind them.

    Notes
    -----
    OTB's SampleAugmentation is not used, because OTB does not draw its noise by the seed.
    """
    if not jitter:
        return values, codes
    noise = np.random.default_rng(seed).standard_normal(values.shape)
    for code in np.unique(codes):
        noise[codes == code] *= jitter * values[codes == code].std(axis=0)
    return np.concatenate([values, values + noise]), np.concatenate([codes, codes])


@dataclass(frozen=True, eq=False)
class Training:
    """Training pixels, and the classifier to train on them.

    Attributes
    ----------
    values
        Features, (pixels, features).
    codes
        Class codes, (pixels).
    classifier
        The classifier's parameters. `classifier_for` has chosen it, where it depends on the number of pixels.
    seed
        Seed of everything random in the training.
    statistics
        The file of `write_statistics`. None if the classifier needs none.
    """

    values: Values
    codes: Codes
    classifier: Parameters
    seed: int
    statistics: Path | None = None


def train(training: Training, model: Path, settings: Settings) -> None:
    """Train on pixels, and write the model.

    LogisticRegressionTraining trains a logistic regression. RandomForestTraining trains a random forest if all trees
    are wanted, which ``classifier.rf.acc`` 0 means. TrainVectorClassifier trains every other classifier. It adds no
    more trees once the out-of-bag error is below ``classifier.rf.acc``.

    Parameters
    ----------
    training
        The pixels and the classifier.
    model
        The file to write.
    settings
        Memory and threads.

    Raises
    ------
    OtbError
        The classifier cannot be trained.
    """
    if training.classifier["classifier"] == LOGISTIC:
        own = _own_parameters(training, _LOGISTIC_PARAMETERS)
        _train_natively("LogisticRegressionTraining", own, training, model, settings)
        return
    if _grows_all_trees(training.classifier):
        own = {**_own_parameters(training, _FOREST_PARAMETERS), "seed": training.seed}
        _train_natively("RandomForestTraining", own, training, model, settings)
        return
    parameters: dict[str, Value] = {
        "io.out": model,
        "cfield": _CLASS,
        "rand": training.seed,
        "v": False,
        **training.classifier,
    }
    if training.statistics is not None:
        parameters["io.stats"] = training.statistics
    with pixel_table(training.values, training.codes, _CLASS) as table:
        parameters = {"io.vd": [table.path], "feat": table.features, **parameters}
        Application("TrainVectorClassifier", parameters, settings).execute()
    if training.classifier["classifier"] == "ann":
        _correct_labels(model)


def is_logistic(model: Path) -> bool:
    """Return whether a model file holds a logistic regression."""
    with model.open("rb") as file:
        return file.read(len(_LOGISTIC_MARKER)) == _LOGISTIC_MARKER


def _grows_all_trees(classifier: Parameters) -> bool:
    return classifier["classifier"] == "rf" and float(str(classifier.get("classifier.rf.acc", _LEAST_ERROR))) == 0


def _own_parameters(training: Training, names: Mapping[str, str]) -> dict[str, Value]:
    """Take the parameters of a classifier, by the names of the application that trains it."""
    given = training.classifier
    return {own: given[key] for key, own in names.items() if key in given}


def _train_natively(
    application: str, parameters: Mapping[str, Value], training: Training, model: Path, settings: Settings
) -> None:
    """Train by one of this package's applications, which read the pixels and their classes as images."""
    values, codes = training.values.astype(np.float32), training.codes.astype(np.int32)[:, None]
    with pixel_image(values) as pixels, pixel_image(codes) as labels:
        images: dict[str, Value] = {"in": pixels, "labels": labels, "model": model}
        Application(application, {**parameters, **images}, settings).execute()


def _correct_labels(model: Path) -> None:
    """Write the class labels of a neural network as integers.

    OTB writes them as 32-bit floats but reads their bits as integers, so that class 2 becomes 1073741824.
    """
    text = model.read_text()
    labels = re.search(r"class_labels: !!opencv-matrix\s+rows: \d+\s+cols: \d+\s+dt: (f)\s+data: \[([^]]+)\]", text)
    if labels is not None:
        whole = ", ".join(str(int(float(label))) for label in labels[2].split(","))
        text = f"{text[: labels.start(1)]}i{text[labels.end(1) : labels.start(2)]} {whole} {text[labels.end(2) :]}"
        model.write_text(text)
