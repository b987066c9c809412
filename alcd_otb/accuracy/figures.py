"""Define the figures that are estimated of a class: accuracies, and its area."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from alcd_otb.accuracy.stratified import Estimate, LabelledSample


@dataclass(frozen=True)
class ClassFigures:
    """Estimates for one class, or for one side of the two-class figures.

    An estimate is None if it is undefined: where the map gives the class to no point, or no point is of the class.

    Attributes
    ----------
    name
        Name of the class.
    points_mapped
        Number of points that the map gives the class.
    points_true
        Number of points that were labelled with the class.
    mapped_hectares
        Area of the class in the map, in hectares.
    users_accuracy
        Precision, 0 to 1.
    producers_accuracy
        Recall, 0 to 1.
    f1
        Their harmonic mean, 0 to 1.
    share
        Share of the area that is truly of the class, 0 to 1.
    hectares
        True area of the class, in hectares.
    """

    name: str
    points_mapped: int
    points_true: int
    mapped_hectares: float
    users_accuracy: Estimate | None
    producers_accuracy: Estimate | None
    f1: Estimate | None
    share: Estimate | None
    hectares: Estimate | None

    @classmethod
    def of(cls, sample: LabelledSample, index: int, name: str, mapped_hectares: Sequence[float]) -> Self:
        """Estimate the figures of one class of a sample.

        Parameters
        ----------
        sample
            The labelled points.
        index
            Index of the class in the sample.
        name
            Name of the class.
        mapped_hectares
            Area in the map of each class of the sample, in hectares.
        """
        counts = sample.counts.sum(axis=0)
        share = sample.area_share(index)
        return cls(
            name=name,
            points_mapped=int(counts[index].sum()),
            points_true=int(counts[:, index].sum()),
            mapped_hectares=mapped_hectares[index],
            users_accuracy=sample.users_accuracy(index),
            producers_accuracy=sample.producers_accuracy(index),
            f1=sample.f1(index),
            share=share,
            hectares=None if share is None else share.times(sum(mapped_hectares)),
        )

    def as_json(self) -> dict[str, Any]:
        """Return all but the name as a JSON object, estimates as separate objects."""
        return {key: value for key, value in asdict(self).items() if key != "name"}
