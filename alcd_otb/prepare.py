"""From an L1C pair to what the loop needs: the feature stack, the view stack and the mask of valid pixels."""

import json
import logging
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from alcd_otb.bands import Radiometry, decoding_level, describe_band
from alcd_otb.config import TERRAIN, Feature, names_used
from alcd_otb.grid import Grid
from alcd_otb.inputs import Inputs
from alcd_otb.rasters import build_overviews, histogram, updating
from alcd_otb.recipe import VIEW_NO_DATA, feature_layer, view_layer
from alcd_otb.terrain import slope, warp_elevation
from alcd_otb.workspace import Workspace, write_json
from otb_pipelines.app import Target
from otb_pipelines.masks import build_erosion, build_formula
from otb_pipelines.settings import Settings
from otb_pipelines.stack import build_stack

log = logging.getLogger(__name__)

_FEATURE_OPTIONS = {"TILED": "YES", "BIGTIFF": "IF_SAFER"}
_VIEW_OPTIONS = {
    "TILED": "YES",
    "COMPRESS": "DEFLATE",
    "ZLEVEL": "1",
    "PREDICTOR": "2",
    "NUM_THREADS": "ALL_CPUS",
    "BIGTIFF": "IF_SAFER",
}
_MASK_OPTIONS = {"TILED": "YES", "COMPRESS": "DEFLATE"}

_VALID, _SATURATED = 1, 2
# The wavelet levels of a JPEG 2000 file mix data and no data over this many of their pixels along its edge.
_WAVELET_REACH = 3


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of the feature grid. saturated: those in which a band that is a feature reaches the saturated value."""

    total: int
    valid: int
    saturated: int


def is_prepared(workspace: Workspace, fingerprint: str) -> bool:
    """Whether the workspace holds rasters of exactly these inputs and settings."""
    rasters = (workspace.features, workspace.view, workspace.valid)
    if not workspace.preparation.is_file() or not all(path.is_file() for path in rasters):
        return False
    return bool(json.loads(workspace.preparation.read_text(encoding="utf-8"))["fingerprint"] == fingerprint)


def pixel_counts(workspace: Workspace) -> PixelCounts:
    """The counts of the last preparation."""
    return PixelCounts(**json.loads(workspace.preparation.read_text(encoding="utf-8"))["pixels"])


def prepare(inputs: Inputs, workspace: Workspace, fingerprint: str, settings: Settings) -> None:
    """Write features.tif, view.tif and valid.tif; they replace older ones only when all three are whole."""
    with workspace.scratch() as folder:
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
    sources = _describe_sources(inputs, inputs.features, inputs.grid, folder / "feature_sources")
    stack = build_stack(sources, [feature_layer(feature) for feature in inputs.features], settings)
    target = folder / "features.tif"
    stack.write({"out": Target(target, "float", _FEATURE_OPTIONS)})
    with updating(target) as dataset:
        for number, name in enumerate(inputs.feature_names, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(name)
            band.SetNoDataValue(float("nan"))
    return target


def _write_view(inputs: Inputs, folder: Path, settings: Settings) -> Path:
    """view.tif: Int16 in steps that the bands' scales give, with overviews."""
    sources = _describe_sources(inputs, inputs.view, inputs.view_grid, folder / "view_sources")
    stack = build_stack(sources, [view_layer(layer) for layer in inputs.view], settings)
    target = folder / "view.tif"
    stack.write({"out": Target(target, "int16", _VIEW_OPTIONS, nodata=VIEW_NO_DATA)})
    with updating(target) as dataset:
        for number, layer in enumerate(inputs.view, start=1):
            band = dataset.GetRasterBand(number)
            band.SetDescription(layer.name)
            band.SetScale(layer.step)
        build_overviews(dataset, "AVERAGE")
    return target


def _write_valid(inputs: Inputs, features: Path, folder: Path, settings: Settings) -> tuple[Path, PixelCounts]:
    """valid.tif: 1 where every feature has a value, less the margin; 0 elsewhere."""
    state = folder / "state.tif"
    total = "+".join(f"im1b{number}" for number in range(1, len(inputs.features) + 1))
    # A sum is finite only if all its terms are; NaN and infinity less themselves are not 0.
    finite = f"(({total})-({total}))==0"
    expression = f"{finite} ? ({_saturation(inputs)} ? {_SATURATED} : {_VALID}) : 0"
    build_formula([features], expression, settings).write({"out": Target(state, "uint8", _MASK_OPTIONS)})
    valid = folder / "valid.tif"
    data = build_formula([state], "im1b1 > 0 ? 1 : 0", settings)
    radius = _margin(inputs)
    eroded = build_erosion(data["out"], radius, settings) if radius else data
    eroded.write({"out": Target(valid, "uint8", _MASK_OPTIONS)})
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
    """Pixels to erode: the template's margin, and at least what the wavelet levels mix along the edge of the data."""
    reach = 0.0
    if inputs.template.decoding == "auto" and inputs.template.resampling == "average":
        for name in inputs.band_names:
            band = inputs.band(name)
            level = decoding_level(band.path, inputs.grid.resolution)
            reach = max(reach, _WAVELET_REACH * band.resolution * 2**level if level else 0.0)
    return -int(-max(inputs.template.margin, reach) // inputs.grid.resolution)


def _saturation(inputs: Inputs) -> str:
    """BandMath condition on the feature stack: a band that is a feature as it is reaches the saturated value."""
    conditions = []
    for number, feature in enumerate(inputs.features, start=1):
        if isinstance(feature, str) and feature not in TERRAIN:
            radiometry = _radiometry(inputs, feature)
            # Half a DN below, since a 32-bit float holds the value only nearly.
            level = (inputs.product_of(feature).saturated - 0.5) * radiometry.scale + radiometry.offset
            conditions.append(f"im1b{number} >= {level!r}")
    return "(" + " || ".join(conditions) + ")" if conditions else "0"


def _describe_sources(inputs: Inputs, features: Iterable[Feature], grid: Grid, folder: Path) -> dict[str, Path]:
    """Virtual rasters of the bands, and rasters of the terrain, for all that the features use."""
    folder.mkdir()
    template = inputs.template
    names = {name for feature in features for name in names_used(feature)}
    sources = {
        name: describe_band(
            inputs.band(name).path,
            grid,
            _radiometry(inputs, name),
            template.resampling,
            template.decoding,
            folder / f"{name}.vrt",
        )
        for name in sorted(names - set(TERRAIN))
    }
    if inputs.dem is not None and names & set(TERRAIN):
        sources["dem"] = warp_elevation(inputs.dem, grid, folder)
        if "slope" in names:
            sources["slope"] = slope(sources["dem"], folder)
    return sources


def _radiometry(inputs: Inputs, name: str) -> Radiometry:
    """Of a band: reflectance = (DN + RADIO_ADD_OFFSET) / QUANTIFICATION_VALUE (Sentinel-2 product specification)."""
    product = inputs.product_of(name)
    if inputs.template.radiometry == "digital_number":
        return Radiometry(1.0, 0.0, product.no_data)
    return Radiometry(1 / product.quantification, inputs.band(name).offset / product.quantification, product.no_data)
