"""Make the terrain of a synthetic scene: relief, water, land cover and snow, as fields of the whole scene at 60 m.

The fields are made once; everything finer is made block by block at 10 m (see `ground`). Thresholds are quantiles of
the fields, so that every scene has water, snow, forest and fields in similar shares.
"""

from dataclasses import dataclass

import numpy as np

from alcd_otb.arrays import Float32Array
from alcd_otb.synthetic import noise
from alcd_otb.synthetic.season import Season

COARSE = 60
"""Pixel side of the scene-wide fields in metres; they are 6 pixels of 10 m wide."""

# Fractions of the scene under the sea and under lakes.
_SEA, _LAKES = 0.075, 0.012


@dataclass(frozen=True)
class Terrain:
    """The terrain of a scene, as fields at 60 m, float32 (size / 6, size / 6).

    Attributes
    ----------
    elevation
        Elevation in metres.
    illumination
        Direct sunlight on the slope relative to that on flat ground, at each date.
    shore
        Signed distance to the shore in metres, positive in water.
    turbidity
        Turbidity of the water, 0 to 1.
    forest, alpine, sand
        Propensities around 0: the ground is covered where they are positive.
    urban
        Fraction of the ground that is built, 0 to 0.75.
    snow
        Height above the snow line relative to the width of its belt, at each date.
    warp
        Displacement of the parcels in metres, in two directions.
    tone
        Regional brightness.
    seed
        Seed of the scene.
    angle
        Direction of the parcels in radians.
    textures
        Periodic fields of 10 m pixels, from smooth and large to rough and small.
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
class _Fields:
    """Fields of the whole scene, drawn one after the other from one generator.

    Attributes
    ----------
    side
        Side of the scene in pixels of 60 m.
    random
        Generator of the scene's terrain.
    """

    side: int
    random: np.random.Generator

    @property
    def extent(self) -> int:
        """Side of the scene in metres."""
        return self.side * COARSE

    def draw(self, slope: float, outer: float) -> Float32Array:
        """Draw a field whose largest structures are of `outer` metres, at most half of the scene."""
        pixels = max(3.0, min(outer, 0.5 * self.extent) / COARSE)
        return noise.fractal((self.side, self.side), self.random, slope=slope, outer=pixels)


def make_terrain(size: int, seed: int, season: Season) -> Terrain:
    """Make the terrain of a scene.

    Parameters
    ----------
    size
        Side of the scene in pixels of 10 m.
    seed
        Seed of the scene.
    season
        Height of the land, snow and sun.
    """
    # The order of all draws below decides what a seed gives.
    random = noise.generator(seed, 1)
    fields = _Fields(size // 6, random)
    extent = fields.extent
    along, across = _axes(fields.side, float(random.uniform(0, 2 * np.pi)))
    coast = along + 0.09 * fields.draw(3.9, 0.4 * extent) + 0.5 * across**2 * np.float32(random.uniform(-0.5, 0.5))
    sea_level = np.quantile(coast, _SEA)
    sea = np.float32(extent) * (sea_level - coast)
    relief = season.relief * float(np.clip(0.085 * extent, 300, 2400))
    height = noise.smoothstep(coast, sea_level + 0.35, sea_level + 1.05)
    elevation = _elevation(fields, height, sea, relief)
    shore = _shore(fields, across, height, sea)
    snow = _snow(fields, elevation, shore, season, relief)
    mid_slopes = 1.3 * noise.smoothstep(elevation, 0.12 * relief, 0.35 * relief)
    alpine = (elevation - 0.62 * relief) / (0.10 * relief) + 0.5 * fields.draw(2.4, 1500)
    forest = fields.draw(2.9, 4000) + mid_slopes - 1.0
    illumination = tuple(_illumination(elevation, *sun, season.casts_shadows) for sun in season.sun)
    near_shore = 0.4 * noise.smoothstep(-shore, -400, 0)
    return Terrain(
        elevation=elevation,
        illumination=(illumination[0], illumination[1]),
        shore=shore,
        turbidity=np.clip(0.3 + 0.3 * fields.draw(3.0, 0.2 * extent) + near_shore, 0, 1),
        forest=forest.astype(np.float32),
        urban=_towns(fields.side, random, shore, height),
        alpine=alpine.astype(np.float32),
        sand=(fields.draw(3.0, 2500) - 2.6 + 2.6 * noise.smoothstep(-np.abs(sea), -120, -20)).astype(np.float32),
        snow=snow,
        warp=(500 * fields.draw(6.5, 9000), 500 * fields.draw(6.5, 9000)),
        tone=0.09 * fields.draw(2.4, 3000),
        seed=seed,
        angle=float(random.uniform(0, np.pi)),
        textures=(
            noise.fractal((1000, 1000), random, slope=1.2, outer=30, periodic=True),
            noise.fractal((972, 972), random, slope=2.2, outer=40, periodic=True),
            noise.fractal((800, 800), random, slope=0.2, outer=8, periodic=True),
        ),
    )


def _elevation(fields: _Fields, height: Float32Array, sea: Float32Array, relief: float) -> Float32Array:
    """Return the elevation in metres: ridges and hills that rise from the coast, and a flat sea."""
    ridges = 1 - 0.7 * np.abs(fields.draw(3.6, 7000)) - 0.22 * np.abs(fields.draw(3.4, 2200))
    hills = fields.draw(3.2, 4000)
    elevation = 25 + relief * (height * (0.62 + 0.38 * ridges) + (0.02 + 0.02 * height) * hills)
    elevation = elevation * noise.smoothstep(-sea, 0, 0.06 * fields.extent) + 2
    return np.asarray(np.maximum(elevation, 0).astype(np.float32))


def _shore(fields: _Fields, across: Float32Array, height: Float32Array, sea: Float32Array) -> Float32Array:
    """Return the signed distance in metres to the shore of the sea, of lakes and of two rivers."""
    extent = fields.extent
    shore = np.maximum(sea, _lakes(fields.draw(4.0, 0.08 * extent + 500), height, sea, extent))
    for _ in range(2):
        middle = np.float32(fields.random.uniform(-0.28, 0.28))
        meanders = across - middle + 0.07 * fields.draw(5.5, 0.35 * extent) + 250 / extent * fields.draw(6.0, 1800)
        half_width = np.float32(fields.random.uniform(60, 120)) * (1 - 1.5 * noise.smoothstep(height, 0.1, 0.6))
        gradient = np.hypot(*np.gradient(meanders)) / COARSE
        shore = np.maximum(shore, half_width - np.abs(meanders) / np.maximum(gradient, 0.3 / extent))
    return np.asarray(np.clip(shore, -2000, 2000).astype(np.float32))


def _snow(
    fields: _Fields, elevation: Float32Array, shore: Float32Array, season: Season, relief: float
) -> tuple[Float32Array, Float32Array]:
    """Return the height above the snow line at either date, relative to the width of its belt."""
    belt = elevation + 0.05 * relief * fields.draw(4.0, 6000) - 0.10 * relief * _northness(elevation)
    belt = np.where(shore > 0, -1e4, belt)
    line = np.quantile(belt, 1 - season.snow)
    width = 0.06 * relief
    cloudy, clear = (((belt - line - rise * relief) / width).astype(np.float32) for rise in (0.0, 0.035))
    return cloudy, clear


def _axes(n: int, angle: float) -> tuple[Float32Array, Float32Array]:
    """Return coordinates along and across a direction, about -0.5 to 0.5, with 0 in the centre of the scene."""
    line = ((np.arange(n, dtype=np.float32) + 0.5) / n) - 0.5
    x, y = line[None, :], line[:, None]
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return cosine * x + sine * y, cosine * y - sine * x


def _lakes(field: Float32Array, height: Float32Array, shore: Float32Array, extent: float) -> Float32Array:
    """Return the signed distance to the shore of lakes, which lie in the lowland away from the sea."""
    field = field - 1.5 * noise.smoothstep(height, 0.2, 0.6) - 1.5 * noise.smoothstep(shore, -0.08 * extent, 0)
    gradient = np.hypot(*np.gradient(field)) / COARSE
    return np.asarray((field - np.quantile(field, 1 - _LAKES)) / np.maximum(gradient, 1e-4), dtype=np.float32)


def _northness(elevation: Float32Array) -> Float32Array:
    """Return how much slopes face away from the midday sun, -1 to 1: the steeper, the more."""
    down = np.gradient(elevation, COARSE, axis=0)
    return np.asarray(np.clip(2.5 * down, -1, 1), dtype=np.float32)


def _illumination(elevation: Float32Array, zenith: float, azimuth: float, casts_shadows: bool) -> Float32Array:
    """Return the cosine of the sun's incidence on the slope, relative to that on flat ground.

    The ratio is 0.45 to 1.5, in a cast shadow down to 0.07. The slopes around a shaded one light it, so that it is
    never as dark as geometry alone would make it. zenith and azimuth are those of the sun, in degrees.
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
    """Return 1 where the sun is seen above the relief, 0 in shadow, and between them within 15 m of the ray."""
    a, rise = np.radians(azimuth), COARSE / np.tan(np.radians(zenith))
    rows, columns = (np.arange(side) for side in elevation.shape)
    horizon = np.full(elevation.shape, -np.inf, dtype=np.float32)
    # Towards the sun, a pixel a step, until nothing is high enough to shade the lowest ground. The last digit of the
    # tangent, which differs between processors, must not decide about a step.
    for step in range(1, int(np.ptp(elevation) / rise + 1e-9) + 1):
        down = np.clip(rows - round(step * np.cos(a)), 0, rows[-1])
        right = np.clip(columns + round(step * np.sin(a)), 0, columns[-1])
        np.maximum(horizon, elevation[down][:, right] - np.float32(step * rise), out=horizon)
    return noise.smoothstep(elevation - horizon, -15, 15)


def _towns(n: int, random: np.random.Generator, water: Float32Array, height: Float32Array) -> Float32Array:
    """Return the fraction of the ground that is built: Gaussian towns in the lowland, one in 40 km2, at least two."""
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
