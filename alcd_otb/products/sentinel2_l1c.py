"""Read Sentinel-2 Level-1C products."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from alcd_otb.errors import ProductError
from alcd_otb.products.amazon_layout import amazon_metadata
from alcd_otb.products.granules import Granule, choose_granule, granules_of
from alcd_otb.products.jpeg2000 import check_complete
from alcd_otb.products.names import can_name_files, compact_name, is_l1c_name
from alcd_otb.products.refusals import damaged
from alcd_otb.products.safe_archive import SafeArchive, open_archive
from alcd_otb.products.sentinel2_metadata import (
    BANDS,
    ProductMetadata,
    TileMetadata,
    parse_product_metadata,
    tile_in,
)
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import JPEG2000
from alcd_otb.text import quoted
from otb_pipelines.reading import BandFile

RESOLUTIONS = (10, 20, 60)
"""Sides in metres of the pixels of L1C bands."""


@dataclass(frozen=True)
class L1CBand:
    """One band of a product.

    Attributes
    ----------
    name
        Such as ``B02`` or ``B8A``.
    files
        Its files, each with a part of the pixels where there are several. GDAL opens them, also inside an archive.
    resolution
        10, 20 or 60 m, as the files have it.
    offset
        RADIO_ADD_OFFSET in DN, or 0.
    """

    name: str
    files: tuple[BandFile, ...]
    resolution: int
    offset: int

    @property
    def path(self) -> str:
        """The path by which GDAL opens the first file."""
        return self.files[0].path


@dataclass(frozen=True)
class L1CProduct:
    """One tile of an L1C product.

    The reflectance of a band is (DN + band.offset) / quantification, where DN is not no_data.

    Attributes
    ----------
    path
        The folder of the product, or its archive.
    name
        The product's own name, without .SAFE.
    tile
        Such as ``31TFJ``.
    acquired
        Start of the datatake, UTC.
    relative_orbit
        From 1 to 143.
    spacecraft
        Such as ``Sentinel-2A``.
    baseline
        Processing baseline, such as ``05.10``.
    quantification
        QUANTIFICATION_VALUE of the product.
    no_data, saturated
        The DN that mean no data and saturation.
    sun_zenith, sun_azimuth
        Means over the tile in degrees.
    cloud_cover
        Percent of the tile, or None.
    bands
        The bands that have a file, in the order of BANDS.
    grids
        Grids of the band files by resolution in metres.
    parts
        The products that hold the parts of the acquisition, in the order in which they have precedence; none if this is
        one product.
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
    parts: tuple["L1CProduct", ...] = ()

    def band(self, name: str) -> L1CBand:
        """Return the band of a name.

        Raises
        ------
        ProductError
            The product has no file of this band. The message names the bands that it has.
        """
        for band in self.bands:
            if band.name == name:
                return band
        present = ", ".join(band.name for band in self.bands)
        raise damaged(self.path, f"band {name} has no file (present: {present})")


def read_product(path: Path, tile: str | None = None) -> L1CProduct:
    """Read the metadata of an L1C product and the headers of its bands.

    The grids are those of the band files, so that a crop of a product can be used as a product. A band may cover less
    than the tile, at any resolution of Sentinel-2. If its size is that of the full tile, its corner must be that of the
    metadata, too; otherwise it must lie within the tile. All bands of one resolution share one grid, and each band has
    the extent of the finest one up to less than a pixel of its own.

    Parameters
    ----------
    path
        What `open_archive` takes: a folder of the product of any name, its file of metadata, or a zip or tar archive.
    tile
        The tile to take from a product of several (before December 2016), such as ``31TFJ``. None if there is only one.

    Returns
    -------
    L1CProduct
        Without the bands that have no file. `L1CProduct.band` raises an error for these.

    Raises
    ------
    ProductError
        The product is not an L1C product, is damaged, or contradicts itself or its name.
    """
    archive = open_archive(path)
    granule = choose_granule(archive, tile.upper().removeprefix("T") if tile else None)
    of_tile = granule.metadata()
    product = _product_metadata(archive)
    if tile_in(granule.name) not in (None, of_tile.tile):
        raise damaged(
            archive.location(granule.metadata_file),
            f"TILE_ID states tile {of_tile.tile}, its folder states {tile_in(granule.name)}",
        )
    _check_names(archive, product, of_tile)
    bands, grids = _read_bands(granule, product, of_tile)
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
    """List the tiles of a product, such as ``31TFJ``. Metadata are read where the names of granules have no tile.

    Raises
    ------
    ProductError
        The path is not an L1C product, or such metadata cannot be read.
    """
    return tuple(sorted({granule.tile for granule in granules_of(open_archive(path))}))


def check_bands(product: L1CProduct, names: Collection[str]) -> None:
    """Check that the files of bands exist and are complete, without decoding them.

    Parameters
    ----------
    product
        The product.
    names
        Names of the bands.

    Raises
    ------
    ProductError
        A file is absent or cut off. The message names the first such file.
    """
    for name in names:
        for file in product.band(name).files:
            check_complete(file.path)


def _product_metadata(archive: SafeArchive) -> ProductMetadata:
    if archive.is_amazon:
        return amazon_metadata(archive)
    assert archive.metadata is not None
    return parse_product_metadata(archive.read(archive.metadata), archive.location(archive.metadata))


def _check_names(archive: SafeArchive, product: ProductMetadata, of_tile: TileMetadata) -> None:
    """Check the names of the compact format against the metadata. A user may choose any other name freely."""
    if product.uri is not None and not is_l1c_name(product.uri):
        place = archive.location(archive.metadata or "productInfo.json")
        raise damaged(place, f"PRODUCT_URI is {quoted(product.uri)}, not the name of a Level-1C product")
    for name in (product.uri or "", *archive.names):
        if name and not can_name_files(name):
            raise ProductError(
                f"{archive.path}: no file can be named after the product's folder {quoted(name)}; "
                "give the folder a name of at most 200 letters, digits and the like"
            )
        parts = compact_name(name)
        if parts is None:
            continue
        sensed = f"{parts.time:%Y-%m-%d %H:%M:%S}" if parts.time else f"{parts.sensed}, which is not a date"
        for fact, named, actual in (
            ("spacecraft", parts.spacecraft, product.spacecraft),
            ("tile", parts.tile, of_tile.tile),
            ("acquisition", sensed, f"{product.acquired:%Y-%m-%d %H:%M:%S}"),
        ):
            if named != actual:
                raise ProductError(
                    f"{archive.path}: the name {name} states {fact} {named}, the metadata state {actual}; "
                    "download the product again, or give it back its own name"
                )


class _BandsAndGrids(NamedTuple):
    """The bands that have a file, in the order of BANDS, and their grids by resolution in metres."""

    bands: tuple[L1CBand, ...]
    grids: dict[int, Grid]


def _read_bands(granule: Granule, product: ProductMetadata, of_tile: TileMetadata) -> _BandsAndGrids:
    files = granule.band_files()
    present = [(name, offset) for name, offset in zip(BANDS, product.offsets, strict=True) if name in files]
    if not present:
        raise damaged(granule.archive.location(granule.images), "holds no band (*_B02.jp2)")
    grid_of = {name: Grid.of(files[name], JPEG2000) for name, _ in present}
    for name, grid in grid_of.items():
        _check_against_tile(files[name], grid, of_tile)
    finest = min(grid_of.values(), key=lambda grid: grid.resolution)
    grids: dict[int, Grid] = {}
    for name, grid in grid_of.items():
        if _shift(grid, finest) >= grid.resolution:
            raise damaged(files[name], f"covers {grid.extent}, other bands cover {finest.extent}")
        if grids.setdefault(int(grid.resolution), grid) != grid:
            raise damaged(files[name], f"has another grid than the other bands of {grid.resolution:g} m")
    bands = (L1CBand(name, (BandFile(files[name]),), int(grid_of[name].resolution), offset) for name, offset in present)
    return _BandsAndGrids(tuple(bands), dict(sorted(grids.items())))


def _check_against_tile(file: str, grid: Grid, of_tile: TileMetadata) -> None:
    if grid.resolution not in RESOLUTIONS:
        raise ProductError(f"{file}: has pixels of {grid.resolution:g} m; bands of L1C have 10, 20 or 60 m")
    if grid.crs != of_tile.crs:
        raise damaged(file, f"is in {grid.crs}, the tile's metadata state {of_tile.crs}")
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
        raise damaged(file, f"covers {grid.extent}, the tile's metadata state {layout.extent}")


def _shift(grid: Grid, other: Grid) -> float:
    """Return the largest distance between the same sides of two extents, in map units."""
    return max(abs(side - other_side) for side, other_side in zip(grid.extent, other.extent, strict=True))
