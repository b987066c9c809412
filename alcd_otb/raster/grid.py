"""Describe the grid of a scene, on which every raster of the scene lies."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from alcd_otb.errors import ProductError
from alcd_otb.raster.drivers import check_proj
from alcd_otb.raster.opening import GEOTIFF, open_raster
from otb_pipelines.process import osr

_ROUNDING = 0.01
"""What a grid may be off anywhere by rounding, as a share of a pixel: some writers divide an extent by a count."""


class Window(NamedTuple):
    """A rectangle of pixels of a grid.

    Attributes
    ----------
    row
        First row, counted from 0.
    column
        First column, counted from 0.
    rows
        Number of rows.
    columns
        Number of columns.
    """

    row: int
    column: int
    rows: int
    columns: int

    def __str__(self) -> str:
        last_row, last_column = self.row + self.rows - 1, self.column + self.columns - 1
        return f"rows {self.row} to {last_row}, columns {self.column} to {last_column}"


@dataclass(frozen=True)
class Grid:
    """A north-up raster grid of square pixels.

    Attributes
    ----------
    crs
        Authority code such as ``EPSG:32631``, or WKT if the CRS has no code.
    left
        The x coordinate of the outer corner of the first pixel, in map units.
    top
        The y coordinate of the outer corner of the first pixel, in map units.
    resolution
        Side of a pixel in map units, which are metres for Sentinel-2.
    width
        Number of columns.
    height
        Number of rows.
    """

    crs: str
    left: float
    top: float
    resolution: float
    width: int
    height: int

    @classmethod
    def of(cls, path: str | Path, formats: Sequence[str] = GEOTIFF) -> Self:
        """Read the grid of a raster.

        Parameters
        ----------
        path, formats
            As for `open_raster`.

        Raises
        ------
        ProductError
            The raster is rotated, its pixels are not square, it has no CRS, or it cannot be read. Rounding, by which no
            pixel is off by more than a hundredth of its side, is neither.
        """
        try:
            dataset = open_raster(path, formats)
        except RuntimeError as error:
            raise ProductError(f"{path}: cannot be read as a raster ({' '.join(str(error).split())})") from error
        transform, size = dataset.GetGeoTransform(), (dataset.RasterXSize, dataset.RasterYSize)
        resolution = _side(transform, size)
        if resolution is None:
            raise ProductError(f"{path}: its pixels are not square and north-up; warp it first")
        reference = dataset.GetSpatialRef()
        if reference is None:
            raise ProductError(f"{path}: has no coordinate reference system")
        return cls(crs_name(reference), transform[0], transform[3], resolution, *size)

    @property
    def right(self) -> float:
        """The x coordinate of the right edge, in map units."""
        return self.left + self.width * self.resolution

    @property
    def bottom(self) -> float:
        """The y coordinate of the lower edge, in map units."""
        return self.top - self.height * self.resolution

    @property
    def pixel_hectares(self) -> float:
        """Area of a pixel in hectares, for a grid in metres."""
        return self.resolution**2 / 10_000

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """(left, bottom, right, top) in map units, the order of OGR and Fiona."""
        return (self.left, self.bottom, self.right, self.top)

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """GDAL's geotransform."""
        return (self.left, self.resolution, 0.0, self.top, 0.0, -self.resolution)

    @property
    def spatial_reference(self) -> osr.SpatialReference:
        """The CRS for GDAL, with x (easting, longitude) before y."""
        check_proj()
        reference = osr.SpatialReference()
        reference.SetFromUserInput(self.crs)
        reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
        return reference

    def at_resolution(self, resolution: float) -> Self:
        """Make the grid of the same corner with pixels of another side.

        No pixel reaches beyond the edge of this grid.

        Parameters
        ----------
        resolution
            Side of a pixel in map units.

        Raises
        ------
        ValueError
            Not even one pixel fits.
        """
        width = int((self.width + _ROUNDING) * self.resolution / resolution)
        height = int((self.height + _ROUNDING) * self.resolution / resolution)
        if width < 1 or height < 1:
            raise ValueError(f"a pixel of {resolution} m does not fit into {self.width * self.resolution} m")
        return type(self)(self.crs, self.left, self.top, resolution, width, height)

    def is_nearly(self, other: Self) -> bool:
        """Return whether another grid is the same but for rounding: no pixel is off by more than a hundredth of it."""
        if (self.crs, self.width, self.height) != (other.crs, other.width, other.height):
            return False
        shifts = (mine - its for mine, its in zip(self.extent, other.extent, strict=True))
        return all(abs(shift) <= _ROUNDING * self.resolution for shift in shifts)

    def pixel_at(self, x: float, y: float) -> tuple[int, int] | None:
        """Return (row, column) of the pixel that holds a point, or None outside the grid.

        Parameters
        ----------
        x, y
            Map coordinates of the point.
        """
        column = int((x - self.left) // self.resolution)
        row = int((self.top - y) // self.resolution)
        if 0 <= row < self.height and 0 <= column < self.width:
            return row, column
        return None

    def centre_of(self, row: int, column: int) -> tuple[float, float]:
        """Return the map coordinates (x, y) of a pixel's centre.

        Parameters
        ----------
        row, column
            The pixel, counted from 0.
        """
        return (
            self.left + (column + 0.5) * self.resolution,
            self.top - (row + 0.5) * self.resolution,
        )


def _side(transform: Sequence[float], size: tuple[int, int]) -> float | None:
    """Choose the side of a raster's pixels. None if they are not square and north-up.

    Of sides that differ by rounding, it is the number of the fewest digits that is near enough to both.

    Parameters
    ----------
    transform
        GDAL's geotransform.
    size
        Columns and rows.
    """
    _, width, row_skew, _, column_skew, height = transform
    if width <= 0:
        return None
    if (row_skew, column_skew, height) == (0, 0, -width):
        return width
    columns, rows = size
    most = _ROUNDING * width
    if max(abs(row_skew) * rows, abs(column_skew) * columns) > most:
        return None
    for digits in range(1, 17):
        side = float(f"{(width - height) / 2:.{digits}g}")
        if max(abs(side - width) * columns, abs(side + height) * rows) <= most:
            return side
    return None


def crs_name(reference: osr.SpatialReference) -> str:
    """Return the authority code of a CRS, such as ``EPSG:32631``, or its WKT if it has no code."""
    authority, code = reference.GetAuthorityName(None), reference.GetAuthorityCode(None)
    return f"{authority}:{code}" if authority and code else str(reference.ExportToWkt())
