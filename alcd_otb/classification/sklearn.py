"""Classifiers of scikit-learn: found by name, checked, trained on pixels, and applied to pixels."""

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
"""Modules of the classifiers that need no module before their name."""

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

_GIVEN = {"n_jobs": "--threads", "random_state": "samples.seed"}
# Pixels told at a time, always so many: where a pixel lies must not change how its sums are rounded.
_BATCH = 8192
_ROUNDING = 1e-6
_RASTER_OPTIONS = {"TILED": "YES", "COMPRESS": "ZSTD", "ZSTD_LEVEL": "1"}

Estimator = Any
"""A pipeline of scikit-learn's, fitted."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier predicts for some pixels.

    Attributes
    ----------
    codes
        (pixels,) class codes.
    shares
        (pixels, classes) shares of the classes, 0 to 1. None where the classifier gives none.
    """

    codes: NDArray[np.uint8]
    shares: NDArray[np.float64] | None


def check_sklearn(parameters: Parameters, seed: int, shares: bool = False) -> None:
    """Raises what is wrong with a template's classifier before anything runs.

    shares: whether those of the classes are wanted.

    EnvironmentNotReadyError where scikit-learn is not installed; ConfigurationError where it has no such classifier,
    a parameter is not known or wrong, or shares are wanted of a classifier that gives none.
    """
    estimator = _unfitted(parameters, seed)[-1]
    # scikit-learn checks values only when it trains, by this method; classifiers of others may have none.
    validate = getattr(estimator, "_validate_params", None)
    if validate is not None:
        try:
            validate()
        except ValueError as error:
            raise ConfigurationError(f"classifier: {error}") from error
    if shares and not gives_shares(estimator):
        raise ConfigurationError(f"confidence.shares: classifier {parameters[SKLEARN]} gives none; choose another one")


def gives_shares(estimator: Estimator) -> bool:
    """Whether a classifier tells the shares of the classes, of which confidence and margin are made."""
    return hasattr(estimator, "predict_proba")


def train_sklearn(values: Values, codes: Codes, parameters: Parameters, seed: int, settings: Settings) -> Estimator:
    """A classifier trained on pixels, scaled by their mean and standard deviation unless it is made of trees.

    values: (pixels, features); codes: (pixels,). Raises ProcessingError where it cannot be trained.
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
        # The features' own type, in which pixels will be told.
        estimator.fit(values.astype(np.float32), codes.astype(np.int64))
    for message in dict.fromkeys(" ".join(str(one.message).split()) for one in caught):
        log.warning("classifier %s: %s", parameters[SKLEARN], message)
    return estimator


def save_model(estimator: Estimator, path: Path) -> None:
    """For others to use: this package never reads it back. Who loads a pickle runs what its maker put into it."""
    from joblib import dump

    dump(estimator, path, compress=1)


def predict_folds(
    folds: Sequence[FoldPixels], parameters: Parameters, seed: int, settings: Settings
) -> list[NDArray[np.uint8]]:
    """The codes that each fold's classifier, trained on its pixels, gives its unknown ones."""
    told = []
    for number, fold in enumerate(folds, start=1):
        estimator = train_sklearn(fold.values, fold.codes, parameters, seed, settings)
        with workers(settings.threads) as pool:
            told.append(predict(estimator, parameters, fold.unknown, pool).codes)
        if settings.progress is not None:
            settings.progress("k-fold", number / len(folds))
    return told


def predict(estimator: Estimator, parameters: Parameters, pixels: NDArray[np.float32], pool: Executor) -> Prediction:
    """The classes of (pixels, features), told in batches of one size by the threads of a pool."""
    count = len(pixels)
    classes = np.asarray(estimator.classes_, np.uint8)
    telling = estimator.predict_proba if gives_shares(estimator) else estimator.predict
    if not count:
        return Prediction(np.empty(0, np.uint8), np.empty((0, classes.size)))
    whole = np.pad(np.ascontiguousarray(pixels), ((0, -count % _BATCH), (0, 0)), mode="edge")
    with _failures(parameters, "cannot classify"):
        told = np.concatenate(list(pool.map(telling, np.split(whole, len(whole) // _BATCH))))[:count]
    if not gives_shares(estimator):
        return Prediction(told.astype(np.uint8), None)
    # NaN is not between 0 and 1 either.
    if not ((told >= 0) & (told <= 1 + _ROUNDING)).all():
        raise ProcessingError(f"classifier {parameters[SKLEARN]}: gives shares of the classes that are not 0 to 1")
    return Prediction(classes[told.argmax(axis=1)], told)


def _unfitted(parameters: Parameters, seed: int) -> tuple[Estimator, ...]:
    """The steps of the pipeline: the classifier, and before it the scaling that it needs."""
    _import_sklearn()
    from sklearn.preprocessing import StandardScaler

    kind = _class_of(str(parameters[SKLEARN]))
    own = _own_parameters(parameters)
    known = tuple(inspect.signature(kind).parameters)
    for name in own:
        if name in _GIVEN:
            raise ConfigurationError(f"classifier: {SKLEARN}.{name} is given by {_GIVEN[name]}; leave it out")
        if name not in known:
            raise ConfigurationError(
                f"classifier: {kind.__name__} has no parameter {name!r}{did_you_mean(name, known)}"
            )
    if "random_state" in known:
        own["random_state"] = seed
    try:
        estimator = kind(**own)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"classifier: {kind.__name__} cannot be made ({error})") from error
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
    except ImportError as error:
        raise ConfigurationError(f"classifier: {name!r} cannot be imported ({error}); correct it, or install it") from (
            error
        )
    if not inspect.isclass(kind) or not all(hasattr(kind, method) for method in ("fit", "predict", "get_params")):
        raise ConfigurationError(f"classifier: {name!r} is no class with scikit-learn's fit and predict")
    return kind


def _own_parameters(parameters: Parameters) -> dict[str, Any]:
    """scikit-learn's parameters, by their own names."""
    given = {key: value for key, value in parameters.items() if key not in ("classifier", SKLEARN)}
    for key in given:
        if not key.startswith(f"{SKLEARN}."):
            raise ConfigurationError(f"classifier: key {key!r} is not known; did you mean '{SKLEARN}.{key}'?")
    return {key.removeprefix(f"{SKLEARN}."): value for key, value in given.items()}


@contextmanager
def workers(threads: int) -> Iterator[Executor]:
    """Threads that each tell a batch alone, so that none waits for another, nor adds to another's sums."""
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController()
    # Threads of OpenMP are limited in the thread that would start them, those of BLAS for all.
    alone = partial(controller.limit, limits=1, user_api="openmp")
    with controller.limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads, initializer=alone) as pool:
        yield pool


@contextmanager
def _failures(parameters: Mapping[str, Any], what: str) -> Iterator[None]:
    """scikit-learn's errors, of whatever type they are, as one line."""
    try:
        yield
    except Exception as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ProcessingError(f"classifier {parameters[SKLEARN]}: {what} ({said})") from error
