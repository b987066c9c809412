"""Define the actions that the page sends to the store. Anything else is refused."""

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter

from alcd_otb.settings.strict_model import StrictModel

MOST_CORNERS = 2000
"""Most corners of a polygon that is drawn in the page."""

_FARTHEST = 1e9


def _finite(value: float) -> float:
    if not math.isfinite(value) or abs(value) > _FARTHEST:
        raise ValueError("is not a coordinate of a map")
    return value


ActionId = Annotated[str, Field(pattern=r"^[0-9a-z-]{8,64}$")]
ClassCode = Annotated[int, Field(ge=1, le=255, strict=True)]
Coordinate = Annotated[float, AfterValidator(_finite)]
LayerName = Literal["samples", "corrections"]

SAMPLES: LayerName = "samples"
CORRECTIONS: LayerName = "corrections"


class Target(StrictModel):
    """The feature that an action changes: by its number in a layer, or by the action that made it."""

    layer: LayerName = Field(default=SAMPLES, description="the layer")
    feature: int | None = Field(default=None, ge=0, strict=True, description="its number in the layer")
    action: ActionId | None = Field(default=None, description="the action that made it")


class _Action(StrictModel):
    id: ActionId = Field(description="the same when it is sent again")
    author: str = Field(default="", max_length=80, description="who labels")


class AddPoint(_Action):
    """Label a point."""

    do: Literal["add"] = Field(description="what is done")
    code: ClassCode = Field(description="the class")
    x: Coordinate = Field(description="in map units")
    y: Coordinate = Field(description="in map units")


class DrawPolygon(_Action):
    """Correct the map within a polygon."""

    do: Literal["draw"] = Field(description="what is done")
    code: ClassCode = Field(description="the class")
    ring: Annotated[
        tuple[tuple[Coordinate, Coordinate], ...],
        Field(min_length=3, max_length=MOST_CORNERS, description="corners in map units"),
    ]


class ChangeClass(_Action):
    """Give a point or a correction another class."""

    do: Literal["class"] = Field(description="what is done")
    code: ClassCode = Field(description="the class")
    target: Target = Field(description="what is changed")


class Delete(_Action):
    """Delete a point or a correction."""

    do: Literal["delete"] = Field(description="what is done")
    target: Target = Field(description="what is deleted")


class Undo(_Action):
    """Undo the last change that is not undone yet."""

    do: Literal["undo"] = Field(description="what is done")


class Redo(_Action):
    """Do again what was undone last."""

    do: Literal["redo"] = Field(description="what is done")


AnyAction = AddPoint | DrawPolygon | ChangeClass | Delete | Undo | Redo
ACTION: TypeAdapter[AnyAction] = TypeAdapter(Annotated[AnyAction, Field(discriminator="do")])
"""Reads an action from JSON. Raises pydantic's ValidationError, a ValueError, if it is not an action."""
