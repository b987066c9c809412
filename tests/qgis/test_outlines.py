"""The outlines of two classes are never alike on the map: the colours differ much, or the lines do."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from lxml import etree

from alcd_otb.qgis.styles import write_styles
from alcd_otb.settings.legend import Legend, rgb
from alcd_otb.settings.template import load_template, template_names

FAR = 60
"""Difference in red, green or blue at which two thin lines of the same kind are told apart."""


def outlines(legend: Legend, folder: Path) -> dict[int, list[dict[str, str]]]:
    """Return the options of the two lines of each outlined class, the edge first, by the code of the class."""
    written = next(path for path in write_styles(legend, folder, "any") if path.stem == "any_contours")
    renderer = etree.parse(written).find(".//renderer-v2")
    symbols = {symbol.get("name"): symbol for symbol in renderer.iterfind("symbols/symbol")}
    found = {}
    for category in renderer.iterfind("categories/category"):
        layers = symbols[category.get("symbol")].iterfind("layer")
        options = [
            {each.get("name"): each.get("value") for each in layer.iterfind("Option/Option")} for layer in layers
        ]
        found[int(category.get("value"))] = options
    return found


def colour(options: dict[str, str]) -> tuple[int, ...]:
    return tuple(map(int, options["outline_color"].split(",")[:3]))


@pytest.mark.parametrize("template", template_names())
def test_lines_have_the_colours_of_their_classes_and_are_told_apart(template: str, tmp_path: Path) -> None:
    legend = load_template(template).legend
    drawn = outlines(legend, tmp_path)
    assert set(drawn) == {entry.code for entry in legend.classes if entry.contour}
    for code, (edge, line) in drawn.items():
        assert colour(line) == rgb(legend.with_code(code).colour)
        # The edge is seen on both sides of the line, and through its gaps.
        assert edge["outline_style"] == "solid"
        assert float(edge["outline_width"]) > float(line["outline_width"])
        assert np.abs(np.subtract(colour(edge), colour(line))).max() > 127
    for (_, one), (_, other) in itertools.combinations(drawn.values(), 2):
        far = np.abs(np.subtract(colour(one), colour(other))).max() >= FAR
        assert far or one["outline_style"] != other["outline_style"]


def test_grey_and_black_classes_have_lines_of_different_kinds(tmp_path: Path) -> None:
    legend = load_template("clouds").legend
    kinds = {
        legend.with_code(code).name: line["outline_style"] for code, (_, line) in outlines(legend, tmp_path).items()
    }
    assert kinds == {
        "low_clouds": "solid",
        "high_clouds": "solid",
        "clouds_shadows": "dash",
        "water": "solid",
        "snow": "dot",
    }
