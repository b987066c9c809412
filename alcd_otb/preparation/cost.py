"""Estimate what a run takes, from the size of its scene."""

import math
from dataclasses import dataclass

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.layouts import is_compressed
from alcd_otb.preparation.sources import feature_levels, view_levels
from alcd_otb.products.stack import Stack
from otb_pipelines.settings import Settings

# Measured by benchmarks/speed.py and benchmarks/preparation.py on a quarter of a tile and on whole tiles.
_MEGABYTES, _MEGABYTES_BY_SIDE = 220, 0.01
_PLAIN_FEATURE_BYTES, _FEATURE_BYTES, _LAYER_BYTES, _FLOAT_LAYER_BYTES = 4, 2.6, 0.9, 2.6
_ITERATION_MEGABYTES, _ITERATION_BYTES = 7, 10
_SECONDS, _SECONDS_BY_DECODED = 0.5, 1.3e-7
_ITERATION_SECONDS, _ITERATION_SECONDS_BY_PIXEL = 1.5, 1.5e-6
_IDLE = 1.1
"""Seconds on the clock, by second of all threads."""


@dataclass(frozen=True)
class Cost:
    """The cost of a run, estimated from the size of its scene.

    Attributes
    ----------
    memory
        Largest memory in megabytes.
    disk
        Megabytes that the run writes.
    seconds
        Seconds on the clock.
    threads
        Threads with which it takes so long.
    """

    memory: int
    disk: int
    seconds: int
    threads: int

    def __str__(self) -> str:
        """Return a sentence for people."""
        return (
            f"takes about {self.memory} MB of memory, {self.disk} MB of disk and {self.seconds} s with {self.threads} "
            "threads; textures, features by functions and other classifiers take longer"
        )


def cost_of(inputs: Inputs, settings: Settings, prepares: bool, iterates: bool) -> Cost:
    """Estimate what a run takes.

    Parameters
    ----------
    inputs
        The images of the scene, and the features.
    settings
        The threads.
    prepares
        Whether the scene is prepared, and not found prepared.
    iterates
        Whether an iteration is made.
    """
    pixels = inputs.grid.width * inputs.grid.height
    view_pixels = inputs.view_grid.width * inputs.view_grid.height
    disk = fixed = shared = 0.0
    if prepares:
        layer_bytes = _LAYER_BYTES if inputs.is_view_whole else _FLOAT_LAYER_BYTES
        feature_bytes = _FEATURE_BYTES if is_compressed(inputs) else _PLAIN_FEATURE_BYTES
        disk += pixels * len(inputs.features) * feature_bytes + view_pixels * len(inputs.view) * layer_bytes
        fixed += _SECONDS
        shared += _decoded_pixels(inputs) * _SECONDS_BY_DECODED
    if iterates:
        disk += _ITERATION_MEGABYTES * 10**6 + pixels * _ITERATION_BYTES
        fixed += _ITERATION_SECONDS
        shared += pixels * _ITERATION_SECONDS_BY_PIXEL
    return Cost(
        memory=math.ceil(_MEGABYTES + math.sqrt(view_pixels) * len(inputs.view) * _MEGABYTES_BY_SIDE),
        disk=math.ceil(disk / 10**6),
        seconds=math.ceil(fixed + shared / settings.threads * _IDLE),
        threads=settings.threads,
    )


def _decoded_pixels(inputs: Inputs) -> float:
    """Count the pixels of all bands that are decoded, at their wavelet levels."""
    if isinstance(inputs.cloudy, Stack):
        grid = inputs.cloudy.grid
        return float(grid.width * grid.height * len(inputs.band_names))
    width, height = (inputs.grid.resolution * side for side in (inputs.grid.width, inputs.grid.height))
    # A band that features and view need at different levels is decoded at both.
    decoded = {*feature_levels(inputs).items(), *view_levels(inputs).items()}
    return float(sum(width * height / (inputs.band(name).resolution * 2.0**level) ** 2 for name, level in decoded))
