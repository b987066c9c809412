"""Define a scene as notebooks and the command line use it: open, run, look, label, run again."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from alcd_otb.accuracy.estimate import AccuracyEstimate
from alcd_otb.accuracy.job import estimate_accuracy, plan_accuracy
from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.active_learning.foreign_labels import take_over_labels
from alcd_otb.active_learning.job import check_gives_places, update_latest_places
from alcd_otb.active_learning.layer import PlaceRecord
from alcd_otb.classification.iteration import check_classifier
from alcd_otb.cross_validation.job import cross_validate
from alcd_otb.cross_validation.results import CrossValidation
from alcd_otb.errors import ConfigurationError
from alcd_otb.live.session import LiveSession
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import prepared_stage
from alcd_otb.preparation.stages import Stage
from alcd_otb.qgis.scene_project import write_blind_project
from alcd_otb.report.notebook import scene_html
from alcd_otb.result import Result
from alcd_otb.run import all_samples, plan_run, run_scene, translated_failures
from alcd_otb.samples.adding import Attribution, Point, add_points
from alcd_otb.samples.reading import read_samples
from alcd_otb.samples.unlabelled import unlabelled_classes
from alcd_otb.scene_reading import SceneReading
from alcd_otb.settings.scene_file import load_scene
from alcd_otb.settings.wishes import Wishes
from otb_pipelines.settings import Settings, default_settings


@dataclass(frozen=True)
class Scene(SceneReading):
    """A scene as its scene.json describes it.

    Attributes
    ----------
    config
        All settings, with absolute paths.
    settings
        Memory, threads and progress.
    """

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
            A template to take instead of the scene's: a name, or the path of a file.

        Raises
        ------
        ConfigurationError
            If the file or its template is wrong.
        """
        return cls(load_scene(Path(path), template), settings or default_settings())

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
            If a point is refused, the file is not a GeoPackage, or another program is writing to it.
        ConfigurationError
            If the scene is not prepared.
        """
        attribution = Attribution(self.workspace.next_number, author, comment)
        add_points(self.config.samples, points, crs, self.config.template.legend, self.grid, attribution)

    def plan(self, start: int | None = None, wishes: Wishes | None = None) -> tuple[str, ...]:
        """Describe what `run` would do, step by step. The inputs are checked, and nothing is written.

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
            A subclass that names the problem. No unfinished file is left.
        """
        return run_scene(self.config, self.settings, start, wishes=wishes)

    def live(self) -> LiveSession:
        """Open a session in memory. Its maps always equal those that `run` would make from the samples.

        It begins with the samples and corrections of the scene at present. The caller closes it, or uses it
        in a ``with`` block.

        Raises
        ------
        SampleError
            If the file of the samples cannot be used.
        ConfigurationError
            If the scene is not prepared.
        """
        session = LiveSession.open(self.config, self.settings)
        session.update(all_samples(self.config, self.grid), self.corrections)
        return session

    def next_places(self, number: int | None = None, maps: Path | None = None) -> list[PlaceRecord]:
        """Propose where to label next, by the latest iteration and the present samples; also written to to_visit.gpkg.

        Before the first iteration, the places are of the kinds of pixel in the scene that have no sample.

        Parameters
        ----------
        number
            Number of places, or of kinds before the first iteration. By default that of the template.
        maps
            Folder of other maps to choose by, as `LiveSession.write_maps` writes them.

        Returns
        -------
        list of dict
            The places in the order of their use, as `alcd_otb.active_learning.layer.as_records` describes them. Empty
            where no place is left.

        Raises
        ------
        ConfigurationError
            If the scene is not prepared, or its classifier gives no confidence.
        """
        workspace, template = self.workspace, self.config.template
        check_gives_places(workspace, template)
        with workspace.locked():
            take_over_labels(workspace, self.config.samples, template.legend, self.grid)
            samples = all_samples(self.config, self.grid)
            return update_latest_places(workspace, samples, template, self.settings, number, maps)

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
            Whether points with labels are moved away and new points drawn.

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
            If the scene is not prepared, or there are fewer than 2 folds.
        SampleError
            If the samples do not allow this number of folds.
        """
        if folds < 2:
            raise ConfigurationError(f"{folds} folds: at least 2 are needed, to train and to validate")
        with translated_failures():
            inputs = Inputs.read(self.config)
            check_classifier(self.config.template, self.settings)
            if prepared_stage(self.workspace, inputs.fingerprint()) not in (Stage.FEATURES, Stage.VIEW):
                raise ConfigurationError(
                    f"{self.workspace.folder}: is not prepared, or out of date; run the scene first"
                )
            samples = read_samples(self.config.samples, self.config.template.legend, inputs.grid)
            with self.workspace.locked():
                return cross_validate(self.config, inputs.grid, self.workspace, samples, folds, self.settings)

    def _repr_html_(self) -> str:
        return scene_html(self.config, self.workspace)
