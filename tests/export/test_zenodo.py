"""The layout of the published data set: what it holds, and that our own readers read it back."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exports import export
from osgeo import gdal, ogr
from scenes import FinishedScene, alcd, refused

from alcd_otb.accuracy.job import estimate_accuracy, plan_accuracy
from alcd_otb.compare.job import compare
from alcd_otb.compare.protocol import load_protocol
from alcd_otb.errors import ConfigurationError
from alcd_otb.export.sample_folder import write_sample_folder
from alcd_otb.export.zenodo import kfold_summary
from alcd_otb.masks.published_references import is_reference_scene, read_reference_scene
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.writing import write_samples
from alcd_otb.settings.legend import Legend, LegendClass
from alcd_otb.settings.template import load_template
from alcd_otb.workspace import Workspace
from otb_pipelines.settings import Settings

PRODUCT = "S2A_MSIL1C_20180331T103021_N0510_R108_T31TFJ_20231114T000000"
CLEAR = "S2B_MSIL1C_20180405T103019_N0206_R108_T31TFJ_20180406T000000"
LEGEND = load_template("clouds").legend


@pytest.fixture(scope="module")
def exported(finished: FinishedScene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export the scene; its folder is not to be changed."""
    out = tmp_path_factory.mktemp("zenodo") / "out"
    export([finished.result.workspace], out, "zenodo")
    return out / PRODUCT


def pixels(path: Path) -> Any:
    return gdal.Open(str(path)).ReadAsArray()


def placed(samples: tuple[Sample, ...]) -> list[tuple[int, str]]:
    return sorted((one.code, json.dumps(one.geometry)) for one in samples)


def test_the_files_are_where_the_published_data_set_has_them(exported: Path) -> None:
    assert {path.name for path in exported.iterdir()} == {
        "Classification",
        "Samples",
        "Statistics",
        "provenance.json",
    }
    assert {path.name for path in (exported / "Classification").iterdir()} == {
        "classification_map.tif",
        "classification_map.tif.aux.xml",
        "confidence_enhanced.tif",
        "used_parameters.json",
        "contours.png",
        "classes.png",
        "quicklook.png",
    }
    assert {path.name for path in (exported / "Samples").glob("*.shp")} == {f"{name}.shp" for name in LEGEND.names}


def test_the_map_is_the_iterations(exported: Path, finished: FinishedScene) -> None:
    written = exported / "Classification" / "classification_map.tif"
    assert np.array_equal(pixels(written), pixels(finished.iteration / "labels.tif"))
    assert Grid.of(str(written)) == Grid.of(str(finished.iteration / "labels.tif"))
    dataset = gdal.Open(str(written))
    dataset.GetMetadata()
    band = dataset.GetRasterBand(1)
    assert band.DataType == gdal.GDT_Byte
    assert tuple(band.GetCategoryNames()) == ("no data", *LEGEND.names)


def test_the_confidence_is_the_smoothed_one_times_255(exported: Path, finished: FinishedScene) -> None:
    written = exported / "Classification" / "confidence_enhanced.tif"
    confidence = pixels(finished.iteration / "confidence_smoothed.tif").astype(np.float64)
    assert pixels(written).dtype == np.uint8
    # Rounded to the nearest, as well as 32 bits tell.
    assert np.abs(pixels(written) - confidence * 255).max() <= 0.5 + 1e-4
    assert np.array_equal(pixels(written) == 0, confidence == 0)
    dataset = gdal.Open(str(written))
    band = dataset.GetRasterBand(1)
    assert band.GetNoDataValue() == 0
    assert band.GetScale() == pytest.approx(1 / 255)


def test_the_parameters_are_those_of_the_pair(exported: Path) -> None:
    content = json.loads((exported / "Classification" / "used_parameters.json").read_text("utf-8"))
    assert content == {
        "tile": "31TFJ",
        "cloudy_date": "20180331",
        "cloudy_product_name": f"{PRODUCT}.SAFE",
        "clear_date": "20180405",
        "clear_product_name": f"{CLEAR}.SAFE",
        "location": "scene",
    }


def test_the_reader_of_the_published_data_set_reads_it(exported: Path, finished: FinishedScene) -> None:
    assert is_reference_scene(exported)
    mask = read_reference_scene(exported, LEGEND)
    assert mask.acquisition.name == "31TFJ_20180331"
    assert mask.acquisition.time is not None
    assert f"{mask.acquisition.time:%H%M%S}" == "103021"
    assert mask.grid == Grid.of(str(finished.iteration / "labels.tif"))
    assert mask.picture == str(exported / "Classification" / "quicklook.png")


def test_compare_finds_the_map_in_the_export(exported: Path, finished: FinishedScene, tmp_path: Path) -> None:
    """Its root is the reference, the workspace the product: they agree in every pixel with data."""
    settings = Settings(ram=64, threads=1)
    result = compare(
        [str(exported.parent)], [str(finished.result.workspace)], load_protocol("alcd2019"), tmp_path / "out", settings
    )
    rows = [row.metrics for row in result.rows if row.dilation_m == 0]
    assert len(rows) == 1
    labels = pixels(finished.iteration / "labels.tif")
    assert rows[0].matrix.total == (labels > 0).sum()
    assert rows[0].overall_accuracy == 1


def test_the_samples_are_read_back(exported: Path, finished: FinishedScene) -> None:
    grid = Grid.of(str(finished.iteration / "labels.tif"))
    before = read_samples(finished.iteration / "samples.gpkg", LEGEND, grid)
    after = read_samples(exported / "Samples", LEGEND, grid)
    assert len(before) == 150
    assert placed(after) == placed(before)
    source = ogr.Open(str(exported / "Samples" / "water.shp"))
    assert {feature.GetField("class") for feature in source.GetLayer(0)} == {6}


def test_polygons_and_corrections_are_read_back_with_what_was_written_of_them(tmp_path: Path) -> None:
    grid = Grid("EPSG:32631", 600_000, 4_900_020, 60, 100, 100)
    square = ((600_100.0, 4_899_900.0), (600_700.0, 4_899_900.0), (600_700.0, 4_899_300.0), (600_100.0, 4_899_900.0))
    polygon = {"type": "Polygon", "coordinates": (square,)}

    def point(x: float, y: float) -> dict[str, Any]:
        return {"type": "Point", "coordinates": (x, y)}

    samples = (
        Sample("a:1", 2, point(601_000.5, 4_899_000.25), 3, "Zoë", "près du lac", "2026-01-02T03:04:05"),
        Sample("a:2", 2, point(602_000.0, 4_898_000.0)),
        Sample("a:3", 5, polygon),
        Sample("a:4", 5, point(603_000.0, 4_897_000.0)),
        Sample("a:5", 6, point(603_500.0, 4_897_500.0), comment="é" * 200),
    )
    corrections = (Sample("b:1", 4, polygon), Sample("b:2", 7, polygon))
    write_samples(tmp_path / "samples.gpkg", samples, LEGEND, grid, corrections)
    folder = tmp_path / "Samples"
    folder.mkdir()
    write_sample_folder(tmp_path / "samples.gpkg", folder, LEGEND, grid)
    # A shapefile has one kind of geometry, and texts of 254 bytes.
    assert {path.name for path in folder.glob("*.gpkg")} == {"land.gpkg", "water.gpkg", "corrections.gpkg"}
    assert {path.stem for path in folder.glob("*.shp")} == set(LEGEND.names) - {"land", "water"}
    after = read_samples(folder, LEGEND, grid)
    assert placed(after) == placed(samples)
    (noted,) = [one for one in after if one.author]
    assert (noted.iteration, noted.author, noted.comment) == (3, "Zoë", "près du lac")
    assert "é" * 200 in {one.comment for one in after}
    assert [one.code for one in read_corrections(folder, LEGEND, grid)] == [4, 7]


def test_a_class_whose_name_is_none_for_files_is_named_by_its_code(tmp_path: Path) -> None:
    grid = Grid("EPSG:32631", 600_000, 4_900_020, 60, 100, 100)
    classes = [LegendClass(name, code, "#000000", False) for code, name in enumerate(("a/b", "eau", "corrections"), 1)]
    legend = Legend.from_classes(classes)
    place = {"type": "Point", "coordinates": (601_000.0, 4_899_000.0)}
    write_samples(tmp_path / "samples.gpkg", [Sample(f"a:{code}", code, place) for code in (1, 2, 3)], legend, grid)
    (tmp_path / "Samples").mkdir()
    write_sample_folder(tmp_path / "samples.gpkg", tmp_path / "Samples", legend, grid)
    assert {path.name for path in (tmp_path / "Samples").glob("*.shp")} == {"1.shp", "eau.shp", "3.shp"}
    assert [one.code for one in read_samples(tmp_path / "Samples", legend, grid)] == [1, 3, 2]


def test_the_statistics_are_the_workspaces(finished: FinishedScene, tmp_path: Path) -> None:
    workspace = Workspace(shutil.copytree(finished.result.workspace, tmp_path / "work", symlinks=True))
    scene = finished.scene
    scene = type(scene)(scene.config.model_copy(update={"workspace": workspace.folder}), scene.settings)
    scene.cross_validate(3)
    plan = plan_accuracy(workspace, LEGEND, 60, 1, replace=False)
    label_by_the_map(workspace)
    estimate = estimate_accuracy(workspace, LEGEND, None, labelled_only=False)
    export([workspace.folder], tmp_path / "out", "zenodo")
    figures = tmp_path / "out" / PRODUCT / "Statistics"
    assert {path.name for path in figures.iterdir()} == {
        *("metrics.json", "confusion_matrix.csv", "invalid_valid_matrix.csv", "kfold.json", "k_fold_summary.json"),
        *("accuracy_estimate.json", "accuracy_estimate.csv"),
    }
    folds = json.loads((workspace.kfold / "kfold.json").read_text("utf-8"))["folds"]
    summary = json.loads((figures / "k_fold_summary.json").read_text("utf-8"))
    recalls = [fold["recall"] for fold in folds]
    place = summary["metrics_names"].index("recall")
    assert summary["K"] == 3
    assert summary["means"][place] == pytest.approx(np.mean(recalls))
    assert summary["stds"][place] == pytest.approx(np.std(recalls))
    assert [row[place] for row in summary["all_metrics"]] == recalls
    written = json.loads((figures / "accuracy_estimate.json").read_text("utf-8"))
    assert written["labelled"] == len(plan.points)
    assert written["overall_accuracy"]["estimate"] == 1
    assert written["labels"] == "labels.tif"
    assert estimate.overall_accuracy is not None
    # In the table for people, too.
    readme = (tmp_path / "out" / "README.md").read_text("utf-8")
    low = f"{estimate.overall_accuracy.low:.3f}"
    assert f"| 1.000 [{low}, 1.000] |" in readme


def label_by_the_map(workspace: Workspace) -> None:
    labels = workspace.last_iteration() / "labels.tif"
    grid, codes = Grid.of(str(labels)), pixels(labels)
    source = ogr.Open(str(workspace.accuracy_points), 1)
    layer = source.GetLayer("accuracy")
    for feature in list(layer):
        place = feature.GetGeometryRef()
        pixel = grid.pixel_at(place.GetX(), place.GetY())
        assert pixel is not None
        feature.SetField("class", LEGEND.with_code(int(codes[pixel])).name)
        layer.SetFeature(feature)
    source.Destroy()


def test_an_estimate_of_another_iterations_map_is_left_out(dated: Callable[..., Path], tmp_path: Path) -> None:
    workspace = dated("Arles", "20180331")
    (workspace / "accuracy_estimate.json").write_text(json.dumps({"iteration": 2}), "utf-8")
    export([workspace], tmp_path / "out", "zenodo")
    assert not list(tmp_path.glob("out/*/Statistics/accuracy*"))
    assert "No accuracy was estimated" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_a_summary_of_folds_leaves_out_what_is_undefined() -> None:
    names = ("overall_accuracy", "invalid_valid_accuracy", "precision", "recall", "f1")
    folds = [dict.fromkeys(names, 0.5), {**dict.fromkeys(names, 1.0), "precision": None}]
    summary = kfold_summary(folds)
    assert summary["metrics_names"] == ["accuracy", "f1_score", "precision", "recall", "overall_accuracy"]
    assert summary["means"] == [0.75, 0.75, 0.5, 0.75, 0.75]
    assert summary["stds"] == [0.25, 0.25, 0, 0.25, 0.25]
    assert summary["all_metrics"] == [[0.5] * 5, [1, 1, None, 1, 1]]


def test_two_tiles_of_one_old_product_have_a_folder_each(dated: Callable[..., Path], tmp_path: Path) -> None:
    old = "S2A_OPER_PRD_MSIL1C_PDMC_20160417T201511_R094_V20160417T110652_20160417T110652"
    tiles = ("29RPQ", "29RNQ")
    sources = [dated(tile, "20160417", tile=tile, name=old) for tile in tiles]
    export(sources, tmp_path / "out", "zenodo")
    folders = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert folders == {f"{old}_T{tile}" for tile in tiles}
    found = {read_reference_scene(tmp_path / "out" / name, LEGEND).acquisition.name for name in folders}
    assert found == {"29RPQ_20160417", "29RNQ_20160417"}


def test_what_is_of_no_product_has_no_place_in_this_layout(dated: Callable[..., Path], tmp_path: Path) -> None:
    stack = dated("Lake", "20180331", tile=None, name="stack")
    with pytest.raises(ConfigurationError, match=r"was not made from a Sentinel-2 product.*export it as cog or stac"):
        export([stack], tmp_path / "out", "zenodo")


def test_a_map_without_a_clear_date(dated: Callable[..., Path], tmp_path: Path) -> None:
    workspace = dated("Arles", "20180331")
    file = workspace / "iterations" / "001" / "config.json"
    config = json.loads(file.read_text("utf-8"))
    config["products"]["clear"] = None
    file.write_text(json.dumps(config), "utf-8")
    ended = alcd("export", workspace, tmp_path / "out", "--layout", "zenodo")
    assert ended.returncode == 0, ended.stderr
    content = json.loads(next(tmp_path.glob("out/*/Classification/used_parameters.json")).read_text("utf-8"))
    assert (content["clear_date"], content["clear_product_name"]) == ("", "")
    config["products"] = []
    file.write_text(json.dumps(config), "utf-8")
    assert "config.json: does not describe an iteration" in refused(
        3, "export", workspace, tmp_path / "other", "--layout", "zenodo"
    )
