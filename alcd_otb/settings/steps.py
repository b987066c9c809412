"""Define the settings of an iteration: training pixels, smoothing, confidence, and places to label next."""

from typing import Self

from pydantic import Field, model_validator

from alcd_otb.settings.legend import MOST_GROWTH
from alcd_otb.settings.strict_model import FARTHEST, Metres, Radius, StrictModel

MOST_PLACES = 1000
"""Largest number of places that are proposed at a time."""
MOST_SMOOTHING = 10
"""Largest standard deviation of the smoothing in pixels. The margin that is read around a block grows with it."""


class SampleSettings(StrictModel):
    """How the operator's samples become training and validation pixels.

    The pixels of one square are similar, so that a forest draws its limits too close around them. Jitter is for
    this.
    """

    growth: float = Field(
        default=100,
        ge=0,
        le=MOST_GROWTH,
        description="half the side in metres of the square around a point, for classes without `grow`; 0: only the "
        "pixel that contains the point",
    )
    training_proportion: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="fraction of each class's samples that train; the others are kept out and validate. 1: all "
        "train, and [a cross-validation](../how_to/accuracy.md#the-figures-of-an-iteration) validates",
    )
    most_pixels_per_class: int = Field(
        default=8000, ge=1, le=2**31 - 1, description="maximum number of training pixels per class"
    )
    jitter: float = Field(
        default=0,
        ge=0,
        le=2,
        description="noise of a copy of each training pixel, as a fraction of each feature's standard deviation in "
        "the class; 0: no copies",
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=2**31 - 1,
        description="seed of split, sampling, jitter and training; the same seed gives the same map",
    )
    block: float = Field(
        default=5000,
        ge=1,
        le=FARTHEST,
        description="side in metres of the squares that "
        "[cross-validation](../how_to/accuracy.md#k-fold-cross-validation) does not divide; in a small "
        "scene, iterations use smaller squares",
    )


class Regularisation(StrictModel):
    """How single pixels are smoothed with the pixels around them.

    A majority vote erodes thin clouds and edges; smoothing keeps them.
    """

    smoothing: float = Field(
        default=0,
        ge=0,
        le=MOST_SMOOTHING,
        description="standard deviation in pixels of the Gaussian that averages the vote fractions before the class "
        "is chosen; 0: no smoothing",
    )
    smoothing_metres: Metres = Field(
        default=0,
        description=f"the same in metres, instead of `smoothing`; it is never more than {MOST_SMOOTHING} pixels",
    )
    radius: Radius = Field(
        default=1,
        description="radius in pixels of a majority vote; 0: none. For classifiers without vote fractions, and "
        "without smoothing",
    )

    @model_validator(mode="after")
    def _in_one_unit(self) -> Self:
        if self.smoothing and self.smoothing_metres:
            raise ValueError('"smoothing" and "smoothing_metres" are both given; give one of them')
        return self

    def deviation(self, resolution: float) -> float:
        """Compute the standard deviation of the smoothing.

        Parameters
        ----------
        resolution
            Side of a pixel of the map in metres.

        Returns
        -------
        float
            In pixels, 0 to 10. 0 means that the shares are not smoothed.
        """
        return self.smoothing or min(self.smoothing_metres / resolution, MOST_SMOOTHING)


class Confidence(StrictModel):
    """Cleaning of the confidence."""

    shares: bool = Field(
        default=False,
        description="whether to write [the vote fraction of every "
        "class](../how_to/python.md#the-shares-of-all-classes) as well",
    )

    radius: Radius = Field(
        default=5, description="radius in pixels of the median in `confidence_smoothed.tif`; 0: none"
    )


class QuerySettings(StrictModel):
    """Which places are proposed to be labelled next."""

    number: int = Field(default=12, ge=1, le=MOST_PLACES, description="number of places proposed per iteration")
    start: int = Field(
        default=18,
        ge=1,
        le=MOST_PLACES,
        description="number of [places proposed before there is a "
        "map](../explanation/queries.md#the-places-to-label-first): one for each group of similar pixels",
    )
    spacing: Metres = Field(
        default=480,
        description="minimum distance in metres between places, and between places and samples; [less in a small "
        "scene](../explanation/queries.md#in-a-small-scene)",
    )
    candidates: int = Field(
        default=16,
        ge=1,
        le=100,
        description="number of candidates with the smallest decision margin, as a multiple of `number`. More give "
        "more weight to new kinds of pixels, fewer to uncertain pixels; at most 10000 pixels",
    )
