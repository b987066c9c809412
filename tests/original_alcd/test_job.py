"""Work folders of the original ALCD become scenes: the same points, classes, features and settings."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from json_mutations import mutated
from original_alcd_files import CODES, GLOBAL, Geometry, OriginalFolder, write_alcd, write_layer, write_masks
from osgeo import ogr, osr
from places import REAL_DATA, ROOT
from scenes import alcd, leftovers, refused

from alcd_otb.classification.iteration import check_classifier
from alcd_otb.errors import AlcdError
from alcd_otb.original_alcd.classifiers import _OF_OTB, _OF_SKLEARN
from alcd_otb.original_alcd.features import feature_of
from alcd_otb.original_alcd.job import ImportResult, import_folder
from alcd_otb.scene import Scene
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.settings.template import load_template
from alcd_otb.synthetic.comparison import compare_with_truth
from alcd_otb.synthetic.scene import SyntheticScene
from otb_pipelines.settings import default_settings

TOULOUSE = REAL_DATA / "alcd_toulouse"
TOULOUSE_WORK = TOULOUSE / "ref_inputs" / "Toulouse_31TCJ_20240305"
NOTHING: dict[str, Path | None] = {"cloudy": None, "clear": None, "dem": None}
POINTS: dict[str, list[Geometry]] = {
    "low_clouds": [(600100.25, 4899900.75), (600200, 4899800)],
    "land": [(600300, 4899700)],
    "water": [(600400, 4899600), (600500.125, 4899500.5), (600600, 4899400)],
}


def imported(source: OriginalFolder, target: Path, template: str = "clouds_alcd2019", **given: Path) -> ImportResult:
    return import_folder(source.path, target, [source.parameters], template, {**NOTHING, **given})


def content(result: ImportResult) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(result.scene.read_text("utf-8"))
    return loaded


def changes(result: ImportResult) -> dict[str, Any]:
    loaded: dict[str, Any] = content(result).get("set", {})
    return loaded


def features_in(path: Path, layer: str | None = None) -> list[tuple[dict[str, Any], ogr.Geometry]]:
    """Fields and geometry of each feature, which outlive the file's being open."""
    source = ogr.Open(str(path))
    features = source.GetLayerByName(layer) if layer else source.GetLayer()
    return [(feature.items(), feature.geometry().Clone()) for feature in features]


def points_in(file: Path) -> dict[str, list[tuple[float, float]]]:
    """Places by class, of the layer of samples."""
    found: dict[str, list[tuple[float, float]]] = {}
    for fields, geometry in features_in(file, "samples"):
        found.setdefault(fields["class"], []).append(geometry.GetPoint_2D())
    return {name: sorted(places) for name, places in found.items()}


def points_of_shapefiles(folder: Path) -> dict[str, list[tuple[float, float]]]:
    files = [path for path in folder.glob("*.shp") if path.stem != "no_data"]
    found = {path.stem: sorted(geometry.GetPoint_2D() for _, geometry in features_in(path)) for path in files}
    return {name: places for name, places in found.items() if places}


@pytest.fixture
def original(tmp_path: Path) -> Callable[..., OriginalFolder]:
    def made(points: dict[str, list[Geometry]] = POINTS, **options: Any) -> OriginalFolder:
        return write_alcd(tmp_path / "original", points, **options)

    return made


@pytest.fixture(scope="module")
def folder(small_scene: SyntheticScene, tmp_path_factory: pytest.TempPathFactory) -> OriginalFolder:
    root = tmp_path_factory.mktemp("original")
    products = root / "L1C" / "Synth"
    products.mkdir(parents=True)
    for product in (small_scene.cloudy, small_scene.clear):
        (products / product.name).symlink_to(product)
    points: dict[str, list[Geometry]] = {}
    drawn = features_in(small_scene.samples)
    for fields, geometry in drawn:
        points.setdefault(fields["class"], []).append(geometry.GetPoint_2D())
    tile = small_scene.cloudy.name.split("_")[5].removeprefix("T")
    dates = [product.name.split("_")[2][:8] for product in (small_scene.cloudy, small_scene.clear)]
    return write_alcd(
        root,
        points,
        name=f"Synth_{tile}_{dates[0]}",
        previous=[{name: places[:5] for name, places in points.items()}],
        clear_date=dates[1],
        l1c=root / "L1C",
        epsg=int(drawn[0][1].GetSpatialReference().GetAuthorityCode(None)),
    )


@pytest.fixture(scope="module")
def result(folder: OriginalFolder, tmp_path_factory: pytest.TempPathFactory) -> ImportResult:
    return imported(folder, tmp_path_factory.mktemp("imported") / "scene")


class TestAScene:
    """The small scene's own products and points, in the original's layout."""

    def test_has_the_products_and_nothing_to_change(
        self, folder: OriginalFolder, result: ImportResult, small_scene: SyntheticScene
    ) -> None:
        assert content(result) == {
            "name": folder.path.name,
            "cloudy": str(small_scene.cloudy),
            "clear": str(small_scene.clear),
            "template": "clouds_alcd2019",
        }
        assert result.missing == ()
        (note,) = result.notes
        assert note == f"{folder.masks / 'no_data.shp'}: is not used; pixels without data are found in each band"

    def test_has_the_same_points_in_the_same_classes(self, folder: OriginalFolder, result: ImportResult) -> None:
        expected = points_of_shapefiles(folder.masks)
        assert points_in(result.samples_file) == expected
        assert result.samples == {name: len(expected[name]) for name in CODES if name in expected}

    def test_tells_the_iteration_of_each_point(self, result: ImportResult) -> None:
        numbers = [fields["iteration"] for fields, _ in features_in(result.samples_file, "samples")]
        classes = len(result.samples)
        assert numbers.count(1) == 5 * classes
        assert numbers.count(2) == sum(result.samples.values()) - 5 * classes

    def test_keeps_the_points_of_iterations_saved(self, folder: OriginalFolder, result: ImportResult) -> None:
        (file,) = result.previous
        assert file == result.scene.parent / "previous_iterations" / "SAVE_0.gpkg"
        saved = folder.path / "Previous_iterations" / "SAVE_0" / "In_data" / "Masks"
        assert points_in(file) == points_of_shapefiles(saved)

    def test_runs(self, result: ImportResult, small_scene: SyntheticScene) -> None:
        run = Scene.open(result.scene).run()
        assert run.iteration == 1
        assert run.labels is not None
        pairs = compare_with_truth(run.labels, small_scene.truth)
        right = sum(count for (true, mapped), count in pairs.items() if true == mapped)
        assert right / sum(pairs.values()) > 0.8


class TestPoints:
    def test_of_polygons_and_of_several_parts(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        polygon = "POLYGON ((600100 4899900,600100 4899800,600200 4899800,600100 4899900))"
        source = original()
        write_layer(source.masks / "water.shp", [polygon])
        write_layer(source.masks / "land.shp", ["MULTIPOINT ((600300 4899700),(600310 4899710))"])
        result = imported(source, tmp_path / "scene")
        assert result.samples == {"low_clouds": 2, "land": 2, "water": 1}
        drawn = [one for fields, one in features_in(result.samples_file, "samples") if fields["class"] == "water"]
        # Shapefiles turn rings round.
        corners = [(600100, 4899800), (600100, 4899900), (600200, 4899800)]
        assert sorted(set(drawn[0].GetGeometryRef(0).GetPoints())) == corners
        land = [one for fields, one in features_in(result.samples_file, "samples") if fields["class"] == "land"]
        assert [one.GetPoint_2D() for one in land] == [(600300, 4899700), (600310, 4899710)]

    def test_in_another_crs_are_moved(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        write_layer(source.masks / "snow.shp", [(3.0, 44.0)], epsg=4326)
        result = imported(source, tmp_path / "scene")
        geographic, utm = osr.SpatialReference(), osr.SpatialReference()
        geographic.ImportFromEPSG(4326)
        utm.ImportFromEPSG(32631)
        x, y, _ = osr.CoordinateTransformation(geographic, utm).TransformPoint(44.0, 3.0)
        assert points_in(result.samples_file)["snow"] == [(pytest.approx(x), pytest.approx(y))]
        # The central meridian of zone 31.
        assert x == pytest.approx(500000)

    def test_without_a_place_are_told_and_left_out(
        self, original: Callable[..., OriginalFolder], tmp_path: Path
    ) -> None:
        source = original()
        write_layer(source.masks / "land.shp", [(600300, 4899700), ""])
        result = imported(source, tmp_path / "scene")
        assert result.samples["land"] == 1
        land = source.masks / "land.shp"
        assert f"{land}: 1 features are neither points nor polygons, or have no place; left out" in result.notes

    def test_of_a_shapefile_cut_off_are_told(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        water = source.masks / "water.shp"
        water.write_bytes(water.read_bytes()[:-40])
        result = imported(source, tmp_path / "scene")
        assert result.samples["water"] == 1
        assert f"{water}: 2 features are neither points nor polygons, or have no place; left out" in result.notes

    def test_none_at_all(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        result = imported(original(points={}), tmp_path / "scene")
        assert result.samples == {}
        assert features_in(result.samples_file, "samples") == []
        source = ogr.Open(str(result.samples_file))
        assert source.GetLayerByName("samples").GetSpatialRef().GetAuthorityCode(None) == "32631"

    def test_the_first_iteration_that_has_one_counts(
        self, original: Callable[..., OriginalFolder], tmp_path: Path
    ) -> None:
        water = POINTS["water"]
        source = original(previous=[{"water": water[:1]}, {"water": water[:2], "land": [(1.0, 1.0)]}])
        result = imported(source, tmp_path / "scene")
        found = {
            geometry.GetPoint_2D(): fields["iteration"]
            for fields, geometry in features_in(result.samples_file, "samples")
            if fields["class"] == "water"
        }
        assert [found[place] for place in water] == [1, 2, 3]
        assert [path.name for path in result.previous] == ["SAVE_0.gpkg", "SAVE_1.gpkg"]
        assert points_in(result.previous[1])["land"] == [(1, 1)]


def index(name: str, first: str, second: str) -> dict[str, str]:
    return {"name": name, "expr": f"({first} - {second}) / (0.01 + {first} + {second})"}


NDVI, NDWI = index("NDVI", "B08", "B04"), index("NDWI", "B03", "B08")
BANDS = [f"B{number:02d}" for number in range(1, 13)]
TIMES = [{"name": f"time_{one}", "expr": f"B{one:02d} - clear.B{one:02d}"} for one in (*range(1, 10), 11, 12)]
DENSITY = {"name": "density_contours", "texture": "contour_density", "band": "B02", "radius": 3}
VARIATION = {"name": "variation_coeff", "texture": "variation_coefficient", "band": "B02", "radius": 3}


class TestParameters:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ({}, {}),
            ({"training_parameters/training_proportion": "0.7"}, {"samples": {"training_proportion": 0.7}}),
            ({"training_parameters/training_proportion": 1}, {"samples": {"training_proportion": 1}}),
            ({"training_parameters/expansion_distance": 15}, {"samples": {"growth": 15}}),
            ({"training_parameters/random_seed": "42"}, {"samples": {"seed": 42}}),
            ({"training_parameters/random_seed": 1}, {}),
            ({"training_parameters/regularization_radius": "3"}, {"regularisation": {"radius": 3}}),
            (
                {"features/original_bands": [2, "3", 12]},
                {"features": ["B02", "B03", "B12", NDVI, NDWI, *TIMES]},
            ),
            ({"features/special_indices": ["NDSI"]}, {"features": [*BANDS, index("NDSI", "B03", "B11"), *TIMES]}),
            (
                {"features/ratios": ["2_4"]},
                {
                    "features": [
                        *BANDS, NDVI, NDWI, {"name": "ratio_2_4", "expr": "(B02 + 0.01) / (B04 + 0.01)"}, *TIMES,
                    ]
                },
            ),
            ({"features/textures": "True"}, {"features": [*BANDS, NDVI, NDWI, DENSITY, VARIATION, *TIMES]}),
            ({"features/textures": True}, {"features": [*BANDS, NDVI, NDWI, DENSITY, VARIATION, *TIMES]}),
            (
                {"features/time_difference_bands": ["10"]},
                {"features": [*BANDS, NDVI, NDWI, {"name": "time_10", "expr": "B10 - clear.B10"}]},
            ),
            ({"features/time_difference_bands": []}, {"features": [*BANDS, NDVI, NDWI]}),
            # The files of 2019 had shorter names.
            ({"classification/method": "rf"}, {}),
            (
                {"classification/method": "svm_otb"},
                {
                    "classifier": {
                        "classifier": "libsvm", "classifier.libsvm.k": "linear", "classifier.libsvm.m": "csvc",
                        "classifier.libsvm.c": 1, "classifier.libsvm.opt": False, "classifier.libsvm.prob": False,
                    }
                },
            ),
            ({"classification/method": "knn_otb"}, {"classifier": {"classifier": "knn", "classifier.knn.k": 32}}),
            (
                {"classification/method": "rf_scikit"},
                {
                    "classifier": {
                        "classifier": "sklearn", "sklearn": "RandomForestClassifier", "sklearn.n_estimators": 100,
                        "sklearn.max_depth": 25, "sklearn.min_samples_split": 25,
                    }
                },
            ),
            (
                {"classification/method": "hist_grad_scikit"},
                {
                    "classifier": {
                        "classifier": "sklearn", "sklearn": "HistGradientBoostingClassifier",
                        "sklearn.loss": "log_loss", "sklearn.max_iter": 100,
                    }
                },
            ),
        ],
    )  # fmt: skip
    def test_become_changes_to_the_template(
        self, original: Callable[..., OriginalFolder], tmp_path: Path, given: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        result = imported(original(global_changes=given), tmp_path / "scene")
        assert changes(result) == expected
        assert load_scene(result.scene).template.legend.names == tuple(CODES)

    def test_of_the_forest(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original(models_changes={"rf_otb/nbtrees": "200", "rf_otb/max": 5, "rf_otb/var": "3"})
        result = imported(source, tmp_path / "scene")
        assert changes(result) == {
            "classifier": {"classifier.rf.nbtrees": 200, "classifier.rf.max": 5, "classifier.rf.var": 3}
        }

    @pytest.mark.parametrize("method", ["rf_otb", "svm_otb", "boost_otb", "dt_otb", "knn_otb", "ann_otb"])
    def test_of_classifiers_are_known_to_this_otb(
        self, original: Callable[..., OriginalFolder], tmp_path: Path, method: str
    ) -> None:
        source = original(global_changes={"classification/method": method})
        check_classifier(load_scene(imported(source, tmp_path / "scene").scene).template, default_settings())

    def test_leave_another_template_s_features_and_classifier(
        self, original: Callable[..., OriginalFolder], tmp_path: Path
    ) -> None:
        source = original(
            global_changes={
                "features/ratios": ["2_4"],
                "classification/method": "knn_otb",
                "training_parameters/expansion_distance": 60,
                "training_parameters/regularization_radius": 3,
            }
        )
        result = imported(source, tmp_path / "scene", template="clouds")
        assert content(result)["template"] == "clouds"
        assert changes(result) == {"samples": {"growth": 60}}

    @pytest.mark.parametrize(
        ("given", "note"),
        [
            (
                {"features/special_indices": ["NDVI", "NDWI", "EVI"]},
                "features: EVI: not among the original's own features; left out",
            ),
            ({"features/ratios": ["2_13"]}, "features: ratio_2_13: not among the original's own features; left out"),
            (
                {"features/DTM": "True"},
                "features.DTM: no elevation model of the tile is found; left out: add it with --dem",
            ),
            (
                {"features/special_indices": ["NDCI"]},
                'features.special_indices: "NDCI" is what the original computes by this name, the same as NDVI',
            ),
            (
                {"training_parameters/Kfold": "5"},
                "training_parameters.Kfold: the number of folds is given to the command: kfold scene.json -k 5",
            ),
            (
                {"training_parameters/dilatation_radius": 3},
                "training_parameters.dilatation_radius: outlines have one width here; QGIS draws them as you like",
            ),
            (
                {"training_parameters/resolution": 10},
                "GLOBAL: training_parameters: resolution: not known here; left out",
            ),
            (
                {"user_choices/user_module": "/home/me/mine.py", "user_choices/user_function": "add_bands"},
                "user_choices: the function /home/me/mine.py:add_bands is not imported; write its features in "
                "'features'",
            ),
            (
                {"classification/method": "gbt_otb"},
                "classification.method: 'gbt_otb' is not a classifier of this OTB; the template's classifier is used",
            ),
            (
                {"classification/method": "dt_otb"},
                "MODELS: dt_otb.f: this OTB does not have this parameter; it is left out",
            ),
            (
                {"user_choices/location": "Arles"},
                "GLOBAL: user_choices.location is 'Arles', the folder is of 'Synth', which is used",
            ),
            (
                {"user_choices/current_date": "2018-04-10"},
                "GLOBAL: user_choices.current_date is '20180410', the folder is of '20180331', which is used",
            ),
            (
                {"user_choices/clear_date": "20180331"},
                "user_choices.clear_date: is the cloudy date; the scene is of a single date, without 'clear'",
            ),
        ],
    )
    def test_that_cannot_be_taken_over_are_told_once(
        self, original: Callable[..., OriginalFolder], tmp_path: Path, given: dict[str, Any], note: str
    ) -> None:
        source = original(global_changes=given)
        note = note.replace("GLOBAL", str(source.parameters / "global_parameters.json"))
        note = note.replace("MODELS", str(source.parameters / "model_parameters.json"))
        assert imported(source, tmp_path / "scene").notes.count(note) == 1

    def test_that_the_stack_contradicts_are_told(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original(global_changes={"features/textures": "True", "features/special_indices": ["NDVI"]})
        (told,) = [note for note in imported(source, tmp_path / "scene").notes if "the original's stack" in note]
        assert told.endswith(
            "features: the original's stack lacks density_contours, variation_coeff and also has NDWI; the "
            "parameters are used"
        )

    def test_without_any_the_stack_s_list_tells_the_features(
        self, original: Callable[..., OriginalFolder], tmp_path: Path
    ) -> None:
        source = original()
        (source.path / "In_data" / "used_global_parameters.json").unlink()
        bands = source.path / "In_data" / "Image" / "Synth_bands_bands.txt"
        bands.write_text("B1 : T31TFJ_20180331T103021_B08.tif\nB2 : NDVI.tif\nB3 : time_4.tif\n", "utf-8")
        result = import_folder(source.path, tmp_path / "scene", [], "clouds_alcd2019", NOTHING)
        assert changes(result) == {"features": ["B08", NDVI, TIMES[3]]}

    def test_that_have_a_key_twice_are_read_as_the_original_does(
        self, original: Callable[..., OriginalFolder], tmp_path: Path
    ) -> None:
        source = original(global_changes={"classification/method": "knn_otb"})
        models = source.parameters / "model_parameters.json"
        models.write_text('{"knn_otb": {"k": "5"}, "rf_otb": {}, "knn_otb": {"k": "7"}}', "utf-8")
        assert changes(imported(source, tmp_path / "scene"))["classifier"]["classifier.knn.k"] == 7

    def test_lie_beside_the_work_folder_too(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original(global_changes={"classification/method": "knn_otb"}, models_changes={"knn_otb/k": 9})
        shutil.move(source.parameters, source.path.parent)
        result = import_folder(source.path, tmp_path / "scene", [], "clouds_alcd2019", NOTHING)
        assert changes(result)["classifier"]["classifier.knn.k"] == 9


class TestClasses:
    def test_of_other_codes_or_fewer(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        masks = {"land": {"class_name": 12, "shp": "land.shp"}, "water": {"class_name": "6", "shp": "water.shp"}}
        result = imported(original(global_changes={"masks": masks}), tmp_path / "scene")
        legend = load_scene(result.scene).template.legend
        assert [(one.name, one.code) for one in legend.classes] == [("water", 6), ("land", 12)]
        assert legend.classes[1].colour == load_template("clouds_alcd2019").legend.with_code(5).colour
        assert result.samples == {"water": 3, "land": 1}
        assert any("low_clouds" in note and "no class has a shapefile of this name" in note for note in result.notes)

    def test_of_one_s_own(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        masks = {**GLOBAL["masks"], "turbid": {"class_name": 10, "shp": "turbid_water.shp"}}
        source = original(points={**POINTS, "turbid_water": [(600700, 4899300)]}, global_changes={"masks": masks})
        table = source.parameters.parent / "color_tables" / "otb_table.txt"
        table.parent.mkdir()
        table.write_text("# class R G B\n5 0 151 56\n10 18 52 171\n", "utf-8")
        result = imported(source, tmp_path / "scene")
        turbid = load_scene(result.scene).template.legend.with_code(10)
        assert (turbid.name, turbid.colour, turbid.invalid) == ("turbid", "#1234ab", False)
        assert points_in(result.samples_file)["turbid"] == [(600700, 4899300)]
        assert any("masks.turbid: is not a class of the template" in note for note in result.notes)

    def test_without_a_shapefile(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        (source.masks / "snow.shp").unlink()
        result = imported(source, tmp_path / "scene")
        assert f"{source.path}: has no snow.shp; class 'snow' has no samples" in result.notes
        assert sum(result.samples.values()) == 6


def product(folder: Path, sensed: str, tile: str = "31TFJ", processed: str = "20180401T000000") -> Path:
    path = folder / f"S2A_MSIL1C_{sensed}T103021_N0206_R108_T{tile}_{processed}.SAFE"
    path.mkdir(parents=True)
    return path


class TestProducts:
    def test_are_those_acquired_on_the_dates_and_processed_last(
        self, original: Callable[..., OriginalFolder], tmp_path: Path
    ) -> None:
        place = tmp_path / "L1C" / "Synth"
        product(place, "20180331")
        cloudy = product(place, "20180331", processed="20200101T000000")
        product(place, "20180331", tile="31TGJ", processed="20210101T000000")
        clear = product(place, "20180405")
        # Processed on the cloudy date, which the original would take.
        product(place, "20180328", processed="20180331T101010")
        result = imported(original(l1c=tmp_path / "L1C"), tmp_path / "scene")
        assert (content(result)["cloudy"], content(result)["clear"]) == (str(cloudy), str(clear))
        assert f"cloudy: 2 products are of 20180331; {cloudy.name}, the last processed, is used" in result.notes

    def test_of_several_tiles_come_with_the_tile(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        name = "S2A_OPER_PRD_MSIL1C_PDMC_20180331T190000_R108_V20180331T103021_20180331T103021.SAFE"
        (tmp_path / "L1C" / name).mkdir(parents=True)
        result = imported(original(l1c=tmp_path / "L1C"), tmp_path / "scene")
        assert content(result)["cloudy"] == str(tmp_path / "L1C" / name)
        assert content(result)["tile"] == "31TFJ"

    def test_that_are_gone_are_asked_for(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        result = imported(original(l1c=tmp_path / "gone"), tmp_path / "scene")
        assert result.missing == ("cloudy", "clear")
        assert (
            f"cloudy: no L1C product of 20180331 is in {tmp_path / 'gone'}; write its path instead of "
            "'L1C/cloudy_20180331.SAFE' in scene.json, or import again with --cloudy"
        ) in result.notes
        message = refused(3, "run", result.scene)
        assert message.startswith(f"{tmp_path / 'scene' / 'L1C' / 'cloudy_20180331.SAFE'}: ")

    def test_that_are_given_are_taken(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        cloudy, clear = product(tmp_path, "20180331"), product(tmp_path, "20180405")
        result = imported(original(), tmp_path / "scene", cloudy=cloudy, clear=clear)
        assert (content(result)["cloudy"], content(result)["clear"]) == (str(cloudy), str(clear))
        assert result.missing == ()

    def test_of_a_clear_date_that_no_feature_needs_may_be_absent(
        self, original: Callable[..., OriginalFolder], tmp_path: Path
    ) -> None:
        source = original(global_changes={"features/time_difference_bands": []})
        result = imported(source, tmp_path / "scene", cloudy=product(tmp_path, "20180331"))
        assert "clear" not in content(result)
        assert result.missing == ()

    def test_the_elevation_model_is_the_tile_s(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original(global_changes={"features/DTM": "True"})
        for tile in ("31TFJ", "31TGJ"):
            folder = source.parameters / "dtm" / f"S2__TEST_AUX_REFDE2_Synth_T{tile}_0002"
            folder = folder / f"S2__TEST_AUX_REFDE2_T{tile}_0001.DBL.DIR"
            folder.mkdir(parents=True)
            (folder / f"S2__TEST_AUX_REFDE2_T{tile}_0001_ALT_R2.TIF").write_bytes(b"")
        result = imported(source, tmp_path / "scene")
        assert Path(content(result)["dem"]).name == "S2__TEST_AUX_REFDE2_T31TFJ_0001_ALT_R2.TIF"
        # Between ratios and textures, as in the original's stack.
        assert changes(result)["features"] == [*BANDS, NDVI, NDWI, "dem", *TIMES]


class TestNames:
    @pytest.mark.parametrize(
        ("folder", "name"),
        [
            ("Synth_31TFJ_20180331", "Synth_31TFJ_20180331"),
            # As in 2018; the paths tell the tile.
            ("Synth_20180331", "Synth_31TFJ_20180331"),
            ("La_Reunion_31TFJ_20180331", "La_Reunion_31TFJ_20180331"),
        ],
    )
    def test_are_of_place_tile_and_date(
        self, original: Callable[..., OriginalFolder], tmp_path: Path, folder: str, name: str
    ) -> None:
        assert content(imported(original(name=folder), tmp_path / "scene"))["name"] == name

    def test_of_a_folder_renamed(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        renamed = source.path.rename(source.path.with_name("old work"))
        result = imported(OriginalFolder(renamed, source.parameters), tmp_path / "scene")
        assert content(result)["name"] == "Synth_31TFJ_20180331"


class TestTheCommand:
    def test_tells_what_it_has_made(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source, target = original(), tmp_path / "scene"
        ended = alcd("import-alcd", source.path, target, "--parameters", source.parameters)
        assert ended.returncode == 0
        assert ended.stdout.splitlines() == [
            f"{target}/Synth_31TFJ_20180331/samples.gpkg: 6 samples: 2 low_clouds, 1 land, 3 water",
            f"{target}/scene.json: correct it, then run: python -m alcd_otb run {target}/scene.json",
        ]
        assert [line.split(":")[0] for line in ended.stderr.splitlines()] == ["WARNING"] * 3

    def test_as_json(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        ended = alcd("import-alcd", source.path, tmp_path / "scene", "--json")
        told = json.loads(ended.stdout)
        assert told["scene"] == str(tmp_path / "scene" / "scene.json")
        assert told["samples"] == {"low_clouds": 2, "land": 1, "water": 3}
        assert told["missing"] == ["cloudy", "clear"]
        assert len(told["notes"]) == len(ended.stderr.splitlines())


class TestBadFolders:
    def refusal(self, code: int, source: Path, target: Path, *more: str | Path) -> str:
        message = refused(code, "import-alcd", source, target, *more)
        assert not (target / "scene.json").exists()
        assert leftovers(target.parent) == []
        return message

    def test_that_are_none(self, tmp_path: Path) -> None:
        message = self.refusal(2, tmp_path / "nowhere", tmp_path / "scene")
        assert message == f"{tmp_path / 'nowhere'}: is not a folder; give a work folder of the original ALCD"
        assert self.refusal(2, tmp_path, tmp_path / "scene").startswith(
            f"{tmp_path}: is not a work folder of the original ALCD: In_data/Masks holds no shapefile; give the folder"
        )

    def test_whose_parameters_are_no_json(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        file = source.path / "In_data" / "used_global_parameters.json"
        file.write_text("{", "utf-8")
        assert self.refusal(2, source.path, tmp_path / "scene").startswith(f"{file}: is not valid JSON (")

    @pytest.mark.parametrize(
        ("given", "problem"),
        [
            ({"training_parameters": []}, "training_parameters: [] is not an object"),
            (
                {"training_parameters/training_proportion": "most"},
                "training_parameters.training_proportion: 'most' is not a number from 0 to 1",
            ),
            (
                {"training_parameters/training_proportion": "0"},
                "training_parameters.training_proportion: '0' is not a number from 0 to 1",
            ),
            (
                {"training_parameters/regularization_radius": "1.5"},
                "training_parameters.regularization_radius: '1.5' is not a whole number from 0 to 50",
            ),
            (
                {"training_parameters/expansion_distance": -1},
                "training_parameters.expansion_distance: -1 is not a number from 0 to 1000000",
            ),
            ({"features/original_bands": "2"}, "features.original_bands: '2' is not a list"),
            ({"features/DTM": "maybe"}, "features.DTM: 'maybe' is neither true nor false"),
            ({"masks/land": {"class_name": 300}}, "masks.land.class_name: 300 is not a whole number from 1 to 255"),
            ({"masks/land": {"shp": "land.shp"}}, "masks.land.class_name: None is not a whole number from 1 to 255"),
            (
                {"masks/land": {"class_name": 6}},
                "classes: class code 6 occurs more than once; each class needs its own",
            ),
        ],
    )
    def test_whose_parameters_are_wrong(
        self, original: Callable[..., OriginalFolder], tmp_path: Path, given: dict[str, Any], problem: str
    ) -> None:
        source = original(global_changes=given)
        file = source.path / "In_data" / "used_global_parameters.json"
        assert self.refusal(2, source.path, tmp_path / "scene") == f"{file}: {problem}"

    def test_whose_shapefile_is_broken(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        (source.masks / "land.shp").write_bytes(b"no shapefile")
        message = self.refusal(4, source.path, tmp_path / "scene")
        assert message.startswith(f"{source.masks / 'land.shp'}: cannot be read as a vector file")

    def test_whose_shapefile_has_no_crs(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        (source.masks / "land.prj").unlink()
        message = self.refusal(4, source.path, tmp_path / "scene")
        assert message.startswith(f"{source.masks / 'land.shp'}: has no CRS; add its .prj file")

    def test_whose_points_are_nowhere(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        write_layer(source.masks / "snow.shp", [(3.0, 44.0), (1e30, 44.0)], epsg=4326)
        message = self.refusal(4, source.path, tmp_path / "scene")
        assert message.startswith(f"{source.masks / 'snow.shp'}: a feature cannot be transformed to EPSG:32631 (")

    def test_targets_that_are_there_already(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        (tmp_path / "scene").mkdir()
        (tmp_path / "scene" / "mine.txt").write_text("mine")
        message = self.refusal(2, original().path, tmp_path / "scene")
        assert message == f"{tmp_path / 'scene'}: exists already, and is not overwritten; name a new folder"
        assert (tmp_path / "scene" / "mine.txt").read_text() == "mine"

    def test_paths_that_do_not_exist(self, original: Callable[..., OriginalFolder], tmp_path: Path) -> None:
        source = original()
        message = self.refusal(2, source.path, tmp_path / "scene", "--cloudy", tmp_path / "gone.SAFE")
        assert message == f"--cloudy {tmp_path / 'gone.SAFE'}: does not exist"
        message = self.refusal(2, source.path, tmp_path / "scene", "--parameters", tmp_path / "gone.json")
        assert message == f"--parameters {tmp_path / 'gone.json'}: does not exist"


def test_every_feature_of_the_template_is_one_of_the_original() -> None:
    for feature in load_template("clouds_alcd2019").features:
        name = feature if isinstance(feature, str) else feature.name
        assert feature_of(name) == (feature if isinstance(feature, str) else feature.model_dump())


@pytest.fixture(scope="module")
def toulouse(tmp_path_factory: pytest.TempPathFactory) -> ImportResult:
    root = tmp_path_factory.mktemp("toulouse")
    paths = {"global_chains_paths": {"L1C": str(TOULOUSE / "s2")}, "tile_location": {"Toulouse": "31TCJ"}}
    (root / "paths.json").write_text(json.dumps(paths), "utf-8")
    clear = TOULOUSE / "s2" / "Toulouse" / "S2A_MSIL1C_20240120T105341_N0510_R051_T31TCJ_20240120T125244.SAFE"
    given = {**NOTHING, "clear": clear}
    return import_folder(TOULOUSE_WORK, root / "scene", [root / "paths.json"], "clouds_alcd2019", given)


@pytest.mark.skipif(
    not TOULOUSE.is_dir(), reason="the original's work folder, shared/data/alcd_toulouse beside the project, is absent"
)
class TestToulouse:
    """The original's own test data: 249 points of an operator, no parameters."""

    def test_the_points(self, toulouse: ImportResult) -> None:
        expected = points_of_shapefiles(TOULOUSE_WORK / "In_data" / "Masks")
        assert points_in(toulouse.samples_file) == expected
        # As counted in the original's repository.
        assert toulouse.samples == {
            "low_clouds": 45, "high_clouds": 51, "clouds_shadows": 70, "land": 50, "water": 33,
        }  # fmt: skip

    def test_the_products_and_the_features(self, toulouse: ImportResult) -> None:
        config = load_scene(toulouse.scene)
        assert config.cloudy.name == "S2B_MSIL1C_20240305T104819_N0510_R051_T31TCJ_20240305T125347.SAFE"
        assert toulouse.missing == ()
        names = [feature if isinstance(feature, str) else feature.name for feature in config.template.features]
        lines = (TOULOUSE_WORK / "In_data" / "Image" / "Toulouse_bands_bands.txt").read_text("utf-8").split()[2::3]
        assert names == [line.removesuffix(".tif").removeprefix("T31TCJ_20240305T104819_") for line in lines]
        assert names[12:19] == ["NDVI", "NDWI", "NDCI", "NDSI", "ratio_2_4", "density_contours", "variation_coeff"]

    def test_is_checked_against_the_products(self, toulouse: ImportResult) -> None:
        """The products are cropped, and most points lie outside; but they are the products that the points are of."""
        assert refused(4, "run", toulouse.scene).startswith(f"{toulouse.samples_file}")


@settings(deadline=None, max_examples=150)
@given(mutated(GLOBAL))
def test_any_parameters_are_taken_over_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, changed: dict[str, Any]
) -> None:
    root = tmp_path_factory.mktemp("mutated")
    source = write_masks(root / "Synth_31TFJ_20180331", POINTS)
    (source / "In_data" / "used_global_parameters.json").write_text(json.dumps(changed), "utf-8")
    refusal = None
    try:
        result = import_folder(source, root / "scene", [], "clouds_alcd2019", NOTHING)
    except AlcdError as error:
        refusal = str(error)
    if refusal is None:
        assert load_scene(result.scene).samples == result.samples_file
    else:
        assert "\n" not in refusal
        assert str(source) in refusal
        assert leftovers(root) == []
        assert not (root / "scene").exists()


def test_the_page_tells_of_every_parameter() -> None:
    page = (ROOT / "docs" / "how_to" / "from_alcd.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = " ".join(rows)
    for section, keys in GLOBAL.items():
        if section in ("general", "postprocessing", "local_paths"):
            assert f"`{section}`" in named
        elif section != "masks":
            missing = [key for key in keys if not re.search(rf"[`.]{key}`", named)]
            assert missing == [], section
    for method in (*_OF_OTB.keys() - {"libsvm", "bayes", "gbt"}, *_OF_SKLEARN, "gbt_otb"):
        assert f"`{method}`" in named
