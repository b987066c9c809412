"""Classes without a sample."""

from alcd_otb.samples.unlabelled import request, unlabelled_classes
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes(
    [
        LegendClass("cloud", 2, "#d2d2d2", True),
        LegendClass("snow", 4, "#ffffff", False),
        LegendClass("land", 5, "#009738", False),
        LegendClass("water", 6, "#008ed0", False),
    ]
)


def test_are_named_in_the_order_of_the_legend() -> None:
    assert unlabelled_classes(["land", "cloud", "land"], LEGEND) == ("snow", "water")
    assert unlabelled_classes([], LEGEND) == LEGEND.names
    assert unlabelled_classes(LEGEND.names, LEGEND) == ()


def test_are_asked_for() -> None:
    assert request(("snow", "water")) == "no sample of snow, water: label one of each if the scene has any"
    assert request(("snow",)) == "no sample of snow: label one if the scene has any"
    assert request(()) == ""
