"""Cross-validate by spatial block, to measure how well the samples predict one another."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alcd_otb.accuracy.confusion_matrix import BinaryMetrics, ConfusionMatrix, matrix_csv, summarise
from alcd_otb.arrays import Int64Array
from alcd_otb.classification.fold_predictions import FoldTask, fold_pixels, predict
from alcd_otb.cross_validation.figure import draw_folds
from alcd_otb.cross_validation.results import CrossValidation, FoldResult
from alcd_otb.errors import ConfigurationError
from alcd_otb.files.writing import write_json
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.checks import Margin, check_samples
from alcd_otb.samples.folds import Fold, lone_classes, spatial_folds
from alcd_otb.samples.pixels import PixelSet, PixelSplit, drawn_pixels
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.text import csv_text
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal_threads
from otb_pipelines.settings import Settings
from otb_pipelines.train import classifier_for, why_unfit, write_statistics

log = logging.getLogger(__name__)

Pairs = Mapping[tuple[int, int], int]
"""Pixels by (reference code, predicted code)."""


def cross_validate(
    config: SceneConfig,
    grid: Grid,
    workspace: Workspace,
    samples: tuple[Sample, ...],
    count: int,
    settings: Settings,
) -> CrossValidation:
    """Train on all folds but one and classify the pixels of that fold, fold by fold; write the folder ``kfold``.

    The pixels are those of an iteration: grown, thinned, with noisy copies. Nothing is cleaned as a map is, since
    scattered pixels have no neighbours.

    Parameters
    ----------
    config
        The scene's settings.
    grid
        The scene's grid.
    workspace
        The prepared scene.
    samples
        Samples in the scene's CRS.
    count
        Number of folds.
    settings
        Memory, threads and progress.

    Raises
    ------
    SampleError
        If the samples do not allow this number of folds, or cannot be used.
    ConfigurationError
        If the classifier cannot separate this number of classes.
    OtbError, ProcessingError
        If something cannot be computed or written.
    """
    template, legend = config.template, config.template.legend
    margin = Margin(template.margin, workspace.features) if template.margin else None
    report = check_samples(samples, legend, grid, workspace.valid, margin)
    side = template.samples.block
    warnings = (*report.warnings, *lone_classes(report.kept, side, grid, legend))
    for warning in warnings:
        log.warning("%s", warning)
    folds = spatial_folds(report.kept, count, side, grid, template.samples.seed)
    pixels = [drawn_pixels(fold.training, fold.validation, template, grid, workspace.valid) for fold in folds]
    unfit = why_unfit(template.classifier, max(len(split.training.counts) for split in pixels))
    if unfit is not None:
        raise ConfigurationError(f"classifier: {unfit}; choose another one")
    with workspace.scratch() as scratch:
        pairs = _classify(config, workspace, pixels, scratch, settings)
        result = CrossValidation(
            folder=workspace.kfold,
            sides=legend.positive,
            block=side,
            folds=tuple(
                _result(fold, split, fold_pairs, legend)
                for fold, split, fold_pairs in zip(folds, pixels, pairs, strict=True)
            ),
            together=summarise(_sum(pairs), legend),
            warnings=warnings,
        )
        new_folder = scratch / "kfold"
        new_folder.mkdir()
        _write(result, _sum(pairs), legend, new_folder)
        workspace.replace_folder(new_folder, workspace.kfold)
    return result


def _classify(
    config: SceneConfig,
    workspace: Workspace,
    pixels: Sequence[PixelSplit],
    scratch: Path,
    settings: Settings,
) -> list[Pairs]:
    """Count the validation pixels of each fold by reference and predicted class."""
    template = config.template
    features = _Features.read(workspace.features, [pixel_set for split in pixels for pixel_set in split], settings)
    folds = [
        fold_pixels(features.of(split.training), split.training.codes, features.of(split.validation), template)
        for split in pixels
    ]
    # As many as train the map: all folds get the same classifier as it.
    trained = len(pixels[0].training) + len(pixels[0].validation)
    statistics_file = None
    if not template.uses_sklearn:
        name = str(classifier_for(template.classifier, trained)["classifier"])
        statistics_file = write_statistics(name, workspace.features, scratch / "statistics.xml", settings)
    predicted = predict(FoldTask(folds, template, trained, statistics_file), scratch, settings)
    return [
        Counter(zip(split.validation.codes.tolist(), codes.tolist(), strict=True))
        for split, codes in zip(pixels, predicted, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class _Features:
    """The features of the pixels that any fold uses, each read once.

    Attributes
    ----------
    keys
        (pixels,) row and column of each pixel in one number, ascending.
    values
        (pixels, features) their features.
    """

    keys: Int64Array
    values: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path, sets: Sequence[PixelSet], settings: Settings) -> "_Features":
        keys = np.unique(np.concatenate([_keys(pixels) for pixels in sets]))
        with gdal_threads(settings.threads):
            return cls(keys, values_at(path, keys >> 32, keys & (2**32 - 1)))

    def of(self, pixels: PixelSet) -> NDArray[np.float32]:
        return self.values[np.searchsorted(self.keys, _keys(pixels))]


def _keys(pixels: PixelSet) -> Int64Array:
    return (pixels.rows << 32) + pixels.columns


def _result(fold: Fold, pixels: PixelSplit, pairs: Pairs, legend: Legend) -> FoldResult:
    matrix = ConfusionMatrix.from_pairs(pairs, legend)
    binary = BinaryMetrics.from_pairs(pairs, legend)
    return FoldResult(
        blocks=len(fold.blocks),
        samples=len(fold.validation),
        training_pixels=len(pixels.training),
        pixels=len(pixels.validation),
        scores={
            "overall accuracy": matrix.overall_accuracy,
            f"{legend.positive.title} accuracy": binary.overall_accuracy,
            "precision": binary.precision,
            "recall": binary.recall,
            "F1": binary.f1,
        },
    )


def _sum(pairs: Sequence[Pairs]) -> Pairs:
    total: Counter[tuple[int, int]] = Counter()
    for fold_pairs in pairs:
        total.update(fold_pairs)
    return total


def _write(result: CrossValidation, pairs: Pairs, legend: Legend, folder: Path) -> None:
    write_json(folder / "kfold.json", result.as_json())
    (folder / "kfold.csv").write_text(csv_text(result.table()), encoding="utf-8")
    (folder / "confusion_matrix.csv").write_text(
        matrix_csv(ConfusionMatrix.from_pairs(pairs, legend)), encoding="utf-8"
    )
    scores = {name: [fold.scores[name] for fold in result.folds] for name in result.folds[0].scores}
    draw_folds(scores, result.sides.name, folder / "kfold.png")
