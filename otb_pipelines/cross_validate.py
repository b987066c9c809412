"""Cross-validate a classifier: train it on some pixels and classify others, several folds at a time."""

import logging
import os
import pickle
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.app import Application, Target, Value
from otb_pipelines.errors import OtbError
from otb_pipelines.pixel_image import pixel_image
from otb_pipelines.process import gdal
from otb_pipelines.settings import Settings
from otb_pipelines.train import Codes, Parameters, Training, Values, train

# Seconds between two looks at the other processes.
_PATIENCE = 0.02


@dataclass(frozen=True, eq=False)
class FoldPixels:
    """The pixels of one fold.

    Attributes
    ----------
    values
        Features of the training pixels, (pixels, features).
    codes
        Class codes of the training pixels, (pixels).
    unknown
        Features of the pixels to classify, (pixels, features).
    """

    values: Values
    codes: Codes
    unknown: NDArray[np.float32]


def classify_folds(
    folds: Sequence[FoldPixels],
    classifier: Parameters,
    seed: int,
    statistics: Path | None,
    folder: Path,
    settings: Settings,
) -> list[NDArray[np.uint8]]:
    """Train a classifier for each fold, and classify the fold's unknown pixels.

    With several threads, folds are worked on in as many processes, this one among them, because OTB's applications
    cannot run side by side in the threads of one process.

    Parameters
    ----------
    folds
        The pixels of each fold.
    classifier
        TrainVectorClassifier's own parameters.
    seed
        Seed of the training.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    folder
        An empty folder for models and results.
    settings
        Memory and threads of all processes together.

    Returns
    -------
    list of numpy.ndarray
        For each fold, the class codes of its unknown pixels, (pixels).

    Raises
    ------
    OtbError
        A fold cannot be trained or classified.
    """
    workers = min(settings.threads, len(folds))
    jobs = [_Job(number, fold, classifier, seed, statistics, folder) for number, fold in enumerate(folds)]
    share = Settings(max(1, settings.ram // workers), 1)
    with _processes([(jobs[first::workers], share) for first in range(1, workers)], folder) as running:
        for job in jobs[::workers]:
            _classify_fold(job, Settings(share.ram, settings.threads))
            _report_progress(settings, len(folds), folder)
        while any(worker.process.poll() is None for worker in running):
            _report_progress(settings, len(folds), folder)
            time.sleep(_PATIENCE)
        _check(running)
    return [np.load(job.result) for job in jobs]


def classify_pixels(
    pixels: NDArray[np.float32], model: Path, statistics: Path | None, settings: Settings
) -> NDArray[np.uint8]:
    """Classify scattered pixels, by ImageClassifier on an image of one row in memory.

    Parameters
    ----------
    pixels
        Features of the pixels, (pixels, features).
    model
        The file of the trained classifier.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    settings
        Memory and threads.

    Returns
    -------
    numpy.ndarray
        Class codes, (pixels).
    """
    if not len(pixels):
        return np.empty(0, dtype=np.uint8)
    result = f"/vsimem/{uuid.uuid4()}.tif"
    try:
        with pixel_image(pixels) as source:
            parameters: dict[str, Value] = {"in": source, "model": model}
            if statistics is not None:
                parameters["imstat"] = statistics
            Application("ImageClassifier", parameters, settings).write({"out": Target(Path(result), "uint8")})
        image = gdal.OpenEx(result, gdal.OF_RASTER | gdal.OF_VERBOSE_ERROR, allowed_drivers=["GTiff"])
        codes: NDArray[np.uint8] = image.ReadAsArray()[0]
        return codes
    finally:
        gdal.Unlink(result)


@dataclass(frozen=True, eq=False)
class _Job:
    number: int
    pixels: FoldPixels
    classifier: Parameters
    seed: int
    statistics: Path | None
    folder: Path

    @property
    def result(self) -> Path:
        return self.folder / f"codes_{self.number}.npy"


@dataclass(frozen=True)
class _Process:
    """A process that works on folds, and the file of its standard error."""

    process: subprocess.Popen[bytes]
    errors: Path


def _classify_fold(job: _Job, settings: Settings) -> None:
    model = job.folder / f"model_{job.number}"
    train(Training(job.pixels.values, job.pixels.codes, job.classifier, job.seed, job.statistics), model, settings)
    codes = classify_pixels(job.pixels.unknown, model, job.statistics, settings)
    model.unlink()
    np.save(job.result, codes)


def _report_progress(settings: Settings, folds: int, folder: Path) -> None:
    if settings.progress is not None:
        settings.progress("k-fold", len(list(folder.glob("codes_*.npy"))) / folds)


@contextmanager
def _processes(tasks: Sequence[tuple[list[_Job], Settings]], folder: Path) -> Iterator[list[_Process]]:
    """Start a process for each task, and end all of them when the block ends."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running: list[_Process] = []
    try:
        for number, task in enumerate(tasks):
            file, errors = folder / f"task_{number}", folder / f"errors_{number}"
            file.write_bytes(pickle.dumps(task))
            with errors.open("wb") as log:
                running.append(
                    _Process(
                        subprocess.Popen(
                            [sys.executable, "-m", __name__, str(file)],
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL,
                            stderr=log,
                            env=environment,
                        ),
                        errors,
                    )
                )
        yield running
    finally:
        for worker in running:
            worker.process.kill()
            worker.process.wait()


def _check(workers: Sequence[_Process]) -> None:
    for worker in workers:
        code, messages = worker.process.returncode, worker.errors.read_text(errors="replace").strip().splitlines()
        if code < 0:
            raise OtbError(f"a process that trains was ended by signal {-code}; is there enough memory?")
        if code:
            raise OtbError(messages[-1] if messages else f"a process that trains ended with code {code}")


def _main(task: Path) -> int:
    logging.getLogger("otb_pipelines").setLevel(logging.CRITICAL)
    jobs, settings = pickle.loads(task.read_bytes())
    parent = os.getppid()
    try:
        for job in jobs:
            # If the parent was killed, nobody waits for the results.
            if os.getppid() == parent:
                _classify_fold(job, settings)
    except OtbError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
