"""Define the input of a classifier that makes the maps of an iteration."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import values_at
from alcd_otb.samples.pixels import PixelSet
from alcd_otb.settings.template import Template
from otb_pipelines.process import gdal_threads
from otb_pipelines.settings import Settings
from otb_pipelines.train import Codes, Values, with_noisy_copies


@dataclass(frozen=True)
class ClassificationTask:
    """The input of a classifier: the scene, the pixels to train on, and the folder for its files.

    Attributes
    ----------
    template
        Names the classifier, its parameters, and the cleaning of its maps.
    features
        Raster of the features, Float32, a band a feature.
    valid
        Raster on the same grid, 1 where a pixel is to be classified.
    grid
        The grid of both.
    training
        The pixels to train on.
    folder
        Folder of the unfinished iteration, for the model and the maps.
    """

    template: Template
    features: Path
    valid: Path
    grid: Grid
    training: PixelSet
    folder: Path

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that have training pixels, in ascending order of their codes."""
        return tuple(self.template.legend.with_code(code).name for code in sorted(self.training.counts))

    def training_values(self, settings: Settings) -> tuple[Values, Codes]:
        """Read the features of the training pixels, and add the noisy copies of the template.

        Parameters
        ----------
        settings
            Threads with which the features are decoded.

        Returns
        -------
        tuple
            The values (pixels, features), and the class codes (pixels,).
        """
        with gdal_threads(settings.threads):
            values = values_at(self.features, self.training.rows, self.training.columns).astype(np.float64)
        return with_noisy_copies(values, self.training.codes, self.template.samples.jitter, self.template.samples.seed)
