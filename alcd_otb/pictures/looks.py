"""Compute the looks of a scene, with the values that are black and white in each, once for each scene.

The contrast is that of the scene's own valid pixels, so that it suits any sensor and any scene. It is recorded beside
the view, for pictures, QGIS and other viewers.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import BoolArray
from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.view import Look, View
from alcd_otb.workspace import Workspace
from otb_pipelines.process import gdal

log = logging.getLogger(__name__)

LOOKS = "looks"
"""Key of the looks in ``preparation.json``."""

_MOST_PIXELS = 1024
"""Largest side of the reduced image from which the contrast is computed."""
_WHITE, _BLACK = 250, 3
"""A pixel is white or black if all of its colours are at least, or at most, this of 255."""
_TOO_MUCH = 0.9
"""Share of white or black pixels from which on nothing can be told from a picture."""

Limits = tuple[float, float]
"""The values that are shown as black and as white."""

Pixels = npt.NDArray[np.float64]

Stored = npt.NDArray[Any]


@dataclass(frozen=True)
class ShownLook:
    """A look of a scene.

    Attributes
    ----------
    name
        Its name.
    layers
        The layers of the view: one in grey, or three in red, green and blue.
    limits
        The values that are black and white, of each layer.
    gamma
        The share between black and white is raised to the power of 1 / gamma.
    """

    name: str
    layers: tuple[str, ...]
    limits: tuple[Limits, ...]
    gamma: float = 1.0

    def as_json(self) -> dict[str, Any]:
        """Return what ``preparation.json`` holds of it."""
        limits = [list(pair) for pair in self.limits]
        return {"name": self.name, "layers": list(self.layers), "limits": limits, "gamma": self.gamma}

    @classmethod
    def from_json(cls, content: Any) -> "ShownLook":
        """Make a look of what ``preparation.json`` holds. Raises KeyError, TypeError or ValueError if it is wrong."""
        layers = tuple(str(layer) for layer in content["layers"])
        limits = tuple((float(low), float(high)) for low, high in content["limits"])
        if len(layers) not in (1, 3) or len(limits) != len(layers):
            raise ValueError("a look has one layer or three, each with its limits")
        if not all(low < high for low, high in limits) or not float(content["gamma"]) > 0:
            raise ValueError("the limits of a look are two values, and its gamma is above 0")
        return cls(str(content["name"]), layers, limits, float(content["gamma"]))


def looks_of(workspace: Workspace, view: View) -> tuple[ShownLook, ...]:
    """Return the looks of a prepared scene, as they are recorded.

    A workspace of an older version has no record of them: they are computed from its view.

    Parameters
    ----------
    workspace
        The workspace of the scene.
    view
        The view of the scene's template.

    Raises
    ------
    RuntimeError
        The view cannot be read.
    """
    try:
        recorded = tuple(ShownLook.from_json(look) for look in read_json(workspace.preparation)[LOOKS])
    except (UnreadableError, KeyError, TypeError, ValueError, OverflowError):
        return computed_looks(ReducedImage(workspace.view, workspace.valid), view)
    present = layer_numbers(open_raster(workspace.view))
    if all(layer in present for look in recorded for layer in look.layers):
        return recorded
    return computed_looks(ReducedImage(workspace.view, workspace.valid), view)


def layer_numbers(view: gdal.Dataset) -> dict[str, int]:
    """Return the numbers of the bands of a view by the names of the layers."""
    return {view.GetRasterBand(number).GetDescription(): number for number in range(1, view.RasterCount + 1)}


def computed_looks(image: "ReducedImage", settings: View) -> tuple[ShownLook, ...]:
    """Compute the looks of a view from its valid pixels.

    Parameters
    ----------
    image
        The view.
    settings
        The view of the scene's template.
    """
    return tuple(_shown(look, image, settings.limits) for look in settings.looks_of(list(image.numbers)))


def remarks_on(image: "ReducedImage", looks: Sequence[ShownLook]) -> list[str]:
    """Describe the looks of a view in which nearly all pixels are white or black."""
    return [remark for look in looks if (remark := _remark(look, image)) is not None]


def _remark(look: ShownLook, image: "ReducedImage") -> str | None:
    layers = [image.layer(layer) for layer in look.layers]
    # Without values, no pixel is white.
    if any(values.size == 0 for values in layers) or len({values.size for values in layers}) != 1:
        return None
    shares = [(values - low) / (high - low) for values, (low, high) in zip(layers, look.limits, strict=True)]
    shown = np.stack(shares).clip(0, 1) ** (1 / look.gamma) * 255
    white, black = (shown >= _WHITE).all(0).mean(), (shown <= _BLACK).all(0).mean()
    for colour, share in (("white", white), ("black", black)):
        if share > _TOO_MUCH:
            low, high = look.limits[0]
            values = np.percentile(layers[0], (2, 98))
            return (
                f"{image.path}: {100 * share:.0f} % of the look {look.name!r} is {colour}: it shows {low:g} to "
                f"{high:g}, and its values are {values[0]:.4g} to {values[1]:.4g}; correct minimum and maximum in "
                "the template's view, or leave them out; a stack without scale gets one by gdal_translate -a_scale "
                "0.0001"
            )
    return None


class ReducedImage:
    """A view at reduced size, of which only valid pixels count. The pixels are the same on every machine.

    Parameters
    ----------
    view
        The view stack.
    valid
        The mask of valid pixels; it may lie on another grid of the same place, and be absent.

    Raises
    ------
    RuntimeError
        The view cannot be read.
    """

    def __init__(self, view: Path, valid: Path) -> None:
        self.path = view
        self._view = open_raster(view)
        self.numbers = layer_numbers(self._view)
        self._size = (min(self._view.RasterXSize, _MOST_PIXELS), min(self._view.RasterYSize, _MOST_PIXELS))
        self._valid = self._valid_pixels(valid) if valid.is_file() else np.ones(self._size[::-1], bool)
        self._layers: dict[str, Stored] = {}

    def layer(self, name: str) -> Pixels:
        """Return the values of a layer in the valid pixels that have data, as one axis."""
        band = self._view.GetRasterBand(self.numbers[name])
        if name not in self._layers:
            width, height = self._size
            stored = band.ReadAsArray(buf_xsize=width, buf_ysize=height)
            seen = np.isfinite(stored)
            if band.GetNoDataValue() is not None:
                seen &= stored != band.GetNoDataValue()
            # A scene that lies entirely in the margin also has a picture.
            valid = self._valid & seen
            self._layers[name] = stored[valid if valid.any() else seen]
        # Kept as they are stored, which is a quarter of the size.
        return self._layers[name].astype(np.float64) * (band.GetScale() or 1)

    def _valid_pixels(self, path: Path) -> BoolArray:
        width, height = self._size
        valid: BoolArray = open_raster(path).ReadAsArray(buf_xsize=width, buf_ysize=height) != 0
        return valid


def _shown(look: Look, image: ReducedImage, fixed: Mapping[str, Limits]) -> ShownLook:
    """Choose the limits of a look: its own, those of its layers, or percentiles of the pixels."""
    if look.limits is not None:
        return ShownLook(look.name, look.layers, (look.limits,) * len(look.layers), look.gamma)
    given = [fixed.get(layer) for layer in look.layers]
    limits = [own or _between(image.layer(layer), look) for own, layer in zip(given, look.layers, strict=True)]
    if look.together and not any(given):
        white = _between(np.concatenate([image.layer(layer) for layer in look.layers]), look)[1]
        limits = [(black, white if black < white else own) for black, own in limits]
    return ShownLook(look.name, look.layers, tuple(limits), look.gamma)


def _between(values: Pixels, look: Look) -> Limits:
    """Return the percentiles of values, in six digits. They differ even if all values are equal."""
    if not values.size:
        return 0.0, 1.0
    low, high = (float(f"{value:.6g}") for value in np.percentile(values, look.percentiles))
    return low, high if high > low else low + max(abs(low), 1.0) * 1e-3
