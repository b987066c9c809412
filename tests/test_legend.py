"""Classes of a legend: what they must be, and how they are found."""

import pytest

from alcd_otb.errors import AlcdError
from alcd_otb.legend import Legend, LegendClass, rgb

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
