"""Decode and resample bands of products while other applications compute."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from otb_pipelines.app import Application, Output, Value
from otb_pipelines.settings import Settings


@dataclass(frozen=True)
class Radiometry:
    """How a value is computed from a digital number: value = DN * scale + offset.

    Attributes
    ----------
    scale, offset
        Factor and summand.
    no_data
        The digital number that means no data. None if there is no such number. A digital number that is not finite
        always means no data.
    """

    scale: float
    offset: float
    no_data: float | None


@dataclass(frozen=True)
class BandFile:
    """A file of a band.

    Attributes
    ----------
    path
        The file, which GDAL opens.
    shift
        What is added to its digital numbers, 0 or more. 0 stays 0, and nothing passes 65535.
    """

    path: str
    shift: int = 0


def build_band(
    files: str | Sequence[BandFile],
    level: int,
    like: Path,
    radiometry: Radiometry,
    settings: Settings,
    *,
    nearest: bool = False,
) -> Output:
    """Build an application that brings the first band of a file onto a grid.

    On a coarser grid, a pixel is the average of the pixels with data that it covers. On a finer grid, pixels are
    interpolated bilinearly.

    Parameters
    ----------
    files
        The path of the file of the band. Or several JPEG 2000 files on one grid, each with a part of the pixels and 0
        elsewhere: a pixel is of the first file that has data there, and a wavelet level is that of one file that holds
        all pixels.
    level
        Wavelet level of a JPEG 2000 file to decode. 0 decodes every pixel.
    like
        A raster on the grid. It may be without pixels.
    radiometry
        Scale, offset and no-data value.
    settings
        Memory and threads.
    nearest
        Take the pixel under the centre instead, on any grid.

    Returns
    -------
    Output
        The band, NaN where there is no data.
    """
    files = (BandFile(files),) if isinstance(files, str) else files
    parameters: dict[str, Value] = {
        "in": files[0].path,
        "level": level,
        "like": like,
        "scale": radiometry.scale,
        "offset": radiometry.offset,
        "nearest": nearest,
        "threads": settings.threads,
    }
    if len(files) > 1:
        parameters["others"] = [file.path for file in files[1:]]
        parameters["shifts"] = [str(file.shift) for file in files]
    if radiometry.no_data is not None:
        parameters["nodata"] = radiometry.no_data
    return Application("BandReading", parameters, settings)["out"]
