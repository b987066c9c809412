"""Read points and polygons of known class as a reference.

The module defines `LabelledReference`, which readers of other labelled pixels use, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alcd_otb.arrays import Int64Array, UInt8Array
from alcd_otb.masks.acquisition import Acquisition, acquisition_of
from alcd_otb.masks.mask import PixelClass, classes_of
from alcd_otb.raster.grid import Grid
from alcd_otb.samples.pixels import held_pixels
from alcd_otb.samples.reading import read_samples
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import osr

_VECTORS = (".fgb", ".geojson", ".gpkg", ".kml", ".shp")


class LocatedPixels(NamedTuple):
    """Labelled pixels on a grid: three arrays of one length.

    Attributes
    ----------
    rows, columns
        Places on the grid, from 0.
    codes
        Class codes.
    """

    rows: Int64Array
    columns: Int64Array
    codes: UInt8Array


@dataclass(frozen=True)
class LabelledReference:
    """The labelled pixels of one acquisition: points, or the pixels that polygons hold.

    Attributes
    ----------
    processor
        Who labelled.
    path
        The file or folder that the user named.
    acquisition
        Tile and time of the scene.
    classes
        The classes that pixels may have.
    files
        The files that the labels come from.
    locate
        Returns the labelled pixels on a grid. It raises SampleError if they cannot be read.
    """

    processor: str
    path: Path
    acquisition: Acquisition
    classes: tuple[PixelClass, ...]
    files: tuple[Path, ...]
    locate: Callable[[Grid], LocatedPixels]


def is_labelled(path: Path, legend: Legend) -> bool:
    """Decide whether a path is a vector file, or a folder with a vector file for each class.

    Parameters
    ----------
    path
        The file or folder.
    legend
        The classes after which the files of a folder are named.
    """
    if path.is_dir():
        return any(file.suffix.lower() in _VECTORS and legend.find(file.stem) for file in path.iterdir())
    return path.suffix.lower() in _VECTORS


def read_labelled(path: Path, legend: Legend) -> LabelledReference:
    """Read points and polygons in any format of `GIVEN_VECTORS`, stored like the samples of a scene.

    Parameters
    ----------
    path
        A vector file, or a folder with a vector file for each class.
    legend
        The classes of the points and polygons.

    Raises
    ------
    ProductError
        If neither the file nor a folder around it is named after tile and time.
    """
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    return LabelledReference(
        processor="samples",
        path=path,
        acquisition=acquisition_of(path),
        classes=classes_of(legend),
        files=tuple(files),
        locate=partial(_located, path, legend),
    )


def located_in_degrees(places: NDArray[np.float64], codes: UInt8Array, grid: Grid) -> LocatedPixels:
    """Locate pixels on a grid.

    Parameters
    ----------
    places
        Longitude and latitude in degrees, (pixels, 2).
    codes
        Class codes, (pixels,).
    grid
        The grid; pixels outside are left out.
    """
    geographic = osr.SpatialReference()
    geographic.ImportFromEPSG(4326)
    geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    transformation = osr.CoordinateTransformation(geographic, grid.spatial_reference)
    points = np.array(transformation.TransformPoints(places.tolist()))
    columns = np.floor((points[:, 0] - grid.left) / grid.resolution).astype(np.int64)
    rows = np.floor((grid.top - points[:, 1]) / grid.resolution).astype(np.int64)
    inside = (rows >= 0) & (rows < grid.height) & (columns >= 0) & (columns < grid.width)
    return LocatedPixels(rows[inside], columns[inside], codes[inside])


def _located(path: Path, legend: Legend, grid: Grid) -> LocatedPixels:
    samples = read_samples(path, legend, grid)
    rows, columns, indices = held_pixels(samples, grid)
    codes = np.array([sample.code for sample in samples], np.uint8)
    return LocatedPixels(rows, columns, codes[indices])
