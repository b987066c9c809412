"""Export as a user runs it: Cloud Optimized GeoTIFFs, data sets of several scenes, what is refused, what is left."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exports import export
from mask_files import write_raster
from osgeo import gdal
from osgeo_utils.samples.validate_cloud_optimized_geotiff import validate
from PIL import Image
from scenes import FinishedScene, alcd, refused, write_scene

from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.export.geotiff import write_classes, write_shares
from alcd_otb.settings.template import load_template

SCENE = "31TFJ_20180331T103021"
LEGEND = load_template("clouds").legend

_RIO_COGEO = """
import sys
from rio_cogeo.cogeo import cog_validate
for path in sys.argv[1:]:
    valid, errors, warnings = cog_validate(path, strict=True, quiet=True)
    assert valid and not errors and not warnings, (path, errors, warnings)
    print("valid")
"""


def check_cog(*paths: Path) -> None:
    """Check files by both validators, with warnings as errors.

    rio-cogeo runs in a separate process: should its rasterio come with another libgdal, this one stays free of it.
    """
    for path in paths:
        warnings, errors, _ = validate(str(path), full_check=True)
        assert (warnings, errors) == ([], [])
    command = [sys.executable, "-W", "ignore", "-c", _RIO_COGEO, *map(str, paths)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["valid"] * len(paths)


def test_the_rasters_are_cloud_optimized(finished: FinishedScene, tmp_path: Path) -> None:
    export([finished.result.workspace], tmp_path / "out", "cog", licence="CC-BY-4.0")
    folder = tmp_path / "out" / SCENE
    names = ("classes.tif", "confidence.tif", "confidence_smoothed.tif")
    check_cog(*(folder / name for name in names))
    for name, source in zip(names, ("labels.tif", *names[1:]), strict=True):
        expected = gdal.Open(str(finished.iteration / source)).ReadAsArray()
        assert np.array_equal(gdal.Open(str(folder / name)).ReadAsArray(), expected)
    classes = gdal.Open(str(folder / "classes.tif"))
    tags = classes.GetMetadata()
    assert tags["TIFFTAG_COPYRIGHT"] == "CC-BY-4.0"
    assert SCENE in tags["TIFFTAG_IMAGEDESCRIPTION"]
    band = classes.GetRasterBand(1)
    assert band.GetNoDataValue() == 0
    assert tuple(band.GetCategoryNames()) == ("no data", *LEGEND.names)
    colours = band.GetColorTable()
    assert {one.code: colours.GetColorEntry(one.code)[:3] for one in LEGEND.classes} == {
        one.code: one.rgb for one in LEGEND.classes
    }


def test_overviews_of_classes_are_by_the_commonest(tmp_path: Path) -> None:
    """Squares of four pixels: three of one class and one of another; a corner of the map is without data."""
    codes = np.full((1400, 1200), 2, np.uint8)
    codes[1::2, 1::2] = 6
    codes[:700, 600:] = 7
    codes[:700:2, 600::2] = 5
    codes[:64, :64] = 0
    write_classes(write_raster(tmp_path / "labels.tif", codes, 60, no_data=0), tmp_path / "cog.tif", {})
    check_cog(tmp_path / "cog.tif")
    dataset = gdal.Open(str(tmp_path / "cog.tif"))
    band = dataset.GetRasterBand(1)
    assert band.GetOverviewCount() == 2
    for level, factor in ((0, 2), (1, 4)):
        expected = np.full((1400 // factor, 1200 // factor), 2)
        expected[: 700 // factor, 600 // factor :] = 7
        expected[: 64 // factor, : 64 // factor] = 0
        assert np.array_equal(band.GetOverview(level).ReadAsArray(), expected)


def test_overviews_of_confidence_are_averages_of_what_has_data(tmp_path: Path) -> None:
    values = np.full((600, 600), 0.5, np.float32)
    values[::2, ::2], values[:, 300:] = 0.9, 0.7
    values[::2, 300:] = 0
    write_shares(write_raster(tmp_path / "confidence.tif", values, 60, no_data=0), tmp_path / "cog.tif", {})
    check_cog(tmp_path / "cog.tif")
    dataset = gdal.Open(str(tmp_path / "cog.tif"))
    overview = dataset.GetRasterBand(1).GetOverview(0).ReadAsArray()
    assert overview[:, :150] == pytest.approx((0.9 + 3 * 0.5) / 4)
    assert overview[:, 150:] == pytest.approx(0.7)


def test_a_raster_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    source = write_raster(tmp_path / "labels.tif", np.ones((8, 8), np.uint8), 60)
    with pytest.raises(ProcessingError, match=r"absent/cog\.tif: cannot be written"):
        write_classes(source, tmp_path / "absent" / "cog.tif", {})


@pytest.mark.parametrize("layout", ["zenodo", "stac", "cog"])
def test_two_exports_are_byte_identical_in_any_order(layout: str, dated: Callable[..., Path], tmp_path: Path) -> None:
    sources = [dated("Arles", "20180331"), dated("Nimes", "20180410")]
    contents = []
    for number, order in enumerate((sources, sources[::-1])):
        out = tmp_path / str(number) / "out"
        out.parent.mkdir()
        export(order, out, layout, title="A | B")
        contents.append({str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert contents[0].keys() == contents[1].keys()
    assert [name for name in contents[0] if contents[0][name] != contents[1][name]] == []


@pytest.mark.parametrize("layout", ["zenodo", "stac", "cog"])
def test_the_checksums_are_those_of_all_files(layout: str, finished: FinishedScene, tmp_path: Path) -> None:
    export([finished.result.workspace], tmp_path / "out", layout)
    ended = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path / "out", capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stdout
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert len(ended.stdout.splitlines()) == len(files) - 1


@pytest.mark.parametrize("layout", ["zenodo", "stac", "cog"])
def test_where_it_comes_from_is_told_without_the_folders_of_the_machine(
    layout: str, finished: FinishedScene, tmp_path: Path
) -> None:
    export([finished.result.workspace], tmp_path / "out", layout)
    content = json.loads(next(tmp_path.glob("out/*/provenance.json")).read_text("utf-8"))
    assert content["iteration"] == 1
    assert content["products"]["cloudy"]["name"].startswith("S2A_MSIL1C_20180331T103021")
    assert content["products"]["clear"]["baseline"] == "02.06"
    assert content["configuration"]["template"] == json.loads(finished.scene.config.template.model_dump_json())
    assert content["configuration"]["cloudy"] == finished.synthetic.cloudy.name
    labels = hashlib.sha256((finished.iteration / "labels.tif").read_bytes()).hexdigest()
    assert content["sha256_of_the_iteration"]["labels.tif"] == labels
    assert content["versions"]["map"]["gdal"] == gdal.__version__
    folders = {str(finished.result.workspace.parent), str(finished.synthetic.folder)}
    for path in (tmp_path / "out").rglob("*"):
        if path.suffix in (".json", ".md", ".html", ".csv", ".xml"):
            text = path.read_text("utf-8")
            assert not [folder for folder in folders if folder in text], path
    report = finished.iteration / "report.html"
    assert str(finished.synthetic.cloudy) in report.read_text("utf-8")


def test_a_data_set_has_a_table_and_a_picture(dated: Callable[..., Path], tmp_path: Path) -> None:
    sources = [dated("Arles | sud", "20180331"), dated("Nimes", "20180410"), dated("Sète", "20180405")]
    out = tmp_path / "out"
    arguments = ("--title", "Three", "--licence", "CC-BY-4.0", "--citation", "We (2026).", "--doi", "10.1234/five")
    ended = alcd("export", *sources, out, "--layout", "cog", "--description", "Of the south.", *arguments)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[0].startswith(f"{out}: 3 scenes, layout cog, ")
    text = (out / "README.md").read_text("utf-8")
    assert text.startswith("# Three\n\nOf the south.\n")
    rows = [line for line in text.splitlines() if "31TFJ | 2018" in line]
    assert [row.split(" | ")[0] for row in rows] == ["| Arles \\| sud", "| Sète", "| Nimes"]
    labels = gdal.Open(str(sources[0] / "latest" / "labels.tif")).ReadAsArray()
    head = next(line for line in text.splitlines() if line.startswith("| scene ")).split(" | ")
    cells = rows[1].split(" | ")
    assert cells[head.index("pixels with data")] == str((labels > 0).sum())
    assert cells[head.index("water")] == f"{(labels == 6).sum() / (labels > 0).sum():.1%}"
    assert "background" not in head
    assert "| 4 | clouds_shadows | `#0a0a0a` | invalid |" in text
    for said in ("Licence: CC-BY-4.0", "> We (2026).", "<https://doi.org/10.1234/five>"):
        assert said in text
    with Image.open(out / "overview.png") as picture:
        assert picture.width == 3 * 632 + 16
        # The map of the first scene, to the right of its image.
        found = np.asarray(picture.convert("RGB"))[16:316, 324:624]
    codes = labels[np.arange(300) * 120 // 300][:, np.arange(300) * 120 // 300]
    colours = np.array([(255, 255, 255), *(one.rgb for one in LEGEND.classes)], np.uint8)
    assert (found == colours[codes]).all(axis=-1).mean() > 0.95


def test_classes_of_several_templates_are_told_apart(dated: Callable[..., Path], tmp_path: Path) -> None:
    clouds, lakes = dated("Arles", "20180331"), dated("Nimes", "20180410")
    file = lakes / "iterations" / "001" / "config.json"
    config = json.loads(file.read_text("utf-8"))
    for one in config["scene"]["template"]["classes"]:
        one["name"] = f"lake {one['code']}"
    file.write_text(json.dumps(config), "utf-8")
    export([clouds, lakes], tmp_path / "out", "stac")
    text = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "Of Arles:" in text
    assert "Of Nimes:" in text
    item = json.loads(next(tmp_path.glob("out/*/31TFJ_20180410T103021.json")).read_text("utf-8"))
    assert item["assets"]["classes"]["classification:classes"][3]["name"] == "lake_3"
    assert item["assets"]["classes"]["classification:classes"][3]["title"] == "lake 3"
    assert "item_assets" not in json.loads((tmp_path / "out" / "collection.json").read_text("utf-8"))


def test_a_scene_without_a_true_colour_picture_shows_its_map(dated: Callable[..., Path], tmp_path: Path) -> None:
    workspace = dated("Arles", "20180331")
    (workspace / "preview.jpg").unlink()
    for name in ("confidence.tif", "confidence_smoothed.tif"):
        (workspace / "iterations" / "001" / name).unlink()
    export([workspace], tmp_path / "out", "cog")
    assert not list(tmp_path.glob("out/*/confidence*.tif"))
    with Image.open(tmp_path / "out" / SCENE / "thumbnail.jpg") as picture:
        assert picture.size == (512, 512)
        colours = {colour for _, colour in picture.quantize(8).convert("RGB").getcolors() or []}
    assert any(np.abs(np.subtract(colour, LEGEND.with_code(5).rgb)).max() < 20 for colour in colours)


def test_json_tells_what_was_written(finished: FinishedScene, tmp_path: Path) -> None:
    ended = alcd("export", finished.result.workspace, tmp_path / "out", "--layout", "cog", "--json")
    content = json.loads(ended.stdout)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert content["export"] == str(tmp_path / "out")
    assert content["files"] == len(files)
    assert content["bytes"] == sum(path.stat().st_size for path in files)
    (scene,) = content["scenes"]
    assert (scene["folder"], scene["tile"], scene["iteration"]) == (SCENE, "31TFJ", 1)
    assert scene["pixels"] == {one.name: count for one, count in counted(finished.iteration / "labels.tif")}


def counted(labels: Path) -> list[tuple[Any, int]]:
    codes = gdal.Open(str(labels)).ReadAsArray()
    return [(one, int((codes == one.code).sum())) for one in LEGEND.classes]


class TestIterations:
    @pytest.fixture
    def twice(self, dated: Callable[..., Path]) -> Path:
        """Make a workspace with two iterations, of which the second is all water."""
        workspace = dated("Arles", "20180331")
        second = shutil.copytree(workspace / "iterations" / "001", workspace / "iterations" / "002")
        dataset = gdal.Open(str(second / "labels.tif"), gdal.GA_Update)
        dataset.WriteArray(np.full((120, 120), 6, np.uint8))
        dataset.FlushCache()
        (workspace / "latest").unlink()
        (workspace / "latest").symlink_to("iterations/002")
        return workspace

    @pytest.mark.parametrize(
        ("source", "number", "expected"),
        [("", None, 2), ("", 1, 1), ("iterations/001", None, 1), ("latest", None, 2)],
        ids=["latest", "number", "folder", "link"],
    )
    def test_the_one_that_is_named_is_exported(
        self, source: str, number: int | None, expected: int, twice: Path, tmp_path: Path
    ) -> None:
        export([twice / source], tmp_path / "out", "cog", iteration=number)
        content = json.loads((tmp_path / "out" / "export.json").read_text("utf-8"))
        assert content["scenes"][0]["iteration"] == expected
        water = content["scenes"][0]["pixels"]["water"]
        assert (water == 120 * 120) == (expected == 2)

    def test_wrong_ones_are_refused(self, twice: Path, tmp_path: Path) -> None:
        out = ("--layout", "cog")
        assert "has no iteration 7; there are 1, 2" in refused(
            2, "export", twice, tmp_path / "out", *out, "--iteration", "7"
        )
        assert "is an iteration itself" in refused(
            2, "export", twice / "latest", tmp_path / "out", *out, "--iteration", "1"
        )
        assert "--iteration applies to one scene" in refused(
            2, "export", twice, twice, tmp_path / "out", *out, "--iteration", "1"
        )
        assert not (tmp_path / "out").exists()


class TestWhatIsRefused:
    def test_a_scene_without_a_map(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        said = refused(2, "export", prepared(), tmp_path / "out", "--layout", "stac")
        assert said == f"{tmp_path / 'work'}: holds no map yet; label samples and run the scene first"
        assert not (tmp_path / "out").exists()

    def test_what_is_no_scene(self, tmp_path: Path) -> None:
        said = refused(2, "export", tmp_path, tmp_path / "out", "--layout", "stac")
        assert said == f"{tmp_path}: is neither a scene.json nor a workspace nor an iteration of one"

    def test_one_acquisition_twice(self, finished: FinishedScene, tmp_path: Path) -> None:
        workspace = finished.result.workspace
        said = refused(2, "export", workspace, workspace, tmp_path / "out", "--layout", "cog")
        assert f"({SCENE}); export them separately" in said

    @pytest.mark.parametrize(
        ("option", "value", "expected"),
        [
            ("--doi", "https://doi.org/10.5281/zenodo.1", "is not of the form 10.5281/zenodo.1460961"),
            ("--licence", "as you like", "is neither an SPDX identifier such as CC-BY-4.0 nor an address"),
        ],
        ids=["doi", "licence"],
    )
    def test_a_wrong_statement(
        self, option: str, value: str, expected: str, finished: FinishedScene, tmp_path: Path
    ) -> None:
        workspace = finished.result.workspace
        assert expected in refused(2, "export", workspace, tmp_path / "out", "--layout", "stac", option, value)

    def test_an_unknown_time(self, dated: Callable[..., Path], tmp_path: Path) -> None:
        stack = dated("Lake", "20180331", tile=None, acquired=None, name="stack")
        assert "the time of its acquisition is not known" in refused(
            2, "export", stack, tmp_path / "out", "--layout", "stac"
        )
        ended = alcd("export", stack, tmp_path / "out", "--layout", "cog")
        assert ended.returncode == 0, ended.stderr
        assert (tmp_path / "out" / "Lake" / "classes.tif").is_file()
        said = refused(2, "export", stack, stack, tmp_path / "out", "--layout", "cog", "--acquired", "2018-03-31")
        assert "--acquired applies to one scene" in said

    def test_a_damaged_iteration(self, dated: Callable[..., Path], tmp_path: Path) -> None:
        workspace = dated("Arles", "20180331")
        iteration = workspace / "iterations" / "001"
        (iteration / "metrics.json").write_text("{", "utf-8")
        assert "metrics.json: cannot be read" in refused(3, "export", workspace, tmp_path / "out", "--layout", "cog")
        (iteration / "labels.tif").write_bytes(b"II*")
        shutil.copy(iteration / "config.json", iteration / "metrics.json")
        assert "labels.tif: cannot be read" in refused(3, "export", workspace, tmp_path / "out", "--layout", "cog")


def test_a_scene_json_is_exported_without_its_products(
    dated: Callable[..., Path], finished: FinishedScene, tmp_path: Path
) -> None:
    workspace = dated("Arles", "20180331")
    scene = write_scene(tmp_path / "scene.json", finished.synthetic, workspace=workspace, cloudy="gone.SAFE")
    export([scene], tmp_path / "out", "cog")
    assert (tmp_path / "out" / SCENE / "classes.tif").is_file()
    with pytest.raises(ConfigurationError, match="is not valid JSON"):
        export([tmp_path / "out" / "README.md"], tmp_path / "out", "cog")
