"""Read the maps of this project's own workspaces as masks."""

from pathlib import Path
from typing import Any

from alcd_otb.errors import ProductError
from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.masks.acquisition import Acquisition, acquisition_at, acquisition_of
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
        If there is no iteration yet, a file is damaged, or no name of a stack contains its tile and time.
    """
    iteration = path if (path / "labels.tif").is_file() else path / "latest"
    labels, config = iteration / "labels.tif", iteration / "config.json"
    if not labels.is_file():
        raise ProductError(f"{path}: has no iteration yet; label samples and run the scene")
    content = _read_json(config)
    try:
        product = content["products"]["cloudy"]
        acquisition = _of_stack(path, content) if product["tile"] is None else _of_product(config, product)
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


def _of_product(config: Path, product: Any) -> Acquisition:
    tile = str(product["tile"])
    if not is_tile(tile):
        raise ProductError(f"{config}: {quoted(tile)} is not a tile such as 31TFJ; run the scene again")
    return acquisition_at(tile, utc_time(product["acquired"]))


def _of_stack(path: Path, content: Any) -> Acquisition:
    """Read tile and time of a stack from the names of its file, of the scene, of the workspace and its folders."""
    stack = Path(content["products"]["cloudy"]["path"])
    try:
        return acquisition_of(path, (stack.name, stack.parent.name, str(content["scene"]["name"])))
    except ProductError as error:
        raise ProductError(
            f"{path}: is the map of a stack, and no name contains tile and time; give the stack, the scene or the "
            "workspace a name with both, such as T31TFJ_20171002T103009, or that of a scene of Landsat"
        ) from error


def _read_json(file: Path) -> Any:
    try:
        return read_json(file)
    except UnreadableError as error:
        raise ProductError(f"{file}: {error}; run the scene again") from error
