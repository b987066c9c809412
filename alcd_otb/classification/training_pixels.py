"""Find the pixels that a template's classifier is trained on."""

from pathlib import Path

from alcd_otb.errors import ConfigurationError
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.pixels import PixelSplit, ValidPixels, drawn_pixels
from alcd_otb.samples.split import SampleSplit
from alcd_otb.settings.template import Template
from otb_pipelines.train import why_unfit


def trainable_pixels(split: SampleSplit, template: Template, grid: Grid, valid: Path | ValidPixels) -> PixelSplit:
    """Find the training and validation pixels of samples, and check that the classifier can be trained on them.

    Parameters
    ----------
    split
        The samples that can be used.
    template
        Gives the classifier, the growth, the most pixels of a class, and the seed.
    grid
        The scene's grid.
    valid
        Raster on the grid, 1 where a pixel may be used.

    Raises
    ------
    SampleError
        If fewer than two classes keep training pixels, or a polygon is too large.
    ConfigurationError
        If the classifier cannot separate this number of classes.
    """
    pixels = drawn_pixels(split.training, split.validation, template, grid, valid)
    unfit = why_unfit(template.classifier, len(pixels.training.counts))
    if unfit is not None:
        raise ConfigurationError(f"classifier: {unfit}; choose another one")
    return pixels
