"""The iterations as they tell of themselves, after real runs of a scene."""

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fiona
import numpy as np
import pytest
from lxml import html
from osgeo import gdal
from scenes import FinishedScene, alcd, leftovers, refused, write_scene

from alcd_otb.iterations.status import aligned
from alcd_otb.iterations.validation import KEPT_OUT, Validation
from alcd_otb.scene import Scene


def classes_of(samples: Path) -> Counter[str]:
    with fiona.open(samples, layer="samples") as layer:
        return Counter(one.properties["class"] for one in layer)


def on_data(samples: Path, workspace: Path) -> Counter[str]:
    """Points a class that lie on a valid pixel."""
    dataset = gdal.Open(str(workspace / "valid.tif"))
    left, side, _, top, _, _ = dataset.GetGeoTransform()
    valid = dataset.ReadAsArray()
    with fiona.open(samples, layer="samples") as layer:
        places = [(one.properties["class"], *one.geometry.coordinates) for one in layer]
    return Counter(name for name, x, y in places if valid[int((top - y) // side), int((x - left) // side)])


def read(folder: Path, name: str) -> Any:
    return gdal.Open(str(folder / name)).ReadAsArray()


def metrics_of(folder: Path) -> Any:
    return json.loads((folder / "metrics.json").read_text())


@dataclass(frozen=True)
class Loop:
    """A scene whose samples are the workspace's, run with five points a class, and then with all of them."""

    scene_json: Path
    workspace: Path
    all_points: Path

    def iteration(self, number: int) -> Path:
        return self.workspace / "iterations" / f"{number:03d}"

    def copied(self, folder: Path) -> "Loop":
        """For a test that changes it."""
        shutil.copytree(self.scene_json.parent, folder / "loop", symlinks=True)
        return Loop(folder / "loop" / "scene.json", folder / "loop" / "work", self.all_points)


def first_of_each_class(source: Path, target: Path, most: int) -> None:
    taken: Counter[str] = Counter()
    with fiona.open(source) as points, fiona.open(target, "w", **points.meta, layer="samples") as fewer:
        for one in points:
            taken[one.properties["class"]] += 1
            if taken[one.properties["class"]] <= most:
                fewer.write(one)


@pytest.fixture(scope="module")
def loop(finished: FinishedScene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loop]:
    folder = tmp_path_factory.mktemp("loop")
    workspace = folder / "work"
    workspace.mkdir()
    for name in ("features.tif", "view.tif", "valid.tif", "preparation.json"):
        shutil.copy2(finished.result.workspace / name, workspace / name)
    scene = write_scene(folder / "scene.json", finished.synthetic, samples=None)
    samples = workspace / "samples.gpkg"
    first_of_each_class(finished.synthetic.samples, samples, 5)
    Scene.open(scene).run()
    shutil.copyfile(finished.synthetic.samples, samples)
    ended = alcd("run", scene)
    assert ended.returncode == 0, ended.stderr
    return Loop(scene, workspace, finished.synthetic.samples)


class TestStatus:
    def test_json_tells_what_the_rasters_and_points_say(self, loop: Loop) -> None:
        ended = alcd("status", loop.scene_json, "--json")
        assert ended.returncode == 0, ended.stderr
        status = json.loads(ended.stdout)
        assert status["workspace"] == str(loop.workspace)
        assert "not a random sample" in status["validation"]
        first, second = status["iterations"]
        assert (first["iteration"], second["iteration"]) == (1, 2)
        assert first["points"] == dict.fromkeys(first["points"], 5)
        assert len(first["points"]) == 6
        assert second["points"] == on_data(loop.all_points, loop.workspace)
        before, after = (read(loop.iteration(number), "labels.tif") for number in (1, 2))
        assert (first["changes"], first["minutes"]) == (None, None)
        changes = second["changes"]
        assert changes["before"] == 1
        assert changes["changed"] == (before != after).sum() > 0
        assert changes["pixels"] == (before > 0).sum() == np.sum(changes["matrix"])
        codes = {"low_clouds": 2, "high_clouds": 3, "clouds_shadows": 4, "land": 5, "water": 6, "snow": 7}
        for row, name in zip(changes["matrix"], changes["classes"], strict=True):
            for count, other in zip(row, changes["classes"], strict=True):
                assert count == ((before == codes[name]) & (after == codes[other])).sum()
        for number, one in enumerate((first, second), start=1):
            folder = loop.iteration(number)
            assert one["folder"] == str(folder)
            confidence = read(folder, "confidence.tif")
            assert one["mean_confidence"] == pytest.approx(confidence[confidence > 0].mean(dtype=np.float64))
            metrics = metrics_of(folder)
            assert metrics["validation"]["method"] == "cross-validation"
            assert metrics["validation"]["folds"] > 1
            assert one["validation"] == {
                **metrics["validation"],
                "pixels": metrics["pixels"],
                "overall_accuracy": metrics["overall_accuracy"],
                "invalid_valid_accuracy": metrics["invalid_valid"]["overall_accuracy"],
            }
        # No data is nowhere but where both maps have none.
        crossed = (np.isin(before, (2, 3, 4)) != np.isin(after, (2, 3, 4))).sum() / (before > 0).sum()
        assert status["stopping"]["two_class_changed"] == pytest.approx([crossed])
        assert status["stopping"] == metrics_of(loop.iteration(2))["stopping"]
        assert metrics_of(loop.iteration(1))["stopping"]["two_class_changed"] == []
        made = [datetime.fromisoformat(one["time"]) for one in (first, second)]
        assert second["minutes"] == pytest.approx((made[1] - made[0]) / timedelta(minutes=1), abs=0.051)
        assert timedelta(0) <= datetime.now(UTC) - made[1] < timedelta(hours=1)

    def test_text_says_what_the_validation_is(self, loop: Loop) -> None:
        ended = alcd("status", loop.scene_json)
        assert ended.returncode == 0, ended.stderr
        assert "2 iterations" in ended.stdout
        assert "not a random sample" in ended.stdout
        assert "accuracy of the mask" not in ended.stdout.lower()
        lines = [line.split() for line in ended.stdout.splitlines()]
        assert ["low_clouds", "5", str(on_data(loop.all_points, loop.workspace)["low_clouds"])] in lines

    def test_of_a_scene_that_was_never_run(self, finished: FinishedScene, tmp_path: Path) -> None:
        scene = write_scene(tmp_path / "scene.json", finished.synthetic)
        assert "no iteration yet" in alcd("status", scene).stdout
        assert json.loads(alcd("status", scene, "--json").stdout)["iterations"] == []
        assert [path.name for path in tmp_path.iterdir()] == ["scene.json"]

    def test_what_an_older_version_did_not_write_is_counted_or_unknown(self, loop: Loop, tmp_path: Path) -> None:
        expected = Scene.open(loop.scene_json).status()
        copy = loop.copied(tmp_path)
        for number in (1, 2):
            file = copy.iteration(number) / "metrics.json"
            metrics = json.loads(file.read_text())
            for key in ("time", "started_from", "map_pixels", "mean_confidence", "changes", "validation", "stopping"):
                del metrics[key]
            file.write_text(json.dumps(metrics))
        status = Scene.open(copy.scene_json).status()
        assert [one.changes for one in status] == [one.changes for one in expected]
        assert [one.mean_confidence for one in status] == [one.mean_confidence for one in expected]
        assert [(one.time, one.minutes) for one in status] == [(None, None)] * 2
        assert [one.validation for one in status] == [Validation(KEPT_OUT)] * 2
        assert [one.two_class_accuracy for one in status] == [one.two_class_accuracy for one in expected]
        text = alcd("status", copy.scene_json)
        assert text.returncode == 0, text.stderr

    @pytest.mark.parametrize("content", ["", "[]", "{}", '{"samples": 3}', '{"validation": {"method": "guessing"}}'])
    def test_an_iteration_that_cannot_be_read_is_warned_of(self, loop: Loop, tmp_path: Path, content: str) -> None:
        copy = loop.copied(tmp_path)
        file = copy.iteration(1) / "metrics.json"
        file.write_text(content)
        ended = alcd("status", copy.scene_json, "--json")
        assert ended.returncode == 0, ended.stderr
        assert str(file) in ended.stderr
        first, second = json.loads(ended.stdout)["iterations"]
        assert first["points"] == {}
        assert second["points"] == on_data(loop.all_points, loop.workspace)


def test_columns_are_aligned() -> None:
    assert aligned([["", "a", "bb"], ["row", "100", "2"]]) == "       a  bb\nrow  100   2"


class TestStartingAgain:
    def test_takes_the_earlier_samples_and_keeps_the_present_ones(self, loop: Loop, tmp_path: Path) -> None:
        copy = loop.copied(tmp_path)
        ended = alcd("run", copy.scene_json, "--from", "1", "--json")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["iteration"] == 3
        metrics = metrics_of(copy.iteration(3))
        assert metrics["started_from"] == 1
        # Compared with the one it started from, which the same samples and settings give again.
        assert (metrics["changes"]["before"], metrics["changes"]["changed"]) == (1, 0)
        assert (copy.iteration(3) / "labels.tif").read_bytes() == (copy.iteration(1) / "labels.tif").read_bytes()
        assert classes_of(copy.workspace / "samples.gpkg") == classes_of(copy.iteration(1) / "samples.gpkg")
        kept = copy.workspace / "samples_before_iteration_003.gpkg"
        assert classes_of(kept) == classes_of(loop.all_points)
        assert str(kept) in ended.stderr
        assert "from the samples of iteration 1" in " ".join(report_text(copy.iteration(3)).split())
        assert leftovers(tmp_path) == []
        # From here on it continues as ever.
        after = json.loads(alcd("status", copy.scene_json, "--json").stdout)["iterations"]
        assert [one["started_from"] for one in after] == [None, None, 1]

    def test_a_dry_run_tells_it_and_writes_nothing(self, loop: Loop) -> None:
        before = sorted(loop.workspace.rglob("*"))
        ended = alcd("run", loop.scene_json, "--from", "1", "--dry-run")
        assert ended.returncode == 0, ended.stderr
        _, iterate, put, cost = ended.stdout.splitlines()
        assert iterate == f"run iteration 3 from 30 samples of {loop.iteration(1) / 'samples.gpkg'}"
        assert put.startswith(f"put these into {loop.workspace / 'samples.gpkg'}")
        assert "MB of memory" in cost
        assert sorted(loop.workspace.rglob("*")) == before

    def test_samples_elsewhere_are_left_as_they_are(self, loop: Loop, tmp_path: Path, finished: FinishedScene) -> None:
        copy = loop.copied(tmp_path)
        own = Path(shutil.copy(loop.all_points, tmp_path / "mine.gpkg"))
        scene = write_scene(copy.scene_json, finished.synthetic, samples=own)
        content = own.read_bytes()
        ended = alcd("run", scene, "--from", "1", "--json")
        assert ended.returncode == 0, ended.stderr
        assert own.read_bytes() == content
        assert f"WARNING: {own} is not a GeoPackage in the workspace" in ended.stderr
        assert metrics_of(copy.iteration(3))["started_from"] == 1
        assert metrics_of(copy.iteration(3))["samples"] == metrics_of(copy.iteration(1))["samples"]

    def test_of_an_iteration_that_is_not_there(self, loop: Loop) -> None:
        message = refused(2, "run", loop.scene_json, "--from", "9")
        assert message == f"{loop.workspace}: has no iteration 9; there are 1, 2"
        assert len(list((loop.workspace / "iterations").iterdir())) == 2

    def test_of_a_scene_that_was_never_run(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        assert refused(2, "run", prepared(), "--from", "1") == (
            f"{tmp_path / 'work'}: has no iteration 1; there is none"
        )


def report_text(folder: Path) -> str:
    return str(html.parse(str(folder / "report.html")).getroot().text_content())


class TestRunLog:
    def test_tells_the_steps_with_times(self, loop: Loop) -> None:
        log = (loop.iteration(2) / "run.log").read_text()
        last = log.splitlines()[-1]
        datetime.strptime(last[:19], "%Y-%m-%d %H:%M:%S")
        assert "iteration 2, seconds: samples " in last
        # Each run's alone.
        assert "iteration 1," not in log

    def test_is_the_same_of_a_quiet_run(self, loop: Loop, tmp_path: Path) -> None:
        copy = loop.copied(tmp_path)
        ended = alcd("run", copy.scene_json, "-q")
        assert ended.returncode == 0
        assert "INFO" not in ended.stderr
        assert "INFO alcd_otb.next_iteration: iteration 3, seconds: " in (copy.iteration(3) / "run.log").read_text()
