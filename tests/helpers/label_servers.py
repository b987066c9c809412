"""Start the command ``label``, and ask its server as the page does."""

import http.client
import json
import signal
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scenes import command_line

from otb_pipelines.machine import given_environment


@dataclass
class LabelServer:
    """A server that was started."""

    process: subprocess.Popen[str]
    url: str
    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.token = self.url.partition("#")[2]
        self.headers = {"Authorization": f"Bearer {self.token}"}

    def raw(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, self.headers if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        status, body = self.raw("GET", path)
        assert status == 200, body
        return json.loads(body)

    def post(self, path: str, content: Any) -> Any:
        status, body = self.raw("POST", path, json.dumps(content).encode())
        assert status == 200, body
        return json.loads(body)

    def frame(self, path: str, content: Any) -> tuple[dict[str, Any], np.ndarray | None]:
        """Header of an answer, and its planes, (planes, rows, columns)."""
        status, body = self.raw("POST", path, json.dumps(content).encode())
        assert status == 200, body
        length = int.from_bytes(body[:4], "little")
        header, packed = json.loads(body[4 : 4 + length]), body[4 + length :]
        if not packed:
            return header, None
        seen = header["map"]
        pixels = np.frombuffer(zlib.decompress(packed), np.uint8)
        return header, pixels.reshape(len(seen["planes"]), *seen["window"][2:])

    def act(self, *actions: dict[str, Any], **more: Any) -> tuple[dict[str, Any], np.ndarray | None]:
        return self.frame("/api/act", {"actions": actions, **more})

    def wait_for(self, path: str, wanted: Any, seconds: float = 120) -> Any:
        """The first answer that is as wanted."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            answer = self.get(path)
            if wanted(answer):
                return answer
            time.sleep(0.2)
        raise TimeoutError(path)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def label_server(scene: Path, port: int = 0) -> Iterator[LabelServer]:
    """Start a server, and end it with the block."""
    command = command_line("label", scene, "--json", "--port", str(port))
    with (scene.parent / "label.log").open("a") as messages:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=messages, text=True, env=given_environment(), cwd=scene.parent
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (scene.parent / "label.log").read_text()
        described = json.loads(line)
        assert described["pid"] == process.pid
        yield LabelServer(process, described["url"], described["port"])
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def point(number: int, code: int, x: float, y: float) -> dict[str, Any]:
    """An action that labels a point."""
    return {"id": f"action-{number:04d}", "author": "Ada", "do": "add", "code": code, "x": x, "y": y}
