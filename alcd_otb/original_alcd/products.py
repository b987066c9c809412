"""Find the L1C products and the elevation model that a work folder was made from, if its paths still exist."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from alcd_otb.original_alcd.folder import AlcdFolder

_SENSED = re.compile(r"S2\w_(?:MSIL1C_|OPER_PRD_MSIL1C_\w+_V)(\d{8})T\d{6}_.*")
_TILE = re.compile(r"_T(\d{2}[A-Z]{3})_")


@dataclass
class FoundProducts:
    """The products that a scene is made from.

    Attributes
    ----------
    keys
        Keys of ``scene.json`` and their values.
    missing
        Keys whose file does not exist.
    notes
        What to report to the user, one line each.
    """

    keys: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_inputs(folder: AlcdFolder, needs_clear: bool, chosen: Mapping[str, Path | None]) -> FoundProducts:
    """Find the products of both dates.

    A product is the one that the user has chosen, else the one that the original's paths lead to, else a path that the
    user must correct.

    Parameters
    ----------
    folder
        The work folder.
    needs_clear
        Whether the features need the clear date. If they do not, a clear date that is not found is left out.
    chosen
        What the user has chosen: ``cloudy``, ``clear`` and ``dem``.
    """
    inputs = FoundProducts()
    _add_product(inputs, "cloudy", folder, chosen["cloudy"], True)
    if chosen["clear"] is None and folder.clear_date is not None and folder.clear_date == folder.date:
        inputs.notes.append(
            "user_choices.clear_date: is the cloudy date; the scene is of a single date, without 'clear'"
        )
    else:
        _add_product(inputs, "clear", folder, chosen["clear"], needs_clear)
    dem = chosen["dem"]
    if dem is not None:
        inputs.keys["dem"] = str(dem.resolve())
    return inputs


def _add_product(
    inputs: FoundProducts, key: Literal["cloudy", "clear"], folder: AlcdFolder, chosen: Path | None, is_needed: bool
) -> None:
    """Add the product of a date to the inputs, or what is missing."""
    date = folder.date if key == "cloudy" else folder.clear_date
    products = [chosen] if chosen is not None else find_products(folder, date) if date else []
    if len(products) > 1:
        inputs.notes.append(
            f"{key}: {len(products)} products are of {date}; {products[0].name}, the last processed, is used"
        )
    if products:
        inputs.keys[key] = str(products[0].resolve())
        if key == "cloudy" and folder.tile and _TILE.search(products[0].name) is None and chosen is None:
            inputs.keys["tile"] = folder.tile
    elif is_needed:
        inputs.missing.append(key)
        inputs.keys[key] = f"L1C/{key}_{date or 'date'}.SAFE"
        root = _configured(folder, "L1C")
        problem = f"is in {root}" if root else "is known, since the original's JSON file of paths is missing"
        inputs.notes.append(
            f"{key}: no L1C product of {date or 'an unknown date'} {problem}; write its path instead of "
            f"{inputs.keys[key]!r} in scene.json, or import again with --{key}"
        )


def find_products(folder: AlcdFolder, date: str) -> list[Path]:
    """Find the L1C products of a date and of the folder's tile.

    Products from before December 2016 hold several tiles and do not name them. The original also looks for dates of
    processing; here only the date of acquisition counts.

    Parameters
    ----------
    folder
        The work folder.
    date
        Date of acquisition as YYYYMMDD.

    Returns
    -------
    list[Path]
        The products, the last processed first.
    """
    root = _configured(folder, "L1C")
    if root is None:
        return []
    for place in (root / (folder.location or ""), root):
        products = [path for path in sorted(place.glob("S2*")) if _is_product(path, date, folder.tile)]
        if products:
            return products[::-1]
    return []


def find_dem(folder: AlcdFolder) -> Path | None:
    """Return the elevation model of the tile: the original's input at 20 m, or else its own at 60 m."""
    inputs, resampled = _configured(folder, "DTM_input"), _configured(folder, "DTM_resized")
    if inputs is not None and folder.tile:
        models = sorted(inputs.glob(f"*{folder.tile}*/*.DBL.DIR/*_ALT_R2.TIF"))
        if models:
            return models[-1]
    if resampled is not None and folder.location and folder.tile:
        resized = resampled / f"{folder.location}_{folder.tile}_DTM_60m.tif"
        return resized if resized.is_file() else None
    return None


def _configured(folder: AlcdFolder, key: str) -> Path | None:
    """Return a path from the original's JSON file of paths, which may be relative to that file."""
    path = folder.paths.section("global_chains_paths").get(key)
    return folder.paths.file.parent / path if isinstance(path, str) and path else None


def _is_product(path: Path, date: str, tile: str | None) -> bool:
    """Return whether a path is named like an L1C product of the date, and of the tile if it names one."""
    sensed, named = _SENSED.fullmatch(path.name), _TILE.search(path.name)
    fits = named is None or tile is None or named[1] == tile
    return bool(sensed and sensed[1] == date and fits and path.suffix in (".SAFE", ".zip"))
