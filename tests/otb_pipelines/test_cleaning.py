"""The cleaning of a map against hand-made cases, OTB's own applications and NumPy."""

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from osgeo import gdal

from otb_pipelines.app import Application, Target
from otb_pipelines.classify import BLOCK_ROWS, strip_rows, whole_blocks
from otb_pipelines.settings import Settings

SETTINGS = Settings(ram=64, threads=2)

Array = NDArray[Any]


def write(path: Path, values: Array) -> Path:
    kind = gdal.GDT_Byte if values.dtype == np.uint8 else gdal.GDT_Float32
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[1], values.shape[0], 1, kind)
    dataset.WriteArray(values)
    return path


def read(path: Path) -> Array:
    values: Array = gdal.Open(str(path)).ReadAsArray()
    return values


def cleaned(folder: Path, codes: Array, radius: int = 1) -> Array:
    labels = write(folder / "labels.tif", codes)
    application = Application("ClassificationMapCleaning", {"labels": labels, "radius": radius}, SETTINGS)
    application.write({"out": Target(folder / "cleaned.tif", "uint8")})
    return read(folder / "cleaned.tif")


def smoothed(
    folder: Path,
    confidence: Array,
    radius: int,
    rows: int | None = None,
    certain: float = 1,
    there: Array | None = None,
) -> Array:
    labels = np.ones(confidence.shape, bool) if there is None else there
    parameters = {
        "labels": write(folder / "labels.tif", labels.astype(np.uint8)),
        "confidence": write(folder / "confidence.tif", confidence),
        "medianradius": radius,
        "certain": certain,
    }
    targets = {
        "out": Target(folder / "cleaned.tif", "uint8", rows=rows),
        "confmap": Target(folder / "share.tif", rows=rows),
        "medianmap": Target(folder / "median.tif", rows=rows),
    }
    Application("ClassificationMapCleaning", parameters, SETTINGS).write(targets)
    np.testing.assert_array_equal(read(folder / "share.tif"), (confidence.astype(float) / certain).astype(np.float32))
    return read(folder / "median.tif")


def median_of(image: Array, radius: int) -> Array:
    side = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(image, radius, mode="edge"), (side, side))
    medians: Array = np.median(windows, axis=(2, 3)).astype(np.float32)
    return medians


class TestMajority:
    def test_by_hand(self, tmp_path: Path) -> None:
        codes = np.array(
            [
                [2, 2, 2, 5, 5],
                [2, 6, 2, 5, 5],
                [2, 2, 5, 5, 5],
                [0, 3, 3, 3, 5],
                [0, 3, 4, 3, 3],
            ],
            np.uint8,
        )
        # The 6 among eight 2 and 5 becomes 2, the 4 among 3 becomes 3. At row 2, column 2 stand 2 2 | 5 5 5 | 3 3 3
        # and a 2: three each, a tie, which keeps 5. Row 2, column 0: 2 2 2 | 6 | 3 gives 2. Row 3, column 1: 2 2 | 5 |
        # 3 3 3 | 4 gives 3, and no data neither votes nor changes.
        expected = np.array(
            [
                [2, 2, 2, 5, 5],
                [2, 2, 2, 5, 5],
                [2, 2, 5, 5, 5],
                [0, 3, 3, 3, 5],
                [0, 3, 3, 3, 3],
            ],
            np.uint8,
        )
        np.testing.assert_array_equal(cleaned(tmp_path, codes), expected)

    def test_a_tie_everywhere_changes_nothing(self, tmp_path: Path) -> None:
        codes = np.array([[2, 3], [3, 2]], np.uint8)
        np.testing.assert_array_equal(cleaned(tmp_path, codes), codes)

    def test_against_votes_counted_in_python(self, tmp_path: Path) -> None:
        codes = np.random.default_rng(4).choice([0, 2, 5, 6], (40, 30), p=[0.1, 0.3, 0.3, 0.3]).astype(np.uint8)
        expected = codes.copy()
        for row, column in np.argwhere(codes > 0):
            window = codes[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]
            votes = Counter(window[window > 0].tolist()).most_common(2)
            if len(votes) == 1 or votes[0][1] > votes[1][1]:
                expected[row, column] = votes[0][0]
        assert (expected != codes).mean() > 0.1
        np.testing.assert_array_equal(cleaned(tmp_path, codes), expected)

    @pytest.mark.parametrize("radius", [0, 1, 2, 5])
    def test_is_that_of_otb(self, radius: int, tmp_path: Path) -> None:
        codes = np.random.default_rng(radius).choice([0, 2, 5, 6, 7], (61, 47)).astype(np.uint8)
        mine = cleaned(tmp_path, codes, radius)
        if radius == 0:
            np.testing.assert_array_equal(mine, codes)
            return
        parameters = {"io.in": tmp_path / "labels.tif", "ip.radius": radius, "ip.suvbool": False, "ip.nodatalabel": 0}
        otb = Application("ClassificationMapRegularization", parameters, SETTINGS)
        otb.write({"io.out": Target(tmp_path / "otb.tif", "uint8")})
        np.testing.assert_array_equal(mine, read(tmp_path / "otb.tif"))


class TestMedian:
    def test_by_hand(self, tmp_path: Path) -> None:
        image = np.arange(49, dtype=np.float32).reshape(7, 7)
        image[3, 3] = 1000
        median = smoothed(tmp_path, image, 1)
        # The outlier leaves no trace but the next higher neighbour's value. In the corner the edge is replicated:
        # 0 0 1 0 0 1 7 7 8.
        assert median[3, 3] == 25
        assert median[0, 0] == 1

    @pytest.mark.parametrize("radius", [0, 1, 5, 20])
    def test_of_shares_of_votes(self, radius: int, tmp_path: Path) -> None:
        image = (np.random.default_rng(radius).integers(0, 101, (40, 33)) / 100).astype(np.float32)
        np.testing.assert_array_equal(smoothed(tmp_path, image, radius), median_of(image, radius))

    def test_of_more_values_than_the_histogram_has_room_for(self, tmp_path: Path) -> None:
        image = np.random.default_rng(1).random((90, 70)).astype(np.float32)
        assert np.unique(image).size > 4096
        np.testing.assert_array_equal(smoothed(tmp_path, image, 3), median_of(image, 3))

    def test_of_counts_of_neighbours(self, tmp_path: Path) -> None:
        image = np.random.default_rng(2).integers(0, 33, (20, 20)).astype(np.float32)
        np.testing.assert_array_equal(smoothed(tmp_path, image, 2, certain=32), median_of(image, 2) / 32)

    @pytest.mark.parametrize("values", [11, 10**6])
    @pytest.mark.parametrize("rows", [None, 7])
    def test_no_data_has_no_part_in_it(self, values: int, rows: int | None, tmp_path: Path) -> None:
        """Of few different values, which are counted, and of many, which are sorted."""
        random = np.random.default_rng(values)
        image = (random.integers(0, values, (120, 60)) / values).astype(np.float32)
        there = random.random(image.shape) < 0.6
        # More than a window without any data.
        there[10:30, 20:40] = False
        radius = 4
        padded = np.pad(np.where(there, image, np.nan), radius, mode="edge")
        expected = np.zeros_like(image)
        for row, column in zip(*there.nonzero(), strict=True):
            window = padded[row : row + 9, column : column + 9]
            of_data = np.sort(window[np.isfinite(window)])
            expected[row, column] = of_data[of_data.size // 2]
        image[~there] = 0
        np.testing.assert_array_equal(smoothed(tmp_path, image, radius, rows, there=there), expected)

    @pytest.mark.parametrize("rows", [1, 7, 16])
    def test_is_the_same_whatever_the_strips(self, rows: int, tmp_path: Path) -> None:
        image = (np.random.default_rng(3).integers(0, 11, (50, 30)) / 10).astype(np.float32)
        np.testing.assert_array_equal(smoothed(tmp_path, image, 5, rows), median_of(image, 5))


@pytest.mark.parametrize(
    ("width", "bands", "ram", "rows"), [(1830, 30, 256, 256), (10980, 30, 256, 64), (1830, 30, 16, 16), (9, 1, 1, 256)]
)
def test_strips_fit_the_memory(width: int, bands: int, ram: int, rows: int) -> None:
    assert strip_rows(width, bands, Settings(ram, 2)) == rows


@given(st.integers(1, 12000), st.integers(1, 16).map(lambda number: 16 * number))
def test_strips_end_where_blocks_end(height: int, most: int) -> None:
    rows = whole_blocks(most, height)
    # As OTB divides an image: as few strips as needed, of one height.
    strips = math.ceil(height / rows)
    assert math.ceil(height / strips) == rows <= most
    assert strips == 1 or rows % BLOCK_ROWS == 0
