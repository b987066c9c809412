"""Find the training pixels of the present samples, or the reason why there are none."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from alcd_otb.classification.training_pixels import trainable_pixels
from alcd_otb.errors import ConfigurationError, ProductError, SampleError
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import reading
from alcd_otb.raster.opening import open_raster
from alcd_otb.samples.checks import Margin, check_samples
from alcd_otb.samples.pixels import PixelSet, ValidPixels
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.split import split_samples
from alcd_otb.settings.template import Template
from alcd_otb.workspace import Workspace


@dataclass(frozen=True, eq=False)
class LabelledScene:
    """The samples and corrections of a scene at one time, and what they train.

    Attributes
    ----------
    revision
        Number of changes before this one.
    samples
        All samples, as they were given.
    corrections
        Polygons to burn over the map, in the order they were drawn.
    kept
        The samples that train.
    training
        The pixels to train on. None if there is a problem.
    problem
        Why nothing can be trained. None if there is no reason.
    warnings
        Warnings of the checks of the samples, one line each.
    """

    revision: int
    samples: tuple[Sample, ...] = ()
    corrections: tuple[Sample, ...] = ()
    kept: tuple[Sample, ...] = ()
    training: PixelSet | None = None
    problem: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labelling:
    """What turns samples into training pixels, as a run does.

    Attributes
    ----------
    template
        The classes, the classifier and the settings of the use.
    grid
        The scene's grid.
    workspace
        The prepared scene.
    valid
        Its valid pixels.
    """

    template: Template
    grid: Grid
    workspace: Workspace
    valid: ValidPixels

    @classmethod
    def of(cls, template: Template, workspace: Workspace) -> Self:
        """Read the grid and the valid pixels of a prepared scene.

        Raises
        ------
        ProcessingError
            If the valid pixels cannot be read.
        ProductError
            If they are not on the grid of the features.
        """
        grid = Grid.of(workspace.features)
        if Grid.of(workspace.valid) != grid:
            raise ProductError(f"{workspace.valid}: is not on the scene's grid; delete it and run again")
        with reading(workspace.valid):
            values = open_raster(workspace.valid).ReadAsArray()
        return cls(template, grid, workspace, ValidPixels(workspace.valid, values))

    def labelled(self, revision: int, samples: Sequence[Sample], corrections: Sequence[Sample]) -> LabelledScene:
        """Find the training pixels of samples.

        Parameters
        ----------
        revision
            Number of the result.
        samples, corrections
            As they are now, in the scene's CRS.

        Returns
        -------
        LabelledScene
            With a problem where the samples cannot be trained on.
        """
        samples, corrections = tuple(samples), tuple(corrections)
        classes = len({sample.code for sample in samples})
        if classes < 2:
            problem = "there is no sample" if not classes else "all samples are of one class"
            return LabelledScene(
                revision, samples, corrections, problem=f"{problem}; label points of at least two classes"
            )
        template, workspace = self.template, self.workspace
        margin = Margin(template.margin, workspace.features) if template.margin else None
        warnings: tuple[str, ...] = ()
        try:
            report = check_samples(samples, template.legend, self.grid, self.valid, margin)
            warnings = report.warnings
            split = split_samples(report.kept, template.samples.training_proportion, template.samples.seed)
            pixels = trainable_pixels(split, template, self.grid, self.valid)
        except (SampleError, ConfigurationError) as error:
            return LabelledScene(revision, samples, corrections, problem=str(error), warnings=warnings)
        return LabelledScene(revision, samples, corrections, split.training, pixels.training, None, warnings)
