"""Sentinel-2 Level-1C products: what they hold, whether their bands are whole, whether two make a pair."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.products.jpeg2000 import check_complete
from alcd_otb.products.safe_archive import SafeArchive, damaged, open_archive
from alcd_otb.products.sentinel2_metadata import (
    BANDS,
    ProductMetadata,
    TileMetadata,
    parse_product_metadata,
    parse_tile_metadata,
    tile_in,
)
from alcd_otb.raster.grid import Grid

RESOLUTIONS = (10, 20, 60)
"""Pixel sides of L1C bands, in metres."""

SAME_SKY = timedelta(hours=1)
"""Two acquisitions closer than this show the same clouds; the next orbit passes 100 minutes later."""

LONG_GAP = timedelta(days=92)
"""Beyond a season, the ground itself changes between the dates of a pair."""

_TILE_METADATA = re.compile(r"MTD_TL\.xml|S2\w_OPER_MTD_L1C_TL_\w+\.xml")
_BAND_FILE = re.compile(r".*_(B\d[\dA])\.jp2")
_COMPACT_NAME = re.compile(r"S2([A-Z])_MSIL1C_(\d{8}T\d{6})_N\d{4}_R\d{3}_T(\d{2}[A-Z]{3})_\d{8}T\d{6}")


@dataclass(frozen=True)
class L1CBand:
    """One band.

    name: such as "B02" or "B8A". path: opened by GDAL in place, also inside a zip archive.
    resolution: 10, 20 or 60 m, as the file has it. offset: RADIO_ADD_OFFSET in DN, or 0.
    """

    name: str
    path: str
    resolution: int
    offset: int


@dataclass(frozen=True)
class L1CProduct:
    """One tile of an L1C product.

    Reflectance of a band = (DN + band.offset) / quantification, where DN is not no_data.

    path: the .SAFE folder or zip archive. name: the product's own name, without .SAFE. tile: such as "31TFJ".
    acquired: start of the datatake, UTC. baseline: such as "05.10". Sun angles: means over the tile, degrees.
    cloud_cover: percent of the tile, or None. bands: those that have a file, in the order of BANDS.
    grids: by resolution in metres, as the band files have them.
    """

    path: Path
    name: str
    tile: str
    acquired: datetime
    relative_orbit: int
    spacecraft: str
    baseline: str
    quantification: float
    no_data: int
    saturated: int
    sun_zenith: float
    sun_azimuth: float
    cloud_cover: float | None
    bands: tuple[L1CBand, ...]
    grids: Mapping[int, Grid] = field(hash=False)

    def band(self, name: str) -> L1CBand:
        """Raises ProductError, naming the bands present, where the product has no file of this band."""
        for band in self.bands:
            if band.name == name:
                return band
        present = ", ".join(band.name for band in self.bands)
        raise damaged(self.path, f"band {name} has no file (present: {present})")


def read_product(path: Path, tile: str | None = None) -> L1CProduct:
    """Read the metadata of an L1C product and the headers of its bands.

    path is a .SAFE folder or a zip archive of one. tile, such as "31TFJ", chooses from a product of several
    (before December 2016); it may be left out where there is only one.

    The grids are those of the band files, so that a crop of a product is a product: a band may cover less
    than the tile, at any resolution of Sentinel-2. Where its size is the full tile's, its origin must be the
    metadata's too; where not, it must lie within the tile. All bands of one resolution share one grid, and
    each band has the extent of the finest one up to less than a pixel of its own. A band without a file is
    absent from the result, and an error only when it is asked for.

    Raises ProductError where the product is no L1C, is damaged, or contradicts itself or its name.
    """
    archive = open_archive(path)
    product = parse_product_metadata(archive.read(archive.metadata), archive.location(archive.metadata))
    granule = _choose_granule(archive, tile.upper().removeprefix("T") if tile else None)
    metadata_file = _tile_metadata_file(archive, granule)
    of_tile = parse_tile_metadata(archive.read(metadata_file), archive.location(metadata_file))
    if tile_in(granule) not in (None, of_tile.tile):
        raise damaged(
            archive.location(metadata_file),
            f"TILE_ID says tile {of_tile.tile}, its folder says {tile_in(granule)}",
        )
    _check_names(archive, product, of_tile)
    bands, grids = _read_bands(archive, granule, product, of_tile)
    return L1CProduct(
        path=archive.path,
        name=product.uri or archive.names[0],
        tile=of_tile.tile,
        acquired=product.acquired,
        relative_orbit=product.relative_orbit,
        spacecraft=product.spacecraft,
        baseline=product.baseline,
        quantification=product.quantification,
        no_data=product.no_data,
        saturated=product.saturated,
        sun_zenith=of_tile.sun_zenith,
        sun_azimuth=of_tile.sun_azimuth,
        cloud_cover=product.cloud_cover if of_tile.cloud_cover is None else of_tile.cloud_cover,
        bands=bands,
        grids=grids,
    )


def tiles_of(path: Path) -> tuple[str, ...]:
    """The tiles that a product holds, such as "31TFJ", by the names of its granules, unread.

    Raises ProductError where path is no L1C product.
    """
    parts = [file.split("/") for file in open_archive(path).files]
    granules = {one[1] for one in parts if one[0] == "GRANULE" and len(one) > 2}
    return tuple(sorted({tile for granule in granules if (tile := tile_in(granule)) is not None}))


def check_bands(product: L1CProduct, names: Collection[str]) -> None:
    """Check that each of these bands is there and whole, without decoding it.

    Raises ProductError naming the first file that is absent or cut off.
    """
    for name in names:
        check_complete(product.band(name).path)


def check_pair(cloudy: L1CProduct, clear: L1CProduct) -> tuple[str, ...]:
    """Check that two products can be used together. Returns warnings, each one line.

    Raises ProductError where they are of different tiles or grids, or show the same acquisition.
    """
    if cloudy.tile != clear.tile:
        raise ProductError(
            f"{clear.path}: the clear date is of tile {clear.tile}, the cloudy one of {cloudy.tile}; "
            "give two products of one tile"
        )
    _check_same_grids(cloudy, clear)
    gap = clear.acquired - cloudy.acquired
    if abs(gap) < SAME_SKY:
        raise ProductError(
            f"{clear.path}: the clear date shows the same acquisition as the cloudy one "
            f"({cloudy.acquired:%Y-%m-%d %H:%M:%S}); give another date"
        )
    warnings = []
    if gap < timedelta(0):
        warnings.append(
            f"the clear date {clear.acquired:%Y-%m-%d} precedes the cloudy one {cloudy.acquired:%Y-%m-%d}: "
            "MAJA detects clouds by comparing with past dates, so a reference made with one favours MAJA in "
            "a comparison; a clear date after the cloudy one does not"
        )
    if abs(gap) > LONG_GAP:
        warnings.append(
            f"the two dates are {abs(gap).days} days apart: vegetation, snow and the sun's height change "
            "over that time and pass for clouds or shadows; a nearer clear date is better"
        )
    return tuple(warnings)


def check_dates(cloudy: L1CProduct, clear: Sequence[L1CProduct]) -> tuple[str, ...]:
    """Check that a product and its clear dates can be used together: each as in `check_pair`, and no two of the same
    acquisition."""
    warnings = [warning for one in clear for warning in check_pair(cloudy, one)]
    for one, other in combinations(clear, 2):
        if abs(other.acquired - one.acquired) < SAME_SKY:
            raise ProductError(
                f"{other.path}: shows the same acquisition as the clear date {one.path} "
                f"({one.acquired:%Y-%m-%d %H:%M:%S}); give another date, or leave it out"
            )
    return tuple(warnings)


def _choose_granule(archive: SafeArchive, tile: str | None) -> str:
    """The name of the folder under GRANULE that holds the tile."""
    parts = [file.split("/") for file in archive.files]
    granules = sorted({one[1] for one in parts if one[0] == "GRANULE" and len(one) > 2})
    if not granules:
        raise damaged(archive.path, "its folder GRANULE is missing or empty")
    tiles = ", ".join(sorted({tile_in(one) or one for one in granules}))
    chosen = granules if tile is None else [one for one in granules if tile_in(one) == tile]
    if not chosen:
        raise ProductError(f"{archive.path}: does not hold tile {tile}; it holds {tiles}")
    if len(chosen) > 1:
        remedy = f"choose one of the tiles {tiles}" if tile is None else f"keep one of {', '.join(chosen)}"
        of_what = "" if tile is None else f" of tile {tile}"
        raise ProductError(f"{archive.path}: holds {len(chosen)} granules{of_what}; {remedy}")
    return chosen[0]


def _tile_metadata_file(archive: SafeArchive, granule: str) -> str:
    prefix = f"GRANULE/{granule}/"
    found = [
        file
        for file in archive.files
        if file.startswith(prefix) and _TILE_METADATA.fullmatch(file.removeprefix(prefix))
    ]
    if len(found) != 1:
        raise damaged(
            archive.location(prefix),
            f"holds {len(found)} tile metadata files (MTD_TL.xml), where there must be one",
        )
    return found[0]


def _check_names(archive: SafeArchive, product: ProductMetadata, of_tile: TileMetadata) -> None:
    """A name of the compact format must tell the truth; any other name is the user's own affair."""
    for name in (product.uri or "", *archive.names):
        match = _COMPACT_NAME.match(name)
        if match is None:
            continue
        letter, sensed, tile = match.groups()
        sensed_at = datetime.strptime(sensed, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        for what, named, actual in (
            ("spacecraft", f"Sentinel-2{letter}", product.spacecraft),
            ("tile", tile, of_tile.tile),
            ("acquisition", f"{sensed_at:%Y-%m-%d %H:%M:%S}", f"{product.acquired:%Y-%m-%d %H:%M:%S}"),
        ):
            if named != actual:
                raise ProductError(
                    f"{archive.path}: the name {name} says {what} {named}, the metadata say {actual}; "
                    "download the product again, or give it back its own name"
                )


def _read_bands(
    archive: SafeArchive, granule: str, product: ProductMetadata, of_tile: TileMetadata
) -> tuple[tuple[L1CBand, ...], dict[int, Grid]]:
    prefix = f"GRANULE/{granule}/IMG_DATA/"
    files: dict[str, str] = {}
    for file in archive.files:
        match = _BAND_FILE.fullmatch(file.removeprefix(prefix)) if file.startswith(prefix) else None
        if match is None:
            continue
        if match[1] in files:
            raise ProductError(f"{archive.location(file)}: is a second file of {match[1]}; keep one of them")
        files[match[1]] = archive.gdal_path(file)
    present = [(name, offset) for name, offset in zip(BANDS, product.offsets, strict=True) if name in files]
    if not present:
        raise damaged(archive.location(prefix), "holds no band (*_B02.jp2)")
    grid_of = {name: Grid.of(files[name]) for name, _ in present}
    for name, grid in grid_of.items():
        _check_against_tile(files[name], grid, of_tile)
    finest = min(grid_of.values(), key=lambda grid: grid.resolution)
    grids: dict[int, Grid] = {}
    for name, grid in grid_of.items():
        if _shift(grid, finest) >= grid.resolution:
            raise damaged(files[name], f"covers {grid.extent}, other bands cover {finest.extent}")
        if grids.setdefault(int(grid.resolution), grid) != grid:
            raise damaged(files[name], f"has another grid than the other bands of {grid.resolution:g} m")
    bands = (L1CBand(name, files[name], int(grid_of[name].resolution), offset) for name, offset in present)
    return tuple(bands), dict(sorted(grids.items()))


def _check_against_tile(file: str, grid: Grid, of_tile: TileMetadata) -> None:
    if grid.resolution not in RESOLUTIONS:
        raise ProductError(f"{file}: has pixels of {grid.resolution:g} m; bands of L1C have 10, 20 or 60 m")
    if grid.crs != of_tile.crs:
        raise damaged(file, f"is in {grid.crs}, the tile's metadata say {of_tile.crs}")
    layout = of_tile.layouts.get(int(grid.resolution))
    if layout is None:
        return
    if (grid.width, grid.height) == (layout.width, layout.height):
        agrees = grid == layout
    else:
        left, bottom, right, top = layout.extent
        agrees = (
            left - grid.resolution < grid.left
            and bottom - grid.resolution < grid.bottom
            and grid.right < right + grid.resolution
            and grid.top < top + grid.resolution
        )
    if not agrees:
        raise damaged(file, f"covers {grid.extent}, the tile's metadata say {layout.extent}")


def _shift(grid: Grid, other: Grid) -> float:
    """The greatest distance between equal sides of two extents, in map units."""
    return max(abs(a - b) for a, b in zip(grid.extent, other.extent, strict=True))


def _check_same_grids(cloudy: L1CProduct, clear: L1CProduct) -> None:
    common = sorted(set(cloudy.grids) & set(clear.grids))
    if not common:
        raise ProductError(
            f"{clear.path}: the clear date has pixels of {_metres(clear)}, "
            f"the cloudy one of {_metres(cloudy)}; give two products with the same bands"
        )
    for resolution in common:
        one, other = cloudy.grids[resolution], clear.grids[resolution]
        if one != other:
            raise ProductError(
                f"{clear.path}: the clear date's grid at {resolution} m is {_described(other)}, "
                f"the cloudy one's is {_described(one)}; give two products cut alike"
            )


def _metres(product: L1CProduct) -> str:
    return ", ".join(f"{resolution} m" for resolution in sorted(product.grids))


def _described(grid: Grid) -> str:
    return f"{grid.width} x {grid.height} px from ({grid.left:.10g}, {grid.top:.10g}) in {grid.crs}"
