"""From an L1C pair to what the loop needs: the feature stack, the view stack and the mask of valid pixels."""

import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from alcd_otb.band_names import TERRAIN, date_and_band
from alcd_otb.bands import Radiometry, coarsest_level, describe_band
from alcd_otb.config import names_used
from alcd_otb.grid import Grid
from alcd_otb.inputs import Inputs
from alcd_otb.products.stack import Stack
from alcd_otb.rasters import SMALLEST_OVERVIEW, gdal_threads, histogram, updating
from alcd_otb.recipe import feature_layer, shown_steps, view_layer
from alcd_otb.terrain import slope, warp_elevation
from alcd_otb.workspace import Workspace, write_json
from otb_pipelines.app import Target
from otb_pipelines.masks import build_formula, build_morphology
from otb_pipelines.settings import Settings
from otb_pipelines.stack import build_stack

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
_MASK_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE"}

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
    with gdal_threads(settings.threads), workspace.scratch() as folder:
        features = _write_features(inputs, folder, settings)
        valid, counts = _write_valid(inputs, features, folder, settings)
        view = _write_view(inputs, folder, settings)
        workspace.preparation.unlink(missing_ok=True)
        os.replace(features, workspace.features)
        os.replace(valid, workspace.valid)
        os.replace(view, workspace.view)
        write_json(workspace.preparation, {"fingerprint": fingerprint, "pixels": asdict(counts)})


def _write_features(inputs: Inputs, folder: Path, settings: Settings) -> Path:
    """features.tif: Float32, a band a feature, NaN where a source has no data."""
    sources = _describe_feature_sources(inputs, folder / "feature_sources")
    finite = not isinstance(inputs.cloudy, Stack)
    stack = build_stack(sources, [feature_layer(feature, finite) for feature in inputs.features], settings)
    target = folder / "features.tif"
    options = _FEATURE_OPTIONS
    if inputs.template.radiometry == "reflectance":
        options = {**options, "DISCARD_LSB": _DISCARDED_BITS}
    stack.write({"out": Target(target, "float", options, rows=_ROWS)})
    with updating(target) as dataset:
        for number, name in enumerate(inputs.feature_names, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(float("nan"))
    return target


def _write_view(inputs: Inputs, folder: Path, settings: Settings) -> Path:
    """view.tif: Int16 in steps that the bands' scales give, with overviews.

    No data of a product looks like DN 0, and of a stack, whose values may lie on either side of 0, is a number of its
    own.
    """
    no_data = _VIEW_NO_DATA if isinstance(inputs.cloudy, Stack) else None
    steps = shown_steps(inputs.view) if no_data is None else {}
    sources = _describe_view_sources(inputs, steps, folder / "view_sources")
    stack = build_stack(sources, [view_layer(layer, steps, no_data) for layer in inputs.view], settings)
    target = folder / "view.tif"
    stack.write({"out": Target(target, "int16", _VIEW_OPTIONS, rows=_ROWS)})
    with updating(target) as dataset:
        for number, layer in enumerate(inputs.view, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(layer.name)
            band.SetScale(layer.step)
            # OTB hands the sources' NaN on, which no integer can be.
            band.DeleteNoDataValue()
            if no_data is not None:
                band.SetNoDataValue(no_data)
        side = max(inputs.view_grid.width, inputs.view_grid.height)
        dataset.BuildOverviews("AVERAGE", [one for one in _VIEW_OVERVIEWS if side >= one * SMALLEST_OVERVIEW])
    return target


def _write_valid(inputs: Inputs, features: Path, folder: Path, settings: Settings) -> tuple[Path, PixelCounts]:
    """valid.tif: 1 where every feature has a value and no edge of the data is within the margin; 0 elsewhere."""
    state = folder / "state.tif"
    total = "+".join(f"im1b{number}" for number in range(1, len(inputs.features) + 1))
    # A sum is a number only if all its terms are, and only then 0 times it is 0.
    expression = f"({total})*0==0 ? ({_saturation(inputs)} ? {_SATURATED} : {_VALID}) : 0"
    build_formula([features], expression, settings).write({"out": Target(state, "uint8", _MASK_OPTIONS)})
    valid = folder / "valid.tif"
    # The levels of a wavelet undershoot beside a bright edge, to 0 where the ground is dark: such specks are no edge
    # of the data, from which to keep a margin.
    no_data = build_formula([state], "im1b1 == 0", settings)
    border = build_morphology(no_data["out"], "opening", 1, settings)
    radius = _margin(inputs)
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


def _margin(inputs: Inputs) -> int:
    """In pixels: the template's margin, and at least what the wavelet levels mix along the edge of the data."""
    reach = 0.0
    for name in inputs.band_names:
        level = _feature_level(inputs, name)
        mixed = _WAVELET_REACH * inputs.band(name).resolution * 2**level
        # Two pixels of the grid more: one with a trace of data still has a value, and opening blunts corners.
        reach = max(reach, mixed + 2 * inputs.grid.resolution if level else 0.0)
    return -int(-max(inputs.template.margin, reach) // inputs.grid.resolution)


def _feature_level(inputs: Inputs, name: str) -> int:
    """The wavelet level that the feature stack reads of a band."""
    if inputs.template.decoding == "full" or inputs.template.resampling == "nearest":
        return 0
    return coarsest_level(inputs.band(name).path, inputs.grid.resolution / _FINER)


def _saturation(inputs: Inputs) -> str:
    """BandMath condition on the feature stack: a band that is a feature as it is reaches the saturated value."""
    conditions = []
    for number, feature in enumerate(inputs.features, start=1):
        if isinstance(feature, str) and feature not in TERRAIN:
            radiometry = _radiometry(inputs, feature)
            saturated = inputs.product_of(feature).saturated
            if saturated is None:
                continue
            # Half a DN below, since a 32-bit float holds the value only nearly.
            level = (saturated - 0.5) * radiometry.scale + radiometry.offset
            conditions.append(f"im1b{number} >= {level!r}")
    return "(" + " || ".join(conditions) + ")" if conditions else "0"


def _describe_feature_sources(inputs: Inputs, folder: Path) -> dict[str, Path]:
    """Virtual rasters of the bands, and rasters of the terrain, for all that the features use."""
    folder.mkdir()
    names = {name for feature in inputs.features for name in names_used(feature)}
    sources = {
        name: describe_band(
            inputs.band(name).path,
            _feature_level(inputs, name),
            inputs.grid,
            _radiometry(inputs, name),
            inputs.template.resampling,
            folder / f"{name}.vrt",
        )
        for name in sorted(names - set(TERRAIN))
    }
    return sources | _terrain(inputs, names, inputs.grid, folder)


def _describe_view_sources(inputs: Inputs, steps: Mapping[str, float], folder: Path) -> dict[str, Path]:
    """As for the features, but for the eye: a level as fine as the grid will do, and no data is black.

    A band that the view shows as it is comes in its steps, so that no formula has to make them.
    """
    folder.mkdir()
    names = {name for layer in inputs.view for name in names_used(layer)}
    sources = {
        name: describe_band(
            inputs.band(name).path,
            coarsest_level(inputs.band(name).path, inputs.view_grid.resolution),
            inputs.view_grid,
            _for_the_eye(_radiometry(inputs, name), steps.get(name)),
            "average",
            folder / f"{name}.vrt",
        )
        for name in sorted(names - set(TERRAIN))
    }
    return sources | _terrain(inputs, names, inputs.view_grid, folder)


def _for_the_eye(radiometry: Radiometry, step: float | None) -> Radiometry:
    if radiometry.no_data is not None and math.isnan(radiometry.no_data):
        return radiometry
    if step is None:
        return replace(radiometry, no_data=None)
    return Radiometry(radiometry.scale / step, radiometry.offset / step, no_data=None, whole=True)


def _terrain(inputs: Inputs, names: set[str], grid: Grid, folder: Path) -> dict[str, Path]:
    if inputs.dem is None or not names & set(TERRAIN):
        return {}
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
