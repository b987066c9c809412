"""Check OTB's classifiers, train them on the pixels of the samples, and apply them to the whole scene."""

import logging
from dataclasses import dataclass
from pathlib import Path

from alcd_otb.classification.maps import map_targets, write_class_shares
from alcd_otb.classification.task import ClassificationTask
from alcd_otb.errors import ConfigurationError
from alcd_otb.iterations.record import Stopwatch
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.template import Template
from otb_pipelines.app import Target
from otb_pipelines.classify import ClassifiedScene, Cleaning, build_classification, build_shares, strip_rows
from otb_pipelines.errors import OtbError
from otb_pipelines.process import gdal_threads
from otb_pipelines.settings import Settings
from otb_pipelines.train import (
    LOGISTIC,
    Parameters,
    Training,
    check_parameters,
    classifier_for,
    classifiers,
    gives_margin,
    largest_confidence,
    train,
    write_statistics,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainedByOtb:
    """A classifier that OTB has trained.

    Attributes
    ----------
    classifier
        Its parameters, ``classifier`` and ``classifier.*``.
    model
        The file of the model.
    statistics
        The file of the features' statistics. None if the classifier needs none.
    """

    classifier: Parameters
    model: Path
    statistics: Path | None


def check_otb_classifier(template: Template, settings: Settings) -> None:
    """Check a template's classifier before anything runs.

    Raises
    ------
    ConfigurationError
        If this OTB does not have the classifier, or a parameter is wrong.
    """
    name = str(template.classifier["classifier"])
    available = (*classifiers(settings), LOGISTIC)
    if name not in available:
        raise ConfigurationError(f"classifier {name!r} is not in this OTB; there are {', '.join(available)}")
    try:
        check_parameters(template.classifier, settings)
    except OtbError as error:
        raise ConfigurationError(f"classifier: {error}") from error
    if template.confidence.shares and not gives_margin(name):
        raise ConfigurationError(f"confidence.shares: classifier {name!r} gives no vote fractions; choose another one")


def classify_by_otb(task: ClassificationTask, stopwatch: Stopwatch, settings: Settings) -> None:
    """Train OTB's classifier and write its maps into the folder of the iteration.

    Writes the model, ``cleaned.tif``, and what the classifier gives of ``confidence.tif``,
    ``confidence_smoothed.tif``, ``margin.tif``, ``second.tif`` and ``class_shares.tif``.

    Raises
    ------
    OtbError
        If OTB cannot train or classify, or a map cannot be written.
    """
    template, folder = task.template, task.folder
    with stopwatch.timing("train"):
        trained = train_by_otb(task, settings)
    with stopwatch.timing("classify"):
        if largest_confidence(trained.classifier) is None:
            warn_of_no_confidence(str(trained.classifier["classifier"]))
        write_maps_by_otb(trained, task, settings)
    if template.confidence.shares:
        with stopwatch.timing("shares"), gdal_threads(settings.threads):
            raw = folder / "raw_shares.tif"
            shares = build_shares(task.features, task.valid, trained.model, settings)
            shares.write({"out": Target(raw, "float", rows=strip_rows(task.grid.width, 1, settings))})
            write_class_shares(raw, task)
            raw.unlink()


def train_by_otb(task: ClassificationTask, settings: Settings) -> TrainedByOtb:
    """Train OTB's classifier. The model is written into the folder of the iteration.

    Parameters
    ----------
    task
        The whole scene, of which some classifiers need the statistics of the features.
    settings
        Memory and threads.

    Raises
    ------
    OtbError
        If OTB cannot train.
    """
    template, folder = task.template, task.folder
    classifier = classifier_for(template.classifier, len(task.training))
    name = str(classifier["classifier"])
    statistics = write_statistics(name, task.features, folder / "statistics.xml", settings)
    model = folder / f"model.{name}"
    values, codes = task.training_values(settings)
    train(Training(values, codes, classifier, template.samples.seed, statistics), model, settings)
    return TrainedByOtb(classifier, model, statistics)


def write_maps_by_otb(trained: TrainedByOtb, task: ClassificationTask, settings: Settings) -> None:
    """Write the maps of a trained classifier: ``cleaned.tif``, and what it gives of the others.

    Parameters
    ----------
    trained
        The classifier.
    task
        The features, the valid pixels, and the folder for the maps.
    settings
        Memory, threads and progress.

    Raises
    ------
    OtbError
        If OTB cannot classify, or a map cannot be written.
    """
    template, name = task.template, str(trained.classifier["classifier"])
    scene = ClassifiedScene(task.features, task.valid, trained.model, name, trained.statistics)
    cleaning = Cleaning(
        template.regularisation.radius,
        template.confidence.radius,
        largest_confidence(trained.classifier),
        template.regularisation.deviation(task.grid.resolution),
    )
    rows = strip_rows(task.grid.width, open_raster(task.features).RasterCount, settings)
    # Around both: GDAL reads a file with the number of threads that was set when the file was opened.
    with gdal_threads(settings.threads):
        application = build_classification(scene, cleaning, settings)
        application.write(map_targets(task, cleaning, gives_margin(name), rows))


def warn_of_no_confidence(classifier: str) -> None:
    """Warn that an iteration has no confidence, since its classifier gives none between 0 and 1."""
    log.warning("classifier %s gives no confidence between 0 and 1: none is written", classifier)
