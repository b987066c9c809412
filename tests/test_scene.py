"""What notebooks and programs call: the package's names, reading results, adding samples."""

import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from mask_files import write_raster
from osgeo import gdal, ogr, osr
from places import ROOT
from scenes import FinishedScene, write_scene

import alcd_otb
from alcd_otb.errors import ConfigurationError, ProcessingError, SampleError
from alcd_otb.raster.io import read_part
from alcd_otb.result import Result
from alcd_otb.samples.adding import Attribution, add_points
from alcd_otb.scene import Scene

API_PAGE = ROOT / "docs" / "reference" / "api.md"
PREPARED = ("features.tif", "view.tif", "valid.tif", "preparation.json")


@pytest.fixture
def unlabelled(finished: FinishedScene, tmp_path: Path) -> Scene:
    """A prepared scene whose samples are the workspace's own, and not there yet."""
    (tmp_path / "work").mkdir()
    for name in PREPARED:
        shutil.copy2(finished.result.workspace / name, tmp_path / "work" / name)
    return Scene.open(write_scene(tmp_path / "scene.json", finished.synthetic, samples=None))


def geographic(scene: Scene, x: float, y: float) -> tuple[float, float]:
    """(longitude, latitude) of a place, by PROJ's own command."""
    ended = subprocess.run(
        ["gdaltransform", "-s_srs", scene.grid.crs, "-t_srs", "EPSG:4326", "-output_xy"],
        input=f"{x} {y}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    longitude, latitude = map(float, ended.stdout.split())
    return longitude, latitude


def stored(path: Path, layer: str = "samples") -> list[tuple[object, float, float]]:
    dataset = ogr.Open(str(path))
    return [
        (one.GetField("class"), one.GetGeometryRef().GetX(), one.GetGeometryRef().GetY())
        for one in dataset.GetLayerByName(layer)
    ]


def test_importing_the_package_loads_neither_gdal_nor_numpy() -> None:
    loaded = "import sys, alcd_otb; print(*(name for name in ('numpy', 'osgeo', 'pydantic') if name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "\n"


def test_the_package_gives_its_names_and_no_others() -> None:
    assert alcd_otb.Scene is Scene
    assert alcd_otb.Result is Result
    assert issubclass(SampleError, alcd_otb.AlcdError)
    assert {"AlcdError", "Result", "Scene"} <= set(dir(alcd_otb))
    with pytest.raises(AttributeError, match="no attribute 'Scenes'"):
        alcd_otb.Scenes  # noqa: B018


def test_the_code_of_the_page_runs(
    finished: FinishedScene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = re.search(r"^```python\n(.*?)^```", API_PAGE.read_text("utf-8"), flags=re.M | re.S)
    assert code is not None
    shutil.copytree(finished.result.workspace, tmp_path / "work", symlinks=True)
    shutil.copy2(finished.synthetic.samples, tmp_path / "work" / "samples.gpkg")
    write_scene(tmp_path / "scene.json", finished.synthetic, samples=None)
    longitude, latitude = geographic(finished.scene, *finished.scene.grid.centre_of(40, 50))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(code[1].replace("4.61, 43.52", f"{longitude}, {latitude}"), names)
    assert names["result"].iteration == 2
    assert len(names["scene"].samples) == len(finished.scene.samples) + 1
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_a_result_read_again_is_the_one_of_the_run(finished: FinishedScene) -> None:
    assert finished.scene.result() == finished.result
    assert finished.scene.result(1) == finished.result
    assert finished.scene.metrics["samples"]["snow"] == 25
    with pytest.raises(ConfigurationError, match="no iteration 7; there are 1"):
        finished.scene.result(7)


def test_a_damaged_result_is_told_of(finished: FinishedScene, tmp_path: Path) -> None:
    workspace = tmp_path / "work"
    shutil.copytree(finished.iteration, workspace / "iterations" / "001")
    (workspace / "iterations" / "001" / "metrics.json").write_text("{", "utf-8")
    scene = Scene.open(write_scene(tmp_path / "scene.json", finished.synthetic))
    with pytest.raises(ProcessingError, match=r"metrics\.json: is not valid JSON"):
        scene.result()


def test_labels_and_confidence_are_those_of_the_files(finished: FinishedScene) -> None:
    scene, folder = finished.scene, finished.iteration
    labels, confidence = scene.labels(level=0), scene.confidence(level=0)
    assert labels.dtype == np.uint8
    assert labels.shape == (scene.grid.height, scene.grid.width) == (120, 120)
    assert np.array_equal(labels, gdal.Open(str(folder / "labels.tif")).ReadAsArray())
    assert confidence.dtype == np.float32
    assert np.array_equal(np.nan_to_num(confidence), gdal.Open(str(folder / "confidence.tif")).ReadAsArray())
    assert np.array_equal(np.isnan(confidence), labels == 0)
    assert np.array_equal(scene.labels(), labels)
    assert np.array_equal(scene.labels((30, 50, 7, 9), 0, iteration=1), labels[30:37, 50:59])


def commonest(codes: npt.NDArray[np.uint8]) -> set[int]:
    counts = np.bincount(codes[codes > 0], minlength=1)
    return set(np.flatnonzero(counts == counts.max()).tolist()) if counts.any() else {0}


def test_a_shrunk_map_has_the_commonest_class_of_the_pixels_with_data(tmp_path: Path) -> None:
    codes = np.random.default_rng(5).integers(0, 4, (40, 60)).astype(np.uint8)
    file = write_raster(tmp_path / "codes.tif", codes, 60, no_data=0)
    shrunk = read_part(file, None, 2, "mode")
    assert shrunk.shape == (10, 15)
    for row in range(10):
        for column in range(15):
            assert shrunk[row, column] in commonest(codes[4 * row : 4 * row + 4, 4 * column : 4 * column + 4])


def test_a_shrunk_confidence_is_the_mean_of_the_pixels_with_data(tmp_path: Path) -> None:
    values = np.array([[0.5, 0, 1, 1], [0.25, 0.75, 1, 0.5], [0, 0, 0.5, 0], [0, 0, 0, 0]], np.float32)
    file = write_raster(tmp_path / "confidence.tif", values, 60, no_data=0)
    assert read_part(file, None, 1, "average").tolist() == [[0.5, 0.875], [0, 0.5]]
    assert read_part(file, (0, 2, 2, 2), 1, "average").tolist() == [[0.875]]


def test_without_a_level_the_longer_side_has_at_most_2048_pixels(tmp_path: Path) -> None:
    file = write_raster(tmp_path / "codes.tif", np.ones((3, 4100), np.uint8), 10)
    assert read_part(file, None, None, "mode").shape == (1, 1025)
    assert read_part(file, (0, 0, 3, 2048), None, "mode").shape == (3, 2048)


@pytest.mark.parametrize(
    ("window", "level", "told"),
    [
        ((0, 0, 4, 3), 0, "not within the 3 rows and 4100 columns"),
        ((-1, 0, 2, 2), 0, "not within"),
        ((0, 0, 0, 2), 0, "not within"),
        (None, -1, "level -1"),
    ],
)
def test_parts_that_there_are_not_are_refused(
    window: tuple[int, int, int, int] | None, level: int, told: str, tmp_path: Path
) -> None:
    file = write_raster(tmp_path / "codes.tif", np.ones((3, 4100), np.uint8), 10)
    with pytest.raises(ConfigurationError, match=told):
        read_part(file, window, level, "mode")


def test_more_than_memory_should_hold_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "tile.tif"
    gdal.GetDriverByName("GTiff").Create(str(file), 10980, 10980, 1, gdal.GDT_Byte, ["SPARSE_OK=YES"])
    with pytest.raises(ConfigurationError, match=r"10980 x 10980 pixels are more .* give a window, or a higher level"):
        read_part(file, None, 0, "mode")
    assert read_part(file, None, 1, "mode").shape == (5490, 5490)


def test_a_file_that_is_no_raster_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "labels.tif").write_text("none")
    with pytest.raises(ProcessingError, match=r"labels\.tif: cannot be read"):
        read_part(tmp_path / "labels.tif", None, 0, "mode")


def test_points_in_any_crs_come_to_lie_where_they_are(unlabelled: Scene) -> None:
    grid = unlabelled.grid
    first, second = grid.centre_of(40, 50), grid.centre_of(60, 70)
    assert unlabelled.samples == ()
    unlabelled.add_samples([("land", *geographic(unlabelled, *first))], "EPSG:4326", author="Ada", comment="a field")
    unlabelled.add_samples([(6, *second)])
    land, water = unlabelled.samples
    assert (land.code, water.code) == (5, 6)
    assert land.location == pytest.approx(first, abs=0.001)
    assert water.location == second
    assert (land.iteration, land.author, land.comment) == (1, "Ada", "a field")
    assert water.author == ""
    feature = land.__geo_interface__
    assert feature["geometry"]["type"] == "Point"
    assert feature["properties"] == {"class": 5, "iteration": 1, "author": "Ada", "comment": "a field"}


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (("wter", 0, 0), r"feature 2: unknown class 'wter'; did you mean 'water'\?"),
        (("water", -1e6, 0), "feature 2: lies outside the scene"),
        (("water", float("nan"), 0), "feature 2: has no geometry"),
    ],
)
def test_one_bad_point_keeps_all_of_them_out(bad: tuple[str, float, float], told: str, unlabelled: Scene) -> None:
    x, y = unlabelled.grid.centre_of(40, 50)
    unlabelled.add_samples([("land", x, y), ("snow", x + 600, y)])
    before = unlabelled.config.samples.read_bytes()
    moved = (bad[0], x + bad[1], y + bad[2])
    with pytest.raises(SampleError, match=told):
        unlabelled.add_samples([("land", x + 1200, y), moved, ("land", x + 1800, y)])
    assert unlabelled.config.samples.read_bytes() == before


def test_a_crs_that_is_none_is_refused(unlabelled: Scene) -> None:
    with pytest.raises(SampleError, match="CRS 'EPSG:none' is not known"):
        unlabelled.add_samples([("land", 3.0, 44.0)], "EPSG:none")
    assert not unlabelled.config.samples.exists()


def test_points_go_into_a_layer_of_another_crs_with_codes(unlabelled: Scene, tmp_path: Path) -> None:
    file, grid = tmp_path / "points.gpkg", unlabelled.grid
    geographic_crs = osr.SpatialReference()
    geographic_crs.ImportFromEPSG(4326)
    dataset = ogr.GetDriverByName("GPKG").CreateDataSource(str(file))
    layer = dataset.CreateLayer("points", geographic_crs, ogr.wkbPoint)
    layer.CreateField(ogr.FieldDefn("class", ogr.OFTInteger))
    del layer, dataset
    x, y = grid.centre_of(40, 50)
    add_points(file, [("snow", x, y)], None, unlabelled.config.template.legend, grid, Attribution(1, "Ada"))
    [(code, longitude, latitude)] = stored(file, "points")
    assert code == 7
    assert (longitude, latitude) == pytest.approx(geographic(unlabelled, x, y), abs=1e-7)


def test_corrections_and_what_qgis_saved_stay(unlabelled: Scene) -> None:
    x, y = unlabelled.grid.centre_of(40, 50)
    unlabelled.add_samples([("land", x, y)])
    file = unlabelled.config.samples
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE layer_styles (id INTEGER)")
        connection.execute("INSERT INTO layer_styles VALUES (12)")
        connection.commit()
    unlabelled.add_samples([("water", x + 600, y)])
    assert stored(file) == [("land", x, y), ("water", x + 600, y)]
    assert stored(file, "corrections") == []
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT id FROM layer_styles").fetchall() == [(12,)]


def test_while_another_program_writes_nothing_is_added(unlabelled: Scene) -> None:
    x, y = unlabelled.grid.centre_of(40, 50)
    unlabelled.add_samples([("land", x, y)])
    with closing(sqlite3.connect(unlabelled.config.samples, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SampleError, match=r"another program is writing to it .* then add them again"):
            unlabelled.add_samples([("water", x + 600, y)])
        other.execute("ROLLBACK")
    assert stored(unlabelled.config.samples) == [("land", x, y)]


@pytest.mark.parametrize("name", ["points.geojson", "points"])
def test_only_a_geopackage_is_added_to(name: str, unlabelled: Scene, tmp_path: Path) -> None:
    grid, legend = unlabelled.grid, unlabelled.config.template.legend
    with pytest.raises(SampleError, match=f"{name}: points are added to a GeoPackage only"):
        add_points(tmp_path / name, [("land", *grid.centre_of(40, 50))], None, legend, grid, Attribution(1))
    assert not (tmp_path / name).exists()


def test_a_scene_that_is_not_prepared_has_no_grid(finished: FinishedScene, tmp_path: Path) -> None:
    scene = Scene.open(write_scene(tmp_path / "scene.json", finished.synthetic, samples=None))
    with pytest.raises(ConfigurationError, match="is not prepared; run the scene first"):
        scene.add_samples([("land", 0, 0)])
    with pytest.raises(ConfigurationError, match="holds no map yet"):
        scene.labels()


def test_a_notebook_shows_the_scene_and_its_map(finished: FinishedScene) -> None:
    shown = finished.scene._repr_html_()
    for one in finished.scene.config.template.legend.classes:
        assert f"{one.code} {one.name}" in shown
        assert one.colour in shown
    assert shown.count("data:image/") == 2
    points = sum(finished.scene.metrics["samples"].values())
    assert f"<tr><td>1</td><td>{points}</td>" in shown
    assert "<th>invalid/valid</th>" in shown
    for scores in (finished.scene.metrics, finished.scene.metrics["invalid_valid"]):
        assert f"<td>{scores['overall_accuracy']:.3f}</td>" in shown
    of_run = finished.result._repr_html_()
    assert "Iteration 1" in of_run
    assert str(finished.result.report) in of_run
    assert of_run.count("data:image/") == 2


def test_a_notebook_shows_a_scene_without_a_map(unlabelled: Scene, prepared: Callable[..., Path]) -> None:
    waiting = Result.prepared(unlabelled.workspace, {}, unlabelled.config.template.legend)
    assert "Prepared" in waiting._repr_html_()
    named = Scene.open(prepared(name="<b>Arles</b>"))
    assert "&lt;b&gt;Arles&lt;/b&gt;" in named._repr_html_()
    assert "<b>Arles" not in named._repr_html_()
