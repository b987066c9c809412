"""Describe a processor's mask of one acquisition: rasters of one grid, and the meanings of their values."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.masks.acquisition import Acquisition
from alcd_otb.products.codestream import check_codestream
from alcd_otb.raster import opening
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS
from alcd_otb.settings.legend import Legend, LegendClass
from otb_pipelines.process import gdal

NO_DATA = "no_data"
"""The pixel was not seen or is damaged; it is never compared."""

INVALID = "invalid"
"""The processor or the operator would not use the pixel; in masks of clouds it is cloud or cloud shadow."""

CLOUD = "cloud"
"""Any cloud, including cirrus."""

CIRRUS, SHADOW, SNOW, WATER = "cirrus", "shadow", "snow", "water"
COMMON_MEANINGS = (INVALID, CLOUD, CIRRUS, SHADOW, SNOW, WATER)
"""Meanings to which all readers give one name, whatever the processor calls them."""

Meaning = frozenset[str]

Table = tuple[Meaning | None, ...]
"""Meaning of each of the 256 values of an 8-bit band; None for a value that the encoding does not have."""


@dataclass(frozen=True)
class PixelClass:
    """A class of a classified raster.

    Attributes
    ----------
    code
        Value of the class in the raster.
    name
        Name of the class.
    means
        What the class counts as, such as CLOUD and INVALID.
    colour
        ``#rrggbb`` in maps, or None.
    """

    code: int
    name: str
    means: Meaning
    colour: str | None = None


@dataclass(frozen=True)
class MaskLayer:
    """A band and the meanings of its values; the meanings of several layers of a mask add up.

    Attributes
    ----------
    open
        Opens the raster; each call opens it again.
    table
        Meaning of each value.
    band
        The band of the raster, from 1.
    clipped
        Whether values above 255 count as 255, so that an image can show where there is no data. Otherwise they are
        refused.
    """

    open: Callable[[], gdal.Dataset]
    table: Table
    band: int = 1
    clipped: bool = False


@dataclass(frozen=True)
class Mask:
    """A processor's mask of one acquisition.

    Attributes
    ----------
    processor
        Name of the processor, such as ``MAJA``.
    path
        The file or folder that a user would name.
    acquisition
        Tile and time of the scene.
    grid
        The grid of all layers.
    layers
        The rasters, with their meanings.
    files
        The files that the mask is read from.
    classes
        Classes of the first layer, where each pixel has one of them; empty for masks of bits.
    picture
        An image of the scene to draw over, or None.
    """

    processor: str
    path: Path
    acquisition: Acquisition
    grid: Grid
    layers: tuple[MaskLayer, ...]
    files: tuple[Path, ...]
    classes: tuple[PixelClass, ...] = ()
    picture: str | None = None

    @property
    def meanings(self) -> frozenset[str]:
        """All meanings that a pixel of this mask can have."""
        return frozenset().union(*(meaning for layer in self.layers for meaning in layer.table if meaning))


@dataclass(frozen=True)
class Bits:
    """Names of the bits of a mask; bit 0 is the least significant."""

    names: Mapping[int, Iterable[str]] = field(hash=False)

    @property
    def table(self) -> Table:
        """Meaning of each value of 8 bits: the names of its bits."""
        return tuple(
            frozenset(name for bit, names in self.names.items() if value >> bit & 1 for name in names)
            for value in range(256)
        )


def table_of(classes: Iterable[PixelClass]) -> Table:
    """Make the table of a classified raster: each class means itself and what it counts as."""
    meanings = {pixel_class.code: pixel_class.means | {pixel_class.name} for pixel_class in classes}
    return tuple(meanings.get(value) for value in range(256))


def nonzero(meaning: str) -> Table:
    """Make a table in which every value but 0 has one meaning."""
    return (frozenset(), *[frozenset({meaning})] * 255)


def classes_of(legend: Legend) -> tuple[PixelClass, ...]:
    """List the classes of a legend, with 0 for no data.

    An invalid class of the legend means INVALID. A positive class means the name of the positive side.
    """

    def means(entry: LegendClass) -> Meaning:
        positive = {legend.positive.name} if entry.name in legend.positive.classes else set()
        return frozenset(positive | ({INVALID} if entry.invalid else set()))

    of_legend = (PixelClass(entry.code, entry.name, means(entry), entry.colour) for entry in legend.classes)
    return (PixelClass(0, NO_DATA, frozenset()), *of_legend)


def raster_layer(path: Path | str, table: Table, band: int = 1) -> MaskLayer:
    """Make a layer of a raster's band, counted from 1; the raster is opened when it is read."""
    return MaskLayer(partial(open_raster, path), table, band)


def open_raster(path: Path | str) -> gdal.Dataset:
    """Open a raster of whole numbers of 8 or 16 bits, by its path or the name by which GDAL opens it in an archive.

    Raises
    ------
    ProductError
        If the file is cut off, damaged or cannot be read, or its pixels are of another type.
    """
    # Members of a tar archive are named by their place in it. Those that are masks are JPEG 2000.
    if str(path).lower().endswith(".jp2") or str(path).startswith("/vsisubfile/"):
        check_codestream(str(path))
    try:
        dataset = opening.open_raster(path, GIVEN_RASTERS)
    except RuntimeError as error:
        raise ProductError(f"{path}: cannot be read as a raster ({' '.join(str(error).split())})") from error
    check_type(path, dataset, 1)
    return dataset


def check_type(path: Path | str, dataset: gdal.Dataset, band: int) -> None:
    """Check that a band, counted from 1, is of whole numbers of 8 or 16 bits.

    Raises
    ------
    ProductError
        If its pixels are of another type.
    """
    if gdal.GetDataTypeName(dataset.GetRasterBand(band).DataType) not in ("Byte", "UInt16", "Int16"):
        raise ProductError(f"{path}: its pixels are not whole numbers of 8 or 16 bits; give a classified raster")


def common_grid(paths: Iterable[Path]) -> Grid:
    """Read the grid that several rasters share.

    Raises
    ------
    ProductError
        If their grids differ, or one cannot be read.
    """
    first, *others = paths
    grid = Grid.of(first, GIVEN_RASTERS)
    for other in others:
        if not Grid.of(other, GIVEN_RASTERS).is_nearly(grid):
            raise ProductError(f"{other}: has another grid than {first.name}; give the files of one product")
    return grid
