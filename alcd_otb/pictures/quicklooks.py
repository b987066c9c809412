"""Every date of a tile in a folder of L1C products, as small pictures to choose a pair from."""

import logging
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.pictures.figures import Picture, stretched
from alcd_otb.products.sentinel2_l1c import L1CProduct, check_bands, read_product, tiles_of
from otb_pipelines.process import gdal

log = logging.getLogger(__name__)

MOST_PIXELS = 360
"""Of the longer side of a quicklook."""

_COLOURS = ("B04", "B03", "B02")
_OTHER_LEVEL = re.compile(r"MSIL(0|1A|1B|2A)")
_SENSED = re.compile(r"(?:MSIL1C|_V)_?(\d{8}T\d{6})")


@dataclass(frozen=True)
class TileDate:
    """One product. picture: true colour, or None, where problem tells why. cloud_cover: percent, of the metadata.

    acquired: of the metadata, or of the name where they cannot be read; None where that is silent, too.
    """

    path: Path
    acquired: datetime | None
    product: L1CProduct | None = None
    picture: Picture | None = None
    problem: str | None = None

    @property
    def name(self) -> str:
        """The product's, or its file's where it cannot be read."""
        return self.product.name if self.product else self.path.name

    @property
    def cloud_cover(self) -> float | None:
        """Percent, of the metadata; None where they cannot be read."""
        return self.product.cloud_cover if self.product else None

    def as_json(self) -> dict[str, Any]:
        """As ``quicklooks --json`` prints it."""
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
    """The dates of a tile in their order; those of unknown time last."""

    folder: Path
    tile: str
    dates: tuple[TileDate, ...]

    def summary(self) -> str:
        """How many there are, and what is wrong with those that have no picture."""
        broken = [one for one in self.dates if one.problem]
        lines = [f"{len(self.dates)} dates of tile {self.tile}, {len(broken)} of them without a picture"]
        return "\n".join([*lines, *(str(one.problem) for one in broken)])


def find_dates(folder: Path, tile: str, progress: Callable[[str, float], None] | None = None) -> TileDates:
    """Look for the L1C products of a tile, .SAFE folders and zip archives at any depth, and read a picture of each.

    A product that cannot be read is among the dates, with the reason.

    Raises ConfigurationError where tile is none, ProductError where there is no product of it.
    """
    tile = tile.upper().removeprefix("T")
    if not re.fullmatch(r"\d{2}[A-Z]{3}", tile):
        raise ConfigurationError(f"tile {tile!r} is not of the form 31TFJ")
    if not folder.is_dir():
        raise ProductError(f"{folder}: is no folder; give the one that holds the L1C products")
    products = list(_products(folder))
    dates, others = [], set[str]()
    for number, path in enumerate(products, start=1):
        if progress is not None:
            progress("quicklooks", number / len(products))
        try:
            tiles = tiles_of(path)
        except ProductError as error:
            dates += _broken(path, tile, error)
            continue
        # Folders of a name of the user's own do not tell; the metadata will.
        if tile in tiles or not tiles:
            dates.append(_read(path, tile))
        others |= set(tiles) - {tile}
    if not dates:
        seen = f"; there is {', '.join(sorted(others))}" if others else ""
        raise ProductError(f"{folder}: holds no L1C product of tile {tile}{seen}")
    unknown = datetime.max.replace(tzinfo=UTC)
    return TileDates(folder, tile, tuple(sorted(dates, key=lambda one: (one.acquired or unknown, one.name, one.path))))


def _products(folder: Path) -> Iterator[Path]:
    """What may be a product: .SAFE folders and zip archives that are not named after another level."""
    for parent, folders, files in os.walk(folder):
        found = [name for name in folders if name.endswith(".SAFE")]
        # What lies in a product is not looked through.
        folders[:] = sorted(name for name in folders if name not in found)
        for name in sorted([*found, *(name for name in files if name.lower().endswith(".zip"))]):
            if not (_OTHER_LEVEL.search(name) or name.startswith("._")):
                yield Path(parent, name)


def _broken(path: Path, tile: str, error: ProductError) -> list[TileDate]:
    """A date for a product whose content cannot be listed, unless it is no L1C, or its name says another tile."""
    named = re.search(r"_T(\d{2}[A-Z]{3})[_.]", path.name)
    if "MSIL1C" not in path.name or (named and named[1] != tile):
        log.debug("left out: %s", error)
        return []
    return [TileDate(path, _sensed(path.name), problem=str(error))]


def _read(path: Path, tile: str) -> TileDate:
    product = None
    try:
        product = read_product(path, tile)
        check_bands(product, _COLOURS)
        return TileDate(path, product.acquired, product, _true_colour(product))
    except ProductError as error:
        return TileDate(path, product.acquired if product else _sensed(path.name), product, problem=str(error))


def _sensed(name: str) -> datetime | None:
    """The time in a product's name, of either format."""
    match = _SENSED.search(name)
    return datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC) if match else None


def _true_colour(product: L1CProduct) -> Picture:
    """From the finest wavelet level of the bands that is no larger than a quicklook."""
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
            numbers = gdal.Open(band.path).ReadAsArray(
                buf_xsize=width, buf_ysize=height, buf_type=gdal.GDT_Float32, resample_alg=gdal.GRIORA_Average
            )
        except RuntimeError as error:
            raise ProductError(f"{band.path}: cannot be decoded ({error}); download the product again") from error
        # No data is below any reflectance that is shown, and black.
        channels.append(stretched((numbers + band.offset) / product.quantification))
    return np.dstack(channels)
