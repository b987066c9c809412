"""Run a scene: the order of its jobs, from the products to the maps of one more iteration."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from alcd_otb.active_learning.foreign_labels import take_over_labels
from alcd_otb.active_learning.job import update_start_places
from alcd_otb.classification.iteration import check_classifier
from alcd_otb.errors import EnvironmentNotReadyError, ProcessingError, ProductError, SampleError
from alcd_otb.files.lease import Lease
from alcd_otb.files.writing import write_json, writing_to
from alcd_otb.iterations.record import RunLog, Stopwatch, recorded
from alcd_otb.next_iteration import NextIteration, made_already, show_former_map
from alcd_otb.pictures.figures import draw_quicklook
from alcd_otb.pictures.looks import looks_of
from alcd_otb.preparation.cost import cost_of
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.job import is_prepared, pixel_counts, prepare, prepared_stage, remove_pictures, update_looks
from alcd_otb.preparation.provenance import provenance
from alcd_otb.preparation.python_features import check_functions, python_features
from alcd_otb.preparation.stages import Stage
from alcd_otb.preparation.staging import staged
from alcd_otb.qgis.scene_project import write_project
from alcd_otb.raster.drivers import check_environment
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.sqlite_locks import usable_sqlite
from alcd_otb.result import Result
from alcd_otb.samples.journal import empty_journal
from alcd_otb.samples.layers import holds_samples
from alcd_otb.samples.reading import present_samples, read_corrections, read_samples
from alcd_otb.samples.restoring import can_restore
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.writing import create_empty_samples
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.settings.wishes import Wishes
from alcd_otb.workspace import Workspace
from otb_pipelines.errors import DamagedFileError, OtbError, OtbMissingError
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

_WHOLE = {
    Stage.PICTURE: "the first picture is complete; the scene can be labelled",
    Stage.FEATURES: "the features are complete; the view is still coarse",
    Stage.VIEW: "is prepared",
}
"""Messages at the end of the stages of the preparation."""


def plan_run(
    config: SceneConfig, settings: Settings, start: int | None = None, wishes: Wishes | None = None
) -> tuple[str, ...]:
    """Describe what `run_scene` would do. The inputs are read and checked, and nothing is written.

    Parameters
    ----------
    config, settings, start, wishes
        As for `run_scene`.

    Returns
    -------
    tuple of str
        One sentence a step, then one of the memory, disk and time that it takes.

    Raises
    ------
    AlcdError
        As `run_scene` does for wrong inputs.
    """
    workspace = Workspace(config.workspace)
    with translated_failures():
        inputs = checked_inputs(config, settings)
    steps = []
    stage = prepared_stage(workspace, inputs.fingerprint())
    prepared = stage == Stage.VIEW
    if prepared:
        steps.append(f"{workspace.folder} is prepared and up to date")
    elif stage == Stage.FEATURES:
        steps.append(f"prepare the view of {workspace.folder}, whose features are up to date")
    else:
        features = ", ".join(inputs.feature_names)
        steps.append(f"prepare {workspace.folder}: {len(inputs.features)} features ({features})")
    source = _source_of_samples(config, workspace, start)
    if source is None:
        cost = cost_of(inputs, settings, not prepared, iterates=False)
        if not workspace.iterations():
            steps.append(f"propose {config.template.queries.start} places to label first")
        return (*steps, f"write an empty {config.samples} to label in", str(cost))
    corrections = _corrections(config, inputs, start)
    drawn = f" and {len(corrections)} corrections" if corrections else ""
    samples = read_samples(source, config.template.legend, inputs.grid)
    if wishes is not None and wishes.if_needed and (made := made_already(workspace, inputs, samples, corrections)):
        return (f"{made}: has the same samples, settings, products and version; no new iteration is needed",)
    steps.append(f"run iteration {workspace.next_number} from {len(samples)} samples{drawn} of {source}")
    if start is not None and can_restore(config.samples, workspace.folder):
        steps.append(f"put these into {config.samples}, and keep its present content beside it")
    return (*steps, str(cost_of(inputs, settings, not prepared, iterates=True)))


def run_scene(
    config: SceneConfig,
    settings: Settings,
    start: int | None = None,
    stopwatch: Stopwatch | None = None,
    wishes: Wishes | None = None,
) -> Result:
    """Prepare what is missing or out of date; then, if there are samples, run one more iteration.

    Parameters
    ----------
    config
        The scene.
    settings
        Memory, threads and progress.
    start
        Number of an earlier iteration to start again from. The run puts its samples in the place of the
        scene's, of which it keeps a copy. Samples that are not a GeoPackage in the workspace stay as they are.
    stopwatch
        Takes the seconds of each step; by default a new one.
    wishes
        What may be left out; by default nothing.

    Returns
    -------
    Result
        What the run made.

    Raises
    ------
    AlcdError
        A subclass that names the problem. No unfinished file is left.
    """
    stopwatch = stopwatch or Stopwatch()
    with translated_failures(), recorded() as run_log:
        inputs = checked_inputs(config, settings)
        with Workspace(config.workspace).locked() as lease, usable_sqlite(config.workspace):
            with writing_to(config.workspace):
                run_log.keep_in(config.workspace)
            return _Run(config, settings, inputs, stopwatch, run_log, start, lease, wishes or Wishes()).result()


def checked_inputs(config: SceneConfig, settings: Settings) -> Inputs:
    """Read the products of a scene, and check all that can be checked before anything runs.

    Raises
    ------
    AlcdError
        A subclass that names the problem of a product, the template or the environment.
    """
    check_environment()
    inputs = Inputs.read(config)
    check_classifier(config.template, settings)
    if python_features(inputs.features) and not is_prepared(Workspace(config.workspace), inputs.fingerprint()):
        check_functions(inputs.features, inputs.grid.resolution)
    return inputs


def has_samples(config: SceneConfig) -> bool:
    """Whether there are samples to classify from.

    A file that the scene names must exist, which is found out on reading it. The default file may be absent or empty.
    """
    if config.samples != Workspace(config.workspace).samples:
        return True
    return config.samples.is_file() and holds_samples(config.samples)


def all_samples(config: SceneConfig, grid: Grid) -> tuple[Sample, ...]:
    """Read the samples of a scene at present, also where there are too few to classify from."""
    return present_samples(config.samples, config.template.legend, grid) if has_samples(config) else ()


@contextmanager
def translated_failures() -> Iterator[None]:
    """Turn OTB's errors into those of this package, which carry the exit codes."""
    try:
        yield
    except OtbMissingError as error:
        raise EnvironmentNotReadyError(f"{error}; run: python -m alcd_otb doctor") from error
    except DamagedFileError as error:
        raise ProductError(f"{error.problem}; download the product again") from error
    except OtbError as error:
        raise ProcessingError(f"{error.summary}; -vv shows all of it") from error


@dataclass(frozen=True)
class _Run:
    """One run, whose workspace is locked."""

    config: SceneConfig
    settings: Settings
    inputs: Inputs
    stopwatch: Stopwatch
    run_log: RunLog
    start: int | None
    lease: Lease
    wishes: Wishes
    stages: list[Stage] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        """The workspace of the scene."""
        return Workspace(self.config.workspace)

    def result(self) -> Result:
        """Run the jobs in their order."""
        config, workspace = self.config, self.workspace
        show_former_map(config, self.inputs, workspace)
        take_over_labels(workspace, config.samples, config.template.legend, self.inputs.grid)
        # Wrong samples are refused before the long work, not after it.
        source = _source_of_samples(config, workspace, self.start)
        samples = read_samples(source, config.template.legend, self.inputs.grid) if source is not None else ()
        corrections = _corrections(config, self.inputs, self.start) if samples else ()
        made = made_already(workspace, self.inputs, samples, corrections) if self.wishes.if_needed else None
        if made is not None:
            log.info("%s: has the same samples, settings, products and version", made)
            if self.wishes.keep == "all":
                self._prepare()
                self._draw_quicklook()
            return Result.of(workspace, int(made.name), config.template.legend, made=False)
        self._prepare()
        self._draw_quicklook()
        self._record_settings()
        if not samples:
            return self._wait_for_samples()
        number = self._iterate(samples, corrections)
        write_project(config, self.inputs.grid, workspace)
        empty_journal(config.samples)
        if self.wishes.keep == "map":
            with writing_to(workspace.folder):
                for raster in (workspace.features, workspace.view):
                    raster.unlink(missing_ok=True)
        return Result.of(workspace, number, config.template.legend)

    def _prepare(self) -> None:
        """Make the rasters, unless the workspace holds those of these inputs."""
        workspace, fingerprint = self.workspace, self.inputs.fingerprint()
        if is_prepared(workspace, fingerprint):
            for warning in workspace.preparation_warnings:
                log.warning("%s", warning)
            with writing_to(workspace.folder):
                if update_looks(self.inputs, workspace):
                    remove_pictures(workspace)
            return
        log.info("preparing %s", workspace.folder)
        with self.stopwatch.timing("prepare"), staged(self.config, self.wishes.stage) as config:
            inputs = Inputs.read(config) if config != self.config else self.inputs
            prepare(inputs, workspace, fingerprint, self.settings, self._when_whole)

    def _when_whole(self, stage: Stage) -> None:
        """Put the files of a finished stage of the preparation in place, so that people can work with it."""
        log.info("%s: %s", self.workspace.folder, _WHOLE[stage])
        self._draw_quicklook()
        if stage == Stage.VIEW:
            return
        self._make_samples()
        self.stages.append(stage)
        if stage == Stage.FEATURES:
            self._record_settings()
            if not has_samples(self.config):
                self._propose_start_places()
        write_project(self.config, self.inputs.grid, self.workspace)

    def _record_settings(self) -> None:
        with writing_to(self.workspace.folder):
            pixels = asdict(pixel_counts(self.workspace))
            write_json(self.workspace.config, provenance(self.config, self.inputs, pixels))

    def _draw_quicklook(self) -> None:
        workspace = self.workspace
        if workspace.quicklook.is_file() and workspace.preview.is_file():
            return
        with workspace.scratch() as scratch:
            looks = looks_of(workspace, self.config.template.view)
            if draw_quicklook(workspace.view, looks, scratch / "quicklook.png", scratch / "preview.jpg"):
                os.replace(scratch / "preview.jpg", workspace.preview)
                os.replace(scratch / "quicklook.png", workspace.quicklook)

    def _make_samples(self) -> None:
        """Write the empty samples to label in, unless the scene has a file."""
        if not self.config.samples.exists():
            with writing_to(self.config.samples.parent):
                create_empty_samples(self.config.samples, self.inputs.grid)

    def _propose_start_places(self) -> None:
        # With a map, the places come from it, also where all samples were deleted since.
        if not self.workspace.iterations():
            with self.stopwatch.timing("queries"):
                update_start_places(self.workspace, (), self.config.template, self.settings)

    def _wait_for_samples(self) -> Result:
        """Write the empty samples, the places to label first, and the project to label in."""
        self._make_samples()
        if Stage.FEATURES not in self.stages:
            self._propose_start_places()
        write_project(self.config, self.inputs.grid, self.workspace)
        return Result.prepared(self.workspace, self.stopwatch.seconds, self.config.template.legend)

    def _iterate(self, samples: tuple[Sample, ...], corrections: tuple[Sample, ...]) -> int:
        """Make one more iteration. Returns its number."""
        earlier = self.workspace.iteration(self.start) if self.start is not None else None
        iteration = NextIteration(
            self.config,
            self.inputs,
            samples,
            corrections,
            earlier,
            lease=self.lease,
            run_log=self.run_log,
            stopwatch=self.stopwatch,
            settings=self.settings,
        )
        return iteration.make()


def _source_of_samples(config: SceneConfig, workspace: Workspace, start: int | None) -> Path | None:
    """Describe where the samples lie: those of the scene, or those of the iteration to start again from."""
    if start is None:
        return config.samples if has_samples(config) else None
    return workspace.iteration(start) / "samples.gpkg"


def _corrections(config: SceneConfig, inputs: Inputs, start: int | None) -> tuple[Sample, ...]:
    """Read the corrections of the scene, or if they cannot be read those of the iteration to start again from."""
    legend = config.template.legend
    try:
        return read_corrections(config.samples, legend, inputs.grid)
    except SampleError as error:
        if start is None:
            raise
        log.warning("%s; the corrections of iteration %d are used", error, start)
        earlier = Workspace(config.workspace).iteration(start) / "samples.gpkg"
        return read_corrections(earlier, legend, inputs.grid)
