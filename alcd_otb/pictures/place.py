"""Draw the place around a point at full resolution, in the same way for every date of a tile."""

from typing import NamedTuple

import numpy as np

from alcd_otb.errors import ProductError
from alcd_otb.pictures.figures import Picture, stretched
from alcd_otb.products.sentinel2_l1c import L1CProduct
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import JPEG2000, open_raster
from otb_pipelines.process import gdal, osr

SIDE = 256
"""Pixels of a side of such a picture."""

_COLOURS = ("B04", "B03", "B02")


class Place(NamedTuple):
    """A point in degrees of WGS 84."""

    longitude: float
    latitude: float

    def __str__(self) -> str:
        return f"{self.longitude:g},{self.latitude:g}"

    def on(self, grid: Grid) -> tuple[float, float]:
        """Return the map coordinates of the point in the CRS of a grid."""
        geographic = osr.SpatialReference()
        geographic.ImportFromEPSG(4326)
        geographic.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        x, y, _ = osr.CoordinateTransformation(geographic, grid.spatial_reference).TransformPoint(*self)
        return x, y


def picture_at(product: L1CProduct, place: Place) -> Picture:
    """Draw the pixels around a place in true colour, with the same stretch for every product.

    Parameters
    ----------
    product
        The product, with the bands B02, B03 and B04.
    place
        The place, which becomes the pixel (128, 128).

    Returns
    -------
    array
        (256, 256, 3). Pixels without data, and those beyond the image, are black.

    Raises
    ------
    ProductError
        The place lies outside the image, or a band cannot be decoded.
    """
    grid = product.grids[product.band(_COLOURS[0]).resolution]
    pixel = grid.pixel_at(*place.on(grid))
    if pixel is None:
        raise ProductError(f"{product.path}: its image does not contain the place {place}; give another place")
    top, left = (centre - SIDE // 2 for centre in pixel)
    rows, columns = slice(max(top, 0), min(top + SIDE, grid.height)), slice(max(left, 0), min(left + SIDE, grid.width))
    picture = np.zeros((SIDE, SIDE, len(_COLOURS)), np.uint8)
    inside = picture[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    for channel, name in enumerate(_COLOURS):
        band = product.band(name)
        numbers = np.zeros(inside.shape[:2], np.float32)
        for file in reversed(band.files):
            try:
                read = open_raster(file.path, JPEG2000).ReadAsArray(
                    columns.start, rows.start, inside.shape[1], inside.shape[0], buf_type=gdal.GDT_Float32
                )
            except RuntimeError as error:
                raise ProductError(f"{file.path}: cannot be decoded ({error}); download the product again") from error
            # Of several parts, the first that has data counts.
            numbers = np.where(read > product.no_data, read + file.shift, numbers)
        seen = numbers > product.no_data
        inside[..., channel] = np.where(seen, stretched((numbers + band.offset) / product.quantification), 0)
    return picture
