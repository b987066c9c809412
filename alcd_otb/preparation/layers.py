"""A template's features as layers of an OTB stack."""

from collections.abc import Iterable
from typing import TypeVar

from alcd_otb.settings.band_names import TERRAIN, date_and_band
from alcd_otb.settings.expressions import Expression
from alcd_otb.settings.features import Feature, PythonFeature, Texture, names_used
from alcd_otb.settings.view import ViewLayer
from otb_pipelines.stack import ContourDensity, FormulaLayer, Layer, VariationCoefficient

FeatureT = TypeVar("FeatureT", bound=Feature)


def possible(features: Iterable[FeatureT], clear: int, dem: bool) -> tuple[FeatureT, ...]:
    """The features that can be made with so many clear dates, and with or without an elevation model."""
    return tuple(
        feature
        for feature in features
        if all(date_and_band(name).date <= clear and (dem or name not in TERRAIN) for name in names_used(feature))
    )


def feature_layer(feature: Feature) -> Layer:
    """The layer of the feature stack."""
    if isinstance(feature, str):
        return feature
    if isinstance(feature, PythonFeature):
        return python_source(feature)
    if isinstance(feature, Texture):
        texture = ContourDensity if feature.texture == "contour_density" else VariationCoefficient
        return texture(feature.band, feature.radius)
    return FormulaLayer(_formula(feature.expression), feature.expression.names)


def python_source(feature: PythonFeature) -> str:
    """The name under which what a Python function computed is a source of the stack; no band has such a name."""
    return f"python.{feature.name}"


def view_layer(layer: ViewLayer, no_data: int | None = None) -> Layer:
    """The layer of the view stack in its steps, which writing rounds to whole ones of 16 bits.

    no_data: the least number of 16 bits, for what has no value; None: nothing stands for it.
    """
    value = _formula(layer.expression)
    steps = f"{value}/{layer.step!r}"
    if no_data is not None:
        steps = f"({value}-{value})==0 ? max({steps},{no_data + 1}) : {no_data}"
    return FormulaLayer(steps, layer.expression.names)


def _formula(expression: Expression) -> str:
    """The expression over the sole bands of images, which are in the order of its names."""
    variables = {name: f"im{number}b1" for number, name in enumerate(expression.names, start=1)}
    return expression.to_muparser(variables.__getitem__)
