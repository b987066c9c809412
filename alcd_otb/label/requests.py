"""Define the requests of the page. Anything else is refused."""

from typing import Any

from pydantic import Field

from alcd_otb.label.frames import PLANES
from alcd_otb.settings.strict_model import StrictModel

MOST_ACTIONS = 50
"""Actions of one request."""


class ViewRequest(StrictModel):
    """The part of the map that the page shows."""

    window: tuple[int, int, int, int] = Field(description="first row, first column, rows, columns")
    planes: tuple[str, ...] = Field(default=("labels",), max_length=len(PLANES), description="names of PLANES")
    have: int | None = Field(default=None, strict=True, description="number of the part that the page has")


class ActRequest(StrictModel):
    """Actions in their order, and the part of the map to answer with."""

    actions: tuple[Any, ...] = Field(max_length=MOST_ACTIONS, description="see AnyAction")
    since: str | None = Field(default=None, max_length=40, description="revision of the labels that the page has")
    view: ViewRequest | None = Field(default=None, description="what the page shows")
