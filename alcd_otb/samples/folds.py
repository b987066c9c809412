"""Divide samples into folds of spatial blocks, for cross-validation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alcd_otb.arrays import Float64Array
from alcd_otb.errors import SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.legend import Legend

BlockIndex = tuple[int, int]
"""(row, column) in a grid of square blocks that begins at the scene's upper left corner."""


@dataclass(frozen=True)
class Fold:
    """Samples to train on and to validate with.

    Attributes
    ----------
    training, validation
        The samples.
    blocks
        Blocks of the validation samples.
    """

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    blocks: tuple[BlockIndex, ...]


def spatial_folds(samples: Sequence[Sample], count: int, side: float, grid: Grid, seed: int) -> tuple[Fold, ...]:
    """Divide samples into folds of whole blocks, so that neighbours are in the same fold.

    A sample is in the block that holds its location. Each class is spread over the folds as evenly as its blocks allow:
    blocks that hold much of a class are assigned first, each to the fold that holds least of the block's classes. The
    seed breaks ties. The order of the samples does not matter.

    Parameters
    ----------
    samples
        Samples in the scene's CRS.
    count
        Number of folds.
    side
        Side of a square block, in metres.
    grid
        The scene's grid.
    seed
        Seed of the random numbers.

    Raises
    ------
    SampleError
        If fewer blocks than folds hold samples, or a fold leaves fewer than two classes to train on.
    """
    numbers = fold_numbers(samples, count, side, grid, seed)
    folds = []
    for number in range(count):
        training = tuple(sample for sample, fold in zip(samples, numbers, strict=True) if fold != number)
        validation = tuple(sample for sample, fold in zip(samples, numbers, strict=True) if fold == number)
        if len({sample.code for sample in training}) < 2:
            raise SampleError(
                f"without fold {number + 1}, fewer than two classes are left to train on: label each class in several "
                f"blocks of {side / 1000:g} km"
            )
        folds.append(Fold(training, validation, tuple(sorted({block_of(sample, side, grid) for sample in validation}))))
    return tuple(folds)


def fold_numbers(samples: Sequence[Sample], count: int, side: float, grid: Grid, seed: int) -> tuple[int, ...]:
    """Find the fold of each sample, from 0, by the rule of `spatial_folds`. No fold is empty.

    Parameters
    ----------
    samples
        Samples in the scene's CRS.
    count
        Number of folds.
    side
        Side of a square block, in metres.
    grid
        The scene's grid.
    seed
        Seed of the random numbers.

    Raises
    ------
    SampleError
        If fewer blocks than folds hold samples.
    """
    of_sample = [block_of(sample, side, grid) for sample in samples]
    blocks = sorted(set(of_sample))
    if len(blocks) < count:
        raise SampleError(
            f"{count} folds need samples in as many blocks of {side / 1000:g} km, and {len(blocks)} have samples: "
            f"ask for fewer folds with -k, make the blocks smaller with samples.block, or label elsewhere too"
        )
    fold_of = dict(zip(blocks, _assign(_class_shares(samples, of_sample, blocks), count, seed), strict=True))
    return tuple(fold_of[block] for block in of_sample)


def lone_classes(samples: Sequence[Sample], side: float, grid: Grid, legend: Legend) -> tuple[str, ...]:
    """Warn of each class whose samples are all in one block.

    Parameters
    ----------
    samples
        Samples in the scene's CRS.
    side
        Side of a square block, in metres.
    grid
        The scene's grid.
    legend
        The classes.

    Returns
    -------
    tuple
        Messages for the operator, one line each.
    """
    blocks: dict[int, set[BlockIndex]] = {}
    for sample in samples:
        blocks.setdefault(sample.code, set()).add(block_of(sample, side, grid))
    return tuple(
        f"all samples of class {legend.with_code(code).name} lie in one block of {side / 1000:g} km: when they "
        "validate, the class has no training sample, and all of them count as errors"
        for code, held in sorted(blocks.items())
        if len(held) == 1
    )


def block_of(sample: Sample, side: float, grid: Grid) -> BlockIndex:
    """Find the block that holds the location of a sample.

    Parameters
    ----------
    sample
        A sample in the scene's CRS.
    side
        Side of a square block, in metres.
    grid
        The scene's grid.
    """
    x, y = sample.location
    return int((grid.top - y) // side), int((x - grid.left) // side)


def _class_shares(
    samples: Sequence[Sample], of_sample: Sequence[BlockIndex], blocks: Sequence[BlockIndex]
) -> Float64Array:
    """Compute the share of each class's samples that a block holds.

    The result is (blocks, classes + 1); the last column is the share of all samples.
    """
    totals = Counter(sample.code for sample in samples)
    rows = {block: index for index, block in enumerate(blocks)}
    columns = {code: index for index, code in enumerate(sorted(totals))}
    shares = np.zeros((len(blocks), len(columns) + 1))
    for sample, block in zip(samples, of_sample, strict=True):
        shares[rows[block], columns[sample.code]] += 1 / totals[sample.code]
        shares[rows[block], -1] += 1 / len(samples)
    return shares


def _assign(shares: Float64Array, count: int, seed: int) -> list[int]:
    """Assign each block to the fold in which the sum of squared shares grows least."""
    shuffled = np.random.default_rng(seed).permutation(len(shares))
    order = shuffled[np.argsort(-(shares[shuffled] ** 2).sum(axis=1), kind="stable")]
    held = np.zeros((count, shares.shape[1]))
    fold_of = [0] * len(shares)
    for block in order.tolist():
        # An empty fold shares nothing with the block, so that no fold stays empty.
        fold = int(np.argmin(held @ shares[block]))
        held[fold] += shares[block]
        fold_of[block] = fold
    return fold_of
