"""Compute the images and the states of the pixels in a block of a synthetic scene.

The radiative model is plain. The surface reflects direct and diffuse light; the atmosphere has a two-way transmission
and a path reflectance; cirrus is a thin layer that absorbs and scatters; low clouds have an opacity. Surfaces and low
clouds are averaged from 10 m to the band's own pixels. Smooth fields are evaluated at those pixels.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array
from alcd_otb.raster.grid import Window
from alcd_otb.synthetic import noise, spectra
from alcd_otb.synthetic.clouds import Clouds, Overcast, overcast_of
from alcd_otb.synthetic.ground import Ground, ground_of
from alcd_otb.synthetic.safe import QUANTIFICATION, SATURATED
from alcd_otb.synthetic.spectra import Band
from alcd_otb.synthetic.terrain import COARSE, Terrain

CLOUDY, CLEAR = 0, 1

# Covers of the ground beside those of land (`spectra.COVER`), and the fraction of a pixel above which it has them.
_WATER, _SNOW = 6, 7
_WATER_SHARE, _SNOW_SHARE = 0.50, 0.20

_SHADED_AIR = 0.35
"""Fraction of the path reflectance that comes from below the clouds."""


@dataclass(frozen=True)
class ImagedDate:
    """How one date is imaged.

    Attributes
    ----------
    date
        Index of the date, `CLOUDY` or `CLEAR`.
    gain
        Factor on the reflectance.
    path
        Path reflectance relative to the reference atmosphere (`spectra.PATH`).
    add
        DN added to the scaled reflectance.
    edge
        Edge of the swath as (a, b, c). A pixel is imaged where a * x + b * y > c, with x and y in pixels of 10 m from
        the upper left corner.
    """

    date: int
    gain: float
    path: float
    add: int
    edge: tuple[float, float, float]

    def imaged(self, window: Window, factor: int, margin: float = 0) -> npt.NDArray[np.bool_]:
        """Return which pixels of a window lie inside the swath.

        Parameters
        ----------
        window
            The window, in pixels of factor x 10 m.
        factor
            Side of these pixels, in pixels of 10 m.
        margin
            Distance that pixels must keep from the edge of the swath, in pixels of 10 m.

        Returns
        -------
        npt.NDArray[np.bool_]
            Mask (rows, columns), True inside.
        """
        row, column, rows, columns = window
        a, b, c = self.edge
        x = (np.arange(column, column + columns)[None, :] + 0.5) * factor
        y = (np.arange(row, row + rows)[:, None] + 0.5) * factor
        return np.asarray(a * x + b * y > c + margin * np.hypot(a, b))


@dataclass(frozen=True)
class ImagedBlock:
    """What all bands of a block share.

    Attributes
    ----------
    window
        The block, in pixels of 10 m; its sides are multiples of 6.
    terrain, clouds
        Fields of the whole scene.
    ground, overcast
        Ground and low clouds of the block.
    """

    window: Window
    terrain: Terrain
    clouds: Clouds
    ground: Ground
    overcast: Overcast | None


def make_block(terrain: Terrain, clouds: Clouds, window: Window) -> ImagedBlock:
    """Compute the common input of the bands of both dates for a block, once.

    Parameters
    ----------
    terrain, clouds
        Fields of the whole scene.
    window
        The block, in pixels of 10 m; its sides must be multiples of 6.
    """
    return ImagedBlock(window, terrain, clouds, ground_of(terrain, window), overcast_of(clouds, window))


def image_of(block: ImagedBlock, view: ImagedDate, band: Band) -> npt.NDArray[np.uint16]:
    """Compute the image of a band.

    Parameters
    ----------
    block
        What all bands share.
    view
        How the date is imaged.
    band
        The band.

    Returns
    -------
    npt.NDArray[np.uint16]
        DN at the band's own resolution (rows, columns); 0 outside the swath.
    """
    position, factor = band.position, band.resolution // 10
    window = Window(*(side // factor for side in block.window))

    def own(field: Float32Array) -> Float32Array:
        return noise.upsample(field, COARSE / band.resolution, window)

    surface = noise.binned(_surface(block.ground, view.date, position), factor)
    sunlight = own(block.terrain.illumination[view.date])
    path: Float32Array | float = float(spectra.PATH[position] * view.path)
    if view.date == CLOUDY:
        under_clouds = own(block.clouds.sunlight)
        sunlight = sunlight * under_clouds
        # The air below a cloud is in its shadow, too.
        path = path * (1 - _SHADED_AIR + _SHADED_AIR * under_clouds)
    haze = own(block.clouds.haze[view.date])
    diffuse = float(spectra.DIFFUSE[position])
    toa = surface * (sunlight * (1 - diffuse) + diffuse)
    if band.name == "B10":
        toa *= 0.018 * noise.smoothstep(own(block.terrain.elevation), 700, 3200)
    else:
        toa *= spectra.TRANSMISSION[position] * (1 - 0.06 * haze)
    toa += path + spectra.HAZE_PATH[position] * haze
    if view.date == CLOUDY:
        _add_clouds(toa, block, position, factor, own(block.clouds.cirrus))
    toa *= view.gain
    random = noise.generator(block.terrain.seed, 3, view.date, position, block.window[0], block.window[1])
    toa += (spectra.NOISE[position] + 0.004 * toa) * random.standard_normal(toa.shape, dtype=np.float32)
    dn = np.rint(toa * QUANTIFICATION) + view.add
    np.clip(dn, 1, SATURATED - 1, out=dn)
    dn[~view.imaged(window, factor)] = 0
    return np.asarray(dn, dtype=np.uint16)


def states_of(block: ImagedBlock, factor: int) -> dict[str, Float32Array]:
    """Return the states of the pixels at the cloudy date, from which rules make the truth.

    Parameters
    ----------
    block
        The block.
    factor
        Side of the pixels of the states, in pixels of 10 m.

    Returns
    -------
    dict[str, Float32Array]
        Fields (rows, columns) by name. ``water`` and ``snow`` are fractions of the pixel. ``turbidity`` is that of the
        water, 0 to 1. ``low_cloud`` is an opacity, 0 to 1. ``cirrus`` is dense at 1. ``sunlight`` is the fraction of
        the direct light that clouds let through. ``illumination`` is the direct light on the slope, relative to that
        on flat ground.
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
    """Return the cover of the ground at the cloudy date, under clouds as well: a group of land, water or snow.

    Parameters
    ----------
    block
        The block.
    factor
        Side of the pixels of the result, in pixels of 10 m.

    Returns
    -------
    npt.NDArray[np.uint8]
        Cover codes (rows, columns).
    """
    cover = np.take(spectra.COVER, block.ground.kinds[CLOUDY][::factor, ::factor])
    cover[noise.binned(block.ground.water, factor) > _WATER_SHARE] = _WATER
    cover[noise.binned(block.ground.snow[CLOUDY], factor) > _SNOW_SHARE] = _SNOW
    return np.asarray(cover, dtype=np.uint8)


def _surface(ground: Ground, date: int, position: int) -> Float32Array:
    """Compute the surface reflectance at 10 m in the band of a position."""
    kinds = ground.kinds[date]
    # Leaves grow between the dates: more near infrared, less red.
    growth = 1 + 0.06 * date * spectra.VEGETATED * np.sign(spectra.VIGOUR[position])
    reflectance = np.take(spectra.LAND[:, position] * growth.astype(np.float32), kinds)
    reflectance *= ground.brightness[date]
    texture = ground.vigour[date] * np.take(spectra.VEGETATED * spectra.VIGOUR[position], kinds)
    texture += ground.speckle[date] * np.take(spectra.ROUGHNESS, kinds)
    reflectance *= np.maximum(1 + texture, 0.15)
    if ground.water.any():
        deep, turbid = spectra.WATER_DEEP[position], spectra.WATER_TURBID[position]
        water = deep + ground.turbidity[date] * (turbid - deep)
        # Waves and glint.
        water += 0.009 * ground.speckle[date]
        reflectance += ground.water * (water - reflectance)
    snow = ground.snow[date]
    if snow.any():
        brightness = ground.brightness[date] + 0.05 * ground.speckle[date]
        reflectance += snow * (spectra.SNOW[position] * brightness - reflectance)
    return np.asarray(reflectance, dtype=np.float32)


def _add_clouds(toa: Float32Array, block: ImagedBlock, position: int, factor: int, cirrus: Float32Array) -> None:
    """Put the clouds over the ground, in place: low clouds first, cirrus above them."""
    if block.overcast is not None:
        toa *= 1 - noise.binned(block.overcast.opacity, factor)
        bright = noise.binned(block.overcast.opacity * block.overcast.brightness, factor)
        toa += spectra.LOW_CLOUD[position] * bright
    if cirrus.any():
        toa *= 1 - spectra.CIRRUS_OPACITY[position] * cirrus
        toa += spectra.CIRRUS[position] * cirrus
