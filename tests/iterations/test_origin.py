"""The digest by which it is told that another iteration would be the same."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from osgeo import ogr
from scenes import FinishedScene, alcd

from alcd_otb.iterations.origin import digest_of, is_made_from
from alcd_otb.samples.sample import Sample

POINT = Sample("a.gpkg:1", 2, {"type": "Point", "coordinates": (1.0, 2.0)})
OTHER = Sample("a.gpkg:2", 5, {"type": "Point", "coordinates": (3.0, 4.0)})


def test_what_changes_the_map_changes_the_digest(finished: FinishedScene) -> None:
    template = finished.scene.config.template
    same = digest_of("prepared", template, (POINT, OTHER))
    renamed = replace(POINT, feature="b.gpkg:7", author="me", comment="sure", iteration=3, created="today")
    assert digest_of("prepared", template, (renamed, OTHER)) == same
    others = {
        digest_of("otherwise", template, (POINT, OTHER)),
        digest_of("prepared", template.model_copy(update={"margin": 7.0}), (POINT, OTHER)),
        digest_of("prepared", template, (POINT,)),
        digest_of("prepared", template, (OTHER, POINT)),
        digest_of("prepared", template, (replace(POINT, code=3), OTHER)),
        digest_of("prepared", template, (replace(POINT, geometry=OTHER.geometry), OTHER)),
        digest_of("prepared", template, (POINT, OTHER), (POINT,)),
    }
    assert len(others) == 7
    assert same not in others


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"made_from": "other"}'])
def test_an_iteration_that_tells_nothing_is_made_from_something_else(content: str, tmp_path: Path) -> None:
    (tmp_path / "labels.tif").touch()
    (tmp_path / "config.json").write_text(json.dumps({"made_from": "this"}))
    assert is_made_from(tmp_path, "this")
    (tmp_path / "config.json").write_text(content)
    assert not is_made_from(tmp_path, "this")
    (tmp_path / "config.json").unlink()
    assert not is_made_from(tmp_path, "this")


def test_a_run_if_needed_makes_an_iteration_only_of_something_new(
    prepared: Callable[..., Path], tmp_path: Path
) -> None:
    scene = prepared(samples=None)
    given = json.loads(prepared().read_text("utf-8"))["samples"]
    scene.write_text(json.dumps(json.loads(scene.read_text("utf-8")) | {"samples": str(tmp_path / "mine.gpkg")}))
    (tmp_path / "mine.gpkg").write_bytes(Path(given).read_bytes())

    def runs(*options: str) -> tuple[int, bool]:
        ended = alcd("run", scene, "--json", "--if-needed", *options)
        assert ended.returncode == 0, ended.stderr
        result = json.loads(ended.stdout)
        return result["iteration"], result["made"]

    assert runs() == (1, True)
    labels = tmp_path / "work" / "iterations" / "001" / "labels.tif"
    before = labels.stat()
    assert runs() == (1, False)
    assert runs("--keep", "map") == (1, False)
    assert labels.stat() == before
    assert "no new iteration is needed" in alcd("run", scene, "--if-needed", "--dry-run").stdout
    # Rasters that are missing are made again, without another iteration.
    features = tmp_path / "work" / "features.tif"
    whole = features.read_bytes()
    features.unlink()
    assert runs() == (1, False)
    assert features.read_bytes() == whole
    layer = ogr.Open(str(tmp_path / "mine.gpkg"), 1)
    layer.ExecuteSQL("UPDATE samples SET comment = 'seen'")
    del layer
    assert runs() == (1, False)
    layer = ogr.Open(str(tmp_path / "mine.gpkg"), 1)
    layer.ExecuteSQL("DELETE FROM samples WHERE fid = 5")
    del layer
    assert runs() == (2, True)
    assert runs() == (2, False)
    # Without the option, a run is a run.
    assert json.loads(alcd("run", scene, "--json").stdout)["iteration"] == 3
