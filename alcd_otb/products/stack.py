"""Read georeferenced stacks, which are raster files of any sensor whose bands have names."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import NamedTuple

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.raster.grid import Grid, crs_name
from alcd_otb.raster.opening import GIVEN_RASTERS, open_raster
from otb_pipelines.process import gdal, osr
from otb_pipelines.reading import BandFile

_WHOLE = {gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Int16, gdal.GDT_UInt32, gdal.GDT_Int32}
_REAL = {*_WHOLE, gdal.GDT_Float32, gdal.GDT_Float64}
# Files that viewers write beside a raster. Those of their contents that matter are read and compared separately.
_NOT_PIXELS = (".aux.xml", ".ovr")


@dataclass(frozen=True)
class StackBand:
    """One band of a stack. Its values are the stored values * scale + offset.

    Attributes
    ----------
    name
        The name of the band.
    path
        A raster of this band alone, which GDAL opens: Float32 as stored, NaN where there is no data.
    resolution
        Side of a pixel in metres.
    scale, offset
        Factor and summand of the values.
    """

    name: str
    path: str
    resolution: float
    scale: float
    offset: float

    @property
    def files(self) -> tuple[BandFile, ...]:
        """The raster, as the bands of products have their files."""
        return (BandFile(self.path),)


class PixelFile(NamedTuple):
    """A file that holds pixels of a stack, and what shows that it has changed.

    Attributes
    ----------
    path
        The path of the file.
    size
        Its size in bytes.
    changed
        The time of its last change in nanoseconds.
    """

    path: str
    size: int
    changed: int


@dataclass(frozen=True)
class Stack:
    """A raster file on a grid in metres.

    Attributes
    ----------
    path
        The raster file.
    grid
        Its grid.
    bands
        Its bands, in their order.
    files
        The files that hold its pixels.
    no_data
        The value that means no data in the rasters of its bands.
    saturated
        None, since no file states which value means saturation.
    """

    path: Path
    grid: Grid
    bands: tuple[StackBand, ...]
    files: tuple[PixelFile, ...] = field(repr=False)
    no_data: float = math.nan
    saturated: None = None

    @property
    def name(self) -> str:
        """The name of the file without its suffix."""
        return self.path.stem

    def band(self, name: str) -> StackBand:
        """Return the band of a name.

        Raises
        ------
        ProductError
            The stack has no band of this name. The message names the bands that it has.
        """
        for band in self.bands:
            if band.name == name:
                return band
        present = ", ".join(band.name or "one without a name" for band in self.bands)
        raise ProductError(
            f'{self.path}: has no band {name!r} (present: {present}); name its bands in their order by "bands"'
        )


def read_stack(path: Path, names: tuple[str, ...] | None = None, like: Grid | None = None) -> Stack:
    """Read the description of a raster file.

    A no-data value, a mask or an alpha band of the file mean no data, and so does a value that is not finite.

    Parameters
    ----------
    path
        The raster file.
    names
        Names of its bands, in their order. None takes the bands' own descriptions.
    like
        The grid to take instead of the file's own, if they differ by rounding alone.

    Raises
    ------
    ProductError
        The file cannot be read, is rotated, has no CRS in metres, or has a band of a type that cannot be used.
    ConfigurationError
        The number of names is not that of the bands.
    """
    try:
        dataset = open_raster(path, GIVEN_RASTERS)
    except RuntimeError as error:
        raise ProductError(f"{path}: cannot be read as a raster ({error})") from error
    numbers = list(range(1, dataset.RasterCount + 1))
    alpha = next((number for number in numbers if _is_alpha(dataset.GetRasterBand(number))), None)
    numbers = [number for number in numbers if number != alpha]
    if names is not None and len(names) != len(numbers):
        raise ConfigurationError(
            f'{path}: has {len(numbers)} bands, and "bands" gives {len(names)} names; give each band its name'
        )
    reference = dataset.GetSpatialRef()
    if reference is not None:
        _check_metres(path, dataset, reference)
    grid = Grid.of(path, GIVEN_RASTERS)
    if like is not None and grid.is_nearly(like):
        grid = like
    bands = [dataset.GetRasterBand(number) for number in numbers]
    for number, band in zip(numbers, bands, strict=True):
        if band.DataType not in _REAL:
            kind = gdal.GetDataTypeName(band.DataType)
            raise ProductError(f"{path}: band {number} is of type {kind}; translate it to Float32 (gdal_translate -ot)")
    chosen = names or tuple(band.GetDescription() for band in bands)
    twice = sorted({name for name in chosen if name and chosen.count(name) > 1})
    if twice:
        raise ProductError(f'{path}: has two bands named {twice[0]!r}; name its bands in their order by "bands"')
    return Stack(
        path=path,
        grid=grid,
        bands=tuple(
            StackBand(
                name,
                _band_raster(path, number, _mask(dataset, number, alpha), grid),
                grid.resolution,
                1.0 if (scale := band.GetScale()) is None else scale,
                band.GetOffset() or 0.0,
            )
            for name, number, band in zip(chosen, numbers, bands, strict=True)
        ),
        files=_files(dataset),
    )


def check_stacks(stacks: Sequence[Stack]) -> None:
    """Check that stacks can be used together.

    Raises
    ------
    ProductError
        Their grids differ, or a stack occurs twice.
    """
    first = stacks[0]
    for number, other in enumerate(stacks[1:], start=1):
        if other.grid != first.grid:
            raise ProductError(
                f"{other.path}: its grid is {_described(other.grid)}, that of {first.path} {_described(first.grid)}; "
                "warp one to the other (gdalwarp -t_srs -tr -te)"
            )
        if any(other.path.resolve() == earlier.path.resolve() for earlier in stacks[:number]):
            raise ProductError(f"{other.path}: is given twice; give each date a file of its own")


def _described(grid: Grid) -> str:
    corner = f"({grid.left:.10g}, {grid.top:.10g})"
    return f"{grid.width} x {grid.height} px from {corner} of {grid.resolution:g} m in {grid.crs}"


def _files(dataset: gdal.Dataset) -> tuple[PixelFile, ...]:
    """List the files that hold the pixels of a raster, with the sources of virtual rasters at any depth."""
    names = list(dataset.GetFileList() or ())
    for name in names:
        if name.endswith(".vrt") and name != names[0] and os.path.isfile(name):
            names += [source for source in open_raster(Path(name), GIVEN_RASTERS).GetFileList() if source not in names]
    pixels = [name for name in names if not name.endswith(_NOT_PIXELS) and os.path.isfile(name)]
    return tuple(PixelFile(name, (status := os.stat(name)).st_size, status.st_mtime_ns) for name in pixels)


def _is_alpha(band: gdal.Band) -> bool:
    return bool(band.GetColorInterpretation() == gdal.GCI_AlphaBand)


def _check_metres(path: Path, dataset: gdal.Dataset, reference: osr.SpatialReference) -> None:
    """Check that a raster's CRS is in metres. The message of the ProductError gives the command that helps."""
    if reference.IsProjected() and math.isclose(reference.GetLinearUnits(), 1):
        return
    if not (reference.IsProjected() or reference.IsGeographic()):
        raise ProductError(
            f"{path}: its coordinate reference system is not that of a map ({crs_name(reference)}); assign it one"
        )
    units = reference.GetLinearUnitsName() if reference.IsProjected() else "degrees"
    longitude, latitude = _centre(dataset, reference)
    zone = int((longitude + 180) // 6) % 60 + 1
    code = (32600 if latitude >= 0 else 32700) + zone
    raise ProductError(
        f"{path}: its coordinates are in {units}, and metres are needed; "
        f"warp it, such as: gdalwarp -t_srs EPSG:{code} -tr 10 10 -tap {path.name} warped.tif"
    )


def _centre(dataset: gdal.Dataset, reference: osr.SpatialReference) -> tuple[float, float]:
    """Compute the longitude and the latitude of the middle, in degrees."""
    left, width, row_skew, top, column_skew, height = dataset.GetGeoTransform()
    columns, rows = dataset.RasterXSize / 2, dataset.RasterYSize / 2
    x, y = left + columns * width + rows * row_skew, top + columns * column_skew + rows * height
    geographic = osr.SpatialReference()
    geographic.ImportFromEPSG(4326)
    for system in (reference, geographic):
        system.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    longitude, latitude, _ = osr.CoordinateTransformation(reference, geographic).TransformPoint(x, y)
    return longitude, latitude


class _Mask(NamedTuple):
    """The band that marks where another band has data.

    Attributes
    ----------
    source
        The band in the language of GDAL's virtual rasters, such as ``4`` or ``mask,1``.
    data_value
        Its value where there is data.
    """

    source: str
    data_value: int


def _mask(dataset: gdal.Dataset, number: int, alpha: int | None) -> _Mask | None:
    """Find the mask of a band. None if all its pixels have data."""
    if alpha is not None:
        # GDAL does not use the alpha band as a mask in files with an odd number of bands.
        return _Mask(str(alpha), 65535 if dataset.GetRasterBand(alpha).DataType == gdal.GDT_UInt16 else 255)
    if dataset.GetRasterBand(number).GetMaskFlags() == gdal.GMF_ALL_VALID:
        return None
    return _Mask(f"mask,{number}", 255)


def _band_raster(path: Path, number: int, mask: _Mask | None, grid: Grid) -> str:
    """Write a virtual raster of one band as XML, which GDAL opens like a file. Only NaN means no data in it."""
    # Overviews are left out, since it is not known how they were made.
    common = f"""<SourceFilename relativeToVRT="0">{escape(str(path), quote=False)}</SourceFilename>
      <OpenOptions><OOI key="OVERVIEW_LEVEL">NONE</OOI></OpenOptions>"""
    sources = f"""<SimpleSource>
      {common}
      <SourceBand>{number}</SourceBand>
    </SimpleSource>"""
    if mask is not None:
        sources += f"""
    <ComplexSource>
      {common}
      <SourceBand>{mask.source}</SourceBand>
      <ScaleOffset>nan</ScaleOffset>
      <ScaleRatio>1</ScaleRatio>
      <NODATA>{mask.data_value}</NODATA>
    </ComplexSource>"""
    return f"""<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">
  <SRS>{escape(grid.crs, quote=False)}</SRS>
  <GeoTransform>{", ".join(repr(float(number)) for number in grid.transform)}</GeoTransform>
  <VRTRasterBand dataType="Float32" band="1">
    <NoDataValue>nan</NoDataValue>
    {sources}
  </VRTRasterBand>
</VRTDataset>
"""
