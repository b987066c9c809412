"""Name the files of a scene, and write them safely.

A workspace is locked while a run writes to it. Its files and its iterations appear only when they are complete.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from alcd_otb.errors import ConfigurationError, WorkspaceLockedError
from alcd_otb.files.writing import UNFINISHED, writing_to


class UnfinishedIteration(NamedTuple):
    """An iteration in the making.

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
    def locked(self) -> Iterator[None]:
        """Keep other runs out of the workspace until the block ends, and make its folder if it does not exist.

        The kernel drops the lock when the process that holds it ends, in whatever way. Unfinished files of a killed
        run are removed.

        Raises
        ------
        WorkspaceLockedError
            Another run holds the workspace.
        ProcessingError
            The folder cannot be written.
        """
        with writing_to(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                holder = os.read(lock, 32).decode(errors="replace").strip() or "unknown"
                raise WorkspaceLockedError(
                    f"{self.folder}: another run (process {holder}) holds this workspace; wait for it or stop it"
                ) from error
            os.truncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
            self._remove_unfinished()
            yield
        finally:
            os.close(lock)

    def _remove_unfinished(self) -> None:
        for folder in (self.folder, self.iterations_folder):
            for path in folder.glob(f"{UNFINISHED}*"):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Make a folder for files in the making, on the workspace's own disk, and remove it when the block ends."""
        folder = self.folder / f"{UNFINISHED}{os.getpid()}"
        with writing_to(self.folder):
            folder.mkdir()
        try:
            with writing_to(self.folder):
                yield folder
        finally:
            shutil.rmtree(folder)

    def replace_folder(self, made: Path, target: Path) -> None:
        """Move a folder out of `scratch` to its place, where it replaces a former one.

        Parameters
        ----------
        made
            The folder in `scratch`.
        target
            Its place. A folder there is moved to `scratch`, and removed with it.
        """
        former = made.with_name(f"former_{target.name}")
        if target.exists():
            target.rename(former)
        made.rename(target)

    @contextmanager
    def new_iteration(self) -> Iterator[UnfinishedIteration]:
        """Make the folder of the next iteration, which appears under its number only if the block succeeds."""
        number = self.next_number
        folder = self.iterations_folder / f"{UNFINISHED}{number:03d}"
        try:
            with writing_to(self.folder):
                folder.mkdir(parents=True)
                yield UnfinishedIteration(number, folder)
                folder.rename(self.iterations_folder / f"{number:03d}")
                self._point_latest_to(number)
        finally:
            if folder.exists():
                shutil.rmtree(folder)

    def _point_latest_to(self, number: int) -> None:
        link = self.folder / f"{UNFINISHED}latest"
        link.symlink_to(Path("iterations") / f"{number:03d}")
        os.replace(link, self.latest)
