"""Read the cloud masks of Level-1C products.

They are polygons before processing baseline 04.00, and rasters since. Neither has shadows. Sources: Sentinel-2
Products Specification Document, S2-PDGS-TAS-DI-PSD; ESA, "Level-1C masks".
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from uuid import uuid4

from lxml import etree

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import MEGABYTE, UnreadableError, read_limited
from alcd_otb.files.xml_file import parse_xml
from alcd_otb.masks.acquisition import Acquisition, acquisition_around, acquisition_of, acquisition_of_tile
from alcd_otb.masks.mask import CIRRUS, CLOUD, INVALID, NO_DATA, SNOW, Mask, MaskLayer, nonzero, raster_layer
from alcd_otb.products.container import has_archive_suffix
from alcd_otb.products.granules import Granule, granules_of, lone_granule
from alcd_otb.products.refusals import damaged, unreadable
from alcd_otb.products.safe_archive import SafeArchive, is_amazon_folder, open_archive
from alcd_otb.raster.drivers import driver
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS, JPEG2000, open_vector
from otb_pipelines.process import gdal

log = logging.getLogger(__name__)

PROCESSOR = "L1C"
RESOLUTION = 60

_POLYGONS, _CLASSES = "MSK_CLOUDS_B00.gml", "MSK_CLASSI_B00.jp2"
_QUALITY = "MSK_QUALIT_B01.jp2"
_QUALITY_NO_DATA = 6
_MASKS = (
    re.compile(r".*CLASSI_B00\.jp2"),
    re.compile(r".*MSK_CLOUDS_B00\.gml"),
    re.compile(r".*MSK_CLOUDS_.*B00_MSIL1C\.gml"),
)
_SINGLE_FILE = re.compile(r".*MSK_CLASSI_B00\.(?:jp2|tif)", re.ASCII)

_OPAQUE_CLOUD = frozenset({"opaque_cloud", CLOUD, INVALID})
_CIRRUS_CLOUD = frozenset({CIRRUS, CLOUD, INVALID})
_MOST_POLYGONS = 32 * MEGABYTE
"""Largest size of a file of polygons in bytes: thousands of them, which real masks have, take some MB."""

# Parts of XML that make GDAL read other files, or ask a server.
_LINKS = frozenset({"srsName", "schemaLocation", "noNamespaceSchemaLocation", "href"})
_BURNT = {"OPAQUE": 1, "CIRRUS": 2}


class MissingMaskError(ProductError):
    """A product was delivered without a cloud mask."""


def is_cloud_mask(path: Path) -> bool:
    """Decide whether a path is a Level-1C cloud mask, or contains one.

    These are a granule's folder and a tile in the layout of Amazon, if there is a mask in it, an archive of a product,
    and a single MSK_CLASSI file.
    """
    if path.is_dir():
        is_granule = (path / "IMG_DATA").is_dir()
        return (is_granule or is_amazon_folder(path)) and _file_in(lone_granule(path)) is not None
    return _SINGLE_FILE.fullmatch(path.name) is not None or (has_archive_suffix(path) and _is_product(path))


def _is_product(path: Path) -> bool:
    """Decide whether an archive holds a Level-1C product, by its content, or by its name if that cannot be listed."""
    try:
        open_archive(path)
    except ProductError as error:
        if "MSIL1C" not in path.name:
            log.info("left out: %s", error)
        return "MSIL1C" in path.name
    return True


def read_cloud_masks(path: Path) -> list[Mask]:
    """Read the cloud masks of a Level-1C product, one for each tile.

    Parameters
    ----------
    path
        A product in any layout, a granule's folder, or a single MSK_CLASSI file.

    Raises
    ------
    ProductError
        As `read_cloud_mask` does.
    MissingMaskError
        If a tile has no mask. The message names the missing mask.
    """
    if _SINGLE_FILE.fullmatch(path.name) or (path / "IMG_DATA").is_dir():
        return [read_cloud_mask(path)]
    return [_of_granule(granule) for granule in granules_of(open_archive(path))]


def read_cloud_mask(path: Path) -> Mask:
    """Read the cloud mask of one tile of a Level-1C product.

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
        return Mask(PROCESSOR, path, acquisition_of(path), grid, _of_classes(str(path)), (path,))
    return _of_granule(lone_granule(path))


def _of_granule(granule: Granule) -> Mask:
    archive = granule.archive
    # What a user would name: files in an archive have no path.
    place = archive.path if archive.container.is_archive else archive.path / granule.folder
    file = _file_in(granule)
    if file is None:
        raise MissingMaskError(
            f"{archive.location(granule.folder)}: has no cloud mask, neither {_CLASSES} (since baseline 04.00) nor "
            f"{_POLYGONS} in its QI_DATA; download the whole product"
        )
    if file.endswith(".gml"):
        grid = _tile_grid(granule)
        layers: tuple[MaskLayer, ...] = (_of_polygons(archive, file, grid),)
    else:
        grid = Grid.of(archive.gdal_path(file), JPEG2000)
        layers = _of_classes(archive.gdal_path(file))
    files = [file]
    no_data = _no_data_layer(granule, grid)
    if no_data is not None:
        layers, files = (*layers, no_data.layer), [*files, no_data.file]
    pictures = [name for name in _in_quality(granule) if re.fullmatch(r".*PVI.*\.jp2", name)]
    return Mask(
        PROCESSOR,
        place,
        _acquisition(granule),
        grid,
        layers,
        (archive.path,) if archive.container.is_archive else tuple(archive.path / name for name in files),
        picture=archive.gdal_path(pictures[0]) if pictures else None,
    )


def _acquisition(granule: Granule) -> Acquisition:
    archive = granule.archive
    if not granule.has_metadata:
        return acquisition_around(Path(archive.location(granule.folder)))
    file = granule.metadata_file
    return acquisition_of_tile(archive.read(file), Path(archive.location(file)))


def _in_quality(granule: Granule) -> list[str]:
    """List the files of the folders of masks of a tile."""
    return [file for folder in granule.quality for file in granule.files_in(folder) if "/" not in file[len(folder) :]]


def _file_in(granule: Granule) -> str | None:
    """Find the mask of a tile; names from before December 2016 are longer, with the same end."""
    files = _in_quality(granule)
    for pattern in _MASKS:
        found = [file for file in files if pattern.fullmatch(file)]
        if found:
            return found[0]
    return None


def _of_classes(file: str) -> tuple[MaskLayer, ...]:
    by_band = {1: _OPAQUE_CLOUD, 2: _CIRRUS_CLOUD, 3: frozenset({SNOW})}
    empty = frozenset[str]()
    return tuple(raster_layer(file, (empty, meaning, *[None] * 254), band) for band, meaning in by_band.items())


def _of_polygons(archive: SafeArchive, file: str, grid: Grid) -> MaskLayer:
    meanings = {0: frozenset[str](), 1: _OPAQUE_CLOUD, 2: _CIRRUS_CLOUD}
    return MaskLayer(partial(_burn, archive, file, grid), tuple(meanings.get(value) for value in range(256)))


def _burn(archive: SafeArchive, file: str, grid: Grid) -> gdal.Dataset:
    """Rasterise the polygons on the tile's grid: 1 is opaque cloud, 2 is cirrus.

    A file without features has no layer: the sky is clear.
    """
    burnt = driver("MEM").Create("", grid.width, grid.height, 1, gdal.GDT_Byte)
    burnt.SetGeoTransform(grid.transform)
    burnt.SetSpatialRef(grid.spatial_reference)
    place, content = archive.location(file), archive.read(file, _MOST_POLYGONS)
    if not _has_features(Path(place), content):
        return burnt
    root = _document(content, place)
    count = _count_polygons(root, place)
    try:
        with _without_links(root) as alone:
            source = open_vector(alone, ("GML",), ("WRITE_GFS=NO",))
            # The CRS in the file is unreliable; its coordinates are the tile's own.
            polygons = gdal.VectorTranslate("", source, format="Memory", dstSRS=grid.crs, reproject=False)
            del source
        layer = polygons.GetLayer(0)
        whole = sum(bool(shape := feature.GetGeometryRef()) and not shape.IsEmpty() for feature in layer)
        if polygons.GetLayerCount() != 1 or whole != count:
            raise damaged(place, f"has {count} polygons, of which {whole} can be read")
        # Opaque cloud last, since it hides cirrus.
        for kind in ("CIRRUS", "OPAQUE"):
            layer.SetAttributeFilter(f"maskType = '{kind}'")
            gdal.RasterizeLayer(burnt, [1], layer, burn_values=[_BURNT[kind]])
    except RuntimeError as error:
        raise damaged(place, f"cannot be read ({' '.join(str(error).split())})") from error
    return burnt


def _has_features(file: Path, content: bytes | None = None) -> bool:
    """Return whether a mask has polygons. Its content is read from the file unless it is given."""
    try:
        xml = read_limited(file, _MOST_POLYGONS) if content is None else content
    except UnreadableError as error:
        raise unreadable(str(file), error) from error
    return _document(xml, str(file)).find(".//{*}MaskFeature") is not None


def _count_polygons(root: etree._Element, place: str) -> int:
    """Check that all polygons of the XML are of known types, and count them.

    A polygon of another type, or of none, would be left out, and its clouds would count as clear ground.
    """
    features = root.findall(".//{*}MaskFeature")
    for feature in features:
        name = feature.get(next((key for key in feature.attrib if etree.QName(key).localname == "id"), ""), "")
        kind = feature.findtext("{*}maskType")
        if kind not in _BURNT:
            raise damaged(
                place, f"has a polygon {name} of type {kind!r}, where a cloud mask has {' and '.join(sorted(_BURNT))}"
            )
    return len(features)


@contextmanager
def _without_links(root: etree._Element) -> Iterator[str]:
    """Copy the XML into GDAL's memory, without links to schemas, coordinate systems and other files."""
    for element in root.iter():
        for name in [name for name in element.attrib if etree.QName(name).localname in _LINKS]:
            del element.attrib[name]
    # A separate folder: GDAL looks for schemas beside the file.
    path = f"/vsimem/{uuid4().hex}/mask.gml"
    gdal.FileFromMemBuffer(path, etree.tostring(root, encoding="UTF-8", xml_declaration=True))
    try:
        yield path
    finally:
        gdal.Unlink(path)


def _document(xml: bytes, place: str) -> etree._Element:
    """Parse the XML. GDAL takes a file that is cut off for a shorter one, and would report a clear sky."""
    try:
        root = parse_xml(xml, _MOST_POLYGONS)
    except UnreadableError as error:
        raise unreadable(place, error) from error
    if etree.QName(root).localname != "Mask":
        raise damaged(place, f"is a {etree.QName(root).localname}, not a cloud mask")
    return root


def _tile_grid(granule: Granule) -> Grid:
    if granule.has_metadata:
        layouts = granule.metadata().layouts
        if RESOLUTION in layouts:
            return layouts[RESOLUTION]
    place = granule.archive.location(granule.folder)
    raise ProductError(f"{place}: has no MTD_TL.xml, which describes where the tile lies; download the product again")


class _NoDataLayer(NamedTuple):
    layer: MaskLayer
    file: str


def _no_data_layer(granule: Granule, grid: Grid) -> _NoDataLayer | None:
    """Find the layer of the pixels that were not seen; None if no file on the grid holds it."""
    for quality in _in_quality(granule):
        path = granule.archive.gdal_path(quality)
        if PurePosixPath(quality).name == _QUALITY and Grid.of(path, JPEG2000) == grid:
            return _NoDataLayer(raster_layer(path, nonzero(NO_DATA), _QUALITY_NO_DATA), quality)
    for image in granule.files_in(granule.images):
        path = granule.archive.gdal_path(image)
        if re.fullmatch(r"(?:.*_)?B01\.jp2", PurePosixPath(image).name) and Grid.of(path, JPEG2000) == grid:
            table = (frozenset({NO_DATA}), *[frozenset[str]()] * 255)
            return _NoDataLayer(MaskLayer(raster_layer(path, table).open, table, clipped=True), image)
    return None
