"""Top-of-atmosphere reflectance of a block of the synthetic scene, and what its pixels are like.

A plain radiative model: surface reflectance under direct and diffuse light, two-way transmission and path
reflectance, cirrus as a thin absorbing and scattering layer, low clouds by opacity. Surfaces and low clouds are
averaged from 10 m to the band's own pixels; smooth fields are evaluated at those pixels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array
from alcd_otb.raster.grid import Window
from alcd_otb.synthetic import noise, spectra
from alcd_otb.synthetic.clouds import Clouds, Overcast, overcast_of
from alcd_otb.synthetic.safe import QUANTIFICATION, SATURATED
from alcd_otb.synthetic.spectra import Band
from alcd_otb.synthetic.terrain import COARSE, Ground, Terrain, ground_of

CLOUDY, CLEAR = 0, 1

# Covers of the ground beside those of land (`spectra.COVER`), and the share of a pixel at which they look like it.
_WATER, _SNOW = 6, 7
_WATER_SHARE, _SNOW_SHARE = 0.50, 0.20

_SHADED_AIR = 0.35
"""Share of the path reflectance that comes from below the clouds."""


@dataclass(frozen=True)
class ImagedDate:
    """One date: index, gain and haze of its atmosphere, DN added to reflectance, and the edge of its swath.

    edge: (a, b, c): a pixel is imaged where a * x + b * y > c, x and y in pixels of 10 m from the upper left corner.
    """

    date: int
    gain: float
    path: float
    add: int
    edge: tuple[float, float, float]

    def imaged(self, window: Window, factor: int, margin: float = 0) -> npt.NDArray[np.bool_]:
        """Pixels of factor x 10 m that are inside the swath, for a window in those pixels.

        margin: distance to the edge of the swath, in pixels of 10 m.
        """
        row, column, rows, columns = window
        a, b, c = self.edge
        x = (np.arange(column, column + columns)[None, :] + 0.5) * factor
        y = (np.arange(row, row + rows)[:, None] + 0.5) * factor
        return np.asarray(a * x + b * y > c + margin * np.hypot(a, b))


@dataclass(frozen=True)
class ImagedBlock:
    """What all bands of a block share. window in pixels of 10 m, sides multiples of 6."""

    window: Window
    terrain: Terrain
    clouds: Clouds
    ground: Ground
    overcast: Overcast | None


def make_block(terrain: Terrain, clouds: Clouds, window: Window) -> ImagedBlock:
    """What the bands of both dates need of a window, computed once."""
    return ImagedBlock(window, terrain, clouds, ground_of(terrain, window), overcast_of(clouds, window))


def image_of(block: ImagedBlock, view: ImagedDate, band: Band) -> npt.NDArray[np.uint16]:
    """The DN of a band at its own resolution; 0 outside the swath."""
    b, factor = band.position, band.resolution // 10
    window = Window(*(side // factor for side in block.window))

    def own(field: Float32Array) -> Float32Array:
        return noise.upsample(field, COARSE / band.resolution, window)

    surface = noise.binned(_surface(block.ground, view.date, b), factor)
    sunlight = own(block.terrain.illumination[view.date])
    path: Float32Array | float = float(spectra.PATH[b] * view.path)
    if view.date == CLOUDY:
        under_clouds = own(block.clouds.sunlight)
        sunlight = sunlight * under_clouds
        # The air below a cloud is in its shadow, too.
        path = path * (1 - _SHADED_AIR + _SHADED_AIR * under_clouds)
    haze = own(block.clouds.haze[view.date])
    diffuse = float(spectra.DIFFUSE[b])
    toa = surface * (sunlight * (1 - diffuse) + diffuse)
    if band.name == "B10":
        toa *= 0.018 * noise.smoothstep(own(block.terrain.elevation), 700, 3200)
    else:
        toa *= spectra.TRANSMISSION[b] * (1 - 0.06 * haze)
    toa += path + spectra.HAZE_PATH[b] * haze
    if view.date == CLOUDY:
        _cover(toa, block, b, factor, own(block.clouds.cirrus))
    toa *= view.gain
    random = noise.generator(block.terrain.seed, 3, view.date, b, block.window[0], block.window[1])
    toa += (spectra.NOISE[b] + 0.004 * toa) * random.standard_normal(toa.shape, dtype=np.float32)
    dn = np.rint(toa * QUANTIFICATION) + view.add
    np.clip(dn, 1, SATURATED - 1, out=dn)
    dn[~view.imaged(window, factor)] = 0
    return np.asarray(dn, dtype=np.uint16)


def states_of(block: ImagedBlock, factor: int) -> dict[str, Float32Array]:
    """What the pixels of factor x 10 m are like at the cloudy date, by name; what is called truth is drawn from it.

    water and snow: shares of the pixel; turbidity: of the water, 0..1; low_cloud: opacity, 0..1; cirrus: 1 is dense;
    sunlight: share of the direct light that clouds let through; illumination: direct light on the slope, relative to
    flat ground.
    """
    window = Window(*(side // factor for side in block.window))

    def smooth(field: Float32Array) -> Float32Array:
        return noise.upsample(field, COARSE / (10 * factor), window)

    ground, overcast = block.ground, block.overcast
    return {
        "water": noise.binned(ground.water, factor),
        "snow": noise.binned(ground.snow[CLOUDY], factor),
        "turbidity": noise.binned(ground.turbidity[CLOUDY], factor),
        "low_cloud": np.zeros((window.rows, window.columns), np.float32)
        if overcast is None
        else noise.binned(overcast.opacity, factor),
        "cirrus": smooth(block.clouds.cirrus),
        "sunlight": smooth(block.clouds.sunlight),
        "illumination": smooth(block.terrain.illumination[CLOUDY]),
    }


def cover_of(block: ImagedBlock, factor: int) -> npt.NDArray[np.uint8]:
    """What covers the ground at the cloudy date, seen or not: a group of land, water or snow.

    In pixels of factor x 10 m.
    """
    cover = np.take(spectra.COVER, block.ground.kinds[CLOUDY][::factor, ::factor])
    cover[noise.binned(block.ground.water, factor) > _WATER_SHARE] = _WATER
    cover[noise.binned(block.ground.snow[CLOUDY], factor) > _SNOW_SHARE] = _SNOW
    return np.asarray(cover, dtype=np.uint8)


def _surface(ground: Ground, date: int, b: int) -> Float32Array:
    """Surface reflectance at 10 m in one band."""
    kinds = ground.kinds[date]
    # Leaves grow between the dates: more near infrared, less red.
    growth = 1 + 0.06 * date * spectra.VEGETATED * np.sign(spectra.VIGOUR[b])
    reflectance = np.take(spectra.LAND[:, b] * growth.astype(np.float32), kinds)
    reflectance *= ground.brightness[date]
    texture = ground.vigour[date] * np.take(spectra.VEGETATED * spectra.VIGOUR[b], kinds)
    texture += ground.speckle[date] * np.take(spectra.ROUGHNESS, kinds)
    reflectance *= np.maximum(1 + texture, 0.15)
    if ground.water.any():
        water = spectra.WATER_DEEP[b] + ground.turbidity[date] * (spectra.WATER_TURBID[b] - spectra.WATER_DEEP[b])
        # Waves and glint.
        water += 0.009 * ground.speckle[date]
        reflectance += ground.water * (water - reflectance)
    snow = ground.snow[date]
    if snow.any():
        reflectance += snow * (spectra.SNOW[b] * (ground.brightness[date] + 0.05 * ground.speckle[date]) - reflectance)
    return np.asarray(reflectance, dtype=np.float32)


def _cover(toa: Float32Array, block: ImagedBlock, b: int, factor: int, cirrus: Float32Array) -> None:
    """Put the clouds over the ground, in place: low ones first, cirrus above all."""
    if block.overcast is not None:
        toa *= 1 - noise.binned(block.overcast.opacity, factor)
        bright = noise.binned(block.overcast.opacity * block.overcast.brightness, factor)
        toa += spectra.LOW_CLOUD[b] * bright
    if cirrus.any():
        toa *= 1 - spectra.CIRRUS_OPACITY[b] * cirrus
        toa += spectra.CIRRUS[b] * cirrus
