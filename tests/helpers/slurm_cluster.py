"""Run a whole SLURM on this computer for tests: loopback only, without systemd, control groups and accounting.

All daemons are children of the process that starts them, and all their files lie in one folder. Root starts them.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("n1", "n2")
MEMORY = 4000
"""Megabytes of a node."""
MOST_ARRAY = 4
"""MaxArraySize: indices are below it."""

_SBIN = f"/usr/sbin:/sbin:{os.environ['PATH']}"


def why_not() -> str | None:
    """Describe why no SLURM can be started here; None if it can be tried."""
    missing = [program for program in PROGRAMS if shutil.which(program, path=_SBIN) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: munge slurmctld slurmd slurm-client)"
    if os.geteuid() != 0:
        return "SLURM's daemons are started by root"
    return None


@dataclass
class Cluster:
    """A SLURM of two nodes with a processor each.

    Attributes
    ----------
    folder
        All of its files.
    name
        Its name, which no other cluster has.
    daemons
        The processes by their names.
    """

    folder: Path
    name: str
    daemons: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which clients find it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def ask(self, *command: str) -> str:
        """Run one of SLURM's commands, and return what it prints."""
        return subprocess.run(
            command, env=os.environ | self.environment, capture_output=True, text=True, timeout=60, check=True
        ).stdout

    def queue(self) -> list[list[str]]:
        """ARRAY_INDEX, state and node of each task that is queued or runs."""
        lines = self.ask("squeue", "--noheader", "--array", "--format=%F_%K %T %N").splitlines()
        return [line.split() for line in lines]

    def wait_until_empty(self) -> None:
        """Wait until no task is queued or runs."""
        until(lambda: not self.queue())

    def start_node(self, node: str) -> None:
        """Start a node."""
        self._start(node, "slurmd", "-D", "-N", node)

    def kill_node(self, node: str) -> None:
        """Kill a node, with all processes on it, without notifying any other."""
        self.daemons.pop(node).kill()
        for process in self._jobs_on(node):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def stop(self) -> None:
        """End all jobs and daemons."""
        if "slurmctld" in self.daemons:
            with contextlib.suppress(subprocess.SubprocessError, AssertionError):
                self.ask("scancel", "--user=root")
                self.wait_until_empty()
        for node in NODES:
            if node in self.daemons:
                end(self.daemons.pop(node))
        for daemon in reversed(list(self.daemons.values())):
            end(daemon)

    def processes(self) -> list[str]:
        """Name all processes of this cluster."""
        return [name for name, _ in map(_described, _processes()) if self._is_own(name)]

    def _is_own(self, described: str) -> bool:
        return str(self.folder) in described or f"SLURM_CLUSTER_NAME={self.name}\0" in described

    def _jobs_on(self, node: str) -> list[int]:
        """Find the processes of the jobs on a node, those of SLURM first, which would otherwise report it."""
        jobs, parents = [], set()
        for process in _processes():
            described, parent = _described(process)
            if f"SLURMD_NODENAME={node}\0" in described and f"SLURM_CLUSTER_NAME={self.name}\0" in described:
                jobs.append(process)
                parents.add(parent)
        return [parent for parent in parents if _name(parent).startswith("slurmstepd")] + jobs

    def _start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.out").open("ab")
        with log:
            self.daemons[name] = subprocess.Popen(
                command,
                env=os.environ | self.environment | {"PATH": _SBIN},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start(self) -> None:
        """Start all daemons, and wait until the nodes are ready."""
        munge = self.folder / "munge"
        munge.mkdir()
        key = munge / "key"
        key.touch(0o600)
        key.write_bytes(secrets.token_bytes(128))
        (self.folder / "slurm.conf").write_text(configuration(self.folder, self.name))
        files = (f"--{kind}={munge / kind}" for kind in ("socket", "pid-file", "log-file", "seed-file"))
        self._start("munged", "munged", "--foreground", "--force", f"--key-file={key}", "--num-threads=2", *files)
        until(lambda: (munge / "socket").exists())
        self._start("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        until(lambda: self.idle() == set(NODES))

    def idle(self) -> set[str]:
        """Return the nodes that wait for work."""
        with contextlib.suppress(subprocess.CalledProcessError):
            return set(self.ask("sinfo", "--noheader", "--Node", "--states=idle", "--format=%N").split())
        return set()


@contextlib.contextmanager
def started_cluster() -> Iterator[Cluster]:
    """Start a cluster, and end it with the block. An AssertionError holds the daemons' messages if it fails."""
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    cluster = Cluster(folder, f"test{os.getpid()}{secrets.token_hex(3)}")
    try:
        try:
            cluster.start()
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            said = " ".join(line for log in folder.glob("*.out") for line in log.read_text("utf-8").splitlines()[-3:])
            raise AssertionError(f"SLURM does not start: {error} {said}") from error
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is so. Raises AssertionError if it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.1)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process that was started here."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(20)


def configuration(folder: Path, name: str) -> str:
    """Return slurm.conf."""
    host = socket.gethostname().split(".")[0]
    controller, *nodes = _free_ports(1 + len(NODES))
    settings = {
        "ClusterName": name,
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmctldPort": controller,
        "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
        "AuthType": "auth/munge",
        # A requeued job waits until its earlier credential has expired: by default two minutes.
        "AuthInfo": f"socket={folder / 'munge' / 'socket'},cred_expire=5",
        "CredType": "cred/munge",
        "SlurmUser": "root",
        "SlurmdUser": "root",
        "StateSaveLocation": folder / "state",
        "SlurmdSpoolDir": folder / "spool-%n",
        "SlurmctldPidFile": folder / "slurmctld.pid",
        "SlurmdPidFile": folder / "%n.pid",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "JobAcctGatherType": "jobacct_gather/linux",
        "JobAcctGatherFrequency": "task=1",
        "JobAcctGatherParams": "OverMemoryKill",
        "AccountingStorageType": "accounting_storage/none",
        "MpiDefault": "none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_CPU_Memory",
        "DefMemPerCPU": 500,
        "SchedulerType": "sched/backfill",
        "SchedulerParameters": "bf_interval=1,sched_min_interval=100000,batch_sched_delay=0",
        # A dead node is noticed within seconds, and accepted when it is back.
        "SlurmdTimeout": 5,
        "SlurmctldTimeout": 5,
        "TCPTimeout": 2,
        "MessageTimeout": 5,
        "ReturnToService": 2,
        "KillWait": 5,
        "BatchStartTimeout": 10,
        "UnkillableStepTimeout": 10,
        "JobRequeue": 1,
        "MinJobAge": 300,
        "MaxArraySize": MOST_ARRAY,
        "PreemptType": "preempt/partition_prio",
        "PreemptMode": "REQUEUE",
        # The nodes may have more of everything than the computer that they share.
        "SlurmdParameters": "config_overrides",
    }
    lines = [f"{key}={value}" for key, value in settings.items()]
    lines += [
        f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1 RealMemory={MEMORY} State=UNKNOWN"
        for node, port in zip(NODES, nodes, strict=True)
    ]
    lines += [
        "PartitionName=day Nodes=ALL Default=YES PriorityTier=10 MaxTime=60 DefaultTime=10 State=UP",
        # Jobs of it give way to those of the other.
        "PartitionName=night Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE GraceTime=5 MaxTime=60 State=UP",
    ]
    return "\n".join(lines) + "\n"


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def _name(process: int) -> str:
    try:
        return Path(f"/proc/{process}/comm").read_text()
    except OSError:
        return ""


def _described(process: int) -> tuple[str, int]:
    """Return the command line and the environment of a process, and the number of its parent; of none nothing."""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes() + Path(f"/proc/{process}/environ").read_bytes()
        state, parent, *_ = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", 0
    return ("" if state == "Z" else words.decode("utf-8", "replace")), int(parent)
