"""Counts of pairs: against tables made by hand, loops, scikit-learn and OTB; and their properties."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from mask_files import L1C_NAME, write_raster, write_reference
from sklearn import metrics as sklearn_metrics

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics
from alcd_otb.compare.cells import Cells
from alcd_otb.compare.counting import Dilations, LabelledPixels, PairCounts, count_pair
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.published_references import read_reference_scene
from alcd_otb.masks.sen2cor import read_classification
from alcd_otb.settings.template import load_template
from otb_pipelines.app import Application
from otb_pipelines.confusion import read_confusion_table
from otb_pipelines.settings import Settings

LEGEND = load_template("clouds").legend
INVALID = frozenset({"invalid"})
AS_DELIVERED = Dilations((0.0,), (0.0,))

Codes = npt.NDArray[np.uint8]


def reference(tmp_path: Path, codes: Codes) -> Mask:
    return read_reference_scene(write_reference(tmp_path / "reference", codes.astype(np.uint8)), LEGEND)


def product(tmp_path: Path, classes: Codes) -> Mask:
    file = tmp_path / f"{L1C_NAME}_SCL_60m.tif"
    return read_classification(write_raster(file, classes.astype(np.uint8), 60))


def counted(known: Mask, mask: Mask, dilations: Dilations = AS_DELIVERED) -> PairCounts:
    return count_pair(Cells(known, known.grid, INVALID), Cells(mask, known.grid, INVALID), dilations)


def four(metrics: BinaryMetrics) -> tuple[int, int, int, int]:
    return metrics.true_positives, metrics.false_positives, metrics.false_negatives, metrics.true_negatives


#                       low high shadow land water snow nothing
CODES = np.array([[2, 2, 2, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 7, 0, 0]], np.uint8)
# Sen2Cor's cloud, cirrus, shadow and land; saturated and no data are not compared.
CLASSES = np.array([[9, 8, 4, 10, 4, 3, 4, 1, 4, 9, 0, 6, 3, 11, 9, 4]], np.uint8)


class TestByHand:
    def test_counts(self, tmp_path: Path) -> None:
        found = counted(reference(tmp_path, CODES), product(tmp_path, CLASSES))
        # Low clouds: two found, one missed; high: one, one; shadows: one, one and one saturated.
        assert four(found.metrics(0, 0)) == (4, 2, 3, 3)

    def test_by_class(self, tmp_path: Path) -> None:
        found = counted(reference(tmp_path, CODES), product(tmp_path, CLASSES)).by_class(0, 0)
        assert {name: four(one) for name, one in found.items()} == {
            "low_clouds": (2, 0, 1, 0),
            "high_clouds": (1, 0, 1, 0),
            "clouds_shadows": (1, 0, 1, 0),
            "land": (0, 1, 0, 1),
            "water": (0, 1, 0, 1),
            "snow": (0, 0, 0, 1),
        }

    def test_dilation_of_each_side(self, tmp_path: Path) -> None:
        """A row of 12 pixels; the cloud of the reference is 3 and 4, of the product 6."""
        codes = np.full((1, 12), 5)
        codes[0, 3:5] = 2
        classes = np.full((1, 12), 4)
        classes[0, 6] = 9
        found = counted(
            reference(tmp_path, codes), product(tmp_path, classes), Dilations((0.0, 60.0, 120.0), (0.0, 120.0))
        )
        assert four(found.metrics(0, 0)) == (0, 1, 2, 9)
        assert four(found.metrics(60, 0)) == (0, 1, 4, 7)  # 2-5 and 6
        assert four(found.metrics(120, 0)) == (1, 0, 5, 6)  # 1-6 and 6
        assert four(found.metrics(0, 120)) == (1, 4, 1, 6)  # 3-4 and 4-8
        assert four(found.metrics(120, 120)) == (3, 2, 3, 4)  # 1-6 and 4-8
        # Pixels keep their class: land becomes invalid around the cloud.
        assert four(found.by_class(120, 0)["land"]) == (1, 0, 3, 6)

    def test_a_cloud_reaches_over_no_data_but_is_not_counted_there(self, tmp_path: Path) -> None:
        codes = np.array([[2, 0, 5, 5, 5, 5]])
        found = counted(reference(tmp_path, codes), product(tmp_path, np.full((1, 6), 4)), Dilations((120.0,), (0.0,)))
        assert four(found.metrics(120, 0)) == (0, 0, 2, 3)

    def test_border(self, tmp_path: Path) -> None:
        """Of 9 x 9 pixels 7 x 7 are farther than 60 m from the edge, and no data in the middle takes a cross."""
        codes = np.full((9, 9), 5)
        codes[4, 4] = 0
        found = counted(
            reference(tmp_path, codes), product(tmp_path, np.full((9, 9), 4)), Dilations((0.0,), (0.0,), border=60)
        )
        assert four(found.metrics(0, 0)) == (0, 0, 0, 49 - 5)

    def test_labelled_pixels_count_each_point(self, tmp_path: Path) -> None:
        classes = np.full((3, 4), 4)
        classes[1, 1] = 9
        classes[2, 3] = 0
        points = LabelledPixels(
            rows=np.array([1, 1, 1, 0, 2]),
            columns=np.array([1, 1, 2, 0, 3]),
            codes=np.array([2, 2, 4, 5, 5], np.uint8),
            names={2: "low_clouds", 4: "clouds_shadows", 5: "land"},
            positive=frozenset({2, 4}),
        )
        mask = product(tmp_path, classes)
        found = count_pair(points, Cells(mask, mask.grid, INVALID), Dilations((0.0,), (0.0, 60.0)))
        assert four(found.metrics(0, 0)) == (2, 0, 1, 1)
        assert four(found.metrics(0, 60)) == (3, 0, 0, 1)
        assert four(found.by_class(0, 0)["clouds_shadows"]) == (0, 0, 1, 0)


maps = hnp.arrays(np.uint8, (7, 9), elements=st.sampled_from([0, 2, 3, 4, 5, 6, 7]))
scls = hnp.arrays(np.uint8, (7, 9), elements=st.integers(0, 11))
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)


class TestProperties:
    @quick
    @given(maps, scls, st.sampled_from([0.0, 60.0, 130.0]), st.sampled_from([0.0, 60.0, 130.0]))
    def test_counts_sum_to_the_pixels_with_data_on_both_sides(
        self, tmp_path: Path, codes: Codes, classes: Codes, first: float, second: float
    ) -> None:
        found = counted(reference(tmp_path, codes), product(tmp_path, classes), Dilations((first,), (second,)))
        with_data = ((codes != 0) & (classes > 1)).sum()
        assert sum(four(found.metrics(first, second))) == with_data
        by_class = found.by_class(first, second)
        assert np.array_equal(
            np.sum([four(one) for one in by_class.values()] or [(0, 0, 0, 0)], axis=0),
            four(found.metrics(first, second)),
        )
        for one in LEGEND.classes:
            pixels = int(((codes == one.code) & (classes > 1)).sum())
            assert sum(four(by_class[one.name])) == pixels if pixels else one.name not in by_class

    @quick
    @given(maps, scls, st.sampled_from([0.0, 60.0, 130.0]))
    def test_exchanging_the_roles_swaps_precision_and_recall(
        self, tmp_path: Path, codes: Codes, classes: Codes, radius: float
    ) -> None:
        known, mask = reference(tmp_path, codes), product(tmp_path, classes)
        dilations = Dilations((0.0,), (radius,))
        one = counted(known, mask, dilations).metrics(0, radius)
        other = counted(mask, known, Dilations((radius,), (0.0,))).metrics(radius, 0)
        assert (one.precision, one.recall) == (other.recall, other.precision)
        assert (one.overall_accuracy, one.f1) == (other.overall_accuracy, other.f1)

    @quick
    @given(maps)
    def test_a_mask_agrees_with_itself(self, tmp_path: Path, codes: Codes) -> None:
        known = reference(tmp_path, codes)
        found = counted(known, known, Dilations((0.0, 130.0), (0.0, 130.0)))
        for radius in (0, 130):
            _, false_positives, false_negatives, _ = four(found.metrics(radius, radius))
            assert (false_positives, false_negatives) == (0, 0)

    @quick
    @given(maps, scls)
    def test_a_sweep_has_the_figures_of_each_dilation_alone(self, tmp_path: Path, codes: Codes, classes: Codes) -> None:
        known, mask = reference(tmp_path, codes), product(tmp_path, classes)
        radii = (0.0, 60.0, 90.0, 180.0)
        sweep = counted(known, mask, Dilations(radii, radii))
        for first in radii:
            for second in radii:
                alone = counted(known, mask, Dilations((first,), (second,)))
                assert sweep.metrics(first, second) == alone.metrics(first, second)
        assert sweep.metrics(0, 0) == counted(known, mask).metrics(0, 0)


def large_maps(tmp_path: Path) -> tuple[Mask, Mask, Codes, Codes]:
    """Larger than a strip of rows; a cloud field that the product has a little shifted."""
    random = np.random.default_rng(11)
    fields = random.random((300, 41))
    codes = np.select([fields < 0.1, fields < 0.3, fields < 0.4, fields < 0.9], [0, 2, 4, 5], 6)
    classes = np.roll(np.select([codes == 2, codes == 4, codes == 0], [9, 3, 0], 5), 1, axis=1)
    classes[random.random(classes.shape) < 0.05] = 8
    return reference(tmp_path, codes), product(tmp_path, classes), codes, classes


def test_strips_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known, mask, _, _ = large_maps(tmp_path)
    dilations = Dilations((0.0, 180.0), (0.0, 180.0), border=120)
    whole = counted(known, mask, dilations)
    monkeypatch.setattr("alcd_otb.compare.counting._STRIP_PIXELS", 41 * 7)
    assert np.array_equal(counted(known, mask, dilations).counts, whole.counts)


class TestAgainstOthers:
    def test_scikit_learn(self, tmp_path: Path) -> None:
        known, mask, codes, classes = large_maps(tmp_path)
        found = counted(known, mask).metrics(0, 0)
        compared = (codes != 0) & (classes > 1)
        truth = np.isin(codes[compared], LEGEND.invalid_codes)
        said = np.isin(classes[compared], (3, 8, 9, 10))
        tn, fp, fn, tp = sklearn_metrics.confusion_matrix(truth, said).ravel().tolist()
        assert four(found) == (tp, fp, fn, tn)
        for name, ours, theirs in (
            ("oa", found.overall_accuracy, sklearn_metrics.accuracy_score(truth, said)),
            ("balanced_oa", found.balanced_accuracy, sklearn_metrics.balanced_accuracy_score(truth, said)),
            ("precision", found.precision, sklearn_metrics.precision_score(truth, said)),
            ("recall", found.recall, sklearn_metrics.recall_score(truth, said)),
            ("f1", found.f1, sklearn_metrics.f1_score(truth, said)),
            ("specificity", found.specificity, sklearn_metrics.recall_score(~truth, ~said)),
        ):
            assert ours == pytest.approx(theirs, abs=1e-12, rel=0), name

    @given(
        hnp.arrays(np.bool_, 40),
        hnp.arrays(np.bool_, 40),
    )
    def test_scikit_learn_on_any_map(self, truth: npt.NDArray[np.bool_], said: npt.NDArray[np.bool_]) -> None:
        cells = [(truth & said), (~truth & said), (truth & ~said), (~truth & ~said)]
        found = BinaryMetrics(*(int(one.sum()) for one in cells))
        assert found.overall_accuracy == pytest.approx(sklearn_metrics.accuracy_score(truth, said), abs=1e-12)
        for ours, theirs in (
            (found.precision, sklearn_metrics.precision_score),
            (found.recall, sklearn_metrics.recall_score),
            (found.f1, sklearn_metrics.f1_score),
        ):
            if ours is not None:
                assert ours == pytest.approx(theirs(truth, said, zero_division=np.nan), abs=1e-12)

    def test_confusion_matrix_of_otb(self, tmp_path: Path) -> None:
        known, mask, codes, classes = large_maps(tmp_path)
        invalid = np.where(np.isin(codes, LEGEND.invalid_codes), 2, 1) * (codes != 0)
        said = np.where(np.isin(classes, (3, 8, 9, 10)), 2, 1) * (classes > 1)
        invalid[said == 0] = 0
        write_raster(tmp_path / "truth.tif", invalid.astype(np.uint8), 60)
        write_raster(tmp_path / "said.tif", said.astype(np.uint8), 60)
        Application(
            "ComputeConfusionMatrix",
            {
                "in": tmp_path / "said.tif",
                "out": tmp_path / "table.csv",
                "ref": "raster",
                "ref.raster.in": tmp_path / "truth.tif",
                "ref.raster.nodata": 0,
                "nodatalabel": 0,
            },
            Settings(ram=64, threads=1),
        ).execute()
        by_otb = read_confusion_table(tmp_path / "table.csv")
        found = counted(known, mask).metrics(0, 0)
        assert four(found) == (by_otb[2, 2], by_otb[1, 2], by_otb[2, 1], by_otb[1, 1])
