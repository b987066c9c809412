"""Pictures of a scene and its map, of a screen's size: PNG files of half to all of MOST_PIXELS on the longer side."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from alcd_otb.arrays import UInt8Array
from alcd_otb.settings.legend import NO_DATA, Legend, rgb
from alcd_otb.settings.view import BRIGHTEST
from otb_pipelines.process import gdal

MOST_PIXELS = 1830

Picture = npt.NDArray[np.uint8]
"""Rows x columns x red, green, blue."""


RgbColour = tuple[int, int, int]
"""Red, green, blue, 0..255."""

TRUE_COLOUR = ("red", "green", "blue")
"""The layers of the view stack that make a picture."""

SMALL = MOST_PIXELS // 2
"""Pixels of the longer side of a picture that is made small."""


@dataclass(frozen=True)
class ConfidenceStep:
    """least: the confidence from which on a pixel lies in it."""

    least: float
    name: str
    colour: RgbColour


CONFIDENCE_STEPS = (
    ConfidenceStep(0.9, "0.9 to 1", (0x00, 0x20, 0x4D)),
    ConfidenceStep(0.8, "0.8 to 0.9", (0x31, 0x44, 0x6B)),
    ConfidenceStep(0.7, "0.7 to 0.8", (0x66, 0x69, 0x70)),
    ConfidenceStep(0.6, "0.6 to 0.7", (0x95, 0x8F, 0x78)),
    ConfidenceStep(0.5, "0.5 to 0.6", (0xCB, 0xBA, 0x69)),
    ConfidenceStep(0.0, "below 0.5", (0xFF, 0xEA, 0x46)),
)
"""From sure to unsure, in the colours of cividis (Nunez et al., 2018), which the colour-blind see as others do."""

_MARGIN = 12
_JPEG_QUALITY = 85


def true_colour(view: Path, limits: Mapping[str, tuple[float, float]] = {}) -> Picture | None:
    """The view stack's layers red, green and blue; None where it lacks one.

    limits: the values of a layer that are black and full; of others, 0 and BRIGHTEST. What has no data is black.
    """
    dataset = gdal.Open(str(view))
    numbers = {dataset.GetRasterBand(n).GetDescription(): n for n in range(1, dataset.RasterCount + 1)}
    if not all(name in numbers for name in TRUE_COLOUR):
        return None
    width, height = _picture_size(dataset)
    # Averaging to a finer grid would smooth the pixels away.
    resampling = gdal.GRIORA_Average if width < dataset.RasterXSize else gdal.GRIORA_NearestNeighbour
    channels = []
    for name in TRUE_COLOUR:
        band = dataset.GetRasterBand(numbers[name])
        stored = band.ReadAsArray(buf_xsize=width, buf_ysize=height, buf_type=gdal.GDT_Float32, resample_alg=resampling)
        channel = stretched(stored * (band.GetScale() or 1), *limits.get(name, (0, BRIGHTEST)))
        no_data = band.GetNoDataValue()
        if no_data is not None:
            channel[stored == no_data] = 0
        channels.append(channel)
    return np.dstack(channels)


def stretched(values: npt.NDArray[np.float32], darkest: float = 0, brightest: float = BRIGHTEST) -> UInt8Array:
    """Values, such as reflectances, as a channel of a picture."""
    channel: UInt8Array = np.clip((values - darkest) / (brightest - darkest) * 255, 0, 255).astype(np.uint8)
    return channel


def map_codes(labels: Path, shape: tuple[int, int] | None = None, most: int = MOST_PIXELS) -> UInt8Array:
    """The label raster at a picture's (rows, columns), by nearest pixel; without shape, at a picture's own size."""
    dataset = gdal.Open(str(labels))
    width, height = (shape[1], shape[0]) if shape else _picture_size(dataset, most)
    codes: UInt8Array = dataset.ReadAsArray(
        buf_xsize=width, buf_ysize=height, resample_alg=gdal.GRIORA_NearestNeighbour
    )
    return codes


def coloured(codes: UInt8Array, legend: Legend) -> Picture:
    """The map in the legend's colours; no data is white."""
    table = np.full((256, 3), 255, np.uint8)
    for one in legend.classes:
        table[one.code] = one.rgb
    picture: Picture = table[codes]
    return picture


def outlined(picture: Picture, codes: UInt8Array, legend: Legend) -> Picture:
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


def confidence_steps(confidence: Path) -> UInt8Array:
    """The step of CONFIDENCE_STEPS that each pixel of the confidence lies in, at half a picture's size: the number of
    the step, 1 the first; 0 where there is no data."""
    dataset = gdal.Open(str(confidence))
    width, height = _picture_size(dataset, SMALL)
    resampling = gdal.GRIORA_Average if width < dataset.RasterXSize else gdal.GRIORA_NearestNeighbour
    values = dataset.ReadAsArray(buf_xsize=width, buf_ysize=height, resample_alg=resampling)
    bounds = np.array([one.least for one in CONFIDENCE_STEPS], values.dtype)
    steps: UInt8Array = np.where(values > 0, len(bounds) + 1 - np.digitize(values, bounds[::-1]), 0).astype(np.uint8)
    return steps


def confidence_colours() -> dict[int, RgbColour]:
    """The colours of confidence_steps."""
    return {number: one.colour for number, one in enumerate(CONFIDENCE_STEPS, start=1)}


def indexed(codes: UInt8Array, colours: Mapping[int, RgbColour]) -> Image.Image:
    """The codes in their colours as an image with a palette, a third of the size of one without; others are white."""
    palette = [channel for code in range(256) for channel in colours.get(code, (255, 255, 255))]
    image = Image.fromarray(codes).convert("P")
    image.putpalette(palette)
    return image


def draw_quicklook(view: Path, target: Path, small: Path, limits: Mapping[str, tuple[float, float]] = {}) -> bool:
    """Write the view stack's `true_colour` as a PNG, and small as a JPEG; whether it has one."""
    picture = true_colour(view, limits)
    if picture is not None:
        image = Image.fromarray(picture)
        _save(image, target)
        image.reduce(2).save(small, quality=_JPEG_QUALITY)
    return picture is not None


def draw_figures(quicklook: Path, labels: Path, legend: Legend, folder: Path) -> tuple[Path, ...]:
    """Write classes.png and, where there is a quicklook, contours.png; beside a confidence's raster confidence.png."""
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
    confidence = smoothed_confidence(labels.parent)
    if confidence is not None:
        written.append(folder / "confidence.png")
        steps = np.asarray(indexed(confidence_steps(confidence), confidence_colours()).convert("RGB"))
        _save(with_legend(steps, [(one.name, one.colour) for one in CONFIDENCE_STEPS]), written[-1])
    return tuple(written)


def smoothed_confidence(folder: Path) -> Path | None:
    """The raster of confidence to look at: smoothed, or as it is where it is not smoothed; None where there is none."""
    rasters = (folder / "confidence_smoothed.tif", folder / "confidence.tif")
    return next((one for one in rasters if one.is_file()), None)


def _save(picture: Image.Image, path: Path) -> None:
    # The quickest level and strategy: a photograph hardly compresses better with more.
    picture.save(path, compress_level=1, compress_type=zlib.Z_RLE)


def _picture_size(dataset: gdal.Dataset, most: int = MOST_PIXELS) -> tuple[int, int]:
    """(width, height): a whole fraction or a whole multiple of the raster's, so that pixels fall on whole pixels."""
    width, height = dataset.RasterXSize, dataset.RasterYSize
    shrinking, enlarging = -(-max(width, height) // most), most // max(width, height)
    if shrinking > 1:
        return max(1, width // shrinking), max(1, height // shrinking)
    return width * enlarging, height * enlarging


def _eroded(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Without the pixels that touch one outside by a side; the picture's edge does not erode."""
    padded = np.pad(inside, 1, mode="edge")
    around: npt.NDArray[np.bool_] = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.logical_and(inside, around)
