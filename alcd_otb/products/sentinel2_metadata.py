"""Read the two metadata files of a Sentinel-2 L1C product, that of the product and that of a tile.

Elements are found by their local names, because the versions of the product specification differ in the namespace
(psd-12 to psd-15). Source: Sentinel-2 Products Specification Document, S2-PDGS-TAS-DI-PSD.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from alcd_otb.errors import ProductError
from alcd_otb.files.reading import UnreadableError
from alcd_otb.files.xml_file import parse_xml
from alcd_otb.products.refusals import damaged, unreadable
from alcd_otb.products.times import utc_time
from alcd_otb.raster.grid import Grid
from alcd_otb.text import quoted

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""The bands of the MSI in physical order. A band's index here is its band_id in the metadata."""

FIRST_BASELINE_WITH_OFFSET = "04.00"
"""The first processing baseline whose products have a RADIO_ADD_OFFSET."""

_FIRST_YEAR = 2015
_LONGEST_NAME = 100
_RELATIVE_ORBITS = 143
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_TILE = re.compile(r"_T(\d{2}[A-Z]{3})(?:_|$)", re.ASCII)


@dataclass(frozen=True)
class ProductMetadata:
    """The metadata of a whole product.

    Attributes
    ----------
    uri
        The product's own name without .SAFE, or None.
    spacecraft
        Such as ``Sentinel-2A``.
    acquired
        Start of the datatake, UTC.
    relative_orbit
        From 1 to 143.
    baseline
        Processing baseline, such as ``05.10``.
    quantification
        QUANTIFICATION_VALUE, by which a DN is divided.
    offsets
        RADIO_ADD_OFFSET in DN, one for each band in the order of BANDS. 0 before baseline 04.00.
    no_data, saturated
        The DN that mean no data and saturation.
    cloud_cover
        Percent, or None.
    """

    uri: str | None
    spacecraft: str
    acquired: datetime
    relative_orbit: int
    baseline: str
    quantification: float
    offsets: tuple[int, ...]
    no_data: int
    saturated: int
    cloud_cover: float | None


@dataclass(frozen=True)
class TileMetadata:
    """The metadata of one tile.

    Attributes
    ----------
    tile
        Such as ``31TFJ``.
    crs
        Such as ``EPSG:32631``.
    layouts
        The grid of the full tile by resolution in metres.
    sun_zenith, sun_azimuth
        Means over the tile in degrees.
    cloud_cover
        Percent, or None.
    """

    tile: str
    crs: str
    layouts: Mapping[int, Grid]
    sun_zenith: float
    sun_azimuth: float
    cloud_cover: float | None


def parse_product_metadata(xml: bytes, source: str) -> ProductMetadata:
    """Read ``MTD_MSIL1C.xml``, or ``S2x_OPER_MTD_SAFL1C_*.xml`` of products before December 2016.

    Parameters
    ----------
    xml
        The content of the file.
    source
        The path of the file, for messages.

    Raises
    ------
    ProductError
        The XML is malformed, declares a DTD or is of another level, or an element is missing or has an impossible
        value.
    """
    document = _Document.parse(xml, source, "Level-1C_User_Product")
    uri = document.optional("PRODUCT_URI")
    baseline = document.text("PROCESSING_BASELINE")
    if not re.fullmatch(r"\d{2}\.\d{2}", baseline, re.ASCII):
        raise document.error("PROCESSING_BASELINE", baseline, "a baseline such as 05.10")
    spacecraft = document.text("SPACECRAFT_NAME")
    if not re.fullmatch(r"Sentinel-2[A-Z]", spacecraft):
        raise document.error("SPACECRAFT_NAME", spacecraft, "a name such as Sentinel-2A")
    special = document.special_values()
    return ProductMetadata(
        uri=uri.removesuffix(".SAFE") if uri else None,
        spacecraft=spacecraft,
        acquired=document.time("DATATAKE_SENSING_START"),
        relative_orbit=document.integer("SENSING_ORBIT_NUMBER", 1, _RELATIVE_ORBITS),
        baseline=baseline,
        quantification=document.number("QUANTIFICATION_VALUE", 1, math.inf),
        offsets=_offsets(document, baseline),
        no_data=special["NODATA"],
        saturated=special["SATURATED"],
        cloud_cover=document.percentage("Cloud_Coverage_Assessment"),
    )


def parse_tile_metadata(xml: bytes, source: str) -> TileMetadata:
    """Read ``MTD_TL.xml``, or ``S2x_OPER_MTD_L1C_TL_*.xml`` of products before December 2016.

    Parameters
    ----------
    xml
        The content of the file.
    source
        The path of the file, for messages.

    Raises
    ------
    ProductError
        As by `parse_product_metadata`.
    """
    document = _Document.parse(xml, source, "Level-1C_Tile_ID")
    identifier = document.text("TILE_ID")
    tile = tile_in(identifier)
    if tile is None:
        raise document.error("TILE_ID", identifier, "an identifier with a tile such as _T31TFJ_")
    crs = document.text("HORIZONTAL_CS_CODE").upper()
    if not re.fullmatch(r"EPSG:\d+", crs, re.ASCII):
        raise document.error("HORIZONTAL_CS_CODE", crs, "a code such as EPSG:32631")
    return TileMetadata(
        tile=tile,
        crs=crs,
        layouts=_layouts(document, crs),
        sun_zenith=document.number("Mean_Sun_Angle/ZENITH_ANGLE", 0, 180),
        sun_azimuth=document.number("Mean_Sun_Angle/AZIMUTH_ANGLE", 0, 360),
        cloud_cover=document.percentage("CLOUDY_PIXEL_PERCENTAGE"),
    )


def tile_in(identifier: str) -> str | None:
    """Return the tile after ``_T`` in an identifier or a granule's folder name, such as ``31TFJ``, or None."""
    match = _TILE.search(identifier)
    return match[1] if match else None


def _offsets(document: "_Document", baseline: str) -> tuple[int, ...]:
    by_band = document.by_attribute("RADIO_ADD_OFFSET", "band_id")
    if not by_band:
        if baseline >= FIRST_BASELINE_WITH_OFFSET:
            # An offset of 0 would make every reflectance wrong by 0.1, and nothing would show it.
            raise damaged(document.source, f"has no RADIO_ADD_OFFSET although baseline {baseline} needs it")
        return (0,) * len(BANDS)
    offsets = []
    for index, band in enumerate(BANDS):
        if str(index) not in by_band:
            raise document.missing(f"RADIO_ADD_OFFSET of band_id {index} ({band})")
        offsets.append(document.as_integer("RADIO_ADD_OFFSET", by_band[str(index)], -65535, 65535))
    return tuple(offsets)


def _layouts(document: "_Document", crs: str) -> dict[int, Grid]:
    layouts = {}
    for resolution in document.attributes("Size", "resolution"):
        metres = document.as_integer("Size resolution", resolution, 1, 1000)
        size, position = (f"{name}[@resolution='{resolution}']" for name in ("Size", "Geoposition"))
        layouts[metres] = Grid(
            crs,
            left=document.number(f"{position}/ULX", -1e8, 1e8),
            top=document.number(f"{position}/ULY", -1e8, 1e8),
            resolution=float(metres),
            width=document.integer(f"{size}/NCOLS", 1, 1_000_000),
            height=document.integer(f"{size}/NROWS", 1, 1_000_000),
        )
    if not layouts:
        raise document.missing("Size")
    return layouts


@dataclass(frozen=True)
class _Document:
    """A parsed file, whose values are read by the local names of elements. Errors name the file and the element."""

    root: etree._Element
    source: str

    @classmethod
    def parse(cls, xml: bytes, source: str, root_name: str) -> "_Document":
        try:
            root = parse_xml(xml)
        except UnreadableError as error:
            raise unreadable(source, error) from error
        name = etree.QName(root).localname
        if name != root_name:
            raise ProductError(f"{source}: is a {name[:_LONGEST_NAME]}, not a {root_name}; give a Level-1C product")
        return cls(root, source)

    def missing(self, name: str) -> ProductError:
        return damaged(self.source, f"{name} is missing")

    def error(self, name: str, value: str, expected: str) -> ProductError:
        return damaged(self.source, f"{name} is {quoted(value)}, not {expected}")

    def optional(self, path: str) -> str | None:
        """Return the text of the first element of a path of local names, or None if it is absent or empty."""
        element = self.root.find(".//" + "/".join("{*}" + name for name in path.split("/")))
        text = element.text if element is not None else None
        return text.strip() or None if text else None

    def text(self, path: str) -> str:
        text = self.optional(path)
        if text is None:
            raise self.missing(path)
        return text

    def number(self, path: str, least: float, most: float) -> float:
        return self._as_number(path, self.text(path), least, most)

    def integer(self, path: str, least: int, most: int) -> int:
        return self.as_integer(path, self.text(path), least, most)

    def as_integer(self, name: str, text: str, least: int, most: int) -> int:
        value = self._as_number(name, text, least, most)
        if value != int(value):
            raise self.error(name, text, "a whole number")
        return int(value)

    def percentage(self, path: str) -> float | None:
        return None if self.optional(path) is None else self.number(path, 0, 100)

    def time(self, path: str) -> datetime:
        text = self.text(path)
        try:
            value = utc_time(text)
        except ValueError as error:
            raise self.error(path, text, "a time such as 2017-10-02T10:30:09.027Z") from error
        if value.year < _FIRST_YEAR:
            raise self.error(path, text, f"a time since {_FIRST_YEAR}, when the first Sentinel-2 was launched")
        return value

    def attributes(self, name: str, attribute: str) -> list[str]:
        return list(self._with_attribute(name, attribute))

    def by_attribute(self, name: str, attribute: str) -> dict[str, str]:
        """Return the texts of all elements of a name by the value of an attribute."""
        return {key: (element.text or "").strip() for key, element in self._with_attribute(name, attribute).items()}

    def special_values(self) -> dict[str, int]:
        """Return SPECIAL_VALUE_INDEX by SPECIAL_VALUE_TEXT. NODATA and SATURATED are among them."""
        indices = {}
        for element in self.root.iterfind(".//{*}Special_Values"):
            name = (element.findtext("{*}SPECIAL_VALUE_TEXT") or "").strip()
            index = (element.findtext("{*}SPECIAL_VALUE_INDEX") or "").strip()
            indices[name] = self.as_integer(f"SPECIAL_VALUE_INDEX of {quoted(name)}", index, 0, 65535)
        for name in ("NODATA", "SATURATED"):
            if name not in indices:
                raise self.missing(f"the special value {name}")
        return indices

    def _with_attribute(self, name: str, attribute: str) -> dict[str, etree._Element]:
        elements: dict[str, etree._Element] = {}
        for element in self.root.iterfind(f".//{{*}}{name}"):
            key = element.get(attribute)
            if key is None:
                raise self.missing(f"the {attribute} of {name}")
            if key in elements:
                raise damaged(self.source, f"{name} occurs twice for {attribute} {quoted(key)}")
            elements[key] = element
        return elements

    def _as_number(self, name: str, text: str, least: float, most: float) -> float:
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not (math.isfinite(value) and least <= value <= most):
            wanted = f"a number of at least {least}" if most == math.inf else f"a number in {least} to {most}"
            raise self.error(name, text, wanted)
        return value
