"""Points drawn for blind labelling, and the estimate of a map's accuracy from them."""

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import fiona
import numpy as np
import pytest
from osgeo import gdal, ogr, osr
from scenes import FinishedScene, alcd, leftovers, refused, write_scene

from alcd_otb.accuracy.job import estimate_accuracy, plan_accuracy
from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.accuracy.stratified import LabelledSample
from alcd_otb.errors import ConfigurationError, SampleError
from alcd_otb.settings.legend import Legend, LegendClass, Positive
from alcd_otb.workspace import Workspace

LEGEND = Legend.from_classes(
    [
        LegendClass("cloud", 2, "#ffffff", invalid=True),
        LegendClass("shadow", 4, "#000000", invalid=True),
        LegendClass("land", 5, "#00ff00", invalid=False),
        LegendClass("water", 6, "#0000ff", invalid=False),
    ]
)
SIDE, RESOLUTION, LEFT, TOP = 300, 20, 600_000, 4_900_020
Codes = np.ndarray


def write_map(folder: Path, codes: Codes) -> Path:
    folder.mkdir(parents=True)
    dataset = gdal.GetDriverByName("GTiff").Create(str(folder / "labels.tif"), SIDE, SIDE, 1, gdal.GDT_Byte)
    dataset.SetGeoTransform((LEFT, RESOLUTION, 0, TOP, 0, -RESOLUTION))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32631)
    dataset.SetSpatialRef(reference)
    dataset.WriteArray(codes)
    dataset.FlushCache()
    return folder / "labels.tif"


def true_codes() -> Codes:
    """Bands of land and water with a cloud and its shadow; a frame without data."""
    codes = np.full((SIDE, SIDE), 5, np.uint8)
    codes[:, 250:] = 6
    rows, columns = np.indices(codes.shape)
    codes[(rows - 160) ** 2 + (columns - 130) ** 2 < 60**2] = 4
    codes[(rows - 130) ** 2 + (columns - 100) ** 2 < 70**2] = 2
    codes[:10] = 0
    return codes


def mapped_codes() -> Codes:
    """The truth shifted by six pixels: wrong along the borders of classes."""
    truth = true_codes()
    shifted = np.roll(truth, 6, axis=1)
    shifted[truth == 0] = 0
    shifted[:, :6][truth[:, :6] != 0] = 5
    return shifted


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """With one iteration."""
    write_map(tmp_path / "work" / "iterations" / "001", mapped_codes())
    return Workspace(tmp_path / "work")


def label(workspace: Workspace, codes: Codes, leave_out: Callable[[int], bool] = lambda _: False) -> None:
    """Give each point the class that lies under it, but for those left out."""
    source = ogr.Open(str(workspace.accuracy_points), 1)
    layer = source.GetLayer("accuracy")
    for feature in list(layer):
        place = feature.GetGeometryRef()
        row, column = int((TOP - place.GetY()) // RESOLUTION), int((place.GetX() - LEFT) // RESOLUTION)
        if not leave_out(feature.GetFID()):
            feature.SetField("class", LEGEND.with_code(int(codes[row, column])).name)
            layer.SetFeature(feature)
    source = None


def change(path: Path, statement: str) -> None:
    source = ogr.Open(str(path), 1)
    source.ExecuteSQL(statement)
    source = None


class TestPlan:
    def test_points_are_of_the_classes_and_in_no_order(self, workspace: Workspace) -> None:
        plan = plan_accuracy(workspace, LEGEND, 200, 1, False)
        codes = mapped_codes()
        assert [(one.code, one.pixels) for one in plan.strata] == [(c, int((codes == c).sum())) for c in (2, 4, 5, 6)]
        assert Counter(one.stratum for one in plan.points) == {one.code: one.points for one in plan.strata}
        assert sum(one.points for one in plan.strata) == 200
        assert all(codes[one.row, one.column] == one.stratum for one in plan.points)
        assert len({(one.row, one.column) for one in plan.points}) == 200
        # Neighbours in a random order are of one class as often as any two points are: 0.33 of 199 here, and 0.07 is
        # two standard deviations.
        shares = np.array([one.points for one in plan.strata]) / 200
        alike = np.mean([a.stratum == b.stratum for a, b in zip(plan.points, plan.points[1:], strict=False)])
        assert alike == pytest.approx((shares**2).sum(), abs=0.1)

    def test_every_pixel_of_a_class_is_as_likely(self, tmp_path: Path) -> None:
        labels = write_map(tmp_path / "map", mapped_codes())
        counts = np.zeros((SIDE, SIDE))
        draws = 60
        for seed in range(draws):
            for one in AccuracyPlan.draw(labels, 1, 400, seed, LEGEND).points:
                counts[one.row, one.column] += 1
        plan = AccuracyPlan.draw(labels, 1, 400, 0, LEGEND)
        for stratum in plan.strata:
            inside = mapped_codes() == stratum.code
            rows = np.nonzero(inside)[0]
            # Of each half of the class's pixels, upper and lower, half the draws within three standard deviations.
            upper = counts[inside][rows <= np.median(rows)].sum()
            total = draws * stratum.points
            share = (rows <= np.median(rows)).mean()
            assert abs(upper - total * share) < 3 * np.sqrt(total * share * (1 - share))

    def test_the_file_to_label_in_tells_nothing_of_the_map(self, workspace: Workspace) -> None:
        plan = plan_accuracy(workspace, LEGEND, 60, 1, False)
        assert fiona.listlayers(workspace.accuracy_points) == ["accuracy", "pixels"]
        with fiona.open(workspace.accuracy_points, layer="accuracy") as layer:
            assert list(layer.schema["properties"]) == ["class", "author", "comment"]
            assert layer.crs.to_epsg() == 32631
            features = list(layer)
        assert all(value is None for one in features for value in one.properties.values())
        places = [one.geometry.coordinates for one in features]
        assert places == [
            (LEFT + (one.column + 0.5) * RESOLUTION, TOP - (one.row + 0.5) * RESOLUTION) for one in plan.points
        ]
        with fiona.open(workspace.accuracy_points, layer="pixels") as layer:
            squares = list(layer)
        for number, (square, (x, y)) in enumerate(zip(squares, places, strict=True), start=1):
            assert square.properties["point"] == number
            xs, ys = zip(*square.geometry.coordinates[0], strict=True)
            assert (min(xs), max(xs), min(ys), max(ys)) == (x - 10, x + 10, y - 10, y + 10)

    def test_the_same_seed_draws_the_same_points(self, tmp_path: Path) -> None:
        labels = write_map(tmp_path / "map", mapped_codes())
        assert AccuracyPlan.draw(labels, 1, 100, 5, LEGEND) == AccuracyPlan.draw(labels, 1, 100, 5, LEGEND)
        other = AccuracyPlan.draw(labels, 1, 100, 6, LEGEND)
        assert other.points != AccuracyPlan.draw(labels, 1, 100, 5, LEGEND).points

    def test_is_read_as_it_was_written(self, workspace: Workspace) -> None:
        plan = plan_accuracy(workspace, LEGEND, 50, 1, False)
        assert AccuracyPlan.read(workspace.accuracy_plan) == plan

    def test_labels_are_never_lost(self, workspace: Workspace) -> None:
        plan_accuracy(workspace, LEGEND, 50, 1, False)
        plan_accuracy(workspace, LEGEND, 50, 2, False)
        label(workspace, true_codes(), leave_out=lambda number: number != 7)
        before = workspace.accuracy_points.read_bytes(), workspace.accuracy_plan.read_bytes()
        with pytest.raises(SampleError, match=r"accuracy\.gpkg: 1 points are labelled; .*--replace"):
            plan_accuracy(workspace, LEGEND, 50, 3, False)
        assert (workspace.accuracy_points.read_bytes(), workspace.accuracy_plan.read_bytes()) == before
        plan_accuracy(workspace, LEGEND, 50, 3, True)
        assert (workspace.folder / "accuracy_former_2.gpkg").read_bytes() == before[0]
        assert (workspace.folder / "accuracy_plan_former_2.json").read_bytes() == before[1]
        assert AccuracyPlan.read(workspace.accuracy_plan).seed == 3
        assert leftovers(workspace.folder) == []

    def test_a_file_that_is_open_elsewhere_is_left_alone(self, workspace: Workspace) -> None:
        plan_accuracy(workspace, LEGEND, 50, 1, False)
        workspace.accuracy_points.with_name("accuracy.gpkg-wal").touch()
        with pytest.raises(SampleError, match="is open in another program"):
            plan_accuracy(workspace, LEGEND, 50, 2, True)

    def test_leaves_the_iteration_as_it_was(self, workspace: Workspace) -> None:
        def content() -> dict[str, bytes]:
            return {path.name: path.read_bytes() for path in workspace.last_iteration().iterdir()}

        before = content()
        plan_accuracy(workspace, LEGEND, 200, 1, False)
        label(workspace, true_codes())
        estimate_accuracy(workspace, LEGEND, None, False)
        assert content() == before

    def test_too_few_points_are_refused(self, workspace: Workspace) -> None:
        with pytest.raises(ConfigurationError, match="7 points are fewer than 2 for each of 4 classes; ask for more"):
            plan_accuracy(workspace, LEGEND, 7, 1, False)
        with pytest.raises(ConfigurationError, match="10000000 points are too many to label; ask for at most 100000"):
            plan_accuracy(workspace, LEGEND, 10**7, 1, False)
        assert not workspace.accuracy_points.exists()


class TestEstimate:
    def test_of_every_pixel_is_the_truth(self, tmp_path: Path) -> None:
        # A map of 24 pixels, all of which are drawn: what is estimated is what is there.
        codes, truth = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
        codes[0, :12], codes[1, :12] = 5, [2] * 6 + [6] * 6
        truth[0, :12], truth[1, :12] = [5] * 9 + [2] * 3, [2] * 5 + [4] + [6] * 4 + [5] * 2
        write_map(tmp_path / "iterations" / "001", codes)
        workspace = Workspace(tmp_path)
        plan_accuracy(workspace, LEGEND, 48, 1, False)
        label(workspace, truth)
        result = estimate_accuracy(workspace, LEGEND, None, False).as_json()
        assert result["overall_accuracy"] == {"estimate": 18 / 24, "standard_error": 0, "low": 0.75, "high": 0.75}
        assert result["classes"] == ["cloud", "shadow", "land", "water"]
        assert result["matrix"] == [[5, 0, 3, 0], [1, 0, 0, 0], [0, 0, 9, 2], [0, 0, 0, 4]]
        np.testing.assert_allclose(np.array(result["area_matrix"]) * 24, result["matrix"])
        by_class = result["by_class"]
        assert by_class["cloud"]["users_accuracy"]["estimate"] == pytest.approx(5 / 6)
        assert by_class["cloud"]["producers_accuracy"]["estimate"] == pytest.approx(5 / 8)
        assert by_class["cloud"]["hectares"]["estimate"] == pytest.approx(8 * 0.04)
        assert by_class["cloud"]["mapped_hectares"] == pytest.approx(6 * 0.04)
        assert by_class["shadow"]["users_accuracy"] is None
        assert by_class["shadow"]["producers_accuracy"]["estimate"] == 0
        binary = result["invalid_valid"]
        # Truly invalid: 9 pixels, of which 6 are mapped so, and no other.
        assert binary["overall_accuracy"]["estimate"] == pytest.approx(21 / 24)
        assert binary["precision"]["estimate"] == 1
        assert binary["recall"]["estimate"] == pytest.approx(6 / 9)
        assert binary["f1"]["estimate"] == pytest.approx(12 / 15)
        # The same of the use's own sides: 4 pixels are truly water, and all are mapped so, with 2 of land.
        named = Legend.from_classes(list(LEGEND.classes), Positive("wet", ("water",), "dry"))
        estimate = estimate_accuracy(workspace, named, None, False)
        other = estimate.as_json()
        assert other["positive"] == {"name": "wet", "classes": ["water"], "others": "dry"}
        assert "invalid_valid" not in other
        assert other["wet_dry"]["overall_accuracy"]["estimate"] == pytest.approx(22 / 24)
        assert other["wet_dry"]["precision"]["estimate"] == pytest.approx(4 / 6)
        assert other["wet_dry"]["recall"]["estimate"] == 1
        assert list(other["wet_dry"]["by_class"]) == ["wet", "dry"]
        assert "wet/dry,overall accuracy,0.916667," in estimate.table()
        assert "wet/dry accuracy  0.917 [" in estimate.summary()
        assert all("invalid" not in text for text in (estimate.table(), estimate.summary()))

    def test_is_the_weighted_mean_of_the_strata(self, workspace: Workspace) -> None:
        plan = plan_accuracy(workspace, LEGEND, 400, 1, False)
        label(workspace, true_codes())
        result = estimate_accuracy(workspace, LEGEND, None, False)
        truth = true_codes()
        labelled = [(one.stratum, int(truth[one.row, one.column])) for one in plan.points]
        total = sum(one.pixels for one in plan.strata)

        def weighted(counts: Callable[[int, int], bool]) -> float:
            return sum(
                one.pixels / total * np.mean([counts(*pair) for pair in labelled if pair[0] == one.code])
                for one in plan.strata
            )

        assert result.overall_accuracy is not None
        assert result.overall_accuracy.estimate == pytest.approx(weighted(lambda mapped, true: mapped == true))
        for one, code in zip(result.classes, (2, 4, 5, 6), strict=True):
            both = weighted(lambda mapped, true, code=code: mapped == true == code)
            true_share = weighted(lambda _, true, code=code: true == code)
            assert one.producers_accuracy is not None
            assert one.hectares is not None
            assert one.producers_accuracy.estimate == pytest.approx(both / true_share)
            assert one.hectares.estimate == pytest.approx(true_share * total * 0.04)
            assert one.hectares.low < one.hectares.estimate < one.hectares.high
        assert result.is_planned_map
        saved = json.loads(workspace.accuracy_estimate.read_text())
        assert saved == result.as_json()
        table = workspace.accuracy_estimate.with_suffix(".csv").read_text().splitlines()
        assert table[0] == "class,figure,estimate,standard_error,low,high"
        assert table[1].startswith(f"all,overall accuracy,{result.overall_accuracy.estimate:.6g},")
        assert len(table) == 1 + 2 + 5 * 6

    def test_holds_the_truth_in_most_draws(self, tmp_path: Path) -> None:
        truth, codes = true_codes(), mapped_codes()
        labels = write_map(tmp_path / "map", codes)
        right = (truth == codes)[truth != 0].mean()
        held = 0
        for seed in range(200):
            plan = AccuracyPlan.draw(labels, 1, 200, seed, LEGEND)
            counts = np.zeros((4, 4, 4), dtype=np.int64)
            for one in plan.points:
                mapped, true = LEGEND.codes.index(one.stratum), LEGEND.codes.index(truth[one.row, one.column])
                counts[mapped, mapped, true] += 1
            overall = LabelledSample(plan.sizes, counts).overall_accuracy()
            assert overall is not None
            held += overall.low <= right <= overall.high
        # Three standard deviations about 190.
        assert 181 <= held <= 199

    def test_of_a_later_map_keeps_the_strata_of_the_plan(self, workspace: Workspace) -> None:
        plan_accuracy(workspace, LEGEND, 300, 1, False)
        label(workspace, true_codes())
        write_map(workspace.iterations_folder / "002", true_codes())
        later = estimate_accuracy(workspace, LEGEND, None, False)
        assert (later.iteration, later.planned_iteration, later.is_planned_map) == (2, 1, False)
        assert later.overall_accuracy is not None
        assert later.overall_accuracy.estimate == 1
        first = estimate_accuracy(workspace, LEGEND, 1, False)
        assert first.is_planned_map
        assert first.overall_accuracy is not None
        assert first.overall_accuracy.estimate < 1
        # The true areas do not depend on the map that is assessed.
        for one, other in zip(first.classes, later.classes, strict=True):
            assert one.hectares is not None
            assert other.hectares is not None
            for name in ("estimate", "standard_error", "low", "high"):
                assert getattr(one.hectares, name) == pytest.approx(getattr(other.hectares, name))
        assert "drawn from iteration 1's map" in later.summary()

    def test_points_without_a_class_are_told_of(self, workspace: Workspace, caplog: pytest.LogCaptureFixture) -> None:
        plan_accuracy(workspace, LEGEND, 100, 1, False)
        label(workspace, true_codes(), leave_out=lambda number: number <= 12)
        with pytest.raises(SampleError, match=r"12 of 100 points have no class; label them, or .*--labelled-only"):
            estimate_accuracy(workspace, LEGEND, None, False)
        assert not workspace.accuracy_estimate.exists()
        result = estimate_accuracy(workspace, LEGEND, None, True)
        assert (result.points, result.labelled) == (100, 88)
        assert "12 of 100 points have no class" in caplog.text

    def test_a_class_of_the_map_without_labels_is_refused(self, workspace: Workspace) -> None:
        plan = plan_accuracy(workspace, LEGEND, 100, 1, False)
        water = {number for number, one in enumerate(plan.points, start=1) if one.stratum == 6}
        label(workspace, true_codes(), leave_out=lambda number: number in water)
        with pytest.raises(SampleError, match="of one class of the map, 0 points are labelled") as refusal:
            estimate_accuracy(workspace, LEGEND, None, True)
        assert "water" not in str(refusal.value)

    @pytest.mark.parametrize(
        ("statement", "message"),
        [
            (
                "UPDATE accuracy SET class = 'cluod' WHERE fid = 3",
                "point 3: unknown class 'cluod'; the classes are cloud",
            ),
            ("UPDATE accuracy SET geom = NULL WHERE fid = 4", "point 4: lies in no pixel that was drawn"),
            (
                "INSERT INTO accuracy (geom, class) SELECT geom, 'land' FROM accuracy WHERE fid = 5",
                "point 101: lies in the pixel of another point; delete one",
            ),
            ("DELETE FROM accuracy WHERE fid = 6", "1 of 100 points have no class"),
            ("ALTER TABLE accuracy DROP COLUMN class", "no longer has the field 'class'"),
            ("DROP TABLE accuracy", "cannot be read"),
        ],
        ids=["unknown", "no place", "double", "deleted", "no field", "no layer"],
    )
    def test_bad_edits_are_told_of(self, workspace: Workspace, statement: str, message: str) -> None:
        plan_accuracy(workspace, LEGEND, 100, 1, False)
        label(workspace, true_codes())
        change(workspace.accuracy_points, statement)
        with pytest.raises(SampleError, match=message):
            estimate_accuracy(workspace, LEGEND, None, False)

    def test_a_map_of_other_pixels_is_refused(self, workspace: Workspace) -> None:
        plan_accuracy(workspace, LEGEND, 100, 1, False)
        label(workspace, true_codes())
        other = mapped_codes()
        other[20:22] = 0
        write_map(workspace.iterations_folder / "002", other)
        with pytest.raises(SampleError, match="has no data in other pixels"):
            estimate_accuracy(workspace, LEGEND, None, False)

    def test_without_a_plan(self, workspace: Workspace) -> None:
        with pytest.raises(SampleError, match=r"accuracy_plan\.json: does not exist; draw the points first"):
            estimate_accuracy(workspace, LEGEND, None, False)
        plan_accuracy(workspace, LEGEND, 100, 1, False)
        with pytest.raises(ConfigurationError, match="has no iteration 9"):
            estimate_accuracy(workspace, LEGEND, 9, False)


class TestCommandLine:
    def test_plan_label_estimate(self, finished: FinishedScene, tmp_path: Path) -> None:
        scene = write_scene(tmp_path / "scene.json", finished.synthetic)
        assert "holds no map yet" in refused(2, "accuracy", "plan", scene)
        shutil.copytree(finished.iteration, tmp_path / "work" / "iterations" / "001")
        ended = alcd("accuracy", "plan", scene, "-n", "150", "--json")
        assert ended.returncode == 0, ended.stderr
        planned = json.loads(ended.stdout)
        files = {"points": str(tmp_path / "work" / "accuracy.gpkg"), "project": str(tmp_path / "work" / "accuracy.qgz")}
        assert planned == {**files, "count": 150, "iteration": 1}
        assert Path(planned["project"]).is_file()
        assert "150 of 150 points have no class" in refused(4, "accuracy", "estimate", scene)
        self.label_by_truth(Path(planned["points"]), finished.synthetic.truth)
        ended = alcd("accuracy", "estimate", scene, "--json")
        assert ended.returncode == 0, ended.stderr
        result = json.loads(ended.stdout)
        assert result == json.loads((tmp_path / "work" / "accuracy_estimate.json").read_text())
        # The map agrees with the truth in more than 0.85 of its pixels: see test_iterate.
        assert result["overall_accuracy"]["high"] > 0.85
        ended = alcd("accuracy", "estimate", scene)
        assert f"overall accuracy        {result['overall_accuracy']['estimate']:.3f} [" in ended.stdout

    def label_by_truth(self, path: Path, truth: Path) -> None:
        fine = gdal.Open(str(truth))
        left, width, _, top, _, _ = fine.GetGeoTransform()
        codes = fine.ReadAsArray()
        source = ogr.Open(str(path), 1)
        layer = source.GetLayer("accuracy")
        for feature in list(layer):
            place = feature.GetGeometryRef()
            row, column = int((top - place.GetY()) // width), int((place.GetX() - left) // width)
            feature.SetField("class", str(int(codes[row, column])))
            layer.SetFeature(feature)
        source = None
