"""A batch on a real SLURM: whatever it does to the tasks, each workspace ends right, with one iteration."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fiona
import pytest
from batches import Batch, change, iterations_of
from mask_files import write_scl
from places import ROOT
from scenes import alcd
from slurm_cluster import MEMORY, Cluster, until

from alcd_otb.synthetic.scene import SyntheticScene
from alcd_otb.workspace import Workspace
from otb_pipelines.machine import given_environment

pytestmark = pytest.mark.slurm

Scenes = Callable[..., list[Path]]


def slow(radius: int, *bands: str) -> dict[str, Any]:
    """Changes to the template with which a run takes long: textures in wide windows of the bands."""
    textures = [
        {"name": f"t_{band}", "texture": "variation_coefficient", "band": band, "radius": radius} for band in bands
    ]
    return {"resolution": 10, "features": ["B02", "B11", *textures]}


SLOW = slow(20, "B02")
"""A run takes ten seconds."""
ENDLESS = slow(50, "B02", "B03", "B04", "B08")
"""A run takes minutes."""


@pytest.fixture
def batch(cluster: Cluster, tmp_path: Path) -> Batch:
    return Batch(tmp_path / "night", cluster.environment)


def prepared(batch: Batch, *options: str) -> Batch:
    batch.prepare(batch.folder.parent / "list.txt", "--cpus", "1", "--mem", "1500", *options)
    return batch


def unknown_class(scene: SyntheticScene, file: Path) -> Path:
    """Samples of which one is of a class that nobody knows."""
    with fiona.open(scene.samples, layer="samples") as layer, fiona.open(file, "w", **layer.profile) as copy:
        copy.writerecords(
            {**feature, "properties": {**feature["properties"], "class": "marshmallow"}} if not number else feature
            for number, feature in enumerate(layer)
        )
    return file


def test_good_and_broken_scenes_in_more_arrays_than_one(
    cluster: Cluster, batch: Batch, scenes: Scenes, small_scene: SyntheticScene, tmp_path: Path
) -> None:
    files = scenes(5)
    change(files[1], cloudy=str(tmp_path / "nowhere.SAFE"))
    change(files[3], samples=str(unknown_class(small_scene, tmp_path / "samples.gpkg")))
    alone = tmp_path / "alone" / "scene.json"
    alone.parent.mkdir()
    alone.write_bytes(files[0].read_bytes())
    prepared(batch)
    said, *jobs = batch.submit()
    assert said.startswith("5 scenes to run")
    # Indices are below 4.
    assert [line.partition(": ")[2] for line in jobs] == ["3 tasks of 1500 MB", "2 tasks of 1500 MB"]
    assert alcd("run", alone).returncode == 0
    cluster.wait_until_empty()
    assert batch.states() == ["done", "failed", "done", "failed", "done"]
    table = batch.does("status", batch.folder, code=9)
    assert "3 done, 2 failed" in table
    assert f"{tmp_path / 'nowhere.SAFE'}: " in table
    assert "unknown class 'marshmallow'" in table
    assert [batch.attempts(number)[-1]["code"] for number in (2, 4)] == [3, 4]
    assert [iterations_of(file) for file in files] == [["001"], [], ["001"], [], ["001"]]
    own, batched = (file.parent / "work" / "iterations" / "001" / "labels.tif" for file in (alone, files[0]))
    assert own.read_bytes() == batched.read_bytes()
    # Nothing is left to be submitted.
    assert batch.submit() == ["0 scenes to run; 3 are done, 0 run, 0 are queued, 2 failed"]
    batch.does("report", batch.folder, "-o", tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["state"] for row in rows] == ["done", "failed", "done", "failed", "done"]
    for row in rows[::2]:
        assert 0 < float(row["cpu_seconds"]) <= 1.2 * float(row["seconds"]) + 1
        assert 50 < int(row["peak_mb"]) < 1500
        assert row["host"] in ("n1", "n2")
        assert row["iteration"] == "1"
        assert int(row["points"]) > 100


def test_a_node_dies_and_comes_back(cluster: Cluster, batch: Batch, scenes: Scenes) -> None:
    files = scenes(2, **SLOW)
    prepared(batch).submit()
    until(lambda: batch.runs(1) and batch.runs(2))
    (node,) = {attempt["node"] for attempt in batch.attempts(1)}
    cluster.kill_node(node)
    until(lambda: node in cluster.ask("sinfo", "--noheader", "--Node", "--states=down", "--format=%N").split())
    cluster.start_node(node)
    cluster.wait_until_empty()
    assert batch.states() == ["done", "done"]
    assert [iterations_of(file) for file in files] == [["001"], ["001"]]
    # The first attempt could record no end; the other node's scene was not disturbed.
    first, second = batch.attempts(1)
    assert "code" not in first
    assert first["job"] == second["job"]
    assert second["code"] == 0
    assert len(batch.attempts(2)) == 1
    assert cluster.idle() == {"n1", "n2"}


def test_after_scancel_exactly_what_is_missing_is_submitted(cluster: Cluster, batch: Batch, scenes: Scenes) -> None:
    files = scenes(3, **SLOW)
    prepared(batch).submit()
    until(lambda: any(attempt.get("code") == 0 for number in (1, 2) for attempt in batch.attempts(number)))
    until(lambda: batch.runs(3))
    cluster.ask("scancel", "--user=root")
    cluster.wait_until_empty()
    states = batch.states()
    done = [number for number, state in enumerate(states, start=1) if state == "done"]
    assert 1 <= len(done) < 3
    assert set(states) == {"done", "again"}
    batch.does("status", batch.folder, code=10)
    assert iterations_of(files[2]) == []
    _, *jobs = batch.submit()
    assert [line.partition(": ")[2] for line in jobs] == [f"{3 - len(done)} tasks of 1500 MB"]
    last = sorted(batch.folder.glob("submission-*.txt"))[-1]
    numbers = [int(line) for line in last.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert numbers == [number for number in (1, 2, 3) if number not in done]
    # What is queued is not submitted once more.
    assert batch.submit()[1:] == []
    cluster.wait_until_empty()
    assert batch.states() == ["done"] * 3
    assert [iterations_of(file) for file in files] == [["001"]] * 3
    assert [len(batch.attempts(number)) for number in done] == [1] * len(done)


def test_what_is_killed_for_its_memory_gets_more_twice(cluster: Cluster, batch: Batch, scenes: Scenes) -> None:
    (file,) = scenes(1, **SLOW)
    batch.prepare(file.parent.parent / "list.txt", "--cpus", "1", "--mem", "60")
    # The task itself fits: what is killed is the run, whose start is recorded by then.
    for memory in (60, 90, 135):
        assert batch.submit()[1].endswith(f": 1 tasks of {memory} MB")
        cluster.wait_until_empty()
    assert [attempt["memory"] for attempt in batch.attempts(1)] == [60, 90, 135]
    assert batch.states() == ["failed"]
    assert "it used more memory than it was given" in batch.does("status", batch.folder, code=9)
    # SIGKILL leaves unfinished folders, which the next run removes.
    assert not Workspace(file.parent / "work").iterations()
    assert batch.submit()[1:] == []
    prepared(batch)
    assert batch.submit("--retry", "failed")[1].endswith(": 1 tasks of 1500 MB")
    cluster.wait_until_empty()
    assert batch.states() == ["done"]
    assert iterations_of(file) == ["001"]


def test_a_run_that_takes_too_long_ends_in_order(cluster: Cluster, batch: Batch, scenes: Scenes) -> None:
    (file,) = scenes(1, **ENDLESS)
    prepared(batch, "--time", "1").submit()
    cluster.wait_until_empty()
    (attempt,) = batch.attempts(1)
    assert (attempt["code"], attempt["cause"]) == (143, "TIME")
    assert batch.states() == ["again"]
    assert "its time limit was reached" in batch.does("status", batch.folder, code=10)
    assert iterations_of(file) == []


def test_what_gives_way_to_another_job_runs_again(
    cluster: Cluster, batch: Batch, scenes: Scenes, tmp_path: Path
) -> None:
    files = scenes(2, **ENDLESS)
    prepared(batch, "--sbatch=--partition=night").submit()
    until(lambda: batch.runs(1) and batch.runs(2))
    over = tmp_path / "over"
    options = ("--partition=day", "--array=1-2", "--cpus-per-task=1", f"--mem={MEMORY}M", "--output=/dev/null")
    wait = f"until [ -e '{over}' ]; do sleep 0.1; done"
    job = cluster.ask("sbatch", "--parsable", *options, "--wrap", wait).strip()
    holding = [[f"{job}_{task}", "RUNNING"] for task in (1, 2)]
    until(lambda: sorted(row[:2] for row in cluster.queue() if row[0].startswith(f"{job}_")) == holding)
    # While the other job holds both nodes, the scenes are made quick.
    for file in files:
        change(file, set=json.loads(file.read_text("utf-8"))["set"] | {"resolution": 60, "features": ["B02", "B11"]})
    over.touch()
    cluster.wait_until_empty()
    assert batch.states() == ["done", "done"]
    assert [iterations_of(file) for file in files] == [["001"], ["001"]]
    for number in (1, 2):
        (first, second) = batch.attempts(number)
        assert first.get("code") in (None, 143)
        assert first["cause"] == "PREEMPTED"
        assert (first["job"], second["code"]) == (second["job"], 0)


def test_two_batches_on_one_list_make_one_iteration_of_each(cluster: Cluster, batch: Batch, scenes: Scenes) -> None:
    files = scenes(2, **SLOW)
    other = Batch(batch.folder.with_name("other"), batch.environment)
    prepared(batch, "--per-task", "2").submit()
    prepared(other, "--per-task", "2").submit()
    cluster.wait_until_empty()
    assert batch.states() == other.states() == ["done", "done"]
    assert [iterations_of(file) for file in files] == [["001"], ["001"]]
    made = [attempt.get("made") for each in (batch, other) for number in (1, 2) for attempt in each.attempts(number)]
    assert made.count(True) == 2


def test_the_script_can_be_submitted_by_hand(cluster: Cluster, batch: Batch, scenes: Scenes, tmp_path: Path) -> None:
    files = scenes(3)
    prepared(batch, "--per-task", "2", "--setup", "export TRIED=yes", "--setup", f"env > {tmp_path}/env.txt")
    cluster.ask("sbatch", "--array=1-2", str(batch.folder / "array.sbatch"))
    until(lambda: "running" in batch.states())
    cluster.wait_until_empty()
    assert batch.states() == ["done"] * 3
    assert [iterations_of(file) for file in files] == [["001"]] * 3
    assert "TRIED=yes" in (tmp_path / "env.txt").read_text().splitlines()


def test_one_job_compares_after_the_array(
    cluster: Cluster, batch: Batch, scenes: Scenes, small_scene: SyntheticScene, tmp_path: Path
) -> None:
    scenes(1)
    write_scl(small_scene, tmp_path / "L2A")
    prepared(batch).submit()
    options = ("-o", tmp_path / "comparison", "--slurm", "--time", "10")
    said = batch.does("compare", batch.folder, tmp_path / "L2A", *options)
    assert said.startswith("job ")
    waiting = cluster.ask("squeue", "--noheader", "--format=%i %r").splitlines()
    assert f"{said.split()[1]} Dependency" in waiting
    until(lambda: not cluster.ask("squeue", "--noheader"))
    assert batch.states() == ["done"]
    (row, *_) = json.loads((tmp_path / "comparison" / "comparison.json").read_text("utf-8"))["rows"]
    assert row["processor"] == "Sen2Cor"
    assert (row["tp"] + row["tn"]) / sum(row[name] for name in ("tp", "tn", "fp", "fn")) > 0.8


PAGE = ROOT / "docs" / "how_to" / "batch.md"


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return [line for block in blocks for line in block.splitlines()]


def test_the_how_to_line_by_line(cluster: Cluster, scenes: Scenes, small_scene: SyntheticScene, tmp_path: Path) -> None:
    files = scenes(2)
    write_scl(small_scene, tmp_path / "L2A")
    content = json.loads(files[0].read_text("utf-8"))
    (tmp_path / "common.json").write_text(json.dumps(content | {"workspace": "made"}))
    (tmp_path / "products.csv").write_text(f"name,cloudy\nArles,{small_scene.cloudy}\n")
    (tmp_path / "bin").mkdir()
    # In the place of what a centre has.
    for name, line in (("python", f'exec "{sys.executable}" "$@"'), ("module", f"echo $* >> {tmp_path}/modules.txt")):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    environment = {
        **given_environment(),
        **cluster.environment,
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
    }
    typed = commands()
    assert len(typed) > 15
    for command in typed:
        # Who reads has slept for a night.
        if "tail " in command or "--retry" in command:
            cluster.wait_until_empty()
        ended = subprocess.run(
            ["bash", "-euc", command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
        )
        assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
    until(lambda: not cluster.ask("squeue", "--noheader"))
    assert [iterations_of(file) for file in files] == [["001"], ["001"]]
    for name in ("night", "here", "few"):
        assert Batch(tmp_path / name, cluster.environment).states() == ["done", "done"]
    # Two scenes and the comparison.
    assert (tmp_path / "modules.txt").read_text().splitlines() == ["load otb"] * 3
    assert (tmp_path / "comparison" / "comparison.html").is_file()
    assert (tmp_path / "night_comparison" / "comparison.html").is_file()
    assert len((tmp_path / "here.csv").read_text("utf-8").splitlines()) == 3
