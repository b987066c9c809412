"""Compute the maps of a window through files, by the functions of a run, for any classifier."""

import tempfile
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.classification.otb import TrainedByOtb, train_by_otb, write_maps_by_otb
from alcd_otb.classification.sklearn import Estimator, train_sklearn
from alcd_otb.classification.sklearn_maps import write_maps_by_sklearn
from alcd_otb.classification.task import ClassificationTask
from alcd_otb.files.folders import scratch_folder
from alcd_otb.live.labelled import LabelledScene, Labelling
from alcd_otb.live.maps import Cancellation, Maps
from alcd_otb.live.windows import part_of, with_surroundings
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import creating, reading
from alcd_otb.raster.opening import open_raster
from otb_pipelines.process import gdal, gdal_threads
from otb_pipelines.settings import Settings

_ROWS = 256
"""Rows that are copied at a time."""


class MapsByFiles:
    """Trains and classifies through files, one window at a time. It serves every classifier.

    Parameters
    ----------
    labelling
        The scene and its template.
    settings
        Memory and threads.
    lock
        Held by the thread that runs OTB's applications.
    """

    def __init__(self, labelling: Labelling, settings: Settings, lock: threading.Lock) -> None:
        self._labelling = labelling
        self._settings = settings
        self._lock = lock
        self._trained: tuple[int, TrainedByOtb | Estimator] | None = None
        self._opened = ExitStack()
        # Not in the workspace, where each run removes what seems to be left of another.
        self._folder = Path(self._opened.enter_context(tempfile.TemporaryDirectory(prefix="alcd-otb-live-")))

    def close(self) -> None:
        """Remove the files."""
        with self._lock:
            self._opened.close()

    def maps(self, labelled: LabelledScene, window: Window, draft: bool, cancelled: Cancellation) -> Maps | None:
        """Compute the maps of a window. There is no draft.

        Parameters
        ----------
        labelled
            The samples, which can be trained on.
        window
            The window of the scene's grid.
        draft
            Without a meaning here.
        cancelled
            Looked at before each step.

        Returns
        -------
        Maps or None
            None if the computation was cancelled. The corrections are not burnt.

        Raises
        ------
        OtbError, ProcessingError
            If something cannot be computed.
        """
        del draft
        with self._lock:
            if cancelled.is_cancelled:
                return None
            trained = self._classifier(labelled)
            if cancelled.is_cancelled:
                return None
            with scratch_folder(self._folder) as folder:
                return self._classified(trained, labelled, window, folder)

    def _classifier(self, labelled: LabelledScene) -> TrainedByOtb | Estimator:
        if self._trained is None or self._trained[0] != labelled.revision:
            task = self._task(labelled, self._folder)
            if task.template.uses_sklearn:
                values, codes = task.training_values(self._settings)
                parameters, seed = task.template.classifier, task.template.samples.seed
                self._trained = labelled.revision, train_sklearn(values, codes, parameters, seed, self._settings)
            else:
                self._trained = labelled.revision, train_by_otb(task, self._settings)
        return self._trained[1]

    def _task(self, labelled: LabelledScene, folder: Path) -> ClassificationTask:
        labelling, workspace = self._labelling, self._labelling.workspace
        assert labelled.training is not None
        return ClassificationTask(
            labelling.template, workspace.features, workspace.valid, labelling.grid, labelled.training, folder
        )

    def _classified(
        self, trained: TrainedByOtb | Estimator, labelled: LabelledScene, window: Window, folder: Path
    ) -> Maps:
        around = with_surroundings(window, self._reach, self._labelling.grid)
        grid = part_of(self._labelling.grid, around)
        task = replace(self._task(labelled, folder), grid=grid)
        features, valid = folder / "features.tif", folder / "valid.tif"
        with gdal_threads(self._settings.threads):
            _copy_part(task.features, features, around, grid)
            _copy_part(task.valid, valid, around, grid)
        task = replace(task, features=features, valid=valid)
        settings = replace(self._settings, progress=None)
        if isinstance(trained, TrainedByOtb):
            write_maps_by_otb(trained, task, settings)
        else:
            write_maps_by_sklearn(trained, task, settings)
        inside = Window(window.row - around.row, window.column - around.column, window.rows, window.columns)
        labels, confidence, margin, second = (
            _read_part(folder / f"{name}.tif", inside) for name in ("cleaned", "confidence", "margin", "second")
        )
        assert labels is not None
        return Maps(window, labelled.revision, labels, confidence, margin, second)

    @property
    def _reach(self) -> int:
        """The distance in pixels up to which pixels affect each other."""
        template = self._labelling.template
        smoothing = template.regularisation.deviation(self._labelling.grid.resolution)
        return max(template.regularisation.radius, template.confidence.radius, int(2 * smoothing) + 2)


def _copy_part(source: Path, target: Path, window: Window, grid: Grid) -> None:
    """Copy a window of a raster into a file of its own, by strips."""
    with reading(source):
        dataset = open_raster(source)
    kind = dataset.GetRasterBand(1).DataType
    with creating(target, grid, kind, {"TILED": "YES", "INTERLEAVE": "BAND"}, dataset.RasterCount) as copy:
        for number in range(1, dataset.RasterCount + 1):
            copy.GetRasterBand(number).SetDescription(dataset.GetRasterBand(number).GetDescription())
        for row in range(0, window.rows, _ROWS):
            rows = min(_ROWS, window.rows - row)
            with reading(source):
                values = dataset.ReadAsArray(window.column, window.row + row, window.columns, rows)
            copy.WriteArray(values, 0, row)


def _read_part(path: Path, window: Window) -> NDArray[Any] | None:
    """Read a window of a map. None if the classifier does not give it."""
    if not path.is_file():
        return None
    with reading(path):
        dataset: gdal.Dataset = open_raster(path)
        values = dataset.ReadAsArray(window.column, window.row, window.columns, window.rows)
    return np.ascontiguousarray(values)
