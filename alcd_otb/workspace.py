"""Where each file of a scene lies; atomic writes, the lock, the iterations."""

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
from typing import Any

from alcd_otb.errors import AlcdError, ConfigurationError, ProcessingError, WorkspaceLockedError
from otb_pipelines.errors import OtbError

_UNFINISHED = ".unfinished-"
_SPARE = 256 * 1024
"""Bytes free below which a disk is full: what could not be written may have been larger than what is left."""


@dataclass(frozen=True)
class Workspace:
    """The folder of one scene."""

    folder: Path

    @property
    def config(self) -> Path:
        """All settings, the products' identities, versions, counts of pixels."""
        return self.folder / "config.json"

    @property
    def features(self) -> Path:
        """What the classifier sees."""
        return self.folder / "features.tif"

    @property
    def view(self) -> Path:
        """What a person looks at."""
        return self.folder / "view.tif"

    @property
    def quicklook(self) -> Path:
        """The image in true colour."""
        return self.folder / "quicklook.png"

    @property
    def preview(self) -> Path:
        """The quicklook, small, for reports."""
        return self.folder / "preview.jpg"

    @property
    def valid(self) -> Path:
        """1 where all features have data, away from its edge, else 0."""
        return self.folder / "valid.tif"

    @property
    def preparation(self) -> Path:
        """What the prepared rasters were made from; absent while they are being replaced."""
        return self.folder / "preparation.json"

    @property
    def samples(self) -> Path:
        """The layers to label in, unless the scene names another file."""
        return self.folder / "samples.gpkg"

    @property
    def to_visit(self) -> Path:
        """The places to label next."""
        return self.folder / "to_visit.gpkg"

    @property
    def project(self) -> Path:
        """All of it in QGIS."""
        return self.folder / "project.qgz"

    @property
    def accuracy_points(self) -> Path:
        """The points to label blindly."""
        return self.folder / "accuracy.gpkg"

    @property
    def accuracy_project(self) -> Path:
        """The QGIS project to label them in."""
        return self.folder / "accuracy.qgz"

    @property
    def accuracy_plan(self) -> Path:
        """What of these points is kept from who labels them."""
        return self.folder / "accuracy_plan.json"

    @property
    def accuracy_estimate(self) -> Path:
        """What the labelled points say of the map."""
        return self.folder / "accuracy_estimate.json"

    @property
    def kfold(self) -> Path:
        """The folder of the last k-fold cross-validation."""
        return self.folder / "kfold"

    @property
    def iterations_folder(self) -> Path:
        """One folder an iteration, named by its number."""
        return self.folder / "iterations"

    @property
    def latest(self) -> Path:
        """A link to the last finished iteration."""
        return self.folder / "latest"

    def iterations(self) -> tuple[Path, ...]:
        """The finished iterations, oldest first."""
        if not self.iterations_folder.is_dir():
            return ()
        found = [path for path in self.iterations_folder.iterdir() if re.fullmatch(r"\d{3,}", path.name)]
        return tuple(sorted(found, key=lambda path: int(path.name)))

    def last_iteration(self) -> Path:
        """The folder of the last finished iteration. Raises ConfigurationError where there is none."""
        finished = self.iterations()
        if not finished:
            raise ConfigurationError(f"{self.folder}: holds no map yet; label samples and run the scene first")
        return finished[-1]

    def iteration(self, number: int) -> Path:
        """The folder of a finished iteration. Raises ConfigurationError, naming those there are, where it is none."""
        finished = self.iterations()
        for folder in finished:
            if int(folder.name) == number:
                return folder
        there = f"there are {', '.join(str(int(folder.name)) for folder in finished)}" if finished else "there is none"
        raise ConfigurationError(f"{self.folder}: has no iteration {number}; {there}")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the workspace against other runs, making it if need be.

        The kernel drops the lock with the process that holds it, however that ends. What a killed run left unfinished
        is removed. Raises WorkspaceLockedError, or ProcessingError where the folder cannot be written.
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
        """A folder for files in the making, on the workspace's own disk; removed at the end."""
        folder = self.folder / f"{_UNFINISHED}{os.getpid()}"
        with writing_to(self.folder):
            folder.mkdir()
        try:
            with writing_to(self.folder):
                yield folder
        finally:
            shutil.rmtree(folder)

    def replace_folder(self, made: Path, target: Path) -> None:
        """Put a folder made in `scratch` in the place of a former one, if there is one."""
        former = made.with_name(f"former_{target.name}")
        if target.exists():
            target.rename(former)
        made.rename(target)

    @contextmanager
    def new_iteration(self) -> Iterator[tuple[int, Path]]:
        """(number, folder) of an iteration in the making; it appears under its number only if the block succeeds."""
        finished = self.iterations()
        number = int(finished[-1].name) + 1 if finished else 1
        folder = self.iterations_folder / f"{_UNFINISHED}{number:03d}"
        try:
            with writing_to(self.folder):
                folder.mkdir(parents=True)
                yield number, folder
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

    On a full disk, what GDAL and OTB say of it, if anything, is added.
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
    """Whether the disk of a folder, or of the nearest one above it that exists, has no room for another block."""
    there = next(one for one in (folder, *folder.parents) if one.exists())
    return shutil.disk_usage(there).free < _SPARE


def checksum(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def write_json(path: Path, content: Any) -> None:
    """As write_text does, of JSON. Raises ValueError for a number that JSON does not have."""
    write_text(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text so that a reader never meets half a file."""
    with replacing(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside a file, to write under; what is there takes the file's place if the block succeeds."""
    unfinished = path.with_name(f"{_UNFINISHED}{path.name}")
    try:
        yield unfinished
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
