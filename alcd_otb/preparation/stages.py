"""Divide the preparation of a large scene into stages: a picture, then the features, then the whole view.

Most of a preparation is the decoding of the bands, and most of that is for the view, which shows finer pixels than the
features need. So a first picture and the features are complete long before the view is.
"""

from dataclasses import replace
from enum import StrEnum

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.preparation.sources import feature_levels, view_levels
from alcd_otb.products.stack import Stack

PICTURE_RESOLUTION = 40.0
"""Metres of a pixel of the first picture, which is a wavelet level of the bands of 10 m and of 20 m."""

SMALL = 4_000_000
"""Pixels of a view that is made in one pass with the features: in less time than a first picture would save."""


class Stage(StrEnum):
    """A part of a preparation that people can work with as soon as it is complete."""

    PICTURE = "picture"
    FEATURES = "features"
    VIEW = "view"


def stages_of(inputs: Inputs) -> tuple[Stage, ...]:
    """List the stages in which a scene is prepared. The last one is the view. Without others, it is all of it.

    A scene has stages where its view needs a finer wavelet level than its features, and is not small.

    Parameters
    ----------
    inputs
        The images of the scene, the features, and the layers of the view.
    """
    if isinstance(inputs.cloudy, Stack) or inputs.view_grid.width * inputs.view_grid.height < SMALL:
        return (Stage.VIEW,)
    levels = feature_levels(inputs)
    finer = any(level < levels[name] for name, level in view_levels(inputs).items() if name in levels)
    if not finer or inputs.view_grid.resolution >= inputs.grid.resolution:
        return (Stage.VIEW,)
    if picture_of(inputs) is None:
        return (Stage.FEATURES, Stage.VIEW)
    return (Stage.PICTURE, Stage.FEATURES, Stage.VIEW)


def picture_of(inputs: Inputs) -> Inputs | None:
    """Return the inputs of the first picture: the layers of the first look in colour, on a coarse grid.

    None if no look is in colour, or where the view itself is not finer.

    Parameters
    ----------
    inputs
        The inputs of the scene.
    """
    names = [layer.name for layer in inputs.view]
    look = next((look for look in inputs.template.view.looks_of(names) if len(look.layers) == 3), None)
    if look is None or inputs.view_grid.resolution >= PICTURE_RESOLUTION:
        return None
    seen = tuple(layer for layer in inputs.view if layer.name in look.layers)
    finest = inputs.cloudy.grids[min(inputs.cloudy.grids)] if not isinstance(inputs.cloudy, Stack) else inputs.view_grid
    grid = finest.at_resolution(PICTURE_RESOLUTION)
    return replace(inputs, features=(), view=seen, grid=grid, view_grid=grid)


def levels_for_later(now: Inputs, later: Inputs) -> dict[str, int]:
    """List the levels that a stage decodes and a later one needs again, by the names of the bands.

    Parameters
    ----------
    now, later
        The inputs of both stages.
    """
    decoded = {*feature_levels(now).items(), *view_levels(now).items()}
    needed = {*feature_levels(later).items(), *view_levels(later).items()}
    return dict(sorted(decoded & needed))


def with_coarse_view(inputs: Inputs) -> Inputs:
    """Return inputs whose view is on the grid of the features, and needs no finer levels."""
    return replace(inputs, view_grid=inputs.grid)


def view_alone(inputs: Inputs) -> Inputs:
    """Return inputs without features. Rows of strips are counted on the grid of the view."""
    return replace(inputs, features=(), grid=inputs.view_grid)
