"""Make one more iteration. Its map is put in place before the rest of the iteration is made."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alcd_otb.active_learning.job import update_places
from alcd_otb.classification.iteration import IterationInput, MadeMap, make_map, measure_map
from alcd_otb.errors import AlcdError
from alcd_otb.files.lease import Lease
from alcd_otb.files.writing import write_json
from alcd_otb.iterations.origin import digest_of, is_made_from, record_origin
from alcd_otb.iterations.record import RUN_LOG, RunLog, Stopwatch
from alcd_otb.pictures.contours import write_contours
from alcd_otb.pictures.figures import draw_figures
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.qgis.map_folder import LABELS, show_unfinished_iteration, shows_unfinished_iteration
from alcd_otb.qgis.scene_project import write_project
from alcd_otb.report.page import write_report
from alcd_otb.samples.restoring import take_samples
from alcd_otb.samples.sample import Sample
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import UnfinishedIteration, Workspace
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)


def made_already(
    workspace: Workspace, inputs: Inputs, samples: tuple[Sample, ...], corrections: tuple[Sample, ...]
) -> Path | None:
    """Return the last iteration if another one would be the same, else None."""
    finished = workspace.iterations() if samples else ()
    return finished[-1] if finished and is_made_from(finished[-1], _digest(inputs, samples, corrections)) else None


def show_former_map(config: SceneConfig, inputs: Inputs, workspace: Workspace) -> None:
    """Restore ``map`` and the project to the last iteration, if they show an unfinished one.

    Raises
    ------
    ProcessingError
        They cannot be written.
    """
    if shows_unfinished_iteration(workspace):
        write_project(config, inputs.grid, workspace)


def _digest(inputs: Inputs, samples: tuple[Sample, ...], corrections: tuple[Sample, ...]) -> str:
    return digest_of(inputs.fingerprint(), inputs.template, samples, corrections)


@dataclass(frozen=True)
class NextIteration:
    """The next iteration of a prepared scene, whose workspace is locked.

    Attributes
    ----------
    config
        The scene.
    inputs
        Its products and features.
    samples, corrections
        What to train with, and what to burn over the map.
    earlier
        Folder of the iteration to start again from. None if the samples are the scene's own.
    lease
        The lock of the workspace.
    run_log
        The log of the run.
    stopwatch
        Takes the seconds of each step.
    settings
        Memory, threads and progress.
    """

    config: SceneConfig
    inputs: Inputs
    samples: tuple[Sample, ...]
    corrections: tuple[Sample, ...]
    earlier: Path | None
    lease: Lease
    run_log: RunLog
    stopwatch: Stopwatch
    settings: Settings

    @property
    def workspace(self) -> Workspace:
        """The workspace of the scene."""
        return Workspace(self.config.workspace)

    def make(self) -> int:
        """Make the iteration. Returns its number.

        Raises
        ------
        AlcdError, OtbError
            A subclass that names the problem. The folder ``map`` then shows the last finished iteration.
        """
        with self._former_map_after_failure(), self.workspace.new_iteration(self.lease) as made:
            given = IterationInput(
                self.config.template, self.workspace, self.inputs.grid, self.samples, self.corrections, self.earlier
            )
            mapped = make_map(given, made.folder, self.stopwatch, self.settings)
            self._show(made)
            self._describe(made, mapped)
            write_json(made.folder / "seconds.json", self.stopwatch.seconds)
            steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in self.stopwatch.seconds.items())
            log.info("iteration %d, seconds: %s", made.number, steps)
            (made.folder / RUN_LOG).write_text(self.run_log.text, encoding="utf-8", errors="backslashreplace")
            if self.earlier is not None:
                # Last, when nothing else can fail.
                take_samples(self.earlier, self.config.samples, self.workspace, made.number)
        return made.number

    def _show(self, made: UnfinishedIteration) -> None:
        """Put the map in its place, and before there is any, the project that shows it."""
        with self.stopwatch.timing("show"):
            # Another run may have taken over the workspace. Then nothing may be written.
            self.lease.check()
            if (self.workspace.map_folder / LABELS).is_file():
                show_unfinished_iteration(made, self.workspace, self.inputs.grid)
            else:
                write_project(self.config, self.inputs.grid, self.workspace, made)
        log.info("iteration %d: the map is in %s", made.number, self.workspace.map_folder)

    def _describe(self, made: UnfinishedIteration, mapped: MadeMap) -> None:
        """Measure the map, and make the outlines, the places to label next, the pictures and the report.

        OTB runs in this thread alone: its applications cannot run side by side in threads.
        """
        folder, legend, stopwatch = made.folder, self.config.template.legend, self.stopwatch

        def outline() -> None:
            with stopwatch.timing("contours"):
                write_contours(folder / "labels.tif", folder / "contours.fgb", legend)

        def propose() -> None:
            with stopwatch.timing("queries"):
                update_places(self.workspace, folder, self.samples, self.config.template, self.settings)

        def draw() -> None:
            with stopwatch.timing("figures"):
                draw_figures(self.workspace.quicklook, folder / "labels.tif", legend, folder)

        def measure() -> None:
            measure_map(mapped, stopwatch, self.settings)
            record_origin(self.workspace.config, folder, _digest(self.inputs, self.samples, self.corrections))

        alone = self.settings.threads == 1
        if alone:
            measure()
        with ThreadPoolExecutor(max(1, min(3, self.settings.threads - 1))) as pool:
            others = [pool.submit(task) for task in (outline, propose, draw)]
            if not alone:
                measure()
            for other in others:
                other.result()
        with stopwatch.timing("report"):
            write_report(self.workspace, folder, made.number, legend)

    @contextmanager
    def _former_map_after_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            if self.lease.is_held():
                try:
                    show_former_map(self.config, self.inputs, self.workspace)
                except AlcdError as error:
                    log.warning("%s; the next run restores the map of the last iteration", error)
            raise
