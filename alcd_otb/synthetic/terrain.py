"""The ground of a synthetic scene: relief, water, land cover and snow.

Large shapes are fields at 60 m over the whole scene, made once; everything finer is made block by block at 10 m.
Thresholds are quantiles of the fields, so that every scene has water, snow, forest and fields in similar shares.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array
from alcd_otb.raster.grid import Window
from alcd_otb.synthetic import noise
from alcd_otb.synthetic.season import Season
from alcd_otb.synthetic.spectra import KIND

COARSE = 60
"""Pixel side of the scene-wide fields in metres; they are 6 pixels of 10 m wide."""

# Share of the scene.
_SEA, _LAKES = 0.075, 0.012
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
# The crops come first among the kinds of land.
_FIELD_KINDS = len(_CROPS)


@dataclass(frozen=True)
class Terrain:
    """Scene-wide fields at 60 m, each (size/6, size/6) float32.

    elevation in metres; illumination: direct sun on the slope relative to flat ground, one field a date; shore:
    signed distance to the shore in metres, positive in water; turbidity 0..1; forest, urban, alpine and sand:
    propensities around 0, where positive means covered; snow: height above the snow line relative to the width of
    its belt, one field a date; warp: displacement of the parcels in metres (2 fields); tone: regional brightness.
    """

    elevation: Float32Array
    illumination: tuple[Float32Array, Float32Array]
    shore: Float32Array
    turbidity: Float32Array
    forest: Float32Array
    urban: Float32Array
    alpine: Float32Array
    sand: Float32Array
    snow: tuple[Float32Array, Float32Array]
    warp: tuple[Float32Array, Float32Array]
    tone: Float32Array
    seed: int
    angle: float
    textures: tuple[Float32Array, Float32Array, Float32Array]


@dataclass(frozen=True)
class Ground:
    """The ground of a block at 10 m: kinds of land at either date (uint8), and float32 fields of the same shape.

    water and snow are shares of the pixel, 0..1. The others are given at either date: brightness varies around 1,
    vigour and speckle (pixel by pixel) around 0, turbidity 0..1. The speckle of the clear date lies one pixel off:
    dates are never registered better than that.
    """

    kinds: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]
    brightness: tuple[Float32Array, Float32Array]
    vigour: tuple[Float32Array, Float32Array]
    speckle: tuple[Float32Array, Float32Array]
    water: Float32Array
    turbidity: tuple[Float32Array, Float32Array]
    snow: tuple[Float32Array, Float32Array]


def make_terrain(size: int, seed: int, season: Season) -> Terrain:
    """size: pixels of 10 m."""
    n = size // 6
    extent = n * COARSE
    random = noise.generator(seed, 1)
    angle = float(random.uniform(0, 2 * np.pi))
    along, across = _axes(n, angle)

    def field(slope: float, outer: float) -> Float32Array:
        """outer in metres; never larger than about half of the scene."""
        return noise.fractal((n, n), random, slope=slope, outer=max(3.0, min(outer, 0.5 * extent) / COARSE))

    coast = along + 0.09 * field(3.9, 0.4 * extent) + 0.5 * across**2 * np.float32(random.uniform(-0.5, 0.5))
    sea_level = np.quantile(coast, _SEA)
    shore = np.float32(extent) * (sea_level - coast)
    relief = season.relief * float(np.clip(0.085 * extent, 300, 2400))
    height = noise.smoothstep(coast, sea_level + 0.35, sea_level + 1.05)
    ridges = 1 - 0.7 * np.abs(field(3.6, 7000)) - 0.22 * np.abs(field(3.4, 2200))
    hills = field(3.2, 4000)
    elevation = 25 + relief * (height * (0.62 + 0.38 * ridges) + (0.02 + 0.02 * height) * hills)
    elevation = elevation * noise.smoothstep(-shore, 0, 0.06 * extent) + 2
    elevation = np.maximum(elevation, 0).astype(np.float32)

    water = np.maximum(shore, _lakes(field(4.0, 0.08 * extent + 500), height, shore, extent))
    for _ in range(2):
        middle = np.float32(random.uniform(-0.28, 0.28))
        meanders = across - middle + 0.07 * field(5.5, 0.35 * extent) + 250 / extent * field(6.0, 1800)
        half_width = np.float32(random.uniform(60, 120)) * (1 - 1.5 * noise.smoothstep(height, 0.1, 0.6))
        gradient = np.hypot(*np.gradient(meanders)) / COARSE
        water = np.maximum(water, half_width - np.abs(meanders) / np.maximum(gradient, 0.3 / extent))
    water = np.clip(water, -2000, 2000).astype(np.float32)

    belt = elevation + 0.05 * relief * field(4.0, 6000) - 0.10 * relief * _northness(elevation)
    belt = np.where(water > 0, -1e4, belt)
    line = np.quantile(belt, 1 - season.snow)
    width = 0.06 * relief
    snow = tuple(((belt - line - rise * relief) / width).astype(np.float32) for rise in (0.0, 0.035))

    mid_slopes = 1.3 * noise.smoothstep(elevation, 0.12 * relief, 0.35 * relief)
    alpine = (elevation - 0.62 * relief) / (0.10 * relief) + 0.5 * field(2.4, 1500)
    forest = field(2.9, 4000) + mid_slopes - 1.0
    illumination = tuple(_illumination(elevation, *sun, season.casts_shadows) for sun in season.sun)
    return Terrain(
        elevation=elevation,
        illumination=(illumination[0], illumination[1]),
        shore=water,
        turbidity=np.clip(0.3 + 0.3 * field(3.0, 0.2 * extent) + 0.4 * noise.smoothstep(-water, -400, 0), 0, 1),
        forest=forest.astype(np.float32),
        urban=_towns(n, random, water, height),
        alpine=alpine.astype(np.float32),
        sand=(field(3.0, 2500) - 2.6 + 2.6 * noise.smoothstep(-np.abs(shore), -120, -20)).astype(np.float32),
        snow=(snow[0], snow[1]),
        warp=(500 * field(6.5, 9000), 500 * field(6.5, 9000)),
        tone=0.09 * field(2.4, 3000),
        seed=seed,
        angle=float(random.uniform(0, np.pi)),
        textures=(
            noise.fractal((1000, 1000), random, slope=1.2, outer=30, periodic=True),
            noise.fractal((972, 972), random, slope=2.2, outer=40, periodic=True),
            noise.fractal((800, 800), random, slope=0.2, outer=8, periodic=True),
        ),
    )


def ground_of(terrain: Terrain, window: Window) -> Ground:
    """The ground of a block. The window's sides must be multiples of 6."""

    def fine(field: Float32Array) -> Float32Array:
        return noise.upsample(field, 6, window)

    pixel, patch, speckle = (noise.tile_window(tile, window) for tile in terrain.textures)
    row, column, rows, columns = window
    misplaced = noise.tile_window(terrain.textures[2], (row + 1, column + 1, rows, columns))
    # Soil moisture, leaves and plankton differ between the dates in patches of their own.
    passing = tuple(
        noise.tile_window(terrain.textures[1], (row + 311 * date, column + 157 * date, rows, columns))
        for date in (1, 2)
    )
    first, second, parcel = _parcels(terrain, window, fine(terrain.warp[0]), fine(terrain.warp[1]))
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
    height = noise.upsample(terrain.snow[date], 6, window)
    if height.max() < -3:
        return np.zeros_like(height)
    return noise.smoothstep(height + 0.10 * patch + 0.06 * pixel, -0.35, 0.35) * np.float32(0.97)


def _parcels(
    terrain: Terrain, window: Window, warp_u: Float32Array, warp_v: Float32Array
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    """Fields: blocks of about 700 m x 500 m between tracks, cut into strips, each strip under one crop.

    Returns the kinds at either date and a random number for each parcel.
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
    return first, second, noise.hashed(parcel.view(np.int32), strip, terrain.seed + 3)


def _build(
    terrain: Terrain, window: Window, kinds: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], density: Float32Array
) -> None:
    """Roofs and asphalt of about 20 m where towns are; in place."""
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


def _axes(n: int, angle: float) -> tuple[Float32Array, Float32Array]:
    """Coordinates along and across a direction, about -0.5..0.5, 0 in the centre of the scene."""
    line = ((np.arange(n, dtype=np.float32) + 0.5) / n) - 0.5
    x, y = line[None, :], line[:, None]
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cosine * x + sine * y, cosine * y - sine * x


def _lakes(field: Float32Array, height: Float32Array, shore: Float32Array, extent: float) -> Float32Array:
    """Signed distance to the shore of lakes in the lowland away from the sea."""
    field = field - 1.5 * noise.smoothstep(height, 0.2, 0.6) - 1.5 * noise.smoothstep(shore, -0.08 * extent, 0)
    gradient = np.hypot(*np.gradient(field)) / COARSE
    return np.asarray((field - np.quantile(field, 1 - _LAKES)) / np.maximum(gradient, 1e-4), dtype=np.float32)


def _northness(elevation: Float32Array) -> Float32Array:
    """-1..1, the more the steeper a slope faces away from the midday sun."""
    down = np.gradient(elevation, COARSE, axis=0)
    return np.asarray(np.clip(2.5 * down, -1, 1), dtype=np.float32)


def _illumination(elevation: Float32Array, zenith: float, azimuth: float, casts_shadows: bool) -> Float32Array:
    """Cosine of the sun's incidence on the slope over that on flat ground, 0.45..1.5; in a cast shadow down to 0.07.

    The slopes around light a shaded one: it is never as dark as geometry alone would have it.
    """
    down, right = np.gradient(elevation, COARSE)
    z, a = np.radians(zenith), np.radians(azimuth)
    # Rows run south: the northward slope is -down.
    cosine = np.cos(z) - np.sin(z) * (right * np.sin(a) - down * np.cos(a))
    cosine = cosine / np.sqrt(1 + down**2 + right**2)
    illumination = np.clip(cosine / np.cos(z), 0.45, 1.5)
    if casts_shadows:
        illumination *= 0.15 + 0.85 * _sunlit(elevation, zenith, azimuth)
    return np.asarray(illumination, dtype=np.float32)


def _sunlit(elevation: Float32Array, zenith: float, azimuth: float) -> Float32Array:
    """Whether the sun is seen above the relief: 0 in shadow, 1 in the sun; between them within 15 m of the ray."""
    a, rise = np.radians(azimuth), COARSE / np.tan(np.radians(zenith))
    rows, columns = (np.arange(side) for side in elevation.shape)
    horizon = np.full(elevation.shape, -np.inf, dtype=np.float32)
    # Towards the sun, a pixel a step, until nothing is high enough to shade the lowest ground.
    for step in range(1, int(np.ptp(elevation) / rise) + 1):
        down = np.clip(rows - round(step * np.cos(a)), 0, rows[-1])
        right = np.clip(columns + round(step * np.sin(a)), 0, columns[-1])
        np.maximum(horizon, elevation[down][:, right] - np.float32(step * rise), out=horizon)
    return noise.smoothstep(elevation - horizon, -15, 15)


def _towns(n: int, random: np.random.Generator, water: Float32Array, height: Float32Array) -> Float32Array:
    """Share of the ground that is built, 0..0.75: Gaussian towns in the lowland, one for about 40 km2, at least two."""
    density = np.zeros((n, n), dtype=np.float32)
    places = np.argwhere((water < -150) & (height < 0.45))
    count = min(60, 2 + int((n * COARSE / 1000) ** 2 / 40))
    for row, column in places[random.integers(0, len(places), count)]:
        radius = float(random.uniform(0.3, 0.9)) * min(900.0, n * COARSE / 14) / COARSE
        reach = int(3 * radius) + 1
        rows = slice(max(0, row - reach), row + reach)
        columns = slice(max(0, column - reach), column + reach)
        y = np.arange(n)[rows][:, None] - row
        x = np.arange(n)[columns][None, :] - column
        town = 0.75 * np.exp(-(x**2 + y**2) / (2 * radius**2))
        density[rows, columns] = np.maximum(density[rows, columns], town)
    ragged = 1 + 0.35 * noise.fractal((n, n), random, slope=2.0, outer=8)
    return np.asarray(np.where(density > 0.04, density * ragged, 0), dtype=np.float32)
