"""Write the mask of valid pixels, and count them."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from alcd_otb.preparation.dilation import write_dilated
from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.layouts import MASK_OPTIONS, MASK_ROWS, SATURATED, VALID, describe_state
from alcd_otb.preparation.sources import Levels
from alcd_otb.raster.io import histogram, updating
from otb_pipelines.masks import build_formula, build_morphology
from otb_pipelines.settings import Settings
from otb_pipelines.stack import StackFile, write_stacks

log = logging.getLogger(__name__)

# Number of pixels of a level of the 5/3 wavelet of Sentinel-2's files in which data and no data are mixed along the
# edge: two beyond the edge, which therefore seems to lie there, and one within.
_WAVELET_REACH = 3

# A margin that leaves less of the pixels with data is warned of.
_SMALL_REST = 0.5


@dataclass(frozen=True)
class PixelCounts:
    """Counts of pixels of the feature grid.

    Attributes
    ----------
    total
        All pixels.
    valid
        The valid pixels.
    saturated
        The pixels in which a band that is itself a feature reaches the saturated value.
    with_data
        The pixels in which every feature has a value, in the margin or not. None if it was not recorded.
    """

    total: int
    valid: int
    saturated: int
    with_data: int | None = None


class ValidMask(NamedTuple):
    """The file of the mask of valid pixels, and the counts of pixels."""

    path: Path
    counts: PixelCounts


def write_valid(inputs: Inputs, levels: Levels, state: Path, folder: Path, settings: Settings) -> ValidMask:
    """Write the mask of valid pixels.

    Parameters
    ----------
    inputs
        The grid of the features, and the margin.
    levels
        The wavelet level of each band.
    state
        Raster of the state of each pixel, as in `Stacks.state`.
    folder
        The folder to write to.
    settings
        Memory and threads.

    Returns
    -------
    ValidMask
        ``valid.tif`` in the folder is 1 where every feature has a value and no edge of the data lies within the
        margin, and 0 elsewhere.
    """
    valid = folder / "valid.tif"
    # The levels of a wavelet undershoot beside a bright edge, to 0 where the ground is dark. Such specks are not an
    # edge of the data, so that no margin is kept around them.
    no_data = build_formula([state], "im1b1 == 0", settings)
    border = build_morphology(no_data["out"], "opening", 1, settings)
    edge, kept_off = folder / "edge.tif", folder / "kept_off.tif"
    write_stacks([StackFile(edge, describe_state(inputs, folder), [border["out"]], MASK_OPTIONS)], MASK_ROWS, settings)
    write_dilated(edge, _margin(inputs, levels), inputs.grid, kept_off)
    mask = build_formula([state, kept_off], "im1b1 > 0 && im2b1 == 0", settings)["out"]
    write_stacks([StackFile(valid, describe_state(inputs, folder), [mask], MASK_OPTIONS)], MASK_ROWS, settings)
    with updating(valid) as dataset:
        dataset.GetRasterBand(1).SetDescription("valid")
    states = histogram(state)
    counts = PixelCounts(
        total=inputs.grid.width * inputs.grid.height,
        valid=histogram(valid)[1],
        saturated=states[SATURATED],
        with_data=states[VALID] + states[SATURATED],
    )
    if counts.saturated:
        log.info("%d pixels are saturated in a band; they stay valid", counts.saturated)
    return ValidMask(valid, counts)


def margin_warnings(inputs: Inputs, counts: PixelCounts) -> tuple[str, ...]:
    """Warn of a scene in which no pixel has data, or of which the margin leaves only a part.

    Parameters
    ----------
    inputs
        The margin.
    counts
        The pixels with data, and those that the margin leaves.
    """
    there, margin = counts.with_data or 0, inputs.template.margin
    if not there:
        return ("no pixel is valid: no pixel has a value for every feature",)
    if counts.valid >= _SMALL_REST * there:
        return ()
    left = f"{100 * counts.valid / there:.0f} % of the pixels with data" if counts.valid else "nothing of the scene"
    no_pixel = "" if counts.valid else "no pixel is valid: "
    return (f"{no_pixel}the margin of {margin:g} m along the edge of the data leaves {left}; set a smaller 'margin'",)


def _margin(inputs: Inputs, levels: Levels) -> int:
    """Compute the margin in pixels.

    It is that of the template, but at least as wide as the strip along the edge of the data that the wavelet levels
    mix.
    """
    reach = 0.0
    for name, level in levels.items():
        mixed = _WAVELET_REACH * inputs.band(name).resolution * 2**level
        # Two pixels of the grid more: a pixel with only a trace of data has a value, and the opening blunts corners.
        reach = max(reach, mixed + 2 * inputs.grid.resolution if level else 0.0)
    return -int(-max(inputs.template.margin, reach) // inputs.grid.resolution)
