"""Start a process that works on folds, and collect its results."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.errors import OtbError
from otb_pipelines.fold_worker import START, send_folds
from otb_pipelines.folds import FoldPixels, FoldTraining
from otb_pipelines.messages import PipeClosedError, receive_arrays
from otb_pipelines.settings import Settings


class FoldProcess:
    """A process that works on folds. A thread of this process sends them and collects the results.

    Parameters
    ----------
    folds
        Number and pixels of each fold.
    training
        Classifier, seed, statistics and folder.
    settings
        Memory and threads of the process.

    Attributes
    ----------
    results
        Class codes by the numbers of the folds that are done.
    """

    def __init__(self, folds: Sequence[tuple[int, FoldPixels]], training: FoldTraining, settings: Settings) -> None:
        self.results: dict[int, NDArray[np.uint8]] = {}
        self._folds, self._training, self._settings = folds, training, settings
        # In memory: it needs no disk, and cannot block the process at any length.
        self._messages = os.fdopen(os.memfd_create("messages"), "w+b")
        self._process = subprocess.Popen(
            # -P: what lies in the current folder is not imported.
            [sys.executable, "-P", "-c", START, *_module_folders()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._messages,
        )
        self._thread = threading.Thread(target=self._exchange, name="folds", daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended, but no longer than some seconds. Return whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def check(self) -> None:
        """Raise an OtbError if the process, which has ended, failed."""
        code = self._process.wait()
        self._messages.seek(0)
        messages = self._messages.read().decode(errors="replace").strip().splitlines()
        if code < 0:
            raise OtbError(f"a process that trains was ended by signal {-code}; is there enough memory?")
        if code or len(self.results) < len(self._folds):
            raise OtbError(messages[-1] if messages else f"a process that trains ended with code {code}")

    def end(self) -> None:
        """End the process, wherever it is."""
        self._process.kill()
        self._process.wait()
        self._thread.join()
        self._messages.close()

    def _exchange(self) -> None:
        task, results = self._process.stdin, self._process.stdout
        assert task is not None
        assert results is not None
        try:
            with self._process:
                send_folds(task, self._folds, self._training, self._settings)
                for number, _ in self._folds:
                    self.results[number] = receive_arrays(results)["codes"]
        except (PipeClosedError, BrokenPipeError):
            # The process has ended early: `check` raises the reason.
            return


def _module_folders() -> list[str]:
    """List where the new process finds this package and OTB's module, as this process does."""
    otb = find_spec("otbApplication")
    places = [os.path.abspath(Path(__file__).parents[1])]
    if otb is not None and otb.origin is not None:
        places.append(os.path.dirname(os.path.abspath(otb.origin)))
    return places
