"""Measure how often the intervals of `accuracy estimate` contain the true value, over many draws from known maps.

Usage: python benchmarks/coverage.py [--draws N] [--seed SEED]

Symmetric intervals of 1.96 standard errors are measured as well. Each map is a matrix of pixels by class of the map and
class of the truth: a random draw within the classes of the map does not need more.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alcd_otb.accuracy.stratified import Estimate, LabelledSample, allocate

Measure = Callable[[LabelledSample], Estimate | None]
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class KnownMap:
    """A map whose truth is known.

    Attributes
    ----------
    name
        What the map stands for.
    pixels
        Number of pixels: rows are the classes of the map, columns the true classes.
    invalid
        Whether each class makes a pixel invalid.
    points
        Sizes of the samples to draw.
    """

    name: str
    pixels: Sequence[Sequence[int]]
    invalid: Sequence[bool]
    points: Sequence[int]


MAPS = (
    KnownMap(
        "a scene of which 96 % is right",
        (
            (16893, 7, 107, 909, 21, 57),
            (46, 13338, 21, 352, 22, 6),
            (317, 21, 11725, 386, 56, 3),
            (318, 122, 302, 65222, 261, 154),
            (61, 21, 371, 219, 5170, 0),
            (209, 200, 136, 686, 2, 7717),
        ),
        (True, True, True, False, False, False),
        (200, 400),
    ),
    KnownMap(
        "a scene of which 90 % is right",
        (
            (15295, 167, 375, 1862, 204, 91),
            (212, 12407, 131, 881, 92, 62),
            (936, 167, 10006, 1121, 187, 91),
            (864, 474, 792, 63060, 692, 497),
            (149, 78, 351, 288, 4965, 11),
            (509, 462, 389, 1283, 147, 6160),
        ),
        (True, True, True, False, False, False),
        (200, 400),
    ),
    KnownMap(
        "two rare classes (Olofsson et al. 2014)",
        (
            (176000, 0, 13333, 10667),
            (0, 110000, 16000, 24000),
            (19394, 0, 2967273, 213333),
            (39692, 19846, 178615, 6211847),
        ),
        (True, True, False, False),
        (200, 640),
    ),
)


class Coverage(NamedTuple):
    """How the intervals of a figure fare.

    The parts are the true value, the coverage of the intervals, their mean width, and the coverage of symmetric
    intervals.
    """

    true: float
    inside: float
    width: float
    symmetric: float


def measures(classes: int, invalid: Sequence[bool]) -> dict[str, Measure]:
    """Return the measure of every figure that is estimated, by the name of the figure.

    Parameters
    ----------
    classes
        Number of classes.
    invalid
        Whether each class makes a pixel invalid.
    """
    figures: dict[str, Measure] = {"overall": lambda sample: sample.overall_accuracy()}
    for index in range(classes):
        figures |= {f"{name} {index + 1}": measure for name, measure in of_class(index).items()}
    groups = [0 if is_invalid else 1 for is_invalid in invalid]
    binary: dict[str, Measure] = {"overall": lambda sample: sample.overall_accuracy(), **of_class(0)}
    return figures | {f"binary {name}": of_groups(measure, groups) for name, measure in binary.items()}


def of_groups(measure: Measure, groups: Sequence[int]) -> Measure:
    """Return the measure of a sample whose classes are merged into two groups."""
    return lambda sample: measure(sample.merged(groups, 2))


def of_class(index: int) -> dict[str, Measure]:
    """Return the measures of the figures of a class."""
    return {
        "user's": lambda sample: sample.users_accuracy(index),
        "producer's": lambda sample: sample.producers_accuracy(index),
        "F1": lambda sample: sample.f1(index),
        "area": lambda sample: sample.area_share(index),
    }


def coverage(known: KnownMap, points: int, draws: int, seed: int) -> dict[str, Coverage]:
    """Draw many samples from a map, and return the coverage of the intervals of each figure.

    Parameters
    ----------
    known
        The map.
    points
        Points in each sample.
    draws
        Number of samples.
    seed
        Seed of the draws.
    """
    pixels = np.array(known.pixels)
    sizes = pixels.sum(axis=1)
    drawn = allocate(sizes.tolist(), points)
    figures = measures(len(sizes), known.invalid)
    everything = LabelledSample(sizes, stacked(pixels))
    truths = {name: measure(everything) for name, measure in figures.items()}
    rng = np.random.default_rng(seed)
    held: dict[str, list[tuple[bool, float, bool]]] = {name: [] for name in figures}
    for _ in range(draws):
        labelled = np.array(
            [rng.multivariate_hypergeometric(row, count) for row, count in zip(pixels, drawn, strict=True)]
        )
        sample = LabelledSample(sizes, stacked(labelled))
        for name, measure in figures.items():
            estimate, true = measure(sample), truths[name]
            if estimate is not None and true is not None:
                error = abs(estimate.estimate - true.estimate)
                inside = estimate.low <= true.estimate <= estimate.high
                held[name].append(
                    (inside, estimate.high - estimate.low, error <= 1.96 * estimate.standard_error + 1e-12)
                )
    table = {}
    for name, true in truths.items():
        assert true is not None
        inside, width, symmetric = np.array(held[name], dtype=float).mean(axis=0)
        table[name] = Coverage(true.estimate, float(inside), float(width), float(symmetric))
    return table


def stacked(counts: Counts) -> Counts:
    """Return counts (strata, map, reference) for counts (map, reference), with the classes of the map as strata."""
    return np.stack([np.where(np.arange(len(counts))[:, None] == index, counts, 0) for index in range(len(counts))])


def main() -> None:
    """Print the coverage of each figure for each map and each size of the sample."""
    parser = argparse.ArgumentParser(description="Coverage of the 95 % intervals, against known truth.")
    parser.add_argument("--draws", type=int, default=1000, help="number of samples")
    parser.add_argument("--seed", type=int, default=1, help="seed of the draws")
    options = parser.parse_args()
    for known in MAPS:
        for points in known.points:
            table = coverage(known, points, options.draws, options.seed)
            print(f"{known.name}, {points} points, {options.draws} draws")
            print(f"  {'':<18}{'true':>7}{'coverage':>10}{'width':>8}{'symmetric':>11}")
            for name, (true, inside, width, symmetric) in table.items():
                print(f"  {name:<18}{true:>7.3f}{100 * inside:>9.1f}%{width:>8.3f}{100 * symmetric:>10.1f}%")
            shares = [inside for _, inside, _, _ in table.values()]
            within = sum(0.92 <= share <= 0.98 for share in shares)
            print(f"  least {100 * min(shares):.1f} %; {within} of {len(shares)} within 92 to 98 %\n", flush=True)


if __name__ == "__main__":
    main()
