"""Make the layers of a QGIS project that show the images of a scene."""

import logging
from collections.abc import Container, Sequence

from alcd_otb.pictures.looks import ShownLook, layer_numbers, looks_of
from alcd_otb.qgis import styles
from alcd_otb.qgis.elements import Style
from alcd_otb.qgis.project_document import ProjectLayer
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.band_names import date_and_band
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.workspace import Workspace

log = logging.getLogger(__name__)

CLEAR = "Clear date"
"""Name of the group of the first clear date; those of further dates begin with it."""
VIEW = "./view.tif"
"""Data source of the images, relative to the folder of the project."""

_CLOUDY, _STACK = "Cloudy date", "Image"


def image_layers(config: SceneConfig, grid: Grid, workspace: Workspace) -> tuple[ProjectLayer, ...]:
    """Return a layer for each look of the view stack, in the order of the looks.

    The layers of the clear dates lie below. If the view cannot be read, a warning is logged and there are no layers.

    Parameters
    ----------
    config
        Description of the scene.
    grid
        Grid of the scene.
    workspace
        The workspace of the scene, beside whose view the project lies.
    """
    view = config.template.view
    try:
        bands = layer_numbers(open_raster(workspace.view))
        looks = looks_of(workspace, view)
    except RuntimeError as error:
        log.warning("%s: cannot be read (%s): the project has no images; run the scene again", workspace.view, error)
        return ()
    layers: dict[str, ProjectLayer] = {}
    for date in range(len(config.clear) + 1):
        for look in looks:
            if _date_shown(config, look) == date:
                numbers = [bands[layer] for layer in look.layers]
                key, group = _key(look, layers), group_of(config, date)
                title = look.name.removeprefix("clear " if date == 1 else f"clear{date} ")
                layers[key] = ProjectLayer(key, title, group, VIEW, grid.crs, _style(look, numbers))
    return tuple(layers.values())


def _key(look: ShownLook, taken: Container[str]) -> str:
    """Return the key of a look's layer, which is the same in projects of older versions."""
    if len(look.layers) == 1 and f"view_{look.layers[0]}" not in taken:
        return f"view_{look.layers[0]}"
    return look.name.replace(" ", "_")


def _style(look: ShownLook, numbers: Sequence[int]) -> Style:
    if len(numbers) == 1:
        return styles.grey_style(numbers[0], *look.limits[0], look.gamma)
    red, green, blue = numbers
    return styles.colour_style((red, green, blue), look.limits, look.gamma)


def group_of(config: SceneConfig, date: int) -> str:
    """Return the name of the group of a date's layers.

    Parameters
    ----------
    config
        Description of the scene.
    date
        Number of the date: 0 is the date that is classified, the others are the clear dates.
    """
    if date:
        return CLEAR if date == 1 else f"{CLEAR} {date}"
    return _CLOUDY if config.stack is None else _STACK


def _date_shown(config: SceneConfig, look: ShownLook) -> int:
    """Return the date of a look: the date of all bands of its layers, or else the date that is classified."""
    dates = {
        date_and_band(band).date
        for layer in config.template.view.layers
        if layer.name in look.layers
        for band in layer.expression.names
    }
    return dates.pop() if len(dates) == 1 else 0
