"""Masks in files and folders: which reader each is for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from alcd_otb.errors import AlcdError, ProductError
from alcd_otb.masks.classified_raster import is_class_table, rasters_of, read_classified_raster
from alcd_otb.masks.fmask import Kind, is_fmask, read_fmask
from alcd_otb.masks.hollstein import is_hollstein, read_hollstein
from alcd_otb.masks.l1c_masks import is_cloud_mask, read_cloud_mask
from alcd_otb.masks.labelled_reference import LabelledReference, is_labelled, read_labelled
from alcd_otb.masks.maja import is_maja, read_maja
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.published_references import is_reference_scene, read_reference_scene
from alcd_otb.masks.sen2cor import is_classification, read_classification
from alcd_otb.masks.workspace_mask import is_workspace, read_workspace
from alcd_otb.settings.legend import Legend

Reference = Mask | LabelledReference
Read = Callable[[Path], Iterable[Reference]]

WHAT_IS_READ = (
    "a workspace, a scene of the reference data set, a product of MAJA or Sen2Cor, a Level-1C product, a mask of Fmask "
    "(its name holds fmask), or a table of classes in JSON"
)


@dataclass(frozen=True)
class Reader:
    """recognises: by names alone. read: its masks, of which a table or an HDF5 file has many."""

    recognises: Callable[[Path], bool]
    read: Read


@dataclass(frozen=True)
class Failure:
    """Something that could not be read or compared, and why; the rest goes on."""

    path: Path
    error: AlcdError
    scene: str | None = None
    processor: str | None = None


def readers(legend: Legend, fmask: Kind | None, labelled: bool) -> tuple[Reader, ...]:
    """All readers, the more particular first.

    legend: of the published data set and of labelled points. fmask: who wrote the masks that do not tell. labelled:
    with points and polygons, which only a reference can be.
    """
    every = [
        Reader(is_workspace, _one(read_workspace)),
        Reader(is_reference_scene, _one(partial(read_reference_scene, legend=legend))),
        Reader(is_maja, _one(read_maja)),
        Reader(is_classification, _one(read_classification)),
        Reader(is_cloud_mask, _one(read_cloud_mask)),
        Reader(is_fmask, _one(partial(read_fmask, stated=fmask))),
        Reader(is_class_table, lambda path: map(read_classified_raster, rasters_of(path))),
    ]
    if labelled:
        every += [
            Reader(is_hollstein, read_hollstein),
            Reader(partial(is_labelled, legend=legend), _one(partial(read_labelled, legend=legend))),
        ]
    return tuple(every)


def read_all(arguments: Iterable[str], readers: tuple[Reader, ...]) -> tuple[list[Reference], list[Failure]]:
    """The masks in the files and folders that are named, and what could not be read.

    An argument may give a label, ``MAJA_4.8=folder``: the processor is then called so, and releases of one processor
    are kept apart. Raises ProductError where an argument names nothing that is there, or nothing in it is recognised.
    """
    found: list[Reference] = []
    failures: list[Failure] = []
    for argument in arguments:
        label, path = _labelled_path(argument)
        count = len(found) + len(failures)
        for place, reader in _found(path, readers):
            try:
                found += [one if label is None else replace(one, processor=label) for one in reader.read(place)]
            except AlcdError as error:
                failures.append(Failure(place, error, processor=label))
        if len(found) + len(failures) == count:
            raise ProductError(f"{path}: nothing in it is recognised; give {WHAT_IS_READ}")
    return found, failures


def _one(read: Callable[[Path], Reference]) -> Read:
    return lambda path: (read(path),)


def _labelled_path(argument: str) -> tuple[str | None, Path]:
    whole, (label, separator, rest) = Path(argument), argument.partition("=")
    if not whole.exists() and separator and label and Path(rest).exists():
        return label, Path(rest)
    if not whole.exists():
        raise ProductError(f"{argument}: there is no such file or folder; check the path")
    return None, whole


def _found(path: Path, readers: tuple[Reader, ...]) -> list[tuple[Path, Reader]]:
    try:
        return list(_search(path, readers, set()))
    except OSError as error:
        raise ProductError(f"{error.filename or path}: cannot be read ({error.strerror}); check its rights") from error


def _search(path: Path, readers: tuple[Reader, ...], visited: set[Path]) -> Iterator[tuple[Path, Reader]]:
    for reader in readers:
        if reader.recognises(path):
            yield path, reader
            return
    if path.is_dir() and path.resolve() not in visited:
        visited.add(path.resolve())
        for child in sorted(path.iterdir()):
            if not child.name.startswith("."):
                yield from _search(child, readers, visited)
