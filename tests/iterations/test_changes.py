"""What changed from one map to the next, by hand on small maps."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from osgeo import gdal, osr
from scenes import FinishedScene

from alcd_otb.iterations.changes import Changes, changes_between, map_metrics, mean_confidence
from alcd_otb.raster.io import count_pairs
from alcd_otb.settings.legend import Legend, LegendClass

LEGEND = Legend.from_classes(
    [
        LegendClass("cloud", 2, "#d2d2d2", True),
        LegendClass("land", 5, "#009738", False),
        LegendClass("water", 6, "#008ed0", False),
    ]
)


def write(path: Path, pixels: Any, left: float = 300000, names: tuple[str, ...] = ("", "", "cloud")) -> Path:
    pixels = np.asarray(pixels)
    kind = gdal.GDT_Byte if pixels.dtype == np.uint8 else gdal.GDT_Float32
    path.parent.mkdir(parents=True, exist_ok=True)
    dataset = gdal.GetDriverByName("GTiff").Create(str(path), pixels.shape[1], pixels.shape[0], 1, kind)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(32631)
    dataset.SetSpatialRef(crs)
    dataset.SetGeoTransform((left, 60, 0, 4900020, 0, -60))
    band = dataset.GetRasterBand(1)
    band.WriteArray(pixels)
    if kind == gdal.GDT_Byte:
        band.SetCategoryNames(list(names))
    del band, dataset
    return path


def labels(folder: Path, number: int, codes: Any, **more: Any) -> Path:
    """The folder of an iteration that holds a map."""
    return write(folder / f"{number:03d}" / "labels.tif", np.array(codes, np.uint8), **more).parent


def test_the_matrix_by_hand(tmp_path: Path) -> None:
    before = labels(tmp_path, 7, [[2, 2, 5, 5], [5, 5, 0, 6]])
    after = labels(tmp_path, 8, [[2, 5, 5, 6], [6, 5, 0, 6]])
    changes = changes_between(before, after, LEGEND)
    assert changes is not None
    assert changes.before == 7
    assert changes.classes == ("cloud", "land", "water")
    # Rows before, columns after; the pixel without data in both is not counted.
    assert changes.matrix == ((1, 1, 0), (0, 2, 2), (0, 0, 1))
    assert (changes.pixels, changes.changed) == (7, 3)
    content = changes.as_json()
    assert content["axes"] == "rows: before, columns: after"
    assert Changes.from_json(content) == changes


def test_pixels_that_gain_or_lose_data_are_told(tmp_path: Path) -> None:
    before, after = labels(tmp_path, 1, [[0, 0, 5]]), labels(tmp_path, 2, [[0, 2, 0]])
    changes = changes_between(before, after, LEGEND)
    assert changes is not None
    assert changes.classes == ("no data", "cloud", "land")
    assert changes.matrix == ((0, 1, 0), (0, 0, 0), (1, 0, 0))


def test_a_class_that_occurs_nowhere_is_left_out(tmp_path: Path) -> None:
    changes = changes_between(labels(tmp_path, 1, [[5]]), labels(tmp_path, 2, [[6]]), LEGEND)
    assert changes is not None
    assert changes.classes == ("land", "water")


def test_blocks_add_up_to_the_whole(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    one, other = (random.choice(np.array([0, 2, 5, 255], np.uint8), (700, 31)) for _ in range(2))
    counted = count_pairs(write(tmp_path / "a.tif", one), write(tmp_path / "b.tif", other))
    expected = {
        (row, column): int(((one == row) & (other == column)).sum())
        for row in (0, 2, 5, 255)
        for column in (0, 2, 5, 255)
    }
    assert counted == expected


@pytest.mark.parametrize("other", [{"left": 300060}, {"names": ("", "", "snow")}], ids=["grid", "classes"])
def test_maps_that_do_not_compare(tmp_path: Path, other: dict[str, Any]) -> None:
    assert changes_between(labels(tmp_path, 1, [[2]]), labels(tmp_path, 2, [[2]], **other), LEGEND) is None


def test_a_map_that_is_gone_does_not_compare(tmp_path: Path) -> None:
    after = labels(tmp_path, 2, [[2]])
    assert changes_between(tmp_path / "001", after, LEGEND) is None


def test_mean_confidence_by_hand(tmp_path: Path) -> None:
    values = np.zeros((600, 2), np.float32)
    values[0, 0], values[300, 1], values[599, 0] = 0.25, 0.5, 1
    # Of the three pixels that have data.
    assert mean_confidence(write(tmp_path / "confidence.tif", values)) == pytest.approx(1.75 / 3)


def test_there_is_no_mean_of_no_confidence(tmp_path: Path) -> None:
    assert mean_confidence(tmp_path / "confidence.tif") is None
    assert mean_confidence(write(tmp_path / "empty.tif", np.zeros((2, 2), np.float32))) is None


def test_progress_compares_with_the_last_one_or_with_the_start(tmp_path: Path) -> None:
    finished = [labels(tmp_path, 1, [[2, 2]]), labels(tmp_path, 2, [[2, 5]])]
    folder = labels(tmp_path, 3, [[5, 5]])
    found = map_metrics(folder, finished, None, LEGEND)
    assert found["started_from"] is None
    assert found["map_pixels"] == {"land": 2}
    assert found["mean_confidence"] is None
    assert found["changes"]["before"] == 2  # type: ignore[index]
    assert found["changes"]["changed"] == 1  # type: ignore[index]
    again = map_metrics(folder, finished, finished[0], LEGEND)
    assert again["started_from"] == 1
    assert again["changes"]["before"] == 1  # type: ignore[index]
    assert again["changes"]["changed"] == 2  # type: ignore[index]
    assert map_metrics(finished[0], (), None, LEGEND)["changes"] is None


def test_a_run_writes_it(finished: FinishedScene) -> None:
    metrics = finished.result.accuracy
    assert metrics is not None
    codes = gdal.Open(str(finished.result.labels)).ReadAsArray()
    confidence = gdal.Open(str(finished.result.confidence)).ReadAsArray()
    legend = finished.scene.config.template.legend
    assert metrics["map_pixels"] == {
        one.name: int((codes == one.code).sum()) for one in legend.classes if (codes == one.code).any()
    }
    assert metrics["mean_confidence"] == pytest.approx(confidence[codes > 0].mean(dtype=np.float64))
    assert metrics["changes"] is None
