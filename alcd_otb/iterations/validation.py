"""Describe how the agreement of an iteration with the operator's samples was measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

KEPT_OUT = "kept out"
"""A part of the samples was kept out of training, and compared with the map."""

CROSS_VALIDATION = "cross-validation"
"""All samples trained the map. Each was classified by a classifier that was trained on samples of other squares."""

_TITLES = {KEPT_OUT: "Agreement with the validation points", CROSS_VALIDATION: "Cross-validation of the samples"}

_SENTENCES = {
    KEPT_OUT: (
        "The operator chose the validation points: they are not a random sample, and lie next to training pixels. "
        "Their figures are optimistic."
    ),
    CROSS_VALIDATION: (
        "Cross-validation: each sample is classified by a classifier that was trained on the samples of other squares "
        "of the scene. The operator chose the samples: they are not a random sample. They are classified without the "
        "smoothing of the map. Places proposed for labelling are the most difficult of the scene: with many of them, "
        "the figures are too low."
    ),
}

NO_ORDER = (
    "A higher figure does not mean a better map: in simulated labelling of real scenes, it "
    "moved in the direction of the accuracy of the map about as often as in the other direction."
)
"""Note on the figures of two iterations, printed wherever they stand side by side."""


@dataclass(frozen=True)
class Validation:
    """How the figures of an iteration were made.

    Attributes
    ----------
    method
        `KEPT_OUT` or `CROSS_VALIDATION`.
    folds
        Number of folds of a cross-validation. 0 where the samples allow none, and with samples kept out.
    block
        Side in metres of the squares that are never divided between folds. None with samples kept out.
    untested
        Samples by class name that no fold could test, because no other fold had a sample of the class.
    """

    method: str = KEPT_OUT
    folds: int = 0
    block: float | None = None
    untested: Mapping[str, int] = field(default_factory=dict, hash=False)

    @classmethod
    def in_metrics(cls, metrics: Mapping[str, Any]) -> Self:
        """Read the description from the content of metrics.json.

        An iteration without a description was measured on samples that were kept out.

        Raises
        ------
        ValueError, KeyError, TypeError, AttributeError
            If the description is not that of a run.
        """
        described = metrics.get("validation")
        if described is None:
            return cls()
        method = str(described["method"])
        if method not in _TITLES:
            raise ValueError(f"validation by an unknown method, {method!r}")
        return cls(method, int(described["folds"]), described["block"], dict(described["untested"]))

    def as_json(self) -> dict[str, Any]:
        """Return the content of ``validation`` in metrics.json."""
        return {"method": self.method, "folds": self.folds, "block": self.block, "untested": dict(self.untested)}

    @property
    def title(self) -> str:
        """The heading of the figures."""
        return _TITLES[self.method]

    @property
    def sentence(self) -> str:
        """What the figures measure, and what they do not."""
        return _SENTENCES[self.method]

    @property
    def reference(self) -> str:
        """What the map or the classifier is compared with, in a few words."""
        if self.method == KEPT_OUT:
            return "samples kept out of training"
        return f"the samples by cross-validation in {self.folds} folds"
