"""One turn of the loop: train on the samples, classify the scene, clean the map, measure it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from osgeo import gdal

from alcd_otb.accuracy.confusion import BinaryMetrics, ConfusionMatrix, matrix_csv, summarise
from alcd_otb.classification.class_shares import write_class_shares
from alcd_otb.classification.corrections import burn
from alcd_otb.classification.sklearn import check_sklearn, gives_shares, save_model, train_sklearn, write_raw_maps
from alcd_otb.errors import ConfigurationError, EnvironmentNotReadyError
from alcd_otb.iterations.changes import progress
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import build_overviews, copying, gdal_threads, values_at
from alcd_otb.samples.checks import check_samples
from alcd_otb.samples.pixels import PixelSet, drawn_pixels
from alcd_otb.samples.reading import write_pixels, write_samples
from alcd_otb.samples.sample import Sample, split_samples
from alcd_otb.settings.legend import NO_DATA, Legend
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.settings.template import SKLEARN, Template
from alcd_otb.workspace import Workspace, write_json
from otb_pipelines.app import OtbError, Target, forest_plugin
from otb_pipelines.classify import Cleaning, build_classification, build_cleaning, build_shares, strip_rows
from otb_pipelines.confusion import confusion_matrix
from otb_pipelines.settings import Settings
from otb_pipelines.train import (
    Codes,
    Values,
    check_parameters,
    classifiers,
    gives_margin,
    largest_confidence,
    train,
    why_unfit,
    with_noisy_copies,
    write_statistics,
)

gdal.UseExceptions()

log = logging.getLogger(__name__)

_CLASS_FIELD = "class"
# One thread, so that the same pixels make the same bytes. The quickest level makes a confidence little larger.
_RASTER_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE", "NUM_THREADS": "1"}
_CONFIDENCE_OPTIONS = {**_RASTER_OPTIONS, "ZLEVEL": "1"}


@dataclass
class Stopwatch:
    """Seconds spent in each named step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        """Note the seconds that the block takes, by the step's name."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(time.monotonic() - start, 3)


def check_classifier(config: SceneConfig, settings: Settings) -> None:
    """Raises ConfigurationError where this OTB lacks the template's classifier, or one of its parameters is wrong.

    And EnvironmentNotReadyError where it is scikit-learn's, which is not installed.
    """
    if config.template.uses_sklearn:
        check_sklearn(config.template.classifier, config.template.samples.seed, config.template.confidence.shares)
        return
    name = str(config.template.classifier["classifier"])
    there = classifiers(settings)
    if name not in there:
        raise ConfigurationError(f"classifier {name!r} is not in this OTB; there are {', '.join(there)}")
    try:
        check_parameters(config.template.classifier, settings)
    except OtbError as error:
        raise ConfigurationError(f"classifier: {error}") from error
    if config.template.confidence.shares:
        if name != "rf":
            raise ConfigurationError(f"confidence.shares: classifier {name!r} gives none; choose another one")
        if forest_plugin() is None:
            raise EnvironmentNotReadyError("confidence.shares: the fast forest was not built; run: make install")


def run_iteration(
    config: SceneConfig,
    grid: Grid,
    workspace: Workspace,
    folder: Path,
    samples: tuple[Sample, ...],
    corrections: tuple[Sample, ...],
    start: Path | None,
    stopwatch: Stopwatch,
    settings: Settings,
) -> dict[str, object]:
    """Fill the folder of an iteration in the making; returns what metrics.json holds.

    corrections: polygons for the finished map; nothing is trained or measured with them.
    start: folder of the iteration that the samples are of, where they are not the scene's own.

    Raises SampleError where the samples cannot be used, ConfigurationError where the classifier is not made for so
    many classes, OtbError and ProcessingError where something cannot be computed or written.
    """
    template, legend = config.template, config.template.legend
    with stopwatch.timing("samples"):
        report = check_samples(samples, legend, grid, workspace.valid)
        for warning in report.warnings:
            log.warning("%s", warning)
        learnt, kept_back = split_samples(report.kept, template.samples.training_proportion, template.samples.seed)
        training, validation = drawn_pixels(learnt, kept_back, template, grid, workspace.valid)
        unfit = why_unfit(template.classifier, len(training.counts))
        if unfit is not None:
            raise ConfigurationError(f"classifier: {unfit}; choose another one")
        write_samples(folder / "samples.gpkg", samples, legend, grid, corrections)
        write_pixels(folder / "training.gpkg", training, grid, _CLASS_FIELD)
    if template.uses_sklearn:
        _train_and_classify_by_sklearn(config, grid, workspace, training, folder, stopwatch, settings)
    else:
        with stopwatch.timing("train"):
            statistics = write_statistics(_classifier(config), workspace.features, folder / "statistics.xml", settings)
            model = folder / f"model.{_classifier(config)}"
            _train(workspace.features, training, model, template, statistics, settings)
        with stopwatch.timing("classify"):
            _classify(config, grid, workspace, model, statistics, folder, settings)
        if template.confidence.shares:
            with stopwatch.timing("shares"), gdal_threads(settings.threads):
                raw = folder / "raw_shares.tif"
                shares = build_shares(workspace.features, model, len(training.counts), settings)
                shares.write({"probamap": Target(raw, "float", rows=strip_rows(grid.width, 1, settings))})
                _write_shares(raw, training, config, grid, workspace, folder)
    with stopwatch.timing("accuracy"):
        # Before the corrections: what the operator drew over the map would flatter the figures of the classifier.
        metrics = _measure(folder, validation, legend, grid, settings)
        metrics["reference"] = "samples kept out of training, which are no random sample: not the accuracy of the map"
        metrics["samples"] = {
            legend.with_code(code).name: sum(one.code == code for one in report.kept)
            for code in sorted({one.code for one in report.kept})
        }
        metrics["training_pixels"] = {legend.with_code(code).name: n for code, n in training.counts.items()}
    with stopwatch.timing("labels"):
        corrected = burn(corrections, folder / "cleaned.tif", grid)
        for warning in corrected.warnings:
            log.warning("%s", warning)
        metrics["warnings"] = [*report.warnings, *corrected.warnings]
        metrics["corrections"] = corrected.as_json(legend, grid)
        _describe_labels(folder, legend)
    metrics |= progress(folder, workspace.iterations(), start, legend)
    write_json(folder / "metrics.json", metrics)
    return metrics


def _classifier(config: SceneConfig) -> str:
    return str(config.template.classifier["classifier"])


def _train(
    features: Path,
    training: PixelSet,
    model: Path,
    template: Template,
    statistics: Path | None,
    settings: Settings,
) -> None:
    values, codes = _training_values(features, training, template, settings)
    train(values, codes, model, template.classifier, template.samples.seed, statistics, settings)


def _training_values(
    features: Path, training: PixelSet, template: Template, settings: Settings
) -> tuple[Values, Codes]:
    """Of the training pixels and their noisy copies."""
    with gdal_threads(settings.threads):
        pixels = values_at(features, training.rows, training.columns).astype(np.float64)
    return with_noisy_copies(pixels, training.codes, template.samples.jitter, template.samples.seed)


def _classify(
    config: SceneConfig,
    grid: Grid,
    workspace: Workspace,
    model: Path,
    statistics: Path | None,
    folder: Path,
    settings: Settings,
) -> None:
    """Write cleaned.tif; of a confidence between 0 and 1 confidence.tif and its median; of votes margin and second."""
    template = config.template
    certain = largest_confidence(template.classifier)
    if certain is None:
        _warn_of_no_confidence(_classifier(config))
    cleaning = Cleaning(
        template.regularisation.radius, template.confidence.radius, certain, template.regularisation.smoothing
    )
    rows = strip_rows(grid.width, gdal.Open(str(workspace.features)).RasterCount, settings)
    # Around both: a file is read with the threads that were allowed when it was opened.
    with gdal_threads(settings.threads):
        application = build_classification(
            workspace.features, model, workspace.valid, statistics, _classifier(config), cleaning, settings
        )
        application.write(_map_targets(folder, cleaning, gives_margin(_classifier(config)), rows))


def _train_and_classify_by_sklearn(
    config: SceneConfig,
    grid: Grid,
    workspace: Workspace,
    training: PixelSet,
    folder: Path,
    stopwatch: Stopwatch,
    settings: Settings,
) -> None:
    """Write model.joblib, and what `_classify` does."""
    template = config.template
    with stopwatch.timing("train"):
        values, codes = _training_values(workspace.features, training, template, settings)
        estimator = train_sklearn(values, codes, template.classifier, template.samples.seed, settings)
        save_model(estimator, folder / "model.joblib")
    with stopwatch.timing("classify"), gdal_threads(settings.threads):
        certain = 1.0 if gives_shares(estimator) else None
        if certain is None:
            _warn_of_no_confidence(str(template.classifier[SKLEARN]))
        raw = write_raw_maps(
            estimator,
            template.classifier,
            workspace.features,
            workspace.valid,
            grid,
            folder,
            settings,
            template.confidence.shares,
        )
        cleaning = Cleaning(template.regularisation.radius, template.confidence.radius, certain)
        application = build_cleaning(raw.labels, raw.confidence, raw.margin, raw.second, cleaning, settings)
        application.write(_map_targets(folder, cleaning, certain is not None, strip_rows(grid.width, 1, settings)))
        if raw.shares is not None:
            _write_shares(raw.shares, training, config, grid, workspace, folder)
        for path in raw.paths:
            path.unlink(missing_ok=True)


def _write_shares(
    raw: Path, training: PixelSet, config: SceneConfig, grid: Grid, workspace: Workspace, folder: Path
) -> None:
    """class_shares.tif from a raster of shares, which is removed."""
    names = [config.template.legend.with_code(code).name for code in sorted(training.counts)]
    write_class_shares(raw, workspace.valid, names, grid, folder / "class_shares.tif")
    raw.unlink()


def _warn_of_no_confidence(classifier: str) -> None:
    log.warning("classifier %s gives no confidence between 0 and 1: none is written", classifier)


def _map_targets(folder: Path, cleaning: Cleaning, margin: bool, rows: int) -> dict[str, Target]:
    """Where the outputs of a cleaned classification go. rows: to write at a time."""
    targets = {"out": Target(folder / "cleaned.tif", "uint8", rows=rows)}
    if cleaning.certain is not None:
        targets["confmap"] = Target(folder / "confidence.tif", "float", _CONFIDENCE_OPTIONS, 0, rows)
        if cleaning.median_radius:
            targets["medianmap"] = Target(folder / "confidence_smoothed.tif", "float", _CONFIDENCE_OPTIONS, 0, rows)
    if margin:
        targets["marginmap"] = Target(folder / "margin.tif", "float", _CONFIDENCE_OPTIONS, 0, rows)
        targets["secondmap"] = Target(folder / "second.tif", "uint8", _CONFIDENCE_OPTIONS, NO_DATA, rows)
    return targets


def _describe_labels(folder: Path, legend: Legend) -> None:
    """labels.tif: the cleaned and corrected map with colours, names and overviews, which OTB's writer does not know."""
    cleaned = folder / "cleaned.tif"
    described = gdal.GetDriverByName("VRT").CreateCopy("", gdal.Open(str(cleaned)))
    band = described.GetRasterBand(1)
    colours = gdal.ColorTable()
    names = [""] * (max(legend.codes) + 1)
    names[NO_DATA] = "no data"
    colours.SetColorEntry(NO_DATA, (0, 0, 0, 0))
    for one in legend.classes:
        colours.SetColorEntry(one.code, (*one.rgb, 255))
        names[one.code] = one.name
    band.SetColorTable(colours)
    band.SetCategoryNames(names)
    band.SetNoDataValue(NO_DATA)
    band.SetDescription("class")
    with copying(described, folder / "labels.tif", _RASTER_OPTIONS) as labels:
        # The commonest class of the pixels below: the mean of two codes is a third class.
        build_overviews(labels, "MODE")
    cleaned.unlink()


def _measure(folder: Path, validation: PixelSet, legend: Legend, grid: Grid, settings: Settings) -> dict[str, object]:
    pairs: dict[tuple[int, int], int] = {}
    if len(validation):
        reference = folder / "validation.gpkg"
        write_pixels(reference, validation, grid, _CLASS_FIELD)
        table = folder / "confusion.csv"
        pairs = confusion_matrix(folder / "cleaned.tif", reference, _CLASS_FIELD, table, settings)
        table.unlink()
    else:
        log.warning("no class has a point to validate with: no accuracy can be given; label more points")
    (folder / "confusion_matrix.csv").write_text(matrix_csv(ConfusionMatrix.from_pairs(pairs, legend)))
    binary = BinaryMetrics.from_pairs(pairs, legend)
    (folder / f"{legend.positive.key}_matrix.csv").write_text(matrix_csv(binary.matrix))
    return summarise(pairs, legend)
