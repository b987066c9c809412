"""Read the maps of this project's own workspaces as masks."""

from pathlib import Path
from typing import Any

from alcd_otb.errors import ProductError
from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.masks.acquisition import acquisition_at
from alcd_otb.masks.mask import Mask, classes_of, raster_layer, table_of
from alcd_otb.products.names import is_tile
from alcd_otb.products.times import utc_time
from alcd_otb.raster.grid import Grid
from alcd_otb.settings.legend import Legend, LegendClass, Positive
from alcd_otb.text import quoted

PROCESSOR = "alcd_otb"


def is_workspace(path: Path) -> bool:
    """Decide whether a path is a workspace or one of its iterations."""
    return (path / "config.json").is_file() and (
        (path / "labels.tif").is_file() or (path / "preparation.json").is_file()
    )


def read_workspace(path: Path) -> Mask:
    """Read the map of an iteration.

    Parameters
    ----------
    path
        A workspace, of which the latest iteration is read, or the folder of an iteration.

    Returns
    -------
    Mask
        The map; its classes are those of the iteration's own template.

    Raises
    ------
    ProductError
        If there is no iteration yet, the map is of a stack without tile and time, or a file is damaged.
    """
    iteration = path if (path / "labels.tif").is_file() else path / "latest"
    labels, config = iteration / "labels.tif", iteration / "config.json"
    if not labels.is_file():
        raise ProductError(f"{path}: has no iteration yet; label samples and run the scene")
    content = _read_json(config)
    try:
        product = content["products"]["cloudy"]
        if product["tile"] is None:
            raise ProductError(
                f"{path}: is the map of a stack, which has no tile and time; name a scene of a product instead"
            )
        tile = str(product["tile"])
        if not is_tile(tile):
            raise ProductError(f"{config}: {quoted(tile)} is no tile such as 31TFJ; run the scene again")
        acquisition = acquisition_at(tile, utc_time(product["acquired"]))
        template = content["scene"]["template"]
        positive = template.get("positive")
        legend = Legend.from_classes(
            [LegendClass(**entry) for entry in template["classes"]], Positive(**positive) if positive else None
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProductError(f"{config}: does not describe an iteration; run the scene again") from error
    classes = classes_of(legend)
    quicklook = labels.resolve().parents[2] / "quicklook.png"
    return Mask(
        processor=PROCESSOR,
        path=path,
        acquisition=acquisition,
        grid=Grid.of(str(labels)),
        layers=(raster_layer(labels, table_of(classes)),),
        files=(labels.resolve(), config.resolve()),
        classes=classes,
        picture=str(quicklook) if quicklook.is_file() else None,
    )


def _read_json(file: Path) -> Any:
    try:
        return read_json(file)
    except UnreadableError as error:
        raise ProductError(f"{file}: {error}; run the scene again") from error
