"""One band of a product on a scene's grid: a virtual raster that GDAL decodes and resamples while OTB reads it."""

import math
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from osgeo import gdal

from alcd_otb.errors import ProductError
from alcd_otb.grid import Grid

gdal.UseExceptions()


@dataclass(frozen=True)
class Radiometry:
    """value = DN * scale + offset, where DN is not no_data; with no_data None, everywhere."""

    scale: float
    offset: float
    no_data: int | None


def describe_band(path: str, level: int, grid: Grid, radiometry: Radiometry, resampling: str, name: Path) -> Path:
    """Write the virtual raster `name` that shows a band file on the grid, Float32, NaN where there is no data.

    level: wavelet level of a JPEG 2000 file to decode; 0 decodes every pixel.
    resampling: "average" averages what goes to a coarser grid over its pixels that have data, and takes what goes to
    a finer one bilinearly; "nearest" takes the pixel under the centre.
    Raises ProductError where the file cannot be read.
    """
    source = _open(path)
    left, native, _, top, _, _ = source.GetGeoTransform()
    resolution = native * 2**level
    width, height = (-(-side // 2**level) for side in (source.RasterXSize, source.RasterYSize))
    # Resampling looks only at the no-data value of what it reads, and the band file declares none: hence a virtual
    # raster of the file as it is, which declares it, below the one that resamples. Float32 there, too, or the
    # average would be rounded to whole numbers.
    native_name = name.with_suffix(".native.vrt")
    # "only" hides the levels below, which GDAL would use, or not, depending on the size of the block asked for.
    option = f"{level - 1}only" if level else "NONE"
    declared = "" if radiometry.no_data is None else f"<NoDataValue>{radiometry.no_data}</NoDataValue>"
    skipped = "" if radiometry.no_data is None else f"<NODATA>{radiometry.no_data}</NODATA>"
    native_name.write_text(
        f"""<VRTDataset rasterXSize="{width}" rasterYSize="{height}">
  <SRS>{escape(grid.crs)}</SRS>
  <GeoTransform>{left!r}, {resolution!r}, 0, {top!r}, 0, {-resolution!r}</GeoTransform>
  <VRTRasterBand dataType="Float32" band="1">
    {declared}
    <SimpleSource>
      <SourceFilename relativeToVRT="0">{escape(path)}</SourceFilename>
      <OpenOptions><OOI key="OVERVIEW_LEVEL">{option}</OOI></OpenOptions>
      <SourceBand>1</SourceBand>
      <SrcRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>
      <DstRect xOff="0" yOff="0" xSize="{width}" ySize="{height}"/>
    </SimpleSource>
  </VRTRasterBand>
</VRTDataset>
""",
        encoding="utf-8",
    )
    name.write_text(
        f"""<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">
  <SRS>{escape(grid.crs)}</SRS>
  <GeoTransform>{", ".join(repr(float(number)) for number in grid.transform)}</GeoTransform>
  <VRTRasterBand dataType="Float32" band="1">
    <NoDataValue>nan</NoDataValue>
    <ComplexSource resampling="{_algorithm(resolution, grid.resolution, resampling)}">
      <SourceFilename relativeToVRT="0">{escape(str(native_name))}</SourceFilename>
      <SourceBand>1</SourceBand>
      <SrcRect xOff="{(grid.left - left) / resolution!r}" yOff="{(top - grid.top) / resolution!r}"
               xSize="{grid.width * grid.resolution / resolution!r}"
               ySize="{grid.height * grid.resolution / resolution!r}"/>
      <DstRect xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"/>
      <ScaleOffset>{radiometry.offset!r}</ScaleOffset>
      <ScaleRatio>{radiometry.scale!r}</ScaleRatio>
      {skipped}
    </ComplexSource>
  </VRTRasterBand>
</VRTDataset>
""",
        encoding="utf-8",
    )
    return name


def coarsest_level(path: str, resolution: float) -> int:
    """The coarsest wavelet level of a JPEG 2000 file whose pixels are no larger than this; 0 is the file itself."""
    source = _open(path)
    band = source.GetRasterBand(1)
    level = max(0, math.floor(math.log2(resolution / source.GetGeoTransform()[1]) + 1e-9))
    while level and not _has_level(band, level):
        level -= 1
    return level


def _has_level(band: gdal.Band, level: int) -> bool:
    if level > band.GetOverviewCount():
        return False
    overview = band.GetOverview(level - 1)
    return bool(overview.XSize == -(-band.XSize // 2**level) and overview.YSize == -(-band.YSize // 2**level))


def _open(path: str) -> gdal.Dataset:
    try:
        return gdal.Open(path)
    except RuntimeError as error:
        raise ProductError(f"{path}: cannot be read ({error}); fetch the product again") from error


def _algorithm(resolution: float, wanted: float, resampling: str) -> str:
    if resampling == "nearest" or resolution == wanted:
        return "nearest"
    return "average" if resolution < wanted else "bilinear"
