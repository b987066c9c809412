"""The view and the pictures of stacks of any type and unit: all values are held, and all can be seen."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal
from PIL import Image
from stacks import Pixels, write_stack

from alcd_otb.scene import Scene
from otb_pipelines.settings import Settings

BANDS = ["B02", "B03", "B04"]
CLASSES = [
    {"name": "low_clouds", "code": 2, "colour": "#ffffff", "invalid": True},
    {"name": "land", "code": 5, "colour": "#00ff00"},
]
SIDE = 150


def reflectances() -> Pixels:
    """Three bands of 0.02 to 0.9, most of them dark."""
    shares = np.random.default_rng(3).random((3, SIDE, SIDE))
    values: Pixels = 0.02 + 0.88 * shares**4
    return values


def layers(**settings: Any) -> list[dict[str, Any]]:
    return [
        {"name": name, "expr": band, **settings}
        for name, band in zip(("red", "green", "blue"), reversed(BANDS), strict=True)
    ]


def prepared(folder: Path, pixels: Pixels, view: dict[str, Any], no_data: float | None = None) -> Scene:
    """Prepare a scene of a stack, and return it."""
    write_stack(folder / "stack.tif", dict(zip(BANDS, pixels, strict=True)), no_data=no_data)
    template = {
        "classes": CLASSES,
        "bands": BANDS,
        "features": BANDS,
        "margin": 0,
        "view": view,
        "classifier": {"classifier": "rf"},
    }
    (folder / "template.json").write_text(json.dumps(template))
    (folder / "scene.json").write_text(
        json.dumps({"stack": "stack.tif", "template": "template.json", "workspace": "work"})
    )
    scene = Scene.open(folder / "scene.json")
    scene.run()
    return scene


def stored(scene: Scene) -> Pixels:
    """The values of the view, by its bands' scales."""
    dataset = gdal.Open(str(scene.workspace.view))
    bands = [dataset.GetRasterBand(number) for number in (1, 2, 3)]
    return np.stack(
        [band.ReadAsArray().astype(float) * (band.GetScale() or 1) + (band.GetOffset() or 0) for band in bands]
    )


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    ("unit", "tolerance"),
    [("digital numbers", 0.5), ("8 bits", 0.5), ("decibels", 1e-3), ("power", 1e-3), ("huge", 1e25)],
)
def test_values_are_held_and_seen(
    tmp_path: Path, unit: str, tolerance: float, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is clipped, and the picture has all shades, without a minimum and a maximum in the template."""
    values = reflectances()
    pixels = {
        "digital numbers": lambda: np.rint(values * 10000 * 3).astype(np.int16),
        "8 bits": lambda: np.rint(values * 255).astype(np.uint8),
        "decibels": lambda: (10 * np.log10(values) - 20).astype(np.float32),
        "power": lambda: values.astype(np.float32) * 100,
        "huge": lambda: (values * 1e30).astype(np.float32),
    }[unit]()
    scene = prepared(tmp_path, pixels, {"layers": layers()})
    np.testing.assert_allclose(stored(scene), pixels[::-1].astype(float), rtol=2**-17, atol=tolerance / 100)
    assert gdal.Open(str(scene.workspace.view)).GetRasterBand(1).GetBlockSize() == [512, 512]
    picture = np.asarray(Image.open(scene.workspace.quicklook)).astype(float)
    assert ((picture.min(-1) >= 250) | (picture.max(-1) <= 3)).mean() < 0.05
    assert all(picture[..., channel].std() > 30 for channel in range(3))
    assert warnings(caplog) == []


def test_no_data_is_told_from_values(tmp_path: Path) -> None:
    pixels = np.rint(reflectances() * 10000).astype(np.int16)
    pixels[:, :40] = -9999
    scene = prepared(tmp_path, pixels, {"layers": layers()}, no_data=-9999)
    dataset = gdal.Open(str(scene.workspace.view))
    assert np.isnan(dataset.GetRasterBand(1).GetNoDataValue())
    values = dataset.ReadAsArray()
    assert np.isnan(values[:, :40]).all()
    np.testing.assert_array_equal(values[:, 40:], pixels[::-1, 40:])
    picture = np.asarray(Image.open(scene.workspace.quicklook))
    rows = 40 * picture.shape[0] // SIDE
    assert (picture[:rows] == 0).all()
    assert picture[rows:].std() > 30


def test_wrong_limits_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Reflectance of 0 to 0.25 for a stack of digital numbers: all is white."""
    pixels = np.rint(reflectances() * 10000).astype(np.int16)
    scene = prepared(tmp_path, pixels, {"layers": layers(minimum=0, maximum=0.25)})
    (warning,) = warnings(caplog)
    assert warning.startswith(
        f"{scene.workspace.view}: 100 % of the look 'true colour' is white: it shows 0 to 0.25, and"
    )
    assert "gdal_translate -a_scale" in warning


def test_steps_that_are_too_small_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """In steps of 0.1, 16 bits hold 3276.7: what is above, or below -3276.7, is clipped and counted."""
    pixels = np.zeros((3, SIDE, SIDE), np.int16)
    pixels[:] = np.arange(SIDE)
    pixels[2, :3, :2] = 3277
    pixels[2, 5, 5] = -9000
    scene = prepared(tmp_path, pixels, {"layers": layers(step=0.1)})
    (warning,) = warnings(caplog)
    assert warning == (
        f"{scene.workspace.view}: 7 values of the layer 'red' do not fit into 16-bit integers in steps of 0.1, "
        "and are clipped; give the layer a larger step in the template's view"
    )
    values = stored(scene)
    np.testing.assert_allclose(values[1:], pixels[1::-1], atol=0.05)
    assert (values.min(), values.max()) == (pytest.approx(-3276.7), pytest.approx(3276.7))


def test_other_looks_take_no_preparation(tmp_path: Path) -> None:
    scene = prepared(tmp_path, np.rint(reflectances() * 255).astype(np.uint8), {"layers": layers()})
    before = scene.workspace.view.stat().st_mtime_ns, scene.workspace.features.stat().st_mtime_ns
    picture = scene.workspace.quicklook.read_bytes()
    scene.run()
    assert scene.workspace.quicklook.read_bytes() == picture
    template = json.loads((tmp_path / "template.json").read_text())
    template["view"]["looks"] = [{"name": "mine", "layers": ["red", "green", "blue"], "minimum": 0, "maximum": 100}]
    (tmp_path / "template.json").write_text(json.dumps(template))
    scene = Scene.open(tmp_path / "scene.json")
    scene.run()
    assert before == (scene.workspace.view.stat().st_mtime_ns, scene.workspace.features.stat().st_mtime_ns)
    (look,) = json.loads(scene.workspace.preparation.read_text())["looks"]
    assert look == {"name": "mine", "layers": ["red", "green", "blue"], "limits": [[0, 100]] * 3, "gamma": 1}
    shown = np.asarray(Image.open(scene.workspace.quicklook))[6::12, 6::12].astype(int)
    values = gdal.Open(str(tmp_path / "stack.tif")).ReadAsArray()[::-1].transpose(1, 2, 0)
    assert np.abs(shown - np.clip(values / 100 * 255, 0, 255)).max() <= 1


def test_the_looks_are_the_same_whatever_threads_and_memory(tmp_path: Path) -> None:
    records = []
    for threads, ram in ((1, 64), (2, 512)):
        folder = tmp_path / str(threads)
        folder.mkdir()
        scene = prepared(folder, np.rint(reflectances() * 10000).astype(np.int16), {"layers": layers()})
        scene = Scene.open(folder / "scene.json", Settings(ram=ram, threads=threads))
        scene.workspace.preparation.unlink()
        scene.run()
        records.append(json.loads(scene.workspace.preparation.read_text())["looks"])
    assert records[0] == records[1]
