"""Check the features of a template: bands, formulas, textures and functions in Python."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator

from alcd_otb.errors import ConfigurationError
from alcd_otb.settings.band_names import KNOWN_NAMES, any_clear_date
from alcd_otb.settings.expressions import Expression, parse_expression
from alcd_otb.settings.strict_model import StrictModel, Text
from alcd_otb.text import did_you_mean

# The template checks the names, because it declares the bands. Editors propose those of Sentinel-2.
Name = Annotated[str, WithJsonSchema({"anyOf": [{"type": "string", "enum": sorted(KNOWN_NAMES)}, {"type": "string"}]})]
FeatureName = Annotated[
    Text, Field(description="for all features except plain names: the name of the band in `features.tif`")
]


class Formula(StrictModel):
    """A feature computed pixel by pixel from bands, such as an index or a difference of dates."""

    name: FeatureName
    expr: str = Field(description="for a formula: an [expression](#expressions)")

    @field_validator("expr")
    @classmethod
    def _checked(cls, text: str) -> str:
        # The template checks the names, because it declares the bands.
        try:
            parse_expression(text)
        except ConfigurationError as error:
            # pydantic adds the key only to a ValueError.
            raise ValueError(str(error)) from error
        return text

    @property
    def expression(self) -> Expression:
        """The checked expression."""
        return parse_expression(self.expr)


class Texture(StrictModel):
    """A feature computed from one band in a square window of side 2 radius + 1 pixels.

    Notes
    -----
    ``contour_density`` is the mean over the window of the gradient's magnitude, in the band's unit per metre.
    ``variation_coefficient`` is the standard deviation (n - 1) divided by the mean. Both are those of Baetens et al.
    (2019).
    """

    name: FeatureName
    texture: Literal["contour_density", "variation_coefficient"] = Field(
        description="for a texture: mean magnitude of the gradient, or standard deviation divided by mean"
    )
    band: Name = Field(description="for a texture: [the name](#names) of its band")
    radius: int = Field(
        default=3, ge=1, le=50, description="for a texture: radius in pixels; its window has a side of 2 radius + 1"
    )


class PythonFeature(StrictModel):
    """A feature that a function in Python computes block by block; it gets a `blocks.Block`."""

    name: FeatureName
    python: str = Field(
        description="for a function: `FILE.py:FUNCTION`, the file relative to the file that names it, or "
        "`PACKAGE.MODULE:FUNCTION`"
    )
    bands: tuple[Name, ...] = Field(min_length=1, description="for a function: [the names](#names) that it reads")
    halo: int = Field(
        default=0, ge=0, le=256, description="for a function: how many pixels around a pixel its value depends on"
    )
    options: dict[str, Any] = Field(default={}, description="for a function: its other arguments")

    @field_validator("python")
    @classmethod
    def _names_a_function(cls, python: str) -> str:
        place, _, function = python.rpartition(":")
        module = all(part.isidentifier() for part in place.split("."))
        if not function.isidentifier() or not (module or is_file_name(place)):
            raise ValueError(f"{python!r} is neither 'FILE.py:FUNCTION' nor 'PACKAGE.MODULE:FUNCTION'")
        return python

    @field_validator("bands")
    @classmethod
    def _once_each(cls, bands: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(bands)) < len(bands):
            raise ValueError("a band occurs more than once")
        return bands

    @property
    def place(self) -> str:
        """The file or the module that holds the function."""
        return self.python.rpartition(":")[0]

    @property
    def function(self) -> str:
        """The name of the function."""
        return self.python.rpartition(":")[2]


def _feature(value: Any) -> Any:
    """Choose the kind of a feature by its keys, since a plain union would report every kind's errors."""
    if isinstance(value, str | Formula | Texture | PythonFeature):
        return value
    if isinstance(value, dict) and "texture" in value:
        return Texture(**value)
    if isinstance(value, dict) and "python" in value:
        return PythonFeature(**value)
    if isinstance(value, dict) and "expr" in value:
        return Formula(**value)
    raise ValueError(f"{value!r} is neither a band, nor has it the key 'expr', 'texture' or 'python'")


Feature = Annotated[Name | Formula | Texture | PythonFeature, BeforeValidator(_feature)]


def feature_name(feature: Feature) -> str:
    """Return the name of a feature, which is the name of its band in ``features.tif``."""
    return feature if isinstance(feature, str) else feature.name


def names_used(feature: Feature) -> tuple[str, ...]:
    """Return the names of the bands and terrain layers that a feature is made from."""
    if isinstance(feature, str):
        return (feature,)
    if isinstance(feature, Texture):
        return (feature.band,)
    if isinstance(feature, PythonFeature):
        return feature.bands
    return feature.expression.names


def is_file_name(place: str) -> bool:
    """Return whether the place of a Python function is a file, and not a module."""
    return place.endswith(".py")


def check_names(feature: Feature, known: frozenset[str], key: str) -> None:
    """Check the names that a feature or a layer of the view uses.

    Parameters
    ----------
    feature
        The feature, or the layer, which is a formula.
    known
        The names that may be used; of clear dates, those of the first.
    key
        The key of the feature in the template, such as ``features.0``.

    Raises
    ------
    ValueError
        A name is unknown. The message begins with the key.
    """
    if isinstance(feature, Formula):
        try:
            parse_expression(feature.expr, known)
        except ConfigurationError as error:
            raise ValueError(f"{key}.expr: {error}") from error
        return
    for name in names_used(feature):
        if any_clear_date(name) not in known:
            within = ".band" if isinstance(feature, Texture) else ".bands" if isinstance(feature, PythonFeature) else ""
            raise ValueError(f"{key}{within}: {name!r} is not known{did_you_mean(name, known)}")
