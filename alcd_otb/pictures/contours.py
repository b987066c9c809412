"""Write the outlines of a map's classes as polygons, to draw over images at any scale."""

from html import escape
from pathlib import Path

from alcd_otb.errors import ProcessingError
from alcd_otb.raster.drivers import driver
from alcd_otb.raster.opening import open_raster, open_vector
from alcd_otb.raster.vector import new_vector_file
from alcd_otb.settings.legend import Legend
from otb_pipelines.process import gdal, ogr

FIELD = "class"
"""Field of the polygons that holds the class code."""


def write_contours(labels: Path, target: Path, legend: Legend) -> None:
    """Write the areas of each class that has a contour as FlatGeobuf, with a polygon where pixels touch by a side.

    Parameters
    ----------
    labels
        Raster of class codes, uint8; it is read line by line.
    target
        The file to write.
    legend
        Classes of the map.

    Raises
    ------
    ProcessingError
        If the file cannot be written.
    """
    codes, outlined = open_raster(labels), _outlined_classes(labels, legend)
    try:
        # A GeoPackage is larger and slower, and QGIS would leave its -wal and -shm files beside it.
        with new_vector_file("FlatGeobuf", target) as source:
            layer = source.CreateLayer(target.stem, codes.GetSpatialRef(), ogr.wkbPolygon)
            layer.CreateField(ogr.FieldDefn(FIELD, ogr.OFTInteger))
            gdal.Polygonize(codes.GetRasterBand(1), outlined.GetRasterBand(1), layer, 0)
            count = layer.GetFeatureCount()
        _check_whole(target, count)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        raise ProcessingError(f"{target}: cannot be written ({reason}); check the folder and the space left") from error


def _check_whole(path: Path, count: int) -> None:
    """Read all polygons of a file. GDAL's driver takes no notice where the disk refuses a part of it."""
    dataset = open_vector(path, ("FlatGeobuf",))
    written = sum(feature.GetGeometryRef() is not None for feature in dataset.GetLayer(0))
    if written != count:
        raise RuntimeError(f"{written} of {count} polygons were written")


def _outlined_classes(labels: Path, legend: Legend) -> gdal.Dataset:
    """Open the map through a table that makes it 1 in the classes with a contour, and 0 elsewhere."""
    outlined = {legend_class.code for legend_class in legend.classes if legend_class.contour is not None}
    table = ",".join(f"{code}:{int(code in outlined)}" for code in range(256))
    described = driver("VRT").CreateCopy("", open_raster(labels))
    width, height = described.RasterXSize, described.RasterYSize
    whole = f'xOff="0" yOff="0" xSize="{width}" ySize="{height}"'
    source = (
        f"<ComplexSource><SourceFilename>{escape(str(labels), quote=False)}</SourceFilename><SourceBand>1</SourceBand>"
        f"<SrcRect {whole}/><DstRect {whole}/><LUT>{table}</LUT></ComplexSource>"
    )
    described.GetRasterBand(1).SetMetadata({"source_0": source}, "vrt_sources")
    return described
