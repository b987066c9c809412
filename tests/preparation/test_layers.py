"""Features as layers of a stack."""

from alcd_otb.preparation.layers import feature_layer, plain_view_layer, possible, view_layer
from alcd_otb.settings.features import Formula, Texture
from alcd_otb.settings.view import ViewLayer
from otb_pipelines import stack

NDVI = Formula(name="NDVI", expr="(B08 - B04) / (B08 + B04)")
DIFFERENCE = Formula(name="difference", expr="B02 - clear.B02")
STEEP = Formula(name="steep", expr="slope > 20")
CLEAR_TEXTURE = Texture(name="density", texture="contour_density", band="clear.B02")


def test_possible_features() -> None:
    features = ("B02", "clear.B02", "dem", NDVI, DIFFERENCE, STEEP, CLEAR_TEXTURE)
    assert possible(features, clear=True, dem=True) == features
    assert possible(features, clear=True, dem=False) == ("B02", "clear.B02", NDVI, DIFFERENCE, CLEAR_TEXTURE)
    assert possible(features, clear=False, dem=True) == ("B02", "dem", NDVI, STEEP)
    assert possible(features, clear=False, dem=False) == ("B02", NDVI)


def test_feature_layers() -> None:
    assert feature_layer("clear.B02") == "clear.B02"
    assert feature_layer(NDVI) == stack.FormulaLayer("((im1b1-im2b1)/(im1b1+im2b1))", ("B08", "B04"))
    assert feature_layer(CLEAR_TEXTURE) == stack.ContourDensity("clear.B02", 3)
    variation = Texture(name="v", texture="variation_coefficient", band="B02", radius=5)
    assert feature_layer(variation) == stack.VariationCoefficient("B02", 5)


def test_view_layers_are_in_their_steps() -> None:
    for layer, sources, value in (
        (ViewLayer(name="red", expr="B04", step=0.001), ("B04",), "im1b1/0.001"),
        (ViewLayer(name="ratio", expr="B08 / B04", step=0.1), ("B08", "B04"), "(im1b1/im2b1)/0.1"),
        (ViewLayer(name="height", expr="dem", step=1), ("dem",), "im1b1/1.0"),
    ):
        assert view_layer(layer) == stack.FormulaLayer(value, sources)
        assert plain_view_layer(layer).expression.strip("()") == value.rpartition("/")[0].strip("()")
