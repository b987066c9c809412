"""A template's features as layers of an OTB stack."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from alcd_otb.band_names import TERRAIN, date_and_band
from alcd_otb.expressions import Expression
from alcd_otb.features import Feature, PythonFeature, Texture, names_used
from alcd_otb.view import ViewLayer
from otb_pipelines.stack import ContourDensity, Formula, Layer, VariationCoefficient

FeatureT = TypeVar("FeatureT", bound=Feature)


def possible(features: Iterable[FeatureT], clear: int, dem: bool) -> tuple[FeatureT, ...]:
    """The features that can be made with so many clear dates, and with or without an elevation model."""
    return tuple(
        feature
        for feature in features
        if all(date_and_band(name)[0] <= clear and (dem or name not in TERRAIN) for name in names_used(feature))
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
    value = feature.expression.to_muparser(_variables(feature.expression).__getitem__)
    return Formula(value, feature.expression.names)


def python_source(feature: PythonFeature) -> str:
    """The name under which what a Python function computed is a source of the stack; no band has such a name."""
    return f"python.{feature.name}"


def shown_steps(layers: Iterable[ViewLayer]) -> dict[str, float]:
    """The step of each band that the view shows as it is, in which its other layers read it, too."""
    shown: dict[str, float] = {}
    for layer in layers:
        name = layer.expression.names[0]
        if layer.expr == name and name not in TERRAIN:
            shown.setdefault(name, layer.step)
    return shown


def view_layer(layer: ViewLayer, steps: Mapping[str, float], no_data: int | None = None) -> Layer:
    """The layer of the view stack: whole steps, kept to 16 bits when written.

    steps: of the sources that come in such. no_data: the least number of 16 bits, for what has no value; None: nothing
    stands for it.
    """
    if steps.get(layer.expr) == layer.step:
        return layer.expr
    variables = {
        name: f"({variable}*{steps[name]!r})" if name in steps else variable
        for name, variable in _variables(layer.expression).items()
    }
    value = layer.expression.to_muparser(variables.__getitem__)
    shown = f"rint({value}/{layer.step!r})"
    if no_data is not None:
        shown = f"({value}-{value})==0 ? max({shown},{no_data + 1}) : {no_data}"
    return Formula(shown, layer.expression.names)


def _variables(expression: Expression) -> dict[str, str]:
    """The formula's variable for each name: the sole band of an image, the images in the order of the names."""
    return {name: f"im{number}b1" for number, name in enumerate(expression.names, start=1)}
