"""Features decoded from wavelet levels: near the full decoding, and valid only away from the edge of the data."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from preparing import CLEAR, layers, prepared, write_product, write_scene

METRES = 6000
VIEW = {"resolution": 60, "layers": [{"name": "blue", "expr": "B02", "step": 0.001}]}
EDGES = {"upright": 0.0, "steep": 0.2, "oblique": 1.0}


def ground(noise: float) -> np.ndarray:
    """Smooth bright ground, in DN of 10 m pixels."""
    rows, columns = np.mgrid[0:600, 0:600]
    smooth = 5000 + 3000 * np.sin(rows / 60) * np.cos(columns / 45)
    return smooth + np.random.default_rng(1).normal(0, noise, smooth.shape)


def prepared_band(folder: Path, array: np.ndarray, sensed: str, **settings: object) -> tuple[np.ndarray, np.ndarray]:
    """(reflectance at 60 m, valid) of B02."""
    product = write_product(folder, {"B02": array}, sensed=sensed, metres=METRES, offset=0)
    work = prepared(write_scene(folder, product, features=["B02"], view=VIEW, **settings))
    return layers(work.features)["B02"], gdal.Open(str(work.valid)).ReadAsArray() == 1


@pytest.mark.parametrize("decoding", ["auto", "full"])
@pytest.mark.parametrize("edge", EDGES)
def test_edge_of_the_data_does_not_reach_valid_pixels(tmp_path: Path, edge: str, decoding: str) -> None:
    rows, columns = np.mgrid[0:600, 0:600]
    whole = ground(100)
    has_data = columns < 250 + EDGES[edge] * rows
    cut, valid = prepared_band(tmp_path, np.where(has_data, whole, 0), CLEAR, decoding=decoding, margin=0)
    (tmp_path / "uncut").mkdir()
    uncut, _ = prepared_band(tmp_path / "uncut", whole, CLEAR, decoding=decoding, margin=0)
    difference = np.abs(cut - uncut)
    share_of_data = has_data.reshape(100, 6, 100, 6).mean(axis=(1, 3))
    assert not valid[share_of_data == 0].any()
    if decoding == "full":
        assert (difference[share_of_data == 1] == 0).all()
        np.testing.assert_array_equal(valid, share_of_data > 0)
    else:
        # Reflectances are mixed with 0 along the edge; of the valid ones nothing shows. (Where the edge meets the
        # tile's at an acute angle, opening takes its tip: in the first rows a pixel may be mixed.)
        assert np.nanmax(difference) > 0.003
        assert difference[2:][valid[2:]].max() < 0.001
        # The edge costs 240 m, four pixels, and the one in which it lies.
        assert valid.sum() > (share_of_data == 1).sum() - 100 * 6 * np.hypot(1, EDGES[edge])


def test_levels_are_near_the_full_decoding(tmp_path: Path) -> None:
    """Smooth ground: within 0.001 of reflectance; with noise of 0.03 a pixel, within a sixth of it at 60 m."""
    for noise, tolerance in ((0, 0.001), (300, 0.005)):
        made = {}
        for decoding in ("auto", "full"):
            folder = tmp_path / f"{decoding}{noise}"
            folder.mkdir()
            made[decoding], valid = prepared_band(folder, ground(noise), CLEAR, decoding=decoding)
            assert valid.all()
        difference = made["auto"] - made["full"]
        assert difference.any()
        assert difference.std() < tolerance
        assert abs(difference.mean()) < 1e-3
