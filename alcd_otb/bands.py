"""One band of a product on a scene's grid: a virtual raster that GDAL decodes and resamples while OTB reads it."""

import math
from dataclasses import dataclass
from html import escape
from pathlib import Path

from osgeo import gdal

from alcd_otb.errors import ProductError
from alcd_otb.grid import Grid

gdal.UseExceptions()


@dataclass(frozen=True)
class Radiometry:
    """value = DN * scale + offset, where DN is not no_data; with no_data None, everywhere.

    whole: values are rounded to 16-bit integers, of which none can mean no data.
    """

    scale: float
    offset: float
    no_data: float | None
    whole: bool = False


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
    # A level keeps every second sample, from the first: the centre of its pixel is that of the pixel it began with.
    shift = (resolution - native) / 2
    as_it_is = Grid(grid.crs, left - shift, top + shift, resolution, width, height)
    file = _source_file(path, level)
    if resolution != grid.resolution:
        # Resampling looks only at the no-data value of what it reads, and the band file declares none: hence a virtual
        # raster of the file as it is, which declares it, below the one that resamples. Where nothing is resampled, to
        # copy every pixel through it would cost a tenth of the decoding.
        file_name = name.with_suffix(".file.vrt")
        file_name.write_text(_file_raster(file, as_it_is, radiometry.no_data), encoding="utf-8")
        file = _source_file(str(file_name))
    name.write_text(_grid_raster(file, as_it_is, grid, radiometry, resampling), encoding="utf-8")
    return name


def _source_file(path: str, level: int | None = None) -> str:
    """What a virtual raster reads; level: of a JPEG 2000 file."""
    named = f'<SourceFilename relativeToVRT="0" shared="0">{escape(path, quote=False)}</SourceFilename>'
    if level is None:
        return named
    # "only" hides the levels below, which GDAL would use, or not, depending on the size of the block asked for.
    option = f"{level - 1}only" if level else "NONE"
    return f'{named}<OpenOptions><OOI key="OVERVIEW_LEVEL">{option}</OOI></OpenOptions>'


def _file_raster(file: str, grid: Grid, no_data: float | None) -> str:
    """The virtual raster of one level of a file. Float32, or the average of it would be rounded to whole numbers."""
    window = f'xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"'
    source = f"""<SimpleSource>
      {file}
      <SourceBand>1</SourceBand>
      <SrcRect {window}/>
      <DstRect {window}/>
    </SimpleSource>"""
    return _virtual_raster(grid, "Float32", no_data, source)


def _grid_raster(file: str, file_grid: Grid, grid: Grid, radiometry: Radiometry, resampling: str) -> str:
    """The virtual raster that shows the one of the file on another grid."""
    algorithm = _algorithm(file_grid.resolution, grid.resolution, resampling)
    ratio = grid.resolution / file_grid.resolution
    common = f"""{file}
      <SrcRect xOff="{(grid.left - file_grid.left) / file_grid.resolution!r}"
               yOff="{(file_grid.top - grid.top) / file_grid.resolution!r}"
               xSize="{grid.width * ratio!r}" ySize="{grid.height * ratio!r}"/>
      <DstRect xOff="0" yOff="0" xSize="{grid.width}" ySize="{grid.height}"/>"""
    skipped = "" if radiometry.no_data is None else f"<NODATA>{radiometry.no_data}</NODATA>"
    sources = f"""<ComplexSource resampling="{algorithm}">
      {common}
      <SourceBand>1</SourceBand>
      <ScaleOffset>{radiometry.offset!r}</ScaleOffset>
      <ScaleRatio>{radiometry.scale!r}</ScaleRatio>
      {skipped}
    </ComplexSource>"""
    if algorithm == "bilinear" and radiometry.no_data is not None:
        # Interpolation reaches into what has no data: NaN is laid over it, that is, where the mask is not 255.
        sources += f"""
    <ComplexSource>
      {common}
      <SourceBand>mask,1</SourceBand>
      <ScaleOffset>nan</ScaleOffset>
      <ScaleRatio>1</ScaleRatio>
      <NODATA>255</NODATA>
    </ComplexSource>"""
    if radiometry.whole:
        return _virtual_raster(grid, "Int16", None, sources)
    return _virtual_raster(grid, "Float32", math.nan, sources)


def _virtual_raster(grid: Grid, pixel_type: str, no_data: float | None, sources: str) -> str:
    declared = "" if no_data is None else f"<NoDataValue>{no_data}</NoDataValue>"
    return f"""<VRTDataset rasterXSize="{grid.width}" rasterYSize="{grid.height}">
  <SRS>{escape(grid.crs, quote=False)}</SRS>
  <GeoTransform>{", ".join(repr(float(number)) for number in grid.transform)}</GeoTransform>
  <VRTRasterBand dataType="{pixel_type}" band="1">
    {declared}
    {sources}
  </VRTRasterBand>
</VRTDataset>
"""


def coarsest_level(path: str, resolution: float) -> int:
    """The coarsest wavelet level of a JPEG 2000 file whose pixels are no larger than this; 0 is the file itself.

    0 for any other file: its overviews are of unknown making.
    """
    source = _open(path)
    if not source.GetDriver().ShortName.startswith("JP2"):
        return 0
    band = source.GetRasterBand(1)
    level = max(0, math.floor(math.log2(resolution / source.GetGeoTransform()[1]) + 1e-9))
    while level and not _has_level(band, level):
        level -= 1
    return level


def row_of_blocks(path: str, level: int) -> int:
    """Bytes of a row of the blocks in which a level of a band file is decoded."""
    source = _open(path)
    band = source.GetRasterBand(1)
    if level:
        band = band.GetOverview(level - 1)
    return int(band.GetBlockSize()[1] * band.XSize * gdal.GetDataTypeSize(band.DataType) // 8)


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
