"""Read a work folder of the original ALCD: the places of its files, its names, its lists and its parameters."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from alcd_otb.errors import ConfigurationError
from alcd_otb.files.json_file import read_json
from alcd_otb.files.names import is_file_name
from alcd_otb.files.reading import MEGABYTE, InaccessibleError, UnreadableError, read_limited
from alcd_otb.text import quoted

MASKS = Path("In_data") / "Masks"
"""Folder of the shapefiles, one for each class."""

NO_DATA_LAYER = "no_data"
"""Name of the shapefile that is not of a class."""

_IMAGES = Path("In_data") / "Image"
_PREVIOUS = "Previous_iterations"
_WITH_TILE = re.compile(r"(?P<location>.+)_(?P<tile>\d{2}[A-Z]{3})_(?P<date>\d{8})")
_WITHOUT_TILE = re.compile(r"(?P<location>.+)_(?P<date>\d{8})")
_BAND_LINE = re.compile(r"\s*B\d+\s*:\s*(.+?)\s*")
_BAND_FILE = re.compile(r"(?:.*_)?T(?P<tile>\d{2}[A-Z]{3})_(?P<date>\d{8})T\d{6}_B\d\d\.\w+")

# Keys that only one kind of the original's JSON files has: the kind is recognised by them, whatever the file's name is.
_GLOBAL_KEYS = frozenset(("training_parameters", "features", "user_choices"))
_PATHS_KEYS = frozenset(("global_chains_paths", "data_paths", "tile_location"))
_MODELS_KEYS = re.compile(r"(rf|svm|libsvm|boost|dt|gbt|ann|knn|bayes)(_otb)?|\w+_scikit")
_Kind = Literal["global", "paths", "models"]


@dataclass(frozen=True)
class OriginalParameters:
    """One of the original's JSON files.

    Attributes
    ----------
    file
        Path of the file, or of the folder that was searched if there is no such file.
    content
        The object in the file; empty if there is no such file.
    """

    file: Path
    content: dict[str, Any] = field(default_factory=dict, hash=False)

    def section(self, *keys: str) -> dict[str, Any]:
        """Return an object within the content.

        Parameters
        ----------
        *keys
            Keys that lead to the object, the outermost first.

        Returns
        -------
        dict[str, Any]
            The object; empty if it is absent.

        Raises
        ------
        ConfigurationError
            If a value that the keys lead to is not an object.
        """
        part: Any = self.content
        for number, key in enumerate(keys, start=1):
            part = part.get(key, {})
            if not isinstance(part, dict):
                raise ConfigurationError(f"{self.file}: {'.'.join(keys[:number])}: {part!r} is not an object")
        return dict(part)

    def __bool__(self) -> bool:
        """Return whether there is anything in the file."""
        return bool(self.content)


@dataclass(frozen=True)
class AlcdFolder:
    """A work folder, and the three JSON files that belong to it.

    Attributes
    ----------
    path
        Path of the folder.
    parameters, paths, models
        The original's global parameters, its paths, and the parameters of its classifiers.
    location
        Name of the place, or None if it is unknown.
    tile
        Name of the tile, such as 31TCJ, or None if it is unknown.
    date, clear_date
        Dates as YYYYMMDD, or None if they are unknown.
    masks
        The shapefiles by name.
    stack_bands
        Bands of the stack that was classified, in the original's own names (B02, NDVI, time_2); empty if its list is
        absent.
    previous
        Folders of the saved iterations, the oldest first.
    doubts
        Contradictions in the folder, one line each.
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
        """Name of the scene: location, tile and date, or the name of the folder."""
        parts = [part for part in (self.location, self.tile, self.date) if part]
        return "_".join(parts) if self.location and self.date else self.path.name


def read_folder(path: Path, more: Sequence[Path] = ()) -> AlcdFolder:
    """Read a work folder of the original.

    Parameters
    ----------
    path
        The work folder.
    more
        JSON files, or folders of them, which are used before those in the folder and beside it.

    Raises
    ------
    ConfigurationError
        If the folder is not a work folder, or a JSON file cannot be read.
    """
    path = path.resolve()
    masks = shapefiles(path / MASKS)
    if not masks:
        raise ConfigurationError(
            f"{path}: is not a work folder of the original ALCD: {MASKS} holds no shapefile; give the folder named "
            "like Arles_31TFJ_20171002"
        )
    parameters, paths, models = _find_parameters(path, more)
    stack = _read_stack_list(path / _IMAGES)
    named = _WITH_TILE.fullmatch(path.name) or _WITHOUT_TILE.fullmatch(path.name)
    by_name = named.groupdict() if named else {}
    choices = parameters.section("user_choices")
    location = by_name.get("location") or _text(choices.get("location"))
    date = by_name.get("date") or stack.date or _date(choices.get("current_date"))
    tile = by_name.get("tile") or stack.tile or _text(choices.get("tile"))
    tile = tile or _text(paths.section("tile_location").get(location or ""))
    if location is not None and not is_file_name(location):
        raise ConfigurationError(
            f"{parameters.file}: user_choices.location is {quoted(location)}, after which no folder can be named; "
            "correct it there"
        )
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
        stack_bands=stack.bands,
        previous=_previous(path / _PREVIOUS),
        doubts=tuple(_doubts(parameters, location, date)),
    )


def shapefiles(folder: Path) -> dict[str, Path]:
    """Return the shapefiles of a folder by name; none if the folder does not exist."""
    return {path.stem: path for path in sorted(folder.glob("*.shp"))} if folder.is_dir() else {}


def masks_of(iteration: Path) -> Path:
    """Return the folder of the shapefiles of a saved iteration. Older versions of ALCD left out a level."""
    return iteration / MASKS if (iteration / MASKS).is_dir() else iteration / MASKS.name


def _previous(folder: Path) -> tuple[Path, ...]:
    """Return the folders of the saved iterations, the oldest first."""
    numbered = {
        int(match[1]): path
        for path in (folder.iterdir() if folder.is_dir() else ())
        if (match := re.fullmatch(r"SAVE_(\d+)", path.name)) and shapefiles(masks_of(path))
    }
    return tuple(numbered[number] for number in sorted(numbered))


def _find_parameters(
    folder: Path, more: Sequence[Path]
) -> tuple[OriginalParameters, OriginalParameters, OriginalParameters]:
    """Return the first file of each kind: global parameters, paths and models."""
    beside = [folder, folder / "In_data", folder / "parameters_files"]
    beside += [folder.parent, folder.parent / "parameters_files"]
    first: dict[_Kind, OriginalParameters] = {}
    for file in _json_files((*more, *beside)):
        content = _read(file, asked_for=file in more)
        kind = _kind(content)
        if kind is not None and kind not in first:
            first[kind] = OriginalParameters(file, content)
        elif kind is None and file in more:
            raise ConfigurationError(
                f"{file}: is not one of the original's JSON files: global, paths or model parameters"
            )
    none = OriginalParameters(folder)
    return first.get("global", none), first.get("paths", none), first.get("models", none)


def _json_files(places: Iterable[Path]) -> Iterable[Path]:
    """Yield the JSON files among paths and in folders."""
    for place in places:
        if place.is_dir():
            yield from sorted(place.glob("*.json"))
        elif place.suffix == ".json":
            yield place


def _read(file: Path, asked_for: bool) -> dict[str, Any]:
    """Read a JSON object. The original's own model_parameters.json has a key twice, of which the last one counts."""
    try:
        content = read_json(file, repeated_keys=True)
    except UnreadableError as error:
        # Beside the work folder there may be JSON of any kind.
        may_be_any = not asked_for and file.parent.name not in ("In_data", "parameters_files")
        if may_be_any and not isinstance(error, InaccessibleError):
            return {}
        raise ConfigurationError(f"{file}: {error}") from error
    return content if isinstance(content, dict) else {}


def read_text(file: Path) -> str:
    """Read one of the original's lists. Bytes that are not UTF-8 are replaced; a byte order mark is skipped.

    Raises
    ------
    ConfigurationError
        If the file cannot be read, or is larger than any list.
    """
    try:
        return read_limited(file, MEGABYTE).decode("utf-8-sig", "replace")
    except UnreadableError as error:
        raise ConfigurationError(f"{file}: {error}") from error


def _kind(content: dict[str, Any]) -> _Kind | None:
    """Return the kind of a JSON file, or None if it is not one of the original's."""
    keys = content.keys()
    if keys & _PATHS_KEYS:
        return "paths"
    if len(keys & _GLOBAL_KEYS) > 1 or {"masks", "user_choices"} <= keys:
        return "global"
    return "models" if any(_MODELS_KEYS.fullmatch(key) for key in keys) else None


class _StackList(NamedTuple):
    """The list of bands beside a stack: their names, and the tile and the date in the names of the products' files."""

    bands: tuple[str, ...] = ()
    tile: str | None = None
    date: str | None = None


def _read_stack_list(images: Path) -> _StackList:
    """Read the list beside the stack that was classified, which is not the stack that was displayed."""
    lists = sorted(path for path in images.glob("*_bands.txt") if not path.name.endswith("_H_bands.txt"))
    if not lists:
        return _StackList()
    lines = read_text(lists[0]).splitlines()
    sources = [Path(match[1]) for line in lines if (match := _BAND_LINE.fullmatch(line))]
    named = [match for source in sources if (match := _BAND_FILE.fullmatch(source.name))]
    bands = tuple(re.sub(r".*_(?=B\d\d$)", "", source.stem) for source in sources)
    return _StackList(bands, named[0]["tile"], named[0]["date"]) if named else _StackList(bands)


def _doubts(parameters: OriginalParameters, location: str | None, date: str | None) -> Iterable[str]:
    """Yield choices that differ from the folder: the original keeps the file of choices, not its command line."""
    choices = parameters.section("user_choices")
    for key, value, used in (
        ("location", _text(choices.get("location")), location),
        ("current_date", _date(choices.get("current_date")), date),
    ):
        if value and used and value != used:
            yield f"{parameters.file}: user_choices.{key} is {value!r}, the folder is of {used!r}, which is used"


def _text(value: Any) -> str | None:
    """Return a text without spaces around it, or None for an empty text or another type."""
    return value.strip() or None if isinstance(value, str) else None


def _date(value: Any) -> str | None:
    """Return YYYYMMDD for 20240305, "20240305" or "2024-03-05", and None for anything else."""
    digits = str(value).replace("-", "")
    return digits if re.fullmatch(r"\d{8}", digits) else None
