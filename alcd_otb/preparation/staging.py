"""Copy the products of a scene to a fast disk for the time of a preparation."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alcd_otb.errors import ProcessingError
from alcd_otb.files.delivery import files_below
from alcd_otb.files.folders import scratch_folder
from alcd_otb.files.writing import writing_to
from alcd_otb.settings.scene_file import DatePaths, SceneConfig, files_of

log = logging.getLogger(__name__)

_SPARE = 1.1
"""Free bytes that a disk must have, by byte to copy."""


@contextmanager
def staged(config: SceneConfig, folder: Path | None) -> Iterator[SceneConfig]:
    """Copy the L1C products of a scene into a folder, and remove the copies when the block ends.

    Stacks and the elevation model are read where they lie: their files may name others.

    Parameters
    ----------
    config
        The scene.
    folder
        A folder on a fast disk. None copies nothing.

    Yields
    ------
    SceneConfig
        The scene with the paths of the copies. The scene itself where nothing is copied: there is no folder, the scene
        is of a stack, or the disk has too little room; a warning reports it.

    Raises
    ------
    ProcessingError
        A copy cannot be written, or has not the size of its product.
    """
    if folder is None or config.cloudy is None:
        yield config
        return
    products = dict.fromkeys(path for date in (config.cloudy, *config.clear) for path in files_of(date))
    with writing_to(folder):
        size = sum(_size(file) for product in products for file in _files(product))
        free = shutil.disk_usage(folder).free
    if size * _SPARE > free:
        log.warning(
            "%s: has %d MB free, and the products have %d MB; they are read in place",
            folder,
            free // 10**6,
            size // 10**6,
        )
        yield config
        return
    with writing_to(folder), scratch_folder(folder) as scratch:
        copies = {product: _copied(product, scratch / str(number)) for number, product in enumerate(products)}
        log.info("%d products, %d MB, are copied to %s", len(products), size // 10**6, folder)
        yield config.model_copy(
            update={
                "cloudy": _of_copies(config.cloudy, copies),
                "clear": tuple(_of_copies(date, copies) for date in config.clear),
            }
        )


def _copied(product: Path, parent: Path) -> Path:
    """Copy a product, whose name it keeps. Links within it are followed."""
    parent.mkdir()
    copy = parent / product.resolve().name if product.is_dir() else parent / product.name
    if product.is_dir():
        shutil.copytree(product, copy)
    else:
        shutil.copy2(product, copy)
    for file in _files(product):
        made = copy / file.relative_to(product) if product.is_dir() else copy
        if _size(made) != _size(file):
            raise ProcessingError(f"{made}: has {_size(made)} bytes, and {file} has {_size(file)}; run again")
    return copy


def _files(product: Path) -> list[Path]:
    return files_below(product) if product.is_dir() else [product]


def _size(file: Path) -> int:
    return os.stat(file).st_size


def _of_copies(date: DatePaths, copies: dict[Path, Path]) -> DatePaths:
    return tuple(copies[path] for path in date) if isinstance(date, tuple) else copies[date]
