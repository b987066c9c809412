"""Make the clouds of a synthetic scene, their shadows and the haze.

The clouds are a deck of low clouds, fair-weather cumulus and cirrus, given as optical thickness. Their shapes are
scene-wide fields at 60 m, to which fine structure is added block by block. Quantiles set how much of the scene they
cover, so that every scene has all classes.
"""

from dataclasses import dataclass

import numpy as np

from alcd_otb.arrays import Float32Array
from alcd_otb.raster.grid import Window
from alcd_otb.synthetic import noise
from alcd_otb.synthetic.terrain import COARSE, Terrain

# Fraction of the scene under each layer, thin edges included.
_DECK, _CUMULUS, _CIRRUS = 0.095, 0.05, 0.12
# Outer scale of cloud systems in metres: a large scene has more of them, not larger ones.
_LARGEST = 10_000.0
# Height above ground in metres, less in small scenes: a shadow must fall into the scene.
_DECK_HEIGHT, _CUMULUS_HEIGHT = 2600.0, 1500.0


@dataclass(frozen=True)
class Clouds:
    """The clouds of a scene, as fields at 60 m, float32 (size / 6, size / 6).

    Attributes
    ----------
    deck, cumulus
        Height of the cloud field above its threshold, in standard deviations.
    cirrus
        Amount of cirrus, 0 or more; 1 is dense.
    sunlight
        Fraction of the direct sunlight that reaches the ground at the cloudy date, 0 to 1.
    haze
        Haze at each date, in units of `spectra.HAZE_PATH`.
    textures
        Periodic fields of 10 m pixels, from which the fine structure of the clouds comes.
    """

    deck: Float32Array
    cumulus: Float32Array
    cirrus: Float32Array
    sunlight: Float32Array
    haze: tuple[Float32Array, Float32Array]
    textures: tuple[Float32Array, Float32Array]


@dataclass(frozen=True)
class Overcast:
    """The low clouds of a block, as fields at 10 m, float32 (rows, columns).

    Attributes
    ----------
    opacity
        Opacity, 0 to 1.
    brightness
        Brightness relative to that of an opaque cloud.
    """

    opacity: Float32Array
    brightness: Float32Array


def make_clouds(size: int, seed: int, terrain: Terrain, sun: tuple[float, float]) -> Clouds:
    """Make the clouds of a scene.

    Parameters
    ----------
    size
        Side of the scene in pixels of 10 m.
    seed
        Seed of the scene.
    terrain
        Ground of the scene. Its shores and its snow change how frequent clouds are.
    sun
        Zenith and azimuth of the sun at the cloudy date, in degrees.
    """
    n = size // 6
    extent = n * COARSE
    random = noise.generator(seed, 2)
    deck_shift = _shadow_shift(min(_DECK_HEIGHT, 0.09 * extent), *sun)
    cumulus_shift = _shadow_shift(min(_CUMULUS_HEIGHT, 0.06 * extent), *sun)
    pad = int(max(map(abs, (*deck_shift, *cumulus_shift)))) + 2
    wide = n + 2 * pad

    def field(slope: float, outer: float, stretch: tuple[float, float] = (1.0, 0.0)) -> Float32Array:
        """Draw a field whose largest structures are of `outer` metres, at most half of the scene."""
        pixels = max(3.0, min(outer, 0.5 * extent) / COARSE)
        return noise.fractal((wide, wide), random, slope=slope, outer=pixels, stretch=stretch)

    inside = slice(pad, pad + n)
    shore = np.pad(terrain.shore, pad, mode="edge")
    near_water = noise.smoothstep(shore, -0.05 * extent, 0.02 * extent)
    snowy = noise.smoothstep(np.pad(terrain.snow[0], pad, mode="edge"), -3, 1)
    deck = (
        field(4.0, min(_LARGEST, 0.45 * extent))
        + 0.10 * field(3.4, 2500)
        + 0.12 * np.roll(near_water, _whole(deck_shift), (0, 1))
    )
    deck = deck + 0.25 * snowy
    cumulus = field(4.2, min(4400, 0.20 * extent)) + 0.75 * field(4.0, min(_LARGEST, 0.3 * extent))
    cumulus = cumulus + 0.10 * np.roll(near_water, _whole(cumulus_shift), (0, 1)) - 0.6 * snowy
    deck = deck - np.quantile(deck[inside, inside], 1 - _DECK)
    cumulus = cumulus - np.quantile(cumulus[inside, inside], 1 - _CUMULUS)
    wind = float(random.uniform(0, np.pi))
    wisps = field(4.2, min(_LARGEST, 0.45 * extent), (2.6, wind)) + 0.12 * field(3.6, 3000, (4.0, wind + 0.15))
    wisps = wisps + 0.5 * near_water + 0.3 * snowy - 0.9 * noise.smoothstep(np.maximum(deck, cumulus), -0.4, 0.1)
    wisps = wisps - np.quantile(wisps[inside, inside], 1 - _CIRRUS)
    cirrus = np.clip(1.1 * np.maximum(wisps, 0) ** 0.8, 0, 1.1)
    sunlight = np.exp(-_moved(_thickness(deck), deck_shift) - _moved(_thickness(cumulus), cumulus_shift))
    sunlight = _smoothed(sunlight) * (1 - 0.12 * np.minimum(cirrus, 1))
    return Clouds(
        deck=deck[inside, inside],
        cumulus=cumulus[inside, inside],
        cirrus=cirrus[inside, inside].astype(np.float32),
        sunlight=sunlight[inside, inside].astype(np.float32),
        haze=(
            np.maximum(0.35 + 0.16 * field(3.2, 0.5 * extent)[inside, inside], 0),
            np.maximum(0.28 + 0.20 * field(3.2, 0.4 * extent)[inside, inside], 0),
        ),
        textures=(
            noise.fractal((1000, 1000), random, slope=2.7, outer=60, periodic=True),
            noise.fractal((900, 900), random, slope=2.0, outer=20, periodic=True),
        ),
    )


def overcast_of(clouds: Clouds, window: Window) -> Overcast | None:
    """Return the low clouds of a block, or None if it has none.

    Parameters
    ----------
    clouds
        Clouds of the scene.
    window
        The block, in pixels of 10 m; its sides must be multiples of 6.
    """
    deck = noise.upsample(clouds.deck, 6, window)
    cumulus = noise.upsample(clouds.cumulus, 6, window)
    if deck.max() < -1.2 and cumulus.max() < -1.2:
        return None
    billows, frays = (noise.tile_window(tile, window) for tile in clouds.textures)
    ragged = 0.10 * billows + 0.06 * frays
    thickness = _thickness(deck + 0.8 * ragged) + _thickness(cumulus + ragged)
    opacity = -np.expm1(-thickness)
    brightness = (0.50 + 0.50 * thickness / (thickness + 2)) * (1 + 0.05 * billows + 0.06 * frays)
    return Overcast(np.asarray(opacity, dtype=np.float32), np.asarray(brightness, dtype=np.float32))


def _thickness(height: Float32Array) -> Float32Array:
    """Return the optical thickness for the height of a cloud field above its threshold."""
    return np.asarray(4.5 * np.maximum(height, 0), dtype=np.float32)


def _shadow_shift(height: float, zenith: float, azimuth: float) -> tuple[float, float]:
    """Return the rows and columns (of 60 m) from a cloud to its shadow, which lies away from the sun."""
    length = height * np.tan(np.radians(zenith)) / COARSE
    return float(length * np.cos(np.radians(azimuth))), float(-length * np.sin(np.radians(azimuth)))


def _whole(shift: tuple[float, float]) -> tuple[int, int]:
    """Return the opposite of a shift, in whole pixels: from a place to the cloud that shades it."""
    return -round(shift[0]), -round(shift[1])


def _moved(field: Float32Array, shift: tuple[float, float]) -> Float32Array:
    """Shift a field by fractions of pixels, bilinearly. What leaves on one side, the padding, enters on the other."""
    whole = [int(np.floor(part)) for part in shift]
    down, right = (np.float32(part - floor) for part, floor in zip(shift, whole, strict=True))
    field = np.roll(field, whole, (0, 1))
    field = (1 - down) * field + down * np.roll(field, 1, 0)
    return np.asarray((1 - right) * field + right * np.roll(field, 1, 1), dtype=np.float32)


def _smoothed(field: Float32Array) -> Float32Array:
    """Blur the edges of shadows as the penumbra does, with a 3 x 3 binomial mean."""
    for axis in (0, 1):
        field = (np.roll(field, 1, axis) + 2 * field + np.roll(field, -1, axis)) / 4
    return field
