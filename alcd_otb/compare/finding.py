"""Find masks in files and folders, and choose the reader of each."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from alcd_otb.errors import AlcdError, ProductError
from alcd_otb.masks.classified_raster import is_class_table, is_point_table, rasters_of, read_classified_raster
from alcd_otb.masks.expert_points import read_expert_points
from alcd_otb.masks.fmask import Kind, is_fmask, read_fmask
from alcd_otb.masks.hollstein import is_hollstein, read_hollstein
from alcd_otb.masks.l1c_masks import MissingMaskError, is_cloud_mask, read_cloud_masks
from alcd_otb.masks.labelled_reference import LabelledReference, is_labelled, read_labelled
from alcd_otb.masks.maja import is_maja, read_maja
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.published_references import is_reference_scene, read_reference_scene
from alcd_otb.masks.sen2cor import is_classification, read_classification
from alcd_otb.masks.workspace_mask import is_workspace, read_workspace
from alcd_otb.products.container import has_archive_suffix
from alcd_otb.products.safe_archive import is_product_folder
from alcd_otb.settings.legend import Legend

log = logging.getLogger(__name__)

Reference = Mask | LabelledReference
Read = Callable[[Path], Iterable[Reference]]

WHAT_IS_READ = (
    "a workspace, a scene of the reference data set, a product of MAJA or Sen2Cor, a Level-1C product, also packed, "
    "a mask of Fmask (its name holds fmask), or a table of classes in JSON"
)


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of mask.

    Attributes
    ----------
    recognises
        Whether a file or folder is of this kind; only class tables are opened to decide.
    read
        Reads the masks of a file or folder. A class table and an HDF5 file may have many.
    """

    recognises: Callable[[Path], bool]
    read: Read


@dataclass(frozen=True)
class Failure:
    """Something that could not be read or compared; the rest continues.

    Attributes
    ----------
    path
        The file or folder.
    error
        Why it failed.
    scene, processor
        Names, as far as they are known.
    """

    path: Path
    error: AlcdError
    scene: str | None = None
    processor: str | None = None


class FoundMasks(NamedTuple):
    """The masks in files and folders, and what could not be read."""

    masks: list[Reference]
    failures: list[Failure]


def readers(legend: Legend, fmask: Kind | None, labelled: bool) -> tuple[Reader, ...]:
    """List all readers, the more specific first.

    Parameters
    ----------
    legend
        Classes of the published data set and of labelled points.
    fmask
        The program that wrote the masks of Fmask that do not show it.
    labelled
        Whether points and polygons are read, too. Only a reference can be labelled.
    """
    every = [
        Reader(is_workspace, _single(read_workspace)),
        Reader(is_reference_scene, _single(partial(read_reference_scene, legend=legend))),
        Reader(is_maja, _single(read_maja)),
        Reader(is_classification, _single(read_classification)),
        Reader(is_cloud_mask, read_cloud_masks),
        Reader(is_fmask, _single(partial(read_fmask, stated=fmask))),
        Reader(is_class_table, lambda path: map(read_classified_raster, rasters_of(path))),
    ]
    if labelled:
        every += [
            Reader(is_hollstein, read_hollstein),
            Reader(is_point_table, read_expert_points),
            Reader(partial(is_labelled, legend=legend), _single(partial(read_labelled, legend=legend))),
        ]
    return tuple(every)


def read_all(arguments: Iterable[str], readers: tuple[Reader, ...]) -> FoundMasks:
    """Read the masks in files and folders.

    Parameters
    ----------
    arguments
        Files and folders. An argument may have a label, ``MAJA_4.8=folder``: the processor then has this name, so that
        releases of one processor are kept apart.
    readers
        The readers to choose from.

    Raises
    ------
    ProductError
        If a file or folder does not exist, or contains nothing that a reader recognises.
    """
    masks: list[Reference] = []
    failures: list[Failure] = []
    for argument in arguments:
        label, path = _labelled_path(argument)
        found: list[Reference] = []
        wrong, without = [], []
        for place, reader in _recognised(path, readers):
            try:
                found += [mask if label is None else replace(mask, processor=label) for mask in reader.read(place)]
            except MissingMaskError as error:
                without.append(Failure(place, error, processor=label))
            except AlcdError as error:
                wrong.append(Failure(place, error, processor=label))
        if not (found or wrong or without):
            raise _nothing_recognised(path)
        # Beside masks, a product without one may lie for another reason, such as for the scene that they are of.
        for left_out in without if found else ():
            log.info("left out: %s", left_out.error)
        masks += _without_packed_copies(found)
        failures += wrong if found else [*wrong, *without]
    return FoundMasks(masks, failures)


def _without_packed_copies(masks: list[Reference]) -> list[Reference]:
    """Leave out archives of products that lie unpacked beside them."""
    unpacked = {(mask.processor, mask.acquisition): mask.path for mask in masks if not has_archive_suffix(mask.path)}
    kept = []
    for mask in masks:
        copy = unpacked.get((mask.processor, mask.acquisition)) if has_archive_suffix(mask.path) else None
        if copy is None:
            kept.append(mask)
        else:
            log.info("left out: %s: %s is the same product, unpacked", mask.path, copy)
    return kept


def _single(read: Callable[[Path], Reference]) -> Read:
    """Wrap the reader of a single mask, so that it returns as many as other readers."""
    return lambda path: (read(path),)


def _labelled_path(argument: str) -> tuple[str | None, Path]:
    whole, (label, separator, rest) = Path(argument), argument.partition("=")
    if not whole.exists() and separator and label and Path(rest).exists():
        return label, Path(rest)
    if not whole.exists():
        raise ProductError(f"{argument}: there is no such file or folder; check the path")
    return None, whole


def _recognised(path: Path, readers: tuple[Reader, ...]) -> list[tuple[Path, Reader]]:
    try:
        return list(_search(path, readers, set()))
    except OSError as error:
        raise ProductError(f"{error.filename or path}: cannot be read ({error.strerror}); check its rights") from error


def _search(path: Path, readers: tuple[Reader, ...], visited: set[Path]) -> Iterator[tuple[Path, Reader]]:
    for reader in readers:
        if reader.recognises(path):
            yield path, reader
            return
    if not path.is_dir() or path.resolve() in visited:
        return
    visited.add(path.resolve())
    is_empty = True
    for child in sorted(path.iterdir()):
        if not child.name.startswith("."):
            for found in _search(child, readers, visited):
                is_empty = False
                yield found
    # Masks of other processors may lie in a product, so that a product without its own mask is reported only if there
    # are none.
    if is_empty and is_product_folder(path):
        yield path, _WITHOUT_MASK


_WITHOUT_MASK = Reader(is_product_folder, read_cloud_masks)


def _nothing_recognised(path: Path) -> ProductError:
    places = sorted(path.rglob("*")) if path.is_dir() else [path]
    archive = next((place for place in places if has_archive_suffix(place) and place.is_file()), None)
    if archive is not None:
        return ProductError(
            f"{archive}: is not a Level-1C product, and other masks are not read in archives; unpack it"
        )
    return ProductError(f"{path}: nothing in it is recognised; give {WHAT_IS_READ}")
