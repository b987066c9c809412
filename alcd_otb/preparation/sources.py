"""Make the sources of the feature stack and of the view.

These are bands decoded at a wavelet level, the terrain, and rasters that functions in Python compute.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.kept_levels import KeptLevels
from alcd_otb.preparation.layouts import FEATURE_OPTIONS, describe_features
from alcd_otb.preparation.python_features import python_features, write_python_features
from alcd_otb.preparation.reflectance import radiometry_of
from alcd_otb.preparation.terrain import slope, warp_elevation
from alcd_otb.products.jpeg2000 import coarsest_common_level
from alcd_otb.raster.blocks import Source
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.band_names import TERRAIN
from alcd_otb.settings.features import names_used
from otb_pipelines.app import Output
from otb_pipelines.reading import build_band
from otb_pipelines.settings import Settings
from otb_pipelines.stack import StackFile, build_layers, write_stacks

Levels = Mapping[str, int]
"""The wavelet level to decode, by the names of bands as the template has them."""

# How many times finer than the grid a wavelet level must be. A level is low-pass filtered, so that averaging it down to
# the grid is sound, and the average evens out its undershoots beside bright edges.
_FINER = 1.5


def feature_levels(inputs: Inputs) -> dict[str, int]:
    """Choose the wavelet level to decode of each band for the features. This opens each file.

    The layers of the view do not matter, so that features and maps do not depend on the view.
    """
    names = {name for feature in inputs.features for name in names_used(feature)} - set(TERRAIN)
    whole = inputs.template.decoding == "full" or inputs.template.resampling == "nearest"
    wanted = inputs.grid.resolution / _FINER
    return {name: 0 if whole else _level(inputs, name, wanted) for name in sorted(names)}


def view_levels(inputs: Inputs) -> dict[str, int]:
    """Choose the wavelet level to decode of each band for the view, at most that of the features. This opens each file.

    A band that the features need at a finer level is decoded once for both.
    """
    for_features = feature_levels(inputs)
    pixel = inputs.view_grid.resolution
    levels = {}
    for name in sorted({name for layer in inputs.view for name in names_used(layer)} - set(TERRAIN)):
        seen = min(max(pixel, layer.detail or pixel) for layer in inputs.view if name in names_used(layer))
        level = _level(inputs, name, seen)
        levels[name] = min(level, for_features.get(name, level))
    return levels


def _level(inputs: Inputs, name: str, resolution: float) -> int:
    return coarsest_common_level([file.path for file in inputs.band(name).files], resolution)


def feature_sources(
    inputs: Inputs, like: Path, folder: Path, settings: Settings, kept: KeptLevels
) -> dict[str, Path | Output]:
    """Build the sources of the features on their grid, without those that Python functions compute.

    Parameters
    ----------
    inputs
        The images of the scene, and the features.
    like
        A raster on the grid of the features.
    folder
        A folder for the terrain, which is made if a feature uses the terrain.
    settings
        Memory and threads.
    kept
        The levels that an earlier stage has decoded.

    Returns
    -------
    dict
        Files, or outputs of applications, by the names of bands and terrain layers.
    """
    names = {name for feature in inputs.features for name in names_used(feature)}
    nearest = inputs.template.resampling == "nearest"
    bands = {}
    for name, level in feature_levels(inputs).items():
        source = kept.source(inputs, name, level)
        radiometry = radiometry_of(inputs, name)
        bands[name] = build_band(source.files, source.level, like, radiometry, settings, nearest=nearest)
    return {**bands, **_terrain(inputs, names, inputs.grid, folder)}


def python_sources(
    inputs: Inputs, sources: Mapping[str, Path | Output], rows: int, folder: Path, settings: Settings
) -> dict[str, Path]:
    """Compute the sources that are results of Python functions.

    The bands that the functions read are written first, so that they can be read block by block.

    Parameters
    ----------
    inputs
        The images of the scene, and the features.
    sources
        The other sources of the features.
    rows
        Rows of a strip in which the bands are written.
    folder
        The folder to make for the bands and the results.
    settings
        Memory and threads.

    Returns
    -------
    dict
        Files by the names of `layers.python_source`. Empty if no feature is a function in Python.
    """
    names = sorted({band for feature in python_features(inputs.features) for band in feature.bands})
    if not names:
        return {}
    folder.mkdir()
    bands = Source(folder / "bands.tif", tuple(names))
    like = describe_features(inputs.grid, names, folder / "bands.vrt")
    write_stacks([StackFile(bands.path, like, build_layers(sources, names, settings), FEATURE_OPTIONS)], rows, settings)
    return write_python_features(inputs.features, bands, inputs.grid, folder)


def view_sources(
    inputs: Inputs, like: Path, folder: Path, settings: Settings, kept: KeptLevels
) -> dict[str, Path | Output]:
    """Build the sources of the view on its grid.

    Where there is no data, a band has the value of DN 0, which is good enough for the eye.

    Parameters
    ----------
    inputs
        The images of the scene, and the layers of the view.
    like
        A raster on the grid of the view.
    folder
        A folder for the terrain, which is made if a layer uses the terrain.
    settings
        Memory and threads.
    kept
        The levels that an earlier stage has decoded.

    Returns
    -------
    dict
        Files, or outputs of applications, by the names of bands and terrain layers.
    """
    names = {name for layer in inputs.view for name in names_used(layer)}
    bands = {}
    for name, level in view_levels(inputs).items():
        source = kept.source(inputs, name, level)
        radiometry = replace(radiometry_of(inputs, name), no_data=None)
        bands[name] = build_band(source.files, source.level, like, radiometry, settings)
    return {**bands, **_terrain(inputs, names, inputs.view_grid, folder)}


def _terrain(inputs: Inputs, names: set[str], grid: Grid, folder: Path) -> dict[str, Path]:
    if inputs.dem is None or not names & set(TERRAIN):
        return {}
    folder.mkdir()
    elevation = warp_elevation(inputs.dem, grid, folder)
    return {"dem": elevation} | ({"slope": slope(elevation, folder)} if "slope" in names else {})
