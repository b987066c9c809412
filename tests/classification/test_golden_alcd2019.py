"""The template clouds_alcd2019 against stacks that the original ALCD made of the same pixels."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from places import REAL_DATA
from preparing import layers, prepared, write_scene

from alcd_otb.settings.features import feature_name
from alcd_otb.settings.scene_file import load_scene

TOULOUSE = REAL_DATA / "alcd_toulouse"
STACKS = TOULOUSE / "ref_inputs" / "Toulouse_31TCJ_20240305" / "In_data" / "Image"
PRODUCTS = TOULOUSE / "s2" / "Toulouse"
CLOUDY = PRODUCTS / "S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125347.SAFE"
CLEAR = PRODUCTS / "S2A_MSIL1C_20240120T105341_N0510_R051_T31TCJ_20240120T125244.SAFE"

BANDS = [f"B{number:02d}" for number in range(1, 13)]
NDVI = {"name": "NDVI", "expr": "(B08 - B04) / (0.01 + B08 + B04)"}
NDWI = {"name": "NDWI", "expr": "(B03 - B08) / (0.01 + B03 + B08)"}
NDCI = {"name": "NDCI", "expr": "(B08 - B04) / (0.01 + B08 + B04)"}
NDSI = {"name": "NDSI", "expr": "(B03 - B11) / (0.01 + B03 + B11)"}
RATIO = {"name": "ratio_2_4", "expr": "(B02 + 0.01) / (B04 + 0.01)"}
DENSITY = {"name": "density_contours", "texture": "contour_density", "band": "B02"}
VARIATION = {"name": "variation_coeff", "texture": "variation_coefficient", "band": "B02"}
DIFFERENCES = [
    {"name": f"time_{number}", "expr": f"B{number:02d} - clear.B{number:02d}"} for number in (*range(1, 10), 11, 12)
]

pytestmark = pytest.mark.skipif(
    not TOULOUSE.is_dir(), reason="the original's stacks, shared/data/alcd_toulouse beside the project, are absent"
)


def test_default_features_are_the_original_ones(tmp_path: Path) -> None:
    template = load_scene(write_scene(tmp_path, CLOUDY, CLEAR, template="clouds_alcd2019")).template
    expected = [*BANDS, "NDVI", "NDWI", *(one["name"] for one in DIFFERENCES)]
    assert [feature_name(feature) for feature in template.features] == expected


def test_default_features_at_60_m(tmp_path: Path) -> None:
    work = prepared(write_scene(tmp_path, CLOUDY, CLEAR, template="clouds_alcd2019"))
    golden = gdal.Open(str(STACKS / "Toulouse_bands.tif")).ReadAsArray()
    made = layers(work.features)
    assert len(made) == 25
    _assert_equal(made, {name: golden[index] for index, name in enumerate([*BANDS, "NDVI", "NDWI"])})
    _assert_equal(made, {one["name"]: golden[19 + index] for index, one in enumerate(DIFFERENCES)})


def test_all_features_at_60_m(tmp_path: Path) -> None:
    features = [*BANDS, NDVI, NDWI, NDCI, NDSI, RATIO, DENSITY, VARIATION, *DIFFERENCES]
    work = prepared(write_scene(tmp_path, CLOUDY, CLEAR, template="clouds_alcd2019", features=features))
    golden = gdal.Open(str(STACKS / "Toulouse_bands.tif")).ReadAsArray()
    made = layers(work.features)
    assert gdal.Open(str(work.features)).ReadAsArray().shape == golden.shape == (30, 5, 5)
    textures = ("density_contours", "variation_coeff")
    _assert_equal(made, {name: golden[index] for index, name in enumerate(made) if name not in textures})
    for index, name in enumerate(textures, start=17):
        assert np.abs(made[name] / golden[index] - 1).max() < 1e-4


def test_viewed_layers_at_20_m(tmp_path: Path) -> None:
    features = ["B02", "B03", "B04", "B10", NDVI, NDWI]
    work = prepared(write_scene(tmp_path, CLOUDY, template="clouds_alcd2019", features=features, resolution=20))
    golden = gdal.Open(str(STACKS / "Toulouse_bands_H.tif")).ReadAsArray()
    made = layers(work.features)
    assert golden.shape == (6, 15, 15)
    _assert_equal(made, {name: golden[index] for index, name in enumerate(made)})


def _assert_equal(made: dict[str, np.ndarray], golden: dict[str, np.ndarray]) -> None:
    """Whole numbers exactly; indices, which OTB computed in another order, to 1.5e-8 of 1."""
    for name, expected in golden.items():
        tolerance = 1.5e-8 if name.startswith("ND") else 0
        np.testing.assert_allclose(made[name], expected, rtol=0, atol=tolerance, err_msg=name)
