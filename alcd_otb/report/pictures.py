"""Draw the pictures of a report.

They have one size and lie one over the other, for a wipe between them.
"""

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
    """A picture of a report.

    Attributes
    ----------
    name
        An identifier.
    title
        What the picture shows.
    uri
        An address that holds the picture.
    key
        (name, #rrggbb) of its colours.
    pixelated
        Whether its pixels are those of the map, to be enlarged without smoothing.
    """

    name: str
    title: str
    uri: str
    key: tuple[tuple[str, str], ...] = ()
    pixelated: bool = False


def report_pictures(preview: Path, folder: Path, legend: Legend) -> tuple[ReportPicture, ...]:
    """Draw the image, the outlines over it, the map and its confidence, as far as they exist.

    Parameters
    ----------
    preview
        A JPEG of the image; it may be missing.
    folder
        The folder of the iteration.
    legend
        Classes of the map.
    """
    labels = folder / "labels.tif"
    codes = map_codes(labels, most=SMALL)
    occurring = [legend_class for legend_class in legend.classes if (codes == legend_class.code).any()]
    pictures = []
    if preview.is_file():
        content = preview.read_bytes()
        image = np.asarray(Image.open(preview))
        fitted = map_codes(labels, (image.shape[0], image.shape[1]))
        contours = image_uri(Image.fromarray(outlined(image, fitted, legend)), "JPEG")
        lines = tuple((legend_class.name, legend_class.contour) for legend_class in occurring if legend_class.contour)
        pictures += [
            ReportPicture("image", "Image", data_uri(content, "JPEG")),
            ReportPicture("contours", "Contours", contours, lines),
        ]
    classes = image_uri(indexed(codes, {legend_class.code: legend_class.rgb for legend_class in legend.classes}), "PNG")
    key = tuple((legend_class.name, legend_class.colour) for legend_class in occurring)
    pictures.append(ReportPicture("classes", "Classes", classes, (*key, _NO_DATA), pixelated=True))
    confidence = smoothed_confidence(folder)
    if confidence is not None:
        uri = image_uri(indexed(confidence_steps(confidence), confidence_colours()), "PNG")
        steps = tuple((step.name, _hexadecimal(step.colour)) for step in CONFIDENCE_STEPS)
        pictures.append(ReportPicture("confidence", "Confidence", uri, (*steps, _NO_DATA), pixelated=True))
    return tuple(pictures)


def _hexadecimal(colour: RgbColour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
