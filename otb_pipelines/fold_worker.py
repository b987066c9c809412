"""Work on folds in a separate process, which gets them through its standard input.

The process ends with its parent, in any case.
"""

import ctypes
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from otb_pipelines.errors import OtbError
from otb_pipelines.folds import FoldPixels, FoldTraining, classify_fold
from otb_pipelines.messages import PipeClosedError, receive_arrays, receive_json, send_arrays, send_json
from otb_pipelines.own_process import own_process
from otb_pipelines.settings import Settings

START = (
    "import sys; sys.path[:0], sys.argv[1:] = sys.argv[1:2], sys.argv[2:]; sys.path += sys.argv[1:]; "
    "from otb_pipelines.fold_worker import main; sys.exit(main())"
)
"""The Python code of the new process. Its arguments are the folder of this package and more folders of modules."""

_SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux."""


def send_folds(
    pipe: IO[bytes], folds: Sequence[tuple[int, FoldPixels]], training: FoldTraining, settings: Settings
) -> None:
    """Send folds to the process that works on them.

    Parameters
    ----------
    pipe
        The standard input of the process.
    folds
        Number and pixels of each fold.
    training
        Classifier, seed, statistics and folder.
    settings
        Memory and threads of the process.
    """
    task = {
        "parent": os.getpid(),
        "folds": [number for number, _ in folds],
        "classifier": dict(training.classifier),
        "seed": training.seed,
        "statistics": None if training.statistics is None else str(training.statistics),
        "folder": str(training.folder),
        "ram": settings.ram,
        "threads": settings.threads,
    }
    send_json(pipe, task)
    for _, pixels in folds:
        send_arrays(pipe, {"values": pixels.values, "codes": pixels.codes, "unknown": pixels.unknown})


def main() -> int:
    """Classify the folds that standard input holds, and write the class codes of each to standard output."""
    ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    own_process()
    logging.getLogger("otb_pipelines").setLevel(logging.CRITICAL)
    results = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not come between.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        _work(sys.stdin.buffer, results)
    except OtbError as error:
        print(error, file=sys.stderr)
        return 1
    except (PipeClosedError, BrokenPipeError):
        # The parent has ended, and no process waits for the results.
        return 1
    except OSError as error:
        print(f"{error.filename or 'the operating system'}: {error.strerror or error}", file=sys.stderr)
        return 1
    except MemoryError:
        print("memory ran out", file=sys.stderr)
        return 1
    return 0


def _work(task: IO[bytes], results: IO[bytes]) -> None:
    content = receive_json(task)
    if content["parent"] != os.getppid():
        raise PipeClosedError
    statistics = content["statistics"]
    training = FoldTraining(
        classifier=content["classifier"],
        seed=content["seed"],
        statistics=None if statistics is None else Path(statistics),
        folder=Path(content["folder"]),
    )
    folds = [(number, FoldPixels(**receive_arrays(task))) for number in content["folds"]]
    for number, pixels in folds:
        codes = classify_fold(number, pixels, training, Settings(content["ram"], content["threads"]))
        send_arrays(results, {"codes": codes})
