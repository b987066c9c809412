"""Georeferenced stacks: a raster file of any sensor whose bands have names."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from alcd_otb.errors import ConfigurationError, ProductError
from alcd_otb.raster.grid import Grid, crs_name
from otb_pipelines.process import gdal, osr

_WHOLE = {gdal.GDT_Byte, gdal.GDT_UInt16, gdal.GDT_Int16, gdal.GDT_UInt32, gdal.GDT_Int32}
_REAL = {*_WHOLE, gdal.GDT_Float32, gdal.GDT_Float64}
# What viewers write beside a file; what of it counts is read and compared by itself.
_NOT_PIXELS = (".aux.xml", ".ovr")


@dataclass(frozen=True)
class StackBand:
    """One band of a stack. value = stored value * scale + offset.

    path: opened by GDAL, a raster of this band alone: Float32 as stored, NaN where there is no data.
    """

    name: str
    path: str
    resolution: float
    scale: float
    offset: float


@dataclass(frozen=True)
class Stack:
    """A raster file on a grid in metres.

    no_data: in the rasters of its bands. saturated: None, since no file tells it. files: (name, bytes, time of change
    in nanoseconds) of what its pixels lie in.
    """

    path: Path
    grid: Grid
    bands: tuple[StackBand, ...]
    files: tuple[tuple[str, int, int], ...] = field(repr=False)
    no_data: float = math.nan
    saturated: None = None

    @property
    def name(self) -> str:
        return self.path.stem

    def band(self, name: str) -> StackBand:
        """Raises ProductError, naming the bands present, where the stack has no band of this name."""
        for band in self.bands:
            if band.name == name:
                return band
        present = ", ".join(band.name or "one without a name" for band in self.bands)
        raise ProductError(
            f'{self.path}: has no band {name!r} (present: {present}); name its bands in their order by "bands"'
        )


def read_stack(path: Path, names: tuple[str, ...] | None = None) -> Stack:
    """Read the description of a raster file.

    names: of its bands, in their order; None: the bands' own descriptions.
    No data is what the file says by a no-data value, a mask or an alpha band, and what is no finite number.

    Raises ProductError where it cannot be read, is rotated, or is in no CRS in metres; ConfigurationError where names
    are not as many as its bands.
    """
    try:
        dataset = gdal.Open(str(path))
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
    grid = Grid.of(str(path))
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
    """Check that stacks can be used together. Raises ProductError where grids differ or one is given twice."""
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


def _files(dataset: gdal.Dataset) -> tuple[tuple[str, int, int], ...]:
    """As Stack.files; of a virtual raster, those that it is made from, too, however many lie between."""
    names = list(dataset.GetFileList() or ())
    for name in names:
        if name.endswith(".vrt") and name != names[0] and os.path.isfile(name):
            names += [one for one in gdal.Open(name).GetFileList() if one not in names]
    pixels = [name for name in names if not name.endswith(_NOT_PIXELS) and os.path.isfile(name)]
    return tuple((name, (status := os.stat(name)).st_size, status.st_mtime_ns) for name in pixels)


def _is_alpha(band: gdal.Band) -> bool:
    return bool(band.GetColorInterpretation() == gdal.GCI_AlphaBand)


def _check_metres(path: Path, dataset: gdal.Dataset, reference: osr.SpatialReference) -> None:
    """Raises ProductError, with the command that helps."""
    if reference.IsProjected() and math.isclose(reference.GetLinearUnits(), 1):
        return
    if not (reference.IsProjected() or reference.IsGeographic()):
        raise ProductError(
            f"{path}: its coordinate reference system is no map's ({crs_name(reference)}); assign it one"
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
    """(longitude, latitude) of the middle, in degrees."""
    left, width, row_skew, top, column_skew, height = dataset.GetGeoTransform()
    columns, rows = dataset.RasterXSize / 2, dataset.RasterYSize / 2
    x, y = left + columns * width + rows * row_skew, top + columns * column_skew + rows * height
    geographic = osr.SpatialReference()
    geographic.ImportFromEPSG(4326)
    for one in (reference, geographic):
        one.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    longitude, latitude, _ = osr.CoordinateTransformation(reference, geographic).TransformPoint(x, y)
    return longitude, latitude


def _mask(dataset: gdal.Dataset, number: int, alpha: int | None) -> tuple[str, int] | None:
    """(source of a virtual raster, its value where there is data) of what tells no data; None where nothing does."""
    if alpha is not None:
        # Of files with an odd number of bands, GDAL takes none for the mask.
        return str(alpha), 65535 if dataset.GetRasterBand(alpha).DataType == gdal.GDT_UInt16 else 255
    return None if dataset.GetRasterBand(number).GetMaskFlags() == gdal.GMF_ALL_VALID else (f"mask,{number}", 255)


def _band_raster(path: Path, number: int, mask: tuple[str, int] | None, grid: Grid) -> str:
    """A virtual raster of one band, as XML, which GDAL opens like a file: NaN is all there is to tell no data."""
    # Overviews are of unknown making.
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
      <SourceBand>{mask[0]}</SourceBand>
      <ScaleOffset>nan</ScaleOffset>
      <ScaleRatio>1</ScaleRatio>
      <NODATA>{mask[1]}</NODATA>
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
