"""Read a mask's own pixels as flags and class codes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import BoolArray, UInt8Array
from alcd_otb.errors import ProductError
from alcd_otb.masks.mask import NO_DATA, Mask, MaskLayer, check_type
from alcd_otb.raster.grid import Window
from alcd_otb.raster.own_mask import OwnMask, own_mask
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

    A pixel that a file of the mask itself says to be without data, by a no-data value, a mask or an alpha band, is
    without data whatever its value.

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
        If a file of the mask cannot be read, its files differ in size, or one lacks the band that is read.
    """

    def __init__(self, mask: Mask, positive: frozenset[str], excluded: frozenset[str]) -> None:
        self._mask = mask
        self._layers = list(_open_layers(mask, positive, excluded))
        for layer in self._layers:
            if (layer.dataset.RasterXSize, layer.dataset.RasterYSize) != (mask.grid.width, mask.grid.height):
                raise ProductError(f"{mask.path}: its files differ in size; give the files of one product")

    @property
    def remarks(self) -> tuple[str, ...]:
        """Remarks for the user: no-data values of files that are also values of observed pixels."""
        return tuple(filter(None, (self._remark(layer) for layer in self._layers)))

    def _remark(self, layer: "_OpenLayer") -> str | None:
        no_data = layer.own_mask.no_data if layer.own_mask else None
        if no_data is None or no_data not in range(256):
            return None
        value, processor = int(no_data), self._mask.processor
        meaning = layer.layer.table[value]
        if meaning is None or NO_DATA in meaning:
            return None
        name = next((entry.name for entry in self._mask.classes if layer.gives_codes and entry.code == value), None)
        seen = f"the class {name} of {processor}" if name else f"a value of pixels that {processor} observed"
        return (
            f"{self._mask.path}: its no-data value {value} is also {seen}; such pixels are not compared; if they were "
            "observed, remove the no-data value (gdal_edit.py -unsetnodata)"
        )

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
            pixels = self._read_layer(layer, window)
            values = pixels.values
            of_layer = layer.flags[values]
            if pixels.unseen is not None:
                of_layer[pixels.unseen] = WITHOUT_DATA
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

    def _read_layer(self, layer: "_OpenLayer", window: Window) -> "_LayerPixels":
        place = (window.column, window.row, window.columns, window.rows)
        try:
            values = layer.dataset.GetRasterBand(layer.layer.band).ReadAsArray(*place)
            own = layer.own_mask
            unseen = None if own is None else own.band.ReadAsArray(*place) != own.data_value
        except RuntimeError as error:
            raise ProductError(
                f"{self._mask.path}: cannot be read ({' '.join(str(error).split())}); get the product again"
            ) from error
        if values.dtype == np.uint8:
            return _LayerPixels(np.asarray(values), unseen)
        if unseen is not None:
            # The no-data value may lie beyond 8 bits.
            values[unseen] = 0
        if not layer.layer.clipped and (values.min() < 0 or values.max() > 255):
            raise ProductError(
                f"{self._mask.path}: has pixels from {values.min()} to {values.max()}, where a mask has 0 to 255"
            )
        return _LayerPixels(np.asarray(np.clip(values, 0, 255), np.uint8), unseen)


class _LayerPixels(NamedTuple):
    """Pixels of a layer: its values, and a mask of those that the file declares as no data; None if there are none."""

    values: UInt8Array
    unseen: BoolArray | None


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
    own_mask
        The raster's own declaration of pixels without data.
    """

    layer: MaskLayer
    dataset: gdal.Dataset
    flags: UInt8Array
    may_refuse: bool
    gives_codes: bool
    own_mask: OwnMask | None


def _open_layers(mask: Mask, positive: frozenset[str], excluded: frozenset[str]) -> Iterator[_OpenLayer]:
    """Open the layers that matter: where only clouds are positive, MAJA's layer of water does not."""
    for number, layer in enumerate(mask.layers):
        flags = _flags_by_value(layer, positive, excluded | {NO_DATA})
        gives_codes = number == 0 and bool(mask.classes)
        if gives_codes or flags.any():
            dataset = layer.open()
            if layer.band > dataset.RasterCount:
                raise ProductError(
                    f"{mask.path}: {mask.processor}'s mask is read from band {layer.band}, and the file has "
                    f"{dataset.RasterCount}; give the file as {mask.processor} wrote it, or correct the table's band"
                )
            check_type(mask.path, dataset, layer.band)
            may_refuse = bool((flags == _IMPOSSIBLE).any())
            yield _OpenLayer(layer, dataset, flags, may_refuse, gives_codes, own_mask(dataset, layer.band))


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
