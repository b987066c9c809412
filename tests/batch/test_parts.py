"""The parts of a batch: time limits, tasks and arrays, lists and tables of scenes, what SLURM's logs say."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from batches import Batch, change
from hypothesis import given
from hypothesis import strategies as st
from scenes import refused

from alcd_otb.batch.rules import Cause
from alcd_otb.batch.settings import BatchSettings, seconds_of
from alcd_otb.batch.slurm import why_killed
from alcd_otb.batch.submission import planned_arrays
from alcd_otb.synthetic.scene import SyntheticScene

Scenes = Callable[..., list[Path]]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("10", 600),
        ("10:30", 630),
        ("00:30:00", 1800),
        ("2:00:01", 7201),
        ("1-0", 86400),
        ("1-2", 93600),
        ("1-2:30", 95400),
        ("1-02:30:05", 95405),
    ],
)
def test_time_limits_are_read_as_slurm_reads_them(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "00:00:00", "1h", "1:2:3:4", "-5", "1-2:3:4:5", "UNLIMITED"])
def test_what_is_no_time_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write hours, minutes and seconds as 00:30:00"):
        seconds_of(text)


@pytest.mark.parametrize(("time", "grace"), [("1", 15), ("00:00:10", 5), ("4", 60), ("00:30:00", 60), ("1-0", 60)])
def test_a_run_has_a_minute_to_end_or_less_of_a_short_limit(time: str, grace: int) -> None:
    assert BatchSettings(time=time).grace == grace


def test_a_country_is_1938_tasks_of_16_scenes() -> None:
    arrays = planned_arrays([(number, 2000) for number in range(1, 31_001)], 16, 1000)
    assert [len(array.tasks) for array in arrays] == [1000, 938]
    assert arrays[0].tasks[0] == tuple(range(1, 17))
    assert arrays[1].tasks[-1] == tuple(range(30_993, 31_001))


@given(
    st.lists(st.tuples(st.integers(1, 500), st.sampled_from([2000, 3000, 4500])), unique_by=lambda one: one[0]),
    st.integers(1, 20),
    st.integers(1, 9),
)
def test_every_scene_is_in_one_task_with_its_memory(scenes: list[tuple[int, int]], per_task: int, most: int) -> None:
    arrays = planned_arrays(scenes, per_task, most)
    found = [(number, array.memory) for array in arrays for task in array.tasks for number in task]
    assert sorted(found) == sorted(scenes)
    assert all(1 <= len(array.tasks) <= most for array in arrays)
    assert all(1 <= len(task) <= per_task for array in arrays for task in array.tasks)
    # As few as the limits allow.
    for memory in {memory for _, memory in scenes}:
        count = sum(asked == memory for _, asked in scenes)
        assert sum(len(array.tasks) for array in arrays if array.memory == memory) == -(-count // per_task)


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("slurmstepd: error: *** JOB 5 ON n1 CANCELLED AT 2026-11-28T02:00:00 DUE TO TIME LIMIT ***", Cause.TIME),
        ("slurmstepd: error: *** JOB 5 ON n1 CANCELLED AT 2026-11-28T02:00:00 DUE TO PREEMPTION ***", Cause.PREEMPTED),
        (
            "slurmstepd: error: *** JOB 5 ON n1 CANCELLED AT 2026-11-28T02:00:00 DUE TO NODE FAILURE, SEE "
            "SLURMCTLD LOG FOR DETAILS ***",
            Cause.NODE,
        ),
        ("slurmstepd: error: *** JOB 5 ON n1 CANCELLED AT 2026-11-28T02:00:00 ***", Cause.UNKNOWN),
        ("slurmstepd: error: Detected 1 oom-kill event(s) in StepId=5.batch.", Cause.MEMORY),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=5.batch. Some of the step tasks", Cause.MEMORY),
        ("slurmstepd: error: Job 5 exceeded memory limit (20500 > 20480), being killed", Cause.MEMORY),
        ("", Cause.UNKNOWN),
    ],
)
def test_slurm_s_words_tell_why_a_task_was_killed(line: str, cause: Cause, tmp_path: Path) -> None:
    log = tmp_path / "slurm-5_1.out"
    log.write_text(f"INFO: scene 1, attempt 1: a.json\nDUE TO TIME LIMIT\nINFO: scene 1, attempt 2: a.json\n{line}\n")
    assert why_killed(log, "scene 1, attempt 2:") is cause
    assert why_killed(tmp_path / "absent.out", "scene 1, attempt 2:") is Cause.UNKNOWN


def scenes_of(batch: Batch) -> list[str]:
    return (batch.folder / "scenes.txt").read_text("utf-8").splitlines()


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path / "night", {})


class TestLists:
    def test_a_list_has_comments_and_paths_relative_to_itself(
        self, batch: Batch, scenes: Scenes, tmp_path: Path
    ) -> None:
        files = scenes(2)
        (tmp_path / "list.txt").write_text(f"# two\n\n  s2/scene.json\n{files[0]}\n")
        assert "2 scenes, 2 tasks, 0 scenes will be refused" in batch.prepare(tmp_path / "list.txt")
        assert scenes_of(batch) == [str(files[1]), str(files[0])]

    def test_a_folder_gives_the_scenes_below_it_but_not_what_lies_in_workspaces(
        self, batch: Batch, scenes: Scenes, tmp_path: Path
    ) -> None:
        files = scenes(2)
        inner = files[0].parent / "work" / "iterations" / "001"
        inner.mkdir(parents=True)
        (inner / "scene.json").write_text("{}")
        named = tmp_path / "more.json"
        named.write_text(files[0].read_text())
        change(named, workspace="other")
        (tmp_path / "settings.json").write_text("{}")
        batch.prepare(tmp_path)
        assert scenes_of(batch) == sorted(map(str, [named, *files]))

    def test_what_will_be_refused_is_told_before_it_waits_in_a_queue(
        self, batch: Batch, scenes: Scenes, tmp_path: Path
    ) -> None:
        files = scenes(3)
        change(files[1], template="nothing")
        files[2].unlink()
        told = batch.prepare(tmp_path / "list.txt").splitlines()
        assert [line.startswith(f"will be refused: {file}") for line, file in zip(told, files[1:], strict=False)] == [
            True,
            True,
        ]
        assert told[-1].endswith("3 scenes, 3 tasks, 2 scenes will be refused")

    def test_two_scenes_of_one_workspace_are_refused(self, batch: Batch, scenes: Scenes, tmp_path: Path) -> None:
        files = scenes(2)
        change(files[1], workspace=str(tmp_path / "s1" / "work"))
        message = refused(2, "batch", "prepare", tmp_path / "list.txt", batch.folder)
        assert message.startswith(f"{files[1]}: has the workspace of {files[0]} (")
        assert not batch.folder.exists()

    def test_a_batch_of_other_scenes_is_not_replaced(self, batch: Batch, scenes: Scenes, tmp_path: Path) -> None:
        scenes(2)
        batch.prepare(tmp_path / "list.txt")
        batch.prepare(tmp_path / "list.txt", "--mem", "3000")
        assert "#SBATCH --mem=3000M" in (batch.folder / "array.sbatch").read_text()
        (tmp_path / "list.txt").write_text("s1/scene.json\n")
        message = refused(2, "batch", "prepare", tmp_path / "list.txt", batch.folder)
        assert message == f"{batch.folder}: is a batch of other scenes; choose another folder"

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            (("--time", "soon"), "'soon' is not a time limit"),
            (("--sbatch", "account=x"), "'account=x' is not an option of sbatch"),
            (("--setup", "a\nb"), "has a control character"),
            (("--template", "nothing"), "template"),
        ],
    )
    def test_wrong_options(
        self, options: tuple[str, str], words: str, batch: Batch, scenes: Scenes, tmp_path: Path
    ) -> None:
        scenes(1)
        if options[0] == "--template":
            assert words in batch.prepare(tmp_path / "list.txt", *options)
        else:
            assert words in refused(2, "batch", "prepare", tmp_path / "list.txt", batch.folder, *options)


class TestTables:
    def test_a_scene_is_made_of_each_row(
        self, batch: Batch, scenes: Scenes, small_scene: SyntheticScene, tmp_path: Path
    ) -> None:
        (common,) = scenes(1)
        change(common, workspace="all")
        table = tmp_path / "tables" / "products.csv"
        table.parent.mkdir()
        table.write_text(
            f"name,cloudy,clear,samples\n"
            f"Arles,{small_scene.cloudy},,\n"
            f"Nimes,../L1C/B.SAFE,{small_scene.clear}; ../L1C/C.SAFE,points.gpkg\n"
        )
        batch.does("prepare", batch.folder, "--from", table, "--scene", common)
        arles, nimes = (json.loads(Path(path).read_text("utf-8")) for path in scenes_of(batch))
        assert scenes_of(batch) == [str(batch.folder / "scenes" / f"{name}.json") for name in ("Arles", "Nimes")]
        assert arles["cloudy"] == str(small_scene.cloudy)
        assert arles["workspace"] == str(common.parent / "all" / "Arles")
        assert arles["samples"] == str(small_scene.samples)
        assert "clear" not in arles
        assert nimes["cloudy"] == str(tmp_path / "L1C" / "B.SAFE")
        assert nimes["clear"] == [str(small_scene.clear), str(tmp_path / "L1C" / "C.SAFE")]
        assert nimes["samples"] == str(table.parent / "points.gpkg")
        assert nimes["set"] == arles["set"] == json.loads(common.read_text("utf-8"))["set"]
        batch.run_here(workers=1, code=9)
        assert (common.parent / "all" / "Arles" / "iterations" / "001" / "labels.tif").is_file()
        assert batch.attempts(2)[-1]["code"] == 3

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("cloudy\na.SAFE\n", "has no column 'name'"),
            ("name,cludy\nA,a\n", "has a column 'cludy'; did you mean 'cloudy'?"),
            ("name,cloudy\n../A,a.SAFE\n", "line 2: '../A' is not a name"),
            ("name,cloudy\nA,a.SAFE\nA,b.SAFE\n", "line 3: the name 'A' occurs twice"),
            ("name,cloudy\nA,a.SAFE,more\n", "line 2: has more cells than there are columns"),
            ('name,cloudy\nA,"a.SAFE\n', "is not CSV"),
            ("name,cloudy\n", "names no scene"),
        ],
    )
    def test_wrong_tables(self, text: str, words: str, batch: Batch, scenes: Scenes, tmp_path: Path) -> None:
        (common,) = scenes(1)
        table = tmp_path / "products.csv"
        table.write_text(text)
        message = refused(2, "batch", "prepare", batch.folder, "--from", table, "--scene", common)
        assert message.startswith(f"{table}: ")
        assert words in message
