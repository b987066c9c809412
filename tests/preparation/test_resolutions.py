"""Any resolution from 10 m up: bands of 10, 20 and 60 m on grids finer, equal, coarser, and no multiple of theirs."""

from pathlib import Path

import numpy as np
import pytest
import scenes
from osgeo import gdal
from preparing import RESOLUTION, Pixels, layers, prepared, write_product, write_scene

from alcd_otb.raster.grid import Grid
from alcd_otb.scene import Scene
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import SyntheticScene

METRES = 1080
BANDS = ("B02", "B8A", "B10")
RESOLUTIONS = (10, 20, 30, 60, 90, 120)
FINEST = 10

# features.tif keeps 17 significant bits.
STORED = 2**-17


def centres(resolution: float) -> Pixels:
    return (np.arange(round(METRES / resolution)) + 0.5) * resolution


def plane(resolution: float) -> Pixels:
    """DN that rise by 2 a metre to the east and 0.5 a metre to the south; a pixel's mean is that at its centre."""
    x = centres(resolution)
    return 2000 + 2 * x[None, :] + 0.5 * x[:, None]


def random(band: str, seed: int) -> Pixels:
    side = METRES // RESOLUTION[band]
    return np.random.default_rng(seed).integers(1100, 9000, (side, side), dtype=np.uint16)


def area_means(pixels: Pixels, native: int, resolution: int) -> Pixels:
    """By area, from pixels of 10 m, of which those of both grids consist."""
    fine = pixels.astype(np.float64).repeat(native // FINEST, 0).repeat(native // FINEST, 1)
    ratio = resolution // FINEST
    side = fine.shape[0] // ratio
    return fine.reshape(side, ratio, side, ratio).mean(axis=(1, 3))


def view(resolution: int) -> dict[str, object]:
    return {"resolution": resolution, "layers": [{"name": "blue", "expr": "B02", "step": 0.0001}]}


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_a_band_no_coarser_than_the_grid_is_averaged_by_area(tmp_path: Path, resolution: int) -> None:
    pixels = {band: random(band, seed) for seed, band in enumerate(BANDS)}
    scene = write_scene(
        tmp_path, write_product(tmp_path, pixels, metres=METRES), features=[*BANDS], view=view(resolution),
        resolution=resolution, decoding="full", margin=0,
    )  # fmt: skip
    work = prepared(scene)
    made = layers(work.features)
    for band, array in made.items():
        assert array.shape == (METRES // resolution, METRES // resolution)
        assert np.isfinite(array).all()
        if RESOLUTION[band] <= resolution:
            expected = (area_means(pixels[band], RESOLUTION[band], resolution) - 1000) / 10000
            np.testing.assert_allclose(array, expected, rtol=2 * STORED)
    shown = layers(work.view)["blue"]
    assert np.abs(shown - (area_means(pixels["B02"], 10, resolution) - 1000)).max() <= 0.51
    assert layers(work.valid)["valid"].all()
    assert gdal.Open(str(work.features)).GetGeoTransform()[1] == resolution


@pytest.mark.parametrize("resolution", [10, 20, 30])
def test_a_band_coarser_than_the_grid_is_interpolated(tmp_path: Path, resolution: int) -> None:
    pixels = {band: np.rint(plane(RESOLUTION[band])) for band in BANDS}
    coarser = [band for band in BANDS if RESOLUTION[band] >= resolution]
    scene = write_scene(
        tmp_path, write_product(tmp_path, pixels, metres=METRES), features=coarser, view=view(20),
        resolution=resolution, decoding="full",
    )  # fmt: skip
    for band, array in layers(prepared(scene).features).items():
        # Beyond the centres of the outermost pixels there is nothing to interpolate with.
        edge = max(0, -(-RESOLUTION[band] // (2 * resolution)))
        inner = slice(edge, array.shape[0] - edge)
        expected = (plane(resolution) - 1000) / 10000
        # Half a DN of rounding each.
        np.testing.assert_allclose(array[inner, inner], expected[inner, inner], atol=1.1e-4)


@pytest.mark.parametrize("resolution", RESOLUTIONS)
def test_wavelet_levels_move_nothing(tmp_path: Path, resolution: int) -> None:
    """On a plane, a shift by a pixel of 10 m would be 20 DN."""
    pixels = {"B02": np.rint(plane(10)), "B8A": np.rint(plane(20))}
    scene = write_scene(
        tmp_path, write_product(tmp_path, pixels, metres=METRES), features=[*pixels], view=view(20),
        resolution=resolution,
    )  # fmt: skip
    expected = (plane(resolution) - 1000) / 10000
    # A wavelet mirrors the image at its edge.
    inner = slice(1, -1) if resolution >= 60 else slice(6, -6)
    for array in layers(prepared(scene).features).values():
        np.testing.assert_allclose(array[inner, inner], expected[inner, inner], atol=5e-4)


def test_a_resolution_that_leaves_a_rest_loses_less_than_a_pixel(tmp_path: Path) -> None:
    pixels = {"B02": random("B02", 1)}
    scene = write_scene(
        tmp_path, write_product(tmp_path, pixels, metres=METRES), features=["B02"], view=view(20), resolution=100,
        decoding="full",
    )  # fmt: skip
    made = layers(prepared(scene).features)["B02"]
    assert made.shape == (10, 10)
    expected = (pixels["B02"][:100, :100].reshape(10, 10, 10, 10).mean(axis=(1, 3)) - 1000) / 10000
    np.testing.assert_allclose(made, expected, rtol=2 * STORED)


@pytest.mark.parametrize("resolution", [10, 20, 30, 90, 120])
def test_the_map_is_the_truth_nearly(tmp_path: Path, small_scene: SyntheticScene, resolution: int) -> None:
    settings = {"margin": 120, "resolution": resolution, "samples": {"growth": 60}}
    file = scenes.write_scene(tmp_path / "scene.json", small_scene, set=settings)
    result = Scene.open(file).run()
    assert result.labels is not None
    assert Grid.of(str(result.labels)).resolution == resolution
    pairs = compare_with_truth(result.labels, small_scene.truth)
    # The mixed pixels of a coarse grid are of the commonest class.
    assert sum(count for (true, mapped), count in pairs.items() if true == mapped) / sum(pairs.values()) > 0.88
