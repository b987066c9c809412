"""Check the other files that a file makes GDAL open: only local files of known formats are allowed."""

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lxml import etree

from alcd_otb.files import reading
from alcd_otb.files.reading import read_limited
from alcd_otb.files.xml_file import parse_xml
from otb_pipelines.process import gdal

VIRTUAL = b"<VRTDataset"
"""By this, anywhere in its first bytes, GDAL takes a file for a virtual raster."""

# Long files of tiles are common: one of all the world has some ten thousand sources.
_MOST_VIRTUAL_BYTES = 64 * 2**20
_DEEPEST = 8
# As many bytes as GDAL looks at.
_HEAD = 1024
_TIFF_SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+", b"EHFA_HEADER_TAG")
_JSON_SUFFIXES = (".geojson", ".json", ".geojsonl", ".geojsons", ".geojsonseq", ".ndjson", ".nlgeojson", ".topojson")

_FILE_ELEMENTS = frozenset({"SourceFilename", "SourceDataset"})
# All that gdalbuildvrt, gdalwarp and gdal_translate write, but programs and raw files.
_WORDS = """
    VRTDataset SRS GeoTransform GCPList GCP Metadata MDI BlockXSize BlockYSize VRTRasterBand NoDataValue
    ColorInterp ColorTable Entry Description UnitType Offset Scale CategoryNames Category Histograms HistItem
    HistMin HistMax BucketCount IncludeOutOfRange Approximate HistCounts HideNoDataValue MaskBand Overview
    OverviewList SimpleSource ComplexSource AveragedSource NoDataFromMaskSource KernelFilteredSource Kernel Size
    Coefs OpenOptions OOI SourceBand SourceProperties SrcRect DstRect NODATA UseMaskBand ScaleOffset ScaleRatio
    Exponent SrcMin SrcMax DstMin DstMax Clamp LUT ColorTableComponent MaskValueThreshold RemappedValue
    PixelFunctionType PixelFunctionArguments SourceTransferType GDALWarpOptions WarpMemoryLimit ResampleAlg
    WorkingDataType Option Transformer ApproxTransformer MaxError BaseTransformer GenImgProjTransformer
    SrcGeoTransform SrcInvGeoTransform DstGeoTransform DstInvGeoTransform ReprojectTransformer
    ReprojectionTransformer SourceSRS TargetSRS SourceCRS TargetCRS Options BandList BandMapping SrcNoDataReal
    SrcNoDataImag DstNoDataReal DstNoDataImag InitDest Cutline CutlineBlendDist SrcAlphaBand DstAlphaBand
"""
_ELEMENTS = _FILE_ELEMENTS | frozenset(_WORDS.split())
_CLASSES = ("VRTWarpedDataset", "VRTSourcedRasterBand", "VRTWarpedRasterBand", "VRTDerivedRasterBand")
_REFERRING_KEYS = frozenset({"overview_file", "x_dataset", "y_dataset"})


class UnreadableError(RuntimeError):
    """A file that GDAL must not open. Callers treat it like the errors of GDAL."""


def check_virtual(name: str, formats: Sequence[str], depth: int = 0) -> None:
    """Check that a virtual raster is made of local files of known formats. Other files pass.

    Parameters
    ----------
    name
        The absolute path of the file.
    formats
        GDAL's names of the drivers that may read the files it is made of.
    depth
        Number of virtual rasters around this one.

    Raises
    ------
    UnreadableError
        It is not, or has parts that may open unknown files.
    """
    head = first_bytes(name)
    if VIRTUAL not in head:
        # GDAL takes a text for the description of a server, even at the beginning of a raw file.
        if depth and re.search(rb"<[A-Za-z?!]|\{", head.split(b"\x00")[0]):
            raise UnreadableError(f"{name}: is a text, not a raster")
        return
    if depth > _DEEPEST:
        raise UnreadableError(f"{name}: is a virtual raster of virtual rasters of more than {_DEEPEST} levels")
    sources = {source for element in _elements(name) for source in _source_of(element, name)}
    for source in sorted(sources):
        if gdal.IdentifyDriverEx(source, gdal.OF_RASTER, allowed_drivers=list(formats)) is None:
            raise UnreadableError(f"{name}: its source {source} is not a raster of a known format")
        check_companions(source)
        check_virtual(source, formats, depth + 1)


def check_companions(name: str) -> None:
    """Check that the files beside a raster that GDAL opens for overviews and masks are rasters of the usual formats.

    Raises
    ------
    UnreadableError
        One is not.
    """
    for suffix in (".ovr", ".OVR", ".msk"):
        companion = name + suffix
        if gdal.VSIStatL(companion) is None:
            continue
        if not first_bytes(companion).startswith(_TIFF_SIGNATURES):
            raise UnreadableError(f"{companion}: is not a raster of overviews or masks; delete it")
        check_companions(companion)


def check_references(name: str, metadata: Mapping[str, str], keys: Iterable[str]) -> None:
    """Check that the metadata of a raster name no other file.

    Raises
    ------
    UnreadableError
        They do.
    """
    named = [key for key in keys if key in {entry.upper() for entry in metadata}]
    if named:
        raise UnreadableError(
            f"{name}: its metadata name another file ({named[0]}); copy it with gdal_translate -norat"
        )


def check_json(name: str) -> None:
    """Check that a GeoJSON file does not have its CRS at an address, which GDAL would fetch. Other files pass.

    Raises
    ------
    UnreadableError
        It does, or its JSON is not whole.
    """
    if not os.path.isfile(name):
        return
    is_json = name.lower().endswith(_JSON_SUFFIXES) or first_bytes(name).lstrip(b"\xef\xbb\xbf\x1e \t\r\n")[:1] in (
        b"{",
        b"[",
    )
    if not is_json:
        return
    with open(name, encoding="utf-8-sig", errors="replace") as stream:
        text = stream.read()
    try:
        _parse(text, name)
    except RecursionError as error:
        raise UnreadableError(f"{name}: is nested too deeply") from error
    except ValueError as error:
        # GDAL's parser may accept files that Python's parser refuses.
        if re.search(r"crs|\\u", text, re.IGNORECASE):
            raise UnreadableError(f"{name}: is not valid JSON ({error})") from error


def first_bytes(name: str) -> bytes:
    """Read the beginning of a file. It is empty if the file cannot be opened."""
    file = gdal.VSIFOpenL(name, "rb")
    if file is None:
        return b""
    head = bytes(gdal.VSIFReadL(1, _HEAD, file) or b"")
    gdal.VSIFCloseL(file)
    return head


def _parse(text: str, name: str) -> None:
    def check(members: dict[str, Any]) -> dict[str, Any]:
        for key, value in members.items():
            if key.lower() == "crs" and isinstance(value, dict):
                kind = next((entry for member, entry in value.items() if member.lower() == "type"), None)
                if str(kind).lower() not in ("name", "epsg", "none"):
                    raise UnreadableError(f"{name}: its CRS is of the type {kind!r}; give it by name, as in EPSG:4326")
        return members

    try:
        json.loads(text, object_hook=check)
    except ValueError:
        # A file of one feature a line.
        for line in re.split(r"[\x1e\n]+", text):
            if line.strip():
                json.loads(line, object_hook=check)


def _elements(name: str) -> list[etree._Element]:
    try:
        content = read_limited(Path(name), _MOST_VIRTUAL_BYTES)
        # GDAL takes no notice of the encoding that the text declares.
        root = parse_xml(content, _MOST_VIRTUAL_BYTES, encoding="utf-8")
    except reading.UnreadableError as error:
        raise UnreadableError(f"{name}: {error}") from error
    return list(root.iter())


def _source_of(element: etree._Element, name: str) -> list[str]:
    """Return the file that an element names, if it names one. Raises UnreadableError for what is not known."""
    # GDAL treats attributes and elements alike.
    said = element.get("subClass") or element.get("subclass")
    key = (element.get("key") or "").lower()
    if element.tag not in _ELEMENTS or (said and said not in _CLASSES) or key in _REFERRING_KEYS:
        shown = key or said or element.tag
        raise UnreadableError(f"{name}: has a {shown}, which is not read; make a GeoTIFF of it (gdal_translate)")
    if element.tag not in _FILE_ELEMENTS:
        return []
    source = (element.text or "").strip()
    relative = element.get("relativeToVRT", "0").lower() in ("1", "yes", "true", "on")
    if source != (element.text or "") or re.search(r"[:<\"?{]", source) or source.startswith("/vsi"):
        raise UnreadableError(f"{name}: its source {source!r} is not a local file; name files alone")
    path = os.path.join(os.path.dirname(name), source) if relative else os.path.abspath(source)
    if not os.path.isfile(path):
        raise UnreadableError(f"{name}: its source {path} is missing")
    return [path]
