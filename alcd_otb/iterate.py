"""One turn of the loop: train on the samples, classify the scene, clean the map, measure it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from osgeo import gdal

from alcd_otb.accuracy import BinaryMetrics, ConfusionMatrix, matrix_csv, summarise
from alcd_otb.config import SceneConfig, Template
from alcd_otb.errors import ConfigurationError
from alcd_otb.grid import Grid
from alcd_otb.legend import NO_DATA, Legend
from alcd_otb.rasters import build_overviews, copying, values_at
from alcd_otb.sample_checks import check_samples
from alcd_otb.sample_files import write_pixels, write_samples
from alcd_otb.sample_pixels import PixelSet, grow, thinned
from alcd_otb.samples import Sample, split_samples
from alcd_otb.workspace import Workspace, write_json
from otb_pipelines.app import Application, OtbError, Target
from otb_pipelines.classify import build_classification, build_median, build_regularisation
from otb_pipelines.confusion import confusion_matrix
from otb_pipelines.masks import build_formula
from otb_pipelines.settings import Settings
from otb_pipelines.train import (
    Parameters,
    build_statistics,
    check_parameters,
    classifiers,
    largest_confidence,
    needs_scaling,
    train,
    why_unfit,
    with_noisy_copies,
)

gdal.UseExceptions()

log = logging.getLogger(__name__)

_CLASS_FIELD = "class"
_RASTER_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE"}


@dataclass
class Stopwatch:
    """Seconds spent in each named step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timing(self, step: str) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = round(time.monotonic() - start, 3)


def check_classifier(config: SceneConfig, settings: Settings) -> None:
    """Raises ConfigurationError where this OTB lacks the template's classifier, or one of its parameters is wrong."""
    name = str(config.template.classifier["classifier"])
    there = classifiers(settings)
    if name not in there:
        raise ConfigurationError(f"classifier {name!r} is not in this OTB; there are {', '.join(there)}")
    try:
        check_parameters(config.template.classifier, settings)
    except OtbError as error:
        raise ConfigurationError(f"classifier: {error}") from error


def run_iteration(
    config: SceneConfig,
    grid: Grid,
    workspace: Workspace,
    folder: Path,
    samples: tuple[Sample, ...],
    stopwatch: Stopwatch,
    settings: Settings,
) -> dict[str, object]:
    """Fill the folder of an iteration in the making; returns what metrics.json holds."""
    template, legend = config.template, config.template.legend
    with stopwatch.timing("samples"):
        report = check_samples(samples, legend, grid, workspace.valid)
        for warning in report.warnings:
            log.warning("%s", warning)
        training, validation = _pixels(config, report.kept, grid, workspace)
        unfit = why_unfit(template.classifier, len(training.counts))
        if unfit is not None:
            raise ConfigurationError(f"classifier: {unfit}; choose another one")
        write_samples(folder / "samples.gpkg", samples, legend, grid)
        write_pixels(folder / "training.gpkg", training, grid, _CLASS_FIELD)
    with stopwatch.timing("train"):
        statistics = _statistics(config, workspace, folder, settings)
        model = folder / f"model.{_classifier(config)}"
        _train(workspace.features, training, model, template, statistics, settings)
    with stopwatch.timing("classify"):
        application = build_classification(workspace.features, model, workspace.valid, statistics, settings)
        confident = _classify(application, template.classifier, folder, settings)
    with stopwatch.timing("regularise"):
        _write_labels(folder, template.regularisation.radius, legend, settings)
    if confident and template.confidence.radius:
        with stopwatch.timing("confidence"):
            median = build_median(folder / "confidence.tif", template.confidence.radius, settings)
            smoothed = Target(folder / "confidence_smoothed.tif", "float", _RASTER_OPTIONS, nodata=0)
            median.write({"out": smoothed})
    with stopwatch.timing("accuracy"):
        metrics = _measure(folder, validation, legend, grid, settings)
        metrics["samples"] = {
            legend.with_code(code).name: sum(one.code == code for one in report.kept)
            for code in sorted({one.code for one in report.kept})
        }
        metrics["training_pixels"] = {legend.with_code(code).name: n for code, n in training.counts.items()}
        metrics["warnings"] = list(report.warnings)
        write_json(folder / "metrics.json", metrics)
    return metrics


def _classifier(config: SceneConfig) -> str:
    return str(config.template.classifier["classifier"])


def _pixels(
    config: SceneConfig, samples: tuple[Sample, ...], grid: Grid, workspace: Workspace
) -> tuple[PixelSet, PixelSet]:
    settings = config.template.samples
    training, validation = split_samples(samples, settings.training_proportion, settings.seed)
    trained, validated = grow(training, validation, settings.growth, grid, workspace.valid)
    return thinned(trained, settings.most_pixels_per_class, settings.seed), validated


def _statistics(config: SceneConfig, workspace: Workspace, folder: Path, settings: Settings) -> Path | None:
    """Means and deviations of the features, for a classifier that weighs one feature against another."""
    if not needs_scaling(_classifier(config)):
        return None
    statistics = folder / "statistics.xml"
    build_statistics(workspace.features, statistics, settings).execute()
    return statistics


def _train(
    features: Path,
    training: PixelSet,
    model: Path,
    template: Template,
    statistics: Path | None,
    settings: Settings,
) -> None:
    """On the training pixels and their noisy copies."""
    pixels = values_at(features, training.rows, training.columns).astype(np.float64)
    seed = template.samples.seed
    values, codes = with_noisy_copies(pixels, training.codes, template.samples.jitter, seed)
    train(values, codes, model, template.classifier, seed, statistics, settings)


def _classify(application: Application, classifier: Parameters, folder: Path, settings: Settings) -> bool:
    """Write classified.tif and, if there is a confidence between 0 and 1, confidence.tif; whether there is one."""
    targets = {"out": Target(folder / "classified.tif", "uint8", _RASTER_OPTIONS)}
    certain = largest_confidence(classifier)
    confidence = Target(folder / "confidence.tif", "float", _RASTER_OPTIONS, nodata=0)
    if certain is None:
        log.warning("classifier %s gives no confidence between 0 and 1: none is written", classifier["classifier"])
        application.write(targets)
    elif certain == 1:
        application.write(targets | {"confmap": confidence})
    else:
        votes = folder / "votes.tif"
        application.write(targets | {"confmap": Target(votes, "float", _RASTER_OPTIONS)})
        build_formula([votes], f"im1b1/{certain!r}", settings).write({"out": confidence})
        votes.unlink()
    return certain is not None


def _write_labels(folder: Path, radius: int, legend: Legend, settings: Settings) -> None:
    """labels.tif: the regularised map, with colours, names and overviews, which OTB's writer does not know."""
    classified, cleaned = folder / "classified.tif", folder / "cleaned.tif"
    if radius:
        build_regularisation(classified, radius, settings).write({"io.out": Target(cleaned, "uint8")})
    else:
        cleaned = classified
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
    classified.unlink()
    cleaned.unlink(missing_ok=True)


def _measure(folder: Path, validation: PixelSet, legend: Legend, grid: Grid, settings: Settings) -> dict[str, object]:
    pairs: dict[tuple[int, int], int] = {}
    if len(validation):
        reference = folder / "validation.gpkg"
        write_pixels(reference, validation, grid, _CLASS_FIELD)
        table = folder / "confusion.csv"
        pairs = confusion_matrix(folder / "labels.tif", reference, _CLASS_FIELD, table, settings)
        table.unlink()
    else:
        log.warning("no class has a point to validate with: no accuracy can be given; label more points")
    (folder / "confusion_matrix.csv").write_text(matrix_csv(ConfusionMatrix.from_pairs(pairs, legend)))
    binary = BinaryMetrics.from_pairs(pairs, legend.invalid_codes)
    (folder / "invalid_valid_matrix.csv").write_text(matrix_csv(binary.matrix))
    return summarise(pairs, legend)
