"""Compute the maps of a window from arrays in memory, tree by tree, for a forest or a logistic regression."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alcd_otb.live.features import FeatureMemory
from alcd_otb.live.labelled import LabelledScene, Labelling
from alcd_otb.live.maps import Cancellation, Maps
from alcd_otb.live.windows import strips_of, with_surroundings
from alcd_otb.raster.grid import Window
from otb_pipelines.live import GrowingForest, MapSettings, is_supported, native, train_regression
from otb_pipelines.settings import Settings
from otb_pipelines.train import LOGISTIC, Parameters, classifier_for, with_noisy_copies

DRAFT_SECONDS = 0.15
"""How long training and classifying a draft should take."""

FEWEST_TREES = 10
"""A draft has at least so many trees."""

MOST_PIXELS = 2**22
"""The most pixels of a window that are computed at once, and whose shares are kept."""

_WORTH_A_DRAFT = 0.7
"""A draft of more than this share of the trees is none: all are grown."""


@dataclass(eq=False)
class _Trained:
    """The classifier of a revision. A forest grows on demand, by one thread at a time."""

    revision: int
    labels: list[int]
    forest: GrowingForest | None
    regression: Any
    growing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def voters(self) -> tuple[Any, ...]:
        """The parts of the forest that have been grown, or the regression alone."""
        return (self.regression,) if self.forest is None else tuple(self.forest.parts)


class _Shares(NamedTuple):
    """The shares of the classes in a window, and the number of parts of the forest that have voted."""

    revision: int
    window: Window
    planes: Any
    parts: int


@dataclass
class _Speed:
    """How long things take here, in seconds, as measured last."""

    of_tree: float = 0.0005
    of_tree_and_pixel: float = 1e-9

    def trees_of_draft(self, pixels: int, whole: int) -> int:
        """Return how many trees fit the time of a draft."""
        fitting = int(DRAFT_SECONDS / (self.of_tree + self.of_tree_and_pixel * pixels))
        return whole if fitting > _WORTH_A_DRAFT * whole else max(min(FEWEST_TREES, whole), fitting)


class MapsByArrays:
    """Trains and classifies in memory. Several threads may compute at once.

    The shares of the last window are kept, so that more trees only add their votes.
    """

    def __init__(self, labelling: Labelling, settings: Settings, features: FeatureMemory) -> None:
        self._labelling = labelling
        self._settings = settings
        self._features = features
        regularisation = labelling.template.regularisation
        deviation = regularisation.deviation(labelling.grid.resolution)
        self._maps = MapSettings(deviation, regularisation.radius)
        self._training = threading.Lock()
        self._trained: _Trained | None = None
        self._shares: _Shares | None = None
        self._speed = _Speed()

    def close(self) -> None:
        """Let the arrays go."""
        self._trained, self._shares = None, None

    def serves(self, labelled: LabelledScene) -> bool:
        """Whether the classifier of these samples can be trained and applied in memory."""
        return is_supported(self._parameters(labelled)) and not self._features.has_missing

    def maps(self, labelled: LabelledScene, window: Window, draft: bool, cancelled: Cancellation) -> Maps | None:
        """Compute the maps of a window.

        Parameters
        ----------
        labelled
            The samples, which can be trained on.
        window
            The window of the scene's grid.
        draft
            Whether the first trees are enough, where all of them take long.
        cancelled
            Ends the computation early.

        Returns
        -------
        Maps or None
            None if the computation was cancelled. The corrections are not burnt.

        Raises
        ------
        OtbError, ProcessingError
            If something cannot be computed.
        """
        stop = native().Stop()
        with cancelled.calling(stop.set):
            trained = self._classifier(labelled)
            if not self._grown(trained, self._trees(trained, window, draft), stop):
                return None
            voters = trained.voters
            strips = []
            for strip in strips_of(window, MOST_PIXELS):
                maps = self._computed(trained, voters, strip, stop)
                if maps is None:
                    return None
                strips.append(maps)
        labels, confidence, margin, second = (
            strips[0] if len(strips) == 1 else tuple(map(np.concatenate, zip(*strips, strict=True)))
        )
        is_draft = trained.forest is not None and _trees_of(voters) < trained.forest.whole
        return Maps(window, labelled.revision, labels, confidence, margin, second, is_draft)

    def _parameters(self, labelled: LabelledScene) -> Parameters:
        assert labelled.training is not None
        return classifier_for(self._labelling.template.classifier, len(labelled.training))

    def _classifier(self, labelled: LabelledScene) -> _Trained:
        with self._training:
            if self._trained is None or self._trained.revision != labelled.revision:
                self._trained = self._new_classifier(labelled)
            return self._trained

    def _new_classifier(self, labelled: LabelledScene) -> _Trained:
        training, settings = labelled.training, self._labelling.template.samples
        assert training is not None
        values = self._features.values_at(training.rows, training.columns).astype(np.float64)
        values, codes = with_noisy_copies(values, training.codes, settings.jitter, settings.seed)
        parameters = self._parameters(labelled)
        if parameters["classifier"] == LOGISTIC:
            regression: Any = train_regression(values, codes, parameters)
            return _Trained(labelled.revision, regression.labels, None, regression)
        forest = GrowingForest(values, codes, parameters, settings.seed)
        return _Trained(labelled.revision, forest.labels, forest, None)

    def _trees(self, trained: _Trained, window: Window, draft: bool) -> int:
        """Return how many trees are to vote."""
        forest = trained.forest
        if forest is None or not draft or forest.trees == forest.whole:
            return 0 if forest is None else forest.whole
        return max(forest.trees, self._speed.trees_of_draft(window.rows * window.columns, forest.whole))

    def _grown(self, trained: _Trained, trees: int, stop: Any) -> bool:
        """Grow the trees that are to vote. Returns whether it was not stopped."""
        forest = trained.forest
        if forest is None:
            return True
        with trained.growing:
            before, start = forest.trees, time.perf_counter()
            done = forest.grow(trees, self._settings.threads, stop)
            if forest.trees > before:
                self._speed.of_tree = (time.perf_counter() - start) / (forest.trees - before)
        return done

    def _computed(
        self, trained: _Trained, voters: Sequence[Any], window: Window, stop: Any
    ) -> tuple[NDArray[Any], ...] | None:
        """Compute the four maps of a window that is not too large. Returns None if it was stopped."""
        self._features.load(with_surroundings(window, self._maps.reach, self._labelling.grid))
        # The shares have one user at a time.
        kept, self._shares = self._shares, None
        shares = self._voted(trained, voters, window, stop, kept)
        if shares is None:
            return None
        is_forest = trained.forest is not None
        settings = native().MapSettings(
            labels=trained.labels,
            whole=_trees_of(voters) if is_forest else 1,
            smoothing=self._maps.smoothing,
            majority=self._maps.majority,
            stepped=self._maps.smoothing > 0 or not is_forest,
        )
        size = (self._labelling.grid.height, self._labelling.grid.width)
        maps: tuple[NDArray[Any], ...] | None = shares.planes.maps(settings, size, self._settings.threads, stop)
        self._shares = shares
        return maps

    def _voted(
        self, trained: _Trained, voters: Sequence[Any], window: Window, stop: Any, kept: _Shares | None
    ) -> _Shares | None:
        """Compute the shares of a window, or add the votes of the trees that have grown since.

        Returns None if it was stopped.
        """
        is_forest = trained.forest is not None
        if kept is None or (kept.revision, kept.window) != (trained.revision, window) or kept.parts > len(voters):
            kind = native().VotePlanes if is_forest else native().FractionPlanes
            planes = kind(tuple(window), self._maps.reach, len(trained.labels))
            kept = _Shares(trained.revision, window, planes, 0)
        blocked, start = self._features.blocked, time.perf_counter()
        new = voters[kept.parts :]
        for part in new:
            if not kept.planes.add(part, blocked.blocks, blocked.valid, self._settings.threads, stop):
                return None
        if is_forest and new:
            seconds = time.perf_counter() - start
            self._speed.of_tree_and_pixel = seconds / _trees_of(new) / (window.rows * window.columns)
        return kept._replace(parts=len(voters))


def _trees_of(parts: Sequence[Any]) -> int:
    """Count the trees of parts of a forest."""
    return sum(int(part.trees) for part in parts)
