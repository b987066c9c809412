"""Write masks of processors and reference masks for tests, in their published layouts, with made-up pixels.

The pixels of each mask begin at the upper left corner of the tile 31TFJ, which lies at LEFT, TOP in UTM 31N.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from osgeo import gdal, osr
from sentinel2_files import tile_xml

from alcd_otb.raster.grid import Grid
from alcd_otb.synthetic.scene import SyntheticScene

TILE = "31TFJ"
LEFT, TOP = 600000, 4900020
SENSED = "20171002T103009"

L1C_NAME = "S2A_MSIL1C_20171002T103009_N0205_R108_T31TFJ_20171002T103209"
L2A_NAME = "S2A_MSIL2A_20171002T103009_N0205_R108_T31TFJ_20171002T103209"
GRANULE = "T31TFJ_A011901_20171002T103209"
MUSCATE_NAME = "SENTINEL2A_20171002-103209-461_L2A_T31TFJ_C_V1-0"
NATIVE_NAME = "S2A_OPER_SSC_L2VALD_31TFJ____20171002"

Pixels = npt.NDArray[Any]

SCENE_CLASSES = {0: 0, 2: 9, 3: 10, 4: 3, 5: 4, 6: 6, 7: 11}
"""Code of Sen2Cor's scene classification by the truth's."""


def write_raster(
    path: Path,
    bands: Pixels | Sequence[Pixels],
    resolution: float,
    *,
    no_data: float | None = None,
    epsg: int = 32631,
    left: float = LEFT,
    top: float = TOP,
) -> Path:
    """Write one band (rows, columns) or several, of the type of their pixels, in the format of the suffix."""
    layers = [bands] if isinstance(bands, np.ndarray) and bands.ndim == 2 else list(bands)
    rows, columns = layers[0].shape
    kind = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "int16": gdal.GDT_Int16, "float32": gdal.GDT_Float32}
    image = gdal.GetDriverByName("MEM").Create("", columns, rows, len(layers), kind[layers[0].dtype.name])
    image.SetGeoTransform((left, resolution, 0, top, 0, -resolution))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(epsg)
    image.SetSpatialRef(reference)
    for number, layer in enumerate(layers, start=1):
        image.GetRasterBand(number).WriteArray(layer)
        if no_data is not None:
            image.GetRasterBand(number).SetNoDataValue(no_data)
    path.parent.mkdir(parents=True, exist_ok=True)
    driver, options = {
        ".jp2": ("JP2OpenJPEG", ["REVERSIBLE=YES", "QUALITY=100"]),
        ".img": ("HFA", []),
    }.get(path.suffix.lower(), ("GTiff", ["COMPRESS=DEFLATE"]))
    gdal.GetDriverByName(driver).CreateCopy(str(path), image, options=options)
    path.with_name(path.name + ".aux.xml").unlink(missing_ok=True)
    return path


def write_muscate(
    parent: Path,
    masks: Mapping[str, Pixels],
    resolution: int = 10,
    *,
    name: str = MUSCATE_NAME,
    flat: bool = False,
) -> Path:
    """Write MAJA's masks in the MUSCATE format.

    masks are by CLM, EDG and MG2. flat: they lie beside, rather than in, the folder MASKS.
    """
    folder = parent / name
    level = {10: "R1", 20: "R2"}[resolution]
    for kind, pixels in masks.items():
        write_raster((folder if flat else folder / "MASKS") / f"{name}_{kind}_{level}.tif", pixels, resolution)
    return folder


def write_native(
    parent: Path, cld: Pixels, msk: Pixels, other: Pixels, resolution: int = 10, *, name: str = NATIVE_NAME
) -> Path:
    """Write MAJA's masks in the native format. other is the third band of QLT, whose bit 0 is the edge."""
    folder = parent / f"{name}.DBL.DIR"
    level = {10: "R1", 20: "R2"}[resolution]
    stem = name.replace("_SSC_", "_SSC_PDTANX_")
    write_raster(folder / f"{stem}_CLD_{level}.DBL.TIF", cld, resolution)
    write_raster(folder / f"{stem}_MSK_{level}.DBL.TIF", msk, resolution)
    write_raster(
        folder / f"{stem}_QLT_{level}.DBL.TIF", [np.full_like(other, 255), np.full_like(other, 255), other], resolution
    )
    (parent / f"{name}.HDR").write_text("<Earth_Explorer_Header/>", "utf-8")
    return folder


def write_l2a(parent: Path, scl: Mapping[int, Pixels], *, name: str = L2A_NAME) -> Path:
    """Write a Level-2A product. scl is the scene classification by its resolution in metres."""
    safe = parent / f"{name}.SAFE"
    for resolution, pixels in scl.items():
        folder = safe / "GRANULE" / f"L2A_{GRANULE}" / "IMG_DATA" / f"R{resolution}m"
        write_raster(folder / f"T{TILE}_{SENSED}_SCL_{resolution}m.jp2", pixels, resolution)
    (safe / "MTD_MSIL2A.xml").write_text("<Level-2A_User_Product/>", "utf-8")
    return safe


def write_l1c(
    parent: Path,
    *,
    classes: Sequence[Pixels] | None = None,
    polygons: Mapping[str, Sequence[tuple[float, float, float, float]]] | None = None,
    metres: int = 600,
    quality: Pixels | None = None,
    coast: Pixels | None = None,
    name: str = L1C_NAME,
) -> Path:
    """Write a Level-1C product with only its cloud mask.

    classes are the bands of MSK_CLASSI at 60 m. polygons are rectangles (left, bottom, right, top) of the GML, by
    maskType. quality is band 6 of MSK_QUALIT_B01. coast is the band B01.
    """
    safe = parent / f"{name}.SAFE"
    granule = safe / "GRANULE" / f"L1C_{GRANULE}"
    (granule / "IMG_DATA").mkdir(parents=True)
    (granule / "MTD_TL.xml").write_text(tile_xml(TILE, metres=metres, left=LEFT, top=TOP), "utf-8")
    if classes is not None:
        write_raster(granule / "QI_DATA" / "MSK_CLASSI_B00.jp2", classes, 60)
    if polygons is not None:
        (granule / "QI_DATA").mkdir(exist_ok=True)
        (granule / "QI_DATA" / "MSK_CLOUDS_B00.gml").write_text(clouds_gml(polygons), "utf-8")
    if quality is not None:
        empty = np.zeros_like(quality)
        write_raster(granule / "QI_DATA" / "MSK_QUALIT_B01.jp2", [*[empty] * 5, quality, empty, empty], 60)
    if coast is not None:
        write_raster(granule / "IMG_DATA" / f"T{TILE}_{SENSED}_B01.jp2", coast, 60)
    return safe


def clouds_gml(polygons: Mapping[str, Sequence[tuple[float, float, float, float]]], srs: str = "EPSG:8.7:32631") -> str:
    """Return the text of MSK_CLOUDS with rectangles (left, bottom, right, top) by maskType."""
    members = []
    for kind, rectangles in polygons.items():
        for number, (left, bottom, right, top) in enumerate(rectangles):
            places = f"{left} {bottom} {left} {top} {right} {top} {right} {bottom} {left} {bottom}"
            members.append(
                f'<eop:MaskFeature gml:id="{kind}.{number}">'
                f'<eop:maskType codeSpace="urn:gs2:S2PDGS:maskType">{kind}</eop:maskType><eop:extentOf>'
                f'<gml:Polygon gml:id="{kind}.{number}_Polygon"><gml:exterior><gml:LinearRing>'
                f'<gml:posList srsDimension="2">{places}</gml:posList>'
                "</gml:LinearRing></gml:exterior></gml:Polygon></eop:extentOf></eop:MaskFeature>"
            )
    listed = f"<eop:maskMembers>{''.join(members)}</eop:maskMembers>" if members else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<eop:Mask xmlns:eop="http://www.opengis.net/eop/2.0" xmlns:gml="http://www.opengis.net/gml/3.2" '
        'gml:id="S2A_OPER_MSK_CLOUDS_SGS__20171002T103209_A011901_T31TFJ_B00_MSIL1C">\n'
        "<gml:name>MSK_CLOUDS pixels mask</gml:name>\n"
        f'<gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:{srs}">'
        "<gml:lowerCorner>600000 4790220</gml:lowerCorner>"
        "<gml:upperCorner>709800 4900020</gml:upperCorner></gml:Envelope></gml:boundedBy>\n"
        f"{listed}</eop:Mask>\n"
    )


def write_reference(
    parent: Path,
    codes: Pixels,
    *,
    folder: str = L1C_NAME,
    tile: str = TILE,
    day: str = "20171002",
    product: str = f"{L1C_NAME}.SAFE",
    location: str = "Arles",
    resolution: int = 60,
) -> Path:
    """Write a scene of the published reference data set (Zenodo 1460961)."""
    classification = parent / folder / "Classification"
    write_raster(classification / "classification_map.tif", codes, resolution)
    parameters = {
        "tile": tile,
        "cloudy_date": day,
        "cloudy_product_name": product,
        "clear_date": "20171005",
        "clear_product_name": "S2A_MSIL1C_20171005T103009_N0205_R108_T31TFJ_20171005T103209.SAFE",
        "location": location,
    }
    (classification / "used_parameters.json").write_text(json.dumps(parameters), "utf-8")
    return parent / folder


def write_hollstein(path: Path, rows: Sequence[tuple[int, float, float, str, str]]) -> Path:
    """Write labelled pixels in the published layout, which has byte strings.

    A row is the class id, longitude, latitude, product_id and granule_id of a pixel.
    """
    import h5py

    classes, longitudes, latitudes, products, granules = zip(*rows, strict=True)
    with h5py.File(path, "w") as file:
        file["classes"] = np.array(classes, np.int64)
        file["class_ids"] = np.array([10, 20, 30, 40, 50, 60])
        file["class_names"] = np.array([b"Clear", b"Water", b"Shadow", b"Cirrus", b"Cloud", b"Snow"])
        file["longitude"] = np.array(longitudes)
        file["latitude"] = np.array(latitudes)
        file["product_id"] = np.array([name.encode() for name in products])
        file["granule_id"] = np.array([name.encode() for name in granules])
        file["spectra"] = np.zeros((len(rows), 13))
    return path


def write_workspace(folder: Path, codes: Pixels, resolution: int, classes: Sequence[Mapping[str, Any]]) -> Path:
    """Write a workspace with one iteration, as far as a comparison reads it."""
    iteration = folder / "iterations" / "001"
    write_raster(iteration / "labels.tif", codes, resolution)
    config = {
        "scene": {"template": {"classes": list(classes)}},
        "products": {"cloudy": {"name": L1C_NAME, "tile": TILE, "acquired": "2017-10-02T10:30:09.027000+00:00"}},
    }
    for place in (folder, iteration):
        (place / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "preparation.json").write_text("{}", "utf-8")
    (folder / "latest").symlink_to(Path("iterations") / "001")
    return folder


def grid_of(pixels: Pixels, resolution: float) -> Grid:
    """Return the grid of pixels (rows, columns)."""
    return Grid("EPSG:32631", LEFT, TOP, resolution, pixels.shape[1], pixels.shape[0])


def write_scl(scene: SyntheticScene, folder: Path) -> None:
    """Write a Level-2A product of a synthetic scene that is right everywhere."""
    truth = gdal.Open(str(scene.truth)).ReadAsArray()
    table = np.zeros(256, np.uint8)
    for code, scene_class in SCENE_CLASSES.items():
        table[code] = scene_class
    granule = next((scene.cloudy / "GRANULE").iterdir()).name.replace("L1C", "L2A")
    product = folder / scene.cloudy.name.replace("MSIL1C", "MSIL2A") / "GRANULE" / granule
    name = f"{next(scene.cloudy.rglob('*_B01.jp2')).stem.removesuffix('_B01')}_SCL_20m.jp2"
    write_raster(product / "IMG_DATA" / "R20m" / name, table[truth], 20)
