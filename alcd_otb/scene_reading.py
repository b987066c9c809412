"""Read the files of a scene: its samples, its iterations and their maps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.arrays import Float32Array, UInt8Array
from alcd_otb.errors import ConfigurationError
from alcd_otb.iterations.history import Iteration, completed, read_history
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import read_part
from alcd_otb.result import Result
from alcd_otb.run import has_samples
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import Workspace
from otb_pipelines.settings import Settings


@dataclass(frozen=True)
class SceneReading:
    """The part of `alcd_otb.scene.Scene` that changes nothing.

    Attributes
    ----------
    config
        All settings, with absolute paths.
    settings
        Memory, threads and progress.
    """

    config: SceneConfig
    settings: Settings

    @property
    def workspace(self) -> Workspace:
        """Where the results lie."""
        return Workspace(self.config.workspace)

    @property
    def grid(self) -> Grid:
        """The grid of the prepared scene's features and maps. It turns pixels into map coordinates and back.

        Raises
        ------
        ConfigurationError
            If the scene is not prepared.
        """
        if not self.workspace.features.is_file():
            raise ConfigurationError(f"{self.workspace.folder}: is not prepared; run the scene first")
        return Grid.of(str(self.workspace.features))

    @property
    def metrics(self) -> dict[str, Any]:
        """``metrics.json`` of the last iteration: agreement with the samples, counts, changes.

        Raises
        ------
        ConfigurationError
            If there is no iteration.
        """
        return self.result().accuracy or {}

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The labelled points and polygons as the file holds them now, in the scene's CRS; none before the first.

        Each has ``__geo_interface__``, so that ``geopandas.GeoDataFrame.from_features(scene.samples)`` takes them.

        Raises
        ------
        SampleError
            If the file cannot be used.
        ConfigurationError
            If the scene is not prepared.
        """
        if not has_samples(self.config):
            return ()
        return read_samples(self.config.samples, self.config.template.legend, self.grid)

    @property
    def corrections(self) -> tuple[Sample, ...]:
        """The polygons that are burnt over the map, in the order they were drawn. It raises what `samples` does."""
        return read_corrections(self.config.samples, self.config.template.legend, self.grid)

    def result(self, iteration: int | None = None) -> Result:
        """Return the result of a finished iteration, by default the last one.

        Raises
        ------
        ConfigurationError
            If there is no such iteration.
        """
        return Result.of(self.workspace, int(self._iteration(iteration).name), self.config.template.legend)

    def labels(
        self,
        window: Window | tuple[int, int, int, int] | None = None,
        level: int | None = None,
        iteration: int | None = None,
    ) -> UInt8Array:
        """Return the map of an iteration.

        Parameters
        ----------
        window
            First row, first column, rows and columns of a part; by default all.
        level
            How often each side is halved, by the most frequent class. By default as often as needed for a picture; see
            `alcd_otb.raster.io.read_part`.
        iteration
            Its number; by default the last one.

        Returns
        -------
        numpy.ndarray
            (rows, columns) class codes, 0 no data.

        Raises
        ------
        ConfigurationError
            If there is no such iteration, or the window is not within the map.
        """
        codes: UInt8Array = read_part(self._iteration(iteration) / "labels.tif", window, level, "mode")
        return codes

    def confidence(
        self,
        window: Window | tuple[int, int, int, int] | None = None,
        level: int | None = None,
        iteration: int | None = None,
    ) -> Float32Array:
        """Return the fraction of trees that voted for the class of each pixel.

        Parameters
        ----------
        window, level, iteration
            As for `labels`, but halved by averages.

        Returns
        -------
        numpy.ndarray
            (rows, columns), 0 to 1; NaN where there is no data.

        Raises
        ------
        ConfigurationError
            As `labels`, and where the classifier gives no confidence.
        """
        file = self._iteration(iteration) / "confidence.tif"
        if not file.is_file():
            raise ConfigurationError(f"{file}: does not exist; the template's classifier gives no confidence")
        values: Float32Array = read_part(file, window, level, "average")
        return np.where(values > 0, values, np.float32(np.nan))

    def status(self) -> tuple[Iteration, ...]:
        """Return what the iterations recorded, oldest first. It only reads, and may be called during a run."""
        return completed(read_history(self.workspace), self.config.template.legend)

    def _iteration(self, number: int | None) -> Path:
        return self.workspace.last_iteration() if number is None else self.workspace.iteration(number)
