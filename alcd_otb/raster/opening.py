"""Open rasters and vector files. All modules open them here, so that only the expected formats are read.

GDAL takes a small text for the description of a server, whatever the name of its file, and asks that server. Therefore
each opening names the drivers that may read the file, and what a file refers to is looked at before GDAL sees it.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import fiona

from alcd_otb.files.reading import wide_encoding
from alcd_otb.raster.descriptions import (
    VIRTUAL,
    UnreadableError,
    check_companions,
    check_json,
    check_references,
    check_virtual,
    first_bytes,
)
from alcd_otb.raster.drivers import check_proj, lacking_driver
from otb_pipelines.process import gdal

GEOTIFF = ("GTiff",)
"""The format of the rasters that this package writes."""

JPEG2000 = ("JP2OpenJPEG", "JP2KAK", "JP2ECW", "JP2MrSID")
"""The format of the bands of Sentinel-2 products, by any of the drivers that read it."""

PICTURES = (*JPEG2000, "JPEG", "PNG", *GEOTIFF)
"""Formats of the pictures of products."""

GIVEN_RASTERS = (*GEOTIFF, *JPEG2000, "VRT", "HFA", "ENVI", "AAIGrid", "SRTMHGT", "DTED", "netCDF")
"""Formats of the masks, stacks and elevation models that people give."""

GEOPACKAGE = ("GPKG",)
"""The format of the vector files that this package writes and reads again."""

GIVEN_VECTORS = (
    *GEOPACKAGE,
    "ESRI Shapefile",
    "GeoJSON",
    "GeoJSONSeq",
    "TopoJSON",
    "ESRIJSON",
    "FlatGeobuf",
    "GML",
    "KML",
    "LIBKML",
    "GPX",
    "CSV",
    "MapInfo File",
    "DXF",
    "SQLite",
    "OpenFileGDB",
    "ODS",
    "XLSX",
)
"""Formats of the samples that people give."""

# A member of a tar archive, which is a part of that file, also compressed by gzip.
_TAR_MEMBER = re.compile(r"/vsisubfile/\d+_\d+,(?:/vsigzip/)?(/.+)", re.ASCII)
_JPEG2000_SIGNATURE = b"\x00\x00\x00\x0cjP  "
_BY_HEAD = (
    (_JPEG2000_SIGNATURE, JPEG2000),
    (b"II*\x00", GEOTIFF),
    (b"MM\x00*", GEOTIFF),
    (b"II+\x00", GEOTIFF),
    (b"EHFA_HEADER_TAG", ("HFA",)),
    (b"CDF", ("netCDF",)),
    (b"SQLite format 3\x00", ("GPKG", "SQLite")),
    (b"fgb", ("FlatGeobuf",)),
)
_BY_SUFFIX = {
    ".gpkg": GEOPACKAGE,
    ".shp": ("ESRI Shapefile",),
    ".geojson": ("GeoJSON",),
    ".gml": ("GML",),
    ".kml": ("KML", "LIBKML"),
    ".gpx": ("GPX",),
    ".csv": ("CSV",),
    ".tab": ("MapInfo File",),
    ".mif": ("MapInfo File",),
    ".dxf": ("DXF",),
}
# Texts that GDAL reads as UTF-8 alone.
_TEXT_SUFFIXES = (".csv", ".tsv", ".json", ".geojson", ".geojsonl")
# Metadata by which a raster names other files for GDAL to open.
_REFERRING = {"OVERVIEWS": ("OVERVIEW_FILE",), "GEOLOCATION": ("X_DATASET", "Y_DATASET")}


def open_raster(path: Path | str, formats: Sequence[str] = GEOTIFF, *, update: bool = False) -> gdal.Dataset:
    """Open a raster.

    Parameters
    ----------
    path
        The file. Also a file in an archive as ``SafeArchive.gdal_path`` names it, and a virtual raster as XML that
        this package has written; both only as text.
    formats
        GDAL's names of the drivers that may read it.
    update
        Whether it is opened for changes.

    Raises
    ------
    RuntimeError
        The file cannot be read as one of the formats, or refers to what is not a local file of them.
    EnvironmentNotReadyError
        GDAL lacks the driver, or PROJ cannot work.
    """
    check_proj()
    if isinstance(path, str) and path.startswith("<VRTDataset"):
        return _open(path, gdal.OF_RASTER, formats)
    name = local_name(path)
    _check_driver(name, formats)
    if "VRT" in formats:
        check_virtual(name, tuple(_registered(formats)))
    if set(formats) <= set(JPEG2000) and not first_bytes(name).startswith(_JPEG2000_SIGNATURE):
        raise UnreadableError("it is not a JPEG 2000 file")
    check_companions(name)
    try:
        dataset = _open(name, gdal.OF_RASTER | (gdal.OF_UPDATE if update else 0), formats)
    except RuntimeError as error:
        if "not recognized" not in str(error):
            raise
        raise UnreadableError(f"its format is not one of {', '.join(_registered(formats))}") from error
    for domain, keys in _REFERRING.items():
        check_references(name, dataset.GetMetadata(domain) or {}, keys)
    return dataset


def open_vector(
    path: Path | str, formats: Sequence[str] = GIVEN_VECTORS, options: Sequence[str] = (), *, update: bool = False
) -> gdal.Dataset:
    """Open a vector file.

    Parameters
    ----------
    path
        The file, or as text the name of a copy in GDAL's memory.
    formats
        GDAL's names of the drivers that may read it.
    options
        Options of the driver.
    update
        Whether it is opened for changes.

    Raises
    ------
    RuntimeError
        The file cannot be read as one of the formats, or refers to what is not a local file.
    EnvironmentNotReadyError
        GDAL lacks the driver, or PROJ cannot work.
    """
    name = _checked_vector(path, formats)
    with _strict_drivers():
        return _open(name, gdal.OF_VECTOR | (gdal.OF_UPDATE if update else 0), formats, options=options)


@contextmanager
def open_features(path: Path, formats: Sequence[str] = GIVEN_VECTORS, **options: str) -> Iterator[fiona.Collection]:
    """Open a layer of a vector file with Fiona, until the block ends.

    Parameters
    ----------
    path, formats
        As for `open_vector`.
    options
        Those of ``fiona.open``, such as the name of the layer.

    Raises
    ------
    RuntimeError, EnvironmentNotReadyError
        As `open_vector` does.
    FionaError
        And the others of READING_ERRORS: the file cannot be read.
    """
    name = _checked_vector(path, formats)
    with (
        _strict_drivers(),
        fiona.open(
            Path(name), allow_unsupported_drivers=True, enabled_drivers=list(_registered(formats)), **options
        ) as collection,
    ):
        yield collection


def features_of(collection: fiona.Collection) -> Iterator[fiona.Feature]:
    """Yield all features of a layer that `open_features` has opened.

    Without a filter Fiona ends at the number of features that the file states, which other programs may have left as it
    was before they added some. With one it counts them.
    """
    yield from collection.filter(where="1 = 1")


def layer_names(path: Path, formats: Sequence[str] = GIVEN_VECTORS) -> list[str]:
    """List the layers of a vector file. Raises what `open_vector` does."""
    dataset = open_vector(path, formats)
    return [dataset.GetLayer(number).GetName() for number in range(dataset.GetLayerCount())]


def local_name(path: Path | str) -> str:
    """Return the name of a local file, in a form that GDAL reads only as a file.

    Raises
    ------
    RuntimeError
        There is no such file, or it lies on one of GDAL's own file systems.
    """
    if isinstance(path, str) and (part := _TAR_MEMBER.fullmatch(path)):
        local_name(Path(part[1]))
        return path
    if isinstance(path, str) and path.startswith(("/vsizip/{", "/vsimem/")):
        if path.startswith("/vsizip/{/vsi"):
            raise UnreadableError(f"{path}: is not a file in a local archive")
        return path
    name = os.path.abspath(path)
    # A file geodatabase is a folder.
    if name.startswith("/vsi") or not os.path.exists(name):
        raise UnreadableError("there is no such file")
    if not os.access(name, os.R_OK):
        raise UnreadableError("you may not read it; change its permissions")
    if "<VRTDataset" in name:
        raise UnreadableError("GDAL takes this name for a virtual raster; rename the file or its folder")
    return name


def shut_off_network() -> None:
    """Keep GDAL from asking any server, in all of this process, which needs none.

    It adds to the checks of this module, for files that a library may open by itself.
    """
    # This kind of proxy does not exist, so that each request ends before it leaves the process.
    for option in ("GDAL_HTTP_PROXY", "GDAL_HTTPS_PROXY"):
        gdal.SetConfigOption(option, "none://no-network")
    # They name the servers that are asked without the proxy.
    for name in ("no_proxy", "NO_PROXY"):
        os.environ.pop(name, None)


def _checked_vector(path: Path | str, formats: Sequence[str]) -> str:
    check_proj()
    name = local_name(path)
    _check_driver(name, formats)
    wide = wide_encoding(first_bytes(name)[:4]) if name.lower().endswith(_TEXT_SUFFIXES) else None
    if wide is not None:
        raise UnreadableError(f"it is in {wide}; save it as UTF-8")
    check_json(name)
    return name


def _open(name: str, flags: int, formats: Sequence[str], options: Sequence[str] = ()) -> gdal.Dataset:
    drivers = list(_registered(formats))
    return gdal.OpenEx(name, flags | gdal.OF_VERBOSE_ERROR, allowed_drivers=drivers, open_options=list(options))


def _registered(formats: Sequence[str]) -> Iterator[str]:
    return (name for name in formats if gdal.GetDriverByName(name) is not None)


def _check_driver(name: str, formats: Sequence[str]) -> None:
    """Check that a driver for the content of a file is there; raises EnvironmentNotReadyError."""
    drivers = _drivers_for(name)
    wanted = [entry for entry in formats if entry in drivers] if drivers else list(formats)
    if wanted and not any(_registered(wanted)):
        raise lacking_driver(wanted[0]).error()


def _drivers_for(name: str) -> tuple[str, ...]:
    """Return the drivers that read a file, by its first bytes or its suffix. None of them: it is not known."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    head = first_bytes(name)
    if VIRTUAL in head:
        return ("VRT",)
    return next((drivers for signature, drivers in _BY_HEAD if head.startswith(signature)), ())


@contextmanager
def _strict_drivers() -> Iterator[None]:
    """Keep GML from fetching the schema that a file names, and take first rows of spreadsheets for names of columns.

    Both hold in this thread alone.
    """
    options = {"GML_DOWNLOAD_SCHEMA": "NO", "OGR_XLSX_HEADERS": "FORCE", "OGR_ODS_HEADERS": "FORCE"}
    before = {option: gdal.GetThreadLocalConfigOption(option) for option in options}
    for option, value in options.items():
        gdal.SetThreadLocalConfigOption(option, value)
    try:
        yield
    finally:
        for option, value in before.items():
            gdal.SetThreadLocalConfigOption(option, value)
