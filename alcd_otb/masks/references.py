"""References of this project's making: workspaces and their iterations; points and polygons of known class."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import Int64Array
from alcd_otb.errors import ProductError
from alcd_otb.masks.acquisition import Acquisition, acquisition_at, acquisition_of
from alcd_otb.masks.mask import Mask, PixelClass, classes_of, raster_layer, table_of
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.pixels import held_pixels
from alcd_otb.samples.reading import read_samples
from alcd_otb.settings.legend import Legend, LegendClass, Positive

PROCESSOR = "alcd_otb"

_VECTORS = (".fgb", ".geojson", ".gpkg", ".kml", ".shp")

Pixels = tuple[Int64Array, Int64Array, NDArray[np.uint8]]
"""Rows, columns and class codes, each as long as there are labelled pixels."""


@dataclass(frozen=True)
class LabelledReference:
    """Points, or what polygons hold, of one acquisition.

    processor: who labelled. locate: the labelled pixels on a grid; it raises SampleError where they cannot be read.
    """

    processor: str
    path: Path
    acquisition: Acquisition
    classes: tuple[PixelClass, ...]
    files: tuple[Path, ...]
    locate: Callable[[Grid], Pixels]


def is_workspace(path: Path) -> bool:
    """Whether a path is a workspace, or one of its iterations."""
    return (path / "config.json").is_file() and (
        (path / "labels.tif").is_file() or (path / "preparation.json").is_file()
    )


def read_workspace(path: Path) -> Mask:
    """Read the latest iteration of a workspace, or the iteration that a path names.

    Raises ProductError where there is no iteration yet, or a file is damaged.
    """
    iteration = path if (path / "labels.tif").is_file() else path / "latest"
    labels, config = iteration / "labels.tif", iteration / "config.json"
    if not labels.is_file():
        raise ProductError(f"{path}: has no iteration yet; label samples and run the scene")
    content = _json(config)
    try:
        product = content["products"]["cloudy"]
        if product["tile"] is None:
            raise ProductError(
                f"{path}: is the map of a stack, which tells no tile and time; name a scene of a product"
            )
        acquisition = acquisition_at(product["tile"], datetime.fromisoformat(product["acquired"]))
        template = content["scene"]["template"]
        positive = template.get("positive")
        legend = Legend.from_classes(
            [LegendClass(**one) for one in template["classes"]], Positive(**positive) if positive else None
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProductError(f"{config}: does not describe an iteration ({error!r}); run the scene again") from error
    classes = classes_of(legend)
    quicklook = labels.resolve().parents[2] / "quicklook.png"
    return Mask(
        processor=PROCESSOR,
        path=path,
        acquisition=acquisition,
        grid=Grid.of(str(labels)),
        layers=(raster_layer(labels, table_of(classes)),),
        files=(labels.resolve(), config.resolve()),
        classes=classes,
        picture=str(quicklook) if quicklook.is_file() else None,
    )


def is_labelled(path: Path, legend: Legend) -> bool:
    """Whether a path is a vector file, or a folder with one a class."""
    if path.is_dir():
        return any(one.suffix.lower() in _VECTORS and legend.find(one.stem) for one in path.iterdir())
    return path.suffix.lower() in _VECTORS


def read_labelled(path: Path, legend: Legend) -> LabelledReference:
    """Points and polygons in any format that OGR reads, as the samples of a scene are given.

    legend: what their classes are. Raises ProductError where no name tells tile and time.
    """
    files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    return LabelledReference(
        processor="samples",
        path=path,
        acquisition=acquisition_of(path),
        classes=classes_of(legend),
        files=tuple(files),
        locate=partial(_located, path, legend),
    )


def _located(path: Path, legend: Legend, grid: Grid) -> Pixels:
    samples = read_samples(path, legend, grid)
    rows, columns, indices = held_pixels(samples, grid)
    codes = np.array([sample.code for sample in samples], np.uint8)
    return rows, columns, codes[indices]


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ProductError(f"{file}: cannot be read ({error}); run the scene again") from error
