"""A work folder of the original ALCD: where its files lie, and what its names, lists and parameters say."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alcd_otb.errors import ConfigurationError

MASKS = Path("In_data") / "Masks"
"""Folder of the shapefiles, one a class."""

NO_DATA_LAYER = "no_data"
"""The shapefile that is no class."""

_IMAGES = Path("In_data") / "Image"
_PREVIOUS = "Previous_iterations"
_WITH_TILE = re.compile(r"(?P<location>.+)_(?P<tile>\d{2}[A-Z]{3})_(?P<date>\d{8})")
_WITHOUT_TILE = re.compile(r"(?P<location>.+)_(?P<date>\d{8})")
_BAND_LINE = re.compile(r"\s*B\d+\s*:\s*(.+?)\s*")
_BAND_FILE = re.compile(r"(?:.*_)?T(?P<tile>\d{2}[A-Z]{3})_(?P<date>\d{8})T\d{6}_B\d\d\.\w+")

# What tells the original's JSON files apart, whatever they are called: keys that only one of them has.
_GLOBAL_KEYS = frozenset(("training_parameters", "features", "user_choices"))
_PATHS_KEYS = frozenset(("global_chains_paths", "data_paths", "tile_location"))
_MODELS_KEYS = re.compile(r"(rf|svm|libsvm|boost|dt|gbt|ann|knn|bayes)(_otb)?|\w+_scikit")


@dataclass(frozen=True)
class OriginalParameters:
    """One of the original's JSON files. file: where it lies; a folder looked through, where there is none."""

    file: Path
    content: dict[str, Any] = field(default_factory=dict, hash=False)

    def section(self, *keys: str) -> dict[str, Any]:
        """An object in it; empty where it is absent. Raises ConfigurationError where it is no object."""
        part: Any = self.content
        for number, key in enumerate(keys, start=1):
            part = part.get(key, {})
            if not isinstance(part, dict):
                raise ConfigurationError(f"{self.file}: {'.'.join(keys[:number])}: {part!r} is not an object")
        return dict(part)

    def __bool__(self) -> bool:
        return bool(self.content)


@dataclass(frozen=True)
class AlcdFolder:
    """A work folder, and the three JSON files that go with it.

    tile: such as 31TCJ, date and clear_date: YYYYMMDD; None where nothing tells them. masks: the shapefiles by name.
    stack_bands: of the stack that was classified, in the original's own names (B02, NDVI, time_2); empty where its
    list is absent. previous: the folders of the iterations saved, oldest first. doubts: what does not fit together.
    """

    path: Path
    parameters: OriginalParameters
    paths: OriginalParameters
    models: OriginalParameters
    location: str | None
    tile: str | None
    date: str | None
    clear_date: str | None
    masks: dict[str, Path] = field(hash=False)
    stack_bands: tuple[str, ...]
    previous: tuple[Path, ...]
    doubts: tuple[str, ...]

    @property
    def name(self) -> str:
        parts = [part for part in (self.location, self.tile, self.date) if part]
        return "_".join(parts) if self.location and self.date else self.path.name


def read_folder(path: Path, more: Sequence[Path] = ()) -> AlcdFolder:
    """Look through a work folder of the original.

    more: JSON files, or folders that hold them, taken before those found in the folder and beside it.

    Raises ConfigurationError where it is no work folder, or a JSON file is none.
    """
    path = path.resolve()
    masks = shapefiles(path / MASKS)
    if not masks:
        raise ConfigurationError(
            f"{path}: is no work folder of the original ALCD: {MASKS} holds no shapefile; give the folder named like "
            "Arles_31TFJ_20171002"
        )
    parameters, paths, models = _find_parameters(path, more)
    bands, tile_of_bands, date_of_bands = _stack_bands(path / _IMAGES)
    named = _WITH_TILE.fullmatch(path.name) or _WITHOUT_TILE.fullmatch(path.name)
    by_name = named.groupdict() if named else {}
    choices = parameters.section("user_choices")
    location = by_name.get("location") or _text(choices.get("location"))
    date = by_name.get("date") or date_of_bands or _date(choices.get("current_date"))
    tile = by_name.get("tile") or tile_of_bands or _text(choices.get("tile"))
    tile = tile or _text(paths.section("tile_location").get(location or ""))
    return AlcdFolder(
        path=path,
        parameters=parameters,
        paths=paths,
        models=models,
        location=location,
        tile=tile.upper().removeprefix("T") if tile else None,
        date=date,
        clear_date=_date(choices.get("clear_date")),
        masks=masks,
        stack_bands=bands,
        previous=_previous(path / _PREVIOUS),
        doubts=tuple(_doubts(parameters, location, date)),
    )


def shapefiles(folder: Path) -> dict[str, Path]:
    """The shapefiles of a folder by name; none where there is no folder."""
    return {path.stem: path for path in sorted(folder.glob("*.shp"))} if folder.is_dir() else {}


def masks_of(iteration: Path) -> Path:
    """The folder of the shapefiles of an iteration saved; older versions left out a level."""
    return iteration / MASKS if (iteration / MASKS).is_dir() else iteration / MASKS.name


def _previous(folder: Path) -> tuple[Path, ...]:
    numbered = {
        int(match[1]): path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := re.fullmatch(r"SAVE_(\d+)", path.name)) and shapefiles(masks_of(path))
    }
    return tuple(numbered[number] for number in sorted(numbered))


def _find_parameters(
    folder: Path, more: Sequence[Path]
) -> tuple[OriginalParameters, OriginalParameters, OriginalParameters]:
    """(global, paths, models): of each the first found."""
    beside = [folder, folder / "In_data", folder / "parameters_files"]
    beside += [folder.parent, folder.parent / "parameters_files"]
    found: list[OriginalParameters | None] = [None, None, None]
    for file in _json_files((*more, *beside)):
        content = _read(file, asked_for=file in more)
        kind = _kind(content)
        if kind is not None and found[kind] is None:
            found[kind] = OriginalParameters(file, content)
        elif kind is None and file in more:
            raise ConfigurationError(f"{file}: is none of the original's JSON files: global, paths or model parameters")
    parameters, paths, models = (one or OriginalParameters(folder) for one in found)
    return parameters, paths, models


def _json_files(places: Iterable[Path]) -> Iterable[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(place.glob("*.json"))
        elif place.suffix == ".json":
            yield place


def _read(file: Path, asked_for: bool) -> dict[str, Any]:
    """A JSON object; the original's own model_parameters.json has a key twice, of which the last counts."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        # Beside the work folder there may be JSON of any kind.
        if not asked_for and file.parent.name not in ("In_data", "parameters_files"):
            return {}
        raise ConfigurationError(f"{file}: is not valid JSON ({error})") from error
    return content if isinstance(content, dict) else {}


def _kind(content: dict[str, Any]) -> int | None:
    keys = content.keys()
    if keys & _PATHS_KEYS:
        return 1
    if len(keys & _GLOBAL_KEYS) > 1 or {"masks", "user_choices"} <= keys:
        return 0
    return 2 if any(_MODELS_KEYS.fullmatch(key) for key in keys) else None


def _stack_bands(images: Path) -> tuple[tuple[str, ...], str | None, str | None]:
    """(names, tile, date) by the list beside the stack that was classified; not the one that was looked at."""
    lists = sorted(path for path in images.glob("*_bands.txt") if not path.name.endswith("_H_bands.txt"))
    if not lists:
        return (), None, None
    lines = lists[0].read_text(encoding="utf-8", errors="replace").splitlines()
    sources = [Path(match[1]) for line in lines if (match := _BAND_LINE.fullmatch(line))]
    named = [match for source in sources if (match := _BAND_FILE.fullmatch(source.name))]
    bands = tuple(re.sub(r".*_(?=B\d\d$)", "", source.stem) for source in sources)
    return (bands, named[0]["tile"], named[0]["date"]) if named else (bands, None, None)


def _doubts(parameters: OriginalParameters, location: str | None, date: str | None) -> Iterable[str]:
    """The original keeps the file that it was given, not what was asked for on the command line."""
    choices = parameters.section("user_choices")
    for key, value, used in (
        ("location", _text(choices.get("location")), location),
        ("current_date", _date(choices.get("current_date")), date),
    ):
        if value and used and value != used:
            yield f"{parameters.file}: user_choices.{key} is {value!r}, the folder is of {used!r}, which is taken"


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _date(value: Any) -> str | None:
    """YYYYMMDD of 20240305, "20240305" or "2024-03-05"."""
    digits = str(value).replace("-", "")
    return digits if re.fullmatch(r"\d{8}", digits) else None
