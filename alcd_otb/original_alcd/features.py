"""Translate the original's features (Baetens et al., 2019) into features of a template."""

import re
from typing import Any

from alcd_otb.errors import ConfigurationError
from alcd_otb.original_alcd.folder import OriginalParameters

_INDICES = {"NDVI": ("B08", "B04"), "NDWI": ("B03", "B08"), "NDSI": ("B03", "B11"), "NDCI": ("B08", "B04")}
_SMALL = "0.01"
"""Number added to a divisor, to avoid divisions by 0."""

_TEXTURES = {"density_contours": "contour_density", "variation_coeff": "variation_coefficient"}
_TEXTURE_BAND = "B02"
_MOST_BAND = 12

DTM = "DTM"
"""Name of the elevation model among the features."""

_TRUE, _FALSE = ("true", "yes", "t", "y", "1"), ("false", "no", "f", "n", "0", "none", "")


def names_in(parameters: OriginalParameters) -> list[str]:
    """Return the names of the features in the parameters, in the order of the original's stack.

    The names are the original's own: B02, NDVI, ratio_2_4, time_2. A name that is not a feature of the original is
    returned as it is written.

    Parameters
    ----------
    parameters
        The original's global parameters.

    Raises
    ------
    ConfigurationError
        If a parameter is not the list, or not the truth value, that it should be.
    """
    names = [f"B{_two_digits(band)}" for band in _listed(parameters, "original_bands")]
    names += [str(index) for index in _listed(parameters, "special_indices")]
    names += [f"ratio_{ratio}" for ratio in _listed(parameters, "ratios")]
    names += [DTM] if _is_asked_for(parameters, "DTM") else []
    names += list(_TEXTURES) if _is_asked_for(parameters, "textures") else []
    return names + [f"time_{band}" for band in _listed(parameters, "time_difference_bands")]


def feature_of(name: str) -> Any:
    """Return a template's feature for a feature of the original, or None if the original has no such feature."""
    if re.fullmatch(r"B\d\d", name):
        return name if _is_band(name[1:]) else None
    if name in _INDICES:
        first, second = _INDICES[name]
        return {"name": name, "expr": f"({first} - {second}) / ({_SMALL} + {first} + {second})"}
    if name in _TEXTURES:
        return {"name": name, "texture": _TEXTURES[name], "band": _TEXTURE_BAND, "radius": 3}
    if name == DTM:
        return "dem"
    ratio = re.fullmatch(r"ratio_(\d+)_(\d+)", name)
    if ratio and _is_band(ratio[1]) and _is_band(ratio[2]):
        first, second = (f"B{_two_digits(ratio[number])}" for number in (1, 2))
        return {"name": name, "expr": f"({first} + {_SMALL}) / ({second} + {_SMALL})"}
    difference = re.fullmatch(r"time_(\d+)", name)
    if difference and _is_band(difference[1]):
        band = f"B{_two_digits(difference[1])}"
        return {"name": name, "expr": f"{band} - clear.{band}"}
    return None


def is_true(value: Any) -> bool:
    """Return whether a value means true. The original writes true and false as text."""
    return str(value).strip().lower() in _TRUE


def _is_asked_for(parameters: OriginalParameters, key: str) -> bool:
    value = parameters.section("features").get(key, False)
    if str(value).strip().lower() not in (*_TRUE, *_FALSE):
        raise ConfigurationError(f"{parameters.file}: features.{key}: {value!r} is neither true nor false")
    return is_true(value)


def _listed(parameters: OriginalParameters, key: str) -> list[Any]:
    value = parameters.section("features").get(key, [])
    if not isinstance(value, list):
        raise ConfigurationError(f"{parameters.file}: features.{key}: {value!r} is not a list")
    return value


def _two_digits(band: Any) -> str:
    text = str(band).strip()
    return f"{int(text):02d}" if text.isdecimal() else text


def _is_band(number: str) -> bool:
    return 1 <= int(number) <= _MOST_BAND
