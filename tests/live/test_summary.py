"""What a session sums up is what a run writes of the same samples, or what plain counting gives."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from scenes import FinishedScene

from alcd_otb.live import survey
from alcd_otb.live.maps import Cancellation
from alcd_otb.live.session import LiveSession
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene

CLOUDS = (2, 3, 4)


def test_before_anything_is_counted_the_points_are_known(finished: FinishedScene) -> None:
    with finished.scene.live() as live:
        summary = live.summary()
    assert summary.points == finished.scene.metrics["samples"] | {"high_clouds": 25}
    assert list(summary.points) == ["low_clouds", "high_clouds", "clouds_shadows", "land", "water", "snow"]
    assert summary.unlabelled == ("background",)
    assert (summary.surveyed, summary.shares, summary.changed, summary.two_class_changed) == (None,) * 4
    assert (summary.validated, summary.validation, summary.iteration) == (None, None, 1)
    assert summary.stopping == finished.scene.metrics["stopping"]
    assert summary.as_json()["points"]["snow"] == 25


def test_the_shares_are_those_of_the_map_of_a_run(finished: FinishedScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alcd_otb.live.session._STRIP_PIXELS", 120 * 33)
    with finished.scene.live() as live:
        assert live.survey()
        summary = live.summary()
    pixels = finished.scene.metrics["map_pixels"]
    assert summary.surveyed == summary.revision == 1
    assert summary.shares == pytest.approx({name: count / sum(pixels.values()) for name, count in pixels.items()})
    # The map is that of the iteration.
    assert summary.two_class_changed == 0


def test_what_changed_is_counted(finished: FinishedScene) -> None:
    scene = finished.scene
    with scene.live() as live:
        assert live.survey()
        before = live.maps()
        corrections = [
            Sample(f"corrections:{number}", 4, square(scene, 20 + 7 * number, 60)) for number in range(survey.CLICKS)
        ]
        for number in range(1, len(corrections) + 1):
            assert live.summary().changed is None
            live.update(scene.samples, corrections[:number])
        assert live.survey()
        summary, after = live.summary(), live.maps()
    assert before is not None
    assert after is not None
    there = before.labels > 0
    assert summary.changed is not None
    assert summary.changed.clicks == survey.CLICKS
    assert summary.changed.share == pytest.approx((before.labels != after.labels)[there].mean())
    sides = np.isin(before.labels, CLOUDS) != np.isin(after.labels, CLOUDS)
    assert summary.two_class_changed == pytest.approx(sides[there].mean())
    assert summary.two_class_changed > 0


def square(scene: Scene, row: int, column: int) -> dict[str, object]:
    x, y = scene.grid.centre_of(row, column)
    far = 2.2 * scene.grid.resolution
    ring = [(x - far, y - far), (x - far, y + far), (x + far, y + far), (x + far, y - far), (x - far, y - far)]
    return {"type": "Polygon", "coordinates": [ring]}


@pytest.mark.parametrize("most", [120 * 120, 1000])
def test_of_large_maps_a_part_is_compared(most: int, finished: FinishedScene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "_MOST_COMPARED", most)
    monkeypatch.setattr("alcd_otb.live.session._STRIP_PIXELS", 120 * 7)
    step = 1 if most == 120 * 120 else 4
    with finished.scene.live() as live:
        assert live.survey()
        last = live._surveys.last
        assert last is not None
        labels = gdal.Open(str(finished.result.labels)).ReadAsArray()
        assert np.array_equal(last.compared, labels[::step, ::step])


def test_a_survey_that_is_cancelled_or_without_a_map_is_none(finished: FinishedScene) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    scene = finished.scene
    with scene.live() as live:
        assert not live.survey(cancellation)
        assert live.summary().surveyed is None
        assert live.survey()
        assert live.survey(cancellation)
    with LiveSession.open(scene.config, scene.settings) as live:
        assert not live.survey()
        assert not live.validate()
        assert live.summary().points == {}


def test_the_validation_is_that_of_a_run_whose_samples_all_train(prepared: Callable[..., Path]) -> None:
    scene = Scene.open(prepared(set={"margin": 120, "samples": {"training_proportion": 1, "jitter": 0.5}}))
    with scene.live() as live:
        assert live.validate()
        validation = live.summary().validation
        assert live.summary().validated == 1
    metrics = scene.run().accuracy
    assert metrics is not None
    assert validation is not None
    assert validation["overall_accuracy"] > 0.8
    for key, value in validation.items():
        assert metrics[key] == value, key
