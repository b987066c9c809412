"""Classes of a legend: what they must be, and how they are found."""

import json
import re

import pytest

from alcd_otb.errors import AlcdError
from alcd_otb.settings.legend import Legend, LegendClass, Positive, rgb

WATER = LegendClass("water", 6, "#008ed0", False)
CLOUD = LegendClass("low_clouds", 2, "#D2d2d2", True, "#00c90d")


def test_is_in_order_of_code() -> None:
    legend = Legend.from_classes([WATER, CLOUD])
    assert legend.codes == (2, 6)
    assert legend.names == ("low_clouds", "water")
    assert legend.invalid_codes == (2,)


def test_finds_by_name_or_code() -> None:
    legend = Legend.from_classes([WATER, CLOUD])
    assert legend.find("water") is legend.find("6") is legend.find(6) is legend.with_code(6) is WATER
    assert legend.find("Water") is None
    assert legend.find("06") is None
    with pytest.raises(KeyError):
        legend.with_code(3)


def test_colours() -> None:
    assert rgb("#008ed0") == WATER.rgb == (0, 142, 208)
    assert CLOUD.rgb == (210, 210, 210)


@pytest.mark.parametrize("code", [-1, 0, 256])
def test_codes_fit_a_byte_and_are_not_no_data(code: int) -> None:
    with pytest.raises(ValueError, match=r"should be (greater|less) than or equal to (1|255)"):
        LegendClass("x", code, "#000000", False)


@pytest.mark.parametrize("colour", ["red", "#fff", "#00000g", "000000", "#0000000", "#000000\n"])
def test_colours_are_hexadecimal(colour: str) -> None:
    with pytest.raises(ValueError, match="should match pattern"):
        LegendClass("x", 1, colour, False)
    with pytest.raises(ValueError, match="should match pattern"):
        LegendClass("x", 1, "#000000", False, colour)


def test_the_invalid_classes_are_positive_unless_others_are_named() -> None:
    legend = Legend.from_classes([WATER, CLOUD])
    assert (legend.positive.title, legend.positive.key) == ("invalid/valid", "invalid_valid")
    assert legend.positive_codes == (2,)
    named = Legend.from_classes([WATER, CLOUD], Positive("wet", ("water",), "dry"))
    assert (named.positive.title, named.positive.key) == ("wet/dry", "wet_dry")
    assert (named.positive_codes, named.invalid_codes) == ((6,), (2,))


def test_no_class_needs_to_be_positive() -> None:
    assert Legend.from_classes([WATER]).positive_codes == ()


@pytest.mark.parametrize(
    ("positive", "problem"),
    [
        (Positive("wet", ()), "positive.classes: names no class"),
        (Positive("wet", ("lake",)), "positive.classes: 'lake' is not a class; there are water, low_clouds"),
        (Positive("water", ("water",)), "positive: 'water' is the name of a class; give the side another name"),
        (Positive("wet", ("water",), "low_clouds"), "positive: 'low_clouds' is the name of a class"),
    ],
)
def test_sides_that_do_not_fit_the_classes(positive: Positive, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        Legend.from_classes([WATER, CLOUD], positive)


@pytest.mark.parametrize("name", ["", "open water", "../water", "1st", "w/o"])
def test_sides_are_words_that_a_file_may_be_called_by(name: str) -> None:
    with pytest.raises(ValueError, match="should match pattern"):
        Positive(name, ("water",))
    with pytest.raises(ValueError, match="should match pattern"):
        Positive("wet", ("water",), name)


def test_results_tell_their_sides() -> None:
    wet = Positive("wet", ("water",), "dry")
    assert Positive.in_results({"positive": json.loads(json.dumps(wet.as_json()))}) == wet
    # Of versions that knew one pair of sides only.
    assert Positive.in_results({"invalid_valid": {}}).title == "invalid/valid"


@pytest.mark.parametrize("metres", [-1.0, float("inf"), float("nan")])
def test_growth_is_a_distance(metres: float) -> None:
    with pytest.raises(ValueError, match=r"grow"):
        LegendClass("x", 1, "#000000", grow=metres)


def test_every_error_has_an_exit_code_of_its_own() -> None:
    codes = {error.__name__: error.exit_code for error in AlcdError.__subclasses__()}
    assert codes == {
        "ConfigurationError": 2,
        "ProductError": 3,
        "SampleError": 4,
        "ProcessingError": 5,
        "EnvironmentNotReadyError": 6,
        "WorkspaceLockedError": 7,
    }
