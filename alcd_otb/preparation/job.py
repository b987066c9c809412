"""From an L1C pair to what the loop needs: the feature stack, the view stack and the mask of valid pixels."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from osgeo import gdal

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.layers import feature_layer, view_layer
from alcd_otb.preparation.python_features import python_features, write_python_features
from alcd_otb.preparation.terrain import slope, warp_elevation
from alcd_otb.preparation.wavelet import coarsest_level
from alcd_otb.products.stack import Stack
from alcd_otb.raster.blocks import Source
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.io import SMALLEST_OVERVIEW, describing, gdal_threads, histogram, updating
from alcd_otb.settings.band_names import TERRAIN, date_and_band
from alcd_otb.settings.features import names_used
from alcd_otb.workspace import Workspace, write_json
from otb_pipelines.app import Output, Target
from otb_pipelines.masks import build_formula, build_morphology
from otb_pipelines.memory import memory_kept
from otb_pipelines.reading import Radiometry, build_band
from otb_pipelines.settings import Settings
from otb_pipelines.stack import StackFile, build_layers, write_stacks

log = logging.getLogger(__name__)

# Written at a time, a row of whole tiles.
_ROWS = 64
# In small tiles: training reads those that hold its pixels, of strips it would read nearly all.
_FEATURE_OPTIONS = {
    "TILED": "YES",
    "BLOCKXSIZE": f"{_ROWS}",
    "BLOCKYSIZE": f"{_ROWS}",
    "COMPRESS": "ZSTD",
    "ZSTD_LEVEL": "1",
    "PREDICTOR": "3",
    "NUM_THREADS": "ALL_CPUS",
    "BIGTIFF": "IF_SAFER",
}
# Band by band, a viewer reads the three that it shows, and not all.
_VIEW_OPTIONS = {
    "INTERLEAVE": "BAND",
    "BLOCKYSIZE": "64",
    "COMPRESS": "ZSTD",
    "ZSTD_LEVEL": "1",
    "PREDICTOR": "2",
    "NUM_THREADS": "ALL_CPUS",
    "BIGTIFF": "IF_SAFER",
}
# Of the 24 significant bits of a 32-bit float, 17 are kept of reflectance and of what is made from it: a reflectance of
# 0.5 to 4e-6, a twenty-fifth of a DN. The others are the noise of averaging, which no compression makes smaller.
_DISCARDED_BITS = "7"
# Thirds, not halves: a third of the pixels to make and to store, and 20 m becomes 60 m.
_VIEW_OVERVIEWS = (3, 9, 27)
_VIEW_NO_DATA = -32768
# Of the finer grid. The chain holds a strip some eighty times, in the buffers of bands and formulas.
_STRIP_PIXELS = 1_100_000
_MASK_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE"}

Levels = Mapping[str, int]
"""The wavelet level to decode of each band."""

_VALID, _SATURATED = 1, 2
# A wavelet level is low-pass filtered, so that averaging it down to the grid is sound, and the average evens out its
# undershoots beside bright edges, if it is this much finer than the grid.
_FINER = 1.5
# In this many of its pixels along the edge, a level of the 5/3 wavelet of Sentinel-2's files mixes data and no data:
# two beyond the edge (which therefore seems to lie there) and one within.
_WAVELET_REACH = 3


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of the feature grid. saturated: those in which a band that is a feature reaches the saturated value."""

    total: int
    valid: int
    saturated: int


def is_prepared(workspace: Workspace, fingerprint: str) -> bool:
    """Whether the workspace holds rasters of exactly these inputs and settings, and says so legibly."""
    rasters = (workspace.features, workspace.view, workspace.valid)
    if not all(path.is_file() for path in (workspace.preparation, *rasters)):
        return False
    try:
        return bool(_record(workspace)["fingerprint"] == fingerprint) and bool(pixel_counts(workspace))
    except (ValueError, KeyError, TypeError):
        return False


def pixel_counts(workspace: Workspace) -> PixelCounts:
    """The counts of the last preparation."""
    return PixelCounts(**_record(workspace)["pixels"])


def _record(workspace: Workspace) -> Any:
    return json.loads(workspace.preparation.read_text(encoding="utf-8"))


def prepare(inputs: Inputs, workspace: Workspace, fingerprint: str, settings: Settings) -> None:
    """Write features.tif, view.tif and valid.tif; they replace older ones only when all three are whole."""
    with gdal_threads(settings.threads), memory_kept(), workspace.scratch() as folder:
        levels = wavelet_levels(inputs)
        stacks = write_stacks_of(inputs, levels, folder, settings)
        valid, counts = write_valid(inputs, levels, stacks.state, folder, settings)
        workspace.preparation.unlink(missing_ok=True)
        os.replace(stacks.features, workspace.features)
        os.replace(valid, workspace.valid)
        os.replace(stacks.view, workspace.view)
        write_json(workspace.preparation, {"fingerprint": fingerprint, "pixels": asdict(counts)})


@dataclass(frozen=True)
class Stacks:
    """features: Float32, a band a feature, NaN where a source has no data.

    state: _VALID or _SATURATED where every feature has a value, else 0. view: Int16 in steps that the bands' scales
    give, with overviews.
    """

    features: Path
    state: Path
    view: Path


def write_stacks_of(inputs: Inputs, levels: Levels, folder: Path, settings: Settings) -> Stacks:
    """Write all that needs the bands, in one pass: each is decoded once, however many grids it goes to.

    levels: as `wavelet_levels` tells them.
    """
    stacks = Stacks(*(folder / f"{name}.tif" for name in ("features", "state", "view")))
    rows, in_strips = _strip_rows(inputs)
    features_like = _features_like(inputs.grid, inputs.feature_names, folder / "features.vrt")
    sources = _feature_sources(inputs, levels, features_like, folder / "feature_sources", settings)
    sources |= _python_sources(inputs, sources, rows, folder / "python_features", settings)
    features = build_layers(sources, [feature_layer(feature) for feature in inputs.features], settings)
    state = build_formula(features, _state(inputs), settings)["out"]
    view_like = _view_like(inputs, folder)
    sources = _view_sources(inputs, levels, view_like, folder / "view_sources", settings)
    no_data = _view_no_data(inputs)
    view = build_layers(sources, [view_layer(layer, no_data) for layer in inputs.view], settings)
    options = _FEATURE_OPTIONS
    if inputs.template.radiometry == "reflectance":
        options = {**options, "DISCARD_LSB": _DISCARDED_BITS}
    overviews = _view_overviews(inputs)
    files = (
        StackFile(stacks.features, features_like, features, options),
        StackFile(stacks.state, _state_like(inputs, folder), [state], _MASK_OPTIONS),
        StackFile(stacks.view, view_like, view, _VIEW_OPTIONS, overviews if in_strips else ()),
    )
    write_stacks(files, rows, settings)
    if overviews and not in_strips:
        with updating(stacks.view) as dataset:
            dataset.BuildOverviews("AVERAGE", overviews)
    return stacks


def _features_like(grid: Grid, names: Sequence[str], path: Path) -> Path:
    with describing(path, grid, gdal.GDT_Float32, len(names)) as dataset:
        for number, name in enumerate(names, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(float("nan"))
    return path


def _state_like(inputs: Inputs, folder: Path) -> Path:
    path = folder / "state.vrt"
    with describing(path, inputs.grid, gdal.GDT_Byte, 1):
        return path


def _view_like(inputs: Inputs, folder: Path) -> Path:
    path = folder / "view.vrt"
    with describing(path, inputs.view_grid, gdal.GDT_Int16, len(inputs.view)) as dataset:
        for number, layer in enumerate(inputs.view, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(layer.name)
            band.SetScale(layer.step)
            if (no_data := _view_no_data(inputs)) is not None:
                band.SetNoDataValue(no_data)
    return path


def _view_no_data(inputs: Inputs) -> int | None:
    """Of a stack, whose values may lie on either side of 0, a number of its own; of a product, as if DN were 0."""
    return _VIEW_NO_DATA if isinstance(inputs.cloudy, Stack) else None


def _view_overviews(inputs: Inputs) -> list[int]:
    side = max(inputs.view_grid.width, inputs.view_grid.height)
    return [one for one in _VIEW_OVERVIEWS if side >= one * SMALLEST_OVERVIEW]


def _strip_rows(inputs: Inputs) -> tuple[int, bool]:
    """Rows of the coarser grid to write at a time, and whether the view's overviews can be made in strips.

    They can where strips are whole rows of them, where no pixel is left out of their averages, and where such a strip
    is of no more than _STRIP_PIXELS.
    """
    finer, coarser = sorted((inputs.grid, inputs.view_grid), key=lambda grid: grid.resolution)
    most = int(_STRIP_PIXELS / (finer.width * coarser.resolution / finer.resolution))
    ratio = max(1.0, inputs.grid.resolution / inputs.view_grid.resolution)
    for rows in range(_ROWS, min(3 * _ROWS, most) + 1, _ROWS) if _view_no_data(inputs) is None else ():
        of_view = rows * ratio
        if of_view.is_integer() and of_view % _VIEW_OVERVIEWS[0] == 0:
            return rows, True
    # Without the overviews nothing asks for high strips, and GDAL gathers the rows of a tile.
    rows = _ROWS
    while rows > max(most // 3, 1):
        rows //= 2
    return rows, False


def _state(inputs: Inputs) -> str:
    """Formula over the features."""
    total = "+".join(f"im{number}b1" for number in range(1, len(inputs.features) + 1))
    # A sum is a number only if all its terms are, and only then 0 times it is 0.
    return f"({total})*0==0 ? ({_saturation(inputs)} ? {_SATURATED} : {_VALID}) : 0"


def write_valid(
    inputs: Inputs, levels: Levels, state: Path, folder: Path, settings: Settings
) -> tuple[Path, PixelCounts]:
    """valid.tif: 1 where every feature has a value and no edge of the data is within the margin; 0 elsewhere."""
    valid = folder / "valid.tif"
    # The levels of a wavelet undershoot beside a bright edge, to 0 where the ground is dark: such specks are no edge
    # of the data, from which to keep a margin.
    no_data = build_formula([state], "im1b1 == 0", settings)
    border = build_morphology(no_data["out"], "opening", 1, settings)
    radius = _margin(inputs, levels)
    kept_off = build_morphology(border["out"], "dilate", radius, settings) if radius else border
    build_formula([state, kept_off["out"]], "im1b1 > 0 && im2b1 == 0", settings).write(
        {"out": Target(valid, "uint8", _MASK_OPTIONS)}
    )
    with updating(valid) as dataset:
        dataset.GetRasterBand(1).SetDescription("valid")
    counts = PixelCounts(
        total=inputs.grid.width * inputs.grid.height,
        valid=histogram(valid)[1],
        saturated=histogram(state)[_SATURATED],
    )
    if counts.saturated:
        log.info("%d pixels are saturated in a band; they stay valid", counts.saturated)
    if not counts.valid:
        log.warning("no pixel is valid: the margin of %g m leaves nothing of the scene", inputs.template.margin)
    return valid, counts


def _margin(inputs: Inputs, levels: Levels) -> int:
    """In pixels: the template's margin, and at least what the wavelet levels mix along the edge of the data."""
    reach = 0.0
    for name, level in levels.items():
        mixed = _WAVELET_REACH * inputs.band(name).resolution * 2**level
        # Two pixels of the grid more: one with a trace of data still has a value, and opening blunts corners.
        reach = max(reach, mixed + 2 * inputs.grid.resolution if level else 0.0)
    return -int(-max(inputs.template.margin, reach) // inputs.grid.resolution)


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


def _saturation(inputs: Inputs) -> str:
    """Condition in a formula over the features: a band that is a feature as it is reaches the saturated value."""
    conditions = []
    for number, feature in enumerate(inputs.features, start=1):
        if isinstance(feature, str) and feature not in TERRAIN:
            radiometry = _radiometry(inputs, feature)
            saturated = inputs.product_of(feature).saturated
            if saturated is None:
                continue
            # Half a DN below, since a 32-bit float holds the value only nearly.
            level = (saturated - 0.5) * radiometry.scale + radiometry.offset
            conditions.append(f"im{number}b1 >= {level!r}")
    return "(" + " || ".join(conditions) + ")" if conditions else "0"


def _feature_sources(
    inputs: Inputs, levels: Levels, like: Path, folder: Path, settings: Settings
) -> dict[str, Path | Output]:
    """All that the features use on their grid, but for what Python functions compute."""
    names = {name for feature in inputs.features for name in names_used(feature)}
    nearest = inputs.template.resampling == "nearest"
    bands = {
        name: build_band(
            inputs.band(name).path, levels[name], like, _radiometry(inputs, name), settings, nearest=nearest
        )
        for name in sorted(names - set(TERRAIN))
    }
    return {**bands, **_terrain(inputs, names, inputs.grid, folder)}


def _python_sources(
    inputs: Inputs, sources: Mapping[str, Path | Output], rows: int, folder: Path, settings: Settings
) -> dict[str, Path]:
    """What Python functions compute of the sources, which are written for them to be read in blocks."""
    names = sorted({band for feature in python_features(inputs.features) for band in feature.bands})
    if not names:
        return {}
    folder.mkdir()
    bands = Source(folder / "bands.tif", tuple(names))
    like = _features_like(inputs.grid, names, folder / "bands.vrt")
    write_stacks(
        [StackFile(bands.path, like, build_layers(sources, names, settings), _FEATURE_OPTIONS)], rows, settings
    )
    return write_python_features(inputs.features, bands, inputs.grid, folder)


def _view_sources(
    inputs: Inputs, levels: Levels, like: Path, folder: Path, settings: Settings
) -> dict[str, Path | Output]:
    """All that the view uses on its grid. For the eye: where there is no data, a band has the value of DN 0."""
    names = {name for layer in inputs.view for name in names_used(layer)}
    bands = {
        name: build_band(
            inputs.band(name).path, levels[name], like, replace(_radiometry(inputs, name), no_data=None), settings
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


def _radiometry(inputs: Inputs, name: str) -> Radiometry:
    """Of a band: reflectance = (DN + RADIO_ADD_OFFSET) / QUANTIFICATION_VALUE (Sentinel-2 product specification).

    Of a stack's, what its file says.
    """
    product = inputs.product_of(name)
    if inputs.template.radiometry == "digital_number":
        return Radiometry(1.0, 0.0, product.no_data)
    if isinstance(product, Stack):
        band = product.band(date_and_band(name)[1])
        return Radiometry(band.scale, band.offset, product.no_data)
    return Radiometry(1 / product.quantification, inputs.band(name).offset / product.quantification, product.no_data)
