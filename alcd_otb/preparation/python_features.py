"""Load the Python functions that compute features, test them, and apply them block by block."""

import inspect
import math
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from alcd_otb.arrays import Float32Array
from alcd_otb.errors import ConfigurationError, ProcessingError
from alcd_otb.files.writing import checksum
from alcd_otb.preparation.layers import python_source
from alcd_otb.raster.blocks import SIDE, Block, Source, read_blocks, write_block
from alcd_otb.raster.grid import Grid, Window
from alcd_otb.raster.io import creating
from alcd_otb.settings.features import Feature, PythonFeature, is_file_name
from otb_pipelines.process import gdal

# Rows and columns of the block on which a function is tried, and the parts of it.
_TRIAL = (24, 20)
_CUTS = (Window(0, 0, 10, 20), Window(10, 0, 14, 9), Window(10, 9, 14, 11))
# Largest difference that rounding in 32 bits may make, as a share of the largest value.
_ROUNDING = 1e-3
_RASTER_OPTIONS = {"TILED": "YES", "COMPRESS": "ZSTD", "ZSTD_LEVEL": "1", "PREDICTOR": "3", "BIGTIFF": "IF_SAFER"}


@dataclass(frozen=True, eq=False)
class FeatureFunction:
    """A feature, and the function that computes it."""

    feature: PythonFeature
    function: Callable[..., Any]

    @classmethod
    def load(cls, feature: PythonFeature) -> "FeatureFunction":
        """Load the function of a feature.

        Raises
        ------
        ConfigurationError
            The function does not exist, or does not accept a block and the feature's options.
        """
        function = getattr(_module(feature), feature.function, None)
        if not callable(function):
            raise ConfigurationError(f"{feature.place}: has no function {feature.function!r}; correct features")
        try:
            inspect.signature(function).bind(None, **feature.options)
        except TypeError as error:
            raise ConfigurationError(
                f"{_named(feature)}: cannot be called with a block and its options ({error})"
            ) from error
        return cls(feature, function)

    def compute(self, block: Block) -> Float32Array:
        """Compute the feature on a block.

        Parameters
        ----------
        block
            A block with at least the feature's bands and its halo.

        Returns
        -------
        numpy.ndarray
            (rows, columns) without the halo. Infinite values are NaN.

        Raises
        ------
        ProcessingError
            The function fails.
        ConfigurationError
            The function returns something other than such an array.
        """
        narrowed = block.narrowed(self.feature.bands, self.feature.halo)
        try:
            # No data is NaN, and a division by 0 gives no data.
            with np.errstate(all="ignore"):
                result = self.function(narrowed, **self.feature.options)
        except Exception as error:
            reason = _in_one_line(error)
            raise ProcessingError(f"{_named(self.feature)}: failed on the block of {block.window}: {reason}") from error
        return self._checked(result, narrowed)

    def try_out(self, resolution: float) -> None:
        """Compute the feature on a block of random values, whole and in parts.

        Parameters
        ----------
        resolution
            Side in metres of the block's pixels.

        Raises
        ------
        ProcessingError
            The function fails.
        ConfigurationError
            The function returns something other than an array of the block's shape, or the parts differ from the
            whole.
        """
        feature, shape = self.feature, _TRIAL
        random = np.random.default_rng(1)
        values = random.random((len(feature.bands), *shape), np.float32)
        image = np.pad(values, ((0, 0), *[(feature.halo, feature.halo)] * 2), mode="edge")

        def part(window: Window) -> Float32Array:
            rows, columns = window.rows + 2 * feature.halo, window.columns + 2 * feature.halo
            seen = image[:, window.row : window.row + rows, window.column : window.column + columns].copy()
            return self.compute(Block(seen, feature.bands, feature.halo, resolution, window))

        whole = part(Window(0, 0, *shape))
        tolerance = _ROUNDING * float(np.nanmax(np.abs(whole), initial=0))
        for window in _CUTS:
            expected = whole[window.row : window.row + window.rows, window.column : window.column + window.columns]
            if not np.allclose(part(window), expected, rtol=0, atol=tolerance, equal_nan=True):
                raise ConfigurationError(
                    f"{_named(feature)}: gives a pixel different values in different blocks; it must use only pixels "
                    f"within its halo of {feature.halo} pixels, and nothing of the block as a whole"
                )

    def _checked(self, result: Any, block: Block) -> Float32Array:
        if not isinstance(result, np.ndarray) or result.dtype.kind not in "fiub":
            kind = f"an array of {result.dtype}" if isinstance(result, np.ndarray) else type(result).__name__
            raise ConfigurationError(f"{_named(self.feature)}: returned {kind}; it must be an array of numbers")
        if result.shape != block.shape:
            with_halo = block.halo and result.shape == block.values.shape[1:]
            remedy = "return block.without_halo(...) of it" if with_halo else "it must be rows x columns without halo"
            raise ConfigurationError(
                f"{_named(self.feature)}: returned an array of {_sides(result.shape)} for a block of "
                f"{_sides(block.shape)}; {remedy}"
            )
        with np.errstate(over="ignore"):
            values = result.astype(np.float32)
        values[~np.isfinite(values)] = np.nan
        return values


def python_features(features: Sequence[Feature]) -> tuple[PythonFeature, ...]:
    """Choose the features that functions in Python compute."""
    return tuple(feature for feature in features if isinstance(feature, PythonFeature))


def check_functions(features: Sequence[Feature], resolution: float) -> None:
    """Load and try out every function among the features.

    Parameters
    ----------
    features
        Features of any kind.
    resolution
        Side in metres of the pixels of the feature grid.

    Raises
    ------
    ProcessingError, ConfigurationError
        As by `FeatureFunction.load` and `FeatureFunction.try_out`.
    """
    for feature in python_features(features):
        FeatureFunction.load(feature).try_out(resolution)


def source_digests(features: Sequence[Feature]) -> list[str]:
    """Compute the checksums of the source files of functions, which show a change.

    Raises
    ------
    ConfigurationError
        A source file does not exist.
    """
    return [checksum(_source_file(feature)) for feature in python_features(features)]


def write_python_features(
    features: Sequence[Feature], bands: Source, grid: Grid, folder: Path, side: int = SIDE
) -> dict[str, Path]:
    """Compute the functions among the features, block by block, into rasters on the grid.

    Parameters
    ----------
    features
        Features of any kind, at least one of which is a function in Python.
    bands
        A raster on the grid, of all bands that the functions read.
    grid
        The grid of the features.
    folder
        The folder to write to.
    side
        Rows and columns of a block.

    Returns
    -------
    dict
        The rasters by their names as sources (`layers.python_source`): Float32, NaN where there is no data.

    Raises
    ------
    ProcessingError, ConfigurationError
        As by `FeatureFunction.load` and `FeatureFunction.compute`.
    """
    functions = [FeatureFunction.load(feature) for feature in python_features(features)]
    halo = max(function.feature.halo for function in functions)
    paths = {
        python_source(function.feature): folder / f"python_{number}.tif"
        for number, function in enumerate(functions, start=1)
    }
    with ExitStack() as opened:
        datasets = [
            opened.enter_context(creating(path, grid, gdal.GDT_Float32, _RASTER_OPTIONS)) for path in paths.values()
        ]
        for dataset in datasets:
            dataset.GetRasterBand(1).SetNoDataValue(math.nan)
        for block in read_blocks([bands], grid, halo, side):
            for function, dataset in zip(functions, datasets, strict=True):
                write_block(dataset, function.compute(block), block.window)
    return paths


def _module(feature: PythonFeature) -> ModuleType:
    """Import the module of a function. A file is read again each time, and no compiled file is left beside it."""
    path = _source_file(feature)
    try:
        if not is_file_name(feature.place):
            return import_module(feature.place)
        module = ModuleType(str(path))
        module.__file__ = str(path)
        # Data classes look up their module there.
        sys.modules[module.__name__] = module
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    except Exception as error:
        raise ConfigurationError(f"{feature.place}: cannot be loaded ({_in_one_line(error)}); correct it") from error
    return module


def _in_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _source_file(feature: PythonFeature) -> Path:
    if is_file_name(feature.place):
        file = Path(feature.place)
    else:
        try:
            spec = find_spec(feature.place)
        except (ImportError, ValueError):
            spec = None
        if spec is None or not spec.origin:
            raise ConfigurationError(f"{feature.place}: is not a module that Python finds; install it or name a file")
        file = Path(spec.origin)
    if not file.is_file():
        raise ConfigurationError(f"{file}: does not exist; correct the function of feature {feature.name!r}")
    return file


def _named(feature: PythonFeature) -> str:
    return f"{feature.place}: function {feature.function!r}"


def _sides(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "no"
