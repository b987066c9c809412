"""Pictures of a scene and its map, of a screen's size: PNG files of half to all of MOST_PIXELS on the longer side."""

import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from osgeo import gdal
from PIL import Image, ImageDraw, ImageFont

from alcd_otb.config import BRIGHTEST
from alcd_otb.legend import NO_DATA, Legend, rgb

gdal.UseExceptions()

MOST_PIXELS = 1830

Picture = npt.NDArray[np.uint8]
"""Rows x columns x red, green, blue."""

Codes = npt.NDArray[np.uint8]
"""Rows x columns of class codes."""

_MARGIN = 12


def true_colour(view: Path, names: tuple[str, str, str] = ("red", "green", "blue")) -> Picture | None:
    """The view stack's layers of these names, stretched from 0 to BRIGHTEST; None where it lacks one."""
    dataset = gdal.Open(str(view))
    numbers = {dataset.GetRasterBand(n).GetDescription(): n for n in range(1, dataset.RasterCount + 1)}
    if not all(name in numbers for name in names):
        return None
    width, height = _picture_size(dataset)
    # Averaging to a finer grid would smooth the pixels away.
    resampling = gdal.GRIORA_Average if width < dataset.RasterXSize else gdal.GRIORA_NearestNeighbour
    channels = []
    for name in names:
        band = dataset.GetRasterBand(numbers[name])
        stored = band.ReadAsArray(buf_xsize=width, buf_ysize=height, buf_type=gdal.GDT_Float32, resample_alg=resampling)
        channels.append(np.clip(stored * (band.GetScale() or 1) / BRIGHTEST * 255, 0, 255).astype(np.uint8))
    return np.dstack(channels)


def map_codes(labels: Path, shape: tuple[int, int] | None = None) -> Codes:
    """The label raster at a picture's (rows, columns), by nearest pixel; without shape, at a picture's own size."""
    dataset = gdal.Open(str(labels))
    width, height = (shape[1], shape[0]) if shape else _picture_size(dataset)
    codes: Codes = dataset.ReadAsArray(buf_xsize=width, buf_ysize=height, resample_alg=gdal.GRIORA_NearestNeighbour)
    return codes


def coloured(codes: Codes, legend: Legend) -> Picture:
    """The map in the legend's colours; no data is white."""
    table = np.full((256, 3), 255, np.uint8)
    for one in legend.classes:
        table[one.code] = one.rgb
    picture: Picture = table[codes]
    return picture


def outlined(picture: Picture, codes: Codes, legend: Legend) -> Picture:
    """The picture with each class that has a contour outlined on its inner edge, two pixels wide."""
    result = picture.copy()
    for one in legend.classes:
        if one.contour is not None:
            inside = codes == one.code
            core = _eroded(_eroded(inside))
            result[inside & ~core] = rgb(one.contour)
    return result


def with_legend(picture: Picture, entries: list[tuple[str, tuple[int, int, int]]]) -> Image.Image:
    """The picture with a key of (name, colour) to its right."""
    font = ImageFont.load_default(size=18)
    widest = max((font.getlength(name) for name, _ in entries), default=0)
    height = max(picture.shape[0], len(entries) * 30 + 2 * _MARGIN)
    sheet = Image.new("RGB", (picture.shape[1] + int(widest) + 30 + 3 * _MARGIN, height), "white")
    sheet.paste(Image.fromarray(picture), (0, 0))
    draw = ImageDraw.Draw(sheet)
    for row, (name, colour) in enumerate(entries):
        left, top = picture.shape[1] + _MARGIN, _MARGIN + row * 30
        draw.rectangle((left, top, left + 24, top + 20), fill=colour, outline="black")
        draw.text((left + 24 + _MARGIN, top), name, fill="black", font=font)
    return sheet


def draw_quicklook(view: Path, target: Path) -> bool:
    """Write the view stack's true colour as a PNG; whether it has one."""
    picture = true_colour(view)
    if picture is not None:
        _save(Image.fromarray(picture), target)
    return picture is not None


def draw_figures(quicklook: Path, labels: Path, legend: Legend, folder: Path) -> tuple[Path, ...]:
    """Write classes.png and, where there is a quicklook, contours.png into the folder."""
    codes = map_codes(labels)
    occurring = [one for one in legend.classes if (codes == one.code).any()]
    key = [(one.name, one.rgb) for one in occurring]
    if (codes == NO_DATA).any():
        key.append(("no data", (255, 255, 255)))
    written = [folder / "classes.png"]
    _save(with_legend(coloured(codes, legend), key), written[0])
    if quicklook.is_file():
        picture = np.asarray(Image.open(quicklook))
        fitted = map_codes(labels, (picture.shape[0], picture.shape[1]))
        lines = [(one.name, rgb(one.contour)) for one in occurring if one.contour is not None]
        written.append(folder / "contours.png")
        _save(with_legend(outlined(picture, fitted, legend), lines), written[1])
    return tuple(written)


def _save(picture: Image.Image, path: Path) -> None:
    # A photograph hardly compresses better with more effort.
    picture.save(path, compress_level=1, compress_type=zlib.Z_RLE)


def _picture_size(dataset: gdal.Dataset) -> tuple[int, int]:
    """(width, height): a whole fraction or a whole multiple of the raster's, so that pixels fall on whole pixels."""
    width, height = dataset.RasterXSize, dataset.RasterYSize
    shrinking, enlarging = -(-max(width, height) // MOST_PIXELS), MOST_PIXELS // max(width, height)
    if shrinking > 1:
        return max(1, width // shrinking), max(1, height // shrinking)
    return width * enlarging, height * enlarging


def _eroded(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Without the pixels that touch one outside by a side; the picture's edge does not erode."""
    padded = np.pad(inside, 1, mode="edge")
    around: npt.NDArray[np.bool_] = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.logical_and(inside, around)
