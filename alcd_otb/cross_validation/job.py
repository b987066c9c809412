"""K-fold cross-validation by spatial block: how well the samples foretell one another."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alcd_otb.accuracy.confusion import BinaryMetrics, ConfusionMatrix, matrix_csv, summarise
from alcd_otb.arrays import Int64Array
from alcd_otb.classification.sklearn import predict_folds
from alcd_otb.cross_validation.figure import draw_folds
from alcd_otb.cross_validation.folds import Fold, lone_classes, spatial_folds
from alcd_otb.cross_validation.results import CrossValidation, FoldResult
from alcd_otb.errors import ConfigurationError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.checks import check_samples
from alcd_otb.samples.pixels import PixelSet, drawn_pixels
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import Workspace, write_json
from otb_pipelines.cross_validate import FoldPixels, classify_folds
from otb_pipelines.process import gdal_threads
from otb_pipelines.settings import Settings
from otb_pipelines.train import why_unfit, with_noisy_copies, write_statistics

log = logging.getLogger(__name__)

Pairs = Mapping[tuple[int, int], int]
"""Pixels by (reference code, code that the forest gives)."""


def cross_validate(
    config: SceneConfig,
    grid: Grid,
    workspace: Workspace,
    samples: tuple[Sample, ...],
    count: int,
    settings: Settings,
) -> CrossValidation:
    """Train on all folds but one and classify that one's pixels, fold by fold; write the folder kfold.

    The pixels are those of an iteration: grown, thinned, with noisy copies. The map's cleaning has no part in it,
    since scattered pixels have no neighbours.

    Raises SampleError where the samples do not allow so many folds, and as `grow` does; ConfigurationError where the
    classifier is not made for so many classes.
    """
    template, legend = config.template, config.template.legend
    report = check_samples(samples, legend, grid, workspace.valid)
    side = template.samples.block
    warnings = (*report.warnings, *lone_classes(report.kept, side, grid, legend))
    for warning in warnings:
        log.warning("%s", warning)
    folds = spatial_folds(report.kept, count, side, grid, template.samples.seed)
    pixels = [drawn_pixels(fold.training, fold.validation, template, grid, workspace.valid) for fold in folds]
    unfit = why_unfit(template.classifier, max(len(training.counts) for training, _ in pixels))
    if unfit is not None:
        raise ConfigurationError(f"classifier: {unfit}; choose another one")
    with workspace.scratch() as scratch:
        pairs = _classify(config, workspace, pixels, scratch, settings)
        result = CrossValidation(
            folder=workspace.kfold,
            sides=legend.positive,
            block=side,
            folds=tuple(map(_result, folds, pixels, pairs, [legend] * count)),
            together=summarise(_sum(pairs), legend),
            warnings=warnings,
        )
        made = scratch / "kfold"
        made.mkdir()
        _write(result, _sum(pairs), legend, made)
        workspace.replace_folder(made, workspace.kfold)
    return result


def _classify(
    config: SceneConfig,
    workspace: Workspace,
    pixels: Sequence[tuple[PixelSet, PixelSet]],
    scratch: Path,
    settings: Settings,
) -> list[Pairs]:
    template = config.template
    features = _Features.read(workspace.features, [one for fold in pixels for one in fold], settings)
    folds = []
    for training, validation in pixels:
        values = features.of(training).astype(np.float64)
        copied, codes = with_noisy_copies(values, training.codes, template.samples.jitter, template.samples.seed)
        folds.append(FoldPixels(copied, codes, features.of(validation)))
    if template.uses_sklearn:
        found = predict_folds(folds, template.classifier, template.samples.seed, settings)
    else:
        name = str(template.classifier["classifier"])
        statistics_file = write_statistics(name, workspace.features, scratch / "statistics.xml", settings)
        work = scratch / "folds"
        work.mkdir()
        found = classify_folds(folds, template.classifier, template.samples.seed, statistics_file, work, settings)
    return [
        Counter(zip(validation.codes.tolist(), codes.tolist(), strict=True))
        for (_, validation), codes in zip(pixels, found, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class _Features:
    """The features of the pixels that any fold uses, each read once.

    keys: (pixels,) ascending; values: (pixels, features).
    """

    keys: Int64Array
    values: NDArray[np.float32]

    @classmethod
    def read(cls, path: Path, sets: Sequence[PixelSet], settings: Settings) -> "_Features":
        keys = np.unique(np.concatenate([_keys(one) for one in sets]))
        with gdal_threads(settings.threads):
            return cls(keys, values_at(path, keys >> 32, keys & (2**32 - 1)))

    def of(self, pixels: PixelSet) -> NDArray[np.float32]:
        return self.values[np.searchsorted(self.keys, _keys(pixels))]


def _keys(pixels: PixelSet) -> Int64Array:
    return (pixels.rows << 32) + pixels.columns


def _result(fold: Fold, pixels: tuple[PixelSet, PixelSet], pairs: Pairs, legend: Legend) -> FoldResult:
    matrix = ConfusionMatrix.from_pairs(pairs, legend)
    binary = BinaryMetrics.from_pairs(pairs, legend)
    return FoldResult(
        blocks=len(fold.blocks),
        samples=len(fold.validation),
        training_pixels=len(pixels[0]),
        pixels=len(pixels[1]),
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
    for one in pairs:
        total.update(one)
    return total


def _write(result: CrossValidation, pairs: Pairs, legend: Legend, folder: Path) -> None:
    write_json(folder / "kfold.json", result.as_json())
    text = "".join(",".join(row) + "\n" for row in result.table())
    (folder / "kfold.csv").write_text(text, encoding="utf-8")
    (folder / "confusion_matrix.csv").write_text(matrix_csv(ConfusionMatrix.from_pairs(pairs, legend)))
    scores = {name: [one.scores[name] for one in result.folds] for name in result.folds[0].scores}
    draw_folds(scores, result.sides.name, folder / "kfold.png")
