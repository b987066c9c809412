"""Find the tiles of a Level-1C product: the folders below GRANULE, of any name, or the one tile of another layout."""

import re
from dataclasses import dataclass
from pathlib import Path

from alcd_otb.errors import ProductError
from alcd_otb.products.container import open_container
from alcd_otb.products.refusals import damaged
from alcd_otb.products.safe_archive import AMAZON_METADATA, SafeArchive
from alcd_otb.products.sentinel2_metadata import TileMetadata, parse_tile_metadata, tile_in

_TILE_METADATA = re.compile(r"MTD_TL\.xml|S2\w_OPER_MTD_L1C_TL_\w+\.xml")
_BAND_FILE = re.compile(r"(?:.*_)?(B\d[\dA])\.jp2")


@dataclass(frozen=True)
class Granule:
    """The files of one tile of a product.

    Attributes
    ----------
    archive
        The product.
    folder
        Its folder in the product, with a ``/`` at the end. Empty if the product is this tile alone.
    """

    archive: SafeArchive
    folder: str

    @property
    def name(self) -> str:
        """The name of the folder. Empty if the product is this tile alone."""
        return self.folder.rstrip("/").rpartition("/")[2]

    @property
    def images(self) -> str:
        """The folder of the bands, with a ``/`` at the end unless it is the product itself."""
        return "" if self.archive.is_amazon else f"{self.folder}IMG_DATA/"

    @property
    def quality(self) -> tuple[str, ...]:
        """The folders in which masks may lie."""
        return ("qi/", "") if self.archive.is_amazon else (f"{self.folder}QI_DATA/",)

    @property
    def tile(self) -> str:
        """The tile, such as ``31TFJ``, by the folder's name if this has one, else by the metadata.

        Raises
        ------
        ProductError
            The metadata are missing or damaged.
        """
        return tile_in(self.name) or self.metadata().tile

    @property
    def metadata_file(self) -> str:
        """The file of the metadata of the tile.

        Raises
        ------
        ProductError
            There is none, or there are several.
        """
        files = self._metadata_files()
        if len(files) != 1:
            raise damaged(
                self.archive.location(self.folder),
                f"holds {len(files)} tile metadata files (MTD_TL.xml), where there must be one",
            )
        return files[0]

    @property
    def has_metadata(self) -> bool:
        """Whether there is a file of the metadata of the tile."""
        return bool(self._metadata_files())

    def metadata(self) -> TileMetadata:
        """Read the metadata of the tile.

        Raises
        ------
        ProductError
            They are missing or damaged.
        """
        file = self.metadata_file
        return parse_tile_metadata(self.archive.read(file), self.archive.location(file))

    def _metadata_files(self) -> list[str]:
        if self.archive.is_amazon:
            return [AMAZON_METADATA]
        inside = self.files_in(self.folder)
        return [file for file in inside if _TILE_METADATA.fullmatch(file.removeprefix(self.folder))]

    def files_in(self, folder: str) -> list[str]:
        """List the files of the product in a folder and below."""
        return [file for file in self.archive.files if file.startswith(folder)]

    def band_files(self) -> dict[str, str]:
        """Find GDAL's paths of the bands, by the names of the bands.

        Raises
        ------
        ProductError
            A band has two files.
        """
        files: dict[str, str] = {}
        for file in self.files_in(self.images):
            match = _BAND_FILE.fullmatch(file.removeprefix(self.images))
            if match is None or "/" in file.removeprefix(self.images):
                continue
            if match[1] in files:
                raise ProductError(f"{self.archive.location(file)}: is a second file of {match[1]}; keep one of them")
            files[match[1]] = self.archive.gdal_path(file)
        return files


def granules_of(archive: SafeArchive) -> list[Granule]:
    """List the tiles of a product.

    Raises
    ------
    ProductError
        There is none.
    """
    if archive.is_amazon:
        return [Granule(archive, "")]
    parts = [file.split("/") for file in archive.files]
    names = sorted({folders[1] for folders in parts if folders[0] == "GRANULE" and len(folders) > 2})
    if not names:
        raise damaged(archive.path, "its folder GRANULE is missing or empty")
    return [Granule(archive, f"GRANULE/{name}/") for name in names]


def lone_granule(path: Path) -> Granule:
    """Describe a tile's folder that was taken out of its product.

    Raises
    ------
    ProductError
        The folder cannot be read.
    """
    container = open_container(path.absolute())
    return Granule(SafeArchive(container, "", None, tuple(sorted(container.names))), "")


def choose_granule(archive: SafeArchive, tile: str | None) -> Granule:
    """Choose the tile of a product.

    Parameters
    ----------
    archive
        The product.
    tile
        Such as ``31TFJ``. None if there is only one.

    Raises
    ------
    ProductError
        The product does not hold the tile, or holds several from which none is chosen.
    """
    granules = granules_of(archive)
    if tile is None and len(granules) == 1:
        return granules[0]
    by_tile: dict[str, list[Granule]] = {}
    for granule in granules:
        by_tile.setdefault(granule.tile, []).append(granule)
    tiles = ", ".join(sorted(by_tile))
    chosen = granules if tile is None else by_tile.get(tile, [])
    if not chosen:
        raise ProductError(f"{archive.path}: does not hold tile {tile}; it holds {tiles}")
    if len(chosen) > 1:
        names = ", ".join(granule.name for granule in chosen)
        remedy = f"choose one of the tiles {tiles}" if tile is None else f"keep one of {names}"
        of_what = "" if tile is None else f" of tile {tile}"
        raise ProductError(f"{archive.path}: holds {len(chosen)} granules{of_what}; {remedy}")
    return chosen[0]
