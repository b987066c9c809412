"""Read scenes of the published reference masks of Baetens and Hagolle (2018), https://doi.org/10.5281/zenodo.1460960.

A product from before December 2016 holds many tiles, and its name contains none. A scene is therefore a product and
a tile; ``used_parameters.json`` names both.
"""

import re
from pathlib import Path
from typing import Any

from alcd_otb.files.json_file import read_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.masks.acquisition import Acquisition, acquisition_in
from alcd_otb.masks.mask import Mask, classes_of, raster_layer, table_of
from alcd_otb.products.refusals import damaged, unreadable
from alcd_otb.raster.grid import Grid
from alcd_otb.raster.opening import GIVEN_RASTERS
from alcd_otb.settings.legend import Legend

PROCESSOR = "ALCD"

SUPERSEDED_FOLDER = "Hollstein"
"""The archive holds one scene twice. The paper does not validate with the copy in this folder."""

_MAP, _PARAMETERS = "Classification/classification_map.tif", "Classification/used_parameters.json"


def is_reference_scene(path: Path) -> bool:
    """Decide whether a folder is a scene of the published data set."""
    return (path / _MAP).is_file()


def read_reference_scene(path: Path, legend: Legend) -> Mask:
    """Read the reference mask of a scene.

    Parameters
    ----------
    path
        The scene's folder.
    legend
        The classes of the template ``clouds``, whose codes are those of the archive.

    Raises
    ------
    ProductError
        If a file is missing or damaged, or the parameters contradict the product's name.
    """
    map_file, parameters_file = path / _MAP, path / _PARAMETERS
    classes = classes_of(legend)
    return Mask(
        processor=PROCESSOR,
        path=path,
        acquisition=_acquisition(parameters_file),
        grid=Grid.of(map_file, GIVEN_RASTERS),
        layers=(raster_layer(map_file, table_of(classes)),),
        files=(map_file, parameters_file),
        classes=classes,
        picture=_picture(path),
    )


def _acquisition(file: Path) -> Acquisition:
    try:
        parameters: Any = read_json(file)
    except UnreadableError as error:
        raise unreadable(file, error) from error
    if not isinstance(parameters, dict):
        raise damaged(file, "is not a JSON object")
    tile, day, product = (str(parameters.get(key, "")) for key in ("tile", "cloudy_date", "cloudy_product_name"))
    if not re.fullmatch(r"T?\d{2}[A-Z]{3}", tile):
        raise damaged(file, f"tile is {tile!r}, not a tile such as 31TFJ")
    named = acquisition_in(product, tile)
    stated = acquisition_in(day, tile)
    if stated is None and named is None:
        raise damaged(file, "neither cloudy_date nor cloudy_product_name states when the scene was acquired")
    if named is not None and stated is not None and named.day != stated.day:
        raise damaged(file, f"cloudy_date is {day}, cloudy_product_name states {named.day:%Y%m%d}")
    acquisition = named or stated
    assert acquisition is not None
    return acquisition


def _picture(path: Path) -> str | None:
    files = sorted((path / "Classification").glob("*quicklook*"))
    return next((str(file) for file in files if file.suffix in (".png", ".jpg")), None)
