"""The L1C products and the elevation model that a work folder was made from, where its paths still lead to them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from alcd_otb.original_alcd.folder import AlcdFolder

_SENSED = re.compile(r"S2\w_(?:MSIL1C_|OPER_PRD_MSIL1C_\w+_V)(\d{8})T\d{6}_.*")
_TILE = re.compile(r"_T(\d{2}[A-Z]{3})_")


@dataclass
class FoundProducts:
    """What a scene is made from, as keys of scene.json. missing: those whose file is not there. notes: what to tell."""

    keys: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def find_inputs(folder: AlcdFolder, needs_clear: bool, given: Mapping[str, Path | None]) -> FoundProducts:
    """The products of both dates: those given, else those that the paths lead to, else a path to be corrected.

    needs_clear: whether the features do; else a clear date that is not found is left out. given: by key, with the
    elevation model.
    """
    inputs = FoundProducts()
    _add_product(inputs, "cloudy", folder.date, folder, given["cloudy"], True)
    if given["clear"] is None and folder.clear_date is not None and folder.clear_date == folder.date:
        inputs.notes.append(
            "user_choices.clear_date: is the cloudy date; the scene is of a single date, without 'clear'"
        )
    else:
        _add_product(inputs, "clear", folder.clear_date, folder, given["clear"], needs_clear)
    dem = given["dem"]
    if dem is not None:
        inputs.keys["dem"] = str(dem.resolve())
    return inputs


def _add_product(
    inputs: FoundProducts, key: str, date: str | None, folder: AlcdFolder, given: Path | None, is_needed: bool
) -> None:
    found = [given] if given is not None else find_products(folder, date) if date else []
    if len(found) > 1:
        inputs.notes.append(
            f"{key}: {len(found)} products are of {date}; {found[0].name}, the last processed, is taken"
        )
    if found:
        inputs.keys[key] = str(found[0].resolve())
        if key == "cloudy" and folder.tile and _TILE.search(found[0].name) is None and given is None:
            inputs.keys["tile"] = folder.tile
    elif is_needed:
        inputs.missing.append(key)
        inputs.keys[key] = f"L1C/{key}_{date or 'date'}.SAFE"
        root = _configured(folder, "L1C")
        place = f"in {root}" if root else "known, since no JSON of the original's paths is"
        inputs.notes.append(
            f"{key}: no L1C product of {date or 'an unknown date'} is {place}; write its path instead of "
            f"{inputs.keys[key]!r} in scene.json, or import again with --{key}"
        )


def find_products(folder: AlcdFolder, date: str) -> list[Path]:
    """The L1C products of a date and of the folder's tile; of one processed several times, the latest first.

    Products of before December 2016 hold several tiles, and do not name them. The original's lookup takes dates of
    processing as well; these are dates of acquisition.
    """
    root = _configured(folder, "L1C")
    if root is None:
        return []
    for place in (root / (folder.location or ""), root):
        found = [path for path in sorted(place.glob("S2*")) if _is_product(path, date, folder.tile)]
        if found:
            return found[::-1]
    return []


def find_dem(folder: AlcdFolder) -> Path | None:
    """The elevation model of the tile: the original's input at 20 m, or what it has made of it at 60 m."""
    given, made = _configured(folder, "DTM_input"), _configured(folder, "DTM_resized")
    if given is not None and folder.tile:
        found = sorted(given.glob(f"*{folder.tile}*/*.DBL.DIR/*_ALT_R2.TIF"))
        if found:
            return found[-1]
    if made is not None and folder.location and folder.tile:
        resized = made / f"{folder.location}_{folder.tile}_DTM_60m.tif"
        return resized if resized.is_file() else None
    return None


def _configured(folder: AlcdFolder, key: str) -> Path | None:
    path = folder.paths.section("global_chains_paths").get(key)
    return folder.paths.file.parent / path if isinstance(path, str) and path else None


def _is_product(path: Path, date: str, tile: str | None) -> bool:
    sensed, named = _SENSED.fullmatch(path.name), _TILE.search(path.name)
    fits = named is None or tile is None or named[1] == tile
    return bool(sensed and sensed[1] == date and fits and path.suffix in (".SAFE", ".zip"))
