"""Write the maps of a scikit-learn classifier: predicted block by block, then cleaned as OTB's are."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.classification.maps import map_targets, write_class_shares
from alcd_otb.classification.otb import warn_of_no_confidence
from alcd_otb.classification.sklearn import (
    Estimator,
    Prediction,
    gives_shares,
    predict,
    save_model,
    train_sklearn,
    workers,
)
from alcd_otb.classification.task import ClassificationTask
from alcd_otb.iterations.record import Stopwatch
from alcd_otb.raster.blocks import SIDE, Source, read_blocks, write_block
from alcd_otb.raster.io import creating
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.legend import NO_DATA
from alcd_otb.settings.template import SKLEARN
from otb_pipelines.app import Application
from otb_pipelines.classify import Cleaning, build_cleaning, build_share_classification, strip_rows
from otb_pipelines.process import gdal, gdal_threads
from otb_pipelines.settings import Settings

_RASTER_OPTIONS = {"TILED": "YES", "COMPRESS": "ZSTD", "ZSTD_LEVEL": "1"}


@dataclass(frozen=True)
class RawMaps:
    """Rasters of a map before it is cleaned.

    Attributes
    ----------
    labels
        Class codes, uint8. None if they are to be chosen from smoothed shares.
    confidence, margin, second
        Share of the first class, its lead over the second, and the second class. None if the classifier gives no
        shares, or they are to be smoothed.
    shares
        One band for each class, in ascending order of the codes. None if there are none, or they are neither wanted
        nor to be smoothed.
    """

    labels: Path | None
    confidence: Path | None
    margin: Path | None
    second: Path | None
    shares: Path | None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The rasters that exist."""
        every = (self.labels, self.confidence, self.margin, self.second, self.shares)
        return tuple(path for path in every if path is not None)


def classify_by_sklearn(task: ClassificationTask, stopwatch: Stopwatch, settings: Settings) -> None:
    """Train a classifier of scikit-learn and write its maps into the folder of the iteration.

    Writes ``model.joblib``, and the maps that `alcd_otb.classification.otb.classify_by_otb` writes.

    Raises
    ------
    ProcessingError
        If scikit-learn cannot train or classify.
    OtbError
        If the maps cannot be cleaned or written.
    """
    template, folder = task.template, task.folder
    with stopwatch.timing("train"):
        values, codes = task.training_values(settings)
        estimator = train_sklearn(values, codes, template.classifier, template.samples.seed, settings)
        save_model(estimator, folder / "model.joblib")
    with stopwatch.timing("classify"):
        if not gives_shares(estimator):
            warn_of_no_confidence(str(template.classifier[SKLEARN]))
        write_maps_by_sklearn(estimator, task, settings)


def write_maps_by_sklearn(estimator: Estimator, task: ClassificationTask, settings: Settings) -> None:
    """Write the maps of a trained classifier: ``cleaned.tif``, and what it gives of the others.

    Parameters
    ----------
    estimator
        The classifier.
    task
        The features, the valid pixels, and the folder for the maps.
    settings
        Memory, threads and progress.

    Raises
    ------
    ProcessingError
        If scikit-learn cannot classify.
    OtbError
        If the maps cannot be cleaned.
    """
    template = task.template
    with gdal_threads(settings.threads):
        certain = 1.0 if gives_shares(estimator) else None
        raw = write_raw_maps(estimator, task, settings)
        smoothing = 0 if certain is None else template.regularisation.deviation(task.grid.resolution)
        cleaning = Cleaning(template.regularisation.radius, template.confidence.radius, certain, smoothing)
        application = _build_maps(raw, task, cleaning, settings)
        rows = strip_rows(task.grid.width, len(task.class_names), settings)
        application.write(map_targets(task, cleaning, certain is not None, rows))
        if template.confidence.shares and raw.shares is not None:
            write_class_shares(raw.shares, task)
        for path in raw.paths:
            path.unlink()


def _build_maps(raw: RawMaps, task: ClassificationTask, cleaning: Cleaning, settings: Settings) -> Application:
    """Build the chain that cleans the raw maps, or makes maps of the smoothed shares."""
    if raw.labels is None and raw.shares is not None:
        return build_share_classification(raw.shares, task.valid, sorted(task.training.counts), cleaning, settings)
    assert raw.labels is not None
    return build_cleaning(raw.labels, raw.confidence, raw.margin, raw.second, cleaning, settings)


def write_raw_maps(estimator: Estimator, task: ClassificationTask, settings: Settings, side: int = SIDE) -> RawMaps:
    """Predict the class of every valid pixel, block by block. Elsewhere all maps are 0.

    The label is the class of the largest share; of several, the one of the lowest code.

    Parameters
    ----------
    estimator
        A trained classifier.
    task
        The features, the valid pixels, and the folder for the rasters.
    settings
        Threads and progress.
    side
        Pixels of a block's side. The maps do not depend on it.

    Raises
    ------
    ProcessingError
        If the classifier fails.
    """
    kinds = _kinds(estimator, task)
    paths = {name: task.folder / f"raw_{name}.tif" for name in kinds}
    bands = open_raster(task.features).RasterCount
    sources = [Source(task.features, tuple(map(str, range(bands)))), Source(task.valid, ("valid",))]
    with ExitStack() as opened:
        pool = opened.enter_context(workers(settings.threads))
        datasets = {
            name: opened.enter_context(creating(paths[name], task.grid, kind, _RASTER_OPTIONS, count))
            for name, (kind, count) in kinds.items()
        }
        done = 0
        for block in read_blocks(sources, task.grid, side=side):
            valid = block["valid"] == 1
            prediction = predict(estimator, task.template.classifier, block.values[:bands, valid].T, pool)
            maps = _maps(prediction, estimator.classes_)
            for name, dataset in datasets.items():
                values = np.zeros((*maps[name].shape[:-1], *block.shape), maps[name].dtype)
                values[..., valid] = maps[name]
                write_block(dataset, values, block.window)
            done += valid.size
            if settings.progress is not None:
                settings.progress("classify", done / (task.grid.width * task.grid.height))
    return RawMaps(*(paths.get(name) for name in ("labels", "confidence", "margin", "second", "shares")))


def _kinds(estimator: Estimator, task: ClassificationTask) -> dict[str, tuple[int, int]]:
    """List the raw maps to write, with GDAL's type and the number of bands of each."""
    code, share = (gdal.GDT_Byte, 1), (gdal.GDT_Float32, 1)
    if not gives_shares(estimator):
        return {"labels": code}
    shares = {"shares": (gdal.GDT_Float32, len(estimator.classes_))}
    if task.template.regularisation.deviation(task.grid.resolution):
        return shares
    maps = {"labels": code, "confidence": share, "margin": share, "second": code}
    return {**maps, **shares} if task.template.confidence.shares else maps


def _maps(prediction: Prediction, classes: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Compute the values of each map, by its name: (pixels,), and (classes, pixels) for the shares."""
    if prediction.shares is None:
        return {"labels": prediction.codes}
    every = np.arange(len(prediction.codes))
    first = prediction.shares.argmax(axis=1)
    largest = prediction.shares[every, first]
    others = prediction.shares.copy()
    others[every, first] = -1
    second = others.argmax(axis=1)
    only_class = len(classes) == 1
    return {
        "labels": prediction.codes,
        "confidence": largest.astype(np.float32),
        "margin": (largest - (0 if only_class else others[every, second])).astype(np.float32),
        "second": np.full(second.shape, NO_DATA, np.uint8) if only_class else classes[second].astype(np.uint8),
        "shares": prediction.shares.T.astype(np.float32),
    }
