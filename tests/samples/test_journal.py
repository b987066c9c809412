"""GeoPackages of which more is there than they say, or less: stale counts, and journals that are left behind."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from scenes import FinishedScene, alcd

from alcd_otb.raster.opening import features_of, open_features
from alcd_otb.result import Result
from alcd_otb.samples.journal import empty_journal, warn_of_lost_journal
from alcd_otb.samples.layers import holds_samples
from alcd_otb.samples.reading import read_samples
from alcd_otb.scene import Scene


def count(path: Path) -> int:
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as database:
        return int(database.execute("SELECT count(*) FROM samples").fetchone()[0])


@pytest.fixture
def samples(finished: FinishedScene, tmp_path: Path) -> Path:
    return Path(shutil.copy(finished.synthetic.samples, tmp_path / "samples.gpkg"))


def edited(path: Path) -> sqlite3.Connection:
    """Add each point once more, as QGIS does while it has the file open: the points lie in the journal."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = wal")
    database.execute("PRAGMA wal_autocheckpoint = 0")
    # They need functions that SQLite alone does not have.
    for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{name}"')
    database.commit()
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("INSERT INTO samples (geom, class) SELECT geom, class FROM samples")
    database.commit()
    return database


class TestStaleCounts:
    @pytest.mark.parametrize("stated", [0, 7, 10**6])
    def test_all_points_are_read(self, finished: FinishedScene, samples: Path, stated: int) -> None:
        with closing(sqlite3.connect(samples)) as database:
            database.execute("UPDATE gpkg_ogr_contents SET feature_count = ?", [stated])
            database.commit()
        legend, grid = finished.scene.config.template.legend, finished.scene.grid
        before = read_samples(finished.synthetic.samples, legend, grid)
        assert read_samples(samples, legend, grid) == before
        assert len(before) == count(samples)
        assert holds_samples(samples)

    @pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson", ".csv", ".fgb", ".gml", ".kml"])
    def test_every_format_is_counted(self, samples: Path, tmp_path: Path, suffix: str) -> None:
        from otb_pipelines.process import gdal

        path = tmp_path / f"other{suffix}"
        drivers = {".kml": "KML", ".csv": "CSV"}
        gdal.VectorTranslate(str(path), str(samples), layers=["samples"], format=drivers.get(suffix))
        with open_features(path) as layer:
            assert len(list(features_of(layer))) == count(samples)


class TestJournal:
    def test_a_file_without_its_journal_is_told_of(self, samples: Path, caplog: pytest.LogCaptureFixture) -> None:
        with closing(edited(samples)):
            copy = Path(shutil.copy(samples, samples.with_name("copied.gpkg")))
        warn_of_lost_journal(copy)
        assert f"{copy}: it was written with a journal, copied.gpkg-wal, which is not beside it" in caplog.text

    def test_a_file_with_its_journal_is_not(self, samples: Path, caplog: pytest.LogCaptureFixture) -> None:
        warn_of_lost_journal(samples)
        with closing(edited(samples)):
            warn_of_lost_journal(samples)
        warn_of_lost_journal(samples.with_name("absent.gpkg"))
        assert caplog.text == ""

    def test_it_is_emptied(self, samples: Path) -> None:
        whole = count(samples)
        with closing(edited(samples)):
            assert count(Path(shutil.copy(samples, samples.with_name("before.gpkg")))) == whole
            empty_journal(samples)
            assert count(Path(shutil.copy(samples, samples.with_name("after.gpkg")))) == 2 * whole

    def test_a_reader_keeps_it(self, samples: Path) -> None:
        whole = count(samples)
        with closing(edited(samples)) as database:
            with closing(sqlite3.connect(samples)) as other:
                other.execute("BEGIN")
                other.execute("SELECT count(*) FROM samples").fetchone()
                database.execute("DELETE FROM samples WHERE fid > ?", [whole])
                database.commit()
                empty_journal(samples)
            assert database.execute("SELECT count(*) FROM samples").fetchone() == (whole,)

    def test_a_file_without_any_is_left_alone(self, samples: Path) -> None:
        before = samples.read_bytes()
        empty_journal(samples)
        assert samples.read_bytes() == before

    def test_a_run_empties_it(self, finished: FinishedScene, tmp_path: Path, samples: Path) -> None:
        from scenes import write_scene

        shutil.copytree(finished.result.workspace, tmp_path / "work", symlinks=True)
        scene = Scene.open(write_scene(tmp_path / "scene.json", finished.synthetic, samples=samples))
        whole = count(samples)
        with closing(edited(samples)):
            result = scene.run()
            assert isinstance(result, Result)
            assert count(Path(shutil.copy(samples, tmp_path / "after.gpkg"))) == 2 * whole

    def test_the_command_line_warns(self, prepared: object, samples: Path, tmp_path: Path) -> None:
        with closing(edited(samples)):
            copy = Path(shutil.copy(samples, tmp_path / "copied.gpkg"))
        scene = prepared(samples=copy)  # type: ignore[operator]
        ended = alcd("run", scene, "--dry-run")
        assert ended.returncode == 0, ended.stderr
        assert "WARNING" in ended.stderr
        assert "copied.gpkg-wal" in ended.stderr
