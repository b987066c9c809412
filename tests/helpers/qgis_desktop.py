"""QGIS itself on a separate screen, driven by the events of a real mouse and keyboard."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from places import ROOT
from scenes import alcd

from alcd_otb.qgis.plugin_files import unpack_plugin

ROOT_OF_QGIS = os.environ.get("ALCD_OTB_QGIS_ROOT", "")
"""Folder of another system whose QGIS is used, with this system at /host (tools/qgis_in_debian_13.sh)."""
QGIS, XVFB, XDOTOOL, WINDOWS, KEYBOARDS = (
    Path("/usr/bin") / name for name in ("qgis", "Xvfb", "xdotool", "openbox", "setxkbmap")
)
PROGRAMS = (Path(f"{ROOT_OF_QGIS}{QGIS}"), XVFB, XDOTOOL, WINDOWS, KEYBOARDS)
SIZE = (1280, 860)
PATIENCE = 240.0
"""Seconds that a person would never wait, but a busy computer may need."""
_ATTEMPTS = 3
"""Times that a text is written until the field holds it."""
_SETTINGS = """[PythonPlugins]
alcd_otb_loop=true
processing=false
db_manager=false
MetaSearch=false
grassprovider=false
[qgis]
checkVersion=false
showTips=false
showTips322=false
warnOldProjectVersion=false
newsFeed\\disabled=true
[app]
projections\\defaultProjectCrs=EPSG:4326
[core]
NewsFeed\\httpsfeedqgisorg\\enabled=false
[locale]
userLocale=en
overrideFlag=true
[alcd_otb]
program={program}
"""


class QuestionError(AssertionError):
    """An expression cannot be evaluated in QGIS. The message has the traceback."""


class Desktop:
    """A running QGIS with the plug-in. Counts the presses and clicks of the person who works with it."""

    def __init__(self, display: str, folder: Path, process: "subprocess.Popen[bytes]", probe: Path) -> None:
        self.display, self.folder, self.process = display, folder, process
        self.actions = 0
        self._probe = probe
        self._socket: socket.socket | None = None

    # The state of the screen.

    def ask(self, expression: str) -> Any:
        """Return the value of a Python expression in QGIS."""
        if self._socket is None:
            self._socket = _connected(self._probe)
        self._socket.sendall(" ".join(expression.split()).encode() + b"\n")
        received = b""
        while not received.endswith(b"\n"):
            part = self._socket.recv(1 << 16)
            assert part, "QGIS has ended"
            received += part
        answer = json.loads(received)
        if "error" in answer:
            raise QuestionError(f"{expression}\n{answer['error']}")
        return answer["value"]

    def wait(self, expression: str, seconds: float = PATIENCE, wanted: Callable[[Any], bool] = bool) -> Any:
        """Wait until an expression has a wanted value, by default a true one, and return it.

        A layer or a window in the expression may not be there yet, so an error is raised only when the time is over.
        """
        end = time.monotonic() + seconds
        while True:
            late = time.monotonic() >= end
            try:
                value = self.ask(expression)
            except QuestionError:
                if late:
                    raise
            else:
                if wanted(value):
                    return value
                assert not late, f"{expression} is still {value!r}"
            time.sleep(0.05)

    def settle(self) -> None:
        """Wait until nothing is drawn or run."""
        self.wait("is_idle()")

    def picture(self, path: Path) -> None:
        self.settle()
        time.sleep(0.3)
        assert self.ask(f"picture({str(path)!r})")

    # What the person does.

    def press(self, *keys: str) -> None:
        """Press keys by the names of xdotool, one after the other."""
        for key in keys:
            self.actions += 1
            with self._arrival("keys"):
                self._xdotool("key", key)

    def hold(self, key: str) -> None:
        self.actions += 1
        with self._arrival("keys"):
            self._xdotool("keydown", key)

    def let_go(self, key: str) -> None:
        self._xdotool("keyup", key)

    def write(self, text: str) -> None:
        """Write into the field that has the keyboard, in the place of what it holds."""
        self.actions += len(text)
        for attempt in range(_ATTEMPTS):
            self.press("ctrl+a")
            self._xdotool("type", "--delay", "12", text)
            # A list of proposals below the field may take the keys first, so the field itself is asked.
            try:
                self.wait("QApplication.focusWidget().text()", 10, lambda written: written == text)
            except AssertionError:
                # A busy X server loses a letter, which a person would see.
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                break

    def click(self, x: float, y: float, button: int = 1) -> None:
        """Click a place of the map."""
        self.click_at(self.ask(f"on_screen({x!r}, {y!r})"), button)

    def press_button(self, widget: str) -> None:
        """Click the middle of a widget."""
        self.click_at(self.ask(f"centre_of({widget})"))

    def click_at(self, place: list[int], button: int = 1) -> None:
        self.actions += 1
        x, y = map(str, place)
        with self._arrival("clicks"):
            self._xdotool("mousemove", x, y, "click", str(button))

    def drag(self, places: list[tuple[float, float]], wait: float = 0.03) -> None:
        """Hold the left button from the first place of the map to the last."""
        self.actions += 1
        pixels = [self.ask(f"on_screen({x!r}, {y!r})") for x, y in places]
        self._xdotool("mousemove", *map(str, pixels[0]), "mousedown", "1")
        for pixel in pixels[1:]:
            self._xdotool("mousemove", *map(str, pixel))
            time.sleep(wait)
        with self._arrival("clicks"):
            self._xdotool("mouseup", "1")

    def fill_screen(self) -> None:
        window = str(self.ask("int(iface.mainWindow().winId())"))
        self._xdotool("windowmove", window, "0", "0", "windowsize", window, str(SIZE[0]), str(SIZE[1] - 20))
        self.wait(f"iface.mainWindow().width() == {SIZE[0]}")

    def keyboard(self, layout: str) -> None:
        """Give the screen the keyboard of a country."""
        subprocess.run([KEYBOARDS, "-display", self.display, layout], check=True)

    def kill(self) -> None:
        """Kill QGIS, as a crash or a power cut does."""
        self.process.kill()
        self.process.wait()

    @contextmanager
    def _arrival(self, kind: str) -> Iterator[None]:
        """Wait until a key or a click has reached QGIS. Questions go another way, which may be faster."""
        if kind == "keys":
            self.wait("takes_keys()")
        before = self.ask(f"inputs.count({kind!r})")
        yield
        self.wait(f"inputs.count({kind!r})", wanted=lambda value: value > before)

    def _xdotool(self, *words: str) -> None:
        environment = {**os.environ, "DISPLAY": self.display}
        subprocess.run([XDOTOOL, *words], check=True, env=environment, timeout=PATIENCE)


@contextmanager
def screen(folder: Path) -> Iterator[str]:
    """Start an X server with a window manager, and yield the name of its display."""
    reading, writing = os.pipe()
    command = [XVFB, "-displayfd", str(writing), "-screen", "0", f"{SIZE[0]}x{SIZE[1]}x24", "-nolisten", "tcp"]
    with (folder / "screen.log").open("w") as log:
        server = subprocess.Popen(command, pass_fds=[writing], stdout=log, stderr=log)
        os.close(writing)
        with os.fdopen(reading) as told:
            display = f":{told.readline().strip()}"
        manager = subprocess.Popen([WINDOWS], env={**os.environ, "DISPLAY": display}, stdout=log, stderr=log)
        try:
            yield display
        finally:
            for process in (manager, server):
                process.terminate()
                process.wait()


@contextmanager
def desktop(folder: Path, display: str, project: Path | None = None) -> Iterator[Desktop]:
    """Start QGIS with an own profile, the plug-in in it, and end it by force at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    profile = folder / "profiles" / "default"
    if not profile.exists():
        unpack_plugin(profile / "python" / "plugins")
        (profile / "QGIS").mkdir()
        (profile / "QGIS" / "QGIS3.ini").write_text(_SETTINGS.format(program=program(folder)), "utf-8")
    runtime = folder / "runtime"
    runtime.mkdir(mode=0o700, exist_ok=True)
    probe = folder / "probe"
    own = ("PYTHONPATH", "VIRTUAL_ENV", "QT_QPA_PLATFORM", "WAYLAND_DISPLAY")
    environment = {name: value for name, value in os.environ.items() if name not in own}
    environment |= {
        "DISPLAY": display,
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(runtime),
        "QGIS_PROBE": str(probe),
        "LC_ALL": "C.UTF-8",
    }
    command = [
        *(["chroot", ROOT_OF_QGIS] if ROOT_OF_QGIS else []),
        QGIS,
        "--nologo",
        "--noversioncheck",
        "--profiles-path",
        folder,
        "--lang",
        "en",
    ]
    # QGIS forgets the names of a script that it has run, and those of a module it keeps.
    start = folder / "start.py"
    start.write_text(f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport qgis_probe\n", "utf-8")
    command += ["--code", start, *([project] if project else [])]
    with (folder / "qgis.log").open("a") as log:
        process = subprocess.Popen(
            [*map(str, command)], env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True
        )
        started = Desktop(display, folder, process, probe)
        try:
            _await(probe, process, folder)
            started.fill_screen()
            if project is not None:
                started.wait("loop() is not None")
                started.settle()
            yield started
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            probe.unlink(missing_ok=True)


def program(folder: Path) -> Path:
    """Write a program that is this checkout's, whatever the environment has installed."""
    script = folder / "alcd-otb"
    start = "exec chroot /host env" if ROOT_OF_QGIS else "exec env"
    text = f'#!/bin/sh\n{start} PYTHONPATH="{ROOT}" "{sys.executable}" -m alcd_otb "$@"\n'
    script.write_text(text, "utf-8")
    script.chmod(0o755)
    return script


def run_scene(scene: Path) -> None:
    """Run a scene by the command line, as before QGIS is started."""
    ended = alcd("run", scene, "-q")
    assert ended.returncode == 0, ended.stderr


def _connected(probe: Path) -> socket.socket:
    """Connect to the probe, which may not listen yet although its file is there."""
    end = time.monotonic() + PATIENCE
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        try:
            connection.connect(str(probe))
        except ConnectionRefusedError:
            connection.close()
            assert time.monotonic() < end, "the probe does not listen"
            time.sleep(0.05)
        else:
            return connection


def _await(probe: Path, process: "subprocess.Popen[bytes]", folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not probe.exists():
        assert process.poll() is None, (folder / "qgis.log").read_text("utf-8", "replace")[-3000:]
        assert time.monotonic() < end, "QGIS does not start"
        time.sleep(0.1)
