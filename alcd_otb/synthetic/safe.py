"""Write Sentinel-2 L1C products in the compact SAFE layout: names, metadata and JPEG 2000 files.

The module follows the Sentinel-2 Products Specification Document (psd 14) as far as readers of products use it. The
elements are those of real products of baselines 02.06 and 05.10, without the quality masks, the datastrip and the view
angle grids.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from lxml import etree

from alcd_otb.raster.drivers import driver
from alcd_otb.raster.grid import Grid
from alcd_otb.synthetic.spectra import BANDS, SOLAR_IRRADIANCE, Band
from otb_pipelines.process import gdal_array

QUANTIFICATION = 10000
OFFSET = -1000
"""RADIO_ADD_OFFSET of every band since baseline 04.00: reflectance = (DN + OFFSET) / QUANTIFICATION."""
SATURATED = 65535

# Tile sizes of the JPEG 2000 codestream in ESA's products, by resolution.
_TILE_SIZE = {10: 1024, 20: 640, 60: 192}
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_PSD = "https://psd-14.sentinel2.eo.esa.int/PSD"


@dataclass(frozen=True)
class SyntheticAcquisition:
    """An acquisition, from which the product is named and described.

    Attributes
    ----------
    satellite
        ``S2A`` or ``S2B``.
    sensing
        Time of acquisition.
    generated
        Time of generation of the product.
    baseline
        Processing baseline as in names: ``0206`` or ``0510``.
    relative_orbit, absolute_orbit
        Numbers of the orbit.
    tile
        Name of the tile, such as ``31TFJ``.
    sun_zenith, sun_azimuth
        Mean angles of the sun in degrees.
    cloud_cover
        Percentage of the imaged pixels under clouds.
    """

    satellite: str
    sensing: datetime
    generated: datetime
    baseline: str
    relative_orbit: int
    absolute_orbit: int
    tile: str
    sun_zenith: float
    sun_azimuth: float
    cloud_cover: float = 0.0

    @property
    def offset(self) -> int:
        """RADIO_ADD_OFFSET: -1000 since baseline 04.00, 0 before."""
        return OFFSET if self.baseline >= "0400" else 0

    @property
    def product_name(self) -> str:
        """Name of the SAFE folder (compact naming convention)."""
        return (
            f"{self.satellite}_MSIL1C_{_compact(self.sensing)}_N{self.baseline}_R{self.relative_orbit:03d}"
            f"_T{self.tile}_{_compact(self.generated)}.SAFE"
        )

    @property
    def granule_name(self) -> str:
        """Name of the granule's folder."""
        start = _compact(self.sensing - timedelta(seconds=6))
        return f"L1C_T{self.tile}_A{self.absolute_orbit:06d}_{start}"

    @property
    def dotted_baseline(self) -> str:
        """Processing baseline as in the metadata, such as ``05.10``."""
        return f"{self.baseline[:2]}.{self.baseline[2:]}"

    def image_file(self, band: str) -> str:
        """Return the path of a band's file in the product, without its suffix, as in IMAGE_FILE."""
        return f"GRANULE/{self.granule_name}/IMG_DATA/T{self.tile}_{_compact(self.sensing)}_{band}"

    def with_cloud_cover(self, percentage: float) -> "SyntheticAcquisition":
        """Return the same acquisition with another cloud cover, in percent."""
        return replace(self, cloud_cover=percentage)


def tile_grid(tile: str, size: int) -> Grid:
    """Return the 10 m grid of a part of a Sentinel-2 tile, from the tile's upper left corner.

    The letters of the tile name a square of 100 km of the Military Grid Reference System. The upper left corner of the
    tile is that of the square, moved outwards to multiples of 60 m.

    Parameters
    ----------
    tile
        Name of the tile, such as ``31TFJ``.
    size
        Side of the part in pixels of 10 m.

    Raises
    ------
    ValueError
        If the name is not that of a tile.
    """
    columns, rows = "ABCDEFGHJKLMNPQRSTUVWXYZ", "ABCDEFGHJKLMNPQRSTUV"
    lowest = dict(
        zip("CDEFGHJKLM", (1.1, 2.0, 2.8, 3.7, 4.6, 5.5, 6.4, 7.3, 8.2, 9.1), strict=True),
        **dict(zip("NPQRSTUVWX", (0.0, 0.8, 1.7, 2.6, 3.5, 4.4, 5.3, 6.2, 7.0, 7.9), strict=True)),
    )
    zone = int(tile[:2]) if len(tile) == 5 and tile[:2].isdigit() else 0
    if not 1 <= zone <= 60 or tile[2] not in lowest or tile[4] not in rows:
        raise ValueError(f"{tile!r} is not a Sentinel-2 tile such as 31TFJ")
    column = columns.find(tile[3], (zone - 1) % 3 * 8, (zone - 1) % 3 * 8 + 8)
    if column < 0:
        raise ValueError(f"{tile!r}: zone {zone} has no column {tile[3]}")
    easting = (column % 8 + 1) * 100_000
    northing = (rows.index(tile[4]) - (5 if zone % 2 == 0 else 0)) % 20 * 100_000
    while northing < lowest[tile[2]] * 1e6 - 100_000:
        northing += 2_000_000
    epsg = (32600 if tile[2] >= "N" else 32700) + zone
    # Southern northings count down from 10 000 km; the multiples of 60 m are counted from the equator.
    equator = 0 if tile[2] >= "N" else 10_000_000
    left, top = easting // 60 * 60, equator - (equator - northing - 100_000) // 60 * 60
    return Grid(f"EPSG:{epsg}", left, top, 10, size, size)


def write_band(
    product: Path, acquisition: SyntheticAcquisition, band: Band, grid: Grid, pixels: npt.NDArray[np.uint16]
) -> None:
    """Write a band as lossless JPEG 2000.

    Parameters
    ----------
    product
        SAFE folder.
    acquisition
        Acquisition, which names the file.
    band
        The band.
    grid
        The band's own grid.
    pixels
        DN (rows, columns).
    """
    path = product / f"{acquisition.image_file(band.name)}.jp2"
    path.parent.mkdir(parents=True, exist_ok=True)
    source = gdal_array.OpenArray(pixels)
    source.SetGeoTransform(grid.transform)
    source.SetSpatialRef(grid.spatial_reference)
    side = _TILE_SIZE[band.resolution]
    # GDAL refuses more resolutions than the smallest tile can be halved into.
    resolutions = min(6, min(side, grid.width, grid.height).bit_length() - 1)
    tiling = [f"BLOCKXSIZE={side}", f"BLOCKYSIZE={side}", f"RESOLUTIONS={resolutions}"]
    options = ["QUALITY=100", "REVERSIBLE=YES", *tiling]
    driver("JP2OpenJPEG").CreateCopy(str(path), source, options=options)
    for sidecar in path.parent.glob(f"{path.name}.aux.xml"):
        sidecar.unlink()


def write_metadata(product: Path, acquisition: SyntheticAcquisition, grid: Grid) -> None:
    """Write ``MTD_MSIL1C.xml`` and ``MTD_TL.xml``.

    Parameters
    ----------
    product
        SAFE folder.
    acquisition
        Acquisition to describe.
    grid
        The 10 m grid of the product.
    """
    granule = product / "GRANULE" / acquisition.granule_name
    granule.mkdir(parents=True, exist_ok=True)
    _write(product / "MTD_MSIL1C.xml", _product_metadata(acquisition))
    _write(granule / "MTD_TL.xml", _tile_metadata(acquisition, grid))


def _product_metadata(acquisition: SyntheticAcquisition) -> etree._Element:
    """Return the content of ``MTD_MSIL1C.xml``."""
    root = _root("Level-1C_User_Product", f"{_PSD}/User_Product_Level-1C.xsd")
    general = _add(root, f"{{{root.nsmap['n1']}}}General_Info")
    _add_product_info(general, acquisition)
    _add_image_characteristics(general, acquisition)
    quality = _add(root, f"{{{root.nsmap['n1']}}}Quality_Indicators_Info")
    _add(quality, "Cloud_Coverage_Assessment", f"{acquisition.cloud_cover:.4f}")
    return root


def _add_product_info(general: etree._Element, acquisition: SyntheticAcquisition) -> None:
    """Add what names the product, the acquisition and the files of the bands."""
    info = _add(general, "Product_Info")
    sensing = _iso(acquisition.sensing)
    baseline = acquisition.dotted_baseline
    _add(info, "PRODUCT_START_TIME", sensing)
    _add(info, "PRODUCT_STOP_TIME", sensing)
    _add(info, "PRODUCT_URI", acquisition.product_name)
    _add(info, "PROCESSING_LEVEL", "Level-1C")
    _add(info, "PRODUCT_TYPE", "S2MSI1C")
    _add(info, "PROCESSING_BASELINE", baseline)
    _add(info, "GENERATION_TIME", _iso(acquisition.generated))
    _add(info, "PREVIEW_IMAGE_URL", "Not applicable")
    _add(info, "PREVIEW_GEO_INFO", "Not applicable")
    stamp = f"G{acquisition.satellite}_{_compact(acquisition.sensing)}_{acquisition.absolute_orbit:06d}_N{baseline}"
    datatake = _add(info, "Datatake", datatakeIdentifier=stamp)
    _add(datatake, "SPACECRAFT_NAME", f"Sentinel-{acquisition.satellite[1:]}")
    _add(datatake, "DATATAKE_TYPE", "INS-NOBS")
    _add(datatake, "DATATAKE_SENSING_START", sensing)
    _add(datatake, "SENSING_ORBIT_NUMBER", acquisition.relative_orbit)
    _add(datatake, "SENSING_ORBIT_DIRECTION", "DESCENDING")
    _add(_add(info, "Query_Options", completeSingleTile="true"), "PRODUCT_FORMAT", "SAFE_COMPACT")
    granules = _add(_add(info, "Product_Organisation"), "Granule_List")
    granule = _add(
        granules,
        "Granule",
        datastripIdentifier=_datastrip_id(acquisition),
        granuleIdentifier=_tile_id(acquisition),
        imageFormat="JPEG2000",
    )
    for band in BANDS:
        _add(granule, "IMAGE_FILE", acquisition.image_file(band.name))


def _add_image_characteristics(general: etree._Element, acquisition: SyntheticAcquisition) -> None:
    """Add what the values of the pixels mean, and the bands."""
    image = _add(general, "Product_Image_Characteristics")
    for text, index in (("NODATA", 0), ("SATURATED", SATURATED)):
        special = _add(image, "Special_Values")
        _add(special, "SPECIAL_VALUE_TEXT", text)
        _add(special, "SPECIAL_VALUE_INDEX", index)
    order = _add(image, "Image_Display_Order")
    for channel, band_id in (("RED", 3), ("GREEN", 2), ("BLUE", 1)):
        _add(order, f"{channel}_CHANNEL", band_id)
    _add(image, "QUANTIFICATION_VALUE", QUANTIFICATION, unit="none")
    if acquisition.offset:
        offsets = _add(image, "Radiometric_Offset_List")
        for band in BANDS:
            _add(offsets, "RADIO_ADD_OFFSET", acquisition.offset, band_id=str(band.position))
    conversion = _add(image, "Reflectance_Conversion")
    _add(conversion, "U", 1.0)
    irradiances = _add(conversion, "Solar_Irradiance_List")
    for band in BANDS:
        value = f"{SOLAR_IRRADIANCE[band.position]:.2f}"
        _add(irradiances, "SOLAR_IRRADIANCE", value, bandId=str(band.position), unit="W/m²/µm")
    spectral = _add(image, "Spectral_Information_List")
    for band in BANDS:
        physical = band.name.replace("B0", "B")
        entry = _add(spectral, "Spectral_Information", bandId=str(band.position), physicalBand=physical)
        _add(entry, "RESOLUTION", band.resolution)
        _add(_add(entry, "Wavelength"), "CENTRAL", band.wavelength, unit="nm")


def _tile_metadata(acquisition: SyntheticAcquisition, grid: Grid) -> etree._Element:
    """Return the content of ``MTD_TL.xml``."""
    root = _root("Level-1C_Tile_ID", f"{_PSD}/S2_PDI_Level-1C_Tile_Metadata.xsd")
    space = f"{{{root.nsmap['n1']}}}"
    general = _add(root, f"{space}General_Info")
    _add(general, "TILE_ID", _tile_id(acquisition), metadataLevel="Brief")
    _add(general, "DATASTRIP_ID", _datastrip_id(acquisition), metadataLevel="Standard")
    _add(general, "DOWNLINK_PRIORITY", "NOMINAL", metadataLevel="Standard")
    _add(general, "SENSING_TIME", _iso(acquisition.sensing + timedelta(minutes=5)), metadataLevel="Standard")
    geometric = _add(root, f"{space}Geometric_Info")
    geocoding = _add(geometric, "Tile_Geocoding", metadataLevel="Brief")
    hemisphere = "N" if grid.crs.startswith("EPSG:326") else "S"
    _add(geocoding, "HORIZONTAL_CS_NAME", f"WGS84 / UTM zone {grid.crs[-2:]}{hemisphere}")
    _add(geocoding, "HORIZONTAL_CS_CODE", grid.crs)
    for resolution in (10, 20, 60):
        size = _add(geocoding, "Size", resolution=str(resolution))
        _add(size, "NROWS", grid.at_resolution(resolution).height)
        _add(size, "NCOLS", grid.at_resolution(resolution).width)
    for resolution in (10, 20, 60):
        position = _add(geocoding, "Geoposition", resolution=str(resolution))
        _add(position, "ULX", int(grid.left))
        _add(position, "ULY", int(grid.top))
        _add(position, "XDIM", resolution)
        _add(position, "YDIM", -resolution)
    sun = _add(_add(geometric, "Tile_Angles", metadataLevel="Standard"), "Mean_Sun_Angle")
    _add(sun, "ZENITH_ANGLE", acquisition.sun_zenith, unit="deg")
    _add(sun, "AZIMUTH_ANGLE", acquisition.sun_azimuth, unit="deg")
    quality = _add(root, f"{space}Quality_Indicators_Info", metadataLevel="Standard")
    content = _add(quality, "Image_Content_QI")
    _add(content, "CLOUDY_PIXEL_PERCENTAGE", f"{acquisition.cloud_cover:.4f}")
    return root


def _tile_id(acquisition: SyntheticAcquisition) -> str:
    return (
        f"{acquisition.satellite}_OPER_MSI_L1C_TL_2APS_{_compact(acquisition.generated)}"
        f"_A{acquisition.absolute_orbit:06d}_T{acquisition.tile}_N{acquisition.dotted_baseline}"
    )


def _datastrip_id(acquisition: SyntheticAcquisition) -> str:
    return (
        f"{acquisition.satellite}_OPER_MSI_L1C_DS_2APS_{_compact(acquisition.generated)}"
        f"_S{_compact(acquisition.sensing)}_N{acquisition.dotted_baseline}"
    )


def _root(name: str, namespace: str) -> etree._Element:
    root = etree.Element(f"{{{namespace}}}{name}", nsmap={"n1": namespace, "xsi": _XSI})
    root.set(f"{{{_XSI}}}schemaLocation", namespace)
    return root


def _add(parent: etree._Element, tag: str, content: object = None, **attributes: str) -> etree._Element:
    child = etree.SubElement(parent, tag, attributes)
    if content is not None:
        child.text = str(content)
    return child


def _write(path: Path, root: etree._Element) -> None:
    etree.ElementTree(root).write(str(path), xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _compact(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%S}"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
