"""Write the feature stack, the view and the state of each pixel in one pass."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from alcd_otb.preparation.doubtful_values import describe_doubts, doubts_of
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.kept_levels import KeptLevels, complete_edges
from alcd_otb.preparation.layers import feature_layer, plain_view_layer, view_layer
from alcd_otb.preparation.layouts import (
    MASK_OPTIONS,
    SATURATED,
    TILE_ROWS,
    VALID,
    VIEW_OVERVIEWS,
    describe_features,
    describe_state,
    describe_view,
    feature_options,
    view_no_data,
    view_options,
    view_overviews,
)
from alcd_otb.preparation.reflectance import radiometry_of
from alcd_otb.preparation.sources import (
    Levels,
    feature_sources,
    python_sources,
    view_levels,
    view_sources,
)
from alcd_otb.raster.io import updating
from alcd_otb.settings.band_names import TERRAIN
from otb_pipelines.masks import build_formula
from otb_pipelines.reading import build_band
from otb_pipelines.settings import Settings
from otb_pipelines.stack import Layer, StackFile, build_layers, write_stacks

# Most pixels of a strip on the finer grid. The buffers of bands and formulas hold a strip some eighty times.
_STRIP_PIXELS = 1_100_000


@dataclass(frozen=True)
class Stacks:
    """The files of the stacks.

    Attributes
    ----------
    features
        Float32, one band for each feature, NaN where a source has no data.
    state
        VALID or SATURATED where every feature has a value, else 0.
    view
        One band for each layer, with overviews: Int16 in steps that are the scales of the bands, or Float32.
    doubts
        UInt16, one band for each of the `doubts_of` the inputs. Not there if there are none.
    """

    features: Path
    state: Path
    view: Path
    doubts: Path


class Picture(NamedTuple):
    """The files of the first picture: the view, and a mask that is 1 where it has data."""

    view: Path
    mask: Path


def write_scene_stacks(
    inputs: Inputs, folder: Path, settings: Settings, kept: KeptLevels, keep: Levels | None = None
) -> Stacks:
    """Write all rasters that need the bands in one pass, so that each band is decoded once for all grids.

    A band that the view needs at a finer wavelet level than the features is decoded at both.

    Parameters
    ----------
    inputs
        The images of the scene, the features and the layers of the view.
    folder
        The folder to write to.
    settings
        Memory and threads.
    kept
        The levels that an earlier stage has decoded.
    keep
        The levels to keep for a later stage. None keeps nothing.
    """
    stacks = Stacks(*(folder / f"{name}.tif" for name in ("features", "state", "view", "doubts")))
    strips = _strips(inputs)
    features_like = describe_features(inputs.grid, inputs.feature_names, folder / "features.vrt")
    sources = feature_sources(inputs, features_like, folder / "feature_sources", settings, kept)
    sources |= python_sources(inputs, sources, strips.rows, folder / "python_features", settings)
    features = build_layers(sources, [feature_layer(feature) for feature in inputs.features], settings)
    state = build_formula(features, _state(inputs), settings)["out"]
    doubts = doubts_of(inputs)
    answers = build_layers(sources, [one.layer for one in doubts], settings)
    files = [
        StackFile(stacks.features, features_like, features, feature_options(inputs)),
        StackFile(stacks.state, describe_state(inputs, folder), [state], MASK_OPTIONS),
        _view_file(inputs, stacks.view, strips, settings, kept),
    ]
    to_keep = kept.files(inputs, keep or {}, settings)
    if doubts:
        doubts_like = describe_doubts(inputs.grid, doubts, folder / "doubts.vrt")
        files.append(StackFile(stacks.doubts, doubts_like, answers, MASK_OPTIONS))
    write_stacks([*files, *to_keep], strips.rows, settings)
    complete_edges(to_keep)
    _complete_overviews(inputs, stacks.view, strips)
    return stacks


def write_view(inputs: Inputs, path: Path, settings: Settings, kept: KeptLevels) -> None:
    """Write the view alone.

    Parameters
    ----------
    inputs
        The images of the scene and the layers of the view, without features.
    path
        The file to write. Files beside it help.
    settings
        Memory and threads.
    kept
        The levels that an earlier stage has decoded.
    """
    strips = _strips(inputs)
    write_stacks([_view_file(inputs, path, strips, settings, kept)], strips.rows, settings)
    _complete_overviews(inputs, path, strips)


def write_picture(inputs: Inputs, folder: Path, settings: Settings, kept: KeptLevels, keep: Levels) -> Picture:
    """Write a view, and a mask that is 1 where its first band has data, and 0 elsewhere.

    Parameters
    ----------
    inputs
        The images of the scene and the layers of the picture, without features.
    folder
        The folder to write to.
    settings
        Memory and threads.
    kept
        Where levels are kept.
    keep
        The levels to keep for a later stage.
    """
    view, mask = folder / "view.tif", folder / "mask.tif"
    strips, like = _strips(inputs), describe_state(inputs, folder)
    first = inputs.band_names[0]
    band = build_band(
        inputs.band(first).files, view_levels(inputs)[first], like, radiometry_of(inputs, first), settings
    )
    has_data = build_formula([band], f"isfinite(im1b1) ? {VALID} : 0", settings)["out"]
    files = [_view_file(inputs, view, strips, settings, kept), StackFile(mask, like, [has_data], MASK_OPTIONS)]
    to_keep = kept.files(inputs, keep, settings)
    write_stacks([*files, *to_keep], strips.rows, settings)
    complete_edges(to_keep)
    _complete_overviews(inputs, view, strips)
    return Picture(view, mask)


def _view_file(inputs: Inputs, path: Path, strips: "_Strips", settings: Settings, kept: KeptLevels) -> StackFile:
    """Describe the file of the view, with its layers."""
    like = describe_view(inputs, path.parent)
    sources = view_sources(inputs, like, path.parent / "view_sources", settings, kept)
    layers = build_layers(sources, _view_layers(inputs), settings)
    return StackFile(path, like, layers, view_options(inputs), view_overviews(inputs) if strips.with_overviews else ())


def _complete_overviews(inputs: Inputs, path: Path, strips: "_Strips") -> None:
    """Make the overviews of the view, unless they were made strip by strip."""
    overviews = view_overviews(inputs)
    if overviews and not strips.with_overviews:
        with updating(path) as dataset:
            dataset.BuildOverviews("AVERAGE", overviews)


def _view_layers(inputs: Inputs) -> list[Layer]:
    make = view_layer if inputs.is_view_whole else plain_view_layer
    return [make(layer) for layer in inputs.view]


class _Strips(NamedTuple):
    """Rows of the coarser grid to write at a time, and whether the overviews of the view are made at the same time."""

    rows: int
    with_overviews: bool


def _strips(inputs: Inputs) -> _Strips:
    """Choose the strips in which the rasters are written.

    The overviews of the view are made strip by strip where a strip holds whole rows of them, where they average all
    pixels, and where such a strip has at most _STRIP_PIXELS pixels.
    """
    finer, coarser = sorted((inputs.grid, inputs.view_grid), key=lambda grid: grid.resolution)
    most = int(_STRIP_PIXELS / (finer.width * coarser.resolution / finer.resolution))
    ratio = max(1.0, inputs.grid.resolution / inputs.view_grid.resolution)
    for rows in range(TILE_ROWS, min(3 * TILE_ROWS, most) + 1, TILE_ROWS) if view_no_data(inputs) is None else ():
        view_rows = rows * ratio
        if view_rows.is_integer() and view_rows % VIEW_OVERVIEWS[0] == 0:
            return _Strips(rows, with_overviews=True)
    # Without the overviews, low strips will do, since GDAL collects the rows of a tile.
    rows = TILE_ROWS
    while rows > max(most // 3, 1):
        rows //= 2
    return _Strips(rows, with_overviews=False)


def _state(inputs: Inputs) -> str:
    """Write the formula of the state of a pixel over the features."""
    total = "+".join(f"im{number}b1" for number in range(1, len(inputs.features) + 1))
    # A sum is finite only if all its terms are finite.
    return f"isfinite({total}) ? ({_saturation(inputs)} ? {SATURATED} : {VALID}) : 0"


def _saturation(inputs: Inputs) -> str:
    """Write the condition that a pixel is saturated, in a formula over the features.

    It is if a band that is itself a feature reaches the saturated value.
    """
    conditions = []
    for number, feature in enumerate(inputs.features, start=1):
        if isinstance(feature, str) and feature not in TERRAIN:
            radiometry = radiometry_of(inputs, feature)
            saturated = inputs.product_of(feature).saturated
            if saturated is None:
                continue
            # Half a DN below the saturated value, since a 32-bit float may not hold it exactly.
            level = (saturated - 0.5) * radiometry.scale + radiometry.offset
            conditions.append(f"im{number}b1 >= {level!r}")
    return "(" + " || ".join(conditions) + ")" if conditions else "0"
