"""Read the cloud masks of Level-1C products.

They are polygons before processing baseline 04.00, and rasters since. Neither has shadows. Sources: Sentinel-2
Products Specification Document, S2-PDGS-TAS-DI-PSD; ESA, "Level-1C masks".
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from lxml import etree

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import MEGABYTE, UnreadableError, read_limited
from alcd_otb.files.xml_file import MOST_METADATA, read_xml
from alcd_otb.masks.acquisition import acquisition_of, acquisition_of_granule
from alcd_otb.masks.mask import CIRRUS, CLOUD, INVALID, NO_DATA, SNOW, Mask, MaskLayer, nonzero, raster_layer
from alcd_otb.products.refusals import damaged, unreadable
from alcd_otb.products.sentinel2_metadata import parse_tile_metadata
from alcd_otb.raster.drivers import driver
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS, JPEG2000, open_vector
from otb_pipelines.process import gdal

PROCESSOR = "L1C"
RESOLUTION = 60

_POLYGONS, _CLASSES = "MSK_CLOUDS_B00.gml", "MSK_CLASSI_B00.jp2"
_QUALITY = "MSK_QUALIT_B01.jp2"
_QUALITY_NO_DATA = 6
_SINGLE_FILE = re.compile(r".*MSK_CLASSI_B00\.(?:jp2|tif)", re.ASCII)

_OPAQUE_CLOUD = frozenset({"opaque_cloud", CLOUD, INVALID})
_CIRRUS_CLOUD = frozenset({CIRRUS, CLOUD, INVALID})
_MOST_POLYGONS = 32 * MEGABYTE
"""Largest size of a file of polygons in bytes: thousands of them, which real masks have, take some MB."""

# What makes GDAL read other files, or ask a server.
_LINKS = frozenset({"srsName", "schemaLocation", "noNamespaceSchemaLocation", "href"})
_BURNT = {"OPAQUE": 1, "CIRRUS": 2}


def is_cloud_mask(path: Path) -> bool:
    """Decide whether a path is a granule of a Level-1C product with a cloud mask, or a single MSK_CLASSI file."""
    if path.is_dir():
        return (path / "IMG_DATA").is_dir() and _file_in(path) is not None
    return _SINGLE_FILE.fullmatch(path.name) is not None


def read_cloud_mask(path: Path) -> Mask:
    """Read the cloud mask of a Level-1C product.

    No data comes from the quality mask of B01, or from B01 itself if its pixels are of 60 m. Without both, every
    pixel counts as seen.

    Parameters
    ----------
    path
        A granule's folder, or a single MSK_CLASSI file.

    Raises
    ------
    ProductError
        If a file is damaged, or neither metadata nor names contain tile and time.
    """
    if not path.is_dir():
        grid = Grid.of(path, GIVEN_RASTERS)
        return Mask(PROCESSOR, path, acquisition_of(path), grid, _of_classes(path), (path,))
    file = _file_in(path)
    assert file is not None
    if file.suffix == ".gml":
        grid = _tile_grid(path)
        layers: tuple[MaskLayer, ...] = (_of_polygons(file, grid),)
    else:
        grid = Grid.of(file, GIVEN_RASTERS)
        layers = _of_classes(file)
    files: tuple[Path, ...] = (file,)
    no_data = _no_data_layer(path, grid)
    if no_data is not None:
        layers, files = (*layers, no_data.layer), (*files, no_data.file)
    return Mask(
        PROCESSOR,
        path,
        acquisition_of_granule(path),
        grid,
        layers,
        files,
        picture=next((str(picture) for picture in sorted((path / "QI_DATA").glob("*PVI*.jp2"))), None),
    )


def _file_in(granule: Path) -> Path | None:
    """Find the mask of a granule; names from before December 2016 are longer, and end alike."""
    for pattern in (f"*{_CLASSES}", f"*{_POLYGONS}", "*MSK_CLOUDS_*B00_MSIL1C.gml"):
        files = sorted((granule / "QI_DATA").glob(pattern))
        if files:
            return files[0]
    return None


def _of_classes(file: Path) -> tuple[MaskLayer, ...]:
    by_band = {1: _OPAQUE_CLOUD, 2: _CIRRUS_CLOUD, 3: frozenset({SNOW})}
    empty = frozenset[str]()
    return tuple(raster_layer(file, (empty, meaning, *[None] * 254), band) for band, meaning in by_band.items())


def _of_polygons(file: Path, grid: Grid) -> MaskLayer:
    meanings = {0: frozenset[str](), 1: _OPAQUE_CLOUD, 2: _CIRRUS_CLOUD}
    return MaskLayer(partial(_burn, file, grid), tuple(meanings.get(value) for value in range(256)))


def _burn(file: Path, grid: Grid) -> gdal.Dataset:
    """Rasterise the polygons on the tile's grid: 1 is opaque cloud, 2 is cirrus.

    A file without features has no layer: the sky is clear.
    """
    burnt = driver("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Byte)
    burnt.SetGeoTransform(grid.transform)
    burnt.SetSpatialRef(grid.spatial_reference)
    count = _count_polygons(file)
    if not count:
        return burnt
    try:
        with _without_links(file) as alone:
            source = open_vector(alone, ("GML",), ("WRITE_GFS=NO",))
            # The CRS that the file states is not to be trusted; its coordinates are the tile's own.
            polygons = gdal.VectorTranslate("", source, format="Memory", dstSRS=grid.crs, reproject=False)
            del source
        layer = polygons.GetLayer(0)
        whole = sum(bool(shape := feature.GetGeometryRef()) and not shape.IsEmpty() for feature in layer)
        if polygons.GetLayerCount() != 1 or whole != count:
            raise damaged(file, f"has {count} polygons, of which {whole} can be read")
        # Opaque cloud last, since it hides cirrus.
        for kind in ("CIRRUS", "OPAQUE"):
            layer.SetAttributeFilter(f"maskType = '{kind}'")
            gdal.RasterizeLayer(burnt, [1], layer, burn_values=[_BURNT[kind]])
    except RuntimeError as error:
        raise damaged(file, f"cannot be read ({' '.join(str(error).split())})") from error
    return burnt


def _count_polygons(file: Path) -> int:
    """Check that the XML is whole and that all of its polygons are of known types, and count them.

    A polygon of another type, or of none, would be left out, and its clouds taken for clear ground.
    """
    features = _document(file).findall(".//{*}MaskFeature")
    for feature in features:
        name = feature.get(next((key for key in feature.attrib if etree.QName(key).localname == "id"), ""), "")
        kind = feature.findtext("{*}maskType")
        if kind not in _BURNT:
            raise damaged(
                file, f"has a polygon {name} of type {kind!r}, where a cloud mask has {' and '.join(sorted(_BURNT))}"
            )
    return len(features)


@contextmanager
def _without_links(file: Path) -> Iterator[str]:
    """Copy the XML into GDAL's memory, without what leads to schemas, coordinate systems and files elsewhere."""
    root = _document(file)
    for element in root.iter():
        for name in [name for name in element.attrib if etree.QName(name).localname in _LINKS]:
            del element.attrib[name]
    # A folder of its own: GDAL looks for schemas beside the file.
    path = f"/vsimem/{uuid4().hex}/mask.gml"
    gdal.FileFromMemBuffer(path, etree.tostring(root, encoding="UTF-8", xml_declaration=True))
    try:
        yield path
    finally:
        gdal.Unlink(path)


def _document(file: Path) -> etree._Element:
    """Parse the XML. GDAL takes a file that is cut off for a shorter one, and would report a clear sky."""
    try:
        root = read_xml(file, _MOST_POLYGONS)
    except UnreadableError as error:
        raise unreadable(file, error) from error
    if etree.QName(root).localname != "Mask":
        raise damaged(file, f"is a {etree.QName(root).localname}, not a cloud mask")
    return root


def _tile_grid(granule: Path) -> Grid:
    for file in sorted(granule.glob("*.xml")):
        if file.name == "MTD_TL.xml" or re.fullmatch(r"S2\w_\w{4}_MTD_L1C_TL_\w+\.xml", file.name):
            layouts = parse_tile_metadata(_read_metadata(file), str(file)).layouts
            if RESOLUTION in layouts:
                return layouts[RESOLUTION]
    raise ProductError(f"{granule}: has no MTD_TL.xml, which describes where the tile lies; download the product again")


def _read_metadata(file: Path) -> bytes:
    try:
        return read_limited(file, MOST_METADATA)
    except UnreadableError as error:
        raise unreadable(file, error) from error


class _NoDataLayer(NamedTuple):
    layer: MaskLayer
    file: Path


def _no_data_layer(granule: Path, grid: Grid) -> _NoDataLayer | None:
    """Find the layer of the pixels that were not seen; None if no file on the grid holds it."""
    quality = granule / "QI_DATA" / _QUALITY
    if quality.is_file() and Grid.of(quality, JPEG2000) == grid:
        return _NoDataLayer(raster_layer(quality, nonzero(NO_DATA), _QUALITY_NO_DATA), quality)
    for image in sorted((granule / "IMG_DATA").glob("*_B01.jp2")):
        if Grid.of(image, JPEG2000) == grid:
            table = (frozenset({NO_DATA}), *[frozenset[str]()] * 255)
            return _NoDataLayer(MaskLayer(raster_layer(image, table).open, table, clipped=True), image)
    return None
