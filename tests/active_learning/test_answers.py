"""Places that the operator left out: which they are, and that nothing like them comes again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scenes import MARGIN
from small_rasters import write_raster

from alcd_otb.active_learning.answers import Answers, answers_to
from alcd_otb.active_learning.layer import read_asked
from alcd_otb.active_learning.places import propose_places
from alcd_otb.active_learning.uncertainty import CertaintyMaps
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene
from alcd_otb.settings.legend import Legend, LegendClass
from alcd_otb.settings.steps import QuerySettings

GRID = Grid("EPSG:32631", 600000.0, 4900000.0, 20.0, 100, 100)
LEGEND = Legend.from_classes([LegendClass("land", 5, "#009738", False), LegendClass("snow", 7, "#ffffff", False)])


def sample(row: int, column: int) -> Sample:
    return Sample(f"{row}:{column}", 5, {"type": "Point", "coordinates": GRID.centre_of(row, column)})


class TestAnswersTo:
    PROPOSED = tuple(GRID.centre_of(10 * number, 10) for number in range(1, 6))

    def left_out(self, *samples: Sample, before: tuple[tuple[float, float], ...] = ()) -> list[tuple[float, float]]:
        answers = answers_to(self.PROPOSED, before, samples, GRID)
        assert answers.samples == samples
        return list(answers.left_out)

    def test_what_comes_after_the_last_answer_is_not_left_out(self) -> None:
        assert self.left_out(sample(10, 10), sample(30, 10)) == [self.PROPOSED[1]]

    def test_a_point_three_pixels_away_answers_and_one_farther_away_does_not(self) -> None:
        assert self.left_out(sample(20, 13), sample(30, 10)) == [self.PROPOSED[0]]
        assert self.left_out(sample(20, 14), sample(30, 10)) == [self.PROPOSED[0], self.PROPOSED[1]]

    def test_without_an_answer_nothing_is_known(self) -> None:
        assert self.left_out() == []
        assert self.left_out(sample(90, 90)) == []

    def test_what_was_left_out_before_stays_so_until_it_is_labelled(self) -> None:
        before = (GRID.centre_of(80, 80), GRID.centre_of(90, 90))
        assert self.left_out(sample(90, 91), before=before) == [before[0]]


def test_no_place_near_one_that_was_left_out_or_of_its_kind_is_proposed(tmp_path: Path) -> None:
    """In 100 x 100 pixels, the left half is of another kind than the right one; all are equally uncertain."""
    shape = (GRID.height, GRID.width)
    half = np.zeros(shape, np.float32)
    half[:, :50] = 9
    noise = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    write_raster(tmp_path / "features.tif", np.stack([half, noise]))
    write_raster(tmp_path / "margin.tif", np.full(shape, 0.1, np.float32))
    write_raster(tmp_path / "labels.tif", np.full(shape, 5, np.uint8))
    maps = CertaintyMaps.of(tmp_path)
    assert maps is not None
    samples = [sample(50, 80)]
    queries = QuerySettings(number=1, spacing=100)

    def first(*left_out: tuple[int, int]) -> tuple[int, int]:
        answers = Answers(samples, [GRID.centre_of(*pixel) for pixel in left_out])
        (place,) = propose_places(maps, tmp_path / "features.tif", answers, LEGEND, queries, 1)
        return place.row, place.column

    # The kind that has no sample comes first, unless nobody can tell it.
    asked = first()
    assert asked[1] < 50
    again = first(asked)
    assert np.hypot(again[0] - asked[0], again[1] - asked[1]) >= 5
    several = [(row, 25) for row in range(10, 100, 10)]
    assert first(*several)[1] >= 50


@pytest.fixture
def scene(prepared: Callable[..., Path]) -> Scene:
    file = prepared(samples=None, set={"margin": MARGIN, "queries": {"number": 6, "start": 6}})
    return Scene.open(file)


class TestWorkspace:
    def test_the_file_of_places_remembers_them_over_runs(self, scene: Scene) -> None:
        scene.run()
        start = [(place["x"], place["y"]) for place in scene.next_places()]
        names = scene.config.template.legend.names
        # The second place is left out; the last is not reached.
        scene.add_samples([(names[index % 2], *start[index]) for index in (0, 2, 3, 4)])
        scene.run()
        assert read_asked(scene.workspace.to_visit).left_out == (start[1],)
        places = [(place["x"], place["y"]) for place in scene.next_places()]
        assert [(place["x"], place["y"]) for place in scene.next_places()] == places
        scene.add_samples([("land", *places[-1])])
        scene.run()
        left_out = read_asked(scene.workspace.to_visit).left_out
        assert left_out == (start[1], *places[:-1])
        near = 3 * scene.grid.resolution
        for place in scene.next_places():
            assert all(np.hypot(place["x"] - x, place["y"] - y) > near for x, y in left_out)
        scene.add_samples([("water", *start[1])])
        scene.next_places()
        assert start[1] not in read_asked(scene.workspace.to_visit).left_out

    def test_a_file_of_somebody_else_s_tells_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "to_visit.gpkg").write_text("nothing")
        assert read_asked(tmp_path / "to_visit.gpkg") == ((), ())
        assert read_asked(tmp_path / "absent.gpkg") == ((), ())
