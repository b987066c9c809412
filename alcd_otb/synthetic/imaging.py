"""Top-of-atmosphere reflectance and truth of a block of the synthetic scene.

A plain radiative model: surface reflectance under direct and diffuse light, two-way transmission and path
reflectance, cirrus as a thin absorbing and scattering layer, low clouds by opacity. Surfaces and low clouds are
averaged from 10 m to the band's own pixels; smooth fields are evaluated at those pixels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alcd_otb.synthetic import noise, spectra
from alcd_otb.synthetic.clouds import Clouds, Overcast, overcast_of
from alcd_otb.synthetic.noise import Floats
from alcd_otb.synthetic.safe import QUANTIFICATION, SATURATED
from alcd_otb.synthetic.spectra import Band
from alcd_otb.synthetic.terrain import COARSE, Ground, Terrain, Window, ground_of

CLOUDY, CLEAR = 0, 1
LAND, WATER, SNOW, LOW_CLOUDS, HIGH_CLOUDS, CLOUD_SHADOWS = 5, 6, 7, 2, 3, 4

# Where a class begins to dominate, at 20 m.
_LOW_CLOUD_OPACITY = 0.10
_CIRRUS_DENSITY = 0.09
_SUNLIGHT = 0.78
_SUNLIGHT_ON_WATER = 0.62
_LOW_CLOUD_OVER_CIRRUS = 0.50
_LOW_CLOUD_OVER_SHADOW = 0.22
_SNOW_SHARE = 0.20

_SHADED_AIR = 0.35
"""Share of the path reflectance that comes from below the clouds."""


@dataclass(frozen=True)
class View:
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
class Block:
    """What all bands of a block share. window in pixels of 10 m, sides multiples of 6."""

    window: Window
    terrain: Terrain
    clouds: Clouds
    ground: Ground
    overcast: Overcast | None


def make_block(terrain: Terrain, clouds: Clouds, window: Window) -> Block:
    """What the bands of both dates need of a window, computed once."""
    return Block(window, terrain, clouds, ground_of(terrain, window), overcast_of(clouds, window))


def image_of(block: Block, view: View, band: Band) -> npt.NDArray[np.uint16]:
    """The DN of a band at its own resolution; 0 outside the swath."""
    b, factor = band.position, band.resolution // 10
    row, column, rows, columns = (side // factor for side in block.window)
    window = (row, column, rows, columns)

    def own(field: Floats) -> Floats:
        return noise.upsample(field, COARSE / band.resolution, window)

    surface = noise.binned(_surface(block.ground, view.date, b), factor)
    sunlight = own(block.terrain.illumination[view.date])
    path: Floats | float = float(spectra.PATH[b] * view.path)
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


def truth_of(block: Block, view: View) -> npt.NDArray[np.uint8]:
    """The class at 20 m that dominates each pixel of the cloudy date; 0 outside its swath."""
    row, column, rows, columns = (side // 2 for side in block.window)
    window = (row, column, rows, columns)
    truth = np.full((rows, columns), LAND, dtype=np.uint8)
    truth[noise.binned(block.ground.water, 2) > 0.5] = WATER
    truth[noise.binned(block.ground.snow[CLOUDY], 2) > _SNOW_SHARE] = SNOW
    # Dark water hides the faint rim of a shadow.
    enough = np.where(truth == WATER, _SUNLIGHT_ON_WATER, _SUNLIGHT)
    truth[noise.upsample(block.clouds.sunlight, COARSE / 20, window) < enough] = CLOUD_SHADOWS
    cirrus = noise.upsample(block.clouds.cirrus, COARSE / 20, window) > _CIRRUS_DENSITY
    truth[cirrus] = HIGH_CLOUDS
    if block.overcast is not None:
        opacity = noise.binned(block.overcast.opacity, 2)
        truth[(opacity > _LOW_CLOUD_OPACITY) & (truth != HIGH_CLOUDS) & (truth != CLOUD_SHADOWS)] = LOW_CLOUDS
        truth[(opacity > _LOW_CLOUD_OVER_SHADOW) & (truth == CLOUD_SHADOWS)] = LOW_CLOUDS
        truth[opacity > _LOW_CLOUD_OVER_CIRRUS] = LOW_CLOUDS
    truth[~view.imaged(window, 2)] = 0
    return truth


def cover_of(block: Block) -> npt.NDArray[np.uint8]:
    """What covers the ground at 20 m at the cloudy date, clouds aside: a group of land kinds, WATER or SNOW."""
    cover = np.take(spectra.COVER, block.ground.kinds[CLOUDY][::2, ::2])
    cover[noise.binned(block.ground.water, 2) > 0.5] = WATER
    cover[noise.binned(block.ground.snow[CLOUDY], 2) > _SNOW_SHARE] = SNOW
    return np.asarray(cover, dtype=np.uint8)


def _surface(ground: Ground, date: int, b: int) -> Floats:
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


def _cover(toa: Floats, block: Block, b: int, factor: int, cirrus: Floats) -> None:
    """Put the clouds over the ground, in place: low ones first, cirrus above all."""
    if block.overcast is not None:
        toa *= 1 - noise.binned(block.overcast.opacity, factor)
        bright = noise.binned(block.overcast.opacity * block.overcast.brightness, factor)
        toa += spectra.LOW_CLOUD[b] * bright
    if cirrus.any():
        toa *= 1 - spectra.CIRRUS_OPACITY[b] * cirrus
        toa += spectra.CIRRUS[b] * cirrus
