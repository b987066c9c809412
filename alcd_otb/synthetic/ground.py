"""Make the ground of a block at 10 m: parcels, forest, towns, water and snow."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array
from alcd_otb.raster.grid import Window
from alcd_otb.synthetic import noise
from alcd_otb.synthetic.spectra import KIND
from alcd_otb.synthetic.terrain import Terrain

# Crops in the order of their cumulative shares of the parcels.
_CROPS = (
    ("cereal", 0.27),
    ("pasture", 0.45),
    ("young_crop", 0.57),
    ("dark_soil", 0.67),
    ("bright_soil", 0.76),
    ("vineyard", 0.85),
    ("rapeseed", 0.92),
    ("stubble", 1.00),
)
# The crops are the first of the kinds of land.
_FIELD_KINDS = len(_CROPS)


@dataclass(frozen=True)
class Ground:
    """The ground of a block, as fields at 10 m (rows, columns).

    Attributes
    ----------
    kinds
        Kinds of land at each date (`spectra.KIND`), uint8.
    brightness
        Brightness at each date, around 1.
    vigour
        Vigour of the vegetation at each date, around 0.
    speckle
        Variation from pixel to pixel at each date, around 0. That of the clear date lies one pixel off: dates are never
        registered better than that.
    water
        Fraction of the pixel under water, 0 to 1.
    turbidity
        Turbidity of the water at each date, 0 to 1.
    snow
        Fraction of the pixel under snow at each date, 0 to 1.
    """

    kinds: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    brightness: tuple[Float32Array, Float32Array]
    vigour: tuple[Float32Array, Float32Array]
    speckle: tuple[Float32Array, Float32Array]
    water: Float32Array
    turbidity: tuple[Float32Array, Float32Array]
    snow: tuple[Float32Array, Float32Array]


class _Parcels(NamedTuple):
    """Kinds of land at each date, and a random number for the parcel of each pixel; all (rows, columns)."""

    kinds: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    numbers: npt.NDArray[np.uint32]


def ground_of(terrain: Terrain, window: Window) -> Ground:
    """Make the ground of a block.

    Parameters
    ----------
    terrain
        Terrain of the scene.
    window
        The block, in pixels of 10 m; its sides must be multiples of 6.
    """

    def fine(field: Float32Array) -> Float32Array:
        return noise.upsample(field, 6, window)

    pixel, patch, speckle = (noise.tile_window(tile, window) for tile in terrain.textures)
    row, column, rows, columns = window
    misplaced = noise.tile_window(terrain.textures[2], (row + 1, column + 1, rows, columns))
    # Soil moisture, leaves and plankton differ between the dates in separate patches.
    passing = tuple(
        noise.tile_window(terrain.textures[1], (row + 311 * date, column + 157 * date, rows, columns))
        for date in (1, 2)
    )
    (first, second), parcel = _parcels(terrain, window, fine(terrain.warp[0]), fine(terrain.warp[1]))
    forest = fine(terrain.forest) + 0.35 * patch
    conifer = forest + 0.6 * pixel > 1.3
    alpine = fine(terrain.alpine) + 0.4 * patch
    for kind in (first, second):
        kind[forest > 0] = KIND["broadleaf"]
        kind[(forest > 0) & conifer] = KIND["conifer"]
        kind[alpine > 0] = KIND["alpine_grass"]
        kind[alpine + 0.8 * pixel > 1.0] = KIND["rock"]
        kind[fine(terrain.sand) + 0.3 * patch > 0] = KIND["sand"]
    _build(terrain, window, (first, second), fine(terrain.urban))
    shore = fine(terrain.shore) + 6 * patch
    field = first < _FIELD_KINDS
    own_tone = np.where(field, 0.30 * (noise.unit(parcel) - 0.5), 0)
    own_vigour = np.where(field, 1.8 * (noise.unit(parcel, 16) - 0.5), 0)
    own_growth = np.where(field, 1.2 * (noise.unit(parcel, 8) - 0.5), 0)
    brightness = 1 + fine(terrain.tone) + 0.04 * patch + own_tone
    vigour = 0.5 * patch + 0.35 * pixel + 0.25 * speckle + own_vigour
    turbidity = fine(terrain.turbidity)
    return Ground(
        kinds=(first, second),
        brightness=(brightness + 0.06 * passing[0], brightness + 0.06 * passing[1]),
        vigour=(vigour + 0.4 * passing[0], vigour + 0.4 * passing[1] + own_growth),
        speckle=(speckle, misplaced),
        water=np.clip(0.5 + shore / 10, 0, 1),
        turbidity=(np.clip(turbidity + 0.10 * passing[0], 0, 1), np.clip(turbidity + 0.10 * passing[1], 0, 1)),
        snow=(_snow_share(terrain, 0, window, patch, pixel), _snow_share(terrain, 1, window, patch, pixel)),
    )


def _snow_share(terrain: Terrain, date: int, window: Window, patch: Float32Array, pixel: Float32Array) -> Float32Array:
    """Return the fraction of the pixels under snow at a date."""
    height = noise.upsample(terrain.snow[date], 6, window)
    if height.max() < -3:
        return np.zeros_like(height)
    return noise.smoothstep(height + 0.10 * patch + 0.06 * pixel, -0.35, 0.35) * np.float32(0.97)


def _parcels(terrain: Terrain, window: Window, warp_u: Float32Array, warp_v: Float32Array) -> _Parcels:
    """Make the fields: blocks of about 700 m x 500 m between tracks, cut into strips, with one crop in each strip.

    warp_u and warp_v are displacements in metres along the two directions of the blocks.
    """
    row, column, rows, columns = window
    y = (np.arange(row, row + rows, dtype=np.float32) * 10)[:, None]
    x = (np.arange(column, column + columns, dtype=np.float32) * 10)[None, :]
    cosine, sine = np.float32(np.cos(terrain.angle)), np.float32(np.sin(terrain.angle))
    u = (cosine * x + sine * y + warp_u) / 700
    v = (cosine * y - sine * x + warp_v) / 500
    # Every other column of blocks is shifted by half a block, as brickwork: no straight line crosses the scene.
    cell_u = np.floor(u).astype(np.int32)
    v += np.float32(0.5) * (cell_u & 1)
    cell_v = np.floor(v).astype(np.int32)
    block = noise.hashed(cell_u, cell_v, terrain.seed)
    inner_u, inner_v = u - cell_u, v - cell_v
    strips = (1 + (block & 3) + (block >> np.uint32(2) & 1)).astype(np.float32)
    lengthwise = (block >> np.uint32(4) & 1).astype(bool)
    strip = (np.where(lengthwise, inner_u, inner_v) * strips).astype(np.int32)
    parcel = noise.hashed(block.view(np.int32), strip, terrain.seed + 1)
    crops = np.array([KIND[name] for name, _ in _CROPS], dtype=np.uint8)
    table = crops[np.searchsorted([share for _, share in _CROPS], np.arange(256) / 256, side="right")]
    first = table[parcel & np.uint32(255)]
    # Between the dates, one parcel in thirty is ploughed.
    ploughed = (parcel >> np.uint32(8) & np.uint32(255)) < 9
    second = np.where(ploughed, np.uint8(KIND["dark_soil"]), first)
    track = (np.minimum(inner_u, 1 - inner_u) * 700 < 7) | (np.minimum(inner_v, 1 - inner_v) * 500 < 5)
    track &= (block >> np.uint32(5) & 3) > 0
    first[track] = second[track] = KIND["track"]
    return _Parcels((first, second), noise.hashed(parcel.view(np.int32), strip, terrain.seed + 3))


def _build(
    terrain: Terrain, window: Window, kinds: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], density: Float32Array
) -> None:
    """Put roofs and asphalt of about 20 m where towns are, in place."""
    if density.max() <= 0.02:
        return
    row, column, rows, columns = window
    lot_row = ((np.arange(row, row + rows, dtype=np.int32)) // 2)[:, None]
    lot_column = ((np.arange(column, column + columns, dtype=np.int32)) // 2)[None, :]
    lot = noise.hashed(lot_row + np.zeros_like(lot_column), lot_column + np.zeros_like(lot_row), terrain.seed + 2)
    built = noise.unit(lot) < density
    which = noise.unit(lot, 16)
    for low, high, name in ((0, 0.45, "asphalt"), (0.45, 0.93, "tile_roof"), (0.93, 1, "bright_roof")):
        chosen = built & (which >= low) & (which < high)
        for kind in kinds:
            kind[chosen] = KIND[name]
