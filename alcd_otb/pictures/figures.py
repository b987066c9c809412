"""Draw a scene and its map for the screen: PNG files of half to all of MOST_PIXELS on the longer side."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from alcd_otb.arrays import UInt8Array
from alcd_otb.pictures.looks import ShownLook, layer_numbers
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.legend import NO_DATA, Legend, rgb
from otb_pipelines.process import gdal

MOST_PIXELS = 1830

Picture = npt.NDArray[np.uint8]
"""(rows, columns, 3): red, green and blue."""

RgbColour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

BRIGHTEST = 0.25
"""Reflectance that is white in the small pictures of dates. Thin cloud stands out, and land keeps its shades."""

SMALL = MOST_PIXELS // 2
"""Pixels of the longer side of a picture that is made small."""


@dataclass(frozen=True)
class ConfidenceStep:
    """A step of the confidence that is drawn in one colour.

    Attributes
    ----------
    least
        The lowest confidence of the step, 0 to 1.
    name
        Name in the key.
    colour
        Colour in pictures.
    """

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
"""Steps from certain to uncertain, in the colours of cividis (Nunez et al., 2018), which suit the colour-blind."""

_MARGIN = 12
_JPEG_QUALITY = 85


def picture_of(view: Path, look: ShownLook) -> Picture:
    """Draw a look of the view stack.

    Parameters
    ----------
    view
        The view stack, which has the layers of the look.
    look
        The layers to draw, and the values that are black and full.

    Returns
    -------
    array
        (rows, columns, 3), uint8; pixels without data are black.
    """
    dataset = open_raster(view)
    numbers = layer_numbers(dataset)
    width, height = _picture_size(dataset)
    # Averaging to a finer grid would smooth the pixels away.
    resampling = gdal.GRIORA_Average if width < dataset.RasterXSize else gdal.GRIORA_NearestNeighbour
    channels = []
    for name, limits in zip(look.layers, look.limits, strict=True):
        band = dataset.GetRasterBand(numbers[name])
        stored = band.ReadAsArray(buf_xsize=width, buf_ysize=height, buf_type=gdal.GDT_Float32, resample_alg=resampling)
        no_data = band.GetNoDataValue()
        unseen = np.isnan(stored) if no_data is None else np.isnan(stored) | (stored == no_data)
        channel = stretched(
            np.where(unseen, np.float32(0), stored) * np.float32(band.GetScale() or 1), *limits, look.gamma
        )
        channel[unseen] = 0
        channels.append(channel)
    return np.dstack(channels if len(channels) == 3 else channels * 3)


def stretched(
    values: npt.NDArray[np.float32], darkest: float = 0, brightest: float = BRIGHTEST, gamma: float = 1
) -> UInt8Array:
    """Turn values into a channel of a picture, clipped to 0 to 255.

    Parameters
    ----------
    values
        Values such as reflectances, of any shape.
    darkest, brightest
        The values that become 0 and 255.
    gamma
        The share between them is raised to the power of 1 / gamma.
    """
    share = (values - darkest) / (brightest - darkest)
    if gamma != 1:
        share = np.clip(share, 0, 1) ** (1 / gamma)
    channel: UInt8Array = np.clip(share * 255, 0, 255).astype(np.uint8)
    return channel


def map_codes(labels: Path, shape: tuple[int, int] | None = None, most: int = MOST_PIXELS) -> UInt8Array:
    """Read the label raster at the size of a picture, by nearest pixel.

    Parameters
    ----------
    labels
        The label raster.
    shape
        (rows, columns) of the picture; None for the size that pictures of this raster have.
    most
        Without shape, the most pixels of the longer side.

    Returns
    -------
    array
        Class codes, (rows, columns), uint8.
    """
    dataset = open_raster(labels)
    width, height = (shape[1], shape[0]) if shape else _picture_size(dataset, most)
    codes: UInt8Array = dataset.ReadAsArray(
        buf_xsize=width, buf_ysize=height, resample_alg=gdal.GRIORA_NearestNeighbour
    )
    return codes


def coloured(codes: UInt8Array, legend: Legend) -> Picture:
    """Draw the map in the legend's colours, (rows, columns, 3); no data is white."""
    table = np.full((256, 3), 255, np.uint8)
    for legend_class in legend.classes:
        table[legend_class.code] = legend_class.rgb
    picture: Picture = table[codes]
    return picture


def outlined(picture: Picture, codes: UInt8Array, legend: Legend) -> Picture:
    """Outline each class that has a contour on its inner edge, two pixels wide.

    Parameters
    ----------
    picture
        The picture to draw over; it is not changed.
    codes
        Class codes, (rows, columns) of the picture.
    legend
        Classes of the map.

    Returns
    -------
    array
        A new picture, (rows, columns, 3).
    """
    result = picture.copy()
    for legend_class in legend.classes:
        if legend_class.contour is not None:
            inside = codes == legend_class.code
            core = _eroded(_eroded(inside))
            result[inside & ~core] = rgb(legend_class.contour)
    return result


def with_legend(picture: Picture, entries: list[tuple[str, RgbColour]]) -> Image.Image:
    """Add a key of (name, colour) to the right of a picture."""
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
    """Draw the confidence at half a picture's size as numbers of CONFIDENCE_STEPS.

    Returns
    -------
    array
        (rows, columns), uint8: 1 is the first step, 0 is no data.
    """
    dataset = open_raster(confidence)
    width, height = _picture_size(dataset, SMALL)
    resampling = gdal.GRIORA_Average if width < dataset.RasterXSize else gdal.GRIORA_NearestNeighbour
    values = dataset.ReadAsArray(buf_xsize=width, buf_ysize=height, resample_alg=resampling)
    bounds = np.array([step.least for step in CONFIDENCE_STEPS], values.dtype)
    steps: UInt8Array = np.where(values > 0, len(bounds) + 1 - np.digitize(values, bounds[::-1]), 0).astype(np.uint8)
    return steps


def confidence_colours() -> dict[int, RgbColour]:
    """Return the colours of the numbers of `confidence_steps`."""
    return {number: step.colour for number, step in enumerate(CONFIDENCE_STEPS, start=1)}


def indexed(codes: UInt8Array, colours: Mapping[int, RgbColour]) -> Image.Image:
    """Draw codes in their colours as an image with a palette; other codes are white.

    The file is a third of the size of one without palette.
    """
    palette = [channel for code in range(256) for channel in colours.get(code, (255, 255, 255))]
    image = Image.fromarray(codes).convert("P")
    image.putpalette(palette)
    return image


def draw_quicklook(view: Path, looks: Sequence[ShownLook], target: Path, small: Path) -> bool:
    """Write the first look in colour as a PNG, and smaller as a JPEG.

    Parameters
    ----------
    view
        The view stack.
    looks
        Its looks.
    target
        The PNG to write.
    small
        The JPEG to write, half as wide.

    Returns
    -------
    bool
        Whether there is a look in colour; nothing is written otherwise.
    """
    look = next((look for look in looks if len(look.layers) == 3), None)
    if look is not None:
        image = Image.fromarray(picture_of(view, look))
        _save(image, target)
        image.reduce(2).save(small, quality=_JPEG_QUALITY)
    return look is not None


def draw_figures(quicklook: Path, labels: Path, legend: Legend, folder: Path) -> tuple[Path, ...]:
    """Write the pictures of a map.

    Parameters
    ----------
    quicklook
        A picture of the scene; it may be missing.
    labels
        The label raster. A raster of the confidence may lie beside it.
    legend
        Classes of the map.
    folder
        The folder to write to.

    Returns
    -------
    tuple of Path
        classes.png, contours.png if there is a quicklook, and confidence.png if there is a confidence.
    """
    codes = map_codes(labels)
    occurring = [legend_class for legend_class in legend.classes if (codes == legend_class.code).any()]
    key = [(legend_class.name, legend_class.rgb) for legend_class in occurring]
    if (codes == NO_DATA).any():
        key.append(("no data", (255, 255, 255)))
    written = [folder / "classes.png"]
    _save(with_legend(coloured(codes, legend), key), written[0])
    if quicklook.is_file():
        picture = np.asarray(Image.open(quicklook))
        fitted = map_codes(labels, (picture.shape[0], picture.shape[1]))
        lines = [
            (legend_class.name, rgb(legend_class.contour))
            for legend_class in occurring
            if legend_class.contour is not None
        ]
        written.append(folder / "contours.png")
        _save(with_legend(outlined(picture, fitted, legend), lines), written[1])
    confidence = smoothed_confidence(labels.parent)
    if confidence is not None:
        written.append(folder / "confidence.png")
        steps = np.asarray(indexed(confidence_steps(confidence), confidence_colours()).convert("RGB"))
        _save(with_legend(steps, [(step.name, step.colour) for step in CONFIDENCE_STEPS]), written[-1])
    return tuple(written)


def smoothed_confidence(folder: Path) -> Path | None:
    """Find the raster of confidence to look at: the smoothed one, or else the plain one; None if there is neither."""
    rasters = (folder / "confidence_smoothed.tif", folder / "confidence.tif")
    return next((raster for raster in rasters if raster.is_file()), None)


def _save(picture: Image.Image, path: Path) -> None:
    # The fastest level and strategy: photographs hardly compress better with others.
    picture.save(path, compress_level=1, compress_type=zlib.Z_RLE)


def _picture_size(dataset: gdal.Dataset, most: int = MOST_PIXELS) -> tuple[int, int]:
    """Return (width, height) of a picture of a raster.

    It is a whole fraction or a whole multiple of the raster's size, so that pixels fall on whole pixels.
    """
    width, height = dataset.RasterXSize, dataset.RasterYSize
    shrinking, enlarging = -(-max(width, height) // most), most // max(width, height)
    if shrinking > 1:
        return max(1, width // shrinking), max(1, height // shrinking)
    return width * enlarging, height * enlarging


def _eroded(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Remove the pixels that touch a pixel outside by a side; the picture's edge does not erode."""
    padded = np.pad(inside, 1, mode="edge")
    around: npt.NDArray[np.bool_] = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.logical_and(inside, around)
