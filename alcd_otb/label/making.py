"""Make an iteration beside the server, with the command ``run`` in a separate process, and report its progress."""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alcd_otb.files.json_file import parse_json
from alcd_otb.text import printable
from otb_pipelines.machine import given_environment

log = logging.getLogger(__name__)

_KEPT = 20
"""Last lines of the run's messages that are searched for the error."""
_LONGEST = 1 << 20
"""Bytes of the longest line that is read."""
_PATIENCE = 15.0
"""Seconds that a run has to clean up after it was asked to end."""

Tell = Callable[[str, Any], None]


class Making:
    """The one run that a server starts at a time. The workspace is locked by the run alone.

    Parameters
    ----------
    scene_file
        The scene's scene.json.
    tell
        Called with ``progress``, stage, done and of; then ``made`` with the number of the iteration, which is None
        where the scene was prepared only; or ``failed`` with the message.
    """

    def __init__(self, scene_file: Path, tell: Tell) -> None:
        self._scene_file, self._tell = scene_file, tell
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self.progress: dict[str, Any] | None = None

    @property
    def is_running(self) -> bool:
        """Whether a run is in progress."""
        return self._task is not None and not self._task.done()

    def start(self, number: int | None = None) -> bool:
        """Start a run, unless one is in progress.

        Parameters
        ----------
        number
            Number of the iteration to start again from, or None.

        Returns
        -------
        bool
            Whether it was started.
        """
        if self.is_running:
            return False
        self.progress = {"stage": "start", "done": 0, "of": 1}
        self._task = asyncio.get_running_loop().create_task(self._run(number))
        return True

    async def stop(self) -> None:
        """Ask the run to end, and wait until it has cleaned up."""
        if self._task is None or self._task.done():
            return
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(self._task), _PATIENCE)
        except TimeoutError:
            log.warning("the run did not stop; it continues in the background")

    async def _run(self, number: int | None) -> None:
        command = [sys.executable, "-m", "alcd_otb", "run", str(self._scene_file), "--json", "--progress", "json"]
        if number is not None:
            command += ["--from", str(number)]
        self._process = process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=given_environment(),
            limit=_LONGEST,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        printed, lines = await asyncio.gather(process.stdout.read(), self._followed(process.stderr))
        code = await process.wait()
        self.progress = None
        if code == 0:
            result = parse_json(printed)
            self._tell("made", {"iteration": result["iteration"], "unlabelled": result.get("classes_without_samples")})
        else:
            errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
            self._tell("failed", {"code": code, "message": errors[-1] if errors else f"the run ended with code {code}"})

    async def _followed(self, stream: asyncio.StreamReader) -> list[str]:
        """Report the progress, and return the last other lines."""
        lines: deque[str] = deque(maxlen=_KEPT)
        async for raw in stream:
            text = raw.decode("utf-8", "replace").strip()
            if text.startswith("{"):
                self.progress = parse_json(text.encode())
                self._tell("progress", self.progress)
            elif text:
                lines.append(printable(text))
        return list(lines)
