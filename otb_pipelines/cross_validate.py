"""Cross-validation: train on some pixels, classify others, fold by fold, and several folds at a time."""

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

_PATIENCE = 0.02


@dataclass(frozen=True, eq=False)
class FoldPixels:
    """values: (pixels, features) to train on; codes: (pixels,) their classes; unknown: (pixels, features) to tell."""

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
    """The codes that each fold's forest, trained on its pixels, gives its unknown ones.

    With several threads, folds are worked on in as many processes, this one among them: OTB's applications cannot run
    side by side in the threads of one. folder: an empty one, for models and results.

    Raises OtbError where a fold cannot be trained or classified.
    """
    workers = min(settings.threads, len(folds))
    jobs = [_Job(number, fold, classifier, seed, statistics, folder) for number, fold in enumerate(folds)]
    share = Settings(max(1, settings.ram // workers), 1)
    with _processes([(jobs[first::workers], share) for first in range(1, workers)], folder) as running:
        for job in jobs[::workers]:
            _work(job, Settings(share.ram, settings.threads))
            _tell(settings, len(folds), folder)
        while any(one.process.poll() is None for one in running):
            _tell(settings, len(folds), folder)
            time.sleep(_PATIENCE)
        _check(running)
    return [np.load(job.result) for job in jobs]


def classify_pixels(
    pixels: NDArray[np.float32], model: Path, statistics: Path | None, settings: Settings
) -> NDArray[np.uint8]:
    """(pixels,) class codes of (pixels, features), by ImageClassifier on an image of one row in memory."""
    if not len(pixels):
        return np.empty(0, dtype=np.uint8)
    result = f"/vsimem/{uuid.uuid4()}.tif"
    try:
        with pixel_image(pixels) as source:
            parameters: dict[str, Value] = {"in": source, "model": model}
            if statistics is not None:
                parameters["imstat"] = statistics
            Application("ImageClassifier", parameters, settings).write({"out": Target(Path(result), "uint8")})
        codes: NDArray[np.uint8] = gdal.Open(result).ReadAsArray()[0]
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
    """said: the file of its standard error."""

    process: subprocess.Popen[bytes]
    said: Path


def _work(job: _Job, settings: Settings) -> None:
    model = job.folder / f"model_{job.number}"
    train(Training(job.pixels.values, job.pixels.codes, job.classifier, job.seed, job.statistics), model, settings)
    codes = classify_pixels(job.pixels.unknown, model, job.statistics, settings)
    model.unlink()
    np.save(job.result, codes)


def _tell(settings: Settings, folds: int, folder: Path) -> None:
    if settings.progress is not None:
        settings.progress("k-fold", len(list(folder.glob("codes_*.npy"))) / folds)


@contextmanager
def _processes(tasks: Sequence[tuple[list[_Job], Settings]], folder: Path) -> Iterator[list[_Process]]:
    """A process for each task, none of which outlives the block."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    running: list[_Process] = []
    try:
        for number, task in enumerate(tasks):
            file, said = folder / f"task_{number}", folder / f"said_{number}"
            file.write_bytes(pickle.dumps(task))
            with said.open("wb") as log:
                running.append(
                    _Process(
                        subprocess.Popen(
                            [sys.executable, "-m", __name__, str(file)],
                            stdin=subprocess.DEVNULL,
                            stdout=subprocess.DEVNULL,
                            stderr=log,
                            env=environment,
                        ),
                        said,
                    )
                )
        yield running
    finally:
        for process in running:
            process.process.kill()
            process.process.wait()


def _check(processes: Sequence[_Process]) -> None:
    for one in processes:
        code, said = one.process.returncode, one.said.read_text(errors="replace").strip().splitlines()
        if code < 0:
            raise OtbError(f"a process that trains was ended by signal {-code}; is there enough memory?")
        if code:
            raise OtbError(said[-1] if said else f"a process that trains ended with code {code}")


def _main(task: Path) -> int:
    logging.getLogger("otb_pipelines").setLevel(logging.CRITICAL)
    jobs, settings = pickle.loads(task.read_bytes())
    parent = os.getppid()
    try:
        for job in jobs:
            # Nobody waits for the results of a parent that was killed.
            if os.getppid() == parent:
                _work(job, settings)
    except OtbError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
