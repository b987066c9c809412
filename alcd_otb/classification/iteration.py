"""Run one iteration: train on the samples, classify the scene, burn the corrections, and measure the map."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics, ConfusionMatrix, matrix_csv, summarise
from alcd_otb.classification.corrections import Corrections, burn
from alcd_otb.classification.maps import CLASSIFIED, write_labels
from alcd_otb.classification.otb import check_otb_classifier, classify_by_otb
from alcd_otb.classification.sklearn import check_sklearn
from alcd_otb.classification.sklearn_maps import classify_by_sklearn
from alcd_otb.classification.task import ClassificationTask
from alcd_otb.classification.training_pixels import trainable_pixels
from alcd_otb.classification.validation import Checked, cross_validate_training
from alcd_otb.files.writing import write_json
from alcd_otb.iterations.changes import map_metrics
from alcd_otb.iterations.history import Iteration, read_iteration
from alcd_otb.iterations.record import Stopwatch
from alcd_otb.iterations.stopping import SETTLED_ITERATIONS, Stopping
from alcd_otb.iterations.validation import KEPT_OUT, Validation
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.checks import Margin, SampleReport, check_samples
from alcd_otb.samples.pixels import PixelSet
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.split import SampleSplit, split_samples
from alcd_otb.samples.writing import write_pixels, write_samples
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.template import Template
from alcd_otb.workspace import Workspace
from otb_pipelines.confusion import confusion_matrix
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

_CLASS_FIELD = "class"


@dataclass(frozen=True)
class IterationInput:
    """The input of an iteration.

    Attributes
    ----------
    template
        The classes, the classifier and the settings of the use.
    workspace
        The prepared scene.
    grid
        The grid of its features.
    samples
        All samples, in the scene's CRS.
    corrections
        Polygons to burn over the finished map. Nothing is trained or measured with them.
    start
        Folder of the iteration whose samples these are. None if they are the scene's own.
    """

    template: Template
    workspace: Workspace
    grid: Grid
    samples: tuple[Sample, ...]
    corrections: tuple[Sample, ...] = ()
    start: Path | None = None


def check_classifier(template: Template, settings: Settings) -> None:
    """Check a template's classifier before anything runs.

    Raises
    ------
    ConfigurationError
        If the library does not have the classifier, or a parameter is wrong.
    EnvironmentNotReadyError
        If the library is not installed, or not whole.
    """
    if template.uses_sklearn:
        check_sklearn(template.classifier, template.samples.seed, template.confidence.shares)
    else:
        check_otb_classifier(template, settings)


@dataclass(frozen=True)
class MadeMap:
    """The map of an unfinished iteration, and the data of its figures.

    Attributes
    ----------
    inputs
        The input of the iteration.
    report
        The samples that are used, and the warnings of the others.
    split
        These samples, split into training and validation.
    validation
        The validation pixels.
    task
        The training pixels, and the folder of the iteration, which holds the map.
    corrected
        What the corrections changed in the map.
    """

    inputs: IterationInput
    report: SampleReport
    split: SampleSplit
    validation: PixelSet
    task: ClassificationTask
    corrected: Corrections


def run_iteration(inputs: IterationInput, folder: Path, stopwatch: Stopwatch, settings: Settings) -> dict[str, object]:
    """Make the map of an iteration, and measure it.

    Parameters
    ----------
    inputs, folder, stopwatch, settings
        As for `make_map`.

    Returns
    -------
    dict
        What ``metrics.json`` holds.
    """
    return measure_map(make_map(inputs, folder, stopwatch, settings), stopwatch, settings)


def make_map(inputs: IterationInput, folder: Path, stopwatch: Stopwatch, settings: Settings) -> MadeMap:
    """Train, classify, and write all rasters of an unfinished iteration. No figures are computed yet.

    Parameters
    ----------
    inputs
        The prepared scene and the operator's samples.
    folder
        An empty folder.
    stopwatch
        Takes the seconds of each step.
    settings
        Memory, threads and progress.

    Returns
    -------
    MadeMap
        What `measure_map` needs.

    Raises
    ------
    SampleError
        If the samples cannot be used.
    ConfigurationError
        If the classifier cannot separate this number of classes.
    OtbError, ProcessingError
        If something cannot be computed or written.
    """
    template, legend, grid = inputs.template, inputs.template.legend, inputs.grid
    with stopwatch.timing("samples"):
        margin = Margin(template.margin, inputs.workspace.features) if template.margin else None
        report = check_samples(inputs.samples, legend, grid, inputs.workspace.valid, margin)
        for warning in report.warnings:
            log.warning("%s", warning)
        split = split_samples(report.kept, template.samples.training_proportion, template.samples.seed)
        pixels = trainable_pixels(split, template, grid, inputs.workspace.valid)
        write_samples(folder / "samples.gpkg", inputs.samples, legend, grid, inputs.corrections)
        write_pixels(folder / "training.gpkg", pixels.training, grid, _CLASS_FIELD)
    task = ClassificationTask(
        template, inputs.workspace.features, inputs.workspace.valid, grid, pixels.training, folder
    )
    classify = classify_by_sklearn if template.uses_sklearn else classify_by_otb
    classify(task, stopwatch, settings)
    with stopwatch.timing("labels"):
        corrected = _write_corrected(inputs, folder)
        for warning in corrected.warnings:
            log.warning("%s", warning)
    return MadeMap(inputs, report, split, pixels.validation, task, corrected)


def measure_map(made: MadeMap, stopwatch: Stopwatch, settings: Settings) -> dict[str, object]:
    """Measure the map of an iteration, and write ``metrics.json`` and the confusion matrices.

    Parameters
    ----------
    made
        The map.
    stopwatch
        Takes the seconds of each step.
    settings
        Memory and threads.

    Returns
    -------
    dict
        What ``metrics.json`` holds.

    Raises
    ------
    OtbError, ProcessingError
        If something cannot be computed or written.
    """
    inputs, folder, training = made.inputs, made.task.folder, made.task.training
    template, legend, grid = inputs.template, inputs.template.legend, inputs.grid
    with stopwatch.timing("accuracy"):
        # On the map without the corrections: the operator's corrections would make the figures too high of the
        # classifier.
        classified = folder / CLASSIFIED
        if template.samples.training_proportion < 1:
            checked = Checked(Validation(KEPT_OUT), _kept_out_pairs(classified, made.validation, grid, settings))
        else:
            checked = cross_validate_training(made.task, made.split.training, settings)
        classified.unlink()
        metrics = _measured(checked, folder, legend)
        metrics["samples"] = {
            legend.with_code(code).name: sum(sample.code == code for sample in made.report.kept)
            for code in sorted({sample.code for sample in made.report.kept})
        }
        metrics["training_pixels"] = {legend.with_code(code).name: count for code, count in training.counts.items()}
        warnings = (*inputs.workspace.preparation_warnings, *made.report.warnings, *made.corrected.warnings)
        metrics["warnings"] = list(warnings)
        metrics["corrections"] = made.corrected.as_json(legend, grid)
        finished = inputs.workspace.iterations()
        metrics |= map_metrics(folder, finished, inputs.start, legend)
        this = Iteration.of(folder, inputs.workspace.next_number, metrics)
        stopping = Stopping.after([*map(read_iteration, finished[-SETTLED_ITERATIONS:]), this])
        metrics["stopping"] = stopping.as_json() if stopping is not None else None
        write_json(folder / "metrics.json", metrics)
    return metrics


def _write_corrected(inputs: IterationInput, folder: Path) -> Corrections:
    """Write ``labels.tif``: the classified map, over which the corrections are burnt."""
    classified = corrected = folder / CLASSIFIED
    if inputs.corrections:
        corrected = folder / "corrected.tif"
        shutil.copyfile(classified, corrected)
    burnt = burn(inputs.corrections, corrected, inputs.grid)
    write_labels(corrected, folder / "labels.tif", inputs.template.legend)
    if corrected != classified:
        corrected.unlink()
    return burnt


def _kept_out_pairs(
    classified: Path, validation: PixelSet, grid: Grid, settings: Settings
) -> dict[tuple[int, int], int]:
    """Compare a map with the pixels of samples that were kept out of training."""
    if not len(validation):
        log.warning("no class has a point for validation, so no accuracy can be computed; label more points")
        return {}
    reference, table = classified.with_name("validation.gpkg"), classified.with_name("confusion.csv")
    write_pixels(reference, validation, grid, _CLASS_FIELD)
    pairs = confusion_matrix(classified, reference, _CLASS_FIELD, table, settings)
    table.unlink()
    return pairs


def _measured(checked: Checked, folder: Path, legend: Legend) -> dict[str, object]:
    """Write both confusion matrices, and compute the accuracies for metrics.json."""
    pairs, validation = checked.pairs, checked.validation
    (folder / "confusion_matrix.csv").write_text(
        matrix_csv(ConfusionMatrix.from_pairs(pairs, legend)), encoding="utf-8"
    )
    binary = BinaryMetrics.from_pairs(pairs, legend)
    (folder / legend.positive.matrix_file).write_text(matrix_csv(binary.matrix), encoding="utf-8")
    return {
        "reference": f"{validation.reference}, which are not a random sample: not the accuracy of the map",
        "validation": validation.as_json(),
        **summarise(pairs, legend),
    }
