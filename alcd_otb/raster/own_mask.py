"""Find how a raster itself declares pixels without data: an alpha band, a mask, or a no-data value."""

from dataclasses import dataclass

from otb_pipelines.process import gdal


@dataclass(frozen=True)
class OwnMask:
    """The band of a raster that marks where another band has data.

    Attributes
    ----------
    band
        The band to read.
    data_value
        Its value where there is data.
    no_data
        The no-data value that it is made of, or None for an alpha band or a mask.
    """

    band: gdal.Band
    data_value: int
    no_data: float | None = None


def own_mask(dataset: gdal.Dataset, number: int) -> OwnMask | None:
    """Find the mask of a band. None if the raster declares no pixel as no data.

    Parameters
    ----------
    dataset
        The raster.
    number
        The band, from 1.
    """
    bands = [dataset.GetRasterBand(other) for other in range(1, dataset.RasterCount + 1)]
    for other, alpha in enumerate(bands, start=1):
        # GDAL does not use the alpha band as a mask in files with an odd number of bands.
        if other != number and alpha.GetColorInterpretation() == gdal.GCI_AlphaBand:
            return OwnMask(alpha, 65535 if alpha.DataType == gdal.GDT_UInt16 else 255)
    band = bands[number - 1]
    if band.GetMaskFlags() == gdal.GMF_ALL_VALID:
        return None
    return OwnMask(band.GetMaskBand(), 255, band.GetNoDataValue() if band.GetMaskFlags() & gdal.GMF_NODATA else None)
