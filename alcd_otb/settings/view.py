"""Check the layers of the stack that a person looks at."""

from typing import Self

from pydantic import Field, model_validator

from alcd_otb.settings.features import Formula
from alcd_otb.settings.strict_model import Resolution, StrictModel, Text

BRIGHTEST = 0.25
"""Reflectance that is shown as white. Thin cloud stands out, and land keeps its shades (ALCD's 2500 DN)."""


class ViewLayer(Formula):
    """One layer of the stack that a person looks at, stored as an integer times step."""

    name: Text = Field(
        description="`red`, `green` and `blue` make the pictures; any three that end so are one image in QGIS"
    )
    expr: str = Field(description="an [expression](#expressions)")
    step: float = Field(default=0.001, ge=1e-9, le=1_000_000, description="one unit of the stored 16-bit integer")
    minimum: float | None = Field(
        default=None,
        description="shown as black in pictures and in QGIS; with `maximum`. Absent: 0 in colour; in grey, what leaves "
        "out 2 %",
    )
    maximum: float | None = Field(
        default=None, description="shown as white, or as the full colour; absent: 0.25 in colour"
    )

    @model_validator(mode="after")
    def _stretch(self) -> Self:
        if (self.minimum is None) != (self.maximum is None):
            raise ValueError("minimum and maximum: give both, or neither")
        if self.minimum is not None and self.maximum is not None and self.minimum >= self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is not below maximum {self.maximum:g}")
        return self

    @property
    def limits(self) -> tuple[float, float] | None:
        """The values shown as black and as white, or None if the template does not give them."""
        return None if self.minimum is None or self.maximum is None else (self.minimum, self.maximum)


class View(StrictModel):
    """The stack that a person looks at."""

    resolution: Resolution | None = Field(
        default=None, description="in metres, as the template's `resolution`; absent: 20, or a stack's own"
    )
    layers: tuple[ViewLayer, ...] = Field(description="formulas")

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """The values shown as black and as white, by the names of the layers for which the template gives them."""
        return {layer.name: layer.limits for layer in self.layers if layer.limits is not None}
