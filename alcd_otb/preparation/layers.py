"""Turn the features of a template into layers of an OTB stack."""

from collections.abc import Iterable
from typing import TypeVar

from alcd_otb.settings.band_names import TERRAIN, date_and_band
from alcd_otb.settings.expressions import Expression
from alcd_otb.settings.features import Feature, PythonFeature, Texture, names_used
from alcd_otb.settings.view import ViewLayer
from otb_pipelines.stack import ContourDensity, FormulaLayer, Layer, VariationCoefficient

FeatureT = TypeVar("FeatureT", bound=Feature)


def possible(features: Iterable[FeatureT], clear: int, dem: bool) -> tuple[FeatureT, ...]:
    """Choose the features that can be made.

    Parameters
    ----------
    features
        The features of a template, or the layers of its view.
    clear
        Number of clear dates of the scene.
    dem
        Whether the scene has an elevation model.
    """
    return tuple(
        feature
        for feature in features
        if all(date_and_band(name).date <= clear and (dem or name not in TERRAIN) for name in names_used(feature))
    )


def feature_layer(feature: Feature) -> Layer:
    """Make the layer of the feature stack for a feature."""
    if isinstance(feature, str):
        return feature
    if isinstance(feature, PythonFeature):
        return python_source(feature)
    if isinstance(feature, Texture):
        texture = ContourDensity if feature.texture == "contour_density" else VariationCoefficient
        return texture(feature.band, feature.radius)
    return FormulaLayer(_formula(feature.expression), feature.expression.names)


def python_source(feature: PythonFeature) -> str:
    """Return the name of a source of the stack that a Python function has computed. No band has such a name."""
    return f"python.{feature.name}"


def view_layer(layer: ViewLayer) -> Layer:
    """Make the layer of the view stack in its steps, which are rounded to integers of 16 bits when they are written."""
    return FormulaLayer(f"{_formula(layer.expression)}/{layer.step!r}", layer.expression.names)


def plain_view_layer(layer: ViewLayer) -> Layer:
    """Make the layer of a view of floats: its values themselves, NaN without data."""
    return FormulaLayer(_formula(layer.expression), layer.expression.names)


def _formula(expression: Expression) -> str:
    """Write an expression as a formula of images of one band, which are in the order of its names."""
    variables = {name: f"im{number}b1" for number, name in enumerate(expression.names, start=1)}
    return expression.to_muparser(variables.__getitem__)
