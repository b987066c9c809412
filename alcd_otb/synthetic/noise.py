"""Random fields that come out the same whatever the order in which blocks are made."""

import numpy as np
import numpy.typing as npt

from alcd_otb.arrays import Float32Array


def generator(seed: int, *key: int) -> np.random.Generator:
    """A counter-based generator of its own for each key, so that blocks and bands are independent of one another."""
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
    """A Gaussian field of mean 0 and standard deviation 1 with the power spectrum (k^2 + outer^-2)^(-slope/2).

    shape: rows and columns; outer: the largest structures, in pixels; stretch: elongation, and the direction of the
    elongation in radians from the column axis; periodic: the field repeats without a seam.
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
    """A quick length for the FFT that leaves room, so that opposite edges of the scene are unrelated."""
    wanted = pixels + max(16, pixels // 8)
    return min(n for n in (m << a for a in range(2, 14) for m in (3, 4, 5, 9, 15)) if n >= wanted)


def upsample(field: Float32Array, factor: float, window: tuple[int, int, int, int]) -> Float32Array:
    """Bilinear enlargement of a part of a field.

    factor: fine pixels per coarse one (1 or more); window: first row, first column, rows and columns in fine pixels.
    Pixels are areas: coarse pixel 0 covers fine pixels 0..factor-1. Beyond the outermost centres the edge is kept.
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
    centre = (np.arange(first, first + count) + 0.5) / factor - 0.5
    centre = np.clip(centre, 0, length - 1)
    low = np.minimum(centre.astype(np.int64), length - 2)
    return low, (centre - low).astype(np.float32)


def tile_window(tile: npt.NDArray[np.float32], window: tuple[int, int, int, int]) -> Float32Array:
    """A window of an endless plane paved with a periodic tile."""
    row, column, rows, columns = window
    down = np.arange(row, row + rows) % tile.shape[0]
    right = np.arange(column, column + columns) % tile.shape[1]
    return np.asarray(tile[down][:, right])


def binned(field: Float32Array, factor: int) -> Float32Array:
    """Mean over squares of factor x factor pixels; both sides must be multiples of factor."""
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
    """A well-mixed 32-bit number for each pair of integers (murmur3's finaliser over a linear combination)."""
    mixed = first.astype(np.uint32) * np.uint32(0x9E3779B1) + second.astype(np.uint32) * np.uint32(0x85EBCA77)
    mixed += np.uint32((salt * 0xC2B2AE3D) & 0xFFFFFFFF)
    mixed ^= mixed >> np.uint32(16)
    mixed *= np.uint32(0x85EBCA6B)
    mixed ^= mixed >> np.uint32(13)
    mixed *= np.uint32(0xC2B2AE35)
    mixed ^= mixed >> np.uint32(16)
    return mixed


def unit(numbers: npt.NDArray[np.uint32], shift: int = 0) -> Float32Array:
    """Sixteen bits of hashed numbers as 0..1; another shift (up to 16) gives another draw."""
    return ((numbers >> np.uint32(shift)) & np.uint32(0xFFFF)).astype(np.float32) * np.float32(1 / 65536)


def smoothstep(values: Float32Array, low: float, high: float) -> Float32Array:
    """0 below low, 1 above high, a smooth cubic between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)
