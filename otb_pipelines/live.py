"""Train and classify on arrays in memory, in the way of this package's applications and with the same results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.errors import OtbError, OtbMissingError
from otb_pipelines.train import LOGISTIC, Codes, Parameters, Values

if TYPE_CHECKING:
    from otb_pipelines._live import Forest, Regression, Stop

BLOCK_SIDE = 8
"""Pixels of a side of a block of features."""

BLOCK_PIXELS = BLOCK_SIDE * BLOCK_SIDE

MOST_TREES = 65535
"""The most trees of a forest whose votes can be counted."""

_FOREST_DEFAULTS = {
    "classifier.rf.nbtrees": 100,
    "classifier.rf.max": 5,
    "classifier.rf.min": 10,
    "classifier.rf.var": 0,
}
"""The parameters of RandomForestTraining and their defaults, by OTB's names, in the order of the native function."""

_STRENGTH, _DEFAULT_STRENGTH = f"classifier.{LOGISTIC}.c", 10.0
_ACCURACY = "classifier.rf.acc"


def native() -> Any:
    """Import the compiled module.

    Raises
    ------
    OtbMissingError
        It was not built.
    """
    try:
        return import_module("otb_pipelines._live")
    except ImportError as error:
        raise OtbMissingError(
            f"the native module otb_pipelines._live cannot be imported ({error}); install this package again"
        ) from error


def is_supported(parameters: Parameters) -> bool:
    """Return whether a classifier can be trained and applied in memory.

    These are the logistic regression, and a random forest all of whose trees are wanted.

    Parameters
    ----------
    parameters
        The parameters of one classifier, as `otb_pipelines.train.classifier_for` chooses them.
    """
    if parameters["classifier"] == LOGISTIC:
        return True
    return (
        parameters["classifier"] == "rf"
        and float(str(parameters.get(_ACCURACY, 1))) == 0
        and (tree_count(parameters) <= MOST_TREES)
    )


def tree_count(parameters: Parameters) -> int:
    """Return the number of trees of a forest."""
    return _number(parameters, "classifier.rf.nbtrees")


@dataclass(frozen=True, eq=False)
class MapSettings:
    """How maps are made of the shares of the classes.

    Attributes
    ----------
    smoothing
        Standard deviation in pixels of the Gaussian by which the shares are averaged, 0 for none.
    majority
        Radius in pixels of the majority vote, which is only taken without smoothing. 0 for none.
    """

    smoothing: float
    majority: int

    @property
    def reach(self) -> int:
        """The distance, in pixels, up to which a pixel affects another."""
        return int(native().reach_of(self.smoothing, self.majority))


class GrowingForest:
    """A random forest that is grown tree by tree. The first trees are the beginning of the whole forest.

    Parameters
    ----------
    values, codes
        (pixels, features) and (pixels,): the training pixels, with their noisy copies.
    parameters
        The parameters of the forest.
    seed
        Seed of everything random.
    """

    def __init__(self, values: Values, codes: Codes, parameters: Parameters, seed: int) -> None:
        self._values = np.ascontiguousarray(values, np.float32)
        self._codes = np.ascontiguousarray(codes, np.int32)
        self._parameters = (*(_number(parameters, key) for key in _FOREST_DEFAULTS), seed)
        self._parts: list[Forest] = []
        self.trees = 0
        """Trees that have been grown."""
        self.labels: list[int] = sorted(set(self._codes.tolist()))
        """Codes of the classes."""

    @property
    def whole(self) -> int:
        """Number of trees of the whole forest."""
        return self._parameters[0]

    @property
    def pixel_count(self) -> int:
        """Number of training pixels."""
        return len(self._codes)

    @property
    def parts(self) -> Sequence[Forest]:
        """The parts that have been grown, as the native module has them."""
        return tuple(self._parts)

    def grow(self, trees: int, threads: int, stop: Stop) -> bool:
        """Grow more trees, up to a number.

        Parameters
        ----------
        trees
            The number of trees. They are all of the forest at most.
        threads
            Threads that grow.
        stop
            The native module's ``Stop``.

        Returns
        -------
        bool
            Whether it was not stopped.

        Raises
        ------
        OtbError
            The forest cannot be trained.
        """
        trees = min(trees, self.whole)
        if trees <= self.trees:
            return True
        try:
            part = native().grow(self._values, self._codes, self._parameters, (self.trees, trees), threads, stop)
        except ValueError as error:
            raise OtbError(f"the random forest cannot be trained: {error}") from error
        if part is None:
            return False
        self._parts.append(part)
        self.trees = trees
        return True


def train_regression(values: Values, codes: Codes, parameters: Parameters) -> Regression:
    """Train a logistic regression.

    Parameters
    ----------
    values, codes
        (pixels, features) and (pixels,): the training pixels, with their noisy copies.
    parameters
        The parameters of the regression.

    Raises
    ------
    OtbError
        The regression cannot be trained.
    """
    strength = float(str(parameters.get(_STRENGTH, _DEFAULT_STRENGTH)))
    try:
        regression: Regression = native().train_regression(
            np.ascontiguousarray(values, np.float32), np.ascontiguousarray(codes, np.int32), strength
        )
    except ValueError as error:
        raise OtbError(f"the logistic regression cannot be trained: {error}") from error
    return regression


@dataclass(frozen=True, eq=False)
class BlockedFeatures:
    """The features of a scene in memory, by blocks of 8 x 8 pixels.

    Attributes
    ----------
    blocks
        (rows of blocks, columns of blocks, features, 64) on a boundary of 64 bytes.
    valid
        (rows, columns) of all blocks, 1 where a pixel is to be classified.
    """

    blocks: NDArray[np.float32]
    valid: NDArray[np.uint8]


def _number(parameters: Parameters, key: str) -> int:
    return int(float(str(parameters.get(key, _FOREST_DEFAULTS[key]))))
