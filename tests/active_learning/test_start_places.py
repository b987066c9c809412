"""The places to label first: on made-up kinds of pixel, whose truth is known, and through the command line."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import fiona
import numpy as np
import pytest
from osgeo import gdal
from scenes import alcd, leftovers, refused
from small_rasters import write_raster

from alcd_otb.active_learning import start_places
from alcd_otb.active_learning.answers import Answers
from alcd_otb.active_learning.places import Place, propose_places
from alcd_otb.active_learning.start_places import drawn_pixels, explained_kind, propose_start_places
from alcd_otb.active_learning.uncertainty import CertaintyMaps
from alcd_otb.errors import ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import strips
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene
from alcd_otb.settings.legend import Legend, LegendClass
from alcd_otb.settings.steps import QuerySettings
from otb_pipelines.settings import Settings

SHARES = (0.4, 0.25, 0.15, 0.1, 0.05, 0.05)
"""Shares of the kinds of pixel in the scene."""


def sample(grid: Grid, row: int, column: int) -> Sample:
    return Sample(f"p:{row}/{column}", 5, {"type": "Point", "coordinates": grid.centre_of(row, column)})


def pixels(places: tuple[Place, ...]) -> list[tuple[int, int]]:
    return [(place.row, place.column) for place in places]


class MadeUp:
    """A scene of 120 x 100 pixels in bands of rows, one for each kind, with a frame that is not valid."""

    def __init__(self, folder: Path, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        ends = np.cumsum(np.round(np.array(SHARES) * 120)).astype(int)
        self.truth = np.searchsorted(ends, np.arange(120), side="right")[:, None].repeat(100, axis=1)
        centres = random.normal(0, 1, (len(SHARES), 5))
        values = centres[self.truth].transpose(2, 0, 1) + random.normal(0, 0.1, (5, 120, 100))
        # Far from a Gaussian, as reflectances are.
        values[2:] = np.exp(3 * values[2:])
        self.valid = np.zeros((120, 100), np.uint8)
        self.valid[2:-2, 3:-3] = 1
        values[:, :2] = np.nan
        self.features_file = write_raster(folder / "features.tif", values.astype(np.float32))
        self.valid_file = write_raster(folder / "valid.tif", self.valid)
        self.grid = Grid.of(str(self.features_file))

    def places(self, number: int = 18, samples: tuple[Sample, ...] = (), seed: int = 1) -> tuple[Place, ...]:
        return propose_start_places(self.features_file, self.valid_file, samples, number, seed)

    def kinds(self, places: tuple[Place, ...]) -> list[int]:
        return [int(self.truth[one]) for one in pixels(places)]


@pytest.fixture
def made_up(tmp_path: Path) -> MadeUp:
    return MadeUp(tmp_path)


class TestDrawnPixels:
    def test_are_valid_and_as_many_as_wanted(self, made_up: MadeUp) -> None:
        drawn = drawn_pixels(made_up.valid_file, 700, 1)
        assert (made_up.valid[drawn.rows, drawn.columns] == 1).all()
        numbers = drawn.rows * 100 + drawn.columns
        assert (np.diff(numbers) > 0).all()
        assert numbers.size == 700
        # All over the scene: about half of them in each half, by the binomial distribution.
        assert abs((drawn.rows < 60).sum() - 350) < 4 * np.sqrt(700 / 4)
        assert drawn_pixels(made_up.valid_file, 700, 2).rows.tolist() != drawn.rows.tolist()

    def test_are_all_where_there_are_no_more(self, made_up: MadeUp) -> None:
        drawn = drawn_pixels(made_up.valid_file, 10**6, 1)
        assert np.array_equal(np.stack(drawn), np.stack(np.nonzero(made_up.valid)))

    def test_are_the_same_whatever_the_blocks(self, made_up: MadeUp, monkeypatch: pytest.MonkeyPatch) -> None:
        whole = drawn_pixels(made_up.valid_file, 700, 1)
        monkeypatch.setattr(start_places, "strips", partial(strips, rows=7))
        assert np.array_equal(np.stack(drawn_pixels(made_up.valid_file, 700, 1)), np.stack(whole))


class TestStartPlaces:
    @pytest.mark.parametrize("seed", range(5))
    def test_meet_every_kind_of_a_twentieth_of_the_scene(self, tmp_path: Path, seed: int) -> None:
        made_up = MadeUp(tmp_path, seed)
        places = made_up.places(seed=seed)
        assert len(places) == 18
        assert set(made_up.kinds(places)) == set(range(len(SHARES)))

    def test_of_as_many_kinds_as_there_are_come_one_each_the_largest_first(self, made_up: MadeUp) -> None:
        places = made_up.places(len(SHARES))
        found = made_up.kinds(places)
        assert sorted(found) == list(range(len(SHARES)))
        assert found[:4] == [0, 1, 2, 3]
        rows = made_up.truth[2:-2, 0]
        for place, kind in zip(places, found, strict=True):
            told = float(place.reason.split("about ")[1].split(" %")[0])
            assert told == pytest.approx(100 * (rows == kind).mean(), abs=3)

    def test_lie_where_the_neighbours_are_alike(self, tmp_path: Path) -> None:
        # Two kinds: in the upper half as a chessboard, below in two areas. No value tells the halves from each other.
        row, column = np.mgrid[:60, :100]
        kinds = np.where(row < 40, (row + column) % 2, column >= 50)
        values = kinds + np.random.default_rng(1).normal(0, 0.01, (3, 60, 100))
        features = write_raster(tmp_path / "features.tif", values.astype(np.float32))
        valid = write_raster(tmp_path / "valid.tif", np.ones((60, 100), np.uint8))
        places = pixels(propose_start_places(features, valid, (), 2, 1))
        assert {int(kinds[one]) for one in places} == {0, 1}
        assert all(41 <= row <= 58 for row, _ in places)
        assert all(column not in (0, 49, 50, 99) for _, column in places)

    def test_lie_where_they_can_in_a_scene_of_one_row(self, tmp_path: Path) -> None:
        features = write_raster(tmp_path / "features.tif", np.arange(50, dtype=np.float32).reshape(1, 1, 50))
        valid = write_raster(tmp_path / "valid.tif", np.ones((1, 50), np.uint8))
        assert len(propose_start_places(features, valid, (), 4, 1)) == 4

    def test_tell_no_class(self, made_up: MadeUp) -> None:
        place = made_up.places()[0]
        assert (place.code, place.second_code, place.margin, place.zone_area) == (0, 0, None, None)
        assert place.reason.startswith("one of 18 kinds of pixel in the scene; about ")

    def test_are_valid_and_have_all_features(self, made_up: MadeUp) -> None:
        # Some pixels are called valid and have no data.
        values = gdal.Open(str(made_up.features_file)).ReadAsArray()
        values[1, :, 40:60] = np.nan
        write_raster(made_up.features_file, values)
        for row, column in pixels(made_up.places(100)):
            assert made_up.valid[row, column] == 1
            assert not 40 <= column < 60

    def test_are_fewer_where_fewer_pixels_are_valid(self, made_up: MadeUp) -> None:
        few = np.zeros_like(made_up.valid)
        few[[10, 50, 90], [10, 20, 30]] = 1
        write_raster(made_up.valid_file, few)
        assert sorted(pixels(made_up.places())) == [(10, 10), (50, 20), (90, 30)]
        write_raster(made_up.valid_file, np.zeros_like(few))
        assert made_up.places() == ()

    def test_on_another_grid_are_refused(self, made_up: MadeUp) -> None:
        write_raster(made_up.valid_file, made_up.valid[:50])
        with pytest.raises(ProcessingError, match=r"valid\.tif: is on another grid than .*; delete it and run again"):
            made_up.places()

    def test_are_the_same_again_and_others_by_another_seed(self, made_up: MadeUp) -> None:
        assert made_up.places() == made_up.places()
        assert made_up.places(seed=2) != made_up.places(seed=1)

    def test_a_kind_with_a_sample_is_not_asked_for_again_and_the_others_stay(self, made_up: MadeUp) -> None:
        places = made_up.places()
        answered = tuple(sample(made_up.grid, *one) for one in pixels(places)[:7])
        assert pixels(made_up.places(samples=answered)) == pixels(places)[7:]
        assert made_up.places(samples=tuple(sample(made_up.grid, *one) for one in pixels(places))) == ()

    def test_a_sample_elsewhere_answers_the_place_of_its_kind(self, made_up: MadeUp) -> None:
        # Kind 2 at the other end of its rows, and a point in the frame, which has no data.
        samples = (sample(made_up.grid, 85, 90), sample(made_up.grid, 0, 0))
        assert sorted(made_up.kinds(made_up.places(len(SHARES), samples))) == [0, 1, 3, 4, 5]

    def test_a_sample_beside_a_place_answers_it_also_of_another_kind(self, made_up: MadeUp) -> None:
        places = made_up.places()
        # The row of the place nearest to the border between two kinds.
        edge = 48
        near = min(range(18), key=lambda index: abs(places[index].row - edge))
        row, column = pixels(places)[near]
        beside = sample(made_up.grid, row + (3 if row < edge else -3), column)
        assert (row, column) not in pixels(made_up.places(samples=(beside,)))
        assert len(made_up.places(samples=(beside,))) >= 16

    @pytest.mark.parametrize(
        ("share", "said"),
        [
            (0.123, "one of 18 kinds of pixel in the scene; about 12 % of it is like this"),
            (0.004, "one of 18 kinds of pixel in the scene; less than 1 % of it is like this"),
        ],
    )
    def test_the_reason_is_told_in_words(self, share: float, said: str) -> None:
        assert explained_kind(18, share) == said


class TestCommands:
    """A prepared scene, whose samples are the empty file of its workspace."""

    @pytest.fixture
    def scene(self, prepared: Callable[..., Path]) -> Path:
        return prepared(samples=None)

    def test_a_run_without_samples_proposes_places(self, scene: Path) -> None:
        ended = alcd("run", scene)
        assert ended.returncode == 0, ended.stderr
        names = Scene.open(scene).config.template.legend.names
        assert f"{scene.parent}/work/to_visit.gpkg: 18 places to label first\n" in ended.stdout
        assert f"no sample of {', '.join(names)}: label one of each if the scene has any\n" in ended.stdout
        valid = gdal.Open(str(scene.parent / "work" / "valid.tif")).ReadAsArray()
        grid = Grid.of(str(scene.parent / "work" / "valid.tif"))
        with fiona.open(scene.parent / "work" / "to_visit.gpkg") as layer:
            places = list(layer)
        assert [one.properties["rank"] for one in places] == list(range(1, 19))
        for one in places:
            assert valid[grid.pixel_at(*one.geometry.coordinates)] == 1
            assert one.properties["class"] is None
            assert "kinds of pixel in the scene" in one.properties["reason"]

    def test_a_run_tells_programs_of_them(self, scene: Path) -> None:
        content = json.loads(alcd("run", scene, "--json").stdout)
        assert content["iteration"] is None
        assert content["to_visit"] == str(scene.parent / "work" / "to_visit.gpkg")
        assert content["places"] == 18
        assert content["classes_without_samples"] == list(Scene.open(scene).config.template.legend.names)

    def test_a_dry_run_says_so(self, scene: Path) -> None:
        assert "propose 18 places to label first\n" in alcd("run", scene, "--dry-run").stdout

    def test_next_gives_them_before_any_sample(self, scene: Path) -> None:
        ended = alcd("next", scene, "--json")
        assert ended.returncode == 0, ended.stderr
        content = json.loads(ended.stdout)
        assert len(content["places"]) == 18
        assert content["places"][0]["class"] is None
        assert content["classes_without_samples"] == list(Scene.open(scene).config.template.legend.names)
        assert Scene.open(scene).next_places() == content["places"]
        assert len(Scene.open(scene).next_places(5)) == 5
        text = alcd("next", scene, "-n", "2").stdout.splitlines()
        assert text[0].startswith("  1  6")
        assert ": one of 2 kinds of pixel in the scene; about " not in text[0]
        assert "  one of 2 kinds of pixel in the scene; about " in text[0]
        assert text[2] == f"{scene.parent}/work/to_visit.gpkg: 2 places"
        assert leftovers(scene.parent / "work") == []
        assert "5000 places cannot be proposed at a time; ask for 1 to 1000" in refused(2, "next", scene, "-n", "5000")

    def test_the_template_says_how_many(self, prepared: Callable[..., Path]) -> None:
        scene = prepared(samples=None, set={"margin": 120, "queries": {"start": 7}})
        assert len(Scene.open(scene).next_places()) == 7

    def test_are_the_same_bytes_in_any_number_of_threads(self, scene: Path) -> None:
        written = []
        for threads in (1, 3):
            Scene.open(scene, Settings(ram=256, threads=threads)).next_places()
            written.append((scene.parent / "work" / "to_visit.gpkg").read_bytes())
        ended = alcd("next", scene, OPENBLAS_NUM_THREADS="1", OPENBLAS_CORETYPE="Prescott")
        assert ended.returncode == 0, ended.stderr
        written.append((scene.parent / "work" / "to_visit.gpkg").read_bytes())
        assert written[0] == written[1] == written[2]

    def test_answered_ones_are_known_before_a_run(self, scene: Path) -> None:
        opened = Scene.open(scene)
        opened.run()
        places = opened.next_places()
        opened.add_samples([("land", one["x"], one["y"]) for one in places[:4]])
        left = opened.next_places()
        assert [(one["x"], one["y"]) for one in left] == [(one["x"], one["y"]) for one in places[4:]]
        assert "land" not in opened.unlabelled_classes()
        opened.add_samples([("water", one["x"], one["y"]) for one in places[4:]])
        assert opened.next_places() == []
        text = alcd("next", scene).stdout
        assert (
            "no place is left before the first map: each kind of pixel in the scene has a sample; run the scene"
        ) in text
        assert json.loads(alcd("next", scene, "--json").stdout)["places"] == []

    def test_a_run_with_samples_asks_by_its_map(self, scene: Path) -> None:
        opened = Scene.open(scene)
        opened.run()
        places = opened.next_places()
        names = opened.config.template.legend.names
        opened.add_samples([(names[index % 2], one["x"], one["y"]) for index, one in enumerate(places)])
        ended = alcd("run", scene)
        assert ended.returncode == 0, ended.stderr
        assert "places to label next\n" in ended.stdout
        asked = f"no sample of {', '.join(names[2:])}: label one of each if the scene has any"
        assert asked in ended.stdout
        assert asked in alcd("status", scene).stdout
        assert json.loads(alcd("status", scene, "--json").stdout)["classes_without_samples"] == list(names[2:])
        assert f"N{asked[1:]}." in (scene.parent / "work" / "latest" / "report.html").read_text("utf-8")
        assert all(place["class"] in names[:2] for place in opened.next_places())


def test_when_nothing_is_left_next_says_so(prepared: Callable[..., Path]) -> None:
    scene = prepared(set={"margin": 120, "samples": {"training_proportion": 1}})
    result = Scene.open(scene).run()
    labels = gdal.Open(str(result.labels), gdal.GA_Update)
    labels.WriteArray(np.zeros((labels.RasterYSize, labels.RasterXSize), np.uint8))
    labels.FlushCache()
    assert json.loads(alcd("next", scene, "--json").stdout)["places"] == []
    assert "no place is left: all pixels of the map are samples, or near one" in alcd("next", scene).stdout


def test_a_small_scene_does_not_run_dry(tmp_path: Path) -> None:
    """A place is left for each of 126 points on 256 x 256 pixels of 20 m, by the spacing of the templates."""
    random = np.random.default_rng(0)
    write_raster(tmp_path / "margin.tif", random.random((256, 256)).astype(np.float32))
    write_raster(tmp_path / "labels.tif", np.full((256, 256), 5, np.uint8))
    features = write_raster(tmp_path / "features.tif", random.random((3, 256, 256)).astype(np.float32))
    maps, grid = CertaintyMaps.of(tmp_path), Grid.of(str(features))
    assert maps is not None
    legend = Legend.from_classes([LegendClass("land", 5, "#009738", False), LegendClass("snow", 4, "#ffffff", False)])
    samples: tuple[Sample, ...] = ()
    while len(samples) < 126:
        places = propose_places(maps, features, Answers(samples), legend, QuerySettings(number=14), 1)
        assert len(places) == 14
        samples += tuple(sample(grid, *one) for one in pixels(places))
