"""Define a sample: a point or polygon that an operator has labelled with a class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One labelled point or polygon, in the scene's CRS.

    Attributes
    ----------
    feature
        File name and feature id, ``samples.gpkg:12``; ``samples.gpkg:12/3`` for the third part of a multipart feature.
    code
        Class code of the legend.
    geometry
        GeoJSON-like mapping of type ``Point`` or ``Polygon``, coordinates as (x, y) tuples in map units.
    iteration
        Value of the field of this name in the operator's file. None if the file has no value.
    author
        Likewise. Empty if the file has no value.
    comment
        Likewise.
    created
        Likewise.
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
        """Whether the sample is a point; otherwise it is a polygon."""
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
        """The point itself, or the centre of the polygon's extent, as (x, y) in map units."""
        left, bottom, right, top = self.extent
        return (left + right) / 2, (bottom + top) / 2

    @property
    def __geo_interface__(self) -> dict[str, Any]:
        """A GeoJSON-like feature; its field ``class`` holds the code."""
        properties = {"class": self.code, "iteration": self.iteration, "author": self.author, "comment": self.comment}
        return {"type": "Feature", "id": self.feature, "geometry": dict(self.geometry), "properties": properties}


def named_features(features: Sequence[str], most: int = 5) -> str:
    """List features for a message of one line, as in ``a, b and 3 more``.

    Parameters
    ----------
    features
        Names of the features.
    most
        Number of features to name; the others are counted.
    """
    rest = f" and {len(features) - most} more" if len(features) > most else ""
    return ", ".join(features[:most]) + rest
