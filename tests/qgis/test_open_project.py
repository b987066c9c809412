"""What happens to a project that QGIS has open while the scene is run, and to projects of older versions."""

import json
import logging
import shutil
import zipfile
from pathlib import Path

import fiona
import numpy as np
import numpy.typing as npt
import pytest
from lxml import etree
from osgeo import gdal
from qgis_sessions import in_qgis, keys, pixels
from scenes import FinishedScene, command_line, write_scene

from alcd_otb.scene import Scene
from alcd_otb.settings.template import load_template

LEGEND = load_template("clouds").legend
EXTENT = [600000, 4892820, 607200, 4900020]
SIZE = (120, 120)
"""A screen pixel for each pixel of the map."""
NEW = [f"Point ({x} {y})" for x in range(602000, 605500, 600) for y in range(4894500, 4898000, 600)]


def map_of(scene: Scene, number: int) -> npt.NDArray[np.uint8]:
    labels: npt.NDArray[np.uint8] = gdal.Open(str(scene.workspace.iteration(number) / "labels.tif")).ReadAsArray()
    return labels


def coloured(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    colours = np.full((256, 3), 255)
    for one in LEGEND.classes:
        colours[one.code] = one.rgb
    return colours[labels]


def state_of(file: Path) -> tuple[bytes, int]:
    return file.read_bytes(), file.stat().st_mtime_ns


def samples_of(scene: Scene) -> list[tuple[str, float, float]]:
    with fiona.open(scene.config.samples, layer="samples") as layer:
        return [(one.properties["class"], *one.geometry.coordinates) for one in layer]


@pytest.fixture
def scene(finished: FinishedScene, tmp_path: Path) -> Scene:
    """Return a scene of one iteration, whose samples lie in its workspace."""
    work = tmp_path / "work"
    work.mkdir()
    for name in ("features.tif", "view.tif", "valid.tif", "preparation.json"):
        shutil.copy2(finished.result.workspace / name, work / name)
    shutil.copyfile(finished.synthetic.samples, work / "samples.gpkg")
    made = Scene.open(write_scene(tmp_path / "scene.json", finished.synthetic, samples=None, name="Arles"))
    made.run()
    return made


def command_of(scene: Scene, *options: str) -> list[str]:
    return command_line("run", scene.workspace.folder.parent / "scene.json", "-q", *options)


def saved_by_qgis(scene: Scene) -> None:
    project = scene.workspace.project
    assert in_qgis(project, ["customise"], ["save", str(project)]) == [True, True]


def make_older(scene: Scene) -> None:
    """Turn the project that QGIS has saved into what an older version would have led it to."""
    project = scene.workspace.project
    with zipfile.ZipFile(project) as packed:
        entries = {name: packed.read(name) for name in packed.namelist()}
    text = entries["project.qgs"].decode()
    for name in ("labels.tif", "margin.tif"):
        text = text.replace(f"./map/{name}", f"./iterations/001/{name}")
    text = text.replace("./map/confidence.tif", "./iterations/001/confidence_smoothed.tif")
    text = text.replace("./map/contours.fgb", "./latest/contours.fgb")
    root = etree.fromstring(text.encode())
    default = "coalesce(aggregate('alcd_otb_iteration', 'max', \"iteration\"), 0) + 1"
    replaced = [node for node in root.iter("default") if node.get("expression") == default]
    assert len(replaced) == 2
    for node in replaced:
        node.set("expression", "@alcd_iteration")
    for layer in root.iterfind("projectlayers/maplayer"):
        if layer.get("readOnly"):
            layer.set("readOnly", "0")
        if layer.findtext("id") == "alcd_otb_iteration":
            layer.getparent().remove(layer)
    nodes = {node.get("id"): node for node in root.iter("layer-tree-layer")}
    nodes["alcd_otb_samples"].addprevious(nodes["alcd_otb_to_visit"])
    nodes["alcd_otb_iteration"].getparent().remove(nodes["alcd_otb_iteration"])
    properties = root.find("properties")
    own = properties.find("alcd_otb")
    own.remove(own.find("layout"))
    for value in own.find("layers"):
        if value.text == "alcd_otb_iteration":
            own.find("layers").remove(value)
    properties.remove(properties.find("TitleLabel"))
    for tag, added in (("variableNames", "alcd_iteration"), ("variableValues", "2")):
        etree.SubElement(properties.find(f"Variables/{tag}"), "value").text = added
    entries["project.qgs"] = etree.tostring(root)
    with zipfile.ZipFile(project, "w") as packed:
        for name, content in entries.items():
            packed.writestr(name, content)
    shutil.rmtree(scene.workspace.map_folder)


class TestTheOpenProject:
    def test_shows_the_new_map_and_keeps_all_else(self, scene: Scene, tmp_path: Path) -> None:
        project = scene.workspace.project
        before = state_of(project)
        shown, part = ["samples", "classes", "iteration"], [601200, 4893420, 606000, 4898220]
        picture = [str(tmp_path / f"{number}.png") for number in range(6)]
        answers = in_qgis(
            project,
            ["look", ["classes", "iteration"], EXTENT, SIZE, picture[0]],
            ["draw", "samples", ["high_clouds"] * len(NEW), NEW],
            ["start_drawing", "samples", "snow", "Point (606000 4895000)"],
            ["look", shown, part, (240, 240), picture[1]],
            ["view"],
            ["run", command_of(scene)],
            ["refresh", picture[2]],
            ["view"],
            ["look", ["classes", "iteration"], EXTENT, SIZE, picture[3]],
            ["save_layer", "samples"],
            ["save", str(project)],
            ["run", command_of(scene)],
            ["refresh", picture[4]],
            ["view"],
        )
        seen, after, last = (answers[step] for step in (4, 7, 13))
        for step in (5, 11):
            assert answers[step][0] == 0, answers[step][1]
        assert not np.array_equal(map_of(scene, 1), map_of(scene, 2))
        np.testing.assert_array_equal(pixels(Path(picture[0])), coloured(map_of(scene, 1)))
        np.testing.assert_array_equal(pixels(Path(picture[3])), coloured(map_of(scene, 2)))
        np.testing.assert_array_equal(pixels(Path(picture[4])), coloured(map_of(scene, 3)))
        assert not np.array_equal(pixels(Path(picture[1])), pixels(Path(picture[2])))
        # The extent, the layers, the edit mode, and the file on disk.
        assert after == {**seen, "title": "Iteration 2"}
        assert seen["title"] == "Iteration 1"
        assert seen["extent"] == part
        assert sorted(seen["shown"]) == sorted(shown)
        assert seen["is_edited"]
        assert not seen["is_changed_on_disk"]
        assert answers[9][:2] == [True, True]
        assert answers[10]
        assert last["title"] == "Iteration 3"
        assert not last["is_changed_on_disk"]
        # The project that QGIS saved is not the first one, and the third run left it alone.
        assert state_of(project) != before
        labels = samples_of(scene)
        assert labels[-1] == ("snow", 606000.0, 4895000.0)
        assert [name for name, _, _ in labels[-1 - len(NEW) : -1]] == ["high_clouds"] * len(NEW)

    def test_is_left_alone_by_runs(self, scene: Scene) -> None:
        """First as this package wrote it, then as QGIS saved it."""
        for is_saved in (False, True):
            if is_saved:
                saved_by_qgis(scene)
            before = state_of(scene.workspace.project)
            scene.run()
            assert state_of(scene.workspace.project) == before
        (description,) = in_qgis(scene.workspace.project, ["describe"])
        assert all(layer["valid"] for layer in description["layers"])

    def test_refuses_to_edit_what_a_run_writes(self, scene: Scene) -> None:
        description, places, contours = in_qgis(
            scene.workspace.project,
            ["describe"],
            ["start_drawing", "to_visit", "snow", NEW[0]],
            ["start_drawing", "contours", "snow", NEW[0]],
        )
        assert [layer["key"] for layer in description["layers"] if layer["editable"]] == ["samples", "corrections"]
        assert keys(description)[0] == "samples"
        assert not places
        assert not contours

    def test_gets_the_earlier_samples_of_a_run_that_starts_again(self, scene: Scene) -> None:
        """QGIS continues with the file: what it saves afterwards comes on top of them, and nothing is lost."""
        first = samples_of(scene)
        answers = in_qgis(
            scene.workspace.project,
            ["draw", "samples", ["high_clouds"] * len(NEW), NEW],
            ["start_drawing", "samples", "snow", "Point (606000 4895000)"],
            ["run", command_of(scene, "--from", "1")],
            ["save_layer", "samples"],
        )
        assert answers[2][0] == 0, answers[2][1]
        assert answers[3][:2] == [True, True]
        assert samples_of(scene) == [*first, ("snow", 606000.0, 4895000.0)]
        (kept,) = scene.workspace.folder.glob("samples_before_iteration_*.gpkg")
        with fiona.open(kept, layer="samples") as layer:
            assert len(layer) == len(first) + len(NEW)


class TestAnOlderProject:
    @pytest.fixture
    def older(self, scene: Scene) -> Scene:
        saved_by_qgis(scene)
        make_older(scene)
        return scene

    def test_is_converted_once_and_kept_beside(
        self, older: Scene, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        project = older.workspace.project
        before = project.read_bytes()
        with caplog.at_level(logging.INFO):
            older.run()
        kept = older.workspace.folder / "project_before_conversion.qgz"
        assert kept.read_bytes() == before
        assert str(kept) in caplog.text
        converted = state_of(project)
        older.run()
        assert state_of(project) == converted
        assert list(older.workspace.folder.glob("project_before*")) == [kept]
        picture = tmp_path / "classes.png"
        description, form, _, view = in_qgis(
            project,
            ["describe"],
            ["form", "samples"],
            ["look", ["classes", "iteration"], EXTENT, SIZE, str(picture)],
            ["view"],
        )
        np.testing.assert_array_equal(pixels(picture), coloured(map_of(older, 3)))
        layers = {layer["key"]: layer for layer in description["layers"]}
        own = [key for key in keys(description) if not key.startswith("my_notes")]
        assert own[:3] == ["samples", "to_visit", "corrections"]
        assert all(layer["valid"] for layer in layers.values())
        assert not [layer["source"] for layer in layers.values() if "iterations" in layer["source"]]
        assert not [key for key in ("to_visit", "contours", "iteration") if layers[key]["editable"]]
        assert view["title"] == "Iteration 3"
        assert "@alcd_iteration" not in json.dumps(form)
        # What the operator has changed.
        assert description["variables"] == {"mine": "7"}
        assert layers["view_NDVI"]["name"] == "vegetation"
        assert "view_NDWI" not in layers
        assert [layer["name"] for layer in description["layers"]].count("my notes") == 1

    def test_labels_saved_among_the_places_become_samples(self, older: Scene, caplog: pytest.LogCaptureFixture) -> None:
        first = samples_of(older)
        places = ["Point (603000 4896000)", "Point (604000 4896000)"]
        assert in_qgis(older.workspace.project, ["draw", "to_visit", ["snow", "no such class"], places])[0] >= 2
        older.run()
        assert samples_of(older) == [*first, ("snow", 603000.0, 4896000.0)]
        assert f"now in {older.workspace.samples}: snow at (603000, 4896000)" in caplog.text
        kept = older.workspace.folder / "to_visit_before_iteration_002.gpkg"
        assert "holds 1 features that people added or changed" in caplog.text
        assert str(kept) in caplog.text
        with fiona.open(kept) as layer:
            assert "no such class" in [one.properties["class"] for one in layer]
        older.run()
        assert samples_of(older) == [*first, ("snow", 603000.0, 4896000.0)]

    def test_labels_saved_among_the_places_after_a_run_wait_for_the_next(self, older: Scene) -> None:
        """QGIS has the file open, in its edit mode, while the run writes it again."""
        first = samples_of(older)
        can_edit, (code, errors), saved = in_qgis(
            older.workspace.project,
            ["start_drawing", "to_visit", "snow", "Point (603000 4896000)"],
            ["run", command_of(older)],
            ["save_layer", "to_visit"],
        )
        assert can_edit
        assert code == 0, errors
        assert saved[:2] == [True, True]
        assert samples_of(older) == first
        older.run()
        assert samples_of(older) == [*first, ("snow", 603000.0, 4896000.0)]


def document_in(project: Path) -> etree._Element:
    with zipfile.ZipFile(project) as packed:
        return etree.fromstring(packed.read("project.qgs"))


def renderer_of(document: etree._Element, key: str) -> etree._Element:
    (renderer,) = document.xpath(f"//maplayer[id='alcd_otb_{key}']/pipe/rasterrenderer")
    return renderer


def contrast_of(document: etree._Element, key: str) -> list[list[float]]:
    stretches = renderer_of(document, key).xpath("*[minValue]")
    return [[float(one.findtext(tag)) for tag in ("minValue", "maxValue")] for one in stretches]


def numbers_in(view: Path) -> dict[str, str]:
    dataset = gdal.Open(str(view))
    return {dataset.GetRasterBand(number).GetDescription(): str(number) for number in range(1, dataset.RasterCount + 1)}


def lay_out_as_before_looks(project: Path) -> None:
    """Turn a project that QGIS has saved into one of layout 2, whose view had other bands, and save changes in it."""
    with zipfile.ZipFile(project) as packed:
        entries = {name: packed.read(name) for name in packed.namelist()}
    root = etree.fromstring(entries["project.qgs"])
    own = root.find("properties/alcd_otb")
    own.find("layout").text = "2"
    own.remove(own.find("bands"))
    for key in ("bright", "SWIR_composite", "view_B12"):
        for node in root.xpath(f"//*[@id='alcd_otb_{key}' or id='alcd_otb_{key}' or text()='alcd_otb_{key}']"):
            node.getparent().remove(node)
    for key, limits in (("true_colour", ("0", "0.25")), ("clear_true_colour", ("0.05", "0.5"))):
        for stretch in renderer_of(root, key).xpath("*[minValue]"):
            stretch.find("minValue").text, stretch.find("maxValue").text = limits
        (colours,) = root.xpath(f"//maplayer[id='alcd_otb_{key}']/pipe/brightnesscontrast")
        colours.set("gamma", "1")
    renderer_of(root, "view_NDVI").set("grayBand", "1")
    entries["project.qgs"] = etree.tostring(root)
    with zipfile.ZipFile(project, "w") as packed:
        for name, content in entries.items():
            packed.writestr(name, content)


class TestAProjectFromBeforeLooks:
    def test_gets_the_looks_and_keeps_what_the_operator_has_changed(self, scene: Scene) -> None:
        project = scene.workspace.project
        saved_by_qgis(scene)
        lay_out_as_before_looks(project)
        before = project.read_bytes()
        scene.run()
        assert (scene.workspace.folder / "project_before_conversion.qgz").read_bytes() == before
        document, numbers = document_in(project), numbers_in(scene.workspace.view)
        looks = {look["name"]: look for look in json.loads(scene.workspace.preparation.read_text())["looks"]}
        assert contrast_of(document, "true_colour") == looks["true colour"]["limits"] != [[0, 0.25]] * 3
        assert contrast_of(document, "clear_true_colour") == [[0.05, 0.5]] * 3
        gammas = document.xpath("//maplayer[id='alcd_otb_true_colour']/pipe/brightnesscontrast/@gamma")
        assert [float(gamma) for gamma in gammas] == [1.8]
        assert renderer_of(document, "view_NDVI").get("grayBand") == numbers["NDVI"]
        composite = renderer_of(document, "SWIR_composite")
        assert [composite.get(f"{one}Band") for one in ("red", "green", "blue")] == [
            numbers["B11"], numbers["B08"], numbers["red"],
        ]  # fmt: skip
        (description,) = in_qgis(project, ["describe"])
        assert all(layer["valid"] for layer in description["layers"])
        shown = [layer["key"] for layer in description["layers"] if layer["group"] == "Cloudy date"]
        assert shown[:5] == ["invalid", "true_colour", "bright", "SWIR_composite", "view_cirrus"]
        assert {"01 Label", "02 bright", "03 SWIR composite", "04 cirrus"} <= set(description["themes"])
        converted = state_of(project)
        scene.run()
        assert state_of(project) == converted

    def test_of_today_follows_the_bands_of_its_view(self, scene: Scene, tmp_path: Path) -> None:
        """Without the clear date, the view has fewer bands, and the later ones other numbers."""
        saved_by_qgis(scene)
        file = tmp_path / "scene.json"
        content = json.loads(file.read_text())
        former = numbers_in(scene.workspace.view)
        del content["clear"]
        file.write_text(json.dumps(content))
        Scene.open(file).run()
        numbers = numbers_in(scene.workspace.view)
        assert former["B11"] != numbers["B11"]
        assert renderer_of(document_in(scene.workspace.project), "SWIR_composite").get("redBand") == numbers["B11"]
