"""The pixels that a classifier is trained on."""

from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal

from otb_pipelines.app import Application, Target
from otb_pipelines.errors import OtbError
from otb_pipelines.settings import Settings
from otb_pipelines.train import Training, train, with_noisy_copies

SETTINGS = Settings(ram=128, threads=1)
VALUES = np.array([[0.1, -3], [1 / 3, 5e-9], [12345.678, 0]])
CODES = np.array([2, 5, 2], np.uint8)


class TestNoisyCopies:
    def test_have_the_spread_of_the_class(self) -> None:
        random = np.random.default_rng(8)
        codes = np.repeat([3, 6], 20_000).astype(np.uint8)
        # The second feature does not vary in class 3; the first varies more in class 6.
        spread = np.where(codes[:, None] == 3, [2.0, 0.0], [10.0, 0.3])
        values = 100 + spread * random.standard_normal((codes.size, 2))
        both, both_codes = with_noisy_copies(values, codes, jitter=0.5, seed=1)
        pixels, copies = np.split(both, 2)
        np.testing.assert_array_equal(pixels, values)
        np.testing.assert_array_equal(both_codes, np.tile(codes, 2))
        for code, expected in ((3, [1.0, 0.0]), (6, [5.0, 0.15])):
            noise = (copies - pixels)[codes == code]
            np.testing.assert_allclose(noise.std(axis=0), expected, rtol=0.03)
            # Five standard errors of the mean.
            assert (np.abs(noise.mean(axis=0)) <= 5 * np.array(expected) / np.sqrt(20_000)).all()
        assert abs(np.corrcoef(noise.T)[0, 1]) < 0.04

    def test_none_without_jitter(self) -> None:
        values, codes = with_noisy_copies(VALUES, CODES, jitter=0, seed=1)
        np.testing.assert_array_equal(values, VALUES)
        np.testing.assert_array_equal(codes, CODES)

    def test_are_drawn_from_the_seed(self) -> None:
        first, again, other = (with_noisy_copies(VALUES, CODES, jitter=0.5, seed=seed)[0] for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert (first[3::2] != other[3::2]).all()


class TestTrain:
    def test_a_tree_finds_the_limit(self, tmp_path: Path) -> None:
        """Below 0.25 in the second feature is class 7, above it 4; the first says nothing, and the order is mixed."""
        random = np.random.default_rng(2)
        values = random.random((400, 2))
        # Nothing near the limit: where a tree draws it is known to a hair.
        values[:, 1] = np.where(values[:, 1] < 0.25, values[:, 1] - 0.001, values[:, 1] + 0.001)
        codes = np.where(values[:, 1] < 0.25, 7, 4).astype(np.uint8)
        model = tmp_path / "model.dt"
        train(Training(values, codes, {"classifier": "dt"}, 1), model, SETTINGS)
        image = np.stack([random.random((20, 30)), np.linspace(0, 1, 600).reshape(20, 30)]).astype(np.float32)
        gdal.GetDriverByName("GTiff").Create(str(tmp_path / "image.tif"), 30, 20, 2, gdal.GDT_Float32).WriteArray(image)
        classifier = Application("ImageClassifier", {"in": tmp_path / "image.tif", "model": model}, SETTINGS)
        classifier.write({"out": Target(tmp_path / "out.tif", "uint8")})
        mapped = gdal.Open(str(tmp_path / "out.tif")).ReadAsArray()
        clear = np.abs(image[1] - 0.25) > 0.01
        np.testing.assert_array_equal(mapped[clear], np.where(image[1] < 0.25, 7, 4)[clear])

    def test_leaves_no_table_in_memory(self, tmp_path: Path) -> None:
        train(Training(VALUES, CODES, {"classifier": "rf"}, 1), tmp_path / "model.rf", SETTINGS)
        with pytest.raises(OtbError):
            train(Training(VALUES, CODES, {"classifier": "rf"}, 1), tmp_path / "none" / "model.rf", SETTINGS)
        assert not gdal.ReadDir("/vsimem/")
