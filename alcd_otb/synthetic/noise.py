"""Compute random fields that do not depend on the order in which blocks are made."""

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array


def generator(seed: int, *key: int) -> np.random.Generator:
    """Return a separate counter-based random generator for each key.

    Blocks and bands draw from generators of different keys, so that they are independent of one another.

    Parameters
    ----------
    seed
        Seed of the scene.
    *key
        The purpose of the numbers: the topic, and for example the date, the band and the block.
    """
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *key])))


def fractal(
    shape: tuple[int, int],
    random: np.random.Generator,
    *,
    slope: float,
    outer: float,
    stretch: tuple[float, float] = (1.0, 0.0),
    periodic: bool = False,
) -> Float32Array:
    """Draw a Gaussian field with the power spectrum (k^2 + outer^-2)^(-slope/2).

    Parameters
    ----------
    shape
        Rows and columns of the field.
    random
        Generator to draw from.
    slope
        Slope of the power spectrum. The larger it is, the smoother the field.
    outer
        Size of the largest structures, in pixels.
    stretch
        Elongation of the structures, and its direction in radians from the column axis.
    periodic
        Whether the field repeats without a seam.

    Returns
    -------
    Float32Array
        Field (rows, columns) of mean 0 and standard deviation 1.
    """
    rows, columns = shape if periodic else (_fft_size(shape[0]), _fft_size(shape[1]))
    ky = np.fft.fftfreq(rows, 1.0).astype(np.float32)[:, None]
    kx = np.fft.rfftfreq(columns, 1.0).astype(np.float32)[None, :]
    along = kx * np.cos(stretch[1]) + ky * np.sin(stretch[1])
    across = ky * np.cos(stretch[1]) - kx * np.sin(stretch[1])
    squared = (along * stretch[0]) ** 2 + across**2
    amplitude = (squared + (1.0 / outer) ** 2) ** np.float32(-slope / 4)
    amplitude[0, 0] = 0.0
    white = np.fft.rfft2(random.standard_normal((rows, columns), dtype=np.float32))
    field = np.fft.irfft2(white * amplitude, s=(rows, columns))[: shape[0], : shape[1]].astype(np.float32)
    return np.asarray((field - field.mean()) / field.std(), dtype=np.float32)


def _fft_size(pixels: int) -> int:
    """Return a length at which the FFT is fast, with room so that opposite edges of the scene are unrelated."""
    least = pixels + max(16, pixels // 8)
    fast = (factor << power for power in range(2, 14) for factor in (3, 4, 5, 9, 15))
    return min(length for length in fast if length >= least)


def upsample(field: Float32Array, factor: float, window: tuple[int, int, int, int]) -> Float32Array:
    """Enlarge a part of a field by bilinear interpolation.

    Pixels are areas: coarse pixel 0 covers fine pixels 0 to factor - 1. Beyond the outermost centres the value at the
    edge is kept.

    Parameters
    ----------
    field
        Coarse field (rows, columns).
    factor
        Fine pixels along the side of a coarse pixel, 1 or more.
    window
        First row, first column, rows and columns of the part, in fine pixels.

    Returns
    -------
    Float32Array
        The part (rows, columns) in fine pixels.
    """
    row, column, rows, columns = window
    if factor == 1:
        return field[row : row + rows, column : column + columns]
    low, weight = _positions(row, rows, factor, field.shape[0])
    first, last = low[0], low[-1] + 2
    left, side = _positions(column, columns, factor, field.shape[1])
    part = field[first:last, left[0] : left[-1] + 2]
    left = left - left[0]
    wide = part[:, left] * (1 - side) + part[:, left + 1] * side
    low = low - first
    return np.asarray(wide[low] * (1 - weight)[:, None] + wide[low + 1] * weight[:, None], dtype=np.float32)


def _positions(first: int, count: int, factor: float, length: int) -> tuple[npt.NDArray[np.int64], Float32Array]:
    """Return the coarse pixel before the centre of each fine pixel, and the weight of the coarse pixel after it."""
    centre = (np.arange(first, first + count) + 0.5) / factor - 0.5
    centre = np.clip(centre, 0, length - 1)
    low = np.minimum(centre.astype(np.int64), length - 2)
    return low, (centre - low).astype(np.float32)


def tile_window(tile: npt.NDArray[np.float32], window: tuple[int, int, int, int]) -> Float32Array:
    """Cut a window from an endless plane that is paved with a periodic tile.

    Parameters
    ----------
    tile
        Periodic field (rows, columns).
    window
        First row, first column, rows and columns, in pixels of the tile.
    """
    row, column, rows, columns = window
    down = np.arange(row, row + rows) % tile.shape[0]
    right = np.arange(column, column + columns) % tile.shape[1]
    return np.asarray(tile[down][:, right])


def binned(field: Float32Array, factor: int) -> Float32Array:
    """Average over squares of factor x factor pixels.

    Parameters
    ----------
    field
        Field (rows, columns). Both sides must be multiples of the factor.
    factor
        Pixels along the side of a square.

    Returns
    -------
    Float32Array
        Means (rows / factor, columns / factor).
    """
    if factor == 1:
        return field
    rows = field[::factor].copy()
    for offset in range(1, factor):
        rows += field[offset::factor]
    out = rows[:, ::factor].copy()
    for offset in range(1, factor):
        out += rows[:, offset::factor]
    out *= np.float32(1.0 / factor**2)
    return out


def hashed(first: npt.NDArray[np.int32], second: npt.NDArray[np.int32], salt: int) -> npt.NDArray[np.uint32]:
    """Hash pairs of integers to 32-bit numbers, with murmur3's finaliser over a linear combination.

    Parameters
    ----------
    first, second
        The integers of the pairs, in arrays of one shape.
    salt
        Another salt gives other numbers.
    """
    mixed = first.astype(np.uint32) * np.uint32(0x9E3779B1) + second.astype(np.uint32) * np.uint32(0x85EBCA77)
    mixed += np.uint32((salt * 0xC2B2AE3D) & 0xFFFFFFFF)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def unit(numbers: npt.NDArray[np.uint32], shift: int = 0) -> Float32Array:
    """Turn sixteen bits of hashed numbers into numbers from 0 to 1.

    Parameters
    ----------
    numbers
        Hashed numbers (see `hashed`).
    shift
        First of the sixteen bits, 0 to 16. Another shift gives another draw.
    """
    return ((numbers >> np.uint32(shift)) & np.uint32(0xFFFF)).astype(np.float32) * np.float32(1 / 65536)


def smoothstep(values: Float32Array, low: float, high: float) -> Float32Array:
    """Return 0 where a value is below low, 1 where it is above high, and a smooth cubic in between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
