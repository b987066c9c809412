"""Bands of products, decoded and resampled while other applications compute."""

from dataclasses import dataclass
from pathlib import Path

from otb_pipelines.app import Application, Output, Value
from otb_pipelines.settings import Settings


@dataclass(frozen=True)
class Radiometry:
    """value = DN * scale + offset, where DN is a finite number other than no_data, if there is one."""

    scale: float
    offset: float
    no_data: float | None


def build_band(
    path: str, level: int, like: Path, radiometry: Radiometry, settings: Settings, *, nearest: bool = False
) -> Output:
    """The first band of a file on the grid of the raster `like`, which need hold no pixels; NaN where there is no data.

    level: wavelet level of a JPEG 2000 file to decode; 0 decodes every pixel.
    On a coarser grid it is averaged over what a pixel covers and has data; on a finer one interpolated bilinearly.
    nearest: the pixel under the centre, on any grid.
    """
    parameters: dict[str, Value] = {
        "in": path,
        "level": level,
        "like": like,
        "scale": radiometry.scale,
        "offset": radiometry.offset,
        "nearest": nearest,
    }
    if radiometry.no_data is not None:
        parameters["nodata"] = radiometry.no_data
    return Application("BandReading", parameters, settings)["out"]
