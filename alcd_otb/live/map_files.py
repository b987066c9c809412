"""Write live maps into files, by which the places to label next are chosen."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path

from alcd_otb.arrays import Float32Array, UInt8Array
from alcd_otb.live.maps import Maps
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import creating
from otb_pipelines.process import gdal


def write_live_maps(strips: Iterable[Maps | None], grid: Grid, folder: Path) -> bool:
    """Write maps strip by strip, under the names that they have in an iteration's folder.

    Parameters
    ----------
    strips
        The maps of windows that cover the grid. None if their computation has ended early.
    grid
        The grid of the maps.
    folder
        An empty folder. It receives ``labels.tif`` and, as far as the classifier gives them, ``margin.tif``,
        ``confidence.tif`` and ``second.tif``.

    Returns
    -------
    bool
        Whether the files are complete.

    Raises
    ------
    ProcessingError
        If a file cannot be written.
    """
    with ExitStack() as opened:
        files: dict[str, gdal.Dataset] = {}
        for maps in strips:
            if maps is None:
                return False
            for name, pixels in _planes(maps):
                if name not in files:
                    kind = gdal.GDT_Byte if pixels.dtype == "u1" else gdal.GDT_Float32
                    files[name] = opened.enter_context(creating(folder / f"{name}.tif", grid, kind, {}))
                files[name].GetRasterBand(1).WriteArray(pixels, maps.window.column, maps.window.row)
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
