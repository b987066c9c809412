"""The ranges of the parameters of OTB's classifiers, which OTB itself does not check.

OTB and OpenCV replace a value out of range without a message: -1 tree becomes one tree, and a depth of 30 becomes 25.
The ranges are those of the applications' help, of OpenCV 4 and of libsvm, with a largest value where a number can only
be a mistake.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from alcd_otb.text import quoted

_MOST_TREES = 10_000
_LARGEST = 1e9
_DEEPEST = 1000
# OpenCV never grows a tree deeper, and never clusters more values of a category.
_DEEPEST_OF_OPENCV, _MOST_CATEGORIES = 25, 15
# The depth that OTB's own documents give for trees without a limit of their own.
_NO_LIMIT = 65535
_VARIABLES = ("classifier.rf.var", "classifier.sharkrf.mtry")
# OTB's own default of classifier.rf.acc. With 0, the trees are not OpenCV's.
_LEAST_ERROR = 0.01


class _Range(NamedTuple):
    """The values that a number may have.

    Attributes
    ----------
    least, most
        The smallest and the largest value.
    whole
        Whether it must be a whole number.
    above
        Whether the smallest value itself is not allowed.
    """

    least: float
    most: float
    whole: bool = True
    above: bool = False

    def __str__(self) -> str:
        kind = "whole number" if self.whole else "number"
        if self.above:
            return f"a {kind} above {self.least:g} and of at most {_plain(self.most)}"
        return f"a {kind} from {_plain(self.least)} to {_plain(self.most)}"

    def holds(self, value: float) -> bool:
        """Return whether a value is in the range."""
        if self.whole and value != int(value):
            return False
        return self.least < value <= self.most if self.above else self.least <= value <= self.most


_COUNT = _Range(1, int(_LARGEST))
_NOT_NEGATIVE = _Range(0, _LARGEST, whole=False)
_POSITIVE = _Range(0, _LARGEST, whole=False, above=True)
_ANY = _Range(-_LARGEST, _LARGEST, whole=False)
_SHARE = _Range(0, 1, whole=False)
_POSITIVE_SHARE = _Range(0, 1, whole=False, above=True)

_RANGES = {
    "rf.nbtrees": _Range(1, _MOST_TREES),
    "rf.max": _Range(1, _DEEPEST),
    "rf.min": _COUNT,
    "rf.ra": _NOT_NEGATIVE,
    "rf.cat": _Range(2, _MOST_CATEGORIES),
    "rf.var": _Range(0, int(_LARGEST)),
    "rf.acc": _SHARE,
    "sharkrf.nbtrees": _Range(1, _MOST_TREES),
    "sharkrf.nodesize": _COUNT,
    "sharkrf.mtry": _Range(0, int(_LARGEST)),
    "sharkrf.oobr": _POSITIVE_SHARE,
    "libsvm.c": _POSITIVE,
    "libsvm.gamma": _NOT_NEGATIVE,
    "libsvm.coef0": _ANY,
    "libsvm.degree": _Range(0, 100),
    "libsvm.nu": _POSITIVE_SHARE,
    "boost.w": _Range(1, _MOST_TREES),
    "boost.r": _SHARE,
    "boost.m": _Range(1, _DEEPEST_OF_OPENCV),
    "dt.max": _Range(1, _NO_LIMIT),
    "dt.min": _COUNT,
    "dt.ra": _NOT_NEGATIVE,
    "dt.cat": _Range(2, _MOST_CATEGORIES),
    "ann.sizes": _Range(1, 100_000),
    "ann.a": _ANY,
    "ann.b": _ANY,
    "ann.bpdw": _NOT_NEGATIVE,
    "ann.bpms": _NOT_NEGATIVE,
    "ann.rdw": _POSITIVE,
    "ann.rdwm": _POSITIVE,
    "ann.eps": _POSITIVE,
    "ann.iter": _COUNT,
    "knn.k": _Range(1, 100_000),
    "logistic.c": _POSITIVE,
    "logistic.pixels": _COUNT,
}


def check_ranges(classifier: Mapping[str, Any]) -> None:
    """Check that each number among a classifier's parameters is in its range.

    Parameters
    ----------
    classifier
        TrainVectorClassifier's own parameters. OTB refuses unknown parameters.

    Raises
    ------
    ValueError
        A number is out of its range. The message gives the key, the value and the range.
    """
    for key, value in classifier.items():
        allowed = _RANGES.get(key.removeprefix("classifier."))
        if allowed is not None:
            _check(key, value, allowed)
    # OpenCV grows the trees, unless there is no error at which to stop.
    error = _number(classifier.get("classifier.rf.acc", _LEAST_ERROR))
    if error is not None and error > 0 and "classifier.rf.max" in classifier:
        allowed = _Range(1, _DEEPEST_OF_OPENCV)
        _check("classifier.rf.max", classifier["classifier.rf.max"], allowed, " unless classifier.rf.acc is 0")


def check_drawn_features(classifier: Mapping[str, Any], features: int) -> None:
    """Check that a forest is not to draw more features for a node than there are.

    Parameters
    ----------
    classifier
        TrainVectorClassifier's own parameters.
    features
        Number of the features that the scene has.

    Raises
    ------
    ValueError
        It is. The message gives the key, the value and the range.
    """
    for key in _VARIABLES:
        if key in classifier:
            _check(key, classifier[key], _Range(0, features), f", as many as there are features ({features})")


def _check(key: str, value: Any, allowed: _Range, reason: str = "") -> None:
    for one in value if isinstance(value, list | tuple) else (value,):
        number = _number(one)
        if number is None or not allowed.holds(number):
            shown = quoted(one) if isinstance(one, str) else str(one).lower() if isinstance(one, bool) else _plain(one)
            raise ValueError(f"{key}: {shown} is not allowed; it must be {allowed}{reason}")


def _number(value: Any) -> float | None:
    """Return a number that is given as a number or as text. None if it is not a number, or not finite."""
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def _plain(value: float) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
