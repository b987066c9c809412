"""The operator's samples: points and polygons of known class; their split into training and validation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


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


def named_features(features: Sequence[str], most: int = 5) -> str:
    """``a, b and 3 more``: features for a message of one line."""
    rest = f" and {len(features) - most} more" if len(features) > most else ""
    return ", ".join(features[:most]) + rest
