"""A scene, as notebooks and the command line use it: open, run, look, label, run again."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from alcd_otb.accuracy.estimate import AccuracyEstimate
from alcd_otb.accuracy.job import estimate_accuracy, plan_accuracy
from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.active_learning.foreign_labels import take_over_labels
from alcd_otb.active_learning.job import check_gives_places, update_latest_places
from alcd_otb.active_learning.layer import PlaceRecord
from alcd_otb.arrays import Float32Array, UInt8Array
from alcd_otb.classification.iteration import check_classifier
from alcd_otb.cross_validation.job import cross_validate
from alcd_otb.cross_validation.results import CrossValidation
from alcd_otb.errors import ConfigurationError
from alcd_otb.iterations.history import Iteration, completed, read_history
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import is_prepared
from alcd_otb.qgis.scene_project import write_blind_project
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import read_part
from alcd_otb.report.notebook import scene_html
from alcd_otb.result import Result
from alcd_otb.run import all_samples, has_samples, plan_run, run_scene, translated_failures
from alcd_otb.samples.adding import Attribution, Point, add_points
from alcd_otb.samples.reading import read_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.unlabelled import unlabelled_classes
from alcd_otb.settings.scene_file import SceneConfig, load_scene
from alcd_otb.settings.wishes import Wishes
from alcd_otb.workspace import Workspace
from otb_pipelines.settings import Settings, default_settings


@dataclass(frozen=True)
class Scene:
    """A scene as its scene.json describes it.

    Attributes
    ----------
    config
        All settings, with absolute paths.
    settings
        Memory, threads and progress.
    """

    config: SceneConfig
    settings: Settings

    @classmethod
    def open(cls, path: str | Path, settings: Settings | None = None, template: str | None = None) -> Self:
        """Read scene.json and its template.

        Parameters
        ----------
        path
            The file.
        settings
            Memory, threads and progress; by default as the machine allows.
        template
            A template to take in the place of the scene's: a name, or the path of a file.

        Raises
        ------
        ConfigurationError
            Where the file or its template is wrong.
        """
        return cls(load_scene(Path(path), template), settings or default_settings())

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
            Where the scene is not prepared.
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
            Where there is no iteration.
        """
        return self.result().accuracy or {}

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The labelled points and polygons as the file holds them now, in the scene's CRS; none before the first.

        Each has ``__geo_interface__``, so that ``geopandas.GeoDataFrame.from_features(scene.samples)`` takes them.

        Raises
        ------
        SampleError
            Where the file cannot be used.
        ConfigurationError
            Where the scene is not prepared.
        """
        if not has_samples(self.config):
            return ()
        return read_samples(self.config.samples, self.config.template.legend, self.grid)

    def result(self, iteration: int | None = None) -> Result:
        """Return what a finished iteration made, by default the last one.

        Raises
        ------
        ConfigurationError
            Where there is no such iteration.
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
            Where there is no such iteration, or the window is not within the map.
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
            raise ConfigurationError(f"{file}: is not there; the template's classifier gives no confidence")
        values: Float32Array = read_part(file, window, level, "average")
        return np.where(values > 0, values, np.float32(np.nan))

    def add_samples(self, points: Iterable[Point], crs: str | None = None, author: str = "", comment: str = "") -> None:
        """Add labelled points to the file of samples: all of them, or none where one is refused.

        QGIS may have the file open.

        Parameters
        ----------
        points
            (class, x, y), the class by name or code.
        crs
            CRS of x and y, such as ``EPSG:4326``, in which x is the longitude; by default the scene's.
        author, comment
            Values of the fields of these names.

        Raises
        ------
        SampleError
            Where a point is refused, the file is no GeoPackage, or another program is writing to it.
        ConfigurationError
            Where the scene is not prepared.
        """
        attribution = Attribution(self.workspace.next_number, author, comment)
        add_points(self.config.samples, points, crs, self.config.template.legend, self.grid, attribution)

    def plan(self, start: int | None = None, wishes: Wishes | None = None) -> tuple[str, ...]:
        """Say what `run` would do, step by step. The inputs are checked, and nothing is written.

        Raises
        ------
        AlcdError
            As `run` does for wrong inputs.
        """
        return plan_run(self.config, self.settings, start, wishes)

    def run(self, start: int | None = None, wishes: Wishes | None = None) -> Result:
        """Prepare what is missing or out of date; then, if there are samples, run one more iteration.

        Parameters
        ----------
        start, wishes
            As for `alcd_otb.run.run_scene`.

        Raises
        ------
        AlcdError
            The child that says what is wrong. Nothing half-written is left.
        """
        return run_scene(self.config, self.settings, start, wishes=wishes)

    def next_places(self, number: int | None = None) -> list[PlaceRecord]:
        """Propose where to label next, by the latest iteration and the present samples; also written to to_visit.gpkg.

        Before the first iteration, the places are of the kinds of pixel in the scene that have no sample.

        Parameters
        ----------
        number
            How many places, or before the first iteration kinds; by default as the template says.

        Returns
        -------
        list of dict
            The places in the order of their use, as `alcd_otb.active_learning.layer.as_records` describes them. Empty
            where nothing is left to ask.

        Raises
        ------
        ConfigurationError
            Where the scene is not prepared, or its classifier gives nothing to choose by.
        """
        workspace, template = self.workspace, self.config.template
        check_gives_places(workspace, template)
        with workspace.locked():
            take_over_labels(workspace, self.config.samples, template.legend, self.grid)
            samples = all_samples(self.config, self.grid)
            return update_latest_places(workspace, samples, template, self.settings, number)

    def unlabelled_classes(self) -> tuple[str, ...]:
        """List the names of the classes that have no sample yet. It raises what `next_places` does."""
        legend, samples = self.config.template.legend, all_samples(self.config, self.grid)
        return unlabelled_classes((legend.with_code(sample.code).name for sample in samples), legend)

    def plan_accuracy(self, points: int, seed: int = 1, replace: bool = False) -> AccuracyPlan:
        """Draw points from the latest map to label blindly in accuracy.gpkg, and write their QGIS project.

        Parameters
        ----------
        points, seed
            How many, and the seed of the draw.
        replace
            Whether points with labels are put aside for new ones.

        Raises
        ------
        ConfigurationError, SampleError
            As `alcd_otb.accuracy.job.plan_accuracy` does.
        """
        # Before the lock, which would make the folder of a workspace that does not exist.
        self.workspace.last_iteration()
        with self.workspace.locked():
            plan = plan_accuracy(self.workspace, self.config.template.legend, points, seed, replace)
            write_blind_project(self.config, plan.grid, self.workspace)
        return plan

    def estimate_accuracy(self, iteration: int | None = None, labelled_only: bool = False) -> AccuracyEstimate:
        """Estimate the accuracy of a map and the areas of its classes from the labelled points.

        Parameters
        ----------
        iteration
            Number of the map's iteration; by default the latest.
        labelled_only
            Whether points without a class are left out.

        Raises
        ------
        ConfigurationError, SampleError
            As `alcd_otb.accuracy.job.estimate_accuracy` does.
        """
        # Before the lock, which would make the folder of a workspace that does not exist.
        self.workspace.last_iteration()
        with self.workspace.locked():
            return estimate_accuracy(self.workspace, self.config.template.legend, iteration, labelled_only)

    def cross_validate(self, folds: int = 10) -> CrossValidation:
        """Cross-validate the samples of a prepared scene by spatial block. The iterations stay as they are.

        Raises
        ------
        ConfigurationError
            Where the scene is not prepared, or there are fewer than 2 folds.
        SampleError
            Where the samples do not allow so many folds.
        """
        if folds < 2:
            raise ConfigurationError(f"{folds} folds: at least 2 are needed, to train and to validate")
        with translated_failures():
            inputs = Inputs.read(self.config)
            check_classifier(self.config.template, self.settings)
            if not is_prepared(self.workspace, inputs.fingerprint()):
                raise ConfigurationError(
                    f"{self.workspace.folder}: is not prepared, or out of date; run the scene first"
                )
            samples = read_samples(self.config.samples, self.config.template.legend, inputs.grid)
            with self.workspace.locked():
                return cross_validate(self.config, inputs.grid, self.workspace, samples, folds, self.settings)

    def status(self) -> tuple[Iteration, ...]:
        """Return what the iterations recorded, oldest first. It only reads, and may do so while a run goes on."""
        return completed(read_history(self.workspace), self.config.template.legend)

    def _repr_html_(self) -> str:
        return scene_html(self.config, self.workspace)

    def _iteration(self, number: int | None) -> Path:
        return self.workspace.last_iteration() if number is None else self.workspace.iteration(number)
