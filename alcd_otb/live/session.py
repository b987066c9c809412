"""Hold a scene in memory while it is labelled, and compute the maps of the present samples."""

import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.iterations.history import read_iteration
from alcd_otb.iterations.stopping import SETTLED_ITERATIONS, Stopping
from alcd_otb.live.by_arrays import MapsByArrays
from alcd_otb.live.by_files import MapsByFiles
from alcd_otb.live.corrections import BurntStrips
from alcd_otb.live.features import FeatureMemory
from alcd_otb.live.labelled import LabelledScene, Labelling
from alcd_otb.live.map_files import write_live_maps
from alcd_otb.live.maps import Cancellation, Maps
from alcd_otb.live.summary import Summary, points_of
from alcd_otb.live.survey import Surveys
from alcd_otb.live.validation import LiveValidation, cross_validated
from alcd_otb.live.windows import strips_of
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.samples.sample import Sample
from alcd_otb.samples.unlabelled import unlabelled_classes
from alcd_otb.settings.legend import Legend
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import Workspace
from otb_pipelines.errors import OtbError, OtbMissingError
from otb_pipelines.live import native
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

_STRIP_PIXELS = 2**19
"""Pixels of a strip of the whole map. A click does not wait for more than one."""


class LiveSession:
    """A prepared scene in memory, and the present samples.

    Its maps equal in every pixel those that a run would write from the same samples and corrections. It writes nothing
    that a run reads, and does not lock the workspace. Any thread may call any method.
    """

    def __init__(self, labelling: Labelling, settings: Settings) -> None:
        self._labelling = labelling
        self._changing = threading.Lock()
        self._labelled = labelling.labelled(0, (), ())
        self._burnt = BurntStrips(labelling.grid)
        self._settings = settings
        self._surveys = Surveys(labelling.grid)
        self._surveying = threading.Lock()
        self._validated: LiveValidation | None = None
        # OTB's applications cannot run side by side.
        self._otb = threading.Lock()
        self._opening = threading.Lock()
        self._by_files: MapsByFiles | None = None
        self._by_arrays = _arrays_of(labelling, settings)

    @classmethod
    def open(cls, config: SceneConfig, settings: Settings) -> Self:
        """Open a prepared scene. It has no sample yet.

        Parameters
        ----------
        config
            The scene.
        settings
            Memory and threads.

        Raises
        ------
        ConfigurationError
            If the scene is not prepared.
        """
        workspace = Workspace(config.workspace)
        if not workspace.features.is_file():
            raise ConfigurationError(f"{workspace.folder}: is not prepared; run the scene first")
        return cls(Labelling.of(config.template, workspace), settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory and remove the temporary files."""
        with self._opening:
            for maker in (self._by_arrays, self._by_files):
                if maker is not None:
                    maker.close()
            self._by_arrays = self._by_files = None

    @property
    def grid(self) -> Grid:
        """The grid of the maps."""
        return self._labelling.grid

    @property
    def legend(self) -> Legend:
        """The classes."""
        return self._labelling.template.legend

    @property
    def revision(self) -> int:
        """How often the samples or the corrections have changed."""
        return self._labelled.revision

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The present samples."""
        return self._labelled.samples

    @property
    def corrections(self) -> tuple[Sample, ...]:
        """The present corrections, in the order they were drawn."""
        return self._labelled.corrections

    @property
    def problem(self) -> str | None:
        """Why there is no map of the present samples. None if there is a map."""
        return self._labelled.problem

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings of the checks of the samples, one line each."""
        return self._labelled.warnings

    def update(self, samples: Sequence[Sample], corrections: Sequence[Sample] = ()) -> int:
        """Read the present samples and corrections. No map is computed.

        Parameters
        ----------
        samples
            All points and polygons, in the scene's CRS.
        corrections
            All polygons that are burnt over the map, in the order they were drawn.

        Returns
        -------
        int
            The revision. It is unchanged if nothing has changed.
        """
        with self._changing:
            before = self._labelled
            if before.samples != tuple(samples) or before.corrections != tuple(corrections):
                self._labelled = self._labelling.labelled(before.revision + 1, samples, corrections)
            return self._labelled.revision

    def maps(
        self,
        window: Window | tuple[int, int, int, int] | None = None,
        draft: bool = False,
        cancelled: Cancellation | None = None,
    ) -> Maps | None:
        """Compute the maps of a window, from the samples at the time of the call.

        Parameters
        ----------
        window
            First row, first column, rows and columns; by default the whole grid.
        draft
            Whether the first trees of a forest are enough, where all of them take long.
        cancelled
            Ends the computation early.

        Returns
        -------
        Maps or None
            None if the computation was cancelled. If `problem` gives a reason, all pixels are without data.

        Raises
        ------
        ConfigurationError
            If the window is not within the grid.
        ProcessingError
            If something cannot be computed.
        """
        labelled, grid = self._labelled, self.grid
        window = Window(0, 0, grid.height, grid.width) if window is None else Window(*window)
        if (
            min(window.row, window.column) < 0
            or min(window.rows, window.columns) < 1
            or window.row + window.rows > grid.height
            or window.column + window.columns > grid.width
        ):
            raise ConfigurationError(
                f"window {tuple(window)}: is not within the {grid.height} rows and {grid.width} columns of the scene; "
                "give (first row, first column, rows, columns)"
            )
        if labelled.problem is not None:
            return _nothing(labelled, window)
        try:
            maps = self._maker(labelled).maps(labelled, window, draft, cancelled or Cancellation())
        except OtbError as error:
            raise ProcessingError(error.summary) from error
        if maps is not None:
            self._burnt.burn(labelled.corrections, window, maps.labels)
        return maps

    def survey(self, cancelled: Cancellation | None = None) -> bool:
        """Compute the whole map, strip by strip, and count it for `summary`. Call it where the operator pauses.

        Parameters
        ----------
        cancelled
            Ends the computation early, as a click should.

        Returns
        -------
        bool
            Whether the summary is of the present samples. False if the computation was cancelled, the samples
            changed meanwhile, or there is no map.

        Raises
        ------
        ProcessingError
            If something cannot be computed.
        """
        revision = self.revision
        with self._surveying:
            last = self._surveys.last
            if self.problem is not None or (last is not None and last.revision == revision):
                return self.problem is None
            iteration = self._last_iteration
            survey = self._surveys.begin(revision, iteration)
            for maps in self._strips(revision, cancelled):
                if maps is None:
                    return False
                self._surveys.add(survey, maps.window, maps.labels, iteration)
            self._surveys.keep(survey)
            return True

    def write_maps(self, folder: Path, cancelled: Cancellation | None = None) -> bool:
        """Write the whole map into files, by which `Scene.next_places` chooses.

        Parameters
        ----------
        folder
            An empty folder.
        cancelled
            Ends the computation early.

        Returns
        -------
        bool
            Whether the files are complete. False if the computation was cancelled, the samples changed meanwhile, or
            there is no map.

        Raises
        ------
        ProcessingError
            If something cannot be computed or written.
        """
        if self.problem is not None:
            return False
        return write_live_maps(self._strips(self.revision, cancelled), self.grid, folder)

    def _strips(self, revision: int, cancelled: Cancellation | None) -> Iterator[Maps | None]:
        """Compute the whole map of a revision strip by strip. None ends it where it was cancelled or is out of date."""
        for strip in strips_of(Window(0, 0, self.grid.height, self.grid.width), _STRIP_PIXELS):
            maps = self.maps(strip, cancelled=cancelled)
            if maps is None or maps.revision != revision:
                yield None
                return
            yield maps

    def validate(self) -> bool:
        """Cross-validate the present samples, for `summary`. It takes a second or more: call it in pauses.

        Returns
        -------
        bool
            Whether there are samples that can be trained on.

        Raises
        ------
        ProcessingError
            If something cannot be computed.
        """
        labelled = self._labelled
        if labelled.problem is not None:
            return False
        try:
            with self._otb:
                if self._validated is None or self._validated.revision < labelled.revision:
                    self._validated = cross_validated(self._labelling, labelled, self._settings)
        except OtbError as error:
            raise ProcessingError(error.summary) from error
        return True

    def summary(self) -> Summary:
        """Return the points, and the results of the last `survey` and the last `validate`."""
        labelled, survey, validated = self._labelled, self._surveys.last, self._validated
        iteration = self._last_iteration
        finished = self._labelling.workspace.iterations()[-SETTLED_ITERATIONS - 1 :]
        stopping = Stopping.after([*map(read_iteration, finished)])
        points = points_of(labelled.samples, self.legend)
        return Summary(
            labelled.revision,
            points,
            unlabelled_classes(points, self.legend),
            None if survey is None else survey.revision,
            None if survey is None else survey.shares(self.legend),
            self._surveys.changed(),
            None if iteration is None else int(iteration.name),
            None if survey is None else survey.two_class_changed(self.legend),
            None if validated is None else validated.revision,
            None if validated is None else validated.figures,
            None if stopping is None else stopping.as_json(),
        )

    @property
    def _last_iteration(self) -> Path | None:
        return next(reversed(self._labelling.workspace.iterations()), None)

    def _maker(self, labelled: LabelledScene) -> MapsByArrays | MapsByFiles:
        """Return what computes the maps of these samples."""
        with self._opening:
            if self._by_arrays is not None and self._by_arrays.serves(labelled):
                return self._by_arrays
            if self._by_files is None:
                self._by_files = MapsByFiles(self._labelling, self._settings, self._otb)
            return self._by_files


def _arrays_of(labelling: Labelling, settings: Settings) -> MapsByArrays | None:
    """Open the features in memory. Returns None if the native module is absent."""
    workspace = labelling.workspace
    try:
        native()
    except OtbMissingError as error:
        log.warning("live maps are slow: %s", error)
        return None
    features = FeatureMemory(workspace.features, labelling.valid.values, labelling.grid, settings)
    return MapsByArrays(labelling, settings, features)


def _nothing(labelled: LabelledScene, window: Window) -> Maps:
    """Make maps without data."""
    codes = np.zeros((window.rows, window.columns), np.uint8)
    return Maps(window, labelled.revision, codes, codes.astype(np.float32), codes.astype(np.float32), codes.copy())
