"""Write the rasters of a synthetic scene: the bands of both products, the truth and the elevation model."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array
from alcd_otb.raster.drivers import driver
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.settings.legend import Legend
from alcd_otb.synthetic import noise
from alcd_otb.synthetic.clouds import Clouds
from alcd_otb.synthetic.imaging import CLEAR, CLOUDY, ImagedDate, cover_of, image_of, make_block
from alcd_otb.synthetic.safe import SyntheticAcquisition, write_band
from alcd_otb.synthetic.spectra import BANDS, Band
from alcd_otb.synthetic.terrain import COARSE, Terrain
from alcd_otb.synthetic.truth import TruthMap, TruthRules
from otb_pipelines.process import gdal

_BLOCK = 480
"""Side of a block in pixels of 10 m; a strip is as high."""
_THREADS = 2
_GTIFF = ["TILED=YES", "COMPRESS=DEFLATE"]


@dataclass(frozen=True)
class SceneModel:
    """The model from which the pixels of a scene are computed.

    Attributes
    ----------
    size
        Side of the scene in pixels of 10 m.
    terrain, clouds
        Fields of the whole scene.
    views
        How the cloudy date and the clear date are imaged.
    rules
        Rules that give the truth.
    legend
        Names and codes of the classes.
    """

    size: int
    terrain: Terrain
    clouds: Clouds
    views: tuple[ImagedDate, ImagedDate]
    rules: TruthRules
    legend: Legend


class _RawBand(NamedTuple):
    """A band of a date, whose pixels are in a raw file until they are encoded."""

    date: int
    band: Band

    def path(self, folder: Path) -> Path:
        """Return the path of the raw file."""
        return folder / f"{self.date}_{self.band.name}.raw"


_RAW_BANDS = tuple(_RawBand(date, band) for date in (CLOUDY, CLEAR) for band in BANDS)


def write_bands(
    model: SceneModel,
    products: tuple[Path, Path],
    acquisitions: tuple[SyntheticAcquisition, SyntheticAcquisition],
    grid: Grid,
    scratch: Path,
) -> TruthMap:
    """Write all bands of both products, and compute the truth.

    Parameters
    ----------
    model
        What the pixels are computed from.
    products
        SAFE folders of the cloudy date and of the clear date.
    acquisitions
        What names the files of the products.
    grid
        The scene's grid of 10 m.
    scratch
        Folder for temporary files, which hold the raw pixels of all bands.
    """
    with tempfile.TemporaryDirectory(dir=scratch, prefix=".raw-") as name:
        folder = Path(name)
        truth = _write_raw_bands(model, folder)
        _encode(products, acquisitions, grid, folder)
    return truth


def _write_raw_bands(model: SceneModel, folder: Path) -> TruthMap:
    """Write every band of both dates as a raw file, strip by strip, and compute the truth."""
    size, factor = model.size, model.rules.factor
    codes, cover = (np.zeros((size // factor, size // factor), dtype=np.uint8) for _ in range(2))

    def write_strip(first: int) -> None:
        rows = min(_BLOCK, size - first)
        strips = {raw: _empty_strip(raw.band, rows, size) for raw in _RAW_BANDS}
        for left in range(0, size, _BLOCK):
            columns = min(_BLOCK, size - left)
            block = make_block(model.terrain, model.clouds, Window(first, left, rows, columns))
            for raw, strip in strips.items():
                image = image_of(block, model.views[raw.date], raw.band)
                column = left * 10 // raw.band.resolution
                strip[:, column : column + image.shape[1]] = image
            place = (
                slice(first // factor, (first + rows) // factor),
                slice(left // factor, (left + columns) // factor),
            )
            codes[place] = model.rules.codes_of(block, model.views[CLOUDY], model.legend)
            cover[place] = cover_of(block, factor)
        for raw, strip in strips.items():
            row = first * 10 // raw.band.resolution
            os.pwrite(files[raw], strip.data, strip.itemsize * strip.shape[1] * row)

    with ThreadPoolExecutor(_THREADS) as pool, _open_files(folder) as files:
        list(pool.map(write_strip, range(0, size, _BLOCK)))
    return TruthMap(codes, cover, factor)


def _empty_strip(band: Band, rows: int, size: int) -> npt.NDArray[np.uint16]:
    """Return an array for a strip of a band; rows and size are in pixels of 10 m."""
    return np.empty((rows * 10 // band.resolution, size * 10 // band.resolution), dtype=np.uint16)


@contextmanager
def _open_files(folder: Path) -> Iterator[dict[_RawBand, int]]:
    """Open the raw files for writing, and yield their file descriptors."""
    files: dict[_RawBand, int] = {}
    try:
        for raw in _RAW_BANDS:
            files[raw] = os.open(raw.path(folder), os.O_WRONLY | os.O_CREAT)
        yield files
    finally:
        for descriptor in files.values():
            os.close(descriptor)


def _encode(
    products: tuple[Path, Path],
    acquisitions: tuple[SyntheticAcquisition, SyntheticAcquisition],
    grid: Grid,
    folder: Path,
) -> None:
    """Encode the raw files as JPEG 2000 and delete them, the largest first so that both threads end together."""

    def encode(raw: _RawBand) -> None:
        path = raw.path(folder)
        own = grid.at_resolution(raw.band.resolution)
        pixels = np.memmap(path, dtype=np.uint16, mode="r", shape=(own.height, own.width))
        write_band(products[raw.date], acquisitions[raw.date], raw.band, own, pixels)
        path.unlink()

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(encode, sorted(_RAW_BANDS, key=lambda raw: raw.band.resolution)))


def write_truth(path: Path, codes: npt.NDArray[np.uint8], grid: Grid) -> None:
    """Write the truth as a GeoTIFF.

    Parameters
    ----------
    path
        File to write.
    codes
        Class codes (rows, columns); 0 is no data.
    grid
        Grid of the truth.
    """
    with _geotiff(path, grid, gdal.GDT_Byte, [*_GTIFF, "PREDICTOR=1"]) as band:
        band.SetNoDataValue(0)
        band.SetDescription("class of the cloudy date")
        band.WriteArray(codes)


def write_dem(path: Path, elevation: Float32Array, grid: Grid) -> None:
    """Write the elevation model as a GeoTIFF, in metres.

    Parameters
    ----------
    path
        File to write.
    elevation
        Elevation in metres at 60 m (size / 6, size / 6).
    grid
        Grid of the elevation model.
    """
    with _geotiff(path, grid, gdal.GDT_Float32, [*_GTIFF, "PREDICTOR=3"]) as band:
        band.SetUnitType("m")
        for row in range(0, grid.height, _BLOCK):
            window = Window(row, 0, min(_BLOCK, grid.height - row), grid.width)
            # Smaller differences than centimetres would only defeat the compression.
            band.WriteArray(np.round(noise.upsample(elevation, COARSE / grid.resolution, window), 2), 0, row)


@contextmanager
def _geotiff(path: Path, grid: Grid, pixel_type: int, options: Iterable[str]) -> Iterator[gdal.Band]:
    """Yield the band of a new single-band GeoTIFF, which is on the disk when the context ends."""
    path.unlink(missing_ok=True)
    dataset = driver("GTiff").Create(str(path), grid.width, grid.height, 1, pixel_type, list(options))
    dataset.SetGeoTransform(grid.transform)
    dataset.SetSpatialRef(grid.spatial_reference)
    yield dataset.GetRasterBand(1)
    dataset.FlushCache()
