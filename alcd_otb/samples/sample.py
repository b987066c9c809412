"""The operator's samples: points and polygons of known class; their split into training and validation."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """One labelled point or polygon, in the scene's CRS.

    feature: file name and feature id, ``samples.gpkg:12``; ``samples.gpkg:12/3`` for the third part of a
    multipart feature.
    code: class code of the legend.
    geometry: GeoJSON-like mapping of type ``Point`` or ``Polygon``, coordinates as (x, y) tuples in map
    units.
    iteration, author, comment, created: what the operator's file says of the feature; None or empty where it
    is silent.
    """

    feature: str
    code: int
    geometry: Mapping[str, Any] = field(hash=False)
    iteration: int | None = None
    author: str = ""
    comment: str = ""
    created: str = ""

    def __post_init__(self) -> None:
        if self.geometry["type"] not in ("Point", "Polygon"):
            raise ValueError(f"{self.feature}: {self.geometry['type']} is neither Point nor Polygon")

    @property
    def is_point(self) -> bool:
        """Whether it is a point, or else a polygon."""
        return bool(self.geometry["type"] == "Point")

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) in map units."""
        if self.is_point:
            x, y = self.geometry["coordinates"]
            return x, y, x, y
        xs, ys = zip(*self.geometry["coordinates"][0], strict=True)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def location(self) -> tuple[float, float]:
        """(x, y): the point itself, or the centre of the polygon's extent."""
        left, bottom, right, top = self.extent
        return (left + right) / 2, (bottom + top) / 2

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """A GeoJSON-like feature; its field ``class`` holds the code."""
        properties = {"class": self.code, "iteration": self.iteration, "author": self.author, "comment": self.comment}
        return {"type": "Feature", "id": self.feature, "geometry": dict(self.geometry), "properties": properties}


def split_samples(
    samples: Iterable[Sample], training_proportion: float, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Split whole samples into (training, validation), class by class.

    Of a class of n samples, ceil(training_proportion * n) go to training, but at least one, and at least one
    goes to validation where n >= 2. Each sample draws a random number from the seed, its class and its place
    to the millimetre, and the lowest are trained on: the split depends neither on the order of the samples
    nor on other classes, and a sample added to a class moves at most one other, so that the validation
    samples of one iteration are hardly trained on in the next. Both sides come back sorted by class, x and y.

    Raises ValueError where training_proportion is not in ]0, 1] or seed is negative.
    """
    if not 0 < training_proportion <= 1:
        raise ValueError(f"training proportion {training_proportion} is not in ]0, 1]")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative")
    training: list[Sample] = []
    validation: list[Sample] = []
    for _, members in groupby(sorted(samples, key=_canonical), key=lambda sample: sample.code):
        of_class = list(members)
        count = _training_count(len(of_class), training_proportion)
        draws = [_draw(sample, seed) for sample in of_class]
        trained = set(sorted(range(len(of_class)), key=draws.__getitem__)[:count])
        for index, sample in enumerate(of_class):
            (training if index in trained else validation).append(sample)
    return tuple(training), tuple(validation)


def named_features(features: Sequence[str], most: int = 5) -> str:
    """``a, b and 3 more``: features for a message of one line."""
    rest = f" and {len(features) - most} more" if len(features) > most else ""
    return ", ".join(features[:most]) + rest


def _canonical(sample: Sample) -> tuple[int, float, float, str]:
    return (sample.code, *sample.location, repr(sample.geometry["coordinates"]))


def _training_count(count: int, proportion: float) -> int:
    # Without the tolerance 0.56 * 25 = 14.000000000000002 would count as 15.
    wanted = math.ceil(proportion * count - 1e-9)
    return max(1, min(wanted, count - 1))


def _draw(sample: Sample, seed: int) -> float:
    # SeedSequence takes integers from 0 up: coordinates are wrapped to 64 bits.
    place = [round(1000 * value) % 2**64 for value in sample.location]
    sequence = np.random.SeedSequence([seed, sample.code, *place])
    return float(np.random.Generator(np.random.PCG64(sequence)).random())
