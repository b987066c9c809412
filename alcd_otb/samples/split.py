"""The split of samples into training and validation."""

import math
from collections.abc import Iterable
from itertools import groupby

import numpy as np

from alcd_otb.samples.sample import Sample


def split_samples(
    samples: Iterable[Sample], training_proportion: float, seed: int
) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Split whole samples into (training, validation), class by class.

    Of a class of n samples, ceil(training_proportion * n) go to training, but at least one, and at least one
    goes to validation where n >= 2. Each sample draws a random number from the seed, its class and its place
    to the millimetre, and the lowest are trained on: the split depends neither on the order of the samples
    nor on other classes, and a sample added to a class moves at most one other, so that the validation
    samples of one iteration are hardly trained on in the next. Both sides come back sorted by class, x and y.

    Raises ValueError where training_proportion is not in ]0, 1] or seed is negative.
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
    return tuple(training), tuple(validation)


def _canonical(sample: Sample) -> tuple[int, float, float, str]:
    return (sample.code, *sample.location, repr(sample.geometry["coordinates"]))


def _training_count(count: int, proportion: float) -> int:
    # Without the tolerance 0.56 * 25 = 14.000000000000002 would count as 15.
    wanted = math.ceil(proportion * count - 1e-9)
    return max(1, min(wanted, count - 1))


def _draw(sample: Sample, seed: int) -> float:
    # SeedSequence takes integers from 0 up: coordinates are wrapped to 64 bits.
    place = [round(1000 * value) % 2**64 for value in sample.location]
    sequence = np.random.SeedSequence([seed, sample.code, *place])
    return float(np.random.Generator(np.random.PCG64(sequence)).random())
