"""Write small Sentinel-2 L1C products for tests: real JPEG 2000 files and metadata, made-up pixels.

A product covers 600 x 600 m from (300000, 4900020) in UTM 31N. Every pixel of a band has the value
FIRST_VALUE + the position of the band in BANDS, so that a test sees which file was read.
"""

import zipfile
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal, osr

from alcd_otb.errors import ProductError

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
NATIVE = (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20)
FIRST_VALUE = 1500
LEFT, TOP, METRES = 300000, 4900020, 600
SENSED = "20240305T104819"
TILE = "31TCJ"


def product_xml(
    uri: str,
    *,
    sensed: str = SENSED,
    letter: str = "B",
    orbit: int = 51,
    baseline: str = "05.10",
    offsets: Sequence[int] | None = (-1000,) * 13,
    psd: int = 14,
) -> str:
    """Return the text of the metadata of a product."""
    time = f"{datetime.strptime(sensed, '%Y%m%dT%H%M%S'):%Y-%m-%dT%H:%M:%S}.024Z"
    offset_list = "".join(
        f'<RADIO_ADD_OFFSET band_id="{index}">{offset}</RADIO_ADD_OFFSET>' for index, offset in enumerate(offsets or ())
    )
    offset_list = f"<Radiometric_Offset_List>{offset_list}</Radiometric_Offset_List>" if offsets else ""
    return f"""<?xml version="1.0" encoding="UTF-8" standalone="no"?>
<n1:Level-1C_User_Product xmlns:n1="https://psd-{psd}.sentinel2.eo.esa.int/PSD/User_Product_Level-1C.xsd">
<n1:General_Info>
<Product_Info>
<PRODUCT_START_TIME>{time}</PRODUCT_START_TIME><PRODUCT_URI>{uri}</PRODUCT_URI>
<PROCESSING_LEVEL>Level-1C</PROCESSING_LEVEL><PROCESSING_BASELINE>{baseline}</PROCESSING_BASELINE>
<Datatake datatakeIdentifier="x"><SPACECRAFT_NAME>Sentinel-2{letter}</SPACECRAFT_NAME>
<DATATAKE_SENSING_START>{time}</DATATAKE_SENSING_START>
<SENSING_ORBIT_NUMBER>{orbit}</SENSING_ORBIT_NUMBER></Datatake>
</Product_Info>
<Product_Image_Characteristics>
<Special_Values><SPECIAL_VALUE_TEXT>NODATA</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>0</SPECIAL_VALUE_INDEX></Special_Values>
<Special_Values><SPECIAL_VALUE_TEXT>SATURATED</SPECIAL_VALUE_TEXT>
<SPECIAL_VALUE_INDEX>65535</SPECIAL_VALUE_INDEX></Special_Values>
<QUANTIFICATION_VALUE unit="none">10000</QUANTIFICATION_VALUE>
{offset_list}
</Product_Image_Characteristics>
</n1:General_Info>
<n1:Quality_Indicators_Info>
<Cloud_Coverage_Assessment>11.5</Cloud_Coverage_Assessment></n1:Quality_Indicators_Info>
</n1:Level-1C_User_Product>
"""


def tile_xml(tile: str = TILE, *, metres: int = METRES, left: int = LEFT, top: int = TOP, psd: int = 14) -> str:
    """Return the text of the metadata of a tile."""
    sizes = "".join(
        f'<Size resolution="{side}"><NROWS>{metres // side}</NROWS><NCOLS>{metres // side}</NCOLS></Size>'
        for side in (10, 20, 60)
    )
    positions = "".join(
        f'<Geoposition resolution="{side}"><ULX>{left}</ULX><ULY>{top}</ULY>'
        f"<XDIM>{side}</XDIM><YDIM>-{side}</YDIM></Geoposition>"
        for side in (10, 20, 60)
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<n1:Level-1C_Tile_ID xmlns:n1="https://psd-{psd}.sentinel2.eo.esa.int/PSD/S2_PDI_Level-1C_Tile_Metadata.xsd">
<n1:General_Info>
<TILE_ID metadataLevel="Brief">S2B_OPER_MSI_L1C_TL_2BPS_20240305T125347_A036542_T{tile}_N05.10</TILE_ID>
</n1:General_Info>
<n1:Geometric_Info>
<Tile_Geocoding><HORIZONTAL_CS_CODE>EPSG:32631</HORIZONTAL_CS_CODE>{sizes}{positions}</Tile_Geocoding>
<Tile_Angles>
<Mean_Viewing_Incidence_Angle_List><Mean_Viewing_Incidence_Angle bandId="0">
<ZENITH_ANGLE unit="deg">3.25</ZENITH_ANGLE><AZIMUTH_ANGLE unit="deg">101.5</AZIMUTH_ANGLE>
</Mean_Viewing_Incidence_Angle></Mean_Viewing_Incidence_Angle_List>
<Mean_Sun_Angle><ZENITH_ANGLE unit="deg">51.75</ZENITH_ANGLE><AZIMUTH_ANGLE unit="deg">158.5</AZIMUTH_ANGLE>
</Mean_Sun_Angle>
</Tile_Angles>
</n1:Geometric_Info>
<n1:Quality_Indicators_Info><Image_Content_QI>
<CLOUDY_PIXEL_PERCENTAGE>63.5</CLOUDY_PIXEL_PERCENTAGE></Image_Content_QI></n1:Quality_Indicators_Info>
</n1:Level-1C_Tile_ID>
"""


def write_jp2(
    path: Path,
    value: int,
    resolution: int,
    *,
    metres: int = METRES,
    left: int = LEFT,
    top: int = TOP,
    epsg: int = 32631,
) -> None:
    """Write a lossless JPEG 2000 of one value, with noise in its first row so that the codestream is not trivial."""
    side = metres // resolution
    image = gdal.GetDriverByName("MEM").Create("", side, side, 1, gdal.GDT_UInt16)
    image.SetGeoTransform((left, resolution, 0, top, 0, -resolution))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    image.SetProjection(reference.ExportToWkt())
    pixels = np.full((side, side), value, np.uint16)
    pixels[0] += np.random.default_rng(value).integers(0, 400, side, dtype=np.uint16)
    image.GetRasterBand(1).WriteArray(pixels)
    path.parent.mkdir(parents=True, exist_ok=True)
    gdal.GetDriverByName("JP2OpenJPEG").CreateCopy(str(path), image, options=["REVERSIBLE=YES", "QUALITY=100"])


def compact_name(sensed: str = SENSED, letter: str = "B", tile: str = TILE) -> str:
    """Return the name of a product in the format since December 2016, without its suffix."""
    return f"S2{letter}_MSIL1C_{sensed}_N0510_R051_T{tile}_20240305T125347"


def write_compact(
    parent: Path,
    *,
    sensed: str = SENSED,
    letter: str = "B",
    tile: str = TILE,
    baseline: str = "05.10",
    offsets: Sequence[int] | None = (-1000,) * 13,
    bands: Iterable[str] = BANDS,
    psd: int = 14,
    metres: int = METRES,
    left: int = LEFT,
) -> Path:
    """Write a .SAFE folder of the format since December 2016."""
    name = compact_name(sensed, letter, tile)
    safe = parent / f"{name}.SAFE"
    granule = safe / "GRANULE" / f"L1C_T{tile}_A036542_{sensed}"
    granule.mkdir(parents=True)
    metadata = product_xml(f"{name}.SAFE", sensed=sensed, letter=letter, baseline=baseline, offsets=offsets, psd=psd)
    (safe / "MTD_MSIL1C.xml").write_text(metadata, encoding="utf-8")
    (granule / "MTD_TL.xml").write_text(tile_xml(tile, metres=metres, left=left, psd=psd), encoding="utf-8")
    for index, band in enumerate(BANDS):
        if band in bands:
            file = granule / "IMG_DATA" / f"T{tile}_{sensed}_{band}.jp2"
            write_jp2(file, FIRST_VALUE + index, NATIVE[index], metres=metres, left=left)
    return safe


def write_multi_granule(parent: Path, tiles: Sequence[str], *, bands: Iterable[str] = ("B02", "B8A")) -> Path:
    """Write a .SAFE folder of the format before December 2016. Tiles lie side by side, 600 m apart."""
    name = "S2A_OPER_PRD_MSIL1C_PDMC_20161005T201511_R108_V20161005T103022_20161005T103215"
    safe = parent / f"{name}.SAFE"
    safe.mkdir(parents=True)
    metadata = product_xml(
        f"{name}.SAFE",
        sensed="20161005T103022",
        letter="A",
        orbit=108,
        baseline="02.04",
        offsets=None,
        psd=12,
    )
    metadata_name = name.replace("_PRD_MSIL1C_", "_MTD_SAFL1C_") + ".xml"
    (safe / metadata_name).write_text(metadata, encoding="utf-8")
    for place, tile in enumerate(tiles):
        stem = f"S2A_OPER_MSI_L1C_TL_SGS__20161005T155252_A006728_T{tile}"
        granule = safe / "GRANULE" / f"{stem}_N02.04"
        granule.mkdir(parents=True)
        left = LEFT + place * METRES
        file = granule / f"{stem.replace('_MSI_L1C_', '_MTD_L1C_')}.xml"
        file.write_text(tile_xml(tile, left=left, psd=12), encoding="utf-8")
        for index, band in enumerate(BANDS):
            if band in bands:
                image = granule / "IMG_DATA" / f"{stem}_{band}.jp2"
                write_jp2(image, FIRST_VALUE + 100 * place + index, NATIVE[index], left=left)
    return safe


def zip_product(safe: Path, archive: Path, prefix: str, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """Pack a product's files under a prefix such as "X.SAFE/", or at the top with ""."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(archive, "w", compression) as packed:
        for file in sorted(safe.rglob("*")):
            if file.is_file():
                packed.write(file, f"{prefix}{file.relative_to(safe).as_posix()}")
    return archive


def one_line_error(action: Callable[[], object]) -> str:
    """Return the message of the ProductError that an action must raise."""
    with pytest.raises(ProductError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    return message
