"""Train OTB's classifiers."""

import io
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.app import Application, Value
from otb_pipelines.errors import OtbError
from otb_pipelines.pixel_image import pixel_image
from otb_pipelines.process import gdal
from otb_pipelines.settings import Settings

Values = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]

Parameters = Mapping[str, str | int | float | bool | Sequence[str | int]]
"""TrainVectorClassifier's own parameters, ``classifier`` and ``classifier.*``."""

_TREES = frozenset(("rf", "sharkrf", "dt", "boost", "gbt"))
"""Classifiers that compare one feature with a threshold, so that the features' scales do not matter."""

# OTB's own default of classifier.knn.k.
_DEFAULT_NEIGHBOURS = 32
_CLASS = "class"

# OTB's names of a forest's parameters, and the names of RandomForestTraining.
_FOREST_PARAMETERS = {"nbtrees": "trees", "max": "depth", "min": "least", "var": "tried"}
# OTB's own default of classifier.rf.acc.
_LEAST_ERROR = 0.01


def classifiers(settings: Settings) -> tuple[str, ...]:
    """List OTB's names of the supervised classifiers that this OTB was built with."""
    return Application("TrainVectorClassifier", {}, settings).choices("classifier")


def needs_scaling(classifier: str) -> bool:
    """Say whether a classifier, by OTB's name, needs features of zero mean and unit variance."""
    return classifier not in _TREES


def gives_margin(classifier: str) -> bool:
    """Say whether a classifier, by OTB's name, gives the margin of the votes and the second class with its map."""
    return classifier == "rf"


def largest_confidence(parameters: Parameters) -> float | None:
    """Return the value of OTB's confidence map that means certain, or None if the map has no such value.

    A random forest gives the share of votes. libsvm gives the difference of the two highest probabilities, if it was
    trained for them. k nearest neighbours give the count of votes. A neural network gives the difference of two
    outputs, which need not be probabilities. Boosting gives the class again. The other classifiers give no confidence.
    """
    name = parameters["classifier"]
    if name == "knn":
        return float(str(parameters.get("classifier.knn.k", _DEFAULT_NEIGHBOURS)))
    probable = str(parameters.get("classifier.libsvm.prob", False)).lower() in ("true", "1")
    return 1.0 if name in ("rf", "sharkrf") or (name == "libsvm" and probable) else None


def why_unfit(parameters: Parameters, classes: int) -> str | None:
    """Say why OTB cannot separate so many classes with a classifier, if OTB itself does not say so.

    Parameters
    ----------
    parameters
        TrainVectorClassifier's own parameters.
    classes
        Number of classes.

    Returns
    -------
    str or None
        The reason. None if the classifier can separate the classes, or OTB itself says that it cannot.
    """
    if parameters["classifier"] == "boost" and classes > 2:
        return f"boost tells two classes apart, not {classes}"
    return None


def check_parameters(parameters: Parameters, settings: Settings) -> None:
    """Check the parameters of a classifier before it is trained.

    Parameters
    ----------
    parameters
        TrainVectorClassifier's own parameters.
    settings
        Memory and threads.

    Raises
    ------
    OtbError
        TrainVectorClassifier does not know one of the parameters, or needs one more.
    """
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
    OTB's SampleAugmentation is not used, because that of OTB 8.1 does not draw its noise by the seed.
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
        TrainVectorClassifier's own parameters.
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

    RandomForestTraining trains a random forest if all trees are wanted, which ``classifier.rf.acc`` 0 means.
    TrainVectorClassifier trains every other classifier. It adds no more trees once the out-of-bag error is below
    ``classifier.rf.acc``.

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
    if _grows_all_trees(training.classifier):
        _train_forest(training, model, settings)
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
    with _table(training.values, training.codes) as table:
        parameters = {"io.vd": [table.path], "feat": table.features, **parameters}
        Application("TrainVectorClassifier", parameters, settings).execute()
    if training.classifier["classifier"] == "ann":
        _correct_labels(model)


def _grows_all_trees(classifier: Parameters) -> bool:
    return classifier["classifier"] == "rf" and float(str(classifier.get("classifier.rf.acc", _LEAST_ERROR))) == 0


def _train_forest(training: Training, model: Path, settings: Settings) -> None:
    parameters: dict[str, Value] = {
        own: training.classifier[f"classifier.rf.{name}"]
        for name, own in _FOREST_PARAMETERS.items()
        if f"classifier.rf.{name}" in training.classifier
    }
    values, codes = training.values.astype(np.float32), training.codes.astype(np.int32)[:, None]
    with pixel_image(values) as pixels, pixel_image(codes) as labels:
        parameters |= {"in": pixels, "labels": labels, "model": model, "seed": training.seed}
        Application("RandomForestTraining", parameters, settings).execute()


class _Table(NamedTuple):
    """A table of training pixels, and the names of its columns of features."""

    path: str
    features: list[str]


@contextmanager
def _table(values: Values, codes: Codes) -> Iterator[_Table]:
    """Make a CSV file in GDAL's memory, which OTB's vector reader can open."""
    features = [f"feature_{number}" for number in range(values.shape[1])]
    text = io.BytesIO()
    np.savetxt(
        text,
        np.column_stack([codes, values]),
        # Nine digits are enough to read a 32-bit float back unchanged.
        fmt=["%d"] + ["%.9g"] * len(features),
        delimiter=",",
        header=",".join([_CLASS, *features]),
        comments="",
    )
    stem = f"/vsimem/{uuid.uuid4()}"
    # OGR reads the types of the columns from a second file. Without it, all columns are text.
    types = ",".join(["Integer"] + ["Real"] * len(features))
    try:
        gdal.FileFromMemBuffer(f"{stem}.csv", text.getvalue())
        gdal.FileFromMemBuffer(f"{stem}.csvt", types.encode())
        yield _Table(f"{stem}.csv", features)
    finally:
        gdal.Unlink(f"{stem}.csv")
        gdal.Unlink(f"{stem}.csvt")


def _correct_labels(model: Path) -> None:
    """Write the class labels of a neural network as integers.

    OTB 8.1 writes them as 32-bit floats but reads their bits as integers, so that class 2 becomes 1073741824.
    """
    text = model.read_text()
    labels = re.search(r"class_labels: !!opencv-matrix\s+rows: \d+\s+cols: \d+\s+dt: (f)\s+data: \[([^]]+)\]", text)
    if labels is not None:
        whole = ", ".join(str(int(float(label))) for label in labels[2].split(","))
        text = f"{text[: labels.start(1)]}i{text[labels.end(1) : labels.start(2)]} {whole} {text[labels.end(2) :]}"
        model.write_text(text)
