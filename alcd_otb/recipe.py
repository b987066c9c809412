"""A template's features as layers of an OTB stack."""

from collections.abc import Iterable
from typing import TypeVar

from alcd_otb.config import CLEAR, TERRAIN, Feature, Texture, ViewLayer, names_used
from alcd_otb.expressions import Expression
from otb_pipelines.stack import ContourDensity, Formula, Layer, VariationCoefficient

FeatureT = TypeVar("FeatureT", bound=Feature)

_LARGEST_VIEW_VALUE = 32767.0


def possible(features: Iterable[FeatureT], clear: bool, dem: bool) -> tuple[FeatureT, ...]:
    """The features that can be made with or without a clear date and an elevation model."""
    return tuple(
        feature
        for feature in features
        if all((clear or not name.startswith(CLEAR)) and (dem or name not in TERRAIN) for name in names_used(feature))
    )


def feature_layer(feature: Feature) -> Layer:
    """The layer of the feature stack."""
    if isinstance(feature, str):
        return feature
    if isinstance(feature, Texture):
        texture = ContourDensity if feature.texture == "contour_density" else VariationCoefficient
        return texture(feature.band, feature.radius)
    return Formula(_in_bandmath(feature.expression), feature.expression.names)


def view_layer(layer: ViewLayer) -> Formula:
    """The layer of the view stack: whole steps, as far as 16 bits reach."""
    limit = f"{_LARGEST_VIEW_VALUE}"
    steps = f"rint(min(max({_in_bandmath(layer.expression)}/{layer.step!r},-{limit}),{limit}))"
    return Formula(steps, layer.expression.names)


def _in_bandmath(expression: Expression) -> str:
    return expression.to_muparser(_variables(expression).__getitem__)


def _variables(expression: Expression) -> dict[str, str]:
    """BandMath's variable for each name: the sole band of an image, the images in the order of the names."""
    return {name: f"im{number}b1" for number, name in enumerate(expression.names, start=1)}
