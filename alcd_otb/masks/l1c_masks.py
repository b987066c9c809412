"""The cloud masks that Level-1C products bring: polygons before processing baseline 04.00, rasters since.

Sources: Sentinel-2 Products Specification Document, S2-PDGS-TAS-DI-PSD; ESA, "Level-1C masks". Neither has shadows.
"""

import re
from functools import partial
from pathlib import Path

from lxml import etree

from alcd_otb.errors import ProductError
from alcd_otb.masks.acquisition import acquisition_of, acquisition_of_granule
from alcd_otb.masks.mask import CIRRUS, CLOUD, INVALID, NO_DATA, SNOW, Mask, MaskLayer, nonzero, raster_layer
from alcd_otb.products.safe_archive import damaged
from alcd_otb.products.sentinel2_metadata import parse_tile_metadata
from alcd_otb.raster.grid import Grid
from otb_pipelines.process import gdal

PROCESSOR = "L1C"
RESOLUTION = 60

_POLYGONS, _CLASSES = "MSK_CLOUDS_B00.gml", "MSK_CLASSI_B00.jp2"
_QUALITY = "MSK_QUALIT_B01.jp2"
_QUALITY_NO_DATA = 6
_LOOSE = re.compile(r".*MSK_CLASSI_B00\.(?:jp2|tif)", re.ASCII)

_OPAQUE_CLOUD = frozenset({"opaque_cloud", CLOUD, INVALID})
_CIRRUS_CLOUD = frozenset({CIRRUS, CLOUD, INVALID})
_BURNT = {"OPAQUE": 1, "CIRRUS": 2}


def is_cloud_mask(path: Path) -> bool:
    """Whether a path is a granule of a Level-1C product with a cloud mask, or a loose MSK_CLASSI file."""
    if path.is_dir():
        return (path / "IMG_DATA").is_dir() and _file_in(path) is not None
    return _LOOSE.fullmatch(path.name) is not None


def read_cloud_mask(path: Path) -> Mask:
    """Read the cloud mask of a granule folder, or a loose MSK_CLASSI file.

    No data comes from the quality mask of B01, or from B01 itself where its pixels are of 60 m; without both, every
    pixel counts as seen.

    Raises ProductError where a file is damaged, or nothing tells tile and time.
    """
    if not path.is_dir():
        grid = Grid.of(str(path))
        return Mask(PROCESSOR, path, acquisition_of(path), grid, _of_classes(path), (path,))
    file = _file_in(path)
    assert file is not None
    if file.suffix == ".gml":
        grid = _tile_grid(path)
        layers: tuple[MaskLayer, ...] = (_of_polygons(file, grid),)
    else:
        grid = Grid.of(str(file))
        layers = _of_classes(file)
    unseen = _without_data(path, grid)
    return Mask(
        PROCESSOR,
        path,
        acquisition_of_granule(path),
        grid,
        (*layers, *(layer for layer, _ in unseen)),
        (file, *(source for _, source in unseen)),
        picture=next((str(one) for one in sorted((path / "QI_DATA").glob("*PVI*.jp2"))), None),
    )


def _file_in(granule: Path) -> Path | None:
    """Names of before December 2016 are longer, and end alike."""
    for pattern in (f"*{_CLASSES}", f"*{_POLYGONS}", "*MSK_CLOUDS_*B00_MSIL1C.gml"):
        found = sorted((granule / "QI_DATA").glob(pattern))
        if found:
            return found[0]
    return None


def _of_classes(file: Path) -> tuple[MaskLayer, ...]:
    by_band = {1: _OPAQUE_CLOUD, 2: _CIRRUS_CLOUD, 3: frozenset({SNOW})}
    empty = frozenset[str]()
    return tuple(raster_layer(file, (empty, meaning, *[None] * 254), band) for band, meaning in by_band.items())


def _of_polygons(file: Path, grid: Grid) -> MaskLayer:
    meanings = {0: frozenset[str](), 1: _OPAQUE_CLOUD, 2: _CIRRUS_CLOUD}
    return MaskLayer(partial(_burn, file, grid), tuple(meanings.get(value) for value in range(256)))


def _burn(file: Path, grid: Grid) -> gdal.Dataset:
    """The polygons on the tile's grid, 1 opaque, 2 cirrus. One without features has no layer: all is clear."""
    burnt = gdal.GetDriverByName("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Byte)
    burnt.SetGeoTransform(grid.transform)
    burnt.SetSpatialRef(grid.spatial_reference)
    if not _has_features(file):
        return burnt
    try:
        source = gdal.OpenEx(str(file), gdal.OF_VECTOR, open_options=["WRITE_GFS=NO"], allowed_drivers=["GML"])
        # The CRS that the file states is not to be trusted; its coordinates are the tile's own.
        polygons = gdal.VectorTranslate("", source, format="Memory", dstSRS=grid.crs, reproject=False)
        layer = polygons.GetLayer(0)
        # Opaque cloud last, since it hides cirrus.
        for kind in ("CIRRUS", "OPAQUE"):
            layer.SetAttributeFilter(f"maskType = '{kind}'")
            gdal.RasterizeLayer(burnt, [1], layer, burn_values=[_BURNT[kind]])
    except RuntimeError as error:
        raise damaged(file, f"cannot be read ({' '.join(str(error).split())})") from error
    return burnt


def _has_features(file: Path) -> bool:
    """GDAL takes a file that is cut off for a shorter one, and a clear sky with it."""
    try:
        root = etree.parse(
            str(file), etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        ).getroot()
    except (OSError, etree.XMLSyntaxError) as error:
        raise damaged(file, f"is no whole XML ({' '.join(str(error).split())})") from error
    if etree.QName(root).localname != "Mask":
        raise damaged(file, f"is a {etree.QName(root).localname}, not a cloud mask")
    return root.find(".//{*}MaskFeature") is not None


def _tile_grid(granule: Path) -> Grid:
    for file in sorted(granule.glob("*.xml")):
        if file.name == "MTD_TL.xml" or re.fullmatch(r"S2\w_\w{4}_MTD_L1C_TL_\w+\.xml", file.name):
            layouts = parse_tile_metadata(file.read_bytes(), str(file)).layouts
            if RESOLUTION in layouts:
                return layouts[RESOLUTION]
    raise ProductError(f"{granule}: has no MTD_TL.xml, which tells where the tile lies; download the product again")


def _without_data(granule: Path, grid: Grid) -> list[tuple[MaskLayer, Path]]:
    """The layer that tells where nothing was seen, with its file; none where there is no such file on the grid."""
    quality = granule / "QI_DATA" / _QUALITY
    if quality.is_file() and Grid.of(str(quality)) == grid:
        return [(raster_layer(quality, nonzero(NO_DATA), _QUALITY_NO_DATA), quality)]
    for image in sorted((granule / "IMG_DATA").glob("*_B01.jp2")):
        if Grid.of(str(image)) == grid:
            table = (frozenset({NO_DATA}), *[frozenset[str]()] * 255)
            return [(MaskLayer(raster_layer(image, table).open, table, clipped=True), image)]
    return []
