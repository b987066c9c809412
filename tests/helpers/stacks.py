"""Write georeferenced stacks of a test's own pixels."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from osgeo import gdal

Pixels = npt.NDArray[Any]

LEFT, TOP = 500000, 4800000


def write_stack(
    file: Path,
    bands: Mapping[str, Pixels],
    *,
    resolution: float = 10,
    crs: str = "EPSG:32631",
    corner: tuple[float, float] = (LEFT, TOP),
    no_data: float | None = None,
    scale: float | None = None,
    offset: float | None = None,
    mask: Pixels | None = None,
    options: tuple[str, ...] = (),
) -> Path:
    """Write a GeoTIFF of the arrays' own type, with a described band for each array.

    mask is 255 where all bands have data.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    first = next(iter(bands.values()))
    kind = {
        np.dtype(np.uint8): gdal.GDT_Byte,
        np.dtype(np.int16): gdal.GDT_Int16,
        np.dtype(np.uint16): gdal.GDT_UInt16,
        np.dtype(np.float32): gdal.GDT_Float32,
        np.dtype(np.float64): gdal.GDT_Float64,
        np.dtype(np.complex64): gdal.GDT_CFloat32,
    }[first.dtype]
    rows, columns = first.shape
    dataset = gdal.GetDriverByName("GTiff").Create(str(file), columns, rows, len(bands), kind, list(options))
    dataset.SetGeoTransform((corner[0], resolution, 0, corner[1], 0, -resolution))
    dataset.SetProjection(crs)
    for number, (name, pixels) in enumerate(bands.items(), start=1):
        band = dataset.GetRasterBand(number)
        band.SetDescription(name)
        band.WriteArray(pixels)
        if no_data is not None:
            band.SetNoDataValue(no_data)
        if scale is not None:
            band.SetScale(scale)
        if offset is not None:
            band.SetOffset(offset)
    if mask is not None:
        dataset.CreateMaskBand(gdal.GMF_PER_DATASET)
        dataset.GetRasterBand(1).GetMaskBand().WriteArray(mask)
    dataset.FlushCache()
    return file


SEA, FIELD, WOOD, TOWN = 1, 2, 3, 4

# Backscatter of VV and VH in dB, typical of C band at about 35 degrees.
_BACKSCATTER = {SEA: (-20, -27), FIELD: (-11, -18), WOOD: (-8.5, -14), TOWN: (-3, -11)}
_LOOKS = 5


def write_backscatter(file: Path, side: int, seed: int = 1) -> Pixels:
    """Write a stack like those of Sentinel-1: VV and VH in dB, 10 m, with speckle.

    Beyond the edge of the swath the backscatter is 0 in natural units. Returns the class of each pixel, 0 beyond the
    edge.
    """
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side] / side
    shore = 0.35 + 0.12 * np.sin(5 * rows) + 0.04 * np.sin(21 * rows)
    codes = np.where(columns < shore, SEA, FIELD).astype(np.uint8)
    codes[(codes == FIELD) & (np.hypot(rows - 0.7, columns - 0.75) < 0.18)] = WOOD
    codes[(codes == FIELD) & (abs(rows - 0.25) < 0.1) & (abs(columns - 0.7) < 0.14)] = TOWN
    codes[np.hypot(rows - 0.48, columns - 0.62) < 0.05] = SEA
    bands = {}
    for number, name in enumerate(("VV", "VH")):
        mean = np.zeros((side, side))
        for code, levels in _BACKSCATTER.items():
            mean[codes == code] = 10 ** (levels[number] / 10)
        speckled = mean * random.gamma(_LOOKS, 1 / _LOOKS, (side, side))
        # A corner lies outside the swath: no signal returns from it.
        speckled[rows + columns > 1.85] = 0
        with np.errstate(divide="ignore"):
            bands[name] = (10 * np.log10(speckled)).astype(np.float32)
    write_stack(file, bands)
    codes[rows + columns > 1.85] = 0
    return codes


CLOUD, SHADOW, LAND, WATER = 1, 2, 3, 4

# Surface reflectances of the bands below.
_REFLECTANCE = {
    CLOUD: (0.45, 0.45, 0.46, 0.5, 0.38, 0.3),
    LAND: (0.05, 0.08, 0.07, 0.3, 0.2, 0.12),
    WATER: (0.04, 0.04, 0.03, 0.02, 0.01, 0.008),
}
OPTICAL = ("blue", "green", "red", "nir", "swir1", "swir2")
_SHADED = 0.35
NOTHING = -10000


def write_surface_reflectance(cloudy: Path, clear: Path, side: int, seed: int = 1) -> Pixels:
    """Write two stacks like those of Theia or of Landsat: 30 m, Int16 in steps of 0.0001.

    A strip of each has no data, -10000. Returns the class of each pixel of the cloudy stack, 0 where either has no
    data.
    """
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side] / side
    ground = np.where(rows > 0.75 + 0.1 * np.sin(6 * columns), WATER, LAND)
    clouds = [(0.2, 0.3, 0.11), (0.45, 0.7, 0.14), (0.6, 0.25, 0.09), (0.85, 0.6, 0.08)]
    cloud = np.any([np.hypot(rows - row, columns - column) < radius for row, column, radius in clouds], axis=0)
    # The sun is in the south-east.
    shift = side // 8
    shadow = np.zeros_like(cloud)
    shadow[:-shift, :-shift] = cloud[shift:, shift:]
    shadow &= ~cloud & (ground == LAND)
    codes = np.where(cloud, CLOUD, np.where(shadow, SHADOW, ground)).astype(np.uint8)
    empty = {cloudy: columns < 0.04, clear: rows < 0.03}
    for file, seen in ((cloudy, codes), (clear, ground)):
        bands = {}
        for number, name in enumerate(OPTICAL):
            mean = np.zeros((side, side))
            for code, reflectances in _REFLECTANCE.items():
                mean[seen == code] = reflectances[number]
            mean[seen == SHADOW] = _REFLECTANCE[LAND][number] * _SHADED
            stored = np.rint(mean * random.normal(1, 0.08, mean.shape) * 10000)
            stored[empty[file]] = NOTHING
            bands[name] = stored.astype(np.int16)
        write_stack(file, bands, resolution=30, no_data=NOTHING, scale=0.0001)
    codes[empty[cloudy] | empty[clear]] = 0
    return codes


def write_points(
    file: Path, codes: Pixels, names: Mapping[int, str], resolution: float, number: int, inset: int
) -> Path:
    """Write points of each class, drawn from pixels whose surroundings are of the class as well.

    number is that of the points in each class. The surroundings are `inset` pixels on each side.
    """
    random = np.random.default_rng(1)
    features = []
    for code, name in names.items():
        inside = codes == code
        core = inside.copy()
        for axis in (0, 1):
            for step in range(-inset, inset + 1):
                core &= np.roll(inside, step, axis)
        rows, columns = np.nonzero(core)
        for chosen in random.choice(rows.size, number, replace=False):
            place = [
                LEFT + resolution * (int(columns[chosen]) + 0.5),
                TOP - resolution * (int(rows[chosen]) + 0.5),
            ]
            geometry = {"type": "Point", "coordinates": place}
            features.append({"type": "Feature", "geometry": geometry, "properties": {"class": name}})
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32631"}}
    file.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}), "utf-8")
    return file
