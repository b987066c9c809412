"""Draw the looks of a scene as tiles for the page: from the whole tile of the satellite to single pixels of 10 m."""

import io
import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from alcd_otb.arrays import UInt8Array
from alcd_otb.errors import AlcdError
from alcd_otb.pictures.figures import stretched
from alcd_otb.pictures.looks import ShownLook, layer_numbers, looks_of
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.reflectance import radiometry_of
from alcd_otb.products.sentinel2_l1c import L1CProduct
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GEOTIFF, JPEG2000, open_raster
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal
from otb_pipelines.reading import Radiometry

log = logging.getLogger(__name__)

SIZE = 256
"""Side of a tile in pixels."""

CONTRASTS = range(-6, 7)
"""Steps of the contrast. Each two halve or double the range of values between black and white."""

_QUALITY = 90
_CACHED = 512
"""Tiles that are kept, of some 20 KB each."""


@dataclass(frozen=True)
class _FineBand:
    """A band of the product that is finer than the view."""

    path: str
    radiometry: Radiometry


class _Place(NamedTuple):
    """Where a tile is: metres a pixel, column and row of the tile."""

    resolution: float
    column: int
    row: int

    def part(self, factor: float, dataset: gdal.Dataset) -> tuple[int, int, int, int, int, int] | None:
        """Return the part of a raster that a tile shows.

        Parameters
        ----------
        factor
            How many pixels of the raster a pixel of the tile is wide.
        dataset
            The raster.

        Returns
        -------
        tuple of int or None
            Left, top, width and height in the raster, columns and rows in the tile. None if they do not meet.
        """
        side = round(SIZE * factor)
        left, top = self.column * side, self.row * side
        width, height = min(side, dataset.RasterXSize - left), min(side, dataset.RasterYSize - top)
        if width < 1 or height < 1:
            return None
        return left, top, width, height, max(1, round(width / factor)), max(1, round(height / factor))


class TileDrawer:
    """Draws the tiles of a prepared scene. Use it from any thread.

    Parameters
    ----------
    config
        The scene.

    Raises
    ------
    ProductError
        The view cannot be read.
    """

    def __init__(self, config: SceneConfig) -> None:
        workspace = Workspace(config.workspace)
        self._view = workspace.view
        self.grid = Grid.of(workspace.view)
        self.looks = looks_of(workspace, config.template.view)
        self._fine, self._fine_resolution = _fine_bands(config, self.grid)
        self.resolutions = self._resolutions()
        self._open = threading.local()
        self.tile = lru_cache(maxsize=_CACHED)(self._tile)

    def as_json(self) -> dict[str, Any]:
        """Describe the tiles to the page."""
        return {
            "size": SIZE,
            "origin": [self.grid.left, self.grid.top],
            "extent": list(self.grid.extent),
            "resolutions": list(self.resolutions),
            "looks": [{"name": look.name, "clear": look.layers[0].startswith("clear")} for look in self.looks],
            "version": self._view.stat().st_mtime_ns // 1_000_000,
        }

    def _resolutions(self) -> tuple[float, ...]:
        """Return metres a pixel from the coarsest level, on which the scene is one tile, to the finest one."""
        coarsest = self.grid.resolution
        while SIZE * coarsest < max(self.grid.width, self.grid.height) * self.grid.resolution:
            coarsest *= 2
        levels = [coarsest]
        while levels[-1] > self.grid.resolution:
            levels.append(levels[-1] / 2)
        return (*levels, self._fine_resolution) if self._fine else tuple(levels)

    def _tile(self, look: int, level: int, column: int, row: int, contrast: int) -> bytes:
        """Draw a tile as JPEG.

        Parameters
        ----------
        look
            Number of the look.
        level
            Number of the resolution.
        column, row
            The tile, counted from the upper left corner.
        contrast
            Steps of contrast, of CONTRASTS.

        Raises
        ------
        IndexError
            There is no such look, level or tile.
        RuntimeError
            The view cannot be read.
        """
        shown, resolution = self.looks[look], self.resolutions[level]
        side = SIZE * resolution
        if self.grid.left + column * side >= self.grid.right or self.grid.top - row * side <= self.grid.bottom:
            raise IndexError("outside the scene")
        spread, place = 2.0 ** (-contrast / 2), _Place(resolution, column, row)
        channels = [self._channel(shown, index, place, spread) for index in range(len(shown.layers))]
        picture = Image.fromarray(np.dstack(channels if len(channels) == 3 else channels * 3))
        file = io.BytesIO()
        # Without subsampling, since single pixels are looked at.
        picture.save(file, "JPEG", quality=_QUALITY, subsampling=0)
        return file.getvalue()

    def _channel(self, look: ShownLook, index: int, place: _Place, spread: float) -> UInt8Array:
        """Draw one layer of a look, (SIZE, SIZE); what has no data is black."""
        name, (low, high) = look.layers[index], look.limits[index]
        is_fine = place.resolution < self.grid.resolution and all(layer in self._fine for layer in look.layers)
        if is_fine:
            source = self._fine[name]
            dataset, size, radiometry = self._opened(source.path, JPEG2000), self._fine_resolution, source.radiometry
            band = dataset.GetRasterBand(1)
        else:
            dataset, size = self._opened(str(self._view), GEOTIFF), self.grid.resolution
            band = dataset.GetRasterBand(layer_numbers(dataset)[name])
            radiometry = Radiometry(band.GetScale() or 1.0, 0.0, band.GetNoDataValue())
        part = place.part(place.resolution / size, dataset)
        drawn = np.zeros((SIZE, SIZE), np.uint8)
        if part is None:
            return drawn
        left, top, width, height, columns, rows = part
        averaged = gdal.GRIORA_Average if place.resolution > size else gdal.GRIORA_NearestNeighbour
        stored = band.ReadAsArray(
            left, top, width, height, columns, rows, buf_type=gdal.GDT_Float32, resample_alg=averaged
        )
        seen = np.isfinite(stored)
        if radiometry.no_data is not None:
            seen &= stored != radiometry.no_data
        values = np.where(seen, stored, np.float32(0)) * np.float32(radiometry.scale) + np.float32(radiometry.offset)
        drawn[:rows, :columns] = np.where(seen, stretched(values, low, low + (high - low) * spread, look.gamma), 0)
        return drawn

    def _opened(self, path: str, formats: tuple[str, ...]) -> gdal.Dataset:
        """Return a raster that is open in this thread alone."""
        known: dict[str, gdal.Dataset] = self._open.__dict__.setdefault("known", {})
        if path not in known:
            known[path] = open_raster(path, formats)
        return known[path]


def _fine_bands(config: SceneConfig, grid: Grid) -> tuple[dict[str, _FineBand], float]:
    """Find the layers of the view that are a band of the product with smaller pixels; and the side of these pixels."""
    try:
        inputs = Inputs.read(config)
    except AlcdError as error:
        log.warning("%s; the page shows nothing finer than the view", error)
        return {}, grid.resolution
    fine: dict[str, _FineBand] = {}
    finest = grid.resolution
    for layer in inputs.view:
        name = layer.expr.strip()
        if layer.expression.names != (name,) or not isinstance(inputs.product_of(name), L1CProduct):
            continue
        band = inputs.band(name)
        is_whole = len(band.files) == 1 and not band.files[0].shift
        if is_whole and band.resolution < grid.resolution and (not fine or band.resolution == finest):
            fine[layer.name] = _FineBand(band.path, radiometry_of(inputs, name))
            finest = float(band.resolution)
    return fine, finest
