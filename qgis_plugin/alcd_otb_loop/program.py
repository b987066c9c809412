"""Start the program alcd_otb in its own environment, and follow its output."""

import json
import os
import shutil
from configparser import ConfigParser
from pathlib import Path

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QObject, QProcess, QProcessEnvironment, pyqtSignal

SETTING = "alcd_otb/program"
"""QGIS's setting with the program, or with the Python that has it."""
THREADS = "alcd_otb/threads"

_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "PYTHONSTARTUP")
"""Variables by which QGIS finds its own modules; they would mislead the program."""
_LAST_WAIT = 15000
"""Milliseconds that a run has to clean up when QGIS ends."""


def plugin_version():
    """Return the version of this plug-in."""
    parser = ConfigParser()
    parser.read(Path(__file__).parent / "metadata.txt", "utf-8")
    return parser["general"]["version"]


def command():
    """Return the words that start the program: of the setting, of who unpacked the plug-in, or found on the path."""
    chosen = QgsSettings().value(SETTING, "") or ""
    if chosen:
        return _words(chosen)
    beside = Path(__file__).parent / "program.json"
    if beside.is_file():
        return json.loads(beside.read_text("utf-8"))["command"]
    return _words(shutil.which("alcd-otb") or "alcd-otb")


def _words(program):
    """Return the words that start a program; a Python starts the package."""
    return [program, "-m", "alcd_otb"] if os.path.basename(program).lower().startswith("python") else [program]


def misfit(told):
    """Describe why a program does not fit this plug-in; empty if it fits.

    Parameters
    ----------
    told
        What the program prints for ``--version``.
    """
    own, words = plugin_version(), told.split()
    if len(words) != 2 or words[0] != "alcd_otb":
        return f"the program prints {told[:80]!r}, and is not alcd_otb; choose it in the settings"
    if words[1].split(".")[:2] == own.split(".")[:2]:
        return ""
    return (
        f"the program is alcd_otb {words[1]} and the plug-in is of {own}; both must have the same version. "
        "Install the plug-in again: alcd-otb qgis-plugin FOLDER, then start QGIS again"
    )


class Program(QObject):
    """One call of the program.

    Signals: ``progressed`` with the stage and the share that is done, 0 to 1; ``told`` with a line for people;
    ``ended`` with the exit code, what was printed, and the error's own line.
    """

    progressed = pyqtSignal(str, float)
    told = pyqtSignal(str)
    ended = pyqtSignal(int, str, str)

    def __init__(self, arguments, parent=None):
        super().__init__(parent)
        self.arguments = list(arguments)
        self.warnings = []
        self.is_stopped = False
        self._errors, self._rest, self._over = [], b"", False
        self._process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        for name in _FOREIGN:
            environment.remove(name)
        self._process.setProcessEnvironment(environment)
        self._process.readyReadStandardError.connect(self._listen)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed)

    def start(self):
        """Start the program."""
        program, *words = [*command(), *self.arguments]
        self._process.start(program, words)

    def stop(self):
        """Ask the program to end. It removes what is unfinished, and ``ended`` follows."""
        self.is_stopped = True
        self._process.terminate()

    def wait(self):
        """Wait until the program has ended, before QGIS does."""
        self._process.waitForFinished(_LAST_WAIT)

    def _listen(self):
        self._rest += bytes(self._process.readAllStandardError())
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._hear(line.decode("utf-8", "replace").strip())

    def _hear(self, line):
        if line.startswith("{"):
            event = json.loads(line)
            self.progressed.emit(event["stage"], event["done"] / event["of"])
            return
        kind, _, text = line.partition(": ")
        if kind == "ERROR":
            self._errors.append(text)
        elif kind == "WARNING":
            self.warnings.append(text)
            self.told.emit(text)
        elif kind == "INFO":
            self.told.emit(text)

    def _finished(self, code, status):
        if self._over:
            return
        self._over = True
        self._listen()
        if self._rest:
            self._hear(self._rest.decode("utf-8", "replace").strip())
        crashed = status == QProcess.ExitStatus.CrashExit
        error = self._errors[-1] if self._errors else ""
        if (crashed or code) and not error:
            error = f"the program {'was killed' if crashed else f'ended with code {code}'}, and printed nothing"
        self.ended.emit(code or int(crashed), bytes(self._process.readAllStandardOutput()).decode("utf-8"), error)

    def _failed(self, error):
        if error == QProcess.ProcessError.FailedToStart and not self._over:
            self._over = True
            told = (
                f"{command()[0]}: cannot be started ({self._process.errorString()}); choose the program in the settings"
            )
            self.ended.emit(-1, "", told)
