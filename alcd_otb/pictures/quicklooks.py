"""Draw small pictures of every date of a tile in a folder of L1C products, to choose a pair from."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.pictures.figures import Picture, stretched
from alcd_otb.pictures.place import Place, picture_at
from alcd_otb.products.codestream import check_codestream
from alcd_otb.products.container import has_archive_suffix
from alcd_otb.products.finding import find_products
from alcd_otb.products.names import is_tile, sensed_in
from alcd_otb.products.safe_archive import is_product_folder
from alcd_otb.products.sentinel2_l1c import L1CProduct, check_bands, read_product, tiles_of
from alcd_otb.raster.opening import JPEG2000, open_raster
from alcd_otb.text import quoted
from otb_pipelines.process import gdal

log = logging.getLogger(__name__)

MOST_PIXELS = 360
"""Pixels of the longer side of a quicklook."""

_COLOURS = ("B04", "B03", "B02")


@dataclass(frozen=True)
class TileDate:
    """A product of a tile, with a small picture.

    Attributes
    ----------
    path
        The product's folder or file.
    acquired
        Time of the acquisition from the metadata, or from the name if they cannot be read; None if neither has it.
    product
        The product; None if it cannot be read.
    picture
        True colour, (rows, columns, 3); None if it cannot be drawn.
    problem
        Why there is no picture, or None.
    """

    path: Path
    acquired: datetime | None
    product: L1CProduct | None = None
    picture: Picture | None = None
    problem: str | None = None

    @property
    def name(self) -> str:
        """Name of the product, or of its file if the product cannot be read."""
        return self.product.name if self.product else self.path.name

    @property
    def cloud_cover(self) -> float | None:
        """Cloud cover in percent, from the metadata; None if they cannot be read."""
        return self.product.cloud_cover if self.product else None

    def as_json(self) -> dict[str, Any]:
        """Return the date as ``quicklooks --json`` prints it."""
        product = self.product
        return {
            "path": str(self.path),
            "name": self.name,
            "acquired": self.acquired.isoformat() if self.acquired else None,
            "cloud_cover": self.cloud_cover,
            "baseline": product.baseline if product else None,
            "relative_orbit": product.relative_orbit if product else None,
            "problem": self.problem,
        }


@dataclass(frozen=True)
class TileDates:
    """The dates of a tile in their order; those of unknown time are last."""

    folder: Path
    tile: str
    dates: tuple[TileDate, ...]

    def summary(self) -> str:
        """Count the dates, and list the problems of those without a picture."""
        broken = [date for date in self.dates if date.problem]
        lines = [f"{len(self.dates)} dates of tile {self.tile}, {len(broken)} of them without a picture"]
        return "\n".join([*lines, *(str(date.problem) for date in broken)])


def find_dates(
    folder: Path, tile: str, progress: Callable[[str, float], None] | None = None, place: Place | None = None
) -> TileDates:
    """Find the L1C products of a tile, at any depth and in any layout, and draw a picture of each.

    A product that cannot be read is among the dates, with the reason. Files that are not products of the tile are
    logged, with the reason.

    Parameters
    ----------
    folder
        The folder to search, or the archive of a product.
    tile
        Tile such as ``31TFJ`` or ``T31TFJ``.
    progress
        Receives the name of the step and the fraction that is done, 0 to 1.
    place
        A place to draw at full resolution. None draws the whole tile.

    Raises
    ------
    ConfigurationError
        If the tile has another form.
    ProductError
        If the folder does not exist, or holds no product of the tile.
    """
    tile = tile.upper().removeprefix("T")
    if not is_tile(tile):
        raise ConfigurationError(f"tile {quoted(tile)} is not of the form 31TFJ")
    if not folder.is_dir() and not (folder.is_file() and has_archive_suffix(folder)):
        raise ProductError(f"{folder}: is not a folder; give the one that holds the L1C products")
    products = _candidates(folder)
    dates, others, elsewhere = [], set[str](), 0
    for number, path in enumerate(products, start=1):
        if progress is not None:
            progress("quicklooks", number / len(products))
        try:
            tiles = tiles_of(path)
        except ProductError as error:
            dates += _broken(path, tile, error)
            continue
        if tile in tiles:
            dates.append(_read(path, tile, place))
        else:
            elsewhere += 1
        others |= set(tiles) - {tile}
    if elsewhere:
        log.info("left out: products of other tiles (%d): %s", elsewhere, ", ".join(sorted(others)))
    if not dates:
        seen = f"; there is {', '.join(sorted(others))}" if others else ""
        raise ProductError(f"{folder}: holds no L1C product of tile {tile}{seen}")
    unknown = datetime.max.replace(tzinfo=UTC)
    dates.sort(key=lambda date: (date.acquired or unknown, date.name, date.path))
    return TileDates(folder, tile, tuple(dates))


def _candidates(folder: Path) -> list[Path]:
    """List possible products, and log what is left out."""
    if folder.is_file():
        return [folder]
    found = list(find_products(folder))
    for one in found:
        if one.left_out is not None:
            log.info("left out: %s: %s", one.path, one.left_out)
    return [one.path for one in found if one.left_out is None]


def _broken(path: Path, tile: str, error: ProductError) -> list[TileDate]:
    """Make a date of a product whose content cannot be listed.

    There is none if nothing shows that it is L1C, or if its name contains another tile.
    """
    named = re.search(r"_T(\d{2}[A-Z]{3})[_.]", path.name)
    if not ("MSIL1C" in path.name or is_product_folder(path)) or (named and named[1] != tile):
        log.info("left out: %s", error)
        return []
    return [TileDate(path, sensed_in(path.name), problem=str(error))]


def _read(path: Path, tile: str, place: Place | None) -> TileDate:
    product = None
    try:
        product = read_product(path, tile)
        check_bands(product, _COLOURS)
        for colour in _COLOURS:
            for file in product.band(colour).files:
                check_codestream(file.path)
        picture = _true_colour(product) if place is None else picture_at(product, place)
        return TileDate(path, product.acquired, product, picture)
    except ProductError as error:
        return TileDate(path, product.acquired if product else sensed_in(path.name), product, problem=str(error))


def _true_colour(product: L1CProduct) -> Picture:
    """Draw the finest wavelet level of the bands that is no larger than a quicklook."""
    first = product.band(_COLOURS[0])
    grid = product.grids[first.resolution]
    level = 0
    while max(grid.width, grid.height) > MOST_PIXELS << level:
        level += 1
    width, height = (-(-side // 2**level) for side in (grid.width, grid.height))
    channels = []
    for name in _COLOURS:
        band = product.band(name)
        try:
            numbers = open_raster(band.path, JPEG2000).ReadAsArray(
                buf_xsize=width, buf_ysize=height, buf_type=gdal.GDT_Float32, resample_alg=gdal.GRIORA_Average
            )
        except RuntimeError as error:
            raise ProductError(f"{band.path}: cannot be decoded ({error}); download the product again") from error
        # Pixels without data lie below any reflectance that is shown, and become black.
        channels.append(stretched((numbers + band.offset) / product.quantification))
    return np.dstack(channels)
