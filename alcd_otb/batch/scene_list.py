"""Find the scene files of a batch: in a list, in a folder, or made from a table of products."""

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alcd_otb.errors import AlcdError, ConfigurationError
from alcd_otb.files.json_file import read_json
from alcd_otb.files.names import is_file_name
from alcd_otb.files.reading import MEGABYTE, UnreadableError, read_limited
from alcd_otb.files.writing import write_json, writing_to
from alcd_otb.settings import strict_model
from alcd_otb.settings.scene_file import SceneFile, load_scene
from alcd_otb.text import did_you_mean, is_one_line, quoted

SCENE_NAME = "scene.json"
"""Name by which scene files are found below a folder."""

_MOST_LIST = 64 * MEGABYTE
_SEPARATOR = ";"
"""Between several clear dates in a cell."""
_OWN_WORKSPACES = "workspaces"
_TEXTS = ("name", "tile")
_COLUMNS = ("name", "cloudy", "stack", "clear", "dem", "samples", "workspace", "tile", "template")
"""Keys of a scene that a table may give."""


def listed_scenes(source: Path) -> list[Path]:
    """List the scene files that a text file or a folder names.

    Parameters
    ----------
    source
        A text file with a path a line, relative to its folder; empty lines and those that begin with ``#`` are left
        out. Or a folder: all ``scene.json`` below it, and what else in itself is a scene.

    Returns
    -------
    list of pathlib.Path
        Absolute paths, in the order of the list or of their names.

    Raises
    ------
    ConfigurationError
        The list cannot be read, or names no scene.
    """
    scenes = sorted(_below(source)) if source.is_dir() else list(_lines(source))
    if not scenes:
        raise ConfigurationError(f"{source}: names no scene; write the path of a scene file into each line")
    for scene in scenes:
        if not is_one_line(str(scene)):
            raise ConfigurationError(f"{quoted(str(scene))}: has a control character in its path; rename it")
    return scenes


def made_scenes(table: Path, template: Path, folder: Path) -> list[Path]:
    """Make scene files from a table of products.

    Parameters
    ----------
    table
        A CSV file, with a scene a row. Its columns are keys of a scene: ``name``, and any of ``cloudy``, ``stack``,
        ``clear`` (several separated by ``;``), ``dem``, ``samples``, ``workspace``, ``tile``, ``template``. Paths are
        relative to the table.
    template
        A scene file whose keys hold where the table has no column, or an empty cell. Its ``workspace`` is the folder of
        all workspaces. Paths are relative to it.
    folder
        The folder of the scene files to make.

    Returns
    -------
    list of pathlib.Path
        Their paths, in the order of the rows.

    Raises
    ------
    ConfigurationError
        The table or the template is wrong. The message names the line.
    ProcessingError
        A file cannot be written.
    """
    common = _absolute(strict_model.read_json(template), template.resolve().parent)
    workspaces = Path(common.pop("workspace", folder.parent / _OWN_WORKSPACES))
    contents: dict[str, dict[str, Any]] = {}
    for line, row in _rows(table):
        name = row.get("name", "")
        if not is_file_name(name):
            raise ConfigurationError(f"{table}: line {line}: {quoted(name)} is not a name; give each row a short name")
        if name in contents:
            raise ConfigurationError(f"{table}: line {line}: the name {name!r} occurs twice; give each row its own")
        own = _absolute(_keys(row), table.resolve().parent)
        content = {**common, "workspace": str(workspaces / name), **own}
        if "cloudy" in own:
            content.pop("stack", None)
        if "stack" in own:
            content.pop("cloudy", None)
        strict_model.validated(SceneFile, content, f"{table}: line {line}")
        contents[name] = content
    if not contents:
        raise ConfigurationError(f"{table}: names no scene; write a scene into each row below the names of the columns")
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            write_json(folder / f"{name}.json", content)
    return [folder / f"{name}.json" for name in contents]


def checked(scenes: list[Path], template: str | None) -> list[str]:
    """Check scenes before they wait in a queue: files and settings, and that each has its own workspace.

    Parameters
    ----------
    scenes
        The scene files.
    template
        A template instead of their own, or None.

    Returns
    -------
    list of str
        What will be refused, a sentence a scene.

    Raises
    ------
    ConfigurationError
        Two scenes have one workspace, or one scene is named twice.
    """
    owners: dict[Path, Path] = {}
    problems = []
    for scene in scenes:
        try:
            config = load_scene(scene, template)
        except AlcdError as error:
            problems.append(str(error))
            continue
        workspace = Path(os.path.realpath(config.workspace))
        if workspace in owners:
            raise ConfigurationError(
                f"{scene}: has the workspace of {owners[workspace]} ({workspace}); name each scene once, and give each "
                "its own workspace"
            )
        owners[workspace] = scene
    return problems


def _lines(source: Path) -> Iterator[Path]:
    base = source.resolve().parent
    for line in _text(source).splitlines():
        path = line.strip()
        if path and not path.startswith("#"):
            yield Path(os.path.abspath(base / path))


def _below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder.resolve()):
        # Products and workspaces hold no scenes.
        folders[:] = [name for name in folders if not name.endswith(".SAFE") and not _is_workspace(Path(parent, name))]
        for name in files:
            file = Path(parent, name)
            if name == SCENE_NAME or (file.parent == folder.resolve() and file.suffix == ".json" and _is_scene(file)):
                yield file


def _is_workspace(folder: Path) -> bool:
    return (folder / "preparation.json").exists() or (folder / "iterations").is_dir()


def _is_scene(file: Path) -> bool:
    try:
        content = read_json(file)
    except UnreadableError:
        return False
    return isinstance(content, dict) and bool({"cloudy", "stack"} & set(content))


def _rows(table: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the number of each line with its cells, without the empty ones."""
    reader = csv.DictReader(io.StringIO(_text(table)), restkey="", strict=True)
    unknown = [name for name in reader.fieldnames or () if name not in _COLUMNS]
    if unknown or "name" not in (reader.fieldnames or ()):
        named = f"has a column {unknown[0]!r}" if unknown else "has no column 'name'"
        raise ConfigurationError(f"{table}: {named}{did_you_mean(unknown[0] if unknown else 'name', _COLUMNS)}")
    try:
        for row in reader:
            if "" in row:
                raise ConfigurationError(f"{table}: line {reader.line_num}: has more cells than there are columns")
            yield reader.line_num, {key: cell.strip() for key, cell in row.items() if cell and cell.strip()}
    except csv.Error as error:
        raise ConfigurationError(f"{table}: line {reader.line_num}: is not CSV ({error})") from error


def _keys(row: dict[str, str]) -> dict[str, Any]:
    content: dict[str, Any] = dict(row)
    if _SEPARATOR in row.get("clear", ""):
        content["clear"] = [path.strip() for path in row["clear"].split(_SEPARATOR) if path.strip()]
    return content


def _absolute(content: dict[str, Any], base: Path) -> dict[str, Any]:
    """Make the paths of a scene absolute, since its file is to lie elsewhere."""

    def joined(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [joined(part) for part in value]
        return os.path.abspath(base / value) if isinstance(value, str) else value

    paths = ("cloudy", "stack", "clear", "dem", "samples", "workspace")
    changed = {key: joined(content[key]) for key in paths if key in content}
    template = content.get("template")
    if isinstance(template, str) and (base / template).is_file():
        changed["template"] = joined(template)
    return {**content, **changed}


def _text(file: Path) -> str:
    try:
        return read_limited(file, _MOST_LIST).decode("utf-8-sig")
    except UnreadableError as error:
        raise ConfigurationError(f"{file}: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file}: is not text in UTF-8; save it as UTF-8") from error
