"""The mask of valid pixels, and the counts of them."""

import logging
from dataclasses import dataclass
from pathlib import Path

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.layouts import MASK_OPTIONS, SATURATED
from alcd_otb.preparation.sources import Levels
from alcd_otb.raster.io import histogram, updating
from otb_pipelines.app import Target
from otb_pipelines.masks import build_formula, build_morphology
from otb_pipelines.settings import Settings

log = logging.getLogger(__name__)

# In this many of its pixels along the edge, a level of the 5/3 wavelet of Sentinel-2's files mixes data and no data:
# two beyond the edge (which therefore seems to lie there) and one within.
_WAVELET_REACH = 3


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of the feature grid. saturated: those in which a band that is a feature reaches the saturated value."""

    total: int
    valid: int
    saturated: int


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
        {"out": Target(valid, "uint8", MASK_OPTIONS)}
    )
    with updating(valid) as dataset:
        dataset.GetRasterBand(1).SetDescription("valid")
    counts = PixelCounts(
        total=inputs.grid.width * inputs.grid.height,
        valid=histogram(valid)[1],
        saturated=histogram(state)[SATURATED],
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
