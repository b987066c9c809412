"""Read a mask's own pixels as flags and class codes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import UInt8Array
from alcd_otb.errors import ProductError
from alcd_otb.masks.mask import NO_DATA, Mask, MaskLayer
from alcd_otb.raster.grid import Window
from otb_pipelines.process import gdal

POSITIVE, WITHOUT_DATA = 1, 2
"""Flags of a pixel; it may have both."""

_IMPOSSIBLE = 4
"""Flag of a value that the encoding does not have."""


class FlaggedPixels(NamedTuple):
    """Pixels of a window of a mask.

    Attributes
    ----------
    flags
        POSITIVE and WITHOUT_DATA, added, (rows, columns).
    codes
        Class codes, (rows, columns); 0 for a mask without classes.
    """

    flags: UInt8Array
    codes: UInt8Array


class MaskPixels:
    """Reader of the pixels of a mask.

    Parameters
    ----------
    mask
        The mask to read.
    positive
        Meanings of positive pixels.
    excluded
        Meanings of pixels that count as without data.

    Raises
    ------
    ProductError
        If a file of the mask cannot be read, or its files differ in size.
    """

    def __init__(self, mask: Mask, positive: frozenset[str], excluded: frozenset[str]) -> None:
        self._mask = mask
        self._layers = list(_open_layers(mask, positive, excluded))
        for layer in self._layers:
            if (layer.dataset.RasterXSize, layer.dataset.RasterYSize) != (mask.grid.width, mask.grid.height):
                raise ProductError(f"{mask.path}: its files differ in size; give the files of one product")

    def read(self, window: Window) -> FlaggedPixels:
        """Read a window of the mask's grid; beyond the edge of the mask there is no data.

        Raises
        ------
        ProductError
            If a pixel has a value that the encoding does not have, or cannot be read.
        """
        grid = self._mask.grid
        shape = (window.rows, window.columns)
        top, left = max(window.row, 0), max(window.column, 0)
        bottom = min(window.row + window.rows, grid.height)
        right = min(window.column + window.columns, grid.width)
        if top >= bottom or left >= right:
            return FlaggedPixels(np.full(shape, WITHOUT_DATA, np.uint8), np.zeros(shape, np.uint8))
        pixels = self._read_inside(Window(top, left, bottom - top, right - left))
        if pixels.flags.shape == shape:
            return pixels
        around = (
            (top - window.row, window.row + window.rows - bottom),
            (left - window.column, window.column + window.columns - right),
        )
        return FlaggedPixels(np.pad(pixels.flags, around, constant_values=WITHOUT_DATA), np.pad(pixels.codes, around))

    def _read_inside(self, window: Window) -> FlaggedPixels:
        flags = codes = np.zeros((window.rows, window.columns), np.uint8)
        for number, layer in enumerate(self._layers):
            values = self._read_layer(layer, window)
            of_layer = layer.flags[values]
            if layer.may_refuse and (of_layer & _IMPOSSIBLE).any():
                strange = sorted(set(np.unique(values[of_layer & _IMPOSSIBLE != 0]).tolist()))
                raise ProductError(
                    f"{self._mask.path}: has pixels of value {', '.join(map(str, strange[:5]))}, which "
                    f"{self._mask.processor} does not have; check which processor wrote it"
                )
            flags = of_layer if number == 0 else flags | of_layer
            if layer.gives_codes:
                codes = values
        return FlaggedPixels(flags, codes)

    def _read_layer(self, layer: "_OpenLayer", window: Window) -> UInt8Array:
        band = layer.dataset.GetRasterBand(layer.layer.band)
        try:
            values = band.ReadAsArray(window.column, window.row, window.columns, window.rows)
        except RuntimeError as error:
            raise ProductError(
                f"{self._mask.path}: cannot be read ({' '.join(str(error).split())}); get the product again"
            ) from error
        if values.dtype == np.uint8:
            return np.asarray(values)
        if not layer.layer.clipped and (values.min() < 0 or values.max() > 255):
            raise ProductError(
                f"{self._mask.path}: has pixels from {values.min()} to {values.max()}, where a mask has 0 to 255"
            )
        return np.asarray(np.clip(values, 0, 255), np.uint8)


@dataclass(frozen=True, eq=False)
class _OpenLayer:
    """A layer that is open for reading.

    Attributes
    ----------
    layer
        The layer of the mask.
    dataset
        Its open raster.
    flags
        Flags by value, (256,).
    may_refuse
        Whether there are values that the encoding does not have.
    gives_codes
        Whether its values are class codes.
    """

    layer: MaskLayer
    dataset: gdal.Dataset
    flags: UInt8Array
    may_refuse: bool
    gives_codes: bool


def _open_layers(mask: Mask, positive: frozenset[str], excluded: frozenset[str]) -> Iterator[_OpenLayer]:
    """Open the layers that matter: where only clouds are positive, MAJA's layer of water does not."""
    for number, layer in enumerate(mask.layers):
        flags = _flags_by_value(layer, positive, excluded | {NO_DATA})
        gives_codes = number == 0 and bool(mask.classes)
        if gives_codes or flags.any():
            yield _OpenLayer(layer, layer.open(), flags, bool((flags == _IMPOSSIBLE).any()), gives_codes)


def _flags_by_value(layer: MaskLayer, positive: frozenset[str], without_data: frozenset[str]) -> UInt8Array:
    flags = np.zeros(256, np.uint8)
    for value, meaning in enumerate(layer.table):
        if meaning is None:
            flags[value] = _IMPOSSIBLE
        elif meaning & without_data:
            flags[value] = WITHOUT_DATA
        elif meaning & positive:
            flags[value] = POSITIVE
    return flags
