"""Prepare and run batches as a person does, and read their states."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenes import alcd, command_line

from alcd_otb.workspace import Workspace
from otb_pipelines.machine import given_environment


@dataclass(frozen=True)
class Batch:
    """A batch, and the variables of the environment with which it is run."""

    folder: Path
    environment: dict[str, str]

    def does(self, step: str, *words: str | Path, code: int = 0) -> str:
        """Run a step of the sub-command, and return what it prints."""
        ended = alcd("batch", step, *words, **self.environment)
        assert ended.returncode == code, f"{ended.stdout}\n{ended.stderr}"
        return ended.stdout

    def prepare(self, source: Path, *options: str | Path) -> str:
        return self.does("prepare", source, self.folder, *options)

    def submit(self, *options: str) -> list[str]:
        """Submit what is not done, and return the lines that list what was submitted."""
        return self.does("run", self.folder, "--slurm", *options).splitlines()

    def run_here(self, *options: str, workers: int = 2, code: int = 0) -> str:
        return self.does("run", self.folder, "--local", str(workers), *options, code=code)

    def started_here(self, workers: int = 2) -> subprocess.Popen[str]:
        """Start to run it here."""
        return subprocess.Popen(
            command_line("batch", "run", self.folder, "--local", str(workers)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**given_environment(), **self.environment},
            # Shells start commands in the background with SIGINT ignored, and so would this one be.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def status(self) -> dict[str, Any]:
        ended = alcd("batch", "status", self.folder, "--json", **self.environment)
        assert ended.returncode in (0, 9, 10), ended.stderr
        content: dict[str, Any] = json.loads(ended.stdout)
        return content

    def states(self) -> list[str]:
        return [scene["state"] for scene in self.status()["scenes"]]

    def attempts(self, number: int) -> list[dict[str, Any]]:
        """What is recorded of the attempts of a scene."""
        file = self.folder / "state" / f"{number:05d}.json"
        content = json.loads(file.read_text("utf-8")) if file.exists() else {"attempts": []}
        attempts: list[dict[str, Any]] = content["attempts"]
        return attempts

    def runs(self, number: int) -> bool:
        """Whether an attempt of a scene has begun and not ended."""
        attempts = self.attempts(number)
        return bool(attempts) and "code" not in attempts[-1]


def iterations_of(scene: Path) -> list[str]:
    """Names of the finished iterations of a scene in its workspace ``work``, in which nothing is unfinished."""
    left = [path for path in scene.parent.rglob(".unfinished*") if os.path.lexists(path)]
    assert left == []
    return [folder.name for folder in Workspace(scene.parent / "work").iterations()]


def change(scene: Path, **changes: Any) -> None:
    """Change keys of a scene file."""
    content = json.loads(scene.read_text("utf-8"))
    scene.write_text(json.dumps(content | changes), "utf-8")
