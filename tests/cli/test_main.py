"""The command line as a user meets it: exit codes, one line for what is wrong, results alone on standard output."""

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import fiona
import pytest
from osgeo import gdal, osr
from places import ROOT
from scenes import FinishedScene, alcd, command_line, leftovers, refused, write_scene
from sentinel2_files import write_compact

from alcd_otb.synthetic.scene import SyntheticScene
from alcd_otb.workspace import Workspace

RESULT_KEYS = {
    "workspace",
    "iteration",
    "made",
    "labels",
    "confidence",
    "features",
    "accuracy",
    "pictures",
    "report",
    "project",
    "seconds",
    "to_visit",
    "places",
    "classes_without_samples",
}


def copy_product(product: Path, folder: Path) -> Path:
    return Path(shutil.copytree(product, folder / product.name))


def band_file(product: Path, name: str) -> Path:
    (file,) = product.rglob(f"*_{name}.jp2")
    return file


def write_points(path: Path, points: list[tuple[str, tuple[float, float]]], crs: str | None = "EPSG:32631") -> Path:
    schema = {"geometry": "Point", "properties": {"class": "str"}}
    with fiona.open(path, "w", driver="GeoJSON" if crs is None else "GPKG", schema=schema, crs=crs) as layer:
        layer.writerecords(
            {"geometry": {"type": "Point", "coordinates": place}, "properties": {"class": name}}
            for name, place in points
        )
    return path


def read_points(path: Path) -> list[tuple[str, tuple[float, float]]]:
    with fiona.open(path) as layer:
        return [(one.properties["class"], one.geometry.coordinates) for one in layer]


class TestResults:
    def test_json_is_all_of_standard_output(self, prepared: Callable[..., Path]) -> None:
        ended = alcd("run", prepared(), "--json", "-vv")
        assert ended.returncode == 0, ended.stderr
        (line,) = ended.stdout.splitlines()
        result = json.loads(line)
        assert set(result) == RESULT_KEYS
        assert result["iteration"] == 1
        for key in ("workspace", "labels", "confidence", "features", "report", "project"):
            assert Path(result[key]).exists()
        assert set(result["seconds"]) == {
            "samples",
            "train",
            "classify",
            "accuracy",
            "labels",
            "contours",
            "figures",
            "queries",
            "report",
            "show",
        }
        assert result["accuracy"] == json.loads((Path(result["labels"]).parent / "metrics.json").read_text())
        assert "Traceback" not in ended.stderr

    def test_summary_tells_the_iteration_and_its_accuracy(self, prepared: Callable[..., Path]) -> None:
        ended = alcd("run", prepared(), "-q")
        assert ended.returncode == 0, ended.stderr
        first, second, third, fourth = ended.stdout.splitlines()
        assert first.startswith("iteration 1: ")
        metrics = json.loads((Path(first.removeprefix("iteration 1: ")).parent / "metrics.json").read_text())
        assert f"overall accuracy {metrics['overall_accuracy']:.3f}" in second
        assert "of the samples by cross-validation in 10 folds, not of the whole map" in second
        assert "not the accuracy of the map" in metrics["reference"]
        assert third.endswith("/work/to_visit.gpkg: 12 places to label next")
        assert fourth == "no sample of background: label one if the scene has any"

    def test_a_dry_run_writes_nothing(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        ended = alcd("run", write_scene(tmp_path / "scene.json", small_scene), "--dry-run")
        assert ended.returncode == 0, ended.stderr
        prepare, iterate, cost = ended.stdout.splitlines()
        assert prepare.startswith(f"prepare {tmp_path / 'work'}: 30 features (B01, B02")
        assert iterate == f"run iteration 1 from 150 samples of {small_scene.samples}"
        assert re.match(r"takes about \d+ MB of memory, \d+ MB of disk and \d+ s with \d+ threads; ", cost)
        assert [path.name for path in tmp_path.iterdir()] == ["scene.json"]

    def test_without_samples_an_empty_file_is_written_to_label_in(self, prepared: Callable[..., Path]) -> None:
        scene = prepared(samples=None)
        ended = alcd("run", scene)
        assert ended.returncode == 0, ended.stderr
        assert str(scene.parent / "work" / "samples.gpkg") in ended.stdout
        assert read_points(scene.parent / "work" / "samples.gpkg") == []
        again = alcd("run", scene, "--json")
        assert json.loads(again.stdout)["iteration"] is None
        assert not (scene.parent / "work" / "iterations").exists()

    def test_samples_in_another_crs(
        self, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path
    ) -> None:
        utm, degrees = osr.SpatialReference(), osr.SpatialReference()
        utm.ImportFromEPSG(32631)
        degrees.ImportFromEPSG(4326)
        for crs in (utm, degrees):
            crs.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        to_degrees = osr.CoordinateTransformation(utm, degrees)
        points = [
            (name, tuple(to_degrees.TransformPoint(*place)[:2]))
            for name, place in read_points(finished.synthetic.samples)
        ]
        ended = alcd("run", prepared(samples=write_points(tmp_path / "degrees.gpkg", points, "EPSG:4326")), "--json")
        assert ended.returncode == 0, ended.stderr
        labels = Path(json.loads(ended.stdout)["labels"])
        used = read_points(labels.parent / "samples.gpkg")
        for (name, place), (expected, original) in zip(used, read_points(finished.synthetic.samples), strict=True):
            assert name == expected
            assert place == pytest.approx(original, abs=0.001)
        # A square around a point may gain or lose the pixels that lie just on its edge, and no more.
        same = gdal.Open(str(labels)).ReadAsArray() == gdal.Open(str(finished.result.labels)).ReadAsArray()
        assert same.mean() > 0.9

    def test_a_path_with_spaces_and_accents(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        folder = tmp_path / "été à Arles (31 %)"
        folder.mkdir()
        moved = {
            "cloudy": copy_product(small_scene.cloudy, folder),
            "clear": copy_product(small_scene.clear, folder),
            "samples": shutil.copy(small_scene.samples, folder / "mes points.gpkg"),
            "dem": shutil.copy(small_scene.dem, folder / "altitude é.tif"),
        }
        settings = {"margin": 120, "features": ["B02", "B10", "clear.B02", "dem", "slope"]}
        scene = write_scene(folder / "scène.json", small_scene, **moved, workspace="résultat 1", set=settings)
        ended = alcd("run", scene, "--json")
        assert ended.returncode == 0, ended.stderr
        assert Path(json.loads(ended.stdout)["labels"]).parent.parent.parent == folder / "résultat 1"


def test_the_version_is_the_project_s() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    ended = alcd("--version")
    assert ended.returncode == 0
    assert ended.stdout == f"alcd_otb {tomllib.loads(project)['project']['version']}\n"


class TestWrongUsage:
    def test_json_that_is_none(self, tmp_path: Path) -> None:
        file = tmp_path / "scene.json"
        file.write_text('{"cloudy": "a.SAFE",}')
        assert refused(2, "run", file).startswith(f"{file}: is not valid JSON (")

    def test_a_scene_that_is_not_there(self, tmp_path: Path) -> None:
        message = refused(2, "run", tmp_path / "scene.json")
        assert message == f"{tmp_path / 'scene.json'}: cannot be read (No such file or directory)"

    def test_an_unknown_key(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        file = write_scene(tmp_path / "scene.json", small_scene, clowdy="x")
        assert refused(2, "run", file) == (
            f"{file}: key 'clowdy' is not known; did you mean 'cloudy'? There are bands, clear, cloudy, dem, "
            "name, samples, set, stack, template, tile, workspace"
        )

    def test_a_bad_expression(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        settings = {"features": ["B02", {"name": "x", "expr": "B02 + B8B"}]}
        file = write_scene(tmp_path / "scene.json", small_scene, set=settings)
        message = refused(2, "run", file)
        assert message.startswith(
            f"{file}: set: features.1.expr: expression 'B02 + B8B': 'B8B' is not known; did you mean"
        )

    def test_a_classifier_that_this_otb_lacks(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        settings = {"classifier": {"classifier": "sharkrf"}}
        message = refused(2, "run", write_scene(tmp_path / "scene.json", small_scene, set=settings))
        assert (
            message
            == "classifier 'sharkrf' is not in this OTB; there are libsvm, boost, dt, ann, bayes, rf, knn, logistic"
        )
        assert not (tmp_path / "work").exists()

    def test_styles_of_a_template_that_is_not_there(self, tmp_path: Path) -> None:
        message = refused(2, "styles", "cloud", tmp_path / "styles")
        assert message == "template 'cloud' is neither a file nor one of clouds, clouds_alcd2019, snow, water"
        assert not (tmp_path / "styles").exists()

    @pytest.mark.parametrize("arguments", [("status",), ("march", "x.json"), ("run", "x.json", "--ram", "0")])
    def test_wrong_arguments(self, arguments: tuple[str, ...]) -> None:
        ended = alcd(*arguments)
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "usage: python -m alcd_otb" in ended.stderr

    def test_a_demo_of_a_size_that_does_not_fit(self, tmp_path: Path) -> None:
        assert refused(2, "demo", tmp_path / "demo", "--size", "1000").startswith("size 1000: give a multiple of 6")

    def test_a_traceback_is_given_when_asked_for(self, tmp_path: Path) -> None:
        ended = alcd("run", tmp_path / "scene.json", "-vv")
        assert ended.returncode == 2
        assert "Traceback" in ended.stderr


class TestBadProducts:
    def test_a_missing_folder(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        file = write_scene(tmp_path / "scene.json", small_scene, cloudy="nowhere.SAFE")
        assert str(tmp_path / "nowhere.SAFE") in refused(3, "run", file)
        assert not (tmp_path / "work").exists()

    def test_a_truncated_band(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        product = copy_product(small_scene.cloudy, tmp_path)
        band = band_file(product, "B08")
        os.truncate(band, band.stat().st_size * 2 // 3)
        file = write_scene(tmp_path / "scene.json", small_scene, cloudy=product)
        assert str(band) in refused(3, "run", file)
        assert not (tmp_path / "work").exists()

    def test_a_missing_band(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        product = copy_product(small_scene.clear, tmp_path)
        band_file(product, "B11").unlink()
        message = refused(3, "run", write_scene(tmp_path / "scene.json", small_scene, clear=product))
        assert message.startswith(f"{product}: ")
        assert "band B11 has no file" in message

    @pytest.mark.parametrize("name", ["MTD_MSIL1C.xml", "MTD_TL.xml"])
    def test_malformed_metadata(self, tmp_path: Path, small_scene: SyntheticScene, name: str) -> None:
        product = copy_product(small_scene.cloudy, tmp_path)
        (metadata,) = product.rglob(name)
        metadata.write_bytes(metadata.read_bytes()[:-200])
        message = refused(3, "run", write_scene(tmp_path / "scene.json", small_scene, cloudy=product))
        assert message.startswith(f"{metadata}: ")

    def test_missing_metadata(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        product = copy_product(small_scene.cloudy, tmp_path)
        (product / "MTD_MSIL1C.xml").unlink()
        message = refused(3, "run", write_scene(tmp_path / "scene.json", small_scene, cloudy=product))
        assert message.startswith(f"{product}: ")

    def test_a_clear_date_of_another_tile(self, tmp_path: Path) -> None:
        cloudy = write_compact(tmp_path / "a", sensed="20240305T104819")
        clear = write_compact(tmp_path / "b", sensed="20240310T104819", tile="31TDJ")
        file = tmp_path / "scene.json"
        file.write_text(json.dumps({"cloudy": str(cloudy), "clear": str(clear)}))
        message = refused(3, "run", file)
        assert message == (
            f"{clear}: the clear date is of tile 31TDJ, the cloudy one of 31TCJ; give two products of one tile"
        )

    def test_two_dates_on_different_grids(self, tmp_path: Path) -> None:
        cloudy = write_compact(tmp_path / "a", sensed="20240305T104819")
        clear = write_compact(tmp_path / "b", sensed="20240310T104819", left=300060)
        file = tmp_path / "scene.json"
        file.write_text(json.dumps({"cloudy": str(cloudy), "clear": str(clear)}))
        message = refused(3, "run", file)
        assert message.startswith(f"{clear}: the clear date's grid at 10 m is 60 x 60 px from (300060, 4900020)")

    def test_a_clear_date_that_is_the_cloudy_one(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        file = write_scene(tmp_path / "scene.json", small_scene, clear=small_scene.cloudy)
        message = refused(3, "run", file)
        assert message.startswith(f"{small_scene.cloudy}: the clear date shows the same acquisition as the cloudy one")

    def test_an_elevation_model_that_cannot_be_read(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        dem = tmp_path / "dem.tif"
        dem.write_text("no raster")
        settings = {"features": ["B02", "B11", "dem"]}
        message = refused(3, "run", write_scene(tmp_path / "scene.json", small_scene, dem=dem, set=settings))
        assert message.startswith(f"{dem}: the elevation model cannot be read")
        assert leftovers(tmp_path) == []


class TestBadSamples:
    def test_a_file_that_holds_none(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        samples = write_points(tmp_path / "points.gpkg", [])
        message = refused(4, "run", prepared(samples=samples))
        assert message == f"{samples}: holds no sample; label points of at least two classes"

    def test_a_file_that_is_not_there(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        message = refused(4, "run", prepared(samples="points.gpkg"))
        assert message.startswith(f"{tmp_path / 'points.gpkg'}: does not exist; ")

    def test_a_file_that_cannot_be_read(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        (tmp_path / "points.gpkg").write_text("no vectors")
        message = refused(4, "run", prepared(samples="points.gpkg"))
        assert message.startswith(f"{tmp_path / 'points.gpkg'}: cannot be read as a vector file")

    def test_the_workspace_s_own_file_damaged(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        scene = prepared(samples=None)
        (tmp_path / "work" / "samples.gpkg").write_text("no vectors")
        message = refused(4, "run", scene)
        assert message.startswith(f"{tmp_path / 'work' / 'samples.gpkg'}: cannot be read as a vector file")

    def test_one_class_only(self, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path) -> None:
        points = [point for point in read_points(finished.synthetic.samples) if point[0] == "land"]
        samples = write_points(tmp_path / "points.gpkg", points)
        message = refused(4, "run", prepared(samples=samples))
        assert message == f"{samples}: every sample is of class 'land'; label at least one more class"

    def test_no_crs(self, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path) -> None:
        samples = tmp_path / "points.shp"
        gdal.VectorTranslate(str(samples), str(finished.synthetic.samples), layers=["samples"])
        samples.with_suffix(".prj").unlink()
        message = refused(4, "run", prepared(samples=samples))
        assert message.startswith(f"{samples}: has no CRS; ")

    def test_that_qgis_is_writing(self, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path) -> None:
        scene = prepared(samples=None)
        samples = Path(shutil.copy(finished.synthetic.samples, tmp_path / "work" / "samples.gpkg"))
        with closing(sqlite3.connect(samples, isolation_level=None)) as writer:
            writer.execute("BEGIN EXCLUSIVE")
            message = refused(4, "run", scene)
            writer.execute("ROLLBACK")
        assert message.startswith(f"{samples}: another program holds it (database is locked); ")
        assert samples.read_bytes() == finished.synthetic.samples.read_bytes()
        assert alcd("run", scene, "-q").returncode == 0

    def test_a_correction_of_an_unknown_class(
        self, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path
    ) -> None:
        """Told before anything is prepared or classified; nothing that the operator drew is touched."""
        samples = Path(shutil.copy(finished.synthetic.samples, tmp_path / "points.gpkg"))
        ring = [(603000.0, 4896000.0), (604000.0, 4896000.0), (604000.0, 4897000.0), (603000.0, 4896000.0)]
        with fiona.open(samples, "a", layer="corrections") as layer:
            properties = {**dict.fromkeys(layer.schema["properties"]), "class": "cloud"}
            layer.write({"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties})
        before = samples.read_bytes()
        message = refused(4, "run", prepared(samples=samples))
        assert message.startswith(f"{samples}: layer 'corrections' feature 1: unknown class 'cloud'; did you mean")
        assert samples.read_bytes() == before
        assert Workspace(tmp_path / "work").iterations() == ()

    def test_corrections_without_samples_wait_for_them(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        scene = prepared(samples=None)
        assert alcd("run", scene).returncode == 0
        samples = tmp_path / "work" / "samples.gpkg"
        ring = [(603000.0, 4896000.0), (604000.0, 4896000.0), (604000.0, 4897000.0), (603000.0, 4896000.0)]
        with fiona.open(samples, "a", layer="corrections") as layer:
            properties = {**dict.fromkeys(layer.schema["properties"]), "class": "land"}
            layer.write({"geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties})
        ended = alcd("run", scene, "--json")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["iteration"] is None

    def test_nothing_of_the_iteration_is_left(self, prepared: Callable[..., Path], tmp_path: Path) -> None:
        """Two classes that lie on no data: found while the iteration is made."""
        valid = tmp_path / "work" / "valid.tif"
        scene = prepared()
        dataset = gdal.Open(str(valid), gdal.GA_Update)
        dataset.GetRasterBand(1).Fill(0)
        del dataset
        assert f"label points where {valid} is 1" in refused(4, "run", scene)
        assert leftovers(tmp_path) == []
        assert Workspace(tmp_path / "work").iterations() == ()


@contextmanager
def started_slow_run(folder: Path, scene: SyntheticScene) -> Iterator[subprocess.Popen[str]]:
    """A run in the middle of its preparation, which would take minutes: a texture in a window of 101 pixels at 10 m.

    Whatever becomes of it, it is gone at the end.
    """
    texture = {"name": "t", "texture": "variation_coefficient", "band": "B02", "radius": 50}
    settings = {"resolution": 10, "margin": 120, "features": ["B02", "B11", texture]}
    file = write_scene(folder / "slow.json", scene, set=settings)
    with subprocess.Popen(
        command_line("run", file),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests, as in the background of a shell, may have chosen to ignore them.
        preexec_fn=lambda: [signal.signal(number, signal.SIG_DFL) for number in (signal.SIGHUP, signal.SIGINT)],
    ) as run:
        try:
            deadline = time.monotonic() + 60
            while not list((folder / "work").glob(".unfinished-*/features.tif")):
                assert run.poll() is None, run.communicate()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            # Until OTB is at work.
            time.sleep(1)
            yield run
        finally:
            run.kill()


class TestStoppedRuns:
    def test_a_second_run_is_locked_out_and_a_killed_one_leaves_no_trace(
        self, tmp_path: Path, small_scene: SyntheticScene
    ) -> None:
        scene = write_scene(tmp_path / "scene.json", small_scene)
        with started_slow_run(tmp_path, small_scene) as run:
            assert refused(7, "run", scene) == (
                f"{tmp_path / 'work'}: another run (process {run.pid} on {socket.gethostname()}) holds this "
                "workspace; wait for it or stop it"
            )
            run.kill()
            assert run.wait(10) == -signal.SIGKILL
        assert leftovers(tmp_path) != []
        ended = alcd("run", scene, "--json")
        assert ended.returncode == 0, ended.stderr
        assert json.loads(ended.stdout)["iteration"] == 1
        assert leftovers(tmp_path) == []

    @pytest.mark.parametrize(
        ("number", "code", "said"),
        [
            (signal.SIGINT, 130, "interrupted"),
            (signal.SIGTERM, 143, "terminated"),
            (signal.SIGHUP, 129, "the terminal was closed"),
        ],
    )
    def test_an_interrupted_one_ends_soon_and_the_next_works(
        self, number: signal.Signals, code: int, said: str, tmp_path: Path, small_scene: SyntheticScene
    ) -> None:
        with started_slow_run(tmp_path, small_scene) as run:
            asked = time.monotonic()
            run.send_signal(number)
            # Pressed twice.
            time.sleep(0.01)
            run.send_signal(number)
            output, errors = run.communicate(timeout=30)
            took = time.monotonic() - asked
        assert run.returncode == code, errors
        # Two seconds on a machine that does nothing else.
        assert took < 2 * max(1, os.getloadavg()[0] / len(os.sched_getaffinity(0)))
        assert output == ""
        assert errors.splitlines()[-1] == f"ERROR: {said}"
        assert "Traceback" not in errors
        assert leftovers(tmp_path) == []
        assert not (tmp_path / "work" / "features.tif").exists()
        log = (tmp_path / "work" / "run.log").read_text("utf-8")
        assert f"INFO alcd_otb.run: preparing {tmp_path / 'work'}" in log
        assert log.rstrip().endswith(f"Stopped: {said}")
        ended = alcd("run", write_scene(tmp_path / "scene.json", small_scene))
        assert ended.returncode == 0, ended.stderr
        assert leftovers(tmp_path) == []

    def test_the_log_is_written_as_the_run_goes(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        with started_slow_run(tmp_path, small_scene) as run:
            assert "INFO alcd_otb.run: preparing " in (tmp_path / "work" / "run.log").read_text("utf-8")
            run.kill()
            run.wait(10)
        assert "INFO alcd_otb.run: preparing " in (tmp_path / "work" / "run.log").read_text("utf-8")


class TestRunLog:
    def test_of_a_run_that_fails(self, prepared: Callable[..., Path], finished: FinishedScene, tmp_path: Path) -> None:
        """It ends with the traceback, replaces that of the earlier run, and is not written through a link."""
        scene = prepared()
        precious = tmp_path / "precious.txt"
        precious.write_text("years of work")
        (tmp_path / "work" / "run.log").symlink_to(precious)
        valid = gdal.Open(str(tmp_path / "work" / "valid.tif"), gdal.GA_Update)
        valid.GetRasterBand(1).Fill(0)
        del valid
        message = refused(4, "run", scene)
        assert precious.read_text() == "years of work"
        log = tmp_path / "work" / "run.log"
        assert not log.is_symlink()
        assert "Traceback" in log.read_text("utf-8")
        assert log.read_text("utf-8").rstrip().endswith(message)
        shutil.copy(finished.result.workspace / "valid.tif", tmp_path / "work" / "valid.tif")
        assert alcd("run", scene, "-q").returncode == 0
        written = log.read_text("utf-8")
        assert "Traceback" not in written
        of_the_iteration = (tmp_path / "work" / "iterations" / "001" / "run.log").read_text("utf-8")
        assert written.startswith(of_the_iteration)
        assert "INFO alcd_otb.next_iteration: iteration 1, seconds: " in of_the_iteration


@contextmanager
def small_disk(folder: Path, size: int, options: str = "") -> Iterator[Path]:
    """A file system of so many bytes in memory, mounted on the folder."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def size_of(folder: Path, *names: str) -> int:
    """Bytes on the disk of these files, in whole blocks."""
    return sum(-(-(folder / name).stat().st_size // 4096) * 4096 for name in names)


PREPARED = ("features.tif", "view.tif", "valid.tif", "preparation.json")


class TestUnwritableDisks:
    @pytest.mark.parametrize(
        ("written", "unwritable"),
        [
            ((), ()),
            ((), ("features.tif",)),
            (("features.tif",), ("view.tif",)),
            (("features.tif", "valid.tif"), ("view.tif",)),
        ],
        ids=["folder", "features", "view", "end of view"],
    )
    def test_full_while_preparing(
        self, tmp_path: Path, finished: FinishedScene, written: tuple[str, ...], unwritable: tuple[str, ...]
    ) -> None:
        workspace = finished.result.workspace
        room = size_of(workspace, *written) + size_of(workspace, *unwritable) * 7 // 8 + 8192
        with small_disk(tmp_path / "disk", room) as disk:
            scene = write_scene(tmp_path / "scene.json", finished.synthetic, workspace=disk / "work")
            message = refused(5, "run", scene)
            assert message.startswith(f"{disk}/work")
            assert "free some space" in message
            assert {path.name for path in (disk / "work").iterdir()} == {"run.log"}

    @pytest.mark.parametrize(
        "written",
        [
            (),
            ("samples.gpkg", "training.gpkg"),
            ("samples.gpkg", "training.gpkg", "model.rf"),
            ("samples.gpkg", "training.gpkg", "model.rf", "confidence.tif", "confidence_smoothed.tif", "margin.tif"),
        ],
        ids=["samples", "training", "classification", "figures"],
    )
    def test_full_while_iterating(self, tmp_path: Path, finished: FinishedScene, written: tuple[str, ...]) -> None:
        workspace = finished.result.workspace
        room = size_of(workspace, *PREPARED) + size_of(finished.iteration, *written) + 4 * 8192
        with small_disk(tmp_path / "disk", room) as disk:
            (disk / "work").mkdir()
            for name in PREPARED:
                shutil.copy(workspace / name, disk / "work" / name)
            scene = write_scene(tmp_path / "scene.json", finished.synthetic, workspace=disk / "work")
            message = refused(5, "run", scene)
            assert message.startswith(f"{disk}/work")
            assert "free some space" in message
            assert leftovers(disk) == []
            assert Workspace(disk / "work").iterations() == ()
            assert not Workspace(disk / "work").latest.is_symlink()
            # What was there is still there, and a disk with room again is all that it takes.
            subprocess.run(["mount", "-o", "remount,size=30m", disk], check=True)
            ended = alcd("run", scene, "--json")
            assert ended.returncode == 0, ended.stderr
            assert "prepare" not in json.loads(ended.stdout)["seconds"]

    def test_read_only(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        with small_disk(tmp_path / "disk", 2**20, ",ro") as disk:
            scene = write_scene(tmp_path / "scene.json", small_scene, workspace=disk / "work")
            message = refused(5, "run", scene)
            assert message == (
                f"{disk}/work: cannot be written (Read-only file system); choose a workspace on a writable disk"
            )

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_forbidden(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        (tmp_path / "mine").mkdir(mode=0o555)
        scene = write_scene(tmp_path / "scene.json", small_scene, workspace=tmp_path / "mine" / "work")
        message = refused(5, "run", scene)
        assert message.endswith("cannot be written (Permission denied); choose a workspace that you may write to")


class TestDoctor:
    def test_tells_what_is_installed(self) -> None:
        ended = alcd("doctor", "--json")
        assert ended.returncode == 0, ended.stderr
        diagnosis = json.loads(ended.stdout)
        assert diagnosis["ready"] is True
        assert diagnosis["problems"] == []
        assert diagnosis["versions"]["gdal"] == gdal.__version__
        assert {"ClassificationMapCleaning", "FormulaEvaluation", "RandomForestClassification"} <= set(
            diagnosis["applications"]
        )
        assert Path(diagnosis["forest_plugin"]).name == "libfast_forest.so"
        assert diagnosis["threads"] == len(os.sched_getaffinity(0))

    def test_tells_the_versions_of_otb_and_itk(self) -> None:
        versions = json.loads(alcd("doctor", "--json").stdout)["versions"]
        assert versions["otb"].split(".")[0].isdigit()
        assert versions["itk"].split(".")[0].isdigit()

    def test_without_otb_s_applications(self, tmp_path: Path) -> None:
        ended = alcd("doctor", OTB_APPLICATION_PATH=str(tmp_path))
        assert ended.returncode == 6
        lines = ended.stdout.splitlines()
        assert (
            "MISSING: OTB lacks the applications BinaryMorphologicalOperation, ComputeConfusionMatrix" in ended.stdout
        )
        assert "  remedy: apt-get install libotb-apps" in lines
        assert lines[-1] == "not ready"

    def test_a_run_without_otb_s_applications(self, tmp_path: Path, small_scene: SyntheticScene) -> None:
        scene = write_scene(tmp_path / "scene.json", small_scene)
        message = refused(6, "run", scene, OTB_APPLICATION_PATH=str(tmp_path))
        assert message.endswith("install Debian's libotb-apps or this package again; run: python -m alcd_otb doctor")
        assert not (tmp_path / "work").exists()
