"""Where to click next: values by hand on small maps."""

import json
from collections.abc import Callable
from pathlib import Path

import fiona
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from osgeo import gdal
from scenes import FinishedScene, alcd, leftovers, refused, write_scene
from small_rasters import RESOLUTION, write_raster

from alcd_otb.active_learning import uncertainty
from alcd_otb.active_learning.answers import Answers
from alcd_otb.active_learning.novelty import most_novel
from alcd_otb.active_learning.places import Place, explained, propose_places
from alcd_otb.active_learning.uncertainty import CertaintyMaps, unsure_pixels
from alcd_otb.errors import ProcessingError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.scene import Scene
from alcd_otb.settings.legend import Legend, LegendClass
from alcd_otb.settings.steps import QuerySettings

LEGEND = Legend.from_classes(
    [
        LegendClass("cloud", 2, "#d2d2d2", True),
        LegendClass("land", 5, "#009738", False),
        LegendClass("water", 6, "#008ed0", False),
    ]
)
NOWHERE = np.empty(0, dtype=np.int64)


def write_maps(folder: Path, certainty: np.ndarray, name: str = "margin", **codes: np.ndarray) -> CertaintyMaps:
    """The rasters of an iteration; all of class 5 unless labels are given."""
    folder.mkdir(exist_ok=True)
    write_raster(folder / f"{name}.tif", certainty.astype(np.float32))
    write_raster(folder / "labels.tif", codes.pop("labels", np.full(certainty.shape, 5)).astype(np.uint8))
    for other, values in codes.items():
        write_raster(folder / f"{other}.tif", values.astype(np.uint8))
    maps = CertaintyMaps.of(folder)
    assert maps is not None
    return maps


def sample(grid: Grid, row: int, column: int, code: int = 5) -> Sample:
    return Sample(f"p:{row}/{column}", code, {"type": "Point", "coordinates": grid.centre_of(row, column)})


def pixels(places: tuple[Place, ...]) -> list[tuple[int, int]]:
    return [(place.row, place.column) for place in places]


class TestUnsurePixels:
    MARGIN = np.array([[0.9, 0.2, 0.8], [0.1, 0.7, 0.3], [0.6, 0.5, 0.4]])

    @staticmethod
    def found(maps: CertaintyMaps, spacing: float, most: int, held: tuple[list[int], list[int]] = ([], [])) -> list:
        rows, columns = (np.array(axis, dtype=np.int64) for axis in held)
        return list(zip(*map(np.ndarray.tolist, unsure_pixels(maps, rows, columns, spacing, most, 1)), strict=True))

    def test_come_from_the_least_margin_up(self, tmp_path: Path) -> None:
        maps = write_maps(tmp_path, self.MARGIN)
        assert self.found(maps, 0, 4) == [(1, 0), (0, 1), (1, 2), (2, 2)]

    def test_are_never_without_data_nor_where_a_sample_lies(self, tmp_path: Path) -> None:
        labels = np.full((3, 3), 5)
        # A margin of 0 is that of no data and that of a tie alike.
        labels[0, 1] = 0
        maps = write_maps(tmp_path, np.where(labels == 0, 0, self.MARGIN), labels=labels)
        assert self.found(maps, 0, 3, ([1], [0])) == [(1, 2), (2, 2), (2, 1)]
        assert len(self.found(maps, 0, 99, ([1], [0]))) == 7

    def test_keep_apart(self, tmp_path: Path) -> None:
        # Three pixels: whatever lies two pixels or less along both axes is too near.
        margin = np.full((1, 9), 0.5)
        margin[0, [0, 2, 3, 7]] = (0.1, 0.2, 0.3, 0.4)
        assert self.found(write_maps(tmp_path, margin), 3 * RESOLUTION, 9) == [(0, 0), (0, 3), (0, 7)]

    def test_are_the_same_whatever_the_blocks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        margin = np.random.default_rng(1).permutation(40 * 30).reshape(40, 30) / 1200
        maps, held = write_maps(tmp_path, margin), ([3, 20], [7, 29])
        whole = self.found(maps, 5 * RESOLUTION, 12, held)
        monkeypatch.setattr(uncertainty, "_BLOCK_ROWS", 3)
        assert self.found(maps, 5 * RESOLUTION, 12, held) == whole
        assert len(whole) == 12

    @settings(max_examples=30, deadline=None)
    @given(
        arrays(np.float32, (13, 17), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
        arrays(np.bool_, (13, 17)),
        st.sampled_from([0.0, 15.0, 20.0, 35.0, 60.0, 100.0]),
        st.integers(0, 12),
        st.integers(0, 16),
    )
    def test_keep_apart_on_any_map(
        self,
        tmp_path_factory: pytest.TempPathFactory,
        margin: np.ndarray,
        data: np.ndarray,
        spacing: float,
        row: int,
        column: int,
    ) -> None:
        maps = write_maps(tmp_path_factory.mktemp("maps"), margin, labels=np.where(data, 5, 0))
        found = self.found(maps, spacing, 1000, ([row], [column]))
        assert all(data[one] for one in found)
        assert (row, column) not in found
        places = np.array([(row, column), *found], dtype=float)
        distances = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) * RESOLUTION
        assert (distances[~np.eye(len(places), dtype=bool)] >= spacing).all()
        if spacing <= RESOLUTION:
            data[row, column] = False
            assert len(found) == data.sum()
        values = [margin[one] for one in found]
        assert values == sorted(values)


class TestMostNovel:
    def test_each_is_far_from_all_before_it(self) -> None:
        # d^2 / r is 1/7.33, 25/4.36, 81/5.20 and 100/5.97; beside 10 and 0, then 1/7.33, 25/4.36 and 1/5.20.
        candidates = np.array([[1.0], [5.0], [9.0], [10.0]])
        chosen, distances = most_novel(candidates, np.array([[0.0], [30.0]]), 3)
        assert chosen.tolist() == [3, 1, 2]
        assert distances.tolist() == [1, 5, 9, 10]

    def test_an_outlier_does_not_come_before_what_stands_for_many(self) -> None:
        # Six candidates 0.1 apart at 5 to 5.5, and one alone at 7: 25 / 0.3 against 49 / 1.8.
        candidates = np.array([5.0, 5.1, 5.2, 5.3, 5.4, 5.5, 7.0])[:, None]
        chosen, _ = most_novel(candidates, np.array([[0.0]]), 2)
        assert 7.0 not in candidates[chosen[:1]]
        assert candidates[chosen[1]] == 7.0

    def test_of_equal_ones_all_are_chosen_in_order(self) -> None:
        chosen, distances = most_novel(np.ones((3, 2)), np.empty((0, 2)), 9)
        assert chosen.tolist() == [0, 1, 2]
        assert np.isinf(distances).all()

    def test_of_one_or_none(self) -> None:
        assert most_novel(np.ones((1, 2)), np.zeros((1, 2)), 9)[0].tolist() == [0]
        assert most_novel(np.empty((0, 2)), np.zeros((1, 2)), 9)[0].tolist() == []


@pytest.mark.parametrize(
    ("margin", "is_margin", "area", "few", "new", "said"),
    [
        (0.02, True, 12.34, [], False, "the votes are nearly even, in an uncertain zone of 12.3 ha"),
        (0.2, True, 0.36, ["water"], True,
         "the votes are divided, unlike every sample so far, few samples of water, in an uncertain zone of 0.36 ha"),
        (0.0, False, 0.36, [], False, "the confidence is low, in an uncertain zone of 0.36 ha"),
        (0.8, True, 0.0, [], False, "the most uncertain place that is left"),
    ],
)  # fmt: skip
def test_the_reason_is_told_in_words(
    margin: float, is_margin: bool, area: float, few: list[str], new: bool, said: str
) -> None:
    assert explained(margin, is_margin, area, few, new) == said


class TestPlaces:
    """A map of 8 x 12 pixels of 20 m: a zone of five uncertain pixels, one of two, and one pixel alone."""

    @pytest.fixture
    def margin(self) -> np.ndarray:
        margin = np.full((8, 12), 0.9)
        margin[1, 1:4] = (0.2, 0.05, 0.2)
        margin[2:4, 4] = 0.25
        margin[6, 10:12] = (0.08, 0.29)
        margin[7, 2] = 0.5
        return margin

    @pytest.fixture
    def features(self, tmp_path: Path) -> Path:
        values = np.random.default_rng(0).normal(0, 0.01, (2, 8, 12))
        values[0, 6, 10] = 4
        values[0, 7, 2] = 1
        return write_raster(tmp_path / "features.tif", values.astype(np.float32))

    def places(self, maps: CertaintyMaps, features: Path, number: int = 3, **changes: float) -> tuple[Place, ...]:
        grid = Grid.of(str(maps.labels))
        samples = [sample(grid, 0, 8), sample(grid, 0, 11, 6)]
        wanted = QuerySettings(**{"number": number, "spacing": 80, "candidates": 1, **changes})
        return propose_places(maps, features, Answers(samples), LEGEND, wanted, 1)

    def test_tell_classes_margin_zone_and_reason(self, tmp_path: Path, margin: np.ndarray, features: Path) -> None:
        labels, second = np.full(margin.shape, 5), np.full(margin.shape, 6)
        labels[6, 10], second[6, 10] = 2, 5
        second[7, 2] = 5
        places = self.places(write_maps(tmp_path / "it", margin, labels=labels, second=second), features)
        # From the most unlike the samples to the least, since as many are wanted as there are candidates.
        assert pixels(places) == [(6, 10), (7, 2), (1, 2)]
        assert [(place.code, place.second_code) for place in places] == [(2, 5), (5, 0), (5, 6)]
        assert [place.margin for place in places] == pytest.approx([0.08, 0.5, 0.05])
        # Pixels of 0.04 ha; a pixel above 0.3 is in no zone.
        assert [place.zone_area for place in places] == pytest.approx([0.08, 0, 0.2])
        assert "few samples of cloud, few samples of land" in places[0].reason
        assert "unlike every sample so far" in places[0].reason
        assert "unlike every sample so far" not in places[2].reason

    def test_of_a_confidence_alone(self, tmp_path: Path, margin: np.ndarray, features: Path) -> None:
        places = self.places(write_maps(tmp_path / "it", (margin + 1) / 2, "confidence"), features)
        assert pixels(places) == [(6, 10), (7, 2), (1, 2)]
        # A share of c leaves at most 1 - c to the second.
        assert [place.margin for place in places] == pytest.approx([0.08, 0.5, 0.05], abs=1e-6)
        assert {place.second_code for place in places} == {0}

    def test_the_zone_of_a_place_ends_where_it_is_no_longer_looked_at(
        self, tmp_path: Path, margin: np.ndarray, features: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uncertainty, "ZONE_REACH", 20.0)
        places = self.places(write_maps(tmp_path / "it", margin), features)
        assert places[2].zone_area == pytest.approx(3 * 0.04)

    def test_are_fewer_where_the_map_has_no_more(self, tmp_path: Path, margin: np.ndarray, features: Path) -> None:
        labels = np.zeros(margin.shape)
        labels[1, 1:4] = 5
        maps = write_maps(tmp_path / "it", margin, labels=labels)
        assert pixels(self.places(maps, features, 50)) == [(1, 2)]
        assert len(self.places(maps, features, 50, spacing=0)) == 3
        assert self.places(write_maps(tmp_path / "no", margin, labels=np.zeros(margin.shape)), features) == ()

    def test_a_sample_without_data_tells_nothing(self, tmp_path: Path, margin: np.ndarray, features: Path) -> None:
        maps = write_maps(tmp_path / "it", margin)
        expected = pixels(self.places(maps, features))
        values = gdal.Open(str(features)).ReadAsArray()
        values[:, 0, 11] = np.nan
        assert pixels(self.places(maps, write_raster(tmp_path / "holes.tif", values))) == expected

    def test_of_a_map_that_is_out_of_date_are_refused(self, tmp_path: Path, margin: np.ndarray, features: Path) -> None:
        other = write_raster(tmp_path / "other.tif", np.zeros((2, 9, 12), np.float32))
        with pytest.raises(ProcessingError, match=r"is on another grid than .*labels\.tif, which is older; run again"):
            self.places(write_maps(tmp_path / "it", margin), other)
        maps = write_maps(tmp_path / "it", margin, labels=np.full(margin.shape, 9))
        with pytest.raises(ProcessingError, match="has the class 9, which is not in the template; run again"):
            self.places(maps, features)

    def test_are_the_same_again(self, tmp_path: Path, features: Path) -> None:
        maps = write_maps(tmp_path / "it", np.zeros((8, 12)))
        first, second = (self.places(maps, features, 4, candidates=2, spacing=40) for _ in range(2))
        assert first == second
        assert len(first) == 4


class TestNext:
    def test_a_run_proposes_places(self, finished: FinishedScene) -> None:
        workspace, legend = finished.result.workspace, finished.scene.config.template.legend
        labels = gdal.Open(str(finished.result.labels)).ReadAsArray()
        grid = Grid.of(str(finished.result.labels))
        with fiona.open(finished.iteration / "samples.gpkg") as layer:
            labelled = np.array([one.geometry.coordinates for one in layer])
        with fiona.open(workspace / "to_visit.gpkg") as layer:
            places = list(layer)
        assert 0 < len(places) <= finished.scene.config.template.queries.number
        assert [one.properties["rank"] for one in places] == list(range(1, len(places) + 1))
        for one in places:
            x, y = one.geometry.coordinates
            pixel = grid.pixel_at(x, y)
            assert pixel is not None
            assert (x, y) == grid.centre_of(*pixel)
            assert one.properties["class"] == legend.with_code(int(labels[pixel])).name
            assert one.properties["second_class"] in (None, *legend.names)
            nearest = np.hypot(*(labelled - (x, y)).T).min()
            # A sample is anywhere in its pixel. For 12 places there are 192 candidates.
            room = np.sqrt((labels > 0).sum() / (len(labelled) + 192)) * grid.resolution
            assert room / 2 < finished.scene.config.template.queries.spacing
            assert nearest >= max(room / 2, 2 * grid.resolution) - grid.resolution

    def test_proposes_without_a_run(self, prepared: Callable[..., Path]) -> None:
        scene = prepared(set={"margin": 120, "queries": {"spacing": 120, "number": 5}})
        result = Scene.open(scene).run()
        before = (result.workspace / "to_visit.gpkg").read_bytes()
        ended = alcd("next", scene, "-n", "3", "--json")
        assert ended.returncode == 0, ended.stderr
        content = json.loads(ended.stdout)
        assert content["to_visit"] == str(result.workspace / "to_visit.gpkg")
        assert [place["rank"] for place in content["places"]] == [1, 2, 3]
        with fiona.open(content["to_visit"]) as layer:
            assert [one.geometry.coordinates for one in layer] == [(one["x"], one["y"]) for one in content["places"]]
        assert (result.workspace / "latest").resolve().name == "001"
        assert "5000 places cannot be proposed at a time; ask for 1 to 1000" in refused(2, "next", scene, "-n", "5000")
        text = alcd("next", scene).stdout
        assert "5 places" in text
        assert (result.workspace / "to_visit.gpkg").read_bytes() == before
        assert leftovers(result.workspace) == []

    def test_needs_a_prepared_scene(self, finished: FinishedScene, tmp_path: Path) -> None:
        scene = write_scene(tmp_path / "scene.json", finished.synthetic)
        assert "is not prepared; run the scene first" in refused(2, "next", scene)

    def test_needs_a_confidence(self, prepared: Callable[..., Path]) -> None:
        scene = prepared(set={"margin": 120, "classifier": {"classifier": "bayes"}})
        result = Scene.open(scene).run()
        assert not (result.workspace / "to_visit.gpkg").exists()
        assert "gives no confidence, which choosing places needs" in refused(2, "next", scene)
