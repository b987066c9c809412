"""A person labels and runs scenes in QGIS with the plug-in: real clicks and keys on a screen of its own."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import fiona
import numpy as np
import pytest
from osgeo import gdal
from PIL import Image
from places import ROOT
from scenes import FinishedScene

from alcd_otb.label.keys import key_table
from alcd_otb.workspace import Workspace

qgis_desktop = pytest.importorskip("qgis_desktop")

MISSING = [str(path) for path in qgis_desktop.PROGRAMS if not path.is_file()]

pytestmark = [
    pytest.mark.qgis_desktop,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}: make qgis"),
]

PICTURES = os.environ.get("ALCD_OTB_PICTURES")
"""Folder for the pictures of the documentation, if they are to be made."""
CLASSES = ("background", "low_clouds", "high_clouds", "clouds_shadows", "land", "water", "snow")
Truth = Callable[[float, float], int]


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with qgis_desktop.screen(tmp_path_factory.mktemp("screen")) as display:
        yield display


@pytest.fixture(scope="module")
def truth(finished: FinishedScene) -> Truth:
    """Return the function that tells the true class of a place."""
    dataset = gdal.Open(str(finished.synthetic.truth))
    left, side, _, top, _, _ = dataset.GetGeoTransform()
    codes = dataset.ReadAsArray()

    def told(x: float, y: float) -> int:
        return int(codes[int((top - y) / side), int((x - left) / side)])

    return told


def stored(scene: Path, layer: str = "samples", name: str = "samples.gpkg") -> list[tuple[str, float, float]]:
    """Read the points, or the classes of the corrections, by another program than QGIS."""
    with fiona.open(scene.parent / "work" / name, layer=layer) as features:
        listed = list(features)
    if layer == "samples":
        return [(each.properties["class"], *each.geometry.coordinates) for each in listed]
    return [(each.properties["class"], 0.0, 0.0) for each in listed]


def iterations(scene: Path) -> list[str]:
    return [path.name for path in Workspace(scene.parent / "work").iterations()]


def keep(desk: "qgis_desktop.Desktop", folder: Path, name: str) -> None:
    """Keep a picture of the screen for the documentation."""
    taken = folder / f"{name}.png"
    desk.picture(taken)
    picture = Image.open(taken).convert("RGB")
    assert np.asarray(picture).std() > 20
    if PICTURES:
        picture.save(Path(PICTURES) / f"{name}.webp", quality=40, method=6)
        if name == "qgis_place":
            small = picture.crop((250, 100, 1280, 840)).resize((560, 402), Image.Resampling.LANCZOS)
            # The other ways of choosing colours leave out those of the small marks.
            few = small.quantize(128, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
            few.save(ROOT / "qgis_plugin" / "alcd_otb_loop" / "help.png", optimize=True)


def shown_class(desk: "qgis_desktop.Desktop", x: float, y: float) -> int:
    """Return the class that the layer of the map shows at a place."""
    value = desk.ask(f"layer('classes').dataProvider().sample(QgsPointXY({x!r}, {y!r}), 1)[0]")
    return int(value)


def assert_shows(desk: "qgis_desktop.Desktop", scene: Path, number: int) -> None:
    """QGIS shows the map of an iteration, not an earlier one."""
    file = scene.parent / "work" / "iterations" / f"{number:03d}" / "labels.tif"
    dataset = gdal.Open(str(file))
    left, side, _, top, _, _ = dataset.GetGeoTransform()
    labels = dataset.ReadAsArray()
    rows, columns = (part.ravel() for part in np.mgrid[3 : labels.shape[0] : 9, 3 : labels.shape[1] : 9])
    places = [
        [left + side * (column + 0.5), top - side * (row + 0.5)] for row, column in zip(rows, columns, strict=True)
    ]
    # A file that was put in its place a moment ago is shown a moment later.
    shown = f"[layer('classes').dataProvider().sample(QgsPointXY(*place), 1) for place in {json.dumps(places)}]"
    wanted = labels[rows, columns].tolist()
    desk.wait(shown, wanted=lambda values: [int(value) if known else 0 for value, known in values] == wanted)


def run(desk: "qgis_desktop.Desktop", scene: Path, number: int) -> None:
    """Press R and wait until the iteration is made and shown."""
    desk.press("r")
    desk.wait("loop().runs.is_running")
    desk.settle()
    assert iterations(scene)[-1] == f"{number:03d}", desk.ask("dock().state.text()")
    desk.wait("dock().state.text()", wanted=lambda text: text.startswith(f"Map {number} is shown"))
    assert_shows(desk, scene, number)


def label_all_places(desk: "qgis_desktop.Desktop", truth: Truth) -> int:
    """Label all places as they are in truth, by keys alone. Returns how many."""
    places = desk.ask("[[place.x, place.y] for place in loop().places.all]")
    for place in places:
        desk.press("n", str(truth(*place)))
    desk.wait(f"len(loop().places.done) == {len(places)}")
    return len(places)


def cost_rows(places: int, actions: int) -> list[str]:
    """Return the table of what an iteration costs, as the documentation shows it."""
    return [
        "| of an iteration | keys and clicks |",
        "| --- | --- |",
        f"| go to {places} places (`N`) | {places} |",
        f"| label them (a digit each) | {places} |",
        "| make the next map, and see it (`R`) | 1 |",
        f"| all | {actions} |",
    ]


def test_from_a_scene_file_to_the_third_map(
    screen: str, prepared: Callable[..., Path], truth: Truth, tmp_path: Path
) -> None:
    # Long: one walk, since each start of QGIS takes as long as a map.
    scene = prepared(samples=None, name="Arles")
    with qgis_desktop.desktop(tmp_path / "qgis", screen) as desk:
        desk.wait("dock().title.text()", wanted=lambda text: "Open the project" in text)
        # A scene without a project is prepared, then opened.
        desk.press_button("dock().findChild(QPushButton, 'open_scene')")
        desk.wait("windows()", wanted=lambda titles: "scene.json" in titles)
        desk.write(str(scene))
        desk.press("Return")
        desk.wait("loop() is not None")
        desk.settle()
        assert desk.ask("ticked()") == ["01 Label"]
        assert desk.ask("[len(loop().places.all), len(dock().classes)]") == [18, 7]
        assert iterations(scene) == []

        # Points: a click, another class, deleted, undone, done again.
        desk.press("0", "5")
        x, y = 602400.0, 4897200.0
        desk.click(x, y)
        desk.wait("dock().state.text() == 'Land.'")
        [(name, stored_x, stored_y)] = stored(scene)
        assert name == "land"
        assert abs(stored_x - x) + abs(stored_y - y) < 30
        desk.press("6")
        desk.click(x, y)
        assert [each[0] for each in stored(scene)] == ["water"]
        desk.click(x, y, button=3)
        assert stored(scene) == []
        desk.press("ctrl+z")
        assert [each[0] for each in stored(scene)] == ["water"]
        desk.press("ctrl+z")
        assert stored(scene) == [("land", stored_x, stored_y)]
        desk.press("ctrl+y", "ctrl+y")
        assert stored(scene) == []
        assert desk.ask("layer('samples').isEditable()") is False

        # The first map, while a layer is edited by QGIS's own means, selected, and seen at one place.
        assert label_all_places(desk, truth) == 18
        assert {name for name, *_ in stored(scene)} <= set(CLASSES)
        assert [CLASSES.index(name) + 1 for name, *_ in stored(scene)] == [
            truth(place_x, place_y) for _, place_x, place_y in stored(scene)
        ]
        assert desk.ask("[layer('samples').startEditing(), layer('samples').selectByIds([2, 3])][0]")
        before = desk.ask("[extent(), layer('samples').selectedFeatureIds(), iface.activeLayer().id()]")
        run(desk, scene, 1)
        assert desk.ask("[extent(), layer('samples').selectedFeatureIds(), iface.activeLayer().id()]") == before
        assert desk.ask("layer('samples').isEditable()")
        assert desk.ask("layer('samples').rollBack()")
        assert desk.ask("ticked()") == ["01 Label"]
        assert "iteration 1" in desk.ask("dock().said.text()").lower()
        assert desk.ask("dock().iterations.item(0, 1).text()") == "18"
        assert len(desk.ask("visible()")) == 7
        desk.press("0")
        keep(desk, tmp_path, "qgis_map")

        # A run that is stopped, and one that fails.
        desk.press("r")
        desk.wait("dock().bar.format()", wanted=lambda text: "%p" in text)
        desk.press("r")
        desk.settle()
        assert desk.ask("dock().state.text()").startswith("Stopped.")
        assert iterations(scene) == ["001"]
        assert not list((scene.parent / "work").rglob(".unfinished*"))
        assert_shows(desk, scene, 1)
        with Workspace(scene.parent / "work").locked():
            desk.press("r")
            desk.wait("dock().state.text()", wanted=lambda text: "holds this workspace; wait for it or stop it" in text)
        assert desk.ask("iface.messageBar().currentItem().text()") == desk.ask("dock().state.text()")
        desk.ask("iface.messageBar().clearWidgets()")

        # An iteration, counted.
        desk.actions = 0
        places = label_all_places(desk, truth)
        run(desk, scene, 2)
        print("\n".join(rows := cost_rows(places, desk.actions)))
        assert places == 12
        assert desk.actions <= 30
        assert desk.ask("windows()") == []
        assert "\n".join(rows) in (ROOT / "docs" / "tutorial" / "first_mask.md").read_text("utf-8")
        first = desk.ask("[loop().places.all[0].x, loop().places.all[0].y]")
        desk.press("n", str(truth(*first)), "n")
        keep(desk, tmp_path, "qgis_place")

        # Corrections: a polygon and a freehand one, deleted, undone.
        desk.press("Escape", "0", "3", "p")
        for corner in ((603000, 4896000), (604200, 4896000), (604200, 4894800)):
            desk.click(*corner)
        desk.press("Return")
        desk.wait("layer('corrections').featureCount() == 1")
        desk.press("2", "f")
        desk.drag([(601500, 4898000), (602000, 4898000), (602000, 4897500), (601500, 4897500)])
        desk.wait("layer('corrections').featureCount() == 2")
        keep(desk, tmp_path, "qgis_correction")
        desk.click(601800, 4897700, button=3)
        desk.wait("layer('corrections').featureCount() == 1")
        desk.press("ctrl+z")
        desk.wait("layer('corrections').featureCount() == 2")
        assert sorted(name for name, *_ in stored(scene, "corrections")) == ["high_clouds", "low_clouds"]
        run(desk, scene, 3)
        assert shown_class(desk, 603900, 4895700) == 3
        assert shown_class(desk, 601800, 4897700) == 2
        assert [desk.ask(f"dock().iterations.item({row}, 0).text()") for row in range(3)] == ["3", "2", "1"]

        looks_and_keys(desk)
        return_to_first_map(desk, scene)
        # Nothing waits to be saved but the project's own view.
        assert desk.ask("[each.isModified() for each in loop().labels.all_layers()]") == [False, False]


def return_to_first_map(desk: "qgis_desktop.Desktop", scene: Path) -> None:
    """Make the fourth map of the points of the first one. Those of now are kept."""
    first, now = stored(scene, name="iterations/001/samples.gpkg"), stored(scene)
    assert len(now) > len(first) == 18
    assert desk.ask("[dock().back.isEnabled(), dock().back.text()]") == [False, "Return to points of map …"]
    desk.click_at(desk.ask("centre_of_row(dock().iterations, 2)"))
    desk.wait("dock().back.text()", wanted=lambda text: text == "Return to points of map 1")
    desk.press_button("dock().back")
    desk.wait("loop().runs.is_running")
    assert desk.ask("dock().back.isEnabled()") is False
    desk.settle()
    desk.wait("dock().state.text()", wanted=lambda text: text.startswith("Map 4 is shown, of the points of map 1. "))
    assert "samples_before_iteration_004.gpkg keeps the points before" in desk.ask("dock().state.text()")
    assert stored(scene) == first
    assert stored(scene, name="samples_before_iteration_004.gpkg") == now
    # QGIS shows them, too, and the corrections stay.
    assert desk.ask("sorted([point.x, point.y] for point in loop().points)") == sorted([x, y] for _, x, y in first)
    assert len(stored(scene, "corrections")) == 2
    assert_shows(desk, scene, 4)
    assert desk.ask("[dock().iterations.item(0, column).text() for column in (0, 1)]") == ["4", "18"]
    assert desk.ask("dock().selected") is None
    # What was undone before were changes to other points.
    desk.press("ctrl+z")
    desk.wait("dock().state.text() == 'There is nothing to undo.'")
    assert stored(scene) == first


def looks_and_keys(desk: "qgis_desktop.Desktop") -> None:
    """Look at the scene in all ways, by the keys that the page has, too."""
    assert {row["action"] for row in key_table() if row["keys"]} == set(desk.ask("sorted(loop().acts)"))
    assert desk.ask("[list(row) for row in sorted(actions().items())]") == [
        [name, row["action"]] for name, row in sorted((name, row) for row in key_table() for name in row["keys"])
    ]
    shown = "[key for key in visible() if key not in ('samples', 'to_visit', 'corrections', 'iteration', 'invalid')]"
    assert desk.ask(shown) == ["contours", "true_colour"]
    desk.press("l")
    assert desk.ask(shown) == ["contours", "bright"]
    assert desk.ask("ticked()") == ["02 bright"]
    desk.press("shift+l", "shift+l")
    assert desk.ask(shown) == ["contours", "view_B12"]
    desk.press("shift+3")
    assert desk.ask(shown) == ["contours", "SWIR_composite"]
    desk.hold("c")
    desk.wait(shown, wanted=lambda keys: keys == ["contours", "clear_true_colour"])
    time.sleep(0.7)
    desk.wait(shown, wanted=lambda keys: keys == ["contours", "clear_true_colour"])
    desk.let_go("c")
    desk.wait(shown, wanted=lambda keys: keys == ["contours", "SWIR_composite"])
    desk.press("shift+1")
    for layers in (["classes"], ["confidence"], ["margin"], [], ["contours"]):
        desk.press("o")
        assert desk.ask(shown) == [*layers, "true_colour"]
    desk.press("period", "period", "comma")
    assert desk.ask("layer('true_colour').brightnessFilter().contrast()") == 20
    desk.press("comma", "0")
    left, bottom, right, top = desk.ask("extent()")
    desk.press("plus")
    assert desk.ask("extent()[2] - extent()[0]") == pytest.approx((right - left) / 2, rel=0.01)
    desk.press("minus", "Right")
    assert desk.ask("extent()[0]") > left
    assert desk.ask("[extent()[1], extent()[3]]") == pytest.approx([bottom, top])
    desk.press("question")
    desk.wait("windows()", wanted=lambda titles: "alcd_otb: help" in titles)
    desk.press("Escape")
    desk.wait("windows() == []")


def test_a_file_a_class_on_another_keyboard_and_a_kill(
    screen: str, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path
) -> None:
    folder = tmp_path / "points"
    folder.mkdir()
    for name, ending, driver in (("land", "shp", "ESRI Shapefile"), ("water", "geojson", "GeoJSON")):
        gdal.VectorTranslate(
            str(folder / f"{name}.{ending}"),
            str(finished.synthetic.samples),
            format=driver,
            layers=["samples"],
            where=f"class = '{name}'",
            dstSRS="EPSG:32631" if ending == "shp" else "EPSG:4326",
        )
    counts = {name: len(fiona.open(file)) for name, file in files(folder).items()}
    scene = prepared(samples=folder, name="Arles")
    qgis_desktop.run_scene(scene)
    project = scene.parent / "work" / "project.qgz"
    with qgis_desktop.desktop(tmp_path / "qgis", screen, project) as desk:
        desk.keyboard("fr")
        try:
            assert desk.ask("sorted({each.layer.id() for each in loop().points})") == [
                "alcd_otb_samples_land",
                "alcd_otb_samples_water",
            ]
            # The row of digits gives them with Shift only: & is the key of 1, ( that of 5.
            desk.press("0", "parenleft")
            assert desk.ask("loop().code") == 5
            (x, y), last = free_places(finished)
            desk.click(x, y)
            assert counted(folder) == {**counts, "land": counts["land"] + 1}
            # Another class is another file, and one that has none gets one.
            desk.press("minus")
            assert desk.ask("loop().code") == 6
            desk.click(x, y)
            assert counted(folder) == {**counts, "water": counts["water"] + 1}
            desk.press("egrave")
            desk.click(x, y)
            assert counted(folder) == {**counts, "snow": 1}
            desk.press("ctrl+z")
            assert counted(folder) == {**counts, "water": counts["water"] + 1, "snow": 0}
            # A correction, for which there is no file either.
            desk.press("p")
            for corner in ((x, y), (x + 900, y), (x + 900, y + 900)):
                desk.click(*corner)
            desk.press("Return")
            desk.wait("layer('corrections').featureCount() == 1")
            settings(desk, tmp_path)
            # What was clicked is on the disk, whatever happens to QGIS.
            desk.press("ampersand")
            desk.click(*last)
            desk.wait("dock().state.text() == 'Background.'")
            desk.kill()
        finally:
            desk.keyboard("us")
    expected = {**counts, "water": counts["water"] + 1, "snow": 0, "background": 1, "corrections": 1}
    assert counted(folder) == expected


def free_places(finished: FinishedScene) -> list[tuple[float, float]]:
    """Return two places of the scene that no sample is near, nor the other."""
    found: list[tuple[float, float]] = []
    taken = [sample.location for sample in finished.scene.samples]
    inner = [(x, y) for x in range(601800, 605400, 90) for y in range(4894200, 4897800, 90)]
    for _ in range(2):
        found.append(max(inner, key=lambda place: min(np.hypot(*np.subtract(place, other)) for other in taken)))
        taken += [(found[-1][0] + east, found[-1][1] + north) for east in (0, 450, 900) for north in (0, 450, 900)]
    return found


def files(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in folder.iterdir() if path.suffix in (".shp", ".geojson", ".gpkg")}


def counted(folder: Path) -> dict[str, int]:
    return {name: len(fiona.open(file)) for name, file in files(folder).items()}


def settings(desk: "qgis_desktop.Desktop", tmp_path: Path) -> None:
    """Choose a program that is not there, one of another version, and the right one again."""
    window = "[each for each in QApplication.topLevelWidgets() if each.windowTitle() == 'alcd_otb: settings'][0]"
    right = desk.ask("QgsSettings().value('alcd_otb/program')")
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho alcd_otb 99.0.0\n", "utf-8")
    other.chmod(0o755)
    for chosen, said in (
        (str(tmp_path / "nowhere"), "cannot be started"),
        (str(other), "is alcd_otb 99.0.0 and the plug-in is of"),
        (right, ""),
    ):
        desk.press_button("dock().findChild(QPushButton, 'settings')")
        desk.wait("windows()", wanted=lambda titles: "alcd_otb: settings" in titles)
        desk.press_button(f"{window}.program")
        desk.keyboard("us")
        desk.write(chosen)
        desk.keyboard("fr")
        desk.press_button(f"{window}.trial")
        desk.wait(f"{window}.answer.text()", wanted=lambda text, wanted=said or "fits": wanted in text)
        desk.press("Return")
        desk.wait("windows() == []")
        desk.settle()
        assert said in desk.ask("dock().state.text()")
