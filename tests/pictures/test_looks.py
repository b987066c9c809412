"""Looks: the contrast of the scene's own valid pixels, recorded once, and told where nothing can be seen."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from pydantic import ValidationError

from alcd_otb.pictures.looks import ReducedImage, ShownLook, computed_looks, looks_of, remarks_on
from alcd_otb.settings.view import View
from alcd_otb.workspace import Workspace

SIDE = 200
COLOURS = ("red", "green", "blue")


def write(path: Path, layers: dict[str, Any], resolution: float, scale: float | None = None) -> Path:
    first = next(iter(layers.values()))
    kind = {"uint8": gdal.GDT_Byte, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32}[first.dtype.name]
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), first.shape[1], first.shape[0], len(layers), kind)
    dataset.SetGeoTransform((0, resolution, 0, 0, 0, -resolution))
    for number, (name, pixels) in enumerate(layers.items(), start=1):
        band = dataset.GetRasterBand(number)
        band.SetDescription(name)
        band.WriteArray(pixels)
        if scale:
            band.SetScale(scale)
        if kind == gdal.GDT_Float32:
            band.SetNoDataValue(float("nan"))
    return path


def view_of(*names: str, **settings: Any) -> View:
    """Settings of a view whose layers are not bands of these colours."""
    return View(layers=[{"name": name, "expr": f"my_{name}"} for name in names], **settings)


def first(view: Path, settings: View, valid: Path) -> ShownLook:
    """The first look."""
    return computed_looks(ReducedImage(view, valid), settings)[0]


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """A view of 20 m from 0 to 39999 steps of 0.0001 in red, half of it in green, and 200 more in blue."""
    values = np.arange(SIDE * SIDE, dtype=np.float64).reshape(SIDE, SIDE)
    steps = {"red": values * 0.8, "green": values * 0.4, "blue": values * 0.8 + 200}
    return write(tmp_path / "view.tif", {name: one.astype(np.int16) for name, one in steps.items()}, 20, 0.0001)


class TestContrast:
    def test_is_that_of_percentiles(self, ramp: Path, tmp_path: Path) -> None:
        look = first(ramp, view_of(*COLOURS), tmp_path / "absent.tif")
        assert (look.name, look.layers, look.gamma) == ("false colour", COLOURS, 1)
        # 2 % and 98 % of 40000 values in a row, in steps of 0.0001.
        np.testing.assert_allclose(look.limits, [(0.064, 3.1359), (0.032, 1.568), (0.084, 3.1559)], atol=2e-4)

    def test_is_of_valid_pixels_alone(self, ramp: Path, tmp_path: Path) -> None:
        """Valid is the upper half, on a grid of 60 m whose last row is cut."""
        valid = np.zeros((67, 67), np.uint8)
        valid[:33] = 1
        path = write(tmp_path / "valid.tif", {"": valid}, 60)
        look = first(ramp, view_of("red", looks=[{"name": "x", "layers": ["red"]}]), path)
        np.testing.assert_allclose(look.limits, [(0.032, 1.568)], rtol=0.02)

    def test_together_has_one_white_and_a_black_of_each(self, ramp: Path, tmp_path: Path) -> None:
        settings = view_of(*COLOURS, looks=[{"name": "x", "layers": COLOURS, "together": True, "gamma": 1.8}])
        look = first(ramp, settings, tmp_path / "absent.tif")
        whites = {white for _, white in look.limits}
        assert len(whites) == 1
        values = gdal.Open(str(ramp)).ReadAsArray() * 0.0001
        np.testing.assert_allclose(whites.pop(), np.percentile(values, 98), rtol=1e-5)
        np.testing.assert_allclose([black for black, _ in look.limits], [0.064, 0.032, 0.084], atol=2e-4)
        assert look.gamma == 1.8

    @pytest.mark.parametrize(
        ("kind", "factor", "shift"), [("uint8", 1 / 200, 0), ("int16", 0.25, 0), ("float32", 1e-3, -30)]
    )
    def test_suits_any_unit(self, tmp_path: Path, kind: str, factor: float, shift: float) -> None:
        """Whatever the unit, most of the picture is neither white nor black."""
        values = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) * factor + shift
        view = write(tmp_path / "view.tif", {name: values.astype(kind) for name in COLOURS}, 10)
        look = first(view, view_of(*COLOURS), tmp_path / "absent.tif")
        assert remarks_on(ReducedImage(view, tmp_path / "absent.tif"), [look]) == []
        low, high = look.limits[0]
        np.testing.assert_allclose((low, high), np.percentile(values, (2, 98)), atol=1 if kind != "float32" else 1e-3)

    def test_leaves_out_what_has_no_data(self, tmp_path: Path) -> None:
        values = np.full((SIDE, SIDE), np.nan, np.float32)
        values[:10] = np.linspace(-25, -5, 10 * SIDE).reshape(10, SIDE)
        look = first(write(tmp_path / "view.tif", {"VV": values}, 10), view_of("VV"), tmp_path / "absent.tif")
        np.testing.assert_allclose(look.limits, [(-24.6, -5.4)], atol=0.01)

    @pytest.mark.parametrize("value", [0, 7, -300])
    def test_of_one_value_is_not_empty(self, tmp_path: Path, value: int) -> None:
        view = write(tmp_path / "view.tif", {"x": np.full((9, 9), value, np.int16)}, 10)
        ((low, high),) = first(view, view_of("x"), tmp_path / "absent.tif").limits
        assert low == value < high

    def test_of_a_scene_without_valid_pixels_is_that_of_all(self, ramp: Path, tmp_path: Path) -> None:
        nothing = write(tmp_path / "valid.tif", {"": np.zeros((67, 67), np.uint8)}, 60)
        assert first(ramp, view_of(*COLOURS), nothing) == first(ramp, view_of(*COLOURS), tmp_path / "absent.tif")

    def test_that_the_template_gives_comes_first(self, ramp: Path, tmp_path: Path) -> None:
        layers = [{"name": name, "expr": name, "minimum": 0, "maximum": 2} for name in COLOURS]
        look = {"name": "bright", "layers": COLOURS, "minimum": 0, "maximum": 1.2}
        found = computed_looks(
            ReducedImage(ramp, tmp_path / "absent.tif"),
            View(layers=layers, looks=[look, {"name": "x", "layers": ["red"]}]),
        )
        assert [one.limits for one in found] == [((0, 1.2),) * 3, ((0, 2),)]


class TestWhichLooks:
    def test_of_a_template_come_first_and_its_other_layers_after_them(self) -> None:
        names = ("red", "green", "blue", "cirrus", "NDVI", "clear_red", "clear_green", "clear_blue")
        given = [{"name": "cirrus", "layers": ["cirrus"]}, {"name": "far", "layers": ["clear_red"]}]
        looks = view_of(*names, looks=given).looks_of(names)
        assert [(look.name, look.layers) for look in looks] == [
            ("cirrus", ("cirrus",)),
            ("far", ("clear_red",)),
            ("false colour", COLOURS),
            ("NDVI", ("NDVI",)),
            ("clear_green", ("clear_green",)),
            ("clear_blue", ("clear_blue",)),
        ]

    def test_lack_those_whose_layers_cannot_be_made(self) -> None:
        settings = view_of("a", "b", looks=[{"name": "one", "layers": ["a"]}, {"name": "two", "layers": ["b"]}])
        assert [look.name for look in settings.looks_of(["b"])] == ["two"]

    def test_true_colours_are_those_of_the_visible_bands(self) -> None:
        layers = [
            {"name": f"clear_{name}", "expr": f"clear.{band}"}
            for name, band in zip(COLOURS, ("B04", "B03", "B02"), strict=True)
        ]
        (look,) = View(layers=layers).looks_of([f"clear_{name}" for name in COLOURS])
        assert (look.name, look.together, look.gamma) == ("clear true colour", True, 1.8)

    @pytest.mark.parametrize(
        ("look", "problem"),
        [
            ({"layers": ["a", "b"]}, "2 are named; name one, or three"),
            ({"layers": ["c"]}, "'c' is not one of the layers a, b"),
            ({"layers": ["a"], "minimum": 1}, "give both, or neither"),
            ({"layers": ["a"], "minimum": 1, "maximum": 1}, "minimum 1 is not below maximum 1"),
            ({"layers": ["a"], "percentiles": [98, 2]}, "98 is not below 2"),
            ({"layers": ["a"], "percentiles": [2, 101]}, "less than or equal to 100"),
            ({"layers": ["a"], "gamma": 0}, "greater than or equal to 0.1"),
        ],
    )
    def test_wrong_ones_are_refused(self, look: dict[str, Any], problem: str) -> None:
        with pytest.raises(ValidationError, match=problem):
            view_of("a", "b", looks=[{"name": "x", **look}])

    def test_two_of_one_name_are_refused(self) -> None:
        with pytest.raises(ValidationError, match="'x' occurs more than once"):
            view_of("a", "b", looks=[{"name": "x", "layers": ["a"]}, {"name": "x", "layers": ["b"]}])


class TestRemarks:
    @pytest.mark.parametrize(("limits", "colour"), [((-2, -1), "white"), ((0, 0.05), "white"), ((10, 20), "black")])
    def test_tell_of_a_look_without_contrast(
        self, ramp: Path, tmp_path: Path, limits: tuple[float, float], colour: str
    ) -> None:
        look = ShownLook("mine", ("red",), (limits,))
        (remark,) = remarks_on(ReducedImage(ramp, tmp_path / "absent.tif"), [look])
        assert f" % of the look 'mine' is {colour}: it shows {limits[0]:g} to {limits[1]:g}, and" in remark
        assert "correct minimum and maximum in the template's view, or leave them out" in remark
        assert "gdal_translate -a_scale" in remark

    def test_say_nothing_of_one_with_contrast(self, ramp: Path, tmp_path: Path) -> None:
        assert remarks_on(ReducedImage(ramp, tmp_path / "absent.tif"), [ShownLook("mine", ("red",), ((0, 1),))]) == []


class TestRecord:
    SETTINGS = view_of(*COLOURS)

    def test_is_taken_as_it_is(self, ramp: Path) -> None:
        look = ShownLook("x", ("blue",), ((1.0, 2.0),), 1.5)
        workspace = Workspace(ramp.parent)
        workspace.preparation.write_text(json.dumps({"looks": [look.as_json()]}))
        assert looks_of(workspace, self.SETTINGS) == (look,)

    @pytest.mark.parametrize(
        "content",
        [
            None, "", "[]", "{}", '{"looks": 1}', '{"looks": [{}]}',
            '{"looks": [{"name": "x", "layers": ["absent"], "limits": [[0, 1]], "gamma": 1}]}',
            '{"looks": [{"name": "x", "layers": ["red"], "limits": [[1, 1]], "gamma": 1}]}',
            '{"looks": [{"name": "x", "layers": ["red", "blue"], "limits": [[0, 1], [0, 1]], "gamma": 1}]}',
        ],
    )  # fmt: skip
    def test_that_is_missing_or_wrong_is_computed_from_the_view(self, ramp: Path, content: str | None) -> None:
        """As in the workspace of an older version."""
        workspace = Workspace(ramp.parent)
        if content is not None:
            workspace.preparation.write_text(content)
        assert looks_of(workspace, self.SETTINGS) == computed_looks(ReducedImage(ramp, workspace.valid), self.SETTINGS)
