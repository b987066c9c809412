"""Cross-validate a classifier: train it on some pixels and classify others, several folds at a time."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from otb_pipelines.fold_process import FoldProcess
from otb_pipelines.folds import FoldPixels, FoldTraining, classify_fold
from otb_pipelines.pixels import classify_pixels
from otb_pipelines.settings import Settings
from otb_pipelines.train import Parameters

__all__ = ["FoldPixels", "classify_folds", "classify_pixels"]

# Seconds between two reports of the progress.
_PATIENCE = 0.1


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
        The classifier's parameters. `classifier_for` has chosen it, where it depends on the number of pixels.
    seed
        Seed of the training.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    folder
        An empty folder for the models.
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
    if not folds:
        return []
    training = FoldTraining(classifier, seed, statistics, folder)
    numbered = list(enumerate(folds))
    workers = min(settings.threads, len(folds))
    share = Settings(max(1, settings.ram // workers), 1)
    done: dict[int, NDArray[np.uint8]] = {}
    with ExitStack() as started:
        others = []
        for first in range(1, workers):
            others.append(FoldProcess(numbered[first::workers], training, share))
            started.callback(others[-1].end)

        def report_progress() -> None:
            if settings.progress is not None:
                settings.progress("k-fold", (len(done) + sum(len(other.results) for other in others)) / len(folds))

        for number, pixels in numbered[::workers]:
            done[number] = classify_fold(number, pixels, training, Settings(share.ram, settings.threads))
            report_progress()
        for other in others:
            while not other.wait(_PATIENCE):
                report_progress()
            other.check()
            report_progress()
    for other in others:
        done |= other.results
    return [done[number] for number in range(len(folds))]
