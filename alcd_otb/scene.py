"""A scene: the order of its jobs. What the command line and notebooks call."""

import io
import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from alcd_otb.accuracy.estimate import AccuracyEstimate
from alcd_otb.accuracy.job import estimate_accuracy, plan_accuracy
from alcd_otb.accuracy.plan import AccuracyPlan
from alcd_otb.active_learning.job import check_gives_places, update_places
from alcd_otb.active_learning.layer import PlaceRecord
from alcd_otb.classification.iteration import IterationInput, check_classifier, run_iteration
from alcd_otb.cross_validation.job import cross_validate
from alcd_otb.cross_validation.results import CrossValidation
from alcd_otb.errors import ConfigurationError, EnvironmentNotReadyError, ProcessingError, SampleError
from alcd_otb.iterations.history import Iteration, completed, read_history
from alcd_otb.iterations.record import Stopwatch, recorded
from alcd_otb.pictures.contours import write_contours
from alcd_otb.pictures.figures import draw_figures, draw_quicklook
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import is_prepared, pixel_counts, prepare
from alcd_otb.preparation.provenance import provenance
from alcd_otb.preparation.python_features import check_functions, python_features
from alcd_otb.qgis.scene_project import write_blind_project, write_project
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import read_part
from alcd_otb.report.notebook import scene_html
from alcd_otb.report.page import write_report
from alcd_otb.result import Result
from alcd_otb.samples.adding import Attribution, Point, add_points
from alcd_otb.samples.layers import holds_samples
from alcd_otb.samples.reading import read_corrections, read_samples
from alcd_otb.samples.restoring import can_restore, take_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.writing import create_empty_samples
from alcd_otb.settings.scene_file import SceneConfig, load_scene
from alcd_otb.workspace import Workspace, write_json, writing_to
from otb_pipelines.errors import OtbError, OtbMissingError
from otb_pipelines.settings import Settings, default_settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Scene:
    """A scene as its scene.json describes it: open, run, look, label, run again.

    config: all settings, every path absolute. settings: memory and threads.
    """

    config: SceneConfig
    settings: Settings

    @classmethod
    def open(cls, path: str | Path, settings: Settings | None = None) -> Self:
        """Read scene.json and its template. Raises ConfigurationError."""
        return cls(load_scene(Path(path)), settings or default_settings())

    @property
    def workspace(self) -> Workspace:
        """Where the results lie."""
        return Workspace(self.config.workspace)

    @property
    def grid(self) -> Grid:
        """The grid of the prepared scene's features and maps: pixels to map coordinates and back.

        Raises ConfigurationError where the scene is not prepared.
        """
        if not self.workspace.features.is_file():
            raise ConfigurationError(f"{self.workspace.folder}: is not prepared; run the scene first")
        return Grid.of(str(self.workspace.features))

    def result(self, iteration: int | None = None) -> Result:
        """What a finished iteration made, by default the last one. Raises ConfigurationError where it is none."""
        return Result.of(self.workspace, int(self._iteration(iteration).name), self.config.template.legend)

    @property
    def metrics(self) -> dict[str, Any]:
        """metrics.json of the last iteration: agreement with the samples kept out of training, counts, changes.

        Raises ConfigurationError where there is none.
        """
        return self.result().accuracy or {}

    def labels(
        self,
        window: Window | tuple[int, int, int, int] | None = None,
        level: int | None = None,
        iteration: int | None = None,
    ) -> NDArray[np.uint8]:
        """The map of an iteration, by default the last one: (rows, columns) of class codes, 0 no data.

        window, level: which part, and how much shrunk, by the commonest class; see `rasters.read_part`. Raises
        ConfigurationError as that does, and where there is no such iteration.
        """
        codes: NDArray[np.uint8] = read_part(self._iteration(iteration) / "labels.tif", window, level, "mode")
        return codes

    def confidence(
        self,
        window: Window | tuple[int, int, int, int] | None = None,
        level: int | None = None,
        iteration: int | None = None,
    ) -> NDArray[np.float32]:
        """The share of the trees that voted for the class, (rows, columns), 0 to 1; NaN where there is no data.

        As `labels`, but shrunk by averages. Raises ConfigurationError also where the classifier gives no confidence.
        """
        file = self._iteration(iteration) / "confidence.tif"
        if not file.is_file():
            raise ConfigurationError(f"{file}: is not there; the template's classifier gives no confidence")
        values: NDArray[np.float32] = read_part(file, window, level, "average")
        return np.where(values > 0, values, np.float32(np.nan))

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The labelled points and polygons as the file holds them now, in the scene's CRS; none before the first.

        Each has `__geo_interface__`, so that `geopandas.GeoDataFrame.from_features(scene.samples)` takes them. Raises
        SampleError where the file cannot be used, ConfigurationError where the scene is not prepared.
        """
        if not self._has_samples():
            return ()
        return read_samples(self.config.samples, self.config.template.legend, self.grid)

    def add_samples(self, points: Iterable[Point], crs: str | None = None, author: str = "", comment: str = "") -> None:
        """Add labelled points to the file of samples: all of them, or none where one is refused.

        points: (class, x, y), the class by name or code. crs: of x and y, such as ``EPSG:4326``, of which x is the
        longitude; by default the scene's. QGIS may have the file open. Raises SampleError where a point is refused, the
        file is no GeoPackage or another program is writing to it, ConfigurationError where the scene is not prepared.
        """
        finished = self.workspace.iterations()
        turn = int(finished[-1].name) + 1 if finished else 1
        legend = self.config.template.legend
        add_points(self.config.samples, points, crs, legend, self.grid, Attribution(turn, author, comment))

    def plan(self, start: int | None = None) -> tuple[str, ...]:
        """What `run` would do, step by step; reads and checks the inputs, writes nothing. Raises as `run`."""
        with _failures_translated():
            inputs = self._checked_inputs()
        steps = []
        if is_prepared(self.workspace, inputs.fingerprint()):
            steps.append(f"{self.workspace.folder} is prepared and up to date")
        else:
            features = ", ".join(inputs.feature_names)
            steps.append(f"prepare {self.workspace.folder}: {len(inputs.features)} features ({features})")
        source = self._samples(start)
        if source is not None:
            corrections = self._corrections(start, inputs.grid)
            drawn = f" and {len(corrections)} corrections" if corrections else ""
            samples = read_samples(source, self.config.template.legend, inputs.grid)
            finished = self.workspace.iterations()
            number = int(finished[-1].name) + 1 if finished else 1
            steps.append(f"run iteration {number} from {len(samples)} samples{drawn} of {source}")
            if start is not None and can_restore(self.config.samples, self.workspace.folder):
                steps.append(f"put these into {self.config.samples}, and keep beside it what it holds now")
        else:
            steps.append(f"write an empty {self.config.samples} to label in")
        return tuple(steps)

    def run(self, start: int | None = None) -> Result:
        """Prepare what is missing or out of date; then, if there are samples, run one more iteration.

        start: number of an earlier iteration to start again from: its samples are taken, and put in the place of the
        scene's, of which a copy is kept. Where these are no GeoPackage in the workspace they are left as they are.

        Raises the AlcdError that tells what is wrong; nothing half-written is left.
        """
        stopwatch = Stopwatch()
        with _failures_translated(), recorded() as recording:
            inputs = self._checked_inputs()
            with self.workspace.locked():
                return self._run_locked(inputs, start, stopwatch, recording)

    def _checked_inputs(self) -> Inputs:
        """The products, once all is known to be right that can be before anything runs."""
        inputs = Inputs.read(self.config)
        check_classifier(self.config.template, self.settings)
        if python_features(inputs.features) and not is_prepared(self.workspace, inputs.fingerprint()):
            check_functions(inputs.features, inputs.grid.resolution)
        return inputs

    def plan_accuracy(self, points: int, seed: int = 1, replace: bool = False) -> AccuracyPlan:
        """Draw so many points from the latest map, to be labelled blindly in accuracy.gpkg, and write its QGIS project.

        replace: whether points with labels are put aside for new ones. Raises as `assess.plan_accuracy` does.
        """
        # Before the lock, which would make the folder of a workspace that there is not.
        self.workspace.last_iteration()
        with self.workspace.locked():
            plan = plan_accuracy(self.workspace, self.config.template.legend, points, seed, replace)
            write_blind_project(self.config, plan.grid, self.workspace)
        return plan

    def estimate_accuracy(self, iteration: int | None = None, labelled_only: bool = False) -> AccuracyEstimate:
        """Estimate a map's accuracy, by default the latest one's, and its areas from the labelled points.

        labelled_only: whether points without a class are left out. Raises as `assess.estimate_accuracy` does.
        """
        # Before the lock, which would make the folder of a workspace that there is not.
        self.workspace.last_iteration()
        with self.workspace.locked():
            return estimate_accuracy(self.workspace, self.config.template.legend, iteration, labelled_only)

    def cross_validate(self, folds: int = 10) -> CrossValidation:
        """Cross-validate the samples of a prepared scene by spatial block; the iterations stay as they are.

        Raises ConfigurationError where the scene is not prepared, SampleError where the samples do not allow it.
        """
        if folds < 2:
            raise ConfigurationError(f"{folds} folds: at least 2 are needed, to train and to validate")
        with _failures_translated():
            inputs = Inputs.read(self.config)
            check_classifier(self.config.template, self.settings)
            if not is_prepared(self.workspace, inputs.fingerprint()):
                raise ConfigurationError(
                    f"{self.workspace.folder}: is not prepared, or out of date; run the scene first"
                )
            samples = read_samples(self.config.samples, self.config.template.legend, inputs.grid)
            with self.workspace.locked():
                return cross_validate(self.config, inputs.grid, self.workspace, samples, folds, self.settings)

    def _run_locked(self, inputs: Inputs, start: int | None, stopwatch: Stopwatch, recording: io.StringIO) -> Result:
        workspace, legend = self.workspace, self.config.template.legend
        # Bad samples are told of before the long work, not after it.
        source = self._samples(start)
        samples = read_samples(source, legend, inputs.grid) if source is not None else ()
        corrections = self._corrections(start, inputs.grid) if samples else ()
        digest = inputs.fingerprint()
        if not is_prepared(workspace, digest):
            log.info("preparing %s", workspace.folder)
            with stopwatch.timing("prepare"):
                for picture in (workspace.quicklook, workspace.preview):
                    picture.unlink(missing_ok=True)
                prepare(inputs, workspace, digest, self.settings)
        self._draw_quicklook()
        with writing_to(workspace.folder):
            write_json(workspace.config, provenance(self.config, inputs, asdict(pixel_counts(workspace))))
        if not samples:
            return self._wait_for_samples(inputs, stopwatch)
        with workspace.new_iteration() as (number, folder):
            earlier = workspace.iteration(start) if start is not None else None
            given = IterationInput(self.config.template, workspace, inputs.grid, samples, corrections, earlier)
            run_iteration(given, folder, stopwatch, self.settings)
            shutil.copyfile(workspace.config, folder / "config.json")
            # Of OTB nothing runs any more: its applications cannot run side by side in threads.
            with ThreadPoolExecutor(2) as beside:
                guides = [
                    beside.submit(self._outline, folder, stopwatch),
                    beside.submit(self._propose, folder, samples, stopwatch),
                ]
                with stopwatch.timing("figures"):
                    draw_figures(workspace.quicklook, folder / "labels.tif", legend, folder)
                with stopwatch.timing("report"):
                    write_report(workspace, folder, number, legend)
                for guide in guides:
                    guide.result()
            write_json(folder / "seconds.json", stopwatch.seconds)
            steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in stopwatch.seconds.items())
            log.info("iteration %d, seconds: %s", number, steps)
            (folder / "run.log").write_text(recording.getvalue(), encoding="utf-8")
            if earlier is not None:
                # Last, when nothing else can fail.
                take_samples(earlier, self.config.samples, workspace, number)
        write_project(self.config, inputs.grid, workspace)
        return Result.of(workspace, number, legend)

    def _outline(self, folder: Path, stopwatch: Stopwatch) -> None:
        with stopwatch.timing("contours"):
            write_contours(folder / "labels.tif", folder / "contours.fgb", self.config.template.legend)

    def _propose(self, folder: Path, samples: tuple[Sample, ...], stopwatch: Stopwatch) -> None:
        with stopwatch.timing("queries"):
            update_places(self.workspace, folder, samples, self.config.template, self.settings)

    def next_places(self, number: int | None = None) -> list[PlaceRecord]:
        """Where to label next, by the latest iteration and the samples as they are now; also written to to_visit.gpkg.

        number: how many, else as the template says. In the order of their use, each as `as_records` gives it.
        Raises ConfigurationError where there is no map yet, or its classifier gave nothing to choose by.
        """
        workspace, template = self.workspace, self.config.template
        check_gives_places(workspace, template)
        with workspace.locked():
            iteration = workspace.last_iteration()
            grid = Grid.of(str(iteration / "labels.tif"))
            samples = read_samples(self.config.samples, template.legend, grid) if self._has_samples() else ()
            return update_places(workspace, iteration, samples, template, self.settings, number)

    def status(self) -> tuple[Iteration, ...]:
        """What the iterations tell of themselves, oldest first; reads only, and may do so while a run is going on."""
        return completed(read_history(self.workspace), self.config.template.legend)

    def _repr_html_(self) -> str:
        return scene_html(self.config, self.workspace)

    def _iteration(self, number: int | None) -> Path:
        return self.workspace.last_iteration() if number is None else self.workspace.iteration(number)

    def _draw_quicklook(self) -> None:
        workspace = self.workspace
        if not (workspace.quicklook.is_file() and workspace.preview.is_file()):
            with workspace.scratch() as scratch:
                limits = self.config.template.view.limits
                if draw_quicklook(workspace.view, scratch / "quicklook.png", scratch / "preview.jpg", limits):
                    os.replace(scratch / "preview.jpg", workspace.preview)
                    os.replace(scratch / "quicklook.png", workspace.quicklook)

    def _wait_for_samples(self, inputs: Inputs, stopwatch: Stopwatch) -> Result:
        if not self.config.samples.exists():
            with writing_to(self.config.samples.parent):
                create_empty_samples(self.config.samples, inputs.grid)
        write_project(self.config, inputs.grid, self.workspace)
        return Result.prepared(self.workspace, stopwatch.seconds, self.config.template.legend)

    def _samples(self, start: int | None) -> Path | None:
        """Where the samples to classify from lie: the scene's, or those of the iteration to start again from."""
        if start is None:
            return self.config.samples if self._has_samples() else None
        return self.workspace.iteration(start) / "samples.gpkg"

    def _corrections(self, start: int | None, grid: Grid) -> tuple[Sample, ...]:
        """The scene's, which stay when it starts again from an earlier iteration, or else that iteration's."""
        legend = self.config.template.legend
        try:
            return read_corrections(self.config.samples, legend, grid)
        except SampleError as error:
            if start is None:
                raise
            log.warning("%s; the corrections of iteration %d are taken", error, start)
            return read_corrections(self.workspace.iteration(start) / "samples.gpkg", legend, grid)

    def _has_samples(self) -> bool:
        """Whether to classify: samples that the scene names must exist; the default file may be absent or empty."""
        samples = self.config.samples
        if samples != self.workspace.samples:
            return True
        return samples.is_file() and holds_samples(samples)


@contextmanager
def _failures_translated() -> Iterator[None]:
    """OTB's errors as this package's, which carry the exit codes."""
    try:
        yield
    except OtbMissingError as error:
        raise EnvironmentNotReadyError(f"{error}; run: python -m alcd_otb doctor") from error
    except OtbError as error:
        raise ProcessingError(str(error)) from error
