"""Confusion matrices and metrics against hand-computed ones, and against OTB's count."""

from pathlib import Path

import fiona
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from osgeo import gdal, osr

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics, ConfusionMatrix, matrix_csv, summarise
from alcd_otb.settings.legend import Legend, LegendClass
from otb_pipelines.confusion import confusion_matrix
from otb_pipelines.errors import OtbError
from otb_pipelines.settings import Settings

LEGEND = Legend.from_classes(
    [
        LegendClass("low_clouds", 2, "#d2d2d2", True),
        LegendClass("cloud_shadows", 4, "#0a0a0a", True),
        LegendClass("land", 5, "#009738", False),
        LegendClass("water", 6, "#008ed0", False),
    ]
)
# Rows: reference 2, 4, 5; columns: map 2, 4, 5. No water on either side.
#   20  2  3
#    4 10  1
#    0  5 55
PAIRS = {(2, 2): 20, (2, 4): 2, (2, 5): 3, (4, 2): 4, (4, 4): 10, (4, 5): 1, (5, 4): 5, (5, 5): 55}

codes = st.sampled_from(LEGEND.codes)
pair_counts = st.dictionaries(st.tuples(codes, codes), st.integers(0, 1000))


def swapped(pairs: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    return {(mapped, reference): count for (reference, mapped), count in pairs.items()}


class TestMatrix:
    def test_rows_are_the_reference(self) -> None:
        matrix = ConfusionMatrix.from_pairs(PAIRS, LEGEND)
        assert matrix.labels == ("low_clouds", "cloud_shadows", "land")
        assert matrix.counts == ((20, 2, 3), (4, 10, 1), (0, 5, 55))

    def test_metrics_by_hand(self) -> None:
        matrix = ConfusionMatrix.from_pairs(PAIRS, LEGEND)
        assert matrix.total == 100
        assert matrix.overall_accuracy == 0.85
        # Rows 25, 15, 60; columns 24, 17, 59: chance = (25*24 + 15*17 + 60*59) / 100^2 = 0.4395.
        assert matrix.kappa == pytest.approx((0.85 - 0.4395) / (1 - 0.4395))
        assert matrix.producers_accuracy("cloud_shadows") == pytest.approx(10 / 15)
        assert matrix.users_accuracy("cloud_shadows") == pytest.approx(10 / 17)

    def test_a_code_that_is_no_class_is_refused(self) -> None:
        with pytest.raises(ValueError, match=r"\[0, 20\]"):
            ConfusionMatrix.from_pairs({(2, 20): 1, (0, 2): 3}, LEGEND)

    def test_a_code_without_pixels_is_not_minded(self) -> None:
        assert ConfusionMatrix.from_pairs({(2, 20): 0, (2, 2): 1}, LEGEND).labels == ("low_clouds",)

    def test_csv(self) -> None:
        assert matrix_csv(ConfusionMatrix.from_pairs(PAIRS, LEGEND)) == (
            "# rows: reference, columns: map\n"
            "reference\\map,low_clouds,cloud_shadows,land\n"
            "low_clouds,20,2,3\ncloud_shadows,4,10,1\nland,0,5,55\n"
        )

    @given(pair_counts)
    def test_counts_sum(self, pairs: dict[tuple[int, int], int]) -> None:
        matrix = ConfusionMatrix.from_pairs(pairs, LEGEND)
        assert matrix.total == sum(pairs.values())
        for one in LEGEND.classes:
            expected = sum(count for (reference, _), count in pairs.items() if reference == one.code)
            found = sum(matrix.counts[matrix.labels.index(one.name)]) if one.name in matrix.labels else 0
            assert found == expected

    @given(pair_counts)
    def test_swapping_reference_and_map_swaps_the_accuracies(self, pairs: dict[tuple[int, int], int]) -> None:
        matrix = ConfusionMatrix.from_pairs(pairs, LEGEND)
        other = ConfusionMatrix.from_pairs(swapped(pairs), LEGEND)
        assert other.overall_accuracy == matrix.overall_accuracy
        for label in matrix.labels:
            assert other.producers_accuracy(label) == matrix.users_accuracy(label)
        assert other.kappa == pytest.approx(matrix.kappa)

    @given(pair_counts)
    def test_kappa_is_at_most_one_and_one_only_if_all_is_right(self, pairs: dict[tuple[int, int], int]) -> None:
        matrix = ConfusionMatrix.from_pairs(pairs, LEGEND)
        if matrix.kappa is not None:
            assert -1 <= matrix.kappa <= 1
            assert (matrix.kappa == 1) == (matrix.overall_accuracy == 1)


class TestUndefinedRatios:
    def test_nothing_at_all(self) -> None:
        matrix = ConfusionMatrix.from_pairs({}, LEGEND)
        assert (matrix.labels, matrix.total, matrix.overall_accuracy, matrix.kappa) == ((), 0, None, None)
        binary = BinaryMetrics.from_pairs({}, LEGEND)
        for ratio in ("overall_accuracy", "precision", "recall", "specificity", "f1", "balanced_accuracy"):
            assert getattr(binary, ratio) is None

    def test_one_class_everywhere_leaves_kappa_undefined(self) -> None:
        matrix = ConfusionMatrix.from_pairs({(5, 5): 7}, LEGEND)
        assert matrix.overall_accuracy == 1
        assert matrix.kappa is None

    def test_a_class_that_the_map_lacks(self) -> None:
        matrix = ConfusionMatrix.from_pairs({(2, 5): 3, (5, 5): 4}, LEGEND)
        assert matrix.producers_accuracy("low_clouds") == 0
        assert matrix.users_accuracy("low_clouds") is None

    def test_no_invalid_pixel_in_the_reference(self) -> None:
        binary = BinaryMetrics.from_pairs({(5, 2): 1, (5, 5): 3}, LEGEND)
        assert binary.recall is None
        assert binary.balanced_accuracy is None
        assert (binary.precision, binary.specificity, binary.f1) == (0, 0.75, 0)

    def test_are_null_in_the_summary(self) -> None:
        summary = summarise({(2, 5): 3, (5, 5): 4}, LEGEND)
        assert summary["by_class"]["low_clouds"]["users_accuracy"] is None
        assert summary["invalid_valid"]["precision"] is None


class TestInvalidAgainstValid:
    def test_by_hand(self) -> None:
        binary = BinaryMetrics.from_pairs(PAIRS, LEGEND)
        # A cloud called a shadow is invalid all the same.
        assert (binary.true_positives, binary.false_negatives) == (36, 4)
        assert (binary.false_positives, binary.true_negatives) == (5, 55)
        assert binary.matrix.counts == ((36, 4), (5, 55))
        assert binary.overall_accuracy == 0.91
        assert binary.precision == pytest.approx(36 / 41)
        assert binary.recall == 0.9
        assert binary.specificity == pytest.approx(55 / 60)
        assert binary.f1 == pytest.approx(2 * (36 / 41) * 0.9 / (36 / 41 + 0.9))
        assert binary.balanced_accuracy == pytest.approx((0.9 + 55 / 60) / 2)

    @given(pair_counts)
    def test_swapping_reference_and_map_swaps_precision_and_recall(self, pairs: dict[tuple[int, int], int]) -> None:
        one = BinaryMetrics.from_pairs(pairs, LEGEND)
        other = BinaryMetrics.from_pairs(swapped(pairs), LEGEND)
        assert (one.precision, one.recall) == (other.recall, other.precision)
        assert (one.f1, one.overall_accuracy) == (other.f1, other.overall_accuracy)
        assert one.matrix.total == sum(pairs.values())

    @given(pair_counts)
    def test_f1_is_the_harmonic_mean(self, pairs: dict[tuple[int, int], int]) -> None:
        one = BinaryMetrics.from_pairs(pairs, LEGEND)
        if one.precision and one.recall:
            assert one.f1 == pytest.approx(2 / (1 / one.precision + 1 / one.recall))


class TestOtbCount:
    def test_agrees_with_numpy(self, tmp_path: Path) -> None:
        random = np.random.default_rng(3)
        labels = random.choice([0, 2, 4, 5], (30, 40)).astype(np.uint8)
        dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "labels.tif"), 40, 30, 1, gdal.GDT_Byte)
        reference = osr.SpatialReference()
        reference.ImportFromEPSG(32631)
        dataset.SetSpatialRef(reference)
        dataset.SetGeoTransform((600000, 60, 0, 4900020, 0, -60))
        dataset.WriteArray(labels)
        del dataset
        rows, columns = np.divmod(random.choice(labels.size, 300, replace=False), 40)
        truth = random.choice([2, 4, 6], 300)
        schema = {"geometry": "Point", "properties": {"class": "int"}}
        with fiona.open(tmp_path / "points.gpkg", "w", driver="GPKG", schema=schema, crs="EPSG:32631") as layer:
            layer.writerecords(
                {
                    "geometry": {"type": "Point", "coordinates": (600030 + 60 * column, 4899990 - 60 * row)},
                    "properties": {"class": code},
                }
                for row, column, code in zip(rows.tolist(), columns.tolist(), truth.tolist(), strict=True)
            )
        pairs = confusion_matrix(
            tmp_path / "labels.tif", tmp_path / "points.gpkg", "class", tmp_path / "table.csv", Settings(128, 1)
        )
        mapped = labels[rows, columns]
        for reference_code in (2, 4, 6):
            for map_code in (2, 4, 5):
                expected = int(((truth == reference_code) & (mapped == map_code)).sum())
                assert pairs.get((reference_code, map_code), 0) == expected, (reference_code, map_code)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(OtbError, match=r"ComputeConfusionMatrix failed: .*labels\.tif"):
            confusion_matrix(
                tmp_path / "labels.tif", tmp_path / "points.gpkg", "class", tmp_path / "t", Settings(128, 1)
            )
