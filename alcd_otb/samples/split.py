"""Split samples into training and validation samples."""

import math
from collections.abc import Iterable
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

import numpy as np

from alcd_otb.samples.sample import Sample


class SampleSplit(NamedTuple):
    """Samples to train on and samples to validate with, each sorted by class, x and y."""

    training: tuple[Sample, ...]
    validation: tuple[Sample, ...]


def split_samples(samples: Iterable[Sample], training_proportion: float, seed: int) -> SampleSplit:
    """Split whole samples into training and validation samples, class by class.

    With a proportion of 1, all samples go to training. With less, ceil(training_proportion * n) of a class of n samples
    go to training, but at least one, and at least one goes to validation where n >= 2. Each sample draws a random
    number from the seed, its class and its place to the millimetre. The samples with the lowest numbers are trained on.
    So the split depends neither on the order of the samples nor on other classes. A sample added to a class moves at
    most one other sample, so that the validation samples of one iteration are hardly trained on in the next.

    Parameters
    ----------
    samples
        Points and polygons, in any order.
    training_proportion
        Fraction of the samples of each class to train on, above 0 and at most 1.
    seed
        Seed of the random numbers, 0 or more.

    Raises
    ------
    ValueError
        If training_proportion is not in ]0, 1] or seed is negative.
    """
    if not 0 < training_proportion <= 1:
        raise ValueError(f"training proportion {training_proportion} is not in ]0, 1]")
    if seed < 0:
        raise ValueError(f"seed {seed} is negative")
    training: list[Sample] = []
    validation: list[Sample] = []
    for _, members in groupby(sorted(samples, key=_canonical), key=lambda sample: sample.code):
        of_class = list(members)
        count = _training_count(len(of_class), training_proportion)
        draws = [_draw(sample, seed) for sample in of_class]
        trained = set(sorted(range(len(of_class)), key=draws.__getitem__)[:count])
        for index, sample in enumerate(of_class):
            (training if index in trained else validation).append(sample)
    return SampleSplit(tuple(training), tuple(validation))


def _canonical(sample: Sample) -> tuple[int, float, float, str]:
    return (sample.code, *sample.location, repr(sample.geometry["coordinates"]))


def _training_count(count: int, proportion: float) -> int:
    if proportion == 1:
        return count
    # Without the tolerance 0.56 * 25 = 14.000000000000002 would count as 15.
    wanted = math.ceil(proportion * count - 1e-9)
    return max(1, min(wanted, count - 1))


def _draw(sample: Sample, seed: int) -> float:
    # SeedSequence takes integers from 0 up: coordinates are wrapped to 64 bits.
    x, y = (round(1000 * value) % 2**64 for value in sample.location)
    return _random_number(seed, sample.code, x, y)


# While somebody labels, nearly all samples are those of the click before.
@lru_cache(maxsize=100_000)
def _random_number(*seeds: int) -> float:
    return float(np.random.Generator(np.random.PCG64(np.random.SeedSequence(seeds))).random())
