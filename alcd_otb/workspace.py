"""Name the files of a scene, and write them safely.

A workspace is locked while a run writes to it. Its files and its iterations appear only when they are complete.
"""

import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import Any, NamedTuple

from alcd_otb.errors import AlcdError, ConfigurationError, ProcessingError, WorkspaceLockedError
from otb_pipelines.errors import OtbError

_UNFINISHED = ".unfinished-"
_SPARE = 256 * 1024
"""A disk with fewer free bytes counts as full, since the data that did not fit may have been larger than the rest."""


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
            for path in folder.glob(f"{_UNFINISHED}*"):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Make a folder for files in the making, on the workspace's own disk, and remove it when the block ends."""
        folder = self.folder / f"{_UNFINISHED}{os.getpid()}"
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
        folder = self.iterations_folder / f"{_UNFINISHED}{number:03d}"
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
        link = self.folder / f"{_UNFINISHED}latest"
        link.symlink_to(Path("iterations") / f"{number:03d}")
        os.replace(link, self.latest)


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn the operating system's refusal to write into a ProcessingError that names the folder and the remedy.

    If the disk is full, the message includes that of GDAL or OTB.
    """
    try:
        yield
    except (ProcessingError, OtbError) as error:
        if not _is_full(folder):
            raise
        raise ProcessingError(f"{folder}: the disk is full; free some space ({error})") from error
    except AlcdError:
        raise
    except OSError as error:
        remedy = {
            errno.ENOSPC: "free some space",
            errno.EDQUOT: "free some of your quota",
            errno.EROFS: "choose a workspace on a writable disk",
            errno.EACCES: "choose a workspace that you may write to",
            errno.EEXIST: "move it away",
            errno.ENOTDIR: "move it away",
        }.get(error.errno or 0)
        if remedy is None:
            raise
        name = error.filename or folder
        raise ProcessingError(f"{name}: cannot be written ({error.strerror}); {remedy}") from error


def _is_full(folder: Path) -> bool:
    """Say whether the disk of a folder is full. A folder that does not exist yet lies on the disk of its parent."""
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return shutil.disk_usage(existing).free < _SPARE


def checksum(file: Path) -> str:
    """Compute the SHA-256 of a file's bytes, as hexadecimal digits."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file so that a reader never sees half of it.

    Parameters
    ----------
    path
        The file.
    content
        Objects, lists, texts, numbers and null, as Python has them.

    Raises
    ------
    ValueError
        A number is not finite, which JSON cannot express.
    """
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8 so that a reader never sees half of it."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a file to write under; the new file replaces the old one if the block succeeds."""
    unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
