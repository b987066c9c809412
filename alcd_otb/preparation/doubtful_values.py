"""Warn of pixel values that contradict the metadata.

The metadata may name a radiometric offset that is not in the pixels any more, or leave out one that is. DN 1 may stand
for no data instead of DN 0. A raster may not declare the number by which it means no data. None of these stops the
program, and each makes features wrong without any other warning.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alcd_otb.arrays import Float64Array, Int64Array
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.reflectance import radiometry_of
from alcd_otb.products.sentinel2_l1c import L1CProduct
from alcd_otb.products.stack import Stack, StackBand
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import describing, strips
from alcd_otb.raster.opening import GIVEN_RASTERS, open_raster
from alcd_otb.settings.band_names import TERRAIN, date_and_band
from alcd_otb.settings.features import names_used
from otb_pipelines.process import gdal
from otb_pipelines.stack import FormulaLayer

_BELOW = -0.02
"""No reflectance is so low; noise and the wavelet's undershoots of single pixels aside."""

_ABOVE, _DARK_BAND = 0.08, "B10"
"""The cirrus band is darker, but for high clouds. With an offset of 1000 that is not taken off, it is brighter."""

_FEW, _NEARLY_ALL = 0.01, 0.98
"""Shares of the pixels from which values below, and above, are warned of."""

_LARGE = 0.3
"""No edge has so large a share of the pixels."""

_FEWEST_PIXELS = 10
"""So many pixels in which all bands are too low are an edge, and not specks."""

# Beside the bits of the bands, that of a pixel in which all of them have data.
_HAS_DATA = 14
_CODES = 2 ** (_HAS_DATA + 1)

_WINDOWS_A_SIDE, _WINDOWS_A_SIDE_OF_JPEG2000, _WINDOW = 8, 3, 32
_LEAST_SHARE = 0.002
"""Share of the pixels from which a value far from all others is warned of."""


class Doubts(NamedTuple):
    """The checks of each pixel of a product: which of its bands are out of the possible range.

    Attributes
    ----------
    product
        The product.
    names
        The bands that are asked for, by their names in the template. The first one is bit 0 of the answer.
    layer
        The answer as a layer of a stack.
    """

    product: L1CProduct
    names: tuple[str, ...]
    layer: FormulaLayer


def doubts_of(inputs: Inputs) -> tuple[Doubts, ...]:
    """List the checks of the products whose values must be checked.

    Parameters
    ----------
    inputs
        The images of the scene, and the features, whose bands are looked at.
    """
    used = sorted({name for feature in inputs.features for name in names_used(feature)} - set(TERRAIN))
    doubts = []
    for number, product in enumerate(inputs.dates):
        names = tuple(name for name in used if date_and_band(name).date == number and _is_asked(inputs, name))
        if isinstance(product, L1CProduct) and names:
            doubts.append(Doubts(product, names, _layer(inputs, names)))
    return tuple(doubts)


def describe_doubts(grid: Grid, doubts: Sequence[Doubts], path: Path) -> Path:
    """Write a virtual raster without pixels that describes the answers, a band a product, and return its path."""
    with describing(path, grid, gdal.GDT_UInt16, len(doubts)):
        return path


def product_warnings(doubts: Sequence[Doubts], answers: Path, valid: Path) -> tuple[str, ...]:
    """Describe the products with impossible values, one line each.

    Parameters
    ----------
    doubts
        What was asked.
    answers
        The raster of the answers, a band for each of them.
    valid
        The mask of valid pixels on the same grid. Only these count, if there are any.
    """
    return tuple(
        warning
        for number, one in enumerate(doubts, start=1)
        for warning in _of_product(one, _count(answers, number, valid))
    )


def stack_warnings(inputs: Inputs) -> tuple[str, ...]:
    """Describe the bands of stacks that seem to have an undeclared no-data value, one line each.

    Windows all over the files are read as they are stored.
    """
    warnings: list[str] = []
    for stack in inputs.dates:
        if isinstance(stack, Stack):
            names = sorted({date_and_band(name).band for name in inputs.band_names if inputs.product_of(name) is stack})
            warnings += _of_stack(stack, names)
    return tuple(warnings)


def _is_asked(inputs: Inputs, name: str) -> bool:
    if not isinstance(inputs.product_of(name), L1CProduct):
        return False
    band = inputs.product_of(name).band(date_and_band(name).band)
    return getattr(band, "offset", 0) < 0 or band.name == _DARK_BAND


def _layer(inputs: Inputs, names: tuple[str, ...]) -> FormulaLayer:
    """Write the formula of the answer. Its bits are those of the bands, and the one of _HAS_DATA."""
    parts = []
    for number, name in enumerate(names):
        product, radiometry = inputs.product_of(name), radiometry_of(inputs, name)
        assert isinstance(product, L1CProduct)
        offset = product.band(date_and_band(name).band).offset
        limit = _BELOW if offset < 0 else _ABOVE
        value = (limit * product.quantification - offset) * radiometry.scale + radiometry.offset
        parts.append(f"(im{number + 1}b1 {'<' if offset < 0 else '>'} {value!r}) * {2**number}")
    total = "+".join(f"im{number}b1" for number in range(1, len(names) + 1))
    return FormulaLayer(f"isfinite({total}) ? {'+'.join(parts)} + {2**_HAS_DATA} : 0", names)


def _count(answers: Path, number: int, valid: Path) -> Int64Array:
    """Count the pixels of each answer, (answers,), among those that are valid, or among all if none is."""
    dataset = open_raster(answers)
    band = dataset.GetRasterBand(number)
    counts = np.zeros((2, _CODES), np.int64)
    for first, mask in strips(valid):
        codes = band.ReadAsArray(0, first, mask.shape[1], mask.shape[0])
        counts[0] += np.bincount(codes.ravel(), minlength=_CODES)
        counts[1] += np.bincount(codes[mask == 1], minlength=_CODES)
    return np.asarray(counts[1] if counts[1].any() else counts[0])


def _of_product(doubts: Doubts, counts: Int64Array) -> Iterator[str]:
    codes = np.arange(_CODES)
    there = (codes >> _HAS_DATA) == 1
    pixels = int(counts[there].sum())
    if not pixels:
        return
    shares = [counts[there & ((codes >> bit) % 2 == 1)].sum() / pixels for bit in range(len(doubts.names))]
    worst = int(np.argmax(shares))
    band = doubts.product.band(date_and_band(doubts.names[worst]).band)
    path, share = doubts.product.path, _percent(shares[worst])
    if band.offset >= 0:
        if shares[worst] >= _NEARLY_ALL:
            yield (
                f"{path}: band {band.name} has a reflectance above {_ABOVE:g} in {share} of the pixels, which is no "
                "cirrus: the pixels probably contain an offset of 1000 that the metadata do not state; "
                "download the product again as ESA delivers it"
            )
        return
    every = 2 ** len(doubts.names) - 1
    low_in_all = int(counts[there & ((codes & every) == every)].sum())
    is_edge = low_in_all == round(shares[worst] * pixels) and shares[worst] < _LARGE
    if shares[worst] >= _FEW and not is_edge:
        yield (
            f"{path}: band {band.name} has a reflectance below {_BELOW:g} in {share} of the pixels, which cannot be: "
            f"the offset of {band.offset} that the metadata state was probably subtracted already; "
            "download the product again as ESA delivers it, or set its RADIO_ADD_OFFSET to 0"
        )
    elif low_in_all >= _FEWEST_PIXELS:
        yield (
            f"{path}: all bands have a reflectance below {_BELOW:g} in {low_in_all} pixels "
            f"({_percent(low_in_all / pixels)}), which is impossible: DN 1 probably stands for no data there; "
            "set a larger margin, or write DN 0 there"
        )


class _FarValue(NamedTuple):
    """A value of a band that is far from all others, the share of pixels that have it, and the range of the others."""

    value: float
    share: float
    least: float
    most: float


def _of_stack(stack: Stack, names: Sequence[str]) -> Iterator[str]:
    found: dict[float, list[tuple[str, _FarValue]]] = {}
    for name in names:
        for far in _far_values(_stored(stack, stack.band(name))):
            found.setdefault(far.value, []).append((name, far))
    for value, bands in found.items():
        number, (first, far) = f"{value:.15g}", bands[0]
        others = f", and so are {', '.join(name for name, _ in bands[1:])} in part" if len(bands) > 1 else ""
        yield (
            f"{stack.path}: band {first!r} is {number} in {_percent(far.share)} of the pixels, "
            f"and {far.least:.6g} to {far.most:.6g} in all others{others}: {number} probably means no data; "
            f"declare it, such as: gdal_edit.py -a_nodata {number} {stack.path.name}"
        )


def _far_values(values: Float64Array) -> Iterator[_FarValue]:
    """Find the least and the greatest value if they occur often, and farther from the others than these range."""
    found, counts = np.unique(values, return_counts=True)
    for end, others in ((0, found[1:]), (-1, found[:-1])):
        if others.size < 2 or counts[end] < _LEAST_SHARE * values.size:
            continue
        least, most = float(others[0]), float(others[-1])
        if min(abs(least - found[end]), abs(most - found[end])) > most - least:
            yield _FarValue(float(found[end]), float(counts[end] / values.size), least, most)


def _stored(stack: Stack, band: StackBand) -> Float64Array:
    """Read windows all over a band, with both ends of each axis: the values that have data, in one dimension."""
    dataset = open_raster(band.path, ("VRT",))
    # Each window of a JPEG 2000 file costs a whole tile of it.
    slow = open_raster(stack.path, GIVEN_RASTERS).GetDriver().ShortName.startswith("JP2")
    windows = _WINDOWS_A_SIDE_OF_JPEG2000 if slow else _WINDOWS_A_SIDE
    width, height = dataset.RasterXSize, dataset.RasterYSize
    parts = [
        dataset.ReadAsArray(left, top, min(_WINDOW, width), min(_WINDOW, height)).ravel()
        for top in _starts(height, windows)
        for left in _starts(width, windows)
    ]
    values = np.concatenate(parts).astype(np.float64)
    return np.asarray(values[np.isfinite(values)])


def _starts(size: int, windows: int) -> list[int]:
    return sorted({int(start) for start in np.linspace(0, max(0, size - _WINDOW), windows)})


def _percent(share: float) -> str:
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 10 else f"{percent:.2g} %"
