"""Draw small pictures for the page: difference maps over the image of the scene, and reference masks."""

import logging
from pathlib import Path

import numpy as np
from PIL import Image

from alcd_otb.compare.differences import COLOURS
from alcd_otb.errors import ProductError
from alcd_otb.masks.mask import Mask
from alcd_otb.pictures.figures import Picture, indexed
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import PICTURES, open_raster
from alcd_otb.settings.legend import rgb
from otb_pipelines.process import gdal

log = logging.getLogger(__name__)

DIFFERENCE_SIDE, REFERENCE_SIDE = 480, 240
"""Most pixels of the longer side of a picture. 32 scenes by 3 processors make a page of some 5 MB."""

_OPAQUE = 0.7
"""Opacity of the colours of a difference map over the image."""

_SAME_SHAPE = 0.02
"""Relative difference of two ratios of width to height that count as equal."""


def difference_picture(difference: Path, scene_picture: str | None) -> Image.Image:
    """Draw a difference map over the grey image of the scene.

    Parameters
    ----------
    difference
        The difference map.
    scene_picture
        An image of the scene, or None to draw the map alone.
    """
    dataset = open_raster(difference)
    width, height = _picture_size(dataset.RasterXSize, dataset.RasterYSize, DIFFERENCE_SIDE)
    codes = dataset.ReadAsArray(buf_xsize=width, buf_ysize=height, resample_alg=gdal.GRIORA_NearestNeighbour)
    table = np.full((256, 3), 255.0)
    for code, (_, colour) in COLOURS.items():
        table[code] = rgb(colour)
    behind = _image_on(Grid.of(str(difference)), scene_picture, width, height)
    if behind is None:
        drawn = table[codes]
    else:
        grey = behind.mean(axis=2, keepdims=True)
        drawn = np.where((codes == 0)[..., np.newaxis], grey, _OPAQUE * table[codes] + (1 - _OPAQUE) * grey)
    return Image.fromarray(drawn.astype(np.uint8))


def reference_picture(mask: Mask) -> Image.Image | None:
    """Draw a reference mask in the colours of its classes, with no data white.

    Returns
    -------
    Image or None
        None for a mask of bits, and for a mask that cannot be read. The comparison has reported such a mask if it was
        asked to read it.
    """
    if not mask.classes:
        return None
    width, height = _picture_size(mask.grid.width, mask.grid.height, REFERENCE_SIDE)
    try:
        dataset = mask.layers[0].open()
        band = dataset.GetRasterBand(mask.layers[0].band)
        codes = band.ReadAsArray(buf_xsize=width, buf_ysize=height, resample_alg=gdal.GRIORA_NearestNeighbour)
    except (RuntimeError, ProductError) as error:
        log.warning("%s: is not drawn among the references (%s)", mask.path, " ".join(str(error).split()))
        return None
    colours = {
        pixel_class.code: rgb(pixel_class.colour) for pixel_class in mask.classes if pixel_class.colour is not None
    }
    return indexed(np.clip(codes, 0, 255).astype(np.uint8), colours)


def _image_on(grid: Grid, path: str | None, width: int, height: int) -> Picture | None:
    """Read the image of a scene on the extent of a grid; None if no image fits."""
    if path is None:
        return None
    try:
        image = open_raster(Path(path), PICTURES)
        if image.GetSpatialRef() is not None:
            image = gdal.Warp(
                "",
                image,
                format="MEM",
                dstSRS=grid.crs,
                outputBounds=grid.extent,
                width=width,
                height=height,
                resampleAlg="bilinear",
            )
        elif abs(image.RasterXSize / image.RasterYSize * grid.height / grid.width - 1) > _SAME_SHAPE:
            return None
        pixels = image.ReadAsArray(buf_xsize=width, buf_ysize=height, resample_alg=gdal.GRIORA_Average)
    except RuntimeError as error:
        log.warning("%s: is not drawn under the difference maps (%s)", path, " ".join(str(error).split()))
        return None
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[0] < 3:
        return None
    return np.ascontiguousarray(np.moveaxis(pixels[:3], 0, 2))


def _picture_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Return (width, height) of a picture whose longer side has about this number of pixels.

    A small raster is enlarged by a whole number, so that its pixels stay sharp.
    """
    longest = max(width, height)
    factor = side // longest if longest <= side else side / longest
    return max(1, round(width * factor)), max(1, round(height * factor))
