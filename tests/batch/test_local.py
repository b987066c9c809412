"""A batch in processes of this computer: it continues where it stopped, and ends cleanly when it is asked to."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from batches import Batch, change, iterations_of
from mask_files import write_scl
from scenes import alcd, command_line, leftovers
from slurm_cluster import until

from alcd_otb.synthetic.scene import SyntheticScene

Scenes = Callable[..., list[Path]]

SLOW = {
    "resolution": 10,
    "features": ["B02", "B11", {"name": "t", "texture": "variation_coefficient", "band": "B02", "radius": 50}],
}
"""Changes to the template with which a run takes half a minute."""


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path / "night", {})


def prepared(batch: Batch, *options: str | Path) -> Batch:
    batch.prepare(batch.folder.parent / "list.txt", *options)
    return batch


def children_of(process: int) -> list[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in text.split()]


def test_done_is_left_out_and_failed_waits_for_a_person(batch: Batch, scenes: Scenes, tmp_path: Path) -> None:
    files = scenes(3)
    change(files[1], cloudy=str(tmp_path / "nowhere.SAFE"))
    prepared(batch)
    assert "2 done, 1 failed" in batch.run_here(code=9)
    assert [iterations_of(file) for file in files] == [["001"], [], ["001"]]
    batch.run_here(code=9)
    assert [len(batch.attempts(number)) for number in (1, 2, 3)] == [1, 1, 1]
    change(files[1], cloudy=json.loads(files[0].read_text("utf-8"))["cloudy"])
    assert batch.states()[1] == "failed"
    assert "3 done" in batch.run_here("--retry", "failed")
    assert [len(batch.attempts(number)) for number in (1, 2, 3)] == [1, 2, 1]
    batch.does("status", batch.folder)
    log = (batch.folder / "logs" / "00002.log").read_text("utf-8")
    assert log.count("--- attempt ") == 2
    assert f"{tmp_path / 'nowhere.SAFE'}: " in log


def test_what_has_changed_is_made_anew_and_what_only_looks_so_is_not(
    batch: Batch, scenes: Scenes, small_scene: SyntheticScene, tmp_path: Path
) -> None:
    files = scenes(3)
    samples = Path(shutil.copy(small_scene.samples, tmp_path / "points.gpkg"))
    change(files[2], samples=str(samples))
    prepared(batch).run_here()
    change(files[0], name="another")
    os.utime(samples)
    assert batch.states() == ["to do", "done", "to do"]
    batch.does("status", batch.folder, code=10)
    settings = json.loads(files[1].read_text("utf-8"))["set"]
    change(files[1], set=settings | {"samples": {"seed": 5}})
    batch.run_here()
    assert [iterations_of(file) for file in files] == [["001"], ["001", "002"], ["001"]]
    assert [batch.attempts(number)[-1]["made"] for number in (1, 2, 3)] == [False, True, False]


def test_all_are_made_anew_with_another_template(batch: Batch, scenes: Scenes, tmp_path: Path) -> None:
    (file,) = scenes(1)
    prepared(batch).run_here()
    template = tmp_path / "mine.json"
    clouds = Path(__file__).resolve().parents[2] / "param_templates" / "clouds.json"
    template.write_text(json.dumps(json.loads(clouds.read_text("utf-8")) | {"regularisation": {"radius": 2}}))
    prepared(batch, "--template", template)
    assert batch.states() == ["to do"]
    batch.run_here()
    assert iterations_of(file) == ["001", "002"]
    config = json.loads((file.parent / "work" / "iterations" / "002" / "config.json").read_text("utf-8"))
    assert config["scene"]["template"]["regularisation"]["radius"] == 2
    batch.run_here()
    assert iterations_of(file) == ["001", "002"]


def test_scenes_without_samples_are_prepared_and_wait_for_labels(
    batch: Batch, scenes: Scenes, small_scene: SyntheticScene
) -> None:
    (file,) = scenes(1)
    content = json.loads(file.read_text("utf-8"))
    del content["samples"]
    file.write_text(json.dumps(content))
    prepared(batch, "--keep", "map").run_here()
    work = file.parent / "work"
    assert batch.states() == ["done"]
    assert (work / "view.tif").is_file()
    shutil.copy(small_scene.samples, work / "samples.gpkg")
    assert batch.states() == ["to do"]
    batch.run_here()
    assert iterations_of(file) == ["001"]
    # What can be made again is left out.
    assert not (work / "view.tif").exists()
    assert not (work / "features.tif").exists()
    assert batch.states() == ["done"]
    batch.run_here()
    assert iterations_of(file) == ["001"]


def test_products_may_be_read_from_a_copy_on_a_fast_disk(batch: Batch, scenes: Scenes, tmp_path: Path) -> None:
    files = scenes(2)
    shutil.copy(files[1], tmp_path / "s2" / "alone.json")
    change(tmp_path / "s2" / "alone.json", workspace="alone")
    (tmp_path / "fast").mkdir()
    batch.environment["FAST"] = str(tmp_path / "fast")
    prepared(batch, "--stage", "$FAST").run_here()
    assert "are copied to" in (batch.folder / "logs" / "00001.log").read_text("utf-8")
    assert list((tmp_path / "fast").iterdir()) == []
    assert alcd("run", tmp_path / "s2" / "alone.json", "--if-needed").returncode == 0
    for name in ("features.tif", "view.tif", "valid.tif", "iterations/001/labels.tif"):
        assert (tmp_path / "s2" / "work" / name).read_bytes() == (tmp_path / "s2" / "alone" / name).read_bytes()
    # Where the products lay while they were read is not part of what the scene was made from.
    ended = alcd("run", files[0], "--if-needed", "--json")
    assert json.loads(ended.stdout)["made"] is False


def test_a_wrong_installation_stops_the_batch(batch: Batch, scenes: Scenes, tmp_path: Path) -> None:
    scenes(3)
    prepared(batch)
    batch.environment["OTB_APPLICATION_PATH"] = str(tmp_path)
    batch.run_here(workers=1, code=6)
    assert [len(batch.attempts(number)) for number in (1, 2, 3)] == [1, 0, 0]
    assert "the batch has stopped: scene 1: " in batch.does("status", batch.folder, code=10)
    # A task of an array ends at once.
    batch.does("task", batch.folder, "2", code=6)
    assert batch.attempts(2) == []
    del batch.environment["OTB_APPLICATION_PATH"]
    assert "3 done" in batch.run_here()
    assert not (batch.folder / "stopped.txt").exists()


def test_a_run_that_is_killed_is_tried_again(batch: Batch, scenes: Scenes) -> None:
    (file,) = scenes(1, **SLOW)
    prepared(batch)
    with batch.started_here() as started:
        until(lambda: batch.runs(1) and bool(children_of(started.pid)))
        settings = json.loads(file.read_text("utf-8"))["set"]
        change(file, set=settings | {"resolution": 60, "features": ["B02", "B11"]})
        (child,) = children_of(started.pid)
        os.kill(child, signal.SIGKILL)
        output, errors = started.communicate(timeout=120)
    assert started.returncode == 0, output + errors
    assert [attempt["code"] for attempt in batch.attempts(1)] == [137, 0]
    assert iterations_of(file) == ["001"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_when_it_is_stopped_the_runs_end_cleanly(number: signal.Signals, batch: Batch, scenes: Scenes) -> None:
    files = scenes(3, **SLOW)
    prepared(batch)
    with batch.started_here() as started:
        until(lambda: batch.runs(1) and batch.runs(2) and len(children_of(started.pid)) == 2)
        children = children_of(started.pid)
        started.send_signal(number)
        _, errors = started.communicate(timeout=60)
    assert started.returncode == 128 + number, errors
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert [attempt["code"] for scene in (1, 2) for attempt in batch.attempts(scene)] == [143, 143]
    assert batch.states() == ["again", "again", "to do"]
    assert leftovers(batch.folder.parent) == []
    assert [iterations_of(file) for file in files] == [[], [], []]


def test_when_it_is_killed_the_runs_end_and_the_next_call_goes_on(batch: Batch, scenes: Scenes) -> None:
    (file,) = scenes(1, **SLOW)
    prepared(batch)
    with batch.started_here() as started:
        until(lambda: batch.runs(1) and bool(children_of(started.pid)))
        children = children_of(started.pid)
        started.kill()
    until(lambda: not any(is_alive(child) for child in children))
    assert batch.states() == ["again"]
    assert "it was killed or cancelled" in batch.does("status", batch.folder, code=10)
    settings = json.loads(file.read_text("utf-8"))["set"]
    change(file, set=settings | {"resolution": 60, "features": ["B02", "B11"]})
    batch.run_here()
    assert iterations_of(file) == ["001"]


def test_a_second_call_is_refused_while_one_runs(batch: Batch, scenes: Scenes) -> None:
    scenes(1, **SLOW)
    prepared(batch)
    with batch.started_here() as started:
        until(lambda: batch.runs(1))
        refused = subprocess.run(
            command_line("batch", "run", batch.folder, "--local", "1"), capture_output=True, text=True, timeout=60
        )
        started.terminate()
    assert refused.returncode == 7, refused.stderr


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def held(scenes: Scenes) -> Iterator[list[Path]]:
    """Two scenes, of which another run holds the first."""
    files = scenes(2)
    slow = files[0].with_name("slow.json")
    shutil.copy(files[0], slow)
    change(slow, set=json.loads(files[0].read_text("utf-8"))["set"] | SLOW)
    with subprocess.Popen(command_line("run", slow), stderr=subprocess.DEVNULL) as other:
        try:
            until(lambda: (files[0].parent / "work" / ".lock").exists())
            yield files
        finally:
            other.terminate()


def test_a_scene_that_another_run_holds_comes_later(batch: Batch, held: list[Path]) -> None:
    prepared(batch)
    with batch.started_here(workers=1) as started:
        until(lambda: bool(batch.attempts(2)) and "code" in batch.attempts(2)[-1])
        assert batch.attempts(1)[0]["code"] == 7
        started.terminate()
        started.communicate(timeout=60)
    assert iterations_of(held[1]) == ["001"]
    assert batch.states() == ["again", "done"]


def test_the_maps_are_compared_with_masks(
    batch: Batch, scenes: Scenes, small_scene: SyntheticScene, tmp_path: Path
) -> None:
    scenes(1)
    write_scl(small_scene, tmp_path / "L2A")
    prepared(batch)
    batch.does("compare", batch.folder, tmp_path / "L2A", "-o", tmp_path / "comparison", code=2)
    batch.run_here()
    assert "Sen2Cor" in batch.does("compare", batch.folder, tmp_path / "L2A", "-o", tmp_path / "comparison")
    assert (tmp_path / "comparison" / "comparison.html").is_file()


def test_without_slurm_it_is_said_how_to_go_on(batch: Batch, scenes: Scenes) -> None:
    scenes(1)
    prepared(batch)
    programs = {name: path for name in ("python3",) if (path := shutil.which(name))}
    assert programs
    ended = alcd("batch", "run", batch.folder, "--slurm", PATH="/nowhere")
    assert ended.returncode == 2
    assert "run on a machine with SLURM, or with --local N" in ended.stderr
    assert batch.states() == ["to do"]
