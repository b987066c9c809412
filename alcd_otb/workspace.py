"""Name the files of a scene, and write them safely.

A workspace is locked while a run writes to it. Its files and its iterations appear only when they are complete.
"""

import logging
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from alcd_otb.errors import ConfigurationError
from alcd_otb.files.folders import check_no_link, put_in_place, remove_unfinished, restore_former, scratch_folder
from alcd_otb.files.json_file import read_json
from alcd_otb.files.lease import Lease, leased
from alcd_otb.files.reading import UnreadableError
from alcd_otb.files.writing import writing_to

log = logging.getLogger(__name__)

LOCK = ".lock"
"""Name of the lock file in a workspace."""
_HELD = "another run ({holder}) holds this workspace; wait for it or stop it"


class UnfinishedIteration(NamedTuple):
    """An unfinished iteration.

    Attributes
    ----------
    number
        Its number, counted from 1.
    folder
        Its temporary folder.
    """

    number: int
    folder: Path


@dataclass(frozen=True)
class Workspace:
    """The folder of one scene."""

    folder: Path

    @property
    def config(self) -> Path:
        """All settings, the identities of the products, versions, and counts of pixels."""
        return self.folder / "config.json"

    @property
    def features(self) -> Path:
        """The stack of the features, which the classifier sees."""
        return self.folder / "features.tif"

    @property
    def view(self) -> Path:
        """The stack that a person looks at."""
        return self.folder / "view.tif"

    @property
    def quicklook(self) -> Path:
        """The image in true colour."""
        return self.folder / "quicklook.png"

    @property
    def preview(self) -> Path:
        """A small quicklook for reports."""
        return self.folder / "preview.jpg"

    @property
    def valid(self) -> Path:
        """The mask of valid pixels: 1 where all features have data, away from the edge of the data, and 0 elsewhere."""
        return self.folder / "valid.tif"

    @property
    def preparation(self) -> Path:
        """The record of the inputs of the prepared rasters. It is absent while the rasters are being replaced."""
        return self.folder / "preparation.json"

    @property
    def preparation_warnings(self) -> tuple[str, ...]:
        """The warnings of the last preparation. None if there is no record of one."""
        try:
            return tuple(map(str, read_json(self.preparation)["warnings"]))
        except (UnreadableError, KeyError, TypeError):
            return ()

    @property
    def samples(self) -> Path:
        """The layers in which samples are labelled, unless the scene names another file."""
        return self.folder / "samples.gpkg"

    @property
    def to_visit(self) -> Path:
        """The places to label next."""
        return self.folder / "to_visit.gpkg"

    @property
    def map_folder(self) -> Path:
        """The folder with the files of the last iteration that viewers show. Their paths stay the same."""
        return self.folder / "map"

    @property
    def project(self) -> Path:
        """The QGIS project with all layers of the scene."""
        return self.folder / "project.qgz"

    @property
    def accuracy_points(self) -> Path:
        """The points of the accuracy estimate, which are labelled without the map in view."""
        return self.folder / "accuracy.gpkg"

    @property
    def accuracy_project(self) -> Path:
        """The QGIS project in which the accuracy points are labelled."""
        return self.folder / "accuracy.qgz"

    @property
    def accuracy_plan(self) -> Path:
        """The part of the accuracy points that is hidden from the person who labels them."""
        return self.folder / "accuracy_plan.json"

    @property
    def accuracy_estimate(self) -> Path:
        """The accuracy of the map, estimated from the labelled points."""
        return self.folder / "accuracy_estimate.json"

    @property
    def kfold(self) -> Path:
        """The folder of the last k-fold cross-validation."""
        return self.folder / "kfold"

    @property
    def iterations_folder(self) -> Path:
        """The folder that holds one folder for each iteration, named by its number."""
        return self.folder / "iterations"

    @property
    def latest(self) -> Path:
        """A link to the last finished iteration."""
        return self.folder / "latest"

    def iterations(self) -> tuple[Path, ...]:
        """List the folders of the finished iterations, oldest first."""
        if not self.iterations_folder.is_dir():
            return ()
        finished = [path for path in self.iterations_folder.iterdir() if re.fullmatch(r"\d{3,}", path.name)]
        return tuple(sorted(finished, key=lambda path: int(path.name)))

    @property
    def next_number(self) -> int:
        """Number of the iteration that comes after the finished ones."""
        finished = self.iterations()
        return int(finished[-1].name) + 1 if finished else 1

    def last_iteration(self) -> Path:
        """Return the folder of the last finished iteration.

        Raises
        ------
        ConfigurationError
            No iteration is finished.
        """
        finished = self.iterations()
        if not finished:
            raise ConfigurationError(f"{self.folder}: holds no map yet; label samples and run the scene first")
        return finished[-1]

    def iteration(self, number: int) -> Path:
        """Return the folder of a finished iteration.

        Raises
        ------
        ConfigurationError
            The workspace has no finished iteration of this number. The message lists those that it has.
        """
        finished = self.iterations()
        for folder in finished:
            if int(folder.name) == number:
                return folder
        numbers = [str(int(folder.name)) for folder in finished]
        known = f"there are {', '.join(numbers)}" if numbers else "there is none"
        raise ConfigurationError(f"{self.folder}: has no iteration {number}; {known}")

    @contextmanager
    def locked(self) -> Iterator[Lease]:
        """Keep other runs out of the workspace until the block ends, and make its folder if it does not exist.

        Files that a killed run left are removed or put back.

        Raises
        ------
        WorkspaceLockedError
            Another run holds the workspace.
        ProcessingError
            The folder cannot be written, or a part of it is a link.
        """
        with ExitStack() as lock:
            with writing_to(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                lease = lock.enter_context(leased(self.folder / LOCK, f"{self.folder}: {_HELD}"))
                for folder in (self.iterations_folder, self.kfold):
                    check_no_link(folder)
                for folder in (self.folder, self.iterations_folder):
                    remove_unfinished(folder)
                restore_former(self.kfold)
            yield lease

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Make a folder for unfinished files on the workspace's own disk, and remove it when the block ends."""
        # The inner block checks whether the disk is full before the folder is removed.
        with writing_to(self.folder), scratch_folder(self.folder) as folder, writing_to(self.folder):
            yield folder

    def replace_folder(self, made: Path, target: Path) -> None:
        """Move a folder out of `scratch` to its place, where it replaces an earlier folder.

        Parameters
        ----------
        made
            The folder in `scratch`.
        target
            Its place. At every moment, the earlier or the new folder exists, or the next run puts it back.
        """
        put_in_place(made, target)

    @contextmanager
    def new_iteration(self, lease: Lease | None = None) -> Iterator[UnfinishedIteration]:
        """Make the folder of the next iteration, which appears under its number only if the block succeeds.

        Parameters
        ----------
        lease
            The lock of the workspace. It is checked again before the iteration appears.
        """
        number = self.next_number
        with writing_to(self.folder):
            self.iterations_folder.mkdir(parents=True, exist_ok=True)
            self._free_latest()
            with scratch_folder(self.iterations_folder) as scratch:
                folder = scratch / f"{number:03d}"
                folder.mkdir()
                with writing_to(self.folder):
                    # Here, since the check for a full disk comes before the folder is removed.
                    yield UnfinishedIteration(number, folder)
                if lease is not None:
                    lease.check()
                folder.rename(self.iterations_folder / f"{number:03d}")
                self._point_latest_to(number, scratch)

    def _free_latest(self) -> None:
        """Move away what replaces the link ``latest``, such as the copy that ``cp -rL`` makes of it."""
        if self.latest.is_symlink() or not self.latest.exists():
            return
        number, kept = 1, self.folder / "latest_former"
        while os.path.lexists(kept):
            number += 1
            kept = self.folder / f"latest_former_{number}"
        self.latest.rename(kept)
        log.warning(
            "%s: is not a link to the last iteration, as it is after copying a workspace; it is kept as %s, and may be "
            "deleted if you put nothing into it",
            self.latest,
            kept.name,
        )

    def _point_latest_to(self, number: int, scratch: Path) -> None:
        link = scratch / "latest"
        try:
            link.symlink_to(Path("iterations") / f"{number:03d}")
        except OSError as error:
            log.warning(
                "%s: cannot be made, since the disk has no links (%s); the last iteration is in %s",
                self.latest,
                error.strerror,
                self.iterations_folder / f"{number:03d}",
            )
            return
        os.replace(link, self.latest)
