"""Make the layers of a QGIS project that show the images of a scene."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alcd_otb.pictures.figures import TRUE_COLOUR
from alcd_otb.qgis import styles
from alcd_otb.qgis.project_document import ProjectLayer
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import open_raster
from alcd_otb.settings.band_names import date_and_band
from alcd_otb.settings.scene_file import SceneConfig
from alcd_otb.settings.view import BRIGHTEST
from otb_pipelines.process import gdal

log = logging.getLogger(__name__)

CLEAR = "Clear date"
"""Name of the group of the first clear date; those of further dates begin with it."""
VIEW = "./view.tif"
"""Data source of the images, relative to the folder of the project."""

_CLOUDY, _STACK = "Cloudy date", "Image"
# Names of the bands that red, green and blue show in true colours.
_VISIBLE = (("B04", "red"), ("B03", "green"), ("B02", "blue"))
_CUT_PERCENT = 2
"""Percentage of the darkest and of the brightest pixels that a stretch in grey leaves out."""
_MOST_PIXELS = 512
"""Largest side of the reduced image from which a stretch is computed."""


def image_layers(config: SceneConfig, grid: Grid, view: Path) -> tuple[ProjectLayer, ...]:
    """Return the layers of the view stack.

    Three bands whose names end in red, green and blue are a layer in colour; each other band is a layer in grey. The
    layers of the clear dates lie below. If the view cannot be read, a warning is logged and there are no layers.

    Parameters
    ----------
    config
        Description of the scene.
    grid
        Grid of the scene.
    view
        The view stack, beside the project.
    """
    try:
        dataset = open_raster(view)
    except RuntimeError as error:
        log.warning("%s: cannot be read (%s): the project has no images; run the scene anew", view, error)
        return ()
    bands = {dataset.GetRasterBand(number).GetDescription(): number for number in range(1, dataset.RasterCount + 1)}
    limits = config.template.view.limits
    sources = {layer.name: layer.expression.names for layer in config.template.view.layers}
    layers: list[ProjectLayer] = []
    for date in range(len(config.clear) + 1):
        group = group_of(config, date)
        names = [name for name in bands if _date_shown(config, name) == date]
        for prefix in [name.removesuffix(TRUE_COLOUR[0]) for name in names if name.endswith(TRUE_COLOUR[0])]:
            colours = [f"{prefix}{name}" for name in TRUE_COLOUR]
            if all(name in names for name in colours):
                red, green, blue = (bands[name] for name in colours)
                style = styles.colour_style((red, green, blue), [limits.get(name, (0, BRIGHTEST)) for name in colours])
                kind = "true" if _are_true([sources[name] for name in colours]) else "false"
                layers.append(ProjectLayer(f"{prefix}{kind}_colour", f"{kind} colour", group, VIEW, grid.crs, style))
                names = [name for name in names if name not in colours]
        for name in names:
            shades = limits.get(name) or _stretch_limits(dataset.GetRasterBand(bands[name]))
            style = styles.grey_style(bands[name], *shades)
            layers.append(ProjectLayer(f"view_{name}", name, group, VIEW, grid.crs, style))
    return tuple(layers)


def _are_true(sources: Sequence[tuple[str, ...]]) -> bool:
    """Return whether red, green and blue are made from the bands of these colours, and nothing else."""
    return all(
        len(names) == 1 and date_and_band(names[0]).band in bands
        for names, bands in zip(sources, _VISIBLE, strict=True)
    )


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


def _date_shown(config: SceneConfig, name: str) -> int:
    """Return the date of a layer of the view: the date of all its bands, or else the date that is classified."""
    dates = {
        date_and_band(band).date
        for layer in config.template.view.layers
        if layer.name == name
        for band in layer.expression.names
    }
    return dates.pop() if len(dates) == 1 else 0


def _stretch_limits(band: gdal.Band) -> tuple[float, float]:
    """Return the values between which a band is shown, so that its outliers do not use up the shades of grey."""
    width, height = min(band.XSize, _MOST_PIXELS), min(band.YSize, _MOST_PIXELS)
    stored = band.ReadAsArray(buf_xsize=width, buf_ysize=height).astype(np.float64)
    # No data is stored as 0, unless the raster says otherwise.
    seen = stored[stored != (band.GetNoDataValue() or 0)] * (band.GetScale() or 1)
    if not seen.size:
        return 0.0, 1.0
    low, high = np.percentile(seen, (_CUT_PERCENT, 100 - _CUT_PERCENT))
    return float(low), float(high) if high > low else float(low) + 1
