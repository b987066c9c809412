"""Define reflectances, atmosphere and noise of the synthetic scenes in the 13 bands of Sentinel-2.

The values are not measurements. They are round figures typical of spring over southern France, chosen to give the
right contrasts between the bands. Surfaces have bottom-of-atmosphere reflectance, clouds top-of-atmosphere reflectance.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array


@dataclass(frozen=True)
class Band:
    """A band of the MultiSpectral Instrument.

    Attributes
    ----------
    name
        Such as ``B8A``.
    resolution
        Pixel side in metres.
    wavelength
        Central wavelength in nanometres.
    position
        Position among the bands, 0 to 12: ``band_id`` in the metadata.
    """

    name: str
    resolution: int
    wavelength: int
    position: int


BANDS = tuple(
    Band(name, resolution, wavelength, position)
    for position, (name, resolution, wavelength) in enumerate(
        (
            ("B01", 60, 443),
            ("B02", 10, 490),
            ("B03", 10, 560),
            ("B04", 10, 665),
            ("B05", 20, 705),
            ("B06", 20, 740),
            ("B07", 20, 783),
            ("B08", 10, 842),
            ("B8A", 20, 865),
            ("B09", 60, 945),
            ("B10", 60, 1375),
            ("B11", 20, 1610),
            ("B12", 20, 2190),
        )
    )
)


def _row(*values: float) -> Float32Array:
    """Return a value for each band, (bands,)."""
    if len(values) != len(BANDS):
        raise ValueError(f"{len(values)} values for {len(BANDS)} bands")
    return np.array(values, dtype=np.float32)


#                      B01    B02    B03    B04    B05    B06    B07    B08    B8A    B09    B10    B11    B12
LAND_KINDS: dict[str, Float32Array] = {
    "cereal": _row(0.020, 0.026, 0.052, 0.032, 0.085, 0.270, 0.360, 0.390, 0.400, 0.390, 0.200, 0.180, 0.085),
    "young_crop": _row(0.040, 0.052, 0.080, 0.085, 0.120, 0.200, 0.240, 0.260, 0.275, 0.280, 0.250, 0.260, 0.180),
    "rapeseed": _row(0.028, 0.038, 0.110, 0.095, 0.160, 0.330, 0.390, 0.420, 0.430, 0.420, 0.220, 0.200, 0.100),
    "stubble": _row(0.060, 0.080, 0.115, 0.160, 0.190, 0.215, 0.235, 0.255, 0.275, 0.290, 0.300, 0.350, 0.270),
    "dark_soil": _row(0.040, 0.050, 0.066, 0.085, 0.098, 0.110, 0.120, 0.130, 0.140, 0.150, 0.200, 0.210, 0.180),
    "bright_soil": _row(0.078, 0.103, 0.142, 0.186, 0.208, 0.226, 0.240, 0.257, 0.270, 0.283, 0.335, 0.365, 0.315),
    "pasture": _row(0.026, 0.034, 0.066, 0.048, 0.105, 0.240, 0.300, 0.325, 0.340, 0.340, 0.240, 0.230, 0.125),
    "vineyard": _row(0.055, 0.070, 0.098, 0.120, 0.150, 0.195, 0.215, 0.235, 0.250, 0.260, 0.290, 0.300, 0.230),
    "broadleaf": _row(0.018, 0.022, 0.042, 0.028, 0.070, 0.200, 0.265, 0.285, 0.300, 0.295, 0.150, 0.145, 0.066),
    "conifer": _row(0.014, 0.018, 0.030, 0.022, 0.046, 0.120, 0.155, 0.170, 0.178, 0.176, 0.090, 0.085, 0.040),
    "rock": _row(0.130, 0.155, 0.185, 0.210, 0.225, 0.235, 0.245, 0.255, 0.262, 0.265, 0.270, 0.290, 0.250),
    "alpine_grass": _row(0.040, 0.050, 0.080, 0.090, 0.130, 0.200, 0.230, 0.245, 0.260, 0.265, 0.260, 0.270, 0.180),
    "asphalt": _row(0.075, 0.082, 0.092, 0.100, 0.105, 0.112, 0.118, 0.125, 0.130, 0.133, 0.140, 0.150, 0.140),
    "bright_roof": _row(0.360, 0.400, 0.430, 0.450, 0.455, 0.460, 0.460, 0.465, 0.465, 0.455, 0.400, 0.430, 0.380),
    "tile_roof": _row(0.065, 0.075, 0.105, 0.175, 0.205, 0.225, 0.240, 0.255, 0.270, 0.280, 0.330, 0.350, 0.310),
    "sand": _row(0.170, 0.210, 0.270, 0.320, 0.340, 0.355, 0.365, 0.375, 0.385, 0.385, 0.400, 0.440, 0.390),
    "track": _row(0.095, 0.120, 0.150, 0.180, 0.195, 0.210, 0.220, 0.235, 0.245, 0.250, 0.290, 0.310, 0.270),
}
KIND = {name: number for number, name in enumerate(LAND_KINDS)}
LAND: Float32Array = np.stack(list(LAND_KINDS.values()))
"""Reflectance of every kind of land, (kinds, bands)."""

WATER_DEEP = _row(0.022, 0.022, 0.016, 0.007, 0.006, 0.005, 0.004, 0.004, 0.003, 0.003, 0.002, 0.002, 0.001)
WATER_TURBID = _row(0.050, 0.066, 0.105, 0.100, 0.085, 0.045, 0.042, 0.032, 0.026, 0.015, 0.004, 0.006, 0.004)
SNOW = _row(0.900, 0.920, 0.910, 0.900, 0.890, 0.880, 0.870, 0.850, 0.830, 0.760, 0.250, 0.110, 0.080)

PATH = _row(0.112, 0.082, 0.047, 0.027, 0.022, 0.018, 0.015, 0.012, 0.010, 0.006, 0.0012, 0.003, 0.002)
"""Path reflectance of the reference atmosphere."""
HAZE_PATH = _row(0.055, 0.050, 0.042, 0.036, 0.034, 0.032, 0.030, 0.028, 0.027, 0.014, 0.0, 0.010, 0.006)
"""Path reflectance added by one unit of haze."""
TRANSMISSION = _row(0.800, 0.840, 0.880, 0.915, 0.920, 0.930, 0.950, 0.940, 0.960, 0.480, 0.0, 0.950, 0.930)
"""Two-way transmission; the 1375 nm band sees the ground over high terrain only (see ``imaging``)."""
DIFFUSE = _row(0.460, 0.390, 0.300, 0.220, 0.195, 0.175, 0.155, 0.135, 0.125, 0.100, 0.100, 0.050, 0.035)
"""Fraction of the irradiance that comes from the sky and also reaches shadows."""

LOW_CLOUD = _row(0.800, 0.790, 0.770, 0.790, 0.800, 0.810, 0.820, 0.820, 0.820, 0.480, 0.0050, 0.600, 0.430)
"""Reflectance of an opaque water cloud; at 1375 nm the vapour above hides it."""
CIRRUS = _row(0.190, 0.185, 0.180, 0.180, 0.180, 0.180, 0.180, 0.180, 0.180, 0.140, 0.095, 0.100, 0.070)
"""Reflectance added by one unit of cirrus."""
CIRRUS_OPACITY = _row(0.26, 0.26, 0.26, 0.26, 0.26, 0.26, 0.26, 0.26, 0.26, 0.26, 0.26, 0.30, 0.32)
"""Fraction of the light from below that one unit of cirrus blocks."""

VIGOUR = _row(-0.18, -0.20, -0.10, -0.26, -0.05, 0.14, 0.20, 0.22, 0.22, 0.20, 0.0, -0.12, -0.22)
"""Relative change of a vegetated reflectance with one unit of the vigour texture."""
NOISE = _row(0.0012, 0.0011, 0.0010, 0.0010, 0.0011, 0.0012, 0.0012, 0.0013, 0.0012, 0.0012, 0.0004, 0.0010, 0.0010)
"""Standard deviation of the sensor noise at zero signal; it grows by 0.4 % of the reflectance."""

SOLAR_IRRADIANCE = _row(
    1884.69, 1959.66, 1823.24, 1512.06, 1424.64, 1287.61, 1162.08, 1041.63, 955.32, 812.92, 367.15, 245.59, 85.25
)
"""Solar irradiance in W/m2/um, as in the public metadata of Sentinel-2A."""


def per_kind(default: float, **kinds: float) -> npt.NDArray[Any]:
    """Return a lookup table over the kinds of land, float32 (kinds,).

    Parameters
    ----------
    default
        Value of the kinds that are not named.
    **kinds
        Value of a kind, by its name.
    """
    return np.array([kinds.get(name, default) for name in LAND_KINDS], dtype=np.float32)


COVER = per_kind(10, broadleaf=11, conifer=11, rock=12, alpine_grass=12, asphalt=13, bright_roof=13, tile_roof=13,
                 sand=14, stubble=15, dark_soil=15, bright_soil=15, vineyard=15, track=15).astype(np.uint8)  # fmt: skip
"""Cover code by kind of land. A cover is a group that looks different to a person.

The covers are green fields, forest, heights, towns, sand and bare fields.
"""

VEGETATED = per_kind(0.0, cereal=1.0, young_crop=0.8, rapeseed=0.8, pasture=1.0, vineyard=0.5, broadleaf=0.6,
                     conifer=0.5, alpine_grass=0.7, stubble=0.2)  # fmt: skip
ROUGHNESS = per_kind(0.25, broadleaf=0.45, conifer=0.48, rock=0.45, asphalt=0.45, bright_roof=0.45, tile_roof=0.45,
                     vineyard=0.34, alpine_grass=0.38, sand=0.25, young_crop=0.30)  # fmt: skip
"""Relative standard deviation of the brightness from pixel to pixel."""
