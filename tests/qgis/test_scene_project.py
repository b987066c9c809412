"""The project as QGIS itself opens it: valid layers, forms, colours, and what an operator changes in it."""

import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fiona
import numpy as np
import pytest
from osgeo import gdal, ogr
from places import ROOT
from qgis_sessions import in_qgis, keys, pixels
from scenes import FinishedScene, alcd, command_line, write_scene

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.qgis.scene_project import write_project
from alcd_otb.qgis.styles import write_styles
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.scene import Scene
from alcd_otb.settings.template import load_template, template_names

LEGEND = load_template("clouds").legend
FIELDS = ["fid", "class", "iteration", "author", "comment", "created"]
VIEW = ["true_colour", "bright", "SWIR_composite", "view_cirrus", "view_NDVI", "view_NDWI", "view_B12"]
CLEAR_VIEW = ["clear_true_colour", "view_clear_cirrus", "view_clear_NDVI", "view_clear_NDWI"]


def written_anew(scene: Scene) -> Path:
    return write_project(scene.config, Inputs.read(scene.config).grid, scene.workspace)


@dataclass(frozen=True)
class Labelled:
    """A scene that was labelled in QGIS, and run."""

    scene: Scene
    form: dict[str, Any]
    later_form: dict[str, Any]
    first: dict[str, Any]
    second: dict[str, Any]


@pytest.fixture(scope="module")
def labelled(finished: FinishedScene, tmp_path_factory: pytest.TempPathFactory) -> Labelled:
    """Draw the points of the synthetic operator in QGIS, into the empty layers of a scene under a path with spaces."""
    folder = tmp_path_factory.mktemp("qgis") / "été à Arles (31 %)"
    (folder / "work").mkdir(parents=True)
    for name in ("features.tif", "view.tif", "valid.tif", "preparation.json"):
        shutil.copy2(finished.result.workspace / name, folder / "work" / name)
    file = write_scene(folder / "scene.json", finished.synthetic, samples=None, name="Arles")
    scene = Scene.open(file)
    assert scene.run().iteration is None
    with fiona.open(finished.synthetic.samples, layer="samples") as points:
        classes = [point.properties["class"] for point in points]
        places = ["Point ({} {})".format(*point.geometry.coordinates) for point in points]
    square = "Polygon ((603000 4896000, 604200 4896000, 604200 4897200, 603000 4897200, 603000 4896000))"
    first, form, _, _ = in_qgis(
        scene.workspace.project,
        ["describe"],
        ["form", "samples"],
        ["draw", "samples", classes, places],
        ["draw", "corrections", ["snow"], [square]],
    )
    ended = alcd("run", file, "--json")
    assert ended.returncode == 0, ended.stderr
    second, later_form = in_qgis(scene.workspace.project, ["describe"], ["form", "samples"])
    return Labelled(scene, form, later_form, first, second)


@pytest.fixture(scope="module")
def pictures(labelled: Labelled, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Draw single layers with a screen pixel for each pixel of the map, and the points with one for 3 m."""
    folder = tmp_path_factory.mktemp("pictures")
    layers = ("classes", "true_colour", "bright", "SWIR_composite", "view_cirrus", "invalid", "confidence", "contours")
    steps = [["render", [name], str(folder / f"{name}.png"), None, (120, 120)] for name in layers]
    steps.append(["render", ["samples"], str(folder / "samples.png"), None, (2400, 2400)])
    errors = in_qgis(labelled.scene.workspace.project, *steps)
    assert errors == [[]] * len(steps)
    return folder


class TestTheProject:
    def test_of_a_prepared_scene_has_the_layers_to_label_in_and_the_images(self, labelled: Labelled) -> None:
        own = ["samples", "to_visit", "corrections", "iteration"]
        assert keys(labelled.first) == [*own, "invalid", *VIEW, *CLEAR_VIEW]
        assert all(layer["valid"] for layer in labelled.first["layers"])

    def test_of_an_iteration_has_its_results_too(self, labelled: Labelled) -> None:
        results = ["contours", "margin", "confidence", "classes", "iteration"]
        assert keys(labelled.second) == [
            "samples", "to_visit", "corrections", *results, "invalid", *VIEW, *CLEAR_VIEW,
        ]  # fmt: skip
        assert all(layer["valid"] for layer in labelled.second["layers"])
        for layer in labelled.second["layers"]:
            if layer["key"] in results:
                assert "/work/map/" in layer["source"]

    def test_begins_with_the_whole_scene_in_its_crs(self, labelled: Labelled) -> None:
        for description in (labelled.first, labelled.second):
            assert description["title"] == "Arles"
            assert description["crs"] == "EPSG:32631"
            assert description["extent"] == [600000, 4892820, 607200, 4900020]
            assert {layer["crs"] for layer in description["layers"]} == {"EPSG:32631"}

    def test_shows_the_points_and_outlines_over_the_true_colour(self, labelled: Labelled) -> None:
        visible = [layer["key"] for layer in labelled.second["layers"] if layer["visible"]]
        points = ["samples", "to_visit", "corrections"]
        assert visible == [*points, "contours", "iteration", "invalid", "true_colour"]
        themes = labelled.second["themes"]
        assert themes["01 Label"] == visible
        assert themes["04 cirrus"] == [*points, "contours", "iteration", "invalid", "view_cirrus"]
        assert themes["08 Clear date"] == [*points, "iteration", "clear_true_colour"]
        assert themes["09 Map"] == [*points, "classes", "iteration"]

    def test_lists_the_themes_in_the_order_of_work_and_ticks_the_one_that_it_opens_with(
        self, labelled: Labelled
    ) -> None:
        looks = ["01 Label", "02 bright", "03 SWIR composite", "04 cirrus", "05 NDVI", "06 NDWI", "07 B12"]
        assert list(labelled.first["themes"]) == [*looks, "08 Clear date"]
        assert list(labelled.second["themes"]) == [*looks, "08 Clear date", "09 Map", "10 Confidence", "11 Margin"]
        assert labelled.first["ticked"] == labelled.second["ticked"] == ["01 Label"]

    def test_leads_to_the_scene_file(self, labelled: Labelled) -> None:
        config = json.loads(labelled.scene.workspace.config.read_text("utf-8"))
        assert config["scene_file"] == "../scene.json"

    def test_snaps_corrections_to_each_other_and_points_to_nothing(self, labelled: Labelled) -> None:
        assert labelled.second["snapped"] == ["corrections"]

    def test_asks_for_the_class_by_its_number(self, labelled: Labelled) -> None:
        form = labelled.form
        assert form["fields"] == FIELDS
        assert form["widget"] == "ValueMap"
        assert form["choices"] == [{f"{one.code} {one.name}": one.name} for one in LEGEND.classes]
        assert form["shown"] == ["class", "comment"]
        assert form["required"]
        assert form["opens_with"] is None
        assert form["reused"] == ["class"]
        assert form["by_class"] == {**{one.name: one.colour for one in LEGEND.classes}, "": "#ff0000"}

    def test_opens_the_form_with_the_class_of_the_last_point_also_in_another_session(
        self, labelled: Labelled, finished: FinishedScene
    ) -> None:
        with fiona.open(finished.synthetic.samples, layer="samples") as points:
            assert labelled.later_form["opens_with"] == points[len(points)].properties["class"]

    def test_takes_the_number_that_is_typed_into_the_form(self, labelled: Labelled) -> None:
        typed = in_qgis(
            labelled.scene.workspace.project,
            *(["type_class", layer, str(one.code)] for layer in ("samples", "corrections") for one in LEGEND.classes),
        )
        assert typed == 2 * [[f"{one.code} {one.name}", one.name] for one in LEGEND.classes]

    def test_leads_to_files_beside_it_wherever_it_is_moved(self, labelled: Labelled, tmp_path: Path) -> None:
        moved = shutil.copytree(labelled.scene.workspace.folder, tmp_path / "elsewhere", symlinks=True)
        (description,) = in_qgis(moved / "project.qgz", ["describe"])
        assert all(layer["valid"] for layer in description["layers"])
        assert all(layer["source"].startswith(str(moved)) for layer in description["layers"])


class TestLabelling:
    def test_points_drawn_in_qgis_are_read_with_what_it_fills_in(
        self, labelled: Labelled, finished: FinishedScene
    ) -> None:
        grid = Inputs.read(labelled.scene.config).grid
        samples = read_samples(labelled.scene.config.samples, LEGEND, grid)
        expected = read_samples(finished.synthetic.samples, LEGEND, grid)
        assert [(one.code, one.location) for one in samples] == [(one.code, one.location) for one in expected]
        assert {one.iteration for one in samples} == {1}
        assert all(one.author and one.created.startswith("20") for one in samples)

    def test_the_map_is_that_of_the_same_points_with_the_corrections_burnt_over_it(
        self, labelled: Labelled, finished: FinishedScene
    ) -> None:
        latest = labelled.scene.workspace.latest
        expected = gdal.Open(str(finished.result.labels)).ReadAsArray()
        # The square covers 20 x 20 pixels of 60 m.
        square = expected[47:67, 50:70]
        changed = int(((square != 7) & (square != 0)).sum())
        held = int((square != 0).sum())
        square[square != 0] = 7
        np.testing.assert_array_equal(gdal.Open(str(latest / "labels.tif")).ReadAsArray(), expected)
        metrics = json.loads((latest / "metrics.json").read_text())
        figures = {"polygons": 1, "pixels": held, "hectares": held * 0.36, "changed_pixels": changed}
        assert metrics["corrections"] == {**figures, "by_class": {"snow": figures}}
        assert held > 300
        assert changed > 0

    def test_the_figures_and_the_confidence_are_those_without_corrections(
        self, labelled: Labelled, finished: FinishedScene
    ) -> None:
        latest = labelled.scene.workspace.latest
        for name in ("confusion_matrix.csv", "confidence.tif", "confidence_smoothed.tif", "training.gpkg"):
            assert (latest / name).read_bytes() == (finished.iteration / name).read_bytes(), name

    def test_the_iteration_keeps_both(self, labelled: Labelled) -> None:
        grid = Inputs.read(labelled.scene.config).grid
        kept, drawn = labelled.scene.workspace.latest / "samples.gpkg", labelled.scene.config.samples
        assert read_samples(kept, LEGEND, grid) == read_samples(drawn, LEGEND, grid)
        assert read_corrections(kept, LEGEND, grid) == read_corrections(drawn, LEGEND, grid)
        assert [one.feature for one in read_corrections(kept, LEGEND, grid)] == ["samples.gpkg:corrections:1"]

    @pytest.mark.parametrize("grouped", [False, True])
    def test_goes_on_while_the_scene_is_run(self, labelled: Labelled, tmp_path: Path, grouped: bool) -> None:
        """What is saved counts, what is not yet saved is neither read nor lost."""
        folder = shutil.copytree(labelled.scene.workspace.folder.parent, tmp_path / "scene", symlinks=True)
        command = command_line("run", folder / "scene.json", "-q")
        _, (code, errors), (was_edited, is_saved, features) = in_qgis(
            folder / "work" / "project.qgz",
            ["start_drawing", "samples", "land", "Point (603000 4896000)", grouped],
            ["run", command],
            ["save_layer", "samples"],
        )
        assert code == 0, errors
        assert was_edited
        assert is_saved
        grid = Inputs.read(labelled.scene.config).grid
        used = read_samples(folder / "work" / "iterations" / "002" / "samples.gpkg", LEGEND, grid)
        assert len(used) == features - 1 == 150
        assert len(read_samples(folder / "work" / "samples.gpkg", LEGEND, grid)) == features

    def test_corrections_stay_when_the_scene_starts_again(
        self, labelled: Labelled, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        folder = shutil.copytree(labelled.scene.workspace.folder.parent, tmp_path / "scene", symlinks=True)
        scene = Scene.open(folder / "scene.json")
        source = ogr.Open(str(scene.config.samples), 1)
        source.GetLayerByName("corrections").DeleteFeature(1)
        del source
        assert (scene.run(start=1).accuracy or {})["corrections"]["polygons"] == 0
        scene.config.samples.write_bytes(b"damaged")
        assert (scene.run(start=1).accuracy or {})["corrections"]["polygons"] == 1
        assert "; the corrections of iteration 1 are used" in caplog.text

    def test_the_next_points_are_for_the_next_iteration(self, labelled: Labelled, tmp_path: Path) -> None:
        folder = shutil.copytree(labelled.scene.workspace.folder, tmp_path / "work", symlinks=True)
        in_qgis(folder / "project.qgz", ["draw", "samples", ["land"], ["Point (603000 4896000)"]])
        with fiona.open(folder / "samples.gpkg", layer="samples") as layer:
            assert [point.properties["iteration"] for point in layer] == [1] * (len(layer) - 1) + [2]


class TestPictures:
    def test_the_map_has_the_colours_of_the_legend(self, labelled: Labelled, pictures: Path) -> None:
        labels = gdal.Open(str(labelled.scene.workspace.latest / "labels.tif")).ReadAsArray()
        colours = np.full((256, 3), 255)
        for one in LEGEND.classes:
            colours[one.code] = one.rgb
        np.testing.assert_array_equal(pixels(pictures / "classes.png"), colours[labels])

    @pytest.mark.parametrize(
        ("look", "layers", "gamma"),
        [
            ("true_colour", ("red", "green", "blue"), 1.8),
            ("bright", ("red", "green", "blue"), 1),
            ("SWIR_composite", ("B11", "B08", "red"), 1),
            ("view_cirrus", ("cirrus",) * 3, 1),
        ],
    )
    def test_looks_have_the_contrast_of_the_scene_s_valid_pixels(
        self, labelled: Labelled, pictures: Path, look: str, layers: tuple[str, ...], gamma: float
    ) -> None:
        view = gdal.Open(str(labelled.scene.workspace.view))
        bands = [view.GetRasterBand(number) for number in range(1, view.RasterCount + 1)]
        values = {band.GetDescription(): band.ReadAsArray() * band.GetScale() for band in bands}
        valid = gdal.Open(str(labelled.scene.workspace.valid)).ReadAsArray().repeat(3, 0).repeat(3, 1) == 1
        ranges = [tuple(np.percentile(values[name][valid], (2, 98))) for name in layers]
        if look == "bright":
            ranges = [(0, 1.2)] * 3
        if look == "true_colour":
            white = np.percentile(np.concatenate([values[name][valid] for name in layers]), 98)
            ranges = [(black, white) for black, _ in ranges]
        # QGIS shows the nearest of three by three pixels, or an overview's.
        finest = np.stack([values[name] for name in layers]).reshape(3, 120, 3, 120, 3)
        darkest, brightest = (np.array(limits)[:, None, None, None, None] for limits in zip(*ranges, strict=True))
        expected = ((finest - darkest) / (brightest - darkest)).clip(0, 1) ** (1 / gamma) * 255
        shown = pixels(pictures / f"{look}.png").transpose(2, 0, 1)[:, :, None, :, None]
        # Steps of 8 bits before gamma are larger after it, where it is dark.
        rounding = 2 if gamma == 1 else 14
        assert (shown >= expected.min((2, 4), keepdims=True) - rounding).mean() > 0.99
        assert (shown <= expected.max((2, 4), keepdims=True) + rounding).mean() > 0.99
        assert shown.std() > 20

    def test_what_is_not_classified_is_darkened(self, labelled: Labelled, pictures: Path) -> None:
        valid = gdal.Open(str(labelled.scene.workspace.valid)).ReadAsArray()
        darkened = pixels(pictures / "invalid.png").sum(-1) < 3 * 255
        np.testing.assert_array_equal(darkened, valid == 0)

    def test_confidence_is_the_stronger_the_lower_it_is(self, labelled: Labelled, pictures: Path) -> None:
        confidence = gdal.Open(str(labelled.scene.workspace.latest / "confidence_smoothed.tif")).ReadAsArray()
        lightness = pixels(pictures / "confidence.png").sum(-1)
        seen = confidence > 0
        order = np.argsort(confidence[seen], kind="stable")
        assert (np.diff(lightness[seen][order]) >= -3).all()
        assert (lightness[confidence == 1] == 3 * 255).all()

    def test_outlines_run_along_the_edges_in_the_colours_of_the_classes(
        self, labelled: Labelled, pictures: Path
    ) -> None:
        labels = gdal.Open(str(labelled.scene.workspace.latest / "labels.tif")).ReadAsArray()
        shown = pixels(pictures / "contours.png")
        wanted = {one.rgb for one in LEGEND.classes if one.contour and (labels == one.code).any()}
        drawn = {tuple(map(int, colour)) for colour in np.unique(shown.reshape(-1, 3), axis=0)}
        assert wanted <= drawn
        # Where two lines meet, QGIS mixes a few hundredths of another colour in.
        known = np.array([*wanted, (255, 255, 255), (0, 0, 0)])
        assert all(np.abs(known - colour).max(axis=1).min() <= 6 for colour in drawn)
        # Nothing is drawn where all neighbours within two pixels are alike.
        padded = np.pad(labels, 2, mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
        inner = (windows == labels[..., None, None]).all((2, 3))
        inner[[0, -1]] = inner[:, [0, -1]] = False
        assert (shown[inner] == 255).all()

    def test_points_have_the_colours_of_their_classes(self, labelled: Labelled, pictures: Path) -> None:
        grid = Inputs.read(labelled.scene.config).grid
        shown = pixels(pictures / "samples.png")
        samples = read_samples(labelled.scene.config.samples, LEGEND, grid)
        right = 0
        for one in samples:
            x, y = one.location
            colour = shown[int((grid.top - y) / 3), int((x - grid.left) / 3)]
            right += tuple(map(int, colour)) == LEGEND.with_code(one.code).rgb
        # A point may lie under another one.
        assert right >= len(samples) - 5


class TestWhatTheOperatorSaves:
    @pytest.fixture
    def saved(self, labelled: Labelled, tmp_path: Path) -> Scene:
        """Return a copy of the scene with a project that an operator has changed and saved."""
        work = shutil.copytree(labelled.scene.workspace.folder, tmp_path / "work", symlinks=True)
        assert in_qgis(work / "project.qgz", ["customise"], ["save", str(work / "project.qgz")]) == [True, True]
        config = labelled.scene.config.model_copy(update={"workspace": work, "samples": work / "samples.gpkg"})
        return Scene(config, labelled.scene.settings)

    def test_stays(self, saved: Scene) -> None:
        before = saved.config.samples.read_bytes()
        (description,) = in_qgis(written_anew(saved), ["describe"])
        layers = {layer["key"]: layer for layer in description["layers"]}
        assert not layers["contours"]["visible"]
        assert layers["view_NDVI"]["name"] == "vegetation"
        assert "view_NDWI" not in layers
        assert [layer["name"] for layer in description["layers"]].count("my notes") == 1
        assert description["variables"] == {"mine": "7"}
        assert saved.config.samples.read_bytes() == before

    def test_follows_what_comes_and_goes(self, saved: Scene) -> None:
        shutil.copytree(saved.workspace.folder / "iterations" / "001", saved.workspace.folder / "iterations" / "002")
        for name in ("confidence_smoothed.tif", "confidence.tif"):
            (saved.workspace.folder / "iterations" / "002" / name).unlink()
        saved.workspace.to_visit.unlink(missing_ok=True)
        written_anew(saved)
        self.place_to_visit(saved.workspace.to_visit)
        description, visits = in_qgis(written_anew(saved), ["describe"], ["labels_of", "to_visit"])
        layers = {layer["key"]: layer for layer in description["layers"]}
        assert all(layer["valid"] for layer in description["layers"])
        assert layers["classes"]["source"].endswith("work/map/labels.tif")
        # What came up is in its place, and what has gone is gone.
        assert [key for key in layers if not key.startswith("my_notes")][:5] == [
            "samples", "to_visit", "corrections", "contours", "margin",
        ]  # fmt: skip
        assert layers["margin"]["group"] == "Map"
        assert "confidence" not in layers
        assert "to_visit" in description["themes"]["01 Label"]
        assert visits == [True, "rank"]

    @staticmethod
    def place_to_visit(path: Path) -> None:
        schema = {"geometry": "Point", "properties": {"rank": "int", "reason": "str"}}
        with fiona.open(path, "w", driver="GPKG", layer="to_visit", schema=schema, crs="EPSG:32631") as layer:
            place = {"type": "Point", "coordinates": (603000.0, 4896000.0)}
            layer.write({"geometry": place, "properties": {"rank": 1, "reason": "few samples"}})

    def test_is_written_over_if_it_was_not_saved_by_qgis(self, labelled: Labelled, tmp_path: Path) -> None:
        work = shutil.copytree(labelled.scene.workspace.folder, tmp_path / "work", symlinks=True)
        before = (work / "project.qgz").read_bytes()
        config = labelled.scene.config.model_copy(update={"workspace": work, "samples": work / "samples.gpkg"})
        scene = Scene(config.model_copy(update={"name": "Other"}), labelled.scene.settings)
        written_anew(scene)
        assert (work / "project.qgz").read_bytes() != before
        written_anew(Scene(config, labelled.scene.settings))
        assert (work / "project.qgz").read_bytes() == before

    @pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x05\x06" + bytes(18)])
    def test_is_left_as_it_is_where_it_cannot_be_read(
        self, labelled: Labelled, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
    ) -> None:
        config = labelled.scene.config
        work = tmp_path / "work"
        work.mkdir()
        (work / "view.tif").symlink_to(labelled.scene.workspace.view)
        (work / "project.qgz").write_bytes(content)
        written_anew(Scene(config.model_copy(update={"workspace": work}), labelled.scene.settings))
        assert (work / "project.qgz").read_bytes() == content
        (record,) = caplog.records
        assert record.getMessage().startswith(f"{work / 'project.qgz'}: cannot be read (")
        assert "left as it is; delete it" in record.getMessage()


class TestOtherSources:
    def test_a_view_that_is_gone_leaves_the_project_without_images(
        self, prepared: Callable[..., Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        scene = Scene.open(prepared(samples=None))
        scene.run()
        scene.workspace.view.unlink()
        (description,) = in_qgis(written_anew(scene), ["describe"])
        assert keys(description) == ["samples", "to_visit", "corrections", "iteration", "invalid"]
        assert "view.tif: cannot be read (" in caplog.text

    @pytest.mark.parametrize(("file", "content"), [("samples.gpkg", b"no vectors"), ("to_visit.gpkg", b"")])
    def test_a_file_that_cannot_be_read_leaves_the_project_as_it_is(
        self, prepared: Callable[..., Path], caplog: pytest.LogCaptureFixture, file: str, content: bytes
    ) -> None:
        scene = Scene.open(prepared(samples=None))
        scene.run()
        before = scene.workspace.project.read_bytes()
        (scene.workspace.folder / file).write_bytes(content)
        written_anew(scene)
        assert scene.workspace.project.read_bytes() == before
        (message,) = [one.getMessage() for one in caplog.records if one.name == "alcd_otb.qgis.scene_project"]
        assert message.startswith(f"{scene.workspace.folder / file}: cannot be read as a vector file (")
        assert message.endswith(f"{scene.workspace.project} is left as it is")

    def test_a_file_a_class(self, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path) -> None:
        folder = tmp_path / "points"
        folder.mkdir()
        for name in ("land", "water"):
            gdal.VectorTranslate(
                str(folder / f"{name}.geojson"),
                str(finished.synthetic.samples),
                format="GeoJSON",
                layers=["samples"],
                where=f"class = '{name}'",
                dstSRS="EPSG:4326",
            )
        gdal.VectorTranslate(str(folder / "corrections.shp"), str(finished.synthetic.samples), layers=["corrections"])
        square = ogr.CreateGeometryFromWkt("POLYGON ((603000 4896000, 604200 4896000, 604200 4897200, 603000 4896000))")
        with fiona.open(
            folder / "snow.gpkg", "w", schema={"geometry": "Polygon", "properties": {}}, crs="EPSG:32631"
        ) as layer:
            layer.write({"geometry": json.loads(square.ExportToJson()), "properties": {}})
        scene = Scene.open(prepared(samples=folder))
        picture = tmp_path / "snow.png"
        place = [603000, 4896000, 604200, 4897200]
        description, _ = in_qgis(
            written_anew(scene), ["describe"], ["render", ["samples_snow"], str(picture), place, [60, 60]]
        )
        assert keys(description)[:4] == ["samples_land", "samples_snow", "samples_water", "corrections"]
        assert [layer["crs"] for layer in description["layers"][:3]] == ["EPSG:4326", "EPSG:32631", "EPSG:4326"]
        # The lower right half.
        assert (pixels(picture)[40, 50] < 255).all()
        assert (pixels(picture)[10, 20] == 255).all()
        assert all(layer["valid"] for layer in description["layers"])

    def test_a_layer_that_may_hold_points_and_polygons(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        schema = {"geometry": "Unknown", "properties": {"class": "str"}}
        with fiona.open(tmp_path / "mine.gpkg", "w", schema=schema, crs="EPSG:32631") as layer:
            place = {"type": "Point", "coordinates": (603000.0, 4896000.0)}
            layer.write({"geometry": place, "properties": {"class": "land"}})
        scene = Scene.open(prepared(samples=tmp_path / "mine.gpkg"))
        description, form = in_qgis(written_anew(scene), ["describe"], ["form", "samples"])
        assert description["layers"][0]["valid"]
        assert form["by_class"]["land"] == LEGEND.with_code(5).colour

    def test_a_field_of_codes_in_capitals(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        schema = {"geometry": "Point", "properties": {"CLASS": "int"}}
        with fiona.open(tmp_path / "mine.shp", "w", schema=schema, crs="EPSG:32631") as layer:
            for code in (5, 6):
                place = {"type": "Point", "coordinates": (603000.0 + code, 4896000.0)}
                layer.write({"geometry": place, "properties": {"CLASS": code}})
        scene = Scene.open(prepared(samples=tmp_path / "mine.shp"))
        (form,) = in_qgis(written_anew(scene), ["form", "samples"])
        assert form["choices"] == [{f"{one.code} {one.name}": str(one.code)} for one in LEGEND.classes]
        assert form["by_class"]["5"] == LEGEND.with_code(5).colour
        assert form["shown"] == ["CLASS"]

    def test_a_layer_without_a_field_of_classes_is_left_out(
        self, prepared: Callable[..., Path], caplog: pytest.LogCaptureFixture
    ) -> None:
        scene = Scene.open(prepared(samples=None))
        scene.run()
        with closing(sqlite3.connect(scene.config.samples)) as file:
            file.execute('ALTER TABLE "corrections" RENAME COLUMN "class" TO "kind"')
        (description,) = in_qgis(written_anew(scene), ["describe"])
        assert keys(description)[:4] == ["samples", "to_visit", "iteration", "invalid"]
        (message,) = [one.getMessage() for one in caplog.records if one.name == "alcd_otb.qgis.scene_project"]
        assert message == (
            f"{scene.workspace.samples}: layer 'corrections' has no field 'class', and is left out of the project"
        )

    def test_one_date_and_a_view_without_true_colour(self, prepared: Callable[..., Path]) -> None:
        view = {"resolution": 60, "layers": [{"name": "NIR", "expr": "B08"}, {"name": "short", "expr": "B11"}]}
        scene = Scene.open(prepared(clear=None, samples=None, set={"margin": 120, "features": ["B02"], "view": view}))
        scene.run()
        (description,) = in_qgis(scene.workspace.project, ["describe"])
        own = ["samples", "to_visit", "corrections", "iteration"]
        assert keys(description) == [*own, "invalid", "view_NIR", "view_short"]
        assert description["themes"]["01 Label"] == [*own, "invalid", "view_NIR"]
        assert all(layer["valid"] for layer in description["layers"])


def test_the_blind_project_shows_nothing_of_the_classifier(labelled: Labelled) -> None:
    scene = labelled.scene
    scene.plan_accuracy(30)
    project = scene.workspace.accuracy_project
    description, form, labels = in_qgis(project, ["describe"], ["form", "points"], ["labels_of", "points"])
    assert keys(description) == ["points", "squares", *VIEW, *CLEAR_VIEW]
    assert all(layer["valid"] for layer in description["layers"])
    assert form["choices"] == [{f"{one.code} {one.name}": one.name} for one in LEGEND.classes]
    assert labels == [True, "fid"]
    assert [layer["key"] for layer in description["layers"] if layer["editable"]] == ["points"]
    names = ("latest", "labels.tif", "confidence", "samples.gpkg", "contours", "margin", "accuracy_plan")
    with zipfile.ZipFile(project) as packed:
        text = packed.read("accuracy.qgs").decode()
    assert not any(name in text for name in names)


class TestStyles:
    @pytest.mark.parametrize("template", template_names())
    def test_in_the_package_are_up_to_date(self, template: str, tmp_path: Path) -> None:
        for path in write_styles(load_template(template).legend, tmp_path, template):
            kept = ROOT / "param_templates" / path.name
            message = f"out of date; run: python -m alcd_otb styles {template} param_templates"
            assert kept.read_bytes() == path.read_bytes(), message

    def test_belong_to_a_template(self) -> None:
        names = {path.stem.rpartition("_")[0] for path in (ROOT / "param_templates").glob("*.qml")}
        assert names == set(template_names())

    def test_are_taken_by_qgis(self, labelled: Labelled) -> None:
        folder, latest = ROOT / "param_templates", labelled.scene.workspace.latest
        samples = f"{labelled.scene.config.samples}|layername="
        labels, points, polygons, outlines = in_qgis(
            labelled.scene.workspace.project,
            ["style", "raster", str(latest / "labels.tif"), str(folder / "clouds_labels.qml")],
            ["style", "vector", f"{samples}samples", str(folder / "clouds_samples.qml")],
            ["style", "vector", f"{samples}corrections", str(folder / "clouds_corrections.qml")],
            ["style", "vector", str(latest / "contours.fgb"), str(folder / "clouds_contours.qml")],
        )
        assert labels == [True, {str(one.code): one.colour for one in LEGEND.classes}]
        assert points[0]
        assert {name: fill for name, (fill, _) in points[1].items() if name} == {
            one.name: one.colour for one in LEGEND.classes
        }
        assert polygons[0]
        assert {name: edge for name, (_, edge) in polygons[1].items() if name} == {
            one.name: one.colour for one in LEGEND.classes
        }
        assert outlines == [True, {str(one.code): ["#000000", one.colour] for one in LEGEND.classes if one.contour}]

    def test_of_a_template_of_one_s_own(self, tmp_path: Path) -> None:
        ended = alcd("styles", ROOT / "examples" / "lakes.json", tmp_path / "styles", "--json")
        assert ended.returncode == 0, ended.stderr
        written = [Path(path) for path in json.loads(ended.stdout)["styles"]]
        assert [path.name for path in written] == [
            "lakes_samples.qml", "lakes_corrections.qml", "lakes_contours.qml", "lakes_labels.qml",
        ]  # fmt: skip
        for one in load_template(str(ROOT / "examples" / "lakes.json")).legend.classes:
            assert f'label="{one.name}" color="{one.colour}"' in written[-1].read_text()


def test_the_places_to_label_first_are_in_the_project(prepared: Callable[..., Path]) -> None:
    scene = prepared(samples=None)
    assert alcd("run", scene).returncode == 0
    (project,) = in_qgis(scene.parent / "work" / "project.qgz", ["describe"])
    assert [layer["key"] for layer in project["layers"]][:3] == ["samples", "to_visit", "corrections"]
    assert "to_visit" in project["themes"]["01 Label"]
