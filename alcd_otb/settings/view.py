"""Check the layers of the stack that a person looks at, and the looks in which they are shown."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from alcd_otb.settings.band_names import date_and_band
from alcd_otb.settings.features import Formula
from alcd_otb.settings.strict_model import Metres, Resolution, StrictModel, Text

COLOURS = ("red", "green", "blue")
"""The ends of the names of three layers that make a picture in colour."""

PERCENTILES = (2.0, 98.0)
"""The percentiles of the valid pixels that are shown as black and as white, unless a look gives others."""

GAMMA = 1.8
"""The gamma of true colours. Land is five times darker than a cloud, and must be visible beside it."""

# The bands that red, green and blue show in true colours.
_VISIBLE = (("B04", "red"), ("B03", "green"), ("B02", "blue"))

Percent = Annotated[float, Field(ge=0, le=100)]


def _check_limits(minimum: float | None, maximum: float | None) -> None:
    if (minimum is None) != (maximum is None):
        raise ValueError("minimum and maximum: give both, or neither")
    if minimum is not None and maximum is not None and minimum >= maximum:
        raise ValueError(f"minimum {minimum:g} is not below maximum {maximum:g}")


class ViewLayer(Formula):
    """One layer of the stack that a person looks at."""

    name: Text = Field(
        description="`red`, `green` and `blue` make the pictures; any three names with these endings are one image "
        "in QGIS"
    )
    expr: str = Field(description="an [expression](#expressions)")
    step: float = Field(
        default=0.001,
        ge=1e-9,
        le=1_000_000,
        description="one unit of the stored 16-bit integer. If any layer of a stack's view has no step, the view has "
        "32-bit floats",
    )
    detail: Metres | None = Field(
        default=None,
        description="finest pixels in metres that the bands need, which saves time. Absent: those of the view",
    )
    minimum: float | None = Field(
        default=None,
        description="value shown as black in pictures and in QGIS; with `maximum`. Absent: that of the look",
    )
    maximum: float | None = Field(default=None, description="value shown as white, or as the full colour")

    @model_validator(mode="after")
    def _stretch(self) -> Self:
        _check_limits(self.minimum, self.maximum)
        return self

    @property
    def has_step(self) -> bool:
        """Whether the template gives a step."""
        return "step" in self.model_fields_set

    @property
    def limits(self) -> tuple[float, float] | None:
        """The values shown as black and as white, or None if the template does not give them."""
        return None if self.minimum is None or self.maximum is None else (self.minimum, self.maximum)


class Look(StrictModel):
    """A way to show the scene: one layer in grey, or three in red, green and blue, and their contrast."""

    name: Text = Field(description="name in QGIS")
    layers: tuple[Text, ...] = Field(description="one layer, shown in grey, or three: red, green and blue")
    percentiles: tuple[Percent, ...] = Field(
        default=PERCENTILES,
        min_length=2,
        max_length=2,
        description="percentiles of the valid pixels of the scene that are shown as black and as white",
    )
    together: bool = Field(
        default=False,
        description="one white for the three layers, so that white objects stay white; each layer has its own black, "
        "which removes haze",
    )
    gamma: float = Field(
        default=1,
        ge=0.1,
        le=10,
        description="above 1, dark pixels are shown brighter; 1.8 shows land beside white clouds",
    )
    minimum: float | None = Field(
        default=None,
        description="value shown as black, instead of the percentiles and of the layers' own; with `maximum`",
    )
    maximum: float | None = Field(default=None, description="value shown as white, or as the full colour")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.layers) not in (1, 3):
            raise ValueError(f"layers: {len(self.layers)} are named; name one, or three for red, green and blue")
        if self.percentiles[0] >= self.percentiles[1]:
            raise ValueError(f"percentiles: {self.percentiles[0]:g} is not below {self.percentiles[1]:g}")
        _check_limits(self.minimum, self.maximum)
        return self

    @property
    def limits(self) -> tuple[float, float] | None:
        """The values shown as black and as white in all layers, or None if the look does not give them."""
        return None if self.minimum is None or self.maximum is None else (self.minimum, self.maximum)


class View(StrictModel):
    """The stack that a person looks at."""

    resolution: Resolution | None = Field(
        default=None,
        description="pixel size in metres, like the template's `resolution`. Absent: 20, or the pixels of the stack",
    )
    layers: tuple[ViewLayer, ...] = Field(description="formulas")
    looks: tuple[Look, ...] = Field(
        default=(),
        description="how QGIS shows the layers, in this order; pictures show the first look in colour. Layers "
        "without a look get their own",
    )

    @model_validator(mode="after")
    def _known_layers(self) -> Self:
        names = [layer.name for layer in self.layers]
        for number, look in enumerate(self.looks):
            unknown = [name for name in look.layers if name not in names]
            if unknown:
                raise ValueError(f"looks.{number}.layers: {unknown[0]!r} is not one of the layers {', '.join(names)}")
        titles = [look.name for look in self.looks]
        twice = [title for title in titles if titles.count(title) > 1]
        if twice:
            raise ValueError(f"looks: {twice[0]!r} occurs more than once; each look needs a name of its own")
        return self

    @property
    def limits(self) -> dict[str, tuple[float, float]]:
        """The values shown as black and as white, by the names of the layers for which the template gives them."""
        return {layer.name: layer.limits for layer in self.layers if layer.limits is not None}

    def looks_of(self, present: Sequence[str]) -> tuple[Look, ...]:
        """List the looks of a view: those of the template, then one for each layer that they leave out.

        Three layers whose names end in red, green and blue are one look in colour.

        Parameters
        ----------
        present
            The names of the layers of the view, of which a scene without clear date has fewer than its template.
        """
        given = [look for look in self.looks if all(name in present for name in look.layers)]
        used = {name for look in given for name in look.layers}
        return (*given, *self._own_looks([name for name in present if name not in used]))

    def _own_looks(self, names: Sequence[str]) -> Iterator[Look]:
        sources = {layer.name: layer.expression.names for layer in self.layers}
        left = list(names)
        for prefix in [name.removesuffix(COLOURS[0]) for name in names if name.endswith(COLOURS[0])]:
            colours = tuple(f"{prefix}{colour}" for colour in COLOURS)
            if all(name in left for name in colours):
                is_true = _are_true([sources.get(name, ()) for name in colours])
                title = f"{prefix.replace('_', ' ')}{'true' if is_true else 'false'} colour"
                yield Look(name=title, layers=colours, together=is_true, gamma=GAMMA if is_true else 1)
                left = [name for name in left if name not in colours]
        yield from (Look(name=name, layers=(name,)) for name in left)


def _are_true(sources: Sequence[tuple[str, ...]]) -> bool:
    """Return whether red, green and blue are made from the bands of these colours, and nothing else."""
    return all(
        len(names) == 1 and date_and_band(names[0]).band in bands
        for names, bands in zip(sources, _VISIBLE, strict=True)
    )
