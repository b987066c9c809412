"""Features as layers of a stack."""

from alcd_otb.features import Formula, Texture
from alcd_otb.recipe import feature_layer, possible, shown_steps, view_layer
from alcd_otb.view import ViewLayer
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
    assert feature_layer(NDVI) == stack.Formula("((im1b1-im2b1)/(im1b1+im2b1))", ("B08", "B04"))
    assert feature_layer(CLEAR_TEXTURE) == stack.ContourDensity("clear.B02", 3)
    variation = Texture(name="v", texture="variation_coefficient", band="B02", radius=5)
    assert feature_layer(variation) == stack.VariationCoefficient("B02", 5)


def test_view_layers_read_a_band_in_the_steps_in_which_it_is_shown() -> None:
    red = ViewLayer(name="red", expr="B04", step=0.001)
    coarse = ViewLayer(name="coarse", expr="B04", step=0.01)
    ratio = ViewLayer(name="ratio", expr="B08 / B04", step=0.1)
    height = ViewLayer(name="height", expr="dem", step=1)
    steps = shown_steps((ratio, red, coarse, height))
    assert steps == {"B04": 0.001}
    assert view_layer(red, steps) == "B04"
    for layer, sources, value in (
        (coarse, ("B04",), "(im1b1*0.001)/0.01"),
        (ratio, ("B08", "B04"), "(im1b1/(im2b1*0.001))/0.1"),
        (height, ("dem",), "im1b1/1.0"),
    ):
        made = view_layer(layer, steps)
        assert isinstance(made, stack.Formula)
        assert made.sources == sources
        assert value in made.expression
