"""Pictures: the right colour in the right place, at a size for a screen."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from PIL import Image
from scenes import FinishedScene

from alcd_otb.pictures.figures import (
    MOST_PIXELS,
    coloured,
    confidence_colours,
    confidence_steps,
    draw_figures,
    draw_quicklook,
    indexed,
    map_codes,
    outlined,
    picture_of,
    smoothed_confidence,
    with_legend,
)
from alcd_otb.pictures.looks import ShownLook, looks_of
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes(
    [
        LegendClass("cloud", 2, "#d2d2d2", True, "#00c90d"),
        LegendClass("land", 5, "#009738", False),
    ]
)


def write_confidence(path: Path, values: Any) -> Path:
    values = np.asarray(values, np.float32)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[1], values.shape[0], 1, gdal.GDT_Float32)
    dataset.WriteArray(values)
    del dataset
    return path


def write(path: Path, pixels: Any, names: tuple[str, ...] = ("class",), scale: float = 1) -> Path:
    pixels = np.atleast_3d(pixels)
    kind = gdal.GDT_Byte if pixels.dtype == np.uint8 else gdal.GDT_Int16
    rows, columns, bands = pixels.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), columns, rows, bands, kind)
    for number, name in enumerate(names, start=1):
        band = dataset.GetRasterBand(number)
        band.WriteArray(pixels[:, :, number - 1])
        band.SetDescription(name)
        band.SetScale(scale)
    del band, dataset
    return path


def test_colours_by_hand() -> None:
    picture = coloured(np.array([[0, 2], [5, 5]], np.uint8), LEGEND)
    assert picture.tolist() == [[[255, 255, 255], [0xD2, 0xD2, 0xD2]], [[0, 0x97, 0x38], [0, 0x97, 0x38]]]


def test_outlines_lie_inside_and_are_two_pixels_wide() -> None:
    codes = np.full((9, 9), 5, np.uint8)
    codes[1:8, 1:8] = 2
    picture = outlined(np.zeros((9, 9, 3), np.uint8), codes, LEGEND)
    marked = (picture == (0x00, 0xC9, 0x0D)).all(-1)
    expected = codes == 2
    expected[3:6, 3:6] = False
    np.testing.assert_array_equal(marked, expected)
    assert (picture[~marked] == 0).all()


def test_a_class_at_the_edge_of_the_picture_is_not_outlined_there() -> None:
    codes = np.full((6, 6), 2, np.uint8)
    codes[:, 5] = 5
    marked = outlined(np.zeros((6, 6, 3), np.uint8), codes, LEGEND).any(-1)
    assert marked.tolist() == [[False, False, False, True, True, False]] * 6


@pytest.mark.parametrize(
    ("side", "expected"), [(61, 1830), (120, 1800), (366, 1830), (1000, 1000), (1830, 1830), (1831, 915), (5490, 1830)]
)
def test_size(tmp_path: Path, side: int, expected: int) -> None:
    path = tmp_path / "labels.tif"
    gdal.GetDriverByName("GTiff").Create(str(path), side, max(1, side // 3), 1, gdal.GDT_Byte)
    codes = map_codes(path)
    assert codes.shape[1] == expected <= MOST_PIXELS


def test_an_enlarged_map_repeats_its_pixels(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).choice([0, 2, 5], (30, 20)).astype(np.uint8)
    np.testing.assert_array_equal(
        map_codes(write(tmp_path / "labels.tif", codes)), codes.repeat(61, axis=0).repeat(61, axis=1)
    )


class TestPictureOfALook:
    NAMES = ("blue", "red", "green")
    QUARTER = ShownLook("true colour", ("red", "green", "blue"), ((0, 0.25),) * 3)

    def test_takes_the_layers_by_name_and_stretches_them(self, tmp_path: Path) -> None:
        stored = np.zeros((1000, 1000, 3), np.int16)
        stored[..., 0], stored[..., 1], stored[..., 2] = 50, 250, 125
        stored[0, 0] = (-20, 900, 0)
        picture = picture_of(write(tmp_path / "view.tif", stored, self.NAMES, 0.001), self.QUARTER)
        assert picture[5, 5].tolist() == [255, 127, 51]
        assert picture[0, 0].tolist() == [255, 0, 0]

    def test_of_one_layer_is_grey_and_gamma_raises_what_is_dark(self, tmp_path: Path) -> None:
        """A quarter of the way from black to white is a half of it, where gamma is 2."""
        stored = np.full((1000, 1000, 3), 100, np.int16)
        view = write(tmp_path / "view.tif", stored, self.NAMES, 0.001)
        assert picture_of(view, ShownLook("grey", ("red",), ((0, 0.4),), 2))[5, 5].tolist() == [127] * 3
        limits = ((0, 0.4), (0.1, 0.2), (0, 0.05))
        assert picture_of(view, ShownLook("c", self.NAMES, limits, 2))[5, 5].tolist() == [127, 0, 255]

    def test_averages_what_it_shrinks(self, tmp_path: Path) -> None:
        stored = np.random.default_rng(2).integers(0, 250, (1840, 1840, 3), dtype=np.int16)
        picture = picture_of(write(tmp_path / "view.tif", stored, self.NAMES, 0.001), self.QUARTER)
        assert picture.shape == (920, 920, 3)
        means = stored.reshape(920, 2, 920, 2, 3).mean((1, 3))[..., [1, 2, 0]]
        assert np.abs(picture - np.clip(means * 0.001 / 0.25 * 255, 0, 255)).max() < 2

    def test_there_is_none_without_a_look_in_colour(self, tmp_path: Path) -> None:
        view = write(tmp_path / "v.tif", np.zeros((9, 9, 2), np.int16), ("red", "green"))
        looks = [ShownLook("red", ("red",), ((0, 1),))]
        assert not draw_quicklook(view, looks, tmp_path / "quicklook.png", tmp_path / "preview.jpg")
        assert not (tmp_path / "quicklook.png").exists()


def test_legend_stands_beside_the_picture() -> None:
    picture = np.zeros((10, 40, 3), np.uint8)
    sheet = np.asarray(with_legend(picture, [("cloud", (1, 2, 3)), ("land", (4, 5, 6))]))
    assert (sheet[:10, :40] == 0).all()
    beside = sheet[:, 40:].reshape(-1, 3).tolist()
    assert [1, 2, 3] in beside
    assert [4, 5, 6] in beside


class TestConfidence:
    def test_steps_by_hand(self, tmp_path: Path) -> None:
        values = [[0, 0.01, 0.49, 0.5, 0.59], [0.6, 0.7, 0.89, 0.9, 1]]
        steps = confidence_steps(write_confidence(tmp_path / "confidence.tif", values))
        # Each pixel is enlarged to a square.
        assert steps.shape == (366, 915)
        assert steps[91::183, 91::183].tolist() == [[0, 6, 6, 5, 5], [4, 3, 2, 1, 1]]

    def test_is_averaged_where_it_is_made_small(self, tmp_path: Path) -> None:
        values = np.full((10, 1830), 0.95)
        values[:, 1::2] = 0.61
        # 0.78 in the mean.
        steps = confidence_steps(write_confidence(tmp_path / "confidence.tif", values))
        assert steps.shape == (5, 915)
        assert (steps == 3).all()

    def test_grows_ever_darker(self) -> None:
        luminances = [
            0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in confidence_colours().values()
        ]
        assert luminances == sorted(luminances)
        assert all(other - one > 20 for one, other in pairwise(luminances))

    def test_smoothed_is_preferred(self, tmp_path: Path) -> None:
        assert smoothed_confidence(tmp_path) is None
        plain = write_confidence(tmp_path / "confidence.tif", [[1]])
        assert smoothed_confidence(tmp_path) == plain
        smoothed = write_confidence(tmp_path / "confidence_smoothed.tif", [[1]])
        assert smoothed_confidence(tmp_path) == smoothed


def test_an_indexed_picture_has_the_colours_given() -> None:
    codes = np.array([[0, 2], [5, 255]], np.uint8)
    picture = np.asarray(indexed(codes, {2: (1, 2, 3), 5: (4, 5, 6)}).convert("RGB"))
    assert picture.tolist() == [[[255, 255, 255], [1, 2, 3]], [[4, 5, 6], [255, 255, 255]]]


def test_figures_of_the_small_scene(finished: FinishedScene, tmp_path: Path) -> None:
    workspace, legend = finished.scene.workspace, finished.scene.config.template.legend
    assert finished.result.labels is not None
    written = draw_figures(workspace.quicklook, finished.result.labels, legend, tmp_path)
    assert [path.name for path in written] == ["classes.png", "contours.png", "confidence.png"]
    pictures = {path.stem: np.asarray(Image.open(path)) for path in (workspace.quicklook, *written)}
    look = looks_of(workspace, finished.scene.config.template.view)[0]
    assert look.name == "true colour"
    np.testing.assert_array_equal(pictures["quicklook"], picture_of(workspace.view, look))
    assert pictures["quicklook"].shape == (1800, 1800, 3)
    dataset = gdal.Open(str(finished.result.labels))
    codes = dataset.ReadAsArray()
    # The centre of each pixel of the map has its class's colour.
    centres = pictures["classes"][7:1800:15, 7:1800:15]
    for one in legend.classes:
        assert (centres[codes == one.code] == one.rgb).all()
    assert (centres[codes == 0] == 255).all()
    # A contour covers a part of its own class only.
    changed = (pictures["contours"][:1800, :1800] != pictures["quicklook"]).any(-1)
    outlined_codes = [one.code for one in legend.classes if one.contour]
    assert set(np.unique(codes.repeat(15, 0).repeat(15, 1)[changed])) <= set(outlined_codes)
    assert 0.001 < changed.mean() < 0.3
