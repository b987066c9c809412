"""The pictures of a report: one size, one over the other, so that one can be wiped off another."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from alcd_otb.pages.html import data_uri, image_uri
from alcd_otb.pictures.figures import (
    CONFIDENCE_STEPS,
    SMALL,
    RgbColour,
    confidence_colours,
    confidence_steps,
    indexed,
    map_codes,
    outlined,
    smoothed_confidence,
)
from alcd_otb.settings.legend import Legend

_NO_DATA = ("no data", "#ffffff")


@dataclass(frozen=True)
class ReportPicture:
    """name: an identifier. uri: holds the picture. key: (name, #rrggbb) of its colours; pixelated: its pixels are those
    of the map, to be enlarged without smoothing."""

    name: str
    title: str
    uri: str
    key: tuple[tuple[str, str], ...] = ()
    pixelated: bool = False


def report_pictures(preview: Path, folder: Path, legend: Legend) -> tuple[ReportPicture, ...]:
    """The image, the outlines over it, the map and its confidence; those that there are."""
    labels = folder / "labels.tif"
    codes = map_codes(labels, most=SMALL)
    occurring = [one for one in legend.classes if (codes == one.code).any()]
    pictures = []
    if preview.is_file():
        content = preview.read_bytes()
        image = np.asarray(Image.open(preview))
        fitted = map_codes(labels, (image.shape[0], image.shape[1]))
        contours = image_uri(Image.fromarray(outlined(image, fitted, legend)), "JPEG")
        lines = tuple((one.name, one.contour) for one in occurring if one.contour)
        pictures += [
            ReportPicture("image", "Image", data_uri(content, "JPEG")),
            ReportPicture("contours", "Contours", contours, lines),
        ]
    classes = image_uri(indexed(codes, {one.code: one.rgb for one in legend.classes}), "PNG")
    key = tuple((one.name, one.colour) for one in occurring)
    pictures.append(ReportPicture("classes", "Classes", classes, (*key, _NO_DATA), pixelated=True))
    confidence = smoothed_confidence(folder)
    if confidence is not None:
        uri = image_uri(indexed(confidence_steps(confidence), confidence_colours()), "PNG")
        steps = tuple((one.name, _hexadecimal(one.colour)) for one in CONFIDENCE_STEPS)
        pictures.append(ReportPicture("confidence", "Confidence", uri, (*steps, _NO_DATA), pixelated=True))
    return tuple(pictures)


def _hexadecimal(colour: RgbColour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
