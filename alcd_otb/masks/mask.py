"""A processor's mask of one acquisition: rasters of one grid, and what each of their values means."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.masks.acquisition import Acquisition
from alcd_otb.products.jpeg2000 import check_complete
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.legend import Legend, LegendClass
from otb_pipelines.process import gdal

NO_DATA = "no_data"
"""The pixel was not seen, or is damaged: never compared."""

INVALID = "invalid"
"""What the processor, or the operator, would not use: with readers of clouds, cloud or cloud shadow."""

CLOUD = "cloud"
"""Any cloud, cirrus among them."""

CIRRUS, SHADOW, SNOW, WATER = "cirrus", "shadow", "snow", "water"
COMMON_MEANINGS = (INVALID, CLOUD, CIRRUS, SHADOW, SNOW, WATER)
"""What readers call by one name whatever the processor calls it."""

Meaning = frozenset[str]

Table = tuple[Meaning | None, ...]
"""What each of the 256 values of an 8-bit band means; None for a value that the encoding does not have."""


@dataclass(frozen=True)
class PixelClass:
    """One class of a classified raster.

    means: what it counts as, such as CLOUD and INVALID. colour: ``#rrggbb`` of maps, or None.
    """

    code: int
    name: str
    means: Meaning
    colour: str | None = None


@dataclass(frozen=True)
class MaskLayer:
    """One band and what its values mean; several layers of a mask add up.

    open: the raster, opened anew at each call. clipped: values above 255 count as 255, so that an image can tell where
    there is no data; else they are refused.
    """

    open: Callable[[], gdal.Dataset]
    table: Table
    band: int = 1
    clipped: bool = False


@dataclass(frozen=True)
class Mask:
    """What one processor says of one acquisition.

    processor: such as "MAJA". path: what the user would name. layers: all on the grid. classes: of the first layer,
    where its values are classes of which each pixel has one; empty for masks of bits. files: what it was read from.
    picture: an image of the scene, to draw over, or None.
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
        """All that a pixel of this mask can mean."""
        return frozenset().union(*(meaning for layer in self.layers for meaning in layer.table if meaning))


@dataclass(frozen=True)
class Bits:
    """Names of the bits of a mask; bit 0 is the least significant."""

    names: Mapping[int, Iterable[str]] = field(hash=False)

    @property
    def table(self) -> Table:
        """What each value of 8 bits means: the names of its bits."""
        return tuple(
            frozenset(name for bit, names in self.names.items() if value >> bit & 1 for name in names)
            for value in range(256)
        )


def table_of(classes: Iterable[PixelClass]) -> Table:
    """Each class means itself and what it counts as."""
    meanings = {one.code: one.means | {one.name} for one in classes}
    return tuple(meanings.get(value) for value in range(256))


def nonzero(meaning: str) -> Table:
    """Every value but 0 means this."""
    return (frozenset(), *[frozenset({meaning})] * 255)


def classes_of(legend: Legend) -> tuple[PixelClass, ...]:
    """The classes of a legend, and 0 for no data; the legend says which are invalid, and which it looks for."""

    def means(one: LegendClass) -> Meaning:
        positive = {legend.positive.name} if one.name in legend.positive.classes else set()
        return frozenset(positive | ({INVALID} if one.invalid else set()))

    of_legend = (PixelClass(one.code, one.name, means(one), one.colour) for one in legend.classes)
    return (PixelClass(0, NO_DATA, frozenset()), *of_legend)


def raster_layer(path: Path, table: Table, band: int = 1) -> MaskLayer:
    """A raster's band, from 1, as a layer; opened when it is read."""
    return MaskLayer(partial(open_raster, path), table, band)


def open_raster(path: Path) -> gdal.Dataset:
    """Raises ProductError where it is cut off, or no raster of whole numbers."""
    if path.suffix.lower() == ".jp2":
        check_complete(str(path))
    try:
        dataset = gdal.Open(str(path))
    except RuntimeError as error:
        raise ProductError(f"{path}: cannot be read as a raster ({' '.join(str(error).split())})") from error
    if gdal.GetDataTypeName(dataset.GetRasterBand(1).DataType) not in ("Byte", "UInt16", "Int16"):
        raise ProductError(f"{path}: its pixels are no whole numbers of 8 or 16 bits; give a classified raster")
    return dataset


def common_grid(paths: Iterable[Path]) -> Grid:
    """The one grid of several rasters. Raises ProductError where they differ, or one cannot be read."""
    first, *others = paths
    grid = Grid.of(str(first))
    for other in others:
        if Grid.of(str(other)) != grid:
            raise ProductError(f"{other}: has another grid than {first.name}; give the files of one product")
    return grid
