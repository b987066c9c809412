"""Write live maps into files, by which the places to label next are chosen."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from alcd_otb.arrays import Float32Array, UInt8Array
from alcd_otb.live.maps import Maps
from alcd_otb.live.windows import strips_of
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import creating
from otb_pipelines.process import gdal

_STRIP_PIXELS = 2**19
"""Most pixels that are computed at a time."""


def write_live_maps(maps_of: Callable[[Window], Maps | None], grid: Grid, folder: Path) -> bool:
    """Write maps strip by strip, under the names that they have in an iteration's folder.

    Parameters
    ----------
    maps_of
        Computes the maps of a window. It returns None where that was cancelled.
    grid
        The grid of the maps.
    folder
        An empty folder. It receives ``labels.tif`` and, as far as the classifier gives them, ``margin.tif``,
        ``confidence.tif`` and ``second.tif``.

    Returns
    -------
    bool
        Whether the files are whole, and all of the same samples.

    Raises
    ------
    ProcessingError
        Where a file cannot be written.
    """
    revision = None
    with ExitStack() as opened:
        files: dict[str, gdal.Dataset] = {}
        for strip in strips_of(Window(0, 0, grid.height, grid.width), _STRIP_PIXELS):
            maps = maps_of(strip)
            if maps is None or (revision is not None and maps.revision != revision):
                return False
            revision = maps.revision
            for name, pixels in _planes(maps):
                if name not in files:
                    kind = gdal.GDT_Byte if pixels.dtype == "u1" else gdal.GDT_Float32
                    files[name] = opened.enter_context(creating(folder / f"{name}.tif", grid, kind, {}))
                files[name].GetRasterBand(1).WriteArray(pixels, strip.column, strip.row)
    return True


def _planes(maps: Maps) -> Iterator[tuple[str, UInt8Array | Float32Array]]:
    """List the maps that there are, with their names."""
    yield "labels", maps.labels
    if maps.confidence is not None:
        yield "confidence", maps.confidence
    if maps.margin is not None:
        yield "margin", maps.margin
    if maps.second is not None:
        yield "second", maps.second
