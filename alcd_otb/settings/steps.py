"""Define the settings of the steps of a turn: training pixels, smoothing, confidence, and places to label next."""

from typing import Self

from pydantic import Field, model_validator

from alcd_otb.settings.legend import MOST_GROWTH
from alcd_otb.settings.strict_model import FARTHEST, Metres, Radius, StrictModel

MOST_PLACES = 1000
"""Most places that are proposed in a turn."""
MOST_SMOOTHING = 10
"""Largest standard deviation of the smoothing in pixels. What is read around a block grows with it."""


class SampleSettings(StrictModel):
    """How the operator's samples become training and validation pixels.

    The pixels of one square are nearly alike, so that a forest draws its limits too close around them. Jitter is for
    this.
    """

    growth: float = Field(
        default=100,
        ge=0,
        le=MOST_GROWTH,
        description="half side in metres of the square around a point, of the classes without `grow`; 0: the one "
        "pixel that holds it",
    )
    training_proportion: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="share of each class's samples that train, and the others validate; 1: all train, and "
        "[a cross-validation](../how_to/accuracy.md#the-figures-of-an-iteration) validates",
    )
    most_pixels_per_class: int = Field(
        default=8000, ge=1, le=2**31 - 1, description="training takes no more pixels of a class"
    )
    jitter: float = Field(
        default=0,
        ge=0,
        le=2,
        description="noise of a copy of each training pixel, as a share of each feature's standard deviation in the "
        "class; 0: no copies",
    )
    seed: int = Field(
        default=1,
        ge=0,
        le=2**31 - 1,
        description="of split, sampling, jitter and training: the same seed, the same map",
    )
    block: float = Field(
        default=5000,
        ge=1,
        le=FARTHEST,
        description="side in metres of the squares that "
        "[cross-validation](../how_to/accuracy.md#k-fold-cross-validation) "
        "keeps whole; that of an iteration takes smaller ones in a small scene",
    )


class Regularisation(StrictModel):
    """How single pixels are brought in line with those around them.

    A majority vote wears off thin clouds and edges; smoothing keeps them.
    """

    smoothing: float = Field(
        default=0,
        ge=0,
        le=MOST_SMOOTHING,
        description="in pixels, standard deviation of the Gaussian by which the shares of the classes, as votes of a "
        "random forest, are averaged before the class is chosen; 0: they are not",
    )
    smoothing_metres: Metres = Field(
        default=0,
        description=f"the same in metres, in the place of `smoothing`; it is never more than {MOST_SMOOTHING} pixels",
    )
    radius: Radius = Field(
        default=1,
        description="in pixels, of the ball of a majority vote, 0: none; for other classifiers, and without smoothing",
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
        description="whether to write [the share of every class](../how_to/python.md#the-shares-of-all-classes), too",
    )

    radius: Radius = Field(default=5, description="in pixels, of the median in `confidence_smoothed.tif`; 0: none")


class QuerySettings(StrictModel):
    """Which places are proposed to be labelled next."""

    number: int = Field(default=12, ge=1, le=MOST_PLACES, description="places proposed in a turn")
    start: int = Field(
        default=18,
        ge=1,
        le=MOST_PLACES,
        description="[places proposed before there is any map](../explanation/queries.md#the-places-to-label-first): "
        "into so many kinds the pixels of the scene are divided",
    )
    spacing: Metres = Field(
        default=480,
        description="metres between the places, and between them and samples; "
        "[less in a small scene](../explanation/queries.md#in-a-small-scene)",
    )
    candidates: int = Field(
        default=16,
        ge=1,
        le=100,
        description="pixels of least margin from which they are chosen, as a multiple of `number`: more give more "
        "weight to what is new, fewer to what is unsure; at most 10000 pixels",
    )
