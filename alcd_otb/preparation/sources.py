"""The sources of a preparation's stacks: bands decoded at a wavelet level, terrain, what Python functions compute."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.layouts import FEATURE_OPTIONS, describe_features
from alcd_otb.preparation.python_features import python_features, write_python_features
from alcd_otb.preparation.terrain import slope, warp_elevation
from alcd_otb.products.jpeg2000 import coarsest_level
from alcd_otb.products.stack import Stack
from alcd_otb.raster.blocks import Source
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.band_names import TERRAIN, date_and_band
from alcd_otb.settings.features import names_used
from otb_pipelines.app import Output
from otb_pipelines.reading import Radiometry, build_band
from otb_pipelines.settings import Settings
from otb_pipelines.stack import StackFile, build_layers, write_stacks

Levels = Mapping[str, int]
"""The wavelet level to decode of each band."""

# A wavelet level is low-pass filtered, so that averaging it down to the grid is sound, and the average evens out its
# undershoots beside bright edges, if it is this much finer than the grid.
_FINER = 1.5


def wavelet_levels(inputs: Inputs) -> dict[str, int]:
    """The wavelet level to decode of each band that is used; each file is opened."""
    return {name: _level(inputs, name) for name in inputs.band_names}


def _level(inputs: Inputs, name: str) -> int:
    """The finest that either stack needs of a band."""
    path = inputs.band(name).path
    levels = []
    if any(name in names_used(feature) for feature in inputs.features):
        whole = inputs.template.decoding == "full" or inputs.template.resampling == "nearest"
        levels.append(0 if whole else coarsest_level(path, inputs.grid.resolution / _FINER))
    if any(name in names_used(layer) for layer in inputs.view):
        levels.append(coarsest_level(path, inputs.view_grid.resolution))
    return min(levels)


def feature_sources(
    inputs: Inputs, levels: Levels, like: Path, folder: Path, settings: Settings
) -> dict[str, Path | Output]:
    """All that the features use on their grid, but for what Python functions compute."""
    names = {name for feature in inputs.features for name in names_used(feature)}
    nearest = inputs.template.resampling == "nearest"
    bands = {
        name: build_band(
            inputs.band(name).path, levels[name], like, radiometry_of(inputs, name), settings, nearest=nearest
        )
        for name in sorted(names - set(TERRAIN))
    }
    return {**bands, **_terrain(inputs, names, inputs.grid, folder)}


def python_sources(
    inputs: Inputs, sources: Mapping[str, Path | Output], rows: int, folder: Path, settings: Settings
) -> dict[str, Path]:
    """What Python functions compute of the sources, which are written for them to be read in blocks."""
    names = sorted({band for feature in python_features(inputs.features) for band in feature.bands})
    if not names:
        return {}
    folder.mkdir()
    bands = Source(folder / "bands.tif", tuple(names))
    like = describe_features(inputs.grid, names, folder / "bands.vrt")
    write_stacks([StackFile(bands.path, like, build_layers(sources, names, settings), FEATURE_OPTIONS)], rows, settings)
    return write_python_features(inputs.features, bands, inputs.grid, folder)


def view_sources(
    inputs: Inputs, levels: Levels, like: Path, folder: Path, settings: Settings
) -> dict[str, Path | Output]:
    """All that the view uses on its grid. For the eye: where there is no data, a band has the value of DN 0."""
    names = {name for layer in inputs.view for name in names_used(layer)}
    bands = {
        name: build_band(
            inputs.band(name).path, levels[name], like, replace(radiometry_of(inputs, name), no_data=None), settings
        )
        for name in sorted(names - set(TERRAIN))
    }
    return {**bands, **_terrain(inputs, names, inputs.view_grid, folder)}


def _terrain(inputs: Inputs, names: set[str], grid: Grid, folder: Path) -> dict[str, Path]:
    if inputs.dem is None or not names & set(TERRAIN):
        return {}
    folder.mkdir()
    elevation = warp_elevation(inputs.dem, grid, folder)
    return {"dem": elevation} | ({"slope": slope(elevation, folder)} if "slope" in names else {})


def radiometry_of(inputs: Inputs, name: str) -> Radiometry:
    """Of a band: reflectance = (DN + RADIO_ADD_OFFSET) / QUANTIFICATION_VALUE (Sentinel-2 product specification).

    Of a stack's, what its file says.
    """
    product = inputs.product_of(name)
    if inputs.template.radiometry == "digital_number":
        return Radiometry(1.0, 0.0, product.no_data)
    if isinstance(product, Stack):
        band = product.band(date_and_band(name).band)
        return Radiometry(band.scale, band.offset, product.no_data)
    return Radiometry(1 / product.quantification, inputs.band(name).offset / product.quantification, product.no_data)
