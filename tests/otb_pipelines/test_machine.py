"""What the process was given: control groups in trees that the tests make, a real one, SLURM, and variables."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otb_pipelines.control_groups import Limit, memory_limits, processor_limits
from otb_pipelines.machine import Machine, find_machine

MEGABYTE = 1 << 20
V1_NONE = str(0x7FFFFFFFFFFFF000)
NO_GROUPS = Path("/nowhere")


class Tree:
    """A file system with ``/proc`` and control groups."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "proc/self").mkdir(parents=True)
        self.process("")
        self.mounts()

    def process(self, *lines: str) -> None:
        """Write the groups of the process."""
        (self.root / "proc/self/cgroup").write_text("".join(f"{line}\n" for line in lines))

    def mounts(self, *mounts: tuple[str, str, str]) -> None:
        """Write what is mounted: the top group, the folder, and the controllers of version 1 or nothing."""
        lines = ["23 1 8:1 / / rw - ext4 /dev/sda1 rw"]
        for top, folder, controllers in mounts:
            kind = f"cgroup cgroup rw,{controllers}" if controllers else "cgroup2 cgroup2 rw,nsdelegate"
            lines.append(f"31 23 0:26 {top} {folder} rw,nosuid shared:9 - {kind}")
        (self.root / "proc/self/mountinfo").write_text("".join(f"{line}\n" for line in lines))

    def write(self, file: str, text: str) -> None:
        """Write a file of a group."""
        path = self.root / file.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")

    def threads(self) -> list[tuple[int, str]]:
        """Return the limits of processors, each with its file."""
        return self._shown(processor_limits(self.root))

    def memory(self) -> list[tuple[int, str]]:
        """Return the limits of memory, each with its file."""
        return self._shown(memory_limits(self.root))

    def _shown(self, limits: list[Limit]) -> list[tuple[int, str]]:
        return [(limit.value, limit.source.removeprefix(str(self.root))) for limit in limits]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


class TestVersion2:
    @pytest.fixture(autouse=True)
    def mounted(self, tree: Tree) -> None:
        tree.mounts(("/", "/sys/fs/cgroup", ""))
        tree.process("0::/job.slice/step/task")

    @pytest.mark.parametrize(
        ("quota", "threads"),
        [
            ("max 100000", []),
            ("200000 100000", [2]),
            ("350000 100000", [3]),
            ("20000 100000", [1]),
            ("30000 10000", [3]),
        ],
    )
    def test_the_quota_of_the_own_group_in_whole_processors(self, tree: Tree, quota: str, threads: list[int]) -> None:
        tree.write("/sys/fs/cgroup/job.slice/step/task/cpu.max", quota)
        assert [value for value, _ in tree.threads()] == threads

    def test_all_groups_above_count(self, tree: Tree) -> None:
        tree.write("/sys/fs/cgroup/job.slice/step/task/memory.max", "max")
        tree.write("/sys/fs/cgroup/job.slice/step/task/memory.high", str(900 * MEGABYTE))
        tree.write("/sys/fs/cgroup/job.slice/step/memory.max", str(1000 * MEGABYTE))
        tree.write("/sys/fs/cgroup/job.slice/memory.max", str(800 * MEGABYTE))
        tree.write("/sys/fs/cgroup/other/memory.max", str(5 * MEGABYTE))
        assert tree.memory() == [
            (900, "/sys/fs/cgroup/job.slice/step/task/memory.high"),
            (1000, "/sys/fs/cgroup/job.slice/step/memory.max"),
            (800, "/sys/fs/cgroup/job.slice/memory.max"),
        ]

    def test_a_quota_above_the_own_group(self, tree: Tree) -> None:
        tree.write("/sys/fs/cgroup/job.slice/cpu.max", "100000 100000")
        tree.write("/sys/fs/cgroup/job.slice/step/task/cpu.max", "400000 100000")
        assert min(tree.threads()) == (1, "/sys/fs/cgroup/job.slice/cpu.max")

    def test_a_group_with_a_space_mounted_elsewhere(self, tree: Tree) -> None:
        tree.mounts(("/", r"/mnt/my\040groups", ""))
        tree.process("0::/a b:c")
        tree.write("/mnt/my groups/a b:c/memory.max", str(7 * MEGABYTE))
        assert tree.memory() == [(7, "/mnt/my groups/a b:c/memory.max")]


class TestVersion1:
    def test_controllers_of_several_mounts(self, tree: Tree) -> None:
        tree.mounts(("/", "/sys/fs/cgroup/cpu,cpuacct", "cpu,cpuacct"), ("/", "/sys/fs/cgroup/memory", "memory"))
        tree.process("5:memory:/slurm/job_7", "3:cpuacct,cpu:/slurm/job_8", "1:name=systemd:/other")
        tree.write("/sys/fs/cgroup/cpu,cpuacct/slurm/job_8/cpu.cfs_quota_us", "-1")
        tree.write("/sys/fs/cgroup/cpu,cpuacct/slurm/job_8/cpu.cfs_period_us", "100000")
        tree.write("/sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_quota_us", "250000")
        tree.write("/sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_period_us", "50000")
        tree.write("/sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes", str(64 * MEGABYTE))
        tree.write("/sys/fs/cgroup/memory/slurm/memory.limit_in_bytes", V1_NONE)
        tree.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", V1_NONE)
        assert tree.threads() == [(5, "/sys/fs/cgroup/cpu,cpuacct/slurm/cpu.cfs_quota_us")]
        assert tree.memory() == [(64, "/sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes")]

    def test_a_container_whose_own_group_alone_is_mounted(self, tree: Tree) -> None:
        tree.mounts(("/docker/abc", "/sys/fs/cgroup/memory", "memory"))
        tree.process("5:memory:/docker/abc/inner")
        tree.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", str(600 * MEGABYTE))
        tree.write("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", str(300 * MEGABYTE))
        assert [value for value, _ in tree.memory()] == [300, 600]

    def test_a_container_that_tells_the_path_of_its_host(self, tree: Tree) -> None:
        tree.mounts(("/docker/abc", "/sys/fs/cgroup/memory", "memory"))
        tree.process("5:memory:/kubepods/pod1/abc")
        tree.write("/sys/fs/cgroup/memory/memory.limit_in_bytes", str(600 * MEGABYTE))
        assert tree.memory() == [(600, "/sys/fs/cgroup/memory/memory.limit_in_bytes")]


def test_both_versions_at_once(tree: Tree) -> None:
    tree.mounts(("/", "/sys/fs/cgroup/unified", ""), ("/", "/sys/fs/cgroup/memory", "memory"))
    tree.process("4:memory:/user", "0::/user.slice")
    tree.write("/sys/fs/cgroup/memory/user/memory.limit_in_bytes", str(500 * MEGABYTE))
    tree.write("/sys/fs/cgroup/unified/user.slice/cpu.max", "100000 100000")
    assert tree.memory() == [(500, "/sys/fs/cgroup/memory/user/memory.limit_in_bytes")]
    assert tree.threads() == [(1, "/sys/fs/cgroup/unified/user.slice/cpu.max")]


def test_a_nested_namespace_stays_within_its_mount(tree: Tree) -> None:
    tree.mounts(("/", "/sys/fs/cgroup", ""))
    tree.process("0::/../sibling")
    tree.write("/sys/fs/cgroup/memory.max", str(400 * MEGABYTE))
    tree.write("/sys/fs/sibling/memory.max", str(MEGABYTE))
    assert tree.memory() == [(400, "/sys/fs/cgroup/memory.max")]


TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=30)


@given(st.lists(TEXT, max_size=5), st.lists(TEXT, max_size=5), TEXT)
def test_no_content_of_a_file_is_an_error(
    tmp_path_factory: pytest.TempPathFactory, groups: list[str], mounts: list[str], value: str
) -> None:
    tree = Tree(tmp_path_factory.mktemp("tree"))
    tree.mounts(("/", "/sys/fs/cgroup", ""), *((text, text, "cpu,memory") for text in mounts))
    tree.process("0::/", *groups)
    for name in ("cpu.max", "memory.max", "memory.high"):
        tree.write(f"/sys/fs/cgroup/{name}", value)
    assert all(limit.value > 0 for limit in processor_limits(tree.root))
    assert all(limit.value >= 0 for limit in memory_limits(tree.root))


def of(**environment: str) -> Machine:
    return find_machine(environment, NO_GROUPS)


class TestSlurm:
    def test_the_processors_of_a_task(self) -> None:
        machine = of(SLURM_CPUS_PER_TASK="1", SLURM_CPUS_ON_NODE="16")
        assert machine.threads == Limit(1, "SLURM_CPUS_PER_TASK=1")

    @pytest.mark.parametrize(
        ("tasks", "node", "expected"),
        [("", "0", 12), ("4", "0", 3), ("4(x2),3", "2", 4), ("24", "0", 1), ("x", "0", 12)],
    )
    def test_the_processors_of_a_node_are_shared_by_the_tasks_of_a_step(
        self, tasks: str, node: str, expected: int
    ) -> None:
        machine = of(SLURM_CPUS_ON_NODE="12", SLURM_STEP_TASKS_PER_NODE=tasks, SLURM_NODEID=node)
        assert machine.processors[-1].value == expected

    @pytest.mark.parametrize(
        ("size", "megabytes"), [("700", 700), ("700M", 700), ("1G", 1024), ("2048K", 2), ("1gb", 1024)]
    )
    def test_units_of_memory(self, size: str, megabytes: int) -> None:
        assert of(SLURM_MEM_PER_NODE=size).usable_memory == Limit(megabytes, f"SLURM_MEM_PER_NODE={size}")

    def test_all_the_memory_of_a_node(self) -> None:
        assert of(SLURM_MEM_PER_NODE="0") == of()

    def test_memory_for_each_processor(self) -> None:
        machine = of(SLURM_MEM_PER_CPU="300", SLURM_CPUS_PER_TASK="2")
        assert machine.usable_memory.value == 600
        assert machine.default_ram == Limit(75, "an eighth of 600 MB")


class TestWishes:
    def test_fewer_threads_than_there_are(self) -> None:
        assert of(ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS="1").threads.value == 1

    def test_more_threads_than_there_are(self) -> None:
        assert of(ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS="4000").threads == of().threads

    @pytest.mark.parametrize(("wish", "ram"), [("40", 40), ("100000", 128)])
    def test_the_buffer_of_otb(self, wish: str, ram: int) -> None:
        assert of(OTB_MAX_RAM_HINT=wish, SLURM_MEM_PER_NODE="4000").default_ram.value == ram

    @pytest.mark.parametrize(
        ("wish", "cache"), [("16", 16), ("512", 100), ("33554432", 32), ("2%", 80), ("5%", 100), ("0", 1)]
    )
    def test_the_cache_of_gdal(self, wish: str, cache: int) -> None:
        assert of(GDAL_CACHEMAX=wish, SLURM_MEM_PER_NODE="4000").cache_within(100) == cache

    def test_a_large_buffer_and_the_cache_of_gdal_fit_the_memory(self) -> None:
        assert of(SLURM_MEM_PER_NODE="1000").cache_within(700) == 250


@given(
    st.dictionaries(
        st.sampled_from(
            (
                "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
                "OTB_MAX_RAM_HINT",
                "GDAL_CACHEMAX",
                "SLURM_CPUS_PER_TASK",
                "SLURM_CPUS_ON_NODE",
                "SLURM_MEM_PER_NODE",
                "SLURM_MEM_PER_CPU",
                "SLURM_STEP_TASKS_PER_NODE",
                "SLURM_NODEID",
            )
        ),
        TEXT
        | st.integers().map(str)
        | st.floats().map(str)
        | st.sampled_from(("٣", "1e3", "0x10", "+4", "4 G", "-1%")),
    )
)
def test_any_variable_gives_limits_within_those_of_the_machine(environment: dict[str, str]) -> None:
    machine, bare = find_machine(environment, NO_GROUPS), find_machine({}, NO_GROUPS)
    assert 1 <= machine.threads.value <= bare.threads.value
    assert 1 <= machine.usable_memory.value <= bare.usable_memory.value
    assert 1 <= machine.default_ram.value <= bare.default_ram.value
    assert 1 <= machine.cache_within(50) <= 50
    assert all("\n" not in sentence and sentence.split("=")[0] in environment for sentence in machine.ignored)


def test_the_address_space() -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20))"
    assert _found(limited)["usable_memory"] == [900, "ulimit -v"]


@pytest.fixture
def real_group() -> Iterator[Path]:
    """Make a control group of this machine in which one processor may be used, and remove it."""
    above = next((limit for limit in map(Path, ("/sys/fs/cgroup/cpu", "/sys/fs/cgroup")) if limit.is_dir()), None)
    if above is None:
        pytest.skip("no control groups are mounted")
    group = above / f"alcd_otb_test_{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    try:
        try:
            if (group / "cpu.cfs_quota_us").exists():
                (group / "cpu.cfs_quota_us").write_text("100000")
            else:
                (group / "cpu.max").write_text("100000 100000")
        except OSError as error:
            pytest.skip(f"the control group takes no quota: {error}")
        yield group
    finally:
        group.rmdir()


def test_a_real_control_group(real_group: Path) -> None:
    entering = f"import os; open({str(real_group / 'cgroup.procs')!r}, 'w').write(str(os.getpid()))"
    value, source = _found(entering)["threads"]
    assert value == 1
    if len(os.sched_getaffinity(0)) > 1:
        assert Path(source).parent == real_group


def _found(before: str) -> dict[str, list[object]]:
    """Return what a new process finds, after it has run some Python."""
    program = f"""{before}
import json
from otb_pipelines.machine import find_machine
machine = find_machine()
print(json.dumps({{name: [getattr(machine, name).value, getattr(machine, name).source]
                  for name in ("threads", "usable_memory")}}))"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    found: dict[str, list[object]] = json.loads(ended.stdout)
    return found
