"""Start and stop the program for a scene, one call at a time, and pass its results to the loop."""

import json
from collections import deque

from qgis.core import QgsSettings
from qgis.PyQt.QtCore import QElapsedTimer, QObject

from .program import THREADS, Program, misfit


class Runs(QObject):
    """The calls of the program for one scene.

    Parameters
    ----------
    scene_file
        The scene.json.
    dock
        Shows how far a call is.
    failed
        Called with the one line with which a call ended.
    """

    def __init__(self, scene_file, dock, failed):
        super().__init__(dock)
        self._scene_file, self._dock, self._failed = scene_file, dock, failed
        self._program = None
        self._waiting = deque()
        self._fits = False
        self._clock = QElapsedTimer()

    @property
    def is_running(self):
        """Whether a call is running."""
        return self._program is not None

    def check(self, again=False):
        """Find out whether the program can be started and fits the plug-in.

        Parameters
        ----------
        again
            Whether to ask again, since the program may have changed.
        """
        if again or not self._fits:
            self._begin("look for the program", ["--version"], self._checked)

    def run(self, made, start=None):
        """Make an iteration, and hand the result to a function, with the warnings and the seconds that it took.

        Parameters
        ----------
        made
            The function.
        start
            Number of the iteration whose samples take the place of the present ones; None to take the present ones.
        """
        if self._scene_file is None or not self._scene_file.is_file():
            named = self._scene_file or "config.json names no scene.json"
            self._failed(
                f"{named}: does not exist; run the scene once on the command line, with the file where it is now"
            )
            return
        self.check()
        threads = int(QgsSettings().value(THREADS, 0))
        options = ["--threads", str(threads)] if threads else []
        options += ["--from", str(start)] if start is not None else []
        words = ["run", str(self._scene_file), "--json", "--progress", "json", *options]
        self._begin("run", words, self._result_for(made))

    def propose(self, made):
        """Request new places from the present samples."""
        self.check()
        self._begin("new places", ["next", str(self._scene_file), "--json"], self._result_for(made))

    def stop(self):
        """Stop the running call, and drop the waiting calls."""
        self._waiting.clear()
        if self._program is not None:
            self._program.stop()
            self._dock.say("The run is being stopped.")

    def close(self):
        """Stop the running call, and wait until it has cleaned up."""
        self._waiting.clear()
        if self._program is not None:
            program, self._program = self._program, None
            program.ended.disconnect()
            program.progressed.disconnect()
            program.stop()
            program.wait()

    def _begin(self, title, words, then):
        self._waiting.append((title, words, then))
        if self._program is None:
            self._go_on()

    def _go_on(self):
        self._dock.show_running("")
        if not self._waiting:
            return
        title, words, then = self._waiting.popleft()
        self._program = program = Program(words, self)
        program.progressed.connect(lambda stage, share: self._dock.show_running(title, stage, share))
        program.ended.connect(lambda code, printed, error: self._ended(then, code, printed, error))
        self._dock.show_running(title)
        self._clock.start()
        program.start()

    def _ended(self, then, code, printed, error):
        program, self._program = self._program, None
        if program.is_stopped:
            self._dock.say("Stopped. The run left no files, and all labels are kept.")
        elif code:
            self._waiting.clear()
            self._failed(error)
        else:
            then(printed, program)
        program.deleteLater()
        self._go_on()

    def _checked(self, printed, _program):
        wrong = misfit(printed)
        self._fits = not wrong
        if wrong:
            self._waiting.clear()
            self._failed(wrong)

    def _result_for(self, made):
        def take(printed, program):
            made(json.loads(printed), program.warnings, self._clock.elapsed() / 1000)

        return take
