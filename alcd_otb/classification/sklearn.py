"""Find scikit-learn classifiers by name, check them, train them on pixels, and apply them to pixels."""

import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.errors import ConfigurationError, EnvironmentNotReadyError, ProcessingError
from alcd_otb.settings.template import SKLEARN
from alcd_otb.text import did_you_mean
from otb_pipelines.cross_validate import FoldPixels
from otb_pipelines.settings import Settings
from otb_pipelines.train import Codes, Parameters, Values

log = logging.getLogger(__name__)

MODULES = {
    "AdaBoostClassifier": "sklearn.ensemble",
    "DecisionTreeClassifier": "sklearn.tree",
    "ExtraTreesClassifier": "sklearn.ensemble",
    "GaussianNB": "sklearn.naive_bayes",
    "GradientBoostingClassifier": "sklearn.ensemble",
    "HistGradientBoostingClassifier": "sklearn.ensemble",
    "KNeighborsClassifier": "sklearn.neighbors",
    "LinearDiscriminantAnalysis": "sklearn.discriminant_analysis",
    "LinearSVC": "sklearn.svm",
    "LogisticRegression": "sklearn.linear_model",
    "MLPClassifier": "sklearn.neural_network",
    "QuadraticDiscriminantAnalysis": "sklearn.discriminant_analysis",
    "RandomForestClassifier": "sklearn.ensemble",
    "SVC": "sklearn.svm",
}
"""Modules of the classifiers that can be named without their module."""

_TREES = frozenset(
    (
        "AdaBoostClassifier",
        "BaggingClassifier",
        "DecisionTreeClassifier",
        "ExtraTreeClassifier",
        "ExtraTreesClassifier",
        "GradientBoostingClassifier",
        "HistGradientBoostingClassifier",
        "LGBMClassifier",
        "RandomForestClassifier",
        "XGBClassifier",
    )
)
"""Classifiers that compare one feature with a threshold, so that the features' scales do not matter."""

_SET_ELSEWHERE = {"n_jobs": "--threads", "random_state": "samples.seed"}
"""Parameters that a template must not set, and the option or key that sets each."""

# Pixels predicted at a time. The number is constant, so that sums are rounded alike for each pixel.
_BATCH = 8192
_ROUNDING = 1e-6
"""Largest excess of a share over 1 by rounding."""

Estimator = Any
"""A fitted pipeline of scikit-learn."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier predicts for some pixels.

    Attributes
    ----------
    codes
        (pixels,) class codes.
    shares
        (pixels, classes) shares of the classes, 0 to 1. None if the classifier gives none.
    """

    codes: NDArray[np.uint8]
    shares: NDArray[np.float64] | None


def check_sklearn(parameters: Parameters, seed: int, shares: bool = False) -> None:
    """Check a template's classifier before anything runs.

    Parameters
    ----------
    parameters
        The classifier and its parameters, as the template names them.
    seed
        Seed of the classifier.
    shares
        Whether the shares of the classes are wanted.

    Raises
    ------
    EnvironmentNotReadyError
        If scikit-learn is not installed.
    ConfigurationError
        If scikit-learn has no such classifier, a parameter is unknown or wrong, or shares are wanted from a
        classifier that gives none.
    """
    estimator = _unfitted(parameters, seed)[-1]
    # scikit-learn checks values with this method; other classifiers may lack it, or the table of constraints.
    if hasattr(estimator, "_validate_params") and hasattr(estimator, "_parameter_constraints"):
        try:
            estimator._validate_params()
        except Exception as error:
            raise ConfigurationError(f"classifier: {' '.join(str(error).split())}") from error
    if shares and not gives_shares(estimator):
        raise ConfigurationError(
            f"confidence.shares: classifier {parameters[SKLEARN]} gives no vote fractions; choose another one"
        )


def gives_shares(estimator: Estimator) -> bool:
    """Check whether a classifier gives the shares of the classes, from which confidence and margin are computed."""
    return hasattr(estimator, "predict_proba")


def train_sklearn(values: Values, codes: Codes, parameters: Parameters, seed: int, settings: Settings) -> Estimator:
    """Train a classifier on pixels, scaled by their mean and standard deviation unless it consists of trees.

    Parameters
    ----------
    values
        (pixels, features) features of the pixels.
    codes
        (pixels,) class codes.
    parameters
        The classifier and its parameters, as the template names them.
    seed
        Seed of the classifier.
    settings
        Number of threads.

    Raises
    ------
    ProcessingError
        If the classifier cannot be trained.
    """
    from joblib import parallel_backend
    from sklearn.pipeline import make_pipeline
    from threadpoolctl import ThreadpoolController

    estimator = make_pipeline(*_unfitted(parameters, seed))
    # BLAS sums in another order by another number of threads.
    limits = {"blas": 1, "openmp": settings.threads}
    with (
        ThreadpoolController().limit(limits=limits),
        parallel_backend("threading", n_jobs=settings.threads),
        warnings.catch_warnings(record=True) as caught,
        _failures(parameters, "cannot be trained"),
    ):
        # The features' own type, in which pixels will be predicted.
        estimator.fit(values.astype(np.float32), codes.astype(np.int64))
    for message in dict.fromkeys(" ".join(str(warning.message).split()) for warning in caught):
        log.warning("classifier %s: %s", parameters[SKLEARN], message)
    return estimator


def save_model(estimator: Estimator, path: Path) -> None:
    """Write a classifier with joblib, for the use of other programs.

    This package never reads the file: loading a pickle runs whatever code its author put into it.

    Parameters
    ----------
    estimator
        A trained classifier.
    path
        The file to write.
    """
    from joblib import dump

    dump(estimator, path, compress=1)


def predict_folds(
    folds: Sequence[FoldPixels], parameters: Parameters, seed: int, settings: Settings
) -> list[NDArray[np.uint8]]:
    """Train a classifier on each fold's pixels, and predict the class of its unknown pixels.

    Parameters
    ----------
    folds
        The pixels of each fold.
    parameters
        The classifier and its parameters, as the template names them.
    seed
        Seed of the classifiers.
    settings
        Threads and progress.

    Returns
    -------
    list
        For each fold, the class codes of its unknown pixels, (pixels,).

    Raises
    ------
    ProcessingError
        If a classifier cannot be trained or applied.
    """
    predicted = []
    for number, fold in enumerate(folds, start=1):
        estimator = train_sklearn(fold.values, fold.codes, parameters, seed, settings)
        with workers(settings.threads) as pool:
            predicted.append(predict(estimator, parameters, fold.unknown, pool).codes)
        if settings.progress is not None:
            settings.progress("k-fold", number / len(folds))
    return predicted


def predict(estimator: Estimator, parameters: Parameters, pixels: NDArray[np.float32], pool: Executor) -> Prediction:
    """Predict the class of pixels, in batches of one size, by the threads of a pool.

    Parameters
    ----------
    estimator
        A trained classifier.
    parameters
        The classifier as the template names it, for messages.
    pixels
        (pixels, features) features of the pixels.
    pool
        Threads of `workers`.

    Raises
    ------
    ProcessingError
        If the classifier fails, or gives shares that are not 0 to 1.
    """
    count = len(pixels)
    classes = np.asarray(estimator.classes_, np.uint8)
    predict_batch = estimator.predict_proba if gives_shares(estimator) else estimator.predict
    if not count:
        return Prediction(np.empty(0, np.uint8), np.empty((0, classes.size)))
    whole = np.pad(np.ascontiguousarray(pixels), ((0, -count % _BATCH), (0, 0)), mode="edge")
    with _failures(parameters, "cannot classify"):
        results = np.concatenate(list(pool.map(predict_batch, np.split(whole, len(whole) // _BATCH))))[:count]
    if not gives_shares(estimator):
        return Prediction(results.astype(np.uint8), None)
    # NaN is not between 0 and 1 either.
    if not ((results >= 0) & (results <= 1 + _ROUNDING)).all():
        raise ProcessingError(f"classifier {parameters[SKLEARN]}: gives class probabilities that are not 0 to 1")
    return Prediction(classes[results.argmax(axis=1)], results)


def _unfitted(parameters: Parameters, seed: int) -> tuple[Estimator, ...]:
    """Make the steps of the pipeline: the classifier, and before it the scaling that it needs."""
    _import_sklearn()
    from sklearn.preprocessing import StandardScaler

    kind = _class_of(str(parameters[SKLEARN]))
    own = _own_parameters(parameters)
    known = tuple(inspect.signature(kind).parameters)
    for name in own:
        if name in _SET_ELSEWHERE:
            raise ConfigurationError(f"classifier: {SKLEARN}.{name} is given by {_SET_ELSEWHERE[name]}; leave it out")
        if name not in known:
            raise ConfigurationError(
                f"classifier: {kind.__name__} has no parameter {name!r}{did_you_mean(name, known)}"
            )
    if "random_state" in known:
        own["random_state"] = seed
    try:
        estimator = kind(**own)
    except Exception as error:
        raise ConfigurationError(f"classifier: {kind.__name__} cannot be made ({_in_one_line(error)})") from error
    if _is_of_another_kind(estimator):
        raise ConfigurationError(f"classifier: {parameters[SKLEARN]!r} is not a classifier; choose another one")
    return (estimator,) if kind.__name__ in _TREES else (StandardScaler(), estimator)


def _import_sklearn() -> None:
    try:
        import_module("sklearn")
    except ImportError as error:
        raise EnvironmentNotReadyError(
            f"classifier {SKLEARN!r}: scikit-learn cannot be imported ({error}); run: apt-get install python3-sklearn"
        ) from error


def _class_of(name: str) -> Callable[..., Estimator]:
    place, _, class_name = name.rpartition(":")
    module = place or MODULES.get(name)
    if module is None:
        raise ConfigurationError(
            f"classifier: {SKLEARN} {name!r} is neither 'MODULE:CLASS' nor known by its name alone"
            f"{did_you_mean(name, tuple(MODULES))}"
        )
    try:
        kind = getattr(import_module(module), class_name, None)
    except Exception as error:
        why = str(error) if isinstance(error, ImportError) else _in_one_line(error)
        reason = f"{name!r} cannot be imported ({why}); correct it, or install it"
        raise ConfigurationError(f"classifier: {reason}") from error
    if not inspect.isclass(kind) or not all(hasattr(kind, method) for method in ("fit", "predict", "get_params")):
        raise ConfigurationError(f"classifier: {name!r} is not a class with scikit-learn's fit and predict")
    return kind


def _is_of_another_kind(estimator: Estimator) -> bool:
    """Return whether an estimator is one that predicts something else than classes, such as a regression."""
    from sklearn import base

    tests = ("is_regressor", "is_clusterer", "is_outlier_detector")
    # As scikit-learn's own check does it. Classes of other libraries need not declare their type.
    return any(getattr(base, test)(estimator) for test in tests if hasattr(base, test))


def _in_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _own_parameters(parameters: Parameters) -> dict[str, Any]:
    """Take scikit-learn's parameters from a template's, by their own names."""
    own = {key: value for key, value in parameters.items() if key not in ("classifier", SKLEARN)}
    for key in own:
        if not key.startswith(f"{SKLEARN}."):
            raise ConfigurationError(f"classifier: key {key!r} is not known; did you mean '{SKLEARN}.{key}'?")
    return {key.removeprefix(f"{SKLEARN}."): value for key, value in own.items()}


@contextmanager
def workers(threads: int) -> Iterator[Executor]:
    """Start threads that each predict a batch alone, so that none waits for another, nor adds to another's sums."""
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController()
    # Threads of OpenMP are limited in the thread that would start them, those of BLAS for all.
    alone = partial(controller.limit, limits=1, user_api="openmp")
    with controller.limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads, initializer=alone) as pool:
        yield pool


@contextmanager
def _failures(parameters: Mapping[str, Any], what: str) -> Iterator[None]:
    """Turn errors of scikit-learn, whatever their type, into a ProcessingError of one line."""
    try:
        yield
    except Exception as error:
        raise ProcessingError(f"classifier {parameters[SKLEARN]}: {what} ({_in_one_line(error)})") from error
